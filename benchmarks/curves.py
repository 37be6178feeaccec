"""Rate-distortion curves that the benchmarks share: quality, interpolation, BD-rate, mean curves.

A curve is a list of points (rate, quality); the rate may be bytes or bits per pixel. Between points
log rate is interpolated over quality by PCHIP, and a BD-rate is the mean difference of two such
functions over the qualities that both curves reach, so nothing is ever extrapolated.

G. Bjontegaard, "Calculation of average PSNR differences between RD-curves", VCEG-M33, 2001.
"""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from scipy.interpolate import PchipInterpolator

Curve = list[tuple[float, float]]  # (bytes or bits per pixel, dB)


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """10 log10 of 255**2 over the mean squared error of all samples, in dB."""
    return float(10 * np.log10(255**2 / np.mean(np.square(a.astype(float) - b))))


def decibel(similarity: float) -> float:
    """MS-SSIM in dB: -10 log10(1 - x)."""
    return math.inf if similarity >= 1 else -10 * math.log10(1 - similarity)


def interpolator(curve: Curve) -> tuple[PchipInterpolator, float, float]:
    """Natural logarithm of the rate over quality, and the qualities between which it holds."""
    points = sorted(((r, q) for r, q in curve if math.isfinite(q)), key=lambda p: (p[1], p[0]))
    # two settings of one quality would be a vertical step: the smaller file counts
    points = [p for i, p in enumerate(points) if i == 0 or p[1] > points[i - 1][1]]
    rates, quality = np.array(points, float).T
    return PchipInterpolator(quality, np.log(rates)), quality[0], quality[-1]


def common_interval(reference: Curve, test: Curve) -> tuple[float, float]:
    """The qualities that both curves reach; empty (low >= high) if there are none."""
    (_, f0, f1), (_, g0, g1) = interpolator(reference), interpolator(test)
    return max(f0, g0), min(f1, g1)


def difference(reference: Curve, test: Curve, levels: Sequence[float] = ()) -> dict[str, float]:
    """Per cent of rate more than ``reference``: mean over the common quality, and at levels."""
    (f, f0, f1), (g, g0, g1) = interpolator(reference), interpolator(test)
    low, high = max(f0, g0), min(f1, g1)
    if low >= high:
        return {"bd_rate": math.nan}
    x = np.linspace(low, high, 500)
    result = {"bd_rate": float(100 * np.expm1(np.mean(g(x) - f(x))))}
    for level in levels:
        if low <= level <= high:
            result[f"{level} dB"] = float(100 * np.expm1(g(level) - f(level)))
    return result


def bd_rate(reference: Curve, test: Curve) -> float:
    """Per cent of rate that ``test`` needs more than ``reference``; NaN without common quality."""
    return difference(reference, test)["bd_rate"]


def rate_at(curve: Curve, quality: float) -> float:
    """Rate at a quality; NaN outside of the curve."""
    function, low, high = interpolator(curve)
    return float(np.exp(function(quality))) if low <= quality <= high else math.nan


def mean_curve(curves: Sequence[Curve]) -> Curve:
    """Mean rate and mean quality, point by point, as papers average over a set of pictures."""
    return [
        (float(np.mean([r for r, _ in points])), float(np.mean([q for _, q in points])))
        for points in zip(*curves, strict=True)
    ]


def environment(*packages: str) -> dict[str, str]:
    """Versions of Python and of packages, and what machine this is, for the JSON of a result."""
    processor = platform.processor() or platform.machine()
    if (info := Path("/proc/cpuinfo")).exists():
        names = (line for line in info.read_text().splitlines() if line.startswith("model name"))
        processor = next(names, processor).partition(": ")[2] or processor
    return {
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {processor}",
        **{name: metadata.version(name) for name in packages},
    }


def without_nan(value: Any) -> Any:
    """The same data with null for what is not finite, which JSON cannot say."""
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def percent(value: float | None) -> str:
    """A cell of a table."""
    return "" if value is None or math.isnan(value) else f"{value:+.1f} %"
