"""Tokens in fixed tables: a fast coder for codecs that look at a picture twice.

The range coder adapts a probability with each decision, which takes longer than a fast codec may
spend on a whole sample. Here an encoder first collects numbers, each in one of up to 256 contexts;
then it counts, lets neighbouring contexts share a table where that is cheaper than writing two,
writes the tables and codes all numbers by them:

    AnsEncoder ─► code_token … ─► finish: counts ─► tables ─► numbers, last one first
    AnsDecoder: tables ─► code_token …

The numbers are coded by asymmetric numeral systems in the range variant (J. Duda, "Asymmetric
numeral systems", arXiv:1311.2540): the state x is a number of up to 63 bits, and a token that has
f of 4096 slots from c on takes it to

    x' = (x // f) * 4096 + c + x % f            f = number of slots, c = those of tokens before

A decoder finds the token as that which owns slot x' % 4096 and goes the way back. Before x leaves
[2**31, 2**63) its low 32 bits move to the output. So a decoder's data are words of 32 bits that it
reads forwards, and an encoder writes them from the last to the first.

A number is a token and, from 32 on, raw bits: with n bits (the first is 1), the two next to the
first and the last one (the sign, for callers who interleave signs) belong to the token.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit
from numba.extending import overload

from ivc.entropy.ans_tables import (
    SLOT_BITS,
    SLOTS,
    TABLE_CONTEXTS,
    choose_tables,
    code_tables,
    fill_slots,
    fill_tables,
    shape_tables,
)
from ivc.entropy.coders import Decoder, Encoder, _State
from ivc.entropy.contexts import new_contexts
from ivc.entropy.fields import integer, pack, unpack
from ivc.entropy.memory import (
    BUFFER,
    CAPACITY,
    POSITION,
    Integer,
    Memory,
    bit_length,
    load_u8,
    load_u32,
    load_u64,
    store_u32,
    store_u64,
)
from ivc.entropy.primitives import implementation, only_compiled
from ivc.errors import BitstreamError

TOKENS = 136
"""Different tokens: 32 numbers and 8 for each further number of bits."""

LARGEST = (1 << 18) - 1
"""Largest number."""

MOST_CONTEXTS = 256

_COUNTS, _STATE, _TABLES, _ROWS = 0, 0, 1, 5
_DIRECT = 32
_LEAST = 1 << 31
_LEAST_STATE = np.uint64(_LEAST)
_WORD = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)
_ONE = np.uint64(1)
_SHIFT = np.uint64(SLOT_BITS)
_SLOT = np.uint64(SLOTS - 1)
# log2 of the state at which a token of one slot, or of no bits, has to move a word out
_FULL = 63


@dataclass(frozen=True)
class _Header:
    """What coded numbers begin with: how many bytes their tables take."""

    tables: int = integer(0, 1 << 20)


class AnsEncoderState(_State):
    """Tells compiled code to collect numbers."""


class AnsDecoderState(_State):
    """Tells compiled code to read numbers."""


class _Words(Memory):
    """The words of a state, and the arrays whose addresses are among them."""

    def __init__(self, words: list[int], *arrays: npt.NDArray[Any]) -> None:
        super().__init__(words)
        self.arrays = arrays


class AnsEncoder:
    """Collects numbers, and turns them into bytes in the end.

    Args:
        contexts: how many contexts there are, 1 to 256; those with similar statistics lie together.
        most: how many numbers there may be; more are an error in ``finish``.
    """

    def __init__(self, contexts: int, most: int) -> None:
        self._counts = np.zeros((contexts, TOKENS), np.uint32)
        self._records = np.empty(max(most, 1), np.uint32)
        self._memory = _Words([self._counts.ctypes.data], self._counts, self._records)
        self._memory.words[BUFFER] = self._records.ctypes.data
        self._memory.words[CAPACITY] = most
        self.coder = AnsEncoderState.of(self._memory)

    def finish(self) -> bytes:
        """The tables and all numbers; to be called once.

        Raises:
            ValueError: when more numbers came than were announced.
        """
        count = int(self._memory.words[POSITION])
        if count > int(self._memory.words[CAPACITY]):
            raise ValueError("more numbers than announced")
        first = choose_tables(self._counts)
        encoder = Encoder()
        slots = np.zeros((int(first.sum()), TOKENS), np.int64)
        shape_tables(self._counts, first, slots)
        code_tables(encoder.coder, new_contexts(TABLE_CONTEXTS), first, slots)
        tables = encoder.finish()
        fill_slots(slots)
        start = np.zeros((len(slots), TOKENS + 1), np.int64)
        np.cumsum(slots, axis=1, out=start[:, 1:])
        rows = np.cumsum(first) - 1
        state, begin = _encode(self._records[:count], rows, slots, start)
        tail = max(4, -(-int(state).bit_length() // 8))
        words = self._records[begin:count].astype("<u4").tobytes()
        return pack(_Header(len(tables))) + tables + int(state).to_bytes(tail, "little") + words


class AnsDecoder:
    """Turns bytes into the numbers they were made from.

    Args:
        data: what ``AnsEncoder.finish`` returned, or anything else: hostile bytes yield wrong
            numbers, never an access outside ``data``. Past its end zeros are read.
        contexts: as given to the encoder.

    Raises:
        BitstreamError: when the data hold no tables.
    """

    def __init__(self, data: bytes | memoryview, contexts: int) -> None:
        header, rest = unpack(_Header, bytes(data))
        length = header.tables
        if length > len(rest):
            raise BitstreamError("the tables of coded data are cut short")
        decoder = Decoder(rest[:length])
        first = np.zeros(contexts, np.uint8)
        slots = np.zeros((contexts, TOKENS), np.int64)
        code_tables(decoder.coder, new_contexts(TABLE_CONTEXTS), first, slots)
        decoder.finish()
        rest = rest[length:]
        if len(rest) < 4:
            raise BitstreamError("coded data are cut short")
        tail = 4 + len(rest) % 4
        rows = ((np.cumsum(first) - 1) << SLOT_BITS).astype(np.uint32)
        tables = np.empty((int(first.sum()), SLOTS), np.uint32)
        slots = slots[: len(tables)]
        fill_slots(slots)
        fill_tables(slots, tables)
        words = np.frombuffer(rest[tail:], np.uint8)
        state = int.from_bytes(rest[:tail], "little")
        self._memory = _Words([state, tables.ctypes.data], tables, rows, words)
        self._memory.words[_ROWS] = rows.ctypes.data
        self._memory.words[BUFFER] = words.ctypes.data
        self._memory.words[CAPACITY] = len(words)
        self.coder = AnsDecoderState.of(self._memory)
        if state < _LEAST:
            _renew(self._memory.address)

    def finish(self) -> None:
        """Check that the numbers read are all that the data hold.

        Raises:
            BitstreamError: when they are not: the data are cut short or damaged.
        """
        words = self._memory.words
        if int(words[POSITION]) != int(words[CAPACITY]) or int(words[_STATE]) != _LEAST:
            raise BitstreamError("coded data do not end where their numbers do; they are damaged")


def code_token(coder: Any, context: Integer, value: Integer) -> Any:
    """Code a number by the table of its context.

    Args:
        coder: of an ``AnsEncoder`` or ``AnsDecoder``.
        context: less than the number of contexts; not checked.
        value: 0 to ``LARGEST``; not checked (decoder: ignored).

    Returns:
        The number, int64, 0 to ``LARGEST``.
    """
    raise only_compiled("code_token")


def _collect(coder: Any, context: Any, value: Any) -> Any:
    token, rest = value, np.int64(0)
    if value >= _DIRECT:
        n = bit_length(value)
        token = 8 * n - 16 + 2 * ((value >> (n - 3)) & 3) + (value & 1)
        rest = (value >> 1) & ((1 << (n - 4)) - 1)
    position = np.int64(load_u64(coder.address, POSITION))
    if position < np.int64(load_u64(coder.address, CAPACITY)):
        counts = np.int64(load_u64(coder.address, _COUNTS))
        k = context * TOKENS + token
        store_u32(counts, k, load_u32(counts, k) + _ONE)
        record = context << 24 | token << 16 | rest
        store_u32(np.int64(load_u64(coder.address, BUFFER)), position, np.uint64(record))
    store_u64(coder.address, POSITION, np.uint64(position + 1))
    return value


def _read(coder: Any, context: Any, value: Any) -> Any:
    state = load_u64(coder.address, _STATE)
    row = load_u32(np.int64(load_u64(coder.address, _ROWS)), context)
    slot = np.int64(row + (state & _SLOT))
    entry = load_u32(np.int64(load_u64(coder.address, _TABLES)), slot)
    state = ((entry >> np.uint64(20)) + _ONE) * (state >> _SHIFT)
    state += (entry >> np.uint64(8)) & _SLOT
    store_u64(coder.address, _STATE, state)
    if state < _LEAST_STATE:
        _renew(coder.address)
    token = np.int64(entry & np.uint64(255))
    if token >= _DIRECT:
        return _read_large(coder.address, token)
    return token


@overload(code_token, jit_options={"forceinline": True})
def _code_token(coder: Any, context: Any, value: Any) -> Any:
    return implementation(coder, {AnsEncoderState: _collect, AnsDecoderState: _read})


@njit(cache=True, nogil=True)
def _renew(state: Integer) -> None:
    """Move the next word of the data, or zero, into a decoder's state."""
    position = np.int64(load_u64(state, POSITION))
    size = np.int64(load_u64(state, CAPACITY))
    word = np.uint64(0)
    if position + 4 <= size:
        data = np.int64(load_u64(state, BUFFER))
        for i in range(4):
            word |= load_u8(data, position + i) << np.uint64(8 * i)
    store_u64(state, POSITION, np.uint64(position + 4))
    store_u64(state, _STATE, load_u64(state, _STATE) << _WORD | word)


@njit(cache=True, nogil=True)
def _read_large(address: Integer, token: Integer) -> Any:
    """A number of which the token is known: its raw bits are the lowest of the state."""
    n = (token + 16) >> 3
    count = n - 4
    state = load_u64(address, _STATE)
    rest = np.int64(state & ((_ONE << np.uint64(count)) - _ONE))
    state >>= np.uint64(count)
    store_u64(address, _STATE, state)
    if state < _LEAST_STATE:
        _renew(address)
    return (4 | (token >> 1) & 3) << (n - 3) | rest << 1 | token & 1


def spent(coder: Any) -> bool:
    """Whether a decoder has read past the end of its data; False for an encoder."""
    raise only_compiled("spent")


def _decoder_spent(coder: Any) -> Any:
    return load_u64(coder.address, POSITION) > load_u64(coder.address, CAPACITY)


def _never(coder: Any) -> Any:
    return False


@overload(spent)
def _spent(coder: Any) -> Any:
    return implementation(coder, {AnsEncoderState: _never, AnsDecoderState: _decoder_spent})


@njit(cache=True, nogil=True, error_model="numpy")
def _encode(records: Any, rows: Any, slots: Any, start: Any) -> Any:
    """Code records from the last to the first; the words lie at the end of ``records`` then.

    A record takes 26 bits at most, so that words never run over records that still wait.

    Returns:
        The state, less than 2**56, and the index of the first word.
    """
    state = _LEAST_STATE
    begin = len(records)
    for i in range(len(records) - 1, -1, -1):
        record = np.int64(records[i])
        token = record >> 16 & 255
        if token >= _DIRECT:
            count = np.uint64(((token + 16) >> 3) - 4)
            if state >> (np.uint64(_FULL) - count):
                begin -= 1
                records[begin] = np.uint32(state & _LOW)
                state >>= _WORD
            state = state << count | np.uint64(record & 0xFFFF)
        row = rows[record >> 24]
        width = np.uint64(slots[row, token])
        if state >> np.uint64(_FULL - SLOT_BITS) >= width:
            begin -= 1
            records[begin] = np.uint32(state & _LOW)
            state >>= _WORD
        whole = state // width
        state = (whole << _SHIFT) + np.uint64(start[row, token]) + (state - whole * width)
    if state >> np.uint64(56):
        begin -= 1
        records[begin] = np.uint32(state & _LOW)
        state >>= _WORD
    return state, begin
