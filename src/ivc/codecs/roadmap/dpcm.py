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

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ivc.codecs.base import Codec, Layers, Settings
from ivc.entropy import Decoder, Encoder
from ivc.entropy.fields import integer, pack, unpack
from ivc.errors import BitstreamError, UsageError
from ivc.signal import colour
from ivc.signal.lossless import LosslessPlane
from ivc.types import Frames, Layer, Layout, Segment, SegmentHeader


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


def _planes(header: SegmentHeader, kind: int) -> list[LosslessPlane]:
    top = header.format.max_value
    planes = []
    for i, shape in enumerate(header.format.plane_shapes(header.width, header.height)):
        low = -top if kind != colour.IDENTITY and i in (1, 2) else 0
        planes.append(LosslessPlane(shape, low, top, header.format.depth))
    return planes


def _code(
    coder: object, planes: list[LosslessPlane], i: int, samples: np.ndarray, fields: Header
) -> bool:
    """Code or decode one frame of plane ``i``; False if the data ran out.

    The errors of the plane before hint at those of this one if both are colour and of one size.
    """
    if fields.raw:
        return planes[i].code_raw(coder, samples)
    guided = i in (1, 2) and planes[i - 1].shape == planes[i].shape
    guide = planes[i - 1].magnitudes if guided else None
    return planes[i].code(coder, samples, fields.near, guide)


def _choose_colour(frames: Frames, near: int) -> int:
    """The reversible transform with the smallest errors on strips of the first frame."""
    if frames.format.layout is not Layout.RGB:
        return colour.IDENTITY
    # An error in YCoCg-R spreads over R, G and B, so a bound must be kept without it.
    kinds = [colour.SUBTRACT_GREEN, colour.IDENTITY] + [colour.YCOCG_R] * (near == 0)
    return colour.choose_reversible([plane[0] for plane in frames.planes[:3]], kinds)


def _encode(frames: Frames, header: SegmentHeader, fields: Header) -> bytes:
    layout = frames.format.layout
    planes = _planes(header, fields.colour)
    encoder = Encoder()
    for t in range(len(frames)):
        source = [plane[t] for plane in frames.planes]
        samples = [np.empty(plane.shape, np.int32) for plane in planes]
        if layout is Layout.RGB:
            colour.forward_reversible(*source[:3], fields.colour, *samples[:3])
        else:
            for i in range(layout.planes):
                samples[i][:] = source[i]
        if frames.format.alpha:
            samples[-1][:] = source[-1]
        for i, plane in enumerate(planes):
            if i == 1 and fields.near and fields.colour == colour.SUBTRACT_GREEN:
                # the decoder will add the decoded green, so that is what must be subtracted
                green = samples[0].astype(frames.format.dtype)
                colour.forward_reversible(source[0], green, source[2], fields.colour, *samples[:3])
            plane.choose_modes(samples[i])
            _code(encoder.coder, planes, i, samples[i], fields)
    return pack(fields) + encoder.finish()


class Dpcm(Codec[DpcmSettings]):
    """Lossless and near-lossless coding of stills and clips of every format."""

    version = 1
    settings_type = DpcmSettings
    lossless = True

    def at_quality(self, settings: DpcmSettings, quality: float) -> DpcmSettings:
        """The error bound doubles every 12.5 points of quality, from 0 at 100 to 255 at 0."""
        return replace(settings, near=round(2 ** ((100 - quality) / 12.5) - 1))

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
        header = SegmentHeader(
            frames.format, frames.width, frames.height, len(frames), self.version
        )
        kind = _choose_colour(frames, settings.near)
        payload = _encode(frames, header, Header(raw=0, colour=kind, near=settings.near))
        raw_size = -(-sum(plane.size for plane in frames.planes) * frames.format.depth // 8)
        if len(payload) > raw_size + 3:
            payload = _encode(frames, header, Header(raw=1, colour=colour.IDENTITY, near=0))
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
        if fields.colour != colour.IDENTITY and layout is not Layout.RGB:
            raise BitstreamError(
                f"the payload has a colour transform, but pictures are {pixel_format}"
            )
        planes = _planes(header, fields.colour)
        decoder = Decoder(payload)
        out = [np.empty((header.frames, *plane.shape), pixel_format.dtype) for plane in planes]
        for t in range(header.frames):
            samples = [np.zeros(plane.shape, np.int32) for plane in planes]
            for i in range(len(planes)):
                if not _code(decoder.coder, planes, i, samples[i], fields):
                    decoder.finish()
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
