"""Pictures that are the same under every version of NumPy."""

import numpy as np

from ivc.types import Frames, Layout, PixelFormat


def plane(height, width, noise, seed=1, depth=8):
    """A plane (H, W) of waves and squares with hash noise of amplitude ``noise`` in 0..1."""
    y, x = np.mgrid[:height, :width].astype(np.uint32)
    mixed = (
        (x * np.uint32(73856093)) ^ (y * np.uint32(19349663)) ^ np.uint32(seed * 83492791 % 2**32)
    )
    for shift in (13, 17, 5):
        mixed ^= mixed >> np.uint32(shift)
        mixed *= np.uint32(0x9E3779B1)
    grain = (mixed >> np.uint32(8)) / 2**24 - 0.5
    clean = 0.45 + 0.25 * np.sin(x / 7.3) * np.cos(y / 11.1) + 0.2 * ((x // 24 + y // 16) % 2)
    peak = (1 << depth) - 1
    return np.rint(np.clip(clean + noise * grain, 0, 1) * peak).astype(
        np.uint8 if depth == 8 else np.uint16
    )


def frames(layout, height, width, noise, *, depth=8, alpha=False, count=1, seed=1):
    """``count`` frames of any format; the noise of each plane and frame is its own."""
    pixel_format = PixelFormat(layout, depth, alpha)
    planes = [
        np.stack([plane(h, w, noise, seed + 10 * i + 100 * t, depth) for t in range(count)])
        for i, (h, w) in enumerate(pixel_format.plane_shapes(width, height))
    ]
    return Frames(planes, pixel_format)


def gray(*planes):
    """Gray frames of planes (H, W)."""
    depth = 8 if planes[0].dtype == np.uint8 else 16
    return Frames([np.stack(planes)], PixelFormat(Layout.GRAY, depth))
