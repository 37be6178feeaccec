"""Cut, changed and hand-made streams: one-line errors, bounded memory, and what can be saved."""

import io
import random
import tracemalloc

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ivc.errors import (
    BitstreamError,
    ChecksumError,
    IvcError,
    LimitError,
    TruncatedError,
    UnsupportedError,
)
from ivc.stream import StreamHeader, StreamWriter, open_stream, verify
from ivc.stream.fields import encode_varint
from ivc.stream.syntax import SEGMENT
from ivc.types import Attachment, AttachmentKind, Layer

from .samples import (
    ATTACHMENTS,
    CLIP,
    RAW_KEY,
    STILL,
    Pipe,
    clip_segments,
    contents,
    raw_key,
    rich_clip,
    rich_still,
    write,
)

BARE_STILL = write(STILL, [(1, {Layer.PICTURE: b"a picture of a few bytes"})])
SAMPLES = {
    "bare still": (BARE_STILL, None),
    "still": (rich_still(), None),
    "clip": (rich_clip(), None),
    "encrypted still": (rich_still(raw_key()), RAW_KEY),
    "encrypted clip": (rich_clip(raw_key()), RAW_KEY),
    "encrypted clip without its key": (rich_clip(raw_key()), None),
}


def consume(file, key=None):
    """Open and read everything; IvcError is the only exception that may come out."""
    try:
        stream = open_stream(file, key=key)
        found = contents(stream)
        if stream.seekable:
            verify(stream)
    except IvcError as error:
        assert "\n" not in str(error)
        return None
    return None if stream.truncated else found


@pytest.mark.parametrize("name", SAMPLES)
def test_cut_at_every_byte(name):
    data, key = SAMPLES[name]
    for size in range(len(data)):
        assert consume(io.BytesIO(data[:size]), key) is None
        assert consume(Pipe(data[:size], 64), key) is None


@pytest.mark.parametrize("make", [io.BytesIO, Pipe])
def test_whole_segments_of_a_cut_clip_are_read(make):
    data = rich_clip(count=5)
    whole = open_stream(io.BytesIO(data))
    ends = [entry.offset + entry.size for entry in whole.segments]
    expected = contents(whole)[3]
    for size in range(whole.segments[0].offset, len(data)):
        stream = open_stream(make(data[:size]))
        assert contents(stream)[3] == expected[: sum(end <= size for end in ends)]
        assert stream.truncated


def test_a_cut_still_has_no_picture():
    for size in range(12, len(BARE_STILL)):
        stream = open_stream(io.BytesIO(BARE_STILL[:size]))
        assert stream.truncated
        assert len(stream.segments) == 0


@pytest.mark.parametrize("name", SAMPLES)
def test_every_byte_changed(name):
    data, key = SAMPLES[name]
    choices = random.Random(name)
    for place in range(len(data)):
        for value in (data[place] ^ 1 << choices.randrange(8), choices.choice([0, 0x80, 0xFF])):
            changed = data[:place] + bytes([value]) + data[place + 1 :]
            consume(io.BytesIO(changed), key)
            consume(Pipe(changed, 64), key)


def test_every_changed_byte_of_a_clip_is_noticed():
    data = rich_clip()
    expected = contents(open_stream(io.BytesIO(data)))
    for place in range(len(data)):
        changed = data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1 :]
        try:
            stream = open_stream(io.BytesIO(changed))
            report = verify(stream)
            noticed = not report.ok or contents(stream) == expected
        except IvcError:
            noticed = True
        assert noticed, f"byte {place}"


@given(st.binary(max_size=80), st.sampled_from([0, 4, 12]), st.booleans())
@example(b"\xff" * 40, 12, False)
@settings(max_examples=400, deadline=None)
def test_any_bytes_after_a_good_start(tail, keep, clip):
    data = (rich_clip() if clip else BARE_STILL)[:keep] + tail
    consume(io.BytesIO(data))
    consume(Pipe(data))


@given(st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_pieces_cut_repeated_and_swapped(rng):
    data, key = rng.choice(list(SAMPLES.values()))
    a, b, c = sorted(rng.randrange(len(data) + 1) for _ in range(3))
    consume(io.BytesIO(data[:b] + data[a:c] + data[c:]), key)
    consume(io.BytesIO(data[:a] + data[b:c] + data[a:b] + data[c:]), key)
    consume(Pipe(data[:a] + data[b:], 64), key)


def still_with(*records: bytes) -> bytes:
    return BARE_STILL[:4] + b"\x80" + BARE_STILL[5:12] + b"".join(records)


def clip_with(*records: bytes) -> bytes:
    return write(CLIP, [])[:16] + b"".join(records)


def segment(frames=1, size=0, **fields) -> bytes:
    payload = SEGMENT.write({"frames": frames, "mode": 0, "bytes": size} | fields)
    return bytes([24 << 2, len(payload)]) + payload


BROKEN = {
    "empty": (b"", TruncatedError, "1 bytes early|4 bytes early"),
    "not ivc": (b"\x89PNG\r\n\x1a\n", BitstreamError, "not an .ivc file"),
    "future container": (BARE_STILL[:4] + b"\x01" + BARE_STILL[5:], UnsupportedError, "newer ivc"),
    "future layout": (BARE_STILL[:7] + b"\x07" + BARE_STILL[8:], UnsupportedError, "newer ivc"),
    "future depth": (BARE_STILL[:7] + b"\xf4" + BARE_STILL[8:], UnsupportedError, "newer ivc"),
    "long varint": (BARE_STILL[:8] + b"\x80\x00\x01", BitstreamError, "more bytes than it needs"),
    "huge varint": (BARE_STILL[:8] + b"\xff" * 9 + b"\x02", BitstreamError, "64 bits"),
    "too wide": (BARE_STILL[:8] + b"\xff\xff\x03\x00", BitstreamError, "65535 is outside"),
    "too large": (BARE_STILL[:8] + b"\xfe\xff\x03" * 2, LimitError, "exceeds the largest level"),
    "open clip": (BARE_STILL[:4] + b"\x04" + BARE_STILL[5:], BitstreamError, "must be closed"),
    "number 0": (still_with(b"\x00\x00"), BitstreamError, "number 0"),
    "huge layer": (still_with(b"\x04\xff\xff\xff\xff\x0f"), BitstreamError, "exceed"),
    "layer above level": (
        still_with(b"\x04" + encode_varint((1 << 26) + 99)),
        LimitError,
        "exceed level 1",
    ),
    "no picture": (still_with(b"\x70\x00"), BitstreamError, "without a picture"),
    "layer twice": (still_with(b"\x04\x00\x04\x00\x70\x00"), BitstreamError, "twice"),
    "SEGMENT in a still": (still_with(segment()), BitstreamError, "SEGMENT in a still"),
    "long END": (still_with(b"\x04\x00\x70\x01x"), BitstreamError, "END"),
    "attachment in an open still": (
        BARE_STILL[:12] + b"\x68\x01\x01" + BARE_STILL[12:],
        BitstreamError,
        "not closed",
    ),
    "late SHARED": (still_with(b"\x04\x00\x64\x01\x00\x70\x00"), BitstreamError, "SHARED"),
    "two SHARED": (still_with(b"\x64\x01\x00\x64\x01\x00"), BitstreamError, "SHARED"),
    "secret layer": (still_with(b"\x06\x00\x70\x00"), BitstreamError, "the stream is not"),
    "no kind": (still_with(b"\x68\x00\x70\x00"), BitstreamError, "ATTACHMENT, kind"),
    "kind beyond payload": (still_with(b"\x68\x01\x80\x01\x00\x00"), BitstreamError, "ATTACHMENT"),
    "stray layer": (clip_with(b"\x04\x00"), BitstreamError, "outside a segment"),
    "no frames": (clip_with(b"\x60\x03\x00\x00\x00"), BitstreamError, "frames: 0 is outside"),
    "many frames": (clip_with(segment(1 << 16)), LimitError, "exceed level 1"),
    "timing mode": (clip_with(b"\x60\x04\x01\x03\x00\x00"), UnsupportedError, "newer ivc"),
    "reserved timing": (clip_with(b"\x60\x03\x01\x10\x00"), UnsupportedError, "newer ivc"),
    "time stands still": (
        clip_with(segment(3, mode=2, start=0, changes=[5, -5])),
        BitstreamError,
        "do not ascend",
    ),
    "more times than bytes": (
        clip_with(b"\x60\x05" + encode_varint(60000) + b"\x02\x00"),
        BitstreamError,
        "cannot fit",
    ),
    "time beyond 62 bits": (
        clip_with(segment(1, mode=1, start=1 << 62)),
        BitstreamError,
        "too large",
    ),
    "bytes after the last field": (
        clip_with(b"\x60\x04\x01\x00\x00\x00"),
        BitstreamError,
        "follow",
    ),
    "layer beyond segment": (
        clip_with(segment(1, 2), b"\x04\x09", b"x" * 9),
        BitstreamError,
        "exc",
    ),
    "END among layers": (clip_with(segment(1, 2), b"\x70\x00"), BitstreamError, "among layers"),
    "segment above level": (clip_with(segment(1, 1 << 40)), LimitError, "exceed level 1"),
    "index of air": (
        clip_with(b"\x70\x04" + encode_varint(200000) + b"\x12"),
        BitstreamError,
        "fit",
    ),
    "index of too much": (clip_with(b"\x70\x04\xff\xff\xff\x01"), BitstreamError, "outside"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_said(name):
    data, kind, reason = BROKEN[name]
    with pytest.raises(IvcError, match=reason) as caught:
        for _ in open_stream(io.BytesIO(data)).iter_segments():
            pass
    assert isinstance(caught.value, kind)
    if isinstance(caught.value, BitstreamError):
        assert f"at byte {caught.value.offset}" in str(caught.value)
        assert 0 <= caught.value.offset <= len(data)


def test_damage_behind_whole_segments_keeps_them():
    data = rich_clip()
    third = open_stream(io.BytesIO(data)).segments[2].offset
    for source in (io.BytesIO, Pipe):
        stream = open_stream(source(data[:third] + bytes(100)))
        read = []
        with pytest.raises(BitstreamError, match="number 0"):
            for entry, layers in stream.iter_segments():
                read.append((entry.index, layers[Layer.TEXT]))
        assert read == [(0, b"text 0"), (1, b"text 1")]


def test_a_damaged_index_is_done_without():
    data = rich_clip()
    expected = contents(open_stream(io.BytesIO(data)))
    for place in range(len(data) - 8, len(data)):
        stream = open_stream(io.BytesIO(data[:place] + b"\x55" + data[place + 1 :]))
        assert not stream.indexed
        assert len(stream.segments) == 3
        assert stream.attachments() == list(ATTACHMENTS)
        assert [e.pts for e in stream.segments] == [entry[3] for entry in expected[3]]
        assert not verify(stream).ok


def test_a_changed_layer_is_named():
    data = rich_clip().replace(b"picture 1", b"picturE 1")
    stream = open_stream(io.BytesIO(data))
    assert stream.read_layers(stream.segments[0])
    with pytest.raises(ChecksumError, match="layer picture"):
        stream.read_layers(stream.segments[1])
    assert stream.read_layers(stream.segments[1], {Layer.TEXT}) == {Layer.TEXT: b"text 1"}


@pytest.mark.parametrize("make", [io.BytesIO, Pipe])
def test_declared_sizes_allocate_nothing(make):
    large = STILL.replace(width=16384, height=16384)
    header = write(large, [(1, {Layer.PICTURE: b""})])[:12]
    data = header + b"\x04" + encode_varint(1 << 30) + b"few bytes"
    tracemalloc.start()
    stream = open_stream(make(data))
    assert list(stream.iter_segments()) == []
    assert stream.truncated
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


def test_many_frames_in_few_bytes_stay_few_bytes():
    tiny = CLIP.replace(width=1, height=1)
    data = write(tiny, [(65536, {Layer.PICTURE: b""})] * 200, checksums=False)
    assert len(data) < 200 * 16 + 40
    tracemalloc.start()
    stream = open_stream(io.BytesIO(data))
    assert stream.total_frames == 200 * 65536
    assert len(list(stream.segments)) == 200
    assert tracemalloc.get_traced_memory()[1] < 2 << 20
    tracemalloc.stop()


def test_too_many_records_of_a_kind():
    for record, reason in (
        (b"\x68\x01\x01", "attachments"),
        (b"\x78\x00", "unknown records"),
    ):
        with pytest.raises(BitstreamError, match=f"more than .* {reason}"):
            open_stream(io.BytesIO(still_with(record * 70000)))
    layers = b"".join(encode_varint(number << 2) + b"\x00" for number in range(32, 97))
    with pytest.raises(BitstreamError, match="more than 64 layers"):
        open_stream(io.BytesIO(still_with(layers)))


def test_segments_of_a_pipe_are_dropped_when_read():
    pipe = Pipe(write(CLIP, clip_segments(100)), 1 << 16)
    stream = open_stream(pipe)
    first = None
    for entry, _ in stream.iter_segments():
        first = first or entry
    with pytest.raises(BitstreamError, match="gone past"):
        stream.read_layers(first)


def test_an_attachment_is_listed_once():
    """An index that names one attachment a thousand times must not be read a thousand times."""
    file = io.BytesIO()
    writer = StreamWriter(file, StreamHeader(2, 1, CLIP))
    writer.write_segment(*clip_segments(1)[0])
    writer.write_attachment(Attachment(AttachmentKind.TRACKS, b"sound" * 1000))
    writer._attachment_offsets *= 1000
    writer.finish()
    stream = open_stream(io.BytesIO(file.getvalue()))
    assert not stream.indexed
    assert [attachment.data for attachment in stream.attachments()] == [b"sound" * 1000]
    assert "index" in str(stream.fault)


def test_a_segment_for_newer_readers_leaves_those_before_it():
    good = write(CLIP, clip_segments(2), checksums=False)
    second = open_stream(io.BytesIO(good)).segments[1].offset
    broken = bytearray(good[:-1])  # without its last byte the index is not found
    broken[second + 3] |= 0x80  # a reserved bit of the field "timing"
    stream = open_stream(io.BytesIO(broken))
    assert stream.total_frames == 4
    assert isinstance(stream.fault, UnsupportedError)
    with pytest.raises(UnsupportedError, match="newer ivc"):
        list(stream.iter_segments())
