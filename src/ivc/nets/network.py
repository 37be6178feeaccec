"""What an exact network is: inputs with a value range, integer layers, outputs.

Every tensor holds integers, has shape (N, C, H, W) and an interval ``[low, high]`` that it never
leaves. Inputs outside their interval are clipped to it. Nothing is left to a floating-point unit's
taste, so there is one right answer on every machine, and three ways to it:

    Network ──► ivc.nets.reference   NumPy int64, the definition
            ──► ivc.nets.runtime     ONNX Runtime, for production
            ──► ivc.nets.torch       PyTorch, for training and checking

The scheme is that of integer-only inference (Jacob et al., "Quantization and Training of Neural
Networks for Efficient Integer-Arithmetic-Only Inference", 2018) with scales that are powers of
two; its use for entropy models follows Ballé, Johnston and Minnen, "Integer Networks for Data
Compression with Latent-Variable Models", 2019.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ivc.errors import ModelError
from ivc.nets.convolution import Convolution
from ivc.nets.node import MAX_CHANNELS, MAX_VALUE, Node, TensorInfo, check_name

MAX_NODES = 4096


@dataclass(frozen=True)
class Network:
    """A graph of exact layers.

    Attributes:
        inputs: name, channels and value range of what the network is given.
        nodes: layers, each after the layers that it takes its sources from.
        outputs: names of the tensors that running the network returns.

    Raises:
        ModelError: when the graph has no meaning: unknown or repeated names, channels that do not
            fit, ranges beyond 32 bits.
    """

    inputs: Mapping[str, TensorInfo]
    nodes: Sequence[Node]
    outputs: Sequence[str]

    def __post_init__(self) -> None:
        if not self.inputs or not self.outputs or len(self.nodes) > MAX_NODES:
            raise ModelError(
                f"a network has inputs, outputs and at most {MAX_NODES} layers; this one has "
                f"{len(self.inputs)}, {len(self.outputs)} and {len(self.nodes)}"
            )
        for name, info in self.inputs.items():
            check_name(name)
            if (
                not 1 <= info.channels <= MAX_CHANNELS
                or not -MAX_VALUE <= info.low <= info.high <= MAX_VALUE
            ):
                raise ModelError(f"input {name!r} has impossible channels or range: {info}")
        known = dict(self.inputs)
        for node in self.nodes:
            if node.name in known:
                raise ModelError(f"two tensors are called {node.name!r}")
            known[node.name] = node.infer([_find(known, s, node.name) for s in node.sources])
        for name in self.outputs:
            _find(known, name, "outputs")
        object.__setattr__(self, "_tensors", known)

    @property
    def tensors(self) -> dict[str, TensorInfo]:
        """Channels and range of every tensor, inputs included."""
        known: dict[str, TensorInfo] = self.__dict__["_tensors"]
        return known

    def sizes(self, inputs: Mapping[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
        """Height and width of every tensor, from those of the inputs.

        Raises:
            ModelError: when an input is missing, a tensor would be empty, or sizes do not fit.
        """
        sizes: dict[str, tuple[int, int]] = {}
        for name in self.inputs:
            if name not in inputs:
                raise ModelError(f"the network's input {name!r} is missing")
            sizes[name] = inputs[name]
        for node in self.nodes:
            sizes[node.name] = node.size([sizes[source] for source in node.sources])
        for name, size in sizes.items():
            if min(size) < 1:
                raise ModelError(
                    f"the input is too small for the network: tensor {name!r} would be "
                    f"{size[0]}x{size[1]}"
                )
        return sizes

    def macs(self, inputs: Mapping[str, tuple[int, int]]) -> int:
        """Multiply-accumulate operations to run the network on one input of this size."""
        sizes = self.sizes(inputs)
        return round(
            sum(n.macs_per_output() * sizes[n.name][0] * sizes[n.name][1] for n in self.nodes)
        )

    def describe(self) -> dict[str, Any]:
        """Everything but the arrays as JSON-ready values; see ``ivc.nets.files``."""
        return {
            "inputs": {
                name: [info.channels, info.low, info.high] for name, info in self.inputs.items()
            },
            "nodes": [
                {"op": node.op}
                | {
                    item.name: getattr(node, item.name)
                    for item in dataclasses.fields(node)
                    if not isinstance(getattr(node, item.name), np.ndarray)
                }
                for node in self.nodes
            ],
            "outputs": list(self.outputs),
        }

    def digest(self) -> bytes:
        """SHA-256 of the network's meaning: description and weights, whatever their file."""
        state = hashlib.sha256(json.dumps(self.describe(), sort_keys=True).encode())
        for node in self.nodes:
            if isinstance(node, Convolution):
                for array, kind in ((node.weight, "i1"), (node.bias, "<i4"), (node.shift, "u1")):
                    state.update(repr(array.shape).encode())
                    state.update(np.ascontiguousarray(array, kind).tobytes())
        return state.digest()


def _find(known: Mapping[str, TensorInfo], name: str, user: str) -> TensorInfo:
    if name not in known:
        raise ModelError(f"{user!r} uses tensor {name!r}, which no earlier layer makes")
    return known[name]
