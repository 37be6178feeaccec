"""Results as a report: an HTML page that opens anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import permutations
from typing import Literal

from ivc.bench import published, summary
from ivc.bench.points import Cost, Point
from ivc.report import (
    CodecInfo,
    Difference,
    Failure,
    MetricInfo,
    Picture,
    Report,
    SourceInfo,
)
from ivc.report import Cost as ShownCost
from ivc.report import Point as ShownPoint


def report_of(
    points: Sequence[Point],
    *,
    title: str,
    timings: Iterable[Point] = (),
    notes: Iterable[str] = (),
    about: Mapping[str, str] | None = None,
    literature: str = "",
    pictures: Iterable[Picture] = (),
) -> Report:
    """The report of some results.

    Args:
        points: all of them, failed ones too.
        title: its heading.
        timings: of the same codecs; they replace the costs of single runs where both are known.
        notes: one line each, such as codecs that are missing.
        about: further lines on how it was measured.
        literature: name of a set of published curves to draw beside, or empty.
        pictures: for the viewer.
    """
    metrics = summary.metrics_of(points)
    report = Report(title, datetime.now(UTC).isoformat(timespec="seconds"))
    report.about = _about(points) | dict(about or {})
    report.notes = list(notes)
    report.notes += [
        f"{summary.title(name)} is a distance, of which less is better; it is in the stored results"
        for name in metrics
        if summary.is_distance(name)
    ]
    # distances would be drawn upside down: curves want more to be better
    shown = [name for name in metrics if not summary.is_distance(name)]
    report.metrics = [MetricInfo(name, summary.title(name), summary.unit(name)) for name in shown]
    report.codecs = [_codec(points, name) for name in summary.codecs_of(points)]
    report.sources = [
        SourceInfo(p.source, p.width, p.height, p.frames, p.seconds)
        for p in {p.source: p for p in points}.values()
    ]
    timed = {point.key: point for point in timings if not point.error}
    # a single run beside others is no measurement of speed, where there is one
    known = bool(timed)
    report.points = [_point(p, timed.get(p.key), shown, alone=known) for p in points if not p.error]
    report.failures = [
        Failure(p.title, p.source, f"{p.setting:g}", p.error) for p in summary.failures(points)
    ]
    report.differences = _differences(points, shown)
    report.pictures = list(pictures)
    if literature:
        _add_published(report, literature)
    return report


def _about(points: Sequence[Point]) -> dict[str, str]:
    machines = list(dict.fromkeys(p.machine for p in points if p.machine))
    return {
        "machine": "; ".join(machines) or "not known",
        "rates": "sizes of files on disk, each decoded by another process that had only that file",
        "BD-rate": "PCHIP over log rate, mean over pictures, 95 % bootstrap interval over pictures;"
        " similarities in dB",
    }


def _codec(points: Sequence[Point], name: str) -> CodecInfo:
    first = next(p for p in points if p.codec == name)
    kind: Literal["ivc", "anchor"] = "ivc" if first.kind == "ivc" else "anchor"
    return CodecInfo(name, first.title, kind, first.version, " && ".join(first.commands))


def _point(point: Point, timed: Point | None, metrics: Sequence[str], *, alone: bool) -> ShownPoint:
    source = timed or (replace(point, encode=None, decode=None) if alone else point)
    values = {m: v for m in metrics if (v := point.metrics.get(m)) is not None}
    return ShownPoint(
        point.codec, point.source, f"{point.setting:g}", float(point.size), point.rates, values,
        _cost(source.encode, point.threads), _cost(source.decode, point.threads),
        dict(point.layers),
    )  # fmt: skip


def _cost(cost: Cost | None, threads: int) -> ShownCost | None:
    if cost is None:
        return None
    return ShownCost(cost.seconds, cost.process_seconds, cost.cpu_seconds, cost.peak_bytes, threads)


def _differences(points: Sequence[Point], metrics: Sequence[str]) -> list[Difference]:
    curved = summary.lossy(points)
    names = summary.codecs_of(curved)
    found = []
    for metric in metrics:
        for test, reference in permutations(names, 2):
            result = summary.difference(curved, metric, test, reference)
            if not result.total:
                continue
            low, high = result.interval or (None, None)
            found.append(
                Difference(
                    metric, test, reference, result.mean, low, high, result.common,
                    {name: value.value for name, value in result.pictures.items()},
                    result.refused,
                )
            )  # fmt: skip
    return found


def _add_published(report: Report, literature: str) -> None:
    known = {metric.name for metric in report.metrics}
    report.notes.append(
        "Dashed curves are published means over the 24 pictures of the Kodak set, whatever "
        "pictures were coded here."
    )
    for entry in published.curves(literature):
        used = {name: curve for name, curve in entry.curves.items() if name in known}
        if not used:
            continue
        name = f"published:{entry.name}"
        report.codecs.append(
            CodecInfo(name, entry.title, "published", source=f"{entry.source}. {entry.note}")
        )
        for metric, curve in used.items():
            report.points += [
                ShownPoint(name, "", "", None, {"bpp": rate}, {metric: value})
                for rate, value in curve
            ]
