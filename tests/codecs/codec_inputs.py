"""Pictures and clips with something to code in them, of any format."""

import numpy as np

from ivc.types import Frames, Layout, PixelFormat, Segment, SegmentHeader

SIZES = [(1, 1), (1, 7), (7, 1), (8, 8), (9, 17), (65, 33)]
FORMATS = [
    PixelFormat(layout, depth, alpha)
    for layout in Layout
    for depth, alpha in ((8, False), (8, True), (10, False), (16, True))
]


def pattern(pixel_format, width, height, frames=1, noise=0.02, drift=1, seed=1):
    """A segment with smooth waves that drift, edges and noise."""
    rng = np.random.default_rng(seed)
    planes = []
    for i, (h, w) in enumerate(pixel_format.plane_shapes(width, height)):
        y, x = np.mgrid[:h, :w]
        t = drift * np.arange(frames)[:, None, None]
        wave = 0.5 + 0.25 * np.sin((x + t) / (5 + i)) + 0.2 * np.cos(y / 9)
        wave = np.where((x // 11 + y // 13) % 5 == 0, 1 - wave, wave)
        wave = wave + rng.normal(0, noise, (frames, h, w))
        planes.append((wave.clip(0, 1) * pixel_format.max_value).round().astype(pixel_format.dtype))
    return Segment(Frames(planes, pixel_format))


def header_of(segment, version=1):
    """What a container would tell the decoder of a segment."""
    frames = segment.frames
    return SegmentHeader(frames.format, frames.width, frames.height, len(frames), version)


def largest_error(a, b):
    """Largest absolute difference of two ``Frames``."""
    return max(
        int(np.abs(p.astype(np.int64) - q).max()) for p, q in zip(a.planes, b.planes, strict=True)
    )


def psnr(a, b):
    """PSNR over the samples of all planes in dB."""
    error = np.mean(
        np.concatenate(
            [
                np.square(p.astype(float) - q).ravel()
                for p, q in zip(a.planes, b.planes, strict=True)
            ]
        )
    )
    return 10 * np.log10(a.format.max_value**2 / max(error, 1e-9))
