"""Bytes with offsets: what the parsers read from, be it memory, a file or a pipe.

All inputs know where they are, so that every error can name the byte, and none of them allocates
more than what is really there: a declared size is never trusted.
"""

from __future__ import annotations

import io
from typing import BinaryIO, Protocol

from ivc.errors import BitstreamError, MediaError, TruncatedError

CHUNK = 1 << 20
"""Most bytes that are asked of a pipe at once."""


class ByteInput(Protocol):
    """A place that bytes are read from in order."""

    @property
    def offset(self) -> int:
        """Offset in the stream of the byte that is read next."""

    def read(self, size: int) -> bytes:
        """Exactly ``size`` bytes.

        Raises:
            TruncatedError: when fewer are left.
        """


class SpanInput:
    """A payload in memory that begins at a known offset of the stream."""

    def __init__(self, data: bytes, base: int = 0) -> None:
        self._data = data
        self._base = base
        self._position = 0

    @property
    def offset(self) -> int:
        """Offset in the stream of the byte that is read next."""
        return self._base + self._position

    @property
    def remaining(self) -> int:
        """Number of bytes that are left."""
        return len(self._data) - self._position

    def read(self, size: int) -> bytes:
        """Exactly ``size`` bytes.

        Raises:
            BitstreamError: when the payload is too short; the stream need not be.
        """
        start = self._position
        self._position += size
        if self._position > len(self._data):
            self._position = start
            raise BitstreamError(f"{size - self.remaining} bytes are missing", self.offset)
        return self._data[start : start + size]


class FileInput:
    """A stream in a file or a pipe; offsets count from where the file stands at the start.

    Attributes:
        offset: offset in the stream of the byte that is read next.
        size: length of the stream in bytes, or None for a pipe.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._origin = 0
        self.offset = 0
        self.size: int | None = None
        if file.seekable():
            self._origin = file.tell()
            self.size = file.seek(0, io.SEEK_END) - self._origin
            file.seek(self._origin)

    @property
    def at_end(self) -> bool:
        """True if a seekable stream has no byte left; always False for a pipe."""
        return self.size is not None and self.offset >= self.size

    def seek(self, offset: int) -> None:
        """Go to an offset of a seekable stream."""
        if offset != self.offset:
            self._file.seek(self._origin + offset)
            self.offset = offset

    def read(self, size: int) -> bytes:
        """Exactly ``size`` bytes.

        Raises:
            TruncatedError: when the stream ends before.
            MediaError: when the system cannot read the file.
        """
        start = self.offset
        if self.size is not None and size > self.size - start:
            raise TruncatedError(f"the file ends {start + size - self.size} bytes early", start)
        parts = []
        missing = size
        try:
            while missing:
                part = self._file.read(min(missing, CHUNK) if self.size is None else missing)
                if not part:
                    raise TruncatedError(f"the stream ends {missing} bytes early", start)
                parts.append(part)
                missing -= len(part)
                self.offset += len(part)
        except OSError as error:
            raise MediaError(f"cannot read the stream: {error}") from error
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def skip(self, size: int) -> None:
        """Go past ``size`` bytes, which must exist."""
        if self.size is not None:
            if size > self.size - self.offset:
                raise TruncatedError(
                    f"the file ends {self.offset + size - self.size} bytes early", self.offset
                )
            self.seek(self.offset + size)
            return
        while size:
            size -= len(self.read(min(size, CHUNK)))


class Recorder:
    """An input that keeps a copy of what is read through it."""

    def __init__(self, source: ByteInput) -> None:
        self._source = source
        self.data = bytearray()

    @property
    def offset(self) -> int:
        """Offset in the stream of the byte that is read next."""
        return self._source.offset

    def read(self, size: int) -> bytes:
        """Exactly ``size`` bytes."""
        part = self._source.read(size)
        self.data += part
        return part
