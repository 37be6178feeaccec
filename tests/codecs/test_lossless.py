import re

import numpy as np
import pytest
from codec_inputs import FORMATS, SIZES, header_of, pattern
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit, types
from test_damaged_payloads import damaged

from ivc import threads
from ivc.codecs import by_name
from ivc.codecs.base import Settings
from ivc.codecs.lossless import Lossless, mlp, model, squares, stripes
from ivc.codecs.lossless.tools import Tools
from ivc.entropy.fields import pack
from ivc.errors import BitstreamError
from ivc.types import Frames, Layer, Layout, PixelFormat, Segment

CODEC = Lossless()


def roundtrip(segment, effort):
    layers = CODEC.encode(segment, Settings(effort=effort), {})
    return layers[Layer.PICTURE], CODEC.decode(layers, header_of(segment), {})


def test_is_registered():
    assert isinstance(by_name("lossless").load(), Lossless)
    assert by_name("lossless").number == 4


@pytest.mark.parametrize("effort", [1, 5, 9])
@pytest.mark.parametrize("pixel_format", FORMATS, ids=str)
def test_every_format_and_size(pixel_format, effort):
    for width, height in SIZES[::2] if effort == 9 else SIZES:
        for frames in (1, 3):
            segment = pattern(pixel_format, width, height, frames)
            assert roundtrip(segment, effort)[1] == segment.frames


@settings(deadline=None, max_examples=15)
@given(
    width=st.integers(1, 20), height=st.integers(1, 20), depth=st.integers(8, 16),
    layout=st.sampled_from(Layout), seed=st.integers(0, 999), extremes=st.booleans(),
    effort=st.sampled_from([3, 4, 7, 9]),
)  # fmt: skip
def test_any_samples(width, height, depth, layout, seed, extremes, effort):
    pixel_format = PixelFormat(layout, depth, alpha=seed % 2 == 0)
    rng = np.random.default_rng(seed)
    values = [0, pixel_format.max_value] if extremes else pixel_format.max_value + 1
    planes = [
        rng.choice(values, (2, *shape)).astype(pixel_format.dtype)
        for shape in pixel_format.plane_shapes(width, height)
    ]
    segment = Segment(Frames(planes, pixel_format))
    assert roundtrip(segment, effort)[1] == segment.frames


def test_more_effort_is_smaller(photograph):
    sizes = [len(roundtrip(photograph, effort)[0]) for effort in (1, 2, 3, 4, 5, 6, 7, 8, 9)]
    assert sizes == sorted(sizes, reverse=True)


def test_decisions_use_no_fused_operations():
    one, two, n = types.float64[::1], types.float64[:, ::1], types.int64
    network = types.NamedTuple([one, two, one, one, one, one], mlp.Network)
    kernels = {
        squares.solve: (one, n, n, types.float64, one, one),
        squares.add_samples: (two, n, one, one, n, n),
        squares.gather: (one, two, two, n, n, n, types.float64, types.float64),
        mlp.answer: (network,),
        mlp.teach: (network, types.float64, types.float64),
    }
    for kernel, signature in kernels.items():
        # compiled anew: code from the cache cannot be looked at
        again = njit(nogil=True, error_model="numpy")(kernel.py_func)
        again.compile(signature)
        code = again.inspect_asm(again.signatures[0])
        assert re.search(r"mulsd|mulpd|fmul", code)
        assert not re.search(r"\bv?fn?m(add|sub|la|ls)", code)


def test_threads_do_not_change_bytes(monkeypatch, photograph):
    monkeypatch.setattr("ivc.codecs.lossless.STRIPE", 192 * 50)
    for effort in (1, 4):
        found = set()
        for count in (1, 2, 5):
            with threads.at_most(count):
                payload, decoded = roundtrip(photograph, effort)
            assert decoded == photograph.frames
            found.add(payload)
        assert len(found) == 1


def test_any_strides(photograph):
    planes = [plane[:, ::-1, ::2][:, 3:] for plane in photograph.frames.planes]
    odd = Segment(Frames(planes, photograph.frames.format))
    whole = Segment(
        Frames([np.ascontiguousarray(plane) for plane in planes], photograph.frames.format)
    )
    for effort in (1, 3, 5):
        assert roundtrip(odd, effort)[0] == roundtrip(whole, effort)[0]


def test_stages_can_be_left_out(photograph):
    cut = list(photograph.frames.planes)
    pixel_format = photograph.frames.format
    whole = stripes.encode(cut, pixel_format, 9)
    for less in (Tools(references=False), Tools(knobs=model.KNOBS._replace(rate=0.0))):
        data = stripes.encode(cut, pixel_format, 9, less)
        out = [np.zeros_like(plane) for plane in cut]
        stripes.decode(memoryview(data), pixel_format, out, less)
        assert all((a == b).all() for a, b in zip(cut, out, strict=True))
        assert len(data) > len(whole)


@pytest.mark.parametrize("effort", [3, 5, 9])
def test_damaged_payloads(effort):
    for pixel_format in (PixelFormat(Layout.RGB, 16, True), PixelFormat(Layout.YUV420, 10)):
        segment = pattern(pixel_format, 43, 29, 2)
        payload, _ = roundtrip(segment, effort)
        rng = np.random.default_rng(0)
        errors = 0
        for _ in range(30):
            try:
                decoded = CODEC.decode(
                    {Layer.PICTURE: damaged(payload, rng)}, header_of(segment), {}
                )
            except BitstreamError:
                errors += 1
                continue
            assert all(plane.max() <= pixel_format.max_value for plane in decoded.planes)
        assert errors > 15


def test_few_colours():
    rng = np.random.default_rng(0)
    colours = rng.integers(0, 256, (5, 3), np.uint8)
    indices = rng.integers(0, 5, (1, 40, 50)).cumsum(2) // 40 % 5
    planes = [np.ascontiguousarray(colours[indices, i]) for i in range(3)]
    segment = Segment(Frames(planes, PixelFormat(Layout.RGB)))
    for effort in (1, 9):
        payload, decoded = roundtrip(segment, effort)
        assert decoded == segment.frames
        assert len(payload) < 40 * 50 / 4


def test_impossible_headers():
    segment = Segment(
        Frames([np.arange(60, dtype=np.uint8).reshape(1, 6, 10)] * 3, PixelFormat(Layout.RGB))
    )
    rest = bytes(range(1, 250)) * 4
    palette_of_raw = pack(stripes.Header(stripes.RAW, 0, 5, 0))
    colours_of_raw = pack(stripes.Header(stripes.RAW, 1, 0, 0))
    no_model = pack(stripes.Header(3, 0, 0, 0))
    for head in (palette_of_raw, colours_of_raw, no_model, b"\x0a\x00\x00\x00", b""):
        with pytest.raises(BitstreamError):
            CODEC.decode({Layer.PICTURE: head + rest}, header_of(segment), {})
    wide = Segment(Frames([np.zeros((1, 1, 8193), np.uint8)], PixelFormat(Layout.GRAY)))
    head = pack(stripes.Header(9, 0, 0, 0))
    with pytest.raises(BitstreamError, match="too wide"):
        CODEC.decode({Layer.PICTURE: head + rest}, header_of(wide), {})


def test_wide_rows_take_a_model_of_little_memory():
    rng = np.random.default_rng(0)
    for width, model_used in ((8192, 9), (8193, 5)):
        plane = np.minimum(rng.integers(0, 200, (1, 2, width)).cumsum(2) // 400, 255)
        segment = Segment(Frames([plane.astype(np.uint8)], PixelFormat(Layout.GRAY)))
        payload, decoded = roundtrip(segment, 9)
        assert decoded == segment.frames
        assert payload[0] <= model_used


def test_a_black_picture_does_not_decide_for_a_clip(photograph):
    cut = [plane[:, :96, :96] for plane in photograph.frames.planes]
    clip = [np.concatenate([plane * 0, plane, plane]) for plane in cut]
    one = Segment(Frames([np.ascontiguousarray(p) for p in cut], photograph.frames.format))
    three = Segment(Frames(clip, photograph.frames.format))
    for effort in (2, 5):
        single, several = (len(roundtrip(s, effort)[0]) for s in (one, three))
        assert several < 1.1 * single + 100


def test_stripes(monkeypatch):
    monkeypatch.setattr("ivc.codecs.lossless.STRIPE", 33 * 20)
    for pixel_format in (PixelFormat(Layout.YUV420), PixelFormat(Layout.RGB, 10, True)):
        segment = pattern(pixel_format, 33, 61, 2)
        for effort in (3, 9):
            payload, decoded = roundtrip(segment, effort)
            assert decoded == segment.frames
        for data in (b"", b"\xff\xff\xff\xff" + payload, payload[:3], payload[:-9]):
            with pytest.raises(BitstreamError):
                CODEC.decode({Layer.PICTURE: data}, header_of(segment), {})
