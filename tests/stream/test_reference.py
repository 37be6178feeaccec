"""The plain reader that was written from the specification agrees with the fast one."""

import ast
import io
import json
import random
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings

from ivc.errors import IvcError
from ivc.reference import container
from ivc.reference.container import BrokenError, Container
from ivc.stream import Stream, open_stream
from ivc.types import Colour, Layer

from .samples import (
    ATTACHMENTS,
    CLIP,
    SHARED,
    STILL,
    clip_segments,
    passphrase,
    raw_key,
    rich_clip,
    rich_still,
    write,
)
from .test_roundtrip import clips, layer_sets, stills, timed_segments

SOURCE = Path(container.__file__)


def plain(data: bytes):
    """What the plain reader finds, in the form of ``fast``."""
    found = Container(data)
    header = found.header
    return {
        "codec": (header["codec"], header["codec_version"], header["level"]),
        "format": (header["layout"], header["alpha"], header["depth"], tuple(header["colour"])),
        "size": (header["width"], header["height"], header["sample_aspect"]),
        "time": (header["time_base"], header["frame_rate"]),
        "shared": listed(found.shared),
        "attachments": [
            (kind, len(data), bool(sealed)) for kind, data, sealed in found.attachments
        ],
        "segments": [
            (s["frames"], tuple(s["pts"]), s["duration"], s["offset"], listed(s["layers"]))
            for s in found.segments
        ],
        "end": (found.truncated, found.trailing if not found.truncated else 0),
    }


def listed(layers):
    return {
        number: (record["offset"], record["payload"], bool(record["encrypted"]))
        for number, record in layers.items()
    }


def fast(data: bytes, use_index: bool = True):
    """What ``Stream`` finds; None if something is broken."""
    stream = Stream(io.BytesIO(data), max_level=7, use_index=use_index)
    if stream.fault:
        return None
    header, info = stream.header, stream.header.info
    colour = info.format.colour
    entries = list(stream.segments)

    def stored(entry):
        size = entry.record.payload_offset
        return entry.offset, data[size : size + entry.size], entry.encrypted

    return {
        "codec": (header.codec, header.codec_version, header.level),
        "format": (
            info.format.layout,
            info.format.alpha,
            info.format.depth,
            (colour.primaries, colour.transfer, colour.matrix, colour.full_range),
        ),
        "size": (info.width, info.height, info.sample_aspect),
        "time": (None, None) if info.still else (info.time_base, info.frame_rate),
        "shared": {n: stored(entry) for n, entry in stream.shared_entries.items()},
        "attachments": [(e.kind, e.size, e.encrypted) for e in stream.attachment_entries],
        "segments": [
            (e.frames, e.pts, e.duration, e.offset, {n: stored(r) for n, r in e.layers.items()})
            for e in entries
        ],
        "end": (stream.truncated, stream.trailing_bytes),
    }


SAMPLES = [
    rich_clip(),
    rich_still(),
    rich_clip(raw_key()),
    rich_still(raw_key()),
    rich_clip(passphrase()),
    rich_clip(raw_key(frozenset({Layer.TEXT}))),
    write(STILL, [(1, {Layer.PICTURE: b"p" * 5000})], checksums=True),
    write(STILL.replace(sample_aspect=Fraction(4, 3)), [(1, {57: b"unknown"})]),
    write(CLIP, [], weights_hash=b"12345678", level=4),
    write(CLIP, clip_segments(), late_attachments=ATTACHMENTS, checksums=False),
]


@pytest.mark.parametrize("data", SAMPLES)
def test_samples(data):
    assert plain(data) == fast(data)
    assert plain(data + b"tail") == fast(data + b"tail")


@given(info=stills, layers=layer_sets)
@settings(max_examples=60, deadline=None)
def test_any_still(info, layers):
    data = write(info, [(1, layers)], attachments=ATTACHMENTS)
    assert plain(data) == fast(data)


@given(info=clips, segments=timed_segments())
@settings(max_examples=60, deadline=None)
def test_any_clip(info, segments):
    data = write(info, segments, shared=SHARED)
    assert plain(data) == fast(data)


def test_cut_clips():
    data = rich_clip()
    start = open_stream(io.BytesIO(data)).segments[0].offset
    for size in range(start, len(data)):
        assert plain(data[:size]) == fast(data[:size])


def test_both_refuse_or_accept_changed_bytes():
    """Bytes without checksums are changed; the readers agree on what is still a whole stream.

    Which fault they meet first may differ: one may call cut short what the other calls broken.
    """
    choices = random.Random(1)
    agreed = 0
    for data in (SAMPLES[-1], SAMPLES[1]):
        for place in range(4, len(data)):
            changed = data[:place] + bytes([data[place] ^ 1 << choices.randrange(8)])
            changed += data[place + 1 :]
            try:
                expected = plain(changed)
            except BrokenError:
                expected = None
            try:
                found = fast(changed, use_index=False)
            except IvcError:
                found = None
            whole = [each for each in (found, expected) if each and not each["end"][0]]
            assert not whole or found == expected, f"byte {place}"
            agreed += bool(whole)
    assert agreed > 50


def test_it_shares_no_code():
    imported = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(SOURCE.read_text(encoding="utf-8")))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported == {"json", "sys", "fractions", "pathlib"}


def test_it_lists_a_file(tmp_path):
    path = tmp_path / "clip.ivc"
    path.write_bytes(rich_clip(raw_key()))
    done = subprocess.run([sys.executable, SOURCE, path], capture_output=True, check=True)
    listing = json.loads(done.stdout)
    assert listing["header"]["colour"] == list(vars_of(Colour(1, 1, 1, False)))
    assert [segment["frames"] for segment in listing["segments"]] == [4, 4, 4]


def vars_of(colour: Colour):
    return colour.primaries, colour.transfer, colour.matrix, int(colour.full_range)
