"""Going on from a model: the weights of its files back in modules, to train them further.

What a file holds are integers and their scales; as floats they are weights that rounding leaves as
they are, so that the modules compute what the model does, bit for bit.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from ivc.codecs.image.constants import FEATURE_BITS, LOGIT_BITS, SHARED_LEVEL
from ivc.errors import UsageError
from ivc.nets.bundle import Bundle
from ivc.nets.convolution import Convolution
from ivc.nets.network import Network
from ivc.nets.torch import IntConv2d
from ivc.train.image.export import exact_networks
from ivc.train.image.networks import (
    HIDDEN_BITS,
    SCALE,
    Networks,
    Pass,
    Prediction,
    Synthesis,
    Trunk,
)


def load_networks(networks: Networks, model: Bundle) -> None:
    """Give networks the weights of a model.

    Args:
        networks: of the model's shape; changed.
        model: what ``ivc.train.image.export`` wrote.

    Raises:
        UsageError: when the networks have another shape, or the model other scales.
        ModelError: when the model lacks something.
    """
    for level in range(1, SHARED_LEVEL + 1):
        modules = networks.level(level)
        parts = {"trunk": modules.trunk} | {f"pass{i}": m for i, m in enumerate(modules.passes)}
        for name, module in parts.items():
            _load_exact(module, model.network(f"{level}.{name}"), f"{level}.{name}")
        if f"{level}.predict.onnx" in model:
            _load_floats(networks.prediction(level), model.read(f"{level}.predict.onnx"), SCALE)
        else:
            networks.prediction(level).silence()
    for name, network in exact_networks(networks).items():
        if network.digest() != model.network(name).digest():
            raise UsageError(f"the model's network {name} has other scales than these networks")


def load_synthesis(synthesis: Synthesis, model: Bundle) -> None:
    """Give a synthesis network the weights of a model; see ``load_networks``."""
    _load_floats(synthesis, model.read("synthesis.onnx"), 1)
    with torch.no_grad():
        # SpaceToDepth puts the phase first, PyTorch's unshuffle the plane
        order = [phase * 3 + plane for plane in range(3) for phase in range(4)]
        synthesis.first.weight.copy_(synthesis.first.weight[:, order])


def _convolutions(module: nn.Module) -> list[tuple[IntConv2d, int, int]]:
    """The convolutions in the order of a frozen network, with fractional bits in and out."""
    hidden, seen = HIDDEN_BITS, FEATURE_BITS
    if isinstance(module, Trunk):
        return [
            (module.gather, seen, hidden),
            (module.expand, hidden, hidden),
            (module.blend, hidden, hidden),
        ]
    assert isinstance(module, Pass)
    found = [(module.features, hidden, hidden)]
    if module.neighbours is not None:
        found.append((module.neighbours, seen, hidden))
    return [*found, (module.mix, hidden, hidden), (module.logits, hidden, LOGIT_BITS)]


@torch.no_grad()
def _load_exact(module: nn.Module, network: Network, name: str) -> None:
    layers = _convolutions(module)
    nodes = [node for node in network.nodes if isinstance(node, Convolution)]
    if [tuple(layer.weight.shape) for layer, _, _ in layers] != [n.weight.shape for n in nodes]:
        raise UsageError(f"the model's network {name} has another shape than the recipe's")
    for (layer, bits_in, bits_out), node in zip(layers, nodes, strict=True):
        exponent = torch.from_numpy(node.shift.astype(np.float32)) + (bits_out - bits_in)
        layer.weight_exponent.copy_(exponent)
        scale = torch.exp2(exponent.double())
        integers = torch.from_numpy(node.weight.astype(np.float64))
        layer.weight.copy_(integers / scale[:, None, None, None])
        layer.bias.copy_(torch.from_numpy(node.bias.astype(np.float64)) / (scale * 2.0**bits_in))
        layer.exponent.fill_(bits_out)
        layer.calibrated.fill_(True)


@torch.no_grad()
def _load_floats(module: Prediction | Synthesis, graph: bytes, scale: float) -> None:
    layers = [module.first, module.step, *module.middle, module.last]
    arrays = _parameters(graph)
    parameters = [p for layer in layers for p in (layer.weight, layer.bias)]
    if [tuple(p.shape) for p in parameters] != [tuple(a.shape) for a in arrays]:
        raise UsageError("the model's float networks have another shape than the recipe's")
    for parameter, array in zip(parameters, arrays, strict=True):
        parameter.copy_(array)
    for parameter in module.last.parameters():
        parameter.mul_(scale)


def _parameters(graph: bytes) -> Sequence[Tensor]:
    """Weights and biases of the convolutions of an ONNX file, in order."""
    import onnx
    from onnx import numpy_helper

    content = onnx.load_from_string(graph).graph
    constants = {item.name: item for item in content.initializer}
    return [
        torch.from_numpy(numpy_helper.to_array(constants[name]).copy())
        for node in content.node
        if node.op_type == "Conv"
        for name in node.input[1:]
    ]
