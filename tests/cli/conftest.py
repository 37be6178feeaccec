import os
import subprocess
import sys
from dataclasses import dataclass

import av
import numpy as np
import pytest
from cli_pictures import picture
from PIL import Image

from ivc import cli


@dataclass
class Result:
    code: int
    out: str
    err: str

    @property
    def error(self):
        """The one line on standard error of a command that failed."""
        assert self.out == ""
        assert self.err.startswith("ivc: ")
        assert self.err.count("\n") == 1
        assert self.err.endswith("\n")
        return self.err.removeprefix("ivc: ").rstrip("\n")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder, which is the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def ivc(folder, capfd):
    """Runs ``ivc ARGUMENTS`` in this process."""

    def run(*arguments):
        capfd.readouterr()
        code = cli.main([str(a) for a in arguments])
        return Result(code, *capfd.readouterr())

    return run


@pytest.fixture
def process(folder):
    """Runs ``ivc ARGUMENTS`` as a process of its own; bytes in, bytes out."""

    def run(*arguments, stdin=b"", **environment):
        done = subprocess.run(
            [sys.executable, "-m", "ivc", *map(str, arguments)],
            input=stdin,
            capture_output=True,
            env=os.environ | environment,
            timeout=120,
        )
        return Result(done.returncode, done.stdout, done.stderr.decode())

    return run


@pytest.fixture
def photo(folder):
    """photo.png, RGB."""
    Image.fromarray(picture()).save(folder / "photo.png")
    return "photo.png"


@pytest.fixture
def clip(folder):
    """clip.mkv: 20 frames of 4:2:0 at 25 frames/s with a track of sound."""
    with av.open("clip.mkv", "w") as container:
        video = container.add_stream("ffv1", rate=25)
        video.width, video.height, video.pix_fmt = 48, 32, "yuv420p"
        sound = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        for i in range(20):
            frame = av.VideoFrame.from_ndarray(picture(32, 48, 3 * i), format="rgb24")
            container.mux(video.encode(frame.reformat(format="yuv420p")))
            samples = av.AudioFrame.from_ndarray(
                np.full((1, 320), 100 * i, np.int16), format="s16", layout="mono"
            )
            samples.sample_rate, samples.pts = 8000, 320 * i
            container.mux(sound.encode(samples))
        container.mux(video.encode())
        container.mux(sound.encode())
    return "clip.mkv"


@pytest.fixture
def coded_clip(ivc, clip):
    """clip.ivc: four segments of five frames, lossless."""
    assert ivc("encode", clip, "--profile", "dpcm", "--segment-frames", 5).code == 0
    return "clip.ivc"


@pytest.fixture
def coded_photo(ivc, photo):
    """photo.ivc, lossless."""
    assert ivc("encode", photo, "--profile", "dpcm").code == 0
    return "photo.ivc"
