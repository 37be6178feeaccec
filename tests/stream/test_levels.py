"""Levels: what fits, what is declared, and what a reader permits."""

import io
from fractions import Fraction
from itertools import pairwise

import pytest

from ivc.errors import LimitError, UnsupportedError, UsageError
from ivc.stream import DEFAULT_MAX_LEVEL, LEVELS, open_stream, smallest_level
from ivc.types import Layer

from .samples import CLIP, STILL, write


@pytest.mark.parametrize(
    ("width", "height", "level"),
    [
        (1, 1, 1),
        (512, 512, 1),
        (513, 512, 2),
        (1920, 1080, 3),
        (3840, 2160, 4),
        (7680, 4320, 5),
        (16384, 16384, 6),
        (16385, 16384, 7),
    ],
)
def test_smallest_level_of_stills(width, height, level):
    info = STILL.replace(width=width, height=height)
    assert smallest_level(info) == level
    data = write(info, [(1, {Layer.PICTURE: b""})])
    assert open_stream(io.BytesIO(data), max_level=level).header.level == level
    with pytest.raises(LimitError, match=f"level {level}"):
        open_stream(io.BytesIO(data), max_level=level - 1)


def test_limits_grow():
    for small, large in pairwise(LEVELS):
        assert small.number + 1 == large.number
        assert small.picture_samples < large.picture_samples <= large.segment_samples
        assert small.segment_samples < large.segment_samples
        assert small.sample_rate < large.sample_rate
    assert LEVELS[DEFAULT_MAX_LEVEL - 1].picture_samples == 1 << 28


def test_rate_and_segment_length_raise_the_level():
    cif = CLIP.replace(width=352, height=288)
    assert smallest_level(cif, 32) == 1
    assert smallest_level(cif, 100) == 2
    assert smallest_level(cif.replace(frame_rate=Fraction(240))) == 2
    with pytest.raises(UnsupportedError, match="shorter segments"):
        smallest_level(cif, 1 << 20)


def test_a_writer_keeps_to_its_level():
    frames = LEVELS[0].segment_samples // (64 * 48)
    assert write(CLIP, [(frames, {Layer.PICTURE: b""})], level=1)
    with pytest.raises(UsageError, match="does not fit level 1"):
        write(CLIP, [(frames + 1, {Layer.PICTURE: b""})])
    assert write(CLIP, [(frames + 1, {Layer.PICTURE: b""})], level=2)
    for level in (1, 8):
        with pytest.raises(UsageError, match="does not fit; the smallest is 3"):
            write(CLIP.replace(width=1920, height=1080), [], level=level)


def test_a_clip_that_hides_its_size_is_refused():
    data = write(CLIP, [], level=1)
    wide = data[:8] + b"\xff\x7f\xff\x7f" + data[10:]
    with pytest.raises(LimitError, match="16384x16384 at its frame rate exceeds its level 1"):
        open_stream(io.BytesIO(wide))
    unknown = data[:10] + b"\x08" + data[11:]
    with pytest.raises(LimitError, match="level 8 is unknown"):
        open_stream(io.BytesIO(unknown), max_level=9)
