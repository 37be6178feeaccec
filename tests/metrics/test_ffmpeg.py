"""The PSNRs against FFmpeg's filter of that name."""

import re
import subprocess

import numpy as np
import pytest
from pictures import frames

from ivc.metrics import Meter
from ivc.types import Layout

imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg")

FORMATS = {
    (Layout.GRAY, 8): "gray",
    (Layout.YUV420, 8): "yuv420p",
    (Layout.YUV422, 10): "yuv422p10le",
    (Layout.YUV444, 12): "yuv444p12le",
    (Layout.RGB, 8): "gbrp",
}


def psnr_filter(folder, reference, test):
    """Of each plane: dB of each frame, and of the mean error of the clip."""
    form = reference.format
    arguments = []
    order = (1, 2, 0) if form.layout is Layout.RGB else range(form.layout.planes)
    for name, pictures in (("test", test), ("reference", reference)):
        with (folder / name).open("wb") as file:
            for index in range(len(pictures)):
                for channel in order:
                    samples = pictures.planes[channel][index]
                    file.write(samples.astype("u1" if form.depth == 8 else "<u2").tobytes())
        size = f"{pictures.width}x{pictures.height}"
        arguments += ["-f", "rawvideo", "-pixel_format", FORMATS[form.layout, form.depth]]
        arguments += ["-video_size", size, "-i", name]
    done = subprocess.run(
        [
            imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", *arguments,
            "-lavfi", "psnr,metadata=print:file=frames.txt", "-f", "null", "-",
        ],
        cwd=folder, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    said = (folder / "frames.txt").read_text()
    keys = {1: "y", 3: "rgb" if form.layout is Layout.RGB else "yuv"}[form.layout.planes]
    per_frame = {
        key: [float(value) for value in re.findall(rf"lavfi\.psnr\.psnr[._]{key}=(\S+)", said)]
        for key in (*keys, "avg")
    }
    summary = re.search(r"PSNR (.*)", done.stderr)[1]
    pooled = {key: float(v) for key, v in re.findall(r"(\w+):(\S+)", summary)}
    return per_frame, pooled


def scores(names, layout, depth):
    reference = frames(layout, 36, 52, 0.05, depth=depth, count=3)
    test = frames(layout, 36, 52, 0.2, depth=depth, count=3, seed=7)
    # frames of different errors, so that the two averages differ
    for p, q in zip(test.planes, reference.planes, strict=True):
        p[1] = q[1] ^ 3
    meter = Meter(names)
    meter.add(reference, test)
    return reference, test, meter.scores()


@pytest.mark.parametrize(("layout", "depth"), [key for key in FORMATS if key[0] is not Layout.RGB])
def test_psnr_of_planes_is_that_of_ffmpeg(layout, depth, tmp_path):
    reference, test, found = scores(["psnr", "psnr-y", "psnr-yuv"], layout, depth)
    per_frame, pooled = psnr_filter(tmp_path, reference, test)
    for name in ("psnr", "psnr-y"):
        assert found[name].per_frame == pytest.approx(per_frame["y"], abs=1e-4)
        assert found[name].mean == pytest.approx(np.mean(per_frame["y"]), abs=1e-4)
        assert found[name].pooled == pytest.approx(pooled["y"], abs=1e-5)
        assert found[name].mean > found[name].pooled + 1
    weights = (1,) if layout is Layout.GRAY else (6 / 8, 1 / 8, 1 / 8)
    planes = "yuv"[: len(weights)]
    expected = sum(w * pooled[key] for w, key in zip(weights, planes, strict=True))
    assert found["psnr-yuv"].pooled == pytest.approx(expected, abs=1e-5)
    expected = sum(w * np.array(per_frame[k]) for w, k in zip(weights, planes, strict=True))
    assert found["psnr-yuv"].per_frame == pytest.approx(expected, abs=1e-4)


def test_psnr_of_rgb_is_the_average_of_ffmpeg(tmp_path):
    reference, test, found = scores(["psnr"], Layout.RGB, 8)
    per_frame, pooled = psnr_filter(tmp_path, reference, test)
    assert found["psnr"].per_frame == pytest.approx(per_frame["avg"], abs=1e-4)
    assert found["psnr"].pooled == pytest.approx(pooled["average"], abs=1e-5)
