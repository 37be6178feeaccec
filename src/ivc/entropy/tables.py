"""Integer distributions that are shipped with a codec: cumulative tables of 16 bits.

A set holds many tables; each symbol says by which of them it is coded. Table ``t`` gives integer
frequencies, at least 1 each and 65536 in all, to ``size`` entries. Entry 0 stands for the symbol
``offset``, the next for ``offset + 1`` and so on; if the set has escapes, the last entry of
each table stands for "none of these", and an Exp-Golomb code in bypass bits follows.

Tables are made offline, with floats if one likes, and stored; coding uses the stored integers only.
"""

from __future__ import annotations

import heapq
import json
import zlib
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple, Self
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from ivc.entropy.contexts import cost_of
from ivc.errors import UsageError

PRECISION = 16
TOTAL = 1 << PRECISION
MAX_ENTRIES = 16384

# one table as kernels see it: 32-bit words (header, lookup, cumulative frequencies, costs), all
# tables of a set one after the other
HEADER_WORDS = 6
STRIDE, ENTRIES, OFFSET, ESCAPE, COSTS_AT = range(5)  # words of the header; offset + 2**31
LOOKUP_BITS = 8  # the entry that holds each 256th of the range, two in a word
LOOKUP_WORDS = 1 << (LOOKUP_BITS - 1)


class _Tables(NamedTuple):
    address: int


class TablesState(_Tables):
    """What kernels see of ``CdfTables``. Keeps them alive."""

    tables: CdfTables


class CdfTables:
    """A set of integer distributions.

    Args:
        frequencies: one sequence of integers a table: each at least 1, 65536 in sum.
        offsets: symbol of the first entry of each table; one number serves all.
        escape: True if the last entry of each table announces symbols that have no entry.

    Attributes:
        frequencies: the tables, uint32 arrays.
        offsets: int64 (n,).
        escape: as given.
        state: what ``code_symbol`` takes.

    Raises:
        UsageError: when a table breaks these rules.
    """

    def __init__(
        self,
        frequencies: Sequence[npt.ArrayLike],
        offsets: npt.ArrayLike = 0,
        *,
        escape: bool = False,
    ) -> None:
        self.escape = bool(escape)
        self.frequencies = [_checked(row, t, self.escape) for t, row in enumerate(frequencies)]
        if not self.frequencies:
            raise UsageError("a set of tables needs at least one table")
        starts = np.asarray(offsets)
        if starts.dtype.kind not in "iu" or starts.shape not in ((), (len(self.frequencies),)):
            raise UsageError(
                f"{len(self.frequencies)} tables need as many integer offsets, or one for all"
            )
        self.offsets = np.broadcast_to(starts.astype(np.int64), len(self.frequencies))
        for t, (row, offset) in enumerate(zip(self.frequencies, self.offsets, strict=True)):
            if not -(2**31) <= offset <= 2**31 - len(row):
                raise UsageError(f"table {t}: symbols from {offset} on leave 32 bits")
        self._words = self._packed()
        self.state = TablesState(int(self._words.ctypes.data))
        self.state.tables = self

    def __len__(self) -> int:
        return len(self.frequencies)

    def _packed(self) -> npt.NDArray[np.uint32]:
        entries = max(len(row) for row in self.frequencies)
        stride = HEADER_WORDS + LOOKUP_WORDS + (entries + 1) + entries
        words = np.zeros((len(self), stride), np.uint32)
        steps = np.arange(1 << LOOKUP_BITS) << (PRECISION - LOOKUP_BITS)
        for row, offset, table in zip(self.frequencies, self.offsets, words, strict=True):
            cumulative = np.concatenate([[0], np.cumsum(row)])
            lookup = np.searchsorted(cumulative, steps, side="right") - 1
            costs = cost_of(row.astype(np.uint64), PRECISION)
            at = HEADER_WORDS
            table[at : at + LOOKUP_WORDS].view(np.uint16)[:] = lookup
            at += LOOKUP_WORDS
            table[at : at + len(cumulative)] = cumulative
            at += entries + 1
            table[at : at + len(row)] = costs
            table[[STRIDE, ENTRIES, OFFSET, ESCAPE, COSTS_AT]] = (
                stride, len(row), offset + 2**31, self.escape, at,
            )  # fmt: skip
        words.flags.writeable = False
        return words

    def first_last(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """The least and the greatest symbol with an entry of its own, int64 (n,) each."""
        sizes = np.array([len(row) for row in self.frequencies], np.int64)
        return self.offsets, self.offsets + sizes - 1 - self.escape

    def save(self, path: str | PathLike[str]) -> None:
        """Write the set to a ``.npz`` or ``.json`` file.

        Raises:
            UsageError: for other suffixes.
        """
        path = Path(path)
        offsets = self.offsets.tolist()
        if path.suffix == ".json":
            content: dict[str, Any] = {
                "precision": PRECISION,
                "escape": self.escape,
                "offsets": offsets,
                "frequencies": [row.tolist() for row in self.frequencies],
            }
            path.write_text(json.dumps(content) + "\n", encoding="utf-8")
        elif path.suffix == ".npz":
            np.savez_compressed(
                path,
                precision=np.int64(PRECISION),
                escape=np.bool_(self.escape),
                offsets=np.array(offsets, np.int64),
                sizes=np.array([len(row) for row in self.frequencies], np.int64),
                frequencies=np.concatenate(self.frequencies),
            )
        else:
            raise UsageError(f"tables are stored as .npz or .json, not {path.name!r}")

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Self:
        """Read what ``save`` wrote and check it.

        Raises:
            UsageError: when the file is not a valid set of tables.
        """
        path = Path(path)
        try:
            if path.suffix == ".json":
                content = json.loads(path.read_text(encoding="utf-8"))
                frequencies = [np.array(row) for row in content["frequencies"]]
            else:
                with np.load(path, allow_pickle=False) as archive:
                    content = {name: archive[name] for name in archive.files}
                sizes = content["sizes"]
                if (sizes < 0).any() or sizes.sum() != len(content["frequencies"]):
                    raise UsageError(f"{path}: sizes of tables do not fit their frequencies")
                frequencies = np.split(content["frequencies"], np.cumsum(sizes)[:-1])
            if int(content["precision"]) != PRECISION:
                raise UsageError(
                    f"{path}: tables have {content['precision']} bits, not {PRECISION}"
                )
            return cls(frequencies, np.array(content["offsets"]), escape=bool(content["escape"]))
        except UsageError:
            raise
        except (
            OSError,
            ValueError,
            KeyError,
            TypeError,
            EOFError,
            BadZipFile,
            zlib.error,
        ) as error:
            raise UsageError(f"{path}: no set of coding tables: {error}") from error


def _checked(row: npt.ArrayLike, t: int, escape: bool) -> npt.NDArray[np.uint32]:
    """The frequencies of table ``t`` as uint32 (entries,)."""
    values = np.asarray(row)
    if values.ndim != 1 or values.dtype.kind not in "iu":
        raise UsageError(f"table {t}: frequencies must be a row of integers")
    if not 1 + escape <= len(values) <= MAX_ENTRIES:
        raise UsageError(f"table {t}: {len(values)} entries; {1 + escape} to {MAX_ENTRIES} can be")
    if values.min() < 1 or values.max() > TOTAL or int(values.sum()) != TOTAL:
        raise UsageError(f"table {t}: frequencies must be at least 1 and add up to {TOTAL}")
    return values.astype(np.uint32)


def quantise_pmf(pmf: npt.ArrayLike) -> npt.NDArray[np.uint32]:
    """Integer frequencies, each at least 1 and 65536 in sum, that lose least in coding ``pmf``.

    Starts from rounding and then moves single units where they change the expected code length
    (sum of -p log2 f) most favourably; ties go to the lower index.

    Args:
        pmf: (n,) probabilities up to a common factor, 0 allowed, n <= 16384.

    Returns:
        uint32 (n,).

    Raises:
        UsageError: for negative, infinite or all-zero input, or too many entries.
    """
    weights = np.asarray(pmf, np.float64)
    if weights.ndim != 1 or not 1 <= len(weights) <= MAX_ENTRIES:
        raise UsageError(f"a distribution is a row of 1 to {MAX_ENTRIES} numbers")
    if not np.isfinite(weights).all() or weights.min() < 0 or weights.sum() <= 0:
        raise UsageError("a distribution has no negative or infinite numbers and a positive sum")
    probabilities = weights / weights.sum()
    frequencies = np.maximum(np.rint(probabilities * TOTAL), 1).astype(np.int64)
    surplus = int(frequencies.sum()) - TOTAL
    step = -1 if surplus > 0 else 1

    def loss(i: int) -> float:
        f = int(frequencies[i])
        return float(probabilities[i] * np.log(f / (f + step))) if f + step >= 1 else np.inf

    heap = [(loss(i), i) for i in range(len(frequencies))]
    heapq.heapify(heap)
    for _ in range(abs(surplus)):
        _, i = heapq.heappop(heap)
        frequencies[i] += step
        heapq.heappush(heap, (loss(i), i))
    result: npt.NDArray[np.uint32] = frequencies.astype(np.uint32)
    return result
