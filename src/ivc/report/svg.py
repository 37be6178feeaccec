"""Static plots as SVG for pages of documentation.

    svg_plot(title, x_title, y_title, [Series("HEVC", [(0.1, 31.5), …]), …])    lines
    svg_scatter(title, x_title, y_title, [LabelledPoint("HEVC", 3.2, -20.1)])   named points

A drawing has its own background and follows the reader's preference for dark or light, so it reads
on any page. The same input gives the same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from ivc.report.scales import Scale, interval, outline, text_width

LIGHT = [
    "#0b6bcb",
    "#c8460c",
    "#15803d",
    "#7c3aed",
    "#a16207",
    "#be185d",
    "#0e7490",
    "#4d7c0f",
    "#6b6560",
    "#3730a3",
]
DARK = [
    "#5aa9f5",
    "#ff8a5c",
    "#4ecb7d",
    "#b197fc",
    "#e6b84a",
    "#f783b5",
    "#45c4dc",
    "#a9cf54",
    "#b0aaa4",
    "#8f9dff",
]
"""Colours of the series on a light and on a dark background; those of the report's page."""

TOP, BOTTOM, EDGE = 64, 52, 18
"""Room for the titles above, for the horizontal axis below, and at the right, in pixels."""

Span = tuple[float, float]
Box = tuple[float, float, float, float]
"""Left, top, right and bottom in pixels."""


@dataclass(frozen=True)
class Series:
    """A line of ``svg_plot``; points that are not finite are left out."""

    name: str
    points: Sequence[tuple[float, float]]
    dashed: bool = False


@dataclass(frozen=True)
class LabelledPoint:
    """A mark of ``svg_scatter``; ``hollow`` tells a second kind of marks apart."""

    name: str
    x: float
    y: float
    hollow: bool = False


def svg_plot(
    title: str,
    x_title: str,
    y_title: str,
    series: Sequence[Series],
    *,
    width: int = 760,
    height: int = 440,
    log_x: bool = False,
) -> str:
    """Lines, each named at its right end.

    Args:
        title: over the drawing.
        x_title: of the horizontal axis.
        y_title: of the vertical axis.
        series: the lines; the first is drawn bold.
        width: in pixels.
        height: in pixels.
        log_x: whether the horizontal axis is logarithmic; points at or below 0 are then left out.
    """
    lines = [usable(one.points, log_x) for one in series]
    points = [point for line in lines for point in line]
    names = [short(one.name) for one in series]
    room = max([text_width(name) for name in names] or [0]) + 42
    x_span = interval([x for x, _ in points], log=log_x, zero=not log_x)
    y = Scale(interval([y for _, y in points]), (height - BOTTOM, TOP), count=height // 62)
    x = Scale(x_span, (gutter(y), width - EDGE - room), log=log_x, count=width // 95)
    parts = frame(x, y, x_title, y_title, not points)
    ends = []
    for number, (one, line) in enumerate(zip(series, lines, strict=True)):
        if not line:
            continue
        at = [(x(a), y(b)) for a, b in sorted(line)]
        path = "L".join(f"{a:.1f} {b:.1f}" for a, b in at)
        kind = f"s{number % len(LIGHT)}" + (" first" if number == 0 else "")
        dash = ' stroke-dasharray="6 4"' if one.dashed else ""
        marks = "".join(mark(number, *point) for point in at)
        parts.append(f'<g class="{kind}"><path class="line" d="M{path}"{dash}/>{marks}</g>')
        ends.append((at[-1], number))
    parts += end_names(
        ends, names, [one.name for one in series], x.end + 14, (TOP, height - BOTTOM)
    )
    return document(title, parts, width, height)


def svg_scatter(
    title: str,
    x_title: str,
    y_title: str,
    points: Sequence[LabelledPoint],
    *,
    width: int = 760,
    height: int = 440,
    log_x: bool = True,
    pareto: bool = True,
) -> str:
    """Named points, with a line of those that none other beats.

    Further right and further up is better; the vertical axis is turned over, since it mostly shows
    a BD-rate, of which less is better.

    Args:
        title: over the drawing.
        x_title: of the horizontal axis, of which more is better.
        y_title: of the vertical axis, of which less is better.
        points: the marks; those that are not finite are left out.
        width: in pixels.
        height: in pixels.
        log_x: whether the horizontal axis is logarithmic; points at or below 0 are then left out.
        pareto: whether the line is drawn.
    """
    kept = [one for one in points if usable([(one.x, one.y)], log_x)]
    y = Scale(interval([one.y for one in kept], 0.12), (TOP, height - BOTTOM), count=height // 62)
    x_span = interval([one.x for one in kept], 0.1, log=log_x)
    x = Scale(x_span, (gutter(y), width - EDGE), log=log_x, count=width // 95)
    parts = frame(x, y, x_title, y_title, not kept)
    at = [(x(one.x), y(one.y)) for one in kept]
    best = front(at)
    if pareto and len(best) > 1:
        steps = "".join(f"V{b:.1f}H{a:.1f}" for a, b in best[1:])
        parts.append(f'<path class="front" d="M{best[0][0]:.1f} {best[0][1]:.1f}{steps}"/>')
    for number, (one, point) in enumerate(zip(kept, at, strict=True)):
        hollow = " hollow" if one.hollow else ""
        parts.append(f'<g class="s{number % len(LIGHT)}{hollow}">{mark(number, *point)}</g>')
    parts += point_names(kept, at, (x.start, x.end), (TOP, height - BOTTOM))
    return document(title, parts, width, height)


def usable(points: Sequence[tuple[float, float]], log_x: bool) -> list[tuple[float, float]]:
    """The points that can be drawn."""
    finite = [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]
    return [point for point in finite if point[0] > 0 or not log_x]


def short(name: str, most: int = 26) -> str:
    """A name of at most ``most`` characters."""
    return name if len(name) <= most else name[: most - 1] + "…"


def gutter(y: Scale) -> float:
    """Where the drawing begins beside the numbers of its vertical axis."""
    return max([text_width(y.text(tick)) for tick in y.ticks] or [0]) + 26


def frame(x: Scale, y: Scale, x_title: str, y_title: str, empty: bool) -> list[str]:
    """Grid, numbers and titles of the axes, and a word where there is nothing else."""
    floor, top = max(y.start, y.end), min(y.start, y.end)
    parts = []
    for tick in y.ticks:
        at = y(tick)
        parts.append(f'<path class="grid" d="M{x.start:.1f} {at:.1f}H{x.end:.1f}"/>')
        parts.append(text(y.text(tick), x.start - 8, at + 4, "end"))
    free = -math.inf
    for tick in x.ticks:
        at, wide = x(tick), text_width(x.text(tick)) / 2 + 4
        parts.append(f'<path class="grid" d="M{at:.1f} {floor}V{top}"/>')
        if at - wide >= free:
            parts.append(text(x.text(tick), at, floor + 18, "middle"))
            free = at + wide
    parts.append(f'<path class="axis" d="M{x.start:.1f} {top}V{floor}H{x.end:.1f}"/>')
    if empty:
        parts.append(text("No points", (x.start + x.end) / 2, (floor + top) / 2, "middle"))
    parts.append(text(x_title, (x.start + x.end) / 2, floor + 40, "middle", "title"))
    parts.append(text(y_title, 14, top - 14, "start", "title"))
    return parts


def mark(number: int, x: float, y: float) -> str:
    """The marker of a series."""
    return f'<path class="mark" d="{outline(number)}" transform="translate({x:.1f} {y:.1f})"/>'


def text(content: str, x: float, y: float, anchor: str, kind: str = "") -> str:
    """A line of text."""
    style = f' class="{kind}"' if kind else ""
    return f'<text{style} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{clean(content)}</text>'


def clean(content: str) -> str:
    """A text as XML, without the characters that XML has no way to write."""
    kept = (c for c in content if c in "\t\n" or (c >= " " and not "\ud800" <= c <= "\udfff"))
    return escape("".join(kept))


def end_names(
    ends: list[tuple[tuple[float, float], int]],
    names: list[str],
    full: list[str],
    left: float,
    span: Span,
) -> list[str]:
    """Names beside the ends of the lines, moved apart where they would overlap."""
    order = sorted(ends, key=lambda end: (end[0][1], end[1]))
    heights = spread([y for (_, y), _ in order], 17.0, span)
    parts = []
    for ((x, y), number), at in zip(order, heights, strict=True):
        kind = f"s{number % len(LIGHT)}"
        line = f"M{x + 8:.1f} {y:.1f}L{left + 4:.1f} {at:.1f}"
        label = text(names[number], left + 9, at + 4, "start", "name")
        parts.append(
            f'<g class="{kind}"><path class="leader" d="{line}"/>'
            f"<title>{clean(full[number])}</title>{label}</g>"
        )
    return parts


def spread(wanted: list[float], gap: float, span: Span) -> list[float]:
    """Ascending positions moved as little as gives each its room, within a span if it is enough."""
    groups: list[list[float]] = []

    def first(group: list[float]) -> float:
        """The first position of a group that stays around the mean of what it wants."""
        middle = sum(group) / len(group) - gap * (len(group) - 1) / 2
        return max(min(middle, span[1] - gap * (len(group) - 1)), span[0])

    for position in wanted:
        groups.append([position])
        while len(groups) > 1:
            before, last = groups[-2], groups[-1]
            if first(before) + gap * len(before) <= first(last):
                break
            groups[-2:] = [before + last]
    return [first(group) + gap * n for group in groups for n in range(len(group))]


def point_names(
    points: Sequence[LabelledPoint],
    at: Sequence[tuple[float, float]],
    x_span: Span,
    y_span: Span,
) -> list[str]:
    """Names beside points, each where it covers no other name and no point."""
    taken: list[Box] = [(x - 7, y - 7, x + 7, y + 7) for x, y in at]
    parts = []
    for number, (one, (x, y)) in enumerate(zip(points, at, strict=True)):
        name = short(one.name)
        wide = text_width(name)
        for far in (10, 20, 34):
            offsets: list[tuple[float, float]] = [(far, 4), (-wide / 2, -far - 2)]
            offsets += [(-wide / 2, far + 11), (-far - wide, 4)]
            offsets += [(far * 0.7, -far * 0.8), (far * 0.7, far + 6), (-far * 0.7 - wide, -far)]
            boxes: list[Box] = [
                (x + a - 2, y + b - 12, x + a + wide + 2, y + b + 4) for a, b in offsets
            ]
            free = [box for box in boxes if fits(box, taken, x_span, y_span)]
            if free:
                taken.append(free[0])
                label = text(name, free[0][0] + 2, free[0][3] - 4, "start", "name")
                kind = f"s{number % len(LIGHT)}"
                parts.append(f'<g class="{kind}"><title>{clean(one.name)}</title>{label}</g>')
                break
    return parts


def fits(box: Box, taken: list[Box], x_span: Span, y_span: Span) -> bool:
    """Whether a box lies in the drawing and touches none of those that are taken."""
    if box[0] < x_span[0] or box[2] > x_span[1] or box[1] < y_span[0] or box[3] > y_span[1]:
        return False
    return all(
        box[2] < left or box[0] > right or box[3] < top or box[1] > bottom
        for left, top, right, bottom in taken
    )


def front(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The points, from left to right, with no other both further right and further up (pixels)."""
    best: list[tuple[float, float]] = []
    for point in sorted(points, key=lambda p: (-p[0], p[1])):
        if not best or point[1] < best[-1][1]:
            best.append(point)
    return best[::-1]


def document(title: str, parts: list[str], width: int, height: int) -> str:
    """The whole file."""
    size = f'width="{width}" height="{height}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {width} {height}" '
        f'role="img" aria-label="{clean(title)}">\n<style>{style()}</style>\n'
        f'<rect class="paper" {size} rx="6"/>\n'
        + text(title, 14, 26, "start", "head")
        + "\n"
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def style() -> str:
    """Colours for light and dark, and how everything is drawn."""

    def colours(paper: str, ink: str, soft: str, grid: str, series: Sequence[str]) -> str:
        base = f".paper{{fill:{paper}}}text{{fill:{soft}}}.head,.title{{fill:{ink}}}"
        base += f".grid{{stroke:{grid}}}.axis,.front{{stroke:{soft}}}.mark,.name{{stroke:{paper}}}"
        base += f".hollow .mark{{fill:{paper}}}"
        for n, colour in enumerate(series):
            base += f".s{n}{{color:{colour}}}"
        return base

    return (
        "text{font:13px system-ui,'Segoe UI',Roboto,'Noto Sans',Arial,sans-serif}"
        ".head{font-size:16px;font-weight:600}.title{font-weight:500}"
        "path{fill:none}.grid,.axis{shape-rendering:crispEdges}"
        ".line{stroke:currentColor;stroke-width:1.7;stroke-linejoin:round}"
        ".first .line{stroke-width:3}.leader{stroke:currentColor;opacity:.45}"
        ".front{stroke-width:1.3;stroke-dasharray:2 4}"
        + colours("#fff", "#1b1f24", "#565e68", "#e4e7ea", LIGHT)
        + "@media(prefers-color-scheme:dark){"
        + colours("#1a1e23", "#e7e9ec", "#a2abb6", "#2c333b", DARK)
        + "}.mark{fill:currentColor}.hollow .mark{stroke:currentColor;stroke-width:1.8}"
        ".name{fill:currentColor;font-weight:500;paint-order:stroke;stroke-width:3px}"
    )
