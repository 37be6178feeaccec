"""Results as curves and comparisons: nothing that failed is left out of a mean unseen.

A codec that failed on a picture at any setting has no mean at all: it would be one over other
pictures than those of the codecs beside it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import mean

from ivc.bench import bd
from ivc.bench.points import Cost, Point
from ivc.metrics import metric as metric_of
from ivc.metrics.table import Metric

TITLES = {
    "psnr-rgb": "PSNR-RGB", "psnr-y": "PSNR-Y", "psnr-yuv": "PSNR-YUV 6:1:1", "ssim": "SSIM",
    "ms-ssim": "MS-SSIM", "vmaf": "VMAF", "ssimulacra2": "SSIMULACRA 2", "lpips": "LPIPS",
    "dists": "DISTS",
}  # fmt: skip
SIMILARITIES = ("ssim", "ms-ssim")
"""Metrics that end at 1; their curves are compared in dB."""


def title(metric: str) -> str:
    """A metric as people write it."""
    base = metric.removesuffix("-mean")
    return TITLES.get(base, base) + (", mean of frames" if base != metric else "")


def unit(metric: str) -> str:
    """``dB`` or nothing."""
    return "dB" if metric.startswith("psnr") else ""


def rising(name: str, value: float) -> float:
    """A figure as curves have it: more is better, similarities in dB."""
    if name in SIMILARITIES:
        return bd.decibel(value)
    return _table(name).rising(value)


def is_distance(name: str) -> bool:
    """Whether less of a metric is better."""
    return not _table(name).higher_is_better


def _table(name: str) -> Metric:
    """The metric of a name of results."""
    return metric_of(name.removesuffix("-mean").replace("psnr-rgb", "psnr"))


def metrics_of(points: Iterable[Point]) -> list[str]:
    """All metrics that the points have."""
    return list(dict.fromkeys(name for point in points for name in point.metrics))


def codecs_of(points: Iterable[Point]) -> list[str]:
    """Names of codecs, in the order in which they come."""
    return list(dict.fromkeys(point.codec for point in points))


def lossy(points: Iterable[Point]) -> list[Point]:
    """The points of codecs that have curves."""
    return [point for point in points if not point.lossless]


def curves(points: Iterable[Point], metric: str) -> dict[str, dict[str, bd.Curve]]:
    """By codec and source, (bits a pixel, figure) of all settings, by rising rate.

    A source has no curve for a codec that failed on it at any setting.
    """
    found: dict[str, dict[str, list[tuple[float, float]]]] = {}
    failed: set[tuple[str, str]] = set()
    for point in points:
        by_source = found.setdefault(point.codec, {})
        value = point.figure(metric)
        if point.error or value is None:
            failed.add((point.codec, point.source))
            continue
        by_source.setdefault(point.source, []).append((point.rates["bpp"], rising(metric, value)))
    return {
        codec: {
            source: sorted(curve) for source, curve in by_source.items()
            if (codec, source) not in failed
        }
        for codec, by_source in found.items()
    }  # fmt: skip


def failures(points: Iterable[Point]) -> list[Point]:
    """The points that failed."""
    return [point for point in points if point.error]


@dataclass(frozen=True)
class Comparison(bd.Summary):
    """A BD-rate over sources.

    Attributes:
        failed: sources on which one of the two failed; if there are any, there is no mean.
        common: qualities (low, high) that are compared on every source, similarities in dB; None
            if there are none.
    """

    failed: int = 0
    common: tuple[float, float] | None = None


def difference(
    points: Sequence[Point], metric: str, test: str, reference: str, *, method: bd.Method = "pchip"
) -> Comparison:
    """BD-rate of a codec against another over all sources that either of them was run on.

    Clips do not count if one of the two codes stills only, nor stills if one codes clips only.

    Args:
        points: all results.
        metric: that the curves are over.
        test: name of the codec that is judged.
        reference: name of the codec that it is judged against.
        method: of interpolation.
    """
    kinds = [{p.frames > 1 for p in points if p.codec == codec} for codec in (test, reference)]
    both = [
        point for point in points
        if point.codec in (test, reference) and all((point.frames > 1) in kind for kind in kinds)
    ]  # fmt: skip
    found = curves(both, metric)
    summary = bd.over_pictures(found.get(reference, {}), found.get(test, {}), method=method)
    why = {p.source: f"{p.title} failed at {p.setting:g}: {p.error}" for p in failures(both)}
    known = set(summary.pictures) | set(summary.refused)
    refused = {**summary.refused, **why}
    total = len(known | set(why))
    low = max((value.low for value in summary.pictures.values()), default=0.0)
    high = min((value.high for value in summary.pictures.values()), default=0.0)
    return Comparison(
        None if why else summary.mean, None if why else summary.median,
        None if why else summary.interval, summary.count, total, bool(total) and not refused,
        summary.pictures, refused, len(why), (low, high) if low < high else None,
    )  # fmt: skip


@dataclass(frozen=True)
class Speed:
    """How fast a codec is, over all that was timed.

    Attributes:
        codec: its name.
        megapixels: luma samples of all frames that were timed, in millions.
        encode: seconds of the codec's own work, or of its process if that is all there is.
        decode: the same of decoding.
        encode_process: seconds of whole processes.
        decode_process: the same of decoding.
        encode_peak: largest resident memory in bytes.
        decode_peak: the same of decoding.
        warm: whether ``encode`` and ``decode`` are the codec's own work.
        threads: that it had.
        repetitions: of which medians were taken.
    """

    codec: str
    megapixels: float
    encode: float
    decode: float
    encode_process: float
    decode_process: float
    encode_peak: int
    decode_peak: int
    warm: bool
    threads: int
    repetitions: int


def speeds(timings: Iterable[Point]) -> dict[str, Speed]:
    """Speed by codec; a codec of which a timing failed has none."""

    def own(costs: Sequence[Cost]) -> float:
        return sum(c.process_seconds if c.seconds is None else c.seconds for c in costs)

    groups: dict[str, list[Point]] = {}
    for point in timings:
        groups.setdefault(point.codec, []).append(point)
    found = {}
    for codec, group in groups.items():
        if any(point.error for point in group):
            continue
        encode = [point.encode for point in group if point.encode]
        decode = [point.decode for point in group if point.decode]
        warm = all(cost.seconds is not None for cost in (*encode, *decode))

        found[codec] = Speed(
            codec, sum(p.pixels for p in group) / 1e6, own(encode), own(decode),
            sum(c.process_seconds for c in encode), sum(c.process_seconds for c in decode),
            max(c.peak_bytes for c in encode), max(c.peak_bytes for c in decode), warm,
            max(p.threads for p in group), min(c.repetitions for c in (*encode, *decode)),
        )  # fmt: skip
    return found


def mean_points(points: Sequence[Point], metric: str) -> dict[str, list[tuple[float, float]]]:
    """Mean rate and mean figure by codec, setting by setting, of codecs complete on all sources.

    Similarities are averaged first and then put in dB, as in published curves.
    """
    sources = {point.source for point in points}
    found: dict[str, list[tuple[float, float]]] = {}
    for codec in codecs_of(points):
        own = [point for point in points if point.codec == codec]
        row = []
        for setting in dict.fromkeys(point.setting for point in own):
            here = [point for point in own if point.setting == setting]
            values = [point.figure(metric) for point in here]
            if {p.source for p in here} != sources or any(v is None for v in values):
                break
            figure = mean(value for value in values if value is not None)
            row.append((mean(p.rates["bpp"] for p in here), rising(metric, figure)))
        else:
            if row and all(math.isfinite(value) for _, value in row):
                found[codec] = sorted(row)
    return found
