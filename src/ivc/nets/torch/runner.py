"""Exact networks run by PyTorch: a second fast path, and a witness that the first one is right."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from ivc.errors import ModelError, UnsupportedError
from ivc.nets import reference
from ivc.nets.convolution import Conv, Convolution, Deconv
from ivc.nets.layers import (
    Add,
    Concat,
    Leaky,
    Multiply,
    Requantise,
    Shuffle,
    Slice,
    Unshuffle,
    Upsample,
)
from ivc.nets.network import Network
from ivc.nets.node import Node
from ivc.nets.proof import Arithmetic, prove
from ivc.nets.torch.kernels import exact_kernels

Floor = Callable[[Tensor], Tensor]

TYPES = {
    Arithmetic.FLOAT32: torch.float32,
    Arithmetic.FLOAT64: torch.float64,
    Arithmetic.INT64: torch.int64,
}


class TorchSession:
    """An exact network, ready to run in PyTorch.

    Args:
        network: the network.
        arithmetic: type for all layers; None takes the cheapest that is proven for each.
        device: of PyTorch, such as ``cpu`` or ``cuda``.
        channels_last: memory layout of the activations.

    Raises:
        ModelError: when the network has no proof, or not for that arithmetic.
        UnsupportedError: for int64 on a device that has no such convolution.
    """

    def __init__(
        self,
        network: Network,
        *,
        arithmetic: Arithmetic | None = None,
        device: str = "cpu",
        channels_last: bool = False,
    ) -> None:
        order = list(Arithmetic)
        self.network, self.device = network, torch.device(device)
        self.format = torch.channels_last if channels_last else torch.contiguous_format
        self._types: dict[str, torch.dtype] = {}
        for proof in prove(network):
            chosen = arithmetic or proof.arithmetic
            if order.index(chosen) < order.index(proof.arithmetic):
                raise ModelError(
                    f"layer {proof.name!r} may reach {proof.bound}, too much for {chosen.value}"
                )
            if chosen is Arithmetic.INT64 and self.device.type != "cpu":
                raise UnsupportedError(f"layer {proof.name!r} needs int64, which runs on CPUs only")
            self._types[proof.name] = TYPES[chosen]

    def run(
        self, inputs: Mapping[str, npt.NDArray[np.integer]]
    ) -> dict[str, npt.NDArray[np.int32]]:
        """Run the network; the same as ``ivc.nets.reference.run``, and as exact."""
        reference.check_inputs(self.network, inputs)
        values: dict[str, Tensor] = {}
        with torch.no_grad(), exact_kernels():
            for name, info in self.network.inputs.items():
                clipped = np.clip(inputs[name], info.low, info.high).astype(np.int64)
                values[name] = torch.from_numpy(clipped).to(self.device)
            for node in self.network.nodes:
                dtype = self._types[node.name]
                sources = [
                    values[source].to(dtype).contiguous(memory_format=self.format)
                    for source in node.sources
                ]
                values[node.name] = compute(node, sources)
            return {
                name: values[name].to(torch.int32).contiguous().cpu().numpy()
                for name in self.network.outputs
            }


def compute(node: Node, sources: list[Tensor], floor: Floor = torch.floor) -> Tensor:
    """The output of one layer, in the type of its sources; shapes (N, C, H, W).

    Args:
        node: the layer.
        sources: what it takes.
        floor: how floats are rounded down.
    """
    x = sources[0]
    match node:
        case Convolution():
            return _convolution(node, x, floor)
        case Requantise():
            return _requantise(x, node.shift, node.low, node.high, floor)
        case Add():
            total = torch.zeros_like(x)
            for source, gain in zip(sources, node.gains, strict=True):
                total = total + source * (1 << gain)
            return _requantise(total, node.shift, node.low, node.high, floor)
        case Multiply():
            return _requantise(x * sources[1], node.shift, node.low, node.high, floor)
        case Leaky():
            return torch.where(x < 0, _round_shift(x, node.shift, floor), x)
        case Concat():
            return torch.cat(sources, dim=1)
        case Slice():
            return x[:, node.start : node.stop]
        case Upsample():
            return x.repeat_interleave(node.factor, 2).repeat_interleave(node.factor, 3)
        case Shuffle():
            return functional.pixel_shuffle(x, node.factor)
        case Unshuffle():
            return functional.pixel_unshuffle(x, node.factor)
    raise ModelError(f"layer {node.name!r} is of an unknown kind, {node.op!r}")


def _convolution(node: Convolution, x: Tensor, floor: Floor) -> Tensor:
    weight = torch.tensor(node.weight, device=x.device, dtype=x.dtype)
    if isinstance(node, Conv):
        top, left, bottom, right = node.padding
        padded = functional.pad(x, (left, right, top, bottom))
        total = functional.conv2d(padded, weight, None, node.stride, groups=node.groups)
    else:
        assert isinstance(node, Deconv)
        full = functional.conv_transpose2d(x, weight.transpose(0, 1), None, node.stride)
        top, left, bottom, right = node.crop
        total = full[:, :, top : full.shape[2] - bottom, left : full.shape[3] - right]
    bias = torch.tensor(node.bias, device=x.device, dtype=x.dtype)[None, :, None, None]
    shift = torch.from_numpy(node.shift.astype(np.int64)).to(x.device)[None, :, None, None]
    return _requantise(total + bias, shift, node.low, node.high, floor)


def _requantise(x: Tensor, shift: int | Tensor, low: int, high: int, floor: Floor) -> Tensor:
    return torch.clamp(_round_shift(x, shift, floor), low, high)


def _round_shift(x: Tensor, shift: int | Tensor, floor: Floor) -> Tensor:
    shift = torch.as_tensor(shift, dtype=torch.int64, device=x.device)
    divisor = torch.ones_like(shift) << shift
    half = divisor >> 1
    if x.dtype == torch.int64:
        return (x + half) >> shift
    return floor((x + half.to(x.dtype)) / divisor.to(x.dtype))
