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
import io
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import ivc
from curves import Curve, difference, psnr
from ivc.codecs import by_name
from ivc.types import Frames, Layout, PixelFormat, Segment, SegmentHeader

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


def jpeg_curve(picture: np.ndarray, subsampling: int) -> Curve:
    curve = []
    for quality in JPEG_QUALITIES:
        file = io.BytesIO()
        image = Image.fromarray(picture)
        image.save(file, "jpeg", quality=quality, optimize=True, subsampling=subsampling)
        curve.append((len(file.getvalue()), psnr(picture, np.asarray(Image.open(file)))))
    return curve


def speeds(name: str, picture: np.ndarray, **settings: Any) -> tuple[float, float]:
    """Megapixels a second of encoding and decoding, best of two after a first run."""
    planes = [np.ascontiguousarray(picture[None, :, :, i]) for i in range(3)]
    segment = Segment(Frames(planes, PixelFormat(Layout.RGB)))
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
    picture = np.asarray(Image.open(path).convert("RGB"))
    source = folder / "picture.png"
    Image.fromarray(picture).save(source, optimize=True)
    files = []
    for quality in qualities:
        file = folder / f"dct_{quality:g}.ivc"
        ivc.encode(source, file, profile="roadmap/dct", quality=quality)
        files.append(file)
    lossless = folder / "dpcm.ivc"
    ivc.encode(source, lossless, profile="roadmap/dpcm")
    subprocess.run([sys.executable, "-c", DECODE, *map(str, [*files, lossless])], check=True)
    decoded = [np.asarray(Image.open(f"{file}.png")) for file in files]
    if not np.array_equal(np.asarray(Image.open(f"{lossless}.png")), picture):
        raise SystemExit(f"{path}: roadmap/dpcm is not lossless")
    curve = [(f.stat().st_size, psnr(picture, d)) for f, d in zip(files, decoded, strict=True)]
    return {
        "picture": path.name,
        "pixels": picture.shape[0] * picture.shape[1],
        "dct": curve,
        "vs_jpeg_444": difference(jpeg_curve(picture, 0), curve, LEVELS),
        "vs_jpeg_420": difference(jpeg_curve(picture, 2), curve, LEVELS),
        "png": source.stat().st_size,
        "dpcm": lossless.stat().st_size,
    }


def mean(rows: list[dict[str, Any]], reference: str, figure: str) -> float:
    return float(np.mean([row[reference][figure] for row in rows if figure in row[reference]]))


def table(rows: list[dict[str, Any]]) -> str:
    lines = [
        "| picture | dct vs JPEG 4:4:4 | 4:2:0 | " + " | ".join(f"{n} dB (4:2:0)" for n in LEVELS)
        + " | dpcm vs PNG |",
        "|---" * (4 + len(LEVELS)) + "|",
    ]  # fmt: skip
    for row in rows:
        levels = [row["vs_jpeg_420"].get(f"{n} dB") for n in LEVELS]
        lines.append(
            f"| {row['picture']} | {row['vs_jpeg_444']['bd_rate']:+.1f} % "
            f"| {row['vs_jpeg_420']['bd_rate']:+.1f} % | "
            + " | ".join("" if v is None else f"{v:+.1f} %" for v in levels)
            + f" | {100 * (row['dpcm'] / row['png'] - 1):+.1f} % |"
        )
    averages = [mean(rows, "vs_jpeg_420", f"{n} dB") for n in LEVELS]
    total = 100 * (sum(r["dpcm"] for r in rows) / sum(r["png"] for r in rows) - 1)
    lines.append(
        f"| **mean** | **{mean(rows, 'vs_jpeg_444', 'bd_rate'):+.1f} %** "
        f"| **{mean(rows, 'vs_jpeg_420', 'bd_rate'):+.1f} %** | "
        + " | ".join(f"{v:+.1f} %" for v in averages)
        + f" | {total:+.1f} % |"
    )
    return "\n".join(lines)


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
        paths = []
        for item in arguments.inputs:
            paths += sorted(item.glob("*.png")) if item.is_dir() else [item]
        paths = paths or default_pictures(folder)
        rows = [measure(path, qualities, folder) for path in paths]
        picture = np.asarray(Image.open(paths[0]).convert("RGB"))
    result: dict[str, Any] = {"pictures": rows}
    result["megapixels_per_second"] = {
        "dct quality 50, effort 1": speeds("dct", picture, quality=50, effort=1),
        "dct quality 50, effort 5": speeds("dct", picture, quality=50),
        "dct quality 75, effort 5": speeds("dct", picture, quality=75),
        "dpcm": speeds("dpcm", picture),
    }
    if not arguments.skip_start:
        result["start_seconds"] = {n: start_times(n) for n in ("dct", "dpcm")}
    result["versions"] = {
        "python": platform.python_version(),
        "machine": platform.processor() or platform.machine(),
        **{n: metadata.version(n) for n in ("ivc", "numpy", "numba", "pillow")},
    }
    print(table(rows))
    print(json.dumps({k: v for k, v in result.items() if k != "pictures"}, indent=1))
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
