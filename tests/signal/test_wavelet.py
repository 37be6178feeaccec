import numpy as np
import pytest

from ivc.signal import wavelet

SHAPES = [(1, 1), (1, 2), (2, 1), (1, 7), (9, 1), (2, 2), (3, 5), (64, 64), (33, 64), (37, 51)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(
    ("forward", "inverse"),
    [
        (wavelet.forward, wavelet.inverse),
        (wavelet.forward_vertical, wavelet.inverse_vertical),
        (wavelet.forward_horizontal, wavelet.inverse_horizontal),
    ],
    ids=["both", "vertical", "horizontal"],
)
def test_inverse_undoes_forward(shape, forward, inverse):
    plane = np.random.default_rng(1).normal(0, 50, shape).astype(np.float32)
    copy = plane.copy()
    forward(copy)
    inverse(copy)
    assert np.abs(copy - plane).max() < 1e-3


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_flat_plane_has_no_details_and_twice_the_range(shape):
    plane = np.full(shape, 100, np.float32)
    wavelet.forward(plane)
    assert np.abs(plane[0::2, 0::2] - 200).max() < 1e-3
    plane[0::2, 0::2] = 0
    assert np.abs(plane).max() < 1e-3


def test_energy_is_nearly_kept():
    plane = np.random.default_rng(2).normal(0, 50, (128, 96)).astype(np.float32)
    energy = np.square(plane).sum()
    wavelet.forward(plane)
    assert 0.95 < np.square(plane).sum() / energy < 1.1


def test_against_the_filters_of_the_standard():
    """ITU-T T.800 table F.4: the impulse response of the low-pass synthesis filter."""
    taps = np.array([0.6029490182363579, 0.2668641184428723, -0.07822326652898785,
                     -0.01686411844287495, 0.02674875741080976])  # fmt: skip
    row = np.zeros((1, 33), np.float32)
    row[0, 16] = 1
    wavelet.forward_horizontal(row)
    # the low-pass coefficient at 16 weighs its own sample by the filter's middle tap
    assert row[0, 16] == pytest.approx(taps[0] * np.sqrt(2), abs=1e-5)
    assert row[0, 14] == pytest.approx(taps[2] * np.sqrt(2), abs=1e-5)
    assert row[0, 12] == pytest.approx(taps[4] * np.sqrt(2), abs=1e-5)
    row = np.zeros((1, 33), np.float32)
    row[0, 15] = 1
    wavelet.forward_horizontal(row)
    assert row[0, 16] == pytest.approx(taps[1] * np.sqrt(2), abs=1e-5)
    assert row[0, 18] == pytest.approx(taps[3] * np.sqrt(2), abs=1e-5)


def test_places_of_the_bands():
    rows = np.tile([[0.0], [100.0]], (16, 32)).astype(np.float32)
    wavelet.forward(rows)
    energies = {
        name: np.square(rows[y::2, x::2]).sum()
        for name, y, x in (("vertical", 1, 0), ("horizontal", 0, 1), ("diagonal", 1, 1))
    }
    assert energies["vertical"] > 1e4
    assert max(energies["horizontal"], energies["diagonal"]) < 1
