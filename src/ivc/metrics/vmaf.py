"""VMAF of a run of frames, by an FFmpeg program that was built with libvmaf.

Z. Li, A. Aaron, I. Katsavounidis, A. Moorthy, M. Manohara, "Toward a practical perceptual video
quality metric", Netflix, 2016; model ``vmaf_v0.6.1``, which libvmaf holds.

The model sees luma alone, in the limited range of video. So only luma is handed over, in 8, 10, 12
or 16 bit and with chroma that is neutral throughout:

* gray and YUV of limited range: the samples as they are;
* gray and YUV of full range, and RGB (its luma of BT.601): 16 + 219 luma / peak, for 8 bit, rounded
  to integers, which is what FFmpeg makes of RGB itself.

Depths between these are shifted up to the next of them.

One of the features is the motion since the frame before, or to the next one if that is less. Hence
the figure of a frame is final only when its neighbours are known; ``ivc.metrics.meter`` sees to it.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from ivc.errors import UsageError
from ivc.metrics.luma import luma_rows, strips
from ivc.metrics.needs import require
from ivc.types import Frames, Layout

MODEL = "vmaf_v0.6.1"
THREADS = 2
SMALLEST_SIDE = 32
"""libvmaf crashes on sides of 16 samples and less; here its coarsest scale has four of them."""
CHUNK_SAMPLES = 1 << 27
"""Samples of luma that are written to a temporary file at a time, about."""
DEPTHS = {8: "yuv420p", 10: "yuv420p10le", 12: "yuv420p12le", 16: "yuv420p16le"}


def programs() -> list[str]:
    """The FFmpeg programs that are there: of the package imageio-ffmpeg, then on the PATH."""
    found: list[str | None] = []
    try:
        (package,) = require("vmaf", "bench", "imageio_ffmpeg")
        found.append(package.get_ffmpeg_exe())
    except (UsageError, RuntimeError):
        pass  # there may be one on the PATH
    return [path for path in (*found, shutil.which("ffmpeg")) if path]


def program() -> str:
    """Path of the FFmpeg program with libvmaf: of the package imageio-ffmpeg, or on the PATH.

    Raises:
        UsageError: when there is none.
    """
    for path in programs():
        if _has_libvmaf(path):
            return str(Path(path).absolute())
    raise UsageError(
        "vmaf needs an FFmpeg program with libvmaf: pip install 'ivc[bench]', "
        "or put such an ffmpeg on the PATH"
    )


def vmaf(reference: Frames, test: Frames) -> list[tuple[float]]:
    """VMAF of each frame of a run, 0 to 100, as if nothing came before or after it.

    Raises:
        UsageError: when there is no program, the pictures are too small, or the program fails.
    """
    if min(reference.height, reference.width) < SMALLEST_SIDE:
        raise UsageError(f"vmaf needs pictures of at least {SMALLEST_SIDE}x{SMALLEST_SIDE} samples")
    path = program()
    length = max(1, CHUNK_SAMPLES // (reference.height * reference.width))
    figures: list[tuple[float]] = []
    for start in range(0, len(reference), length):
        stop = min(start + length, len(reference))
        # the neighbours' own figures are of no use, but motion is measured against them
        first, last = max(start - 1, 0), min(stop + 1, len(reference))
        of_chunk = _run(path, reference[first:last], test[first:last], reference.format.depth)
        figures += [(figure,) for figure in of_chunk[start - first : stop - first]]
    return figures


@functools.cache
def _has_libvmaf(path: str) -> bool:
    try:
        done = subprocess.run(
            [path, "-hide_banner", "-filters"],
            stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=60,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return False
    return b" libvmaf " in done.stdout


def _run(path: str, reference: Frames, test: Frames, depth: int) -> list[float]:
    depth = next(known for known in DEPTHS if known >= depth)
    with tempfile.TemporaryDirectory(prefix="ivc-vmaf-") as folder:
        command = [path, "-v", "error", "-nostdin"]
        for name, frames in (("test.yuv", test), ("reference.yuv", reference)):
            with (Path(folder) / name).open("wb") as file:
                _write(file, frames, reference, depth)
            size = f"{frames.width}x{frames.height}"
            command += ["-f", "rawvideo", "-pixel_format", DEPTHS[depth], "-video_size", size]
            command += ["-framerate", "25", "-i", name]
        options = f"model=version={MODEL}:n_threads={THREADS}:log_fmt=json:log_path=log.json"
        command += ["-lavfi", f"[0:v][1:v]libvmaf={options}", "-f", "null", os.devnull]
        done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
        log = Path(folder) / "log.json"
        if done.returncode or not log.exists():
            said = done.stderr.decode(errors="replace").strip().splitlines()
            reason = said[0] if said else f"exit code {done.returncode}"
            raise UsageError(f"vmaf: {path} failed: {reason}")
        entries = json.loads(log.read_text(encoding="utf-8"))["frames"]
    if len(entries) != len(reference):
        raise UsageError(f"vmaf: {path} measured {len(entries)} of {len(reference)} frames")
    return [float(entry["metrics"]["vmaf"]) for entry in entries]


def _write(file: BinaryIO, frames: Frames, reference: Frames, depth: int) -> None:
    """Write frames as raw 4:2:0 of a depth; whether they are limited is as in the reference."""
    dtype = "u1" if depth == 8 else "<u2"
    chroma_shape = 2, -(-frames.height // 2), -(-frames.width // 2)
    neutral = np.full(chroma_shape, 1 << (depth - 1), dtype).tobytes()
    for index in range(len(frames)):
        for start, stop in strips(frames.height, frames.width):
            file.write(_luma(frames, reference, index, start, stop, depth).astype(dtype).tobytes())
        file.write(neutral)


def _luma(
    frames: Frames, reference: Frames, index: int, start: int, stop: int, depth: int
) -> npt.NDArray[Any]:
    form = reference.format
    if form.layout is not Layout.RGB and not form.colour.full_range:
        return np.left_shift(frames.planes[0][index, start:stop], depth - form.depth)
    unit = 1 << (depth - 8)
    luma = luma_rows(frames, index, start, stop)
    return np.rint(16 * unit + luma * (219 * unit / form.max_value))
