"""Prediction of an 8x8 block from its decoded neighbours.

    corner  above[0..7]  above right[0..7]
    left[0]  . . . . . . . .
      ...    . the block  .
    left[7]  . . . . . . . .

Twelve modes: mean, planar, gradient, and nine directions. A direction copies the border along a
line whose slope is given in 1/32 sample a row (or a column), with linear interpolation between
border samples, as the directional prediction of ITU-T H.265 (clause 8.4.4.2.6) does.
"""

from __future__ import annotations

import numpy as np
from numba import njit

MEAN, PLANAR, GRADIENT = 0, 1, 2
FIRST_DIRECTION = 3
MODES = 12

# Slope of modes 3.. in 1/32 sample; the first six run along columns, the others along rows.
_SLOPES = np.array([0, -9, -21, -32, 11, 26, 0, -9, -21], np.int64)
_COLUMN_DIRECTIONS = 6


@njit(cache=True, nogil=True, inline="never")
def gather_border(plane, y0, x0, neutral, border):
    """Collect the decoded samples around a block.

    Samples that do not exist are replaced by their nearest existing neighbour on the border, or by
    ``neutral`` where there is none.

    Args:
        plane: (H, W) int32, H and W multiples of 8; decoded in raster order of blocks.
        y0: top row of the block.
        x0: left column of the block.
        neutral: value for a block without any neighbours.
        border: (25,) int32, written: left[7]..left[0], corner, above[0]..above[15].
    """
    width = plane.shape[1]
    if y0 == 0 and x0 == 0:
        border[:] = neutral
        return
    if x0 > 0:
        for i in range(8):
            border[7 - i] = plane[y0 + i, x0 - 1]
    else:
        border[:8] = plane[y0 - 1, x0]
    if y0 > 0:
        border[8] = plane[y0 - 1, x0 - 1] if x0 > 0 else plane[y0 - 1, x0]
        for i in range(8):
            border[9 + i] = plane[y0 - 1, x0 + i]
        if x0 + 8 < width:
            for i in range(8):
                border[17 + i] = plane[y0 - 1, x0 + 8 + i]
        else:
            border[17:] = plane[y0 - 1, x0 + 7]
    else:
        border[8:] = plane[y0, x0 - 1]


@njit(cache=True, nogil=True, inline="never")
def predict_block(border, mode, block):
    """Predict a block from its border.

    Args:
        border: (25,) int32 from ``gather_border``.
        mode: 0 to ``MODES`` - 1.
        block: (64,) int32, written, raster order.
    """
    if mode == MEAN:
        total = np.int64(8)
        for i in range(8):
            total += border[i] + border[9 + i]
        block[:] = total >> 4
    elif mode == PLANAR:
        right, below = np.int64(border[17]), np.int64(border[0])
        for y in range(8):
            left = np.int64(border[7 - y])
            for x in range(8):
                above = np.int64(border[9 + x])
                horizontal = (7 - x) * left + (x + 1) * right
                vertical = (7 - y) * above + (y + 1) * below
                block[8 * y + x] = (horizontal + vertical + 8) >> 4
    elif mode == GRADIENT:
        corner = border[8]
        for y in range(8):
            left = border[7 - y]
            for x in range(8):
                above = border[9 + x]
                low, high = min(left, above), max(left, above)
                block[8 * y + x] = min(max(left + above - corner, low), high)
    else:
        _predict_direction(border, mode - FIRST_DIRECTION, block)


@njit(cache=True, nogil=True, inline="never")
def _predict_direction(border, direction, block):
    slope = _SLOPES[direction]
    along_columns = direction < _COLUMN_DIRECTIONS
    # reference[8] is the corner; the side that the lines leave from follows, the other precedes.
    reference = np.empty(26, np.int64)
    reference[25] = border[24]
    for i in range(25):
        reference[i] = border[i]
    if not along_columns:
        for i in range(17):
            reference[i] = border[16 - i]
    if slope < 0:
        # Project the other side onto the extension of this one.
        projected = np.empty(9, np.int64)
        for i in range(1, 9):
            projected[i] = reference[8 - min((i * 32 + (-slope >> 1)) // -slope, 8)]
        for i in range(1, 9):
            reference[8 - i] = projected[i]
    for i in range(8):
        offset = (i + 1) * slope
        whole, fraction = offset >> 5, offset & 31
        for j in range(8):
            a, b = reference[9 + j + whole], reference[10 + j + whole]
            value = ((32 - fraction) * a + fraction * b + 16) >> 5
            if along_columns:
                block[8 * i + j] = value
            else:
                block[8 * j + i] = value
