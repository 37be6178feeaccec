"""How much less rate, or how much more quality, one rate-distortion curve has than another.

    bd_rate(reference, test).value      per cent of rate that the test needs more; below 0: less
    bd_quality(reference, test).value   quality that the test has more at the same rate
    over_pictures(references, tests)    one BD-rate a picture, their mean and how sure it is

A curve is a list of points (rate, quality). The rate is bytes, bits per pixel or bits per second;
the quality is in dB, or any other figure of which more is better. BD-rates of similarities such as
MS-SSIM are taken in dB, see ``decibel``, since near 1 all codecs look alike.

Between points, log rate is interpolated over quality, or quality over log rate, by a piecewise
cubic. What is averaged is the difference of two such functions over the interval that both curves
reach, from the exact integral of the polynomials. Nothing is ever extrapolated, and curves that
share too little are refused with ``NoOverlap``.

**Which points count.** A point whose quality is not finite (a lossless file has a PSNR of infinity)
is left out, and so is one that another point betters: no more quality for no less rate. Of two
points of one quality the smaller rate counts, of two points of one rate the higher quality. What
remains, the Pareto front, rises strictly in both. ``Bd.dropped`` says how many points went.

G. Bjontegaard, "Calculation of average PSNR differences between RD-curves", VCEG-M33, 2001;
F. N. Fritsch and J. Butland, "A method for constructing local monotone piecewise cubic
interpolants", SIAM J. Sci. Stat. Comput. 5, 1984 (``pchip``, which cannot overshoot); H. Akima, "A
new method of interpolation and smooth curve fitting based on local procedures", J. ACM 17, 1970
(``akima``, which C. Herglotz et al. propose: "Beyond Bjontegaard", ICIP 2022, arXiv:2202.12565).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from ivc.errors import IvcError, UsageError

if TYPE_CHECKING:
    from scipy.interpolate import PPoly

Curve = Sequence[tuple[float, float]]
"""Points (rate, quality) in any order; the rate is positive."""

Method = Literal["pchip", "akima"]

POINTS: dict[str, int] = {"pchip": 2, "akima": 4}
"""Usable points that a curve needs. Two make PCHIP a straight line in log rate; Akima's slopes come
from five points, and with fewer than four its rule for the ends decides everything."""

MINIMUM_OVERLAP = 0.25

_STEP = 1e-9
"""Points closer than this in quality (absolute) or rate (relative) are one: nothing measures finer,
and the slope between them would be noise."""


class NoOverlap(IvcError):  # noqa: N818 - reads as what it is
    """Two curves that cannot be compared: too few usable points, or too little in common."""


@dataclass(frozen=True)
class Bd:
    """A mean difference of two curves.

    Attributes:
        value: per cent of rate for ``bd_rate``, in the unit of the quality for ``bd_quality``.
        low: lower end of the common interval: a quality for ``bd_rate``, a rate for ``bd_quality``.
        high: upper end of it.
        overlap: length of the common interval as a share of that of the shorter curve, 0 to 1; for
            ``bd_quality`` lengths are of log rate. 1: the shorter curve lies within the other.
        method: interpolation, a key of ``POINTS``.
        dropped: points of both curves that were left out, by the rule of the module.
    """

    value: float
    low: float
    high: float
    overlap: float
    method: str
    dropped: int = 0


@dataclass(frozen=True)
class Summary:
    """Differences over a set of pictures. Show ``count`` of ``total`` wherever ``mean`` is shown.

    Attributes:
        mean: arithmetic mean over the measured pictures; None if there are none.
        median: of the same.
        interval: ends of the 95 % bootstrap interval of the mean, from drawing pictures with
            replacement; None for fewer than two pictures. It is about the choice of pictures only.
        count: pictures measured.
        total: pictures of either codec.
        complete: whether every picture was measured. If not, ``mean`` is over other pictures than
            those of another codec, and must not be compared with its.
        pictures: the measured differences.
        refused: why, of every picture that has none.
    """

    mean: float | None
    median: float | None
    interval: tuple[float, float] | None
    count: int
    total: int
    complete: bool
    pictures: dict[str, Bd] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


def bd_rate(
    reference: Curve,
    test: Curve,
    *,
    method: Method = "pchip",
    minimum_overlap: float = MINIMUM_OVERLAP,
) -> Bd:
    """Per cent of rate that ``test`` needs more than ``reference`` at the same quality.

    exp of the mean difference of log rate over the common qualities, minus 1; so the way there and
    the way back cancel: (1 + a)(1 + b) = 1.

    Raises:
        NoOverlap: too few usable points, or a common interval below ``minimum_overlap`` of the
            shorter curve.
        UsageError: a rate that is not a positive number, an unknown method, SciPy is missing.
    """
    mean, bd = _mean_difference(reference, test, method, minimum_overlap, of_quality=False)
    with np.errstate(over="ignore"):
        return Bd(float(100 * np.expm1(mean)), *bd)


def bd_quality(
    reference: Curve,
    test: Curve,
    *,
    method: Method = "pchip",
    minimum_overlap: float = MINIMUM_OVERLAP,
) -> Bd:
    """Quality that ``test`` has more than ``reference`` at the same rate: BD-PSNR, for PSNR in dB.

    The mean is over the common interval of log rate.

    Raises:
        NoOverlap: too few usable points, or a common interval below ``minimum_overlap`` of the
            shorter curve, in log rate.
        UsageError: a rate that is not a positive number, an unknown method, SciPy is missing.
    """
    mean, bd = _mean_difference(reference, test, method, minimum_overlap, of_quality=True)
    return Bd(mean, *bd)


def rate_at(curve: Curve, quality: float, *, method: Method = "pchip") -> float | None:
    """Rate at a quality; None outside of the curve, or if it has too few usable points."""
    points = _front(curve)
    if len(points) < _needed(method) or not points[0][1] <= quality <= points[-1][1]:
        return None
    return math.exp(float(_interpolator(points, method, of_quality=False)(quality)))


def quality_at(curve: Curve, rate: float, *, method: Method = "pchip") -> float | None:
    """Quality at a rate; None outside of the curve, or if it has too few usable points.

    Quality is interpolated over log rate, as in ``bd_quality``. Between points this is close to the
    inverse of ``rate_at``, but is not exactly that.
    """
    points = _front(curve)
    if len(points) < _needed(method) or not points[0][0] <= rate <= points[-1][0]:
        return None
    return float(_interpolator(points, method, of_quality=True)(math.log(rate)))


def over_pictures(
    reference: Mapping[str, Curve],
    test: Mapping[str, Curve],
    *,
    method: Method = "pchip",
    minimum_overlap: float = MINIMUM_OVERLAP,
    figure: Literal["rate", "quality"] = "rate",
    resamples: int = 2000,
    seed: int = 0,
) -> Summary:
    """Differences by picture, and over pictures.

    A picture that one of the two lacks, or whose curves share too little, is in ``refused`` and
    makes the summary incomplete, so that a codec cannot gain by failing.

    Args:
        reference: curves by picture.
        test: curves by picture.
        method: interpolation.
        minimum_overlap: see ``bd_rate``.
        figure: ``rate`` for ``bd_rate``, ``quality`` for ``bd_quality``.
        resamples: sets of pictures that the bootstrap draws.
        seed: of these draws.

    Raises:
        UsageError: a rate that is not a positive number (names the picture), an unknown method or
            figure, ``resamples`` below 1, SciPy is missing.
    """
    if resamples < 1:
        raise UsageError(f"the bootstrap needs at least 1 resample, not {resamples}")
    measures = {"rate": bd_rate, "quality": bd_quality}
    if figure not in measures:
        raise UsageError(f"unknown figure {figure!r}; there are {', '.join(measures)}")
    _needed(method)
    pictures: dict[str, Bd] = {}
    refused: dict[str, str] = {}
    names = list(dict.fromkeys([*reference, *test]))
    for name in names:
        if name not in reference or name not in test:
            who = "reference" if name not in reference else "test"
            refused[name] = f"not measured: the {who} has no curve"
            continue
        try:
            pictures[name] = measures[figure](
                reference[name], test[name], method=method, minimum_overlap=minimum_overlap
            )
        except NoOverlap as error:
            refused[name] = str(error)
        except UsageError as error:
            raise UsageError(f"{name}: {error}") from error
    values = np.array([bd.value for bd in pictures.values()])
    return Summary(
        mean=float(values.mean()) if values.size else None,
        median=float(np.median(values)) if values.size else None,
        interval=_bootstrap(values, resamples, seed) if values.size > 1 else None,
        count=len(pictures),
        total=len(names),
        complete=bool(names) and not refused,
        pictures=pictures,
        refused=refused,
    )


def of_mean_curves(
    reference: Mapping[str, Curve],
    test: Mapping[str, Curve],
    *,
    method: Method = "pchip",
    minimum_overlap: float = MINIMUM_OVERLAP,
) -> Bd:
    """BD-rate of the two ``mean_curve``s, as papers report it for a set of pictures.

    Unlike the mean of ``over_pictures``, pictures that take many bits weigh more.

    Raises:
        NoOverlap: the two have different pictures, or pictures of one have different numbers of
            points; otherwise as ``bd_rate``.
        UsageError: as ``bd_rate``.
    """
    if reference.keys() != test.keys():
        odd = sorted(reference.keys() ^ test.keys())
        raise NoOverlap(f"mean curves need the same pictures; only one of the two has {odd[0]}")
    means = [mean_curve(list(curves.values())) for curves in (reference, test)]
    return bd_rate(*means, method=method, minimum_overlap=minimum_overlap)


def mean_curve(curves: Sequence[Curve]) -> list[tuple[float, float]]:
    """Mean rate and mean quality, point by point; point i of every curve is the same setting.

    Quality that is in dB is averaged in dB. A lossless picture makes the mean infinite.

    Raises:
        NoOverlap: the curves have different numbers of points.
    """
    lengths = sorted({len(curve) for curve in curves})
    if len(lengths) > 1:
        raise NoOverlap(
            "a mean curve needs the same number of points of every picture; "
            f"there are from {lengths[0]} to {lengths[-1]}"
        )
    return [
        (math.fsum(r for r, _ in points) / len(points), sum(q for _, q in points) / len(points))
        for points in zip(*curves, strict=True)
    ]


def decibel(similarity: float) -> float:
    """(MS-)SSIM in dB: -10 log10(1 - x); infinity for 1."""
    return math.inf if similarity >= 1 else -10 * math.log10(1 - similarity)


def _mean_difference(
    reference: Curve, test: Curve, method: str, minimum_overlap: float, *, of_quality: bool
) -> tuple[float, tuple[float, float, float, str, int]]:
    """Mean of test minus reference, and the fields of ``Bd`` from ``low`` on."""
    needed = _needed(method)
    fronts = []
    for name, curve in (("reference", reference), ("test", test)):
        points = _front(curve)
        if len(points) < needed:
            raise NoOverlap(
                f"the {name} curve has {len(points)} usable points of {len(curve)}; "
                f"{method} needs {needed}"
            )
        fronts.append(points)
    axis = 0 if of_quality else 1
    ends = [(points[0][axis], points[-1][axis]) for points in fronts]
    low, high = max(a for a, _ in ends), min(b for _, b in ends)
    what = "rate" if of_quality else "quality"
    ranges = " and ".join(
        f"the {name} from {a:.6g} to {b:.6g}"
        for name, (a, b) in zip(("reference", "test"), ends, strict=True)
    )
    scale = math.log if of_quality else float
    start, stop = scale(low), scale(high)
    if stop - start < _STEP:
        raise NoOverlap(f"the curves have no {what} in common: {ranges}")
    overlap = (stop - start) / min(scale(b) - scale(a) for a, b in ends)
    if overlap < minimum_overlap:
        raise NoOverlap(
            f"the curves have only {100 * overlap:.3g} % of the shorter one's {what} in common "
            f"({100 * minimum_overlap:.3g} % are needed): {ranges}"
        )
    f, g = (_interpolator(points, method, of_quality=of_quality) for points in fronts)
    mean = float(g.integrate(start, stop) - f.integrate(start, stop)) / (stop - start)
    dropped = len(reference) + len(test) - sum(map(len, fronts))
    return mean, (low, high, overlap, method, dropped)


def _needed(method: str) -> int:
    if method not in POINTS:
        raise UsageError(f"unknown interpolation {method!r}; there are {', '.join(POINTS)}")
    return POINTS[method]


def _front(curve: Curve) -> list[tuple[float, float]]:
    """The points that count, by rising rate and quality; see the module."""
    front: list[tuple[float, float]] = []
    for rate, _ in curve:
        if not (math.isfinite(rate) and rate > 0):
            raise UsageError(f"a rate must be a positive number, not {rate}")
    finite = ((float(r), float(q)) for r, q in curve if math.isfinite(q))
    for rate, quality in sorted(finite, key=lambda point: (point[0], -point[1])):
        if front and quality <= front[-1][1] + _STEP:
            continue
        if front and math.log(rate) <= math.log(front[-1][0]) + _STEP:
            front.pop()
        front.append((rate, quality))
    return front


def _interpolator(points: Sequence[tuple[float, float]], method: str, *, of_quality: bool) -> PPoly:
    """Natural logarithm of the rate over quality, or the inverse relation."""
    try:
        from scipy.interpolate import Akima1DInterpolator, PchipInterpolator
    except ImportError:
        raise UsageError("ivc compare and ivc bench need SciPy: pip install 'ivc[bench]'") from None
    log_rate = [math.log(rate) for rate, _ in points]
    quality = [quality for _, quality in points]
    x, y = (log_rate, quality) if of_quality else (quality, log_rate)
    return (PchipInterpolator if method == "pchip" else Akima1DInterpolator)(x, y)


def _bootstrap(values: np.ndarray, resamples: int, seed: int) -> tuple[float, float]:
    """2.5th and 97.5th percentile of the mean of as many values, drawn with replacement."""
    draws = np.random.default_rng(seed).integers(0, len(values), (resamples, len(values)))
    low, high = np.percentile(values[draws].mean(axis=1), [2.5, 97.5])
    return float(low), float(high)
