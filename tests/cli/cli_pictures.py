"""Pictures that the tests of the command make, and what they read back."""

import av
import numpy as np


def picture(height=40, width=56, shift=0):
    y, x = np.mgrid[:height, :width]
    planes = [128 + 90 * np.sin((x + shift) / (5 + i)) * np.cos(y / (7 - i)) for i in range(3)]
    return np.stack(planes, axis=-1).astype(np.uint8)


def video_planes(path):
    """The video frames of a file as one array."""
    with av.open(str(path)) as container:
        return np.stack([f.to_ndarray() for f in container.decode(video=0)])
