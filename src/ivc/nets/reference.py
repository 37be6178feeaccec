"""The definition of exact networks: what every layer computes, in plain NumPy int64.

Slow and simple on purpose. The other runners are correct when they return what this one does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

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
from ivc.nets.node import Node
from ivc.nets.proof import prove

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]


def run(network: Network, inputs: Mapping[str, npt.NDArray[np.integer]]) -> dict[str, Int32]:
    """Run a network.

    Args:
        network: the network.
        inputs: one array of integers a network input, shape (N, C, H, W); values outside the
            declared range are clipped to it.

    Returns:
        The network's outputs, int32 of shape (N, C, H, W).

    Raises:
        ModelError: when an array is missing or does not fit, or the network has no proof.
    """
    prove(network)
    check_inputs(network, inputs)
    values: dict[str, Int64] = {}
    for name, info in network.inputs.items():
        values[name] = np.clip(inputs[name], info.low, info.high).astype(np.int64)
    for node in network.nodes:
        values[node.name] = compute(node, [values[source] for source in node.sources])
    return {name: values[name].astype(np.int32) for name in network.outputs}


def check_inputs(network: Network, inputs: Mapping[str, npt.NDArray[np.integer]]) -> None:
    """Raise ModelError unless ``inputs`` are integer arrays of shapes that the network takes."""
    for name, info in network.inputs.items():
        array = inputs.get(name)
        if array is None:
            raise ModelError(f"the network's input {name!r} is missing")
        if array.ndim != 4 or array.shape[1] != info.channels or array.dtype.kind not in "iu":
            raise ModelError(
                f"input {name!r} takes integers of shape (N, {info.channels}, H, W), "
                f"not {array.dtype} {array.shape}"
            )
    if len({array.shape[0] for array in inputs.values()}) != 1:
        raise ModelError("the network's inputs have different batch sizes")
    network.sizes({name: inputs[name].shape[2:] for name in network.inputs})


def requantise(values: Int64, shift: int | Int64, low: int, high: int) -> Int64:
    """``clip(floor((values + 2**(shift - 1)) / 2**shift), low, high)``."""
    shift = np.asarray(shift, np.int64)
    half = (np.int64(1) << shift) >> 1
    clipped: Int64 = np.clip((values + half) >> shift, low, high)
    return clipped


def compute(node: Node, sources: Sequence[Int64]) -> Int64:
    """The output of one layer; int64 arrays of shape (N, C, H, W)."""
    x = sources[0]
    count, channels, height, width = x.shape
    match node:
        case Conv():
            return _epilogue(node, convolve(x, node))
        case Deconv():
            return _epilogue(node, stamp(x, node))
        case Requantise():
            return requantise(x, node.shift, node.low, node.high)
        case Add():
            total = sum(s << np.int64(g) for s, g in zip(sources, node.gains, strict=True))
            return requantise(np.asarray(total), node.shift, node.low, node.high)
        case Multiply():
            return requantise(x * sources[1], node.shift, node.low, node.high)
        case Leaky():
            half = np.int64(1 << node.shift >> 1)
            return np.where(x < 0, (x + half) >> np.int64(node.shift), x)
        case Concat():
            return np.concatenate(list(sources), axis=1)
        case Slice():
            return x[:, node.start : node.stop]
        case Upsample():
            return x.repeat(node.factor, axis=2).repeat(node.factor, axis=3)
        case Shuffle():
            f = node.factor
            blocks = x.reshape(count, channels // f**2, f, f, height, width)
            order = blocks.transpose(0, 1, 4, 2, 5, 3)
            return order.reshape(count, channels // f**2, height * f, width * f)
        case Unshuffle():
            f = node.factor
            blocks = x.reshape(count, channels, height // f, f, width // f, f)
            order = blocks.transpose(0, 1, 3, 5, 2, 4)
            return order.reshape(count, channels * f**2, height // f, width // f)
    raise ModelError(f"layer {node.name!r} is of an unknown kind, {node.op!r}")


def _epilogue(node: Convolution, total: Int64) -> Int64:
    bias = node.bias.astype(np.int64)[None, :, None, None]
    shift = node.shift.astype(np.int64)[None, :, None, None]
    return requantise(total + bias, shift, node.low, node.high)


def convolve(x: Int64, node: Conv) -> Int64:
    """Sums of products of a convolution, before bias and shift."""
    top, left, bottom, right = node.padding
    (rows, columns), (kh, kw) = node.size([x.shape[2:]]), node.kernel
    padded = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)))
    weight = node.weight.astype(np.int64)
    total = np.zeros((x.shape[0], node.outputs, rows, columns), np.int64)
    inner, outer = weight.shape[1], node.outputs // node.groups
    for group in range(node.groups):
        into = slice(group * outer, (group + 1) * outer)
        part = padded[:, group * inner : (group + 1) * inner]
        for i in range(kh):
            for j in range(kw):
                taps = part[:, :, i :: node.stride, j :: node.stride][:, :, :rows, :columns]
                total[:, into] += np.einsum("oc,nchw->nohw", weight[into, :, i, j], taps)
    return total


def stamp(x: Int64, node: Deconv) -> Int64:
    """Sums of products of a transposed convolution, before bias and shift."""
    count, _, height, width = x.shape
    (kh, kw), step = node.kernel, node.stride
    weight = node.weight.astype(np.int64)
    full = np.zeros(
        (count, node.outputs, (height - 1) * step + kh, (width - 1) * step + kw), np.int64
    )
    for i in range(kh):
        for j in range(kw):
            rows = slice(i, i + (height - 1) * step + 1, step)
            columns = slice(j, j + (width - 1) * step + 1, step)
            full[:, :, rows, columns] += np.einsum("oc,nchw->nohw", weight[:, :, i, j], x)
    top, left, bottom, right = node.crop
    return full[:, :, top : full.shape[2] - bottom, left : full.shape[3] - right]
