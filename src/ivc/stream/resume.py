"""Going on with a clip whose writing was interrupted."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ivc.errors import BitstreamError, MediaError, UsageError
from ivc.stream.encryption import Encryption, Scope
from ivc.stream.entries import SegmentEntry
from ivc.stream.levels import LEVELS
from ivc.stream.reader import Stream

if TYPE_CHECKING:
    from ivc.stream.writer import StreamWriter


def resume(
    kind: type[StreamWriter],
    path: str | PathLike[str],
    encryption: Encryption | None,
    checksums: bool | None,
) -> StreamWriter:
    """See ``StreamWriter.resume``."""
    try:
        file = Path(path).open("r+b")  # noqa: SIM115
    except OSError as error:
        raise MediaError(f"cannot open {path}: {error.strerror}") from error
    try:
        return _resume(kind, file, encryption, checksums)
    except BaseException:
        file.close()
        raise


def _resume(
    kind: type[StreamWriter], file: BinaryIO, encryption: Encryption | None, checksums: bool | None
) -> StreamWriter:
    key = encryption.key if encryption else None
    stream = Stream(file, key=key, max_level=len(LEVELS), use_index=False)
    if stream.header.info.still:
        raise UsageError("a still is written in one go and cannot be resumed")
    if stream.scope and not encryption:
        raise UsageError("the stream was begun with other encryption; start anew")
    if encryption and stream.scope != Scope.of(encryption):
        raise UsageError("the stream was begun with other layers encrypted; start anew")
    segments = _whole_segments(stream)
    cut = segments[-1].offset + segments[-1].size if segments else stream.front_offset
    file.truncate(cut)
    file.seek(cut)
    return kind.continued(file, stream, checksums, cut=cut, segments=segments)


def _whole_segments(stream: Stream) -> list[SegmentEntry]:
    """The segments before the first that is damaged: a crash may leave holes in a file."""
    whole: list[SegmentEntry] = []
    for index in range(len(stream.segments)):
        try:
            entry = stream.segments[index]
            for layer in entry.layers.values():
                stream.check_payload(layer)
        except BitstreamError:
            break
        whole.append(entry)
    return whole
