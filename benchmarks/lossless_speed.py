"""Speed of each effort of ``lossless``, in one process, and how long its first use takes.

    python benchmarks/lossless_speed.py PICTURE... [--efforts 1,3,5,7,9] [--repeat 3]
        [--no-first-use]         [--json OUT]

Megapixels a second of ``encode`` and ``decode`` without files, the median of warm repetitions, with
one thread and with two. A picture of less than 1.5 megapixels is one stripe, which two threads
cannot share; so for two threads the first picture is repeated below itself until it has two.
The first use is a process with an empty cache of compiled code that encodes and decodes a small
picture; what the same takes with the cache filled is subtracted.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from common import environment, files, frames, load, table
from ivc import threads
from ivc.codecs.base import Settings
from ivc.codecs.lossless import STRIPE, Lossless
from ivc.types import Frames, Segment, SegmentHeader

SMALL = """
import sys
import numpy as np
from ivc.codecs.base import Settings
from ivc.codecs.lossless import Lossless
from ivc.types import Frames, Layout, PixelFormat, Segment, SegmentHeader
rng = np.random.default_rng(0)
planes = [rng.integers(0, 99, (1, 160, 160)).cumsum(2).astype(np.uint8) for _ in range(3)]
frames = Frames(planes, PixelFormat(Layout.RGB))
coded = Lossless().encode(Segment(frames), Settings(effort=int(sys.argv[1])), {})
if len(sys.argv) > 2:
    Lossless().decode(coded, SegmentHeader(frames.format, 160, 160, 1, Lossless.version), {})
"""


def header(picture: Frames) -> SegmentHeader:
    """What a decoder is told of a still."""
    return SegmentHeader(
        picture.format, picture.width, picture.height, len(picture), Lossless.version
    )


def speed(picture: Frames, effort: int, count: int, repeat: int) -> tuple[float, float]:
    """Megapixels a second of encoding and decoding; the first time does not count if repeated."""
    codec, segment = Lossless(), Segment(picture)
    encoding, decoding = [], []
    with threads.at_most(count):
        for _ in range(repeat + 1):
            begin = time.perf_counter()
            coded = codec.encode(segment, Settings(effort=effort), {})
            middle = time.perf_counter()
            decoded = codec.decode(coded, header(picture), {})
            end = time.perf_counter()
            encoding.append(middle - begin)
            decoding.append(end - middle)
            if decoded != picture:
                raise SystemExit("a picture was not decoded as it was")
    pixels = picture.width * picture.height / 1e6
    warm = 1 if repeat else 0
    return tuple(pixels / statistics.median(taken[warm:]) for taken in (encoding, decoding))


def first_use(effort: int) -> tuple[float, float]:
    """Seconds of compiling for encoding, and for encoding and decoding."""
    taken = []
    for decode in (["decode"], []):
        with tempfile.TemporaryDirectory() as folder:
            environ = os.environ | {"NUMBA_CACHE_DIR": folder}
            for _ in range(2):
                begin = time.perf_counter()
                arguments = [sys.executable, "-c", SMALL, str(effort), *decode]
                subprocess.run(arguments, env=environ, check=True)
                taken.append(time.perf_counter() - begin)
    return taken[2] - taken[3], taken[0] - taken[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("inputs", type=Path, nargs="+")
    parser.add_argument("--efforts", default="1,3,5,7,9")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--no-first-use", action="store_true", help="do not time compiling")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    efforts = [int(effort) for effort in options.efforts.split(",")]
    pictures = [frames(load(path)) for path in files(options.inputs)]
    first = pictures[0]
    below = -(-2 * STRIPE // (first.width * first.height))
    tall = Frames([np.tile(plane, (1, below, 1)) for plane in first.planes], first.format)
    rows = []
    for effort in efforts:
        found = [speed(picture, effort, 1, options.repeat) for picture in pictures]
        both = [speed(tall, effort, count, 0 if effort > 5 else options.repeat) for count in (1, 2)]
        row = {
            "effort": effort,
            "encode": statistics.median(f[0] for f in found),
            "decode": statistics.median(f[1] for f in found),
            "two_threads": [both[1][0] / both[0][0], both[1][1] / both[0][1]],
            "first_use": () if options.no_first_use else first_use(effort),
        }
        rows.append(row)
        print(row, flush=True)
    result = {
        "environment": environment("ivc", "numpy", "numba"),
        "pictures": [path.name for path in files(options.inputs)],
        "rows": rows,
    }
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")
    print(
        table(
            ["effort", "encode MP/s", "decode", "two threads", "", "first use s", "and decode"],
            [
                [
                    str(row["effort"]), f"{row['encode']:.3g}", f"{row['decode']:.3g}",
                    *(f"{value:.2f} x" for value in row["two_threads"]),
                    *(f"{value:.0f}" for value in row["first_use"]),
                ]
                for row in rows
            ],
        )
    )  # fmt: skip


if __name__ == "__main__":
    main()
