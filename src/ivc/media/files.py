"""Which reader or writer serves a path, a pipe or a file object."""

from __future__ import annotations

import io
import sys
import weakref
from collections.abc import Sequence
from fractions import Fraction
from os import PathLike, fspath
from pathlib import Path
from typing import BinaryIO, cast

from ivc.errors import MediaError
from ivc.media.base import RawVideo, Sink, Source, display_name, is_binary_file
from ivc.types import Attachment, StreamInfo

_RAW_EXTENSIONS = frozenset({".yuv", ".raw", ".rgb", ".gray"})
_PIPE = "-"


def open_source(
    path: str | PathLike[str] | BinaryIO,
    *,
    raw: RawVideo | None = None,
    frame_rate: Fraction | None = None,
) -> Source:
    """Open pictures to read.

    Args:
        path: a file, a named pipe, a pattern of numbered files (``shot_%04d.png``), a glob
            (``shots/*.png``), a folder of pictures, ``-`` for standard input, or a binary file
            object.
        raw: what a headerless file holds; everything else is recognised by its first bytes.
        frame_rate: frames a second of numbered pictures (25 if not given).

    Raises:
        MediaError: when there is no such input or it cannot be decoded.
    """
    if is_binary_file(path):
        return _open_object(cast(BinaryIO, path), display_name(path), raw)
    name = fspath(cast("str | PathLike[str]", path))
    if name == _PIPE:
        return _open_object(sys.stdin.buffer, "standard input", raw)
    if not name:
        raise MediaError("the name of the input is empty")
    file = Path(name)
    if _is_special(file):
        return _open_special(file, name, raw)
    if raw is not None:
        from ivc.media.raw import RawSource

        return RawSource(file, name, raw)
    if not file.is_file():
        return _open_sequence(file, frame_rate)
    try:
        with file.open("rb") as opened:
            head = opened.read(16)
    except OSError as error:
        raise MediaError(f"cannot read {name}: {error.strerror or error}") from None
    if not head:
        raise MediaError(f"{name} is empty")
    return _open_by_head(file, name, head)


def _is_special(file: Path) -> bool:
    """Whether a path is a named pipe or a device, such as /dev/stdin and /dev/null."""
    return file.exists() and not (file.is_file() or file.is_dir())


def _open_special(file: Path, name: str, raw: RawVideo | None) -> Source:
    try:
        opened = file.open("rb")
    except OSError as error:
        raise MediaError(f"cannot read {name}: {error.strerror or error}") from None
    try:
        source = _open_object(opened, name, raw)
    except BaseException:
        opened.close()
        raise
    weakref.finalize(source, opened.close)
    return source


def _open_sequence(path: Path, frame_rate: Fraction | None) -> Source:
    from ivc.media.sequence import SequenceSource, is_pattern

    if not (path.is_dir() or is_pattern(path.name) or set("*?[") & set(path.name)):
        raise MediaError(f"{path} does not exist")
    return SequenceSource(path, frame_rate)


def _open_by_head(file: Path | BinaryIO, name: str, head: bytes) -> Source:
    from ivc.media.raw import MAGIC, RawSource
    from ivc.media.stills import EXTENSIONS, StillSource, looks_like_still

    if head.startswith(MAGIC):
        return RawSource(file, name, None)
    suffix = file.suffix.lower() if isinstance(file, Path) else ""
    if suffix in _RAW_EXTENSIONS:
        raise MediaError(
            f"{name} has no header: say what it holds (width, height, format), or use .y4m"
        )
    if looks_like_still(head) or suffix in EXTENSIONS:
        return StillSource(file, name)
    from ivc.media.video import VideoSource

    return VideoSource(file, name)


def _open_object(file: BinaryIO, name: str, raw: RawVideo | None) -> Source:
    """Open a pipe or file object; what its first bytes are is seen without consuming them."""
    if raw is not None:
        from ivc.media.raw import RawSource

        return RawSource(_buffered(file), name, raw)
    buffered = _buffered(file)
    head = buffered.peek(16)[:16]
    if not head:
        raise MediaError(f"{name} is empty")
    return _open_by_head(cast(BinaryIO, buffered), name, head)


def _buffered(file: BinaryIO) -> io.BufferedReader:
    if isinstance(file, io.BufferedReader):
        return file
    return io.BufferedReader(_RawAdapter(file))


class _RawAdapter(io.RawIOBase):
    """Any object with ``read`` as a raw stream, so that it can be buffered and peeked into."""

    def __init__(self, file: BinaryIO):
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def open_sink(
    path: str | PathLike[str] | BinaryIO,
    info: StreamInfo,
    attachments: Sequence[Attachment] = (),
    *,
    format: str | None = None,
) -> Sink:
    """Open a file to write; it appears under its name only when it is complete.

    Named pipes and devices are written to as they are.

    Args:
        path: the extension decides the format; ``-`` is standard output; or a binary file object.
        info: what will be written.
        attachments: stored beside the pictures as far as the format can.
        format: an extension such as ``png`` or ``mkv`` that overrides the name's; y4m is the format
            of standard output and of file objects if none is given.

    Raises:
        MediaError: when the format is unknown or cannot hold what ``info`` says.
    """
    target: Path | BinaryIO
    if is_binary_file(path):
        target, name = cast(BinaryIO, path), display_name(path)
    elif fspath(cast("str | PathLike[str]", path)) == _PIPE:
        target, name = sys.stdout.buffer, "standard output"
    else:
        target = Path(cast("str | PathLike[str]", path))
        name = str(target)
    suffix = target.suffix.lower() if isinstance(target, Path) else ".y4m"
    extension = "." + format.lower().lstrip(".") if format else suffix
    if not (isinstance(target, Path) and _is_special(target)):
        return _open_sink(target, name, extension, info, attachments)
    # a pipe or device is written to, not replaced
    try:
        opened = target.open("wb")
    except OSError as error:
        raise MediaError(f"cannot write {name}: {error.strerror or error}") from None
    try:
        sink = _open_sink(opened, name, extension, info, attachments)
    except BaseException:
        opened.close()
        raise
    weakref.finalize(sink, opened.close)
    return sink


def _open_sink(
    target: Path | BinaryIO, name: str, extension: str, info: StreamInfo,
    attachments: Sequence[Attachment],
) -> Sink:  # fmt: skip
    if extension == ".y4m" or extension in _RAW_EXTENSIONS:
        from ivc.media.raw import RawSink

        return RawSink(target, name, info, y4m=extension == ".y4m")
    from ivc.media import still_sink

    if extension in still_sink.EXTENSIONS:
        if isinstance(target, Path):
            from ivc.media.sequence import SequenceSink, is_pattern

            if is_pattern(target.name):
                return SequenceSink(target, attachments)
        return still_sink.StillSink(target, name, extension, attachments)
    from ivc.media import video_sink

    if extension in video_sink.EXTENSIONS:
        return video_sink.VideoSink(target, name, extension, info, attachments)
    known = sorted(still_sink.EXTENSIONS | video_sink.EXTENSIONS | {".y4m", ".yuv"})
    raise MediaError(f"{name}: cannot write format {extension!r}; use one of {' '.join(known)}")
