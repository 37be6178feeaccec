import numpy as np
import pytest
from pictures import frames, gray, plane

from ivc.metrics import luma, measure
from ivc.metrics.ssim import SCALE_WEIGHTS, scale_count
from ivc.types import Frames, Layout, PixelFormat


def window(length):
    weights = np.exp(-0.5 * ((np.arange(length) - length // 2) / 1.5) ** 2)
    return weights / weights.sum()


def direct_ssim(a, b, peak, tall=11, wide=11):
    """SSIM and contrast-structure by the formula, one window position after the other."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    weights = np.outer(window(tall), window(wide))
    c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2
    values = []
    for y in range(a.shape[0] - tall + 1):
        for x in range(a.shape[1] - wide + 1):
            p, q = (picture[y : y + tall, x : x + wide] for picture in (a, b))
            mean_p, mean_q = (weights * p).sum(), (weights * q).sum()
            var_p, var_q = (weights * (p - mean_p) ** 2).sum(), (weights * (q - mean_q) ** 2).sum()
            covariance = (weights * (p - mean_p) * (q - mean_q)).sum()
            structure = (2 * covariance + c2) / (var_p + var_q + c2)
            luminance = (2 * mean_p * mean_q + c1) / (mean_p**2 + mean_q**2 + c1)
            values.append((luminance * structure, structure))
    return np.mean(values, axis=0)


def halved(a):
    a = np.pad(a.astype(np.float64), [(0, side % 2) for side in a.shape], mode="edge")
    return (a[::2, ::2] + a[1::2, ::2] + a[::2, 1::2] + a[1::2, 1::2]) / 4


@pytest.mark.parametrize("depth", [8, 16])
def test_ssim_is_that_of_the_formula(depth):
    a, b = plane(23, 31, 0.05, depth=depth), plane(23, 31, 0.4, seed=2, depth=depth)
    expected, _ = direct_ssim(a, b, (1 << depth) - 1)
    assert measure("ssim", gray(a), gray(b)) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("shape", "window"),
    [
        ((5, 40), (5, 11)),
        ((40, 6), (11, 5)),
        ((1, 1), (1, 1)),
        ((2, 3), (1, 3)),
        ((10, 10), (9, 9)),
    ],
)
def test_windows_of_small_pictures_shrink_to_the_side(shape, window):
    a, b = plane(*shape, 0.05), plane(*shape, 0.4, seed=2)
    expected, _ = direct_ssim(a, b, 255, *window)
    assert measure("ssim", gray(a), gray(b)) == pytest.approx(expected, abs=1e-9)
    assert measure("ms-ssim", gray(a), gray(b)) == pytest.approx(expected, abs=1e-9)


def test_ms_ssim_of_fewer_scales_is_that_of_the_formula():
    a, b = plane(27, 43, 0.05), plane(27, 43, 0.4, seed=2)
    _, first = direct_ssim(a, b, 255)
    last, _ = direct_ssim(halved(a), halved(b), 255)
    weights = np.array(SCALE_WEIGHTS[:2]) / sum(SCALE_WEIGHTS[:2])
    expected = first ** weights[0] * last ** weights[1]
    assert measure("ms-ssim", gray(a), gray(b)) == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize(
    ("side", "count"), [(1, 1), (11, 1), (20, 1), (21, 2), (81, 4), (160, 4), (161, 5), (4000, 5)]
)
def test_scales_by_the_shorter_side(side, count):
    assert scale_count(side, 5000) == scale_count(5000, side) == count


@pytest.mark.parametrize(
    ("shape", "depth", "ms_ssim", "ssim"),
    [
        ((176, 208), 8, 0.890045, 0.334503),
        ((192, 256), 8, 0.892728, 0.338742),
        ((192, 176), 16, 0.889470, 0.336804),
    ],
)
def test_figures_of_pytorch_msssim(shape, depth, ms_ssim, ssim):
    """Pinned from pytorch-msssim 1.0.0, whose window is rounded to single precision."""
    a, b = plane(*shape, 0.05, 1, depth), plane(*shape, 0.4, 2, depth)
    assert measure("ms-ssim", gray(a), gray(b)) == pytest.approx(ms_ssim, abs=2e-5)
    assert measure("ssim", gray(a), gray(b)) == pytest.approx(ssim, abs=2e-5)


@pytest.mark.parametrize("depth", [8, 12, 16])
def test_figures_of_scikit_image(depth):
    skimage = pytest.importorskip("skimage.metrics")
    a, b = (
        frames(Layout.RGB, 67, 93, 0.05, depth=depth),
        frames(Layout.RGB, 67, 93, 0.3, seed=3, depth=depth),
    )
    peak = a.format.max_value
    pictures = [np.stack([p[0] for p in f.planes], axis=-1) for f in (a, b)]
    assert measure("psnr", a, b) == pytest.approx(
        skimage.peak_signal_noise_ratio(*pictures, data_range=peak), abs=1e-9
    )
    grays = [picture @ np.array([0.299, 0.587, 0.114]) for picture in pictures]
    expected = skimage.structural_similarity(
        *grays, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=peak
    )
    assert measure("ssim", a, b) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("layout", [Layout.GRAY, Layout.RGB])
def test_strips_change_nothing(layout, monkeypatch):
    reference, test = frames(layout, 205, 170, 0.05), frames(layout, 205, 170, 0.3, seed=4)
    names = ("psnr-yuv", "ssim", "ms-ssim")
    whole = [measure(name, reference, test) for name in names]
    monkeypatch.setattr(luma, "STRIP_SAMPLES", 1)
    assert [measure(name, reference, test) for name in names] == pytest.approx(whole, abs=1e-12)


@pytest.mark.parametrize("overlap", [0, 4, 10])
@pytest.mark.parametrize("height", [1, 11, 15, 16, 17, 26, 27, 100])
def test_strips_tile_the_picture(height, overlap, monkeypatch):
    monkeypatch.setattr(luma, "STRIP_SAMPLES", 1)
    overlap = min(overlap, height - 1)
    inner = [
        y for start, stop in luma.strips(height, 9, overlap) for y in range(start, stop - overlap)
    ]
    assert inner == list(range(height - overlap))


def test_opposite_pictures_have_no_negative_ms_ssim():
    a = plane(176, 176, 1.0)
    assert measure("ssim", gray(a), gray(255 - a)) < 0
    assert measure("ms-ssim", gray(a), gray(255 - a)) == 0


def test_chroma_does_not_count():
    a = frames(Layout.YUV420, 32, 32, 0.1)
    b = Frames([a.planes[0], *(255 - p for p in a.planes[1:])], PixelFormat(Layout.YUV420))
    assert measure("ssim", a, b) == measure("ms-ssim", a, b) == 1
