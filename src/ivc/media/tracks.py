"""Audio, subtitles, chapters and tags: carried through as packets, never decoded.

They travel as one Matroska file without video. Its timestamps are in milliseconds like all of
Matroska's; a tag keeps the shift where a track starts before the first picture.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.stream import AttachmentStream

from ivc.errors import MediaError
from ivc.media.base import log
from ivc.types import Attachment, AttachmentKind

_SHIFT_TAG = "IVC_TRACK_SHIFT"
_PLACEHOLDER = "ivc-no-tracks"  # title of a track that is there for chapters and tags only
_CARRIED = ("audio", "subtitle")
_CONTAINER_TAGS = frozenset(
    {"encoder", "major_brand", "minor_version", "compatible_brands", "duration", "creation_time"}
)


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
        with av.open(f"file:{path}") as source:
            return _collect(source, where, origin)
    except av.FFmpegError as error:
        raise MediaError(f"{where}: its audio and subtitles cannot be read ({error})") from None


def _collect(source: Any, where: str, origin: Fraction) -> list[Attachment]:
    fonts = [s for s in source.streams if isinstance(s, AttachmentStream)]
    tags = {k: v for k, v in source.metadata.items() if k.lower() not in _CONTAINER_TAGS}
    chapters = source.chapters()
    buffer = io.BytesIO()
    # bitexact: Matroska's random identifiers would make every run write other bytes
    options = {"avoid_negative_ts": "disabled", "fflags": "+bitexact"}
    with av.open(buffer, "w", format="matroska", options=options) as sink:
        streams = dict(_add_streams(source, sink, where, "an .ivc file"))
        if not (streams or fonts or tags or chapters):
            return []
        packets = sorted(
            (p for p in source.demux(*(source.streams[i] for i in streams)) if p.dts is not None),
            key=lambda p: p.dts * p.time_base,
        ) if streams else []  # fmt: skip
        first = min((p.pts * p.time_base for p in packets if p.pts is not None), default=origin)
        shift = min(Fraction(0), first - origin)
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
            stream = streams[packet.stream.index]
            sink.mux(_moved(packet, stream, -origin - shift))
    return [Attachment(AttachmentKind.TRACKS, buffer.getvalue())]


def _add_placeholder(sink: Any) -> Any:
    """A subtitle track, and the one packet to write to it: Matroska needs both to be opened."""
    stream = sink.add_mux_stream("subrip")
    stream.metadata["title"] = _PLACEHOLDER
    packet = av.Packet(b" ")
    packet.pts = packet.dts = 0
    packet.time_base, packet.stream = Fraction(1, 1000), stream
    return packet


def _add_streams(source: Any, sink: Any, where: str, target: str) -> Iterator[tuple[int, Any]]:
    """Add the streams of ``source`` that ``sink`` can hold; yields (index in source, stream)."""
    chapters = bool(source.chapters())
    for stream in source.streams:
        if stream.type in ("video", "attachment") or _PLACEHOLDER in stream.metadata.values():
            continue
        if not (stream.type in _CARRIED and _fits(stream, sink)):
            # QuickTime files keep the titles of chapters in a data track, which is no loss
            if stream.type != "data" or not chapters:
                log.warning(
                    "%s: track %d (%s) is left out, %s cannot hold it; .mkv holds most tracks",
                    where, stream.index, describe_track(stream), target,
                )  # fmt: skip
            continue
        added = sink.add_stream_from_template(stream)
        added.metadata.update({k: v for k, v in stream.metadata.items() if k.lower() != "duration"})
        added.disposition = stream.disposition
        yield stream.index, added


def describe_track(stream: Any) -> str:
    """Kind and codec of a track, for messages."""
    codec = stream.codec_context.name if stream.codec_context else "unknown codec"
    return f"{stream.type}, {codec}"


def _fits(stream: Any, sink: Any) -> bool:
    """Whether the format of ``sink`` holds the stream: tried out, as lists promise too much."""
    try:
        with av.open(io.BytesIO(), "w", format=sink.format.name) as trial:
            trial.add_stream_from_template(stream)
            trial.start_encoding()
    except (av.FFmpegError, ValueError):
        return False
    return True


def _moved(packet: Any, stream: Any, seconds: Fraction) -> Any:
    """The packet, assigned to another stream and shifted in time."""
    ticks = round(seconds / packet.time_base)
    packet.dts += ticks
    if packet.pts is not None:
        packet.pts += ticks
    packet.stream = stream
    return packet


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
        self._sink = sink
        try:
            self._source: Any = av.open(io.BytesIO(data), format="matroska")
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
        if not self._streams:
            return
        clocks = {index: _SampleClock(self._source.streams[index]) for index in self._streams}
        # these store milliseconds again: rounding what was rounded would move packets
        coarse = self._sink.format.name in ("matroska", "webm")
        for packet in self._source.demux(*(self._source.streams[i] for i in self._streams)):
            if packet.dts is not None:
                yield packet if coarse else clocks[packet.stream.index].restore(packet)

    def copy_until(self, seconds: Fraction | None) -> None:
        """Write the packets due before ``seconds``, or all of them for None."""
        while self._next is not None:
            packet = self._next
            if seconds is not None and packet.dts * packet.time_base + self._shift >= seconds:
                return
            self._sink.mux(_moved(packet, self._streams[packet.stream.index], self._shift))
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
