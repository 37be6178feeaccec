"""One command as a process of its own: its time, its memory, and its end when we are stopped.

Memory is that of the whole tree of processes. The kernel's ``ru_maxrss`` is not used: a child
starts with its parent's peak there, so that every codec would seem to need what the bench needs.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ivc.errors import IvcError

SAMPLING_SECONDS = 0.02
SEARCH_SECONDS = 0.1
"""How often new descendants are looked for, which takes longer than looking at their memory."""
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
) -> Usage:
    """Run a command and measure it.

    Args:
        command: program and arguments.
        threads: what ``OMP_NUM_THREADS`` and its like are set to.
        timeout: seconds after which it is killed.
        stop: when it becomes set, the command and its descendants are killed.
        environment: further variables.

    Raises:
        CommandError: when it cannot be started, fails, or takes too long; with the last line that
            it wrote to standard error.
        Stopped: when ``stop`` was set.
    """
    variables = {**os.environ, **dict.fromkeys(THREAD_VARIABLES, str(threads))}
    variables |= {"OMP_WAIT_POLICY": "PASSIVE", **(environment or {})}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        begin = time.perf_counter()
        try:
            child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=variables,
                start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise CommandError(f"cannot start {command[0]}: {error.strerror}") from None
        try:
            status, cpu, peak = _watch(child, begin + timeout, stop)
        except BaseException:
            _kill(child)
            raise
        seconds = time.perf_counter() - begin
        if status:
            raise CommandError(f"{Path(command[0]).name} {_ending(status)}{_last_line(err)}")
        out.seek(0)
        return Usage(seconds, cpu, peak, out.read().decode(errors="replace"))


def _watch(
    child: subprocess.Popen[bytes], deadline: float, stop: threading.Event | None
) -> tuple[int, float, int]:
    """Wait for the end of a process; its exit status, CPU seconds and peak memory."""
    import psutil

    peak = 0
    root = psutil.Process(child.pid)
    tree, searched = [root], time.perf_counter()
    pause = 0.001
    while True:
        if time.perf_counter() - searched > SEARCH_SECONDS:
            with contextlib.suppress(psutil.Error):
                tree, searched = [root, *root.children(recursive=True)], time.perf_counter()
        peak = max(peak, _resident(tree))
        number, status, usage = os.wait4(child.pid, os.WNOHANG)
        if number:
            child.returncode = os.waitstatus_to_exitcode(status)
            _kill_all(child.pid, tree[1:])  # what it left behind
            return child.returncode, usage.ru_utime + usage.ru_stime, peak
        if stop is not None and stop.is_set():
            raise Stopped
        if time.perf_counter() > deadline:
            raise CommandError(f"{Path(str(child.args[0])).name} took too long and was stopped")  # type: ignore[index]
        time.sleep(pause)
        pause = min(pause * 1.5, SAMPLING_SECONDS)


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


def _ending(status: int) -> str:
    return f"was killed by signal {-status}" if status < 0 else f"failed with status {status}"


def _last_line(file: Any) -> str:
    file.seek(max(0, file.seek(0, os.SEEK_END) - 4096))
    lines = [line.strip() for line in file.read().decode(errors="replace").splitlines()]
    return next((f": {line[:300]}" for line in reversed(lines) if line), "")
