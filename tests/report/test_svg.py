"""Static drawings: well formed, the same every time, readable with any input."""

import itertools
import math
from xml.etree import ElementTree

import pytest

from ivc.report import LabelledPoint, Series, svg_plot, svg_scatter
from ivc.report.scales import Scale, linear_ticks, log_ticks
from ivc.report.svg import DARK, LIGHT, front, spread

NAME = "{http://www.w3.org/2000/svg}"
LINE = Series("HEVC", [(0.1, 30.0), (0.4, 34.0), (0.2, 32.0)])


def texts(svg: str) -> list[str]:
    return [node.text or "" for node in ElementTree.fromstring(svg).iter(f"{NAME}text")]


def test_a_plot_names_axes_and_series():
    svg = svg_plot("Kodak", "bits per pixel", "dB", [LINE, Series("VVC", [(0.1, 31.0)], True)])
    assert {"Kodak", "bits per pixel", "dB", "HEVC", "VVC"} <= set(texts(svg))
    tree = ElementTree.fromstring(svg)
    lines = [n for n in tree.iter(f"{NAME}path") if n.get("class") == "line"]
    assert [n.get("stroke-dasharray") for n in lines] == [None, "6 4"]
    xs = [float(part.split()[0]) for part in lines[0].get("d")[1:].split("L")]
    assert xs == sorted(xs)
    assert "prefers-color-scheme:dark" in svg
    assert svg_plot("Kodak", "x", "dB", [LINE]) == svg_plot("Kodak", "x", "dB", [LINE])


@pytest.mark.parametrize("log_x", [False, True])
@pytest.mark.parametrize("points", [[], [(1.0, 2.0)], [(1.0, 2.0), (1.0, 2.0)], [(0.0, math.nan)]])
def test_few_points_are_drawn(points, log_x):
    for svg in (
        svg_plot("t", "x", "y", [Series("a", points)], log_x=log_x),
        svg_scatter("t", "x", "y", [LabelledPoint("a", *p) for p in points], log_x=log_x),
    ):
        ElementTree.fromstring(svg)
        assert "nan" not in svg
        assert ("No points" in svg) == (not points or math.isnan(points[0][1]))


def test_points_without_a_place_on_the_axis_are_left_out():
    svg = svg_plot(
        "t", "x", "y", [Series("a", [(0.0, 1.0), (1.0, 2.0), (2.0, math.inf)])], log_x=True
    )
    assert svg.count('class="mark"') == 1


def test_hostile_names_are_text():
    name = "<script>&\"'\x00\ud800 " + "b" * 500
    svg = svg_plot(name, name, name, [Series(name, [(1.0, 2.0), (2.0, 3.0)])])
    assert "<script" not in svg
    assert ElementTree.fromstring(svg).get("aria-label").startswith("<script>&\"' b")
    svg.encode()
    scatter = svg_scatter("t", "x", "y", [LabelledPoint(name, 1.0, 2.0)])
    assert "<script" not in scatter
    ElementTree.fromstring(scatter)


def test_names_at_the_ends_keep_apart():
    assert spread([10, 11, 12, 80], 17, (0, 100)) == pytest.approx([0, 17, 34, 80])
    assert spread([95, 96], 17, (0, 100)) == pytest.approx([83, 100])
    assert spread([50], 17, (0, 100)) == [50]
    assert spread([], 17, (0, 100)) == []
    crowded = spread([50.0] * 30, 17, (0, 100))
    assert all(b - a == pytest.approx(17) for a, b in itertools.pairwise(crowded))


def test_the_front_is_what_none_beats():
    # pixels: further right and further up, so with smaller y, is better
    assert front([(1, 10), (2, 20), (1.5, 30), (3, 40), (3, 50)]) == [(1, 10), (2, 20), (3, 40)]


def test_a_scatter_draws_the_front():
    points = [LabelledPoint("a", 1, -10), LabelledPoint("b", 10, 5), LabelledPoint("c", 0.5, 20)]
    assert 'class="front"' in svg_scatter("t", "x", "y", points)
    assert 'class="front"' not in svg_scatter("t", "x", "y", points, pareto=False)
    assert {"a", "b", "c"} <= set(texts(svg_scatter("t", "x", "y", points)))


def test_ticks_are_round_and_inside():
    assert linear_ticks(0, 1, 5) == [0, 0.2, 0.4, 0.6, 0.8, 1]
    assert linear_ticks(-31.2, 12.4, 6) == [-30, -20, -10, 0, 10]
    assert log_ticks(0.009, 120, 6) == [0.01, 0.1, 1, 10, 100]
    assert log_ticks(0.3, 0.8, 8) == [0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
    assert Scale((1, 100), (0, 10), log=True)(10) == pytest.approx(5)
    assert Scale.text(-20.0) == "−20"


def luminance(colour: str) -> float:
    channels = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(("paper", "colours"), [("#ffffff", LIGHT), ("#1a1e23", DARK)])
def test_colours_stand_out_enough_for_text(paper, colours):
    for colour in colours:
        a, b = sorted((luminance(paper), luminance(colour)))
        assert (b + 0.05) / (a + 0.05) >= 4.5, colour
