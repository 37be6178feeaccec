"""How long ``ivc`` takes to answer: help and listings, each run in a fresh process.

    python benchmarks/startup.py [--runs 15] [--json OUT]

The file that is listed is a clip of 100 frames in 20 segments. Given are the median and the
fastest wall time and the median CPU time of a command, in seconds; ``python -c pass`` is what the
interpreter itself takes. Other work on the machine shows in the median, not in the CPU time.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np

import ivc

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "ivc --version": ["-m", "ivc", "--version"],
    "ivc --help": ["-m", "ivc", "--help"],
    "ivc encode --help": ["-m", "ivc", "encode", "--help"],
    "ivc profiles": ["-m", "ivc", "profiles"],
    "ivc info clip.ivc": ["-m", "ivc", "info", "clip.ivc"],
    "ivc info clip.ivc --json": ["-m", "ivc", "info", "clip.ivc", "--json"],
}


def timed(arguments: list[str], folder: Path) -> tuple[float, float]:
    """Wall and CPU seconds of one run."""
    start = time.perf_counter()
    child = subprocess.Popen([sys.executable, *arguments], cwd=folder, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - start
    if status:
        raise SystemExit(f"{' '.join(arguments)} failed")
    return wall, usage.ru_utime + usage.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        frames = np.add.outer(np.arange(100), np.add.outer(np.arange(48), np.arange(64)))
        ivc.encode(frames.astype(np.uint8), folder / "clip.ivc", profile="dpcm", segment_frames=5)
        for label, arguments in COMMANDS.items():
            timed(arguments, folder)
            walls, cpus = zip(*(timed(arguments, folder) for _ in range(options.runs)), strict=True)
            rows[label] = {
                "median_seconds": round(statistics.median(walls), 3),
                "fastest_seconds": round(min(walls), 3),
                "cpu_seconds": round(statistics.median(cpus), 3),
            }
    result = {
        "runs": options.runs,
        "python": platform.python_version(),
        "ivc": ivc.__version__,
        "click": version("click"),
        "cores": os.cpu_count(),
        "commands": rows,
    }
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")
    print("| command | median s | fastest s | CPU s |\n|---|---|---|---|")
    for label, row in rows.items():
        figures = " | ".join(f"{value:.3f}" for value in row.values())
        print(f"| `{label}` | {figures} |")


if __name__ == "__main__":
    main()
