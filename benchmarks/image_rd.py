"""Rate and quality of a still codec of ivc beside JPEG, WebP, AVIF, JPEG XL and published curves.

    python benchmarks/image_rd.py FOLDER [--profile image] [--tune psnr|ms-ssim] [--set k=v]
        [--qualities 5,15,...] [--effort 5] [--published kodak_rd.json] [--by-picture NAME=TSV]
        [--cache peers.json] [--jobs 1] [--json OUT] [--plot OUT.svg]

Every ``.ivc`` file is written with ``ivc.encode`` and decoded by one other process that has only
these files; bits per pixel are bytes of files. PSNR is over R, G and B of a picture; MS-SSIM is
``ivc.metrics``' (luma), in dB as -10 log10(1 - x), and for published curves its mean over R, G and
B. BD-rates compare PCHIP curves of log rate over the common interval of quality only: of each
picture, then averaged, and of the mean curves (mean bpp, mean PSNR at each setting), which is how
the published ones were averaged.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import ivc
import published
from curves import (
    Curve,
    bd_rate,
    common_interval,
    environment,
    percent,
    rate_at,
    without_nan,
)
from peers import AS_PUBLISHED, METRICS, PEERS, Cache, curve, run_peer, scores
from plots import svg

LEVELS = (26, 28, 30, 32, 34, 36, 38, 40)
DECODE = """
import json, pathlib, sys, time, ivc
seconds = {}
for path in sorted(pathlib.Path().glob("*.ivc")):
    start = time.perf_counter()
    ivc.decode(path, path.with_suffix(".ppm"), model=sys.argv[1] or None)
    seconds[path.name] = time.perf_counter() - start
json.dump(seconds, sys.stdout)
"""
Points = list[dict[str, float]]


def load(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"))


def encode_all(job: tuple[Path, Path, dict[str, Any], list[float]]) -> list[float]:
    """Write the files of one picture; the seconds of each."""
    path, folder, options, qualities = job
    picture = load(path)
    seconds = []
    for quality in qualities:
        start = time.perf_counter()
        ivc.encode(picture, folder / f"{path.stem}_{quality:g}.ivc", quality=quality, **options)
        seconds.append(time.perf_counter() - start)
    return seconds


def measured(paths: list[Path], options: argparse.Namespace) -> dict[str, Points]:
    """Points of ivc by picture."""
    settings = dict(item.split("=", 1) for item in options.set)
    if options.tune:
        settings["tune"] = options.tune
    more = {"profile": options.profile, "effort": options.effort, "settings": settings}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        jobs = [(path, folder, more, options.qualities) for path in paths]
        encode_seconds = in_processes(encode_all, jobs, options.jobs)
        # a model of one's own is no part of the file, but a decoder must have it
        model = str(Path(settings["model"]).resolve()) if "model" in settings else ""
        decode = [sys.executable, "-c", DECODE, model]
        run = subprocess.run(decode, cwd=folder, check=True, stdout=subprocess.PIPE, text=True)
        decode_seconds = json.loads(run.stdout)
        result = {}
        for path, encoding in zip(paths, encode_seconds, strict=True):
            picture = load(path)
            points = []
            for quality, seconds in zip(options.qualities, encoding, strict=True):
                file = folder / f"{path.stem}_{quality:g}.ivc"
                size = file.stat().st_size
                point = {
                    "setting": quality,
                    "bytes": size,
                    "bpp": 8 * size / (picture.shape[0] * picture.shape[1]),
                    "encode_seconds": seconds,
                    "decode_seconds": decode_seconds[file.name],
                }
                points.append(point | scores(picture, load(file.with_suffix(".ppm"))))
            result[path.stem] = points
    return result


def peer_job(job: tuple[str, Path]) -> Points:
    return run_peer(job[0], load(job[1]))


def peer_points(
    paths: list[Path], names: list[str], cache: Cache, jobs: int
) -> dict[str, dict[str, Points]]:
    """Points by peer and picture; what the cache does not know is measured."""
    found: dict[str, dict[str, Points]] = {name: {} for name in names}
    for path in paths:
        picture = load(path)
        known = {name: cache.get(name, picture) for name in names}
        missing = [name for name in names if known[name] is None]
        fresh = in_processes(peer_job, [(name, path) for name in missing], jobs)
        for name, points in zip(missing, fresh, strict=True):
            cache.put(name, picture, points)
            known[name] = points
        for name in names:
            found[name][path.stem] = known[name] or []
    return found


def in_processes(function: Any, items: list[Any], jobs: int) -> list[Any]:
    """Results in order; with one job without a process of its own."""
    if jobs == 1 or len(items) < 2:
        return [function(item) for item in items]
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        return list(pool.map(function, items))


def means(points: dict[str, Points], metric: str) -> Curve:
    """Mean curve over the pictures; MS-SSIM is averaged before it becomes dB."""
    rows = list(zip(*points.values(), strict=True))
    averages = [{k: float(np.mean([p[k] for p in row])) for k in ("bpp", metric)} for row in rows]
    return curve(averages, metric)


def against(ours: dict[str, Points], peer: dict[str, Points], metric: str) -> dict[str, Any]:
    """BD-rates of ours against one peer."""
    pictures, intervals = {}, {}
    for stem, points in ours.items():
        a, b = curve(peer[stem], metric), curve(points, metric)
        pictures[stem] = bd_rate(a, b)
        intervals[stem] = common_interval(a, b)
    values = [value for value in pictures.values() if not math.isnan(value)]
    return {
        "mean": float(np.mean(values)) if values else math.nan,
        "pictures": pictures,
        "common_db": intervals,
        "of_mean_curves": bd_rate(means(peer, metric), means(ours, metric)),
    }


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def print_ours(ours: dict[str, Points]) -> None:
    rows = []
    for points in zip(*ours.values(), strict=True):
        mean = {key: float(np.mean([point[key] for point in points])) for key in points[0]}
        db = [curve([mean], metric)[0][1] for metric in METRICS]
        row = [f"{mean['setting']:g}", f"{mean['bpp']:.4f}"]
        row += [f"{value:.2f}" for value in db]
        for key in ("encode_seconds", "decode_seconds"):
            row.append(f"{np.median([point[key] for point in points]):.2f}")
        rows.append(row)
    head = ["quality", "bpp", *(f"{title}, dB" for title in METRICS.values())]
    print(table([*head, "encode s (median)", "decode s (median)"], rows))


def print_peers(versus: dict[str, dict[str, dict[str, Any]]]) -> None:
    rows = []
    for name, by_metric in versus.items():
        row = [name]
        for metric in METRICS:
            values = [v for v in by_metric[metric]["pictures"].values() if not math.isnan(v)]
            spread = f" ({min(values):+.1f} to {max(values):+.1f})" if values else ""
            row += [percent(by_metric[metric]["mean"]) + spread]
            row += [percent(by_metric[metric]["of_mean_curves"])]
        rows.append(row)
    head = ["compared with"]
    for title in METRICS.values():
        head += [title, "of mean curves"]
    print(f"\nBD-rate, mean over pictures (lowest to highest):\n\n{table(head, rows)}")
    stems = list(next(iter(versus.values()))["psnr"]["pictures"])
    rows = [[s, *(percent(v["psnr"]["pictures"][s]) for v in versus.values())] for s in stems]
    print(f"\nBD-rate by picture, PSNR-RGB:\n\n{table(['picture', *versus], rows)}")


def print_levels(curves: dict[str, Curve]) -> None:
    def cell(value: float) -> str:
        return "" if math.isnan(value) else f"{value:.3f}"

    rows = [[n, *(cell(rate_at(c, level)) for level in LEVELS)] for n, c in curves.items()]
    head = ["mean curve", *(f"{level} dB" for level in LEVELS)]
    print(f"\nBits per pixel at PSNR-RGB (* published, 24 pictures):\n\n{table(head, rows)}")


def print_published(result: dict[str, Any], count: int) -> None:
    print(
        f"\nPublished curves are means over the 24 Kodak pictures, ours over the {count} given."
        "\nOne codec needs for these pictures, compared with the 24 (BD-rate of mean curves):\n"
    )
    for metric, estimates in result["pictures"].items():
        for name, value in estimates.items():
            print(f"- {METRICS[metric]}, {name}: {percent(value)}")
    for name, value in result["same_pictures"].items():
        print(f"\n**{name}, its own figures of the same pictures, PSNR-RGB: {percent(value)}**")
    rows = []
    for name, by_metric in result["codecs"].items():
        row = [name]
        for metric in ("psnr", "ms-ssim-rgb"):
            entry = by_metric.get(metric, {})
            row.append(percent(entry.get("bd_rate")))
            low, high = entry.get("corrected_low"), entry.get("corrected_high")
            spread = "" if low is None or math.isnan(low) else f" ({low:+.1f} to {high:+.1f})"
            row.append(percent(entry.get("bd_rate_corrected")) + spread)
        rows.append(row)
    corrected = "corrected for the pictures"
    head = ["published", "PSNR-RGB", corrected, "MS-SSIM (RGB)", corrected]
    print(f"\nBD-rate of our mean curve against published ones:\n\n{table(head, rows)}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("inputs", nargs="+", type=Path, help="folders or pictures")
    parser.add_argument("--profile", default="image")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--tune", choices=("psnr", "ms-ssim"), help="the codec's setting 'tune'")
    parser.add_argument("--qualities", default="5,15,25,35,45,55,65,75,85,95")
    parser.add_argument("--effort", type=int, default=5)
    parser.add_argument(
        "--peer", action="append", choices=tuple(PEERS), help="compare with these only; repeatable"
    )
    parser.add_argument("--published", type=Path, help="JSON of published mean curves")
    parser.add_argument(
        "--by-picture", action="append", default=[], metavar="NAME=TSV",
        help="a codec's published figures by picture, such as 'Cool-chic 5.0=image-kodak.tsv'",
    )  # fmt: skip
    parser.add_argument("--cache", type=Path, help="JSON that keeps what peers measured")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    options.qualities = [float(q) for q in options.qualities.split(",")]
    return options


def main() -> None:
    options = arguments()
    paths: list[Path] = []
    for item in options.inputs:
        paths += sorted(item.glob("*.png")) if item.is_dir() else [item]
    stems = [path.stem for path in paths]
    if not paths or len(set(stems)) < len(stems):
        raise SystemExit("give pictures, or folders with PNG files, of different names")
    cache = Cache(options.cache)
    peers = peer_points(paths, options.peer or list(PEERS), cache, options.jobs)
    ours = measured(paths, options)
    our_means = {metric: means(ours, metric) for metric in METRICS}
    result: dict[str, Any] = {
        "profile": options.profile,
        "settings": {"effort": options.effort, "tune": options.tune, "set": options.set},
        "pictures": ours,
        "peers": peers,
        "mean_curves": our_means,
        "peer_mean_curves": {n: {m: means(p, m) for m in METRICS} for n, p in peers.items()},
        "bd_rate": {n: {m: against(ours, p, m) for m in METRICS} for n, p in peers.items()},
        "versions": environment("ivc", "numpy", "numba", "onnxruntime", "pillow", "imagecodecs")
        | {name: PEERS[name].version for name in peers},
    }
    levels = {options.profile: our_means["psnr"]}
    levels |= {name: curves["psnr"] for name, curves in result["peer_mean_curves"].items()}
    print_ours(ours)
    print_peers(result["bd_rate"])
    known: dict[str, dict[str, Curve]] = {}
    if options.published:
        known = published.read(options.published)
        repeated = peer_points(paths, list(AS_PUBLISHED), cache, options.jobs)
        by_picture = {}
        for item in options.by_picture:
            name, _, file = item.partition("=")
            by_picture[name] = published.read_by_picture(Path(file))
        result["published"] = published.compare(
            our_means,
            known,
            {n: {m: means(p, m) for m in METRICS} for n, p in repeated.items()},
            by_picture,
            stems,
        )
        levels |= {f"{n} *": c["psnr"] for n, c in known.items() if not n.endswith("MS-SSIM")}
    print_levels(levels)
    if options.published:
        print_published(result["published"], len(paths))
    if options.json:
        options.json.write_text(json.dumps(without_nan(result), indent=1) + "\n")
    if options.plot:
        similar = {options.profile: our_means["ms-ssim-rgb"]}
        similar |= {n: c["ms-ssim-rgb"] for n, c in result["peer_mean_curves"].items()}
        similar |= {f"{n} *": c["ms-ssim-rgb"] for n, c in known.items() if "ms-ssim-rgb" in c}
        panels = {"PSNR-RGB, dB": levels, "MS-SSIM (RGB), dB": similar}
        options.plot.write_text(svg(panels, {name for name in levels if name.endswith("*")}))


if __name__ == "__main__":
    main()
