"""Speed, like with like: one command at a time, after a warm-up, medians, on so many processors.

Two figures for each direction. ``process_seconds`` is a whole process, as a person waits for it,
with its start and the reading and writing of files. ``seconds`` is the codec's own work in a
process that has done it once before; programs that are one process for one file have none. The
two are never set beside one another: stills are compared by either, clips by whole processes.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

from ivc.bench.contenders import Task
from ivc.bench.points import Cost, Point
from ivc.bench.processes import CommandError, run
from ivc.bench.runner import Job, blank_point, machine, shortened, task_of, written
from ivc.bench.store import Store
from ivc.errors import IvcError

REPEAT = 3


def time_points(
    jobs: Sequence[Job],
    store: Store,
    *,
    repeat: int = REPEAT,
    again: bool = False,
    timeout: float = 3600.0,
    watch: Callable[[Point, int, int], None] | None = None,
) -> list[Point]:
    """Time what the store does not know of this machine.

    Args:
        jobs: codecs at settings on materials; nothing else should be running.
        store: what is known.
        repeat: repetitions after a warm-up.
        again: time also what is known.
        timeout: seconds after which a command is stopped and counts as failed.
        watch: called after each, with the number done and the number of all.
    """
    points = []
    for number, job in enumerate(jobs, 1):
        point = None if again else store.get_timing(job.key, machine())
        if point is None or point.error or _repetitions(point) < repeat:
            point = _time(job, repeat, timeout)
            store.put_timing(point)
        points.append(replace(point, source=job.material.name, title=job.contender.title))
        if watch:
            watch(points[-1], number, len(jobs))
    return points


def middle(ladder: Sequence[float]) -> float:
    """The setting that is timed if nobody says which."""
    return ladder[len(ladder) // 2]


def _time(job: Job, repeat: int, timeout: float) -> Point:
    blank = blank_point(job, 1)
    with tempfile.TemporaryDirectory(prefix="ivc-bench-") as name:
        task = task_of(job, Path(name))
        try:
            encode = _median(job.contender.encode(task), job, repeat, timeout)
            size = written(task.coded)
            decode = _median(job.contender.decode(task), job, repeat, timeout)
            warm = job.contender.timed(task, repeat)
            if warm:
                encode = replace(encode, seconds=_inner(warm[0], task, timeout))
                decode = replace(decode, seconds=_inner(warm[1], task, timeout))
        except IvcError as error:
            return replace(blank, error=shortened(str(error), Path(name), job.material))
        return replace(blank, size=size, encode=encode, decode=decode)


def _median(command: Sequence[str], job: Job, repeat: int, timeout: float) -> Cost:
    runs = [
        run(command, threads=job.threads, pinned=True, timeout=timeout) for _ in range(repeat + 1)
    ][1:]
    return Cost(
        None, median(r.seconds for r in runs), median(r.cpu_seconds for r in runs),
        max(r.peak_bytes for r in runs), repeat,
    )  # fmt: skip


def _inner(command: Sequence[str], task: Task, timeout: float) -> float:
    output = run(command, threads=task.threads, pinned=True, timeout=timeout).output
    try:
        return median(float(value) for value in json.loads(output)["seconds"])
    except (ValueError, KeyError, TypeError):
        raise CommandError("the timing process printed no seconds") from None


def _repetitions(point: Point) -> int:
    return min((c.repetitions for c in (point.encode, point.decode) if c), default=0)
