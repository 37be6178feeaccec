"""Results as files for others."""

import csv
import json
from dataclasses import replace

import pytest

from ivc.bench.exports import FORMAT, read_json_lines, write_csv, write_json_lines
from ivc.bench.points import Cost
from ivc.errors import UsageError
from results import ladder, point, several

HOSTILE = ["a,b", 'say "x"', "two\nlines", "=1+1", "</script>", "früh 🎞", "\u2028", "\r\n"]


def test_json_lines_round_trip(tmp_path):
    path = tmp_path / "r.jsonl"
    timing = point(encode=Cost(0.25, 0.5, 0.4, 9, 3), decode=Cost(0.1, 0.5, 0.4, 9, 3))
    points = [
        *several(),
        point("failed", error="no file was written", size=0, metrics={}, encode=None, decode=None),
        point("exact", lossless=True, exact=True, setting=0.0, metrics={"psnr-y": None}, jobs=2,
              layers={"picture": 900, "container": 100}, threads=4),
    ]  # fmt: skip
    write_json_lines(path, points, [timing])
    assert read_json_lines(path) == (points, [timing])
    head = json.loads(path.read_text(encoding="utf-8").splitlines()[0])
    assert head["format"] == FORMAT
    assert list(head["codecs"]) == ["a", "b", "failed", "exact"]
    first = path.read_bytes()
    write_json_lines(path, *read_json_lines(path))
    assert path.read_bytes() == first


def test_no_results(tmp_path):
    write_json_lines(tmp_path / "r.jsonl", [])
    assert read_json_lines(tmp_path / "r.jsonl") == ([], [])
    write_csv(tmp_path / "r.csv", [])
    assert (tmp_path / "r.csv").read_text().startswith("source,width,")


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_hostile_texts(tmp_path, text):
    hostile = point(codec=text, source=text, title=text, version=text, machine=text)
    broken = point(codec="b", error=text, machine=text)
    write_json_lines(tmp_path / "r.jsonl", [hostile, broken])
    assert read_json_lines(tmp_path / "r.jsonl") == ([hostile, broken], [])
    write_csv(tmp_path / "r.csv", [hostile, broken])
    with (tmp_path / "r.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert (rows[0]["codec"], rows[0]["source"], rows[0]["version"]) == (text, text, text)
    assert rows[1]["error"] == text


@pytest.mark.parametrize(
    ("lines", "number"),
    [
        ([""], 1), (["{}"], 1), (['{"format": "other"}'], 1), (["[]"], 1), (["no json"], 1),
        (["HEAD", "no json"], 2), (["HEAD", "{}"], 2), (["HEAD", '{"run": {}}'], 2),
        (["HEAD", "RUN", "[]"], 3), (["HEAD", '{"run": {"codec": "x", "source": "y"}}'], 2),
    ],
)  # fmt: skip
def test_files_that_are_none(tmp_path, lines, number):
    path = tmp_path / "r.jsonl"
    write_json_lines(path, [point()])
    head, run = path.read_text().splitlines()
    path.write_text("\n".join(lines).replace("HEAD", head).replace("RUN", run) + "\n")
    with pytest.raises(
        UsageError, match=f"r.jsonl, line {number}: no result of a benchmark"
    ) as got:
        read_json_lines(path)
    assert "\n" not in str(got.value)


def test_files_that_cannot_be_read(tmp_path):
    (tmp_path / "r.jsonl").write_bytes(b"\xff\xfe\0")
    for path in (tmp_path / "r.jsonl", tmp_path / "missing.jsonl", tmp_path):
        with pytest.raises(UsageError) as caught:
            read_json_lines(path)
        assert "\n" not in str(caught.value)


def test_csv_columns(tmp_path):
    path = tmp_path / "r.csv"
    moving = replace(point("c"), frames=10, seconds=0.4, metrics={"vmaf": 90.0})
    exact = point("d", exact=True, metrics={"psnr-y": None}, encode=Cost(0.125, 0.5, 0.4, 7, 3))
    failed = point("e", error="it failed", size=0, metrics={}, encode=None, decode=None)
    write_csv(path, [*ladder("a", "one.png"), moving, exact, failed])
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 7
    assert list(rows[0]) == [
        "source", "width", "height", "frames", "codec", "setting", "threads", "error", "bytes",
        "bpp", "kbps", "exact", "psnr-y", "ms-ssim", "vmaf",
        *(f"{side}_{name}" for side in ("encode", "decode")
          for name in ("seconds", "process_seconds", "cpu_seconds", "peak_bytes")),
        "version",
    ]  # fmt: skip
    assert (rows[1]["setting"], rows[1]["bytes"], rows[1]["bpp"]) == ("1", "2000", "2")
    assert (rows[1]["psnr-y"], rows[1]["vmaf"], rows[1]["kbps"]) == ("32", "", "")
    assert (rows[1]["encode_seconds"], rows[1]["encode_peak_bytes"]) == ("", "10000000")
    assert (rows[4]["kbps"], rows[4]["vmaf"], rows[4]["psnr-y"]) == ("20", "90", "")
    assert (rows[5]["exact"], rows[5]["psnr-y"]) == ("True", "inf")
    assert rows[5]["encode_seconds"] == "0.125"
    assert (rows[6]["error"], rows[6]["version"]) == ("it failed", "e 1.0")
    assert not any(rows[6][n] for n in ("bytes", "bpp", "exact", "psnr-y", "encode_cpu_seconds"))
