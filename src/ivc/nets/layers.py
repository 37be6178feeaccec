"""Layers of exact networks without weights: arithmetic by position, and moving values about.

Those that compute end with the same requantisation as convolutions; see ``ivc.nets.convolution``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ivc.nets.node import (
    MAX_CHANNELS,
    MAX_FACTOR,
    MAX_SHIFT,
    Node,
    TensorInfo,
    check_int,
    check_range,
    require,
    round_shift,
)


@dataclass(frozen=True, eq=False, kw_only=True)
class Elementwise(Node):
    """A layer that works on each position alone and ends with the requantisation.

    Attributes:
        shift: the result is divided by ``2**shift``, rounding to nearest, halves up.
        low: smallest output.
        high: largest output.
    """

    shift: int = 0
    low: int
    high: int

    def __post_init__(self) -> None:
        super().__post_init__()
        check_int(self.name, "the shift", self.shift, 0, MAX_SHIFT)
        check_range(self.name, self.low, self.high)


@dataclass(frozen=True, eq=False, kw_only=True)
class Requantise(Elementwise):
    """Shift and clip alone: a change of scale, a clipped ReLU, a smaller range."""

    op: ClassVar[str] = "requantise"

    def infer(self, sources: Sequence[TensorInfo]) -> TensorInfo:
        """See ``Node.infer``."""
        return TensorInfo(self._one(sources).channels, self.low, self.high)


@dataclass(frozen=True, eq=False, kw_only=True)
class Add(Elementwise):
    """Sum of the sources, each multiplied by ``2**gain`` first.

    Attributes:
        gains: one left shift a source, 0 to 31; brings sources of different scale together.
    """

    op: ClassVar[str] = "add"
    gains: tuple[int, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        require(
            isinstance(self.gains, tuple) and len(self.gains) == len(self.sources) >= 2,
            f"layer {self.name!r}: an addition takes two or more sources and as many gains",
        )
        for gain in self.gains:
            check_int(self.name, "the gain", gain, 0, MAX_SHIFT)

    def infer(self, sources: Sequence[TensorInfo]) -> TensorInfo:
        """See ``Node.infer``."""
        return TensorInfo(_same_channels(self.name, sources), self.low, self.high)


@dataclass(frozen=True, eq=False, kw_only=True)
class Multiply(Elementwise):
    """Product of two sources, position by position: gates and learned scales."""

    op: ClassVar[str] = "multiply"

    def infer(self, sources: Sequence[TensorInfo]) -> TensorInfo:
        """See ``Node.infer``."""
        require(len(sources) == 2, f"layer {self.name!r} takes two sources, not {len(sources)}")
        return TensorInfo(_same_channels(self.name, sources), self.low, self.high)


@dataclass(frozen=True, eq=False, kw_only=True)
class Leaky(Node):
    """Leaky ReLU: negative values are divided by ``2**shift`` (to nearest, halves up)."""

    op: ClassVar[str] = "leaky"
    shift: int

    def __post_init__(self) -> None:
        super().__post_init__()
        check_int(self.name, "the shift", self.shift, 1, MAX_SHIFT)

    def infer(self, sources: Sequence[TensorInfo]) -> TensorInfo:
        """See ``Node.infer``."""
        source = self._one(sources)

        def end(value: int) -> int:
            return value if value > 0 else round_shift(value, self.shift)

        return TensorInfo(source.channels, end(source.low), end(source.high))


@dataclass(frozen=True, eq=False, kw_only=True)
class Concat(Node):
    """The sources' channels one after another."""

    op: ClassVar[str] = "concat"

    def infer(self, sources: Sequence[TensorInfo]) -> TensorInfo:
        """See ``Node.infer``."""
        require(len(sources) >= 1, f"layer {self.name!r} has nothing to join")
        channels = sum(source.channels for source in sources)
        check_int(self.name, "the number of channels", channels, 1, MAX_CHANNELS)
        return TensorInfo(channels, min(s.low for s in sources), max(s.high for s in sources))


@dataclass(frozen=True, eq=False, kw_only=True)
class Slice(Node):
    """Channels ``start`` to ``stop`` (exclusive) of the source."""

    op: ClassVar[str] = "slice"
    start: int
    stop: int

    def infer(self, sources: Sequence[TensorInfo]) -> TensorInfo:
        """See ``Node.infer``."""
        source = self._one(sources)
        check_int(self.name, "the first channel", self.start, 0, source.channels - 1)
        check_int(self.name, "the last channel", self.stop, self.start + 1, source.channels)
        return TensorInfo(self.stop - self.start, source.low, source.high)


@dataclass(frozen=True, eq=False, kw_only=True)
class Resampling(Node):
    """A layer that trades or repeats positions by an integer factor."""

    factor: int

    def __post_init__(self) -> None:
        super().__post_init__()
        check_int(self.name, "the factor", self.factor, 2, MAX_FACTOR)

    def size(self, sources: Sequence[tuple[int, int]]) -> tuple[int, int]:
        """See ``Node.size``."""
        return sources[0][0] * self.factor, sources[0][1] * self.factor


@dataclass(frozen=True, eq=False, kw_only=True)
class Upsample(Resampling):
    """Nearest neighbour: every value becomes a square of ``factor`` x ``factor``."""

    op: ClassVar[str] = "upsample"

    def infer(self, sources: Sequence[TensorInfo]) -> TensorInfo:
        """See ``Node.infer``."""
        return self._one(sources)


@dataclass(frozen=True, eq=False, kw_only=True)
class Shuffle(Resampling):
    """Pixel shuffle: channel ``c·f² + i·f + j`` goes to channel c, row i, column j of a square."""

    op: ClassVar[str] = "shuffle"

    def infer(self, sources: Sequence[TensorInfo]) -> TensorInfo:
        """See ``Node.infer``."""
        source, area = self._one(sources), self.factor**2
        require(
            source.channels % area == 0,
            f"layer {self.name!r}: {source.channels} channels are no multiple of {area}",
        )
        return TensorInfo(source.channels // area, source.low, source.high)


@dataclass(frozen=True, eq=False, kw_only=True)
class Unshuffle(Resampling):
    """The inverse of ``Shuffle``; height and width must be multiples of the factor."""

    op: ClassVar[str] = "unshuffle"

    def infer(self, sources: Sequence[TensorInfo]) -> TensorInfo:
        """See ``Node.infer``."""
        source = self._one(sources)
        channels = source.channels * self.factor**2
        check_int(self.name, "the number of channels", channels, 1, MAX_CHANNELS)
        return TensorInfo(channels, source.low, source.high)

    def size(self, sources: Sequence[tuple[int, int]]) -> tuple[int, int]:
        """See ``Node.size``."""
        height, width = sources[0]
        require(
            height % self.factor == 0 and width % self.factor == 0,
            f"layer {self.name!r}: {height}x{width} is no multiple of {self.factor}",
        )
        return height // self.factor, width // self.factor


def _same_channels(name: str, sources: Sequence[TensorInfo]) -> int:
    require(
        len({source.channels for source in sources}) == 1,
        f"layer {name!r}: its sources have {[s.channels for s in sources]} channels",
    )
    return sources[0].channels
