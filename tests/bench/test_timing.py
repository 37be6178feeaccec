"""Timing: repetitions, medians, and what is remembered of which machine."""

from dataclasses import replace

import pytest
from fake_codec import fake, log_of, still

from ivc.bench import timing
from ivc.bench.contenders import find
from ivc.bench.runner import Job, machine
from ivc.bench.store import Store
from ivc.bench.timing import middle, time_points

pytest.importorskip("psutil")


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "results.sqlite") as opened:
        yield opened


def test_a_program_is_timed_as_a_whole(tmp_path, store):
    job = Job(still(tmp_path), fake(tmp_path), 2.0, threads=2)
    told = []
    (point,) = time_points([job], store, repeat=3, watch=lambda *step: told.append(step))
    assert log_of(tmp_path) == ["encode 2"] * 4 + ["decode"] * 4
    assert told == [(point, 1, 1)]
    assert point.key == job.key
    assert point.size == 14 + job.material.path.stat().st_size
    assert (point.error, point.machine, point.threads, point.jobs) == ("", machine(), 2, 1)
    for cost in (point.encode, point.decode):
        assert cost.seconds is None
        assert cost.repetitions == 3
        assert 0 < cost.process_seconds < 5
        assert cost.peak_bytes > 1 << 20
    # a timing is no run
    assert store.get(job.key) is None
    assert store.get_timing(job.key, machine()).size == point.size


def test_what_is_known_of_this_machine(tmp_path, store, monkeypatch):
    job = Job(still(tmp_path), fake(tmp_path), 1.0)
    (first,) = time_points([job], store, repeat=2)
    log_of(tmp_path)
    renamed = Job(replace(job.material, name="new name"), fake(tmp_path, title="New"), 1.0)
    (point,) = time_points([renamed], store, repeat=2)
    assert log_of(tmp_path) == []
    assert (point.source, point.title) == ("new name", "New")
    assert point.encode.process_seconds == pytest.approx(first.encode.process_seconds, rel=1e-6)
    time_points([job], store, repeat=1)
    assert log_of(tmp_path) == []
    time_points([job], store, repeat=3)
    assert len(log_of(tmp_path)) == 8
    time_points([job], store, repeat=1, again=True)
    assert len(log_of(tmp_path)) == 4
    monkeypatch.setattr(timing, "machine", lambda: "another machine")
    monkeypatch.setattr("ivc.bench.runner.machine", lambda: "another machine")
    time_points([job], store, repeat=1)
    assert len(log_of(tmp_path)) == 4
    assert store.get_timing(job.key, "another machine").machine == "another machine"
    assert store.get_timing(job.key, "a third") is None


@pytest.mark.parametrize("mode", ["nothing", "killed"])
def test_failures_are_results_and_are_tried_again(tmp_path, store, mode):
    jobs = [
        Job(still(tmp_path), fake(tmp_path, name, m), 1.0) for name, m in (("a", mode), ("b", "-"))
    ]
    points = time_points(jobs, store, repeat=1)
    assert [bool(point.error) for point in points] == [True, False]
    assert points[0].encode is None
    log_of(tmp_path)
    time_points(jobs, store, repeat=1)
    assert set(log_of(tmp_path)) <= {"encode 1", "decode"}
    assert store.get_timing(jobs[1].key, machine()).error == ""


def test_medians(tmp_path, store, monkeypatch):
    seconds = iter([9.0, 3.0, 1.0, 2.0, 9.0, 5.0, 6.0, 4.0])

    def measured(command, **options):
        usage = run(command, **options)
        value = next(seconds)
        return replace(usage, seconds=value, cpu_seconds=value / 2, peak_bytes=int(value))

    run = timing.run
    monkeypatch.setattr(timing, "run", measured)
    (point,) = time_points([Job(still(tmp_path), fake(tmp_path), 1.0)], store, repeat=3)
    assert (point.encode.process_seconds, point.decode.process_seconds) == (2, 5)
    assert (point.encode.cpu_seconds, point.decode.cpu_seconds) == (1, 2.5)
    assert (point.encode.peak_bytes, point.decode.peak_bytes) == (3, 6)


def test_work_inside_a_process_is_timed_apart(tmp_path, store):
    job = Job(still(tmp_path), find("jpeg-420"), 30.0)
    (point,) = time_points([job], store, repeat=1)
    assert point.error == ""
    for cost in (point.encode, point.decode):
        assert 0 < cost.seconds < cost.process_seconds


def test_a_timing_process_that_prints_nothing(tmp_path, store):
    codec = fake(tmp_path)
    quiet = (codec._encode, codec._decode)
    job = Job(still(tmp_path), codec, 1.0)
    codec.timed = lambda task, repeat: (codec.encode(task), codec.decode(task))
    (point,) = time_points([job], store, repeat=1)
    assert point.error == "the timing process printed no seconds"
    assert quiet == (codec._encode, codec._decode)


def test_the_middle_of_a_ladder():
    assert middle((1.0,)) == 1
    assert middle((1.0, 2.0, 3.0)) == 2
    assert middle((1.0, 2.0, 3.0, 4.0)) == 3
