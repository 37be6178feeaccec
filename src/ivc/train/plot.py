"""A rate-distortion plot as SVG, with nothing but the standard library."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from pathlib import Path

from ivc.media.atomic import AtomicPath
from ivc.train.outcome import Point

_WIDTH, _HEIGHT = 720, 480
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 20, 40, 50
_SHOWN = 8

Curves = Sequence[tuple[str, Sequence[Point]]]


def write_plot(path: Path, title: str, curves: Curves) -> None:
    """Draw curves of PSNR over bits per pixel; the last one stands out, older ones fade.

    Args:
        path: of the SVG, replaced at once.
        title: above the plot.
        curves: labels and points; the last few are drawn.
    """
    target = AtomicPath(path)
    target.temporary.write_text(draw(title, curves), encoding="utf-8")
    target.commit()


def draw(title: str, curves: Curves) -> str:
    """The SVG of a plot; see ``write_plot``."""
    usable = [
        (label, sorted((p for p in points if math.isfinite(p.psnr)), key=lambda p: p.bpp))
        for label, points in curves
    ]
    usable = [(label, points) for label, points in usable if points][-_SHOWN:]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        'font-family="sans-serif" font-size="13">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        f'<text x="{_LEFT}" y="24" font-size="15">{escape(title)}</text>',
    ]
    if usable:
        every = [point for _, points in usable for point in points]
        x = _Axis([p.bpp for p in every], _LEFT, _WIDTH - _RIGHT)
        y = _Axis([p.psnr for p in every], _HEIGHT - _BOTTOM, _TOP)
        parts += _frame(x, y)
        for index, (label, points) in enumerate(usable):
            parts += _curve(label, points, x, y, index, len(usable))
    return "\n".join([*parts, "</svg>", ""])


class _Axis:
    """Values along an axis, to pixels."""

    def __init__(self, values: Sequence[float], start: float, stop: float) -> None:
        low, high = min(values), max(values)
        margin = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
        self.low, self.high, self.start, self.stop = low - margin, high + margin, start, stop

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.stop - self.start), 1)

    def ticks(self) -> list[float]:
        """Four to ten round values."""
        raw = (self.high - self.low) / 5
        power = 10.0 ** math.floor(math.log10(raw))
        step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw)
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        return [step * index for index in range(first, last + 1)]


def _frame(x: _Axis, y: _Axis) -> list[str]:
    parts = []
    for value in x.ticks():
        parts.append(f'<path d="M{x(value)} {_TOP}V{_HEIGHT - _BOTTOM}" stroke="#ddd"/>')
        parts.append(
            f'<text x="{x(value)}" y="{_HEIGHT - _BOTTOM + 18}" text-anchor="middle">'
            f"{value:.3g}</text>"
        )
    for value in y.ticks():
        parts.append(f'<path d="M{_LEFT} {y(value)}H{_WIDTH - _RIGHT}" stroke="#ddd"/>')
        parts.append(
            f'<text x="{_LEFT - 6}" y="{y(value) + 4}" text-anchor="end">{value:.3g}</text>'
        )
    parts.append(
        f'<text x="{(_LEFT + _WIDTH - _RIGHT) / 2}" y="{_HEIGHT - 12}" text-anchor="middle">'
        "bits per pixel</text>"
    )
    parts.append(f'<text x="{_LEFT + 6}" y="{_TOP + 16}">PSNR-RGB, dB</text>')
    return parts


def _curve(
    label: str, points: Sequence[Point], x: _Axis, y: _Axis, index: int, count: int
) -> list[str]:
    newest = index == count - 1
    colour = "#00796b" if newest else "#607d8b"
    opacity = 1.0 if newest else 0.15 + 0.5 * (index + 1) / count
    line = " ".join(f"{x(p.bpp)},{y(p.psnr)}" for p in points)
    parts = [
        f'<g stroke="{colour}" fill="none" opacity="{opacity:.2f}" '
        f'stroke-width="{2.5 if newest else 1.2}">',
        f'<polyline points="{line}"/>',
    ]
    parts += [f'<circle cx="{x(p.bpp)}" cy="{y(p.psnr)}" r="3"/>' for p in points if newest]
    parts.append("</g>")
    row = _HEIGHT - _BOTTOM - 14 - 17 * (count - 1 - index)
    parts.append(
        f'<text x="{_WIDTH - _RIGHT - 8}" y="{row}" text-anchor="end" fill="{colour}" '
        f'opacity="{max(opacity, 0.5):.2f}">{escape(label)}</text>'
    )
    return parts
