import numpy as np
import pytest

from ivc.signal.intra import FIRST_DIRECTION, GRADIENT, MEAN, MODES, gather_border, predict_block


def border_of(plane, y0, x0, neutral=-1):
    border = np.empty(25, np.int32)
    gather_border(plane, y0, x0, neutral, border)
    return border


def prediction(border, mode):
    block = np.empty(64, np.int32)
    predict_block(border, mode, block)
    return block.reshape(8, 8)


PLANE = np.arange(24 * 32, dtype=np.int32).reshape(24, 32)


def test_border_inside():
    border = border_of(PLANE, 8, 8)
    assert border[:8].tolist() == [PLANE[15 - i, 7] for i in range(8)]
    assert border[8] == PLANE[7, 7]
    assert border[9:].tolist() == PLANE[7, 8:24].tolist()


def test_border_at_the_edges():
    assert (border_of(PLANE, 0, 0) == -1).all()
    top = border_of(PLANE, 0, 8)
    assert top[:8].tolist() == [PLANE[7 - i, 7] for i in range(8)]
    assert (top[8:] == PLANE[0, 7]).all()
    left = border_of(PLANE, 8, 0)
    assert (left[:9] == PLANE[7, 0]).all()
    right = border_of(PLANE, 8, 24)
    assert (right[17:] == PLANE[7, 31]).all()


@pytest.mark.parametrize("mode", range(MODES))
def test_constant_border_predicts_a_constant_block(mode):
    assert (prediction(np.full(25, 77, np.int32), mode) == 77).all()


@pytest.mark.parametrize("mode", range(MODES))
def test_prediction_stays_within_the_border_values(mode):
    rng = np.random.default_rng(mode)
    for _ in range(50):
        border = rng.integers(0, 1024, 25).astype(np.int32)
        block = prediction(border, mode)
        assert block.min() >= border.min()
        assert block.max() <= border.max()


def test_columns_rows_and_mean():
    border = np.arange(25, dtype=np.int32) * 10
    columns = prediction(border, FIRST_DIRECTION)
    rows = prediction(border, FIRST_DIRECTION + 6)
    assert (columns == border[9:17]).all()
    assert (rows == border[:8][::-1, None]).all()
    assert (prediction(border, MEAN) == 80).all()


def test_gradient_continues_a_ramp():
    y, x = np.mgrid[:16, :16].astype(np.int32)
    plane = np.where(x > 7, 50, 50 + y)
    border = border_of(np.ascontiguousarray(plane), 8, 8)
    assert prediction(border, GRADIENT).shape == (8, 8)
    assert prediction(border, GRADIENT)[7, 0] == border[0] + border[9] - border[8]


def test_diagonal_copies_along_the_diagonal():
    border = np.arange(25, dtype=np.int32)
    diagonal = prediction(border, FIRST_DIRECTION + 3)
    assert all(diagonal[i, j] == border[8 + j - i] for i in range(8) for j in range(8))
