"""Reading a stream: what it lists and what its layers hold, without decoding a picture.

Nothing is allocated before the level is checked, and never more than the file holds.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from ivc.errors import IvcError, MediaError, UsageError
from ivc.stream.byteio import FileInput
from ivc.stream.encryption import Cipher, Scope
from ivc.stream.entries import AttachmentEntry, LayerEntry, SegmentEntry, SegmentList
from ivc.stream.header import StreamHeader
from ivc.stream.index import SegmentIndex
from ivc.stream.levels import DEFAULT_MAX_LEVEL
from ivc.stream.parser import Parser
from ivc.stream.records import KNOWN_LAYERS, layer_name
from ivc.types import Attachment, AttachmentKind, Layer


class Stream:
    """An open stream; a context manager. It is for one thread: others open the file themselves.

    Attributes:
        seekable: True if ``segments`` can be used; a pipe only has ``iter_segments``.
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
        self._index = SegmentIndex(self._parser, use_index=use_index)
        self.seekable = source.size is not None

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
    def truncated(self) -> bool:
        """True if the stream ends early; of a pipe, known when it has been read."""
        return self._index.truncated

    @property
    def fault(self) -> IvcError | None:
        """What is broken behind the segments that can be read, or None."""
        return self._index.fault

    @property
    def trailing_bytes(self) -> int:
        """Number of bytes behind the end of the stream; 0 for pipes."""
        return self._index.trailing_bytes

    @property
    def indexed(self) -> bool:
        """True if the stream was opened through its index, without a scan."""
        return self._index.indexed

    @property
    def header_bytes(self) -> bytes:
        """Magic and header as they stand in the stream."""
        return self._parser.header_bytes

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
        return SegmentList(self, len(self._index.offsets))

    @property
    def total_frames(self) -> int:
        """Number of frames of all whole segments; of a pipe, of those that have been read."""
        return self._index.total_frames

    def segment_at(self, frame: int) -> SegmentEntry:
        """The segment that holds a frame, counted from 0.

        Raises:
            IndexError: when there is no such frame.
        """
        if not 0 <= frame < self.total_frames:
            raise IndexError(f"frame {frame} of {self.total_frames}")
        return self.segments[bisect_right(self._index.first_frames, frame) - 1]

    @property
    def shared_entries(self) -> dict[int, LayerEntry]:
        """The shared layers, by number."""
        return dict(self._parser.shared)

    @property
    def attachment_entries(self) -> tuple[AttachmentEntry, ...]:
        """All attachments; of a pipe, those that have been read."""
        return tuple(self._parser.attachments)

    def structure_problems(self) -> Iterator[str]:
        """What is wrong with headers, order, sizes and index, found by a scan of the whole file.

        Raises:
            UsageError: for a pipe.
        """
        listed = len(self.segments)
        try:
            parser = self._parser.restart()
            scanned = SegmentIndex(parser, use_index=False)
        except IvcError as error:
            yield str(error)
            return
        if scanned.truncated:
            yield f"the file is cut short after {len(scanned.offsets)} whole segments"
        if scanned.fault:
            yield str(scanned.fault)
        if scanned.trailing_bytes:
            yield f"{scanned.trailing_bytes} bytes follow the end of the stream"
        if len(scanned.offsets) != listed:
            yield f"the index lists {listed} segments, but there are {len(scanned.offsets)}"

    def load_segment(self, index: int) -> SegmentEntry:
        """Read what a segment holds; ``segments[index]`` calls this."""
        return self._index.load(index)

    # Content

    def read_layers(
        self, entry: SegmentEntry, wanted: Collection[int] | None = None
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

    def shared(self, wanted: Collection[int] | None = None) -> dict[Layer, bytes]:
        """Content of the known shared layers, like ``read_layers``."""
        return {
            Layer(number): self.read_shared(number)
            for number in self._parser.shared
            if _known(number, wanted)
        }

    def read_shared(self, number: int) -> bytes:
        """Content of one shared layer, known or not, by its number."""
        return self._parser.shared_content(number, f"shared layer {layer_name(number)}")

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
        self, wanted: Collection[int] | None = None
    ) -> Iterator[tuple[SegmentEntry, dict[Layer, bytes]]]:
        """All segments in order with the content of their layers; of a pipe, once.

        Args:
            wanted: layers to read, as in ``read_layers``; of a pipe, ``read_layer`` then gives
                those that are named here even if they are unknown.

        Raises:
            BitstreamError: after the last whole segment, when what follows is broken. A stream that
                merely ends early does not raise; it is ``truncated``.
        """
        for entry in self.segments if self.seekable else self._index.scan(wanted):
            yield entry, self.read_layers(entry, wanted)
            self._parser.forget(entry)
        if self.fault:
            raise self.fault


def _known(number: int, wanted: Collection[int] | None) -> bool:
    return number in KNOWN_LAYERS and (wanted is None or number in wanted)


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
        DecryptionError: when the key is wrong, or there is one and nothing is encrypted.
        MediaError: when the file cannot be opened.
    """
    if not isinstance(file, (str, PathLike)):
        return _checked(Stream(file, key=key, max_level=max_level))
    try:
        opened = Path(file).open("rb")  # noqa: SIM115
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
