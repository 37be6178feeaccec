"""Adaptive binary contexts: what a coder has learnt about one kind of decision.

A context is one row of a uint16 array of shape (n, 4):

    column 0   fast estimate of P(bit = 0), in 1/65536
    column 1   slow estimate of P(bit = 0), in 1/65536
    column 2   decisions seen so far, at most 255
    column 3   rates: fast shift + 16 * slow shift

The probability used is the mean of both estimates, of 17 bits: (fast + slow + 1) / 131072. After
each decision both move towards it by ``max(1 / (count + 2), 2**-shift)`` of the way: the first
decisions count like in the Krichevsky-Trofimov estimator, later ones fade. Mixing two speeds
follows VVC (ITU-T H.266, clause 9.3.4.3); see docs/entropy.md for the exact arithmetic.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from ivc.entropy.memory import Integer, array_address, load_u16, store_u16
from ivc.errors import UsageError

Contexts = npt.NDArray[np.uint16]

PROBABILITY_BITS = 17
COST_BITS = 15
"""Costs are in units of 2**-15 bits."""

_COST_STEP = 5
RATES = (65536 // np.arange(2, 258)).astype(np.int32)


def new_contexts(count: int, fast: int = 4, slow: int = 7, probability: float = 0.5) -> Contexts:
    """Contexts that know nothing yet.

    Args:
        count: number of contexts.
        fast: the fast estimate moves by at least 2**-fast each time, 1 to 8.
        slow: the slow estimate moves by at least 2**-slow each time, ``fast`` to 8.
        probability: first estimate of P(bit = 1), strictly between 0 and 1. It is quantised to
            1/65536 and, being a guess, outweighed by the first two or three decisions.

    Returns:
        uint16 (count, 4); kernels may copy, save and restore rows at will.

    Raises:
        UsageError: when a shift or the probability is out of range.
    """
    if not 1 <= fast <= slow <= 8:
        raise UsageError(f"context shifts must be 1 <= fast <= slow <= 8, not {fast} and {slow}")
    if not 0.0 < probability < 1.0:
        raise UsageError(f"a first probability must lie between 0 and 1, not {probability}")
    zero = min(max(round((1.0 - probability) * 65536), 128), 65536 - 128)
    contexts = np.empty((count, 4), np.uint16)
    contexts[:] = (zero, zero - 1, 0, fast + 16 * slow)  # (fast + slow + 1) / 131072 is exact
    return contexts


def cost_of(numerators: npt.NDArray[np.uint64], bits: int) -> npt.NDArray[np.uint32]:
    """-log2(numerator / 2**bits) in 2**-15 bits, rounded, in integer arithmetic only.

    Args:
        numerators: uint64, each from 1 to 2**31 - 1.
        bits: log2 of the denominator, so large that no cost is negative.
    """
    mantissa = numerators.copy()
    whole = np.full(mantissa.shape, bits - 31, np.int64)
    while (small := mantissa < np.uint64(1 << 31)).any():
        mantissa[small] <<= np.uint64(1)
        whole[small] += 1
    # the mantissa is now in [1, 2) * 2**31; each squaring yields one more bit of its logarithm
    logarithm = np.zeros(mantissa.shape, np.int64)
    for _ in range(COST_BITS + 1):
        mantissa = (mantissa * mantissa) >> np.uint64(31)
        carry = mantissa >= np.uint64(1 << 32)
        mantissa[carry] >>= np.uint64(1)
        logarithm = 2 * logarithm + carry
    return (((whole << (COST_BITS + 1)) - logarithm + 1) >> 1).astype(np.uint32)


# costs at the centres of 4096 equal steps of probability
COSTS = cost_of(
    2 * np.arange(1 << (PROBABILITY_BITS - _COST_STEP), dtype=np.uint64) + np.uint64(1),
    PROBABILITY_BITS - _COST_STEP + 1,
)


@njit(cache=True, nogil=True, forceinline=True)
def context_row(contexts: Contexts, i: Integer) -> Any:
    """Address of a context, for the three functions below."""
    return array_address(contexts) + 8 * np.int64(i)


@njit(cache=True, nogil=True, forceinline=True)
def row_probability(row: Integer) -> Any:
    """P(bit = 0) in 1/131072 as uint64, from 1 to 131071."""
    return load_u16(row, 0) + load_u16(row, 1) + np.uint64(1)


@njit(cache=True, nogil=True, forceinline=True)
def row_adapt(row: Integer, bit: Integer) -> None:
    """Learn that the decision was ``bit``."""
    # one formula for both bits: look at P(bit), which is 65535 - P(0) in the mirror for bit = 1
    mirror = -np.int64(bit) & 0xFFFF
    count = np.int64(load_u16(row, 2))
    shifts = np.int64(load_u16(row, 3))
    start = np.int64(RATES[np.uint64(count)])
    fast = np.int64(load_u16(row, 0)) ^ mirror
    slow = np.int64(load_u16(row, 1)) ^ mirror
    fast += ((65536 - fast) * max(start, 65536 >> (shifts & 15))) >> 16
    slow += ((65536 - slow) * max(start, 65536 >> (shifts >> 4))) >> 16
    store_u16(row, 0, fast ^ mirror)
    store_u16(row, 1, slow ^ mirror)
    store_u16(row, 2, count + (count < 255))


@njit(cache=True, nogil=True, forceinline=True)
def row_cost(row: Integer, bit: Integer) -> Any:
    """What ``bit`` would cost in 2**-15 bits, uint64."""
    zero = row_probability(row)
    chosen = np.uint64(1 << PROBABILITY_BITS) - zero if bit else zero
    return np.uint64(COSTS[chosen >> np.uint64(_COST_STEP)])


@njit(cache=True, nogil=True, forceinline=True)
def probability_of_zero(contexts: Contexts, i: Integer) -> Any:
    """P(bit = 0) of context ``i`` in 1/131072, from 1 to 131071; int64."""
    return np.int64(row_probability(context_row(contexts, i)))


@njit(cache=True, nogil=True, forceinline=True)
def adapt(contexts: Contexts, i: Integer, bit: Integer) -> None:
    """Let context ``i`` learn that the decision was ``bit``."""
    row_adapt(context_row(contexts, i), bit)


@njit(cache=True, nogil=True, forceinline=True)
def bit_cost(contexts: Contexts, i: Integer, bit: Integer) -> Any:
    """What coding ``bit`` in context ``i`` would cost now, in 2**-15 bits; changes nothing."""
    return np.int64(row_cost(context_row(contexts, i), bit))
