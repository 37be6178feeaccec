"""Symbols coded by shipped tables, each by a table of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit
from numba.extending import overload

from ivc.entropy.binarisation import code_exp_golomb
from ivc.entropy.coders import (
    CODE,
    RANGE,
    Decoder,
    DecoderState,
    Encoder,
    EncoderState,
    EstimatorState,
    ProbeState,
)
from ivc.entropy.memory import Integer, load_u16, load_u32, load_u64
from ivc.entropy.primitives import (
    code_bypass,
    enter,
    implementation,
    is_decoder,
    narrow,
    only_compiled,
    report_fault,
    spend,
)
from ivc.entropy.tables import (
    COSTS_AT,
    ENTRIES,
    ESCAPE,
    HEADER_WORDS,
    LOOKUP_BITS,
    LOOKUP_WORDS,
    OFFSET,
    PRECISION,
    STRIDE,
    TOTAL,
    CdfTables,
)
from ivc.errors import UsageError

_PRECISION = np.uint64(PRECISION)
_TOTAL = np.uint64(TOTAL)
_LOOKUP_SHIFT = np.uint64(PRECISION - LOOKUP_BITS)
_CUMULATIVE = HEADER_WORDS + LOOKUP_WORDS
_SYMBOL_LIMIT = 2**31


def code_entry(coder: Any, table: Integer, entry: Integer) -> Any:
    """Code an entry of one table.

    Args:
        coder: any of the four kinds.
        table: address of the table's words.
        entry: 0 <= entry < entries of the table (decoder: ignored).

    Returns:
        The entry, int64; always one of the table.
    """
    raise only_compiled("code_entry")


def _encode_entry(coder: Any, table: Any, entry: Any) -> Any:
    width = load_u64(coder.address, RANGE)
    unit = width >> _PRECISION
    start = load_u32(table, _CUMULATIVE + entry)
    end = load_u32(table, _CUMULATIVE + entry + 1)
    # what the division leaves over goes to the last entry, so that any code has a meaning
    top = width if end == _TOTAL else unit * end
    narrow(coder.address, unit * start, top - unit * start)
    return np.int64(entry)


def _decode_entry(coder: Any, table: Any, entry: Any) -> Any:
    width = load_u64(coder.address, RANGE)
    code = load_u64(coder.address, CODE)
    unit = width >> _PRECISION
    target = min(code // unit, _TOTAL - np.uint64(1))
    found = np.int64(load_u16(table, 2 * HEADER_WORDS + np.int64(target >> _LOOKUP_SHIFT)))
    end = load_u32(table, _CUMULATIVE + found + 1)
    while end <= target:
        found += 1
        end = load_u32(table, _CUMULATIVE + found + 1)
    start = load_u32(table, _CUMULATIVE + found)
    top = width if end == _TOTAL else unit * end
    enter(coder.address, code - unit * start, top - unit * start)
    return found


def _estimate_entry(coder: Any, table: Any, entry: Any) -> Any:
    spend(coder.address, load_u32(table, np.int64(load_u32(table, COSTS_AT)) + entry))
    return np.int64(entry)


@overload(code_entry, jit_options={"forceinline": True})
def _code_entry(coder: Any, table: Any, entry: Any) -> Any:
    return implementation(
        coder,
        {
            EncoderState: _encode_entry,
            DecoderState: _decode_entry,
            EstimatorState: _estimate_entry,
            ProbeState: _estimate_entry,
        },
    )


@njit(cache=True, nogil=True)
def _code_outlier(coder: Any, symbol: Integer, first: Integer, last: Integer) -> Any:
    """What follows an escape: the side, then the distance from the nearest entry, less one."""
    above = code_bypass(coder, symbol > last)
    distance = code_exp_golomb(coder, symbol - last - 1 if above else first - 1 - symbol, 0)
    value = last + 1 + distance if above else first - 1 - distance
    if -_SYMBOL_LIMIT <= value < _SYMBOL_LIMIT:
        return value
    report_fault(coder)
    return first


@njit(cache=True, nogil=True, forceinline=True)
def code_symbol(coder: Any, tables: Any, t: Integer, symbol: Integer) -> Any:
    """Code a symbol by table ``t`` of a set, through the escape if it has no entry there.

    Args:
        coder: any of the four kinds.
        tables: ``CdfTables.state``.
        t: 0 <= t < number of tables; not checked.
        symbol: any 32-bit integer; without escapes it must have an entry (decoder: ignored).

    Returns:
        The symbol, int64; from a decoder always one of the table or, after an escape, of 32 bits.
    """
    table = tables.address + 4 * np.int64(t) * np.int64(load_u32(tables.address, STRIDE))
    first = np.int64(load_u32(table, OFFSET)) - _SYMBOL_LIMIT
    entries = np.int64(load_u32(table, ENTRIES))
    escape = np.int64(load_u32(table, ESCAPE))
    entry = np.int64(symbol) - first
    if entry < 0 or entry >= entries - escape:
        entry = entries - 1
    entry = code_entry(coder, table, entry)
    if escape and entry == entries - 1:
        return _code_outlier(coder, np.int64(symbol), first, first + entries - 2)
    return first + entry


@njit(cache=True, nogil=True)
def code_symbols(coder: Any, tables: Any, indices: Any, symbols: Any) -> None:
    """``code_symbol`` for each element of two flat arrays; ``symbols`` is read or filled."""
    for j in range(len(indices)):
        symbol = code_symbol(coder, tables, indices[j], symbols[j])
        if is_decoder(coder):
            symbols[j] = symbol


def encode_symbols(
    encoder: Encoder, symbols: npt.ArrayLike, indices: npt.ArrayLike, tables: CdfTables
) -> None:
    """Write symbols, each by the table its index names.

    May be called again and again, with other tables in between; nothing is lost at the seams.

    Args:
        encoder: takes the symbols.
        symbols: integers of 32 bits, any shape.
        indices: tables, same shape.
        tables: the set.

    Raises:
        UsageError: when shapes differ, an index names no table, or a symbol has neither an entry
            nor an escape.
    """
    values = np.asarray(symbols)
    flat_indices = _flat_indices(indices, tables)
    if values.shape != np.shape(indices):
        raise UsageError(f"{values.shape} symbols but {np.shape(indices)} table indices")
    if values.dtype.kind not in "iu" and values.size:
        raise UsageError(f"symbols must be integers, not {values.dtype}")
    if values.size and not -_SYMBOL_LIMIT <= values.min() <= values.max() < _SYMBOL_LIMIT:
        raise UsageError("symbols must fit 32 bits")
    flat = np.array(values, np.int32).ravel()
    if not tables.escape:
        first, last = tables.first_last()
        if ((flat < first[flat_indices]) | (flat > last[flat_indices])).any():
            raise UsageError("a symbol has no entry in its table, and the tables have no escape")
    code_symbols(encoder.coder, tables.state, flat_indices, flat)


def decode_symbols(
    decoder: Decoder, indices: npt.ArrayLike, tables: CdfTables
) -> npt.NDArray[np.int32]:
    """Read as many symbols as there are indices; ask ``decoder.finish`` when all is read.

    Symbols read so far may decide the indices of the next call.

    Args:
        decoder: gives the symbols.
        indices: tables, any shape.
        tables: the set.

    Returns:
        int32, shaped as ``indices``.

    Raises:
        UsageError: when an index names no table.
    """
    flat_indices = _flat_indices(indices, tables)
    symbols = np.zeros(flat_indices.shape, np.int32)
    code_symbols(decoder.coder, tables.state, flat_indices, symbols)
    return symbols.reshape(np.shape(indices))


def _flat_indices(indices: npt.ArrayLike, tables: CdfTables) -> npt.NDArray[np.int32]:
    values = np.asarray(indices)
    if values.size and values.dtype.kind not in "iu":
        raise UsageError(f"table indices must be integers, not {values.dtype}")
    if values.size and not 0 <= values.min() <= values.max() < len(tables):
        raise UsageError(
            f"table indices run from {values.min()} to {values.max()} but there are "
            f"{len(tables)} tables"
        )
    return np.array(values, np.int32).ravel()
