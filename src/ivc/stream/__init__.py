"""The ``.ivc`` container: layers of bytes <-> a file or pipe. ``docs/bitstream.md`` specifies it.

    with path.open("wb") as file:                       with open_stream(path) as stream:
        writer = StreamWriter(file, header)                 for entry in stream.segments:
        writer.write_segment(1, {Layer.PICTURE: data})          stream.read_layers(entry)
        writer.finish()

``verify`` checks a whole file; ``ivc.stream.levels`` bounds what a decoder allocates.
"""

from ivc.stream.encryption import Encryption
from ivc.stream.entries import AttachmentEntry, LayerEntry, SegmentEntry
from ivc.stream.header import StreamHeader
from ivc.stream.levels import DEFAULT_MAX_LEVEL, LEVELS, Level, smallest_level
from ivc.stream.reader import Stream, open_stream
from ivc.stream.verification import Report, verify
from ivc.stream.writer import StreamWriter

__all__ = [
    "DEFAULT_MAX_LEVEL",
    "LEVELS",
    "AttachmentEntry",
    "Encryption",
    "LayerEntry",
    "Level",
    "Report",
    "SegmentEntry",
    "Stream",
    "StreamHeader",
    "StreamWriter",
    "open_stream",
    "smallest_level",
    "verify",
]
