"""Scales with round numbers, and the marks of static drawings."""

from __future__ import annotations

import math
from collections.abc import Sequence


def interval(
    values: Sequence[float], margin: float = 0.05, *, log: bool = False, zero: bool = False
) -> tuple[float, float]:
    """The interval of some values with a margin; one value, or none, gets an interval too.

    Args:
        values: finite numbers, above 0 where ``log``.
        margin: part of the interval that is added at either end.
        log: whether they are for a logarithmic axis.
        zero: whether the interval begins at 0 if no value is below.
    """
    if not values:
        return (0.1, 10.0) if log else (0.0, 1.0)
    low, high = min(values), max(values)
    if log:
        wide = max((high / low) ** margin, 1.12)
        return low / wide, high * wide
    if zero:
        low = min(low, 0.0)
    if low == high:
        half = abs(high) * 0.1 or 0.5
        return low - half, high + half
    span = high - low
    return (0.0 if zero and low == 0 else low - span * margin), high + span * margin


def linear_ticks(low: float, high: float, count: int) -> list[float]:
    """About ``count`` round numbers in an interval."""
    rough = (high - low) / max(count, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * next((m for m in (1, 2, 5, 10) if m * power >= rough * 0.999), 10)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{n * step:.12g}") for n in range(first, last + 1)]


def log_ticks(low: float, high: float, count: int) -> list[float]:
    """Round numbers for a logarithmic axis: decades, with numbers between where there is room."""

    def found(parts: Sequence[int]) -> list[float]:
        decades = range(math.floor(math.log10(low)), math.floor(math.log10(high)) + 1)
        ticks = [float(f"{part * 10.0**decade:.6g}") for decade in decades for part in parts]
        return [tick for tick in ticks if low * 0.9999 <= tick <= high * 1.0001]

    for parts in (range(1, 10), (1, 2, 5), (1, 3)):
        ticks = found(parts)
        if 3 <= len(ticks) <= count:
            return ticks
    decades = found((1,))
    if len(decades) < 2:
        return [tick for tick in linear_ticks(low, high, count) if tick > 0]
    return decades[:: math.ceil(len(decades) / count)]


class Scale:
    """A function from values to pixels, with its ticks.

    Args:
        domain: the values at both ends.
        span: the pixels at both ends.
        log: whether it is logarithmic.
        count: about how many ticks there are.
    """

    def __init__(
        self,
        domain: tuple[float, float],
        span: tuple[float, float],
        *,
        log: bool = False,
        count: int = 6,
    ) -> None:
        self.start, self.end = span
        self.log = log
        self.low, self.high = map(self._at, domain)
        self.ticks = (log_ticks if log else linear_ticks)(*domain, max(count, 2))

    def _at(self, value: float) -> float:
        return math.log10(value) if self.log else value

    def __call__(self, value: float) -> float:
        """The pixel of a value."""
        part = (self._at(value) - self.low) / (self.high - self.low)
        return self.start + part * (self.end - self.start)

    @staticmethod
    def text(tick: float) -> str:
        """How a tick is written."""
        return f"{tick:.6g}".replace("-", "−")


def outline(number: int) -> str:
    """A marker around the origin; those of neighbouring numbers differ."""
    return (
        "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0Z",
        "M-4 -4H4V4H-4Z",
        "M0 -5L4.8 3.6H-4.8Z",
        "M0 -5.2L5.2 0 0 5.2-5.2 0Z",
        "M0 5L4.8 -3.6H-4.8Z",
    )[(number + number // 10) % 5]


def text_width(text: str) -> float:
    """About how wide a text of 13 pixels is: no fonts are at hand to measure it."""
    return sum(5.0 if c in "iljftrI.,:;|!'()[] -" else 10.5 if c in "mwMW@%" else 7.4 for c in text)
