"""Material x codec x setting: what the store does not know is run, each point in fresh processes.

An encoder writes a file; another process, which has nothing but that file, decodes it; the file on
disk is the rate, and the decoded file is what is scored. A codec that fails leaves a result that
says so, which is tried again in the next run.
"""

from __future__ import annotations

import os
import platform
import queue
import shlex
import shutil
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path

from ivc.bench.contenders import Contender, Task
from ivc.bench.material import Material
from ivc.bench.points import Cost, Point, key_of
from ivc.bench.processes import CommandError, Stopped, Usage, run
from ivc.bench.scores import finite, score, scoring
from ivc.bench.store import Store
from ivc.errors import IvcError


@dataclass(frozen=True)
class Job:
    """One point that is wanted."""

    material: Material
    contender: Contender
    setting: float
    threads: int = 1

    @property
    def key(self) -> str:
        """See ``key_of``."""
        return key_of(self.material, self.contender, self.setting, self.threads)


@dataclass(frozen=True)
class Step:
    """What a callback is told: a point is known.

    Attributes:
        point: the result.
        done: points known so far.
        total: points wanted, the same content under two names counted once.
        reused: whether it was in the store.
    """

    point: Point
    done: int
    total: int
    reused: bool


Watch = Callable[[Step], None]


def jobs_of(
    materials: Sequence[Material],
    contenders: Sequence[Contender],
    *,
    ladders: Mapping[str, tuple[float, ...]] | None = None,
    threads: int = 1,
) -> tuple[list[Job], list[str]]:
    """All points of some codecs on some materials.

    Returns:
        the jobs, and one line for each codec or pair that is left out, with the reason.
    """
    jobs: list[Job] = []
    skipped: list[str] = []
    for contender in contenders:
        why = contender.missing()
        if why:
            skipped.append(f"{contender.title} is left out: {why}")
            continue
        refusals: dict[str, list[str]] = {}
        for material in materials:
            why = contender.refuses(material)
            if why:
                refusals.setdefault(why, []).append(material.name)
                continue
            ladder = (ladders or {}).get(contender.name, contender.ladder)
            jobs += [Job(material, contender, setting, threads) for setting in ladder]
        for why, names in refusals.items():
            where = "" if len(names) == len(materials) else f" for {', '.join(names)}"
            skipped.append(f"{contender.title} is left out{where}: {why}")
    return jobs, skipped


def measure(
    jobs: Sequence[Job],
    store: Store,
    metrics: Sequence[str],
    *,
    workers: int = 1,
    timeout: float = 3600.0,
    watch: Watch | None = None,
) -> list[Point]:
    """Run what is not known, and return all points in the order of the jobs.

    Args:
        jobs: what is wanted.
        store: what is known, and where results go as soon as they are there.
        metrics: to compute; a known point without one of them is run again.
        workers: commands that run side by side.
        timeout: seconds after which a command is stopped and counts as failed.
        watch: called after each point, in the calling thread.

    Raises:
        KeyboardInterrupt: after everything that was started has been stopped.
    """
    found: dict[str, Point] = {}
    keys = [job.key for job in jobs]
    wanted = dict(zip(keys, jobs, strict=True))  # the same content twice is run once

    def known(key: str, job: Job) -> Point | None:
        point = store.get(key)
        if point is None or point.error or not _covers(point, metrics):
            return None
        # the same content under another name
        return replace(point, source=job.material.name, title=job.contender.title)

    def told(point: Point, reused: bool) -> None:
        found[point.key] = point
        if watch:
            watch(Step(point, len(found), len(wanted), reused))

    todo: list[Job] = []
    for key, job in wanted.items():
        point = known(key, job)
        if point:
            told(point, True)
        else:
            todo.append(job)
    workers = max(1, min(workers, len(todo)))
    stop = threading.Event()
    with tempfile.TemporaryDirectory(prefix="ivc-bench-") as name:
        folders: queue.SimpleQueue[Path] = queue.SimpleQueue()
        for number in range(workers):
            folder = Path(name) / str(number)
            folder.mkdir()
            folders.put(folder)

        def work(job: Job) -> Point:
            folder = folders.get()
            try:
                point = run_point(job, folder, metrics, jobs=workers, timeout=timeout, stop=stop)
                store.put(point)
                return point
            finally:
                folders.put(folder)

        with ThreadPoolExecutor(workers) as pool:
            futures = [pool.submit(work, job) for job in todo]
            try:
                for future in as_completed(futures):
                    told(future.result(), False)
            except BaseException:
                stop.set()
                pool.shutdown(cancel_futures=True)
                raise
    return [
        replace(found[key], source=job.material.name) for key, job in zip(keys, jobs, strict=True)
    ]


def run_point(
    job: Job,
    folder: Path,
    metrics: Sequence[str],
    *,
    jobs: int = 1,
    timeout: float = 3600.0,
    stop: threading.Event | None = None,
    keep: Callable[[Point, Path, Path], None] | None = None,
    pinned: bool = False,
) -> Point:
    """Encode, decode and score one point; a failure is a result.

    Args:
        job: the point.
        folder: for the coded and the decoded file, which are removed again.
        metrics: to compute.
        jobs: how many commands run side by side, to be remembered.
        timeout: see ``measure``.
        stop: see ``processes.run``.
        keep: called with the point, the coded and the decoded file before they are removed.
        pinned: see ``processes.run``.

    Raises:
        Stopped: when ``stop`` was set.
    """
    blank = blank_point(job, jobs)
    task = task_of(job, folder)
    try:
        encoding = run(
            job.contender.encode(task), threads=job.threads, timeout=timeout, stop=stop,
            pinned=pinned,
        )  # fmt: skip
        size = written(task.coded)
        decoding = run(
            job.contender.decode(task), threads=job.threads, timeout=timeout, stop=stop,
            pinned=pinned,
        )  # fmt: skip
        written(task.decoded)
        scores = score(job.material, task.decoded, metrics)
        if job.contender.lossless and not scores.exact:
            raise CommandError("decoded samples differ from the original's")
        point = replace(
            blank, size=size, scoring=scoring(), metrics=finite(scores.values), exact=scores.exact,
            layers=job.contender.layers(task.coded),
            encode=cost(encoding), decode=cost(decoding),
        )  # fmt: skip
        if keep:
            keep(point, task.coded, task.decoded)
        return point
    except Stopped:
        raise
    except IvcError as error:
        return replace(blank, error=shortened(str(error), folder, job.material))
    finally:
        for path in (task.coded, task.decoded):
            _remove(path)


def task_of(job: Job, folder: Path) -> Task:
    """The task of a job with its files in a folder."""
    coded = folder / f"coded{job.contender.extension}"
    return Task(
        job.material, coded, folder / f"decoded{job.material.suffix}", job.setting, job.threads
    )


def blank_point(job: Job, jobs: int) -> Point:
    """A point that has all but its results."""
    material, contender = job.material, job.contender
    shown = Task(
        replace(material, path=Path("INPUT")), Path("CODED"), Path("OUTPUT"), job.setting,
        job.threads,
    )  # fmt: skip
    return Point(
        key=job.key, source=material.name, digest=material.digest, width=material.width,
        height=material.height, frames=material.frames, seconds=material.seconds,
        codec=contender.name, title=contender.title, kind=contender.kind,
        lossless=contender.lossless, version=contender.version(), setting=job.setting,
        threads=job.threads, machine=machine(), jobs=jobs,
        commands=(readable(contender.encode(shown)), readable(contender.decode(shown))),
    )  # fmt: skip


def readable(command: Sequence[str]) -> str:
    """A command as a person would type it: programs by their names."""
    words = list(command)
    words[0] = Path(words[0]).name
    if words[1:3] == ["-m", "ivc"]:
        words[:3] = ["ivc"]
    elif words[1:2] == ["-m"]:
        words[0] = "python"
    elif words[0].startswith("ffmpeg"):
        words[0] = "ffmpeg"
    return shlex.join(words)


def cost(usage: Usage) -> Cost:
    """The cost of a command that ran once."""
    return Cost(None, usage.seconds, usage.cpu_seconds, usage.peak_bytes)


def written(path: Path) -> int:
    """Size of a file that a command should have written.

    Raises:
        CommandError: when it is not there or empty.
    """
    size = path.stat().st_size if path.is_file() else 0
    if not size:
        raise CommandError(f"no {path.name.split('.')[0]} file was written")
    return size


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def shortened(message: str, folder: Path, material: Material) -> str:
    """An error in one line of at most 300 characters, without names of temporary files."""
    text = " ".join(message.split()).replace(str(folder) + os.sep, "")
    return text.replace(str(material.path), material.name)[:300]


def machine() -> str:
    """What this machine is: system, processor, cores."""
    processor = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = (n for n in info.read_text().splitlines() if n.startswith("model name"))
        processor = next(names, "").partition(": ")[2] or processor
    return f"{platform.system()} {platform.machine()}, {processor}, {os.cpu_count()} cores"


def _covers(point: Point, metrics: Sequence[str]) -> bool:
    return point.scoring == scoring() and all(name in point.metrics for name in metrics)
