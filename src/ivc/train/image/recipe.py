"""The recipe of the ``image`` codec."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

from ivc.codecs.image.constants import LAMBDA, LEVELS
from ivc.errors import UsageError
from ivc.train.image.networks import Shape
from ivc.train.recipe import Data, Evaluation, Schedule

STAGES = ("entropy", "synthesis")


@dataclass(frozen=True)
class Steps:
    """Quantisation steps that are trained for, in 8-bit units: log-uniform between two ends.

    Attributes:
        low: smallest of the usual range.
        high: largest of it.
        wide: share of the patches that has a step of the wide range.
        wide_low: smallest of that.
        wide_high: largest.
    """

    low: float = 4.0
    high: float = 96.0
    wide: float = 0.15
    wide_low: float = 0.6
    wide_high: float = 200.0

    def __post_init__(self) -> None:
        if not (0 < self.low <= self.high and 0 < self.wide_low <= self.wide_high):
            raise ValueError("low and high must be above 0 and in order, the wide ones too")


@dataclass(frozen=True)
class Entropy(Schedule):
    """The stage that trains all networks before the inverse transform.

    Attributes:
        plain: progress up to which exact layers compute with plain floats, which is twice as fast.
        search_from: progress from which the encoder weighs bits against distortion.
        lambda_rd: squared steps that a bit is worth then.
    """

    plain: float = 0.45
    search_from: float = 0.1
    lambda_rd: float = LAMBDA


@dataclass(frozen=True)
class Synthesis(Schedule):
    """The stage that trains the network after the inverse transform; the others are frozen.

    Attributes:
        loss: ``mse`` or ``ms-ssim``.
        lambda_rd: squared steps that a bit is worth to the encoder.
    """

    loss: str = "mse"
    lambda_rd: float = LAMBDA

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.loss not in ("mse", "ms-ssim"):
            raise ValueError(f"loss must be mse or ms-ssim, not {self.loss}")


@dataclass(frozen=True)
class CardTexts:
    """What the card of an exported model says.

    Attributes:
        version: of the model, from 1.
        summary: what it is for.
        data: what it was trained on; the names of the folders by default.
        licence: SPDX expression of the weights.
    """

    version: int = 1
    summary: str = "still pictures"
    data: str = ""
    licence: str = "Apache-2.0"


@dataclass(frozen=True)
class ImageRecipe:
    """Everything that a training of the ``image`` codec depends on.

    Attributes:
        out: folder for checkpoints, logs and plots.
        start: checkpoint whose averaged weights the entropy stage begins with; empty for none.
        stages: which are trained, in order.
        seed: of all randomness.
        threads: CPU threads of each process; 0 leaves the choice to PyTorch.
        device: ``cpu``, ``cuda`` or ``auto``.
        data: what is trained on.
        steps: quantisation steps that are trained for.
        shape: sizes of the networks.
        entropy: the first stage.
        synthesis: the second.
        evaluation: what is measured.
        card: what the exported model says about itself.
    """

    out: str = ""
    start: str = ""
    stages: tuple[str, ...] = STAGES
    seed: int = 1
    threads: int = 0
    device: str = "auto"
    data: Data = field(default_factory=Data)
    steps: Steps = field(default_factory=Steps)
    shape: Shape = field(default_factory=Shape)
    entropy: Entropy = field(default_factory=Entropy)
    synthesis: Synthesis = field(default_factory=Synthesis)
    evaluation: Evaluation = field(default_factory=Evaluation)
    card: CardTexts = field(default_factory=CardTexts)

    def __post_init__(self) -> None:
        if not self.stages or any(stage not in STAGES for stage in self.stages):
            raise ValueError(f"stages must be some of {', '.join(STAGES)}")
        if self.data.patch % 2**LEVELS:
            raise ValueError(f"data.patch must be a multiple of {2**LEVELS}")
        if self.seed < 0 or self.threads < 0:
            raise ValueError("seed and threads must not be negative")

    def lasting(self, hours: float) -> ImageRecipe:
        """The same recipe with so many hours, split among its stages as they are now.

        Raises:
            UsageError: when the recipe counts in steps.
        """
        schedules = {stage: getattr(self, stage) for stage in self.stages}
        total = sum(schedule.hours for schedule in schedules.values())
        if not all(schedule.hours for schedule in schedules.values()):
            raise UsageError("--hours needs a recipe whose stages are given in hours")
        if hours <= 0:
            raise UsageError("--hours must be above 0")
        return dataclasses.replace(
            self,
            **{
                stage: dataclasses.replace(schedule, hours=schedule.hours * hours / total)
                for stage, schedule in schedules.items()
            },
        )
