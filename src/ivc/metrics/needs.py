"""Packages of the extras, imported when a metric is asked for and not before."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType

from ivc.errors import UsageError


def require(metric: str, extra: str, *modules: str) -> list[ModuleType]:
    """Import modules; what is missing is found out before the first of them is loaded.

    Raises:
        UsageError: when one of them is not installed, or does not load.
    """
    for name in modules:
        if name not in sys.modules and importlib.util.find_spec(name) is None:
            raise UsageError(
                f"{metric} needs the package {name}, which is not installed: "
                f"pip install 'ivc[{extra}]'"
            )
    try:
        return [importlib.import_module(name) for name in modules]
    # Compiled packages that do not fit each other raise whatever they like.
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UsageError(
            f"{metric} needs {', '.join(modules)}, which do not load: {reason}"
        ) from error
