"""The meter that takes a clip run by run, in bounded memory.

Clips are averaged in two ways, which differ for PSNR only:

* ``mean``: the mean of the frames' PSNRs, the custom of the literature on learned video;
* ``pooled``: the PSNR of the mean of the frames' MSEs, what x264 and FFmpeg call global or average.

One frame without error makes ``mean`` infinite, so ``pooled`` is what ``measure`` returns.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from ivc.errors import UsageError
from ivc.metrics.table import metric, metric_name
from ivc.types import Frames


@dataclass(frozen=True)
class Score:
    """What one metric says of a clip or still.

    Attributes:
        name: the metric.
        per_frame: one figure a frame.
        mean: mean of ``per_frame``.
        pooled: figure of the mean error of all frames; equals ``mean`` for all but the PSNRs.
    """

    name: str
    per_frame: tuple[float, ...]
    mean: float
    pooled: float


@dataclass(frozen=True)
class _Track:
    """Errors of one metric over consecutive frames.

    Attributes:
        name: of the metric; its functions are looked up, since they cannot be pickled.
        errors: of each frame.
        first: pairs of the first two frames, and
        last: of the last two, for a metric that looks at neighbours. They are what the errors on
            both sides of a seam depend on.
    """

    name: str
    errors: tuple[tuple[float, ...], ...] = ()
    first: tuple[Frames, Frames] | None = None
    last: tuple[Frames, Frames] | None = None

    @staticmethod
    def of(name: str, reference: Frames, test: Frames) -> _Track:
        """The track of a run."""
        errors = tuple(metric(name).errors(reference, test))
        if not metric(name).neighbours:
            return _Track(name, errors)
        return _Track(
            name,
            errors,
            (_copy(reference[:2]), _copy(test[:2])),
            (_copy(reference[-2:]), _copy(test[-2:])),
        )

    def followed_by(self, later: _Track) -> _Track:
        """The track of these frames and of those that come next."""
        if not (self.errors and later.errors):
            return later if later.errors else self
        if not (self.first and self.last and later.first and later.last):
            return _Track(self.name, self.errors + later.errors)
        seam = [Frames.concatenate(pair) for pair in zip(self.last, later.first, strict=True)]
        errors = metric(self.name).errors(seam[0], seam[1])
        at = len(self.last[0])
        first = tuple(frames[:2] for frames in seam) if len(self.errors) == 1 else self.first
        last = tuple(frames[-2:] for frames in seam) if len(later.errors) == 1 else later.last
        return _Track(
            self.name,
            (*self.errors[:-1], *errors[at - 1 : at + 1], *later.errors[1:]),
            (first[0], first[1]),
            (last[0], last[1]),
        )


def _copy(frames: Frames) -> Frames:
    # A view would keep the whole run alive.
    return Frames([plane.copy() for plane in frames.planes], frames.format)


class Meter:
    """Measures a clip as it comes, keeping a few numbers a frame and no picture.

    (Except for VMAF, of which the two pairs of pictures at either end are kept: the figures there
    depend on what comes before and after. Runs and merged meters have the figures of the whole.)

    Meters can be pickled, so that segments may be measured in other processes and merged.

    >>> import numpy as np
    >>> from ivc.types import Frames, Layout, PixelFormat
    >>> black = Frames([np.zeros((2, 16, 16), np.uint8)], PixelFormat(Layout.GRAY))
    >>> gray = Frames([np.full((2, 16, 16), 16, np.uint8)], PixelFormat(Layout.GRAY))
    >>> meter = Meter(["psnr", "ssim"])
    >>> meter.add(black, gray)
    >>> meter.add(black, black)
    >>> round(meter.scores()["psnr"].pooled, 2)
    27.06

    Args:
        names: the metrics to compute; see ``METRICS`` and ``OPTIONAL_METRICS``.

    Raises:
        UsageError: when there is no such metric, or what it needs is not installed.
    """

    def __init__(self, names: Iterable[str]) -> None:
        wanted = [metric(name) for name in names]
        for each in wanted:
            each.check()
        self._tracks = {each.name: _Track(each.name) for each in wanted}
        self._peak = 0
        self.frames = 0

    def add(self, reference: Frames, test: Frames) -> None:
        """Measure a run of frames, which follow those of the calls before.

        Raises:
            UsageError: when the two do not agree in number, size, layout and depth, the depth is
                not that of the frames before, or a metric does not take such pictures.
        """
        _check_comparable(reference, test)
        self._set_peak(reference.format.max_value)
        for name, track in self._tracks.items():
            run = _Track.of(name, reference, test)
            self._tracks[name] = track.followed_by(run)
        self.frames += len(reference)

    def merged(self, later: Meter) -> Meter:
        """A meter of these frames followed by those that another meter of the same metrics saw.

        Raises:
            UsageError: when metrics or bit depth differ.
        """
        if later._tracks.keys() != self._tracks.keys():
            raise UsageError(
                f"cannot merge figures of {', '.join(later._tracks)} "
                f"into those of {', '.join(self._tracks)}"
            )
        both = Meter(self._tracks)
        for part in (self, later):
            if part.frames:
                both._set_peak(part._peak)
        both._tracks = {
            name: track.followed_by(later._tracks[name]) for name, track in self._tracks.items()
        }
        both.frames = self.frames + later.frames
        return both

    def scores(self) -> dict[str, Score]:
        """The figures of all frames so far, by name of the metric.

        Raises:
            UsageError: when no frame has been measured.
        """
        if not self.frames:
            raise UsageError("there are no frames to measure")
        return {name: self._score(track) for name, track in self._tracks.items()}

    def _score(self, track: _Track) -> Score:
        score = metric(track.name).score
        per_frame = tuple(score(of_frame, self._peak) for of_frame in track.errors)
        means = [math.fsum(channel) / len(channel) for channel in zip(*track.errors, strict=True)]
        return Score(
            track.name,
            per_frame,
            mean=math.fsum(per_frame) / len(per_frame),
            pooled=score(means, self._peak),
        )

    def _set_peak(self, peak: int) -> None:
        if self._peak not in (0, peak):
            raise UsageError("the frames to measure change their bit depth within the clip")
        self._peak = peak


def measure(name: str, reference: Frames, test: Frames) -> float:
    """One figure for a still or clip: the pooled score (see the module's text).

    Args:
        name: a metric of ``METRICS`` or ``OPTIONAL_METRICS``.
        reference: the originals.
        test: what is compared with them: same number, size, layout and depth; alpha is ignored.

    Returns:
        dB for the PSNRs (infinity for identical samples), at most 1 for SSIM and MS-SSIM, at most
        100 for VMAF and SSIMULACRA2, a distance for LPIPS and DISTS.

    Raises:
        UsageError: for an unknown metric, one that needs what is not installed, or frames that
            cannot be compared.
    """
    meter = Meter([name])
    meter.add(reference, test)
    return meter.scores()[metric_name(name)].pooled


def _check_comparable(reference: Frames, test: Frames) -> None:
    def described(frames: Frames) -> str:
        layout, depth = frames.format.layout.name, frames.format.depth
        return f"{len(frames)} frames of {frames.width}x{frames.height} {layout} {depth} bit"

    if described(reference) != described(test):
        raise UsageError(
            f"cannot compare {described(reference)} with {described(test)}: convert one of them"
        )
