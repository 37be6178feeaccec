"""Stills by ``roadmap/dct`` and ``roadmap/dpcm`` beside optimised JPEG and PNG, by files on disk.

    python benchmarks/stills.py [FOLDER_OR_PICTURE ...] [--qualities 15,30,...] [--json OUT]

Without arguments it takes photographs that scikit-image ships. Each ``.ivc`` file is written with
``ivc.encode`` and decoded by one other process that has only these files. JPEG and PNG are Pillow's
with ``optimize=True``. Sizes are whole files; PSNR is over R, G and B of a picture; sizes at equal
PSNR are interpolated (PCHIP of log size over PSNR), and "bytes at n dB" averages over the pictures
whose curves reach that PSNR. Speeds are CPU time of the codec alone on one core, warm. Start times
are of a new process with an empty and with a filled cache of compiled code.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import ivc
from common import Picture, environment, files, frames, load, percent, psnr, table
from ivc.bench.bd import Curve, NoOverlap, bd_rate, rate_at
from ivc.bench.contenders.stills import CODERS
from ivc.codecs import by_name
from ivc.types import Segment, SegmentHeader

JPEG_QUALITIES = (5, 10, 20, 35, 50, 65, 75, 85, 92, 96)
LEVELS = (30, 34, 38)
DECODE = """
import sys, ivc
for name in sys.argv[1:]:
    ivc.decode(name, name + ".png")
"""
START = """
import numpy as np
from ivc.codecs import by_name
from ivc.types import Frames, Layout, PixelFormat, Segment, SegmentHeader
form = PixelFormat(Layout.RGB)
frames = Frames([np.zeros((1, 64, 64), np.uint8)] * 3, form)
codec = by_name("{0}").load()
layers = codec.encode(Segment(frames), codec.settings_type(), {{}})
codec.decode(layers, SegmentHeader(form, 64, 64, 1, codec.version), {{}})
"""


def default_pictures(folder: Path) -> list[Path]:
    from skimage import data

    paths = []
    for name in ("astronaut", "coffee", "chelsea", "rocket"):
        path = folder / f"{name}.png"
        Image.fromarray(getattr(data, name)()).save(path)
        paths.append(path)
    return paths


def jpeg_curve(picture: Picture, name: str) -> Curve:
    coder = CODERS[name]
    coded = [coder.encode(picture, quality, 1) for quality in JPEG_QUALITIES]
    return [(len(data), psnr(picture, coder.decode(data))) for data in coded]


def difference(reference: Curve, test: Curve) -> dict[str, float]:
    """Per cent of bytes more than ``reference``: mean over the common quality, and at levels."""
    found = {}
    with suppress(NoOverlap):
        found["bd_rate"] = bd_rate(reference, test).value
    for level in LEVELS:
        theirs, ours = rate_at(reference, level), rate_at(test, level)
        if theirs is not None and ours is not None:
            found[f"{level} dB"] = 100 * (ours / theirs - 1)
    return found


def speeds(name: str, picture: Picture, **settings: Any) -> tuple[float, float]:
    """Megapixels a second of encoding and decoding, best of two after a first run."""
    segment = Segment(frames(picture))
    height, width = picture.shape[:2]
    codec = by_name(name).load()
    header = SegmentHeader(segment.frames.format, width, height, 1, codec.version)
    best = [float("inf")] * 2
    for _ in range(3):
        began = time.process_time()
        layers = codec.encode(segment, codec.settings_type(**settings), {})
        middle = time.process_time()
        codec.decode(layers, header, {})
        end = time.process_time()
        best = [min(best[0], middle - began), min(best[1], end - middle)]
    return height * width / 1e6 / best[0], height * width / 1e6 / best[1]


def start_times(name: str) -> dict[str, float]:
    """CPU seconds of a process that codes one small picture: first ever, and from then on."""
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {"NUMBA_CACHE_DIR": cache}
        seconds = []
        for _ in range(2):
            before = os.times()
            subprocess.run([sys.executable, "-c", START.format(name)], env=environment, check=True)
            after = os.times()
            seconds.append(
                after.children_user - before.children_user
                + after.children_system - before.children_system
            )  # fmt: skip
    return {"first": round(seconds[0], 1), "cached": round(seconds[1], 2)}


def measure(path: Path, qualities: list[float], folder: Path) -> dict[str, Any]:
    picture = load(path)
    source = folder / "picture.png"
    Image.fromarray(picture).save(source, optimize=True)
    coded = []
    for quality in qualities:
        file = folder / f"dct_{quality:g}.ivc"
        ivc.encode(source, file, profile="roadmap/dct", quality=quality)
        coded.append(file)
    lossless = folder / "dpcm.ivc"
    ivc.encode(source, lossless, profile="roadmap/dpcm")
    subprocess.run([sys.executable, "-c", DECODE, *map(str, [*coded, lossless])], check=True)
    decoded = [load(Path(f"{file}.png")) for file in coded]
    if not np.array_equal(load(Path(f"{lossless}.png")), picture):
        raise SystemExit(f"{path}: roadmap/dpcm is not lossless")
    curve = [(f.stat().st_size, psnr(picture, d)) for f, d in zip(coded, decoded, strict=True)]
    return {
        "picture": path.name,
        "pixels": picture.shape[0] * picture.shape[1],
        "dct": curve,
        "vs_jpeg_444": difference(jpeg_curve(picture, "jpeg-444"), curve),
        "vs_jpeg_420": difference(jpeg_curve(picture, "jpeg-420"), curve),
        "png": source.stat().st_size,
        "dpcm": lossless.stat().st_size,
    }


def means(rows: list[dict[str, Any]], reference: str) -> dict[str, float]:
    found: dict[str, list[float]] = {}
    for row in rows:
        for figure, value in row[reference].items():
            found.setdefault(figure, []).append(value)
    return {figure: float(np.mean(values)) for figure, values in found.items()}


def summary(rows: list[dict[str, Any]]) -> str:
    mean: dict[str, Any] = {"picture": "**mean**"}
    mean |= {name: means(rows, name) for name in ("vs_jpeg_444", "vs_jpeg_420")}
    mean |= {name: sum(row[name] for row in rows) for name in ("dpcm", "png")}
    lines = []
    for row in [*rows, mean]:
        figures = [row["vs_jpeg_444"].get("bd_rate"), row["vs_jpeg_420"].get("bd_rate")]
        figures += [row["vs_jpeg_420"].get(f"{n} dB") for n in LEVELS]
        figures.append(100 * (row["dpcm"] / row["png"] - 1))
        lines.append([row["picture"], *map(percent, figures)])
    head = ["picture", "dct vs JPEG 4:4:4", "4:2:0", *(f"{n} dB (4:2:0)" for n in LEVELS)]
    return table([*head, "dpcm vs PNG"], lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("inputs", nargs="*", type=Path)
    parser.add_argument("--qualities", default="10,22,35,48,58,67,75,82,88")
    parser.add_argument("--skip-start", action="store_true", help="do not measure start times")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    qualities = [float(q) for q in arguments.qualities.split(",")]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = files(arguments.inputs) or default_pictures(folder)
        rows = [measure(path, qualities, folder) for path in paths]
        picture = load(paths[0])
    result: dict[str, Any] = {"pictures": rows}
    result["megapixels_per_second"] = {
        "dct quality 50, effort 1": speeds("dct", picture, quality=50, effort=1),
        "dct quality 50, effort 5": speeds("dct", picture, quality=50),
        "dct quality 75, effort 5": speeds("dct", picture, quality=75),
        "dpcm": speeds("dpcm", picture),
    }
    if not arguments.skip_start:
        result["start_seconds"] = {n: start_times(n) for n in ("dct", "dpcm")}
    result["versions"] = environment("ivc", "numpy", "numba", "pillow")
    print(summary(rows))
    print(json.dumps({k: v for k, v in result.items() if k != "pictures"}, indent=1))
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
