"""What every reader and writer of pictures looks like to the rest of ivc.

    path, pipe or file object ──open_source──► Source ──frames()──► TimedFrame, TimedFrame, …
    Segment, Segment, …       ──open_sink────► Sink   ──close()───► a complete file, or nothing

Sources stream: they hold one picture (or what the decoder of the format needs) at a time.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, Protocol, Self, runtime_checkable

from ivc.errors import UsageError
from ivc.types import MAX_DIMENSION, Attachment, Frames, PixelFormat, Segment, StreamInfo

log = logging.getLogger("ivc.media")

DEFAULT_FRAME_RATE = Fraction(25)
"""Frames a second of numbered pictures when the caller gives none."""

MAX_PIXELS = 1 << 28
"""Largest picture that is read, in luma samples: a guard against decompression bombs."""


@dataclass(frozen=True)
class TimedFrame:
    """One picture with its time.

    Attributes:
        frames: the picture, T = 1.
        pts: presentation time in ticks of ``StreamInfo.time_base``; 0 for a still.
        duration: ticks that it is shown; 0 if not known.
    """

    frames: Frames
    pts: int = 0
    duration: int = 0


@dataclass(frozen=True)
class RawVideo:
    """What a headerless planar YUV, gray or RGB file does not say itself.

    Samples above 8 bits are little-endian 16-bit words.

    Attributes:
        width: luma samples.
        height: luma samples.
        format: planes in file order are those of ``PixelFormat.plane_names``.
        frame_rate: frames a second.
    """

    width: int
    height: int
    format: PixelFormat
    frame_rate: Fraction = DEFAULT_FRAME_RATE

    def __post_init__(self) -> None:
        if not (0 < self.width <= MAX_DIMENSION and 0 < self.height <= MAX_DIMENSION):
            raise UsageError(f"raw video of {self.width}x{self.height}: sides are 1 to 65535")
        if self.frame_rate <= 0:
            raise UsageError(f"raw video at {self.frame_rate} frames/s: the rate must be positive")


@runtime_checkable
class Source(Protocol):
    """Pictures to be read; a context manager.

    Attributes:
        info: format, size and timing, true of every frame.
        frame_count: frames that ``frames()`` is expected to yield, None if not known beforehand.
        seekable: True if ``frames()`` may be called again.
    """

    info: StreamInfo
    frame_count: int | None
    seekable: bool

    def fingerprint(self) -> str:
        """Identity of the input (names, sizes, modification times); "" for pipes and objects."""

    def frames(self, start: int = 0) -> Iterator[TimedFrame]:
        """All frames from number ``start`` on, the same at every call.

        Raises:
            MediaError: when the input is damaged, with the number of the frame.
        """

    def attachments(self) -> list[Attachment]:
        """What is stored beside the pictures: ICC, Exif, XMP, text, audio and subtitle tracks."""

    def close(self) -> None:
        """Release files."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc: object) -> None: ...


@runtime_checkable
class Sink(Protocol):
    """A picture or video file being written; a context manager.

    Leaving the ``with`` block normally completes the file, leaving it by an exception aborts it.
    """

    def write(self, segment: Segment) -> None:
        """Append the frames of a segment.

        Raises:
            MediaError: when the format cannot hold them or the file cannot be written.
        """

    def close(self) -> None:
        """Complete the file and give it its name; does nothing after ``close`` or ``abort``."""

    def abort(self) -> None:
        """Drop what was written; nothing is left on disk."""

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, /, *exc: object) -> None: ...


class SourceBase:
    """The parts of ``Source`` that most sources share."""

    info: StreamInfo
    frame_count: int | None = None
    seekable: bool = True

    def fingerprint(self) -> str:
        """See ``Source.fingerprint``."""
        return ""

    def attachments(self) -> list[Attachment]:
        """See ``Source.attachments``."""
        return []

    def close(self) -> None:
        """See ``Source.close``."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class SinkBase:
    """The parts of ``Sink`` that all sinks share; subclasses define ``close`` and ``abort``."""

    def close(self) -> None:
        """See ``Sink.close``."""
        raise NotImplementedError

    def abort(self) -> None:
        """See ``Sink.abort``."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, /, *exc: object) -> None:
        if kind is not None:
            self.abort()
            return
        try:
            self.close()
        except BaseException:
            self.abort()
            raise


def file_fingerprint(path: Path) -> str:
    """Name, size in bytes and modification time in ns of a file."""
    status = path.stat()
    return f"{path.name}:{status.st_size}:{status.st_mtime_ns}"


def display_name(file: object) -> str:
    """How error messages call an input or output: its path, or what kind of object it is."""
    if isinstance(file, (str, Path)):
        return str(file)
    name = getattr(file, "name", None)
    return name if isinstance(name, str) else "the given file object"


def is_binary_file(target: object) -> bool:
    """Whether ``target`` is a file object rather than a path."""
    return hasattr(target, "read") or hasattr(target, "write")


File = str | Path | BinaryIO
