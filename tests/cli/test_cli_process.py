"""The command as a process of its own: pipes, signals, terminals, what it imports."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from cli_pictures import picture, video_planes

IVC = [sys.executable, "-m", "ivc"]

HEAVY = {"numpy", "numba", "torch", "av", "PIL", "onnxruntime", "scipy", "tifffile", "rich"}


def y4m(frames=6, width=48, height=32):
    head = f"YUV4MPEG2 W{width} H{height} F25:1 Ip A1:1 C420jpeg\n".encode()
    body = b""
    for i in range(frames):
        luma = picture(height, width, 2 * i)[..., 0]
        chroma = np.full((height // 2, width // 2), i % 200, np.uint8).tobytes()
        body += b"FRAME\n" + luma.tobytes() + chroma + chroma
    return head + body


def frames_of(data):
    """Samples of a y4m file without its headers' words."""
    return re.sub(rb"(?m)\A.*?\n", b"", data, count=1)


def test_encoder_and_decoder_are_different_processes(process, clip):
    assert process("encode", clip, "--profile", "dpcm").code == 0
    assert process("decode", "clip.ivc", "-o", "back.mkv").code == 0
    assert (video_planes("back.mkv") == video_planes(clip)).all()


def test_pipes_all_the_way(process, folder):
    original = y4m()
    encoded = process("encode", "-", "--profile", "dpcm", stdin=original)
    assert (encoded.code, encoded.err) == (0, "")
    decoded = process("decode", "-", stdin=encoded.out)
    assert (decoded.code, decoded.err) == (0, "")
    assert frames_of(decoded.out) == frames_of(original)
    listed = json.loads(process("info", "-", "--json", stdin=encoded.out).out)
    assert (listed["frames"], listed["bytes"]) == (6, len(encoded.out))
    layer = process("extract", "-", "picture", stdin=encoded.out)
    assert len(layer.out) == listed["layers"]["picture"]
    assert not list(folder.iterdir())


def test_a_file_through_a_redirection(process, clip, folder):
    encoded = process("encode", clip, "-o", "-", "--profile", "dpcm").out
    (folder / "a.ivc").write_bytes(encoded)
    with open("a.ivc", "rb") as file:  # noqa: PTH123
        done = subprocess.run([*IVC, "decode", "-", "-o", "b.mkv"], stdin=file, timeout=60)
    assert done.returncode == 0
    assert (video_planes("b.mkv") == video_planes(clip)).all()


@pytest.mark.skipif(sys.platform != "linux", reason="file names are not bytes everywhere")
def test_names_that_are_no_text(coded_photo, process, folder):
    name = os.fsdecode(b"a\xffb.ivc")
    Path(coded_photo).rename(name)
    for arguments in (["info", name], ["info", name, "--json"], ["verify", name]):
        result = process(*arguments, PYTHONIOENCODING="ascii")
        assert (result.code, result.err) == (0, "")
        assert b"udcff" in result.out


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
@pytest.mark.parametrize("command", ["decode clip.ivc -o -", "info clip.ivc --json --segments"])
def test_a_reader_that_leaves_is_no_error(process, clip, command):
    assert process("encode", clip, "--profile", "dpcm", "--segment-frames", 1).code == 0
    ivc = shlex.join(IVC)
    script = f"{{ {ivc} {command}; echo code $? >&2; }} | true"
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=60)
    assert done.stderr in ("code 141\n", "code 0\n")


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["profiles"], ["info", "clip.ivc"],
                  ["info", "clip.ivc", "--json"], ["encode", "--help"], ["verify", "--help"]]
)  # fmt: skip
def test_help_and_listings_import_nothing_heavy(coded_clip, arguments):
    code = (
        "import sys; from ivc.cli import main; code = main(); "
        "print(code, *sorted({m.split('.')[0] for m in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60
    )
    exit_code, *modules = done.stderr.split()
    assert exit_code == "0"
    assert done.stdout
    assert not HEAVY & set(modules)


def test_importing_the_package_is_free():
    code = "import sys, ivc, ivc.types, ivc.errors, ivc.stream, ivc.cli; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert not HEAVY & {name.split(".")[0] for name in done.stdout.split()}


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize(
    ("number", "code", "line"),
    [
        (signal.SIGINT, 130, "ivc: interrupted; --resume goes on from here\n"),
        (signal.SIGTERM, 143, "ivc: terminated; --resume goes on from here\n"),
    ],
)
@pytest.mark.parametrize("jobs", [1, 2])
def test_signals_leave_a_part_to_resume(ivc, folder, number, code, line, jobs):
    source = folder / "long.y4m"
    source.write_bytes(y4m(frames=600))
    command = ("encode", "long.y4m", "--profile", "dpcm", "--segment-frames", "2")
    running = subprocess.Popen([*IVC, *command, "--jobs", str(jobs)], stderr=subprocess.PIPE)
    part = folder / "long.ivc.part"
    deadline = time.monotonic() + 60
    while not (part.exists() and part.stat().st_size > 4000) and time.monotonic() < deadline:
        time.sleep(0.01)
    running.send_signal(number)
    _, err = running.communicate(timeout=60)
    assert (running.returncode, err.decode()) == (code, line)
    assert not Path("long.ivc").exists()
    assert part.exists()
    resumed = ivc(*command, "--resume")
    assert resumed.code == 0
    assert resumed.err.startswith("ivc: resumed after ")
    assert not part.exists()
    assert ivc(*command, "-o", "whole.ivc").code == 0
    assert Path("long.ivc").read_bytes() == Path("whole.ivc").read_bytes()


@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")
def test_progress_on_a_terminal_only(clip, folder):
    import pty

    master, slave = pty.openpty()
    command = [*IVC, "encode", clip, "--profile", "dpcm", "--segment-frames", "2"]
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "100"}
    running = subprocess.Popen(command, stdout=slave, stderr=slave, env=environment)
    os.close(slave)
    shown = b""
    try:
        while part := os.read(master, 65536):
            shown += part
    except OSError:
        pass  # Linux reports the end of a pseudo-terminal as an error
    assert running.wait(timeout=60) == 0
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode())
    assert re.search(r"encode +\S+ 20/", text)
    summary = text.rstrip().splitlines()[-1]
    assert re.fullmatch(
        r"clip\.ivc: \d[\d.]* k?B, [\d.]+ bits/pixel, [\d.]+ kbit/s, 20 frames, [\d.]+ s", summary
    )


@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")
def test_a_terminal_is_spared_binary_output(photo):
    import pty

    master, slave = pty.openpty()
    done = subprocess.run(
        [*IVC, "encode", photo, "-o", "-"], stdout=slave, stderr=subprocess.PIPE, timeout=60
    )
    os.close(slave)
    os.close(master)
    assert done.returncode == 2
    assert done.stderr == (
        b"ivc: standard output is a terminal; name a file with -o or use a pipe\n"
    )


def test_the_installed_command_and_its_version():
    from ivc import __version__

    command = Path(sys.executable).with_name("ivc")
    done = subprocess.run([command, "--version"], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, f"ivc {__version__}\n")
