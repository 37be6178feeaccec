"""Results as curves and comparisons."""

import math

import pytest

from ivc.bench import summary
from ivc.bench.exports import read_json_lines, write_csv, write_json_lines
from ivc.bench.points import Cost
from ivc.errors import UsageError
from results import ladder, point, several


def test_a_constant_factor_is_the_bd_rate():
    found = summary.difference(several(), "psnr-y", "b", "a")
    assert found.mean == pytest.approx(20, abs=0.05)
    assert (found.count, found.total, found.complete) == (3, 3, True)
    back = summary.difference(several(), "psnr-y", "a", "b")
    assert back.mean == pytest.approx(100 * (1 / 1.2 - 1), abs=0.05)


def test_similarities_are_compared_in_db():
    assert summary.difference(several(), "ms-ssim", "b", "a").mean == pytest.approx(20, abs=0.05)
    assert summary.rising("ms-ssim", 0.99) == pytest.approx(20)
    assert summary.rising("lpips", 0.25) == -0.25
    assert summary.rising("psnr-y", 31.5) == 31.5


def test_a_failure_is_counted_and_named():
    points = several()
    bad = point("b", "two.png", 9.0, 0, error="exploded", metrics={})
    found = summary.difference([*points, bad], "psnr-y", "b", "a")
    assert (found.count, found.total, found.complete) == (2, 3, False)
    assert (found.mean, found.failed) == (None, 1)
    assert "exploded" in found.refused["two.png"]
    assert summary.failures([*points, bad]) == [bad]
    assert "two.png" not in summary.curves([*points, bad], "psnr-y")["b"]


def test_a_codec_that_failed_everywhere_has_no_mean():
    points = [*ladder("a", "one.png"), point("b", "one.png", error="no", size=0, metrics={})]
    found = summary.difference(points, "psnr-y", "b", "a")
    assert found.mean is None
    assert found.total == 1
    assert not found.complete


def test_a_picture_that_was_not_run_is_no_silent_gain():
    points = [p for p in several() if (p.codec, p.source) != ("b", "three.png")]
    found = summary.difference(points, "psnr-y", "b", "a")
    assert (found.count, found.total, found.complete) == (2, 3, False)


def test_stills_do_not_count_for_a_codec_of_clips():
    clips = [p for s in ("x.mkv", "y.mkv") for p in ladder("c", s, frames=2)]
    both = [p for s in ("x.mkv", "y.mkv") for p in ladder("a", s, 2.0, frames=2)]
    found = summary.difference([*several(), *clips, *both], "psnr-y", "c", "a")
    assert (found.count, found.total, found.complete) == (2, 2, True)
    assert found.mean == pytest.approx(-50, abs=0.1)
    none = summary.difference([*several(), *clips], "psnr-y", "c", "b")
    assert (none.total, none.mean, none.failed) == (0, None, 0)


def test_the_common_range_is_that_of_all_pictures():
    points = [*several(), *ladder("a", "four.png"), *ladder("b", "four.png")[1:]]
    found = summary.difference(points, "psnr-y", "b", "a")
    assert found.common == (32, 40)


def test_mean_curves_need_all_sources():
    means = summary.mean_points(several(), "psnr-y")
    assert list(means) == ["a", "b"]
    assert means["a"][0] == (pytest.approx(8 * 1000 / 8000), pytest.approx(28))
    less = [p for p in several() if (p.codec, p.source, p.setting) != ("b", "two.png", 2.0)]
    assert list(summary.mean_points(less, "psnr-y")) == ["a"]


def test_lossless_points_have_no_finite_curve():
    exact = point(metrics={"psnr-y": None}, exact=True)
    assert exact.figure("psnr-y") == math.inf
    assert exact.figure("vmaf") is None
    assert summary.mean_points([exact], "psnr-y") == {}


def test_speed_adds_up_sources_and_prefers_the_codecs_own_work():
    warm = Cost(0.2, 1.0, 1.0, 50, 3)
    timed = [
        point("a", "one.png", encode=warm, decode=warm),
        point("a", "two.png", encode=warm, decode=warm),
        point("b", "one.png", encode=Cost(None, 2.0, 1.0, 70, 5), decode=warm),
        point("c", "one.png", error="no", encode=None, decode=None),
    ]
    found = summary.speeds(timed)
    assert found["a"].encode == pytest.approx(0.4)
    assert found["a"].megapixels == pytest.approx(0.016)
    assert found["a"].warm
    assert found["b"].encode == pytest.approx(2.0)
    assert not found["b"].warm
    assert found["b"].encode_peak == 70
    assert "c" not in found


def test_titles():
    assert summary.title("psnr-yuv") == "PSNR-YUV 6:1:1"
    assert summary.title("psnr-y-mean") == "PSNR-Y, mean of frames"
    assert summary.unit("psnr-y-mean") == "dB"
    assert summary.unit("ssim") == ""


def test_json_lines_hold_everything(tmp_path):
    path = tmp_path / "r.jsonl"
    points = [
        *several(),
        point("c", "<b>'\"\n,.png", metrics={"psnr-y": None}, exact=True, layers={"picture": 9}),
        point("d", "one.png", 0.0, 0, error='no, "really"', metrics={}, encode=None, decode=None),
    ]
    timings = [point("a", encode=Cost(0.1, 0.5, 0.4, 7, 3))]
    write_json_lines(path, points, timings)
    assert read_json_lines(path) == (points, timings)
    first = path.read_bytes()
    write_json_lines(path, *read_json_lines(path))
    assert path.read_bytes() == first


@pytest.mark.parametrize(
    "text", ["", "x", "{}", '{"format": "other"}', "[]", '{"format": 1}\n{"run": {}}']
)
def test_other_files_are_refused_in_one_line(tmp_path, text):
    path = tmp_path / "r.jsonl"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"r\.jsonl, line 1"):
        read_json_lines(path)


def test_csv(tmp_path):
    path = tmp_path / "r.csv"
    bad = point("b", 'x,"y".png', error="no", size=0, metrics={}, encode=None, decode=None)
    write_csv(path, [point(seconds=2.0, metrics={"psnr-y": None}), bad])
    head, first, second = (line.split(",") for line in path.read_text().splitlines())
    row = dict(zip(head, first, strict=True))
    assert row["bytes"] == "1000"
    assert float(row["kbps"]) == 4
    assert row["psnr-y"] == "inf"
    assert row["encode_peak_bytes"] == "10000000"
    assert second[-1] == "b 1.0"
    assert path.read_text().count("\n") == 3
