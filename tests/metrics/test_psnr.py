import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures import frames, gray, plane

from ivc.errors import UsageError
from ivc.metrics import METRICS, Meter, measure, metric_name
from ivc.types import Frames, Layout, PixelFormat

ALL_FORMATS = [
    (layout, depth, alpha) for layout in Layout for depth in (8, 10, 16) for alpha in (False, True)
]


def psnr(mse, peak=255):
    return 10 * math.log10(peak**2 / mse)


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (8, 8), (13, 33), (40, 50)])
@pytest.mark.parametrize(("layout", "depth", "alpha"), ALL_FORMATS)
def test_every_format_and_size_is_measured(layout, depth, alpha, size):
    reference = frames(layout, *size, 0.1, depth=depth, alpha=alpha, count=2)
    test = frames(layout, *size, 0.4, depth=depth, alpha=alpha, count=2, seed=7)
    for name, metric in METRICS.items():
        assert measure(name, reference, reference) == (math.inf if metric.unit == "dB" else 1)
        figure = measure(name, reference, test)
        assert -1 <= figure < (100 if metric.unit == "dB" else 1)


def test_psnr_of_rgb_is_over_all_samples():
    reference = frames(Layout.RGB, 24, 32, 0.1)
    test = Frames([p.copy() for p in reference.planes], reference.format)
    test.planes[1][0, 3, 4] ^= 64
    assert measure("psnr", reference, test) == pytest.approx(psnr(64**2 / (3 * 24 * 32)))


def test_luma_of_rgb_is_that_of_bt601():
    reference = Frames([np.full((1, 4, 4), 100, np.uint8)] * 3, PixelFormat(Layout.RGB))
    red = Frames([reference.planes[0] + np.uint8(10), *reference.planes[1:]], reference.format)
    luma = 10 * 0.299
    cb, cr = -luma / 1.772, (10 - luma) / 1.402
    assert measure("psnr-y", reference, red) == pytest.approx(psnr(luma**2))
    assert measure("psnr-yuv", reference, red) == pytest.approx(
        (6 * psnr(luma**2) + psnr(cb**2) + psnr(cr**2)) / 8
    )


def test_psnr_yuv_weighs_planes_six_to_one_to_one():
    reference = frames(Layout.YUV420, 8, 8, 0.1, depth=10)
    errors = (4, 2, 1)
    test = Frames(
        [p + np.uint16(e) for p, e in zip(reference.planes, errors, strict=True)], reference.format
    )
    expected = sum(w * psnr(e**2, 1023) for w, e in zip((6, 1, 1), errors, strict=True)) / 8
    assert measure("psnr-yuv", reference, test) == pytest.approx(expected)
    assert measure("psnr", reference, test) == pytest.approx(psnr(16, 1023))


def test_alpha_is_ignored():
    reference = frames(Layout.RGB, 9, 9, 0.1, alpha=True)
    test = Frames([*reference.planes[:3], 255 - reference.planes[3]], reference.format)
    opaque = Frames(reference.planes[:3], PixelFormat(Layout.RGB))
    assert measure("psnr", reference, test) == math.inf
    assert measure("psnr", reference, opaque) == math.inf


def test_sums_of_squares_do_not_overflow():
    black = np.zeros((3000, 3000), np.uint16)
    assert measure("psnr", gray(black), gray(black + np.uint16(65535))) == 0


def test_mean_and_pooled_averages_of_a_clip():
    clean = plane(16, 16, 0.1)
    reference = gray(clean, clean)
    test = gray(clean ^ np.uint8(1), clean ^ np.uint8(4))
    meter = Meter(["psnr"])
    meter.add(reference, test)
    score = meter.scores()["psnr"]
    assert score.per_frame == pytest.approx((psnr(1), psnr(16)))
    assert score.mean == pytest.approx((psnr(1) + psnr(16)) / 2)
    assert score.pooled == pytest.approx(psnr(8.5))
    assert measure("psnr", reference, test) == score.pooled


def test_a_frame_without_error_leaves_the_pooled_average_finite():
    clean = plane(16, 16, 0.1)
    meter = Meter(["psnr"])
    meter.add(gray(clean, clean), gray(clean, clean ^ np.uint8(1)))
    score = meter.scores()["psnr"]
    assert score.mean == math.inf
    assert score.pooled == pytest.approx(psnr(0.5))


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4))
def test_measuring_in_parts_and_merging_changes_nothing(parts):
    names = ["psnr", "psnr-yuv", "ssim"]
    reference = frames(Layout.YUV420, 17, 12, 0.1, count=sum(parts))
    test = frames(Layout.YUV420, 17, 12, 0.3, count=sum(parts), seed=5)
    whole, added, merged = Meter(names), Meter(names), Meter(names)
    whole.add(reference, test)
    start = 0
    for length in parts:
        run = slice(start, start + length)
        added.add(reference[run], test[run])
        part = Meter(names)
        part.add(reference[run], test[run])
        merged = merged.merged(part)
        start += length
    assert whole.scores() == added.scores() == merged.scores()
    assert whole.frames == added.frames == merged.frames == sum(parts)


@pytest.mark.parametrize("name", ["MS_SSIM", " ms-ssim", "Ms-Ssim"])
def test_names_are_read_kindly(name):
    assert metric_name(name) == "ms-ssim"


def test_what_cannot_be_measured_is_said():
    one, two = frames(Layout.RGB, 8, 8, 0.1), frames(Layout.RGB, 8, 8, 0.1, count=2)
    with pytest.raises(UsageError, match="no metric is called 'vamf'"):
        measure("vamf", one, one)
    for other in (
        two,
        frames(Layout.RGB, 8, 9, 0.1),
        frames(Layout.YUV444, 8, 8, 0.1),
        frames(Layout.RGB, 8, 8, 0.1, depth=10),
    ):
        with pytest.raises(UsageError, match="cannot compare 1 frames of 8x8 RGB 8 bit with"):
            measure("psnr", one, other)
    with pytest.raises(UsageError, match="no frames"):
        Meter(["psnr"]).scores()
    meter = Meter(["psnr"])
    meter.add(one, one)
    deep = frames(Layout.RGB, 8, 8, 0.1, depth=10)
    with pytest.raises(UsageError, match="bit depth"):
        meter.add(deep, deep)
    other = Meter(["psnr"])
    other.add(deep, deep)
    with pytest.raises(UsageError, match="bit depth"):
        meter.merged(other)
    with pytest.raises(UsageError, match="cannot merge figures of ssim into those of psnr"):
        meter.merged(Meter(["ssim"]))
