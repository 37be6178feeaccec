"""Networks and inputs that the tests of this folder share."""

from __future__ import annotations

import numpy as np

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


def conv(kind, name, source, outputs, inputs, kernel, low, high, seed=0, **more):
    """A convolution with random weights, biases and shifts."""
    random = np.random.default_rng([seed, len(name), *name.encode()])
    return kind(
        name=name,
        sources=(source,),
        weight=random.integers(-127, 127, (outputs, inputs, *kernel), np.int8, endpoint=True),
        bias=random.integers(-1000, 1000, outputs, np.int32, endpoint=True),
        shift=random.integers(0, 12, outputs, np.uint8),
        low=low,
        high=high,
        **more,
    )


def every_layer(limit: int = 255, seed: int = 0) -> Network:
    """A network with every kind of layer; it takes every size from 1x1."""
    ends = {"low": -limit, "high": limit}
    nodes = [
        conv(Conv, "a", "x", 8, 3, (5, 5), **ends, seed=seed, stride=2, padding=(2, 2, 2, 2)),
        Leaky(name="b", sources=("a",), shift=3),
        conv(Conv, "c", "b", 8, 4, (3, 3), 0, limit, seed=seed, padding=(1, 1, 1, 1), groups=2),
        Add(name="d", sources=("b", "c"), gains=(1, 0), shift=1, **ends),
        conv(Deconv, "e", "d", 6, 8, (5, 5), **ends, seed=seed, stride=2, crop=(2, 2, 1, 1)),
        Upsample(name="f", sources=("d",), factor=2),
        Slice(name="g", sources=("f",), start=1, stop=7),
        Multiply(name="h", sources=("e", "g"), shift=7, **ends),
        Concat(name="i", sources=("h", "e")),
        Unshuffle(name="j", sources=("i",), factor=2),
        Shuffle(name="k", sources=("j",), factor=4),
        Requantise(name="l", sources=("k",), shift=2, low=-100, high=100),
    ]
    return Network({"x": TensorInfo(3, -limit, limit)}, nodes, list("abcdefghijkl"))


def random_network(seed: int) -> Network:
    """A random chain of convolutions and other layers that takes every size from 1x1."""
    random = np.random.default_rng(seed)
    wide = random.random() < 0.3
    limit = int(random.choice([1000, 65535, 2**31 - 1] if wide else [1, 15, 127, 255]))
    low = int(random.choice([0, -limit]))
    channels = int(random.integers(1, 9))
    inputs = {"x": TensorInfo(channels, low, limit)}
    nodes: list[Node] = []
    name = "x"

    def push(node: Node, outputs: int) -> None:
        nonlocal name, channels
        nodes.append(node)
        name, channels = node.name, outputs

    for index in range(int(random.integers(1, 6))):
        new, outputs = f"n{index}", int(random.integers(1, 13))
        kernel = tuple(int(k) for k in random.integers(1, 6, 2))
        ends = {"low": int(random.choice([0, -limit])), "high": limit}
        kind = random.choice(["conv", "deconv", "depthwise", "leaky", "shuffle", "add", "concat"])
        if kind == "conv":
            stride = int(random.integers(1, 4))
            # Padding by the kernel keeps every size from 1x1 possible.
            sides = tuple(int(random.integers(k // 2, k)) for k in kernel) * 2
            padding = (sides[0], sides[1], kernel[0] - 1, kernel[1] - 1)
            more = {"stride": stride, "padding": padding, "seed": seed}
            push(conv(Conv, new, name, outputs, channels, kernel, **ends, **more), outputs)
        elif kind == "depthwise":
            padding = (kernel[0] - 1, kernel[1] - 1, 0, 0)
            more = {"padding": padding, "groups": channels, "seed": seed}
            push(conv(Conv, new, name, channels, 1, kernel, **ends, **more), channels)
        elif kind == "deconv":
            stride = int(random.integers(1, min(kernel) + 1))
            more = {"stride": stride, "crop": (0, (kernel[1] - stride) // 2, 0, 0), "seed": seed}
            push(conv(Deconv, new, name, outputs, channels, kernel, **ends, **more), outputs)
        elif kind == "leaky":
            push(Leaky(name=new, sources=(name,), shift=int(random.integers(1, 6))), channels)
        elif kind == "shuffle":
            up = Upsample(name=f"{new}.up", sources=(name,), factor=2)
            nodes.append(up)
            push(Unshuffle(name=new, sources=(up.name,), factor=2), channels * 4)
        elif kind == "add":
            gains = (int(random.integers(0, 4)), 0)
            push(Add(name=new, sources=(name, name), gains=gains, shift=2, **ends), channels)
        else:
            push(Concat(name=new, sources=(name, name)), channels * 2)
    return Network(inputs, nodes, [name])


def random_input(network: Network, size: tuple[int, int], seed: int = 0, batch: int = 1) -> dict:
    """Noise over the whole range of every input, with both ends present."""
    random = np.random.default_rng(seed)
    inputs = {}
    for name, info in network.inputs.items():
        shape = (batch, info.channels, *size)
        noise = random.integers(info.low, info.high, shape, np.int32, endpoint=True)
        noise[random.random(shape) < 0.1] = info.low
        noise[random.random(shape) < 0.1] = info.high
        inputs[name] = noise
    return inputs


def worst_input(node: Convolution, channel: int, info: TensorInfo) -> np.ndarray:
    """The kernel-sized input that drives a channel of a convolution without groups furthest."""
    weight = node.weight[channel].astype(np.int64)
    above = np.where(weight * info.high >= weight * info.low, info.high, info.low)
    below = np.where(weight * info.high >= weight * info.low, info.low, info.high)
    high, low = int((weight * above).sum()), int((weight * below).sum())
    return (above if high >= -low else below)[None].astype(np.int32)


def single(node: Node, info: TensorInfo) -> Network:
    """The network of one layer with one source, ``x``."""
    return Network({"x": info}, [node], [node.name])
