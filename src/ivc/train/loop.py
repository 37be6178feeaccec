"""The loop that every stage of every recipe runs in.

    batch ─► objective ─► loss ─► Adam ─► weights ─► moving average
                                             │             │
                                      checkpoint.pt   evaluation.csv, curve.svg

A stage that is started again goes on from its last checkpoint, with the same batches in the same
order: on one device the result is that of a training that was never interrupted.
"""

from __future__ import annotations

import copy
import math
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ivc.errors import IvcError, UsageError
from ivc.train import checkpoint
from ivc.train.interrupt import deferred_signals
from ivc.train.logs import Table
from ivc.train.outcome import Point, Status, Watch
from ivc.train.plot import write_plot
from ivc.train.precision import mixed_precision
from ivc.train.prefetch import Batches
from ivc.train.processes import Processes
from ivc.train.recipe import Schedule

_MAX_BAD_STEPS = 100


class TrainingError(IvcError):
    """A training that went astray."""


class Objective(nn.Module):
    """What a stage makes small.

    Attributes:
        model: the module that is trained; its weights, averaged, are the result.
        names: of the measurements that ``forward`` returns.
    """

    model: nn.Module
    names: tuple[str, ...] = ()

    def forward(self, *batch: Tensor) -> tuple[Tensor, Tensor]:
        """The loss, a scalar with gradient, and the measurements, (len(names),) without."""
        raise NotImplementedError

    def advance(self, progress: float, average: nn.Module) -> None:
        """Change what depends on the progress, in the model and in its average."""

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps besides weights."""
        return {}

    def restore(self, state: dict[str, Any], average: nn.Module) -> None:
        """Undo ``state``."""


@dataclass
class Stage:
    """A part of a training.

    Attributes:
        name: of its folder.
        folder: for checkpoint and logs; it exists.
        schedule: how long and how.
        objective: on the device.
        batch: tensors of some pictures, by their numbers, of the batch of a step.
        evaluate: curve of a model; calls its second argument often, which may raise.
        float_networks: modules that may run in bfloat16 on a GPU.
        shape: sizes of the networks, for the checkpoint.
        workers: threads that prepare batches ahead.
    """

    name: str
    folder: Path
    schedule: Schedule
    objective: Objective
    batch: Callable[[int, Sequence[int]], tuple[Tensor, ...]]
    evaluate: Callable[[nn.Module, Callable[[], None]], list[Point]] | None = None
    float_networks: Iterable[nn.Module] = ()
    shape: dict[str, int] = field(default_factory=dict)
    workers: int = 0


@dataclass
class Trained:
    """What a stage left.

    Attributes:
        model: the averaged weights.
        step: steps taken, over all runs.
        seconds: wall-clock time of them.
        curve: the last evaluation.
    """

    model: nn.Module
    step: int
    seconds: float
    curve: list[Point]


def train(stage: Stage, processes: Processes, watch: Watch | None = None) -> Trained:
    """Run a stage to its end, from its last checkpoint if there is one.

    Raises:
        UsageError: when the checkpoint does not fit.
        TrainingError: when the loss is no number for long.
        KeyboardInterrupt: after Ctrl-C, or what the handler of the signal that came raises; a
            checkpoint has been written then.
    """
    loop = _Loop(stage, processes, watch)
    with deferred_signals() as pending:
        stopped = loop.run(pending)
    if stopped:
        # now the handler that was there before us may say what follows
        signal.raise_signal(pending[0] if pending else signal.SIGINT)
        raise KeyboardInterrupt
    return Trained(loop.average, loop.step, loop.seconds(), loop.curve)


def make_optimiser(model: nn.Module, schedule: Schedule) -> torch.optim.Adam:
    """Adam whose groups carry the ``factor`` that their learning rate is multiplied by."""
    plain: list[nn.Parameter] = []
    exponents: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        (exponents if "exponent" in name else plain).append(parameter)
    groups = [
        {"params": plain, "factor": 1.0},
        {"params": exponents, "factor": schedule.exponent_rate},
    ]
    return torch.optim.Adam([g for g in groups if g["params"]], lr=schedule.learning_rate)


class _Loop:
    """The state of a running stage."""

    def __init__(self, stage: Stage, processes: Processes, watch: Watch | None) -> None:
        self.stage, self.processes, self.watch = stage, processes, watch or (lambda status: None)
        self.schedule, self.objective = stage.schedule, stage.objective
        self.model = self.objective.model
        self.average = copy.deepcopy(self.model).requires_grad_(False)
        self.optimiser = make_optimiser(self.model, self.schedule)
        self.step, self.earlier, self.curve = 0, 0.0, list[Point]()
        self.path = stage.folder / checkpoint.NAME
        if self.path.exists():
            self._resume()
        self.began = time.monotonic()
        if processes.first:
            names = ("step", "progress", "hours", "learning_rate", "loss", *self.objective.names)
            self.log = Table(stage.folder / "log.csv", names, self.step)
            names = ("step", "hours", "setting", "bpp", "psnr")
            self.curves = Table(stage.folder / "evaluation.csv", names, self.step)
            self.curve = next(iter(reversed(self._curves())), ("", list[Point]()))[1]

    def seconds(self) -> float:
        """Wall-clock time of this stage, over all its runs."""
        return self.earlier + time.monotonic() - self.began

    def _resume(self) -> None:
        content = checkpoint.load(self.path)
        if not {"model", "optimiser", "state", "step", "seconds"} <= set(content):
            raise UsageError(f"{self.path} is of another program; name it as start instead")
        checkpoint.load_weights(self.model, content["model"], self.path)
        checkpoint.load_weights(self.average, content["ema"], self.path)
        factors = [group["factor"] for group in self.optimiser.param_groups]
        self.optimiser.load_state_dict(content["optimiser"])
        for group, factor in zip(self.optimiser.param_groups, factors, strict=True):
            # the recipe decides, not what it was when the checkpoint was written
            group["factor"] = factor
        self.objective.restore(content["state"], self.average)
        self.step, self.earlier = content["step"], content["seconds"]

    def save(self) -> None:
        """Write the checkpoint; in the first process."""
        self.saved_step, self.saved_at = self.step, time.monotonic()
        if self.processes.first:
            checkpoint.save(
                self.path,
                {
                    "model": self.model.state_dict(),
                    "ema": self.average.state_dict(),
                    "optimiser": self.optimiser.state_dict(),
                    "state": self.objective.state(),
                    "step": self.step,
                    "seconds": self.seconds(),
                    "shape": self.stage.shape,
                },
            )

    def run(self, pending: list[int]) -> bool:
        """Train to the end; True if a signal came before, False otherwise."""
        schedule, processes = self.schedule, self.processes
        if self.step and schedule.progress(self.step, self.earlier) >= 1:
            # if it was killed during its last evaluation
            return self._finish(pending)
        self.saved_step, self.saved_at = self.step, self.began
        self.evaluated_at = self.began
        parallel = processes.parallel(self.objective)
        mine = processes.share(schedule.batch)
        batches = Batches(self.stage.batch, mine, self.step, self.stage.workers)
        sums: list[Tensor] = []
        bad = 0
        with mixed_precision(self.stage.float_networks, self._mixes()), batches:
            while True:
                here = schedule.progress(self.step, self.seconds())
                progress, stop = processes.largest(here, float(bool(pending)))
                if progress >= 1 or stop:
                    break
                self.objective.advance(progress, self.average)
                rate = schedule.rate(self.step, progress)
                batch = [tensor.to(processes.device) for tensor in batches.take()]
                loss, measured = parallel(*batch)
                good = self._descend(loss, rate)
                bad = 0 if good else bad + 1
                if bad >= _MAX_BAD_STEPS:
                    raise TrainingError(
                        f"stage {self.stage.name}: the loss is no number since step "
                        f"{self.step - bad}; lower {self.stage.name}.learning_rate"
                    )
                if good:
                    sums.append(torch.cat([loss.detach().reshape(1), measured.detach()]))
                self.step += 1
                self._average()
                metrics = {}
                if self.step % schedule.log_steps == 0:
                    metrics = self._write_log(sums, progress, rate)
                    sums = []
                self._tell(progress, metrics)
                if self._due("checkpoint", self.saved_step, self.saved_at):
                    self.save()
                if self._due("evaluation", -1, self.evaluated_at):
                    self._evaluate(progress, pending)
        self.save()
        return bool(stop) or self._finish(pending)

    def _finish(self, pending: list[int]) -> bool:
        """Evaluate what came out, unless that is done; True if a signal came meanwhile."""
        if self.processes.first and not any(
            row["step"] == str(self.step) for row in self.curves.rows
        ):
            self._evaluate(1.0, pending)
        return bool(self.processes.largest(float(bool(pending)))[0])

    def _mixes(self) -> str:
        cuda = self.processes.device.type == "cuda"
        return "cuda" if cuda and self.schedule.mixed_precision else ""

    def _descend(self, loss: Tensor, rate: float) -> bool:
        """One step of the optimiser; False if it was left out because the gradient is no number."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group["factor"]
        self.optimiser.zero_grad()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.schedule.clip)
        if not math.isfinite(float(norm)):
            return False
        self.optimiser.step()
        return True

    @torch.no_grad()
    def _average(self) -> None:
        # short memory first: the average should not remember how the weights began
        decay = min(self.schedule.ema, self.step / (self.step + 9))
        current = self.model.state_dict()
        for name, kept in self.average.state_dict().items():
            if kept.dtype.is_floating_point:
                kept.lerp_(current[name], 1 - decay)
            else:
                kept.copy_(current[name])

    def _due(self, what: str, last_step: int, last_time: float) -> bool:
        steps: int = getattr(self.schedule, f"{what}_steps")
        minutes: float = getattr(self.schedule, f"{what}_minutes")
        if steps and self.step % steps == 0 and self.step != last_step:
            return True
        return bool(minutes) and time.monotonic() - last_time >= 60 * minutes

    def _write_log(self, sums: list[Tensor], progress: float, rate: float) -> dict[str, float]:
        count = len(self.objective.names) + 1
        own = torch.stack(sums).mean(0) if sums else torch.full([count], math.nan)
        mean = self.processes.mean(own.to(self.processes.device)).tolist()
        metrics = dict(zip(("loss", *self.objective.names), mean, strict=True))
        if self.processes.first:
            hours = self.seconds() / 3600
            self.log.add(
                step=self.step, progress=progress, hours=hours, learning_rate=rate, **metrics
            )
        return metrics

    def _evaluate(self, progress: float, pending: list[int]) -> None:
        self.evaluated_at = time.monotonic()
        if self.stage.evaluate is None or not self.processes.first:
            return
        self.save()

        def check() -> None:
            if pending:
                raise _InterruptedError

        with suppress(_InterruptedError):
            self.curve = self.stage.evaluate(self.average, check)
            hours = self.seconds() / 3600
            for point in self.curve:
                self.curves.add(
                    step=self.step, hours=hours,
                    setting=point.setting, bpp=point.bpp, psnr=point.psnr,
                )  # fmt: skip
            title = f"{self.stage.name}: estimated rate after {self.step} steps, {hours:.2f} h"
            write_plot(self.stage.folder / "curve.svg", title, self._curves())
            self._tell(progress, {}, self.curve)
        # so that the time of the evaluation does not make the next one due at once
        self.evaluated_at = time.monotonic()

    def _curves(self) -> list[tuple[str, list[Point]]]:
        found: dict[str, list[Point]] = {}
        for row in self.curves.rows:
            point = Point(float(row["setting"]), float(row["bpp"]), float(row["psnr"]))
            found.setdefault(row["step"], []).append(point)
        return [(f"{step} steps", points) for step, points in found.items()]

    def _tell(
        self, progress: float, metrics: dict[str, float], curve: Sequence[Point] = ()
    ) -> None:
        if self.processes.first:
            self.watch(Status(self.stage.name, self.step, progress, self.seconds(), metrics, curve))


class _InterruptedError(Exception):
    """A signal came during an evaluation."""
