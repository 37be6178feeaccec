"""Ctrl-C and SIGTERM between two steps instead of within one."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def deferred_signals() -> Iterator[list[int]]:
    """Within this context SIGINT and SIGTERM are noted in the list that it yields.

    Several processes then stop after the same step, and a checkpoint can be written. A third
    signal stops at once (torchrun passes one Ctrl-C on as two).

    Raises:
        KeyboardInterrupt: at the third signal.
    """
    pending: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        pending.append(number)
        if len(pending) > 2:
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield pending
        return
    previous = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield pending
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
