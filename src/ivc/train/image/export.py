"""From trained modules to a bundle that the ``image`` codec runs without PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from os import PathLike

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ivc.codecs.image.constants import (
    BUCKETS,
    FLAGS,
    LEVELS,
    LOGIT_BITS,
    SHARED_LEVEL,
    SURROUNDINGS,
)
from ivc.codecs.image.model import ImageModel
from ivc.codecs.image.passes import GROUPS, PASSES
from ivc.errors import ModelError
from ivc.nets import bundle
from ivc.nets.bundle import Bundle
from ivc.nets.export import check_release
from ivc.nets.network import Network
from ivc.nets.onnxfile import GraphWriter
from ivc.nets.store import Card
from ivc.nets.torch import InputSpec, IntTensor, freeze
from ivc.train.image.counting import counted_contexts
from ivc.train.image.networks import (
    COEFFICIENTS,
    HIDDEN_BITS,
    SCALE,
    STEP,
    Networks,
    Prediction,
    Synthesis,
)


class _Named(nn.Module):
    """A module whose only output has a name."""

    def __init__(self, module: nn.Module, name: str) -> None:
        super().__init__()
        self.module, self.name = module, name

    def forward(self, *inputs: IntTensor) -> dict[str, IntTensor]:
        return {self.name: self.module(*inputs)}


def _features(channels: int, exponent: int) -> InputSpec:
    return InputSpec(channels, 0, 255, exponent)


def exact_networks(networks: Networks) -> dict[str, Network]:
    """The exact networks of all levels by their names in a bundle.

    Raises:
        ModelError: when scales do not fit together or a network has no proof.
    """
    shape = networks.shape
    found: dict[str, Network] = {}
    exponent = HIDDEN_BITS
    for level in range(SHARED_LEVEL, 0, -1):
        modules = networks.level(level)
        inputs = {
            "features": _features(shape.other, exponent),
            "coefficients": COEFFICIENTS,
            "step": STEP,
        }
        found[f"{level}.trunk"] = freeze(_Named(modules.trunk, "features_out"), inputs, size=8)
        exponent = _output_exponent(modules.trunk, inputs)
        if level == SHARED_LEVEL and exponent != HIDDEN_BITS:
            raise ModelError(
                f"the shared trunk's features have {exponent} fractional bits, its input "
                f"{HIDDEN_BITS}; it cannot follow itself"
            )
        for index, part in enumerate(PASSES):
            inputs = {"features": _features(shape.width(level), exponent)}
            if part.knows:
                spec = InputSpec(
                    2 * len(part.knows), COEFFICIENTS.low, COEFFICIENTS.high, COEFFICIENTS.exponent
                )
                inputs["coefficients"] = spec
            network = freeze(_Named(modules.passes[index], "logits"), inputs, size=8)
            found[f"{level}.pass{index}"] = network
    return found


@torch.no_grad()
def _output_exponent(module: nn.Module, inputs: dict[str, InputSpec]) -> int:
    module.eval()
    blanks = [spec(torch.zeros(1, spec.channels, 4, 4)) for spec in inputs.values()]
    result = module(*blanks)
    assert isinstance(result, IntTensor)
    return result.exponent


def _array(tensor: Tensor) -> npt.NDArray[np.float32]:
    return tensor.detach().cpu().numpy().astype(np.float32)


class _FloatGraph:
    """Writes the few operators that the float networks consist of."""

    def __init__(self, name: str) -> None:
        self.writer = GraphWriter(name)

    def conv(self, x: str, weight: Tensor, bias: Tensor | None, padding: int) -> str:
        extra = [] if bias is None else [self.writer.constant(_array(bias))]
        constant = self.writer.constant(_array(weight))
        return self.writer.node("Conv", x, constant, *extra, pads=[padding] * 4)

    def edge(self, x: str) -> str:
        pads = self.writer.constant(np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int64))
        return self.writer.node("Pad", x, pads, mode="edge")

    def first(self, x: str, step: str, weight: Tensor, module: Prediction | Synthesis) -> str:
        """Convolution that repeats the picture's edge, the step's share, and a ReLU."""
        y = self.conv(self.edge(x), weight, module.first.bias, 0)
        y = self.writer.node("Add", y, self.conv(step, module.step.weight, module.step.bias, 0))
        return self.writer.node("Relu", y)


def prediction_graph(module: Prediction) -> bytes:
    """The ONNX file of a ``Prediction``: ``coarse``, ``step`` to ``details``."""
    graph = _FloatGraph("predict")
    graph.writer.input("coarse", "float32", [1, 3, "H", "W"])
    graph.writer.input("step", "float32", [1, 1, 1, 1])
    weight = module.first.weight
    weight = weight - weight.mean((2, 3), keepdim=True)
    x = graph.first("coarse", "step", weight, module)
    for layer in module.middle:
        assert isinstance(layer, nn.Conv2d)
        x = graph.writer.node("Relu", graph.conv(x, layer.weight, layer.bias, 1))
    assert module.last.bias is not None
    x = graph.conv(x, module.last.weight / SCALE, module.last.bias / SCALE, 1)
    graph.writer.node("Identity", x, output="details")
    graph.writer.output("details", "float32", [1, 9, "H", "W"])
    return graph.writer.model()


def synthesis_graph(module: Synthesis) -> bytes:
    """The ONNX file of a ``Synthesis``: ``planes``, ``step`` to ``residual``."""
    graph = _FloatGraph("synthesis")
    graph.writer.input("planes", "float32", [1, 3, "H", "W"])
    graph.writer.input("step", "float32", [1, 1, 1, 1])
    weight = module.first.weight.unflatten(1, (3, 4))
    weight = (weight - weight.mean((2, 3, 4), keepdim=True)).flatten(1, 2)
    # SpaceToDepth puts the phase first, PyTorch's unshuffle the plane
    order = [plane * 4 + phase for phase in range(4) for plane in range(3)]
    x = graph.writer.node("SpaceToDepth", "planes", blocksize=2)
    x = graph.first(x, "step", weight[:, order], module)
    for layer in module.middle:
        assert isinstance(layer, nn.Conv2d)
        y = graph.writer.node("Relu", graph.conv(x, layer.weight, layer.bias, 1))
        x = graph.writer.node("Add", x, y)
    x = graph.conv(x, module.last.weight, module.last.bias, 1)
    graph.writer.node("DepthToSpace", x, output="residual", blocksize=2, mode="CRD")
    graph.writer.output("residual", "float32", [1, 3, "H", "W"])
    return graph.writer.model()


def first_contexts() -> npt.NDArray[np.uint16]:
    """What logits mean before any picture was seen: the logistic function, for all groups alike.

    Returns:
        (GROUPS, SURROUNDINGS, FLAGS, BUCKETS) uint16: probability of 0 in 1/65536.
    """
    logits = (2 * np.arange(BUCKETS) + 0.5 - 128) / 2**LOGIT_BITS
    zero = np.rint(65536 / (1 + np.exp(logits))).clip(16, 65536 - 16).astype(np.uint16)
    return np.broadcast_to(zero, (GROUPS, SURROUNDINGS, FLAGS, BUCKETS)).copy()


def export(
    networks: Networks,
    synthesis: Synthesis | None,
    folder: str | PathLike[str],
    card: Card,
    pictures: Iterable[npt.NDArray[np.uint8]] = (),
    steps: npt.NDArray[np.int16] | None = None,
    report: Callable[[str], None] | None = None,
) -> Bundle:
    """Write a model that ``ivc encode --profile image --model FOLDER`` uses.

    Args:
        networks: trained, with rounding.
        synthesis: trained, or None to go without.
        folder: where to.
        card: where the model comes from; its hash is filled in.
        pictures: (H, W, 3) RGB of the training set, on which the contexts' first probabilities are
            counted; without any, they are the logistic function of the logits.
        steps: (LEVELS + 1, 2) int16, offsets of the quantisation step's index; even by default.
        report: is told the name of each network that was checked.

    Raises:
        ModelError: when a network has no proof, is not exact, or the folder cannot be written.
    """
    exact = exact_networks(networks)
    for name, network in exact.items():
        check_release(network)
        if report:
            report(name)
    floats = {
        f"{level}.predict": prediction_graph(networks.prediction(level))
        for level in range(1, SHARED_LEVEL + 1)
        # what was silenced, because it gained nothing, need not be run
        if networks.prediction(level).last.weight.any()
    }
    if synthesis is not None:
        floats["synthesis"] = synthesis_graph(synthesis)
    table = first_contexts()
    if steps is None:
        steps = np.zeros((LEVELS + 1, 2), np.int16)
    arrays = {"contexts": table, "steps": steps}
    model = ImageModel(bundle.save(folder, card, exact, floats, arrays))
    arrays["contexts"] = counted_contexts(model, pictures, table)
    return bundle.save(folder, card, exact, floats, arrays)
