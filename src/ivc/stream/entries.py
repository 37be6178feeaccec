"""What a stream lists: segments, layers and attachments, with their places in the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

from ivc.stream.records import Record, layer_name
from ivc.stream.timing import Timing
from ivc.types import AttachmentKind

if TYPE_CHECKING:
    from ivc.stream.reader import Stream


@dataclass(frozen=True)
class LayerEntry:
    """One layer of a segment, or one shared layer.

    Attributes:
        number: number of the layer, known to this version or not.
        offset: offset of its record in the stream.
        size: bytes of its payload as stored; 16 more than its content if it is encrypted.
        encrypted: True if a key is needed.
        checksummed: True if it has a CRC-32C.
        record: where the payload lies.
    """

    number: int
    offset: int
    size: int
    encrypted: bool
    checksummed: bool
    record: Record

    @staticmethod
    def of(record: Record) -> LayerEntry:
        """The entry of a layer's record."""
        return LayerEntry(
            record.number, record.offset, record.size, record.encrypted, record.checksummed, record
        )

    @property
    def label(self) -> str:
        """Name of the layer; its number if this version has no name for it."""
        return layer_name(self.number)


@dataclass(frozen=True)
class SegmentEntry:
    """One segment.

    Attributes:
        index: place in the stream, from 0.
        frames: number of frames.
        first_frame: number of its first frame in the stream.
        offset: offset of its first record in the stream.
        size: bytes of all its records.
        layers: by number.
        timing: times of the frames; None for a still.
        context: payload of its SEGMENT record; empty for a still.
    """

    index: int
    frames: int
    first_frame: int
    offset: int
    size: int
    layers: Mapping[int, LayerEntry]
    timing: Timing | None
    context: bytes

    @property
    def pts(self) -> tuple[int, ...]:
        """Time of each frame in ticks; empty for a still."""
        return self.timing.pts if self.timing else ()

    @property
    def duration(self) -> int:
        """Ticks that the last frame is shown; 0 if not known."""
        return self.timing.duration if self.timing else 0


@dataclass(frozen=True)
class AttachmentEntry:
    """One attachment.

    Attributes:
        index: place among the attachments, from 0.
        kind: number of its kind, known to this version or not.
        offset: offset of its record in the stream.
        size: bytes of its data as stored.
        encrypted: True if a key is needed.
        checksummed: True if it has a CRC-32C.
        record: where the payload lies.
    """

    index: int
    kind: int
    offset: int
    size: int
    encrypted: bool
    checksummed: bool
    record: Record

    @property
    def label(self) -> str:
        """Name of its kind; the number if this version has no name for it."""
        return (
            AttachmentKind(self.kind).label if self.kind in set(AttachmentKind) else str(self.kind)
        )


class SegmentList(Sequence[SegmentEntry]):
    """The segments of a stream; each is read from the file when it is asked for."""

    def __init__(self, stream: Stream, count: int) -> None:
        self._stream = stream
        self._count = count

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> SegmentEntry: ...

    @overload
    def __getitem__(self, index: slice) -> list[SegmentEntry]: ...

    def __getitem__(self, index: int | slice) -> SegmentEntry | list[SegmentEntry]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(self._count))]
        if not -self._count <= index < self._count:
            raise IndexError(f"segment {index} of {self._count}")
        return self._stream.load_segment(index % self._count)

    def __iter__(self) -> Iterator[SegmentEntry]:
        return (self[index] for index in range(self._count))
