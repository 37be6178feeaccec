"""Results in an SQLite file, so that a run goes on where it was.

runs      key, points as JSON                     one row for each material, codec and setting
timings   key and machine, points as JSON         the same, timed one at a time
"""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from types import TracebackType

from ivc.bench.points import Point
from ivc.errors import MediaError

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
        MediaError: when it cannot be opened or is no store, and later when it cannot be read or
            written.
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
        return self._read("SELECT point FROM runs WHERE key = ?", key)

    def put(self, point: Point) -> None:
        """Remember a result; it is on disk when this returns."""
        self._write("INSERT OR REPLACE INTO runs VALUES (?, ?)", point.key, point.to_json())

    def get_timing(self, key: str, machine: str) -> Point | None:
        """The timing of a key on a machine, if it is known."""
        return self._read("SELECT point FROM timings WHERE key = ? AND machine = ?", key, machine)

    def put_timing(self, point: Point) -> None:
        """Remember a timing."""
        row = (point.key, point.machine, point.to_json())
        self._write("INSERT OR REPLACE INTO timings VALUES (?, ?, ?)", *row)

    def _read(self, query: str, *values: str) -> Point | None:
        try:
            with self._lock:
                row = self._base.execute(query, values).fetchone()
        except sqlite3.Error as error:
            raise MediaError(f"{self.path}: cannot be read: {error}") from None
        try:
            return Point.from_json(row[0]) if row else None
        except ValueError:
            # of another version of ivc: not known
            return None

    def _write(self, query: str, *values: str) -> None:
        try:
            with self._lock, self._base:
                self._base.execute(query, values)
        except sqlite3.Error as error:
            raise MediaError(f"{self.path}: cannot be written: {error}") from None

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
