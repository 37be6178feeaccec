"""Progress of ``ivc compare`` and ``ivc bench``."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ivc.cli.terminal import note, raise_lost_signal

if TYPE_CHECKING:
    from ivc.bench.points import Point
    from ivc.bench.runner import Step


class Bar:
    """A bar on a terminal, nothing anywhere else; failures are told as they come.

    Args:
        quiet: show nothing even on a terminal.
        failures: whether to tell them.
    """

    def __init__(self, *, quiet: bool, failures: bool = False) -> None:
        self._shown = not quiet and sys.stderr.isatty()
        self._failures = failures and not quiet
        self._bar: Any = None
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> Bar:
        if self._shown:
            self._bar = _make_bar()
            self._bar.start()
            self._tasks["start"] = self._bar.add_task("reading", total=None, what="")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar:
            self._bar.stop()

    def step(self, step: Step) -> None:
        """Show that a point is known."""
        self._show("measuring", step.point, step.done, step.total)

    def timing(self, point: Point, done: int, total: int) -> None:
        """Show that a point is timed."""
        self._show("timing", point, done, total)

    def _show(self, phase: str, point: Point, done: int, total: int) -> None:
        raise_lost_signal()
        if point.error and self._failures:
            line = f"{point.title}, {point.setting:g}, {point.source}: {point.error}"
            if self._bar:
                self._bar.console.print(f"failed: {line}", highlight=False, markup=False)
            else:
                note(f"failed: {line}")
        if self._bar is None:
            return
        if phase not in self._tasks:
            for task in self._tasks.values():
                self._bar.update(task, visible=False)
            self._tasks[phase] = self._bar.add_task(phase, total=total, what="")
        what = f"{point.title} {point.setting:g}"
        self._bar.update(self._tasks[phase], completed=done, total=total, what=what)


def _make_bar() -> Any:
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
        TextColumn("{task.description:9}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[what]}", markup=False),
        console=Console(stderr=True),
        transient=True,
    )
