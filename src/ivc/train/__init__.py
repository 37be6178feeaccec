"""Training: data, recipes, loops and export. Needs the extra ``train``.

    import ivc.train
    result = ivc.train.run("recipes/image.toml", data=["photos"], out="training/mine")

A recipe names a codec; this module finds what trains it. Importing it loads no PyTorch.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from ivc.errors import UnsupportedError, UsageError

if TYPE_CHECKING:
    from ivc.train.outcome import Outcome, Watch

__all__ = ["run"]

_TRAINERS = {"image": "ivc.train.image.training"}
"""For each codec the module whose ``train(recipe, …)`` trains its recipe, a ``RECIPE``."""


def run(
    recipe: str | os.PathLike[str],
    *,
    data: Sequence[str | os.PathLike[str]] = (),
    out: str | os.PathLike[str] | None = None,
    settings: Mapping[str, str] | None = None,
    hours: float | None = None,
    export: str | os.PathLike[str] | None = None,
    watch: Watch | None = None,
) -> Outcome:
    """Train what a recipe describes, or go on from the last checkpoint in ``out``.

    Args:
        recipe: a TOML file; see docs/training.md.
        data: folders of pictures, in place of the recipe's ``data.folders``.
        out: where checkpoints, logs and plots go, in place of the recipe's ``out``.
        settings: further keys of the recipe and their values, as typed: ``{"entropy.batch": "8"}``.
        hours: length of the whole training, split among the stages as the recipe has it.
        export: write the trained model into this folder.
        watch: called after every step and evaluation.

    Returns:
        where everything is and how good it became.

    Raises:
        UsageError: for a recipe, key or folder that cannot be.
        UnsupportedError: without PyTorch.
        KeyboardInterrupt: after Ctrl-C, once a checkpoint is written.
    """
    from ivc.train import recipe as recipes

    try:
        import torch  # noqa: F401
    except ImportError:
        raise UnsupportedError("training needs PyTorch: pip install 'ivc[train]'") from None
    table = recipes.read(recipe)
    recipes.override(table, settings or {})
    codec = table.pop("codec", None)
    if not isinstance(codec, str) or codec not in _TRAINERS:
        raise UsageError(f"{recipe}: codec must be one of {', '.join(sorted(_TRAINERS))}")
    if data:
        table.setdefault("data", {})["folders"] = [os.fspath(folder) for folder in data]
    if out is not None:
        table["out"] = os.fspath(out)
    trainer = import_module(_TRAINERS[codec])
    plan = recipes.build(table, trainer.RECIPE, os.fspath(recipe))
    if not plan.out:
        plan = dataclasses.replace(plan, out=recipes.default_out(recipe))
    if hours is not None:
        plan = plan.lasting(hours)
    outcome: Outcome = trainer.train(plan, source=os.fspath(recipe), export=export, watch=watch)
    return outcome
