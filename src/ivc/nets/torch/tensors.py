"""Tensors that carry integers through ordinary PyTorch code, and how a module becomes a network.

While training, an activation is a float tensor of multiples of ``2**-exponent``: the integers of
the exact network on a scale that optimisers like. Multiplying by a power of two loses nothing, so
the forward pass returns the integers of the exact network, bit for bit.

``freeze`` runs the module once and writes down which exact layer every step was.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from ivc.errors import ModelError
from ivc.nets.network import Network
from ivc.nets.node import Node, TensorInfo
from ivc.nets.proof import Arithmetic, prove
from ivc.nets.torch.kernels import round_half_up


@dataclass
class Trace:
    """The exact layers of a forward pass, in order."""

    inputs: dict[str, TensorInfo] = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)

    def add(self, op: str, make: Callable[[str], Node]) -> str:
        """Note the layer that ``make`` builds for a name; returns the name."""
        name = f"{op}.{len(self.nodes)}"
        self.nodes.append(make(name))
        return name


@dataclass
class IntTensor:
    """A tensor of integers on a scale.

    Attributes:
        value: float tensor of shape (N, C, H, W): integers times ``2**-exponent``.
        exponent: number of fractional bits; may be negative.
        low: smallest integer.
        high: largest integer.
        name: of the tensor, while a network is being frozen.
        trace: where layers write themselves down, while a network is being frozen.
    """

    value: Tensor
    exponent: int
    low: int
    high: int
    name: str = ""
    trace: Trace | None = None

    def __post_init__(self) -> None:
        if not -Arithmetic.FLOAT32.limit < self.low <= self.high < Arithmetic.FLOAT32.limit:
            raise ModelError(
                f"a tensor of {self.low}..{self.high} is too wide to train in float32; clip it"
            )

    def integers(self) -> Tensor:
        """The integers, int64, without gradient."""
        return (self.value.detach().double() * 2.0**self.exponent).round().long()

    def derive(
        self,
        op: str,
        value: Tensor,
        exponent: int,
        low: int,
        high: int,
        make: Callable[[str], Node],
    ) -> IntTensor:
        """The result of a layer, which is noted if a network is being frozen.

        Args:
            op: kind of the layer.
            value: the result's value.
            exponent: its fractional bits.
            low: its smallest integer.
            high: its largest integer.
            make: builds the exact layer for a name.
        """
        name = self.trace.add(op, make) if self.trace is not None else ""
        return IntTensor(value, exponent, low, high, name, self.trace)


@dataclass(frozen=True)
class InputSpec:
    """What a network is given.

    Attributes:
        channels: number of channels.
        low: smallest integer.
        high: largest integer.
        exponent: fractional bits: the module sees integers times ``2**-exponent``.
    """

    channels: int
    low: int
    high: int
    exponent: int = 0

    def __call__(self, x: Tensor) -> IntTensor:
        """Round and clip a float tensor of that scale; the gradient passes through."""
        scale = 2.0**self.exponent
        value = torch.clamp(round_half_up(x * scale), self.low, self.high) / scale
        return IntTensor(value, self.exponent, self.low, self.high)


def freeze(module: nn.Module, inputs: Mapping[str, InputSpec], *, size: int = 64) -> Network:
    """The exact network of a trained module.

    Args:
        module: takes one ``IntTensor`` for each input, in order, and returns one (called ``y``),
            several in a tuple (called ``y0``, ``y1`` …) or several in a dict.
        inputs: what the network is given, by name.
        size: height and width of the blank input with which the module is run once.

    Returns:
        The network: for any input, it returns the integers of the module's forward pass.

    Raises:
        ModelError: when the module does something that no exact layer does, or the network has no
            overflow proof.
    """
    trace = Trace({n: TensorInfo(s.channels, s.low, s.high) for n, s in inputs.items()})
    blanks = []
    device = next((p.device for p in module.parameters()), torch.device("cpu"))
    for name, spec in inputs.items():
        blank = spec(torch.zeros(1, spec.channels, size, size, device=device))
        blanks.append(dataclasses.replace(blank, name=name, trace=trace))
    training = module.training
    module.eval()
    try:
        with torch.no_grad():
            result = module(*blanks)
    finally:
        module.train(training)
    if isinstance(result, IntTensor):
        result = {"y": result}
    elif isinstance(result, tuple):
        result = {f"y{index}": tensor for index, tensor in enumerate(result)}
    if not isinstance(result, Mapping) or any(
        not isinstance(tensor, IntTensor) or tensor.trace is not trace for tensor in result.values()
    ):
        raise ModelError("a module that is frozen must return tensors that exact layers have made")
    network = _named(trace, {name: tensor.name for name, tensor in result.items()})
    prove(network)
    return network


def _named(trace: Trace, outputs: Mapping[str, str]) -> Network:
    """The network of a trace, with the tensors of ``outputs`` renamed to its keys."""
    made = {node.name for node in trace.nodes}
    names = {old: new for new, old in outputs.items() if old in made}
    kept = (made | set(trace.inputs)) - set(names)
    if kept & set(names.values()):
        raise ModelError(f"output names {sorted(kept & set(names.values()))} are taken by tensors")
    nodes = [
        dataclasses.replace(
            node,
            name=names.get(node.name, node.name),
            sources=tuple(names.get(source, source) for source in node.sources),
        )
        for node in trace.nodes
    ]
    return Network(trace.inputs, nodes, [names.get(old, old) for old in outputs.values()])
