"""Luma and colour differences of a strip of rows, in floating point.

Metrics read pictures strip by strip, so that a 33 megapixel still needs no second copy of itself.
RGB becomes Y'CbCr by BT.601 (0.299, 0.587, 0.114), unrounded and full range: the conversion of JPEG
files and of the usual ``rgb2gray``, whatever the primaries of the picture, so that figures compare
with published ones.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from ivc.types import Frames, Layout

KR, KG, KB = 0.299, 0.587, 0.114
STRIP_SAMPLES = 1 << 20
"""Samples of a plane that are held in floating point at a time, about."""


def strips(height: int, width: int, overlap: int = 0) -> Iterator[tuple[int, int]]:
    """Row ranges (start, stop) whose inner ``stop - start - overlap`` rows tile the picture.

    Each range but the first starts ``overlap`` rows before its predecessor ends, as a filter of
    ``overlap + 1`` taps without padding needs it.
    """
    step = max(16, STRIP_SAMPLES // width)
    for start in range(0, max(height - overlap, 1), step):
        yield start, min(start + step + overlap, height)


def luma_rows(frames: Frames, index: int, start: int, stop: int) -> npt.NDArray[np.float64]:
    """Luma of rows ``start`` to ``stop`` of one frame, shape (stop - start, W)."""
    planes = [plane[index, start:stop] for plane in frames.planes]
    if frames.format.layout is not Layout.RGB:
        return planes[0].astype(np.float64)
    luma: npt.NDArray[np.float64] = planes[0] * np.float64(KR)
    luma += planes[1] * KG
    luma += planes[2] * KB
    return luma


def ycbcr_error_rows(
    reference: Frames, test: Frames, index: int, start: int, stop: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Differences of Y, Cb and Cr of rows of one RGB frame, shape (stop - start, W) each."""
    red, green, blue = (
        a[index, start:stop].astype(np.float64) - b[index, start:stop]
        for a, b in zip(reference.planes[:3], test.planes[:3], strict=True)
    )
    luma = KR * red + KG * green + KB * blue
    return luma, (blue - luma) / (2 * (1 - KB)), (red - luma) / (2 * (1 - KR))
