"""Exact layers without weights as functions of ``IntTensor``; see ``ivc.nets.layers``."""

from __future__ import annotations

import torch
from torch.nn import functional

from ivc.errors import ModelError
from ivc.nets import layers
from ivc.nets.node import round_shift
from ivc.nets.torch.kernels import round_half_up
from ivc.nets.torch.tensors import IntTensor


def _clip(value: torch.Tensor, exponent: int, low: int, high: int) -> torch.Tensor:
    """Round to multiples of ``2**-exponent`` and clip the integers to ``low..high``.

    ``value`` is float64, so that sums and products of two float32 tensors have room.
    """
    scale = 2.0**exponent
    return (torch.clamp(round_half_up(value * scale), low, high) / scale).float()


def requantise(x: IntTensor, low: int, high: int, shift: int = 0) -> IntTensor:
    """Drop ``shift`` fractional bits and clip; ``low = 0`` makes a clipped ReLU."""
    exponent = x.exponent - shift
    value = _clip(x.value.double(), exponent, low, high)
    return x.derive(
        "requantise", value, exponent, low, high,
        lambda name: layers.Requantise(
            name=name, sources=(x.name,), shift=shift, low=low, high=high
        ),
    )  # fmt: skip


def add(*sources: IntTensor, low: int, high: int, shift: int = 0) -> IntTensor:
    """Sum, on the finest scale of the sources; drop ``shift`` fractional bits and clip."""
    finest = max(source.exponent for source in sources)
    exponent = finest - shift
    total = sources[0].value.double()
    for source in sources[1:]:
        total = total + source.value
    return sources[0].derive(
        "add", _clip(total, exponent, low, high), exponent, low, high,
        lambda name: layers.Add(
            name=name, sources=tuple(source.name for source in sources),
            gains=tuple(finest - source.exponent for source in sources),
            shift=shift, low=low, high=high,
        ),
    )  # fmt: skip


def multiply(a: IntTensor, b: IntTensor, *, low: int, high: int, shift: int) -> IntTensor:
    """Product position by position; drop ``shift`` of its fractional bits and clip."""
    exponent = a.exponent + b.exponent - shift
    value = _clip(a.value.double() * b.value, exponent, low, high)
    return a.derive(
        "multiply", value, exponent, low, high,
        lambda name: layers.Multiply(
            name=name, sources=(a.name, b.name), shift=shift, low=low, high=high
        ),
    )  # fmt: skip


def leaky(x: IntTensor, shift: int) -> IntTensor:
    """Leaky ReLU with the negative slope ``2**-shift``."""
    low, high = (end if end > 0 else round_shift(end, shift) for end in (x.low, x.high))
    below = _clip(x.value.double() / 2.0**shift, x.exponent, min(low, 0), 0)
    return x.derive(
        "leaky", torch.where(x.value < 0, below, x.value), x.exponent, low, high,
        lambda name: layers.Leaky(name=name, sources=(x.name,), shift=shift),
    )  # fmt: skip


def concat(*sources: IntTensor) -> IntTensor:
    """The sources' channels one after another, on the coarsest scale of the sources."""
    coarsest = min(source.exponent for source in sources)
    aligned = [_coarsen(source, source.exponent - coarsest) for source in sources]
    low, high = min(s.low for s in aligned), max(s.high for s in aligned)
    value = torch.cat([source.value for source in aligned], dim=1)
    return aligned[0].derive(
        "concat", value, coarsest, low, high,
        lambda name: layers.Concat(name=name, sources=tuple(source.name for source in aligned)),
    )  # fmt: skip


def _coarsen(x: IntTensor, shift: int) -> IntTensor:
    if not shift:
        return x
    return requantise(x, round_shift(x.low, shift), round_shift(x.high, shift), shift)


def channels(x: IntTensor, start: int, stop: int) -> IntTensor:
    """Channels ``start`` to ``stop`` (exclusive)."""
    if not 0 <= start < stop <= x.value.shape[1]:
        raise ModelError(f"channels {start} to {stop} of {x.value.shape[1]} cannot be taken")
    return x.derive(
        "slice", x.value[:, start:stop], x.exponent, x.low, x.high,
        lambda name: layers.Slice(name=name, sources=(x.name,), start=start, stop=stop),
    )  # fmt: skip


def upsample(x: IntTensor, factor: int) -> IntTensor:
    """Nearest neighbour: every value becomes a square of ``factor`` x ``factor``."""
    value = x.value.repeat_interleave(factor, 2).repeat_interleave(factor, 3)
    return x.derive(
        "upsample", value, x.exponent, x.low, x.high,
        lambda name: layers.Upsample(name=name, sources=(x.name,), factor=factor),
    )  # fmt: skip


def shuffle(x: IntTensor, factor: int) -> IntTensor:
    """Pixel shuffle: channels to positions."""
    return x.derive(
        "shuffle", functional.pixel_shuffle(x.value, factor), x.exponent, x.low, x.high,
        lambda name: layers.Shuffle(name=name, sources=(x.name,), factor=factor),
    )  # fmt: skip


def unshuffle(x: IntTensor, factor: int) -> IntTensor:
    """The inverse of ``shuffle``: positions to channels."""
    return x.derive(
        "unshuffle", functional.pixel_unshuffle(x.value, factor), x.exponent, x.low, x.high,
        lambda name: layers.Unshuffle(name=name, sources=(x.name,), factor=factor),
    )  # fmt: skip
