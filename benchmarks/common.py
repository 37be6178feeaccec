"""What scripts of this folder share: pictures, tables, and versions for their JSON."""

from __future__ import annotations

import math
import platform
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ivc.bench.runner import machine
from ivc.metrics import measure
from ivc.types import Frames, Layout, PixelFormat

Picture = np.ndarray  # (H, W, 3) uint8


def files(inputs: Sequence[Path]) -> list[Path]:
    """The given pictures, and the PNG files of given folders."""
    found: list[Path] = []
    for item in inputs:
        found += sorted(item.glob("*.png")) if item.is_dir() else [item]
    return found


def load(path: Path) -> Picture:
    """A picture file as R, G and B."""
    return np.asarray(Image.open(path).convert("RGB"))


def frames(picture: Picture) -> Frames:
    """A picture as frames."""
    planes = [np.ascontiguousarray(picture[None, :, :, channel]) for channel in range(3)]
    return Frames(planes, PixelFormat(Layout.RGB))


def psnr(original: Picture, decoded: Picture) -> float:
    """PSNR-RGB in dB, of the mean squared error of all samples."""
    return measure("psnr", frames(original), frames(decoded))


def environment(*packages: str) -> dict[str, str]:
    """Versions of Python and of packages, and what machine this is, for the JSON of a result."""
    return {
        "python": platform.python_version(),
        "machine": machine(),
        **{name: metadata.version(name) for name in packages},
    }


def without_nan(value: Any) -> Any:
    """The same data with null for what is not finite, which JSON cannot say."""
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def percent(value: float | None) -> str:
    """A cell of a table; empty for a figure that there is not."""
    return "" if value is None or math.isnan(value) else f"{value:+.1f} %"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
