"""Symbols coded by tables: exact bytes, round trips, outliers, batches, hostile bytes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivc.entropy import (
    CdfTables,
    Decoder,
    Encoder,
    Estimator,
    code_symbols,
    decode_symbols,
    encode_symbols,
    gaussian_tables,
    laplace_tables,
)
from ivc.errors import BitstreamError, UsageError

TABLES = laplace_tables([0.05, 0.7, 6.0, 90.0], fractions=2)
EXTREME = CdfTables(
    [[65536], [1, 65535], [65535, 1], [1, 65534, 1], [16384] * 4], [7, 0, 0, -1, 100]
)
INT32 = st.integers(-(2**31), 2**31 - 1)


def encoded(symbols, indices, tables):
    encoder = Encoder()
    encode_symbols(encoder, symbols, indices, tables)
    return encoder.finish()


def test_exact_bytes():
    assert encoded([], [], TABLES) == b""
    assert encoded([7] * 100, [0] * 100, EXTREME) == b""
    assert encoded([103, 100, 102, 101], [4] * 4, EXTREME).hex() == "c9"
    assert encoded([0, 1, 1], [1, 2, 1], EXTREME).hex() == "0000ffff01"
    assert encoded([0, -3, 500, 8, -8], [0, 2, 4, 5, 6], TABLES).hex() == "0398f53185b3db"


def test_symbols_of_all_tables_come_back():
    generator = np.random.default_rng(2)
    indices = generator.integers(0, len(TABLES), (50, 40, 10)).astype(np.uint8)
    symbols = np.rint(generator.laplace(size=indices.shape) * 20).astype(np.int32)
    data = encoded(symbols, indices, TABLES)
    decoder = Decoder(data)
    decoded = decode_symbols(decoder, indices, TABLES)
    decoder.finish()
    assert decoded.dtype == np.int32
    assert (decoded == symbols).all()
    estimator = Estimator()
    code_symbols(
        estimator.coder, TABLES.state, indices.ravel().astype(np.int32), symbols.ravel().copy()
    )
    assert estimator.bits == pytest.approx(8 * len(data), rel=0.005)


def test_size_is_that_of_the_tables():
    tables = gaussian_tables([0.2, 1.0, 30.0])
    generator = np.random.default_rng(3)
    indices = generator.integers(0, 3, 300_000)
    symbols = np.rint(generator.normal(size=300_000) * np.array([0.2, 1.0, 30.0])[indices])
    symbols = symbols.astype(np.int32)
    first, last = tables.first_last()
    symbols = np.clip(symbols, first[indices], last[indices])
    bits = 0.0
    for t, row in enumerate(tables.frequencies):
        bits -= np.log2(row[symbols[indices == t] - first[t]] / 65536).sum()
    assert len(encoded(symbols, indices, tables)) * 8 == pytest.approx(bits, rel=2e-5)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.one_of(INT32, st.integers(-300, 300)), st.integers(0, 7))))
def test_any_symbol_comes_back(pairs):
    symbols = [symbol for symbol, _ in pairs]
    indices = np.array([index for _, index in pairs], np.int64)
    decoder = Decoder(encoded(symbols, indices, TABLES))
    assert decode_symbols(decoder, indices, TABLES).tolist() == symbols
    decoder.finish()


def test_certain_and_nearly_impossible_symbols():
    generator = np.random.default_rng(4)
    indices = generator.integers(0, 5, 5000)
    first, last = EXTREME.first_last()
    symbols = generator.integers(first[indices], last[indices] + 1)
    decoder = Decoder(encoded(symbols, indices, EXTREME))
    assert (decode_symbols(decoder, indices, EXTREME) == symbols).all()
    decoder.finish()


def test_batches_join_without_seams():
    generator = np.random.default_rng(6)
    symbols = np.rint(generator.laplace(size=900) * 5).astype(np.int32)
    indices = np.concatenate([[2], np.clip(np.abs(symbols[:-1]), 0, 7)])
    encoder = Encoder()
    for part in np.split(np.arange(900), [1, 10, 10, 400]):
        encode_symbols(encoder, symbols[part], indices[part], TABLES)
    data = encoder.finish()
    assert data == encoded(symbols, indices, TABLES)
    decoder = Decoder(data)
    index = 2
    for symbol in symbols.tolist():
        [decoded] = decode_symbols(decoder, [index], TABLES).tolist()
        assert decoded == symbol
        index = min(abs(decoded), 7)
    decoder.finish()


def test_a_million_symbols():
    generator = np.random.default_rng(8)
    indices = generator.integers(0, 8, 1_000_000)
    symbols = np.rint(generator.laplace(size=1_000_000) * 3).astype(np.int32)
    decoder = Decoder(encoded(symbols, indices, TABLES))
    assert (decode_symbols(decoder, indices, TABLES) == symbols).all()
    decoder.finish()


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=80), st.lists(st.integers(0, 7), min_size=1, max_size=300))
def test_any_bytes_decode(data, indices):
    decoder = Decoder(data)
    symbols = decode_symbols(decoder, indices, TABLES)
    assert len(symbols) == len(indices)
    plain = decode_symbols(Decoder(data), np.array(indices) % 5, EXTREME)
    first, last = EXTREME.first_last()
    assert (plain >= first[np.array(indices) % 5]).all()
    assert (plain <= last[np.array(indices) % 5]).all()


def test_mutated_data_decode_or_are_reported():
    generator = np.random.default_rng(9)
    indices = generator.integers(0, 8, 2000)
    symbols = np.rint(generator.laplace(size=2000) * 9).astype(np.int32)
    data = bytearray(encoded(symbols, indices, TABLES))
    wrong = 0
    for _ in range(300):
        mutated = data.copy()
        at = int(generator.integers(0, len(data)))
        mutated[at] ^= int(generator.integers(1, 256))
        decoder = Decoder(bytes(mutated[: int(generator.integers(at, len(data))) + 1]))
        decoded = decode_symbols(decoder, indices, TABLES)
        try:
            decoder.finish()
        except BitstreamError:
            wrong += 1
        else:
            wrong += bool((decoded != symbols).any())
    assert wrong >= 299


def test_a_distance_beyond_32_bits_is_reported():
    tables = CdfTables([[1, 65535]], escape=True)
    decoder = Decoder(b"\xff" * 40)
    assert decode_symbols(decoder, [0], tables).tolist() == [0]
    with pytest.raises(BitstreamError, match="out of range"):
        decoder.finish()


@pytest.mark.parametrize(
    "symbols, indices, tables",
    [
        ([1], [8], TABLES),
        ([1], [-1], TABLES),
        ([1], [0.0], TABLES),
        ([1.5], [0], TABLES),
        ([1, 2], [0], TABLES),
        ([2**31], [0], TABLES),
        ([8], [0], EXTREME),
        ([6], [0], EXTREME),
    ],
)
def test_bad_arguments(symbols, indices, tables):
    encoder = Encoder()
    with pytest.raises(UsageError):
        encode_symbols(encoder, symbols, indices, tables)
    assert encoder.finish() == b""
