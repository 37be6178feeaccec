import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivc.signal import colour

KINDS = [colour.IDENTITY, colour.SUBTRACT_GREEN, colour.YCOCG_R]


def reversible_roundtrip(rgb, kind, maximum):
    planes = [np.empty(rgb[0].shape, np.int32) for _ in range(3)]
    colour.forward_reversible(*rgb, kind, *planes)
    back = [np.empty_like(p) for p in rgb]
    colour.inverse_reversible(*planes, kind, maximum, *back)
    return planes, back


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None)  # the first example compiles
@given(depth=st.integers(8, 16), seed=st.integers(0, 2**32 - 1))
def test_reversible_is_exact_and_within_its_range(kind, depth, seed):
    top = 2**depth - 1
    rng = np.random.default_rng(seed)
    dtype = np.uint8 if depth == 8 else np.uint16
    rgb = [rng.choice([0, top, rng.integers(top + 1)], (3, 5)).astype(dtype) for _ in range(3)]
    planes, back = reversible_roundtrip(rgb, kind, top)
    assert all(np.array_equal(a, b) for a, b in zip(rgb, back, strict=True))
    assert planes[0].min() >= 0
    assert planes[0].max() <= top
    assert all(abs(p).max() <= top for p in planes[1:])


def opponent(rgb, fraction_bits):
    planes = [np.empty(rgb[0].shape, np.int32) for _ in range(3)]
    for axis, plane in enumerate(planes):
        colour.rgb_to_opponent(*rgb, axis, fraction_bits, plane)
    return planes


@pytest.mark.parametrize("depth", [8, 16])
def test_opponent_there_and_back(depth):
    top = 2**depth - 1
    rng = np.random.default_rng(1)
    dtype = np.uint8 if depth == 8 else np.uint16
    rgb = [rng.integers(0, top + 1, (40, 50)).astype(dtype) for _ in range(3)]
    back = [np.empty_like(p) for p in rgb]
    colour.opponent_to_rgb(*opponent(rgb, 2), 2, top, *back)
    bound = 0 if depth == 8 else 3  # the 16 bit weights are rounded to 1/65536
    assert all(np.abs(a.astype(int) - b).max() <= bound for a, b in zip(rgb, back, strict=True))


def test_opponent_axes_weigh_errors_equally():
    base = [np.full((1, 1), value, np.int32) for value in (100 << 6, 0, 0)]
    for axis in range(3):
        moved = [p.copy() for p in base]
        moved[axis] += 20 << 6
        out = []
        for planes in (base, moved):
            rgb = [np.empty((1, 1), np.uint16) for _ in range(3)]
            colour.opponent_to_rgb(*planes, 0, 65535, *rgb)
            out.append(np.array(rgb, float).ravel())
        assert ((out[0] - out[1]) ** 2).sum() == pytest.approx(3 * (20 << 6) ** 2, rel=0.01)


def test_gray_has_no_colour():
    gray = [np.full((2, 2), 200, np.uint8)] * 3
    luma, first, second = opponent(gray, 2)
    assert (luma == 800).all()
    assert not first.any()
    assert not second.any()
