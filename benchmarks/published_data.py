"""Writes the published curves that ``ivc.bench.published`` ships, from a collection of them.

    python benchmarks/published_data.py COLLECTION.json [--json OUT]

The collection has groups of codecs with lists ``bpp``, ``psnr-rgb`` and ``ms-ssim-rgb``, one entry
a setting: means over the 24 Kodak pictures. Kept are the codecs below, with MS-SSIM in dB and all
figures rounded to five significant digits.

CompressAI also has MS-SSIM figures of ELIC, described as of models trained for MS-SSIM. Their rates
are those of the models trained for MSE to within 0.001 bpp, and they gain less over VTM than any
older model trained for MS-SSIM does, so they are left out.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from ivc.bench.bd import decibel

DATA = Path(__file__).parent.parent / "src" / "ivc" / "bench" / "data" / "kodak_published.json"

REPOSITORIES = {
    "kodak": (
        "CompressAI",
        "https://github.com/InterDigitalInc/CompressAI",
        "BSD-3-Clause-Clear",
    ),
    "c3_baselines_kodak": (
        "C3",
        "https://github.com/google-deepmind/c3_neural_compression",
        "software Apache-2.0, everything else CC-BY-4.0",
    ),
    "cool_chic_kodak": (
        "Cool-Chic",
        "https://github.com/Orange-OpenSource/Cool-Chic",
        "BSD-3-Clause",
    ),
}
"""Group in the collection: repository, its address, its licence."""

FLOAT = "model of CompressAI; quality of decoded pictures before they are rounded to 8 bits"
BALLE = "J. Ballé et al., Variational image compression with a scale hyperprior, ICLR 2018"
MINNEN = (
    "D. Minnen et al., Joint autoregressive and hierarchical priors for learned image "
    "compression, NeurIPS 2018"
)
CHENG = (
    "Z. Cheng et al., Learned image compression with discretized Gaussian mixture likelihoods "
    "and attention modules, CVPR 2020"
)
ELIC = "D. He et al., ELIC, CVPR 2022, arXiv:2203.10886"
INTRA = "intra; YCbCr 4:4:4, 8 bits"

LEARNED = (
    ("bmshj2018-factorized", BALLE),
    ("bmshj2018-hyperprior", BALLE),
    ("mbt2018", MINNEN),
    ("cheng2020-anchor", CHENG),
)

CODECS: list[tuple[str, str, str, str, str, str]] = [
    ("jpeg", "JPEG (Pillow)", "kodak", "jpeg", "", "Pillow 7.1.2 at its defaults: 4:2:0"),
    ("webp", "WebP (Pillow)", "kodak", "webp", "", "Pillow 7.1.2 at its defaults: 4:2:0"),
    ("jpeg2000", "JPEG 2000", "kodak", "jpeg2000", "", "OpenJPEG by ffmpeg 3.4.6, YCbCr 4:4:4"),
    ("av1", "AV1", "kodak", "av1", "", "aomenc --cpu-used=0 --tune=psnr; YCbCr 4:4:4, 8 bits"),
    ("bpg444", "BPG 4:4:4", "kodak", "bpg_444_x265_ycbcr", "", "BPG 0.9.8 with x265, 8 bits"),
    ("hm", "HM intra", "kodak", "hm", "", INTRA),
    ("vtm", "VTM intra", "kodak", "vtm", "", INTRA),
    *(
        (name, name, "kodak", f"compressai-{name}_mse_cuda", paper, FLOAT)
        for name, paper in LEARNED
    ),
    ("elic", "ELIC", "kodak", "paper-elic2022_mse", ELIC, "read off a figure of its paper"),
    (
        "c3-adaptive",
        "C3 (adaptive)",
        "c3_baselines_kodak",
        "C3 (Adaptive)",
        "H. Kim et al., C3, CVPR 2024, arXiv:2312.02753",
        "as its repository gives it",
    ),
    (
        "coolchic-5.0",
        "Cool-chic 5.0",
        "cool_chic_kodak",
        "v5.0",
        "T. Ladune et al., COOL-CHIC, ICCV 2023, arXiv:2212.05458",
        "mean of its table by picture",
    ),
    *(
        (f"{name}-ms-ssim", f"{name}, MS-SSIM", "kodak", f"compressai-{name}_ms-ssim_cuda", *why)
        for name, paper in LEARNED
        for why in [(paper, f"{FLOAT}; trained for MS-SSIM")]
    ),
]
"""Name, title, group and key in the collection, paper, note."""


def significant(value: float) -> float:
    return float(f"{value:.5g}")


def points(entry: dict[str, Any]) -> dict[str, list[float]]:
    """Columns ``bpp``, ``psnr-rgb`` and ``ms-ssim-rgb`` (dB) by rising rate."""
    columns = {"bpp": entry["bpp"]}
    if "psnr-rgb" in entry:
        columns["psnr-rgb"] = entry["psnr-rgb"]
    if "ms-ssim-rgb" in entry:
        columns["ms-ssim-rgb"] = [decibel(x) for x in entry["ms-ssim-rgb"]]
    order = sorted(range(len(entry["bpp"])), key=entry["bpp"].__getitem__)
    return {name: [significant(column[i]) for i in order] for name, column in columns.items()}


def chosen(collection: dict[str, Any]) -> dict[str, Any]:
    about = collection["_about"]
    codecs = []
    for name, title, group, key, paper, note in CODECS:
        entry = collection[group][key]
        repository, *_ = REPOSITORIES[group]
        at = f"{repository}@{about['commit'][:12]}" if group == "kodak" else repository
        path = entry["source"].split(" ", 1)[-1]
        source = f"{at}, {path}" + (f"; {paper}" if paper else "")
        codecs.append(
            {"name": name, "title": title, "source": source, "note": note, **points(entry)}
        )
    return {
        "about": "Published rate-distortion figures of codecs: means over the 24 Kodak pictures, "
        "rounded to five significant digits. Written by benchmarks/published_data.py.",
        "licence": "The figures are published facts, cited by source. The repositories that hold "
        "them have the licences named here; none of their code or files is included.",
        "repositories": {
            name: {"url": url, "licence": licence} for name, url, licence in REPOSITORIES.values()
        },
        "pictures": 24,
        "metrics": {
            "psnr-rgb": "PSNR over all samples of R, G and B of a picture, in dB, averaged in dB",
            "ms-ssim-rgb": "MS-SSIM of R, G and B, averaged over planes and pictures and then put "
            "in dB, -10 log10(1 - x)",
        },
        "codecs": codecs,
    }


def as_text(data: dict[str, Any]) -> str:
    """JSON with one line for each list of numbers, so that a change can be read."""
    head = {key: value for key, value in data.items() if key != "codecs"}
    text = json.dumps(head, indent=1, ensure_ascii=False).removesuffix("\n}")
    rows = []
    for codec in data["codecs"]:
        fields = (
            f"   {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}"
            for key, value in codec.items()
        )
        rows.append("  {\n" + ",\n".join(fields) + "\n  }")
    return text + ',\n "codecs": [\n' + ",\n".join(rows) + "\n ]\n}\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="Writes the published curves that ivc ships.")
    parser.add_argument("collection", type=Path)
    parser.add_argument("--json", type=Path, default=DATA)
    arguments = parser.parse_args()
    collection = json.loads(arguments.collection.read_text(encoding="utf-8"))
    text = as_text(chosen(collection))
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(text, encoding="utf-8")
    print(f"{arguments.json}: {len(text.encode())} bytes")


if __name__ == "__main__":
    main()
