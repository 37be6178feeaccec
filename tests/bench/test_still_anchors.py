"""Still anchors: each codes a small picture through its commands, and says what it lacks."""

import importlib.util
import json

import numpy as np
import pytest
from fake_codec import still, write
from PIL import features

from ivc.bench import worker
from ivc.bench.contenders.base import Task
from ivc.bench.contenders.stills import CODERS, StillAnchor
from ivc.bench.material import prepare
from ivc.bench.runner import Job, run_point
from ivc.bench.scores import score
from ivc.media import frames_from_array
from ivc.types import Frames

pytest.importorskip("psutil")


def smooth(channels=3, height=30, width=40, dtype=np.uint8):
    """A picture that codecs like."""
    y, x = np.mgrid[:height, :width]
    planes = [120 + 60 * np.sin(x / 9 + c) * np.cos(y / (7 + c)) for c in range(channels)]
    if channels in (2, 4):
        planes[-1] = 255 - 3.0 * x
    pixels = np.stack(planes, -1)
    if dtype == np.uint16:
        pixels = pixels * 257 + 5
    return frames_from_array(pixels.astype(dtype) if channels > 1 else pixels[..., 0].astype(dtype))


def there(name):
    codec = StillAnchor(name)
    if codec.missing():
        pytest.skip(codec.missing())
    return codec


def coded(codec, material, setting, folder):
    """Size and scores, in this process."""
    task = Task(
        material, folder / f"coded{codec.extension}", folder / f"d{material.suffix}", setting
    )
    for command in (codec.encode(task), codec.decode(task)):
        assert worker.main(command[3:]) == 0
    return task.coded.stat().st_size, score(material, task.decoded, ["psnr-rgb"])


@pytest.mark.parametrize("name", CODERS)
def test_from_the_first_setting_to_the_last(tmp_path, name):
    codec = there(name)
    material = prepare(write(tmp_path / "in.png", smooth()), tmp_path)
    first = run_point(Job(material, codec, codec.ladder[0]), tmp_path, ["psnr-rgb"])
    assert first.error == ""
    assert first.size < 40 * 30 * 3
    if codec.lossless:
        assert first.exact
        return
    assert first.figure("psnr-rgb") > 15
    size, scores = coded(codec, material, codec.ladder[-1], tmp_path)
    assert size > first.size
    assert scores.values["psnr-rgb"] > first.figure("psnr-rgb") + 1


# those that are left out are as their neighbours in the table
@pytest.mark.parametrize(
    "name", [n for n in CODERS if n not in ("jpeg-444", "jxl-9", "jxl-lossless-9", "avif-default")]
)
@pytest.mark.parametrize("kind", ["gray", "gray + alpha", "alpha", "odd", "16", "gray 16", "10"])
def test_other_pictures(tmp_path, name, kind):
    codec = there(name)
    frames = {
        "gray": lambda: smooth(1), "gray + alpha": lambda: smooth(2), "alpha": lambda: smooth(4),
        "odd": lambda: smooth(3, 7, 5), "16": lambda: smooth(3, dtype=np.uint16),
        "gray 16": lambda: smooth(1, dtype=np.uint16), "10": lambda: ten(smooth()),
    }[kind]()  # fmt: skip
    material = prepare(write(tmp_path / f"in.{'ppm' if kind == '10' else 'png'}", frames), tmp_path)
    if codec.refuses(material):
        return
    _, scores = coded(codec, material, codec.ladder[-1], tmp_path)
    if codec.lossless:
        assert scores.exact
    else:
        assert scores.values["psnr-rgb"] > 24


def ten(frames):
    planes = [plane.astype(np.uint16) * 4 + 3 for plane in frames.planes]
    made = frames_from_array(np.stack(planes, -1), depth=10)
    return Frames(made.planes, made.format)


def test_threads_change_no_bits(tmp_path):
    material = prepare(write(tmp_path / "in.png", smooth()), tmp_path)
    for name in ("avif", "jxl-7"):
        codec = there(name)
        data = []
        for threads in (1, 2):
            task = Task(material, tmp_path / "c", tmp_path / "d.ppm", codec.ladder[3], threads)
            assert worker.main(codec.encode(task)[3:]) == 0
            data.append(task.coded.read_bytes())
        assert data[0] == data[1]


def test_repetitions_print_seconds(tmp_path, capsys):
    codec = there("jpeg-420")
    task = Task(still(tmp_path), tmp_path / "c.jpg", tmp_path / "d.ppm", 30.0)
    for command in codec.timed(task, 3):
        assert command[-2:] == ["--repeat", "3"]
        assert worker.main(command[3:]) == 0
        seconds = json.loads(capsys.readouterr().out)["seconds"]
        assert len(seconds) == 3
        assert all(0 < value < 1 for value in seconds)
    assert worker.main(codec.encode(task)[3:]) == 0
    assert capsys.readouterr().out == ""


def test_failures_of_the_worker_are_one_line(tmp_path, capsys):
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 broken")
    cases = [
        ["encode", "jpeg-420", tmp_path / "missing.png", tmp_path / "c.jpg"],
        ["decode", "jpeg-420", tmp_path / "broken.jpg", tmp_path / "d.ppm"],
        ["decode", "jpeg-420", tmp_path / "missing.jpg", tmp_path / "d.ppm"],
        ["encode", "no-such-codec", still(tmp_path).path, tmp_path / "c.jpg"],
        ["encode", "ivc:no-such-codec", still(tmp_path).path, tmp_path / "c.ivc"],
    ]
    for case in cases:
        assert worker.main([str(word) for word in case]) == 1
        told = capsys.readouterr()
        assert told.out == ""
        assert len(told.err.splitlines()) == 1
        assert "Error" in told.err


def test_what_is_missing_is_said(monkeypatch):
    find_spec = importlib.util.find_spec

    def without(name, package=None):
        return None if name in ("imagecodecs", "pillow_heif") else find_spec(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", without)
    assert (
        StillAnchor("jxl-7").missing() == "needs the package imagecodecs: pip install 'ivc[bench]'"
    )
    assert (
        StillAnchor("heic").missing() == "needs the package pillow-heif: pip install 'ivc[bench]'"
    )
    assert StillAnchor("png").missing()
    assert StillAnchor("jpeg-420").missing() is None
    monkeypatch.setattr(features, "check", lambda name: False)
    assert StillAnchor("avif").missing() == "this Pillow was built without AVIF"
    assert StillAnchor("webp").missing() is None


def test_versions_say_the_library_and_the_options():
    assert "libjpeg_turbo" in StillAnchor("jpeg-420").version()
    assert "4:2:0" in StillAnchor("jpeg-420").version()
    assert there("jxl-7").version() != there("jxl-9").version()
    assert "Pillow" in there("avif").version()
