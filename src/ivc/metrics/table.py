"""The tables of metrics, their names, and what keeps one from running here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ivc.errors import UsageError
from ivc.metrics import learned
from ivc.metrics.psnr import colour_mse, luma_mse, psnr_of_mse, yuv_mse
from ivc.metrics.ssim import ms_ssim, ssim
from ivc.metrics.ssimulacra2 import ssimulacra2
from ivc.metrics.vmaf import program, vmaf
from ivc.types import Frames

RunErrors = Callable[[Frames, Frames], Sequence[tuple[float, ...]]]
"""Errors of each frame of a run, whose means over a clip are meaningful."""


def _itself(errors: Sequence[float], peak: int) -> float:
    return errors[0]


def _is_there() -> None:
    """Asks for nothing."""


@dataclass(frozen=True)
class Metric:
    """One line of the tables of metrics.

    Attributes:
        name: what users type and results are keyed by.
        unit: ``dB`` or empty.
        errors: what is computed of each frame of a run.
        score: from errors, or from their means over a clip, and the peak value to the figure.
        tolerance: difference that a rate target may be missed by; 0 for no target.
        higher_is_better: False for distances, which are 0 for identical pictures.
        neighbours: frames on either side that the errors of a frame depend on, 0 or 1.
        needs: extra of the installation, ``pip install 'ivc[needs]'``; empty for none.
        check: raises ``UsageError`` when what the metric needs is not there.
    """

    name: str
    unit: str
    errors: RunErrors
    score: Callable[[Sequence[float], int], float] = _itself
    tolerance: float = 0.0
    higher_is_better: bool = True
    neighbours: int = 0
    needs: str = ""
    check: Callable[[], object] = _is_there

    def rising(self, figure: float) -> float:
        """The figure itself, or the negative of a distance: more is better, as curves want it."""
        return figure if self.higher_is_better else -figure


def _each(of_frame: Callable[[Frames, Frames, int], tuple[float, ...] | float]) -> RunErrors:
    def of_run(reference: Frames, test: Frames) -> list[tuple[float, ...]]:
        errors = (of_frame(reference, test, index) for index in range(len(reference)))
        return [error if isinstance(error, tuple) else (error,) for error in errors]

    return of_run


class _Targets(dict[str, Metric]):
    """The metrics that can be rate targets; the others are known, and said not to be."""

    def __missing__(self, name: str) -> Metric:
        if name not in OPTIONAL_METRICS:
            raise KeyError(name)
        raise UsageError(f"{name} can be measured but not aimed at; aim at {', '.join(self)}")


METRICS: dict[str, Metric] = _Targets(
    (metric.name, metric)
    for metric in (
        Metric("psnr", "dB", _each(colour_mse), psnr_of_mse, 0.1),
        Metric("psnr-y", "dB", _each(luma_mse), psnr_of_mse, 0.1),
        Metric("psnr-yuv", "dB", _each(yuv_mse), psnr_of_mse, 0.1),
        Metric("ssim", "", _each(ssim), tolerance=0.002),
        Metric("ms-ssim", "", _each(ms_ssim), tolerance=0.002),
    )
)
"""Metrics that measure all pictures in every installation, and can be rate targets, by name.

More is better for each of them.
"""

OPTIONAL_METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("vmaf", "", vmaf, neighbours=1, needs="bench", check=program),
        Metric("ssimulacra2", "", _each(ssimulacra2)),
        Metric(
            "lpips", "", _each(learned.LPIPS.distance),
            higher_is_better=False, needs="perceptual", check=learned.LPIPS.check,
        ),
        Metric(
            "dists", "", _each(learned.DISTS.distance),
            higher_is_better=False, needs="perceptual", check=learned.DISTS.check,
        ),
    )
}  # fmt: skip
"""Metrics that need an extra or take some pictures only, by name; none is a rate target."""


def metric_name(name: str) -> str:
    """The name in the tables; capitals and underscores are understood (``MS_SSIM``).

    Raises:
        UsageError: when there is no such metric.
    """
    canonical = name.strip().lower().replace("_", "-")
    known = [*METRICS, *OPTIONAL_METRICS]
    if canonical not in known:
        raise UsageError(f"no metric is called {name!r}; there are: {', '.join(known)}")
    return canonical


def metric(name: str) -> Metric:
    """The metric of that name, of either table.

    Raises:
        UsageError: when there is no such metric.
    """
    canonical = metric_name(name)
    return OPTIONAL_METRICS.get(canonical) or METRICS[canonical]


def available(name: str) -> str | None:
    """Why a metric cannot run in this installation, or None if it can.

    Nothing is downloaded to find out. Asking for the metrics of networks imports Torch, if their
    packages are there.

    Raises:
        UsageError: when there is no such metric.
    """
    wanted = metric(name)
    try:
        wanted.check()
    except UsageError as error:
        return str(error)
    return None
