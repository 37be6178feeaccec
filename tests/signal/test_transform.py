import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivc.signal.dct import COEFFICIENT_LIMIT, forward_dct, inverse_dct

_K, _X = np.mgrid[:8, :8]
MATRIX = np.rint(
    2**15 * np.cos((2 * _X + 1) * _K * np.pi / 16) * np.where(_K == 0, np.sqrt(1 / 8), 0.5)
).astype(np.int64)


def forward(block):
    out = np.empty(64, np.int32)
    forward_dct(block, out)
    return out


def inverse(coefficients):
    out = np.empty(64, np.int32)
    inverse_dct(coefficients, out)
    return out


@pytest.mark.parametrize("amplitude", [1, 255, 1 << 19])
def test_both_directions_equal_the_matrix_product(amplitude):
    rng = np.random.default_rng(amplitude)
    for _ in range(20):
        block = rng.integers(-amplitude, amplitude + 1, 64).astype(np.int32)
        square = block.reshape(8, 8).astype(np.int64)
        there = (MATRIX @ square @ MATRIX.T + (1 << 29)) >> 30
        back = (MATRIX.T @ square @ MATRIX + (1 << 29)) >> 30
        assert np.array_equal(forward(block), there.ravel())
        assert np.array_equal(inverse(block), back.ravel())


@settings(deadline=None)  # the first example compiles
@given(st.integers(0, 2**32 - 1))
def test_there_and_back_is_within_one(seed):
    block = np.random.default_rng(seed).integers(-4096, 4096, 64).astype(np.int32)
    assert np.abs(inverse(forward(block)) - block).max() <= 1


def test_largest_coefficients_do_not_overflow():
    signs = np.sign(MATRIX[1])[:, None] * np.sign(MATRIX[1])[None, :]
    coefficients = (signs * COEFFICIENT_LIMIT).astype(np.int32).ravel()
    exact = [
        (sum(int(MATRIX[u, y]) * int(MATRIX[v, x]) * int(coefficients[8 * u + v])
             for u in range(8) for v in range(8)) + (1 << 29)) >> 30
        for y in range(8) for x in range(8)
    ]  # fmt: skip
    assert inverse(coefficients).tolist() == exact


def test_flat_block_has_one_coefficient():
    coefficients = forward(np.full(64, 100, np.int32))
    assert coefficients[0] == 800
    assert not coefficients[1:].any()
