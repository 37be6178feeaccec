"""Runs of a codec of which everything is known: what is measured, kept, reused and told."""

import math
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from fake_codec import clip, fake, log_of, still

from ivc.bench.points import key_of
from ivc.bench.runner import Job, jobs_of, machine, measure, run_point, shortened, task_of
from ivc.bench.store import Store

pytest.importorskip("psutil")


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "results.sqlite") as opened:
        yield opened


def jobs(materials, *contenders, **options):
    found, skipped = jobs_of(materials, contenders, **options)
    assert skipped == []
    return found


def errors_of(points):
    return [point.error for point in points]


def test_a_still(tmp_path, store):
    material = still(tmp_path)
    points = measure(jobs([material], fake(tmp_path)), store, ["psnr-rgb"])
    assert [point.setting for point in points] == [1, 2, 3]
    whole = material.path.stat().st_size
    for point in points:
        error = int(point.setting)
        assert point.error == ""
        assert point.size == 12 + whole + error
        assert point.rates == {"bpp": 8 * point.size / 200}
        assert point.metrics == {"psnr-rgb": pytest.approx(20 * math.log10(255 / error))}
        assert not point.exact
        assert (point.source, point.digest) == ("still.png", material.digest)
        assert (point.width, point.height, point.frames, point.seconds) == (20, 10, 1, 0)
        assert (point.codec, point.title, point.kind) == ("fake", "fake", "command")
        assert (point.threads, point.jobs, point.machine) == (1, 1, machine())
        assert point.layers == {}
        for cost in (point.encode, point.decode):
            assert cost.seconds is None
            assert 0 < cost.process_seconds < 10
            assert 0 < cost.cpu_seconds < 10
            assert 1 << 20 < cost.peak_bytes < 1 << 26
            assert cost.repetitions == 0
        assert point.commands[0].startswith("python")
        assert point.commands[0].endswith(f" - {error} INPUT CODED")
        assert point.commands[1].endswith(" - 0 CODED OUTPUT")
        assert store.get(point.key).size == point.size


def test_a_clip(tmp_path, store):
    material = clip(tmp_path)
    (point,) = measure(jobs([material], fake(tmp_path, ladder=[5])), store, ["psnr-y"])
    assert point.size == 17 + material.path.stat().st_size
    assert point.rates["bpp"] == pytest.approx(8 * point.size / (16 * 8 * 3))
    assert point.rates["kbps"] == pytest.approx(8 * point.size / 0.12 / 1000)
    wanted = pytest.approx(20 * math.log10(255 / 5))
    assert point.metrics == {"psnr-y": wanted, "psnr-y-mean": wanted}


def test_the_fake_codec_is_exact_at_0(tmp_path, store):
    codec = fake(tmp_path, lossless=True, ladder=[0])
    found = measure(jobs([still(tmp_path), clip(tmp_path)], codec), store, ["psnr-y"])
    assert all(point.exact and point.lossless and not point.error for point in found)
    assert [point.figure("psnr-y") for point in found] == [math.inf] * 2
    # not of this process's memory, but as stored
    assert store.get(found[0].key).metrics == {"psnr-y": None}


FAILURES = {
    "nothing": ({}, "no coded file was written"),
    "empty": ({}, "no coded file was written"),
    "cut": ({}, "frame 0 decoded to 20x9, not 20x10"),
    "killed": ({}, "was killed by signal 9"),
    "garbage": ({}, "decoded.ppm"),
    "folder": ({}, "no decoded file was written"),
    "-": ({"lossless": True}, "decoded samples differ from the original's"),
}


@pytest.mark.parametrize("mode", FAILURES)
def test_failures_are_results(tmp_path, store, mode):
    row, message = FAILURES[mode]
    material = still(tmp_path)
    good, bad = fake(tmp_path, "good", ladder=[1]), fake(tmp_path, "bad", mode, ladder=[2], **row)
    wanted = jobs([material], bad, good)
    steps = []
    points = measure(wanted, store, ["psnr-y"], watch=steps.append)
    assert [point.codec for point in points] == ["bad", "good"]
    assert message in points[0].error
    assert len(points[0].error.splitlines()) == 1
    assert str(tmp_path) not in points[0].error
    assert (points[0].size, points[0].encode, points[0].metrics) == (0, None, {})
    assert points[0].figure("psnr-y") is None
    assert points[1].error == ""
    assert [(step.point.codec, step.reused) for step in steps] == [("bad", False), ("good", False)]
    log_of(tmp_path)
    # the failure is tried again, the other is known
    again = measure(wanted, store, ["psnr-y"])
    assert errors_of(again) == errors_of(points)
    encodes = [line for line in log_of(tmp_path) if line.startswith("encode")]
    assert encodes == ["encode 2"]


def test_a_clip_with_too_few_frames(tmp_path, store):
    codec = fake(tmp_path, mode="fewer", ladder=[1])
    (point,) = measure(jobs([clip(tmp_path)], codec), store, ["psnr-y"])
    assert point.error == "decoded to fewer frames than the original's 3"


def test_a_codec_that_fails_on_one_picture(tmp_path, store):
    materials = [still(tmp_path, width, name=f"{width}.png") for width in (20, 24, 28)]
    wanted = jobs(materials, fake(tmp_path, mode="no-24"))
    points = measure(wanted, store, ["psnr-y"])
    assert [(p.source, bool(p.error)) for p in points] == [
        (f"{width}.png", width == 24) for width in (20, 24, 28) for _ in range(3)
    ]
    assert "failed with status 3: cannot code this" in points[3].error
    log_of(tmp_path)
    # once it is repaired, which its version says, all is well
    assert errors_of(measure(wanted[3:6], store, ["psnr-y"])) == errors_of(points[3:6])
    assert log_of(tmp_path) == ["encode 1", "encode 2", "encode 3"]


def test_a_program_that_is_missing_at_run_time(tmp_path, store):
    codec = fake(tmp_path, ladder=[1])
    wanted = jobs([still(tmp_path)], codec)
    codec._encode = codec._encode.replace("fake.py", "gone.py")
    (point,) = measure([replace(wanted[0], contender=codec)], store, ["psnr-y"])
    assert "failed with status 2" in point.error


def test_a_time_limit(tmp_path, store):
    codec = fake(tmp_path, mode="sleep-9", ladder=[9])
    (point,) = measure(jobs([still(tmp_path)], codec), store, ["psnr-y"], timeout=0.5)
    assert point.error.endswith("took too long and was stopped")


def test_what_is_known_is_not_run(tmp_path, store):
    materials = [still(tmp_path, seed=seed, name=f"{seed}.png") for seed in range(2)]
    wanted = jobs(materials, fake(tmp_path))
    first = measure(wanted, store, ["psnr-y"])
    assert len(log_of(tmp_path)) == 12
    steps = []
    second = measure(wanted, store, ["psnr-y"], watch=steps.append)
    assert log_of(tmp_path) == []
    assert all(step.reused for step in steps)
    assert [(step.done, step.total) for step in steps] == [(i, 6) for i in range(1, 7)]
    assert [p.to_json() for p in second] == [p.to_json() for p in first]


def test_changes_run_only_what_they_concern(tmp_path, store):
    material = still(tmp_path)
    measure(jobs([material], fake(tmp_path)), store, ["psnr-y"])
    log_of(tmp_path)
    measure(jobs([material], fake(tmp_path, ladder=[1, 2, 4])), store, ["psnr-y"])
    assert log_of(tmp_path) == ["encode 4", "decode"]
    jobs_at = jobs([material], fake(tmp_path), ladders={"fake": (3.0, 8.0), "other": (1.0,)})
    measure(jobs_at, store, ["psnr-y"])
    assert log_of(tmp_path) == ["encode 8", "decode"]
    measure(jobs([material], fake(tmp_path, ladder=[1], version="2.0")), store, ["psnr-y"])
    assert log_of(tmp_path) == ["encode 1", "decode"]
    measure(jobs([material], fake(tmp_path, ladder=[1]), threads=2), store, ["psnr-y"])
    assert log_of(tmp_path) == ["encode 1", "decode"]
    measure(jobs([material], fake(tmp_path, "renamed", ladder=[1])), store, ["psnr-y"])
    assert log_of(tmp_path) == ["encode 1", "decode"]
    # another metric
    (point,) = measure(jobs([material], fake(tmp_path, ladder=[1])), store, ["psnr-y", "ssim"])
    assert log_of(tmp_path) == ["encode 1", "decode"]
    assert set(point.metrics) == {"psnr-y", "ssim"}
    # fewer metrics, another title
    measure(jobs([material], fake(tmp_path, ladder=[1])), store, ["ssim"])
    (point,) = measure(jobs([material], fake(tmp_path, ladder=[1], title="New")), store, [])
    assert log_of(tmp_path) == []
    assert point.title == "New"


def test_the_same_content_twice_is_run_once(tmp_path, store):
    materials = [still(tmp_path, name=name) for name in ("a.png", "b.ppm")]
    steps = []
    for _ in range(2):
        points = measure(jobs(materials, fake(tmp_path)), store, ["psnr-y"], watch=steps.append)
        assert [p.source for p in points] == ["a.png"] * 3 + ["b.ppm"] * 3
        assert [p.setting for p in points] == [1, 2, 3] * 2
    assert [(step.done, step.total) for step in steps] == [(1, 3), (2, 3), (3, 3)] * 2
    assert len(log_of(tmp_path)) == 6
    # and under a new name not at all
    renamed = still(tmp_path, name="c.png")
    assert measure(jobs([renamed], fake(tmp_path)), store, [])[0].source == "c.png"
    assert log_of(tmp_path) == []


def test_the_version_is_asked_for_once(tmp_path, store):
    count = tmp_path / "count"
    script = tmp_path / "version.py"
    script.write_text(f"open({str(count)!r}, 'a').write('x')\nprint('1.2')\n")
    codec = fake(tmp_path, version=f"{sys.executable} -I -S '{script}'")
    materials = [still(tmp_path, seed=seed, name=f"{seed}.png") for seed in range(2)]
    points = measure(jobs(materials, codec), store, ["psnr-y"])
    assert points[0].version.startswith("1.2 ")
    assert count.read_text() == "x"


def test_workers_find_the_same(tmp_path):
    materials = [still(tmp_path, seed=seed, name=f"{seed}.png") for seed in range(2)]
    found = []
    for workers in (1, 2):
        wanted = jobs(materials, fake(tmp_path), fake(tmp_path, "other", mode="cut"))
        with Store(tmp_path / f"{workers}.sqlite") as store:
            points = measure(wanted, store, ["psnr-y"], workers=workers)
            assert all(store.get(p.key) for p in points)
        assert {p.jobs for p in points} == {workers}
        found.append([replace(p, encode=None, decode=None, jobs=1) for p in points])
    assert found[0] == found[1]


class Interrupted:
    """A watcher that interrupts after some points."""

    def __init__(self, after):
        self.after = after
        self.points = []

    def __call__(self, step):
        self.points.append(step.point)
        if len(self.points) == self.after:
            raise KeyboardInterrupt


@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupted_run_goes_on(tmp_path, store, workers):
    materials = [still(tmp_path, seed=seed, name=f"{seed}.png") for seed in range(2)]
    wanted = jobs(materials, fake(tmp_path, ladder=[1, 2, 3, 4]))
    watch = Interrupted(2)
    with pytest.raises(KeyboardInterrupt):
        measure(wanted, store, ["psnr-y"], workers=workers, watch=watch)
    kept = [job for job in wanted if store.get(job.key)]
    assert 2 <= len(kept) < 8
    assert {p.key for p in watch.points} <= {job.key for job in kept}
    log_of(tmp_path)
    steps = []
    points = measure(wanted, store, ["psnr-y"], watch=steps.append)
    assert errors_of(points) == [""] * 8
    assert sum(step.reused for step in steps) == len(kept)
    assert len(log_of(tmp_path)) == 2 * (8 - len(kept))


RUN = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from fake_codec import fake, still
from ivc.bench.runner import jobs_of, measure
from ivc.bench.store import Store
folder = Path(sys.argv[1])
wanted, _ = jobs_of([still(folder)], [fake(folder, mode="sleep-9", ladder=[1, 2, 9, 3])])
with Store(folder / "results.sqlite") as store:
    try:
        measure(wanted, store, ["psnr-y"], workers=int(sys.argv[3]))
    except KeyboardInterrupt:
        sys.exit(130)
"""


def running(pid):
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    return ") Z " not in Path(f"/proc/{pid}/stat").read_text()


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_control_c(tmp_path):
    log = tmp_path / "log"
    here = str(Path(__file__).parent)
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, str(tmp_path), here, "1"], stderr=subprocess.PIPE
    )
    try:
        deadline = time.monotonic() + 60
        while not (log.exists() and "pids" in log.read_text()):
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        pids = next(line for line in log_of(tmp_path) if line.startswith("pids")).split()[1:]
        assert all(map(running, pids))
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=10)
    finally:
        process.kill()
    assert process.returncode == 130, stderr
    assert stderr == b""
    assert len(pids) == 2
    assert not any(map(running, pids))
    wanted = jobs([still(tmp_path)], fake(tmp_path, mode="sleep-9", ladder=[1, 2, 3]))
    with Store(tmp_path / "results.sqlite") as store:
        assert [bool(store.get(job.key)) for job in wanted] == [True, True, False]
        measure(wanted, store, ["psnr-y"])
    assert log_of(tmp_path) == ["encode 3", "decode"]


def test_one_point_and_its_files(tmp_path):
    job = Job(still(tmp_path), fake(tmp_path), 2.0)
    folder = tmp_path / "work"
    folder.mkdir()
    kept = []
    point = run_point(job, folder, ["psnr-y"], keep=lambda p, *files: kept.append(
        [p.size, *(file.stat().st_size for file in files)]
    ))  # fmt: skip
    assert kept == [[point.size, point.size, job.material.path.stat().st_size]]
    assert list(folder.iterdir()) == []
    task = task_of(job, folder)
    assert (task.coded.name, task.decoded.name) == ("coded.bin", "decoded.ppm")


def test_blanks_and_braces_in_the_names_of_folders(tmp_path, store):
    folder = tmp_path / "a {input} {setting} 'b' \"c\" %d"
    folder.mkdir()
    material = still(folder)
    (point,) = measure(jobs([material], fake(tmp_path, ladder=[4])), store, ["psnr-y"])
    assert point.error == ""


def test_keys():
    material, codec = still_like(), fake_like("a 1")
    key = key_of(material, codec, 1.0, 1)
    assert len(key) == 32
    assert key == key_of(replace(material, name="other", path=Path("b")), codec, 1.0, 1)
    others = [
        key_of(replace(material, digest="e" * 32), codec, 1.0, 1),
        key_of(material, fake_like("a 2"), 1.0, 1),
        key_of(material, codec, 1.5, 1),
        key_of(material, codec, 1.0, 2),
    ]
    assert len({key, *others}) == 5


def still_like():
    from fractions import Fraction

    from ivc.bench.material import Material

    return Material("a", Path("a.ppm"), "d" * 32, 8, 8, 1, Fraction(0), "RGB", 8, False)


def fake_like(identity):
    class Named:
        def identity(self):
            return identity

    return Named()


def test_errors_are_one_short_line():
    material = replace(still_like(), path=Path("/x/abc.ppm"), name="photo.png")
    found = shortened("cannot read /x/abc.ppm\n  or /y/z/coded.bin", Path("/y/z"), material)
    assert found == "cannot read photo.png or coded.bin"
    assert len(shortened("x" * 999, Path("/tmp"), material)) == 300


def test_what_is_left_out_is_said(tmp_path):
    pictures = [still(tmp_path, seed=seed, name=f"{seed}.png") for seed in range(2)]
    film = clip(tmp_path)
    gone = fake(tmp_path, "gone")
    gone._decode = "no-such-program {input} {output}"
    only_clips = fake(tmp_path, "films", stills=False, title="Films")
    only_stills = fake(tmp_path, "photos", clips=False)
    found, skipped = jobs_of([*pictures, film], [gone, only_clips, only_stills], threads=3)
    assert [(job.material.name, job.contender.name) for job in found] == [
        *[("clip.y4m", "films")] * 3, *[("0.png", "photos")] * 3, *[("1.png", "photos")] * 3,
    ]  # fmt: skip
    assert {job.threads for job in found} == {3}
    assert skipped == [
        "gone is left out: there is no program no-such-program",
        "Films is left out for 0.png, 1.png: codes clips only",
        "photos is left out for clip.y4m: codes stills only",
    ]
    assert jobs_of(pictures, [only_clips]) == ([], ["Films is left out: codes clips only"])
