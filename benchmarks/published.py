"""Published mean curves over the 24 Kodak pictures, and what they say of other pictures.

The JSON holds groups of codecs with lists ``bpp``, ``psnr-rgb`` and ``ms-ssim-rgb`` or
``ms-ssim-db-rgb``, one entry a quality. They are means over all 24 pictures, so a curve over some
of them is easier or harder to code. How much is estimated from codecs of which both are known:
those that are run again here, and those that publish their figures by picture.
"""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from curves import Curve, bd_rate, decibel, mean_curve

CODECS = {
    "JPEG (Pillow)": ("kodak", "jpeg"),
    "WebP": ("kodak", "webp"),
    "BPG 4:4:4": ("kodak", "bpg_444_x265_ycbcr"),
    "VTM intra": ("kodak", "vtm"),
    "bmshj2018-hyperprior": ("kodak", "compressai-bmshj2018-hyperprior_mse_cuda"),
    "mbt2018": ("kodak", "compressai-mbt2018_mse_cuda"),
    "cheng2020-anchor": ("kodak", "compressai-cheng2020-anchor_mse_cuda"),
    "ELIC": ("kodak", "paper-elic2022_mse"),
    "C3": ("c3_baselines_kodak", "C3 (Adaptive)"),
    "Cool-chic 5.0": ("cool_chic_kodak", "v5.0"),
    "bmshj2018-hyperprior, MS-SSIM": ("kodak", "compressai-bmshj2018-hyperprior_ms-ssim_cuda"),
    "mbt2018, MS-SSIM": ("kodak", "compressai-mbt2018_ms-ssim_cuda"),
    "cheng2020-anchor, MS-SSIM": ("kodak", "compressai-cheng2020-anchor_ms-ssim_cuda"),
    "ELIC, MS-SSIM": ("kodak", "paper-elic2022_ms-ssim"),
}
"""Name in tables: group and key in the JSON. ``, MS-SSIM``: trained for MS-SSIM."""

AS_PUBLISHED = {"JPEG as published": "JPEG (Pillow)", "WebP as published": "WebP"}
"""Peers of ``peers.AS_PUBLISHED`` by what they repeat."""


def read(path: Path) -> dict[str, dict[str, Curve]]:
    """Curves by codec and metric (``psnr``, ``ms-ssim-rgb`` in dB) of those that the file has."""
    data = json.loads(path.read_text())
    found: dict[str, dict[str, Curve]] = {}
    for name, (group, key) in CODECS.items():
        entry = data.get(group, {}).get(key)
        if entry is None:
            continue
        curves = {}
        if "psnr-rgb" in entry:
            curves["psnr"] = _curve(entry["bpp"], entry["psnr-rgb"])
        if "ms-ssim-rgb" in entry:
            curves["ms-ssim-rgb"] = _curve(entry["bpp"], map(decibel, entry["ms-ssim-rgb"]))
        elif "ms-ssim-db-rgb" in entry:
            curves["ms-ssim-rgb"] = _curve(entry["bpp"], entry["ms-ssim-db-rgb"])
        found[name] = curves
    return found


def _curve(rates: Any, quality: Any) -> Curve:
    return [(float(r), float(q)) for r, q in zip(rates, quality, strict=True)]


def read_by_picture(path: Path) -> dict[str, Curve]:
    """Curves by picture of a table in the form of Cool-chic's ``image-kodak.tsv``."""
    curves: dict[str, Curve] = defaultdict(list)
    with path.open(newline="") as file:
        for row in sorted(csv.DictReader(file, delimiter="\t"), key=lambda r: float(r["lmbda"])):
            curves[row["seq_name"]].append((float(row["rate_bpp"]), float(row["psnr_db"])))
    return dict(curves)


def of_pictures(curves: dict[str, Curve], stems: list[str]) -> Curve | None:
    """Mean curve of these pictures, if all of them are there."""
    if not stems or not set(stems) <= curves.keys():
        return None
    return mean_curve([curves[stem] for stem in stems])


def compare(
    ours: dict[str, Curve],
    known: dict[str, dict[str, Curve]],
    repeated: dict[str, dict[str, Curve]],
    by_picture: dict[str, dict[str, Curve]],
    stems: list[str],
) -> dict[str, Any]:
    """BD-rates of mean curves against published ones.

    Args:
        ours: our mean curve by metric.
        known: from ``read``.
        repeated: mean curves by metric of the peers that repeat a published codec.
        by_picture: from ``read_by_picture``, by name of the codec.
        stems: names of the pictures without extension.

    Returns:
        ``pictures``: per cent of rate that one codec needs more for these pictures than for the 24,
        by metric and codec; ``same_pictures``: ours against codecs published by picture;
        ``codecs``: ours against the 24-picture means, as it is and with the effect of the pictures
        (mean of the estimates) taken out.
    """
    effect: dict[str, dict[str, float]] = {"psnr": {}, "ms-ssim-rgb": {}}
    for name, curves in repeated.items():
        published = known.get(AS_PUBLISHED.get(name, ""), {})
        for metric in effect:
            if metric in published:
                effect[metric][f"{name}, run here"] = bd_rate(published[metric], curves[metric])
    same = {}
    for name, pictures in by_picture.items():
        here = of_pictures(pictures, stems)
        if here is not None:
            effect["psnr"][f"{name}, by picture"] = bd_rate(
                mean_curve(list(pictures.values())), here
            )
            same[name] = bd_rate(here, ours["psnr"])
    codecs: dict[str, dict[str, Any]] = {}
    for name, curves in known.items():
        for metric, curve in curves.items():
            raw = bd_rate(curve, ours[metric])
            row = {"bd_rate": raw}
            if effect[metric]:
                factors = [(100 + raw) / (100 + e) for e in effect[metric].values()]
                row["bd_rate_corrected"] = float(100 * (np.mean(factors) - 1))
                row["corrected_low"] = float(100 * (min(factors) - 1))
                row["corrected_high"] = float(100 * (max(factors) - 1))
            codecs.setdefault(name, {})[metric] = row
    return {"pictures": effect, "same_pictures": same, "codecs": codecs}
