"""Syntax of one 8x8 block of ``roadmap/dct``: written once, for coding, decoding and estimating.

A block is a prediction mode and 64 quantised coefficients ("levels"). Coefficients are visited from
high to low frequency, so that each one is coded knowing its right, lower and diagonal neighbours in
the block, the same frequency in the blocks to the left and above, and the same frequency of the
block at this place in the plane coded before. From these magnitudes, the *activity*, come the
contexts of all its decisions:

    coded?  last position  [significant?  >1?  >2? ...  sign] for each position, last to first
"""

from __future__ import annotations

import numpy as np
from numba import njit

from ivc.entropy import code_bit, code_bypass, code_exp_golomb, code_tree
from ivc.signal.intra import MEAN, MODES, PLANAR

INTER = MODES
"""The mode that predicts from the same place of the previous frame."""


def _zigzag() -> np.ndarray:
    order = sorted(
        range(64),
        key=lambda i: (i // 8 + i % 8, i % 8 if (i // 8 + i % 8) % 2 == 0 else i // 8),
    )
    return np.array(order, np.int64)


SCAN = _zigzag()
"""(64,) raster index of each zigzag position."""

LEVEL_LIMIT = 1 << 20
"""Decoders clip levels to this magnitude."""

_ACTIVITIES = 14
_UNARY = 14  # magnitudes up to this are coded in unary, larger ones by an Exp-Golomb escape

_INTER = 0
_LIKELY_MODE = _INTER + 3
_OTHER_MODE = _LIKELY_MODE + 3 * 2
_CODED = _OTHER_MODE + 15
_LAST = _CODED + 3 * 4
_SIGNIFICANT = _LAST + 6 * 63
_GREATER = _SIGNIFICANT + 64 * _ACTIVITIES
CONTEXTS = _GREATER + 3 * _ACTIVITIES * (_UNARY - 1)
"""Adaptive contexts of one plane."""

# Position classes for magnitudes: DC, low and high frequencies.
_BAND = np.array([0 if i == 0 else 1 if i < 10 else 2 for i in range(64)], np.int64)

# Class of an activity: all small ones, then by growing steps.
_ACTIVITY = np.searchsorted([1, 2, 3, 4, 5, 6, 7, 9, 12, 16, 24, 40, 80], np.arange(81), "right")
# Class of the expected last position.
_EXTENT = np.searchsorted([2, 6, 14, 30, 50], np.arange(128), "right")


@njit(cache=True, nogil=True)
def code_mode(coder, contexts, mode, left, above, inter):
    """Code a prediction mode.

    Args:
        coder: encoder, decoder, estimator or probe.
        contexts: at least ``CONTEXTS`` contexts.
        mode: 0 to ``INTER``.
        left: mode of the block to the left, ``MEAN`` if there is none.
        above: mode of the block above, ``MEAN`` if there is none.
        inter: whether ``INTER`` is permitted.
    """
    if inter:
        i = _INTER + (left == INTER) + (above == INTER)
        if code_bit(coder, contexts, i, mode == INTER):
            return INTER
    first = MEAN if left == INTER else left
    second = MEAN if above == INTER else above
    agree = 0
    if first == second:
        agree = 1 + (first > PLANAR)
        second = PLANAR if first != PLANAR else MEAN
    base = _LIKELY_MODE + 2 * agree
    if code_bit(coder, contexts, base, mode == first):
        return first
    if code_bit(coder, contexts, base + 1, mode == second):
        return second
    low, high = min(first, second), max(first, second)
    rest = mode - (mode > low) - (mode > high)
    rest = min(code_tree(coder, contexts, _OTHER_MODE, 4, rest), MODES - 3)
    rest += rest >= low
    rest += rest >= high
    return rest


@njit(cache=True, nogil=True)
def code_levels(coder, contexts, levels, left, above, guide):
    """Code the levels of one block.

    Args:
        coder: encoder, decoder, estimator or probe.
        contexts: at least ``CONTEXTS`` contexts.
        levels: (64,) int32, raster order; the encoder reads, the decoder writes it (all 64).
        left: (65,) uint8 magnitudes (at most 255) of the block to the left in raster order, and its
            number of zigzag positions up to the last coefficient; zeros if there is none.
        above: the same of the block above.
        guide: the same of the block of another plane.

    Returns:
        Number of zigzag positions up to the last coefficient, 0 to 64.
    """
    count = 64
    while count > 0 and levels[SCAN[count - 1]] == 0:
        count -= 1
    near = np.int64(left[64]) + np.int64(above[64])
    hint = np.int64(guide[64])
    hint = 0 if hint == 0 else 1 if hint < 4 else 2 if hint < 16 else 3
    i = _CODED + ((left[64] > 0) + (above[64] > 0)) * 4 + hint
    if not code_bit(coder, contexts, i, count > 0):
        levels[:] = 0
        return 0
    extent = (near + np.int64(guide[64]) + 1) // 2
    count = 1 + code_tree(coder, contexts, _LAST + _EXTENT[extent] * 63, 6, count - 1)
    # magnitudes with a margin, so that neighbours beyond the block read as zero
    own = np.zeros(100, np.int64)
    for p in range(63, -1, -1):
        k = SCAN[p]
        if p >= count:
            levels[k] = 0
            continue
        q = (k >> 3) * 10 + (k & 7)
        inside = 2 * (own[q + 1] + own[q + 10]) + own[q + 11] + own[q + 2] + own[q + 20]
        outside = np.int64(left[k]) + np.int64(above[k])
        activity = inside + outside + np.int64(guide[k])
        activity = _ACTIVITY[min((activity + 1) >> 1, 80)]
        magnitude = abs(levels[k])
        if p < count - 1:
            i = _SIGNIFICANT + k * _ACTIVITIES + activity
            if not code_bit(coder, contexts, i, magnitude > 0):
                levels[k] = 0
                continue
        base = _GREATER + (_BAND[p] * _ACTIVITIES + activity) * (_UNARY - 1)
        m = 1
        while m < _UNARY and code_bit(coder, contexts, base + m - 1, magnitude > m):
            m += 1
        if m == _UNARY:
            m = min(m + code_exp_golomb(coder, magnitude - m, 2), LEVEL_LIMIT)
        negative = code_bypass(coder, levels[k] < 0)
        levels[k] = -m if negative else m
        own[q] = m
    return count
