import sys

import numpy as np
import pytest
from pictures import frames, gray, plane

from ivc.errors import UsageError
from ivc.metrics import luma, measure
from ivc.types import Frames, Layout, PixelFormat

ssimulacra2 = sys.modules["ivc.metrics.ssimulacra2"]


def rgb(picture):
    """Frames of a picture (H, W, 3)."""
    planes = [np.ascontiguousarray(picture[None, :, :, c]) for c in range(3)]
    return Frames(planes, PixelFormat(Layout.RGB))


def flat(side, level):
    return rgb(np.full((side, side, 3), level, np.uint8))


def noise(side, state):
    """The generator behind the original's figures: 64-bit linear congruential, bits 33 to 40."""
    samples = []
    for _ in range(side * side * 3):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        samples.append(state >> 33 & 255)
    return rgb(np.array(samples, np.uint8).reshape(side, side, 3))


def gradient(side):
    row = np.arange(side) * 255 // (side - 1)
    return rgb(np.broadcast_to(row[None, :, None], (side, side, 3)).astype(np.uint8))


def test_figures_of_the_original():
    """Of Cloudinary's program, as published with the Rust crate fast-ssim2 (imazen/ssimulacra2)."""
    assert measure("ssimulacra2", gradient(64), flat(64, 128)) == pytest.approx(-64.5687, abs=0.005)
    assert measure("ssimulacra2", noise(64, 42), flat(64, 128)) == pytest.approx(
        -47.3357, abs=0.005
    )


@pytest.mark.parametrize(
    ("side", "shift", "figure"),
    [
        (64, 5, 91.5236),
        (64, 10, 80.2429),
        (64, 20, 56.0586),
        (64, 50, -8.7594),
        (128, 10, 77.8430),
        (128, 20, 54.2788),
        (128, 50, -9.8238),
        (256, 10, 80.2915),
        (256, 20, 59.7789),
        (256, 50, -0.3909),
    ],
)
def test_figures_of_the_original_for_flat_pictures(side, shift, figure):
    """Rounding weighs heavily where nothing varies, and the original filters in singles."""
    pictures = flat(side, 128), flat(side, 128 + shift)
    assert measure("ssimulacra2", *pictures) == pytest.approx(figure, abs=0.4)


@pytest.mark.parametrize("shape", [(256, 300), (131, 257)])
def test_agrees_with_another_implementation(shape):
    """The maps by SciPy's filters on whole pictures, with the window taken from its recursion."""
    ndimage = pytest.importorskip("scipy.ndimage")
    a = frames(Layout.RGB, *shape, 0.05)
    b = frames(Layout.RGB, *shape, 0.3, seed=4)
    window = recursive_window()

    def blur(picture):
        for axis in (0, 1):
            picture = ndimage.correlate1d(picture, window, axis=axis, mode="constant")
        return picture

    def linear(pictures):
        values = np.stack([p[0] for p in pictures.planes], axis=-1) / 255
        return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)

    def positive_xyb(values):
        cones = np.cbrt(values @ ssimulacra2.OPSIN.T + ssimulacra2.OPSIN_BIAS)
        cones -= np.cbrt(ssimulacra2.OPSIN_BIAS)
        x, y = (cones[..., 0] - cones[..., 1]) / 2, (cones[..., 0] + cones[..., 1]) / 2
        return x * 14 + 0.42, y + 0.01, cones[..., 2] - y + 0.55

    def half(values):
        values = np.pad(values, [*((0, side % 2) for side in values.shape[:2]), (0, 0)], "edge")
        return (values[::2, ::2] + values[1::2, ::2] + values[::2, 1::2] + values[1::2, 1::2]) / 4

    values = [linear(a), linear(b)]
    error = 0.0
    for scale in range(6):
        if scale:
            values = [half(v) for v in values]
        for component, (p, q) in enumerate(zip(*map(positive_xyb, values), strict=True)):
            mean_p, mean_q = blur(p), blur(q)
            covariance = blur(p * q) - mean_p * mean_q
            variances = blur(p * p) - mean_p**2 + blur(q * q) - mean_q**2
            structure = (1 - (mean_p - mean_q) ** 2) * (2 * covariance + 0.0009)
            edges = (1 + abs(q - mean_q)) / (1 + abs(p - mean_p)) - 1
            maps = [1 - structure / (variances + 0.0009), edges, -edges]
            maps = [np.maximum(errors, 0) for errors in maps]
            norms = [m.mean() for m in maps] + [(m**4).mean() ** 0.25 for m in maps]
            error += np.dot(ssimulacra2.WEIGHTS[component, scale], norms)
    error *= 0.9562382616834844
    error = np.polyval([6.248496625763138e-05, -0.020884521182843837, 2.326765642916932, 0], error)
    expected = 100 - 10 * error**0.6276336467831387
    assert measure("ssimulacra2", a, b) == pytest.approx(expected, abs=1e-4)


def recursive_window():
    """Impulse response of the recursive filter of libjxl, by its equations 33 and 35."""
    taps = ssimulacra2._window()
    radius = (taps.size + 1) // 2
    omega = np.array([1, 3, 5]) * np.pi / (2 * radius)
    amplitudes = np.linalg.lstsq(
        np.cos(omega * np.arange(1 - radius, radius)[:, None]), taps, rcond=None
    )[0]
    signal = np.zeros(41)
    signal[20] = 1
    past, before = np.zeros(3), np.zeros(3)
    response = []
    for n in range(8, 33):
        inputs = signal[n - radius - 1] + signal[n + radius - 1]
        now = -amplitudes * np.cos(omega * (radius + 1)) * inputs
        now += 2 * np.cos(omega) * past - before
        past, before = now, past
        response.append(now.sum())
    response = np.array(response)
    assert np.abs(np.delete(response, np.s_[8:17])).max() < 1e-12
    return response[8:17]


def test_the_window_is_a_gaussian_in_all_but_name():
    window = ssimulacra2._window()
    offsets = np.arange(-4, 5)
    assert window.sum() == pytest.approx(1, abs=1e-12)
    assert (window * offsets**2).sum() == pytest.approx(1.5**2, abs=1e-9)
    gaussian = np.exp(-0.5 * (offsets / 1.5) ** 2)
    assert np.abs(window - gaussian / gaussian.sum()).max() < 0.005


def test_there_are_108_weights():
    assert len(ssimulacra2.WEIGHTS) * 6 == 108
    assert all(len(weights) == 6 for weights in ssimulacra2.WEIGHTS.values())
    assert list(ssimulacra2.WEIGHTS) == [(c, s) for c in range(3) for s in range(6)]


@pytest.mark.parametrize("depth", [8, 10, 16])
@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("size", [(8, 8), (9, 40), (50, 61)])
def test_identical_pictures_have_100_and_worse_ones_less(size, alpha, depth):
    reference = frames(Layout.RGB, *size, 0.1, depth=depth, alpha=alpha)
    near, far = (
        frames(Layout.RGB, *size, noise, depth=depth, alpha=alpha, seed=2) for noise in (0.15, 0.6)
    )
    assert measure("ssimulacra2", reference, reference) == 100
    figures = [measure("ssimulacra2", reference, test) for test in (near, far)]
    assert figures[1] < figures[0] < 100


def test_depth_hardly_matters():
    figures = [
        measure(
            "ssimulacra2",
            frames(Layout.RGB, 64, 64, 0.05, depth=depth),
            frames(Layout.RGB, 64, 64, 0.3, depth=depth, seed=3),
        )
        for depth in (8, 16)
    ]
    assert figures[0] == pytest.approx(figures[1], abs=0.5)


def test_gray_is_red_green_and_blue():
    a, b = plane(40, 40, 0.1), plane(40, 40, 0.3, seed=2)
    colours = [Frames([p[None]] * 3, PixelFormat(Layout.RGB)) for p in (a, b)]
    assert measure("ssimulacra2", gray(a), gray(b)) == measure("ssimulacra2", *colours)


def test_strips_change_nothing(monkeypatch):
    reference, test = frames(Layout.RGB, 205, 170, 0.05), frames(Layout.RGB, 205, 170, 0.3, seed=4)
    whole = measure("ssimulacra2", reference, test)
    monkeypatch.setattr(luma, "STRIP_SAMPLES", 1)
    assert measure("ssimulacra2", reference, test) == pytest.approx(whole, abs=1e-9)


def test_what_cannot_be_measured_is_said():
    video = frames(Layout.YUV420, 16, 16, 0.1)
    with pytest.raises(UsageError, match=r"ssimulacra2 compares RGB pictures, not 4:2:0 8 bit"):
        measure("ssimulacra2", video, video)
    small = frames(Layout.RGB, 7, 16, 0.1)
    with pytest.raises(UsageError, match="at least 8x8"):
        measure("ssimulacra2", small, small)
