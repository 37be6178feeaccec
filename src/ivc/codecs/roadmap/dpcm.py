"""``roadmap/dpcm``: differential pulse-code modulation, lossless or within an error bound.

The oldest idea of picture coding (C. C. Cutler, US patent 2,605,361, 1952): predict each sample
from those before it and code the error. Here with context-dependent correction of the prediction
and adaptive binary range coding:

    RGB ─► reversible colour ─► predict ─► error ─► quantise (near) ─► contexts ─► range coder
                                  ▲                    │
                                  └── decoded samples ◄┘

The syntax is specified in docs/codecs/dpcm.md; ``ivc.signal.lossless`` holds the loops.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from ivc.codecs.base import Codec, Layers, Settings
from ivc.entropy import Decoder, Encoder, new_contexts
from ivc.entropy.fields import integer, pack, unpack
from ivc.errors import BitstreamError, UsageError
from ivc.signal import colour
from ivc.signal.lossless import (
    CONTEXTS,
    MODE_BLOCK,
    choose_modes,
    code_plane,
    code_plane_raw,
    new_biases,
)
from ivc.types import Frames, Layer, Layout, PixelFormat, Segment, SegmentHeader

_NOTHING = np.zeros((0, 0), np.int32)
_NO_GUIDE = np.zeros((0, 0), np.uint16)


@dataclass(frozen=True)
class DpcmSettings(Settings):
    """Settings of ``roadmap/dpcm``.

    Attributes:
        near: largest absolute error of any sample, 0 (lossless) to 255.
    """

    near: int = 0


@dataclass(frozen=True)
class Header:
    """What a payload begins with.

    Attributes:
        raw: 1 if samples are stored as they are.
        colour: reversible colour transform, a constant of ``ivc.signal.colour``.
        near: largest absolute error of any sample.
    """

    raw: int = integer(0, 1)
    colour: int = integer(0, 2)
    near: int = integer(0, 255)


class _Plane:
    """The adaptive state of one plane over the frames of a segment."""

    def __init__(self, shape: tuple[int, int], low: int, high: int) -> None:
        self.shape, self.low, self.high = shape, low, high
        self.contexts = new_contexts(CONTEXTS)
        self.biases = new_biases()
        self.previous = _NOTHING
        self.modes = np.zeros((-(-shape[0] // MODE_BLOCK), -(-shape[1] // MODE_BLOCK)), np.uint8)
        self.magnitudes = np.zeros(shape, np.uint16)

    def code(
        self, coder: object, samples: np.ndarray, header: Header, guide: np.ndarray, depth: int
    ) -> None:
        """Code or decode one frame in place; the samples become the next frame's reference."""
        if header.raw:
            code_plane_raw(coder, samples, self.low, (self.high - self.low).bit_length())
            return
        code_plane(
            coder, self.contexts, self.biases, samples, self.previous, self.modes, guide,
            self.magnitudes, self.low, self.high, header.near, depth,
        )  # fmt: skip
        self.previous = samples


def _planes(pixel_format: PixelFormat, width: int, height: int, kind: int) -> list[_Plane]:
    top = pixel_format.max_value
    planes = []
    for i, shape in enumerate(pixel_format.plane_shapes(width, height)):
        signed = kind != colour.IDENTITY and i in (1, 2)
        planes.append(_Plane(shape, -top if signed else 0, top))
    return planes


def _guides(pixel_format: PixelFormat, planes: list[_Plane]) -> list[np.ndarray]:
    """For each plane the errors that hint at its own: those of the plane before if of its size."""
    guides = [_NO_GUIDE]
    for i in range(1, pixel_format.layout.planes):
        alike = planes[i].shape == planes[i - 1].shape
        guides.append(planes[i - 1].magnitudes if alike else _NO_GUIDE)
    return guides + [_NO_GUIDE] * pixel_format.alpha


def _trial_cost(planes: Iterator[np.ndarray]) -> float:
    cost = 0.0
    for plane in planes:
        error = plane[1:, 1:] - ((plane[1:, :-1] + plane[:-1, 1:]) >> 1)
        cost += float(np.log2(1.0 + np.abs(error)).sum())
    return cost


def _choose_colour(frames: Frames, near: int) -> int:
    """The reversible transform with the smallest errors on up to 16 strips of the first frame."""
    if frames.format.layout is not Layout.RGB:
        return colour.IDENTITY
    # An error in YCoCg-R spreads over R, G and B, so a bound must be kept without it.
    kinds = [colour.SUBTRACT_GREEN, colour.IDENTITY] + [colour.YCOCG_R] * (near == 0)
    height = frames.height
    tops = range(0, height, max(height // 16, 16))
    costs = dict.fromkeys(kinds, 0.0)
    for top in tops:
        strip = [p[0, top : top + 16] for p in frames.planes[:3]]
        for kind in kinds:
            out = [np.empty(strip[0].shape, np.int32) for _ in range(3)]
            colour.forward_reversible(*strip, kind, *out)
            costs[kind] += _trial_cost(iter(out))
    return min(kinds, key=lambda kind: costs[kind])


def _encode(frames: Frames, header: Header) -> bytes:
    layout, depth = frames.format.layout, frames.format.depth
    planes = _planes(frames.format, frames.width, frames.height, header.colour)
    guides = _guides(frames.format, planes)
    encoder = Encoder()
    for t in range(len(frames)):
        source = [plane[t] for plane in frames.planes]
        samples = [np.empty(plane.shape, np.int32) for plane in planes]
        if layout is Layout.RGB:
            colour.forward_reversible(*source[:3], header.colour, *samples[:3])
        else:
            for i in range(layout.planes):
                samples[i][:] = source[i]
        if frames.format.alpha:
            samples[-1][:] = source[-1]
        for i, plane in enumerate(planes):
            if i == 1 and header.near and header.colour == colour.SUBTRACT_GREEN:
                # the decoder will add the decoded green
                colour.forward_reversible(
                    source[0], samples[0], source[2], header.colour, *samples[:3]
                )
            if plane.previous.size:
                choose_modes(samples[i], plane.previous, plane.modes)
            plane.code(encoder.coder, samples[i], header, guides[i], depth)
    return pack(header) + encoder.finish()


class Dpcm(Codec[DpcmSettings]):
    """Lossless and near-lossless coding of stills and clips of every format."""

    version = 1
    settings_type = DpcmSettings
    lossless = True

    def at_quality(self, settings: DpcmSettings, quality: float) -> DpcmSettings:
        """The error bound doubles every 12.5 points of quality, from 0 at 100 to 255 at 0."""
        return replace(settings, quality=quality, near=round(2 ** ((100 - quality) / 12.5) - 1))

    def is_exact(self, settings: DpcmSettings) -> bool:
        """Whether the error bound is 0."""
        return settings.near == 0

    def encode(
        self, segment: Segment, settings: DpcmSettings, shared: Mapping[Layer, bytes]
    ) -> Layers:
        """Code one segment; see ``Codec.encode``.

        Raises:
            UsageError: when ``near`` is out of range.
        """
        if not 0 <= settings.near <= 255:
            raise UsageError(f"near must be 0 to 255, not {settings.near}")
        frames = segment.frames
        kind = _choose_colour(frames, settings.near)
        payload = _encode(frames, Header(raw=0, colour=kind, near=settings.near))
        raw_size = -(-sum(plane.size for plane in frames.planes) * frames.format.depth // 8)
        if len(payload) > raw_size + 3:
            payload = _encode(frames, Header(raw=1, colour=colour.IDENTITY, near=0))
        return {Layer.PICTURE: payload}

    def decode(
        self, layers: Mapping[Layer, bytes], header: SegmentHeader, shared: Mapping[Layer, bytes]
    ) -> Frames:
        """Decode one segment; see ``Codec.decode``."""
        if Layer.PICTURE not in layers:
            raise BitstreamError("the segment has no picture layer")
        fields, payload = unpack(Header, layers[Layer.PICTURE])
        pixel_format = header.format
        layout = pixel_format.layout
        planes = _planes(pixel_format, header.width, header.height, fields.colour)
        guides = _guides(pixel_format, planes)
        decoder = Decoder(payload)
        out = [np.empty((header.frames, *plane.shape), pixel_format.dtype) for plane in planes]
        for t in range(header.frames):
            samples = [np.zeros(plane.shape, np.int32) for plane in planes]
            for i, plane in enumerate(planes):
                plane.code(decoder.coder, samples[i], fields, guides[i], pixel_format.depth)
            target = [plane[t] for plane in out]
            if layout is Layout.RGB:
                top = pixel_format.max_value
                colour.inverse_reversible(*samples[:3], fields.colour, top, *target[:3])
            else:
                for i in range(layout.planes):
                    target[i][:] = samples[i]
            if pixel_format.alpha:
                target[-1][:] = samples[-1]
        decoder.finish()
        return Frames(out, pixel_format)
