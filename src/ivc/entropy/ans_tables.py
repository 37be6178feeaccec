"""Tables of ``ivc.entropy.ans``: chosen from counts, written, and filled.

A table says how many of 4096 slots each token has. Written are approximate shares, of four
significant bits if small and up to eight if large; encoder and decoder then make slots of them in
the same way.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from ivc.entropy.binarisation import code_bits, code_unary
from ivc.entropy.memory import Integer, bit_length
from ivc.entropy.primitives import code_bit

SLOT_BITS = 12
SLOTS = 1 << SLOT_BITS

_PREFIX = 6
_CLASSES = 5
_SAME = _PREFIX * _CLASSES
TABLE_CONTEXTS = _SAME + 1
"""Adaptive contexts that ``code_tables`` needs."""

_FRACTION = 14
_SYMBOL_COST = 6 << _FRACTION


@njit(cache=True, nogil=True)
def _log2(value: Integer) -> Any:
    """log2 of a number >= 1 in 2**-14, rounded down."""
    n = bit_length(value) - 1
    mantissa = value << (30 - n) if n < 30 else value >> (n - 30)
    result = n
    for _ in range(_FRACTION):
        mantissa = (mantissa * mantissa) >> 30
        bit = mantissa >> 31
        mantissa >>= bit
        result = result << 1 | bit
    return result


@njit(cache=True, nogil=True)
def _cost(a: Any, b: Any) -> Any:
    """What the numbers of two contexts and the table for both cost, in 2**-14 bits."""
    total, cost = np.int64(0), np.int64(0)
    for t in range(len(a)):
        count = np.int64(a[t]) + np.int64(b[t])
        if count:
            total += count
            cost += _SYMBOL_COST - count * _log2(count)
    if total:
        cost += total * _log2(total)
    return cost


@njit(cache=True, nogil=True)
def choose_tables(counts: Any) -> Any:
    """Encoder: let neighbouring contexts share tables, the pair that saves most first.

    Args:
        counts: (contexts, tokens) uint32; rows of contexts that share become their sum, in the
            first of them.

    Returns:
        uint8 (contexts,): 1 where a context begins a table of its own, 0 where it shares that of
        the context before it.
    """
    n = len(counts)
    first = np.ones(n, np.uint8)
    following = np.arange(1, n + 1)
    none = np.zeros(counts.shape[1], np.uint32)
    alone = np.zeros(n, np.int64)
    saved = np.full(n, -1, np.int64)
    for i in range(n):
        alone[i] = _cost(counts[i], none)
    for i in range(n - 1):
        saved[i] = alone[i] + alone[i + 1] - _cost(counts[i], counts[i + 1])
    while True:
        i = int(np.argmax(saved))
        if saved[i] < 0:
            return first
        j = following[i]
        counts[i] += counts[j]
        alone[i] += alone[j] - saved[i]
        first[j] = 0
        following[i] = following[j]
        saved[i] = saved[j] = -1
        if following[i] < n:
            k = following[i]
            saved[i] = alone[i] + alone[k] - _cost(counts[i], counts[k])
        before: Any = i - 1
        while before >= 0 and not first[before]:
            before -= 1
        if before >= 0:
            saved[before] = alone[before] + alone[i] - _cost(counts[before], counts[i])


@njit(cache=True, nogil=True)
def _mantissa(n: Integer) -> Any:
    """Bits behind the first that are written of a share of n bits.

    An error in the share of a token that is nearly certain changes those of all others.
    """
    return min(n - 1, 3 + max(n - 9, 0))


@njit(cache=True, nogil=True)
def shape_tables(counts: Any, first: Any, shares: Any) -> None:
    """Encoder: the shares of each table's tokens, 0 to 4096, rounded.

    Args:
        counts: (contexts, tokens) as ``choose_tables`` left them.
        first: (contexts,) what it returned.
        shares: (contexts, tokens) int64, written: a row a table.
    """
    row = 0
    for c in range(len(counts)):
        if not first[c]:
            continue
        total = np.int64(counts[c].sum())
        for t in range(counts.shape[1]):
            share: Any = np.int64(counts[c, t]) * SLOTS
            if share:
                share = max((share + total // 2) // total, 1)
                n = bit_length(share)
                drop = n - 1 - _mantissa(n)
                share = min(((share >> drop) + (share >> (drop - 1) & 1 if drop else 0)) << drop,
                            SLOTS)  # fmt: skip
            shares[row, t] = share
        row += 1


@njit(cache=True, nogil=True)
def code_tables(coder: Any, contexts: Any, first: Any, shares: Any) -> None:
    """Code or decode which contexts begin a table, and the shares of all tables.

    A share's number of bits is coded against that in the table before, as much as the two tokens
    before differed there; in the first table, against the mean of these two.

    Args:
        coder: of a range coder.
        contexts: ``TABLE_CONTEXTS`` of them.
        first: (contexts,) uint8.
        shares: (contexts, tokens) int64.
    """
    row = -1
    for c in range(len(first)):
        first[c] = code_bit(coder, contexts, _SAME, first[c]) if c else 1
        if not first[c]:
            continue
        row += 1
        one: Any = np.int64(0)
        two: Any = np.int64(0)
        for t in range(shares.shape[1]):
            guess: Any = (one + two + 1) >> 1
            if row:
                guess = bit_length(shares[row - 1, t]) + (
                    (one - (bit_length(shares[row - 1, t - 1]) if t > 0 else 0)
                     + two - (bit_length(shares[row - 1, t - 2]) if t > 1 else 0)) >> 1
                )  # fmt: skip
                guess = min(max(guess, 0), SLOT_BITS + 1)
            share = shares[row, t]
            error = bit_length(share) - guess
            mapped = 2 * error - 1 if error > 0 else -2 * error
            at = min((guess + 1) >> 1, _CLASSES - 1) * _PREFIX
            mapped = code_unary(coder, contexts, at, _PREFIX, 2 * SLOT_BITS + 2, mapped)
            n = guess + ((mapped + 1) >> 1 if mapped & 1 else -(mapped >> 1))
            n = min(max(n, 0), SLOT_BITS + 1)
            if n > 1:
                known = _mantissa(n)
                drop = n - 1 - known
                rest = code_bits(coder, (share >> drop) & ((1 << known) - 1), known)
                share = (1 << known | rest) << drop
            else:
                share = n
            shares[row, t] = share
            two, one = one, bit_length(share)


@njit(cache=True, nogil=True)
def fill_slots(shares: Any) -> None:
    """Turn shares into slots: in proportion, at least one each, 4096 in sum.

    What rounding leaves over goes to the token with most slots, or is taken from those with most,
    half of what each has at a time.

    Args:
        shares: (tables, tokens) int64 of 0 or more; written. A table without any gives token 0
            all slots.
    """
    for row in range(len(shares)):
        total: Any = np.int64(0)
        for t in range(shares.shape[1]):
            total += shares[row, t]
        if not total:
            shares[row, 0] = total = 1
        left: Any = np.int64(SLOTS)
        for t in range(shares.shape[1]):
            if shares[row, t]:
                shares[row, t] = max(shares[row, t] * SLOTS // total, 1)
                left -= shares[row, t]
        while left:
            most = np.argmax(shares[row])
            change = max(left, -(shares[row, most] >> 1))
            shares[row, most] += change
            left -= change


@njit(cache=True, nogil=True)
def fill_tables(slots: Any, tables: Any) -> None:
    """Decoder: what each slot stands for.

    Args:
        slots: (tables or more, tokens) from ``fill_slots``.
        tables: (tables, 4096) uint32, written: token, and from bit 8 how far the slot is from the
            token's first, and from bit 20 the token's slots less one.
    """
    for row in range(len(tables)):
        at = 0
        for t in range(slots.shape[1]):
            width = slots[row, t]
            for k in range(width):
                tables[row, at + k] = (width - 1) << 20 | k << 8 | t
            at += width
