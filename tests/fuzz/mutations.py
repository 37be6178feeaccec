"""Ways to damage a file, and a process that decodes damaged files under limits.

Run as ``python mutations.py COUNT SEED``: prints a JSON object that counts how the files ended.
"""

from __future__ import annotations

import dataclasses
import faulthandler
import io
import json
import random
import resource
import sys
import time
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from ivc.codecs import CODECS, Profile
from ivc.errors import IvcError
from ivc.pipeline import DecodeOptions, decoded_segments
from ivc.pipeline.tasks import DecodeTask, decode_segment
from ivc.stream import Encryption, StreamHeader, StreamWriter, open_stream
from ivc.stream.syntax import MAGIC
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

SECONDS_PER_FILE = 20
MEMORY_BEYOND_START = 768 << 20
KEY = bytes(range(32))
ENCRYPTED = 1 << 5
"""Bit of the byte after the magic; with a key, streams without it are refused at once."""


def pattern(form: PixelFormat, frames: int, width: int, height: int) -> Frames:
    """A gradient with noise, different in every plane."""
    rng = np.random.default_rng(width * height + frames)
    planes = []
    for number, (h, w) in enumerate(form.plane_shapes(width, height)):
        ramp = (np.arange(h)[:, None] * 5 + np.arange(w) * (3 + number)) % 256 / 255
        noisy = ramp * form.max_value + rng.normal(0, form.max_value / 30, (frames, h, w))
        planes.append(np.clip(noisy, 0, form.max_value).astype(form.dtype))
    return Frames(planes, form)


@dataclass(frozen=True)
class Seed:
    """A small valid segment and files that hold it.

    Attributes:
        task: what a worker is given to decode it.
        files: streams with and without what is optional.
    """

    task: DecodeTask
    files: tuple[bytes, ...]


def seeds() -> list[Seed]:
    """Segments of every codec in several formats."""
    shapes = [
        (PixelFormat(Layout.RGB), 1, 19, 13),
        (PixelFormat(Layout.YUV420, 10, alpha=True), 3, 17, 9),
        (PixelFormat(Layout.GRAY, 16), 1, 8, 24),
        (PixelFormat(Layout.YUV422), 2, 24, 16),
    ]
    return [seed(profile, *shape) for profile in CODECS for shape in shapes]


def seed(profile: Profile, form: PixelFormat, count: int, width: int, height: int) -> Seed:
    """One segment, and it in a stream without checksums, with checksums, and encrypted."""
    codec = profile.load()
    pts = tuple(range(count)) if count > 1 else ()
    segment = Segment(pattern(form, count, width, height), pts)
    settings = codec.settings_type(quality=60.0)
    shared = codec.prepare([segment], settings)
    layers = codec.encode(segment, settings, shared)
    info = StreamInfo(form, width, height)
    if pts:
        info = info.replace(still=False, time_base=Fraction(1, 30), frame_rate=Fraction(30))
    header = StreamHeader(profile.number, codec.version, info, 0)
    files = []
    for checksums, encryption in ((False, None), (True, None), (True, Encryption(KEY))):
        file = io.BytesIO()
        writer = StreamWriter(file, header, encryption=encryption, checksums=checksums)
        if shared:
            writer.write_shared(shared)
        if form.layout is Layout.RGB:
            writer.write_attachment(Attachment(AttachmentKind.ICC, b"profile"))
        for number in range(2 if pts else 1):
            times = tuple(tick + number * count for tick in pts)
            writer.write_segment(count, layers, times, 1 if pts else 0)
        writer.finish()
        files.append(file.getvalue())
    head = SegmentHeader(form, width, height, count, codec.version)
    task = DecodeTask(profile.number, head, layers, shared, 0, pts, 0)
    return Seed(task, tuple(files))


def mutate(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """``data`` with one to four kinds of damage, half of it near the front."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        if not out:
            break
        end = min(len(out), 48) if rng.random() < 0.5 else len(out)
        place = rng.randrange(end)
        kind = rng.randrange(8)
        if kind == 0:
            out[place] ^= 1 << rng.randrange(8)
        elif kind == 1:
            out[place] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        elif kind == 2:
            del out[place : place + rng.randrange(1, 9)]
        elif kind == 3:
            out[place:place] = rng.randbytes(rng.randrange(1, 9))
        elif kind == 4:
            del out[rng.randrange(len(out)) :]
        elif kind == 5:
            size = rng.randrange(1, 33)
            out[place : place + size] = bytes([rng.choice((0, 255))]) * size
        elif kind == 6:
            start = rng.randrange(len(other))
            out[place : place + 24] = other[start : start + rng.randrange(1, 25)]
        else:
            out[place : place + 1] = rng.choice(
                (b"\xff\xff\xff\xff\x0f", b"\xff" * 9 + b"\x01", b"\x80\x80\x01", b"\xff\x7f")
            )
    return bytes(out)


def decode_file(data: bytes) -> str:
    """Open, list and decode one stream; how it ended."""
    encrypted = len(data) > len(MAGIC) and data[len(MAGIC)] & ENCRYPTED
    with open_stream(io.BytesIO(data), key=KEY if encrypted else None, max_level=1) as stream:
        for entry in stream.segments:
            list(entry.layers.values())
        stream.attachments()
        for segment in decoded_segments(stream, DecodeOptions()):
            check_samples(segment.frames)
        return "file cut short" if stream.truncated else "file decoded"


def decode_payload(task: DecodeTask, other: bytes, rng: random.Random) -> str:
    """Decode a segment with a damaged layer, as if no checksum had caught it."""
    layer = rng.choice(sorted(task.layers))
    layers = dict(task.layers) | {layer: mutate(task.layers[layer], other, rng)}
    check_samples(decode_segment(dataclasses.replace(task, layers=layers)).frames)
    return "payload decoded"


def check_samples(frames: Frames) -> None:
    """Samples must fit their depth even when they are wrong."""
    assert all(int(plane.max()) <= frames.format.max_value for plane in frames.planes)


def outcome(seed: Seed, other: Seed, rng: random.Random) -> str:
    """How one damaged file or payload ended. Anything but an ``IvcError`` escapes."""
    try:
        if rng.random() < 0.4:
            return decode_payload(seed.task, other.files[0], rng)
        return decode_file(mutate(rng.choice(seed.files), rng.choice(other.files), rng))
    except IvcError as error:
        message = str(error)
        assert message, "an error without a message"
        assert "\n" not in message, f"an error of several lines: {message!r}"
        return type(error).__name__


def main() -> None:
    """Decode COUNT damaged files and payloads made from SEED."""
    count, seed = int(sys.argv[1]), int(sys.argv[2])
    valid = seeds()
    for each in valid:
        for data in each.files:
            assert decode_file(data) == "file decoded"
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY_BEYOND_START
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    ends: Counter[str] = Counter()
    slowest = 0.0
    for number in range(count):
        faulthandler.dump_traceback_later(SECONDS_PER_FILE, exit=True)
        rng = random.Random(seed * 1_000_003 + number)
        start = time.monotonic()
        try:
            ends[outcome(rng.choice(valid), rng.choice(valid), rng)] += 1
        except BaseException:
            print(f"number {number} of seed {seed}", file=sys.stderr)
            raise
        slowest = max(slowest, time.monotonic() - start)
    faulthandler.cancel_dump_traceback_later()
    print(json.dumps({"files": count, "slowest_seconds": round(slowest, 2), "ends": ends}))


if __name__ == "__main__":
    main()
