"""Seconds that a still codec of ivc takes, beside CompressAI's, in one interleaved run.

    python benchmarks/image_speed.py [PICTURE] [--profile image] [--efforts 1,5] [--quality 50]
        [--threads 1,2] [--repeat 5] [--compressai PYTHON] [--set k=v] [--json OUT]

Without a picture it is a 768x512 photograph cut from one that scikit-image ships. Each contender
runs in a process of its own that stays and is warm; one coding each way of every contender makes a
round, and the median of all rounds counts, so that other work on the machine hits all alike.
``codec.encode`` and ``codec.decode`` are timed without files; CompressAI's ``compress`` and
``decompress`` of bmshj2018-hyperprior and mbt2018 run with random weights in the interpreter that
``--compressai`` names (in an environment with torch, compressai and numpy < 2). Last, the whole
command ``ivc decode FILE -o out.png`` from a cold start, with filled caches of compiled code.
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
from typing import Any

import numpy as np

import ivc
from common import environment, frames, load, table
from image_exact import codec_with
from ivc.codecs import by_name
from ivc.pipeline.options import EncodeOptions, make_settings
from ivc.types import Segment, SegmentHeader

COMPRESSAI = (("bmshj2018_hyperprior", 4), ("mbt2018", 4))


class Worker:
    """A process that codes when it is told to and sleeps in between."""

    def __init__(self, command: list[str], threads: int) -> None:
        limits = dict.fromkeys(("OMP_NUM_THREADS", "NUMBA_NUM_THREADS"), str(threads))
        # spinning threads would take the cores from the others
        environment = os.environ | limits | {"OMP_WAIT_POLICY": "PASSIVE"}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self.about = self._answer()

    def run(self, job: dict[str, Any]) -> dict[str, Any]:
        """Code the picture once each way: seconds and bytes."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def close(self) -> None:
        """End the process."""
        self._process.communicate()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"a worker ended with {self._process.wait()}; see above")
        answer: dict[str, Any] = json.loads(line)
        return answer


def serve(job: dict[str, Any]) -> None:
    """The worker's side for ivc."""
    picture = frames(np.load(job["picture"]))
    usual = by_name(job["profile"]).load()
    codec = codec_with(usual, job["threads"], "float32")
    print(json.dumps({"codec_version": codec.version}), flush=True)
    for line in sys.stdin:
        effort = json.loads(line)["effort"]
        options = EncodeOptions(
            job["profile"], quality=job["quality"], effort=effort, extra=job["settings"]
        )
        settings = make_settings(job["profile"], codec, options)
        header = SegmentHeader(
            picture.format, picture.width, picture.height, 1, codec.version,
            weights_hash=codec.weights_hash(settings), model=job["settings"].get("model", ""),
        )  # fmt: skip
        start = time.perf_counter()
        layers = codec.encode(Segment(picture), settings, {})
        middle = time.perf_counter()
        codec.decode(layers, header, {})
        end = time.perf_counter()
        size = sum(map(len, layers.values()))
        print(
            json.dumps({"encode": middle - start, "decode": end - middle, "bytes": size}),
            flush=True,
        )


def default_picture() -> np.ndarray:
    from skimage import data

    # 600 x 400: mirrored to the size of the Kodak pictures
    coffee = data.coffee()
    wide = np.concatenate([coffee, coffee[:, ::-1]], 1)[:, :768]
    return np.ascontiguousarray(np.concatenate([wide, wide[::-1]], 0)[:512])


def contenders(
    options: argparse.Namespace, array: Path, settings: dict[str, str]
) -> tuple[list[tuple[str, int, Worker, dict[str, Any]]], dict[str, Any], list[Worker]]:
    """Name, threads, process and job of each; versions of CompressAI; all processes."""
    found = []
    workers = []
    for threads in options.threads:
        job = {
            "picture": str(array), "profile": options.profile, "threads": threads,
            "quality": options.quality, "settings": settings,
        }  # fmt: skip
        worker = Worker([sys.executable, __file__, "--serve", json.dumps(job)], threads)
        workers.append(worker)
        for effort in options.efforts:
            name = f"{options.profile}, effort {effort}"
            found.append((name, threads, worker, {"effort": effort}))
    if not options.compressai:
        print("CompressAI is left out: --compressai names no interpreter that has it\n")
        return found, {}, workers
    script = Path(__file__).with_name("compressai_worker.py")
    worker = Worker([options.compressai, str(script), str(array)], max(options.threads))
    workers.append(worker)
    for threads in options.threads:
        for model, quality in COMPRESSAI:
            job = {"model": model, "quality": quality, "threads": threads}
            found.append((f"{model.replace('_', '-')}, quality {quality}", threads, worker, job))
    return found, worker.about, workers


def cold_decode(
    picture: np.ndarray, options: argparse.Namespace, settings: dict[str, str], folder: Path
) -> list[float]:
    """Seconds of the whole command, a process each, after one that fills the caches."""
    coded = folder / "picture.ivc"
    ivc.encode(
        picture, coded, profile=options.profile, quality=options.quality, settings=settings,
        effort=options.efforts[-1],
    )  # fmt: skip
    command = [sys.executable, "-m", "ivc", "decode", str(coded), "-o", str(folder / "out.png")]
    if "model" in settings:
        command += ["--model", settings["model"]]
    seconds = []
    for _ in range(options.repeat + 1):
        start = time.perf_counter()
        subprocess.run([*command, "--quiet"], check=True)
        seconds.append(time.perf_counter() - start)
    return seconds[1:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("picture", nargs="?", type=Path)
    parser.add_argument("--profile", default="image")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--quality", type=float, default=50)
    parser.add_argument("--efforts", default="1,5")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--compressai", metavar="PYTHON", help="interpreter that has CompressAI")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(json.loads(options.serve))
        return
    options.efforts = [int(e) for e in options.efforts.split(",")]
    options.threads = [int(t) for t in options.threads.split(",")]
    settings = dict(item.split("=", 1) for item in options.set)
    picture = default_picture()
    if options.picture:
        picture = load(options.picture)
    with tempfile.TemporaryDirectory() as name:
        array = Path(name) / "picture.npy"
        np.save(array, picture)
        every, about, workers = contenders(options, array, settings)
        runs: list[list[dict[str, Any]]] = [[] for _ in every]
        # the first round warms up
        for number in range(options.repeat + 1):
            print(f"round {number} of {options.repeat}", file=sys.stderr)
            for measured, (_, _, worker, job) in zip(runs, every, strict=True):
                answer = worker.run(job)
                if number:
                    measured.append(answer)
        for worker in workers:
            worker.close()
        cold = cold_decode(picture, options, settings, Path(name))
    rows = []
    for (contender, threads, _, _), measured in zip(every, runs, strict=True):
        row: dict[str, Any] = {
            "codec": contender,
            "threads": threads,
            "bytes": measured[0]["bytes"],
        }
        for way in ("encode", "decode"):
            seconds = [run[way] for run in measured]
            row[f"{way}_seconds"] = round(statistics.median(seconds), 4)
            row[f"{way}_range"] = [round(min(seconds), 4), round(max(seconds), 4)]
        rows.append(row)
    result = {
        "profile": options.profile,
        "settings": {"quality": options.quality, "set": options.set},
        "picture": options.picture.name if options.picture else "coffee (scikit-image), mirrored",
        "size": f"{picture.shape[1]}x{picture.shape[0]}",
        "rounds": options.repeat,
        "rows": rows,
        "cold_decode_command_seconds": round(statistics.median(cold), 3),
        "cold_decode_command_range": [round(min(cold), 3), round(max(cold), 3)],
        "load_average": os.getloadavg(),
        "versions": environment("ivc", "numpy", "numba", "onnxruntime"),
        "compressai": about,
    }
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")
    lines = []
    for row in rows:
        cells = [
            f"{row[f'{way}_seconds']:.3f} ({row[f'{way}_range'][0]:.3f} to "
            f"{row[f'{way}_range'][1]:.3f})"
            for way in ("encode", "decode")
        ]
        lines.append([row["codec"], str(row["threads"]), str(row["bytes"]), *cells])
    print(table(["codec", "threads", "bytes", "encode s (range)", "decode s (range)"], lines))
    print(
        f"\n`ivc decode FILE -o out.png`, a new process each: {statistics.median(cold):.2f} s "
        f"({min(cold):.2f} to {max(cold):.2f})"
    )


if __name__ == "__main__":
    main()
