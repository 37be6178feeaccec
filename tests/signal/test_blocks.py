import numpy as np
import pytest

from ivc.signal.blocks import load_plane, store_plane, subsample, upsample


def test_load_pads_by_repeating_and_store_undoes_it():
    plane = np.arange(15, dtype=np.uint8).reshape(3, 5)
    out = np.empty((8, 8), np.int32)
    load_plane(plane, (3, 5), 2, out)
    assert np.array_equal(out, 4 * np.pad(plane.astype(np.int32), ((0, 5), (0, 3)), "edge"))
    back = np.empty_like(plane)
    store_plane(out, 2, 255, back)
    assert np.array_equal(back, plane)


def test_store_rounds_and_clips():
    plane = np.array([[-9, 1, 2, 1021, 5000]], np.int32)
    out = np.empty((1, 5), np.uint8)
    store_plane(plane, 2, 255, out)
    assert out.tolist() == [[0, 0, 1, 255, 255]]


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (9, 4), (16, 16)])
def test_halving_and_doubling_keep_a_flat_plane(shape):
    half = (-(-shape[0] // 2), -(-shape[1] // 2))
    small = np.empty((8, 8), np.int32)
    subsample(np.full(shape, 321, np.int32), half, small)
    assert (small == 321).all()
    assert np.array_equal(upsample(small, shape), np.full(shape, 321))


def test_doubling_continues_a_ramp_and_ignores_what_lies_beyond():
    ramp = np.arange(0, 640, 16, dtype=np.int32)[None, :].repeat(4, 0)
    half = np.full((8, 24), -9999, np.int32)
    subsample(ramp, (2, 20), half)
    half[2:], half[:, 20:] = -9999, -9999
    doubled = upsample(half, (4, 40))
    assert np.array_equal(doubled[:, 1:-1], ramp[:, 1:-1])
