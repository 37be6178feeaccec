"""What other pictures change in a comparison of ``ivc bench kodak`` with published curves.

    ivc bench kodak --data FOLDER --export RESULTS.jsonl
    python benchmarks/against_published.py RESULTS.jsonl FOLDER [--codec ivc:image]
        [--by-picture NAME=TSV] [--json OUT]

Published curves are means over all 24 Kodak pictures, so a curve over some of them is easier or
harder to code. How much is estimated from codecs of which both are known: JPEG and WebP, which run
here at the settings behind their published curves (Pillow's defaults), and codecs that publish
figures by picture (a table in the form of Cool-Chic's ``image-kodak.tsv``). Printed are BD-rates of
mean curves of PSNR-RGB, as they are and with the mean of these estimates taken out.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from common import Picture, environment, load, percent, psnr, table
from ivc.bench import published, summary
from ivc.bench.bd import Curve, NoOverlap, bd_rate, mean_curve
from ivc.bench.exports import read_json_lines

METRIC = "psnr-rgb"
AGAIN = {"jpeg": "JPEG", "webp": "WEBP"}
"""Published codecs that are run again, and what Pillow calls them."""
QUALITIES = range(5, 100, 5)


def run_again(kind: str, picture: Picture) -> Curve:
    """Bits per pixel and PSNR-RGB of a format at Pillow's defaults."""
    curve = []
    for quality in QUALITIES:
        file = io.BytesIO()
        Image.fromarray(picture).save(file, kind, quality=quality)
        decoded = np.asarray(Image.open(file).convert("RGB"))
        bits = 8 * len(file.getvalue())
        curve.append((bits / (picture.shape[0] * picture.shape[1]), psnr(picture, decoded)))
    return curve


def read_by_picture(path: Path) -> dict[str, Curve]:
    """Curves by picture, without its extension."""
    curves: dict[str, list[tuple[float, float]]] = defaultdict(list)
    with path.open(newline="") as file:
        for row in sorted(csv.DictReader(file, delimiter="\t"), key=lambda r: float(r["lmbda"])):
            curves[row["seq_name"]].append((float(row["rate_bpp"]), float(row["psnr_db"])))
    return dict(curves)


def compare(
    ours: Curve, known: dict[str, Curve], effects: list[float]
) -> dict[str, dict[str, float]]:
    """BD-rates of a mean curve against the published ones that it shares enough with.

    Args:
        ours: the mean curve.
        known: published curves by title.
        effects: per cent of rate that some codecs need more for these pictures than for the 24.
    """
    found = {}
    for title, curve in known.items():
        try:
            raw = bd_rate(curve, ours).value
        except NoOverlap:
            continue
        factors = [100 * ((100 + raw) / (100 + effect) - 1) for effect in effects]
        found[title] = {
            "bd_rate": raw,
            "corrected": float(np.mean(factors)),
            "corrected_low": min(factors),
            "corrected_high": max(factors),
        }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path, help="JSON lines of ivc bench")
    parser.add_argument("folder", type=Path, help="has the pictures of the results")
    parser.add_argument("--codec", default="ivc:image")
    parser.add_argument(
        "--by-picture", action="append", default=[], metavar="NAME=TSV",
        help="a codec's published figures by picture, such as 'Cool-Chic 5.0=image-kodak.tsv'",
    )  # fmt: skip
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    points, _ = read_json_lines(options.results)
    own = [point for point in points if point.codec == options.codec]
    ours = summary.mean_points(own, METRIC).get(options.codec)
    if ours is None:
        raise SystemExit(f"{options.results} has no complete curve of {options.codec}")
    sources = list(dict.fromkeys(point.source for point in own))
    pictures = [load(options.folder / source) for source in sources]
    literature = {c.name: c for c in published.curves("kodak") if METRIC in c.curves}

    effects: dict[str, float] = {}
    for name, kind in AGAIN.items():
        here = mean_curve([run_again(kind, picture) for picture in pictures])
        theirs = literature[name]
        effects[f"{theirs.title}, run here"] = bd_rate(theirs.curves[METRIC], here).value
    same: dict[str, float] = {}
    stems = {Path(source).stem for source in sources}
    for item in options.by_picture:
        name, _, file = item.partition("=")
        curves = read_by_picture(Path(file))
        if not stems <= curves.keys():
            raise SystemExit(f"{file} lacks {', '.join(sorted(stems - curves.keys()))}")
        here = mean_curve([curves[stem] for stem in sorted(stems)])
        effects[f"{name}, by picture"] = bd_rate(mean_curve(list(curves.values())), here).value
        same[name] = bd_rate(here, ours).value
    known = {codec.title: codec.curves[METRIC] for codec in literature.values()}
    found = compare(ours, known, list(effects.values()))

    print(f"One codec needs for these {len(sources)} pictures, compared with the 24:\n")
    print("\n".join(f"- {name}: {percent(value)}" for name, value in effects.items()))
    for name, value in same.items():
        print(f"\n{options.codec} against {name} on the same pictures: {percent(value)}")
    rows = [
        [title, percent(row["bd_rate"]),
         f"{percent(row['corrected'])} ({row['corrected_low']:+.1f} to "
         f"{row['corrected_high']:+.1f})"]
        for title, row in found.items()
    ]  # fmt: skip
    head = ["published", f"{options.codec} needs", "corrected for the pictures"]
    print(f"\n{table(head, rows)}")
    if options.json:
        result: dict[str, Any] = {
            "codec": options.codec,
            "codec_version": own[0].version,
            "metric": METRIC,
            "pictures": sources,
            "mean_curve": ours,
            "effects_of_pictures": effects,
            "same_pictures": same,
            "published": found,
            "versions": environment("ivc", "numpy", "pillow"),
        }
        options.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
