"""BD-rates over sets of pictures, and mean curves."""

import math

import numpy as np
import pytest

from ivc.bench.bd import (
    NoOverlap,
    bd_rate,
    decibel,
    mean_curve,
    of_mean_curves,
    over_pictures,
)
from ivc.errors import UsageError

pytest.importorskip("scipy")

R = [(0.11, 28.5), (0.245, 31.2), (0.49, 34.25), (0.875, 37.4)]
T = [(0.125, 28.9), (0.26, 31.0), (0.5, 34.9), (0.9, 37.9), (1.4, 40.2)]


def set_of_pictures(count, seed=0):
    """Curves of a reference and of a test that needs another share of rate for each picture."""
    shares = np.random.default_rng(seed).uniform(0.7, 1.2, count)
    reference = {f"p{i}": [((i + 1) * r, q) for r, q in R] for i in range(count)}
    test = {
        name: [(s * r, q) for r, q in reference[name]]
        for name, s in zip(reference, shares, strict=True)
    }
    return reference, test, 100 * (shares - 1)


def test_over_pictures():
    reference, test, expected = set_of_pictures(24)
    found = over_pictures(reference, test)
    assert found.mean == pytest.approx(expected.mean())
    assert found.median == pytest.approx(np.median(expected))
    assert [bd.value for bd in found.pictures.values()] == pytest.approx(list(expected))
    assert list(found.pictures) == list(reference)
    assert found.pictures["p3"] == bd_rate(reference["p3"], test["p3"])
    assert (found.count, found.total, found.complete, found.refused) == (24, 24, True, {})
    low, high = found.interval
    assert low < found.mean < high
    # of a mean the interval is about 2 * 1.96 standard errors wide
    error = expected.std() / math.sqrt(24)
    assert high - low == pytest.approx(2 * 1.96 * error, rel=0.1)


def test_over_pictures_by_quality():
    reference, _, _ = set_of_pictures(3)
    test = {name: [(r, q + 1) for r, q in curve] for name, curve in reference.items()}
    found = over_pictures(reference, test, figure="quality")
    assert found.mean == pytest.approx(1)
    with pytest.raises(UsageError, match="unknown figure 'ssim'; there are rate, quality"):
        over_pictures(reference, test, figure="ssim")


def test_the_bootstrap_repeats_and_is_that_of_its_definition():
    reference, test, _ = set_of_pictures(10)
    first = over_pictures(reference, test, resamples=300, seed=7)
    assert over_pictures(reference, test, resamples=300, seed=7) == first
    assert over_pictures(reference, test, resamples=300, seed=8).interval != first.interval
    values = [bd.value for bd in first.pictures.values()]
    draws = np.random.default_rng(7).integers(0, 10, (300, 10))
    means = sorted(sum(values[i] for i in row) / 10 for row in draws)
    assert first.interval == pytest.approx(tuple(np.percentile(means, [2.5, 97.5])))
    with pytest.raises(UsageError, match="at least 1 resample"):
        over_pictures(reference, test, resamples=0)


def test_the_interval_covers_the_true_mean_about_as_often_as_it_says():
    hits = 0
    for seed in range(40):
        reference, test, _ = set_of_pictures(24, seed)
        low, high = over_pictures(reference, test, resamples=500).interval
        hits += low <= -5 <= high
    assert hits >= 34


def test_one_picture_has_no_interval():
    found = over_pictures({"a": R}, {"a": T})
    assert found.interval is None
    assert found.mean == found.median == bd_rate(R, T).value
    assert found.complete


def test_no_picture_is_dropped_in_silence():
    reference, test, expected = set_of_pictures(6)
    del test["p1"]
    del reference["p2"]
    test["p3"] = [(r, q + 30) for r, q in test["p3"]]
    test["p4"] = []
    found = over_pictures(reference, test)
    assert (found.count, found.total, found.complete) == (2, 6, False)
    assert list(found.pictures) == ["p0", "p5"]
    assert found.mean == pytest.approx((expected[0] + expected[5]) / 2)
    assert found.refused["p1"] == "not measured: the test has no curve"
    assert found.refused["p2"] == "not measured: the reference has no curve"
    assert "no quality in common" in found.refused["p3"]
    assert "0 usable points" in found.refused["p4"]


@pytest.mark.parametrize(("reference", "test"), [({}, {}), ({"a": R}, {}), ({}, {"a": R})])
def test_without_a_measured_picture_there_is_no_mean(reference, test):
    found = over_pictures(reference, test)
    assert (found.mean, found.median, found.interval) == (None, None, None)
    assert (found.count, found.complete) == (0, False)
    assert found.total == len(found.refused)


def test_mean_curves():
    assert mean_curve([R]) == R
    assert mean_curve([[(1, 30), (3, 40)], [(2, 32), (5, 36)]]) == [(1.5, 31), (4, 38)]
    assert mean_curve([]) == []
    assert mean_curve([[(1, 30)], [(3, math.inf)]]) == [(2, math.inf)]
    with pytest.raises(NoOverlap, match=r"the same number of points of every picture; .* 4 to 5"):
        mean_curve([R, T])


def test_of_mean_curves_weighs_pictures_by_rate():
    reference = {"small": R, "large": [(99 * r, q) for r, q in R]}
    test = {"small": [(2 * r, q) for r, q in R], "large": reference["large"]}
    assert of_mean_curves(reference, test).value == pytest.approx(1)
    assert over_pictures(reference, test).mean == pytest.approx(50)
    # the two codecs may have different numbers of points
    assert of_mean_curves({"a": R, "b": R}, {"b": T, "a": T}) == bd_rate(R, T)


def test_of_mean_curves_refuses_sets_that_differ():
    with pytest.raises(NoOverlap, match="the same pictures; only one of the two has b"):
        of_mean_curves({"a": R, "b": R}, {"a": T})
    with pytest.raises(NoOverlap, match="the same number of points"):
        of_mean_curves({"a": R, "b": T}, {"a": T, "b": T})
    with pytest.raises(NoOverlap, match="0 usable points"):
        of_mean_curves({}, {})


def test_decibel():
    assert decibel(0) == 0
    assert decibel(0.9) == pytest.approx(10)
    assert decibel(0.999) == pytest.approx(30)
    assert decibel(1) == math.inf
    assert math.isnan(decibel(math.nan))
