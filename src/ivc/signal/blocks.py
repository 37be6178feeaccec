"""Planes on a grid of 8x8 blocks: padding to whole blocks, fraction bits, halving and doubling."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def load_plane(samples, shape, fraction_bits, out):
    """Copy a plane to a larger array and repeat its last row and column over the rest.

    Args:
        samples: integers; its upper left ``shape`` is read. May be ``out`` itself.
        shape: (H, W) of the plane.
        fraction_bits: samples are multiplied by 2**fraction_bits.
        out: (H', W') int32 with H' >= H and W' >= W, written.
    """
    height, width = shape
    for y in range(height):
        for x in range(width):
            out[y, x] = np.int32(samples[y, x]) << fraction_bits
        out[y, width:] = out[y, width - 1]
    for y in range(height, out.shape[0]):
        out[y] = out[height - 1]


@njit(cache=True, nogil=True)
def store_plane(plane, fraction_bits, maximum, out):
    """Round samples with fraction bits to integers, clipped to 0..``maximum``.

    Args:
        plane: (H', W') int32 with H' >= H and W' >= W.
        fraction_bits: fraction bits of ``plane``, at least 1.
        maximum: largest sample value.
        out: (H, W) unsigned integers, written.
    """
    half = 1 << (fraction_bits - 1)
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            out[y, x] = min(max((plane[y, x] + half) >> fraction_bits, 0), maximum)


@njit(cache=True, nogil=True)
def subsample(plane, shape, out):
    """Halve width and height by the mean of 2x2 samples; beyond the edge the last sample repeats.

    Args:
        plane: (2 H or 2 H - 1, 2 W or 2 W - 1) int32.
        shape: (H, W).
        out: (H', W') int32 with H' >= H and W' >= W; written in full as ``load_plane`` does.
    """
    height, width = plane.shape
    for y in range(shape[0]):
        y0, y1 = 2 * y, min(2 * y + 1, height - 1)
        for x in range(shape[1]):
            x0, x1 = 2 * x, min(2 * x + 1, width - 1)
            total = plane[y0, x0] + plane[y0, x1] + plane[y1, x0] + plane[y1, x1]
            out[y, x] = (total + 2) >> 2
    load_plane(out, shape, 0, out)


@njit(cache=True, nogil=True)
def upsample(plane, shape):
    """Double width and height by weights of 9, 3, 3 and 1 sixteenths (sample centres as in MPEG-1).

    Args:
        plane: (H', W') int32 with H' >= H / 2 and W' >= W / 2; samples beyond are not read.
        shape: (H, W) of the result.

    Returns:
        (H, W) int32.
    """
    height, width = shape
    last_y, last_x = (height - 1) >> 1, (width - 1) >> 1
    out = np.empty((height, width), np.int32)
    for y in range(height):
        y0 = y >> 1
        y1 = min(max(y0 + (1 if y & 1 else -1), 0), last_y)
        for x in range(width):
            x0 = x >> 1
            x1 = min(max(x0 + (1 if x & 1 else -1), 0), last_x)
            total = 9 * plane[y0, x0] + 3 * plane[y0, x1] + 3 * plane[y1, x0] + plane[y1, x1]
            out[y, x] = (total + 8) >> 4
    return out
