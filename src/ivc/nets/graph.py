"""From an exact network to an ONNX graph with the same integers in any conforming runtime.

Layers that are proven for float32 become ordinary float operators on whole numbers:

    Conv(x, w, bias + 2**(s - 1)) ─► Mul(2**-s) ─► Floor ─► Clip

All others keep their values in int64. ONNX has no integer convolution wide enough, so the input of
a wide convolution is cut into digits small enough for an exact float32 convolution each, and the
results are put together in int64:

    x = d0 + 2**b·d1 + 2**2b·d2 …     conv(x) = conv(d0) + 2**b·conv(d1) + 2**2b·conv(d2) …

Weights are stored as int8. The graph takes and returns int32; batch, height and width vary.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ivc.errors import ModelError
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
from ivc.nets.node import Node, TensorInfo
from ivc.nets.onnxfile import GraphWriter
from ivc.nets.proof import Arithmetic, prove, sum_bounds

_FAST = "float32"
_WIDE = "int64"


def to_onnx(network: Network) -> bytes:
    """The network as an ONNX file (opset 17).

    Returns:
        The file; inputs and outputs are int32 of shape (N, C, H, W), named as in the network.

    Raises:
        ModelError: when the network has no overflow proof.
    """
    return _Builder(network).build()


@dataclass(frozen=True)
class _Value:
    """A tensor of the graph: its name and whether it is float32 or int64."""

    name: str
    dtype: str


def _storage(info: TensorInfo) -> str:
    return _FAST if info.magnitude < Arithmetic.FLOAT32.limit else _WIDE


class _Builder:
    def __init__(self, network: Network) -> None:
        self.network = network
        self.proofs = {proof.name: proof for proof in prove(network)}
        self.writer = GraphWriter("exact")
        self.values: dict[str, _Value] = {}

    def build(self) -> bytes:
        for name, info in self.network.inputs.items():
            self.writer.input(name, "int32", ["N", info.channels, f"{name}_H", f"{name}_W"])
            clipped = self._clip(name, info.low, info.high, "int32")
            dtype = _storage(info)
            self.values[name] = _Value(self.writer.cast(clipped, dtype), dtype)
        for node in self.network.nodes:
            self._add(node)
        for index, name in enumerate(self.network.outputs):
            label = output_name(self.network, index)
            self.writer.cast(self.values[name].name, "int32", output=label)
            channels = self.network.tensors[name].channels
            self.writer.output(label, "int32", ["N", channels, f"{label}_H", f"{label}_W"])
        return self.writer.model({"ivc.digest": self.network.digest().hex()})

    def _add(self, node: Node) -> None:
        fast = self.proofs[node.name].arithmetic is Arithmetic.FLOAT32
        dtype = _FAST if fast else _WIDE
        sources = [self._as(source, dtype) for source in node.sources]
        if isinstance(node, Convolution):
            result = self._convolution(node, sources[0], dtype)
        else:
            result = self._layer(node, sources, dtype)
        stored = _storage(self.network.tensors[node.name])
        if stored != dtype:
            result = self.writer.cast(result, stored)
        self.values[node.name] = _Value(result, stored)

    def _as(self, name: str, dtype: str) -> str:
        value = self.values[name]
        return value.name if value.dtype == dtype else self.writer.cast(value.name, dtype)

    def _scalar(self, value: float, dtype: str) -> str:
        return self.writer.constant(np.array(value, dtype))

    def _clip(self, tensor: str, low: int, high: int, dtype: str) -> str:
        ends = self._scalar(low, dtype), self._scalar(high, dtype)
        if dtype != _WIDE:
            return self.writer.node("Clip", tensor, *ends)
        # Clip, Min and Max of ONNX Runtime give wrong results for int64 on x86-64
        # (microsoft/onnxruntime pull request 25280); comparisons are right.
        tensor = self._select("Less", tensor, ends[0], ends[0], tensor)
        return self._select("Greater", tensor, ends[1], ends[1], tensor)

    def _select(self, comparison: str, left: str, right: str, yes: str, no: str) -> str:
        return self.writer.node("Where", self.writer.node(comparison, left, right), yes, no)

    def _convolution(self, node: Convolution, source: str, dtype: str) -> str:
        shift = node.shift.astype(np.int64)
        offset = node.bias + ((np.int64(1) << shift) >> 1)
        if dtype == _FAST:
            total = self._float_convolution(node, source, offset.astype(np.float32))
        else:
            total = self._wide_convolution(node, source)
            total = self.writer.node(
                "Add", total, self.writer.constant(offset.reshape(1, -1, 1, 1))
            )
        total = self._divide(total, shift.reshape(1, -1, 1, 1), dtype)
        return self._clip(total, node.low, node.high, dtype)

    def _float_convolution(
        self, node: Convolution, source: str, bias: np.ndarray | None = None
    ) -> str:
        weight = node.weight
        extra = [] if bias is None else [self.writer.constant(bias)]
        strides = [node.stride, node.stride]
        if isinstance(node, Deconv):
            constant = self.writer.constant(np.ascontiguousarray(weight.transpose(1, 0, 2, 3)))
            kernel = self.writer.cast(constant, _FAST)
            return self.writer.node(
                "ConvTranspose", source, kernel, *extra, strides=strides, pads=node.crop
            )
        assert isinstance(node, Conv)
        kernel = self.writer.cast(self.writer.constant(weight), _FAST)
        return self.writer.node(
            "Conv", source, kernel, *extra, strides=strides, pads=node.padding, group=node.groups
        )

    def _wide_convolution(self, node: Convolution, source: str) -> str:
        info = self.network.tensors[node.sources[0]]
        bits = digit_bits(node)
        base = self._scalar(1 << bits, _WIDE)
        low, high, weight_of_digit = info.low, info.high, 0
        total = ""
        while True:
            last = _exact_in_float(node, low, high)
            digit = source if last else self.writer.node("Mod", source, base)
            part = self._float_convolution(node, self.writer.cast(digit, _FAST))
            part = self.writer.cast(part, _WIDE)
            if weight_of_digit:
                scale = self._scalar(1 << weight_of_digit, _WIDE)
                part = self.writer.node("Mul", part, scale)
            total = self.writer.node("Add", total, part) if total else part
            if last:
                return total
            source = self.writer.node("Div", self.writer.node("Sub", source, digit), base)
            low, high, weight_of_digit = low >> bits, high >> bits, weight_of_digit + bits

    def _divide(self, tensor: str, shift: np.ndarray, dtype: str) -> str:
        """Floor of ``tensor / 2**shift``."""
        if not shift.any():
            return tensor
        if dtype == _FAST:
            scale = self.writer.constant(np.ldexp(np.float32(1), -shift.astype(np.int32)))
            return self.writer.node("Floor", self.writer.node("Mul", tensor, scale))
        divisor = self.writer.constant(np.asarray(np.int64(1) << shift))
        # ONNX divides integers towards zero; without the remainder there is nothing to round.
        remainder = self.writer.node("Mod", tensor, divisor)
        return self.writer.node("Div", self.writer.node("Sub", tensor, remainder), divisor)

    def _round_shift(self, tensor: str, shift: int, dtype: str) -> str:
        if not shift:
            return tensor
        rounded = self.writer.node("Add", tensor, self._scalar(1 << shift >> 1, dtype))
        return self._divide(rounded, np.array(shift, np.int64), dtype)

    def _layer(self, node: Node, sources: list[str], dtype: str) -> str:
        writer = self.writer
        match node:
            case Requantise() | Add() | Multiply():
                total = self._combined(node, sources, dtype)
                shifted = self._round_shift(total, node.shift, dtype)
                return self._clip(shifted, node.low, node.high, dtype)
            case Leaky():
                # The divided value is the larger one exactly where the source is negative.
                below = self._round_shift(sources[0], node.shift, dtype)
                if dtype == _FAST:
                    return writer.node("Max", sources[0], below)
                return self._select("Less", sources[0], below, below, sources[0])
            case Concat():
                return writer.node("Concat", *sources, axis=1)
            case Slice():
                ends = [np.array([value], np.int64) for value in (node.start, node.stop, 1)]
                return writer.node("Slice", sources[0], *[writer.constant(end) for end in ends])
            case Upsample() | Shuffle() | Unshuffle():
                return self._resample(node, sources[0], dtype)
        raise ModelError(f"layer {node.name!r} is of an unknown kind, {node.op!r}")

    def _combined(self, node: Requantise | Add | Multiply, sources: list[str], dtype: str) -> str:
        total = sources[0]
        if isinstance(node, Multiply):
            return self.writer.node("Mul", *sources)
        if isinstance(node, Add):
            scaled = [
                self.writer.node("Mul", source, self._scalar(1 << gain, dtype)) if gain else source
                for source, gain in zip(sources, node.gains, strict=True)
            ]
            total = scaled[0]
            for part in scaled[1:]:
                total = self.writer.node("Add", total, part)
        return total

    def _resample(self, node: Upsample | Shuffle | Unshuffle, source: str, dtype: str) -> str:
        writer, factor = self.writer, node.factor
        # ONNX Runtime moves neither kind of 64-bit integers; activations fit these types exactly.
        carrier = _FAST if dtype == _FAST else "int32" if isinstance(node, Upsample) else "float64"
        if carrier != dtype:
            source = writer.cast(source, carrier)
        if isinstance(node, Upsample):
            scales = writer.constant(np.array([1, 1, factor, factor], np.float32))
            moved = writer.node(
                "Resize", source, "", scales, mode="nearest", nearest_mode="floor",
                coordinate_transformation_mode="asymmetric",
            )  # fmt: skip
        elif isinstance(node, Shuffle):
            moved = writer.node("DepthToSpace", source, blocksize=factor, mode="CRD")
        else:
            # SpaceToDepth puts the offsets before the channels; we keep each channel's together.
            channels = self.network.tensors[node.sources[0]].channels
            order = np.arange(channels * factor**2).reshape(factor**2, channels).T.reshape(-1)
            blocks = writer.node("SpaceToDepth", source, blocksize=factor)
            moved = writer.node("Gather", blocks, writer.constant(order), axis=1)
        return moved if carrier == dtype else writer.cast(moved, dtype)


def output_name(network: Network, index: int) -> str:
    """Name of an output in the ONNX graph, where it must differ from the inputs and be unique."""
    name = network.outputs[index]
    repeated = name in network.inputs or name in network.outputs[:index]
    return f"{name}%{index}" if repeated else name


def _exact_in_float(node: Convolution, low: int, high: int) -> bool:
    """Whether the plain sums of products for inputs in ``low..high`` are exact in float32."""
    largest = max(abs(low), abs(high), int(sum_bounds(node, low, high).max()))
    return largest < Arithmetic.FLOAT32.limit


def digit_bits(node: Convolution) -> int:
    """Largest digit, in bits, whose convolution is exact in float32.

    Raises:
        ModelError: when not even single bits are.
    """
    for bits in range(22, 0, -1):
        # Remainders are 0..2**bits - 1; the last digit's sign costs one value more.
        if _exact_in_float(node, -1, (1 << bits) - 1):
            return bits
    raise ModelError(
        f"layer {node.name!r} has weights too large for ONNX: the sum of a channel's magnitudes "
        f"reaches {Arithmetic.FLOAT32.limit}"
    )
