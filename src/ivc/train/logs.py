"""Logs of a training as CSV files that go on where a checkpoint does."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path


class Table:
    """A CSV file to which rows are added; its first column is the number of the step.

    Args:
        path: of the file.
        columns: their names, the first being ``step``.
        step: rows of later steps are dropped: they come from after the checkpoint.
    """

    def __init__(self, path: Path, columns: Sequence[str], step: int) -> None:
        self.path, self.columns = path, list(columns)
        self.rows = [row for row in read(path) if _step(row) <= step] if step else []
        text = io.StringIO()
        writer = csv.DictWriter(text, self.columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        path.write_text(text.getvalue(), encoding="utf-8")

    def add(self, **values: float) -> None:
        """Add a row."""
        row = {name: f"{values[name]:.6g}" for name in self.columns}
        row["step"] = str(int(values["step"]))
        self.rows.append(row)
        with self.path.open("a", encoding="utf-8", newline="") as file:
            csv.DictWriter(file, self.columns, lineterminator="\n").writerow(row)


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file; none if it is not there."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if None not in row.values()]


def _step(row: Mapping[str, str]) -> int:
    return int(row["step"]) if row.get("step", "").isdigit() else 0
