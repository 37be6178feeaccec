"""Do all ways to run the networks decode the same integers from the same files?

    python benchmarks/image_exact.py FOLDER [--profile image] [--qualities 10,30,50,70,90]
        [--arithmetics float32,float64,int64] [--crop N] [--set k=v] [--json OUT]

Every picture is encoded at every quality by one process with one thread. Each way (number type of
the exact networks, threads) is then a process of its own that decodes all files. Compared with the
first way are the integers that entropy decoding returned, the decoded samples (largest difference)
and, as a further check, the bytes that an encoder with two threads writes. ``int64`` is the NumPy
definition, which takes minutes a picture: ``--crop`` codes the middle of each picture only.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import ivc
from common import environment, files, table
from ivc.codecs import by_number
from ivc.codecs.base import Codec
from ivc.errors import IvcError
from ivc.pipeline import DecodeOptions
from ivc.pipeline.decode import decode_tasks
from ivc.stream import open_stream
from ivc.types import Frames

THREADS = (1, 2)


# --- what depends on the codec: change this when the codec changes -----------------------------


def codec_with(codec: Codec[Any], threads: int, arithmetic: str) -> Codec[Any]:
    """The codec as it runs with these threads and numbers; itself if it has no such choice."""
    if type(codec).__name__ != "Image":
        return codec
    if arithmetic == "float64":
        import torch

        torch.set_num_threads(threads)
    return type(codec)(threads=threads, arithmetic=arithmetic)  # type: ignore[call-arg]


def record_integers(codec: Codec[Any]) -> list[Any]:
    """From now on a hash in this list takes in all coefficients that the codec decodes.

    The list is empty if it is not known how; whoever puts a fresh hash in it starts again.
    """
    if type(codec).__name__ != "Image":
        return []
    from ivc.codecs.image.level import Level
    from ivc.signal.lossless import LosslessPlane

    digest = [hashlib.sha256()]
    plane, level = LosslessPlane.code, Level.code

    def code_plane(self: Any, coder: Any, samples: np.ndarray, *arguments: Any) -> bool:
        # the coarsest coefficients
        whole = plane(self, coder, samples, *arguments)
        digest[0].update(samples.tobytes())
        return whole

    def code_level(self: Any, *arguments: Any, **more: Any) -> Any:
        result = level(self, *arguments, **more)
        for band in sorted(self.q):
            digest[0].update(self.q[band].tobytes())
        return result

    setattr(LosslessPlane, "code", code_plane)  # noqa: B010
    setattr(Level, "code", code_level)  # noqa: B010
    return digest


# ------------------------------------------------------------------------------------------------


def decode_with(
    file: Path, threads: int, arithmetic: str, model: str, state: dict[str, Any]
) -> tuple[Frames, str]:
    """Decode a file; its frames, and the hash of its integers (empty if not known).

    ``state`` keeps the codec between files, whose networks are loaded once.
    """
    with open_stream(file) as stream:
        if "codec" not in state:
            usual = by_number(stream.header.codec).load()
            state["codec"] = codec_with(usual, threads, arithmetic)
            state["digest"] = record_integers(state["codec"])
        digest = state["digest"]
        digest[:] = [hashlib.sha256() for _ in digest]
        tasks = decode_tasks(stream, DecodeOptions(model=model))
        parts = [state["codec"].decode(t.layers, t.header, t.shared) for t in tasks]
    return Frames.concatenate(parts), "".join(d.hexdigest() for d in digest)


def decode_all(job: dict[str, Any]) -> dict[str, Any]:
    """In a process of its own: decode a folder, save the samples or compare with saved ones."""
    folder, saved = Path(job["folder"]), Path(job["saved"])
    result: dict[str, Any] = {}
    state: dict[str, Any] = {}
    start = time.perf_counter()
    for file in sorted(folder.glob("*.ivc")):
        try:
            frames, integers = decode_with(
                file, job["threads"], job["arithmetic"], job["model"], state
            )
        except IvcError as error:
            result[file.stem] = {"error": str(error)}
            continue
        row: dict[str, Any] = {"integers": integers}
        samples = np.stack([plane[0] for plane in frames.planes])
        if job["save"]:
            np.save(saved / f"{file.stem}.npy", samples)
        elif (saved / f"{file.stem}.npy").exists():
            apart = np.abs(np.load(saved / f"{file.stem}.npy").astype(int) - samples)
            row |= {"largest_difference": int(apart.max()), "differing": int((apart > 0).sum())}
            row["samples"] = apart.size
        result[file.stem] = row
    return {"files": result, "seconds": round(time.perf_counter() - start, 1)}


def encode_all(job: dict[str, Any]) -> dict[str, Any]:
    """In a process of its own: write the files of a folder of pictures."""
    start = time.perf_counter()
    for path, quality in product(sorted(Path(job["pictures"]).glob("*.png")), job["qualities"]):
        file = Path(job["folder"]) / f"{path.stem}_{quality:g}.ivc"
        ivc.encode(
            np.asarray(Image.open(path)), file, profile=job["profile"], quality=quality,
            settings=job["settings"], effort=job["effort"],
        )  # fmt: skip
    return {"seconds": round(time.perf_counter() - start, 1)}


def in_process(role: str, threads: int, job: dict[str, Any]) -> dict[str, Any]:
    """Run a role of this script in a fresh process with so many threads, on as many cores."""

    def pin() -> None:
        # codecs that ask how many cores they have get this answer
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])

    limits = dict.fromkeys(("OMP_NUM_THREADS", "NUMBA_NUM_THREADS"), str(threads))
    run = subprocess.run(
        [sys.executable, __file__, "--role", role, "."], input=json.dumps(job), text=True,
        env=os.environ | limits | {"OMP_WAIT_POLICY": "PASSIVE"}, stdout=subprocess.PIPE,
        check=True, preexec_fn=pin,
    )  # fmt: skip
    answer: dict[str, Any] = json.loads(run.stdout)
    return answer


def prepared(paths: list[Path], crop: int, folder: Path) -> None:
    for path in paths:
        picture = Image.open(path).convert("RGB")
        if crop:
            left, top = (max(side - crop, 0) // 2 for side in picture.size)
            box = (left, top, min(left + crop, picture.width), min(top + crop, picture.height))
            picture = picture.crop(box)
        picture.save(folder / f"{path.stem}.png")


def summary(found: dict[str, Any], first: dict[str, Any]) -> dict[str, Any]:
    """How often a way differs from the first one."""
    files, truth = found["files"], first["files"]
    both = [
        n for n in truth if "error" not in files.get(n, {"error": ""}) and "error" not in truth[n]
    ]
    known = all(truth[n]["integers"] for n in both)
    apart = [files[n].get("largest_difference", 0) for n in both]
    return {
        "files": len(truth),
        "errors": sum("error" in row for row in files.values()),
        "integers_differ": sum(files[n]["integers"] != truth[n]["integers"] for n in both)
        if known
        else None,
        "pictures_differ": sum(value > 0 for value in apart),
        "largest_difference": max(apart, default=0),
        "samples_differ": sum(files[n].get("differing", 0) for n in both),
        "samples": sum(files[n].get("samples", 0) for n in both),
        "seconds": found["seconds"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("inputs", nargs="+", type=Path)
    parser.add_argument("--profile", default="image")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--qualities", default="10,30,50,70,90")
    parser.add_argument("--effort", type=int, default=5)
    parser.add_argument("--arithmetics", default="float32,float64,int64")
    parser.add_argument("--crop", type=int, default=0, help="code the middle N x N only")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--role", choices=("encode", "decode"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.role:
        role = {"encode": encode_all, "decode": decode_all}[options.role]
        print(json.dumps(role(json.load(sys.stdin))))
        return
    paths = files(options.inputs)
    settings = dict(item.split("=", 1) for item in options.set)
    with tempfile.TemporaryDirectory() as name:
        folders = {n: Path(name) / n for n in ("pictures", "files", "again", "saved")}
        for folder in folders.values():
            folder.mkdir()
        prepared(paths, options.crop, folders["pictures"])
        job = {
            "pictures": str(folders["pictures"]),
            "profile": options.profile,
            "settings": settings,
            "effort": options.effort,
            "qualities": [float(q) for q in options.qualities.split(",")],
        }
        for target, threads in (("files", 1), ("again", 2)):
            took = in_process("encode", threads, job | {"folder": str(folders[target])})
            print(f"encoded with {threads} threads in {took['seconds']} s", file=sys.stderr)
        coded = sorted(folders["files"].glob("*.ivc"))
        other = sum(f.read_bytes() != (folders["again"] / f.name).read_bytes() for f in coded)
        job = {
            "folder": str(folders["files"]),
            "saved": str(folders["saved"]),
            "model": settings.get("model", ""),
        }
        ways: dict[str, dict[str, Any]] = {}
        for arithmetic, threads in product(options.arithmetics.split(","), THREADS):
            more = {"arithmetic": arithmetic, "threads": threads, "save": not ways}
            found = in_process("decode", threads, job | more)
            ways[f"{arithmetic}, {threads} threads"] = found
            print(f"{arithmetic}, {threads}: {found['seconds']} s", file=sys.stderr)
    first = next(iter(ways.values()))
    rows = {way: summary(found, first) for way, found in ways.items()}
    result = {
        "profile": options.profile,
        "settings": settings,
        "crop": options.crop or None,
        "pictures": [path.name for path in paths],
        "files": len(coded),
        "encoder_with_2_threads_writes_other_bytes": other,
        "compared_with": next(iter(ways)),
        "ways": rows,
        "by_file": {way: found["files"] for way, found in ways.items()},
        "versions": environment("ivc", "numpy", "numba", "onnxruntime", "torch"),
    }
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")
    print(f"{len(coded)} files; with 2 threads the encoder writes other bytes for {other}\n")
    keys = ("files", "errors", "integers_differ", "pictures_differ", "largest_difference",
            "samples_differ", "seconds")  # fmt: skip
    cells = [
        [way, *("unknown" if row[key] is None else str(row[key]) for key in keys)]
        for way, row in rows.items()
    ]
    print(table(["way", *(key.replace("_", " ") for key in keys)], cells))


if __name__ == "__main__":
    main()
