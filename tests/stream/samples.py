"""Small streams that the tests of the container share."""

from __future__ import annotations

import io
from fractions import Fraction

from ivc.stream import Encryption, StreamHeader, StreamWriter
from ivc.types import Attachment, AttachmentKind, Colour, Layer, Layout, PixelFormat, StreamInfo

SRGB = Colour(1, 13, 0, True)
STILL = StreamInfo(PixelFormat(Layout.RGB, colour=SRGB), 256, 256)
CLIP = StreamInfo(
    PixelFormat(Layout.YUV420, colour=Colour(1, 1, 1)),
    64,
    48,
    still=False,
    time_base=Fraction(1, 12800),
    frame_rate=Fraction(25),
)
RAW_KEY = bytes(range(32))
SALT = b"\x11" * 16
SHARED = {Layer.BACKGROUND: b"background"}
ATTACHMENTS = (
    Attachment(AttachmentKind.ICC, b"profile"),
    Attachment(AttachmentKind.TEXT, b'{"title": "a clip"}'),
)


def raw_key(layers=None, attachments=None) -> Encryption:
    """Encryption with a fixed key and salt, so that bytes are the same in every run."""
    return Encryption(RAW_KEY, layers, attachments, salt=SALT)


def passphrase(text: bytes = b"a passphrase") -> Encryption:
    """Cheap encryption with a passphrase."""
    return Encryption(text, salt=SALT, scrypt_log2_n=4)


def clip_segments(count: int = 3, frames: int = 4) -> list[tuple]:
    """Arguments of ``write_segment`` for a clip on the grid."""
    return [
        (
            frames,
            {Layer.PICTURE: b"picture %d" % index, Layer.TEXT: b"text %d" % index},
            tuple(512 * (index * frames + n) for n in range(frames)),
            512,
        )
        for index in range(count)
    ]


def write(
    info: StreamInfo,
    segments,
    *,
    shared=None,
    attachments=(),
    late_attachments=(),
    encryption=None,
    checksums=None,
    level=0,
    weights_hash=None,
) -> bytes:
    """A whole stream."""
    file = io.BytesIO()
    writer = StreamWriter(
        file,
        StreamHeader(2, 1, info, level, weights_hash),
        encryption=encryption,
        checksums=checksums,
    )
    writer.write_shared(shared or {})
    for attachment in attachments:
        writer.write_attachment(attachment)
    for segment in segments:
        writer.write_segment(*segment)
    for attachment in late_attachments:
        writer.write_attachment(attachment)
    writer.finish()
    assert writer.bytes_written == len(file.getvalue())
    return file.getvalue()


def rich_clip(encryption=None, count: int = 3) -> bytes:
    """A clip that holds every kind of record."""
    return write(
        CLIP,
        clip_segments(count),
        shared=SHARED,
        attachments=ATTACHMENTS[:1],
        late_attachments=ATTACHMENTS[1:],
        encryption=encryption,
    )


def rich_still(encryption=None) -> bytes:
    """A still that holds every kind of record."""
    return write(
        STILL,
        [(1, {Layer.STRUCTURE: b"lines", Layer.TEXTURE: b"fabric"})],
        shared=SHARED,
        attachments=ATTACHMENTS,
        encryption=encryption,
    )


class Pipe(io.RawIOBase):
    """Bytes that come in small pieces and cannot be sought in."""

    def __init__(self, data: bytes = b"", piece: int = 7) -> None:
        self.data = bytearray(data)
        self.piece = piece

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def read(self, size: int = -1) -> bytes:
        size = min(size if size >= 0 else len(self.data), self.piece)
        out = bytes(self.data[:size])
        del self.data[:size]
        return out

    def write(self, data) -> int:
        taken = bytes(data[: self.piece])
        self.data += taken
        return len(taken)


def contents(stream) -> list[tuple]:
    """Everything that a stream holds, for comparing."""
    segments = [
        (entry.index, entry.frames, entry.first_frame, entry.pts, entry.duration, layers)
        for entry, layers in stream.iter_segments()
    ]
    return [stream.header, stream.shared(), stream.attachments(), segments]
