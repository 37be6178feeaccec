"""What each part of the ``image`` codec is worth: the same pictures without it.

    python benchmarks/image_parts.py FOLDER [--qualities 15,35,55,75] [--jobs N] [--json OUT]

Files are written and decoded as by ``ivc bench``. Parts of the encoder are left out by effort;
networks and tables by a copy of the model that lacks them. Nothing is trained anew: what
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

from common import environment, percent, table, without_nan
from ivc.bench import summary
from ivc.bench.contenders.ours import Ours
from ivc.bench.material import prepare
from ivc.bench.runner import jobs_of, measure
from ivc.bench.store import Store
from ivc.codecs.image.codec import MODEL, TUNES
from ivc.codecs.image.constants import LOGIT_BITS
from ivc.nets import bundle
from ivc.nets.bundle import Bundle


def changed(
    model: Bundle, folder: Path, *, drop: str = "", contexts: np.ndarray | None = None
) -> str:
    """A copy of the model without some float networks or with other contexts; its folder."""
    floats = {n: model.read(f"{n}.onnx") for n in model.names(".onnx") if not drop or drop not in n}
    arrays = {name: model.array(name) for name in model.names(".npy")}
    if contexts is not None:
        arrays["contexts"] = contexts
    bundle.save(
        folder,
        dataclasses.replace(model.card, name="image-without"),
        {name: model.network(name) for name in model.names(".npz")},
        floats,
        arrays,
    )
    return str(folder)


def uncounted(model: Bundle) -> np.ndarray:
    """First probabilities of contexts without what was counted on the training pictures."""
    shape = model.array("contexts").shape
    logits = (2 * np.arange(shape[-1]) + 0.5 - shape[-1]) / 2**LOGIT_BITS
    zero = np.rint(65536 / (1 + np.exp(logits))).clip(16, 65536 - 16).astype(np.uint16)
    return np.broadcast_to(zero, shape).copy()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--qualities", default="15,35,55,75")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    paths = sorted(options.folder.glob("*.png"))
    qualities = tuple(float(q) for q in options.qualities.split(","))
    model = bundle.load(MODEL, TUNES["psnr"])

    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        materials = [prepare(path, root, name=path.stem) for path in paths]
        whole = Ours("ivc:image")
        variants = {
            "rounding to nearest instead of rate-distortion choice (effort 1)": Ours(
                "ivc:image,effort=1"
            ),
            "one refinement by gradients more (effort 8)": Ours("ivc:image,effort=8"),
            "two refinements more (effort 9)": Ours("ivc:image,effort=9"),
            "without the synthesis network": Ours(
                f"ivc:image,model={changed(model, root / 'a', drop='synthesis')}"
            ),
            "contexts that begin with the logistic function of the logits": Ours(
                f"ivc:image,model={changed(model, root / 'b', contexts=uncounted(model))}"
            ),
        }
        codecs = [whole, *variants.values()]
        jobs, _ = jobs_of(materials, codecs, ladders={codec.name: qualities for codec in codecs})
        with Store(root / "results.sqlite") as store:
            points = measure(jobs, store, ["psnr-rgb"], workers=options.jobs)
    for point in summary.failures(points):
        raise SystemExit(f"{point.title}, {point.source} at {point.setting:g}: {point.error}")
    rows, result = [], {}
    for title, codec in variants.items():
        found = summary.difference(points, "psnr-rgb", codec.name, whole.name)
        values = [found.pictures[m.name].value for m in materials if m.name in found.pictures]
        result[title] = {"mean": found.mean, "pictures": values}
        rows.append([title, percent(found.mean)])
    print(table(["variant", "bytes at equal PSNR-RGB"], rows))
    if options.json:
        everything: dict[str, Any] = {
            "qualities": qualities,
            "pictures": [path.stem for path in paths],
            "variants": result,
            "versions": environment("ivc", "numpy", "onnxruntime"),
        }
        options.json.write_text(json.dumps(without_nan(everything), indent=1) + "\n")


if __name__ == "__main__":
    main()
