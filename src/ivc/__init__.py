"""ivc: an intelligent video codec. One package, one file format, one command.

Importing this module is cheap: what it offers is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    "encode": "ivc.api",
    "decode": "ivc.api",
    "open": "ivc.api",
    "Frames": "ivc.types",
    "Segment": "ivc.types",
    "PixelFormat": "ivc.types",
    "Colour": "ivc.types",
    "Layout": "ivc.types",
    "Layer": "ivc.types",
    "IvcError": "ivc.errors",
}

__all__ = ["__version__", *_PUBLIC]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'ivc' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
