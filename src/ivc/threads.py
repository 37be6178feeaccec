"""How many threads a codec may use, and work spread over them.

A process uses as many threads as it has processors, or as ``OMP_NUM_THREADS`` says; a worker
process of ``--jobs`` one, for its siblings use the others. Results never depend on the number.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

_most: ContextVar[int | None] = ContextVar("most", default=None)


@contextmanager
def at_most(count: int) -> Iterator[None]:
    """Let codecs use so many threads within the block."""
    token = _most.set(count)
    try:
        yield
    finally:
        _most.reset(token)


def available() -> int:
    """Threads that a codec may use here, at least 1."""
    chosen = _most.get()
    if chosen is not None:
        return chosen
    if multiprocessing.parent_process() is not None:
        return 1
    if hasattr(os, "sched_getaffinity"):
        processors = len(os.sched_getaffinity(0))
    else:
        processors = os.cpu_count() or 1
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    count = int(wanted) if wanted.isascii() and wanted.isdigit() else 0
    return min(processors, count) if count else processors


def spread(function: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """Results of a function that lets go of the interpreter's lock, in the order of the items.

    The calling thread only waits, so that Ctrl-C is heard while compiled loops run; the threads
    are daemons and do not keep a process alive.

    Args:
        function: called once an item, from several threads.
        items: what to call it with.

    Raises:
        BaseException: the first that ``function`` raised; items not yet begun are left out.
    """
    results: dict[int, R] = {}
    errors: list[BaseException] = []
    todo = iter(range(len(items)))
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                i = next(todo, None)
                if i is None or errors:
                    return
            try:
                with at_most(1):
                    results[i] = function(items[i])
            except BaseException as error:
                errors.append(error)

    threads = [
        threading.Thread(target=work, daemon=True) for _ in range(min(available(), len(items)))
    ]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    except BaseException as error:  # Ctrl-C: the threads end after their item
        errors.append(error)
        raise
    if errors:
        raise errors[0]
    return [results[i] for i in range(len(items))]
