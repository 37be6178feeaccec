"""Timed text of MP4 files, titles and languages of tracks: through an attachment and back."""

import io
import logging
import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from ivc.errors import MediaError
from ivc.media import open_sink, open_source
from ivc.media.subtitles import plain_text
from ivc.types import Attachment, AttachmentKind, Segment

CUES = [
    (0, 100, ""),
    (100, 307, "Grüße"),
    (307, 400, ""),
    (400, 553, "two\nlines"),
    (553, 800, "!"),
]


def sample(text: str) -> bytes:
    return struct.pack(">H", len(text.encode())) + text.encode()


@pytest.fixture
def titled(make_video, tmp_path):
    """A clip with sound, a text track where the format holds one, titles and languages."""

    def make(name: str) -> Path:
        plain = make_video("plain.mkv", options={"bf": "0"})
        path = tmp_path / name
        fragmented = {"movflags": "frag_keyframe+empty_moov"} if "frag" in name else {}
        with av.open(str(plain)) as source, av.open(str(path), "w", options=fragmented) as sink:
            streams = {s.index: sink.add_stream_from_template(s) for s in source.streams}
            sound = streams[source.streams.audio[0].index]
            sound.metadata.update(title="Kommentar", language="ger")
            sink.metadata.update(source.metadata)
            sink.set_chapters(source.chapters())
            packets = [p for p in source.demux() if p.dts is not None]
            for packet in packets:
                packet.stream = streams[packet.stream.index]
            if path.suffix != ".mkv":
                text = sink.add_mux_stream("mov_text")
                text.time_base = Fraction(1, 192000)
                text.metadata.update(title="Untertitel", language="fra")
                for start, end, words in CUES:
                    packet = av.Packet(sample(words))
                    packet.time_base, packet.stream = Fraction(1, 1000), text
                    packet.pts = packet.dts = start
                    packet.duration = end - start
                    packets.append(packet)
            for packet in sorted(packets, key=lambda p: p.dts * p.time_base):
                sink.mux(packet)
        return path

    return make


def copy(path: Path, target: Path) -> bytes:
    with open_source(path) as source:
        (tracks,) = source.attachments()
        with open_sink(target, source.info, [tracks]) as sink:
            for timed in source.frames():
                sink.write(Segment(timed.frames, (timed.pts,), timed.duration))
    return tracks.data


def packets(path: Path, kind: str) -> list[tuple[bytes, Fraction, Fraction]]:
    with av.open(str(path)) as container:
        (stream,) = (s for s in container.streams if s.type == kind)
        return [
            (bytes(p), p.pts * p.time_base, p.duration * p.time_base)
            for p in container.demux(stream)
            if p.dts is not None
        ]


def names(path: Path) -> dict[str, tuple[str | None, str | None]]:
    with av.open(str(path)) as container:
        return {
            s.type: (s.metadata.get("title", s.metadata.get("name")), s.metadata.get("language"))
            for s in container.streams
            if s.type in ("audio", "subtitle")
        }


@pytest.mark.parametrize("name", ["in.mp4", "in.mov"])
@pytest.mark.parametrize("extension", ["mp4", "mov"])
def test_timed_text_comes_back_as_it_was(titled, tmp_path, caplog, name, extension):
    path, target = titled(name), tmp_path / f"out.{extension}"
    data = copy(path, target)
    assert data[4:8] == b"ftyp"
    assert caplog.text == ""
    expected = [
        (sample(words), Fraction(start, 1000), Fraction(end - start, 1000))
        for start, end, words in CUES
    ]
    assert packets(path, "subtitle") == packets(target, "subtitle") == expected
    assert packets(path, "audio") == packets(target, "audio")
    assert names(target) == {"audio": ("Kommentar", "ger"), "subtitle": ("Untertitel", "fra")}
    with av.open(str(target)) as container:
        assert container.metadata["title"] == "A clip"
        assert [(c["start"] * c["time_base"], c["end"] * c["time_base"]) for c in container.chapters()] == [(0, Fraction(4, 10))]  # fmt: skip  # noqa: E501
    again = tmp_path / f"again.{extension}"
    copy(target, again)
    assert packets(again, "subtitle") == expected
    assert packets(again, "audio") == packets(path, "audio")


def test_fragmented_files_give_their_timed_text(titled, tmp_path):
    path, target = titled("frag.mp4"), tmp_path / "out.mp4"
    copy(path, target)
    shown = [packet for packet in packets(path, "subtitle") if packet[2]]
    assert [data for data, _, _ in shown if len(data) > 2] == [sample(w) for *_, w in CUES if w]
    assert [packet for packet in packets(target, "subtitle") if packet[2]] == shown
    assert packets(path, "audio") == packets(target, "audio")


def test_the_attachment_is_the_same_each_time(titled):
    path = titled("in.mp4")
    with open_source(path) as first, open_source(path) as second:
        assert first.attachments() == second.attachments()


def test_timed_text_becomes_plain_text_in_matroska(titled, tmp_path, caplog):
    target = tmp_path / "out.mkv"
    copy(titled("in.mp4"), target)
    assert "track 1 (subtitle, mov_text) is written as SubRip, without its styles" in caplog.text
    assert packets(target, "subtitle") == [
        (words.encode(), Fraction(start, 1000), Fraction(end - start, 1000))
        for start, end, words in CUES
        if words
    ]
    with av.open(str(target)) as container:
        assert [s.codec_context.name for s in container.streams.subtitles] == ["srt"]
    assert names(target) == {"audio": ("Kommentar", "ger"), "subtitle": ("Untertitel", "fra")}


def test_other_containers_leave_timed_text_out_with_a_warning(titled, tmp_path, caplog):
    copy(titled("in.mp4"), tmp_path / "out.webm")
    assert "(subtitle, mov_text) is left out, .webm cannot hold it" in caplog.text


@pytest.mark.parametrize("extension", ["mkv", "mp4", "mov"])
def test_titles_and_languages_of_matroska_stay(titled, tmp_path, caplog, extension):
    caplog.set_level(logging.WARNING)
    target = tmp_path / f"out.{extension}"
    data = copy(titled("in.mkv"), target)
    with av.open(io.BytesIO(data)) as container:
        assert container.format.name == "matroska,webm"
    assert names(target) == {"audio": ("Kommentar", "ger")}
    assert caplog.text == ""


def test_words_of_a_text_sample():
    styled = sample("a\r\nb\n\nc") + struct.pack(">I4sH", 10, b"styl", 0)
    assert plain_text(styled) == b"a\nb\nc"
    wide = "\ufeffhé".encode("utf-16-be")
    assert plain_text(struct.pack(">H", len(wide)) + wide) == "hé".encode()
    assert plain_text(b"\0\0") == plain_text(b"\0") == plain_text(b"") == b""
    assert plain_text(b"\xff\xffa\xff") == "a\ufffd".encode()


def test_damaged_attachments_are_an_error_of_one_line_or_none(titled, tmp_path):
    path = titled("in.mp4")
    with open_source(path) as source:
        info, (tracks,) = source.info, source.attachments()
        frames = next(source.frames()).frames
    rng = np.random.default_rng(5)
    for round_ in range(40):
        data = bytearray(tracks.data)
        for at in rng.integers(0, len(data), 1 + round_ % 9):
            data[at] = rng.integers(256)
        target = tmp_path / ("out.mkv" if round_ % 2 else "out.mp4")
        try:
            with open_sink(target, info, [Attachment(AttachmentKind.TRACKS, bytes(data))]) as sink:
                sink.write(Segment(frames, (0,), 1))
        except MediaError as error:
            assert "\n" not in str(error)
            assert not target.exists()
        target.unlink(missing_ok=True)
