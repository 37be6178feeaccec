"""Finding the quality at which a measured value meets a target, in few probes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

LOWEST, HIGHEST = 0.0, 100.0
FIRST_GUESS = 60.0
FIRST_STEP = 12.0
GRAIN = 0.12
"""Difference of qualities below which codecs are not expected to have another step."""


@dataclass(frozen=True)
class Found:
    """Outcome of a search: the quality, the value there, whether it lies within the window."""

    quality: float
    value: float
    met: bool


def search(
    measure: Callable[[float], float],
    low: float,
    high: float,
    *,
    aim: float,
    first: float = FIRST_GUESS,
    capped: bool = False,
    limit: int = 16,
) -> Found:
    """Find a quality in 0..100 at which ``measure`` (rising in quality) lies in [low, high].

    The two probes that bracket ``aim`` most closely are interpolated linearly, which suits values
    that are about linear in quality: decibels, or the logarithm of a size. When interpolation
    keeps one end of the bracket, the next probe halves it. On small pictures, the encoder's
    decisions make the value jump up and down between neighbouring qualities; when the bracket has
    shrunk to such a jump, its neighbourhood is searched outwards. If nothing in the window is
    found, the nearest value is returned with ``met`` false.

    Args:
        measure: value at a quality.
        low: lower end of what is accepted.
        high: upper end of what is accepted.
        aim: value to interpolate for, between ``low`` and ``high``.
        first: quality to try first.
        capped: never settle for a value above ``high`` if there is one below it.
        limit: most probes to make.
    """
    known: dict[float, float] = {}
    below: float | None = None
    above: float | None = None
    kept = 0
    guess = min(max(first, LOWEST), HIGHEST)
    for _ in range(limit):
        value = known[guess] = measure(guess)
        if low <= value <= high:
            return Found(guess, value, met=True)
        narrow = below is not None and above is not None and abs(above - below) < GRAIN
        if value < low and not narrow:
            kept = kept + 1 if kept > 0 else 1
            below = guess
        elif not narrow:
            kept = kept - 1 if kept < 0 else -1
            above = guess
        if below is not None and above is not None:
            guess = _inside(known, below, above, aim, halve=abs(kept) >= 3)
        elif below is not None:
            guess = _extrapolate(known, below, aim, +1)
        elif above is not None:
            guess = _extrapolate(known, above, aim, -1)
        if guess in known:
            break
    allowed = [q for q in known if known[q] <= high or not capped] or list(known)
    best = min(allowed, key=lambda q: abs(known[q] - aim))
    return Found(best, known[best], met=False)


def _inside(
    known: dict[float, float], below: float, above: float, aim: float, halve: bool
) -> float:
    if abs(above - below) >= GRAIN:
        share = (aim - known[below]) / max(known[above] - known[below], 1e-12)
        share = 0.5 if halve else min(max(share, 0.05), 0.95)
        return below + (above - below) * share
    centre = (below + above) / 2
    for distance in range(1, 100):
        for side in (GRAIN, -GRAIN):
            guess = min(max(centre + side * distance, LOWEST), HIGHEST)
            if all(abs(guess - q) > GRAIN / 2 for q in known):
                return guess
    return below


def _extrapolate(known: dict[float, float], edge: float, aim: float, direction: int) -> float:
    step = FIRST_STEP
    others = [q for q in known if q != edge]
    if others:
        near = min(others, key=lambda q: abs(q - edge))
        slope = (known[edge] - known[near]) / (edge - near)
        # A little further than the line says: a bracket is worth more than a near miss.
        step = 1.15 * abs(aim - known[edge]) / slope + 0.5 if slope > 0 else 4 * FIRST_STEP
        step = min(max(step, 0.5), 5 * FIRST_STEP)
    return min(max(edge + direction * step, LOWEST), HIGHEST)
