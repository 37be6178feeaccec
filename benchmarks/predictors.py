"""Predictors beside each other: the entropy of their errors, and the files of their codecs.

    python benchmarks/predictors.py FOLDER_OR_PICTURE ... [--json OUT]

Entropies are of first order, in bits a sample, of the rounded errors on the luma of each picture
(Pillow's "L"), without context modelling: what the literature states. The linear predictors have
the coefficients, with a constant, of the smallest squared error on that picture; the networks are
those of ``roadmap/mlp-predictor``, starting anew on each picture. Files are written with
``ivc.encode`` from the RGB pictures and decoded by one other process.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit
from PIL import Image

import ivc
from common import environment, files, load, percent, table
from ivc.codecs.roadmap import mlp_network as mlp
from ivc.codecs.roadmap.mlp_predictor import WEIGHT_BITS
from ivc.signal.neighbours import CAUSAL, MARGIN, begin_row, end_row, new_field, tap_offsets

EPOCHS = 10
FILES: dict[str, tuple[str, int, dict[str, Any]]] = {
    "dpcm": ("dpcm", 5, {}),
    "linear-ar, W N NW, 1 class": ("linear-ar", 5, {"order": 3, "others": 0, "classes": 1}),
    "linear-ar, order 12, 1 class": ("linear-ar", 5, {"order": 12, "others": 0, "classes": 1}),
    "linear-ar": ("linear-ar", 5, {}),
    "linear-ar, largest": ("linear-ar", 9, {"order": 24, "others": 9, "classes": 32}),
    "mlp-predictor": ("mlp-predictor", 5, {}),
    "mlp-predictor, offline": ("mlp-predictor", 5, {"training": "offline"}),
    "mlp-predictor, 12 neighbours": ("mlp-predictor", 5, {"neighbours": 12}),
}
DECODE = """
import sys, ivc
for name in sys.argv[1:]:
    ivc.decode(name, name + ".png")
"""


def entropy(errors: np.ndarray) -> float:
    _, counts = np.unique(errors.astype(int), return_counts=True)
    shares = counts / counts.sum()
    return float(-(shares * np.log2(shares)).sum())


def padded(luma: np.ndarray) -> np.ndarray:
    """The field that a decoder of this plane would have when it is done."""
    field = new_field(luma.shape, [])
    rows, columns = slice(MARGIN, -MARGIN), slice(MARGIN, -MARGIN)
    field[0, rows, columns] = luma
    for y in range(luma.shape[0]):
        begin_row(field[0], y)
        end_row(field[0], y)
    return field


def neighbours(field: np.ndarray, count: int) -> list[np.ndarray]:
    height, width = (side - 2 * MARGIN for side in field.shape[1:])
    return [
        field[0, MARGIN + dy : MARGIN + dy + height, MARGIN + dx : MARGIN + dx + width]
        for dy, dx in CAUSAL[:count]
    ]


def median(luma: np.ndarray, field: np.ndarray) -> float:
    w, n, nw = neighbours(field, 3)
    return entropy(luma - np.clip(w + n - nw, np.minimum(w, n), np.maximum(w, n)))


def linear(luma: np.ndarray, field: np.ndarray, count: int) -> float:
    columns = [plane.ravel() for plane in neighbours(field, count)]
    inputs = np.stack([*columns, np.ones(luma.size)], 1).astype(float)
    coefficients = np.linalg.lstsq(inputs, luma.ravel().astype(float), rcond=None)[0]
    return entropy(luma.ravel() - np.floor(inputs @ coefficients + 0.5))


@njit
def network_errors(weights, field, shape, taps, shift, learns, out):
    flat, stride = field.reshape(-1), field.shape[2]
    x, h = np.empty(taps.shape[0]), np.empty(weights.shape[1])
    slope = np.empty(weights.shape[1])
    unit, step = 1.0 / (1 << shift), 0.0
    for row in range(shape[0]):
        for column in range(shape[1]):
            at = (row + MARGIN) * stride + column + MARGIN
            y, planar = mlp.forward(weights, flat, at, taps, unit, x, h, slope)
            out[row, column] = flat[at] - np.floor(planar + y / unit + 0.5)
            if learns:
                mlp.learn(weights, (flat[at] - planar) * unit - y, mlp.rate_at(step), x, h, slope)
                step += 1.0


def network(luma: np.ndarray, field: np.ndarray, count: int, learns: bool) -> float:
    weights = np.empty((count + 3, 30))
    mlp.start(weights)
    taps = tap_offsets(field, count, 0)
    shift = mlp.scale_of(field)
    if not learns:
        mlp.train(weights, field, luma.shape, taps, shift, EPOCHS)
        weights = np.floor(weights * (1 << WEIGHT_BITS) + 0.5) / (1 << WEIGHT_BITS)
    errors = np.empty(luma.shape)
    network_errors(weights, field, luma.shape, taps, shift, learns, errors)
    return entropy(errors)


def entropies(path: Path) -> dict[str, float]:
    luma = np.array(Image.open(path).convert("L"), np.int32) - 128
    field = padded(luma)
    found = {"MED": median(luma, field)}
    for count in (3, 12):
        found[f"linear, {count}"] = linear(luma, field, count)
        found[f"MLP online, {count}"] = network(luma, field, count, True)
        found[f"MLP offline, {count}"] = network(luma, field, count, False)
    return found


def sizes(path: Path, folder: Path) -> dict[str, Any]:
    picture = load(path)
    source = folder / "picture.png"
    Image.fromarray(picture).save(source, optimize=True)
    found: dict[str, Any] = {"PNG": {"bytes": source.stat().st_size}}
    coded = []
    for name, (profile, effort, extra) in FILES.items():
        file = folder / f"{len(coded)}.ivc"
        began = time.process_time()
        ivc.encode(source, file, profile=profile, effort=effort, settings=extra)
        seconds = round(time.process_time() - began, 2)
        found[name] = {"bytes": file.stat().st_size, "encode_cpu_seconds": seconds}
        coded.append(file)
    subprocess.run([sys.executable, "-c", DECODE, *map(str, coded)], check=True)
    for file in coded:
        if not np.array_equal(load(Path(f"{file}.png")), picture):
            raise SystemExit(f"{path}: {file.name} is not lossless")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("inputs", nargs="+", type=Path)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as name:
        for path in files(arguments.inputs):
            height, width = load(path).shape[:2]
            row = {"picture": path.name, "pixels": height * width}
            rows.append(row | {"entropy": entropies(path), "files": sizes(path, Path(name))})
    names = list(rows[0]["entropy"])
    lines = [[r["picture"], *(f"{r['entropy'][n]:.3f}" for n in names)] for r in rows]
    means = {n: float(np.mean([r["entropy"][n] for r in rows])) for n in names}
    lines.append(["**mean**", *(f"{means[n]:.3f}" for n in names)])
    print(table(["entropy, bits a sample", *names], lines), end="\n\n")
    totals = {n: sum(r["files"][n]["bytes"] for r in rows) for n in rows[0]["files"]}
    pixels = sum(r["pixels"] for r in rows)
    lines = [
        [n, f"{t:,}", f"{8 * t / pixels:.3f}", percent(100 * (t / totals["PNG"] - 1))]
        for n, t in totals.items()
    ]
    print(table(["files", "bytes", "bits a pixel", "vs PNG"], lines))
    result = {"pictures": rows, "mean_entropy": means, "total_bytes": totals}
    result["versions"] = environment("ivc", "numpy", "numba", "pillow")
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
