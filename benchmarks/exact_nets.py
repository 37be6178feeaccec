"""Do exact networks give one answer everywhere, and how fast is each path?

    python benchmarks/exact_nets.py [--size 64] [--channels 64] [--repeat 3] [--json OUT]

Every row runs one network on one input through one path (library, threads, number type, memory
layout, instruction set) and compares all outputs with the NumPy int64 reference. The last rows are
controls: the same sums without the precautions, and an ordinary float network. Their differences
are what exact networks are there to prevent. PyTorch runs in processes of its own, because
some of their switches are read only once.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ivc.nets import reference
from ivc.nets.convolution import Conv, Deconv
from ivc.nets.layers import Add, Leaky
from ivc.nets.network import Network
from ivc.nets.node import TensorInfo
from ivc.nets.proof import Arithmetic, prove
from ivc.nets.runtime import ExactSession


def network(channels: int, limit: int) -> Network:
    """Strided, residual and transposed convolutions; float32 by proof for ``limit`` 255."""
    random = np.random.default_rng(0)

    def conv(kind: Any, name: str, source: str, inputs: int, kernel: int, low: int, **more: Any):
        return kind(
            name=name, sources=(source,), low=low, high=limit,
            weight=random.integers(-64, 64, (channels, inputs, kernel, kernel), np.int8),
            bias=random.integers(-1000, 1000, channels, np.int32),
            shift=np.full(channels, 10, np.uint8), **more,
        )  # fmt: skip

    nodes = [
        conv(Conv, "a", "x", 3, 5, 0, stride=2, padding=(2, 2, 2, 2)),
        conv(Conv, "b", "a", channels, 3, -limit, padding=(1, 1, 1, 1)),
        Leaky(name="c", sources=("b",), shift=3),
        conv(Conv, "d", "c", channels, 3, -limit, padding=(1, 1, 1, 1)),
        Add(name="e", sources=("a", "d"), gains=(0, 0), shift=0, low=-limit, high=limit),
        conv(Deconv, "f", "e", channels, 5, -limit, stride=2, crop=(2, 2, 1, 1)),
    ]
    return Network({"x": TensorInfo(3, 0, limit)}, nodes, ["a", "d", "f"])


def noise(net: Network, size: int, batch: int = 1) -> dict[str, np.ndarray]:
    high = net.inputs["x"].high
    return {"x": np.random.default_rng(1).integers(0, high + 1, (batch, 3, size, size), np.int32)}


def measure(run: Callable[[], Any], macs: int, repeat: int) -> tuple[Any, float]:
    """The result, and the speed of the fastest of ``repeat`` runs in GMAC/s."""
    result, fastest = run(), float("inf")
    for _ in range(repeat):
        start = time.perf_counter()
        result = run()
        fastest = min(fastest, time.perf_counter() - start)
    return result, macs / fastest / 1e9


def difference(expected: dict[str, np.ndarray], found: dict[str, np.ndarray]) -> int:
    return max(int(np.abs(expected[k].astype(np.int64) - found[k]).max()) for k in expected)


def row(path: str, arithmetic: str, threads: int, layout: str, diff: float, speed: float) -> dict:
    return {
        "path": path, "arithmetic": arithmetic, "threads": threads, "layout": layout,
        "max_abs_difference": diff, "gmac_per_s": round(speed, 2),
    }  # fmt: skip


def torch_rows(job: dict[str, Any]) -> list[dict]:
    """What one PyTorch process measures; ``job`` comes from ``torch_jobs``."""
    import torch

    from ivc.nets.torch import TorchSession

    rows = []
    net = network(job["channels"], 255)
    inputs = noise(net, job["size"], job["batch"])
    macs = job["batch"] * net.macs({"x": (job["size"], job["size"])})
    expected = reference.run(net, inputs)
    for threads in job["threads"]:
        torch.set_num_threads(threads)
        for name in job["arithmetics"]:
            for last in (False, True):
                session = TorchSession(net, arithmetic=Arithmetic(name), channels_last=last)
                with torch.backends.mkldnn.flags(enabled=job["onednn"]):
                    found, speed = measure(lambda s=session: s.run(inputs), macs, job["repeat"])
                layout = "channels last" if last else "contiguous"
                rows.append(
                    row(job["path"], name, threads, layout, difference(expected, found), speed)
                )
    return rows


def control_rows(job: dict[str, Any]) -> list[dict]:
    """The same sums with NNPACK, and an ordinary float network with two threads."""
    import torch
    from torch.nn import functional

    random = np.random.default_rng(2)
    size, channels = job["size"], job["channels"]
    macs = 16 * 9 * channels * channels * size * size
    rows = []

    def conv(x: Any, weight: Any, threads: int) -> Callable[[], Any]:
        def run() -> Any:
            torch.set_num_threads(threads)
            return functional.conv2d(x, weight, None, 1, 1).numpy()

        return run

    x = random.integers(0, 256, (16, channels, size, size)).astype(np.float32)
    weight = random.integers(-64, 64, (channels, channels, 3, 3)).astype(np.float32)
    with torch.no_grad(), torch.backends.mkldnn.flags(enabled=False):
        exact = conv(torch.from_numpy(x).double(), torch.from_numpy(weight).double(), 1)()
        with torch.backends.nnpack.flags(enabled=True):
            found, speed = measure(
                conv(torch.from_numpy(x), torch.from_numpy(weight), 1), macs, job["repeat"]
            )
    worst = float(np.abs(exact - found).max())
    rows.append(
        row("control: same integers, NNPACK, batch 16", "float32", 1, "contiguous", worst, speed)
    )
    x = random.random(x.shape, np.float32)
    weight = random.standard_normal(weight.shape, np.float32) / 10
    with torch.no_grad():
        run = conv(torch.from_numpy(x), torch.from_numpy(weight), 1)
        ours = run()
        last = torch.from_numpy(x).contiguous(memory_format=torch.channels_last)
        found, speed = measure(conv(last, torch.from_numpy(weight), 1), macs, job["repeat"])
        with torch.backends.mkldnn.flags(enabled=False):
            other, slow = measure(run, macs, job["repeat"])
    for name, result, pace in [("channels last", found, speed), ("oneDNN off", other, slow)]:
        worst = float(np.abs(ours - result).max())
        rows.append(row("control: real weights", "float32", 1, name, worst, pace))
    return rows


def torch_jobs(options: argparse.Namespace) -> list[tuple[dict[str, Any], dict[str, str]]]:
    """Jobs for processes of PyTorch, with their environment."""
    base = {
        "size": options.size, "channels": options.channels, "repeat": options.repeat, "batch": 1,
        "threads": [1, 2], "onednn": True, "arithmetics": ["float32", "float64"],
    }  # fmt: skip
    jobs: list[tuple[dict[str, Any], dict[str, str]]] = [
        (base | {"path": "PyTorch"}, {}),
        (base | {"path": "PyTorch, oneDNN off", "onednn": False, "arithmetics": ["float32"]}, {}),
        (base | {"path": "PyTorch", "threads": [1], "arithmetics": ["int64"], "repeat": 1}, {}),
        (base | {"path": "PyTorch, batch 16, oneDNN off", "threads": [1], "batch": 16,
                 "onednn": False, "arithmetics": ["float32"], "repeat": 1}, {}),
    ]  # fmt: skip
    for isa in ("SSE41", "AVX2", "AVX512_CORE"):
        job = base | {"path": f"PyTorch, oneDNN limited to {isa}", "threads": [1]}
        jobs.append((job | {"arithmetics": ["float32"]}, {"ONEDNN_MAX_CPU_ISA": isa}))
    jobs.append((base | {"path": "control", "control": True}, {}))
    return jobs


def in_process(job: dict[str, Any], environment: dict[str, str]) -> list[dict]:
    """Run a job in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--job", json.dumps(job)],
        env={**os.environ, "OMP_WAIT_POLICY": "PASSIVE", "PYTHONWARNINGS": "ignore", **environment},
        check=True,
        stdout=subprocess.PIPE,
    )
    rows: list[dict] = json.loads(done.stdout)
    return rows


def onnx_rows(options: argparse.Namespace) -> list[dict]:
    """The reference and ONNX Runtime."""
    rows = []
    size = (options.size, options.size)
    for limit, kind in ((255, "float32"), (65535, "float32 digits, int64")):
        net = network(options.channels, limit)
        inputs, macs = noise(net, options.size), net.macs({"x": size})
        largest = max(proof.bound for proof in prove(net))
        print(f"largest bound {largest} for inputs up to {limit}", file=sys.stderr)
        expected, speed = measure(lambda n=net, i=inputs: reference.run(n, i), macs, 1)
        label = f"inputs up to {limit}"
        rows.append(row(f"NumPy reference, {label}", "int64", 1, "contiguous", 0, speed))
        for threads in (1, 2):
            session = ExactSession(net, threads=threads)
            found, speed = measure(lambda s=session, i=inputs: s.run(i), macs, options.repeat)
            diff = difference(expected, found)
            rows.append(row(f"ONNX Runtime, {label}", kind, threads, "its own", diff, speed))
    return rows


def markdown(rows: list[dict]) -> str:
    """The table of the documentation: one line a path and arithmetic, over threads and layouts."""
    groups: dict[tuple[str, str], list[dict]] = {}
    for entry in rows:
        groups.setdefault((entry["path"], entry["arithmetic"]), []).append(entry)
    lines = [
        "| path | arithmetic | threads | layouts | largest difference | GMAC/s |",
        "|---|---|---|---|---|---|",
    ]
    for (path, arithmetic), group in groups.items():
        threads = ", ".join(str(n) for n in sorted({entry["threads"] for entry in group}))
        layouts = ", ".join(dict.fromkeys(entry["layout"] for entry in group))
        worst = max(entry["max_abs_difference"] for entry in group)
        speeds = [f"{entry['gmac_per_s']:.2g}" for entry in group]
        slowest, fastest = min(speeds, key=float), max(speeds, key=float)
        speed = slowest if slowest == fastest else f"{slowest} to {fastest}"
        shown = f"{worst:.2g}" if worst else "0"
        lines.append(f"| {path} | {arithmetic} | {threads} | {layouts} | {shown} | {speed} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=64, help="height and width of the input")
    parser.add_argument("--channels", type=int, default=64)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--job", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.job:
        job = json.loads(options.job)
        print(json.dumps(control_rows(job) if job.get("control") else torch_rows(job)))
        return
    import onnxruntime
    import torch

    rows = onnx_rows(options)
    for job, environment in torch_jobs(options):
        rows += in_process(job, environment)
    result = {
        "machine": platform.machine(), "python": platform.python_version(),
        "cpu": cpu_name(), "numpy": np.__version__, "onnxruntime": onnxruntime.__version__,
        "torch": torch.__version__, "size": options.size, "channels": options.channels,
        "rows": rows,
    }  # fmt: skip
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")
    print(markdown(rows), end="")
    ours = [entry for entry in rows if not entry["path"].startswith("control")]
    if any(entry["max_abs_difference"] for entry in ours):
        raise SystemExit("an exact network was not exact")


def cpu_name() -> str:
    """Model name of the processor, where the system tells."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


if __name__ == "__main__":
    main()
