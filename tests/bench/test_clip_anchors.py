"""Video anchors: each codes a tiny clip through FFmpeg, and says what it lacks."""

from dataclasses import replace

import numpy as np
import pytest
from fake_codec import clip, write

from ivc.bench.contenders import clips
from ivc.bench.contenders.base import Task
from ivc.bench.contenders.clips import ENCODERS, GOP, ClipAnchor
from ivc.bench.material import prepare
from ivc.bench.runner import Job, run_point
from ivc.types import Colour, Frames, Layout, PixelFormat

pytest.importorskip("psutil")


def moving(layout=Layout.YUV420, depth=8, width=64, height=48, count=8):
    """A pattern that moves."""
    colour = Colour(1, 13, 0, True) if layout is Layout.RGB else Colour()
    form = PixelFormat(layout, depth, colour=colour)
    planes = []
    for i, (rows, columns) in enumerate(form.plane_shapes(width, height)):
        t, y, x = np.mgrid[:count, :rows, :columns]
        samples = 128 + 60 * np.sin((x + 2 * t) / 5 + i) * np.cos(y / 7)
        planes.append((samples * (1 << (depth - 8))).astype(form.dtype))
    return Frames(planes, form)


def prepared(folder, **options):
    suffix = ".mkv" if options.get("layout") is Layout.RGB else ".y4m"
    return prepare(write(folder / f"in{suffix}", moving(**options), 25), folder)


def there(name):
    codec = ClipAnchor(name)
    if codec.missing():
        pytest.skip(codec.missing())
    return codec


def run(material, codec, setting, folder):
    point = run_point(Job(material, codec, setting), folder, ["psnr-y"])
    assert point.error == ""
    return point


@pytest.mark.parametrize("name", ENCODERS)
def test_a_tiny_clip(tmp_path, name):
    codec = there(name)
    material = prepared(tmp_path)
    setting = codec.ladder[len(codec.ladder) // 2]
    point = run(material, codec, setting, tmp_path)
    assert set(point.metrics) == {"psnr-y", "psnr-y-mean"}
    if codec.lossless:
        assert point.exact
    else:
        assert 30 < point.figure("psnr-y") < 60
        assert point.size < 64 * 48 * 12 / 4


@pytest.mark.parametrize("name", ["x264-medium", "svt-av1-8", "vp9", "vvenc-faster"])
def test_sizes_and_quality_rise_along_the_ladder(tmp_path, name):
    codec = there(name)
    material = prepared(tmp_path, count=4)
    first, last = (run(material, codec, codec.ladder[i], tmp_path) for i in (0, -1))
    assert last.size > first.size
    assert last.figure("psnr-y") > first.figure("psnr-y") + 3


OTHERS = [
    ("x264-medium", {"layout": Layout.YUV444, "depth": 10}),
    ("x264-medium", {"layout": Layout.YUV422, "height": 47}),
    ("x264-medium", {"layout": Layout.RGB}),
    ("x265-medium", {"layout": Layout.RGB, "depth": 10}),
    ("svt-av1-8", {"width": 63, "height": 47}),
    ("libaom", {"depth": 10, "width": 63, "height": 47}),
    ("vp9", {"layout": Layout.RGB}),
    ("vvenc-faster", {"depth": 10, "count": 1}),
    ("ffv1", {"layout": Layout.YUV444, "width": 63, "height": 47}),
    ("ffv1", {"layout": Layout.GRAY, "depth": 16}),
    ("ffv1", {"layout": Layout.RGB}),
    ("ffv1", {"layout": Layout.RGB, "depth": 16}),
    ("ffv1", {"depth": 12}),
    ("x264-lossless", {"layout": Layout.GRAY}),
    ("x264-lossless", {"layout": Layout.GRAY, "depth": 10}),
    ("x264-lossless", {"layout": Layout.YUV422, "depth": 10}),
]


@pytest.mark.parametrize(("name", "options"), OTHERS)
def test_other_clips(tmp_path, name, options):
    codec = there(name)
    material = prepared(tmp_path, **{"count": 3, **options})
    assert codec.refuses(material) is None
    point = run(material, codec, codec.ladder[len(codec.ladder) // 2], tmp_path)
    assert point.exact if codec.lossless else point.figure("psnr-y") > 28


def test_runs_are_repeatable_and_hold_no_description_of_the_encoder(tmp_path):
    codec = there("x264-medium")
    material = prepared(tmp_path)
    files = []
    for _ in range(2):
        run_point(Job(material, codec, 32.0), tmp_path, ["psnr-y"],
                  keep=lambda point, coded, decoded: files.append(coded.read_bytes()))  # fmt: skip
    assert files[0] == files[1]
    assert b"x264" not in files[0]


@pytest.mark.parametrize("name", ["x264-medium", "svt-av1-8"])
def test_hostile_names_of_folders(tmp_path, name):
    folder = tmp_path / "a b %04d : 'c' {setting} *"
    folder.mkdir()
    codec = there(name)
    assert run(prepared(folder, count=2), codec, codec.ladder[0], folder).size > 0


def test_templates_are_filled(tmp_path):
    material = clip(tmp_path)
    for name in ENCODERS:
        codec = ClipAnchor(name)
        task = Task(material, tmp_path / "c", tmp_path / "d.y4m", codec.ladder[0], 3)
        words = [*codec.encode(task), *codec.decode(task)]
        assert not any("{" in word for word in words)
        assert any(str(GOP) in word for word in words)
        if not codec.lossless:
            assert any(word.endswith("3") or "=3" in word for word in words)
            other = codec.encode(replace(task, setting=codec.ladder[1]))
            assert other != codec.encode(task)
        assert codec.version() == ClipAnchor(name).version()
        assert "{" not in codec.version()


def test_what_is_missing_is_said(monkeypatch):
    monkeypatch.setattr(clips, "_encoders", lambda: frozenset({"libx264"}))
    monkeypatch.setattr(clips, "ffmpeg", lambda: "ffmpeg")
    assert ClipAnchor("x264-medium").missing() is None
    assert ClipAnchor("vvenc-faster").missing() == "this ffmpeg has no encoder libvvenc"
    monkeypatch.setattr(clips, "ffmpeg", lambda: None)
    assert (
        ClipAnchor("x264-medium").missing() == "needs the ffmpeg program: pip install 'ivc[bench]'"
    )
