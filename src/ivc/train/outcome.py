"""What a training tells while it runs and when it is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Point:
    """One point of a rate-distortion curve, a mean over pictures.

    Attributes:
        setting: what was asked for: a quantisation step or a quality.
        bpp: bits per pixel.
        psnr: PSNR-RGB in dB.
    """

    setting: float
    bpp: float
    psnr: float


@dataclass(frozen=True)
class Status:
    """Where a training is.

    Attributes:
        stage: name of the stage.
        step: steps done in this stage.
        progress: 0 to 1, of this stage.
        seconds: wall-clock time of this stage, over all its runs.
        metrics: means since the previous log row; empty before the first.
        curve: the points of an evaluation, right after it; otherwise empty.
    """

    stage: str
    step: int
    progress: float
    seconds: float
    metrics: Mapping[str, float] = field(default_factory=dict)
    curve: Sequence[Point] = ()


Watch = Callable[[Status], None]


@dataclass(frozen=True)
class Outcome:
    """What a training left behind.

    Attributes:
        folder: with checkpoints, logs and plots.
        steps: optimiser steps, over all stages and runs.
        seconds: wall-clock time of them.
        curve: the last evaluation, in estimated bits; empty without pictures to evaluate on.
        model: folder of the exported model, if any.
        files: the same curve from files on disk, if it was measured.
    """

    folder: Path
    steps: int
    seconds: float
    curve: Sequence[Point] = ()
    model: Path | None = None
    files: Sequence[Point] = ()
