"""How many threads codecs use, and work spread over them."""

import os
import threading
import time
from concurrent.futures import ProcessPoolExecutor

import pytest

from ivc import threads
from ivc.pipeline.executors import make_executor


def test_limits(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    most = threads.available()
    assert 1 <= most <= (os.cpu_count() or 1)
    with threads.at_most(7):
        assert threads.available() == 7
        with threads.at_most(1):
            assert threads.available() == 1
        assert threads.available() == 7
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert threads.available() == 1
    for nonsense in ("0", "", "many", "²"):
        monkeypatch.setenv("OMP_NUM_THREADS", nonsense)
        assert threads.available() == most


def test_a_worker_process_uses_one():
    with ProcessPoolExecutor(1) as pool:
        assert pool.submit(threads.available).result() == 1


def test_results_are_in_order():
    def slow_first(i):
        time.sleep(0.02 * (i == 0))
        return i * i

    for count in (1, 3, 50):
        with threads.at_most(count):
            assert threads.spread(slow_first, range(9)) == [i * i for i in range(9)]
    assert threads.spread(slow_first, []) == []


def test_the_first_error_ends_it():
    done = []

    def fail(i):
        if i == 2:
            raise ValueError("the third")
        done.append(i)

    with threads.at_most(1), pytest.raises(ValueError, match="the third"):
        threads.spread(fail, range(100))
    assert done == [0, 1]


def test_limits_hold_within_threads():
    with threads.at_most(3):
        assert threads.spread(lambda _: threads.available(), range(3)) == [1, 1, 1]


def test_no_more_threads_than_allowed():
    with threads.at_most(2):
        names = set(threads.spread(lambda _: threading.current_thread().name, range(20)))
    assert len(names) <= 2


def test_threads_share_the_work_on_a_still():
    with make_executor(2, still=True) as executor:
        assert list(executor.map(lambda _: threads.available(), [0, 1])) == [2, 2]
    with make_executor(1, still=True) as executor:
        assert list(executor.map(lambda _: threads.available(), [0])) == [threads.available()]
