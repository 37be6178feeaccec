"""What each part of the ``image`` codec is worth: the same pictures without it.

    python benchmarks/image_parts.py FOLDER [--qualities 15,35,55,75] [--jobs N] [--json OUT]

Files are written and decoded as in ``image_rd.py``. Parts of the encoder are left out by effort;
the float networks by a copy of the model whose graphs return zeros. Nothing is trained anew: what
the codec would do without a part if it had been trained without it lies between the row and zero.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from curves import bd_rate, environment, percent, without_nan
from image_rd import Points, measured, table
from ivc.codecs.image.codec import MODEL, TUNES
from ivc.codecs.image.constants import SHARED_LEVEL
from ivc.nets import bundle
from ivc.nets.bundle import Bundle
from ivc.nets.onnxfile import GraphWriter
from peers import curve


def zeros(source: str, output: str, channels: int) -> bytes:
    """The ONNX file of a network that returns zeros as large as its input."""
    writer = GraphWriter("zeros")
    writer.input(source, "float32", [1, 3, "H", "W"])
    writer.input("step", "float32", [1, 1, 1, 1])
    weight = writer.constant(np.zeros((channels, 3, 1, 1), np.float32))
    writer.node("Conv", source, weight, output=output)
    writer.output(output, "float32", [1, channels, "H", "W"])
    return writer.model()


def without(model: Bundle, folder: Path, *, synthesis: bool, prediction: bool) -> str:
    """A copy of the model that lacks networks; the path of its folder."""
    floats = {
        f"{level}.predict": zeros("coarse", "details", 9)
        if prediction
        else model.read(f"{level}.predict.onnx")
        for level in range(1, SHARED_LEVEL + 1)
    }
    if not synthesis and "synthesis.onnx" in model:
        floats["synthesis"] = model.read("synthesis.onnx")
    bundle.save(
        folder,
        dataclasses.replace(model.card, name="image-without"),
        {name: model.network(name) for name in model.names(".npz")},
        floats,
        {name: model.array(name) for name in model.names(".npy")},
    )
    return str(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--qualities", default="15,35,55,75")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    paths = sorted(options.folder.glob("*.png"))
    qualities = [float(q) for q in options.qualities.split(",")]
    model = bundle.load(MODEL, TUNES["psnr"])

    def points(effort: int = 5, folder: str = "") -> dict[str, Points]:
        chosen = argparse.Namespace(
            set=[f"model={folder}"] if folder else [], tune=None, profile="image",
            effort=effort, qualities=qualities, jobs=options.jobs,
        )  # fmt: skip
        return measured(paths, chosen)

    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        whole = points()
        variants = {
            "rounding to nearest instead of rate-distortion choice (effort 1)": points(1),
            "one refinement by gradients more (effort 8)": points(8),
            "two refinements more (effort 9)": points(9),
            "without the synthesis network": points(
                folder=without(model, root / "a", synthesis=True, prediction=False)
            ),
            "without predictions": points(
                folder=without(model, root / "b", synthesis=False, prediction=True)
            ),
        }
    rows, result = [], {}
    for title, found in variants.items():
        values = [bd_rate(curve(whole[s], "psnr"), curve(found[s], "psnr")) for s in whole]
        result[title] = {"mean": float(np.mean(values)), "pictures": values}
        rows.append([title, percent(result[title]["mean"])])
    print(table(["variant", "bytes at equal PSNR-RGB"], rows))
    if options.json:
        everything: dict[str, Any] = {
            "qualities": qualities,
            "pictures": list(whole),
            "variants": result,
            "versions": environment("ivc", "numpy", "onnxruntime"),
        }
        options.json.write_text(json.dumps(without_nan(everything), indent=1) + "\n")


if __name__ == "__main__":
    main()
