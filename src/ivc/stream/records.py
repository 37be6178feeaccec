"""Records: a tag, a size, a payload and, for some, a CRC-32C."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

import google_crc32c

from ivc.errors import BitstreamError, ChecksumError, MediaError
from ivc.stream.byteio import FileInput, Recorder
from ivc.stream.fields import decode_varint, encode_varint
from ivc.stream.syntax import (
    FIRST_CONTROL,
    LAST_CONTROL,
    MAX_CONTROL_BYTES,
    MAX_LAYER_NUMBER,
    MAX_PAYLOAD_BYTES,
    Control,
)
from ivc.types import Layer

CRC_BYTES = 4
OPEN_CONTROLS = frozenset(Control) - {Control.ATTACHMENT}
KNOWN_LAYERS = frozenset(int(layer) for layer in Layer)


@dataclass(frozen=True)
class Record:
    """Where a record lies and what its tag says; the payload is not read yet.

    Attributes:
        number: of the layer, or one of ``Control``.
        encrypted: the payload is ciphertext and a tag of 16 bytes.
        checksummed: a CRC-32C follows the payload.
        offset: offset of the tag in the stream.
        head: the bytes of tag and size.
        size: bytes of the payload.
    """

    number: int
    encrypted: bool
    checksummed: bool
    offset: int
    head: bytes
    size: int

    @property
    def payload_offset(self) -> int:
        """Offset of the payload in the stream."""
        return self.offset + len(self.head)

    @property
    def end(self) -> int:
        """Offset of the byte after the record."""
        return self.payload_offset + self.size + CRC_BYTES * self.checksummed

    @property
    def is_layer(self) -> bool:
        """True if it is a layer, known or not."""
        return not FIRST_CONTROL <= self.number <= LAST_CONTROL

    @property
    def name(self) -> str:
        """What to call it in a message."""
        if self.is_layer:
            return f"layer {layer_name(self.number)}"
        if self.number in set(Control):
            return f"{Control(self.number).name} record"
        return f"record {self.number}"


def layer_name(number: int) -> str:
    """Name of a layer; its number if this version has no name for it."""
    return Layer(number).label if number in KNOWN_LAYERS else str(number)


def crc32c(*parts: bytes) -> int:
    """CRC-32C (Castagnoli) of the concatenation."""
    value = 0
    for part in parts:
        value = google_crc32c.extend(value, part)
    return int(value)


def frame_record(
    number: int,
    payload: bytes,
    *,
    encrypted: bool = False,
    checksummed: bool = False,
    header: bytes = b"",
) -> list[bytes]:
    """The bytes of a record, in parts so that a large payload is not copied.

    Args:
        number: of the layer, or one of ``Control``.
        payload: as stored.
        encrypted: whether it is ciphertext.
        checksummed: whether a CRC-32C follows it.
        header: magic and header for END, whose checksum covers them too.
    """
    head = encode_varint(number << 2 | encrypted << 1 | checksummed) + encode_varint(len(payload))
    if not checksummed:
        return [head, payload]
    return [head, payload, crc32c(header, head, payload).to_bytes(CRC_BYTES, "little")]


def record_size(payload_bytes: int, number: int, *, checksummed: bool) -> int:
    """Bytes that a record takes in the stream."""
    head = encode_varint(number << 2) + encode_varint(payload_bytes)
    return len(head) + payload_bytes + CRC_BYTES * checksummed


def read_record(source: FileInput) -> Record:
    """Read tag and size of the next record.

    Raises:
        BitstreamError: when the number is none or the size is beyond all limits.
        TruncatedError: when the stream ends first.
    """
    recorder = Recorder(source)
    offset = source.offset
    tag = decode_varint(recorder)
    number = tag >> 2
    if not 1 <= number <= MAX_LAYER_NUMBER:
        raise BitstreamError(f"no record has the number {number}", offset)
    record = Record(number, bool(tag & 2), bool(tag & 1), offset, b"", decode_varint(recorder))
    record = Record(
        number, record.encrypted, record.checksummed, offset, bytes(recorder.data), record.size
    )
    if record.encrypted and number in OPEN_CONTROLS:
        raise BitstreamError(f"{record.name} cannot be encrypted", offset)
    small = not record.is_layer and number != Control.ATTACHMENT
    limit = MAX_CONTROL_BYTES if small else MAX_PAYLOAD_BYTES
    if record.size > limit:
        raise BitstreamError(f"{record.name}: {record.size} bytes exceed {limit}", offset)
    return record


def read_payload(
    source: FileInput, record: Record, limit: int | None = None, header: bytes = b""
) -> bytes:
    """Read and check the payload of a record; ``source`` stands at it.

    Args:
        source: where to read.
        record: what ``read_record`` gave.
        limit: largest size that makes sense here.
        header: magic and header for END, whose checksum covers them too.

    Raises:
        ChecksumError: when payload or head were changed.
        BitstreamError: when it is larger than ``limit``.
        TruncatedError: when the stream ends first.
    """
    if limit is not None and record.size > limit:
        raise BitstreamError(f"{record.name}: {record.size} bytes exceed {limit}", record.offset)
    payload = source.read(record.size)
    if record.checksummed:
        stored = int.from_bytes(source.read(CRC_BYTES), "little")
        if stored != crc32c(header, record.head, payload):
            what = "its bytes or those of the header" if header else "its bytes"
            raise ChecksumError(f"{record.name}: {what} were changed", record.offset)
    return payload


def write_all(file: BinaryIO, parts: list[bytes]) -> int:
    """Write all parts, also to an unbuffered pipe; returns their size.

    Raises:
        MediaError: when the system cannot write.
    """
    size = 0
    try:
        for part in parts:
            view = memoryview(part)
            while view:
                view = view[file.write(view) or 0 :]
            size += len(part)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise MediaError(f"cannot write the stream: {error}") from error
    return size
