"""BD-rates: exact cases, another package's values, another implementation, hostile curves."""

import itertools
import math
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivc.bench.bd import (
    POINTS,
    NoOverlap,
    bd_quality,
    bd_rate,
    over_pictures,
    quality_at,
    rate_at,
)
from ivc.errors import IvcError, UsageError

pytest.importorskip("scipy")

R = [(0.11, 28.5), (0.245, 31.2), (0.49, 34.25), (0.875, 37.4)]
T = [(0.125, 28.9), (0.26, 31.0), (0.5, 34.9), (0.9, 37.9), (1.4, 40.2)]
U = [(1200, 24.1), (2500, 27.9), (4100, 29.2), (9000, 33.8), (16000, 36.1), (30000, 39.9)]
V = [(900, 23.0), (2100, 26.8), (5200, 31.9), (8000, 33.3), (20000, 38.8), (26000, 39.4)]
METHODS = list(POINTS)

# pip install bjontegaard==1.3.0
# for a, b in ((R, T), (T, R), (U, V)):
#     arguments = [*zip(*a), *zip(*b)]
#     bjontegaard.bd_rate(*arguments, method=..., require_matching_points=False, min_overlap=0)
#     bjontegaard.bd_psnr(*arguments, method=..., require_matching_points=False, min_overlap=0)
REFERENCE = [
    (R, T, "pchip", -1.2247643706586597, 0.039961218267698134),
    (R, T, "akima", -1.6291500578678009, 0.03656634014606019),
    (T, R, "pchip", 1.2399508468444953, -0.039961218267698134),
    (T, R, "akima", 1.6561309156382986, -0.03656634014606019),
    (U, V, "pchip", -12.371783081544496, 0.6523316638125526),
    (U, V, "akima", -11.193114803768733, 0.6116280140379804),
]


@st.composite
def rising_curves(draw):
    """Curves that overlap from 30 to 32 dB at the least, and in log rate."""
    count = draw(st.integers(4, 9))
    steps = st.lists(st.floats(0.1, 1), min_size=count - 1, max_size=count - 1)
    quality, rates = (
        np.concatenate([[0], np.cumsum(part) / np.sum(part)]) for part in (draw(steps), draw(steps))
    )
    low, high = draw(st.floats(20, 30)), draw(st.floats(32, 45))
    log_rate = draw(st.floats(-3, -2)) + rates * draw(st.floats(3, 5))
    return [
        (float(math.exp(r)), float(q))
        for r, q in zip(log_rate, low + quality * (high - low), strict=True)
    ]


# Another implementation, from the papers alone: slopes, then Hermite basis functions, then
# Gauss-Legendre quadrature between all knots, which is exact for cubics.


def slopes_of_fritsch_butland(x, y):
    h, d = np.diff(x), np.diff(y) / np.diff(x)
    if len(x) == 2:
        return np.array([d[0], d[0]])
    slopes = np.zeros(len(x))
    for i in range(1, len(x) - 1):
        if d[i - 1] * d[i] > 0:
            a, b = (h[i - 1] + 2 * h[i]) / 3, (2 * h[i - 1] + h[i]) / 3
            # Brodlie's weighted harmonic mean: the larger interval has the smaller say
            slopes[i] = (h[i - 1] + h[i]) / (b / d[i] + a / d[i - 1])
    for end, (i, j) in ((0, (0, 1)), (-1, (-1, -2))):
        slope = d[i] + (d[i] - d[j]) * h[i] / (h[i] + h[j])
        if slope * d[i] <= 0:
            slope = 0.0
        elif d[i] * d[j] < 0 and abs(slope) > 3 * abs(d[i]):
            slope = 3 * d[i]
        slopes[end] = slope
    return slopes


def slopes_of_akima(x, y):
    d = list(np.diff(y) / np.diff(x))
    d = [3 * d[0] - 2 * d[1], 2 * d[0] - d[1], *d, 2 * d[-1] - d[-2], 3 * d[-1] - 2 * d[-2]]
    slopes = []
    for m1, m2, m3, m4 in zip(d, d[1:], d[2:], d[3:], strict=False):
        left, right = abs(m4 - m3), abs(m2 - m1)
        even = left + right < 1e-12
        slopes.append((m2 + m3) / 2 if even else (left * m2 + right * m3) / (left + right))
    return np.array(slopes)


SLOPES = {"pchip": slopes_of_fritsch_butland, "akima": slopes_of_akima}


def hermite(x, y, slopes, at):
    i = int(np.clip(np.searchsorted(x, at, side="right") - 1, 0, len(x) - 2))
    h = x[i + 1] - x[i]
    t = (at - x[i]) / h
    return (
        y[i] * (1 + 2 * t) * (1 - t) ** 2
        + h * slopes[i] * t * (1 - t) ** 2
        + y[i + 1] * t**2 * (3 - 2 * t)
        + h * slopes[i + 1] * t**2 * (t - 1)
    )


def mean_difference(x0, y0, x1, y1, method):
    nodes, weights = np.polynomial.legendre.leggauss(4)
    low, high = max(x0[0], x1[0]), min(x0[-1], x1[-1])
    knots = sorted({low, high, *(k for k in (*x0, *x1) if low < k < high)})
    total = 0.0
    s0, s1 = SLOPES[method](x0, y0), SLOPES[method](x1, y1)
    for a, b in itertools.pairwise(knots):
        for node, weight in zip(nodes, weights, strict=True):
            at = (a + b) / 2 + (b - a) / 2 * node
            difference = hermite(x1, y1, s1, at) - hermite(x0, y0, s0, at)
            total += weight * (b - a) / 2 * difference
    return total / (high - low)


def columns(curve):
    rates, quality = np.array(curve, float).T
    return np.log(rates), quality


@pytest.mark.parametrize(("a", "b", "method", "rate", "quality"), REFERENCE)
def test_values_of_another_package(a, b, method, rate, quality):
    assert bd_rate(a, b, method=method).value == pytest.approx(rate, rel=1e-10)
    assert bd_quality(a, b, method=method).value == pytest.approx(quality, rel=1e-10)


@pytest.mark.parametrize("method", METHODS)
@given(a=rising_curves(), b=rising_curves())
def test_another_implementation_agrees(method, a, b):
    (log_a, quality_a), (log_b, quality_b) = columns(a), columns(b)
    expected = mean_difference(quality_a, log_a, quality_b, log_b, method)
    found = bd_rate(a, b, method=method, minimum_overlap=0)
    assert math.log1p(found.value / 100) == pytest.approx(expected, abs=1e-9)
    expected = mean_difference(log_a, quality_a, log_b, quality_b, method)
    found = bd_quality(a, b, method=method, minimum_overlap=0)
    assert found.value == pytest.approx(expected, abs=1e-8)


def test_two_points_are_a_straight_line():
    a = [(1.0, 30.0), (math.e**4, 34.0)]
    b = [(1.0, 31.0), (math.e**4, 35.0)]
    assert bd_rate(a, b).value == pytest.approx(100 * math.expm1(-1))
    assert bd_quality(a, b).value == pytest.approx(1)
    assert rate_at(a, 32) == pytest.approx(math.e**2)
    assert quality_at(a, math.e) == pytest.approx(31)


@pytest.mark.parametrize("method", METHODS)
@given(curve=rising_curves())
def test_a_curve_against_itself_is_zero(method, curve):
    for measure in (bd_rate, bd_quality):
        found = measure(curve, list(reversed(curve)), method=method)
        assert found.value == 0
        assert found.overlap == 1
        assert found.method == method
        assert found.dropped == 0


@pytest.mark.parametrize("method", METHODS)
@given(curve=rising_curves(), k=st.floats(0.05, 20))
def test_a_scaled_rate_is_exactly_its_scale(method, curve, k):
    scaled = [(k * rate, quality) for rate, quality in curve]
    found = bd_rate(curve, scaled, method=method)
    assert found.value == pytest.approx(100 * (k - 1), rel=1e-9, abs=1e-9)
    assert (found.low, found.high) == (curve[0][1], curve[-1][1])


@pytest.mark.parametrize("method", METHODS)
@given(curve=rising_curves(), gain=st.floats(-5, 5))
def test_raised_quality_is_exactly_its_gain(method, curve, gain):
    raised = [(rate, quality + gain) for rate, quality in curve]
    found = bd_quality(curve, raised, method=method)
    assert found.value == pytest.approx(gain, abs=1e-9)
    assert (found.low, found.high) == (curve[0][0], curve[-1][0])


@pytest.mark.parametrize("method", METHODS)
@given(a=rising_curves(), b=rising_curves())
def test_the_way_there_and_back_cancel(method, a, b):
    there, back = (
        bd_rate(*pair, method=method, minimum_overlap=0).value / 100 for pair in ((a, b), (b, a))
    )
    assert (1 + there) * (1 + back) == pytest.approx(1)
    there, back = (bd_quality(*p, method=method, minimum_overlap=0) for p in ((a, b), (b, a)))
    assert there.value == pytest.approx(-back.value)
    assert there.overlap == back.overlap


@given(curve=rising_curves(), unit=st.sampled_from([8, 1000, 393216]))
def test_the_unit_of_the_rate_does_not_matter(curve, unit):
    in_units = [[(unit * r, q) for r, q in c] for c in (curve, R)]
    expected = bd_rate(curve, R, minimum_overlap=0).value
    assert bd_rate(*in_units, minimum_overlap=0).value == pytest.approx(expected, abs=1e-9)


def test_the_common_interval():
    found = bd_rate(R, T)
    assert (found.low, found.high) == (28.9, 37.4)
    assert found.overlap == pytest.approx((37.4 - 28.9) / (37.4 - 28.5))
    found = bd_quality(R, T)
    assert (found.low, found.high) == (0.125, 0.875)
    assert found.overlap == pytest.approx(math.log(0.875 / 0.125) / math.log(0.875 / 0.11))


def test_a_short_curve_within_a_long_one_overlaps_fully():
    short = [(0.3, 31.0), (0.4, 32.0), (0.5, 33.0), (0.6, 34.0)]
    assert bd_rate(R, short, minimum_overlap=1).overlap == 1


@pytest.mark.parametrize("order", list(itertools.permutations(range(4)))[::5])
def test_the_order_of_points_does_not_matter(order):
    assert bd_rate([R[i] for i in order], T) == bd_rate(R, T)


def test_arrays_are_curves_too():
    assert bd_rate(np.array(R), np.array(T)) == bd_rate(R, T)


@pytest.mark.parametrize(
    "extra",
    [
        pytest.param((5.0, math.inf), id="lossless"),
        pytest.param((0.3, math.nan), id="not a number"),
        pytest.param((0.3, -math.inf), id="minus infinity"),
        pytest.param((0.5, 34.25), id="same quality, larger rate"),
        pytest.param((0.49, 33.0), id="same rate, lower quality"),
        pytest.param((0.6, 34.0), id="more rate, less quality"),
        pytest.param((0.49, 34.25), id="twice"),
        pytest.param((0.49 * (1 + 1e-12), 34.25 + 1e-12), id="as good as the same"),
        pytest.param((9.0, 20.0), id="the worst"),
    ],
)
@pytest.mark.parametrize("measure", [bd_rate, bd_quality])
def test_points_that_do_not_count(extra, measure):
    clean = measure(R, T)
    for at in (0, 2, 4):
        found = measure([*R[:at], extra, *R[at:]], T)
        assert found.dropped == 1
        assert (found.value, found.low, found.high) == (clean.value, clean.low, clean.high)


def test_the_better_of_two_points_counts():
    for better in ((0.4, 34.25), (0.49, 35.0), (0.49 * (1 + 1e-12), 35.0)):
        clean = bd_rate([better if point == R[2] else point for point in R], T)
        found = bd_rate([*R, better], T)
        assert found.dropped == 1
        assert (found.value, found.low, found.high) == (clean.value, clean.low, clean.high)


def test_one_point_that_betters_all_leaves_too_few():
    with pytest.raises(NoOverlap, match="1 usable points of 5"):
        bd_rate([*R, (0.01, 50.0)], T)


@pytest.mark.parametrize("rate", [0, -1, -0.0, math.nan, math.inf, -math.inf])
def test_a_rate_that_cannot_be_is_an_error(rate):
    hostile = [*R, (rate, 30.0)]
    for call in (
        lambda: bd_rate(hostile, T),
        lambda: bd_rate(T, hostile),
        lambda: bd_quality(hostile, T),
        lambda: rate_at(hostile, 30),
        lambda: quality_at(hostile, 0.3),
    ):
        with pytest.raises(UsageError, match="a rate must be a positive number"):
            call()
    with pytest.raises(UsageError, match="kodim07: a rate must be"):
        over_pictures({"kodim07": R}, {"kodim07": hostile})


points = st.tuples(
    st.floats(1e-12, 1e12),
    st.one_of(st.floats(-1e6, 1e6), st.sampled_from([math.inf, -math.inf, math.nan, 30.0])),
)


@pytest.mark.parametrize("method", METHODS)
@given(a=st.lists(points, max_size=8), b=st.lists(points, max_size=8))
def test_any_points_give_a_number_or_a_refusal(method, a, b):
    for measure in (bd_rate, bd_quality):
        try:
            found = measure(a, b, method=method, minimum_overlap=0)
        except NoOverlap as error:
            assert str(error)
            continue
        assert not math.isnan(found.value)
        assert 0 < found.overlap <= 1
        assert found.low < found.high


@pytest.mark.parametrize("method", METHODS)
def test_too_few_points_are_refused(method):
    few = T[: POINTS[method] - 1]
    said = f"{len(few)} usable points of {len(few)}; {method} needs {POINTS[method]}"
    with pytest.raises(NoOverlap, match=f"the test curve has {said}"):
        bd_rate(R, few, method=method)
    with pytest.raises(NoOverlap, match=f"the reference curve has {said}"):
        bd_rate(few, R, method=method)
    with pytest.raises(NoOverlap, match="0 usable points of 0"):
        bd_rate([], [], method=method)
    bd_rate(R, T[: POINTS[method]], method=method)


def test_curves_apart_are_refused_with_both_ranges():
    high = [(rate, quality + 20) for rate, quality in R]
    said = "no quality in common: the reference from 28.5 to 37.4 and the test from 48.5 to 57.4"
    with pytest.raises(NoOverlap, match=said):
        bd_rate(R, high)
    with pytest.raises(NoOverlap, match=r"no rate in common: the reference from 0\.11 to 0\.875"):
        bd_quality(R, [(100 * rate, quality) for rate, quality in R])
    for common in (0, 1e-12):
        touching = [(rate, quality + 37.4 - 28.5 - common) for rate, quality in R]
        with pytest.raises(NoOverlap, match="no quality in common"):
            bd_rate(R, touching, minimum_overlap=0)
    assert issubclass(NoOverlap, IvcError)


def test_too_little_in_common_is_refused_unless_asked_for():
    shifted = [(rate, quality + 8) for rate, quality in R]
    said = r"only 10\.1 % of the shorter one's quality in common \(25 % are needed\)"
    with pytest.raises(NoOverlap, match=f"{said}: the reference from 28.5 to 37.4 and the test"):
        bd_rate(R, shifted)
    found = bd_rate(R, shifted, minimum_overlap=0.1)
    assert found.overlap == pytest.approx(0.9 / 8.9)
    assert found.value < -50


def test_an_unknown_method_is_an_error():
    for call in (
        lambda: bd_rate(R, T, method="cubic"),
        lambda: rate_at(R, 30, method="cubic"),
        lambda: over_pictures({}, {}, method="cubic"),
    ):
        with pytest.raises(UsageError, match=r"unknown interpolation 'cubic'; .* pchip, akima"):
            call()


def test_without_scipy_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.interpolate", None)
    with pytest.raises(UsageError, match=r"need SciPy: pip install 'ivc\[bench\]'"):
        bd_rate(R, T)


@pytest.mark.parametrize("method", METHODS)
@given(curve=rising_curves())
def test_curves_go_through_their_points_and_end_there(method, curve):
    for rate, quality in curve:
        assert rate_at(curve, quality, method=method) == pytest.approx(rate, rel=1e-9)
        assert quality_at(curve, rate, method=method) == pytest.approx(quality, rel=1e-9)
    (least, low), (most, high) = curve[0], curve[-1]
    assert rate_at(curve, low - 1e-6, method=method) is None
    assert rate_at(curve, high + 1e-6, method=method) is None
    assert quality_at(curve, least * 0.999, method=method) is None
    assert quality_at(curve, most * 1.001, method=method) is None
    assert rate_at(curve, math.nan, method=method) is None


@given(curve=rising_curves(), at=st.floats(0, 1))
def test_pchip_never_overshoots(curve, at):
    for (r0, q0), (r1, q1) in itertools.pairwise(curve):
        assert r0 * (1 - 1e-9) <= rate_at(curve, q0 + at * (q1 - q0)) <= r1 * (1 + 1e-9)


def test_too_few_points_have_no_values_between():
    assert rate_at([], 30) is None
    assert rate_at([(0.2, 30)], 30) is None
    assert quality_at(R[:3], 0.2, method="akima") is None
