"""Reading a stream: listing without decoding, by index, by scanning, or from a pipe.

A seekable clip is opened through its trailer and index; if these are missing or damaged, the file
is scanned, and everything up to its last whole segment can be read. Nothing is allocated before the
level is checked, and never more than the file holds.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Collection, Iterator
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from ivc.errors import BitstreamError, DecryptionError, MediaError, TruncatedError, UsageError
from ivc.stream.byteio import FileInput
from ivc.stream.encryption import Cipher, Scope
from ivc.stream.entries import AttachmentEntry, LayerEntry, SegmentEntry, SegmentList
from ivc.stream.header import StreamHeader
from ivc.stream.levels import DEFAULT_MAX_LEVEL
from ivc.stream.parser import End, Parser
from ivc.stream.records import Record, layer_name, read_record
from ivc.stream.syntax import MAX_CONTROL_BYTES, TRAILER, TRAILER_BYTES, TRAILER_MAGIC, Control
from ivc.types import Attachment, AttachmentKind, Layer


class Stream:
    """An open stream; a context manager.

    Attributes:
        seekable: True if ``segments`` can be used; a pipe only has ``iter_segments``.
        truncated: True if the stream ends early; of a pipe, known when it has been read.
        fault: what is broken behind the segments that can be read, or None.
        trailing_bytes: number of bytes behind the end of the stream; 0 for pipes.
        indexed: True if the stream was opened through its index, without a scan.
    """

    def __init__(
        self,
        file: BinaryIO,
        *,
        key: bytes | None = None,
        max_level: int = DEFAULT_MAX_LEVEL,
        use_index: bool = True,
    ) -> None:
        """Read the front of a stream and, if it can be sought in, list its segments.

        Args:
            file: stands at the first byte; closed by the caller.
            key: content of the key file of an encrypted stream.
            max_level: largest level to accept.
            use_index: False to scan the file even if it has an index.
        """
        try:
            source = FileInput(file)
        except OSError as error:
            raise MediaError(f"cannot read the stream: {error}") from error
        self._file: BinaryIO | None = None
        self._parser = Parser(source, key, max_level)
        self._offsets = array("Q")
        self._first_frames = array("Q", [0])
        self._still: SegmentEntry | None = None
        self._next: Record | None = None
        self.seekable = source.size is not None
        self.truncated = False
        self.fault: BitstreamError | None = None
        self.trailing_bytes = 0
        self.indexed = False
        self._read_front()
        if self.seekable and not (use_index and self._read_index()):
            for _ in self._scan(None):
                pass

    def __enter__(self) -> Stream:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file, if ``open_stream`` opened it."""
        if self._file:
            self._file.close()

    # Listing

    @property
    def header(self) -> StreamHeader:
        """What stands at the front."""
        return self._parser.header

    @property
    def scope(self) -> Scope | None:
        """Which layers and attachments are encrypted; None if the stream is not."""
        return self._parser.scope

    @property
    def cipher(self) -> Cipher | None:
        """What opens encrypted layers; None without a key."""
        return self._parser.cipher

    @property
    def front_offset(self) -> int:
        """Offset of the first byte after header and ENCRYPTION record."""
        return self._parser.front

    @property
    def segments(self) -> SegmentList:
        """All whole segments.

        Raises:
            UsageError: for a pipe.
        """
        if not self.seekable:
            raise UsageError("a pipe cannot be listed; go through iter_segments()")
        return SegmentList(self, len(self._offsets))

    @property
    def total_frames(self) -> int:
        """Number of frames of all whole segments; of a pipe, of those that have been read."""
        return self._first_frames[-1]

    def segment_at(self, frame: int) -> SegmentEntry:
        """The segment that holds a frame, counted from 0.

        Raises:
            IndexError: when there is no such frame.
        """
        if not 0 <= frame < self.total_frames:
            raise IndexError(f"frame {frame} of {self.total_frames}")
        return self.segments[bisect_right(self._first_frames, frame) - 1]

    @property
    def shared_entries(self) -> dict[int, LayerEntry]:
        """The shared layers, by number."""
        return dict(self._parser.shared)

    @property
    def attachment_entries(self) -> tuple[AttachmentEntry, ...]:
        """All attachments; of a pipe, those that have been read."""
        return tuple(self._parser.attachments)

    def load_segment(self, index: int) -> SegmentEntry:
        """Read what a segment holds; ``segments[index]`` calls this."""
        if self._still:
            return self._still
        offset = self._offsets[index]
        self._parser.source.seek(offset)
        record = read_record(self._parser.source)
        if record.number != Control.SEGMENT:
            raise BitstreamError(f"{record.name} where the index has segment {index}", offset)
        entry = self._parser.segment(record, index, self._first_frames[index])
        after = self._offsets[index + 1] if index + 1 < len(self._offsets) else None
        if entry.frames != self._first_frames[index + 1] - entry.first_frame or (
            after is not None and offset + entry.size > after
        ):
            raise BitstreamError(f"segment {index} is not what the index says", offset)
        return entry

    # Content

    def read_layers(
        self, entry: SegmentEntry, wanted: Collection[Layer] | None = None
    ) -> dict[Layer, bytes]:
        """Content of the known layers of a segment.

        Args:
            entry: one of ``segments``.
            wanted: layers to read; None for all. Layers that the segment lacks are left out.

        Raises:
            DecryptionError: when a key is needed, or the layer does not belong where it is.
            ChecksumError: when a layer was changed.
        """
        return {
            Layer(number): self.read_layer(entry, number)
            for number in entry.layers
            if _known(number, wanted)
        }

    def read_layer(self, entry: SegmentEntry, number: int) -> bytes:
        """Content of one layer of a segment, known or not, by its number."""
        what = f"layer {layer_name(number)} of segment {entry.index}"
        return self._parser.layer_content(
            entry.layers[number], entry.index + 1, entry.context, what
        )

    def shared(self, wanted: Collection[Layer] | None = None) -> dict[Layer, bytes]:
        """Content of the known shared layers, like ``read_layers``."""
        return {
            Layer(number): self._parser.shared_content(number, f"shared layer {layer_name(number)}")
            for number in self._parser.shared
            if _known(number, wanted)
        }

    def attachments(self, wanted: Collection[AttachmentKind] | None = None) -> list[Attachment]:
        """The attachments of known kind in the order of the file; see ``attachment_entries``.

        Args:
            wanted: kinds to read; None for all.

        Raises:
            DecryptionError: when a key is needed, or the attachment does not belong where it is.
        """
        return [
            Attachment(AttachmentKind(entry.kind), self.read_attachment(entry))
            for entry in self._parser.attachments
            if entry.kind in set(AttachmentKind) and (wanted is None or entry.kind in wanted)
        ]

    def check_payload(self, entry: LayerEntry | AttachmentEntry) -> None:
        """Read a stored payload through, without a key.

        Raises:
            ChecksumError: when it was changed and has a checksum.
        """
        self._parser.payload(entry.record)

    def read_attachment(self, entry: AttachmentEntry) -> bytes:
        """Data of one attachment."""
        return self._parser.attachment_content(entry)

    def iter_segments(
        self, wanted: Collection[Layer] | None = None
    ) -> Iterator[tuple[SegmentEntry, dict[Layer, bytes]]]:
        """All segments in order with the content of their layers; of a pipe, once.

        Args:
            wanted: layers to read, as in ``read_layers``.

        Raises:
            BitstreamError: after the last whole segment, when what follows is broken. A stream that
                merely ends early does not raise; it is ``truncated``.
        """
        for entry in self.segments if self.seekable else self._scan(wanted):
            yield entry, self.read_layers(entry, wanted)
            self._parser.forget(entry)
        if self.fault:
            raise self.fault

    # Finding the segments

    def _read_front(self) -> None:
        """Read up to the first segment; its first record becomes ``_next``."""
        try:
            while self._next is None:
                record = read_record(self._parser.source)
                if record.is_layer or record.number in (Control.SEGMENT, Control.END):
                    self._next = record
                else:
                    self._parser.aside(record, first=True)
        except TruncatedError:
            self.truncated = True

    def _read_index(self) -> bool:
        """Open a clip through its trailer; False if that does not work."""
        source, record = self._parser.source, self._next
        if self.header.info.still or record is None or self._parser.trailer_start() < record.offset:
            return False
        front = len(self._parser.attachments)
        try:
            end = self._find_end()
            first = end.offsets[0] if end.offsets else end.offset
            listed = [entry.offset for entry in self._parser.attachments]
            if first != record.offset or end.attachments[:front] != listed:
                raise BitstreamError("END: the index does not fit the stream", end.offset)
            for offset in end.attachments[front:]:
                self._parser.attachment_at(offset)
        except BitstreamError:
            del self._parser.attachments[front:]
            source.seek(record.payload_offset)
            return False
        self._offsets, self._first_frames = end.offsets, end.first_frames
        self.indexed = True
        return True

    def _find_end(self) -> End:
        source, start = self._parser.source, self._parser.trailer_start()
        source.seek(start)
        trailer = TRAILER.read(source)
        size = trailer["end_bytes"]
        if trailer["magic"] != TRAILER_MAGIC or not 0 < size <= min(start, MAX_CONTROL_BYTES + 64):
            raise BitstreamError("there is no trailer", start)
        source.seek(start - size)
        record = read_record(source)
        if record.number != Control.END or record.end != start:
            raise BitstreamError("the trailer does not lead to END", start)
        return self._parser.end(record)

    def _scan(self, wanted: Collection[Layer] | None) -> Iterator[SegmentEntry]:
        """Go through the stream record by record, from ``_next`` on."""
        try:
            scan = self._scan_still if self.header.info.still else self._scan_clip
            yield from scan(wanted)
        except TruncatedError:
            self.truncated = True
        except BitstreamError as error:
            self.fault = error

    def _scan_clip(self, wanted: Collection[Layer] | None) -> Iterator[SegmentEntry]:
        record = self._take_next()
        while record.number != Control.END:
            if record.is_layer:
                raise BitstreamError(f"{record.name} outside a segment", record.offset)
            if record.number == Control.SEGMENT:
                entry = self._parser.segment(record, len(self._offsets), self.total_frames, wanted)
                self._add(entry)
                yield entry
            else:
                self._parser.aside(record, first=False)
            record = read_record(self._parser.source)
        self._check_end(self._parser.end(record))
        trailer = TRAILER.read(self._parser.source)
        expected = self._parser.source.offset - TRAILER_BYTES - record.offset
        if trailer["magic"] != TRAILER_MAGIC or trailer["end_bytes"] != expected:
            raise BitstreamError("the trailer is wrong", self._parser.source.offset - TRAILER_BYTES)
        self._count_trailing()

    def _scan_still(self, wanted: Collection[Layer] | None) -> Iterator[SegmentEntry]:
        record = self._take_next()
        first = record.offset
        layers: dict[int, LayerEntry] = {}
        size = 0
        while record.number != Control.END:
            if record.number == Control.SEGMENT:
                raise BitstreamError("SEGMENT in a still", record.offset)
            if record.is_layer:
                self._parser.layer(record, layers, wanted)
                size += record.end - record.offset
            else:
                self._parser.aside(record, first=False)
            if not self._parser.flags.closed:
                break
            record = read_record(self._parser.source)
        if not layers:
            raise BitstreamError("a still without a picture", record.offset)
        entry = SegmentEntry(0, 1, 0, first, size, layers, None, b"")
        self._add(entry)
        if self._parser.flags.encrypted:
            self._check_end(self._parser.end(record))
        elif self._parser.flags.closed:
            self._parser.empty_end(record)
        self._still = entry
        self._count_trailing()
        yield entry

    def _take_next(self) -> Record:
        if self._next is None:
            raise TruncatedError("the stream ends before its first picture")
        return self._next

    def _add(self, entry: SegmentEntry) -> None:
        self._offsets.append(entry.offset)
        self._first_frames.append(entry.first_frame + entry.frames)

    def _check_end(self, end: End) -> None:
        listed = [entry.offset for entry in self._parser.attachments]
        if (end.offsets, end.first_frames, end.attachments) == (
            self._offsets,
            self._first_frames,
            listed,
        ):
            return
        if self._parser.cipher:
            raise DecryptionError("segments or attachments were taken out or put in")
        raise BitstreamError("END: the index does not fit the stream", end.offset)

    def _count_trailing(self) -> None:
        if self._parser.source.size is not None:
            self.trailing_bytes = self._parser.source.size - self._parser.source.offset


def _known(number: int, wanted: Collection[Layer] | None) -> bool:
    return number in set(Layer) and (wanted is None or number in wanted)


def open_stream(
    file: str | PathLike[str] | BinaryIO,
    *,
    key: bytes | None = None,
    max_level: int = DEFAULT_MAX_LEVEL,
) -> Stream:
    """Open an ``.ivc`` stream.

    Args:
        file: a path, or a binary file or pipe that stands at its first byte.
        key: content of the key file of an encrypted stream; without one, open layers can be read.
        max_level: largest level to accept; 6 permits stills of 268 megapixels.

    Raises:
        BitstreamError: when it is no stream, breaks the format, or asks for more than the level.
        UnsupportedError: when it needs a newer ivc.
        DecryptionError: when the key is wrong.
        MediaError: when the file cannot be opened.
    """
    if not isinstance(file, (str, PathLike)):
        return _checked(Stream(file, key=key, max_level=max_level))
    try:
        opened = Path(file).open("rb")
    except OSError as error:
        raise MediaError(f"cannot open {file}: {error.strerror}") from error
    try:
        stream = _checked(Stream(opened, key=key, max_level=max_level))
    except BaseException:
        opened.close()
        raise
    stream._file = opened
    return stream


def _checked(stream: Stream) -> Stream:
    """Refuse a stream that is broken before its first whole segment."""
    if stream.fault and not stream.total_frames:
        raise stream.fault
    return stream
