"""y4m and headerless video, by file and by pipe."""

import io
import os
import subprocess
import sys
from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivc.errors import MediaError, UsageError
from ivc.media import RawVideo, frames_to_array, open_sink, open_source
from ivc.types import Colour, Frames, Layout, PixelFormat, Segment, StreamInfo

from .conftest import noise, read, write

SIZES = [(1, 1), (17, 15), (64, 48)]


Y4M_FORMATS = [
    (layout, depth)
    for layout in (Layout.GRAY, Layout.YUV420, Layout.YUV422, Layout.YUV444)
    for depth in (8, 9, 10, 12, 14, 16)
    if (layout, depth) != (Layout.GRAY, 14)  # y4m has no such format; it is stored with 16 bits
]


@pytest.mark.parametrize(("layout", "depth"), Y4M_FORMATS)
def test_y4m_is_exact_and_ffmpeg_agrees(tmp_path, layout, depth):
    for full_range in (False, True):
        form = PixelFormat(layout, depth, False, Colour(full_range=full_range))
        for size in SIZES:
            frames = noise(form, *size, 3)
            write(tmp_path / "x.y4m", frames, frame_rate=Fraction(30000, 1001))
            assert read(tmp_path / "x.y4m") == frames
            with av.open(str(tmp_path / "x.y4m")) as container:
                decoded = list(container.decode(video=0))
                assert container.streams.video[0].average_rate == Fraction(30000, 1001)
            assert len(decoded) == 3
            words = np.frombuffer(decoded[2].planes[0], "u1" if depth == 8 else "<u2")
            rows = words.reshape(-1, decoded[2].planes[0].line_size // words.itemsize)
            assert np.array_equal(rows[: size[1], : size[0]], frames.planes[0][2])


def test_exact_bytes_of_a_y4m_stream():
    form = PixelFormat(Layout.YUV420)
    info = StreamInfo(
        form, 2, 2, still=False, time_base=Fraction(1, 25), frame_rate=Fraction(25),
        sample_aspect=Fraction(4, 3),
    )  # fmt: skip
    planes = [
        np.full((1, *shape), 65 + i, np.uint8) for i, shape in enumerate(form.plane_shapes(2, 2))
    ]
    file = io.BytesIO()
    with open_sink(file, info) as sink:
        sink.write(Segment(Frames(planes, form), (0,), 1))
    assert file.getvalue() == (
        b"YUV4MPEG2 W2 H2 F25:1 Ip A4:3 C420jpeg XCOLORRANGE=LIMITED\nFRAME\nAAAABC"
    )
    with open_source(io.BytesIO(file.getvalue())) as source:
        assert source.info == info


def test_alpha_and_rgb_in_y4m(tmp_path):
    form = PixelFormat(Layout.YUV444, 8, True)
    frames = noise(form, 5, 4, 2)
    write(tmp_path / "x.y4m", frames)
    assert read(tmp_path / "x.y4m") == frames
    rgb = noise(PixelFormat(Layout.RGB, 8, False, Colour(1, 13, 0, True)), 5, 4, 2)
    write(tmp_path / "x.y4m", rgb)
    got = read(tmp_path / "x.y4m")
    assert got.format == PixelFormat(Layout.YUV444, 8, False, Colour(full_range=True))
    back = Frames(got.planes, PixelFormat(Layout.YUV444, 8, False, Colour(1, 13, 1, True)))
    assert np.abs(frames_to_array(back).astype(int) - frames_to_array(rgb)).max() <= 2
    with pytest.raises(MediaError, match="y4m cannot hold"):
        write(tmp_path / "x.y4m", noise(PixelFormat(Layout.YUV420, 8, True), 4, 4, 2))


@pytest.mark.parametrize("space", ["", " C420", " C420jpeg", " C420mpeg2", " C420paldv"])
def test_names_of_420(space):
    data = b"YUV4MPEG2 W2 H2" + space.encode() + b" F24:1\nFRAME Ip\nabcdef"
    with open_source(io.BytesIO(data)) as source:
        assert source.info.format == PixelFormat(Layout.YUV420)
        assert source.info.frame_rate == 24
        assert next(source.frames()).frames.planes[2][0, 0, 0] == ord("f")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"YUV4MPEG2 W2\n", "damaged y4m header"),
        (b"YUV4MPEG2 W0 H2\n", "sides are 1"),
        (b"YUV4MPEG2 W2 H99999999\n", "sides are 1"),
        (b"YUV4MPEG2 W2 H2 C411\n", "colour space C411"),
        (b"YUV4MPEG2 W2 H2 C420p99\n", "colour space"),
        (b"YUV4MPEG2 W2 H2 Fx:y\n", "damaged y4m header"),
        (b"YUV4MPEG2 W2 H2", "no y4m stream"),
        (b"YUV4MPEG2 W2 H2\nFRAM", "no FRAME line where frame 0"),
        (b"YUV4MPEG2 W2 H2\nFRAME\nabcdefFRAME\nabc", "frame 1 has 3 of 6 bytes; 1 whole"),
        (b"YUV4MPEG2 W2 H2 Cmono10\nFRAME\n\0\0\0\0\0\0\0\xff", "more than 10 bits"),
    ],
)
def test_damaged_y4m(data, message):
    with pytest.raises(MediaError, match=message):
        read(io.BytesIO(data))


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=80))
def test_any_header_ends_in_a_media_error_or_frames(tail):
    try:
        with open_source(io.BytesIO(b"YUV4MPEG2 W3 H2" + tail)) as source:
            assert all(t.frames.width == source.info.width for t in source.frames())
    except MediaError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize("depth", [8, 10, 16])
@pytest.mark.parametrize("layout", list(Layout))
def test_raw_video(tmp_path, layout, depth):
    form = PixelFormat(layout, depth, layout is Layout.YUV444)
    frames = noise(form, 7, 5, 4)
    write(tmp_path / "x.yuv", frames)
    raw = RawVideo(7, 5, form, Fraction(50))
    assert read(tmp_path / "x.yuv", raw=raw) == frames
    assert (tmp_path / "x.yuv").read_bytes()[: frames.planes[0][0].nbytes] == frames.planes[0][0].tobytes()  # fmt: skip  # noqa: E501
    with open_source(tmp_path / "x.yuv", raw=raw) as source:
        assert source.frame_count == 4
        assert source.info.frame_rate == 50
        late = list(source.frames(2))
    assert [t.pts for t in late] == [2, 3]
    assert late[1].frames == frames[3:4]
    with open_source(io.BytesIO((tmp_path / "x.yuv").read_bytes()), raw=raw) as source:
        assert [t.pts for t in source.frames(2)] == [2, 3]
        with pytest.raises(MediaError, match="only once"):
            next(source.frames())


def test_raw_needs_a_description_and_whole_frames(tmp_path):
    (tmp_path / "x.yuv").write_bytes(b"12345")
    with pytest.raises(MediaError, match="no header"):
        open_source(tmp_path / "x.yuv")
    with pytest.raises(MediaError, match="cut short: frame 1 has 1 of 4 bytes"):
        read(tmp_path / "x.yuv", raw=RawVideo(2, 2, PixelFormat(Layout.GRAY)))
    with pytest.raises(UsageError, match="sides"):
        RawVideo(0, 2, PixelFormat(Layout.GRAY))


def test_pipes_on_both_ends():
    script = (
        "from ivc.media import open_source, open_sink\n"
        "from ivc.types import Segment\n"
        "with open_source('-') as s, open_sink('-', s.info) as k:\n"
        "    for t in s.frames(): k.write(Segment(t.frames, (t.pts,), 1))"
    )
    data = b"YUV4MPEG2 W2 H2 F25:1 Ip A1:1 C420jpeg XCOLORRANGE=LIMITED\n" + b"FRAME\nabcdef" * 3
    run = subprocess.run(
        [sys.executable, "-c", script], input=data, capture_output=True, check=True
    )
    assert run.stdout == data


def test_a_reader_that_leaves_shows_as_broken_pipe():
    read_end, write_end = os.pipe()
    os.close(read_end)
    form = PixelFormat(Layout.YUV420)
    info = StreamInfo(form, 64, 64, still=False, time_base=Fraction(1, 25), frame_rate=Fraction(25))
    with (
        os.fdopen(write_end, "wb", buffering=0) as pipe,
        pytest.raises(BrokenPipeError),
        open_sink(pipe, info) as sink,
    ):
        sink.write(Segment(noise(form, 64, 64), (0,), 1))


def test_memory_does_not_grow_with_the_clip():
    class Endless(io.RawIOBase):
        """A y4m stream of 2000 pictures of 96 KB, made while it is read."""

        def __init__(self):
            self.pending = b"YUV4MPEG2 W256 H256 F25:1\n"
            self.left = 2000

        def readable(self):
            return True

        def readinto(self, buffer):
            if not self.pending and self.left:
                self.left -= 1
                self.pending = b"FRAME\n" + bytes(98304)
            count = min(len(buffer), len(self.pending))
            buffer[:count], self.pending = self.pending[:count], self.pending[count:]
            return count

    import tracemalloc

    tracemalloc.start()
    with open_source(io.BufferedReader(Endless())) as source:
        assert sum(1 for _ in source.frames()) == 2000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000
