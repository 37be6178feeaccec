"""Runs that are interrupted, by Ctrl-C and by ``kill -9``, and taken up again."""

import errno
import os
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import pytest

from ivc.errors import UsageError
from ivc.media import open_sink, open_source
from ivc.pipeline import EncodeOptions, Target, encode
from ivc.stream import Encryption, open_stream
from ivc.types import Segment, StreamInfo

from .conftest import moving

RUN = """
import os, signal, sys
from pathlib import Path
from ivc.media import open_source
from ivc.pipeline import EncodeOptions, Target, encode

def main():
    source, destination, when, how, jobs, profile, target = sys.argv[1:]

    def stop(progress):
        if progress.phase == "encode" and progress.frames >= int(when):
            if how == "children":
                import multiprocessing
                print(*[child.pid for child in multiprocessing.active_children()], flush=True)
                os.kill(os.getpid(), signal.SIGKILL)
            os.kill(os.getpid(), getattr(signal, how))

    with open_source(source) as clip:
        options = EncodeOptions(
            profile, jobs=int(jobs), segment_frames=4,
            target=Target(*eval(target)) if target else None,
        )
        encode(clip, Path(destination), options, stop)

if __name__ == "__main__":
    main()
"""


@pytest.fixture
def clip(tmp_path):
    frames = moving(30)
    info = StreamInfo(frames.format, 64, 48, False, Fraction(1, 25), Fraction(25))
    with open_sink(tmp_path / "clip.y4m", info) as sink:
        sink.write(Segment(frames, tuple(range(30)), 1))
    return tmp_path / "clip.y4m"


def interrupted(clip, out, frames, how, jobs=1, profile="dpcm", target=""):
    script = clip.with_name("run.py")
    script.write_text(RUN)
    arguments = [str(a) for a in (clip, out, frames, how, jobs, profile, target)]
    return subprocess.run(
        [sys.executable, str(script), *arguments], capture_output=True, text=True, timeout=120
    )


def options(profile="dpcm", target=None, **more):
    return EncodeOptions(profile, segment_frames=4, target=target, **more)


@pytest.mark.parametrize("how", ["SIGINT", "SIGKILL"])
def test_a_resumed_encode_has_the_bytes_of_an_uninterrupted_one(tmp_path, clip, how):
    out = tmp_path / "out.ivc"
    assert interrupted(clip, out, 13, how).returncode != 0
    assert not out.exists()
    with open_stream(tmp_path / "out.ivc.part") as part:
        assert part.truncated
        assert part.total_frames == 16
    seen = []
    with open_source(clip) as source:
        result = encode(source, out, options(resume=True), lambda p: seen.append(p.frames))
        encode(source, tmp_path / "whole.ivc", options())
    assert result.notes == ("resumed after 16 frames",)
    assert seen == [20, 24, 28, 30]
    assert result.frames == 30
    assert result.seconds == pytest.approx(1.2)
    assert out.read_bytes() == (tmp_path / "whole.ivc").read_bytes()
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"clip.y4m", "run.py", "out.ivc", "whole.ivc"}


def test_a_part_file_torn_in_mid_segment_is_mended(tmp_path, clip):
    out, part = tmp_path / "out.ivc", tmp_path / "out.ivc.part"
    interrupted(clip, out, 20, "SIGKILL")
    note = (tmp_path / "out.ivc.part.json").read_text()
    whole = part.read_bytes()
    with open_source(clip) as source:
        encode(source, tmp_path / "whole.ivc", options())
        for cut in (len(whole) - 1, len(whole) // 2, 150, 40, 9, 0):
            part.write_bytes(whole[:cut])
            (tmp_path / "out.ivc.part.json").write_text(note)
            encode(source, out, options(resume=True))
            assert out.read_bytes() == (tmp_path / "whole.ivc").read_bytes()


@pytest.mark.parametrize("target", [("psnr", 40), ("bitrate", 300000)])
def test_a_target_is_resumed_at_the_quality_it_had_found(tmp_path, clip, target):
    out = tmp_path / "out.ivc"
    interrupted(clip, out, 13, "SIGKILL", profile="dct", target=repr(target))
    with open_source(clip) as source:
        resumed = encode(source, out, options("dct", Target(*target), resume=True))
        whole = encode(source, tmp_path / "whole.ivc", options("dct", Target(*target)))
    assert out.read_bytes() == (tmp_path / "whole.ivc").read_bytes()
    assert resumed.settings == whole.settings
    assert resumed.metrics == pytest.approx(whole.metrics)


def test_other_settings_or_inputs_are_not_mixed_in(tmp_path, clip):
    out = tmp_path / "out.ivc"
    interrupted(clip, out, 13, "SIGKILL")
    with open_source(clip) as source:
        with pytest.raises(UsageError, match="another segment length"):
            encode(source, out, EncodeOptions("dpcm", segment_frames=5, resume=True))
        with pytest.raises(UsageError, match="another encryption"):
            encode(source, out, options(resume=True, encryption=Encryption(bytes(32))))
    os.utime(clip, ns=(1, 1))
    with open_source(clip) as source:
        with pytest.raises(UsageError, match="another input"):
            encode(source, out, options(resume=True))
        (tmp_path / "out.ivc.part.json").write_text("{broken")
        with pytest.raises(UsageError, match="another note"):
            encode(source, out, options(resume=True))
        assert (
            "nothing to resume"
            in encode(source, tmp_path / "new.ivc", options(resume=True)).notes[0]
        )


def test_an_encrypted_encode_is_resumed_under_its_key(tmp_path, clip):
    secret = Encryption(bytes(range(32)))

    def stop(progress):
        if progress.frames >= 13:
            raise KeyboardInterrupt

    out = tmp_path / "out.ivc"
    with open_source(clip) as source:
        with pytest.raises(KeyboardInterrupt):
            encode(source, out, options(encryption=secret), stop)
        encode(source, out, options(encryption=secret, resume=True, verify=True))


def test_workers_die_with_a_killed_parent(tmp_path, clip):
    run = interrupted(clip, tmp_path / "out.ivc", 13, "children", jobs=2)
    workers = [int(pid) for pid in run.stdout.split()]
    assert run.returncode == -signal.SIGKILL
    assert len(workers) == 2
    deadline = time.monotonic() + 20
    while any(alive(pid) for pid in workers):
        assert time.monotonic() < deadline, "workers outlive their parent"
        time.sleep(0.05)


def alive(pid):
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def test_an_error_without_a_whole_segment_leaves_nothing(tmp_path, clip):
    out = tmp_path / "out.ivc"

    def fail(progress):
        raise RuntimeError("at once")

    with open_source(clip) as source, pytest.raises(RuntimeError):
        encode(
            source, out, EncodeOptions("dpcm", segment_frames=30, target=Target("psnr", 30)), fail
        )
    assert {path.name for path in tmp_path.iterdir()} == {"clip.y4m"}


def test_two_encodes_to_one_output_do_not_mix(tmp_path, clip):
    out = tmp_path / "out.ivc"

    def intrude(progress):
        with open_source(clip) as again, pytest.raises(UsageError, match="another encode"):
            encode(again, out, options())

    with open_source(clip) as source:
        encode(source, out, options(), intrude)
        encode(source, tmp_path / "whole.ivc", options())
    assert out.read_bytes() == (tmp_path / "whole.ivc").read_bytes()


def test_a_full_disk_names_the_output_and_can_be_resumed(tmp_path, clip):
    out = tmp_path / "out.ivc"

    def fill(progress):
        if progress.frames >= 13:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with open_source(clip) as source:
        with pytest.raises(OSError, match=r"out\.ivc\.part"):
            encode(source, out, options(), fill)
        assert encode(source, out, options(resume=True)).notes == ("resumed after 16 frames",)
