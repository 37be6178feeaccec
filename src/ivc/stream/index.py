"""Finding the segments of a stream: through the index at its end, or by going through all of it.

If trailer or END are missing or damaged, a file is scanned, and everything up to its last whole
segment can be read. A pipe is scanned while it is read.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterator

from ivc.errors import BitstreamError, IvcError, TruncatedError, UnsupportedError
from ivc.stream.entries import LayerEntry, SegmentEntry
from ivc.stream.parser import End, Parser
from ivc.stream.records import Record, read_record
from ivc.stream.syntax import (
    MAX_CONTROL_BYTES,
    MAX_SEGMENTS,
    TRAILER,
    TRAILER_BYTES,
    TRAILER_MAGIC,
    Control,
)


class SegmentIndex:
    """Where the segments of a stream lie.

    Attributes:
        truncated: True if the stream ends early; of a pipe, known when it has been read.
        fault: what is broken behind the segments that can be read, or None.
        trailing_bytes: number of bytes behind the end of the stream; 0 for pipes.
        indexed: True if the segments were found without a scan.
        offsets: where they begin.
        first_frames: number of the first frame of each, and of the frame after the last.
    """

    def __init__(self, parser: Parser, *, use_index: bool) -> None:
        """Read the front of a stream and, unless it is a pipe, find all segments.

        Args:
            parser: has read header and ENCRYPTION.
            use_index: False to scan the file even if it has an index.
        """
        self._parser = parser
        self.offsets = array("Q")
        self.first_frames = array("Q", [0])
        self._still: SegmentEntry | None = None
        self._next: Record | None = None
        self.truncated = False
        self.fault: IvcError | None = None
        self.trailing_bytes = 0
        self.indexed = False
        self._read_front()
        if not parser.is_pipe and not (use_index and self._read_index()):
            for _ in self.scan(None):
                pass

    @property
    def total_frames(self) -> int:
        """Number of frames of the segments that have been found."""
        return self.first_frames[-1]

    def load(self, index: int) -> SegmentEntry:
        """Read what a segment holds, and check it against the index."""
        if self._still:
            return self._still
        offset = self.offsets[index]
        self._parser.source.seek(offset)
        record = read_record(self._parser.source)
        if record.number != Control.SEGMENT:
            raise BitstreamError(f"{record.name} where the index has segment {index}", offset)
        entry = self._parser.segment(record, index, self.first_frames[index])
        after = self.offsets[index + 1] if index + 1 < len(self.offsets) else None
        if entry.frames != self.first_frames[index + 1] - entry.first_frame or (
            after is not None and offset + entry.size > after
        ):
            raise BitstreamError(f"segment {index} is not what the index says", offset)
        return entry

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
        if (
            self._parser.header.info.still
            or record is None
            or (source.size or 0) < record.offset + TRAILER_BYTES
        ):
            return False
        front = len(self._parser.attachments)
        try:
            end = self._find_end()
            first = end.offsets[0] if end.offsets else end.offset
            listed = [entry.offset for entry in self._parser.attachments]
            if first != record.offset or end.attachments[:front] != listed:
                raise self._parser.misfit(end.offset)
            place = first
            for offset in end.attachments[front:]:
                # one behind the other, so that no byte is listed, and held in memory, twice
                if not place <= offset < end.offset:
                    raise self._parser.misfit(end.offset)
                self._parser.attachment_at(offset)
                place = source.offset
        except BitstreamError:
            del self._parser.attachments[front:]
            source.seek(record.payload_offset)
            return False
        self.offsets, self.first_frames = end.offsets, end.first_frames
        self.indexed = True
        return True

    def _find_end(self) -> End:
        source = self._parser.source
        start = (source.size or 0) - TRAILER_BYTES
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

    def scan(self, wanted: Collection[int] | None) -> Iterator[SegmentEntry]:
        """Go through the stream record by record, from ``_next`` on."""
        try:
            scan = self._scan_still if self._parser.header.info.still else self._scan_clip
            yield from scan(wanted)
        except TruncatedError:
            self.truncated = True
        except (BitstreamError, UnsupportedError) as error:
            self.fault = error

    def _scan_clip(self, wanted: Collection[int] | None) -> Iterator[SegmentEntry]:
        record = self._take_next()
        while record.number != Control.END:
            if record.is_layer:
                raise BitstreamError(f"{record.name} outside a segment", record.offset)
            if record.number == Control.SEGMENT:
                if len(self.offsets) >= MAX_SEGMENTS:
                    raise BitstreamError(f"more than {MAX_SEGMENTS} segments", record.offset)
                entry = self._parser.segment(record, len(self.offsets), self.total_frames, wanted)
                self._add(entry)
                yield entry
            else:
                self._parser.aside(record, first=False)
            record = read_record(self._parser.source)
        self._check_end(self._parser.end(record), self.offsets, self.first_frames)
        trailer = TRAILER.read(self._parser.source)
        expected = self._parser.source.offset - TRAILER_BYTES - record.offset
        if trailer["magic"] != TRAILER_MAGIC or trailer["end_bytes"] != expected:
            raise BitstreamError("the trailer is wrong", self._parser.source.offset - TRAILER_BYTES)
        self._count_trailing()

    def _scan_still(self, wanted: Collection[int] | None) -> Iterator[SegmentEntry]:
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
        if self._parser.flags.encrypted:
            self._check_end(self._parser.end(record), array("Q", [first]), array("Q", [0, 1]))
        elif self._parser.flags.closed:
            self._parser.empty_end(record)
        self._add(entry)
        self._still = entry
        self._count_trailing()
        yield entry

    def _take_next(self) -> Record:
        if self._next is None:
            raise TruncatedError("the stream ends before its first picture")
        return self._next

    def _add(self, entry: SegmentEntry) -> None:
        self.offsets.append(entry.offset)
        self.first_frames.append(entry.first_frame + entry.frames)

    def _check_end(self, end: End, offsets: array[int], first_frames: array[int]) -> None:
        listed = [entry.offset for entry in self._parser.attachments]
        if (end.offsets, end.first_frames, end.attachments) == (offsets, first_frames, listed):
            return
        raise self._parser.misfit(end.offset)

    def _count_trailing(self) -> None:
        if self._parser.source.size is not None:
            self.trailing_bytes = self._parser.source.size - self._parser.source.offset
