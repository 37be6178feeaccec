import numpy as np
import pytest
from skimage import data

from ivc.types import Frames, Layout, PixelFormat, Segment


@pytest.fixture(scope="session")
def photograph():
    """A photograph that scikit-image ships, cut to 192x160 RGB."""
    picture = data.astronaut()[40:200, 120:312]
    planes = [np.ascontiguousarray(picture[None, :, :, i]) for i in range(3)]
    return Segment(Frames(planes, PixelFormat(Layout.RGB)))
