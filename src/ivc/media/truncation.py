"""Files that are shorter than their own headers say.

FFmpeg plays a file that was cut off as if it ended there. For containers that declare their size it
is cheap to find out, so that a clip never loses its end unnoticed.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

_EBML = b"\x1a\x45\xdf\xa3"
_SEGMENT = b"\x18\x53\x80\x67"


def missing_bytes(path: Path) -> int:
    """How many bytes a Matroska, WebM, AVI, MP4 or QuickTime file lacks by its own account.

    0 also for other containers and for files that do not declare a size.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(12)
        if head.startswith(_EBML):
            end = _matroska_end(file)
        elif head[:4] == b"RIFF":
            end = 8 + int.from_bytes(head[4:8], "little")
        elif head[4:8] in (b"ftyp", b"moov", b"mdat", b"free", b"wide", b"skip"):
            end = _mp4_end(file, size)
        else:
            end = 0
    return max(0, end - size)


def _matroska_end(file: BinaryIO) -> int:
    """Where the Segment element ends; 0 if it is of unknown size (RFC 8794, RFC 9559)."""
    file.seek(4)
    length = _ebml_size(file)
    file.seek(length or 0, 1)
    if file.read(4) != _SEGMENT:
        return 0
    length = _ebml_size(file)
    return 0 if length is None else file.tell() + length


def _ebml_size(file: BinaryIO) -> int | None:
    first = file.read(1)
    if not first or not first[0]:
        return None
    extra = 8 - first[0].bit_length()
    value = first[0] & (0x7F >> extra)
    rest = file.read(extra)
    value = value << 8 * extra | int.from_bytes(rest)
    return None if value == (1 << 7 * (extra + 1)) - 1 else value


def _mp4_end(file: BinaryIO, size: int) -> int:
    """Where the last top-level box ends (ISO 14496-12, 4.2)."""
    position = 0
    while position + 8 <= size:
        file.seek(position)
        header = file.read(16)
        length = int.from_bytes(header[:4])
        if length == 1:
            length = int.from_bytes(header[8:16])
        if length == 0:  # up to the end of the file
            return size
        if length < 8:
            return 0
        position += length
    return position
