"""Audio, subtitles, chapters and tags: carried through as packets, never decoded.

They travel as one Matroska file without video, or as an MP4 (QuickTime) file where that holds more
of the tracks: the timed text of MP4 has no place in Matroska. Timestamps in Matroska are in
milliseconds; a tag keeps the shift where a track starts before the first picture.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.stream import AttachmentStream

from ivc.errors import MediaError
from ivc.media.base import log
from ivc.media.subtitles import plain_text
from ivc.types import Attachment, AttachmentKind

_SHIFT_TAG = "IVC_TRACK_SHIFT"
_PLACEHOLDER = "ivc-no-tracks"  # title of a track that is there for chapters and tags only
_CARRIED = ("audio", "subtitle")
_CONTAINER_TAGS = frozenset(
    {"encoder", "major_brand", "minor_version", "compatible_brands", "duration", "creation_time"}
)
_HOMES = ("matroska", "mp4", "mov")
"""Formats of the attachment, the preferred one first."""
_EBML = b"\x1a\x45\xdf\xa3"
_FAST_CLOCK = 192000  # ticks a second: no usual track has more
_EMPTY_TEXT = b"\0\0"


def read_tracks(path: Path, where: str, origin: Fraction) -> list[Attachment]:
    """The tracks, chapters and tags of a container beside its video.

    Args:
        path: the container.
        where: what to call it in messages.
        origin: seconds that are taken off every timestamp, as from those of the video.

    Returns:
        One TRACKS attachment, or none if there is nothing to carry.
    """
    try:
        with av.open(f"file:{path}", metadata_errors="replace") as source:
            return _collect(source, where, origin)
    except av.FFmpegError as error:
        raise MediaError(f"{where}: its audio and subtitles cannot be read ({error})") from None


def _collect(source: Any, where: str, origin: Fraction) -> list[Attachment]:
    fonts = [s for s in source.streams if isinstance(s, AttachmentStream)]
    home = "matroska" if fonts else _find_home(source)
    tags = {k: v for k, v in source.metadata.items() if k.lower() not in _CONTAINER_TAGS}
    chapters = source.chapters()
    buffer = io.BytesIO()
    # bitexact: Matroska's random identifiers would make every run write other bytes
    options = {"avoid_negative_ts": "disabled", "fflags": "+bitexact"}
    if home != "matroska":
        options["movflags"] = "use_metadata_tags"  # any tag, not only those of iTunes
    with av.open(buffer, "w", format=home, options=options) as sink:
        streams = dict(_add_streams(source, sink, where, "an .ivc file"))
        if not (streams or fonts or tags or chapters):
            return []
        packets = sorted(_demux(source, streams), key=lambda p: p.dts * p.time_base)
        shift = Fraction(0)
        if home == "matroska":  # MP4 has edit lists for what comes before 0
            first = min((p.pts * p.time_base for p in packets if p.pts is not None), default=origin)
            shift = min(shift, first - origin)
        for font in fonts:
            sink.add_attachment(font.name or "attachment", font.mimetype or "", font.data)
        placeholder = None if streams else _add_placeholder(sink)
        if shift:
            tags[_SHIFT_TAG] = str(shift)
        sink.metadata.update(tags)
        _set_chapters(sink, chapters, -origin - shift)
        sink.start_encoding()
        if placeholder is not None:
            sink.mux(placeholder)
        for packet in packets:
            streams[packet.stream.index].mux(packet, -origin - shift)
    return [Attachment(AttachmentKind.TRACKS, buffer.getvalue())]


def _find_home(source: Any) -> str:
    """The format that holds most of the tracks."""
    tracks = [s for s in source.streams if s.type in _CARRIED]
    return max(_HOMES, key=lambda home: sum(_fits(track, home) for track in tracks))


def _add_placeholder(sink: Any) -> Any:
    """A subtitle track, and the one packet to write to it: Matroska needs both to be opened."""
    stream = sink.add_mux_stream("subrip")
    stream.metadata["title"] = _PLACEHOLDER
    packet = av.Packet(b" ")
    packet.pts = packet.dts = 0
    packet.time_base, packet.stream = Fraction(1, 1000), stream
    return packet


@dataclass(frozen=True)
class _Track:
    """A track of the output."""

    sink: Any
    stream: Any
    as_text: bool = False
    """MP4 timed text in, SubRip out."""

    def mux(self, packet: Any, seconds: Fraction) -> None:
        """Write a packet, shifted in time."""
        ticks = round(seconds / packet.time_base)
        if self.as_text:
            text = plain_text(bytes(packet))
            if not text:
                return
            plain = av.Packet(text)
            plain.time_base, plain.duration = packet.time_base, packet.duration
            plain.pts, plain.dts = packet.pts, packet.dts
            packet = plain
        packet.dts += ticks
        if packet.pts is not None:
            packet.pts += ticks
        packet.stream = self.stream
        self.sink.mux(packet)


def _add_streams(source: Any, sink: Any, where: str, target: str) -> Iterator[tuple[int, _Track]]:
    """Add the streams of ``source`` that ``sink`` can hold; yields (index in source, track)."""
    chapters = bool(source.chapters())
    home = sink.format.name
    for stream in source.streams:
        if stream.type in ("video", "attachment") or _PLACEHOLDER in stream.metadata.values():
            continue
        if stream.type in _CARRIED and _fits(stream, home):
            added = sink.add_stream_from_template(stream)
            if _is_mp4_text(stream):
                # FFmpeg adds empty samples where a clock runs slower than those of other tracks
                added.time_base = stream.time_base / math.ceil(_FAST_CLOCK * stream.time_base)
            track = _Track(sink, added)
        elif home == "matroska" and _is_mp4_text(stream):
            log.warning(
                "%s: track %d (%s) is written as SubRip, without its styles; .mp4 keeps it",
                where, stream.index, describe_track(stream),
            )  # fmt: skip
            track = _Track(sink, sink.add_mux_stream("subrip"), as_text=True)
        else:
            # QuickTime files keep the titles of chapters in a data track, which is no loss
            if stream.type != "data" or not chapters:
                log.warning(
                    "%s: track %d (%s) is left out, %s cannot hold it; .mkv holds most tracks",
                    where, stream.index, describe_track(stream), target,
                )  # fmt: skip
            continue
        track.stream.metadata.update(_tags_of(stream))
        track.stream.disposition = stream.disposition
        yield stream.index, track


def _tags_of(stream: Any) -> dict[str, str]:
    """Title, language and other tags of a track."""
    tags = {k: v for k, v in stream.metadata.items() if k.lower() != "duration"}
    # FFmpeg writes the title of an MP4 track from one key and reads it into another
    if "name" in tags:
        tags.setdefault("title", tags.pop("name"))
    return tags


def _demux(source: Any, indices: Iterable[int]) -> Iterator[Any]:
    """The packets of some streams, in the order of the file."""
    chosen = [source.streams[index] for index in indices]
    for packet in source.demux(*chosen) if chosen else ():
        if packet.dts is None:
            continue
        # FFmpeg ends every text by an empty one, even where the next text or an empty one follows
        ends = packet.duration == 0 and bytes(packet) == _EMPTY_TEXT
        if not (ends and _is_mp4_text(packet.stream)):
            yield packet


def _is_mp4_text(stream: Any) -> bool:
    return stream.type == "subtitle" and stream.codec_context.name == "mov_text"


def describe_track(stream: Any) -> str:
    """Kind and codec of a track, for messages."""
    codec = stream.codec_context.name if stream.codec_context else "unknown codec"
    return f"{stream.type}, {codec}"


def _fits(stream: Any, home: str) -> bool:
    """Whether a container format holds the stream: tried out, as lists promise too much."""
    try:
        with av.open(io.BytesIO(), "w", format=home) as trial:
            trial.add_stream_from_template(stream)
            trial.start_encoding()
    except (av.FFmpegError, ValueError):
        return False
    return True


def _set_chapters(sink: Any, chapters: Iterable[Any], seconds: Fraction) -> None:
    """Set chapters, shifted in time, in whole milliseconds."""
    moved = [
        {
            "id": chapter["id"],
            "start": max(0, round((chapter["start"] * chapter["time_base"] + seconds) * 1000)),
            "end": max(0, round((chapter["end"] * chapter["time_base"] + seconds) * 1000)),
            "time_base": Fraction(1, 1000),
            "metadata": chapter["metadata"],
        }
        for chapter in chapters
    ]
    if moved:
        sink.set_chapters(moved)


class TrackCopier:
    """Puts carried tracks into an output container beside a video stream.

    Args:
        data: a TRACKS attachment.
        sink: the output container, before its header is written.
        where: what to call the output in messages.

    Raises:
        MediaError: when the attachment cannot be read.
    """

    def __init__(self, data: bytes, sink: Any, where: str):
        # Matroska stores milliseconds: rounding again what was rounded would move packets
        self._as_stored = not data.startswith(_EBML) or sink.format.name in ("matroska", "webm")
        home = "matroska" if data.startswith(_EBML) else "mp4"
        try:
            self._source: Any = av.open(io.BytesIO(data), format=home, metadata_errors="replace")
        except av.FFmpegError as error:
            raise MediaError(
                f"the stored audio and subtitle tracks are damaged ({error})"
            ) from None
        tags = dict(self._source.metadata)
        shift = tags.pop(_SHIFT_TAG, "0")
        try:
            self._shift = Fraction(shift)
        except (ValueError, ZeroDivisionError):
            self._shift = Fraction(0)
        suffix = Path(where).suffix or sink.format.name
        self._streams = dict(_add_streams(self._source, sink, where, suffix))
        if "matroska" in sink.format.name:
            for font in self._source.streams:
                if isinstance(font, AttachmentStream):
                    sink.add_attachment(font.name or "attachment", font.mimetype or "", font.data)
        sink.metadata.update({k: v for k, v in tags.items() if k.lower() not in _CONTAINER_TAGS})
        _set_chapters(sink, self._source.chapters(), self._shift)
        self._packets = self._read()
        self._next = next(self._packets, None)

    def _read(self) -> Iterator[Any]:
        clocks = {index: _SampleClock(self._source.streams[index]) for index in self._streams}
        for packet in _demux(self._source, self._streams):
            yield packet if self._as_stored else clocks[packet.stream.index].restore(packet)

    def copy_until(self, seconds: Fraction | None) -> None:
        """Write the packets due before ``seconds``, or all of them for None."""
        while self._next is not None:
            packet = self._next
            if seconds is not None and packet.dts * packet.time_base + self._shift >= seconds:
                return
            self._streams[packet.stream.index].mux(packet, self._shift)
            self._next = next(self._packets, None)

    def close(self) -> None:
        """Release the attachment."""
        self._source.close()


class _SampleClock:
    """Gives audio packets back the sample-exact times that Matroska rounds to milliseconds."""

    def __init__(self, stream: Any):
        context = stream.codec_context
        audio = stream.type == "audio"
        self._rate = context.sample_rate if audio else 0
        self._samples = context.frame_size if audio else 0
        self._due: int | None = None

    def restore(self, packet: Any) -> Any:
        """The packet with its times in samples, if the codec has frames of constant length."""
        if not (self._rate and self._samples) or packet.pts is None:
            return packet
        coded = packet.pts * packet.time_base * self._rate
        due = self._due
        if due is None or abs(coded - due) > Fraction(self._rate, 500):
            due = round(coded)
        packet.time_base = Fraction(1, self._rate)
        packet.pts = packet.dts = due
        packet.duration = self._samples
        self._due = due + self._samples
        return packet
