"""The 8x8 discrete cosine transform in integers: one definition for encoder and decoder.

The transform matrix is the orthonormal DCT-II scaled by 2**15 and rounded. Both directions
accumulate without intermediate rounding, so any way of ordering the sums gives the same integers:

    forward   coefficients[u, v] = round(sum_y sum_x C[u, y] C[v, x] block[y, x] / 2**30)
    inverse   block[y, x]        = round(sum_u sum_v C[u, y] C[v, x] coefficients[u, v] / 2**30)

``round`` is (value + 2**29) >> 30. The even/odd factorisation is that of Chen, Smith and Fralick,
"A Fast Computational Algorithm for the Discrete Cosine Transform", IEEE Trans. Comm. 25 (1977).
"""

from __future__ import annotations

import numpy as np
from numba import njit

COEFFICIENT_LIMIT = 1 << 23
"""Decoders clip coefficients to this magnitude, which keeps every sum within 63 bits."""

_A = 11585  # round(2**15 * cos(pi / 4) / 2)
_B = 15137  # round(2**15 * cos(2 pi / 16) / 2)
_C = 6270  # round(2**15 * cos(6 pi / 16) / 2)
_D1, _D3, _D5, _D7 = 16069, 13623, 9102, 3196  # round(2**15 * cos(k pi / 16) / 2)

_ROUND = 1 << 29
_SHIFT = 30


@njit(cache=True, nogil=True, inline="never")
def forward_dct(block, coefficients):
    """Transform one block.

    Args:
        block: (64,) int32, raster order, magnitudes below 2**20.
        coefficients: (64,) int32, written, raster order (row u is the vertical frequency).
    """
    scratch = np.empty(64, np.int64)
    for y in range(8):
        o = 8 * y
        s0, d0 = np.int64(block[o]) + block[o + 7], np.int64(block[o]) - block[o + 7]
        s1, d1 = np.int64(block[o + 1]) + block[o + 6], np.int64(block[o + 1]) - block[o + 6]
        s2, d2 = np.int64(block[o + 2]) + block[o + 5], np.int64(block[o + 2]) - block[o + 5]
        s3, d3 = np.int64(block[o + 3]) + block[o + 4], np.int64(block[o + 3]) - block[o + 4]
        e0, e1, f0, f1 = s0 + s3, s1 + s2, s0 - s3, s1 - s2
        scratch[o] = (e0 + e1) * _A
        scratch[o + 4] = (e0 - e1) * _A
        scratch[o + 2] = f0 * _B + f1 * _C
        scratch[o + 6] = f0 * _C - f1 * _B
        scratch[o + 1] = d0 * _D1 + d1 * _D3 + d2 * _D5 + d3 * _D7
        scratch[o + 3] = d0 * _D3 - d1 * _D7 - d2 * _D1 - d3 * _D5
        scratch[o + 5] = d0 * _D5 - d1 * _D1 + d2 * _D7 + d3 * _D3
        scratch[o + 7] = d0 * _D7 - d1 * _D5 + d2 * _D3 - d3 * _D1
    for x in range(8):
        s0, d0 = scratch[x] + scratch[x + 56], scratch[x] - scratch[x + 56]
        s1, d1 = scratch[x + 8] + scratch[x + 48], scratch[x + 8] - scratch[x + 48]
        s2, d2 = scratch[x + 16] + scratch[x + 40], scratch[x + 16] - scratch[x + 40]
        s3, d3 = scratch[x + 24] + scratch[x + 32], scratch[x + 24] - scratch[x + 32]
        e0, e1, f0, f1 = s0 + s3, s1 + s2, s0 - s3, s1 - s2
        coefficients[x] = ((e0 + e1) * _A + _ROUND) >> _SHIFT
        coefficients[x + 32] = ((e0 - e1) * _A + _ROUND) >> _SHIFT
        coefficients[x + 16] = (f0 * _B + f1 * _C + _ROUND) >> _SHIFT
        coefficients[x + 48] = (f0 * _C - f1 * _B + _ROUND) >> _SHIFT
        coefficients[x + 8] = (d0 * _D1 + d1 * _D3 + d2 * _D5 + d3 * _D7 + _ROUND) >> _SHIFT
        coefficients[x + 24] = (d0 * _D3 - d1 * _D7 - d2 * _D1 - d3 * _D5 + _ROUND) >> _SHIFT
        coefficients[x + 40] = (d0 * _D5 - d1 * _D1 + d2 * _D7 + d3 * _D3 + _ROUND) >> _SHIFT
        coefficients[x + 56] = (d0 * _D7 - d1 * _D5 + d2 * _D3 - d3 * _D1 + _ROUND) >> _SHIFT


@njit(cache=True, nogil=True, inline="never")
def inverse_dct(coefficients, block):
    """Transform one block back.

    Args:
        coefficients: (64,) int32, raster order, magnitudes up to ``COEFFICIENT_LIMIT``.
        block: (64,) int32, written, raster order.
    """
    scratch = np.empty(64, np.int64)
    for x in range(8):
        c0, c4 = np.int64(coefficients[x]), np.int64(coefficients[x + 32])
        c2, c6 = np.int64(coefficients[x + 16]), np.int64(coefficients[x + 48])
        c1, c3 = np.int64(coefficients[x + 8]), np.int64(coefficients[x + 24])
        c5, c7 = np.int64(coefficients[x + 40]), np.int64(coefficients[x + 56])
        a0, a1 = (c0 + c4) * _A, (c0 - c4) * _A
        b0, b1 = c2 * _B + c6 * _C, c2 * _C - c6 * _B
        e0, e3, e1, e2 = a0 + b0, a0 - b0, a1 + b1, a1 - b1
        o0 = c1 * _D1 + c3 * _D3 + c5 * _D5 + c7 * _D7
        o1 = c1 * _D3 - c3 * _D7 - c5 * _D1 - c7 * _D5
        o2 = c1 * _D5 - c3 * _D1 + c5 * _D7 + c7 * _D3
        o3 = c1 * _D7 - c3 * _D5 + c5 * _D3 - c7 * _D1
        scratch[x], scratch[x + 56] = e0 + o0, e0 - o0
        scratch[x + 8], scratch[x + 48] = e1 + o1, e1 - o1
        scratch[x + 16], scratch[x + 40] = e2 + o2, e2 - o2
        scratch[x + 24], scratch[x + 32] = e3 + o3, e3 - o3
    for y in range(8):
        o = 8 * y
        a0, a1 = (scratch[o] + scratch[o + 4]) * _A, (scratch[o] - scratch[o + 4]) * _A
        b0 = scratch[o + 2] * _B + scratch[o + 6] * _C
        b1 = scratch[o + 2] * _C - scratch[o + 6] * _B
        e0, e3, e1, e2 = a0 + b0, a0 - b0, a1 + b1, a1 - b1
        c1, c3, c5, c7 = scratch[o + 1], scratch[o + 3], scratch[o + 5], scratch[o + 7]
        o0 = c1 * _D1 + c3 * _D3 + c5 * _D5 + c7 * _D7
        o1 = c1 * _D3 - c3 * _D7 - c5 * _D1 - c7 * _D5
        o2 = c1 * _D5 - c3 * _D1 + c5 * _D7 + c7 * _D3
        o3 = c1 * _D7 - c3 * _D5 + c5 * _D3 - c7 * _D1
        block[o], block[o + 7] = (e0 + o0 + _ROUND) >> _SHIFT, (e0 - o0 + _ROUND) >> _SHIFT
        block[o + 1], block[o + 6] = (e1 + o1 + _ROUND) >> _SHIFT, (e1 - o1 + _ROUND) >> _SHIFT
        block[o + 2], block[o + 5] = (e2 + o2 + _ROUND) >> _SHIFT, (e2 - o2 + _ROUND) >> _SHIFT
        block[o + 3], block[o + 4] = (e3 + o3 + _ROUND) >> _SHIFT, (e3 - o3 + _ROUND) >> _SHIFT
