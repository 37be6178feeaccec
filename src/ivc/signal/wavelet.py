"""The CDF 9/7 wavelet by lifting, in place, on planes of any size from 1x1.

One level turns a plane into four interleaved bands, each coefficient at the place it describes:

    C H C H …      C  coarse picture, both directions low; twice the pixels' range
    V D V D …      H  high along rows: vertical edges       (``plane[0::2, 1::2]``)
    C H C H …      V  high along columns: horizontal edges  (``plane[1::2, 0::2]``)
                   D  high along both                       (``plane[1::2, 1::2]``)

Samples beyond the ends are mirrored about the end (whole-sample symmetry), so odd sizes need no
padding. The gains make the transform nearly orthonormal: an error of coefficients is an error of
pixels. Floating point: nothing that decides a bit of a stream may depend on the result.

Source: Daubechies and Sweldens, "Factoring Wavelet Transforms into Lifting Steps", 1998; the filter
is the irreversible one of JPEG 2000 (ITU-T T.800, annex F), with other gains.
"""

from __future__ import annotations

import numpy as np
from numba import njit

LIFTING = (-1.586134342059924, -0.052980118572961, 0.882911075530934, 0.443506852043971)
"""Weights of the two predict and the two update steps in turn."""
LOW_GAIN = 1.149604398860241
"""Gain of low-pass coefficients after lifting; that of high-pass ones is its inverse."""
_SQRT2 = 1.4142135623730951


@njit(cache=True, nogil=True)
def _lift_rows(plane, parity, weight):
    """Add ``weight`` times both vertical neighbours to the rows of a parity."""
    height, width = plane.shape
    w = np.float32(weight)
    for y in range(parity, height, 2):
        above = y - 1 if y > 0 else 1
        below = y + 1 if y + 1 < height else y - 1
        for x in range(width):
            plane[y, x] += w * (plane[above, x] + plane[below, x])


@njit(cache=True, nogil=True)
def _lift_columns(row, parity, weight):
    """Add ``weight`` times both horizontal neighbours to the samples of a parity."""
    width = row.shape[0]
    w = np.float32(weight)
    if parity == 0:
        row[0] += w * (row[1] + row[1])
        start = 2
    else:
        start = 1
    for x in range(start, width - 1, 2):
        row[x] += w * (row[x - 1] + row[x + 1])
    if (width - 1) % 2 == parity:
        row[width - 1] += w * (row[width - 2] + row[width - 2])


@njit(cache=True, nogil=True)
def forward_vertical(plane):
    """One level along columns only, in place.

    Args:
        plane: (H, W) float32, rows contiguous.
    """
    height, width = plane.shape
    if height == 1:
        plane[0] *= np.float32(_SQRT2)
        return
    for i in range(4):
        _lift_rows(plane, 1 - i % 2, LIFTING[i])
    low, high = np.float32(LOW_GAIN), np.float32(1 / LOW_GAIN)
    for y in range(height):
        gain = high if y % 2 else low
        for x in range(width):
            plane[y, x] *= gain


@njit(cache=True, nogil=True)
def inverse_vertical(plane):
    """Undo ``forward_vertical``, in place."""
    height, width = plane.shape
    if height == 1:
        plane[0] *= np.float32(1 / _SQRT2)
        return
    low, high = np.float32(1 / LOW_GAIN), np.float32(LOW_GAIN)
    for y in range(height):
        gain = high if y % 2 else low
        for x in range(width):
            plane[y, x] *= gain
    for i in range(3, -1, -1):
        _lift_rows(plane, 1 - i % 2, -LIFTING[i])


@njit(cache=True, nogil=True)
def forward_horizontal(plane):
    """One level along rows only, in place; see ``forward_vertical``."""
    height, width = plane.shape
    if width == 1:
        plane *= np.float32(_SQRT2)
        return
    low, high = np.float32(LOW_GAIN), np.float32(1 / LOW_GAIN)
    for y in range(height):
        row = plane[y]
        for i in range(4):
            _lift_columns(row, 1 - i % 2, LIFTING[i])
        for x in range(width):
            row[x] *= high if x % 2 else low


@njit(cache=True, nogil=True)
def inverse_horizontal(plane):
    """Undo ``forward_horizontal``, in place."""
    height, width = plane.shape
    if width == 1:
        plane *= np.float32(1 / _SQRT2)
        return
    low, high = np.float32(1 / LOW_GAIN), np.float32(LOW_GAIN)
    for y in range(height):
        row = plane[y]
        for x in range(width):
            row[x] *= high if x % 2 else low
        for i in range(3, -1, -1):
            _lift_columns(row, 1 - i % 2, -LIFTING[i])


@njit(cache=True, nogil=True)
def forward(plane):
    """One level in place.

    Args:
        plane: (H, W) float32, contiguous; becomes the four interleaved bands.
    """
    forward_horizontal(plane)
    forward_vertical(plane)


@njit(cache=True, nogil=True)
def inverse(plane):
    """Undo ``forward``, in place."""
    inverse_vertical(plane)
    inverse_horizontal(plane)
