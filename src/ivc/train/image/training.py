"""A whole training of the ``image`` codec: data, stages, export.

out/entropy/     checkpoint.pt, log.csv, evaluation.csv, curve.svg
out/synthesis/   the same
out/files.csv, out/files.svg    sizes of real files, once the model is exported
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ivc.errors import UsageError
from ivc.nets import bundle
from ivc.nets.store import Card
from ivc.nets.torch import set_rounding
from ivc.train import checkpoint
from ivc.train.data import Patches, find_pictures, readable, spread
from ivc.train.image.coding import Rounding
from ivc.train.image.evaluation import estimate, measure_files, rounded
from ivc.train.image.networks import Networks, Synthesis
from ivc.train.image.recipe import ImageRecipe, Steps
from ivc.train.image.stages import (
    EntropyObjective,
    SynthesisObjective,
    calibrate,
    restore_rounding,
)
from ivc.train.image.warm import load_networks, load_synthesis
from ivc.train.logs import Table
from ivc.train.loop import Stage, Trained
from ivc.train.loop import train as run_stage
from ivc.train.outcome import Outcome, Point, Watch
from ivc.train.plot import write_plot
from ivc.train.processes import Processes, hardware, join

RECIPE = ImageRecipe
_COUNTED = 100
"""Patches on which an exported model's first probabilities are counted."""
_CALIBRATION = 16
"""Pictures of the first batch that new networks are calibrated on, at most."""


def train(
    recipe: ImageRecipe,
    *,
    source: str = "",
    export: str | os.PathLike[str] | None = None,
    watch: Watch | None = None,
) -> Outcome:
    """Train a recipe, or go on with it; see ``ivc.train.run``.

    Args:
        recipe: with ``out``.
        source: file of the recipe, for the model's card.
        export: folder for the model.
        watch: called after every step and evaluation, in the first process.

    Raises:
        IvcError: with one line that says what, where and what to do.
        KeyboardInterrupt: after Ctrl-C, once a checkpoint is written.
    """
    with join(recipe.device, recipe.threads) as processes:
        return _Training(recipe, source, processes, watch).run(export)


@dataclass
class _Pictures:
    """What is trained on and what is measured on."""

    patches: Patches
    held_out: list[Path]

    @staticmethod
    def of(recipe: ImageRecipe) -> _Pictures:
        """Find them.

        Raises:
            UsageError: when a folder is missing or empty.
        """
        data, wanted = recipe.data, recipe.evaluation
        if not data.folders:
            raise UsageError("the recipe names no pictures; give a folder of them with --data")
        files = find_pictures(data.folders)
        if wanted.folders:
            held_out = spread(find_pictures(wanted.folders), wanted.pictures)
        else:
            # at most half, so that something is left of a tiny folder
            held_out = spread(files, min(wanted.pictures, len(files) // 2))
            files = [path for path in files if path not in set(held_out)]
        room = data.cache_mb * 10**6
        patches = Patches(files, data.patch, seed=recipe.seed, cache_bytes=room)
        # an evaluation must not be what ends a training after hours
        return _Pictures(patches, readable(held_out))


class _Training:
    """A training of one recipe in one process."""

    def __init__(
        self, recipe: ImageRecipe, source: str, processes: Processes, watch: Watch | None
    ) -> None:
        self.recipe, self.source = recipe, source
        self.processes, self.watch = processes, watch
        self.out = Path(recipe.out)
        self.pictures = _Pictures.of(recipe)
        self.done: list[Trained] = []

    def run(self, export: str | os.PathLike[str] | None) -> Outcome:
        torch.manual_seed(self.recipe.seed)
        networks = Networks(self.recipe.shape)
        synthesis: Synthesis | None = None
        if "entropy" in self.recipe.stages:
            networks = self._entropy(networks)
        else:
            self._begin(networks, self._earlier())
        if "synthesis" in self.recipe.stages:
            synthesis = self._synthesis(networks)
        steps, seconds = sum(d.step for d in self.done), sum(d.seconds for d in self.done)
        outcome = Outcome(self.out, steps, seconds, self.done[-1].curve)
        if export is None or not self.processes.first:
            return outcome
        return self._export(networks, synthesis, Path(export), outcome)

    def _entropy(self, networks: Networks) -> Networks:
        recipe = self.recipe
        schedule = recipe.entropy
        stage_folder = self._folder("entropy")
        if not (stage_folder / checkpoint.NAME).exists():
            if recipe.start:
                self._begin(networks, Path(recipe.start))
            else:
                set_rounding(networks, False)
                first = range(min(_CALIBRATION, schedule.batch))
                calibrate(networks, *self._batch(0, first))
            if schedule.plain > 0:
                set_rounding(networks, False)
        networks.to(self.processes.device).train()

        def evaluate(model: nn.Module, check: Callable[[], None]) -> list[Point]:
            assert isinstance(model, Networks)
            return self._estimate(model, None, schedule.lambda_rd, check)

        stage = Stage(
            "entropy", stage_folder, schedule, EntropyObjective(networks, schedule), self._batch,
            evaluate if self.pictures.held_out else None,
            float_networks=list(networks.predictions.values()),
            shape=dataclasses.asdict(recipe.shape), workers=recipe.data.workers,
        )  # fmt: skip
        self.done.append(run_stage(stage, self.processes, self.watch))
        trained = self.done[-1].model
        assert isinstance(trained, Networks)
        return rounded(trained)

    def _synthesis(self, networks: Networks) -> Synthesis:
        recipe = self.recipe
        schedule = recipe.synthesis
        device = self.processes.device
        networks.to(device).train()
        # Rounding changes few of the encoder's decisions and takes half of the time.
        restore_rounding(networks, False)
        synthesis = Synthesis(recipe.shape)
        start = Path(recipe.start) if recipe.start else None
        if start is not None and start.is_dir():
            load_synthesis(synthesis, bundle.load_folder(start))
        synthesis.to(device)

        def evaluate(model: nn.Module, check: Callable[[], None]) -> list[Point]:
            assert isinstance(model, Synthesis)
            restore_rounding(networks, True)
            try:
                return self._estimate(networks, model, schedule.lambda_rd, check)
            finally:
                restore_rounding(networks, False)
                networks.train()

        stage = Stage(
            "synthesis", self._folder("synthesis"), schedule,
            SynthesisObjective(synthesis, networks, schedule), self._batch,
            evaluate if self.pictures.held_out else None,
            float_networks=[synthesis],
            shape=dataclasses.asdict(recipe.shape), workers=recipe.data.workers,
        )  # fmt: skip
        self.done.append(run_stage(stage, self.processes, self.watch))
        trained = self.done[-1].model
        assert isinstance(trained, Synthesis)
        restore_rounding(networks, True)
        return trained

    def _folder(self, stage: str) -> Path:
        folder = self.out / stage
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"{folder}: {error.strerror}; choose another --out") from None
        return folder

    def _earlier(self) -> Path:
        """The checkpoint that holds what the entropy stage trained."""
        own = self.out / "entropy" / checkpoint.NAME
        if own.exists():
            return own
        if not self.recipe.start:
            raise UsageError(
                f"the synthesis stage needs what the entropy stage trains: add that stage, or name "
                f"its checkpoint as start; there is none in {own.parent}"
            )
        return Path(self.recipe.start)

    def _begin(self, networks: Networks, path: Path) -> None:
        """Take the averaged weights of a checkpoint, or those of a model's folder."""
        if path.is_dir():
            load_networks(networks, bundle.load_folder(path))
            restore_rounding(networks, True)
            return
        content = checkpoint.load(path)
        checkpoint.load_weights(networks, content["ema"], path)
        state = content.get("state", {})
        # "ron" is what the first trainings called it
        rounding = bool(state.get("rounding", content.get("ron", True)))
        restore_rounding(networks, rounding)
        if not rounding:
            # the scales of the weights were not learned: fit them
            set_rounding(networks, True)

    def _batch(self, step: int, indices: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Pixels (N, 3, H, W) uint8 and quantisation steps (N,) of a part of a batch."""
        pixels = torch.from_numpy(self.pictures.patches.batch(step, indices))
        sizes = [quantisation_step(self.recipe.steps, (self.recipe.seed, step, i)) for i in indices]
        return pixels, torch.tensor(sizes, dtype=torch.float32)

    def _estimate(
        self, networks: Networks, synthesis: Synthesis | None, lambda_rd: float,
        check: Callable[[], None],
    ) -> list[Point]:  # fmt: skip
        rounding = Rounding(lambda_rd=lambda_rd)
        steps, pictures = self.recipe.evaluation.steps, self.pictures.held_out
        return estimate(networks, synthesis, pictures, steps, rounding, check)

    def _export(
        self, networks: Networks, synthesis: Synthesis | None, folder: Path, outcome: Outcome
    ) -> Outcome:
        # export: the codec's own module; imported here, since nothing else needs the onnx package
        from ivc.train.image.export import export as write_model

        networks = networks.cpu().eval()
        synthesis = None if synthesis is None else synthesis.cpu().eval()
        card = make_card(self.recipe, self.source, outcome, hardware(self.processes))
        patches = self.pictures.patches.batch(0, range(_COUNTED)).transpose(0, 2, 3, 1)
        write_model(networks, synthesis, folder, card, patches)
        outcome = dataclasses.replace(outcome, model=folder)
        if not self.recipe.evaluation.files or not self.pictures.held_out:
            return outcome
        points = measure_files(folder, self.pictures.held_out, self.recipe.evaluation.qualities)
        table = Table(self.out / "files.csv", ("step", "setting", "bpp", "psnr"), 0)
        for point in points:
            table.add(
                step=outcome.steps, setting=point.setting, bpp=point.bpp, psnr=point.psnr
            )  # fmt: skip
        write_plot(
            self.out / "files.svg",
            "files on disk",
            [("estimated", outcome.curve), ("files", points)],
        )
        return dataclasses.replace(outcome, files=points)


def quantisation_step(steps: Steps, key: Sequence[int]) -> float:
    """The step of a picture of a batch; ``key`` is the seed, the batch and the picture."""
    # one number more than the patch's key, so that the two are independent
    random = np.random.default_rng((*key, 1))
    wide = random.random() < steps.wide
    ends = (steps.wide_low, steps.wide_high) if wide else (steps.low, steps.high)
    return float(np.exp(random.uniform(*np.log(ends))))


def make_card(recipe: ImageRecipe, source: str, outcome: Outcome, machine: str) -> Card:
    """The card of an exported model."""
    names = ", ".join(Path(folder).resolve().name for folder in recipe.data.folders)
    return Card(
        name="image",
        version=recipe.card.version,
        summary=recipe.card.summary,
        data=recipe.card.data or names,
        licence=recipe.card.licence,
        steps=outcome.steps,
        hours=round(outcome.seconds / 3600, 3),
        hardware=machine,
        recipe=source,
        results=[
            {
                "quantization_step": point.setting,
                "bpp_estimated": round(point.bpp, 4),
                "psnr_rgb": round(point.psnr, 3),
            }
            for point in outcome.curve
        ],
    )
