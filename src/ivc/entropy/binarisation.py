"""Numbers as sequences of binary decisions.

Each function encodes, decodes or estimates, as its ``coder`` says (see ``ivc.entropy.primitives``),
and is called from numba-compiled functions. All loops are bounded whatever a decoder reads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from ivc.entropy.memory import Integer
from ivc.entropy.primitives import code_bit, code_bypass, code_chunk

MAX_PREFIX = 32
"""Longest Exp-Golomb prefix."""


@njit(cache=True, nogil=True)
def _bit_length(value: Integer) -> Any:
    length = 0
    while value > 0:
        value >>= 1
        length += 1
    return length


@njit(cache=True, nogil=True)
def code_bits(coder: Any, value: Integer, count: Integer) -> Any:
    """Code a number of 0 to 62 equally likely bits, 16 at a time, high bits first.

    Args:
        coder: any of the four kinds.
        value: 0 <= value < 2**count (decoder: ignored).
        count: number of bits.

    Returns:
        The value, int64.
    """
    result = np.int64(0)
    while count > 0:
        step = min(count, 16)
        count -= step
        part = code_chunk(coder, (value >> count) & ((1 << step) - 1), step)
        result = (result << step) | part
    return result


@njit(cache=True, nogil=True)
def code_exp_golomb(coder: Any, value: Integer, k: Integer) -> Any:
    """Code a number >= 0 by an Exp-Golomb code of order ``k`` in bypass bits.

    With n = floor(log2(value / 2**k + 1)): n ones and a zero (no zero after 32 ones), then
    ``value - (2**n - 1) * 2**k`` in n + k bits.

    Args:
        coder: any of the four kinds.
        value: 0 <= value < 2**32 (decoder: ignored).
        k: order, 0 to 16.

    Returns:
        The value, int64; a decoder of damaged data may return up to 2**49.
    """
    target = _bit_length((value >> k) + 1) - 1
    n = 0
    while n < MAX_PREFIX and code_bypass(coder, target > n):
        n += 1
    base = ((np.int64(1) << n) - 1) << k
    return base + code_bits(coder, value - base, n + k)


@njit(cache=True, nogil=True)
def code_signed_exp_golomb(coder: Any, value: Integer, k: Integer) -> Any:
    """Code an integer by ``code_exp_golomb``, mapped 0, 1, -1, 2, -2 … -> 0, 1, 2, 3, 4 ….

    Args:
        coder: any of the four kinds.
        value: -(2**31) <= value < 2**31 (decoder: ignored).
        k: order, 0 to 16.
    """
    mapped = 2 * value - 1 if value > 0 else -2 * value
    mapped = code_exp_golomb(coder, mapped, k)
    return (mapped + 1) >> 1 if mapped & 1 else -(mapped >> 1)


@njit(cache=True, nogil=True)
def code_unary(
    coder: Any,
    contexts: Any,
    first: Integer,
    context_count: Integer,
    limit: Integer,
    value: Integer,
) -> Any:
    """Code 0 <= value <= limit as ``value`` ones and a zero (none after ``limit`` ones).

    The j-th decision uses context ``first + min(j, context_count - 1)``.

    Args:
        coder: any of the four kinds.
        contexts: uint16 (n, 4) of ``new_contexts``.
        first: row of the first context.
        context_count: number of contexts used, at least 1.
        limit: largest value.
        value: the number (decoder: ignored).
    """
    n = 0
    while n < limit and code_bit(coder, contexts, first + min(n, context_count - 1), value > n):
        n += 1
    return n


@njit(cache=True, nogil=True)
def code_tree(coder: Any, contexts: Any, first: Integer, bits: Integer, value: Integer) -> Any:
    """Code a number of ``bits`` bits, high bit first, each in the context of those before it.

    Uses the 2**bits - 1 contexts from ``first`` on: an adaptive distribution of 2**bits symbols.

    Args:
        coder: any of the four kinds.
        contexts: uint16 (n, 4) of ``new_contexts``.
        first: row of the first context.
        bits: 1 to 16.
        value: 0 <= value < 2**bits (decoder: ignored).
    """
    node = np.int64(1)
    for j in range(bits):
        bit = code_bit(coder, contexts, first + node - 1, (value >> (bits - 1 - j)) & 1)
        node = 2 * node + bit
    return node - (np.int64(1) << bits)


@njit(cache=True, nogil=True)
def code_adaptive_exp_golomb(
    coder: Any, contexts: Any, first: Integer, context_count: Integer, k: Integer, value: Integer
) -> Any:
    """Code a number >= 0 by an Exp-Golomb code whose prefix adapts.

    As ``code_exp_golomb``, but decision j of the prefix uses context
    ``first + min(j, context_count - 1)`` and, where n + k > 0, the highest of the bits that follow
    uses context ``first + context_count + min(n, context_count - 1)``; the others are bypass bits.

    Args:
        coder: any of the four kinds.
        contexts: uint16 (n, 4) of ``new_contexts``; ``2 * context_count`` rows are used.
        first: row of the first context.
        context_count: contexts of the prefix, at least 1.
        k: order, 0 to 16.
        value: 0 <= value < 2**32 (decoder: ignored).
    """
    target = _bit_length((value >> k) + 1) - 1
    n = code_unary(coder, contexts, first, context_count, MAX_PREFIX, target)
    base = ((np.int64(1) << n) - 1) << k
    rest = value - base
    low_bits = n + k - 1
    if low_bits < 0:
        return base
    top = first + context_count + min(n, context_count - 1)
    high = code_bit(coder, contexts, top, (rest >> low_bits) & 1)
    return base + (high << low_bits) + code_bits(coder, rest, low_bits)
