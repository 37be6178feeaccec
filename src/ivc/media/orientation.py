"""Turning pictures upright: the eight orientations of Exif, and those of video display matrices."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np

from ivc.types import Frames, Layout, PixelFormat

if TYPE_CHECKING:
    from ivc.types import Plane

# Exif 2.3 table 6: code -> (transpose first, then mirror left-right, then mirror top-bottom)
_STEPS = {
    1: (False, False, False), 2: (False, True, False), 3: (False, True, True),
    4: (False, False, True), 5: (True, False, False), 6: (True, True, False),
    7: (True, True, True), 8: (True, False, True),
}  # fmt: skip


def is_transposed(code: int) -> bool:
    """Whether an orientation swaps width and height."""
    return _STEPS[code][0]


def oriented_format(form: PixelFormat, code: int) -> PixelFormat:
    """The format of frames after ``orient``: 4:2:2 on its side can only be held as 4:4:4."""
    if is_transposed(code) and form.layout is Layout.YUV422:
        return PixelFormat(Layout.YUV444, form.depth, form.alpha, form.colour)
    return form


def orient(frames: Frames, code: int) -> Frames:
    """Frames turned so that a picture with Exif orientation ``code`` (1 to 8) stands upright.

    Samples are moved, never computed: 4:2:2 that is turned by 90 degrees becomes 4:4:4 by repeating
    chroma samples.
    """
    if code == 1:
        return frames
    transpose, mirror_x, mirror_y = _STEPS[code]
    form = oriented_format(frames.format, code)
    planes: list[Plane] = list(frames.planes)
    if form.layout is not frames.format.layout:
        for i in (1, 2):
            planes[i] = planes[i].repeat(2, axis=2)[:, :, : frames.width]
    result: list[Plane] = []
    for plane in planes:
        turned: Plane = plane.swapaxes(1, 2) if transpose else plane
        turned = turned[:, :, ::-1] if mirror_x else turned
        turned = turned[:, ::-1] if mirror_y else turned
        result.append(np.ascontiguousarray(turned))  # type: ignore[arg-type]
    return Frames(result, form)


def display_matrix_code(matrix: bytes) -> int:
    """The Exif orientation of a display matrix of nine native 32-bit integers (ISO 14496-12).

    Matrices that are not a multiple of 90 degrees count as upright.
    """
    if len(matrix) != 36:
        return 1
    a, b, _, c, d, *_ = struct.unpack("=9i", matrix)
    sa, sb, sc, sd = ((v > 0) - (v < 0) if abs(v) > 1 << 14 else 0 for v in (a, b, c, d))
    # x' = a x + c y, y' = b x + d y
    return {
        (1, 0, 0, 1): 1, (-1, 0, 0, 1): 2, (-1, 0, 0, -1): 3, (1, 0, 0, -1): 4,
        (0, 1, 1, 0): 5, (0, 1, -1, 0): 6, (0, -1, -1, 0): 7, (0, -1, 1, 0): 8,
    }.get((sa, sb, sc, sd), 1)  # fmt: skip
