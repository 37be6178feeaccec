"""Values that followed the same neighbours before, tried before anything is predicted.

Screens repeat themselves exactly: letters, icons, hatching. Three tables remember the value last
seen behind a neighbourhood (of six, of four and of one sample, each with the samples of the other
planes at the place) and how often in a row that was right. Each guess costs one decision.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from ivc.entropy import code_bit

MATCH_SIZE = 1 << 16
_FIRST = 8
MATCH_CONTEXTS = _FIRST + 3 * 16 * 4 * 8


@njit(cache=True, nogil=True)
def _mixed(h, value):
    return (h ^ np.uint64(value & 0xFFFFFFFF)) * np.uint64(0x9E3779B97F4A7C15) + (
        h >> np.uint64(29)
    )


@njit(cache=True, nogil=True)
def code_match(coder, contexts, table, buf, p, stride, position, low, high, history, guess):
    """Code whether the sample at ``p`` is one of the guesses; writes it if so.

    Args:
        coder: any of the four kinds.
        contexts: MATCH_CONTEXTS adaptive contexts; the first ROW_CONTEXTS are not used.
        table: (3, MATCH_SIZE, 2) int32.
        buf: all planes.
        p: place of the sample.
        stride: of its plane.
        position: (planes,) its places in all planes.
        low: least value.
        high: greatest value.
        history: 0 to 7: whether neighbours were guessed.
        guess: (3,) int64, written: entries of the tables, for ``learn_match``.

    Returns:
        1 if the sample was guessed.
    """
    h = np.uint64(7)
    for q in range(1, position.shape[0]):
        h = _mixed(h, buf[position[q]])
    h = _mixed(h, buf[p - 1])
    near = _mixed(_mixed(_mixed(h, buf[p - stride]), buf[p - stride - 1]), buf[p - stride + 1])
    far = _mixed(_mixed(_mixed(near, buf[p - 2]), buf[p - 2 * stride]), buf[p - stride + 2])
    for q in range(1, position.shape[0]):
        far = _mixed(far, buf[position[q] + 1])
    guess[0] = np.int64(far >> np.uint64(48))
    guess[1] = np.int64(near >> np.uint64(48))
    guess[2] = np.int64(h >> np.uint64(48))
    value = np.int64(buf[p])
    for k in range(3):
        candidate = np.int64(table[k, guess[k], 0])
        sure = np.int64(table[k, guess[k], 1])
        if sure == 0 or candidate < low or candidate > high:
            continue
        tried = False
        for j in range(k):
            e = guess[j]
            tried = tried or (table[j, e, 1] > 0 and table[j, e, 0] == candidate)
        if tried:
            continue
        agree = 0
        for j in range(k + 1, 3):
            if table[j, guess[j], 1] > 0 and table[j, guess[j], 0] == candidate:
                agree += 1
        agree = min(agree + (k > 0), 3)
        context = _FIRST + ((k * 16 + min(sure, 15)) * 4 + agree) * 8 + history
        if code_bit(coder, contexts, context, value == candidate):
            buf[p] = candidate
            learn_match(table, candidate, guess)
            return 1
    return 0


@njit(cache=True, nogil=True)
def learn_match(table, value, guess):
    """Remember that ``value`` stood behind the neighbourhoods of ``guess``."""
    for k in range(3):
        e = guess[k]
        if table[k, e, 1] > 0 and table[k, e, 0] == value:
            table[k, e, 1] = min(table[k, e, 1] + 1, 15)
        elif table[k, e, 1] > 3:
            table[k, e, 1] >>= 2
        else:
            table[k, e, 0] = value
            table[k, e, 1] = 1
