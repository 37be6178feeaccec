"""Numbered pictures as a clip and back: ``shot_%04d.png``, ``shots/*.png``, a folder."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from ivc.errors import MediaError
from ivc.media.atomic import AtomicPath, guard_writes
from ivc.media.base import DEFAULT_FRAME_RATE, SinkBase, SourceBase, TimedFrame, file_fingerprint
from ivc.media.metadata import Metadata
from ivc.media.still_sink import write_still
from ivc.media.stills import EXTENSIONS, StillSource
from ivc.types import Attachment, Segment, StreamInfo

_PATTERN = re.compile(r"%(0(\d+))?d")


def is_pattern(name: str) -> bool:
    """Whether a file name stands for numbered files."""
    return _PATTERN.search(Path(name).name) is not None


def list_pictures(path: Path) -> list[Path]:
    """Files of a ``%04d`` pattern, a glob (``*.png``) or a folder, in order of their numbers.

    Raises:
        MediaError: when there are none, or a number is missing between the first and the last.
    """
    if path.is_dir():
        found = [p for p in path.iterdir() if p.suffix.lower() in EXTENSIONS and p.is_file()]
        found.sort(key=_natural_order)
    elif match := _PATTERN.search(path.name):
        found = _numbered(path, match)
    else:
        found = sorted((p for p in path.parent.glob(path.name) if p.is_file()), key=_natural_order)
    if not found:
        raise MediaError(f"no pictures match {path}")
    return found


def _numbered(path: Path, match: re.Match[str]) -> list[Path]:
    before, after = path.name[: match.start()], path.name[match.end() :]
    width = int(match[2] or 1)
    shape = re.compile(re.escape(before) + r"(\d+)" + re.escape(after))
    numbers: dict[int, Path] = {}
    for file in path.parent.iterdir() if path.parent.is_dir() else ():
        hit = shape.fullmatch(file.name)
        if hit and hit[1] == f"{int(hit[1]):0{width}d}":
            numbers[int(hit[1])] = file
    ordered = sorted(numbers)
    for number, following in pairwise(ordered):
        if following != number + 1:
            missing = path.name[: match.start()] + f"{number + 1:0{width}d}" + after
            raise MediaError(f"{path}: {missing} is missing between {number} and {following}")
    return [numbers[number] for number in ordered]


def _natural_order(path: Path) -> list[tuple[int, int, str]]:
    """Numbers inside names count as numbers: 2 before 10."""
    parts = re.split(r"(\d+)", path.name)
    return [(int(p), 0, p) if i % 2 else (0, 1, p) for i, p in enumerate(parts)]


class SequenceSource(SourceBase):
    """Pictures of one size and format as a clip of constant rate."""

    def __init__(self, path: Path, frame_rate: Fraction | None):
        self._files = list_pictures(path)
        rate = frame_rate or DEFAULT_FRAME_RATE
        first = StillSource(self._files[0], str(self._files[0]))
        self._attachments = first.attachments()
        self.frame_count = len(self._files)
        self.info = StreamInfo(
            first.info.format, first.info.width, first.info.height, still=False,
            time_base=1 / rate, frame_rate=rate,
        )  # fmt: skip

    def fingerprint(self) -> str:
        """See ``Source.fingerprint``."""
        names = "\n".join(file_fingerprint(file) for file in self._files)
        return hashlib.sha256(names.encode()).hexdigest()

    def attachments(self) -> list[Attachment]:
        """The metadata of the first picture."""
        return list(self._attachments)

    def frames(self, start: int = 0) -> Iterator[TimedFrame]:
        """See ``Source.frames``."""
        info = self.info
        for index in range(start, len(self._files)):
            file = self._files[index]
            picture = StillSource(file, str(file))
            got = picture.info
            if (got.width, got.height, got.format) != (info.width, info.height, info.format):
                raise MediaError(
                    f"{file} is {got.width}x{got.height} {got.format}, the first picture is "
                    f"{info.width}x{info.height} {info.format}; all must be alike"
                )
            yield TimedFrame(next(picture.frames()).frames, index, 1)


class SequenceSink(SinkBase):
    """Numbered pictures, from 1 on; on ``abort`` those that were written are removed."""

    def __init__(self, path: Path, attachments: Sequence[Attachment]):
        match = _PATTERN.search(path.name)
        assert match is not None
        self._path, self._match = path, match
        self._metadata = Metadata.from_attachments(attachments)
        self._parts: list[AtomicPath] = []
        self._open = True

    def write(self, segment: Segment) -> None:
        """See ``Sink.write``."""
        for index in range(len(segment.frames)):
            number = f"{len(self._parts) + 1:0{int(self._match[2] or 1)}d}"
            name = self._path.name
            name = name[: self._match.start()] + number + name[self._match.end() :]
            part = AtomicPath(self._path.with_name(name))
            self._parts.append(part)
            picture = segment.frames[index : index + 1]
            with guard_writes(name), part.temporary.open("wb") as file:
                write_still(file, picture, self._metadata, self._path.suffix.lower(), name)

    def close(self) -> None:
        """See ``Sink.close``."""
        if not self._open:
            return
        if not self._parts:
            raise MediaError(f"no picture was written to {self._path}")
        self._open = False
        for part in self._parts:
            part.commit()

    def abort(self) -> None:
        """See ``Sink.abort``."""
        if self._open:
            for part in self._parts:
                part.abort()
        self._open = False
