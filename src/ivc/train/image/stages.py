"""What the two stages make small.

* ``entropy``: the logarithm of the bits of each picture, so that all qualities count alike, and
  that of how badly details were predicted. Errors need no term: the step decides them.
* ``synthesis``: the logarithm of the error that is left, or of 1 - MS-SSIM, with what the first
  stage trained frozen.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ivc.nets.torch import set_rounding
from ivc.train.image.coding import Rounding, code
from ivc.train.image.colour import to_planes, to_rgb
from ivc.train.image.networks import Networks, Synthesis
from ivc.train.image.recipe import Entropy
from ivc.train.image.recipe import Synthesis as SynthesisRecipe
from ivc.train.loop import Objective
from ivc.train.ms_ssim import ms_ssim

_SMALL_BPP = 0.1
"""Rates far below this do not matter more and more."""
_SMALL_MSE = 0.1
"""The same for errors, in squared 8-bit units: a fortieth of rounding to a step of 7."""


def is_rounding(networks: nn.Module) -> bool:
    """Whether exact layers round while they train."""
    return all(getattr(layer, "rounding", True) for layer in networks.modules())


def _log_like(values: Tensor) -> Tensor:
    """Mean of values with the gradient of the mean of their logarithms, roughly."""
    return (values / (values.detach() + _SMALL_BPP)).mean()


class EntropyObjective(Objective):
    """See the module.

    Args:
        networks: trained; calibrated on ``pixels`` first if they are new.
        recipe: of this stage.
    """

    names = ("bpp", "log_bpp", "log_prediction", "mse_per_step2")

    def __init__(self, networks: Networks, recipe: Entropy) -> None:
        super().__init__()
        self.model: Networks = networks
        self.recipe = recipe
        self.rounding = Rounding(lambda_rd=0.0)

    def forward(self, *batch: Tensor) -> tuple[Tensor, Tensor]:
        """Loss and measurements of ``pixels`` (N, 3, H, W) uint8 and ``step`` (N,)."""
        pixels, step = batch
        planes = to_planes(pixels)
        coded = code(self.model, planes, step, self.rounding)
        area = planes.shape[-1] * planes.shape[-2]
        bpp = coded.bits.sum(1) / area
        prediction = coded.prediction_loss / area
        with torch.no_grad():
            mse = ((coded.planes - planes) ** 2).mean((2, 3)).sum(1)
            logs = [torch.log(value + _SMALL_BPP).mean() for value in (bpp, prediction)]
            measured = torch.stack([bpp.mean(), *logs, (mse / step**2).mean()])
        return _log_like(bpp) + _log_like(prediction), measured

    def advance(self, progress: float, average: nn.Module) -> None:
        """Switch the encoder's search on, and rounding when its time has come."""
        searching = progress >= self.recipe.search_from
        self.rounding = Rounding(lambda_rd=self.recipe.lambda_rd if searching else 0.0)
        if progress >= self.recipe.plain and not is_rounding(self.model):
            # each gets the scales that its own weights need
            set_rounding(self.model, True)
            set_rounding(average, True)

    def state(self) -> dict[str, Any]:
        """Whether rounding is on."""
        return {"rounding": is_rounding(self.model)}

    def restore(self, state: dict[str, Any], average: nn.Module) -> None:
        """Undo ``state`` without touching the scales."""
        for networks in (self.model, average):
            restore_rounding(networks, state["rounding"])


def restore_rounding(networks: nn.Module, rounding: bool) -> None:
    """Let exact layers round or not; unlike ``set_rounding`` without fitting their scales."""
    for layer in networks.modules():
        if isinstance(getattr(layer, "rounding", None), bool):
            # nn.Module's own attributes would be typed as tensors
            vars(layer)["rounding"] = rounding


@torch.no_grad()
def calibrate(networks: Networks, pixels: Tensor, step: Tensor) -> None:
    """Set the scales of new networks from a batch, before several processes each find their own."""
    networks.train()
    code(networks, to_planes(pixels), step, Rounding())


class SynthesisObjective(Objective):
    """See the module.

    Args:
        synthesis: trained.
        networks: of the first stage, frozen.
        recipe: of this stage.
    """

    names = ("bpp", "mse", "gain_db")

    def __init__(
        self, synthesis: Synthesis, networks: Networks, recipe: SynthesisRecipe
    ) -> None:  # fmt: skip
        super().__init__()
        self.model: Synthesis = synthesis
        self.recipe = recipe
        # in a tuple, where it is no part of what is trained and saved
        self.frozen = (networks.requires_grad_(False),)

    def forward(self, *batch: Tensor) -> tuple[Tensor, Tensor]:
        """Loss and measurements of ``pixels`` (N, 3, H, W) uint8 and ``step`` (N,)."""
        pixels, step = batch
        planes = to_planes(pixels)
        with torch.no_grad():
            coded = code(self.frozen[0], planes, step, Rounding(lambda_rd=self.recipe.lambda_rd))
        shown = finish(self.model, coded.planes, step)
        mse = ((shown - planes) ** 2).mean((2, 3)).sum(1)
        if self.recipe.loss == "mse":
            loss = torch.log(mse + _SMALL_MSE).mean()
        else:
            similarity = ms_ssim(pixels.float(), to_rgb(shown))
            loss = torch.log(1 - similarity + 1e-4).mean()
        with torch.no_grad():
            before = ((coded.planes - planes) ** 2).mean((2, 3)).sum(1)
            bpp = coded.bits.sum(1) / (planes.shape[-1] * planes.shape[-2])
            gain = 10 * torch.log10((before + 1e-6) / (mse + 1e-6))
            measured = torch.stack([bpp.mean(), mse.mean(), gain.mean()])
        return loss, measured


def finish(synthesis: Synthesis | None, planes: Tensor, step: Tensor) -> Tensor:
    """Decoded planes (N, 3, H, W) with what synthesis adds to them.

    Args:
        synthesis: None adds nothing.
        planes: in 8-bit units.
        step: (N,), in the same units.
    """
    if synthesis is None:
        return planes
    size = step[:, None, None, None]
    added: Tensor = synthesis(planes / 32, torch.log2(size))
    return planes + added * size
