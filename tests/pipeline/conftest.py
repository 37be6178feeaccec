"""Inputs of the pipeline's tests: small clips and stills with something to code in them."""

from fractions import Fraction

import numpy as np
import pytest

from ivc.media.memory import FramesSource
from ivc.types import Frames, Layout, PixelFormat


def moving(frames, width=64, height=48, layout=Layout.YUV420, depth=8, alpha=False):
    """A smooth pattern that drifts, with some noise: ``frames`` pictures of any format."""
    form = PixelFormat(layout, depth, alpha)
    rng = np.random.default_rng(frames * 7919 + width)
    planes = []
    for number, (h, w) in enumerate(form.plane_shapes(width, height)):
        y, x = np.mgrid[0:h, 0:w]
        t = np.arange(frames).reshape(-1, 1, 1)
        wave = 0.5 + 0.3 * np.sin((x + 2 * t) / (5 + number)) * np.cos((y - t) / 7)
        noisy = wave * form.max_value + rng.normal(0, form.max_value / 60, (frames, h, w))
        planes.append(np.clip(noisy, 0, form.max_value).round().astype(form.dtype))
    return Frames(planes, form)


@pytest.fixture
def clip():
    """A source of 40 frames of 64x48, 4:2:0, 25 frames a second."""
    return FramesSource(moving(40), Fraction(25))


@pytest.fixture
def still():
    """A source of one RGB picture of 160x120."""
    return FramesSource(moving(1, 160, 120, Layout.RGB))
