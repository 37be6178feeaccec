"""Tokens in tables: exact bytes, every number, damaged data."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from ivc.entropy.ans import LARGEST, AnsDecoder, AnsEncoder, code_token, spent
from ivc.entropy.ans_tables import SLOTS, choose_tables, fill_slots, fill_tables
from ivc.errors import BitstreamError


@njit(cache=True, nogil=True)
def code_all(coder, contexts, values):
    """Code numbers in turn; False when a decoder ran out of data."""
    for i in range(len(values)):
        values[i] = code_token(coder, contexts[i], values[i])
    return not spent(coder)


def write(contexts, values, count):
    encoder = AnsEncoder(count, len(values))
    code_all(encoder.coder, np.array(contexts, np.int64), np.array(values, np.int64))
    return encoder.finish()


def read(data, contexts, count):
    decoder = AnsDecoder(data, count)
    values = np.zeros(len(contexts), np.int64)
    whole = code_all(decoder.coder, np.array(contexts, np.int64), values)
    decoder.finish()
    assert whole
    return values


def test_exact_bytes():
    # a table of two tokens with 2048 slots each, a state of four bytes and no words
    data = write([0, 0, 0, 0], [0, 1, 1, 0], 1)
    assert data.hex() == "09fef1b43685ff1fbdc00030000008"
    assert read(data, [0, 0, 0, 0], 1).tolist() == [0, 1, 1, 0]


def test_exact_bytes_of_large_numbers():
    data = write([0, 1] * 5, [LARGEST, 0, 100, 0, 31, 0, 32, 0, 33, 0], 2)
    assert data.hex() == "161a39e35a41ac69489f1ddf5ddfbfee223a6448d6cbc64c0e50c3ff3f0d03"


def test_one_number_forever_takes_no_bits():
    values = np.full(100_000, 7)
    data = write(values * 0, values, 1)
    assert len(data) < 16
    assert (read(data, values * 0, 1) == 7).all()


def test_nothing():
    assert read(write([], [], 3), [], 3).size == 0


def test_every_number_of_bits():
    values = np.concatenate([[(1 << k) - 1, 1 << k, (1 << k) + 1] for k in range(1, 18)])
    values = np.concatenate([values, [LARGEST]])
    contexts = np.arange(len(values)) % 256
    assert (read(write(contexts, values, 256), contexts, 256) == values).all()


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1), count=st.integers(0, 3000), contexts=st.integers(1, 256),
    scale=st.floats(0, 12),
)  # fmt: skip
def test_any_numbers(seed, count, contexts, scale):
    rng = np.random.default_rng(seed)
    where = rng.integers(0, contexts, count)
    values = np.minimum(rng.exponential(np.exp(scale), count), LARGEST).astype(np.int64)
    assert (read(write(where, values, contexts), where, contexts) == values).all()


def test_close_to_the_entropy():
    rng = np.random.default_rng(0)
    contexts = rng.integers(0, 4, 200_000)
    values = rng.geometric(0.9 / (1 + contexts)) - 1
    bits = 0.0
    for context in range(4):
        counts = np.unique(values[contexts == context], return_counts=True)[1]
        bits -= (counts * np.log2(counts / counts.sum())).sum()
    data = write(contexts, values, 4)
    assert bits / 8 < len(data) < bits / 8 * 1.003 + 100


def test_contexts_alike_share_a_table():
    counts = np.zeros((4, 136), np.uint32)
    counts[0, :2] = 1000, 10
    counts[1, :2] = 2000, 20
    counts[3, :2] = 10, 1000
    assert choose_tables(counts).tolist() == [1, 0, 0, 1]
    assert counts[0, :2].tolist() == [3000, 30]


@given(
    shares=st.lists(st.lists(st.integers(0, SLOTS), min_size=136, max_size=136), max_size=3)
    | st.just([[0] * 136])
    | st.just([[1] * 136])
    | st.just([[SLOTS] * 136])
)
@settings(deadline=None, max_examples=50)
def test_slots_are_all_used(shares):
    shares = np.array(shares, np.int64).reshape(-1, 136)
    slots = shares.copy()
    fill_slots(slots)
    assert (slots.sum(1) == SLOTS).all()
    assert (slots[shares > 0] > 0).all()
    tables = np.zeros((len(slots), SLOTS), np.uint32)
    fill_tables(slots, tables)
    for table, row in zip(tables, slots, strict=True):
        assert (np.bincount(table & 255, minlength=136) == row).all()


def test_too_many_numbers():
    encoder = AnsEncoder(1, 3)
    code_all(encoder.coder, np.zeros(9, np.int64), np.zeros(9, np.int64))
    with pytest.raises(ValueError, match="announced"):
        encoder.finish()


def test_damaged_data():
    rng = np.random.default_rng(3)
    contexts = rng.integers(0, 3, 2000)
    values = rng.integers(0, 1000, 2000)
    data = write(contexts, values, 3)
    for cut in (0, 1, 5, len(data) // 2, len(data) - 4, len(data) - 1):
        with pytest.raises(BitstreamError):
            read(data[:cut], contexts, 3)
    with pytest.raises(BitstreamError):
        read(data + b"\0\0\0\0", contexts, 3)
    errors = 0
    for _ in range(200):
        mutated = bytearray(data)
        mutated[rng.integers(len(data))] ^= 1 << rng.integers(8)
        try:
            decoded = read(bytes(mutated), contexts, 3)
        except BitstreamError:
            errors += 1
        else:  # raw bits may be anything
            assert 0 <= decoded.min() <= decoded.max() <= LARGEST
    assert errors > 50


def test_random_bytes():
    rng = np.random.default_rng(4)
    contexts = rng.integers(0, 3, 100)
    for size in range(200):
        data = bytes(rng.integers(0, 256, size, np.uint8))
        with pytest.raises(BitstreamError):
            read(bytes([size // 2 & 127]) + data, contexts, 3)
