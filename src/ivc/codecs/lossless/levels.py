"""Small questions about samples that contexts are made of."""

from __future__ import annotations

import numpy as np
from numba import njit

UNIT = 16.0
"""Errors are kept in 1/16 of a sample value."""

_LEVELS = np.array([((2 * v + 3) ** 3 // 27).bit_length() - 1 for v in range(64)], np.int64)


@njit(cache=True, nogil=True, error_model="numpy")
def level(s):
    """The size of a number >= 0 in three steps an octave, 0 to 31."""
    if not s < 1e8:
        return 31
    v = np.int64(s * 8.0)
    n = 0
    while v > 63:
        v >>= 2
        n += 6
    return min(n + _LEVELS[v], 31)


@njit(cache=True, nogil=True, error_model="numpy")
def step_bits(size, bound):
    """log2 of how wide steps are for an expected error: 1 value up to ``bound``, then doubling."""
    k = 0
    while size > bound and k < 15:
        bound *= 2
        k += 1
    return k


@njit(cache=True, nogil=True, error_model="numpy")
def signed(x):
    """Nine steps of a number of either sign; 4 is about 0."""
    a = abs(x)
    k = (a > 0.2) + (a > 0.6) + (a > 1.3) + (a > 3.0)
    return 4 + k if x > 0 else 4 - k


@njit(cache=True, nogil=True, error_model="numpy")
def median_edge(w, n, nw):
    """The predictor of LOCO-I (Weinberger, Seroussi, Sapiro, 2000)."""
    if nw >= max(w, n):
        return min(w, n)
    if nw <= min(w, n):
        return max(w, n)
    return w + n - nw
