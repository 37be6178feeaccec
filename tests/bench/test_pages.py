"""Results as a report."""

import json
import re

import pytest

from ivc.bench.pages import report_of
from ivc.report import render_report
from results import ladder, point, several


def data_of(page):
    return json.loads(
        re.search(r'<script type="application/json"[^>]*>(.*?)</script>', page, re.S)[1]
    )


@pytest.mark.parametrize(
    "points",
    [[], [point()], [point(), point("b")], [point(error="no", size=0, metrics={})], several()],
    ids=["none", "one", "two", "failed", "several"],
)
def test_any_number_of_points_makes_a_page(points):
    page = render_report(report_of(points, title="T"))
    assert len(data_of(page)["points"]) == len([p for p in points if not p.error])


def test_everything_arrives():
    failed = point("b", "one.png", 7.0, error="exploded", size=0, metrics={})
    timing = point("a", "one.png", 0.0, encode=point().encode, decode=point().decode)
    report = report_of(
        [*several(), failed], title="T", timings=[timing], notes=["n"], about={"x": "y"}
    )
    assert [codec.name for codec in report.codecs] == ["a", "b"]
    assert [source.name for source in report.sources] == ["one.png", "two.png", "three.png"]
    timed = [point for point in report.points if point.encode]
    assert [(p.codec, p.source, p.setting) for p in timed] == [("a", "one.png", "0")]
    assert report.failures[0].error == "exploded"
    assert report.notes == ["n"]
    assert report.about["x"] == "y"
    assert report.about["machine"] == "here"
    found = {(d.metric, d.test, d.reference): d for d in report.differences}
    assert found["psnr-y", "b", "a"].mean is None
    assert found["psnr-y", "b", "a"].pictures["two.png"] == pytest.approx(20, abs=0.05)
    assert "exploded" in found["psnr-y", "b", "a"].refused["one.png"]


def test_published_curves_are_marked_and_kept_out_of_means():
    points = [
        point(p.codec, p.source, p.setting, p.size, metrics={"psnr-rgb": p.metrics["psnr-y"]})
        for p in [*ladder("a", "one.png"), *ladder("b", "one.png")]
    ]
    report = report_of(points, title="T", literature="kodak")
    kinds = {codec.name: codec.kind for codec in report.codecs}
    assert kinds["published:vtm"] == "published"
    assert all(p.source == "" for p in report.points if p.codec.startswith("published:"))
    cited = [codec.source for codec in report.codecs if codec.kind == "published"]
    assert all(cited)


def test_lossless_codecs_have_no_curve_and_distances_are_not_drawn():
    points = [
        *several(),
        point("exact", metrics={"psnr-y": None, "lpips": 0.0}, lossless=True, exact=True),
    ]
    report = report_of(points, title="T")
    assert not any("exact" in (d.test, d.reference) for d in report.differences)
    assert "lpips" not in [metric.name for metric in report.metrics]
