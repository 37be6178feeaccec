"""Batches in order, prepared by threads while the device computes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

from torch import Tensor

Batch = tuple[Tensor, ...]


class Batches:
    """A queue of the batches of steps.

    Args:
        make: the batch of a step and the numbers of its pictures.
        indices: those numbers.
        step: the first.
        workers: threads; 0 prepares each batch when it is taken.
    """

    def __init__(
        self, make: Callable[[int, Sequence[int]], Batch], indices: Sequence[int], step: int,
        workers: int,
    ) -> None:  # fmt: skip
        self._make, self._indices, self._next = make, indices, step
        self._workers = workers
        self._pool = ThreadPoolExecutor(workers, "batches") if workers else None
        self._queue: deque[Future[Batch]] = deque()

    def take(self) -> Batch:
        """The next batch.

        Raises:
            UsageError: when no picture can be read.
        """
        if self._pool is None:
            self._next += 1
            return self._make(self._next - 1, self._indices)
        # one in work for each thread, one more ready
        while len(self._queue) <= self._workers:
            self._queue.append(self._pool.submit(self._make, self._next, self._indices))
            self._next += 1
        return self._queue.popleft().result()

    def __enter__(self) -> Batches:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
