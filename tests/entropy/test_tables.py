"""Tables of frequencies: making, checking, storing."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivc.entropy import (
    CdfTables,
    gaussian_tables,
    laplace_tables,
    logistic_tables,
    quantise_pmf,
)
from ivc.errors import UsageError


def test_exact_frequencies():
    assert quantise_pmf([1]).tolist() == [65536]
    assert quantise_pmf([1, 1, 1]).tolist() == [21846, 21845, 21845]
    assert quantise_pmf([0, 1, 0]).tolist() == [1, 65534, 1]
    assert quantise_pmf([0.5, 0.25, 0.125, 0.125]).tolist() == [32768, 16384, 8192, 8192]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 1e300), min_size=1, max_size=300))
def test_frequencies_add_up_and_lose_little(weights):
    if not np.isfinite(sum(weights)) or sum(weights) <= 1e-290:
        return
    frequencies = quantise_pmf(weights)
    assert frequencies.min() >= 1
    assert frequencies.sum() == 65536
    p = np.array(weights) / sum(weights)
    inside = p > 0
    divergence = (p[inside] * np.log2(p[inside] * 65536 / frequencies[inside])).sum()
    assert divergence < 2 * len(weights) / 65536 + 1e-9


@pytest.mark.parametrize("pmf", [[], [0, 0], [-1, 2], [np.inf, 1], [np.nan], np.ones(20_000), 3.0])
def test_what_is_no_distribution(pmf):
    with pytest.raises(UsageError):
        quantise_pmf(pmf)


@pytest.mark.parametrize("family", [gaussian_tables, laplace_tables, logistic_tables])
def test_families_cover_their_distribution(family):
    tables = family([0.1, 1.0, 10.0], fractions=4)
    assert len(tables) == 12
    first, last = tables.first_last()
    for t, row in enumerate(tables.frequencies):
        inside = row[:-1] / row[:-1].sum()
        mean = (inside * np.arange(first[t], last[t] + 1)).sum()
        if t >= 4:
            assert mean == pytest.approx((t % 4) / 4, abs=0.03)
        if t % 4 == 0:
            assert abs(inside - inside[::-1]).max() < 2 / 65536
    scale_ten = tables.frequencies[8][:-1] / 65536
    around_zero = scale_ten[-first[8]]
    expected = {gaussian_tables: 0.0399, laplace_tables: 0.0488, logistic_tables: 0.025}
    assert around_zero == pytest.approx(expected[family], abs=0.0002)


@pytest.mark.parametrize("arguments", [([],), ([0.0],), ([-1.0],), ([1e6],)])
def test_impossible_families(arguments):
    with pytest.raises(UsageError):
        gaussian_tables(*arguments)


@pytest.mark.parametrize(
    "frequencies, offsets, escape",
    [
        ([], 0, False),
        ([[]], 0, False),
        ([[65535]], 0, False),
        ([[65536, 0]], 0, False),
        ([[65537, -1]], 0, False),
        ([[32768.0, 32768.0]], 0, False),
        ([[65536]], 0, True),
        ([[[65536]]], 0, False),
        ([[65536]], [0, 0], False),
        ([[65536]], 0.5, False),
        ([[65536]], 2**31, False),
        ([[1] * 65536], 0, False),
    ],
)
def test_bad_tables(frequencies, offsets, escape):
    with pytest.raises(UsageError):
        CdfTables(frequencies, offsets, escape=escape)


@pytest.mark.parametrize("suffix", [".npz", ".json"])
def test_storing(tmp_path, suffix):
    tables = laplace_tables([0.3, 4.0], fractions=2)
    path = tmp_path / f"tables{suffix}"
    tables.save(path)
    loaded = CdfTables.load(path)
    assert loaded.escape
    assert (loaded.offsets == tables.offsets).all()
    for a, b in zip(loaded.frequencies, tables.frequencies, strict=True):
        assert (a == b).all()


def test_bad_files(tmp_path):
    tables = laplace_tables([0.3, 4.0])
    with pytest.raises(UsageError, match="stored as"):
        tables.save(tmp_path / "tables.pickle")
    with pytest.raises(UsageError):
        CdfTables.load(tmp_path / "missing.npz")
    path = tmp_path / "tables.json"
    tables.save(path)
    good = json.loads(path.read_text())
    for change in (
        {"precision": 12},
        {"offsets": ["a", "b"]},
        {"frequencies": [[1, 2]]},
        {"frequencies": 5},
        {"offsets": [1, 2, 3]},
    ):
        path.write_text(json.dumps(good | change))
        with pytest.raises(UsageError):
            CdfTables.load(path)
    for text in ("", "[]", "{}", "{"):
        path.write_text(text)
        with pytest.raises(UsageError):
            CdfTables.load(path)
    archive = tmp_path / "tables.npz"
    tables.save(archive)
    whole = archive.read_bytes()
    for size in (0, 10, len(whole) // 2):
        archive.write_bytes(whole[:size])
        with pytest.raises(UsageError):
            CdfTables.load(archive)
    np.savez(archive, precision=16, escape=True, offsets=[0], sizes=[3], frequencies=[65535, 1])
    with pytest.raises(UsageError):
        CdfTables.load(archive)
