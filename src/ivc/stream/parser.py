"""Parsing records in the order of the file: the part that files, damaged files and pipes share."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from ivc.errors import BitstreamError, DecryptionError, IvcError, LimitError, TruncatedError
from ivc.stream import encryption, timing
from ivc.stream.byteio import FileInput, Recorder, SpanInput
from ivc.stream.entries import AttachmentEntry, LayerEntry, SegmentEntry
from ivc.stream.fields import MAX_VARINT_BYTES, Table, Values, encode_varint
from ivc.stream.header import read_header
from ivc.stream.levels import check_level
from ivc.stream.records import KNOWN_LAYERS, Record, read_payload, read_record
from ivc.stream.syntax import (
    ATTACHMENT,
    END,
    MAX_ATTACHMENTS,
    MAX_CONTROL_BYTES,
    MAX_SEGMENT_LAYERS,
    MAX_SKIPPED,
    SEGMENT,
    SHARED,
    Control,
)

SEGMENT_SLACK = 1 << 12
"""Bytes that heads, checksums and tags may add to the layers of a segment."""


@dataclass(frozen=True)
class End:
    """The content of an END record.

    Attributes:
        offset: where the record begins.
        offsets: where the segments begin.
        first_frames: number of the first frame of each segment, and of the frame after the last.
        attachments: where the attachments begin.
    """

    offset: int
    offsets: array[int] = field(default_factory=lambda: array("Q"))
    first_frames: array[int] = field(default_factory=lambda: array("Q", [0]))
    attachments: list[int] = field(default_factory=list)


class Parser:
    """Reads headers and records, and decrypts payloads.

    Attributes:
        source: where it reads.
        header: of the stream.
        header_bytes: magic and header.
        flags: of the header.
        level: of the stream.
        grid: where frames lie at the nominal rate.
        scope: what is encrypted; None if nothing is.
        cipher: opens what is encrypted; None without a key.
        front: offset of the first record after header and ENCRYPTION.
        shared: shared layers by number.
        attachments: those that have been met.
    """

    def __init__(self, source: FileInput, key: bytes | None, max_level: int) -> None:
        """Read header and ENCRYPTION.

        Args:
            source: stands at the first byte.
            key: content of the key file; None for none.
            max_level: largest level to accept.
        """
        self.source = source
        self._arguments = key, max_level
        recorder = Recorder(source)
        self.header, self.flags = read_header(recorder)
        self.level = check_level(self.header.level, self.header.info, max_level, source.offset)
        self.grid = timing.Grid.of(self.header.info)
        self.scope: encryption.Scope | None = None
        self.cipher: encryption.Cipher | None = None
        self.header_bytes = bytes(recorder.data)
        if self.flags.encrypted:
            self._read_encryption(key)
        elif key is not None:
            raise DecryptionError(
                "a key was given, but nothing in the stream is encrypted: it may have been "
                "replaced; leave out the key to read it all the same"
            )
        self.front = source.offset
        self.shared: dict[int, LayerEntry] = {}
        self.attachments: list[AttachmentEntry] = []
        self._shared_context = b""
        self._held: dict[int, bytes] = {}
        self._skipped = 0

    @property
    def is_pipe(self) -> bool:
        """True if payloads must be kept when they pass."""
        return self.source.size is None

    def _read_encryption(self, key: bytes | None) -> None:
        record = read_record(self.source)
        if record.number != Control.ENCRYPTION:
            raise BitstreamError("an ENCRYPTION record belongs here", record.offset)
        payload = read_payload(self.source, record, MAX_CONTROL_BYTES)
        self.scope, _ = encryption.parse(payload, record.payload_offset)
        if key is not None:
            self.cipher = encryption.unlock(key, self.header_bytes, payload, record.payload_offset)

    def restart(self) -> Parser:
        """A fresh parser of the same file, which must not be a pipe."""
        self.source.seek(0)
        return Parser(self.source, *self._arguments)

    # Records in order

    def aside(self, record: Record, *, first: bool) -> None:
        """Take in a record that is neither layer, SEGMENT nor END; unknown ones are skipped.

        Args:
            record: what was read; the source stands at its payload.
            first: whether only SHARED and ATTACHMENT records came before it.
        """
        if not self.flags.closed:
            raise BitstreamError(f"{record.name} in a still that is not closed", record.offset)
        if record.number == Control.SHARED:
            if not first or self._shared_context:
                raise BitstreamError("SHARED must come once, before the pictures", record.offset)
            values, self._shared_context = self._fields(record, SHARED)
            self.shared = self._layers(values["bytes"], None, record.offset)
        elif record.number == Control.ATTACHMENT:
            self._attachment(record)
        elif record.number == Control.ENCRYPTION:
            raise BitstreamError("a second ENCRYPTION record", record.offset)
        else:
            self._skipped += 1
            if self._skipped > MAX_SKIPPED:
                raise BitstreamError(f"more than {MAX_SKIPPED} unknown records", record.offset)
            self._pass(record, keep=False)

    def segment(
        self, record: Record, index: int, first_frame: int, wanted: Collection[int] | None = None
    ) -> SegmentEntry:
        """Parse a SEGMENT record and the heads of its layers.

        Args:
            record: what was read; the source stands at its payload.
            index: place in the stream.
            first_frame: number of its first frame.
            wanted: layers whose payloads are kept when they come from a pipe; None for all that
                are known.
        """
        values, context = self._fields(record, SEGMENT)
        times = timing.restore(self.grid, first_frame, values, record.offset)
        info = self.header.info
        samples = info.width * info.height * values["frames"]
        if samples > self.level.segment_samples:
            raise LimitError(
                f"segment {index}: {samples} samples exceed level {self.level.number}",
                record.offset,
            )
        layers = self._layers(values["bytes"], wanted, record.offset)
        size = self.source.offset - record.offset
        return SegmentEntry(
            index, values["frames"], first_frame, record.offset, size, layers, times, context
        )

    def layer(
        self, record: Record, layers: dict[int, LayerEntry], wanted: Collection[int] | None
    ) -> None:
        """Add a layer's record to the layers of a segment and go past it."""
        self._check_encrypted(record, record.size)
        if record.number in layers:
            raise BitstreamError(f"{record.name} comes twice in a segment", record.offset)
        if len(layers) >= MAX_SEGMENT_LAYERS:
            raise BitstreamError(f"more than {MAX_SEGMENT_LAYERS} layers", record.offset)
        if record.size > self.level.segment_bytes + encryption.TAG_BYTES:
            raise LimitError(
                f"{record.name}: {record.size} bytes exceed level {self.level.number}",
                record.offset,
            )
        self._pass(record, keep=record.number in (KNOWN_LAYERS if wanted is None else wanted))
        layers[record.number] = LayerEntry.of(record)

    def _layers(
        self, total: int, wanted: Collection[int] | None, offset: int
    ) -> dict[int, LayerEntry]:
        if total > self.level.segment_bytes + SEGMENT_SLACK:
            raise LimitError(f"layers of {total} bytes exceed level {self.level.number}", offset)
        end = self.source.offset + total
        if self.source.size is not None and end > self.source.size:
            raise TruncatedError("the file ends in the layers of a segment", self.source.offset)
        layers: dict[int, LayerEntry] = {}
        while self.source.offset < end:
            record = read_record(self.source)
            if not record.is_layer:
                raise BitstreamError(f"{record.name} among layers", record.offset)
            if record.end > end:
                raise BitstreamError(f"{record.name} exceeds its segment", record.offset)
            self.layer(record, layers, wanted)
        return layers

    def _attachment(self, record: Record) -> None:
        if len(self.attachments) >= MAX_ATTACHMENTS:
            raise BitstreamError(f"more than {MAX_ATTACHMENTS} attachments", record.offset)
        if self.is_pipe:
            self._pass(record, keep=True)
            start = self._held[record.offset][:MAX_VARINT_BYTES]
        else:
            start = self.source.read(min(record.size, MAX_VARINT_BYTES))
        kind = ATTACHMENT.read(SpanInput(start, record.payload_offset))["kind"]
        size = record.size - len(encode_varint(kind))
        self._check_encrypted(record, size)
        if not self.is_pipe:
            self.source.skip(record.end - self.source.offset)
        self.attachments.append(
            AttachmentEntry(
                len(self.attachments),
                kind,
                record.offset,
                size,
                record.encrypted,
                record.checksummed,
                record,
            )
        )

    def attachment_at(self, offset: int) -> None:
        """Add the attachment at an offset that the index gave."""
        self.source.seek(offset)
        record = read_record(self.source)
        if record.number != Control.ATTACHMENT:
            raise BitstreamError("END: no attachment where the index says so", offset)
        self._attachment(record)

    def end(self, record: Record) -> End:
        """Parse the END record of a clip or an encrypted still; authenticate it if there is a key.

        Raises:
            DecryptionError: when it was changed, or the stream was.
        """
        base = record.payload_offset
        payload = read_payload(self.source, record, MAX_CONTROL_BYTES, self.header_bytes)
        values = END.parse(payload, base, {"encrypted": int(self.flags.encrypted)})
        if self.cipher:
            fields, tag = payload[: -encryption.TAG_BYTES], payload[-encryption.TAG_BYTES :]
            place = values["segments"] + 1
            self.cipher.open(place, Control.END, fields, tag, "the index of the stream")
        end = End(record.offset)
        offset, index = values["first_segment"], values["index"]
        for size, frames in zip(index[::2], index[1::2], strict=True):
            if offset >= record.offset or end.first_frames[-1] + frames >= 1 << 63:
                raise self.misfit(record.offset)
            end.offsets.append(offset)
            end.first_frames.append(end.first_frames[-1] + frames)
            offset += size
        if offset != record.offset:
            raise self.misfit(record.offset)
        place = 0
        for distance in values["attachment_offsets"]:
            place += distance
            end.attachments.append(place)
        return end

    def misfit(self, offset: int) -> IvcError:
        """The error for an index that does not fit: damage or, if it is authentic, tampering."""
        if self.cipher:
            return DecryptionError("segments or attachments were taken out or put in")
        return BitstreamError("END: the index does not fit the stream", offset)

    def empty_end(self, record: Record) -> None:
        """Read the END record of a still that is not encrypted."""
        if read_payload(self.source, record, MAX_CONTROL_BYTES, self.header_bytes):
            raise BitstreamError("END: in a still without encryption it is empty", record.offset)

    # Payloads

    def _fields(self, record: Record, table: Table) -> tuple[Values, bytes]:
        payload = read_payload(self.source, record)
        return table.parse(payload, record.payload_offset), payload

    def _check_encrypted(self, record: Record, size: int) -> None:
        if record.encrypted and not self.scope:
            raise BitstreamError(
                f"{record.name} is encrypted, but the stream is not", record.offset
            )
        if record.encrypted and size < encryption.TAG_BYTES:
            raise BitstreamError(f"{record.name}: no room for its tag", record.offset)

    def _pass(self, record: Record, *, keep: bool) -> None:
        if keep and self.is_pipe:
            self._held[record.offset] = read_payload(self.source, record)
        else:
            self.source.skip(record.end - record.payload_offset)

    def payload(self, record: Record) -> bytes:
        """The stored payload of a record that was met before."""
        if self.is_pipe:
            if record.offset not in self._held:
                raise BitstreamError(f"{record.name} has gone past in the pipe", record.offset)
            return self._held[record.offset]
        self.source.seek(record.payload_offset)
        return read_payload(self.source, record)

    def forget(self, entry: SegmentEntry) -> None:
        """Drop what was kept of a segment from a pipe."""
        for layer in entry.layers.values():
            self._held.pop(layer.offset, None)

    def layer_content(self, entry: LayerEntry, place: int, context: bytes, what: str) -> bytes:
        """Plain content of a layer.

        Args:
            entry: the layer.
            place: 0 for shared layers, else 1 + index of the segment.
            context: payload of its SEGMENT or SHARED record.
            what: its name in messages.
        """
        return self._plain(
            entry.record,
            self.payload(entry.record),
            (place, entry.number, context),
            what,
            lambda scope: scope.has_layer(entry.number),
        )

    def shared_content(self, number: int, what: str) -> bytes:
        """Plain content of a shared layer."""
        return self.layer_content(self.shared[number], 0, self._shared_context, what)

    def attachment_content(self, entry: AttachmentEntry) -> bytes:
        """Plain data of an attachment."""
        kind = encode_varint(entry.kind)
        return self._plain(
            entry.record,
            self.payload(entry.record)[len(kind) :],
            (entry.index, Control.ATTACHMENT, kind),
            f"attachment {entry.label}",
            lambda scope: scope.has_attachment(entry.kind),
        )

    def _plain(
        self,
        record: Record,
        data: bytes,
        position: tuple[int, int, bytes],
        what: str,
        sealed: Callable[[encryption.Scope], bool],
    ) -> bytes:
        if record.encrypted:
            if self.cipher is None:
                raise DecryptionError(f"{what} is encrypted; give its key file (--key-file)")
            return self.cipher.open(*position, data, what)
        if self.cipher and sealed(self.cipher.scope):
            raise DecryptionError(f"{what} should be encrypted but is not: it was replaced")
        return data
