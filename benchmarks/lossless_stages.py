"""What each stage of ``lossless`` is worth: the same samples coded without it.

    python benchmarks/lossless_stages.py --photographs DIR --screens DIR --clips DIR
        [--effort 9] [--jobs N] [--json OUT]

Middle parts of the pictures (384x256; of screens 512x384) and of the first four frames of the clips
(192x128) are coded and decoded again without the stage; bytes are those of the stripes.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from common import environment, table
from ivc.codecs.lossless import stripes
from ivc.codecs.lossless.mixing import LEARNING
from ivc.codecs.lossless.model import KNOBS
from ivc.codecs.lossless.tools import ALL, Tools
from ivc.media import open_source
from ivc.types import PixelFormat

NEVER = 1e30
WIDE, MEDIUM, NARROW = KNOBS.windows


def without(**knobs: object) -> Tools:
    """All stages, some constants of the model changed."""
    return replace(ALL, knobs=KNOBS._replace(**knobs))


def mixed(**learning: float) -> Tools:
    """All stages, some constants of the mixer changed."""
    return replace(ALL, learning=LEARNING._replace(**learning))


def ridge(window: object) -> object:
    """A window whose coefficients stay those of the wider one."""
    return window._replace(ridge=NEVER)  # type: ignore[attr-defined]


PREDICTION = {
    "least squares (coefficients stay 0.6, 0.6, -0.4)": without(
        windows=(ridge(WIDE), ridge(MEDIUM), ridge(NARROW))
    ),
    "the two narrower windows of least squares": without(
        windows=(WIDE, ridge(MEDIUM), ridge(NARROW))
    ),
    "fixed predictors in the weighted sum": without(fixed=0.0),
    "network": without(rate=0.0),
    "mean errors in contexts": without(steady=NEVER),
    "stacked least squares, with all it draws on": without(stacked=0.0),
    "prediction from planes coded before": replace(ALL, references=False),
}
DECISIONS = {
    "adaptive contexts": mixed(early=NEVER),
    "learning of the mixers": mixed(rate=0.0, first_rate=0.0, final_rate=0.0),
    "secondary estimation": mixed(secondary=0.0),
}
STAGES = {
    "photographs": {
        **PREDICTION,
        "colour transform": replace(ALL, colours=False),
        "colour transform and prediction from planes coded before": replace(
            ALL, colours=False, references=False
        ),
        **DECISIONS,
    },
    "screens": {
        "exact repeats": replace(ALL, matching=False),
        "palette": replace(ALL, palette=False),
        "exact repeats and palette": replace(ALL, matching=False, palette=False),
        "colour transform": replace(ALL, colours=False),
        "network": without(rate=0.0),
        **DECISIONS,
    },
    "clips": {
        "prediction from the picture before": replace(ALL, previous=False),
        "displacements": replace(ALL, motion=False),
        "network": without(rate=0.0),
        "stacked least squares, with all it draws on": without(stacked=0.0),
        **DECISIONS,
    },
}
PARTS = {"photographs": (384, 256, 1), "screens": (512, 384, 1), "clips": (192, 128, 4)}

Part = tuple[list[np.ndarray], PixelFormat]


def parts(kind: str, folder: Path) -> Iterator[Part]:
    """The middle of every picture or clip of a folder."""
    width, height, count = PARTS[kind]
    for path in sorted(folder.rglob("*.mkv" if kind == "clips" else "*.png")):
        with open_source(path) as source:
            pictures = [f.frames for f in islice(source.frames(), count)]
        pixel_format = pictures[0].format
        shift_x, shift_y = pixel_format.layout.chroma_shift
        top = max((pictures[0].height - height) // 2, 0) & ~1
        left = max((pictures[0].width - width) // 2, 0) & ~1
        planes = []
        for i in range(len(pictures[0].planes)):
            x, y = (shift_x, shift_y) if i in (1, 2) else (0, 0)
            whole = np.concatenate([p.planes[i] for p in pictures])
            planes.append(
                np.ascontiguousarray(
                    whole[:, top >> y : (top + height) >> y, left >> x : (left + width) >> x]
                )
            )
        yield planes, pixel_format


def coded_size(task: tuple[Part, int, Tools]) -> int:
    """Bytes of a part; decoding must return it."""
    (planes, pixel_format), effort, tools = task
    data = stripes.encode(planes, pixel_format, effort, tools)
    out = [np.zeros_like(plane) for plane in planes]
    stripes.decode(memoryview(data), pixel_format, out, tools)
    if not all(np.array_equal(a, b) for a, b in zip(planes, out, strict=True)):
        raise SystemExit("a part was not decoded as it was")
    return len(data)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for kind in PARTS:
        parser.add_argument(f"--{kind}", type=Path, required=True, metavar="DIR")
    parser.add_argument("--effort", type=int, default=9)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    result: dict[str, object] = {
        "effort": options.effort,
        "environment": environment("ivc", "numpy", "numba"),
    }
    with ProcessPoolExecutor(options.jobs) as pool:
        for kind, stages in STAGES.items():
            found = list(parts(kind, getattr(options, kind)))
            sizes = {}
            for name, tools in {"everything": ALL, **stages}.items():
                tasks = [(part, options.effort, tools) for part in found]
                sizes[name] = sum(pool.map(coded_size, tasks))
            result[kind] = {"parts": len(found), "bytes": sizes}
            whole = sizes["everything"]
            rows = [
                [name, f"{size:,}", f"{100 * (size / whole - 1):+.2f} %"]
                for name, size in sizes.items()
            ]
            print(f"\n{len(found)} {kind}\n")
            print(table(["without", "bytes", ""], rows), flush=True)
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
