"""Where segments are worked on: in this process, in worker processes, later on a cluster.

An executor maps a pure function over segments and returns the results in order, with a bounded
number of segments in flight, so that memory does not grow with the length of a clip.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import nullcontext
from multiprocessing.connection import Connection
from types import TracebackType
from typing import TypeVar

from ivc import threads
from ivc.errors import WorkerError

T = TypeVar("T")
R = TypeVar("R")


class Executor(ABC):
    """Maps functions over segments; a context manager that leaves no worker behind."""

    @abstractmethod
    def map(self, function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """Results of ``function`` over ``items`` in order; ``items`` is read as it is needed."""

    @abstractmethod
    def close(self, *, abort: bool) -> None:
        """End the workers; with ``abort`` at once, whatever they are doing."""

    def __enter__(self) -> Executor:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close(abort=kind is not None)


class InProcess(Executor):
    """One segment after the other in this process.

    Args:
        most: threads that a codec may use; None leaves it to ``ivc.threads``.
    """

    def __init__(self, most: int | None = None) -> None:
        self._most = most

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """See ``Executor.map``."""
        for item in items:
            with threads.at_most(self._most) if self._most else nullcontext():
                result = function(item)
            yield result

    def close(self, *, abort: bool) -> None:
        """Nothing to end."""


class ProcessPool(Executor):
    """``jobs`` worker processes, started fresh (not forked), so that threads cannot deadlock.

    Each worker watches one end of a pipe whose other end only this process holds: when it closes,
    on an abort or because this process died, even by ``kill -9``, the workers end at once.
    """

    def __init__(self, jobs: int) -> None:
        context = multiprocessing.get_context("spawn")
        watched, self._lifeline = context.Pipe(duplex=False)
        self._jobs = jobs
        self._pool = ProcessPoolExecutor(
            jobs, mp_context=context, initializer=_start_worker, initargs=(watched,)
        )

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """See ``Executor.map``; at most one segment more than there are workers is in flight."""
        pending: deque[Future[R]] = deque()
        try:
            for item in items:
                pending.append(self._pool.submit(function, item))
                if len(pending) > self._jobs:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        except BrokenProcessPool:
            raise WorkerError(
                "a worker process died (out of memory?); try fewer --jobs or shorter segments"
            ) from None

    def close(self, *, abort: bool) -> None:
        """See ``Executor.close``."""
        if abort:
            self._lifeline.close()
        self._pool.shutdown(wait=True, cancel_futures=True)
        if not abort:
            self._lifeline.close()


def _start_worker(watched: Connection) -> None:
    # The terminal sends Ctrl-C to the whole group; the parent decides what becomes of us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, args=(watched,), daemon=True).start()


def _end_with_parent(watched: Connection) -> None:
    try:
        watched.recv_bytes()
    except (EOFError, OSError):
        os._exit(1)


def make_executor(jobs: int, *, still: bool = False) -> Executor:
    """The executor for that many jobs; a still is one segment, so threads share the work on it."""
    if jobs == 1:
        return InProcess()
    return InProcess(jobs) if still else ProcessPool(jobs)
