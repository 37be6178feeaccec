"""A benchmark as one page of HTML that opens anywhere, and plots for documentation.

    write_report(Report(...), Path("report.html"))   curves, tables and pictures, interactive
    svg_plot(...), svg_scatter(...)                  a static drawing each

The page is a single file with its own style and scripts. It loads nothing, from no network and from
no other file, and says so in its Content-Security-Policy. This room only shows: whoever measures
fills a ``Report`` with numbers.
"""

from ivc.report.model import (
    CodecInfo,
    Cost,
    Difference,
    Failure,
    MetricInfo,
    Picture,
    Point,
    Report,
    SourceInfo,
    Version,
)
from ivc.report.page import render_report, write_report
from ivc.report.svg import LabelledPoint, Series, svg_plot, svg_scatter

__all__ = [
    "CodecInfo",
    "Cost",
    "Difference",
    "Failure",
    "LabelledPoint",
    "MetricInfo",
    "Picture",
    "Point",
    "Report",
    "Series",
    "SourceInfo",
    "Version",
    "render_report",
    "svg_plot",
    "svg_scatter",
    "write_report",
]
