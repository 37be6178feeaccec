"""The decisions everything is made of, each with one name for writing, reading and estimating.

``code_bit(coder, contexts, i, bit)`` and its siblings are called from numba-compiled functions.
The type of ``coder`` chooses the implementation at compile time:

    EncoderState    writes the value given and returns it
    DecoderState    ignores the value given and returns the one read
    EstimatorState  adds the cost of the value given and returns it (contexts adapt)
    ProbeState      the same, but contexts stay as they are

So a syntax is one function: ``x = code_…(coder, …, x)``, again and again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit, types
from numba.core.errors import TypingError
from numba.extending import overload

from ivc.entropy.coders import (
    CODE,
    COST,
    FAULT,
    LOW,
    RANGE,
    DecoderState,
    EncoderState,
    EstimatorState,
    ProbeState,
)
from ivc.entropy.contexts import COST_BITS, context_row, row_adapt, row_cost, row_probability
from ivc.entropy.memory import (
    BUFFER,
    CAPACITY,
    POSITION,
    Integer,
    grow,
    load_u8,
    load_u64,
    store_u8,
    store_u64,
)

_ONE = np.uint64(1)
_ZERO = np.uint64(0)
_WORD = np.uint64(32)
_RENEW = np.uint64(1 << 32)
_PROBABILITY_SHIFT = np.uint64(17)
_BYPASS_COST = np.uint64(1 << COST_BITS)


def implementation(
    coder: Any, choices: dict[type, Callable[..., Any]]
) -> Callable[..., Any] | None:
    """The choice for a coder's numba type; None lets numba report a typing error."""
    return choices.get(getattr(coder, "instance_class", type(None)))


def only_compiled(name: str) -> TypeError:
    """What calling a primitive from the interpreter raises."""
    return TypeError(f"{name} is for functions compiled by numba (@njit); call it from one")


@njit(cache=True, nogil=True)
def _write_word(state: Integer, low: Any) -> Any:
    """Move the top 32 bits of low to the buffer; returns the new low."""
    position = np.int64(load_u64(state, POSITION))
    if position + 4 > np.int64(load_u64(state, CAPACITY)):
        grow(state)
    buffer = np.int64(load_u64(state, BUFFER))
    for i in range(4):
        store_u8(buffer, position + i, low >> np.uint64(56 - 8 * i))
    store_u64(state, POSITION, position + 4)
    return low << _WORD


@njit(cache=True, nogil=True)
def _carry(state: Integer) -> None:
    """Add one to the number written so far; low + range never exceeds 1, so it has room."""
    buffer = np.int64(load_u64(state, BUFFER))
    position = np.int64(load_u64(state, POSITION)) - 1
    while load_u8(buffer, position) == np.uint64(255):
        store_u8(buffer, position, _ZERO)
        position -= 1
    store_u8(buffer, position, load_u8(buffer, position) + _ONE)


@njit(cache=True, nogil=True, forceinline=True)
def narrow(state: Integer, offset: Any, width: Any) -> None:
    """Encoder: keep [low + offset, low + offset + width) of the range; width >= 2**15."""
    low = load_u64(state, LOW) + offset
    if low < offset:
        _carry(state)
    if width < _RENEW:
        low = _write_word(state, low)
        width <<= _WORD
    store_u64(state, LOW, low)
    store_u64(state, RANGE, width)


@njit(cache=True, nogil=True)
def _read_word(state: Integer) -> Any:
    """The next 32 bits, with zeros after the end of the data."""
    position = np.int64(load_u64(state, POSITION))
    size = np.int64(load_u64(state, CAPACITY))
    data = np.int64(load_u64(state, BUFFER))
    word = _ZERO
    for i in range(4):
        byte = load_u8(data, position + i) if position + i < size else _ZERO
        word = (word << np.uint64(8)) | byte
    store_u64(state, POSITION, position + 4)
    return word


@njit(cache=True, nogil=True, forceinline=True)
def enter(state: Integer, code: Any, width: Any) -> None:
    """Decoder: go on with the code inside a part of the range that is ``width`` >= 2**15 wide."""
    if width < _RENEW:
        code = (code << _WORD) | _read_word(state)
        width <<= _WORD
    store_u64(state, CODE, code)
    store_u64(state, RANGE, width)


@njit(cache=True, nogil=True, forceinline=True)
def spend(state: Integer, cost: Any) -> None:
    """Estimator and probe: add a cost in 2**-15 bits."""
    store_u64(state, COST, load_u64(state, COST) + cost)


def code_bit(coder: Any, contexts: Any, i: Integer, bit: Integer | np.bool) -> Any:
    """Code one decision with the adaptive probability of a context, which then adapts.

    Args:
        coder: any of the four kinds.
        contexts: uint16 (n, 4) of ``new_contexts``.
        i: row of the context, 0 <= i < n; not checked.
        bit: 0 or 1 (decoder: ignored).

    Returns:
        The bit, int64.
    """
    raise only_compiled("code_bit")


def _encode_bit(coder: Any, contexts: Any, i: Any, bit: Any) -> Any:
    row = context_row(contexts, i)
    width = load_u64(coder.address, RANGE)
    zero = (width >> _PROBABILITY_SHIFT) * row_probability(row)
    # arithmetic instead of a branch: no predictor guesses the bits of a compressed stream
    mask = np.uint64(-np.int64(bit))
    narrow(coder.address, zero & mask, zero + ((width - zero - zero) & mask))
    row_adapt(row, bit)
    return np.int64(bit)


def _decode_bit(coder: Any, contexts: Any, i: Any, bit: Any) -> Any:
    row = context_row(contexts, i)
    width = load_u64(coder.address, RANGE)
    code = load_u64(coder.address, CODE)
    zero = (width >> _PROBABILITY_SHIFT) * row_probability(row)
    value = np.int64(code >= zero)
    mask = np.uint64(-value)
    enter(coder.address, code - (zero & mask), zero + ((width - zero - zero) & mask))
    row_adapt(row, value)
    return value


def _estimate_bit(coder: Any, contexts: Any, i: Any, bit: Any) -> Any:
    row = context_row(contexts, i)
    spend(coder.address, row_cost(row, bit))
    row_adapt(row, bit)
    return np.int64(bit)


def _probe_bit(coder: Any, contexts: Any, i: Any, bit: Any) -> Any:
    spend(coder.address, row_cost(context_row(contexts, i), bit))
    return np.int64(bit)


@overload(code_bit, jit_options={"forceinline": True})
def _code_bit(coder: Any, contexts: Any, i: Any, bit: Any) -> Any:
    if not (
        isinstance(contexts, types.Array)
        and (contexts.dtype, contexts.ndim, contexts.layout) == (types.uint16, 2, "C")
    ):
        raise TypingError("contexts must be a contiguous uint16 array (n, 4), see new_contexts")
    return implementation(
        coder,
        {
            EncoderState: _encode_bit,
            DecoderState: _decode_bit,
            EstimatorState: _estimate_bit,
            ProbeState: _probe_bit,
        },
    )


def code_bypass(coder: Any, bit: Integer | np.bool) -> Any:
    """Code one decision whose outcomes are equally likely: exactly one bit.

    Args:
        coder: any of the four kinds.
        bit: 0 or 1 (decoder: ignored).

    Returns:
        The bit, int64.
    """
    raise only_compiled("code_bypass")


def _encode_bypass(coder: Any, bit: Any) -> Any:
    width = load_u64(coder.address, RANGE) >> _ONE
    narrow(coder.address, width * np.uint64(bit), width)
    return np.int64(bit)


def _decode_bypass(coder: Any, bit: Any) -> Any:
    width = load_u64(coder.address, RANGE) >> _ONE
    code = load_u64(coder.address, CODE)
    value = np.uint64(code >= width)
    enter(coder.address, code - width * value, width)
    return np.int64(value)


def _estimate_bypass(coder: Any, bit: Any) -> Any:
    spend(coder.address, _BYPASS_COST)
    return np.int64(bit)


@overload(code_bypass, jit_options={"forceinline": True})
def _code_bypass(coder: Any, bit: Any) -> Any:
    return implementation(
        coder,
        {
            EncoderState: _encode_bypass,
            DecoderState: _decode_bypass,
            EstimatorState: _estimate_bypass,
            ProbeState: _estimate_bypass,
        },
    )


def code_chunk(coder: Any, value: Integer, count: Integer) -> Any:
    """Code 0 to 16 equally likely bits in one step; see ``code_bits`` for more than that.

    Args:
        coder: any of the four kinds.
        value: 0 <= value < 2**count (decoder: ignored).
        count: number of bits, 0 to 16.

    Returns:
        The value, int64.
    """
    raise only_compiled("code_chunk")


def _encode_chunk(coder: Any, value: Any, count: Any) -> Any:
    width = load_u64(coder.address, RANGE) >> np.uint64(count)
    narrow(coder.address, width * np.uint64(value), width)
    return np.int64(value)


def _decode_chunk(coder: Any, value: Any, count: Any) -> Any:
    width = load_u64(coder.address, RANGE) >> np.uint64(count)
    code = load_u64(coder.address, CODE)
    number = min(code // width, (_ONE << np.uint64(count)) - _ONE)
    enter(coder.address, code - width * number, width)
    return np.int64(number)


def _estimate_chunk(coder: Any, value: Any, count: Any) -> Any:
    spend(coder.address, _BYPASS_COST * np.uint64(count))
    return np.int64(value)


@overload(code_chunk, jit_options={"forceinline": True})
def _code_chunk(coder: Any, value: Any, count: Any) -> Any:
    return implementation(
        coder,
        {
            EncoderState: _encode_chunk,
            DecoderState: _decode_chunk,
            EstimatorState: _estimate_chunk,
            ProbeState: _estimate_chunk,
        },
    )


def is_decoder(coder: Any) -> bool:
    """Whether values come out of ``coder`` (known at compile time, so branches on it vanish)."""
    raise only_compiled("is_decoder")


def _always(coder: Any) -> Any:
    return True


def _never(coder: Any) -> Any:
    return False


@overload(is_decoder)
def _is_decoder(coder: Any) -> Any:
    if getattr(coder, "instance_class", None) is DecoderState:
        return _always
    return _never


def exhausted(coder: Any) -> bool:
    """Whether a decoder has read further than any valid data reach; False for other coders.

    A codec may ask now and then to give up early; ``Decoder.finish`` asks at the end in any case.
    """
    raise only_compiled("exhausted")


def _decoder_exhausted(coder: Any) -> Any:
    return load_u64(coder.address, POSITION) > load_u64(coder.address, CAPACITY) + np.uint64(8)


@overload(exhausted)
def _exhausted(coder: Any) -> Any:
    if getattr(coder, "instance_class", None) is DecoderState:
        return _decoder_exhausted
    return _never


def report_fault(coder: Any) -> None:
    """Decoder: note that the data hold what no encoder writes; nothing for other coders.

    Kernels go on with some harmless value; ``Decoder.finish`` raises BitstreamError.
    """
    raise only_compiled("report_fault")


def _decoder_fault(coder: Any) -> Any:
    store_u64(coder.address, FAULT, _ONE)


def _nothing(coder: Any) -> Any:
    pass


@overload(report_fault)
def _report_fault(coder: Any) -> Any:
    if getattr(coder, "instance_class", None) is DecoderState:
        return _decoder_fault
    return _nothing


def take_cost(coder: Any) -> Any:
    """Estimator and probe: the cost since it was last taken, in 2**-15 bits; then starts from zero.

    Other coders return 0.
    """
    raise only_compiled("take_cost")


def _estimator_cost(coder: Any) -> Any:
    cost = np.int64(load_u64(coder.address, COST))
    store_u64(coder.address, COST, _ZERO)
    return cost


def _no_cost(coder: Any) -> Any:
    return np.int64(0)


@overload(take_cost)
def _take_cost(coder: Any) -> Any:
    if getattr(coder, "instance_class", None) in (EstimatorState, ProbeState):
        return _estimator_cost
    return _no_cost
