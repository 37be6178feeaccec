"""Smoothing across the edges of 8x8 blocks.

The filter is that of ITU-T H.265 (clause 8.7.2) without its strong variant: where the samples on
both sides of an edge are smooth, the step between them is taken for a coding artefact and softened,
by no more than a threshold.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def _filter_line(p2, p1, p0, q0, q1, q2, threshold):
    """New values of p1, p0, q0, q1, the four samples nearest to an edge."""
    curvature = abs(p2 - 2 * p1 + p0) + abs(q2 - 2 * q1 + q0)
    delta = (9 * (q0 - p0) - 3 * (q1 - p1) + 8) >> 4
    if curvature > threshold or abs(delta) > 5 * threshold:
        return p1, p0, q0, q1
    delta = min(max(delta, -threshold), threshold)
    half = threshold >> 1
    dp = min(max((((p2 + p0 + 1) >> 1) - p1 + delta) >> 1, -half), half)
    dq = min(max((((q2 + q0 + 1) >> 1) - q1 - delta) >> 1, -half), half)
    return p1 + dp, p0 + delta, q0 - delta, q1 + dq


@njit(cache=True, nogil=True)
def deblock(plane, threshold, low, high):
    """Filter all inner edges of a plane in place, vertical edges first.

    Args:
        plane: (H, W) int32, H and W multiples of 8.
        threshold: largest change of a sample next to an edge.
        low: smallest sample value.
        high: largest sample value.
    """
    height, width = plane.shape
    for y in range(height):
        row = plane[y]
        for x in range(8, width, 8):
            a, b, c, d = _filter_line(
                np.int64(row[x - 3]), np.int64(row[x - 2]), np.int64(row[x - 1]),
                np.int64(row[x]), np.int64(row[x + 1]), np.int64(row[x + 2]), threshold,
            )  # fmt: skip
            row[x - 2], row[x - 1] = min(max(a, low), high), min(max(b, low), high)
            row[x], row[x + 1] = min(max(c, low), high), min(max(d, low), high)
    for y in range(8, height, 8):
        for x in range(width):
            a, b, c, d = _filter_line(
                np.int64(plane[y - 3, x]), np.int64(plane[y - 2, x]), np.int64(plane[y - 1, x]),
                np.int64(plane[y, x]), np.int64(plane[y + 1, x]), np.int64(plane[y + 2, x]),
                threshold,
            )  # fmt: skip
            plane[y - 2, x], plane[y - 1, x] = min(max(a, low), high), min(max(b, low), high)
            plane[y, x], plane[y + 1, x] = min(max(c, low), high), min(max(d, low), high)


@njit(cache=True, nogil=True)
def squared_error(a, b):
    """Sum of squared differences of two int32 planes (H, W), as int64."""
    total = np.int64(0)
    for y in range(a.shape[0]):
        for x in range(a.shape[1]):
            d = np.int64(a[y, x]) - b[y, x]
            total += d * d
    return total
