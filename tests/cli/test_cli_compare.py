"""``ivc compare`` and ``ivc bench`` as a person types them."""

import csv
import importlib.util
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest
from PIL import Image

SUITE = """
title = "Two codecs"
sources = ["*.png"]
codecs = ["ivc:dpcm", "png", "copy"]
metrics = ["psnr-y"]
reference = "png"
[commands.copy]
encode = "cp {input} {output}"
decode = "cp {input} {output}"
lossless = true
"""


@pytest.fixture
def photo(folder):
    y, x = np.mgrid[:40, :56]
    noise = np.random.default_rng(5).normal(0, 5, (40, 56, 3))
    picture = 120 + 70 * np.stack([np.sin(x / 6), np.cos(y / 8), np.sin((x - y) / 9)], -1) + noise
    Image.fromarray(picture.clip(0, 255).astype(np.uint8)).save(folder / "photo.png")
    return folder / "photo.png"


@pytest.fixture
def suite(folder, photo):
    (folder / "data").mkdir()
    for name in ("a.png", "b.png"):
        picture = np.asarray(Image.open(photo)).copy()
        picture[0, 0] = ord(name[0])
        Image.fromarray(picture).save(folder / "data" / name)
    (folder / "mine.toml").write_text(SUITE)
    return folder / "mine.toml"


def test_compare_prints_a_table_and_writes_a_page(ivc, folder, photo):
    done = ivc("compare", photo, "--profile", "dct", "--codec", "jpeg-444")
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert lines[0] == "photo.png: 56 x 40"
    assert lines[1].startswith("at ivc's PSNR-Y of ")
    assert lines[2].split()[0] == "codec"
    assert lines[3].split()[:2] == ["ivc", "dct"]
    assert lines[4].split()[:2] == ["JPEG", "4:4:4"]
    assert "%" in lines[4]
    page = (folder / "photo-compare.html").read_text()
    assert "JPEG 4:4:4" in page
    assert page.count("data:image/webp") == 3


def test_compare_never_replaces_its_input(ivc, photo):
    before = photo.read_bytes()
    assert "is the input" in ivc("compare", "photo.png", "-o", "photo.png").error
    assert photo.read_bytes() == before


def test_compare_lossless_leaves_lossy_codecs_out(ivc, photo):
    done = ivc(
        "compare", photo, "--profile", "dpcm", "--codec", "png", "--codec", "webp", "--no-report"
    )
    assert done.code == 0
    assert "WebP is left out: it is lossy, and ivc dpcm is not" in done.err
    assert "WebP" not in done.out
    alone = ivc("compare", photo, "--profile", "dpcm", "--codec", "webp")
    assert "there is nothing to compare with" in alone.error


def test_missing_tools_are_named(ivc, photo, monkeypatch):
    find = importlib.util.find_spec
    hidden = {"psutil", "scipy"}
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name, *a: None if name in hidden else find(name, *a)
    )
    for arguments in (["compare", photo], ["bench", "quick"]):
        assert "need psutil and scipy: pip install 'ivc[bench]'" in ivc(*arguments).error


def test_compare_as_json(ivc, folder, photo):
    done = ivc(
        "compare", photo, "--profile", "dpcm", "--codec", "png", "--codec", "ffv1", "--json",
        "--no-report",
    )  # fmt: skip
    document = json.loads(done.out)
    assert [codec["codec"] for codec in document["codecs"]] == ["ivc:roadmap/dpcm", "png"]
    assert document["skipped"] == ["FFV1 is left out: codes clips only"]
    assert document["codecs"][1]["commands"][0].startswith("python -m ivc.bench.worker encode png")
    assert not list(folder.glob("*.html"))
    assert "FFV1 is left out" in done.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing.png"], "nothing.png does not exist"),
        (["photo.png", "--metric", "vmaf"], "quality is matched by psnr-rgb"),
        (["photo.png", "--codec", "gif"], "no codec is called 'gif'"),
        (["photo.png", "--jobs", "0"], "the least is 1"),
        (["photo.png", "--effort", "12"], "efforts are 1 to 9"),
        (["photo.png", "--profile", "nothing"], "no profile is called"),
        (["photo.png", "-o", "no/such/page.html"], "no/such is no folder"),
        (["photo.png", "-o", "-"], "name one with -o"),
    ],
)
def test_compare_says_what_is_wrong_in_one_line(ivc, photo, arguments, message):
    done = ivc("compare", *arguments)
    assert done.code in (1, 2)
    assert message in done.error


def test_bench_measures_reports_exports_and_remembers(ivc, folder, suite):
    arguments = ["bench", suite, "--data", "data", "-o", "out", "--export", "r.csv"]
    done = ivc(*arguments, "--export", "r.jsonl")
    assert done.code == 0, done.err
    assert "Lossless, bits a pixel over all sources:" in done.out
    rows = list(csv.DictReader((folder / "r.csv").open()))
    assert len(rows) == 6
    by = {(row["codec"], row["source"]): row for row in rows}
    assert int(by["copy", "a.png"]["bytes"]) == 40 * 56 * 3 + len("P6\n56 40\n255\n")
    assert {row["exact"] for row in rows} == {"True"}
    assert "Two codecs" in (folder / "out" / "report.html").read_text()
    before = (folder / "r.jsonl").read_bytes()
    begin = time.perf_counter()
    again = ivc(*arguments, "--export", "r.jsonl", "--no-report")
    assert again.code == 0
    assert (folder / "r.jsonl").read_bytes() == before
    assert time.perf_counter() - begin < 60


def test_bench_tells_failures_and_ends_with_one(ivc, folder, suite):
    suite.write_text(SUITE.replace('decode = "cp', 'decode = "false'))
    done = ivc("bench", suite, "--data", "data", "-o", "out", "--codec", "copy", "--codec", "png")
    assert done.code == 1
    assert "failed on 2" in done.out
    assert "ivc: failed: copy, 0, a.png: false failed with status 1" in done.err
    assert "ivc: 2 of 4 runs failed" in done.err
    assert "false failed with status 1" in (folder / "out" / "report.html").read_text()


def test_bench_times(ivc, folder, suite):
    done = ivc("bench", suite, "--data", "data", "-o", "out", "--codec", "copy", "--timing",
               "--no-report")  # fmt: skip
    assert done.code == 0, done.err
    row = next(line for line in done.out.splitlines() if line.split()[0] == "copy")
    assert float(row.split()[3]) > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name a suite"),
        (["nothing"], "there is no suite 'nothing'"),
        (["kodak"], "give a folder with --data"),
        (["kodak", "--data", "nowhere"], "nowhere is no folder"),
        (["kodak", "--data", "."], "has no *.png"),
        (["quick", "--codec", "gif"], "no codec is called 'gif'"),
        (["quick", "--metric", "beauty"], "no metric is called 'beauty'"),
        (["quick", "--export", "r.xlsx"], "ends with .jsonl or .csv"),
        (["quick", "--jobs", "0"], "the least is 1"),
        (["quick", "--timeout", "-1"], "a number of seconds above 0"),
        (["quick", "--export", "no/such/r.csv"], "no/such is no folder"),
    ],
)
def test_bench_says_what_is_wrong_in_one_line(ivc, arguments, message):
    done = ivc("bench", *arguments)
    assert done.code in (1, 2)
    assert message in done.error


def test_bench_lists_codecs_suites_and_metrics(ivc):
    done = ivc("bench", "--list")
    assert done.code == 0
    for name in ("ivc:image", "jpeg-420", "x265-veryslow", "kodak", "quick", "ms-ssim", "vmaf"):
        assert name in done.out


def test_ctrl_c_stops_all_and_keeps_what_is_done(folder, suite):
    slow = """ladder = [1, 2]
[commands.slow]
encode = "sh -c 'sleep 100' {input} {output}"
decode = "cp {input} {output}"
"""
    suite.write_text(SUITE + slow)
    command = [sys.executable, "-m", "ivc", "bench", "mine.toml", "--data", "data", "-o", "out"]
    command += ["--codec", "copy", "--codec", "slow"]

    def hear_ctrl_c():
        # a background job of a shell does not
        signal.signal(signal.SIGINT, signal.default_int_handler)

    child = subprocess.Popen(command, stderr=subprocess.PIPE, text=True,
                             preexec_fn=hear_ctrl_c,)  # fmt: skip
    base = folder / "out" / "results.sqlite"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and _known(base) < 4:
        time.sleep(0.1)
    child.send_signal(signal.SIGINT)
    _, error = child.communicate(timeout=30)
    assert child.returncode == 130
    assert error.splitlines()[-1].startswith("ivc: interrupted")
    assert _known(base) == 4
    running = [" ".join(p.info["cmdline"] or []) for p in psutil.process_iter(["cmdline"])]
    assert not [line for line in running if "sleep 100" in line and str(folder) in line]


def _known(base: os.PathLike) -> int:
    import sqlite3

    try:
        with sqlite3.connect(f"file:{base}?mode=ro", uri=True) as store:
            return store.execute("SELECT count(*) FROM runs").fetchone()[0]
    except sqlite3.Error:
        return 0
