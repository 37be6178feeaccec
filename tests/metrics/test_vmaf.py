import json
import subprocess
import sys

import numpy as np
import pytest
from pictures import frames, gray, plane

from ivc.errors import UsageError
from ivc.metrics import Meter, available, measure
from ivc.types import Colour, Frames, Layout, PixelFormat

vmaf = sys.modules["ivc.metrics.vmaf"]
needs_ffmpeg = pytest.mark.skipif(bool(available("vmaf")), reason=str(available("vmaf")))

Y4M = {8: "420jpeg", 10: "420p10 XYSCSS=420P10", 12: "420p12 XYSCSS=420P12"}


def clip(noise, seed, depth=8, count=5, height=72, width=98):
    """A pattern that moves, under noise."""
    wide = plane(height, width + 64, noise, seed, depth)
    half = [plane(height // 2, width // 2, noise, seed + i, depth) for i in (1, 2)]
    luma = np.stack([wide[:, 4 * t * t : 4 * t * t + width] for t in range(count)])
    chroma = [np.stack([p] * count) for p in half]
    return Frames([luma, *chroma], PixelFormat(Layout.YUV420, depth))


def write_y4m(path, pictures):
    form = pictures.format
    with path.open("wb") as file:
        size = f"W{pictures.width} H{pictures.height}"
        file.write(f"YUV4MPEG2 {size} F25:1 Ip A1:1 C{Y4M[form.depth]}\n".encode())
        for index in range(len(pictures)):
            file.write(b"FRAME\n")
            for samples in pictures.planes:
                file.write(samples[index].astype("u1" if form.depth == 8 else "<u2").tobytes())


def direct(folder, *arguments):
    """Figures of frames and the mean that FFmpeg itself says, of test and reference."""
    options = "libvmaf=model=version=vmaf_v0.6.1:log_fmt=json:log_path=log.json"
    subprocess.run(
        [vmaf.program(), "-v", "error", *arguments, "-lavfi", options, "-f", "null", "-"],
        cwd=folder, check=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    log = json.loads((folder / "log.json").read_text())
    per_frame = tuple(frame["metrics"]["vmaf"] for frame in log["frames"])
    return per_frame, log["pooled_metrics"]["vmaf"]["mean"]


@needs_ffmpeg
@pytest.mark.parametrize("depth", [8, 10, 12])
def test_figures_are_those_of_ffmpeg_on_the_same_y4m(depth, tmp_path):
    reference, test = clip(0.1, 1, depth), clip(0.4, 5, depth)
    write_y4m(tmp_path / "reference.y4m", reference)
    write_y4m(tmp_path / "test.y4m", test)
    per_frame, mean = direct(tmp_path, "-i", "test.y4m", "-i", "reference.y4m")
    meter = Meter(["vmaf"])
    meter.add(reference, test)
    score = meter.scores()["vmaf"]
    assert score.per_frame == per_frame
    assert score.mean == score.pooled == pytest.approx(mean, abs=1e-6)
    assert 0 < mean < 90


@needs_ffmpeg
@pytest.mark.parametrize("parts", [[1, 1, 1, 1, 1], [2, 3], [4, 1]])
def test_runs_and_merged_meters_have_the_figures_of_the_whole(parts):
    reference, test = clip(0.1, 1), clip(0.4, 5)
    whole, added, merged = Meter(["vmaf"]), Meter(["vmaf"]), Meter(["vmaf"])
    whole.add(reference, test)
    start = 0
    for length in parts:
        run = slice(start, start + length)
        added.add(reference[run], test[run])
        part = Meter(["vmaf"])
        part.add(reference[run], test[run])
        merged = merged.merged(part)
        start += length
    assert added.scores() == merged.scores() == whole.scores()
    # so that the seams would show
    alone = measure("vmaf", reference[2:3], test[2:3])
    assert abs(alone - whole.scores()["vmaf"].per_frame[2]) > 0.1


@needs_ffmpeg
def test_chunks_change_nothing(monkeypatch):
    reference, test = clip(0.1, 1), clip(0.4, 5)
    whole = vmaf.vmaf(reference, test)
    monkeypatch.setattr(vmaf, "CHUNK_SAMPLES", 2 * reference.height * reference.width)
    assert vmaf.vmaf(reference, test) == whole


@needs_ffmpeg
def test_rgb_is_measured_about_as_ffmpeg_converts_it(tmp_path):
    pictures = [
        frames(Layout.RGB, 96, 128, 0.05), frames(Layout.RGB, 96, 128, 0.3, seed=4),
    ]  # fmt: skip
    arguments = []
    for name, picture in zip(("reference", "test"), pictures, strict=True):
        np.stack([p[0] for p in picture.planes], axis=-1).tofile(tmp_path / name)
        raw = ["-f", "rawvideo", "-pixel_format", "rgb24", "-video_size", "128x96"]
        arguments = [*raw, "-i", name, *arguments]
    _, mean = direct(tmp_path, *arguments)
    # FFmpeg's converter rounds otherwise
    assert measure("vmaf", *pictures) == pytest.approx(mean, abs=0.3)


@needs_ffmpeg
def test_a_still_is_a_clip_of_one_frame_without_motion():
    picture = gray(plane(64, 80, 0.1))
    assert 90 < measure("vmaf", picture, picture) <= 100


@needs_ffmpeg
@pytest.mark.parametrize("depth", [8, 9, 10, 11, 12, 14, 16])
@pytest.mark.parametrize("layout", [Layout.GRAY, Layout.YUV422, Layout.RGB])
def test_all_formats_are_measured(layout, depth):
    a = frames(layout, 41, 55, 0.1, depth=depth, alpha=True)
    b = frames(layout, 41, 55, 0.5, depth=depth, alpha=True, seed=3)
    assert 0 < measure("vmaf", a, b) < 90


def test_full_range_becomes_limited_and_limited_stays():
    samples = np.array([[[0, 1, 128, 254, 255]]], np.uint8)
    full = Frames([samples], PixelFormat(Layout.GRAY, colour=Colour(full_range=True)))
    limited = Frames([samples], PixelFormat(Layout.GRAY))
    white = Frames([samples] * 3, PixelFormat(Layout.RGB))
    assert vmaf._luma(limited, limited, 0, 0, 1, 8).tolist() == samples[0].tolist()
    for pictures in (full, white):
        assert vmaf._luma(pictures, pictures, 0, 0, 1, 8).tolist() == [[16, 17, 126, 234, 235]]
    # the reference says how both are meant
    assert vmaf._luma(limited, full, 0, 0, 1, 8).tolist() == [[16, 17, 126, 234, 235]]


def test_depths_in_between_are_shifted_up():
    samples = np.array([[[0, 1, 511]]], np.uint16)
    nine = Frames([samples], PixelFormat(Layout.GRAY, 9))
    assert vmaf._luma(nine, nine, 0, 0, 1, 10).tolist() == [[0, 2, 1022]]
    peak = Frames([samples], PixelFormat(Layout.GRAY, 9, colour=Colour(full_range=True)))
    assert vmaf._luma(peak, peak, 0, 0, 1, 10)[0, [0, 2]].tolist() == [64, 940]


def test_without_a_program_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    monkeypatch.setattr(vmaf.shutil, "which", lambda name: None)
    assert "pip install 'ivc[bench]'" in available("vmaf")
    with pytest.raises(UsageError, match="vmaf needs an FFmpeg program with libvmaf"):
        measure("vmaf", clip(0.1, 1), clip(0.1, 1))


def test_a_program_without_libvmaf_is_passed_over(monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    monkeypatch.setattr(vmaf.shutil, "which", lambda name: sys.executable)
    vmaf._has_libvmaf.cache_clear()
    assert available("vmaf")
    monkeypatch.setattr(vmaf.shutil, "which", lambda name: "/no/such/ffmpeg")
    assert available("vmaf")


@needs_ffmpeg
def test_what_vmaf_cannot_do_is_said(monkeypatch):
    small = frames(Layout.GRAY, 31, 64, 0.1)
    with pytest.raises(UsageError, match="vmaf needs pictures of at least 32x32"):
        measure("vmaf", small, small)
    monkeypatch.setattr(vmaf, "MODEL", "of_tomorrow")
    picture = frames(Layout.GRAY, 64, 64, 0.1)
    with pytest.raises(UsageError, match=r"vmaf: .* failed: .*could not load libvmaf model"):
        measure("vmaf", picture, picture)
