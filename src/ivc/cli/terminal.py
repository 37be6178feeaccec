"""What ``ivc`` shows a person: progress, tables, warnings, and errors of one line."""

from __future__ import annotations

import math
import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

import click

from ivc.errors import IvcError, UsageError
from ivc.kernels import have_kernels

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from ivc.pipeline import Progress

FAILED, USAGE, INTERRUPTED, PIPE_CLOSED, TERMINATED = 1, 2, 130, 141, 143


class Terminated(BaseException):
    """SIGTERM arrived."""


_stopping: list[BaseException] = []


@contextmanager
def signals_as_exceptions() -> Iterator[None]:
    """Let SIGTERM unwind like Ctrl-C does, so that part files and workers are seen to.

    An exception that arrives while compiled code calls back into Python is lost there; so it is
    remembered, and ``raise_lost_signal`` raises it at the next step of a progress bar.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        _stopping.append(KeyboardInterrupt() if number == signal.SIGINT else Terminated())
        raise _stopping[-1]

    _stopping.clear()
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def raise_lost_signal() -> None:
    """Raise a signal that arrived while compiled code ran and was lost on its way.

    Raises:
        BaseException: that signal.
    """
    if _stopping:
        raise _stopping[-1]


def report_error(error: BaseException) -> int:
    """Say on standard error, in one line, why the command ends; return its exit code."""
    if _has_cause(error, BrokenPipeError):
        # The interpreter flushes standard output once more when it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    if isinstance(error, KeyboardInterrupt):
        return _line("; ".join(["interrupted", *map(str, error.args)]), INTERRUPTED)
    if isinstance(error, Terminated):
        return _line("; ".join(["terminated", *map(str, error.args)]), TERMINATED)
    if isinstance(error, click.UsageError):
        command = error.ctx.command_path if error.ctx else "ivc"
        return _line(f"{error.format_message()} See '{command} --help'.", USAGE)
    if isinstance(error, UsageError):
        return _line(str(error), USAGE)
    if isinstance(error, IvcError):
        return _line(str(error), FAILED)
    if isinstance(error, MemoryError):
        return _line("out of memory; try fewer --jobs or smaller --segment-frames", FAILED)
    if isinstance(error, OSError) and error.strerror:
        where = f"{os.fsdecode(error.filename)}: " if error.filename else ""
        return _line(f"{where}{error.strerror}", FAILED)
    if not isinstance(error, Exception):
        raise error
    if os.environ.get("IVC_DEBUG") == "1":
        import traceback

        traceback.print_exception(error)
    first_line = next(iter(str(error).splitlines()), "")[:200]
    return _line(
        "internal error, please report it (IVC_DEBUG=1 shows where): "
        f"{type(error).__name__}: {first_line}",
        FAILED,
    )


def _has_cause(error: BaseException | None, kind: type[BaseException]) -> bool:
    while error is not None and not isinstance(error, kind):
        error = error.__cause__ or error.__context__
    return error is not None


def _line(message: str, code: int) -> int:
    print("ivc:", " ".join(message.split()), file=sys.stderr)
    return code


@contextmanager
def about(path: str) -> Iterator[None]:
    """Name the file in errors that do not name it themselves."""
    try:
        yield
    except IvcError as error:
        if path not in str(error) and not isinstance(error, UsageError):
            name = "standard input" if path == "-" else path
            error.args = (f"{name}: {error}",)
        raise


def note(message: str) -> None:
    """Tell something that is no error, in one line on standard error."""
    _line(message, 0)


def summary(text: str) -> None:
    """Say on a terminal what was done; nothing in a pipe."""
    if sys.stderr.isatty():
        print(text, file=sys.stderr)


@contextmanager
def show_warnings() -> Iterator[None]:
    """Show what the rooms of ivc log as warnings, such as a track that had to be left out."""
    import logging

    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: note(f"warning: {record.getMessage()}")  # type: ignore[method-assign]
    logger = logging.getLogger("ivc")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


class ProgressBar:
    """A callback for the pipeline: a bar on a terminal, nothing anywhere else.

    Args:
        quiet: show nothing even on a terminal.
    """

    def __init__(self, *, quiet: bool) -> None:
        self._shown = not quiet and sys.stderr.isatty()
        self._bar: Bar | None = None
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> ProgressBar:
        if self._shown:
            self._bar = _make_bar()
            self._bar.start()
            first = "starting" if have_kernels() else "compiling, once (half a minute)"
            self._tasks["start"] = self._bar.add_task(first, total=None, size="", speed="")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar:
            self._bar.stop()

    def __call__(self, progress: Progress) -> None:
        """Show where the run is.

        Raises:
            BaseException: a signal that was lost on its way.
        """
        raise_lost_signal()
        if self._bar is None:
            return
        phase = progress.phase
        if phase not in self._tasks:
            for task in self._tasks.values():
                self._bar.update(task, visible=False)
            self._tasks[phase] = self._bar.add_task(phase, total=None, size="", speed="")
        task = self._tasks[phase]
        elapsed = next(t.elapsed for t in self._bar.tasks if t.id == task) or 0.0
        speed = f"{progress.frames / elapsed:.1f} frames/s" if elapsed > 0.5 else ""
        size = human_bytes(progress.bytes) if progress.bytes else ""
        self._bar.update(
            task,
            completed=progress.frames,
            total=progress.total,
            speed=speed if phase != "probe" else "",
            size=size,
            visible=True,
        )


def _make_bar() -> Bar:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description:8}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[speed]}"),
        TextColumn("{task.fields[size]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(compact=True),
        console=Console(stderr=True),
        transient=True,
    )


def human_bytes(count: float) -> str:
    """Bytes in powers of 1000: ``812 B``, ``51.2 kB``, ``3.07 MB``."""
    if count < 1000:
        return f"{count:.0f} B"
    units = ["TB", "GB", "MB", "kB"]
    while True:
        count /= 1000
        unit = units.pop()
        if count < 999.5 or not units:
            # three digits, also where rounding adds one before the point
            decimals = 2 if count < 9.995 else 1 if count < 99.95 else 0
            return f"{count:.{decimals}f} {unit}"


def print_table(header: Sequence[str], rows: Iterable[Sequence[Any]], *, left: int = 1) -> None:
    """Print rows in aligned columns; the first ``left`` columns are text, the others numbers."""
    cells = [list(header), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    for row in cells:
        padded = (
            cell.ljust(width) if i < left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        print("  " + "  ".join(padded).rstrip())


def print_json(document: Mapping[str, Any]) -> None:
    """Print one JSON object; infinity, which JSON lacks, becomes null."""
    import json

    print(json.dumps(_plain(document), indent=2, ensure_ascii=False, allow_nan=False))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)
