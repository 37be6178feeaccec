"""Coding a decision by a probability that the caller computes, for codecs that mix models.

``code_chance(coder, one, bit)`` is a sibling of ``code_bit`` without a context: ``one`` is the
integer P(bit = 1) in 1/131072.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.extending import overload

from ivc.entropy.coders import (
    CODE,
    RANGE,
    DecoderState,
    EncoderState,
    EstimatorState,
    ProbeState,
)
from ivc.entropy.contexts import COSTS, PROBABILITY_BITS
from ivc.entropy.memory import Integer, load_u64
from ivc.entropy.primitives import enter, implementation, narrow, only_compiled, spend

CERTAIN = 1 << PROBABILITY_BITS
"""What a probability of 1 would be; ``one`` lies strictly between 0 and this."""

_SHIFT = np.uint64(PROBABILITY_BITS)
_CERTAIN = np.uint64(CERTAIN)


def code_chance(coder: Any, one: Integer, bit: Integer | np.bool) -> Any:
    """Code one decision with a given probability.

    Args:
        coder: any of the four kinds.
        one: P(bit = 1) in 1/131072, 1 to 131071; not checked.
        bit: 0 or 1 (decoder: ignored).

    Returns:
        The bit, int64.
    """
    raise only_compiled("code_chance")


def _encode_chance(coder: Any, one: Any, bit: Any) -> Any:
    width = load_u64(coder.address, RANGE)
    zero = (width >> _SHIFT) * (_CERTAIN - np.uint64(one))
    mask = np.uint64(-np.int64(bit))
    narrow(coder.address, zero & mask, zero + ((width - zero - zero) & mask))
    return np.int64(bit)


def _decode_chance(coder: Any, one: Any, bit: Any) -> Any:
    width = load_u64(coder.address, RANGE)
    code = load_u64(coder.address, CODE)
    zero = (width >> _SHIFT) * (_CERTAIN - np.uint64(one))
    value = np.int64(code >= zero)
    mask = np.uint64(-value)
    enter(coder.address, code - (zero & mask), zero + ((width - zero - zero) & mask))
    return value


def _estimate_chance(coder: Any, one: Any, bit: Any) -> Any:
    chosen = np.uint64(one) if bit else _CERTAIN - np.uint64(one)
    spend(coder.address, np.uint64(COSTS[chosen >> np.uint64(5)]))
    return np.int64(bit)


@overload(code_chance, jit_options={"forceinline": True})
def _code_chance(coder: Any, one: Any, bit: Any) -> Any:
    return implementation(
        coder,
        {
            EncoderState: _encode_chance,
            DecoderState: _decode_chance,
            EstimatorState: _estimate_chance,
            ProbeState: _estimate_chance,
        },
    )
