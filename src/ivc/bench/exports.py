"""Results as files for others: JSON lines, which version control compares, and CSV.

The first JSON line describes codecs and sources once; each further line is one result, a run or a
timing. A codec's two commands are those of its first result.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ivc.bench.points import Cost, Point, rounded
from ivc.errors import UsageError

FORMAT = "ivc bench results, version 1"
_CODEC = ("title", "kind", "lossless", "version", "commands")
_SOURCE = ("digest", "width", "height", "frames", "seconds")
_OWN = ("key", "source", "codec", "setting", "threads", "error", "size", "exact", "jobs")
_COST = ("seconds", "process_seconds", "cpu_seconds", "peak_bytes", "repetitions")


def write_json_lines(path: Path, points: Iterable[Point], timings: Iterable[Point] = ()) -> None:
    """Write results and timings.

    Args:
        path: the file, replaced if it is there.
        points: runs.
        timings: of the same.
    """
    points, timings = list(points), list(timings)
    every = [*points, *timings]
    head: dict[str, Any] = {
        "format": FORMAT,
        "machine": next((p.machine for p in every if p.machine), ""),
        "scoring": next((p.scoring for p in points if p.scoring), ""),
        "codecs": _once(every, "codec", _CODEC),
        "sources": _once(every, "source", _SOURCE),
    }
    lines = [head, *({"run": _row(p, head)} for p in points)]
    lines += [{"timing": _row(p, head)} for p in timings]
    text = "".join(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n" for line in lines)
    path.write_text(text, encoding="utf-8")


def _once(points: Sequence[Point], name: str, fields: Sequence[str]) -> dict[str, Any]:
    """What the points of one codec or source share."""
    found: dict[str, Any] = {}
    for point in points:
        found.setdefault(getattr(point, name), {f: getattr(point, f) for f in fields})
    return found


def _row(point: Point, head: Mapping[str, Any]) -> dict[str, Any]:
    data = asdict(point)
    row = {name: data[name] for name in _OWN if data[name] not in ("", False, 0)}
    for name in ("metrics", "layers"):
        if data[name]:
            row[name] = data[name]
    row |= {name: data[name] for name in ("machine", "scoring") if data[name] != head[name]}
    for name in ("encode", "decode"):
        if data[name]:
            row[name] = [data[name][part] for part in _COST]
    return dict(rounded(row))


def read_json_lines(path: Path) -> tuple[list[Point], list[Point]]:
    """Results and timings of a file that ``write_json_lines`` wrote.

    Raises:
        UsageError: when it is none.
    """
    try:
        # not splitlines(), which would also split at U+2028 inside a text
        lines = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: no results of a benchmark ({error})") from None
    points: list[Point] = []
    timings: list[Point] = []
    number = 1
    try:
        head = json.loads(lines[0])
        if head["format"] != FORMAT:
            raise ValueError(f"format {head['format']!r}")
        for number, line in enumerate(lines[1:], start=2):  # noqa: B007 - named in the error
            data = json.loads(line)
            kind = "run" if "run" in data else "timing"
            (points if kind == "run" else timings).append(_point(data[kind], head))
    except (IndexError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(f"{path}, line {number}: no result of a benchmark ({error})") from None
    return points, timings


def _point(row: dict[str, Any], head: dict[str, Any]) -> Point:
    shared = {**head["codecs"][row["codec"]], **head["sources"][row["source"]]}
    shared["commands"] = tuple(shared["commands"])
    row = {"setting": 0.0, **row}
    for name in ("encode", "decode"):
        if name in row:
            row[name] = Cost(*row[name])
    return Point(**{"machine": head["machine"], "scoring": head["scoring"], **shared, **row})


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
