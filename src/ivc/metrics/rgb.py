"""Red, green and blue for the metrics that were made for pictures as screens show them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ivc.errors import UsageError
from ivc.types import Frames, Layout

if TYPE_CHECKING:
    from ivc.types import Plane


def rgb_planes(metric: str, frames: Frames, index: int) -> list[Plane]:
    """R, G and B of one frame, shape (H, W) each, in 0..2**depth - 1; gray is all three of them.

    YUV is not converted: which matrix, range and chroma filter are right is not for a metric to
    guess, and its figure depends on them.

    Raises:
        UsageError: for YUV, in the name of ``metric``.
    """
    layout = frames.format.layout
    if layout is Layout.GRAY:
        return [frames.planes[0][index]] * 3
    if layout is not Layout.RGB:
        raise UsageError(
            f"{metric} compares RGB pictures, not {frames.format}: convert both to RGB first"
        )
    return [plane[index] for plane in frames.planes[:3]]
