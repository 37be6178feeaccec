"""Round trips over all formats and sizes, encoded in one process and decoded in two others.

    python benchmarks/roundtrips.py [--profile NAME]... [--efforts 5] [--json OUT]

Every codec codes stills and clips of every layout, bit depth, with and without alpha, in sizes from
1x1. The encoding process records what its own decoder returns; two fresh processes, with one and
with two threads, decode the files and must agree in every sample. Lossless codecs must return the
input. Prints how many files were tried and how many differed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from fractions import Fraction
from itertools import product
from pathlib import Path

import numpy as np

import ivc
from ivc.codecs import CODECS, by_name
from ivc.media.memory import FramesSource
from ivc.pipeline import DecodeOptions, EncodeOptions, decoded_segments, encode
from ivc.stream import open_stream
from ivc.types import Frames, Layout, PixelFormat

DEPTHS = (8, 10, 12, 16)
SIZES = ((1, 1), (1, 7), (7, 1), (8, 8), (17, 9), (64, 64), (65, 33), (130, 71))
FRAMES = (1, 3)


def pattern(form: PixelFormat, frames: int, width: int, height: int) -> Frames:
    """Ramps and noise that move."""
    rng = np.random.default_rng(width * 1000 + height)
    planes = []
    for number, (h, w) in enumerate(form.plane_shapes(width, height)):
        t, y, x = np.mgrid[0:frames, 0:h, 0:w]
        ramp = ((x + t) * (3 + number) + y * 2) % 256 / 256 * form.max_value
        noisy = ramp + rng.normal(0, form.max_value / 50, ramp.shape)
        planes.append(np.clip(noisy, 0, form.max_value).astype(form.dtype))
    return Frames(planes, form)


def digest(frames: Frames) -> str:
    """Hash of all samples and of the format."""
    sha = hashlib.sha256(str(frames.format).encode())
    for plane in frames.planes:
        sha.update(np.ascontiguousarray(plane).tobytes())
    return sha.hexdigest()


def decode_file(path: Path) -> Frames:
    """All frames of a file."""
    with open_stream(path) as stream:
        return Frames.concatenate([s.frames for s in decoded_segments(stream, DecodeOptions())])


def decode_folder(folder: Path) -> None:
    """Print the digests of all files of a folder, as JSON."""
    files = sorted(folder.glob("*.ivc"))
    print(json.dumps({path.stem: digest(decode_file(path)) for path in files}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--profile", action="append", help="default: all")
    parser.add_argument("--efforts", default="5")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--decode", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.decode:
        decode_folder(options.decode)
        return
    expected: dict[str, str] = {}
    tried: Counter[str] = Counter()
    lossy = 0
    profiles = [by_name(name) for name in options.profile] if options.profile else CODECS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        efforts = [int(effort) for effort in options.efforts.split(",")]
        for profile, effort, layout, depth, alpha, size, count in product(
            profiles, efforts, Layout, DEPTHS, (False, True), SIZES, FRAMES
        ):
            form = PixelFormat(layout, depth, alpha)
            if not profile.load().supports(form):
                continue
            frames = pattern(form, count, *size)
            short = profile.name.rpartition("/")[2]
            stem = f"{short}-{layout.name}-{depth}-{alpha}-{size[0]}x{size[1]}-{count}-e{effort}"
            path = folder / f"{stem}.ivc"
            rate = Fraction(25) if count > 1 else None
            encode(FramesSource(frames, rate), path, EncodeOptions(profile.name, effort=effort))
            decoded = decode_file(path)
            lossy += profile.lossless and decoded != frames
            expected[stem] = digest(decoded)
            tried[f"{short} effort {effort} {layout.name} {depth} bit"] += 1
        differing = 0
        for threads in ("1", "2"):
            run = subprocess.run(
                [sys.executable, __file__, "--decode", str(folder)],
                env=dict(os.environ, NUMBA_NUM_THREADS=threads, OMP_NUM_THREADS=threads),
                capture_output=True, text=True, check=True,
            )  # fmt: skip
            found = json.loads(run.stdout)
            differing += sum(found.get(stem) != value for stem, value in expected.items())
    result = {
        "ivc": ivc.__version__,
        "efforts": efforts,
        "files": len(expected),
        "sizes": [f"{w}x{h}" for w, h in SIZES],
        "frames": FRAMES,
        "decodes_in_other_processes": 2 * len(expected),
        "differing": differing,
        "lossless_not_exact": lossy,
        "by_format": tried,
    }
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")
    for name, number in tried.items():
        print(f"{name}: {number} files")
    print(
        f"{len(expected)} files, {2 * len(expected)} decodes in other processes: "
        f"{differing} differ, {lossy} lossless files are not exact"
    )


if __name__ == "__main__":
    main()
