"""From a source to a file and back: formats, segments, executors, ranges, pipes."""

import io
from fractions import Fraction

import numpy as np
import pytest

from ivc.errors import BitstreamError, MediaError, UnsupportedError, UsageError
from ivc.media import TimedFrame
from ivc.media.base import SourceBase
from ivc.media.memory import FramesSource
from ivc.pipeline import DecodeOptions, EncodeOptions, Target, decode, decoded_segments, encode
from ivc.stream import open_stream
from ivc.types import Frames, Layout, StreamInfo

from .conftest import moving

LOSSLESS = EncodeOptions(profile="dpcm", segment_frames=16)


class Collected:
    """A sink that keeps its segments."""

    def __init__(self):
        self.segments = []

    def write(self, segment):
        self.segments.append(segment)

    @property
    def frames(self):
        return Frames.concatenate([segment.frames for segment in self.segments])

    @property
    def pts(self):
        return [pts for segment in self.segments for pts in segment.pts]


def decoded(path, **options):
    sink = Collected()
    with open_stream(path) as stream:
        result = decode(stream, sink, DecodeOptions(**options))
    assert result.frames == len(sink.frames)
    return sink


@pytest.mark.parametrize("layout", list(Layout))
@pytest.mark.parametrize(("depth", "alpha"), [(8, False), (10, True), (16, False)])
def test_lossless_clip_comes_back_with_its_times(tmp_path, layout, depth, alpha):
    frames = moving(5, 19, 13, layout, depth, alpha)
    result = encode(FramesSource(frames, Fraction(24)), tmp_path / "a.ivc", EncodeOptions("dpcm"))
    assert (result.frames, result.width, result.height) == (5, 19, 13)
    assert result.bytes == (tmp_path / "a.ivc").stat().st_size
    assert result.seconds == pytest.approx(5 / 24)
    back = decoded(tmp_path / "a.ivc")
    assert back.frames == frames
    assert back.pts == [0, 1, 2, 3, 4]


def test_progress_and_segments(tmp_path, clip):
    steps = []
    encode(clip, tmp_path / "a.ivc", LOSSLESS, steps.append)
    assert [(step.phase, step.frames, step.total) for step in steps] == [
        ("encode", 16, 40), ("encode", 32, 40), ("encode", 40, 40),
    ]  # fmt: skip
    with open_stream(tmp_path / "a.ivc") as stream:
        assert [entry.frames for entry in stream.segments] == [16, 16, 8]


def test_two_jobs_write_the_same_bytes_and_read_the_same_frames(tmp_path, clip):
    encode(clip, tmp_path / "one.ivc", LOSSLESS)
    two = EncodeOptions(profile="dpcm", segment_frames=16, jobs=2)
    encode(clip, tmp_path / "two.ivc", two)
    assert (tmp_path / "one.ivc").read_bytes() == (tmp_path / "two.ivc").read_bytes()
    assert decoded(tmp_path / "two.ivc", jobs=2).frames == moving(40)


@pytest.mark.parametrize(("start", "stop"), [(0, 1), (5, 20), (16, 32), (39, 40), (30, None)])
def test_a_range_of_frames(tmp_path, clip, start, stop):
    encode(clip, tmp_path / "a.ivc", LOSSLESS)
    part = decoded(tmp_path / "a.ivc", start=start, stop=stop)
    assert part.frames == moving(40)[start:stop]
    assert part.pts == list(range(len(part.frames)))


def test_a_range_behind_the_end_says_so(tmp_path, clip):
    encode(clip, tmp_path / "a.ivc", LOSSLESS)
    with pytest.raises(UsageError, match="ends before frame 40"):
        decoded(tmp_path / "a.ivc", start=40)


class Pipe(io.RawIOBase):
    """Bytes that can be read or written once, without seeking."""

    def __init__(self, data=b""):
        self.data = io.BytesIO(data)

    def read(self, size=-1):
        return self.data.read(size)

    def readable(self):
        return True

    def writable(self):
        return True

    def write(self, data):
        return self.data.write(data)


def test_pipes_both_ways(tmp_path, clip):
    encode(clip, tmp_path / "a.ivc", LOSSLESS)
    pipe = Pipe()
    encode(clip, pipe, LOSSLESS)
    data = pipe.data.getvalue()
    assert data == (tmp_path / "a.ivc").read_bytes()
    sink = Collected()
    with open_stream(Pipe(data)) as stream:
        assert decode(stream, sink).frames == 40
    assert sink.frames == moving(40)
    with open_stream(Pipe(data)) as stream:
        parts = list(decoded_segments(stream, DecodeOptions(start=20, stop=33)))
    assert Frames.concatenate([part.frames for part in parts]) == moving(40)[20:33]


class Once(FramesSource):
    """A source that can be read only once, as a pipe."""

    seekable = False

    def frames(self, start=0):
        assert not getattr(self, "used", False)
        self.used = True
        return super().frames(start)


@pytest.mark.parametrize("layout", [Layout.YUV420, Layout.RGB])
def test_a_source_that_reads_once_can_have_several_passes(tmp_path, layout):
    frames = moving(9, 33, 17, layout, 10)
    options = EncodeOptions("dct", target=Target("psnr", 36), verify=True)
    result = encode(Once(frames, Fraction(25)), tmp_path / "a.ivc", options)
    assert result.metrics["psnr"] == pytest.approx(36, abs=0.1)
    pipe = Pipe()
    encode(Once(frames, Fraction(25)), pipe, options)
    assert pipe.data.getvalue() == (tmp_path / "a.ivc").read_bytes()


def test_verify_compares_every_sample(tmp_path, clip, monkeypatch):
    options = EncodeOptions("dpcm", verify=True)
    assert encode(clip, tmp_path / "a.ivc", options).metrics["psnr"] == float("inf")
    from ivc.codecs import by_name

    codec = by_name("dpcm").load()
    honest = type(codec).decode

    def lying(self, layers, header, shared):
        frames = honest(self, layers, header, shared)
        frames.planes[1][-1, -1, -1] ^= 1
        return frames

    monkeypatch.setattr(type(codec), "decode", lying)
    with pytest.raises(Exception, match="verification failed: segment 0 is not exact"):
        encode(clip, tmp_path / "b.ivc", options)
    assert not (tmp_path / "b.ivc").exists()


class Faulty(SourceBase):
    """A source whose frames can be made wrong."""

    def __init__(self, frames, change, declared=None):
        self.info = StreamInfo(
            frames.format, frames.width, frames.height, False, Fraction(1, 25), Fraction(25)
        )
        self.frame_count = declared
        self._frames, self._change = frames, change

    def frames(self, start=0):
        for number in range(start, len(self._frames)):
            yield self._change(number, TimedFrame(self._frames[number : number + 1], number, 1))


def test_lost_frames_and_broken_times_are_errors(tmp_path):
    frames = moving(6)
    with pytest.raises(MediaError, match="declares 7 frames but 6 could be read"):
        encode(Faulty(frames, lambda _, f: f, declared=7), tmp_path / "a.ivc")
    with pytest.raises(MediaError, match="time of frame 3"):
        encode(
            Faulty(frames, lambda n, f: TimedFrame(f.frames, 2 if n == 3 else n, 1)),
            tmp_path / "a.ivc",
        )
    other = moving(1, 32, 32)
    with pytest.raises(MediaError, match="frame 4 is 32x32"):
        encode(
            Faulty(frames, lambda n, f: TimedFrame(other, n, 1) if n == 4 else f),
            tmp_path / "a.ivc",
        )
    with pytest.raises(MediaError, match="no picture"):
        encode(Faulty(frames[:0], lambda _, f: f), tmp_path / "a.ivc")
    assert list(tmp_path.iterdir()) == []


def test_a_file_cut_short_is_decoded_up_to_its_last_whole_segment(tmp_path, clip):
    encode(clip, tmp_path / "a.ivc", LOSSLESS)
    data = (tmp_path / "a.ivc").read_bytes()
    (tmp_path / "cut.ivc").write_bytes(data[: len(data) * 9 // 10])
    sink = Collected()
    with open_stream(tmp_path / "cut.ivc") as stream:
        result = decode(stream, sink)
    assert result.truncated
    assert sink.frames == moving(40)[:32]
    (tmp_path / "none.ivc").write_bytes(data[:60])
    with open_stream(tmp_path / "none.ivc") as stream, pytest.raises(BitstreamError, match="cut"):
        decode(stream, Collected())


def test_unusable_options_are_refused():
    for wrong in (
        {"quality": 101}, {"effort": 0}, {"jobs": 0}, {"segment_frames": 0},
        {"quality": 50, "target": Target("psnr", 30)},
    ):  # fmt: skip
        with pytest.raises(UsageError):
            EncodeOptions(**wrong)
    for kind, value in (("psnr", -1), ("ssim", 1.5), ("size", 0), ("vmaf", 90), ("psnr", np.inf)):
        with pytest.raises(UsageError):
            Target(kind, value)
    with pytest.raises(UsageError):
        DecodeOptions(start=5, stop=5)


def test_own_settings_are_checked(tmp_path, still):
    for extra in ({"colour": "blue"}, {"near": "many"}, {"nothing": "1"}):
        with pytest.raises(UsageError):
            encode(still, tmp_path / "a.ivc", EncodeOptions("dpcm", extra=extra))
    with pytest.raises(UsageError, match="no profile is called"):
        encode(still, tmp_path / "a.ivc", EncodeOptions("h264"))
    with pytest.raises(UnsupportedError, match="bitrate"):
        encode(still, tmp_path / "a.ivc", EncodeOptions(target=Target("bitrate", 1000)))
