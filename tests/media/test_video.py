"""Video containers: every format out and back, times, rotation, tracks, damage."""

import io
import subprocess
import sys
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from ivc.errors import MediaError
from ivc.media import open_sink, open_source
from ivc.media.pixels import packing_of, read_format, read_frame
from ivc.types import AttachmentKind, Colour, Frames, Layout, PixelFormat, Segment, StreamInfo

from .conftest import ALL_FORMATS, noise, read, write

YUV420 = PixelFormat(Layout.YUV420, 8, False, Colour(1, 1, 1))


def same_planes(a: Frames, b: Frames) -> bool:
    return all(np.array_equal(p, q) for p, q in zip(a.planes, b.planes, strict=True))


@pytest.mark.parametrize("form", ALL_FORMATS, ids=str)
@pytest.mark.parametrize("size", [(64, 48), (17, 15), (1, 1)])
def test_matroska_returns_every_sample(tmp_path, form, size):
    frames = noise(form, *size, 3)
    write(tmp_path / "x.mkv", frames)
    got = read(tmp_path / "x.mkv")
    if form.layout is Layout.GRAY and form.alpha and form.depth > 8:
        assert got.format.layout is Layout.YUV444
        assert {int(v) for v in np.unique(got.planes[1])} == {1 << (got.format.depth - 1)}
        planes = [got.planes[0], got.planes[3]]
    else:
        planes = list(got.planes)
        assert got.format.colour == form.colour
    shift = got.format.depth - form.depth
    if shift:  # FFV1 has no such depth: the samples are in the upper bits
        assert (form.depth, got.format.depth) == (12, 16)
        assert form.alpha
    scaled = [plane >> shift for plane in planes]
    assert all(np.array_equal(p, q) for p, q in zip(scaled, frames.planes, strict=True))


@pytest.mark.parametrize("depth", [9, 11, 13, 14, 15])
def test_matroska_holds_unusual_depths(tmp_path, depth):
    form = PixelFormat(Layout.YUV422, depth)
    frames = noise(form, 20, 10, 2)
    write(tmp_path / "x.mkv", frames)
    got = read(tmp_path / "x.mkv")
    shift = got.format.depth - depth
    assert [np.array_equal(p >> shift, q) for p, q in zip(got.planes, frames.planes, strict=True)] == [True] * 3  # fmt: skip  # noqa: E501


@pytest.mark.parametrize("extension", ["mp4", "mov", "webm", "avi", "nut"])
@pytest.mark.parametrize("form", ALL_FORMATS, ids=str)
def test_other_containers_are_exact_or_refuse(tmp_path, extension, form):
    frames = noise(form, 64, 48, 2)
    ffv1 = extension in ("avi", "nut")
    yuv = form.layout in (Layout.YUV420, Layout.YUV422, Layout.YUV444)
    gray = form.layout is Layout.GRAY
    if extension in ("mp4", "mov"):
        holds = not form.alpha and (form.depth == 8 or (form.depth == 10 and (yuv or gray)))
    elif extension == "webm":
        holds = not form.alpha and form.depth == 8 and not gray
    if not ffv1 and not holds:
        with pytest.raises(MediaError, match=r"holds no lossless .*write \.mkv"):
            write(tmp_path / f"x.{extension}", frames)
        assert list(tmp_path.iterdir()) == []
        return
    write(tmp_path / f"x.{extension}", frames)
    got = read(tmp_path / f"x.{extension}")
    if ffv1:
        shift = got.format.depth - form.depth
        assert np.array_equal(got.planes[0] >> shift, frames.planes[0])
        return
    assert got.format.depth == form.depth
    assert np.array_equal(got.planes[0], frames.planes[0])
    if gray:  # H.264 decoders give monochrome as 4:2:0 with neutral chroma
        assert {int(v) for p in got.planes[1:] for v in np.unique(p)} <= {1 << (form.depth - 1)}
    else:
        assert same_planes(got, frames)
        assert got.format.colour == form.colour


def test_odd_sizes_in_mp4_name_the_way_out(tmp_path):
    with pytest.raises(MediaError, match=r"odd size; write \.mkv"):
        write(tmp_path / "x.mp4", noise(YUV420, 17, 16, 2))
    form = PixelFormat(Layout.YUV444, 8, False, Colour(1, 1, 1))
    frames = noise(form, 17, 15, 2)
    write(tmp_path / "x.mp4", frames)
    assert read(tmp_path / "x.mp4") == frames


@pytest.mark.parametrize("extension", ["mkv", "mp4", "mov", "webm", "nut"])
def test_variable_times_aspect_and_last_duration(tmp_path, extension, caplog):
    frames = noise(YUV420, 32, 16, 5)
    info = StreamInfo(
        YUV420, 32, 16, still=False, time_base=Fraction(1, 1000), frame_rate=Fraction(30),
        sample_aspect=Fraction(4, 3),
    )  # fmt: skip
    pts = (0, 33, 70, 71, 500)
    with open_sink(tmp_path / f"x.{extension}", info) as sink:
        sink.write(Segment(frames[:2], pts[:2], 37))
        sink.write(Segment(frames[2:], pts[2:], 90))
    with open_source(tmp_path / f"x.{extension}") as source:
        timed = list(source.frames())
        got = source.info
    assert [t.pts * got.time_base for t in timed] == [Fraction(t, 1000) for t in pts]
    assert [t.duration * got.time_base for t in timed[:4]] == [
        Fraction(b - a, 1000) for a, b in pairwise(pts)
    ]
    if extension in ("mp4", "mov"):
        assert got.sample_aspect == Fraction(4, 3)
    else:
        assert "aspect ratio 4/3 is lost" in caplog.text
    if extension in ("mp4", "mov", "mkv"):
        assert timed[-1].duration * got.time_base == Fraction(90, 1000)


def test_ntsc_times_are_exact_in_mp4(tmp_path):
    frames = noise(YUV420, 16, 16, 7)
    base = Fraction(1001, 30000)
    write(tmp_path / "x.mp4", frames, time_base=base, frame_rate=1 / base)
    with open_source(tmp_path / "x.mp4") as source:
        assert source.info.frame_rate == 1 / base
        assert [t.pts * source.info.time_base for t in source.frames()] == [
            i * base for i in range(7)
        ]
        assert source.frame_count == 7


def test_reordered_frames_come_in_order_and_start_counts(make_video):
    path = make_video("x.mp4", options={"bf": "3", "g": "6", "preset": "fast"}, audio=None)
    with open_source(path) as source:
        every = list(source.frames())
        assert [t.pts * source.info.time_base for t in every] == [
            Fraction(i, 25) for i in range(12)
        ]
        assert source.frame_count == 12
        for start in (1, 5, 7, 11, 12):
            tail = list(source.frames(start))
            assert [t.pts for t in tail] == [t.pts for t in every[start:]]
            assert all(a.frames == b.frames for a, b in zip(tail, every[start:], strict=True))
        first, second = source.frames(), source.frames(3)
        assert next(first).frames == every[0].frames
        assert next(second).frames == every[3].frames


def test_times_before_zero_start_at_zero_and_later_starts_stay(make_video):
    with open_source(make_video("x.mkv", first=5, audio=None)) as source:
        assert next(source.frames()).pts * source.info.time_base == Fraction(5, 25)
    with open_source(make_video("x.ts", first=1000, audio=None)) as source:
        assert [t.pts for t in source.frames()][:3] == [0, 3600, 7200]


@pytest.mark.parametrize("angle", [90, 180, -90])
def test_rotation_is_applied_to_pixels(make_video, angle):
    path = make_video("x.mp4", rotate=angle, audio=None, count=2, aspect=Fraction(2))
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
        plain = read_frame(frame, read_format(frame, "x"))
        turns = round(frame.rotation / 90)  # anticlockwise
    with open_source(path) as source:
        got = next(source.frames()).frames
        upright = angle % 180 == 0
        assert (source.info.width, source.info.height) == ((48, 32) if upright else (32, 48))
        assert source.info.sample_aspect == (2 if upright else Fraction(1, 2))
    for p, q in zip(got.planes, plain.planes, strict=True):
        assert np.array_equal(p[0], np.rot90(q[0], turns))


def test_packed_and_odd_pixel_formats_equal_ffmpegs_own_unpacking():
    rng = np.random.default_rng(2)
    for name, planar in (
        ("nv12", "yuv420p"), ("nv21", "yuv420p"), ("nv16", "yuv422p"), ("nv24", "yuv444p"),
        ("yuyv422", "yuv422p"), ("uyvy422", "yuv422p"), ("yvyu422", "yuv422p"),
        ("p010le", "yuv420p10le"), ("p210le", "yuv422p10le"), ("p016le", "yuv420p16le"),
        ("y210le", "yuv422p10le"), ("rgb24", "gbrp"), ("bgr24", "gbrp"), ("rgba", "gbrap"),
        ("abgr", "gbrap"), ("argb", "gbrap"), ("bgr0", "gbrp"), ("rgb48be", "gbrp16le"),
        ("rgba64le", "gbrap16le"), ("gray16be", "gray16le"), ("gbrp10be", "gbrp10le"),
        ("yuv420p10be", "yuv420p10le"), ("vuya", "yuva444p"), ("ayuv", "yuva444p"),
        ("yuvj420p", "yuvj420p"), ("x2rgb10le", "gbrp10le"),
    ):  # fmt: skip
        wanted = packing_of(planar)
        frame = av.VideoFrame(22, 10, planar)
        for plane in frame.planes:
            words = np.frombuffer(plane, wanted.dtype)
            words[:] = rng.integers(0, 1 << wanted.depth, words.size)
        packed = frame.reformat(format=name)
        frames = [read_frame(f, read_format(f, "x")) for f in (frame, packed)]
        assert frames[0].format.layout == frames[1].format.layout, name
        assert same_planes(*frames), name


def test_coarse_chroma_is_repeated_and_palettes_are_looked_up():
    frame = av.VideoFrame(9, 6, "yuv410p")
    for index, plane in enumerate(frame.planes):
        np.frombuffer(plane, np.uint8)[:] = np.arange(plane.buffer_size) % 251 + index
    got = read_frame(frame, read_format(frame, "x"))
    assert got.format.layout is Layout.YUV420
    stored = np.frombuffer(frame.planes[1], np.uint8).reshape(-1, frame.planes[1].line_size)[:2, :3]
    assert np.array_equal(got.planes[1][0], stored.repeat(2, 0).repeat(2, 1)[:3, :5])

    paletted = av.VideoFrame(3, 1, "pal8")
    np.frombuffer(paletted.planes[0], np.uint8)[:3] = [2, 0, 1]
    np.frombuffer(paletted.planes[1], np.uint32)[:] = 0xFF000000
    np.frombuffer(paletted.planes[1], np.uint32)[:3] = [0xFF112233, 0xFF445566, 0xFF778899]
    colours = read_frame(paletted, read_format(paletted, "x"))
    assert [p[0, 0].tolist() for p in colours.planes] == [
        [0x77, 0x11, 0x44], [0x88, 0x22, 0x55], [0x99, 0x33, 0x66],
    ]  # fmt: skip


def test_floating_point_video_is_refused():
    frame = av.VideoFrame(4, 4, "gbrpf32le")
    with pytest.raises(MediaError, match="no exact integer counterpart"):
        read_format(frame, "x.exr")


def audio_packets(path: Path) -> list[tuple[bytes, Fraction]]:
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        return [
            (bytes(p), p.pts * p.time_base) for p in container.demux(stream) if p.dts is not None
        ]


def copy(source_path: Path, target: Path) -> StreamInfo:
    with open_source(source_path) as source:
        with open_sink(target, source.info, source.attachments()) as sink:
            for timed in source.frames():
                sink.write(Segment(timed.frames, (timed.pts,), timed.duration))
        return source.info


@pytest.mark.parametrize("extension", ["mp4", "mkv", "mov"])
def test_audio_tags_and_chapters_pass_through(make_video, tmp_path, extension):
    path = make_video("in.mp4")
    target = tmp_path / f"out.{extension}"
    copy(path, target)
    before, after = audio_packets(path), audio_packets(target)
    assert [data for data, _ in before] == [data for data, _ in after]
    worst = max(abs(a - b) for (_, a), (_, b) in zip(before, after, strict=True))
    assert worst <= (Fraction(1, 1000) if extension == "mkv" else 0)
    with av.open(str(target)) as container:
        assert container.metadata["title"] == "A clip"
        chapters = container.chapters()
    assert [(c["start"] * c["time_base"], c["metadata"]["title"]) for c in chapters] == [
        (0, "First")
    ]
    assert chapters[0]["end"] * chapters[0]["time_base"] == Fraction(4, 10)
    with open_source(target) as source:
        assert next(source.frames()).pts == 0


def test_tracks_without_video_are_a_matroska_file(make_video):
    with open_source(make_video("in.mp4")) as source:
        (tracks,) = source.attachments()
    assert tracks.kind is AttachmentKind.TRACKS
    with av.open(io.BytesIO(tracks.data)) as container:
        assert [s.type for s in container.streams] == ["audio"]


def test_a_track_that_the_container_cannot_hold_is_named(make_video, tmp_path, caplog):
    copy(make_video("in.mp4"), tmp_path / "out.webm")
    assert "audio, aac" in caplog.text
    assert ".mkv" in caplog.text
    with av.open(str(tmp_path / "out.webm")) as container:
        assert [s.type for s in container.streams] == ["video"]


def test_tags_alone_are_carried(make_video, tmp_path):
    copy(make_video("in.mkv", audio=None), tmp_path / "out.mkv")
    with av.open(str(tmp_path / "out.mkv")) as container:
        assert container.metadata["title"] == "A clip"
        assert [s.type for s in container.streams] == ["video"]


def test_damaged_tracks_are_an_error_and_leave_nothing(tmp_path):
    from ivc.types import Attachment

    info = StreamInfo(
        YUV420, 16, 16, still=False, time_base=Fraction(1, 25), frame_rate=Fraction(25)
    )
    with pytest.raises(MediaError, match="damaged"):
        open_sink(tmp_path / "x.mkv", info, [Attachment(AttachmentKind.TRACKS, b"rubbish" * 9)])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["x.mkv", "x.mp4", "x.webm", "x.avi"])
@pytest.mark.parametrize("part", [0.4, 0.8, 0.97])
def test_truncated_video_is_an_error_with_the_frame(make_video, name, part):
    # with the index before the pictures, as on the web
    options = {"movflags": "faststart"} if name == "x.mp4" else {}
    codec = "libvpx-vp9" if name == "x.webm" else "libx264"
    path = make_video(name, codec=codec, audio=None, container_options=options)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    frames = 0
    with pytest.raises(MediaError, match=name) as caught, open_source(path) as source:
        for _ in source.frames():
            frames += 1
    assert frames < 12
    if frames:
        assert f"after frame {frames - 1}" in str(caught.value) or f"after frame {frames}" in str(caught.value)  # fmt: skip  # noqa: E501
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["x.mp4", "x.mkv", "x.mov", "x.bin"])
def test_random_bytes_are_refused_in_one_line(tmp_path, name):
    (tmp_path / name).write_bytes(np.random.default_rng(9).bytes(5000))
    with pytest.raises(MediaError) as caught:
        open_source(tmp_path / name)
    assert "\n" not in str(caught.value)
    assert name in str(caught.value)


def test_no_such_file_an_empty_one_and_no_video(tmp_path, make_video):
    with pytest.raises(MediaError, match="does not exist"):
        open_source(tmp_path / "nothing.mp4")
    (tmp_path / "empty.mkv").touch()
    with pytest.raises(MediaError, match="is empty"):
        open_source(tmp_path / "empty.mkv")
    with av.open(str(tmp_path / "sound.mkv"), "w") as container:
        stream = container.add_stream("aac", rate=48000, layout="mono")
        samples = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        samples.rate = 48000
        for packet in (*stream.encode(samples), *stream.encode(None)):
            container.mux(packet)
    with pytest.raises(MediaError, match="holds no video"):
        open_source(tmp_path / "sound.mkv")


def test_abort_and_errors_leave_nothing(tmp_path):
    info = StreamInfo(
        YUV420, 16, 16, still=False, time_base=Fraction(1, 25), frame_rate=Fraction(25)
    )
    for extension in ("mkv", "mp4", "y4m", "yuv"):
        (tmp_path / f"x.{extension}").write_bytes(b"old")
        with pytest.raises(RuntimeError), open_sink(tmp_path / f"x.{extension}", info) as sink:
            sink.write(Segment(noise(YUV420, 16, 16, 2), (0, 1), 1))
            raise RuntimeError
        assert (tmp_path / f"x.{extension}").read_bytes() == b"old"
    with (
        pytest.raises(MediaError, match="no frame was written"),
        open_sink(tmp_path / "y.mkv", info),
    ):
        pass
    with pytest.raises(MediaError, match="is its folder there"):
        open_sink(tmp_path / "missing" / "x.mkv", info)
    assert sorted(p.suffix for p in tmp_path.iterdir()) == [".mkv", ".mp4", ".y4m", ".yuv"]


def test_video_through_a_pipe(make_video):
    path = make_video("x.mkv", audio=None)
    script = (
        "import sys; from ivc.media import open_source\n"
        "with open_source('-') as s: print(s.seekable, sum(1 for _ in s.frames()))"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], input=path.read_bytes(), capture_output=True, check=True
    )
    assert run.stdout.split() == [b"False", b"12"]


def test_a_video_sink_writes_to_file_objects():
    frames = noise(YUV420, 16, 16, 3)
    info = StreamInfo(
        YUV420, 16, 16, still=False, time_base=Fraction(1, 25), frame_rate=Fraction(25)
    )
    file = io.BytesIO()
    with open_sink(file, info, format="mkv") as sink:
        sink.write(Segment(frames, (0, 1, 2), 1))
    assert read(io.BytesIO(file.getvalue())) == frames


def test_a_change_of_size_names_the_frame(tmp_path):
    parts = []
    for size in ((32, 32), (48, 32)):
        file = io.BytesIO()
        with av.open(file, "w", format="h264") as container:
            stream = container.add_stream("libx264", rate=25)
            stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
            for _ in range(3):
                for packet in stream.encode(av.VideoFrame(*size, "yuv420p")):
                    container.mux(packet)
            for packet in stream.encode(None):
                container.mux(packet)
        parts.append(file.getvalue())
    (tmp_path / "x.h264").write_bytes(b"".join(parts))
    with pytest.raises(MediaError, match=r"frame \d is 48x32, those before are 32x32"):
        read(tmp_path / "x.h264")


def test_frames_that_an_avi_file_skips_are_not_missing(make_video) -> None:
    path = make_video("x.avi", codec="mpeg4", audio=None, count=4, times=[0, 1, 5, 6])
    with av.open(str(path)) as container:
        assert container.streams.video[0].frames > 4
    with open_source(path) as source:
        assert source.frame_count == 4
        assert [timed.pts for timed in source.frames()] == [0, 1, 5, 6]


def test_matroska_times_of_audio_are_not_rounded_twice(make_video, tmp_path) -> None:
    # 1024 samples at 44100 Hz are no whole number of milliseconds
    first, second = make_video("x.mkv"), tmp_path / "y.mkv"
    third = tmp_path / "z.mkv"
    copy(first, second)
    copy(second, third)
    assert audio_packets(second) == audio_packets(first)
    assert audio_packets(third) == audio_packets(first)


def test_an_empty_packet_leaves_the_picture_as_it_is(tmp_path) -> None:
    path = tmp_path / "x.nut"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuvj420p"
        for index in range(4):
            frame = av.VideoFrame(48, 32, "yuvj420p")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            for packet in stream.encode(frame):
                if index == 2:
                    empty = av.Packet(b"")
                    empty.pts, empty.dts, empty.time_base = packet.pts, packet.dts, packet.time_base
                    empty.stream = stream
                    packet = empty
                container.mux(packet)
    with open_source(path) as source:
        times = [timed.pts * source.info.time_base for timed in source.frames()]
    assert times == [Fraction(0, 25), Fraction(1, 25), Fraction(3, 25)]


@pytest.mark.parametrize("name", ["x.avi", "x.mp4", "x.mkv"])
def test_tags_in_another_coding_than_utf_8_are_no_error(make_video, tmp_path, name) -> None:
    path = make_video(name)
    data = path.read_bytes()
    assert b"A clip" in data
    path.write_bytes(data.replace(b"A clip", b"\xc4 clip"))
    copy(path, tmp_path / "out.mkv")
    with av.open(str(tmp_path / "out.mkv")) as container:
        assert container.metadata["title"] == "\ufffd clip"
    assert audio_packets(tmp_path / "out.mkv")
