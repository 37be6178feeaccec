import numpy as np

from ivc.signal.deblock import deblock, squared_error


def step_plane(height):
    plane = np.full((16, 16), 400, np.int32)
    plane[:, 8:] += height
    return plane


def test_small_step_is_softened_and_a_large_one_is_kept():
    small, large = step_plane(20), step_plane(300)
    deblock(small, 16, 0, 1023)
    deblock(large, 16, 0, 1023)
    assert np.diff(small[5]).max() < 12
    assert (small[:, :6] == 400).all()
    assert np.array_equal(large, step_plane(300))


def test_rows_and_columns_are_treated_alike():
    across, down = step_plane(20), np.ascontiguousarray(step_plane(20).T)
    deblock(across, 16, 0, 1023)
    deblock(down, 16, 0, 1023)
    assert np.array_equal(across, down.T)


def test_texture_is_kept():
    plane = np.random.default_rng(3).integers(0, 1024, (24, 24)).astype(np.int32)
    filtered = plane.copy()
    deblock(filtered, 8, 0, 1023)
    assert squared_error(filtered, plane) < 0.001 * squared_error(plane, np.zeros_like(plane))


def test_squared_error():
    a, b = np.zeros((2, 3), np.int32), np.full((2, 3), 1 << 20, np.int32)
    assert squared_error(a, b) == 6 << 40
