"""What is written is what is read: all headers, layers, times and ways of reading."""

import io
import os
import subprocess
import sys
import threading
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivc.errors import UnsupportedError, UsageError
from ivc.stream import StreamHeader, StreamWriter, open_stream
from ivc.types import Colour, Layer, Layout, PixelFormat, StreamInfo

from .samples import (
    ATTACHMENTS,
    CLIP,
    RAW_KEY,
    SHARED,
    STILL,
    Pipe,
    clip_segments,
    contents,
    passphrase,
    raw_key,
    rich_clip,
    rich_still,
    write,
)

code_points = st.integers(0, 255)
colours = st.builds(Colour, code_points, code_points, code_points, st.booleans())
formats = st.builds(
    PixelFormat, st.sampled_from(Layout), st.integers(8, 16), st.booleans(), colours
)
ratios = st.fractions(Fraction(1, 10000), 10000, max_denominator=100000)
stills = st.builds(
    StreamInfo, formats, st.integers(1, 16384), st.integers(1, 16384), sample_aspect=ratios
)
clips = st.builds(
    StreamInfo,
    formats,
    st.integers(1, 512),
    st.integers(1, 512),
    still=st.just(False),
    time_base=ratios,
    frame_rate=st.none() | st.fractions(Fraction(1, 100), 60, max_denominator=1001),
    sample_aspect=ratios,
)
layer_sets = st.dictionaries(st.sampled_from(Layer), st.binary(max_size=40), min_size=1)


@given(info=stills, layers=layer_sets, weights=st.none() | st.binary(min_size=8, max_size=8))
@settings(max_examples=150, deadline=None)
def test_any_still(info, layers, weights):
    stream = open_stream(io.BytesIO(write(info, [(1, layers)], weights_hash=weights)))
    assert stream.header.info == info
    assert (stream.header.codec, stream.header.codec_version) == (2, 1)
    assert stream.header.weights_hash == weights
    assert stream.read_layers(stream.segments[0]) == layers
    assert not stream.truncated
    assert stream.fault is None


@st.composite
def timed_segments(draw):
    segments, now = [], draw(st.integers(-(10**6), 10**12))
    for _ in range(draw(st.integers(0, 4))):
        steps = draw(st.lists(st.integers(1, 5000), min_size=1, max_size=6))
        pts = tuple(now + sum(steps[:n]) for n in range(len(steps)))
        now += sum(steps) + draw(st.integers(0, 3))
        segments.append((len(pts), draw(layer_sets), pts, draw(st.integers(0, 10**6))))
    return segments


@given(info=clips, segments=timed_segments(), shared=layer_sets | st.just({}))
@settings(max_examples=150, deadline=None)
def test_any_clip_by_index_by_scan_and_by_pipe(info, segments, shared):
    data = write(info, segments, shared=shared, attachments=ATTACHMENTS)
    indexed = open_stream(io.BytesIO(data))
    scanned = open_stream(io.BytesIO(data + b"tail"))
    assert indexed.indexed
    assert not scanned.indexed
    assert scanned.trailing_bytes == 4
    assert indexed.header.info == info
    expected = contents(indexed)
    assert expected[1] == shared
    assert expected[2] == list(ATTACHMENTS)
    assert [(e[1], e[5], e[3], e[4]) for e in expected[3]] == segments
    for stream in (scanned, open_stream(Pipe(data))):
        assert contents(stream) == expected
        assert stream.total_frames == sum(segment[0] for segment in segments)
        assert not stream.truncated


@pytest.mark.parametrize("encryption", [None, raw_key(), passphrase()])
@pytest.mark.parametrize("build", [rich_clip, rich_still])
def test_every_kind_of_record(build, encryption):
    data = build(encryption)
    key = encryption.key if encryption else None
    expected = contents(open_stream(io.BytesIO(data), key=key))
    assert expected[1] == SHARED
    assert expected[2] == list(ATTACHMENTS)
    assert contents(open_stream(Pipe(data, piece=3), key=key)) == expected


def test_constant_rate_needs_no_times():
    segments = [(segment[0], segment[1]) for segment in clip_segments()]
    assert write(CLIP, segments) == write(CLIP, clip_segments())


@pytest.mark.parametrize(
    ("rate", "time_base"),
    [
        (Fraction(24000, 1001), Fraction(1, 1000)),
        (Fraction(30000, 1001), Fraction(1, 90000)),
        (Fraction(60), Fraction(1, 1000)),
    ],
)
def test_rounded_times_lie_on_the_grid(rate, time_base):
    info = CLIP.replace(frame_rate=rate, time_base=time_base)
    step = 1 / (rate * time_base)
    pts = [int(n * step + Fraction(1, 2)) for n in range(40)]
    segments = [
        (10, {Layer.PICTURE: b""}, tuple(pts[k : k + 10]), pts[k + 10] - pts[k + 9])
        for k in range(0, 30, 10)
    ]
    stream = open_stream(io.BytesIO(write(info, segments)))
    assert [entry.pts for entry in stream.segments] == [segment[2] for segment in segments]
    assert {len(entry.context) for entry in stream.segments} == {3}


def test_a_shifted_grid_costs_the_shift():
    shifted = [
        (f, layers, tuple(t + 1024 for t in pts), d) for f, layers, pts, d in clip_segments()
    ]
    stream = open_stream(io.BytesIO(write(CLIP, shifted)))
    assert [entry.pts for entry in stream.segments] == [segment[2] for segment in shifted]
    assert {len(entry.context) for entry in stream.segments} == {3 + 2}


def test_variable_rate_costs_about_a_byte_a_frame():
    pts = [0, 500, 1010, 1500, 2040, 2540, 3100, 3600]
    stream = open_stream(io.BytesIO(write(CLIP, [(8, {Layer.PICTURE: b""}, tuple(pts), 9)])))
    assert stream.segments[0].pts == tuple(pts)
    assert stream.segments[0].duration == 9
    assert len(stream.segments[0].context) <= 8 + 8


def test_segments_are_found_by_frame():
    stream = open_stream(io.BytesIO(rich_clip()))
    assert [stream.segment_at(frame).index for frame in range(12)] == [0] * 4 + [1] * 4 + [2] * 4
    for frame in (-1, 12):
        with pytest.raises(IndexError):
            stream.segment_at(frame)
    assert stream.segments[-1].index == 2
    assert [entry.index for entry in stream.segments[1:]] == [1, 2]
    with pytest.raises(IndexError):
        stream.segments[3]


def test_wanted_layers_only():
    for source in (io.BytesIO(rich_clip()), Pipe(rich_clip())):
        for _, layers in open_stream(source).iter_segments({Layer.TEXT, Layer.MOTION}):
            assert set(layers) == {Layer.TEXT}


def test_unknown_layers_and_records_are_skipped():
    data = write(STILL, [(1, {Layer.PICTURE: b"picture", 57: b"from the future"})])
    unknown_control = bytes([30 << 2, 3]) + b"new"
    data = data[:12] + unknown_control + data[12:]
    stream = open_stream(io.BytesIO(data))
    entry = stream.segments[0]
    assert stream.read_layers(entry) == {Layer.PICTURE: b"picture"}
    assert [layer.label for layer in entry.layers.values()] == ["picture", "57"]
    assert stream.read_layer(entry, 57) == b"from the future"


def test_a_real_pipe_from_writer_to_reader():
    receiving, sending = os.pipe()

    def send():
        with os.fdopen(sending, "wb", buffering=0) as file:
            writer = StreamWriter(file, StreamHeader(2, 1, CLIP))
            for segment in clip_segments(50):
                writer.write_segment(*segment)
            writer.finish()

    thread = threading.Thread(target=send)
    thread.start()
    with os.fdopen(receiving, "rb", buffering=0) as file:
        stream = open_stream(file)
        assert [entry.index for entry, _ in stream.iter_segments()] == list(range(50))
        with pytest.raises(UsageError, match="pipe"):
            stream.segments  # noqa: B018
    thread.join()


def test_a_stream_may_begin_inside_a_file():
    file = io.BytesIO(b"something before" + rich_clip())
    file.seek(16)
    assert contents(open_stream(file)) == contents(open_stream(io.BytesIO(rich_clip())))


def test_paths_are_opened_and_closed(tmp_path):
    path = tmp_path / "a clip.ivc"
    path.write_bytes(rich_clip(raw_key()))
    with open_stream(path, key=RAW_KEY) as stream:
        assert stream.total_frames == 12
    with pytest.raises(ValueError, match="closed"):
        stream.read_layers(stream.segments[0])


def test_the_key_file_may_be_hexadecimal():
    data = rich_clip(raw_key())
    assert open_stream(io.BytesIO(data), key=RAW_KEY.hex().encode() + b"\n").attachments()


@pytest.mark.parametrize(
    ("info", "segments", "reason"),
    [
        (STILL, [(2, {Layer.PICTURE: b""})], "one frame"),
        (STILL, [(1, {Layer.PICTURE: b""})] * 2, "one frame"),
        (STILL, [], "needs its picture"),
        (STILL, [(1, {})], "needs a layer"),
        (STILL, [(1, {24: b""})], "not the number of a layer"),
        (CLIP, [(0, {Layer.PICTURE: b""})], "does not fit level"),
        (CLIP, [(70000, {Layer.PICTURE: b""})], "does not fit level"),
        (CLIP, [(2, {Layer.PICTURE: b""}, (5, 5))], "do not ascend"),
        (CLIP, [(2, {Layer.PICTURE: b""}, (5,))], "1 times were given for 2 frames"),
        (CLIP, [(1, {Layer.PICTURE: b""}, (1 << 62,))], "does not fit the file format"),
        (CLIP.replace(frame_rate=None), [(1, {Layer.PICTURE: b""})], "needs the time"),
        (STILL.replace(width=0), [(1, {Layer.PICTURE: b""})], "0x256"),
        (CLIP.replace(time_base=Fraction(1, 1 << 40)), [], "outside"),
    ],
)
def test_what_cannot_be_written_is_refused(info, segments, reason):
    with pytest.raises(UsageError, match=reason):
        write(info, segments)


def test_pictures_beyond_all_levels_are_refused():
    with pytest.raises(UnsupportedError, match="level"):
        write(STILL.replace(width=65535, height=65535), [(1, {Layer.PICTURE: b""})])


def test_nothing_can_follow_the_end():
    writer = StreamWriter(io.BytesIO(), StreamHeader(2, 1, CLIP))
    writer.finish()
    with pytest.raises(UsageError, match="finished"):
        writer.write_segment(1, {Layer.PICTURE: b""})


def test_import_is_light():
    heavy = ["numpy", "numba", "cryptography", "torch", "av", "PIL"]
    script = f"import sys, ivc.stream; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_an_unknown_layer_that_is_asked_for_comes_from_a_pipe():
    data = write(CLIP, [(2, {200: b"from the future", Layer.TEXT: b"text"})])
    stream = open_stream(Pipe(data))
    found = []
    for entry, layers in stream.iter_segments([200]):
        assert layers == {}
        found.append(stream.read_layer(entry, 200))
    assert found == [b"from the future"]
