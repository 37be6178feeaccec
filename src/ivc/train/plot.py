"""Rate-distortion curves of a training as an SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from ivc.media.atomic import AtomicPath
from ivc.report import Series, svg_plot
from ivc.train.outcome import Point

_SHOWN = 8

Curves = Sequence[tuple[str, Sequence[Point]]]


def write_plot(path: Path, title: str, curves: Curves) -> None:
    """Draw curves of PSNR over bits per pixel; the last one is bold.

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
    series = [
        Series(label, [(p.bpp, p.psnr) for p in points if math.isfinite(p.psnr)])
        for label, points in curves
    ]
    # svg_plot draws the first of its lines bold
    newest = [one for one in series if one.points][-_SHOWN:][::-1]
    return svg_plot(title, "bits per pixel", "PSNR-RGB, dB", newest)
