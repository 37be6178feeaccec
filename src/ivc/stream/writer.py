"""Writing a stream: records go out as they come, so that the output may be a pipe.

A still is written in one go by ``finish``, because its header says how it ends; a clip is written
segment by segment and can be taken up again after an interruption (``StreamWriter.resume``).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from itertools import pairwise
from os import PathLike
from typing import TYPE_CHECKING, BinaryIO

from ivc.errors import UsageError
from ivc.stream import timing
from ivc.stream.encryption import TAG_BYTES, Cipher, Encryption, begin
from ivc.stream.fields import encode_varint
from ivc.stream.header import Flags, StreamHeader, write_header
from ivc.stream.levels import LEVELS, smallest_level
from ivc.stream.records import frame_record, record_size, write_all
from ivc.stream.syntax import (
    END,
    FIRST_CONTROL,
    LAST_CONTROL,
    MAX_ATTACHMENTS,
    MAX_LAYER_NUMBER,
    MAX_PAYLOAD_BYTES,
    MAX_SEGMENT_FRAMES,
    MAX_SEGMENT_LAYERS,
    MAX_SEGMENTS,
    SEGMENT,
    SHARED,
    TRAILER,
    TRAILER_MAGIC,
    Control,
)
from ivc.types import Attachment, Layer

if TYPE_CHECKING:
    from ivc.stream.entries import SegmentEntry
    from ivc.stream.reader import Stream

CHECKSUM_BYTES = 4096
"""Smallest layer of a still that gets a checksum by default."""

SMALL_PICTURE = 256 * 256
"""Stills of at most so many samples get no checksum by default, to cost 16 bytes at most."""


class StreamWriter:
    """Writes one stream: shared layers, attachments, segments, then ``finish``.

    Attributes:
        file: where the stream goes; the caller closes it.
        header: as written, with the level that was chosen.
        bytes_written: size of the stream so far.
        segments_written: number of segments so far.
        frames_written: number of frames so far.
        attachments_written: number of attachments so far.
        shared_written: True if shared layers have been written.
    """

    def __init__(
        self,
        file: BinaryIO,
        header: StreamHeader,
        *,
        encryption: Encryption | None = None,
        checksums: bool | None = None,
    ) -> None:
        """Begin a stream.

        Args:
            file: writable, not necessarily seekable.
            header: level 0 takes the smallest that fits.
            encryption: key and what to encrypt; None leaves all open.
            checksums: True for a CRC-32C on every record, False for none, None for all records of
                clips, and for layers from 4096 bytes of stills larger than 256 x 256.

        Raises:
            UsageError: when the header cannot be written.
            UnsupportedError: when no level fits.
        """
        smallest = smallest_level(header.info)
        if header.info.still or not header.level:
            header = dataclasses.replace(header, level=smallest)
        if not smallest <= header.level <= len(LEVELS):
            raise UsageError(f"level {header.level} does not fit; the smallest is {smallest}")
        sealed_header = write_header(header, Flags(encrypted=bool(encryption), closed=True))
        cipher = begin(encryption, sealed_header) if encryption else None
        self._set_up(file, header, cipher, checksums)
        if not header.info.still:
            self._begin(closed=True)

    def _set_up(
        self, file: BinaryIO, header: StreamHeader, cipher: Cipher | None, checksums: bool | None
    ) -> None:
        self.file = file
        self.header = header
        self.bytes_written = 0
        self.frames_written = 0
        self.attachments_written = 0
        self.shared_written = False
        self._cipher = cipher
        self._checksums = checksums
        self._grid = timing.Grid.of(header.info)
        self._level = LEVELS[header.level - 1]
        self._offsets: list[int] = []
        self._frames: list[int] = []
        self._attachment_offsets: list[int] = []
        self._held_shared: Mapping[Layer, bytes] = {}
        self._held_attachments: list[Attachment] = []
        self._held_segment: Mapping[Layer, bytes] | None = None
        self._finished = False
        self._header_bytes = b""

    @property
    def segments_written(self) -> int:
        """Number of segments so far."""
        return len(self._offsets) + (self._held_segment is not None)

    @classmethod
    def resume(
        cls,
        path: str | PathLike[str],
        *,
        encryption: Encryption | None = None,
        checksums: bool | None = None,
    ) -> StreamWriter:
        """Go on with a clip whose writing was interrupted.

        The file is cut back to its last whole segment; a file without one is cut back to its
        header, and ``shared_written`` and ``attachments_written`` then tell that shared layers and
        attachments have to be written again. The caller closes ``file`` of the writer.

        Args:
            path: the file, which need not have an END record.
            encryption: the same key and scope as before; the salt is the file's.
            checksums: as before.

        Raises:
            BitstreamError: when the file has no whole header or breaks the format.
            DecryptionError: when the key is not the one that it was begun with, or none was.
            UsageError: when it is a still, or encryption was not used alike.
        """
        from ivc.stream.resume import resume

        return resume(cls, path, encryption, checksums)

    @classmethod
    def continued(
        cls,
        file: BinaryIO,
        stream: Stream,
        checksums: bool | None,
        *,
        cut: int,
        segments: Sequence[SegmentEntry],
    ) -> StreamWriter:
        """A writer that goes on behind the given segments of a clip.

        Args:
            file: cut to ``cut`` bytes, and standing there.
            stream: the clip, as it was before.
            checksums: as for a new stream.
            cut: bytes that stay.
            segments: that stay.
        """
        writer = cls.__new__(cls)
        writer._set_up(file, stream.header, stream.cipher, checksums)
        writer._header_bytes = stream.header_bytes
        writer.bytes_written = cut
        writer._offsets = [entry.offset for entry in segments]
        writer._frames = [entry.frames for entry in segments]
        writer.frames_written = sum(writer._frames)
        writer.shared_written = bool(segments and stream.shared_entries)
        writer._attachment_offsets = [
            entry.offset for entry in stream.attachment_entries if entry.offset < cut
        ]
        writer.attachments_written = len(writer._attachment_offsets)
        return writer

    def write_shared(self, layers: Mapping[Layer, bytes]) -> None:
        """Write the layers that all segments share; once, before the first segment."""
        self._check_open()
        if self.segments_written or self.shared_written or self.attachments_written:
            raise UsageError("shared layers are written once, before anything else")
        _check_layers(layers, self._level.segment_bytes)
        self.shared_written = bool(layers)
        if self.header.info.still:
            self._held_shared = dict(layers)
        elif layers:
            self._emit_shared(layers)

    def write_attachment(self, attachment: Attachment) -> None:
        """Write something that is stored beside the pictures."""
        self._check_open()
        if self.attachments_written >= MAX_ATTACHMENTS:
            raise UsageError(f"a stream holds at most {MAX_ATTACHMENTS} attachments")
        if len(attachment.data) > MAX_PAYLOAD_BYTES - 64:
            raise UsageError(f"{attachment.kind.label} is too large: {len(attachment.data)} bytes")
        self.attachments_written += 1
        if self.header.info.still:
            self._held_attachments.append(attachment)
        else:
            self._emit_attachment(attachment)

    def write_segment(
        self,
        frames: int,
        layers: Mapping[Layer, bytes],
        pts: Sequence[int] = (),
        duration: int = 0,
    ) -> None:
        """Write one segment; a still has one, of one frame.

        Args:
            frames: number of frames.
            layers: what the codec gave.
            pts: time of each frame in ticks, strictly ascending; empty for frames that follow each
                other at the nominal rate.
            duration: ticks that the last frame is shown; 0 if not known.

        Raises:
            UsageError: when segment, times and header do not fit together.
        """
        self._check_open()
        info = self.header.info
        samples = info.width * info.height * frames
        if not 1 <= frames <= MAX_SEGMENT_FRAMES or samples > self._level.segment_samples:
            raise UsageError(
                f"a segment of {frames} frames of {info.width}x{info.height} does not fit level "
                f"{self.header.level}"
            )
        if self.segments_written >= MAX_SEGMENTS:
            raise UsageError(f"a stream holds at most {MAX_SEGMENTS} segments; use longer ones")
        _check_layers(layers, self._level.segment_bytes)
        if not info.still:
            self._emit_segment(frames, layers, pts, duration)
        elif frames != 1 or self._held_segment is not None:
            raise UsageError("a still has one frame")
        elif not layers:
            raise UsageError("a still needs a layer")
        else:
            self._held_segment = dict(layers)
        self.frames_written += frames

    def finish(self) -> None:
        """Write what is held back and the END record; nothing can be written after it."""
        self._check_open()
        still = self.header.info.still
        if still:
            if self._held_segment is None:
                raise UsageError("a still needs its picture before it is finished")
            others = len(self._held_attachments) + self.shared_written
            bare = len(self._held_segment) == 1 and not others and self._cipher is None
            self._begin(closed=not bare)
            if self._held_shared:
                self._emit_shared(self._held_shared)
            for attachment in self._held_attachments:
                self._emit_attachment(attachment)
            layers = self._held_segment
            self._held_segment = None
            self._offsets.append(self.bytes_written)
            self._frames.append(1)
            self._write(self._layer_records(layers, 1, b""))
            if bare:
                self._finish()
                return
        self._emit_end()
        self._finish()

    def _finish(self) -> None:
        self._finished = True
        self.file.flush()

    def _check_open(self) -> None:
        if self._finished:
            raise UsageError("the stream is finished; nothing can be added")

    def _write(self, parts: list[bytes]) -> None:
        self.bytes_written += write_all(self.file, parts)

    def _checksummed(self, payload_bytes: int) -> bool:
        if self._checksums is not None:
            return self._checksums
        info = self.header.info
        large = info.width * info.height > SMALL_PICTURE and payload_bytes >= CHECKSUM_BYTES
        return large or not info.still

    def _begin(self, *, closed: bool) -> None:
        flags = Flags(encrypted=bool(self._cipher), closed=closed)
        self._header_bytes = write_header(self.header, flags)
        self._write([self._header_bytes])
        if self._cipher:
            payload = self._cipher.payload
            checked = self._checksummed(len(payload))
            self._write(frame_record(Control.ENCRYPTION, payload, checksummed=checked))

    def _layer_bytes(self, layers: Mapping[Layer, bytes]) -> int:
        """Size of the records that ``_layer_records`` gives."""
        total = 0
        for layer, data in layers.items():
            size = len(data) + TAG_BYTES * self._seals(layer)
            total += record_size(size, layer, checksummed=self._checksummed(size))
        return total

    def _seals(self, layer: Layer) -> bool:
        return self._cipher is not None and self._cipher.scope.has_layer(layer)

    def _layer_records(
        self, layers: Mapping[Layer, bytes], place: int, context: bytes
    ) -> list[bytes]:
        parts = []
        for layer, data in sorted(layers.items()):
            sealed = self._seals(layer)
            if self._cipher and sealed:
                data = self._cipher.seal(place, layer, context, data)
            checked = self._checksummed(len(data))
            parts += frame_record(layer, data, encrypted=sealed, checksummed=checked)
        return parts

    def _emit_shared(self, layers: Mapping[Layer, bytes]) -> None:
        payload = SHARED.write({"bytes": self._layer_bytes(layers)})
        head = frame_record(Control.SHARED, payload, checksummed=self._checksummed(len(payload)))
        self._write(head + self._layer_records(layers, 0, payload))

    def _emit_attachment(self, attachment: Attachment) -> None:
        kind = encode_varint(attachment.kind)
        data = attachment.data
        sealed = self._cipher is not None and self._cipher.scope.has_attachment(attachment.kind)
        if self._cipher and sealed:
            place = len(self._attachment_offsets)
            data = self._cipher.seal(place, Control.ATTACHMENT, kind, data)
        payload = kind + data
        checked = self._checksummed(len(payload))
        self._attachment_offsets.append(self.bytes_written)
        self._write(
            frame_record(Control.ATTACHMENT, payload, encrypted=sealed, checksummed=checked)
        )

    def _emit_segment(
        self, frames: int, layers: Mapping[Layer, bytes], pts: Sequence[int], duration: int
    ) -> None:
        times = timing.describe(self._grid, self.frames_written, frames, pts, duration)
        payload = SEGMENT.write(times.values() | {"bytes": self._layer_bytes(layers)})
        records = self._layer_records(layers, len(self._offsets) + 1, payload)
        checked = self._checksummed(len(payload))
        self._offsets.append(self.bytes_written)
        self._frames.append(frames)
        self._write(frame_record(Control.SEGMENT, payload, checksummed=checked) + records)
        self.file.flush()

    def _emit_end(self) -> None:
        still = self.header.info.still
        if still and not self._cipher:
            self._write(self._end_record(b""))
            return
        payload = self._end_payload()
        record = b"".join(self._end_record(payload))
        self._write([record])
        if not still:
            self._write([TRAILER.write({"end_bytes": len(record), "magic": TRAILER_MAGIC})])

    def _end_record(self, payload: bytes) -> list[bytes]:
        checked = self._checksummed(len(payload))
        return frame_record(Control.END, payload, checksummed=checked, header=self._header_bytes)

    def _end_payload(self) -> bytes:
        end = self.bytes_written
        borders = [*self._offsets, end]
        sizes = [after - start for start, after in pairwise(borders)]
        attachments = self._attachment_offsets
        values = {
            "segments": len(sizes),
            "first_segment": borders[0],
            "index": [item for pair in zip(sizes, self._frames, strict=True) for item in pair],
            "attachment_records": len(attachments),
            "attachment_offsets": [
                b - a for a, b in zip([0, *attachments], attachments, strict=False)
            ],
            "encrypted": 0,
        }
        payload = END.write(values)
        if self._cipher:
            payload += self._cipher.seal(len(sizes) + 1, Control.END, payload, b"")
        return payload


def _check_layers(layers: Mapping[Layer, bytes], limit: int) -> None:
    if len(layers) > MAX_SEGMENT_LAYERS:
        raise UsageError(f"{len(layers)} layers are more than {MAX_SEGMENT_LAYERS}")
    for layer, data in layers.items():
        if not 1 <= layer <= MAX_LAYER_NUMBER or FIRST_CONTROL <= layer <= LAST_CONTROL:
            raise UsageError(f"{int(layer)} is not the number of a layer")
        if len(data) > min(MAX_PAYLOAD_BYTES - TAG_BYTES, limit):
            raise UsageError(f"a layer of {len(data)} bytes exceeds the level of the stream")
    if sum(map(len, layers.values())) > limit:
        raise UsageError("the layers of a segment exceed the level of the stream")
