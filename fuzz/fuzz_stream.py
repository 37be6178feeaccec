"""Coverage-guided fuzzing of the container and of all codecs, with atheris.

Every input is opened as a file and as a pipe, listed, verified, read and, if its pictures are
small, decoded. Anything but an ``IvcError`` that comes out is a bug. README.md beside this file
tells how to run it.

    python fuzz/fuzz_stream.py CORPUS [libFuzzer options]
    python fuzz/fuzz_stream.py --seeds CORPUS       write files to begin with
"""

from __future__ import annotations

import contextlib
import io
import sys
from fractions import Fraction
from pathlib import Path

try:
    import atheris
except ImportError:
    atheris = None

# Only the parser is instrumented: numba cannot compile functions whose bytecode was changed.
with atheris.instrument_imports(["ivc.stream"]) if atheris else contextlib.nullcontext():
    from ivc.stream import Encryption, Stream, StreamHeader, StreamWriter, open_stream, verify

from ivc.codecs import CODECS, Profile, by_number
from ivc.errors import IvcError
from ivc.types import (
    Attachment,
    AttachmentKind,
    Frames,
    Layout,
    PixelFormat,
    Segment,
    SegmentHeader,
    StreamInfo,
)

KEY = bytes(32)
MAX_SAMPLES = 1 << 14
"""Most samples of a segment that is decoded: larger ones are right, but slow."""


class Pipe(io.BytesIO):
    """Bytes that cannot be sought in."""

    def seekable(self) -> bool:
        """Never."""
        return False


def decode(stream: Stream) -> None:
    """Decode the segments of an open stream."""
    header = stream.header
    info = header.info
    codec = by_number(header.codec).load()
    shared = stream.shared()
    for entry, layers in stream.iter_segments():
        if info.width * info.height * entry.frames <= MAX_SAMPLES:
            told = SegmentHeader(
                info.format, info.width, info.height, entry.frames, header.codec_version
            )
            frames = codec.decode(layers, told, shared)
            assert (len(frames), frames.width, frames.height, frames.format) == (
                entry.frames,
                info.width,
                info.height,
                info.format,
            )


def test_one_input(data: bytes) -> None:
    """Do all that a user could do with a file."""
    for make in (io.BytesIO, Pipe):
        for key in (None, KEY):
            try:
                with open_stream(make(data), key=key) as stream:
                    if stream.seekable:
                        assert sum(entry.frames for entry in stream.segments) == stream.total_frames
                        verify(stream)
                    decode(stream)
                    stream.attachments()
            except IvcError as error:
                assert "\n" not in str(error), error


def seed(profile: Profile, layout: Layout, frames: int, encryption: Encryption | None) -> bytes:
    """A small stream of random pictures."""
    import numpy as np

    codec = profile.load()
    info = StreamInfo(PixelFormat(layout), 12, 9)
    if frames > 1:
        info = info.replace(still=False, frame_rate=Fraction(1))
    shapes = info.format.plane_shapes(info.width, info.height)
    rng = np.random.default_rng(frames)
    planes = [rng.integers(0, 256, (frames, *shape), "u1") for shape in shapes]
    segment = Segment(Frames(planes, info.format), tuple(range(frames)))
    file = io.BytesIO()
    header = StreamHeader(profile.number, codec.version, info)
    writer = StreamWriter(file, header, encryption=encryption, checksums=False)
    if frames > 1:
        writer.write_attachment(Attachment(AttachmentKind.TEXT, b"{}"))
    writer.write_segment(frames, codec.encode(segment, codec.settings_type(), {}))
    writer.finish()
    return file.getvalue()


def write_seeds(folder: Path) -> None:
    """Small streams of every codec, open and encrypted, still and clip."""
    folder.mkdir(parents=True, exist_ok=True)
    for profile in CODECS:
        for layout in (Layout.GRAY, Layout.YUV420, Layout.RGB):
            for frames in (1, 2):
                for encryption in (None, Encryption(KEY, salt=bytes(16))):
                    name = f"{profile.number}-{layout.name}-{frames}-{bool(encryption)}.ivc"
                    (folder / name.lower()).write_bytes(seed(profile, layout, frames, encryption))


def main() -> None:
    """Fuzz, or write seeds."""
    if sys.argv[1:2] == ["--seeds"]:
        write_seeds(Path(sys.argv[2]))
        return
    if atheris is None:
        print("skipped: atheris is not installed (pip install 'ivc[fuzz]')")
        return
    atheris.Setup(sys.argv, test_one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
