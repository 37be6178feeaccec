import hashlib
import io

import numpy as np
import pytest
from codec_inputs import FORMATS, SIZES, header_of, largest_error, pattern
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ivc.codecs.roadmap.dpcm import Dpcm, DpcmSettings
from ivc.errors import BitstreamError, UsageError
from ivc.types import Frames, Layer, Layout, PixelFormat, Segment

CODEC = Dpcm()


def roundtrip(segment, near=0):
    layers = CODEC.encode(segment, DpcmSettings(near=near), {})
    return layers[Layer.PICTURE], CODEC.decode(layers, header_of(segment), {})


@pytest.mark.parametrize("frames", [1, 3])
@pytest.mark.parametrize("pixel_format", FORMATS, ids=str)
def test_lossless(pixel_format, frames):
    for width, height in SIZES:
        segment = pattern(pixel_format, width, height, frames)
        _, decoded = roundtrip(segment)
        assert decoded == segment.frames


@pytest.mark.parametrize("near", [1, 2, 7, 255])
@pytest.mark.parametrize("pixel_format", FORMATS[::3] + FORMATS[-4:], ids=str)
def test_error_is_bounded(pixel_format, near):
    segment = pattern(pixel_format, 37, 21, 2)
    payload, decoded = roundtrip(segment, near)
    assert largest_error(decoded, segment.frames) <= near
    assert len(payload) < len(roundtrip(segment)[0])


@settings(deadline=None, max_examples=40)
@given(
    width=st.integers(1, 20), height=st.integers(1, 20), depth=st.integers(8, 16),
    layout=st.sampled_from(Layout), seed=st.integers(0, 999), extremes=st.booleans(),
    near=st.integers(0, 3),
)  # fmt: skip
def test_any_samples(width, height, depth, layout, seed, extremes, near):
    pixel_format = PixelFormat(layout, depth, alpha=seed % 2 == 0)
    rng = np.random.default_rng(seed)
    values = [0, pixel_format.max_value] if extremes else pixel_format.max_value + 1
    planes = [
        rng.choice(values, (2, *shape)).astype(pixel_format.dtype)
        for shape in pixel_format.plane_shapes(width, height)
    ]
    segment = Segment(Frames(planes, pixel_format))
    assert largest_error(roundtrip(segment, near)[1], segment.frames) <= near


@pytest.mark.parametrize("depth", [8, 10, 16])
def test_noise_does_not_grow(depth):
    pixel_format = PixelFormat(Layout.RGB, depth)
    rng = np.random.default_rng(0)
    planes = [rng.integers(0, 2**depth, (1, 64, 96)).astype(pixel_format.dtype) for _ in range(3)]
    segment = Segment(Frames(planes, pixel_format))
    payload, decoded = roundtrip(segment)
    assert decoded == segment.frames
    assert len(payload) <= 3 * 64 * 96 * depth / 8 + 8


def test_flat_and_repeated_rows_are_nearly_free():
    flat = Segment(Frames([np.full((1, 500, 700), 9, np.uint8)], PixelFormat(Layout.GRAY)))
    assert len(roundtrip(flat)[0]) < 40


def test_still_frames_of_a_clip_are_nearly_free():
    still = pattern(PixelFormat(Layout.YUV420), 96, 64, 1)
    planes = [np.repeat(plane, 10, 0) for plane in still.frames.planes]
    clip = Segment(Frames(planes, still.frames.format))
    assert len(roundtrip(clip)[0]) < len(roundtrip(still)[0]) + 150


def test_smaller_than_png(photograph):
    picture = np.stack([plane[0] for plane in photograph.frames.planes], -1)
    png = io.BytesIO()
    Image.fromarray(picture).save(png, "png", optimize=True)
    payload, decoded = roundtrip(photograph)
    assert decoded == photograph.frames
    assert len(payload) < 0.8 * len(png.getvalue())


def test_bytes_are_those_of_version_1():
    digests = [
        hashlib.sha256(roundtrip(pattern(f, 33, 18, 2, noise=0))[0]).hexdigest()[:16]
        for f in (PixelFormat(Layout.GRAY), PixelFormat(Layout.RGB, 10, True))
    ]
    assert digests == ["2adba73d911813d1", "b7e244a09a6c87d6"]


def test_near_out_of_range():
    with pytest.raises(UsageError, match="near"):
        roundtrip(pattern(FORMATS[0], 8, 8), 256)


@pytest.mark.parametrize(
    "layers",
    [{}, {Layer.PICTURE: b""}, {Layer.PICTURE: b"\0\0"}, {Layer.PICTURE: b"\2\0\0"},
     {Layer.PICTURE: b"\0\xff\xff\xff\xff\xff\0"}, {Layer.PICTURE: b"\0\0\0"}],
)  # fmt: skip
def test_impossible_payloads(layers):
    header = header_of(pattern(PixelFormat(Layout.RGB), 300, 300))
    with pytest.raises(BitstreamError):
        CODEC.decode(layers, header, {})
