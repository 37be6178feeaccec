"""NumPy arrays and Pillow images as frames, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ivc.errors import UsageError
from ivc.media.convert import change_depth, to_full_range_gray, to_rgb
from ivc.types import Colour, Frames, Layout, PixelFormat

if TYPE_CHECKING:
    from PIL import Image

SRGB = Colour(primaries=1, transfer=13, matrix=0, full_range=True)
"""What an RGB still means when its file says nothing else: sRGB, IEC 61966-2-1."""

SRGB_GRAY = Colour(primaries=1, transfer=13, matrix=2, full_range=True)
"""The same for gray."""


def frames_from_array(
    array: npt.NDArray[Any], *, depth: int | None = None, colour: Colour | None = None
) -> Frames:
    """Frames from pixels.

    Args:
        array: bool, uint8 or uint16; shape (H, W) gray, (H, W, C) or (T, H, W, C) with C = 1 gray,
            2 gray + alpha, 3 RGB, 4 RGBA; (T, H, W) gray when the last axis is longer than 4.
        depth: bits per sample; 8 for uint8 and 16 for uint16 if not given.
        colour: code points; full-range sRGB if not given.

    Raises:
        UsageError: for other types and shapes, or samples above the depth.

    >>> str(frames_from_array(np.zeros((32, 48, 3), np.uint8)).format)
    'RGB 8 bit'
    """
    array = np.asarray(array)
    if array.dtype == bool:
        array = array.astype(np.uint8) * np.uint8(255)
    if array.dtype not in (np.uint8, np.uint16):
        raise UsageError(f"pixels of type {array.dtype}: convert them to uint8 or uint16 first")
    depth = depth or (8 if array.dtype == np.uint8 else 16)
    if array.ndim == 2:
        array = array[None, :, :, None]
    elif array.ndim == 3:
        array = array[None] if array.shape[2] <= 4 else array[..., None]
    if array.ndim != 4 or not 1 <= array.shape[3] <= 4 or not array.size:
        raise UsageError(
            f"pixels of shape {array.shape}: give (H, W), (H, W, C), (T, H, W) or (T, H, W, C) "
            "with C = 1 to 4"
        )
    channels = array.shape[3]
    layout = Layout.RGB if channels > 2 else Layout.GRAY
    default = SRGB if layout is Layout.RGB else SRGB_GRAY
    form = PixelFormat(layout, depth, channels in (2, 4), colour or default)
    if depth < 16 and int(array.max()) > form.max_value:
        raise UsageError(f"pixels reach {array.max()}, more than {depth} bits hold")
    return Frames(
        [np.ascontiguousarray(array[..., c]).astype(form.dtype) for c in range(channels)], form
    )


def frames_to_array(frames: Frames) -> npt.NDArray[Any]:
    """Pixels as one array, full range: (T, H, W) for gray, else (T, H, W, C).

    C is 2 for gray + alpha, 3 for RGB, 4 for RGBA; YUV is converted to RGB. The type is uint8 or
    uint16, values up to 2**depth - 1.

    >>> frames_to_array(frames_from_array(np.zeros((32, 48, 3), np.uint8))).shape
    (1, 32, 48, 3)
    """
    gray = frames.format.layout is Layout.GRAY
    shown = to_full_range_gray(frames) if gray else to_rgb(frames)
    if len(shown.planes) == 1:
        return shown.planes[0]
    return np.stack(shown.planes, axis=-1)


def to_pillow(frames: Frames) -> Image.Image:
    """The first frame as a Pillow image: mode L, LA, RGB, RGBA, or I;16 for deep gray.

    Other pictures of more than 8 bits are rounded to 8, since Pillow has no mode for them.
    """
    from PIL import Image

    first = frames[:1]
    form = first.format
    if form.depth > 8:
        deep_gray = form.layout is Layout.GRAY and not form.alpha
        first = change_depth(first, 16 if deep_gray else 8)
    return Image.fromarray(frames_to_array(first)[0])


def from_pillow(image: Image.Image) -> Frames:
    """Frames of a Pillow image of any mode, T = 1.

    Palettes are looked up, transparency becomes alpha, 1-bit becomes 0 and 255, CMYK and other
    colour spaces are converted to RGB; I;16 keeps its 16 bits.

    Raises:
        UsageError: for 32-bit integer images with values outside 0..65535, and for float images.
    """
    mode = image.mode
    if mode.startswith("I"):
        values = np.asarray(image)
        if values.size and (values.min() < 0 or values.max() > 65535):
            raise UsageError("a 32-bit picture with values outside 0..65535; scale it first")
        return frames_from_array(values.astype(np.uint16))
    if mode == "F":
        raise UsageError("a floating-point picture; convert it to 8 or 16 bit integers first")
    if mode in ("1", "L") and not image.has_transparency_data:
        return frames_from_array(np.asarray(image.convert("L")))
    if mode in ("L", "1", "LA", "La"):
        return frames_from_array(np.asarray(image.convert("LA")))
    if image.has_transparency_data:
        return frames_from_array(np.asarray(image.convert("RGBA")))
    return frames_from_array(np.asarray(image.convert("RGB")))
