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
from numba import njit
from numba.extending import overload

from ivc.entropy.coders import (
    CODE,
    COST,
    FAULT,
    LOW,
    POSITION,
    RANGE,
    DecoderState,
    EncoderState,
    EstimatorState,
    ProbeState,
)
from ivc.entropy.contexts import COST_BITS, adapt, bit_cost, probability_of_zero
from ivc.entropy.memory import CAPACITY, buffer_of, grow

_ONE = np.uint64(1)
_ZERO = np.uint64(0)
_FOUR = np.uint64(4)
_EIGHT = np.uint64(8)
_WORD = np.uint64(32)
_RENEW = np.uint64(1 << 32)
_PROBABILITY_SHIFT = np.uint64(17)
_BYPASS_COST = np.uint64(1 << COST_BITS)


def _implementation(
    coder: Any, choices: dict[type, Callable[..., Any]]
) -> Callable[..., Any] | None:
    """The choice for a coder's numba type; None lets numba report a typing error."""
    return choices.get(getattr(coder, "instance_class", type(None)))


def _only_compiled(name: str) -> TypeError:
    return TypeError(f"{name} is for functions compiled by numba (@njit); call it from one")


@njit(cache=True, nogil=True)
def _write_word(state: Any, storage: Any) -> None:
    """Move the top 32 bits of low to the buffer."""
    position = state[POSITION]
    if position + _FOUR > storage[CAPACITY]:
        grow(storage)
    buffer = buffer_of(storage)
    word = state[LOW] >> _WORD
    buffer[position] = word >> np.uint64(24)
    buffer[position + np.uint64(1)] = (word >> np.uint64(16)) & np.uint64(255)
    buffer[position + np.uint64(2)] = (word >> np.uint64(8)) & np.uint64(255)
    buffer[position + np.uint64(3)] = word & np.uint64(255)
    state[LOW] <<= _WORD
    state[POSITION] = position + _FOUR


@njit(cache=True, nogil=True)
def _carry(state: Any, storage: Any) -> None:
    """Add one to the number written so far; low + range never exceeds 1, so it has room."""
    buffer = buffer_of(storage)
    position = state[POSITION] - _ONE
    while buffer[position] == 255:
        buffer[position] = 0
        position -= _ONE
    buffer[position] += 1


@njit(cache=True, nogil=True)
def narrow(coder: Any, offset: Any, width: Any) -> None:
    """Encoder: keep [low + offset, low + offset + width) of the range; width >= 2**15."""
    state = coder.state
    low = state[LOW] + offset
    if low < offset:
        _carry(state, coder.storage)
    state[LOW] = low
    if width < _RENEW:
        _write_word(state, coder.storage)
        width <<= _WORD
    state[RANGE] = width


@njit(cache=True, nogil=True)
def _read_tail(data: Any, position: Any) -> Any:
    """Up to 32 bits at the end of the data, zeros after it."""
    word = _ZERO
    for i in range(4):
        word <<= _EIGHT
        at = position + np.uint64(i)
        if at < np.uint64(len(data)):
            word |= np.uint64(data[at])
    return word


@njit(cache=True, nogil=True)
def _read_word(data: Any, position: Any) -> Any:
    if position + _FOUR > np.uint64(len(data)):
        return _read_tail(data, position)
    return (
        np.uint64(data[position]) << np.uint64(24)
        | np.uint64(data[position + np.uint64(1)]) << np.uint64(16)
        | np.uint64(data[position + np.uint64(2)]) << np.uint64(8)
        | np.uint64(data[position + np.uint64(3)])
    )


@njit(cache=True, nogil=True)
def enter(coder: Any, code: Any, width: Any) -> None:
    """Decoder: go on with the code inside a part of the range that is ``width`` >= 2**15 wide."""
    state = coder.state
    if width < _RENEW:
        position = state[POSITION]
        code = (code << _WORD) | _read_word(coder.data, position)
        width <<= _WORD
        state[POSITION] = position + _FOUR
    state[CODE] = code
    state[RANGE] = width


def code_bit(coder: Any, contexts: Any, i: int, bit: int) -> int:
    """Code one decision with the adaptive probability of a context, which then adapts.

    Args:
        coder: any of the four kinds.
        contexts: uint16 (n, 4) of ``new_contexts``.
        i: row of the context, 0 <= i < n; not checked.
        bit: 0 or 1 (decoder: ignored).

    Returns:
        The bit, int64.
    """
    raise _only_compiled("code_bit")


def _encode_bit(coder: Any, contexts: Any, i: Any, bit: Any) -> Any:
    state = coder.state
    width = state[RANGE]
    zero = (width >> _PROBABILITY_SHIFT) * np.uint64(probability_of_zero(contexts, i))
    if bit:
        narrow(coder, zero, width - zero)
    else:
        narrow(coder, _ZERO, zero)
    adapt(contexts, i, bit)
    return np.int64(bit)


def _decode_bit(coder: Any, contexts: Any, i: Any, bit: Any) -> Any:
    state = coder.state
    width = state[RANGE]
    code = state[CODE]
    zero = (width >> _PROBABILITY_SHIFT) * np.uint64(probability_of_zero(contexts, i))
    if code >= zero:
        value = np.int64(1)
        enter(coder, code - zero, width - zero)
    else:
        value = np.int64(0)
        enter(coder, code, zero)
    adapt(contexts, i, value)
    return value


def _estimate_bit(coder: Any, contexts: Any, i: Any, bit: Any) -> Any:
    coder.state[COST] += np.uint64(bit_cost(contexts, i, bit))
    adapt(contexts, i, bit)
    return np.int64(bit)


def _probe_bit(coder: Any, contexts: Any, i: Any, bit: Any) -> Any:
    coder.state[COST] += np.uint64(bit_cost(contexts, i, bit))
    return np.int64(bit)


@overload(code_bit)
def _code_bit(coder: Any, contexts: Any, i: Any, bit: Any) -> Any:
    return _implementation(
        coder,
        {
            EncoderState: _encode_bit,
            DecoderState: _decode_bit,
            EstimatorState: _estimate_bit,
            ProbeState: _probe_bit,
        },
    )


def code_bypass(coder: Any, bit: int) -> int:
    """Code one decision whose outcomes are equally likely: exactly one bit.

    Args:
        coder: any of the four kinds.
        bit: 0 or 1 (decoder: ignored).

    Returns:
        The bit, int64.
    """
    raise _only_compiled("code_bypass")


def _encode_bypass(coder: Any, bit: Any) -> Any:
    width = coder.state[RANGE] >> _ONE
    narrow(coder, width * np.uint64(bit), width)
    return np.int64(bit)


def _decode_bypass(coder: Any, bit: Any) -> Any:
    width = coder.state[RANGE] >> _ONE
    code = coder.state[CODE]
    value = np.uint64(code >= width)
    enter(coder, code - width * value, width)
    return np.int64(value)


def _estimate_bypass(coder: Any, bit: Any) -> Any:
    coder.state[COST] += _BYPASS_COST
    return np.int64(bit)


@overload(code_bypass)
def _code_bypass(coder: Any, bit: Any) -> Any:
    return _implementation(
        coder,
        {
            EncoderState: _encode_bypass,
            DecoderState: _decode_bypass,
            EstimatorState: _estimate_bypass,
            ProbeState: _estimate_bypass,
        },
    )


def code_chunk(coder: Any, value: int, count: int) -> int:
    """Code 0 to 16 equally likely bits in one step; see ``code_bits`` for more than that.

    Args:
        coder: any of the four kinds.
        value: 0 <= value < 2**count (decoder: ignored).
        count: number of bits, 0 to 16.

    Returns:
        The value, int64.
    """
    raise _only_compiled("code_chunk")


def _encode_chunk(coder: Any, value: Any, count: Any) -> Any:
    width = coder.state[RANGE] >> np.uint64(count)
    narrow(coder, width * np.uint64(value), width)
    return np.int64(value)


def _decode_chunk(coder: Any, value: Any, count: Any) -> Any:
    width = coder.state[RANGE] >> np.uint64(count)
    code = coder.state[CODE]
    number = min(code // width, (_ONE << np.uint64(count)) - _ONE)
    enter(coder, code - width * number, width)
    return np.int64(number)


def _estimate_chunk(coder: Any, value: Any, count: Any) -> Any:
    coder.state[COST] += _BYPASS_COST * np.uint64(count)
    return np.int64(value)


@overload(code_chunk)
def _code_chunk(coder: Any, value: Any, count: Any) -> Any:
    return _implementation(
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
    raise _only_compiled("is_decoder")


@overload(is_decoder)
def _is_decoder(coder: Any) -> Any:
    if getattr(coder, "instance_class", None) is DecoderState:
        return lambda coder: True
    return lambda coder: False


def exhausted(coder: Any) -> bool:
    """Whether a decoder has read further than any valid data reach; False for other coders.

    A codec may ask now and then to give up early; ``Decoder.finish`` asks at the end in any case.
    """
    raise _only_compiled("exhausted")


def _decoder_exhausted(coder: Any) -> Any:
    return coder.state[POSITION] > np.uint64(len(coder.data)) + _EIGHT


@overload(exhausted)
def _exhausted(coder: Any) -> Any:
    if getattr(coder, "instance_class", None) is DecoderState:
        return _decoder_exhausted
    return lambda coder: False


def report_fault(coder: Any) -> None:
    """Decoder: note that the data hold what no encoder writes; nothing for other coders.

    Kernels go on with some harmless value; ``Decoder.finish`` raises BitstreamError.
    """
    raise _only_compiled("report_fault")


def _decoder_fault(coder: Any) -> Any:
    coder.state[FAULT] = _ONE


@overload(report_fault)
def _report_fault(coder: Any) -> Any:
    if getattr(coder, "instance_class", None) is DecoderState:
        return _decoder_fault
    return lambda coder: None
