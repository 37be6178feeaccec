"""One picture or clip through ivc and through the tools of today, at the same quality.

    1. ivc at a few qualities, each anchor at a few settings                 side by side
    2. each anchor at settings ever nearer to the quality of ivc's middle    side by side
    3. the matched setting of every codec once more                          alone: this is timed

What is told at "the same" quality is read off a curve through all files of a codec (PCHIP over log
rate), of which the third step's file is the nearest.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ivc.bench import bd, summary
from ivc.bench.contenders import Contender, contenders, find
from ivc.bench.material import Material
from ivc.bench.points import Point
from ivc.bench.runner import Job, Watch, jobs_of, measure, run_point
from ivc.bench.store import Store
from ivc.errors import IvcError, UsageError

STILLS = ("jpeg-420", "webp", "jxl-7", "avif")
CLIPS = ("x264-medium", "x265-medium", "svt-av1-8")
LOSSLESS_STILLS = ("png", "webp-lossless", "jxl-lossless-7")
LOSSLESS_CLIPS = ("ffv1", "x264-lossless")
METRICS = ("psnr-y", "ms-ssim")
ROUNDS = 2
"""Probes of each anchor after its first settings."""
ENOUGH = 0.2
"""Difference of quality, in dB, at which an anchor is not probed further."""

QUALITY = 60.0
_AROUND = (-25.0, 0.0, 20.0)
_FINE = {"distance": 2, "ratio": 2}  # decimals of a setting; others are whole numbers


@dataclass(frozen=True)
class Match:
    """A codec at the quality of ours.

    Attributes:
        point: the file that comes nearest, measured alone.
        equal: bytes at exactly that quality, interpolated between files; None if the codec
            reaches no quality on one side of it.
    """

    point: Point
    equal: float | None


@dataclass
class Comparison:
    """What came of it.

    Attributes:
        material: the input.
        metric: that quality is matched by; empty for lossless codecs.
        ours: the middle point of ivc.
        matches: by codec, ivc's first.
        points: all files that were made.
        failed: codecs that have no match, and why.
        skipped: one line for each codec that could not be tried.
    """

    material: Material
    metric: str
    ours: Point
    matches: dict[str, Match] = field(default_factory=dict)
    points: list[Point] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)


def default_codecs(material: Material, ours: Contender) -> tuple[str, ...]:
    """The anchors that an input is compared with if nobody says which."""
    if ours.lossless:
        return LOSSLESS_STILLS if material.still else LOSSLESS_CLIPS
    return STILLS if material.still else CLIPS


def compare(
    material: Material,
    store: Store,
    folder: Path,
    *,
    ours: str,
    others: Sequence[str] = (),
    quality: float | None = None,
    metric: str = "psnr-y",
    threads: int = 1,
    workers: int = 1,
    watch: Watch | None = None,
    keep: Callable[[Point, Path, Path], None] | None = None,
) -> Comparison:
    """Compare one input.

    Args:
        material: the input.
        store: for results.
        folder: for files of the last step.
        ours: name of ivc's codec, such as ``ivc:image``.
        others: names of anchors; default: those that suit the input.
        quality: of ivc, that the others are matched to.
        metric: that they are matched by.
        threads: that every codec gets.
        workers: commands that run side by side, but for the last step.
        watch: called after each point of the first two steps.
        keep: called with each matched point, its coded and its decoded file, before they go.

    Raises:
        UsageError: for an unknown codec, or a quality that is none.
        IvcError: when ivc itself fails.
    """
    own = find(ours)
    why = own.refuses(material)
    if why:
        raise UsageError(f"{material.name}: {own.title} {why}")
    metrics = tuple(dict.fromkeys([metric, *METRICS]))
    anchors = contenders(others or default_codecs(material, own))
    lossy = [anchor for anchor in anchors if own.lossless and not anchor.lossless]
    anchors = [anchor for anchor in anchors if anchor not in lossy]
    ladders = {own.name: _ours(own, quality)}
    for anchor in anchors:
        ladders.setdefault(anchor.name, _coarse(anchor))
    wanted = [own, *(anchor for anchor in anchors if anchor.name != own.name)]
    jobs, skipped = jobs_of([material], wanted, ladders=ladders, threads=threads)
    skipped += [f"{a.title} is left out: it is lossy, and {own.title} is not" for a in lossy]
    if {job.contender.name for job in jobs} == {own.name}:
        raise UsageError(f"there is nothing to compare with: {'; '.join(skipped)}")
    points = measure(jobs, store, metrics, workers=workers, watch=watch)
    target = next(p for p in points if p.codec == own.name and p.setting == _middle(own, quality))
    if target.error:
        raise IvcError(f"{own.title}: {target.error}")
    found = Comparison(material, "" if own.lossless else metric, target, skipped=skipped)
    tried = [c for c in wanted if any(p.codec == c.name for p in points)]
    aim = target.figure(metric)
    if not own.lossless and aim is not None and math.isfinite(aim):
        goal = summary.rising(metric, aim)
        for _ in range(ROUNDS):
            probes = [_probe(c, points, metric, goal) for c in tried if c is not own]
            more = [
                Job(material, contender, setting, threads)
                for contender, setting in zip(
                    (c for c in tried if c is not own), probes, strict=True
                ) if setting is not None
            ]  # fmt: skip
            if not more:
                break
            points += measure(more, store, metrics, workers=workers, watch=watch)
    found.points = points
    for contender in tried:
        _match(found, contender, folder, metrics, threads, keep)
    return found


def _match(
    found: Comparison, contender: Contender, folder: Path, metrics: Sequence[str], threads: int,
    keep: Callable[[Point, Path, Path], None] | None,
) -> None:  # fmt: skip
    """Run the nearest setting once more, alone, and remember it."""
    points = [p for p in found.points if p.codec == contender.name]
    good = [p for p in points if not p.error]
    if not good:
        found.failed[contender.name] = points[0].error
        return
    best, equal = min(good, key=lambda p: p.size), None
    if found.metric:
        best, equal = _nearest(good, found.metric, _figure(found.ours, found.metric))
    if contender.name == found.ours.codec:
        best, equal = found.ours, float(found.ours.size)
    job = Job(found.material, contender, best.setting, threads)
    point = run_point(job, folder, metrics, keep=keep, pinned=True)
    if point.error:
        found.failed[contender.name] = point.error
        return
    found.matches[contender.name] = Match(
        replace(point, title=contender.title), equal if found.metric else float(point.size)
    )


def _nearest(points: Sequence[Point], metric: str, goal: float) -> tuple[Point, float | None]:
    """The point nearest to a quality, and the bytes at it; a lossless point reaches any quality."""
    exact = [point for point in points if math.isinf(_figure(point, metric))]
    lossy = [point for point in points if not math.isinf(_figure(point, metric))]
    equal = _size_at(lossy, metric, goal) if lossy and math.isfinite(goal) else None
    if equal is None and exact:
        best = min(exact, key=lambda point: point.size)
        return best, float(best.size)
    if math.isinf(goal):
        return max(points, key=lambda point: _figure(point, metric)), None
    return min(lossy, key=lambda point: abs(_figure(point, metric) - goal)), equal


def _figure(point: Point, metric: str) -> float:
    value = point.figure(metric)
    return -math.inf if value is None else summary.rising(metric, value)


def _size_at(points: Sequence[Point], metric: str, goal: float) -> float | None:
    curve = [(float(p.size), _figure(p, metric)) for p in points]
    try:
        return bd.rate_at(curve, goal)
    except UsageError:
        raise
    except IvcError:
        return None


def _ours(own: Contender, quality: float | None) -> tuple[float, ...]:
    if own.lossless:
        return own.ladder
    middle = _middle(own, quality)
    return tuple(sorted({min(100.0, max(0.0, middle + step)) for step in _AROUND}))


def _middle(own: Contender, quality: float | None) -> float:
    if own.lossless:
        return own.ladder[0]
    chosen = QUALITY if quality is None else quality
    if not 0 <= chosen <= 100:
        raise UsageError(f"quality {chosen:g} is outside 0..100")
    return chosen


def _coarse(anchor: Contender) -> tuple[float, ...]:
    """Four settings of a ladder, its ends among them."""
    ladder = anchor.ladder
    if len(ladder) <= 4:
        return ladder
    last = len(ladder) - 1
    return tuple(ladder[round(last * part / 3)] for part in range(4))


def _probe(anchor: Contender, points: Sequence[Point], metric: str, goal: float) -> float | None:
    """The next setting to try: where a line between the neighbours of the goal meets it."""
    own = [p for p in points if p.codec == anchor.name and not p.error]
    known = sorted((_figure(p, metric), p.setting) for p in own)
    below = [item for item in known if item[0] <= goal]
    above = [item for item in known if item[0] > goal]
    if not below or not above:
        return None
    (low, first), (high, second) = below[-1], above[0]
    if min(goal - low, high - goal) <= ENOUGH:
        return None
    share = (goal - low) / (high - low) if math.isfinite(high) else 0.5
    decimals = _FINE.get(anchor.unit, 0)
    setting = round(first + share * (second - first), decimals)
    tried = {round(p.setting, decimals) for p in points if p.codec == anchor.name}
    return None if setting in tried else setting
