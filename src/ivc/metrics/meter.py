"""The table of metrics, and the meter that takes a clip run by run.

Clips are averaged in two ways, which differ for PSNR only:

* ``mean``: the mean of the frames' PSNRs, the custom of the literature on learned video;
* ``pooled``: the PSNR of the mean of the frames' MSEs, what x264 and FFmpeg call global or average.

One frame without error makes ``mean`` infinite, so ``pooled`` is what ``measure`` returns.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ivc.errors import UsageError
from ivc.metrics.psnr import colour_mse, luma_mse, psnr_of_mse, yuv_mse
from ivc.metrics.ssim import ms_ssim, ssim
from ivc.types import Frames

FrameErrors = Callable[[Frames, Frames, int], tuple[float, ...]]
"""Errors of one frame, whose means over a clip are meaningful."""


@dataclass(frozen=True)
class Metric:
    """One line of the table of metrics.

    Attributes:
        name: what users type and results are keyed by.
        unit: ``dB`` or empty.
        errors: what is computed of each frame.
        score: from errors, or from their means over a clip, and the peak value to the figure.
        tolerance: difference that a rate target may be missed by.
    """

    name: str
    unit: str
    errors: FrameErrors
    score: Callable[[Sequence[float], int], float]
    tolerance: float


def _itself(errors: Sequence[float], peak: int) -> float:
    return errors[0]


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("psnr", "dB", colour_mse, psnr_of_mse, 0.1),
        Metric("psnr-y", "dB", luma_mse, psnr_of_mse, 0.1),
        Metric("psnr-yuv", "dB", yuv_mse, psnr_of_mse, 0.1),
        Metric("ssim", "", lambda a, b, index: (ssim(a, b, index),), _itself, 0.002),
        Metric("ms-ssim", "", lambda a, b, index: (ms_ssim(a, b, index),), _itself, 0.002),
    )
}
"""All metrics by name. More is better for each of them."""


def metric_name(name: str) -> str:
    """The name in the table; capitals and underscores are understood (``MS_SSIM``).

    Raises:
        UsageError: when there is no such metric.
    """
    canonical = name.strip().lower().replace("_", "-")
    if canonical not in METRICS:
        raise UsageError(f"no metric is called {name!r}; there are: {', '.join(METRICS)}")
    return canonical


@dataclass(frozen=True)
class Score:
    """What one metric says of a clip or still.

    Attributes:
        name: the metric.
        per_frame: one figure a frame.
        mean: mean of ``per_frame``.
        pooled: figure of the mean error of all frames; equals ``mean`` for SSIM and MS-SSIM.
    """

    name: str
    per_frame: tuple[float, ...]
    mean: float
    pooled: float


class Meter:
    """Measures a clip as it comes, keeping a few numbers a frame and no picture.

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
        names: the metrics to compute; see ``METRICS``.

    Raises:
        UsageError: when there is no such metric.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._errors: dict[str, list[tuple[float, ...]]] = {metric_name(n): [] for n in names}
        self._peak = 0
        self.frames = 0

    def add(self, reference: Frames, test: Frames) -> None:
        """Measure a run of frames, which follow those of the calls before.

        Raises:
            UsageError: when the two do not agree in number, size, layout and depth, or the depth
                is not that of the frames before.
        """
        _check_comparable(reference, test)
        self._set_peak(reference.format.max_value)
        for name, errors in self._errors.items():
            of_frame = METRICS[name].errors
            errors.extend(of_frame(reference, test, index) for index in range(len(reference)))
        self.frames += len(reference)

    def merged(self, later: Meter) -> Meter:
        """A meter of these frames followed by those that another meter of the same metrics saw.

        Raises:
            UsageError: when metrics or bit depth differ.
        """
        if later._errors.keys() != self._errors.keys():
            raise UsageError(
                f"cannot merge figures of {', '.join(later._errors)} "
                f"into those of {', '.join(self._errors)}"
            )
        both = Meter(self._errors)
        for part in (self, later):
            if part.frames:
                both._set_peak(part._peak)
        both._errors = {name: errors + later._errors[name] for name, errors in self._errors.items()}
        both.frames = self.frames + later.frames
        return both

    def scores(self) -> dict[str, Score]:
        """The figures of all frames so far, by name of the metric.

        Raises:
            UsageError: when no frame has been measured.
        """
        if not self.frames:
            raise UsageError("there are no frames to measure")
        return {name: self._score(METRICS[name]) for name in self._errors}

    def _score(self, metric: Metric) -> Score:
        errors = self._errors[metric.name]
        per_frame = tuple(metric.score(of_frame, self._peak) for of_frame in errors)
        means = [math.fsum(channel) / len(channel) for channel in zip(*errors, strict=True)]
        return Score(
            metric.name,
            per_frame,
            mean=math.fsum(per_frame) / len(per_frame),
            pooled=metric.score(means, self._peak),
        )

    def _set_peak(self, peak: int) -> None:
        if self._peak not in (0, peak):
            raise UsageError("the frames to measure change their bit depth within the clip")
        self._peak = peak


def measure(name: str, reference: Frames, test: Frames) -> float:
    """One figure for a still or clip: the pooled score (see the module's text).

    Args:
        name: a metric of ``METRICS``.
        reference: the originals.
        test: what is compared with them: same number, size, layout and depth; alpha is ignored.

    Returns:
        dB for the PSNRs (infinity for identical samples), at most 1 for SSIM and MS-SSIM.

    Raises:
        UsageError: for an unknown metric or frames that cannot be compared.
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
