"""Effort 1 of ``lossless``: the quick model."""

import numpy as np
import pytest
from codec_inputs import FORMATS, SIZES, header_of, pattern
from hypothesis import given, settings
from hypothesis import strategies as st
from test_damaged_payloads import damaged

from ivc.codecs.base import Settings
from ivc.codecs.lossless import Lossless, palette, quick, stripes
from ivc.errors import BitstreamError
from ivc.signal import colour
from ivc.types import Frames, Layer, Layout, PixelFormat, Segment

CODEC = Lossless()
GRAY = PixelFormat(Layout.GRAY)


@pytest.fixture(scope="module", autouse=True)
def small_pictures_too():
    """Let the quick model code the small pictures here, which are better off with another."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stripes, "SMALL", 0)
        yield


def encode(segment):
    return CODEC.encode(segment, Settings(effort=1), {})[Layer.PICTURE]


def decode(data, segment):
    return CODEC.decode({Layer.PICTURE: data}, header_of(segment), {})


def size_of(segment):
    """Bytes of a segment, which is seen to come back."""
    data = encode(segment)
    assert decode(data, segment) == segment.frames
    return len(data)


def gray(planes, depth=8):
    pixel_format = PixelFormat(Layout.GRAY, depth)
    return Segment(Frames([np.ascontiguousarray(planes, pixel_format.dtype)], pixel_format))


def test_effort_1_is_quick(photograph):
    assert encode(photograph)[0] == stripes.QUICK


@pytest.mark.parametrize("pixel_format", FORMATS, ids=str)
def test_every_format_and_size(pixel_format):
    for width, height in SIZES:
        for frames in (1, 2, 5):
            size_of(pattern(pixel_format, width, height, frames))


@settings(deadline=None, max_examples=40)
@given(
    width=st.integers(1, 40), height=st.integers(1, 40), depth=st.integers(8, 16),
    layout=st.sampled_from(Layout), seed=st.integers(0, 999), frames=st.integers(1, 3),
    kind=st.sampled_from(["noise", "extremes", "sparse", "flat"]),
)  # fmt: skip
def test_any_samples(width, height, depth, layout, seed, frames, kind):
    pixel_format = PixelFormat(layout, depth, alpha=seed % 2 == 0)
    rng = np.random.default_rng(seed)
    planes = []
    for shape in pixel_format.plane_shapes(width, height):
        plane = rng.integers(0, pixel_format.max_value + 1, (frames, *shape))
        if kind == "extremes":
            plane = np.where(plane & 1, pixel_format.max_value, 0)
        elif kind == "sparse":
            plane = np.where(plane % 17 == 0, plane, 5)
        elif kind == "flat":
            plane[:] = plane[0, 0, 0]
        planes.append(plane.astype(pixel_format.dtype))
    segment = Segment(Frames(planes, pixel_format))
    raw = -(-sum(plane.size for plane in planes) * depth // 8)
    assert size_of(segment) <= raw + 16


def test_a_photograph_is_much_smaller_than_raw(photograph):
    samples = sum(plane.size for plane in photograph.frames.planes)
    assert size_of(photograph) < 0.55 * samples


def test_flat_pictures_take_next_to_nothing():
    for depth in (8, 16):
        assert size_of(gray(np.full((1, 300, 500), 77), depth)) < 30
    pixel_format = PixelFormat(Layout.YUV420)
    planes = [np.full((3, *s), 9, np.uint8) for s in pixel_format.plane_shapes(200, 100)]
    assert size_of(Segment(Frames(planes, pixel_format))) < 90


def test_repeated_content_is_tried_first():
    rng = np.random.default_rng(0)
    tile = rng.integers(0, 256, (24, 24)) * (rng.random((24, 24)) < 0.4)
    once, often = size_of(gray(tile[None])), size_of(gray(np.tile(tile, (1, 6, 6))))
    assert often < 6 * once


def test_a_still_clip_costs_one_picture(photograph):
    planes = [np.repeat(plane, 4, axis=0) for plane in photograph.frames.planes]
    once, four = size_of(photograph), size_of(Segment(Frames(planes, photograph.frames.format)))
    assert four < 1.02 * once + 200


def test_clips_refer_to_the_picture_before():
    rng = np.random.default_rng(0)
    still = rng.integers(60, 190, (64, 96))
    clip = still + rng.integers(-1, 2, (4, 64, 96))
    assert size_of(gray(clip)) < 0.55 * 4 * size_of(gray(clip[:1]))


def test_batches_of_pictures(monkeypatch):
    segment = pattern(PixelFormat(Layout.YUV420), 33, 20, 7)
    together = size_of(segment)
    monkeypatch.setattr(quick, "BATCH", 3000)
    data = encode(segment)
    assert len(data) > together
    assert decode(data, segment) == segment.frames
    for cut in range(0, len(data), 97):
        with pytest.raises(BitstreamError):
            decode(data[:cut], segment)


def test_stripes(monkeypatch, photograph):
    monkeypatch.setattr("ivc.codecs.lossless.STRIPE", 192 * 50)
    assert size_of(photograph) > 0


@pytest.mark.parametrize(
    "segment",
    [
        pattern(PixelFormat(Layout.RGB, 16, True), 43, 29, 2),
        pattern(PixelFormat(Layout.YUV420, 10), 43, 29, 2),
        pattern(PixelFormat(Layout.RGB), 43, 29),
        gray((np.mgrid[:40, :60].sum(0) // 7 % 3 * 90)[None]),
    ],
)
def test_damaged_payloads(segment):
    payload = encode(segment)
    rng = np.random.default_rng(0)
    errors = 0
    for _ in range(150):
        try:
            decoded = decode(damaged(payload, rng), segment)
        except BitstreamError:
            errors += 1
            continue
        assert all(plane.max() <= segment.frames.format.max_value for plane in decoded.planes)
    assert errors > 75


def test_random_bytes():
    segment = pattern(PixelFormat(Layout.RGB, 12, True), 50, 40, 2)
    rng = np.random.default_rng(1)
    for size in range(150):
        header = bytes([stripes.QUICK, size % 3, 0, size % 2, size // 3])
        with pytest.raises(BitstreamError):
            decode(header + bytes(rng.integers(0, 256, size, np.uint8)), segment)


def test_a_large_picture_without_data_fails_early():
    # the tables of a small picture, and nothing that they could be used for
    data = encode(pattern(GRAY, 64, 64))[:-1500]
    large = Segment(Frames([np.zeros((1, 2000, 3000), np.uint8)], GRAY))
    with pytest.raises(BitstreamError):
        decode(data, large)


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 999), planes=st.integers(1, 4), colours=st.integers(1, 60),
    size=st.integers(1, 2000), top=st.sampled_from([255, 65535]),
)  # fmt: skip
def test_palettes_are_those_of_a_sort(seed, planes, colours, size, top):
    rng = np.random.default_rng(seed)
    table = rng.integers(0, top + 1, (colours, planes))
    picture = table[rng.integers(0, colours, (1, 1, size))]
    parts = [np.ascontiguousarray(picture[..., i]).astype(np.uint16) for i in range(planes)]
    wanted, indices = np.unique(picture.reshape(-1, planes), axis=0, return_inverse=True)
    found = palette.find(parts, 50)
    if len(wanted) > 50:
        assert found is None
        return
    assert found is not None
    assert (found[0] == wanted).all()
    assert (found[1].reshape(-1) == indices.reshape(-1)).all()


def test_colour_is_chosen_by_errors():
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 200, (3, 64, 64)).astype(np.uint8)
    assert colour.choose_reversible_quickly(list(noise)) == colour.IDENTITY
    alike = [noise[0], noise[0] + 3, noise[0] + 9]
    assert colour.choose_reversible_quickly(alike) != colour.IDENTITY
    assert colour.choose_reversible_quickly(list(noise[:, :1])) == colour.SUBTRACT_GREEN
