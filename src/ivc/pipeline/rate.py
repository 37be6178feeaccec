"""Rate and quality targets for every codec: possible because a codec is a pure function.

A few segments, spread evenly over the input, are encoded at several qualities; interpolation finds
the quality at which they would meet the target. Then the whole file is written at it. What the
sample got wrong shows in the file, and corrects the next attempt.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ivc.codecs.base import Settings
from ivc.errors import UnsupportedError
from ivc.pipeline.options import Progress, Target
from ivc.pipeline.search import HIGHEST, LOWEST, Found, search
from ivc.pipeline.segments import cut
from ivc.pipeline.tasks import EncodeTask, encode_segment
from ivc.types import Segment, StreamInfo

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from ivc.pipeline.encode import Job

SAMPLE_SEGMENTS = 4
SAMPLE_SIZE = 1 << 27
"""Most luma samples to hold in memory as the sample, unless two segments are larger."""
MAX_ATTEMPTS = 4
SIZE_WINDOW = 0.98
BITRATE_TOLERANCE = 0.02
LARGEST_PSNR = 200.0
"""What stands for the infinite PSNR of identical pictures, so that it can be interpolated."""
SMALLEST_DIFFERENCE = 1e-9
"""What stands for the difference to 1 of the SSIM of identical pictures."""


def to_scale(target: Target, value: float) -> float:
    """A measured value on a scale that is about linear in quality, so that it interpolates well.

    Decibels stay as they are, bytes become their logarithm, and SSIMs the decibels of what they
    lack to 1.
    """
    if not target.is_metric:
        return math.log(value)
    from ivc.metrics import METRICS

    if METRICS[target.kind].unit == "dB":
        return min(value, LARGEST_PSNR)
    return -10 * math.log10(max(1 - value, SMALLEST_DIFFERENCE))


@dataclass(frozen=True)
class Window:
    """What meets a target, on the scale of ``to_scale``.

    Attributes:
        low: lower end.
        high: upper end.
        aim: what to interpolate for.
        capped: values above ``high`` are worse than any below ``low``.
    """

    low: float
    high: float
    aim: float
    capped: bool = False

    def holds(self, value: float) -> bool:
        """Whether ``value`` meets the target."""
        return self.low <= value <= self.high


def window_of(target: Target, seconds: float | None) -> Window:
    """The window of a target.

    Args:
        target: what is asked for.
        seconds: playing time, for a bitrate.

    Raises:
        UnsupportedError: for a bitrate of an input whose playing time is not known.
    """
    capped = False
    if target.kind == "size":
        low, aim, high = (
            target.value * SIZE_WINDOW,
            target.value * (1 + SIZE_WINDOW) / 2,
            target.value,
        )
        capped = True
    elif target.kind == "bitrate":
        if not seconds:
            raise UnsupportedError("the input's playing time is not known; give a size instead")
        aim = target.value * seconds / 8
        low, high = aim * (1 - BITRATE_TOLERANCE), aim * (1 + BITRATE_TOLERANCE)
    else:
        from ivc.metrics import METRICS

        aim, tolerance = target.value, METRICS[target.kind].tolerance
        low, high = aim - tolerance, aim + tolerance
    return Window(to_scale(target, low), to_scale(target, high), to_scale(target, aim), capped)


@dataclass(frozen=True)
class Survey:
    """What one look through the input found.

    Attributes:
        frames: number of frames.
        seconds: playing time; None if not known.
        samples: some of the segments, spread evenly, or all of them.
    """

    frames: int
    seconds: float | None
    samples: list[Segment]

    @property
    def sampled_share(self) -> float:
        """Frames in ``samples`` over all frames."""
        return sum(len(s.frames) for s in self.samples) / self.frames


def survey(job: Job) -> Survey:
    """Read the input once (twice if the number of frames is not known) and keep a sample."""
    count = job.source.frame_count
    if count is None:
        count = sum(1 for _ in job.source.frames())
    segments = -(-count // job.length)
    room = SAMPLE_SIZE // (job.length * job.info.width * job.info.height)
    wanted = min(segments, SAMPLE_SEGMENTS, max(room, 2))
    chosen = {(2 * i + 1) * segments // (2 * wanted) for i in range(wanted)}
    samples = []
    frames = 0
    playing = PlayingTime()
    for segment in cut(job.source, job.length):
        if segment.index in chosen:
            samples.append(segment)
        frames += len(segment.frames)
        playing.add(segment.pts, segment.duration)
        job.progress(Progress("survey", frames, count, 0))
    return Survey(frames, playing.seconds(job.info), samples)


class PlayingTime:
    """Playing time of the segments seen so far."""

    def __init__(self) -> None:
        self._first: int | None = None
        self._end = 0
        self._last_duration = 0

    def add(self, pts: tuple[int, ...], duration: int) -> None:
        """Take in the timing of one more segment."""
        if pts:
            if self._first is None:
                self._first = pts[0]
            self._end = pts[-1]
            self._last_duration = duration

    def seconds(self, info: StreamInfo) -> float | None:
        """From the first frame to the end of the last, if known."""
        if self._first is None:
            return None
        tail = self._last_duration * info.time_base
        if not tail and info.frame_rate:
            tail = 1 / info.frame_rate
        return float((self._end - self._first) * info.time_base + tail) or None


class RateControl:
    """Chooses the quality of the next attempt at a whole file.

    Its choices depend on the input and on the values of earlier attempts only, so that a resumed
    run makes the same ones.

    Args:
        job: the encode.
        attempts: the attempts so far, each with ``quality`` and ``value``; the last value is None
            while that attempt is under way. The list is kept up to date here.
    """

    def __init__(self, job: Job, attempts: list[dict[str, Any]]) -> None:
        target = job.options.target
        assert target is not None
        self.target = target
        self.probes = 0
        self.notes: list[str] = []
        self._job = job
        self._attempts = attempts
        self._survey: Survey | None = None
        self._estimates: dict[Settings, float] = {}
        self._fallback = False

    def quality(self) -> float:
        """Quality of the attempt under way, or of the next one, which is added to the list."""
        if not self._attempts or self._attempts[-1]["value"] is not None:
            self._attempts.append({"quality": self._next().quality, "value": None})
        return float(self._attempts[-1]["quality"])

    def accepts(self, value: float, seconds: float | None) -> bool:
        """Record what the whole file measures; True if it is the one to keep."""
        window = window_of(self.target, seconds)
        current = self._attempts[-1]
        current["value"] = scaled = to_scale(self.target, value)
        if window.holds(scaled):
            return True
        if self._fallback:
            self._say_missed(value)
            return True
        tried = {attempt["quality"] for attempt in self._attempts[:-1]}
        found = self._next()
        exhausted = len(self._attempts) >= MAX_ATTEMPTS
        repeated = found.quality in tried or found.quality == current["quality"]
        if not (exhausted or repeated):
            return False
        best = self._best(window)
        if best["quality"] == current["quality"]:
            self._say_missed(value)
            return True
        self._fallback = True
        self._attempts.append({"quality": best["quality"], "value": None})
        return False

    def _best(self, window: Window) -> dict[str, Any]:
        allowed = [a for a in self._attempts if a["value"] <= window.high or not window.capped]
        return min(allowed or self._attempts, key=lambda a: abs(a["value"] - window.aim))

    def _next(self) -> Found:
        if self._survey is None:
            self._survey = survey(self._job)
        window = window_of(self.target, self._survey.seconds)
        shift, first = 0.0, None
        if self._attempts:
            # What the file measured beyond the estimate at that quality is owed to the sampling.
            last = self._attempts[-1]
            first = last["quality"]
            shift = last["value"] - self._estimate(first)
        return search(
            lambda quality: self._estimate(quality) + shift,
            window.low,
            window.high,
            aim=window.aim,
            capped=window.capped,
            **({} if first is None else {"first": first}),
        )

    def _estimate(self, quality: float) -> float:
        settings = self._job.codec.at_quality(self._job.settings, quality)
        if settings not in self._estimates:
            self._estimates[settings] = self._probe(settings)
        return self._estimates[settings]

    def _probe(self, settings: Settings) -> float:
        """Value of the whole file at some settings, judged by the sampled segments."""
        assert self._survey is not None
        job, target = self._job, self.target
        self.probes += 1
        metric = target.kind if target.is_metric else ""
        tasks = (
            EncodeTask(job.profile.name, settings, segment, job.shared, metric)
            for segment in self._survey.samples
        )
        counter = _Counter()
        writer = job.open_writer(counter)
        fixed = counter.bytes
        meter = None
        for encoded in job.executor.map(encode_segment, tasks):
            writer.write_segment(encoded.frames, encoded.layers, encoded.pts, encoded.duration)
            if encoded.meter is not None:
                meter = encoded.meter if meter is None else meter.merged(encoded.meter)
        writer.finish()
        job.progress(Progress("probe", self.probes, None, counter.bytes))
        if meter is not None:
            return to_scale(target, meter.scores()[metric].pooled)
        return to_scale(target, fixed + (counter.bytes - fixed) / self._survey.sampled_share)

    def _say_missed(self, value: float) -> None:
        metric = self.target.is_metric
        unit = {"size": " bytes", "bitrate": " bit/s"}.get(self.target.kind, "")
        asked = f"{self.target.kind} {self.target.value:,.10g}{unit}"
        reached = f"{value:.4f}" if metric else f"{value:,.0f} bytes"
        quality = self._attempts[-1]["quality"]
        why = "the nearest that was found"
        if quality == LOWEST:
            why = "the least that this codec can do"
        elif quality == HIGHEST:
            why = "the most that this codec can do" if metric else "what the best quality takes"
        self.notes.append(f"target missed: {asked} was asked for, {reached} is {why}")


class _Counter(io.BytesIO):
    """A binary file that only counts what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0

    def write(self, data: Buffer) -> int:
        size = memoryview(data).nbytes
        self.bytes += size
        return size
