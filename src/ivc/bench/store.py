"""Results in an SQLite file, so that a run goes on where it was, and their export.

runs      key, points as JSON                     one row for each material, codec and setting
timings   key and machine, points as JSON         the same, timed one at a time
"""

from __future__ import annotations

import csv
import io
import sqlite3
import threading
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

from ivc.bench.points import Cost, Point
from ivc.errors import MediaError, UsageError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (key TEXT PRIMARY KEY, point TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS timings (key TEXT, machine TEXT, point TEXT NOT NULL,
                                    PRIMARY KEY (key, machine));
"""


class Store:
    """The results of one suite; usable from several threads.

    Args:
        path: the file; created if it is not there.

    Raises:
        MediaError: when it cannot be opened or is no store.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._base = sqlite3.connect(path, check_same_thread=False)
            self._base.executescript(_SCHEMA)
        except (sqlite3.Error, OSError) as error:
            raise MediaError(f"{path}: no store of results: {error}") from None

    def get(self, key: str) -> Point | None:
        """The result of a key, if it is known."""
        with self._lock:
            row = self._base.execute("SELECT point FROM runs WHERE key = ?", (key,)).fetchone()
        return Point.from_json(row[0]) if row else None

    def put(self, point: Point) -> None:
        """Remember a result; it is on disk when this returns."""
        with self._lock, self._base:
            self._base.execute(
                "INSERT OR REPLACE INTO runs VALUES (?, ?)", (point.key, point.to_json())
            )

    def get_timing(self, key: str, machine: str) -> Point | None:
        """The timing of a key on a machine, if it is known."""
        with self._lock:
            row = self._base.execute(
                "SELECT point FROM timings WHERE key = ? AND machine = ?", (key, machine)
            ).fetchone()
        return Point.from_json(row[0]) if row else None

    def put_timing(self, point: Point) -> None:
        """Remember a timing."""
        with self._lock, self._base:
            self._base.execute(
                "INSERT OR REPLACE INTO timings VALUES (?, ?, ?)",
                (point.key, point.machine, point.to_json()),
            )

    def close(self) -> None:
        """Close the file."""
        self._base.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def write_json_lines(path: Path, points: Iterable[Point]) -> None:
    """One result a line: what ``read_json_lines`` reads, and version control compares."""
    path.write_text("".join(point.to_json() + "\n" for point in points), encoding="utf-8")


def read_json_lines(path: Path) -> list[Point]:
    """The results of a file that ``write_json_lines`` wrote.

    Raises:
        UsageError: when a line is none.
    """
    points = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            points.append(Point.from_json(line))
        except ValueError as error:
            raise UsageError(f"{path}, line {number}: {error}") from None
    return points


def write_csv(path: Path, points: Iterable[Point]) -> None:
    """One row a result, one column a figure; empty where there is none."""
    points = list(points)
    metrics = list(dict.fromkeys(name for point in points for name in point.metrics))
    costs = ("seconds", "process_seconds", "cpu_seconds", "peak_bytes")
    head = ["source", "width", "height", "frames", "codec", "setting", "threads", "error"]
    head += ["bytes", "bpp", "kbps", "exact", *metrics]
    head += [f"{side}_{name}" for side in ("encode", "decode") for name in costs]
    head += ["version"]
    file = io.StringIO()
    table = csv.writer(file, lineterminator="\n")
    table.writerow(head)
    for p in points:
        row: list[object] = [p.source, p.width, p.height, p.frames, p.codec, f"{p.setting:g}"]
        row += [p.threads, p.error]
        if p.error:
            row += [""] * (4 + len(metrics))
        else:
            row += [p.size, f"{p.rates['bpp']:.6g}", _cell(p.rates.get("kbps")), p.exact]
            row += [_cell(p.figure(name)) for name in metrics]
        for cost in (p.encode, p.decode):
            row += [_cost_cell(cost, name) for name in costs]
        table.writerow([*row, p.version])
    path.write_text(file.getvalue(), encoding="utf-8")


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _cost_cell(cost: Cost | None, name: str) -> str:
    value = getattr(cost, name, None)
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
