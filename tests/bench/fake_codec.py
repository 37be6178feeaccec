"""A codec that is a small program: it stores its input, and decodes with a known error.

Its file has ``12 + input + setting`` bytes, and every sample decodes to ``setting`` more than it
was. It writes what it did to a log, and misbehaves when asked to.
"""

import shlex
import sys
from fractions import Fraction

import numpy as np

from ivc.bench.contenders.commands import Command
from ivc.bench.material import prepare
from ivc.media import frames_from_array, open_sink
from ivc.types import Frames, Layout, PixelFormat, Segment, StreamInfo

PROGRAM = r"""
import os, signal, subprocess, sys, time

verb, log, mode, setting, source, target = sys.argv[1:]
data = open(source, "rb").read()


def told(text):
    with open(log, "a") as file:
        file.write(text + "\n")


def lines_of(data, count):
    parts = data.split(b"\n", count)
    return parts[:-1], parts[-1]


def raised(samples, error):
    return bytes(min(255, sample + error) for sample in samples)


def decoded(data, error):
    if data.startswith(b"YUV4MPEG2"):
        (head,), rest = lines_of(data, 1)
        frames = rest.split(b"FRAME\n")[1:]
        if mode == "fewer":
            frames = frames[:-1]
        return head + b"\n" + b"".join(b"FRAME\n" + raised(frame, error) for frame in frames)
    head, rest = lines_of(data, 3)
    if mode == "cut":
        width, height = head[1].split()
        head[1] = width + b" " + str(int(height) - 1).encode()
    return b"\n".join(head) + b"\n" + raised(rest, error)


if mode == "folder" and verb == "decode":
    os.mkdir(target)
    sys.exit()
if verb == "encode":
    told("encode " + setting)
    if mode == "no-24" and b"\n24 " in data[:20]:
        print("first line\ncannot code this\n", file=sys.stderr)
        sys.exit(3)
    if mode == "sleep-9" and setting == "9":
        child = subprocess.Popen(["sleep", "60"])
        told("pids %d %d" % (os.getpid(), child.pid))
        child.wait()
    if mode == "nothing":
        sys.exit()
    out = b"" if mode == "empty" else b"FAKE%08d" % int(setting) + data + b"." * int(setting)
else:
    told("decode")
    error = int(data[4:12])
    if mode == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if mode == "garbage":
        out = b"P6 nonsense"
    else:
        out = decoded(data[12:len(data) - error], error)
with open(target, "wb") as file:
    file.write(out)
"""


def fake(folder, name="fake", mode="-", **row):
    """The codec as a contender, with its program and log in a folder."""
    program = folder / "fake.py"
    if not program.exists():
        program.write_text(PROGRAM, encoding="utf-8")
    start = shlex.join([sys.executable, "-I", "-S", str(program)])
    log = shlex.quote(str(folder / "log"))
    templates = {
        "encode": f"{start} encode {log} {mode} {{setting}} {{input}} {{output}}",
        "decode": f"{start} decode {log} {mode} 0 {{input}} {{output}}",
    }
    return Command(name, {"ladder": [1, 2, 3], **templates, **row})


def log_of(folder):
    """What the codec was asked to do, and forget it."""
    log = folder / "log"
    lines = log.read_text().splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    return lines


def noise(shape, seed=0, top=200, dtype=np.uint8):
    """Samples below ``top``, so that an error can be added."""
    return np.random.default_rng(seed).integers(0, top, shape).astype(dtype)


def write(path, frames, rate=None):
    """A picture, or a clip at a rate."""
    still = rate is None
    time_base = Fraction(1) if still else 1 / Fraction(rate)
    info = StreamInfo(frames.format, frames.width, frames.height, still, time_base,
                      None if still else Fraction(rate))  # fmt: skip
    with open_sink(path, info) as sink:
        pts = () if still else tuple(range(len(frames)))
        sink.write(Segment(frames, pts, 0 if still else 1))
    return path


def rgb(width=20, height=10, seed=0):
    """An RGB still of 8 bits."""
    return frames_from_array(noise((height, width, 3), seed))


def yuv(width=16, height=8, count=3, seed=0, depth=8, layout=Layout.YUV420):
    """A clip's frames."""
    form = PixelFormat(layout, depth)
    shapes = form.plane_shapes(width, height)
    planes = [
        noise((count, *shape), seed + i, 200 << (depth - 8), form.dtype)
        for i, shape in enumerate(shapes)
    ]
    return Frames(planes, form)


def still(folder, width=20, height=10, seed=0, name="still.png"):
    """A prepared still."""
    path = write(folder / name, rgb(width, height, seed))
    return prepare(path, folder)


def clip(folder, count=3, rate=25, name="clip.y4m", **options):
    """A prepared clip."""
    path = write(folder / name, yuv(count=count, **options), rate)
    return prepare(path, folder)
