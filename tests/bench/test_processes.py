"""What a command takes, and that nothing of it is left when it is stopped."""

import os
import sys
import threading
import time
from pathlib import Path

import pytest

from ivc.bench.processes import THREAD_VARIABLES, CommandError, Stopped, run

pytest.importorskip("psutil")

MIB = 1 << 20


def python(code, *arguments):
    return [sys.executable, "-I", "-S", "-c", code, *map(str, arguments)]


def gone(pid):
    """Whether a process has ended, within two seconds."""
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False


def wait_for(path):
    deadline = time.monotonic() + 10
    while not (path.exists() and path.read_text().endswith("\n")):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return path.read_text().split()


def test_output_and_wall_time():
    usage = run(python("import time; time.sleep(0.25); print('h\xe9llo')"))
    assert usage.output.strip() == "héllo"
    assert 0.25 <= usage.seconds < 5
    assert usage.cpu_seconds < 0.2


def test_cpu_time_is_that_of_the_children_too():
    busy = "import time\nwhile time.process_time() < 0.2: pass"
    parent = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
    assert run(python(busy)).cpu_seconds >= 0.2
    assert run(python(parent, busy)).cpu_seconds >= 0.2


def test_memory_of_a_grandchild_is_seen():
    leaf = "x = b'1' * (150 << 20); import time; time.sleep(0.4)"
    middle = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
    top = "import subprocess, sys; subprocess.run([sys.executable, '-c', *sys.argv[1:]])"
    assert 150 * MIB < run(python(top, middle, leaf)).peak_bytes < 250 * MIB


def test_memory_of_processes_side_by_side_adds_up():
    leaf = "x = b'1' * (60 << 20); import time; time.sleep(0.6)"
    top = (
        "import subprocess, sys\n"
        "c = [subprocess.Popen([sys.executable, '-c', sys.argv[1]]) for _ in range(2)]\n"
        "for p in c: p.wait()"
    )
    assert run(python(top, leaf)).peak_bytes > 120 * MIB


def test_memory_of_a_short_peak_is_seen():
    usage = run(
        python("import time; time.sleep(0.05); x = b'1' * (90 << 20); del x; time.sleep(0.2)")
    )
    assert usage.peak_bytes > 90 * MIB


def test_a_small_child_is_not_charged_with_its_parents_memory():
    held = b"1" * (200 * MIB)
    usage = run(python("import time; time.sleep(0.15)"))
    assert len(held) == 200 * MIB
    assert 2 * MIB < usage.peak_bytes < 60 * MIB


def test_a_failure_says_the_status_and_the_last_line():
    with pytest.raises(CommandError, match=r"^python\S* failed with status 3: the reason$"):
        run(python("import sys; sys.stderr.write('noise\\n  the reason \\n\\n'); sys.exit(3)"))
    with pytest.raises(CommandError, match=r"failed with status 1$"):
        run(python("import os; os._exit(1)"))
    with pytest.raises(CommandError, match=r"was killed by signal 9$"):
        run(python("import os; os.kill(os.getpid(), 9)"))


def test_much_and_foreign_output_of_errors_is_one_short_line():
    code = "import sys; sys.stderr.buffer.write(b'\\xff\\xfe' * 100_000); sys.exit(1)"
    with pytest.raises(CommandError) as caught:
        run(python(code))
    assert len(str(caught.value)) < 400
    assert "\n" not in str(caught.value)


def test_much_output_does_not_block():
    assert len(run(python("print('x' * 3_000_000)")).output) > 3_000_000


def test_programs_that_cannot_be_started(tmp_path):
    with pytest.raises(CommandError, match="cannot start no-such-program: No such file"):
        run(["no-such-program", "x"])
    file = tmp_path / "text"
    file.write_text("no program")
    with pytest.raises(CommandError, match=f"cannot start {file}: "):
        run([str(file)])


SLEEPERS = """
import os, subprocess, sys, time
child = subprocess.Popen(["sleep", "60"])
apart = subprocess.Popen(["sleep", "60"], start_new_session=True)
with open(sys.argv[1], "w") as file:
    file.write(f"{os.getpid()} {child.pid} {apart.pid}\\n")
time.sleep(float(sys.argv[2]))
"""


def test_timeout_kills_the_whole_tree(tmp_path):
    begin = time.monotonic()
    with pytest.raises(CommandError, match=r"^python\S* took too long and was stopped$"):
        run(python(SLEEPERS, tmp_path / "pids", 60), timeout=0.8)
    assert time.monotonic() - begin < 5
    pids = wait_for(tmp_path / "pids")
    assert len(pids) == 3
    assert all(gone(pid) for pid in pids)


def test_stop_kills_the_whole_tree(tmp_path):
    stop = threading.Event()
    failures = []

    def work():
        try:
            run(python(SLEEPERS, tmp_path / "pids", 60), stop=stop)
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    pids = wait_for(tmp_path / "pids")
    stop.set()
    thread.join(5)
    assert not thread.is_alive()
    assert [type(error) for error in failures] == [Stopped]
    assert all(gone(pid) for pid in pids)


def test_what_a_command_leaves_behind_is_killed(tmp_path):
    run(python(SLEEPERS, tmp_path / "pids", 0.3))
    assert all(gone(pid) for pid in wait_for(tmp_path / "pids"))


def test_an_interrupt_kills_the_command(tmp_path, monkeypatch):
    def interrupted(tree):
        if (tmp_path / "pids").exists():
            raise KeyboardInterrupt
        return 0

    monkeypatch.setattr("ivc.bench.processes._resident", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(python(SLEEPERS, tmp_path / "pids", 60))
    monkeypatch.undo()
    assert all(gone(pid) for pid in wait_for(tmp_path / "pids"))


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="affinity is Linux's")
def test_a_pinned_command_has_so_many_processors_and_we_keep_ours():
    ours = os.sched_getaffinity(0)
    show = "import os; print(len(os.sched_getaffinity(0)))"
    assert run(python(show), pinned=True).output.strip() == "1"
    assert run(python(show)).output.strip() == str(len(ours))
    assert os.sched_getaffinity(0) == ours
    busy = """
import threading, time, zlib
end = time.perf_counter() + 0.5
def work():
    while time.perf_counter() < end:
        zlib.compress(bytes(1 << 20))
threads = [threading.Thread(target=work) for _ in range(4)]
[t.start() for t in threads]; [t.join() for t in threads]
"""
    usage = run(python(busy), pinned=True)
    # four threads that want a processor each: the kernel's accounts differ by a tick or two
    assert usage.cpu_seconds < 1.1 * usage.seconds


def test_thread_variables_and_others(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    show = "import os; print(*(os.environ.get(n) for n in __import__('sys').argv[1:]))"
    names = [*THREAD_VARIABLES, "OMP_WAIT_POLICY", "MINE"]
    assert run(python(show, *names)).output.split() == ["1"] * 4 + ["PASSIVE", "None"]
    usage = run(python(show, *names), threads=3, environment={"MINE": "x"})
    assert usage.output.split() == ["3"] * 4 + ["PASSIVE", "x"]
    assert os.environ["OMP_NUM_THREADS"] == "7"


def test_input_is_empty():
    assert run(python("import sys; print(repr(sys.stdin.read()))")).output.strip() == "''"
