"""Conversion for display and for formats that cannot hold the samples as they are.

Y'CbCr to and from R'G'B' by the matrices of ITU-T H.273 (BT.601, BT.709, BT.2020 and others),
chroma interpolation, and changes of bit depth. All of it rounds; nothing that is coded passes
through here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ivc.errors import MediaError
from ivc.types import Colour, Frames, Layout, PixelFormat

if TYPE_CHECKING:
    from ivc.types import Plane

_LUMA_WEIGHTS = {  # matrix code point -> K_R, K_B (H.273 table 4)
    1: (0.2126, 0.0722), 4: (0.30, 0.11), 5: (0.299, 0.114), 6: (0.299, 0.114),
    7: (0.212, 0.087), 9: (0.2627, 0.0593), 10: (0.2627, 0.0593),
}  # fmt: skip

Float = npt.NDArray[np.float32]


def resolve_matrix(colour: Colour, height: int) -> int:
    """The matrix to convert with: the one that is declared, else BT.709 from 577 lines on.

    Players take BT.601 for standard definition and BT.709 above it when a file is silent.
    """
    if colour.matrix != 2:
        return colour.matrix
    return 9 if colour.primaries == 9 else 1 if height > 576 else 6


def to_rgb(frames: Frames) -> Frames:
    """Full-range R'G'B' of the same depth; alpha is kept, gray becomes three equal planes.

    Raises:
        MediaError: for a matrix without a conversion here (ICtCp and its like).
    """
    form = frames.format
    if form.layout is Layout.RGB and form.colour.full_range:
        return frames
    target = PixelFormat(
        Layout.RGB, form.depth, form.alpha,
        Colour(form.colour.primaries, form.colour.transfer, 0, True),
    )  # fmt: skip
    shape = (len(frames), frames.height, frames.width)
    planes: list[Plane] = [np.empty(shape, form.dtype) for _ in range(3)]
    for t in range(len(frames)):
        picture = [plane[t] for plane in frames.planes[: form.layout.planes]]
        for plane, values in zip(planes, _picture_to_rgb(picture, form), strict=True):
            plane[t] = _quantise(values, form)
    return Frames(planes + list(frames.planes[form.layout.planes :]), target)


def to_full_range_gray(frames: Frames) -> Frames:
    """Gray frames with black at 0 and white at the largest value; others as they are."""
    form = frames.format
    if form.layout is not Layout.GRAY or form.colour.full_range:
        return frames
    colour = Colour(form.colour.primaries, form.colour.transfer, form.colour.matrix, True)
    target = PixelFormat(Layout.GRAY, form.depth, form.alpha, colour)
    luma: Plane = np.empty_like(frames.planes[0])
    for t, plane in enumerate(frames.planes[0]):
        luma[t] = _quantise(_luma(plane, form), form)
    return Frames([luma, *frames.planes[1:]], target)


def _picture_to_rgb(picture: list[npt.NDArray[np.generic]], form: PixelFormat) -> list[Float]:
    """R, G, B in 0..1, shape (H, W) each."""
    height, width = picture[0].shape
    if form.layout is Layout.GRAY:
        return [_luma(picture[0], form)] * 3
    if form.layout is Layout.RGB:
        return [_luma(plane, form) for plane in picture]
    matrix = resolve_matrix(form.colour, height)
    if matrix == 0:
        if form.layout is not Layout.YUV444:
            raise MediaError(f"matrix 0 (RGB) with {form} does not exist; declare another matrix")
        g, b, r = (_luma(plane, form) for plane in picture)
        return [r, g, b]
    y = _luma(picture[0], form)
    u, v = (_upsample(_chroma(plane, form), form, height, width) for plane in picture[1:])
    if matrix == 8:  # YCgCo
        base = y - u
        return [base + v, y + u, base - v]
    if matrix not in _LUMA_WEIGHTS:
        raise MediaError(
            f"colour matrix {matrix} cannot be converted to RGB; write the video to .mkv or .y4m"
        )
    kr, kb = _LUMA_WEIGHTS[matrix]
    r = y + np.float32(2 * (1 - kr)) * v
    b = y + np.float32(2 * (1 - kb)) * u
    g = (y - np.float32(kr) * r - np.float32(kb) * b) * np.float32(1 / (1 - kr - kb))
    return [r, g, b]


def _luma(plane: npt.NDArray[np.generic], form: PixelFormat) -> Float:
    """Samples of Y, R, G or B scaled to 0 (black) .. 1 (white)."""
    values = plane.astype(np.float32)
    if form.colour.full_range:
        return values * np.float32(1 / form.max_value)
    unit = 1 << (form.depth - 8)
    return (values - np.float32(16 * unit)) * np.float32(1 / (219 * unit))


def _chroma(plane: npt.NDArray[np.generic], form: PixelFormat) -> Float:
    """Samples of U or V scaled to -0.5 .. 0.5."""
    unit = 1 << (form.depth - 8)
    span = form.max_value if form.colour.full_range else 224 * unit
    return (plane.astype(np.float32) - np.float32(128 * unit)) * np.float32(1 / span)


def _upsample(chroma: Float, form: PixelFormat, height: int, width: int) -> Float:
    """Interpolate chroma linearly to full resolution.

    Horizontally, samples sit on the left luma sample of each pair in limited-range video (the
    MPEG-2 convention) and between the two in full-range video (JPEG's); vertically they sit between
    two rows.
    """
    shift_x, shift_y = form.layout.chroma_shift
    if shift_y:
        chroma = _double(chroma, 0, centred=True)[:height]
    if shift_x:
        chroma = _double(chroma, 1, centred=form.colour.full_range)[:, :width]
    return chroma


def _double(values: Float, axis: int, *, centred: bool) -> Float:
    """Twice the samples along an axis by linear interpolation, edges repeated."""
    values = np.moveaxis(values, axis, 0)
    before = np.concatenate([values[:1], values[:-1]])
    after = np.concatenate([values[1:], values[-1:]])
    result = np.empty((2 * len(values), *values.shape[1:]), np.float32)
    if centred:
        result[0::2] = np.float32(0.75) * values + np.float32(0.25) * before
        result[1::2] = np.float32(0.75) * values + np.float32(0.25) * after
    else:
        result[0::2] = values
        result[1::2] = np.float32(0.5) * (values + after)
    return np.moveaxis(result, 0, axis)


def _quantise(values: Float, form: PixelFormat) -> npt.NDArray[Any]:
    """Round 0..1 to 0..max_value, halves up."""
    scaled = np.floor(values * np.float32(form.max_value) + np.float32(0.5))
    samples: npt.NDArray[Any] = np.clip(scaled, 0, form.max_value).astype(form.dtype)
    return samples


def to_yuv444(frames: Frames, matrix: int = 1) -> Frames:
    """Full-range 4:4:4 Y'CbCr of RGB frames, same depth, alpha kept.

    At equal depth the rounding loses up to two code values on the way back.
    """
    form = frames.format
    rgb = to_rgb(frames)
    kr, kb = _LUMA_WEIGHTS[matrix]
    limit, centre = form.max_value, 1 << (form.depth - 1)
    r, g, b = (plane.astype(np.float32) for plane in rgb.planes[:3])
    y = np.float32(kr) * r + np.float32(1 - kr - kb) * g + np.float32(kb) * b
    u = (b - y) * np.float32(0.5 / (1 - kb)) + np.float32(centre)
    v = (r - y) * np.float32(0.5 / (1 - kr)) + np.float32(centre)
    planes = [
        np.clip(np.floor(plane + np.float32(0.5)), 0, limit).astype(form.dtype)
        for plane in (y, u, v)
    ]
    target = PixelFormat(
        Layout.YUV444, form.depth, form.alpha,
        Colour(form.colour.primaries, form.colour.transfer, matrix, True),
    )  # fmt: skip
    return Frames(planes + list(rgb.planes[3:]), target)


def change_depth(frames: Frames, depth: int) -> Frames:
    """The same pictures at another bit depth; towards more bits nothing is lost.

    Full-range samples (and alpha) map 2**old - 1 to 2**new - 1 with rounding; limited-range samples
    are multiplied or divided by a power of two.
    """
    form = frames.format
    if depth == form.depth:
        return frames
    target = PixelFormat(form.layout, depth, form.alpha, form.colour)
    planes: list[Plane] = []
    scaled: npt.NDArray[Any]
    for name, plane in zip(form.plane_names(), frames.planes, strict=True):
        if form.colour.full_range or name == "A":
            # below 2**32 for all depths up to 16, since old and new differ
            old = form.max_value
            scaled = (plane.astype(np.uint32) * target.max_value * 2 + old) // (2 * old)
        elif depth > form.depth:
            scaled = plane.astype(np.uint32) << (depth - form.depth)
        else:
            drop = form.depth - depth
            scaled = (plane.astype(np.uint32) + (1 << drop >> 1)) >> drop
        planes.append(np.minimum(scaled, target.max_value).astype(target.dtype))
    return Frames(planes, target)
