"""Rate-distortion curves as an SVG, without a plotting library."""

from __future__ import annotations

import math
from html import escape

from curves import Curve

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 620, 460, 60, 40, 50
LEGEND = 210


def colour(number: int) -> str:
    """The number of a curve as a colour; neighbours are far apart on the wheel."""
    return f"hsl({137.5 * number % 360:.0f} 70% 42%)"


def ticks(low: float, high: float) -> list[float]:
    """About six round numbers in an interval."""
    step = 10 ** math.floor(math.log10((high - low) / 5))
    step *= next(m for m in (1, 2, 5, 10) if (high - low) / (step * m) <= 7)
    return [step * n for n in range(math.ceil(low / step), math.floor(high / step) + 1)]


def panel(
    title: str, curves: dict[str, Curve], dashed: set[str], left: int, most: float
) -> list[str]:
    """One diagram: dB over bits per pixel up to ``most``."""
    curves = {n: [p for p in sorted(c) if p[0] <= most] for n, c in curves.items()}
    values = [q for c in curves.values() for _, q in c if math.isfinite(q)]
    low, high = math.floor(min(values)), math.ceil(max(values))
    x0, x1, y0, y1 = left + LEFT, left + WIDTH, HEIGHT - BOTTOM, TOP

    def x(rate: float) -> float:
        return x0 + (x1 - x0) * rate / most

    def y(quality: float) -> float:
        return y0 + (y1 - y0) * (quality - low) / (high - low)

    parts = [f'<text x="{(x0 + x1) / 2}" y="24" text-anchor="middle">{escape(title)}</text>']
    for tick in ticks(0, most):
        parts.append(f'<path class="g" d="M{x(tick):.1f} {y0}V{y1}"/>')
        parts.append(f'<text x="{x(tick):.1f}" y="{y0 + 18}" text-anchor="middle">{tick:g}</text>')
    for tick in ticks(low, high):
        parts.append(f'<path class="g" d="M{x0} {y(tick):.1f}H{x1}"/>')
        parts.append(f'<text x="{x0 - 6}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:g}</text>')
    middle = (x0 + x1) / 2
    parts.append(f'<text x="{middle}" y="{y0 + 38}" text-anchor="middle">bits per pixel</text>')
    for number, (name, points) in enumerate(curves.items()):
        line = " ".join(f"{x(r):.1f},{y(q):.1f}" for r, q in points if math.isfinite(q))
        dash = ' stroke-dasharray="5 4"' if name in dashed else ""
        width = 3 if number == 0 else 1.5
        stroke = f'stroke="{colour(number)}" stroke-width="{width}"{dash}'
        parts.append(f'<polyline points="{line}" fill="none" {stroke}/>')
    return parts


def svg(panels: dict[str, dict[str, Curve]], dashed: set[str], most: float = 2.0) -> str:
    """Diagrams side by side with one legend.

    Args:
        panels: by title, the curves by name; the first is drawn bold.
        dashed: names of the curves that are drawn dashed.
        most: highest rate shown.
    """
    names = list(dict.fromkeys(name for curves in panels.values() for name in curves))
    parts: list[str] = []
    for number, (title, curves) in enumerate(panels.items()):
        every = {name: curves.get(name, []) for name in names}
        parts += panel(title, every, dashed, number * WIDTH, most)
    left = len(panels) * WIDTH + 20
    for number, name in enumerate(names):
        y = TOP + 22 * number
        dash = ' stroke-dasharray="5 4"' if name in dashed else ""
        parts.append(
            f'<path d="M{left} {y}h26" stroke="{colour(number)}" stroke-width="3"{dash}/>'
            f'<text x="{left + 34}" y="{y + 4}">{escape(name)}</text>'
        )
    size = f'width="{left + LEGEND}" height="{HEIGHT}"'
    style = "text{font:13px sans-serif}.g{stroke:#ddd}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size}><style>{style}</style>'
        f'<rect {size} fill="white"/>' + "\n".join(parts) + "</svg>\n"
    )
