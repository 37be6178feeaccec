"""The overflow proof: why a network gives the same integers in any order of summation.

A sum of integer products is exact in floating point as long as no partial sum, in whatever order a
library forms it, leaves the integers that the type represents without gaps. For one output of a
convolution with weights w and inputs in [low, high] (zeros from padding included), every partial
sum lies in [-N, P] with

    P = Σ max(w·low, w·high, 0)          N = Σ max(-w·low, -w·high, 0)

and for low = -high both are Σ|w|·max|x|. The layer's bound is the largest over its channels of

    max(P, N) + |bias| + 2**(shift - 1)

where the last term is the rounding. It is tight: some input reaches P or N exactly. float32 holds
every integer up to 2**24; half of that is allowed, so that adding one half before a floor is exact
too. float64 is used below 2**52, int64 below 2**62, and beyond that there is no proof.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ivc.errors import ModelError
from ivc.nets.convolution import Convolution, Deconv
from ivc.nets.layers import Add, Elementwise, Multiply
from ivc.nets.network import Network
from ivc.nets.node import Node, TensorInfo

Int64 = npt.NDArray[np.int64]


class Arithmetic(enum.Enum):
    """The cheapest type in which a layer is exact; every later one is exact as well."""

    FLOAT32 = "float32"
    FLOAT64 = "float64"
    INT64 = "int64"

    @property
    def limit(self) -> int:
        """Bounds must stay below this."""
        return {"float32": 1 << 23, "float64": 1 << 52, "int64": 1 << 62}[self.value]


@dataclass(frozen=True)
class LayerProof:
    """What is proven of one layer.

    Attributes:
        name: the layer.
        bound: largest magnitude of any intermediate value, in any order of summation.
        arithmetic: the cheapest exact type.
    """

    name: str
    bound: int
    arithmetic: Arithmetic


def prove(network: Network, inputs: Mapping[str, TensorInfo] | None = None) -> list[LayerProof]:
    """Bound every layer of a network.

    Args:
        network: the network.
        inputs: value ranges to prove for instead of the declared ones, by input name.

    Returns:
        One proof a layer, in the order of ``network.nodes``.

    Raises:
        ModelError: when a layer may overflow 62 bits.
    """
    if inputs:
        network = replace(network, inputs={**network.inputs, **inputs})
    proofs = []
    for node in network.nodes:
        bound = node_bound(node, [network.tensors[source] for source in node.sources])
        proofs.append(LayerProof(node.name, bound, cheapest(bound, node.name)))
    return proofs


def cheapest(bound: int, name: str) -> Arithmetic:
    """The cheapest arithmetic that is exact up to a bound.

    Raises:
        ModelError: when none is.
    """
    for arithmetic in Arithmetic:
        if bound < arithmetic.limit:
            return arithmetic
    raise ModelError(
        f"layer {name!r} may reach {bound}, beyond the 62 bits that are proven exact; "
        "use smaller weights or narrower ranges"
    )


def node_bound(node: Node, sources: Sequence[TensorInfo]) -> int:
    """Largest magnitude of any intermediate value of a layer, whatever the order of summation."""
    largest = max(source.magnitude for source in sources)
    if isinstance(node, Convolution):
        return int(channel_bounds(node, sources[0]).max())
    if isinstance(node, Multiply):
        largest = sources[0].magnitude * sources[1].magnitude
    elif isinstance(node, Add):
        ends = [(s.low << g, s.high << g) for s, g in zip(sources, node.gains, strict=True)]
        largest = max(
            sum(max(low, high, 0) for low, high in ends),
            sum(max(-low, -high, 0) for low, high in ends),
        )
    # Only these layers round; the others move values about.
    shift = getattr(node, "shift", 0)
    if isinstance(node, Elementwise):
        largest = max(largest, abs(node.low), abs(node.high))
    return largest + ((1 << shift) >> 1)


def sum_bounds(node: Convolution, low: int, high: int) -> Int64:
    """Largest magnitude of any partial sum of products, for inputs in ``low..high`` or zero.

    Returns:
        One bound an output channel, int64 of shape (outputs,): max(P, N) of the module's text.
    """
    phases = [node.weight]
    if isinstance(node, Deconv):
        # An output position meets only the taps of its own phase.
        step = node.stride
        phases = [node.weight[:, :, y::step, x::step] for y in range(step) for x in range(step)]
    up, down = max(high, 0), max(-low, 0)
    reached = np.zeros(node.outputs, np.int64)
    for phase in phases:
        positive = np.maximum(phase, 0).sum((1, 2, 3), dtype=np.int64)
        negative = -np.minimum(phase, 0).sum((1, 2, 3), dtype=np.int64)
        above, below = positive * up + negative * down, positive * down + negative * up
        reached = np.maximum(reached, np.maximum(above, below))
    return reached


def channel_bounds(node: Convolution, source: TensorInfo) -> Int64:
    """Bound of each output channel, int64 of shape (outputs,); see the module's text."""
    rounding = (np.int64(1) << node.shift.astype(np.int64)) >> 1
    sums = sum_bounds(node, source.low, source.high)
    bounds = sums + np.abs(node.bias.astype(np.int64)) + rounding
    return np.maximum(bounds, max(abs(node.low), abs(node.high)))
