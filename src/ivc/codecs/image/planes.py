"""Pictures as the wavelet sees them: three float planes in 8-bit units, and how they are sampled.

RGB becomes luma (R + G + B) / 3 and the opponent axes R - B and 2 G - R - B, scaled such that an
error of one unit in any plane adds the same squared error in RGB (``ivc.signal.colour`` has the
integer version). YUV planes are taken as they are, less the middle of chroma.

Subsampled chroma is a plane that the wavelet has split already: at 4:2:0 it takes the place of the
coarse picture of level 1, at 4:2:2 it lacks the horizontal half of that level. What is missing is
zero and costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from ivc.codecs.image.constants import DIAGONAL, HORIZONTAL, LEVELS, VERTICAL
from ivc.types import Layout, PixelFormat

Float32 = npt.NDArray[np.float32]

_SQRT6, _SQRT18 = 6.0**-0.5, 18.0**-0.5
TO_OPPONENT = np.array(
    [[1 / 3, 1 / 3, 1 / 3], [_SQRT6, 0, -_SQRT6], [-_SQRT18, 2 * _SQRT18, -_SQRT18]]
)
"""Rows: luma, red against blue, green against both."""
FROM_OPPONENT = np.linalg.inv(TO_OPPONENT)


@dataclass(frozen=True)
class Geometry:
    """Sizes of everything in a picture of a layout.

    Attributes:
        layout: of the picture.
        width: luma samples.
        height: luma samples.
    """

    layout: Layout
    width: int
    height: int

    @property
    def planes(self) -> int:
        """Colour planes: 1 or 3."""
        return self.layout.planes

    def size(self, level: int) -> tuple[int, int]:
        """(H, W) of the coarse picture of a level; level 0 is the picture itself."""
        return -(-self.height >> level), -(-self.width >> level)

    def present(self, level: int, plane: int, band: int) -> bool:
        """Whether a band of a level exists and is coded."""
        if plane == 0 or self.layout in (Layout.YUV444, Layout.RGB) or level > 1:
            return plane < self.planes
        return self.layout is Layout.YUV422 and band == VERTICAL

    def band_size(self, level: int, band: int) -> tuple[int, int]:
        """(H, W) of a band of details: that of the high half of the picture above it."""
        height, width = self.size(level - 1)
        rows = height // 2 if band in (VERTICAL, DIAGONAL) else -(-height // 2)
        columns = width // 2 if band in (HORIZONTAL, DIAGONAL) else -(-width // 2)
        return rows, columns

    def levels(self) -> range:
        """All levels, from the coarsest to the finest."""
        return range(LEVELS, 0, -1)


@njit(cache=True, nogil=True)
def _mix(first, second, third, weights, scale, offset, out):
    height, width = out.shape
    a, b, c = (
        np.float32(weights[0] * scale),
        np.float32(weights[1] * scale),
        np.float32(weights[2] * scale),
    )
    o = np.float32(offset)
    for y in range(height):
        for x in range(width):
            out[y, x] = (
                a * np.float32(first[y, x])
                + b * np.float32(second[y, x])
                + c * np.float32(third[y, x])
                + o
            )


@njit(cache=True, nogil=True)
def _load(source, scale, offset, out):
    height, width = out.shape
    s, o = np.float32(scale), np.float32(offset)
    for y in range(height):
        for x in range(width):
            out[y, x] = s * np.float32(source[y, x]) + o


@njit(cache=True, nogil=True)
def _store(plane, scale, offset, maximum, out):
    height, width = out.shape
    s, o = np.float32(scale), np.float32(offset)
    for y in range(height):
        for x in range(width):
            value = np.floor(s * plane[y, x] + o)
            out[y, x] = min(max(value, np.float32(0)), np.float32(maximum))


@njit(cache=True, nogil=True)
def _unmix(first, second, third, weights, scale, maximum, out):
    height, width = out.shape
    a, b, c = (
        np.float32(weights[0] * scale),
        np.float32(weights[1] * scale),
        np.float32(weights[2] * scale),
    )
    half = np.float32(0.5)
    for y in range(height):
        for x in range(width):
            value = np.floor(a * first[y, x] + b * second[y, x] + c * third[y, x] + half)
            out[y, x] = min(max(value, np.float32(0)), np.float32(maximum))


def from_samples(source: list[np.ndarray], pixel_format: PixelFormat) -> list[Float32]:
    """Colour planes of a picture in 8-bit units.

    Args:
        source: the colour planes, (H, W) unsigned each; chroma as it is sampled.
        pixel_format: what they mean.

    Returns:
        One or three float32 planes of the same sizes.
    """
    scale = 2.0 ** (8 - pixel_format.depth)
    if pixel_format.layout is Layout.RGB:
        planes = []
        for row in TO_OPPONENT:
            out = np.empty(source[0].shape, np.float32)
            _mix(*source[:3], row, scale, 0.0, out)
            planes.append(out)
        return planes
    planes = []
    for i in range(pixel_format.layout.planes):
        out = np.empty(source[i].shape, np.float32)
        _load(source[i], scale, -128.0 if i else 0.0, out)
        planes.append(out)
    return planes


def to_samples(
    planes: list[Float32], pixel_format: PixelFormat, target: list[np.ndarray], scale: float = 1.0
) -> None:
    """Undo ``from_samples``: round, clip and write.

    Args:
        planes: one or three float32 planes.
        pixel_format: what to write.
        target: (H, W) unsigned, written; of the same sizes as the planes.
        scale: what to multiply the planes by first.
    """
    unit = 2.0 ** (pixel_format.depth - 8)
    top = pixel_format.max_value
    if pixel_format.layout is Layout.RGB:
        for row, out in zip(FROM_OPPONENT, target, strict=False):
            _unmix(*planes, row, unit * scale, top, out)
        return
    for i, plane in enumerate(planes):
        _store(plane, unit * scale, 0.5 + (128.0 * unit if i else 0.0), top, target[i])
