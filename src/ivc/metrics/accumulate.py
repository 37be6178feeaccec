"""The table of metrics, and the accumulator that takes a clip run by run.

Clips are averaged in two ways, which differ for PSNR only:

* ``mean``: the mean of the frames' PSNRs, the custom of the literature on learned video;
* ``pooled``: the PSNR of the mean of the frames' MSEs, what x264 and FFmpeg call global or average.

One frame without error makes ``mean`` infinite, so ``pooled`` is what ``measure`` returns.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
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


class Accumulator:
    """Measures a clip as it comes with one metric, keeping a few numbers a frame and no picture.

    Accumulators can be pickled, so that segments may be measured in other processes and merged.

    >>> import numpy as np
    >>> from ivc.types import Frames, Layout, PixelFormat
    >>> black = Frames([np.zeros((2, 16, 16), np.uint8)], PixelFormat(Layout.GRAY))
    >>> gray = Frames([np.full((2, 16, 16), 16, np.uint8)], PixelFormat(Layout.GRAY))
    >>> psnr = Accumulator("psnr")
    >>> psnr.add(black, gray)
    >>> psnr.add(black, black)
    >>> round(psnr.score().pooled, 2)
    27.06

    Args:
        name: the metric; see ``METRICS``.

    Raises:
        UsageError: when there is no such metric.
    """

    def __init__(self, name: str) -> None:
        self.name = metric_name(name)
        self._errors: list[tuple[float, ...]] = []
        self._peak = 0

    def __len__(self) -> int:
        return len(self._errors)

    def add(self, reference: Frames, test: Frames) -> None:
        """Measure a run of frames, which follow those of the calls before.

        Raises:
            UsageError: when the two do not agree in number, size, layout and depth, or the depth
                is not that of the frames before.
        """
        _check_comparable(reference, test)
        self._set_peak(reference.format.max_value)
        errors = METRICS[self.name].errors
        self._errors.extend(errors(reference, test, index) for index in range(len(reference)))

    def merge(self, later: Accumulator) -> None:
        """Append what another accumulator of the same metric measured of later frames.

        Raises:
            UsageError: when metric or bit depth differ.
        """
        if later.name != self.name:
            raise UsageError(f"cannot merge figures of {later.name} into those of {self.name}")
        if later:
            self._set_peak(later._peak)
            self._errors.extend(later._errors)

    def score(self) -> Score:
        """The figures of all frames so far.

        Raises:
            UsageError: when no frame has been measured.
        """
        if not self._errors:
            raise UsageError("there are no frames to measure")
        of_errors = METRICS[self.name].score
        per_frame = tuple(of_errors(errors, self._peak) for errors in self._errors)
        means = [math.fsum(c) / len(c) for c in zip(*self._errors, strict=True)]
        return Score(
            self.name,
            per_frame,
            mean=math.fsum(per_frame) / len(per_frame),
            pooled=of_errors(means, self._peak),
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
    accumulator = Accumulator(name)
    accumulator.add(reference, test)
    return accumulator.score().pooled


def _check_comparable(reference: Frames, test: Frames) -> None:
    def described(frames: Frames) -> str:
        layout, depth = frames.format.layout.name, frames.format.depth
        return f"{len(frames)} frames of {frames.width}x{frames.height} {layout} {depth} bit"

    if described(reference) != described(test):
        raise UsageError(
            f"cannot compare {described(reference)} with {described(test)}: convert one of them"
        )
