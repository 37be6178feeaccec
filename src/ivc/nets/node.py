"""What all layers of exact networks have in common, and the checks that guard them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ivc.errors import ModelError

MAX_VALUE = (1 << 31) - 1
"""Largest magnitude of an activation."""
MAX_SHIFT = 31
MAX_CHANNELS = 1 << 14
MAX_KERNEL = 31
MAX_FACTOR = 64


def require(condition: bool, message: str) -> None:
    """Raise ModelError with the message unless the condition holds."""
    if not condition:
        raise ModelError(message)


def check_name(name: object) -> None:
    """Raise ModelError unless ``name`` can name a tensor: 1 to 100 of ``A-Z a-z 0-9 _ . /``."""
    require(
        isinstance(name, str) and re.fullmatch(r"[A-Za-z0-9_./]{1,100}", name) is not None,
        f"{name!r:.120} cannot name a tensor: use 1 to 100 letters, digits, '_', '.' and '/'",
    )


def check_range(owner: str, low: int, high: int) -> None:
    """Raise ModelError unless ``low..high`` is an interval of 32-bit integers."""
    require(
        isinstance(low, int) and isinstance(high, int) and -MAX_VALUE <= low <= high <= MAX_VALUE,
        f"layer {owner!r}: the range {low}..{high} is empty or leaves 32 bits",
    )


def check_int(owner: str, what: str, value: int, low: int, high: int) -> None:
    """Raise ModelError unless ``value`` is an integer in ``low..high``."""
    require(
        isinstance(value, int) and not isinstance(value, bool) and low <= value <= high,
        f"layer {owner!r}: {what} {value!r} is not an integer in {low}..{high}",
    )


def check_array(owner: str, what: str, array: object, dtype: type, dimensions: int) -> None:
    """Raise ModelError unless ``array`` has the type and number of dimensions."""
    require(
        isinstance(array, np.ndarray) and array.dtype == dtype and array.ndim == dimensions,
        f"layer {owner!r}: {what} is not {np.dtype(dtype).name} with {dimensions} dimensions",
    )


@dataclass(frozen=True)
class TensorInfo:
    """What is known of a tensor before the network runs: channels and value range (inclusive)."""

    channels: int
    low: int
    high: int

    @property
    def magnitude(self) -> int:
        """Largest absolute value."""
        return max(abs(self.low), abs(self.high))


@dataclass(frozen=True, eq=False, kw_only=True)
class Node:
    """A layer: the tensor called ``name``, computed from the tensors called ``sources``."""

    op: ClassVar[str]
    name: str
    sources: tuple[str, ...]

    def __post_init__(self) -> None:
        check_name(self.name)
        require(
            isinstance(self.sources, tuple) and all(isinstance(s, str) for s in self.sources),
            f"layer {self.name!r}: the sources are not a list of names",
        )

    def infer(self, sources: Sequence[TensorInfo]) -> TensorInfo:
        """Channels and range of the output, from those of the sources.

        Raises:
            ModelError: when the sources do not fit the layer.
        """
        raise NotImplementedError

    def size(self, sources: Sequence[tuple[int, int]]) -> tuple[int, int]:
        """Height and width of the output, from those of the sources.

        Raises:
            ModelError: when the sizes do not fit the layer.
        """
        require(
            all(size == sources[0] for size in sources),
            f"layer {self.name!r}: its sources have different sizes {list(sources)}",
        )
        return sources[0]

    def macs_per_output(self) -> float:
        """Multiplications for one output position (all channels)."""
        return 0.0

    def _one(self, sources: Sequence[TensorInfo]) -> TensorInfo:
        require(len(sources) == 1, f"layer {self.name!r} takes one source, not {len(sources)}")
        return sources[0]


def round_shift(value: int, shift: int) -> int:
    """``floor((value + 2**(shift - 1)) / 2**shift)``; the value itself for shift 0."""
    return (value + ((1 << shift) >> 1)) >> shift
