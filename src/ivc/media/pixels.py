"""FFmpeg's pixel formats and ours: sample-exact ways between ``av.VideoFrame`` and ``Frames``.

Every format is described by where its samples lie, so planar, semi-planar and packed formats share
one reader:

    sample (y, x) of a plane = (words[plane][y, offset + step * x] >> shift) & mask

Formats that ``Frames`` does not have become the nearest one that loses nothing: chroma sampled more
coarsely than 4:2:0 is repeated, bit fields below 8 bits are widened, palettes are looked up.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import av
import numpy as np

from ivc.errors import MediaError
from ivc.types import Colour, Frames, Layout, PixelFormat

if TYPE_CHECKING:
    from ivc.types import Plane


@dataclass(frozen=True)
class Sample:
    """Where the samples of one plane lie: offsets and steps in words of the packing's dtype."""

    plane: int
    offset: int = 0
    step: int = 1
    shift: int = 0
    bits: int = 0  # 0: the depth of the packing


@dataclass(frozen=True)
class Packing:
    """An FFmpeg pixel format: what it becomes, and where its samples lie."""

    layout: Layout
    depth: int
    alpha: bool
    dtype: str
    samples: tuple[Sample, ...]
    repeat: tuple[int, int] = (1, 1)  # chroma repetition, horizontal and vertical
    full_range: bool | None = None  # None: what the frame says


_CHROMA = {  # subsampling in the name -> layout, repetition that makes it so
    "420": (Layout.YUV420, (1, 1)), "422": (Layout.YUV422, (1, 1)), "444": (Layout.YUV444, (1, 1)),
    "410": (Layout.YUV420, (2, 2)), "411": (Layout.YUV422, (2, 1)), "440": (Layout.YUV444, (1, 2)),
}  # fmt: skip
_SEMI_PLANAR = {
    "nv12": ("420", 8, 0), "nv21": ("420", 8, 0), "nv16": ("422", 8, 0), "nv24": ("444", 8, 0),
    "nv42": ("444", 8, 0), "nv20": ("422", 10, 0),
    "p010": ("420", 10, 6), "p210": ("422", 10, 6), "p410": ("444", 10, 6),
    "p012": ("420", 12, 4), "p212": ("422", 12, 4), "p412": ("444", 12, 4),
    "p016": ("420", 16, 0), "p216": ("422", 16, 0), "p416": ("444", 16, 0),
}  # fmt: skip
_PACKED_422 = {  # offsets of Y, U, V in groups of four words
    "yuyv422": (0, 1, 3, 8, 0), "uyvy422": (1, 0, 2, 8, 0), "yvyu422": (0, 3, 1, 8, 0),
    "y210": (0, 1, 3, 10, 6), "y212": (0, 1, 3, 12, 4), "y216": (0, 1, 3, 16, 0),
}  # fmt: skip
_PACKED_444 = {"ayuv": "AYUV", "vuya": "VUYA", "vuyx": "VUYX", "uyva": "UYVA", "vyu444": "VYU"}
_BIT_FIELDS = {  # dtype, then (shift, bits) of R, G, B
    "rgb565": ("<u2", (11, 5), (5, 6), (0, 5)), "bgr565": ("<u2", (0, 5), (5, 6), (11, 5)),
    "rgb555": ("<u2", (10, 5), (5, 5), (0, 5)), "bgr555": ("<u2", (0, 5), (5, 5), (10, 5)),
    "rgb444": ("<u2", (8, 4), (4, 4), (0, 4)), "bgr444": ("<u2", (0, 4), (4, 4), (8, 4)),
    "rgb8": ("u1", (5, 3), (2, 3), (0, 2)), "bgr8": ("u1", (0, 3), (3, 3), (6, 2)),
    "rgb4_byte": ("u1", (3, 1), (1, 2), (0, 1)), "bgr4_byte": ("u1", (0, 1), (1, 2), (3, 1)),
    "x2rgb10": ("<u4", (20, 10), (10, 10), (0, 10)),
    "x2bgr10": ("<u4", (0, 10), (10, 10), (20, 10)),
}  # fmt: skip


def _planes(count: int, shift: int = 0) -> tuple[Sample, ...]:
    return tuple(Sample(i, shift=shift) for i in range(count))


@functools.cache
def packing_of(name: str) -> Packing | None:
    """Description of an FFmpeg pixel format by its name, or None if no exact one is known."""
    endian = "<"
    if name.endswith(("le", "be")):
        endian, name = ("<" if name.endswith("le") else ">"), name[:-2]
    if match := re.fullmatch(r"gray(\d+)?(msb)?", name):
        depth = int(match[1] or 8)
        return Packing(
            Layout.GRAY, depth, False, _dtype(depth, endian), _planes(1, _msb(match[2], depth))
        )
    if match := re.fullmatch(r"yuv(a|j)?(4\d\d)p(\d+)?(msb)?", name):
        depth, alpha = int(match[3] or 8), match[1] == "a"
        layout, repeat = _CHROMA[match[2]]
        return Packing(
            layout, depth, alpha, _dtype(depth, endian), _planes(3 + alpha, _msb(match[4], depth)),
            repeat, True if match[1] == "j" else None,
        )  # fmt: skip
    if match := re.fullmatch(r"gbr(a?)p(\d+)?(msb)?", name):
        depth, shift = int(match[2] or 8), _msb(match[3], int(match[2] or 8))
        order = (2, 0, 1, 3)[: 3 + len(match[1])]
        samples = tuple(Sample(plane, shift=shift) for plane in order)
        return Packing(
            Layout.RGB, depth, bool(match[1]), _dtype(depth, endian), samples, full_range=True
        )
    if match := re.fullmatch(r"ya(8|16)", name):
        depth = int(match[1])
        samples = (Sample(0, 0, 2), Sample(0, 1, 2))
        return Packing(Layout.GRAY, depth, True, _dtype(depth, endian), samples)
    if match := re.fullmatch(r"([rgba0x]{3,4})(24|48|64)?", name):
        order_text, size = match[1], int(match[2] or 8)
        if {"r", "g", "b"} <= set(order_text) and len(set(order_text)) == len(order_text):
            depth = 16 if size >= 48 else 8
            return _packed(order_text, "rgb", Layout.RGB, depth, endian)
    if name in _PACKED_444:
        return _packed(_PACKED_444[name].lower(), "yuv", Layout.YUV444, 8, endian)
    if name in _SEMI_PLANAR:
        chroma, depth, shift = _SEMI_PLANAR[name]
        first = 1 if name in ("nv21", "nv42") else 0
        samples = (
            Sample(0, shift=shift),
            Sample(1, first, 2, shift),
            Sample(1, 1 - first, 2, shift),
        )
        return Packing(_CHROMA[chroma][0], depth, False, _dtype(depth, endian), samples)
    if name in _PACKED_422:
        y, u, v, depth, shift = _PACKED_422[name]
        samples = (Sample(0, y, 2, shift), Sample(0, u, 4, shift), Sample(0, v, 4, shift))
        return Packing(Layout.YUV422, depth, False, _dtype(depth, endian), samples)
    if name in _BIT_FIELDS:
        dtype, *fields = _BIT_FIELDS[name]
        depth = max(8, *(bits for _, bits in fields))
        samples = tuple(Sample(0, shift=shift, bits=bits) for shift, bits in fields)
        return Packing(
            Layout.RGB, depth, False, dtype.replace("<", endian), samples, full_range=True
        )
    return None


def _dtype(depth: int, endian: str) -> str:
    return "u1" if depth == 8 else endian + "u2"


def _msb(flag: str | None, depth: int) -> int:
    return 16 - depth if flag else 0


def _packed(order: str, wanted: str, layout: Layout, depth: int, endian: str) -> Packing:
    alpha = "a" in order
    samples = tuple(Sample(0, order.index(letter), len(order)) for letter in wanted + "a" * alpha)
    full_range = True if layout is Layout.RGB else None
    return Packing(layout, depth, alpha, _dtype(depth, endian), samples, full_range=full_range)


def read_format(frame: av.VideoFrame, where: str) -> PixelFormat:
    """The ``PixelFormat`` that ``read_frame`` gives for a decoded frame.

    Raises:
        MediaError: for formats without an exact counterpart (floating point, Bayer, XYZ).
    """
    name = frame.format.name
    colour = _colour(frame)
    if name in ("monow", "monob"):
        return PixelFormat(Layout.GRAY, 8, False, Colour(*_code_points(colour), 2, True))
    if name == "pal8":
        alpha = bool((_palette(frame)[:, 3] != 255).any())
        return PixelFormat(Layout.RGB, 8, alpha, Colour(*_code_points(colour), 0, True))
    packing = packing_of(name)
    if packing is None or not 8 <= packing.depth <= 16:
        raise MediaError(
            f"{where}: pixel format {name} has no exact integer counterpart; "
            "convert it first, for instance with: ffmpeg -i INPUT -pix_fmt gbrp16le OUTPUT.mkv"
        )
    if packing.full_range:
        matrix = 0 if packing.layout is Layout.RGB else colour.matrix
        colour = Colour(colour.primaries, colour.transfer, matrix, True)
    return PixelFormat(packing.layout, packing.depth, packing.alpha, colour)


def _code_points(colour: Colour) -> tuple[int, int]:
    return colour.primaries, colour.transfer


def _colour(frame: av.VideoFrame) -> Colour:
    return Colour(
        int(frame.color_primaries), int(frame.color_trc), int(frame.colorspace),
        int(frame.color_range) == 2,
    )  # fmt: skip


def read_frame(frame: av.VideoFrame, pixel_format: PixelFormat) -> Frames:
    """Copy a decoded frame, T = 1, in the format that ``read_format`` gave for it."""
    name = frame.format.name
    if name in ("monow", "monob"):
        bits = np.unpackbits(_words(frame, 0, np.dtype("u1")), axis=1)[:, : frame.width]
        gray = (bits * 255).astype(np.uint8)
        return Frames([_picture(255 - gray if name == "monow" else gray)], pixel_format)
    if name == "pal8":
        colours = _palette(frame)[_words(frame, 0, np.dtype("u1"))[:, : frame.width]]
        return Frames(
            [_picture(colours[..., i]) for i in range(pixel_format.plane_count)], pixel_format
        )
    packing = packing_of(name)
    assert packing is not None
    shapes = pixel_format.plane_shapes(frame.width, frame.height)
    planes = []
    for index, (sample, shape) in enumerate(zip(packing.samples, shapes, strict=True)):
        repeat = packing.repeat if index in (1, 2) else (1, 1)
        planes.append(_read_plane(frame, packing, sample, shape, repeat))
    return Frames(planes, pixel_format)


def _read_plane(
    frame: av.VideoFrame, packing: Packing, sample: Sample, shape: tuple[int, int],
    repeat: tuple[int, int],
) -> Plane:  # fmt: skip
    height, width = -(-shape[0] // repeat[1]), -(-shape[1] // repeat[0])
    words = _words(frame, sample.plane, np.dtype(packing.dtype))
    samples = words[:height, sample.offset :: sample.step][:, :width]
    if sample.shift:
        samples = samples >> sample.shift
    if sample.bits:
        samples = _widen(samples & ((1 << sample.bits) - 1), sample.bits, packing.depth)
    elif 8 < packing.depth < 16:
        # decoders may leave rubbish above the declared depth, which Frames forbids
        samples = samples & ((1 << packing.depth) - 1)
    if repeat != (1, 1):
        samples = samples.repeat(repeat[1], axis=0).repeat(repeat[0], axis=1)
        samples = samples[: shape[0], : shape[1]]
    return _picture(samples.astype(np.uint8 if packing.depth == 8 else np.uint16))


def _widen(samples: np.ndarray, bits: int, depth: int) -> np.ndarray:
    """Repeat the bits of each sample downwards, so that all ones stay all ones."""
    wide = np.zeros(samples.shape, np.uint32)
    for shift in range(depth - bits, -bits, -bits):
        value = samples.astype(np.uint32)
        wide |= value << shift if shift >= 0 else value >> -shift
    return wide


def _words(frame: av.VideoFrame, plane: int, dtype: np.dtype) -> np.ndarray:
    """A plane as rows of words, padding at the end of the rows included."""
    view = frame.planes[plane]
    stride = abs(view.line_size)
    rows = np.frombuffer(view, np.uint8)  # type: ignore[call-overload]
    rows = rows[: len(rows) // stride * stride].reshape(-1, stride)
    if stride % dtype.itemsize:
        rows = np.ascontiguousarray(rows[:, : stride - stride % dtype.itemsize])
    words: np.ndarray = rows.view(dtype)
    return words


def _palette(frame: av.VideoFrame) -> np.ndarray:
    """The 256 colours of a pal8 frame, shape (256, 4), order R, G, B, A."""
    words = np.frombuffer(frame.planes[1], np.uint32, 256)  # type: ignore[call-overload]
    return np.stack([(words >> shift & 255).astype(np.uint8) for shift in (16, 8, 0, 24)], axis=1)


def _picture(plane: np.ndarray) -> Plane:
    return np.ascontiguousarray(plane)[None]


def write_name(pixel_format: PixelFormat) -> str:
    """FFmpeg's planar (or gray + alpha) format for the layout and depth of ``pixel_format``."""
    depth, alpha = pixel_format.depth, pixel_format.alpha
    suffix = "" if depth == 8 else f"{depth}le"
    if pixel_format.layout is Layout.GRAY:
        if alpha:
            return "ya8" if depth == 8 else f"ya{depth}le"
        return "gray" + suffix
    if pixel_format.layout is Layout.RGB:
        return f"gbr{'a' * alpha}p{suffix}"
    return f"yuv{'a' * alpha}{pixel_format.layout.name[3:]}p{suffix}"


def write_frame(frames: Frames, name: str) -> av.VideoFrame:
    """An ``av.VideoFrame`` of format ``name`` with the samples of ``frames`` (T = 1).

    ``name`` must have the layout and depth of ``frames``; only where the samples lie is free.
    """
    packing = packing_of(name)
    assert packing is not None
    frame = av.VideoFrame(frames.width, frames.height, name)
    for sample, plane in zip(packing.samples, frames.planes, strict=False):
        words = _words(frame, sample.plane, np.dtype(packing.dtype))
        height, width = plane.shape[1:]
        words[:height, sample.offset :: sample.step][:, :width] = plane[0]
    colour = frames.format.colour
    frame.color_range = 2 if colour.full_range else 1
    frame.colorspace = colour.matrix
    frame.color_primaries = colour.primaries
    frame.color_trc = colour.transfer
    return frame
