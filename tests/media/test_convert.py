"""Display conversion against the formulas of the standards, and arrays and Pillow images."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ivc.errors import MediaError, UsageError
from ivc.media import frames_from_array, frames_to_array, from_pillow, to_pillow
from ivc.media.convert import change_depth, to_rgb, to_yuv444
from ivc.media.orientation import orient
from ivc.types import Colour, Frames, Layout, PixelFormat

from .conftest import ALL_FORMATS, noise


@pytest.mark.parametrize("matrix", [1, 5, 6, 7, 9])
@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize("depth", [8, 10, 16])
def test_matrices_are_those_of_h273(matrix, full_range, depth):
    kr, kb = {1: (0.2126, 0.0722), 7: (0.212, 0.087), 9: (0.2627, 0.0593)}.get(
        matrix, (0.299, 0.114)
    )
    form = PixelFormat(Layout.YUV444, depth, False, Colour(1, 1, matrix, full_range))
    frames = noise(form, 20, 20)
    y, u, v = (plane.astype(np.float64) for plane in frames.planes)
    unit, top = 2.0 ** (depth - 8), 2.0**depth - 1
    if full_range:
        y, u, v = y / top, (u - 128 * unit) / top, (v - 128 * unit) / top
    else:
        y = (y / unit - 16) / 219
        u, v = ((c / unit - 128) / 224 for c in (u, v))
    r, b = y + 2 * (1 - kr) * v, y + 2 * (1 - kb) * u
    g = (y - kr * r - kb * b) / (1 - kr - kb)
    expected = [np.clip(np.floor(c * top + 0.5), 0, top) for c in (r, g, b)]
    got = to_rgb(frames)
    assert got.format == PixelFormat(Layout.RGB, depth, False, Colour(1, 1, 0, True))
    for plane, want in zip(got.planes, expected, strict=True):
        assert np.abs(plane - want).max() <= 1


_WEIGHTS = {1: (0.2126, 0.0722), 7: (0.212, 0.087), 9: (0.2627, 0.0593)}


def test_black_and_white_and_unknown_matrices():
    form = PixelFormat(Layout.YUV420, 8)
    planes = [np.array([[[16, 235, 0, 255]]], np.uint8), *[np.full((1, 1, 2), 128, np.uint8)] * 2]
    shown = frames_to_array(Frames(planes, form))[0, 0]
    assert shown.tolist() == [[0] * 3, [255] * 3, [0] * 3, [255] * 3]
    gray = PixelFormat(Layout.GRAY, 8)
    assert frames_to_array(Frames(planes[:1], gray))[0, 0].tolist() == [0, 255, 0, 255]
    ictcp = PixelFormat(Layout.YUV444, 8, False, Colour(9, 16, 14))
    with pytest.raises(MediaError, match="matrix 14"):
        to_rgb(noise(ictcp, 2, 2))


def test_identity_and_ycgco():
    rgb = noise(PixelFormat(Layout.RGB, 8, False, Colour(1, 13, 0, True)), 9, 9)
    r, g, b = rgb.planes
    gbr = Frames([g, b, r], PixelFormat(Layout.YUV444, 8, False, Colour(1, 13, 0, True)))
    with_centre = to_rgb(gbr)
    assert all(np.array_equal(p, q) for p, q in zip(with_centre.planes, rgb.planes, strict=True))
    ycgco = PixelFormat(Layout.YUV444, 8, False, Colour(1, 13, 8, True))
    gray = Frames(
        [np.full((1, 1, 1), 90, np.uint8), *[np.full((1, 1, 1), 128, np.uint8)] * 2], ycgco
    )
    assert [int(p[0, 0, 0]) for p in to_rgb(gray).planes] == [90, 90, 90]


@pytest.mark.parametrize("layout", [Layout.YUV420, Layout.YUV422])
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (7, 5)])
def test_chroma_of_one_colour_stays_one_colour(layout, size):
    for full_range in (False, True):
        form = PixelFormat(layout, 8, False, Colour(1, 1, 1, full_range))
        shapes = form.plane_shapes(*size)
        values = zip(shapes, (90, 140, 60), strict=True)
        frames = Frames([np.full((1, *s), v, np.uint8) for s, v in values], form)
        pixels = frames_to_array(frames).reshape(-1, 3)
        assert (pixels == pixels[0]).all()


def test_rgb_through_444_and_back():
    rgb = noise(PixelFormat(Layout.RGB, 8, True, Colour(1, 13, 0, True)), 30, 30)
    back = to_rgb(to_yuv444(rgb))
    worst = [np.abs(p.astype(int) - q).max() for p, q in zip(back.planes, rgb.planes, strict=True)]
    assert max(worst) <= 2
    assert worst[3] == 0


@settings(max_examples=40, deadline=None)
@given(st.integers(8, 16), st.integers(8, 16), st.booleans(), st.integers(0, 99))
def test_more_bits_and_back_loses_nothing(a, b, full_range, seed):
    low, high = sorted((a, b))
    form = PixelFormat(Layout.YUV420, low, True, Colour(full_range=full_range))
    frames = noise(form, 5, 3, seed=seed)
    assert change_depth(change_depth(frames, high), low) == frames


def test_full_range_depths_keep_black_and_white():
    form = PixelFormat(Layout.GRAY, 16, False, Colour(full_range=True))
    frames = Frames([np.array([[[0, 65535, 128, 129, 385, 386]]], np.uint16)], form)
    assert change_depth(frames, 8).planes[0][0, 0].tolist() == [0, 255, 0, 1, 1, 2]


@pytest.mark.parametrize("form", ALL_FORMATS, ids=str)
def test_orientations_undo_each_other(form):
    frames = noise(form, 7, 4)
    inverse = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}
    for code, back in inverse.items():
        turned = orient(frames, code)
        again = orient(turned, back)
        if form.layout is Layout.YUV422 and code > 4:
            assert turned.format.layout is Layout.YUV444
            assert np.array_equal(again.planes[1][:, :, ::2], frames.planes[1])
            assert np.array_equal(again.planes[0], frames.planes[0])
        else:
            assert again == frames


@pytest.mark.parametrize(
    "shape", [(4, 6), (4, 6, 1), (4, 6, 2), (4, 6, 3), (4, 6, 4), (3, 4, 6), (2, 4, 6, 3), (1, 1)]
)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_arrays_and_back(shape, dtype):
    array = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype)
    frames = frames_from_array(array)
    assert frames.format.depth == np.iinfo(dtype).bits
    assert np.array_equal(frames_to_array(frames).reshape(shape), array)


def test_arrays_that_are_no_pictures():
    assert frames_from_array(np.array([[True, False]])).planes[0].tolist() == [[[255, 0]]]
    with pytest.raises(UsageError, match="float64"):
        frames_from_array(np.zeros((4, 4)))
    with pytest.raises(UsageError, match="shape"):
        frames_from_array(np.zeros((1, 2, 4, 4, 5), np.uint8))
    with pytest.raises(UsageError, match="shape"):
        frames_from_array(np.zeros((0, 4), np.uint8))
    with pytest.raises(UsageError, match="more than 10 bits"):
        frames_from_array(np.full((4, 4), 1024, np.uint16), depth=10)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "I;16"])
def test_pillow_images_and_back(mode):
    rng = np.random.default_rng(1)
    if mode == "I;16":
        image = Image.fromarray(rng.integers(0, 65536, (5, 8), dtype=np.uint16))
    else:
        channels = len(mode)
        pixels = rng.integers(0, 255, (5, 8, channels), dtype=np.uint8)
        image = Image.fromarray(pixels[..., 0] if channels == 1 else pixels, mode)
    back = to_pillow(from_pillow(image))
    assert back.mode == mode
    assert back.tobytes() == image.tobytes()


def test_deep_colour_is_rounded_for_pillow():
    frames = frames_from_array(np.full((2, 2, 3), 65535, np.uint16))
    assert to_pillow(frames).getpixel((0, 0)) == (255, 255, 255)
    with pytest.raises(UsageError, match="floating-point"):
        from_pillow(Image.new("F", (2, 2)))
    with pytest.raises(UsageError, match=r"outside 0\.\.65535"):
        from_pillow(Image.new("I", (2, 2), -1))
