"""One command as a process of its own: its time, its memory, and its end when we are stopped.

Memory is that of the whole tree of processes. The kernel's ``ru_maxrss`` is not used: a child
starts with its parent's peak there, so that every codec would seem to need what the bench needs.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ivc.errors import IvcError

SAMPLING_SECONDS = 0.02
SEARCH_SECONDS = 0.1
"""How often new descendants are looked for, which takes longer than looking at their memory."""
_MARK = "IVC_BENCH_COMMAND"
"""Variable that all processes of one command have, whatever session they are in."""
THREAD_VARIABLES = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS",
)  # fmt: skip


class CommandError(IvcError):
    """A command of a codec that failed, ran too long, or could not be started."""


class Stopped(Exception):  # noqa: N818 - not an error: somebody asked for it
    """The run was stopped while the command ran; it has been killed."""


@dataclass(frozen=True)
class Usage:
    """What a command took.

    Attributes:
        seconds: from its start to its end, as a clock on the wall has it.
        cpu_seconds: user and system time of it and of the processes it waited for.
        peak_bytes: largest resident memory of it and its descendants at one time, sampled every
            20 ms; not below the high-water mark of any one of them that lives for 0.1 s.
        output: its standard output.
    """

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    output: str


def run(
    command: Sequence[str],
    *,
    threads: int = 1,
    timeout: float = 3600.0,
    stop: threading.Event | None = None,
    environment: Mapping[str, str] | None = None,
    pinned: bool = False,
) -> Usage:
    """Run a command and measure it.

    Args:
        command: program and arguments.
        threads: what ``OMP_NUM_THREADS`` and its like are set to.
        timeout: seconds after which it is killed.
        stop: when it becomes set, the command and its descendants are killed.
        environment: further variables.
        pinned: let it run on ``threads`` processors only (Linux), since many libraries start as
            many threads as there are processors, whatever they are told. Nothing else should
            run: the processors are always the same.

    Raises:
        CommandError: when it cannot be started, fails, or takes too long; with the last line that
            it wrote to standard error.
        Stopped: when ``stop`` was set.
    """
    variables = {**os.environ, **dict.fromkeys(THREAD_VARIABLES, str(threads))}
    mark = uuid.uuid4().hex
    variables |= {"OMP_WAIT_POLICY": "PASSIVE", **(environment or {}), _MARK: mark}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        begin = time.perf_counter()
        try:
            with _processors(threads if pinned else 0):
                child = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=variables,
                    start_new_session=True,
                )  # fmt: skip
        except OSError as error:
            raise CommandError(f"cannot start {command[0]}: {error.strerror}") from None
        try:
            end, status, cpu, peak = _watch(child, begin + timeout, stop)
            _kill_marked(mark)
        except BaseException:
            _kill(child)
            _kill_marked(mark)
            raise
        seconds = end - begin
        if status:
            raise CommandError(f"{Path(command[0]).name} {_ending(status)}{_last_line(err)}")
        out.seek(0)
        return Usage(seconds, cpu, peak, out.read().decode(errors="replace"))


@contextlib.contextmanager
def _processors(count: int) -> Iterator[None]:
    """Let what this thread starts run on so many processors only; 0 changes nothing."""
    if not count or not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[-count:])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _watch(
    child: subprocess.Popen[bytes], deadline: float, stop: threading.Event | None
) -> tuple[float, int, float, int]:
    """Wait for a process; the time of its end, its exit status, CPU seconds and peak memory."""
    import psutil

    peak = 0
    root = psutil.Process(child.pid)
    tree, searched = [root], time.perf_counter()
    pause = 0.001
    with contextlib.closing(_Ended(child.pid)) as ended:
        while True:
            if time.perf_counter() - searched > SEARCH_SECONDS:
                with contextlib.suppress(psutil.Error):
                    tree, searched = [root, *root.children(recursive=True)], time.perf_counter()
            peak = max(peak, _resident(tree))
            if ended.within(pause):
                end = time.perf_counter()
                # what it left behind; before its number is free for another process
                _kill_all(child.pid, tree[1:])
                _, status, usage = os.wait4(child.pid, 0)
                child.returncode = os.waitstatus_to_exitcode(status)
                return end, child.returncode, usage.ru_utime + usage.ru_stime, peak
            if stop is not None and stop.is_set():
                raise Stopped
            if time.perf_counter() > deadline:
                name = Path(str(child.args[0])).name  # type: ignore[index]
                raise CommandError(f"{name} took too long and was stopped")
            pause = min(pause * 1.5, SAMPLING_SECONDS)


class _Ended:
    """Tells when a child process has ended, at once where the system can, and does not reap it."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._file = os.pidfd_open(pid) if hasattr(os, "pidfd_open") else None

    def within(self, seconds: float) -> bool:
        """Whether it ends within some seconds."""
        if self._file is not None:
            return bool(select.select([self._file], [], [], seconds)[0])
        time.sleep(seconds)
        options = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self._pid, options) is not None

    def close(self) -> None:
        """Wait no longer."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _resident(tree: Sequence[Any]) -> int:
    import psutil

    total = highest = 0
    for process in tree:
        with contextlib.suppress(psutil.Error):
            total += process.memory_info().rss
            highest = max(highest, _high_water(process.pid))
    return max(total, highest)


def _high_water(pid: int) -> int:
    """Peak of one process's memory since it was started (Linux), in bytes; 0 if not known."""
    if not sys.platform.startswith("linux"):
        return 0
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def _kill(child: subprocess.Popen[bytes]) -> None:
    import psutil

    descendants: list[Any] = []
    if child.returncode is None:
        with contextlib.suppress(psutil.Error):
            descendants = psutil.Process(child.pid).children(recursive=True)
    _kill_all(child.pid, descendants)
    with contextlib.suppress(ChildProcessError):
        child.wait()


def _kill_all(group: int, descendants: Sequence[Any]) -> None:
    """Kill a group of processes, and those of the descendants that made a group of their own."""
    import psutil

    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
    for process in descendants:
        with contextlib.suppress(psutil.Error):
            process.kill()


def _kill_marked(mark: str) -> None:
    """Kill what a command left behind in a session of its own, which its environment tells."""
    import psutil

    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(_MARK) == mark:
                process.kill()


def _ending(status: int) -> str:
    return f"was killed by signal {-status}" if status < 0 else f"failed with status {status}"


def _last_line(file: Any) -> str:
    file.seek(max(0, file.seek(0, os.SEEK_END) - 4096))
    lines = [line.strip() for line in file.read().decode(errors="replace").splitlines()]
    return next((f": {line[:300]}" for line in reversed(lines) if line), "")
