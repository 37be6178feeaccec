"""What lossless codecs of the road map share that code a picture plane by plane.

    RGB ─► reversible colour ─► plane ─► a predictor that learns ─► error ─► contexts ─► range coder

A codec brings the header of its payload and the model of a plane; noise that would grow is stored
as it is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, TypeVar

import numpy as np

from ivc.codecs.base import Codec, Layers, Settings
from ivc.entropy import Decoder, Encoder
from ivc.entropy.fields import integer, pack, unpack
from ivc.errors import BitstreamError
from ivc.signal import colour
from ivc.signal.lossless import code_plane_raw
from ivc.types import Frames, Layer, Layout, PixelFormat, Segment, SegmentHeader

S = TypeVar("S", bound=Settings)


@dataclass(frozen=True)
class PlanewiseHeader:
    """What a payload begins with; codecs add fields of their own.

    Attributes:
        raw: 1 if samples are stored as they are.
        colour: reversible colour transform, a constant of ``ivc.signal.colour``.
    """

    raw: int = integer(0, 1)
    colour: int = integer(0, 2)


class PlaneModel(ABC):
    """One plane over the pictures of a segment: what its coder has learnt and refers to.

    Args:
        shape: (H, W).
        low: smallest sample value.
        high: largest sample value.

    Attributes:
        middle: what is taken from samples before they are predicted.
        magnitudes: (H, W) uint16 absolute prediction errors of the last picture.
    """

    def __init__(self, shape: tuple[int, int], low: int, high: int) -> None:
        self.shape = shape
        self.low, self.high = low, high
        self.middle = (low + high + 1) >> 1
        self.limits = (low - self.middle, high - self.middle, 0)
        self.magnitudes = np.zeros(shape, np.uint16)

    @abstractmethod
    def fit(self, samples: np.ndarray, known: list[np.ndarray]) -> None:
        """Encoder: choose what the file will say about the next picture; arguments as ``code``."""

    @abstractmethod
    def code(
        self, coder: Any, samples: np.ndarray, known: list[np.ndarray], guide: np.ndarray
    ) -> bool:
        """Code or decode one picture's plane in place.

        Args:
            coder: ``coder`` of an encoder or decoder.
            samples: (H, W) int32 less ``middle``; the decoder writes them.
            known: planes of this shape that were coded before in this picture, less their middle.
            guide: ``magnitudes`` of the plane before; (0, 0) if it is of another shape or kind.

        Returns:
            False when a decoder ran out of data and gave up.
        """


class PlanewiseCodec(Codec[S]):
    """Lossless coding of stills and clips of every format, plane by plane."""

    version = 1
    lossless = True
    header_type: ClassVar[type[PlanewiseHeader]]

    @abstractmethod
    def fields(self, settings: S) -> PlanewiseHeader:
        """The header for these settings.

        Raises:
            UsageError: when a setting is out of range.
        """

    @abstractmethod
    def plane_model(
        self, shape: tuple[int, int], low: int, high: int, fields: Any, settings: S | None
    ) -> PlaneModel:
        """A new model; ``settings`` only in the encoder."""

    def _planes(
        self, form: PixelFormat, size: tuple[int, int], fields: Any, settings: S | None
    ) -> list[PlaneModel]:
        found = []
        for i, shape in enumerate(form.plane_shapes(*size)):
            signed = fields.colour != colour.IDENTITY and i in (1, 2)
            low = -form.max_value if signed else 0
            found.append(self.plane_model(shape, low, form.max_value, fields, settings))
        return found

    def encode(self, segment: Segment, settings: S, shared: Mapping[Layer, bytes]) -> Layers:
        """Code one segment; see ``Codec.encode``.

        Raises:
            UsageError: when a setting is out of range.
        """
        frames = segment.frames
        kind = colour.IDENTITY
        if frames.format.layout is Layout.RGB:
            kinds = [colour.SUBTRACT_GREEN, colour.IDENTITY, colour.YCOCG_R]
            kind = colour.choose_reversible([plane[0] for plane in frames.planes[:3]], kinds)
        fields = replace(self.fields(settings), colour=kind)
        payload = self._encode(frames, fields, settings)
        raw_size = -(-sum(plane.size for plane in frames.planes) * frames.format.depth // 8)
        if len(payload) > raw_size + len(pack(fields)):
            payload = self._encode(frames, replace(fields, raw=1, colour=colour.IDENTITY), settings)
        return {Layer.PICTURE: payload}

    def _encode(self, frames: Frames, fields: Any, settings: S) -> bytes:
        planes = self._planes(frames.format, (frames.width, frames.height), fields, settings)
        encoder = Encoder()
        for t in range(len(frames)):
            source = [plane[t] for plane in frames.planes]
            samples = [np.array(plane, np.int32) for plane in source]
            if frames.format.layout is Layout.RGB:
                colour.forward_reversible(*source[:3], fields.colour, *samples[:3])
            for i in range(len(planes)):
                _code(encoder.coder, planes, i, samples, fields.raw, fit=True)
        return pack(fields) + encoder.finish()

    def decode(
        self, layers: Mapping[Layer, bytes], header: SegmentHeader, shared: Mapping[Layer, bytes]
    ) -> Frames:
        """Decode one segment; see ``Codec.decode``."""
        if Layer.PICTURE not in layers:
            raise BitstreamError("the segment has no picture layer")
        fields, payload = unpack(self.header_type, layers[Layer.PICTURE])
        form = header.format
        if fields.colour != colour.IDENTITY and form.layout is not Layout.RGB:
            raise BitstreamError(f"the payload has a colour transform, but pictures are {form}")
        planes = self._planes(form, (header.width, header.height), fields, None)
        decoder = Decoder(payload)
        out = [np.empty((header.frames, *plane.shape), form.dtype) for plane in planes]
        for t in range(header.frames):
            samples = [np.zeros(plane.shape, np.int32) for plane in planes]
            for i in range(len(planes)):
                if not _code(decoder.coder, planes, i, samples, fields.raw):
                    decoder.finish()
            target = [plane[t] for plane in out]
            for plane, decoded in zip(target, samples, strict=True):
                plane[:] = decoded
            if form.layout is Layout.RGB:
                colour.inverse_reversible(*samples[:3], fields.colour, form.max_value, *target[:3])
        decoder.finish()
        return Frames(out, form)


def _code(
    coder: Any, planes: list[PlaneModel], i: int, samples: list[np.ndarray], raw: int,
    fit: bool = False,
) -> bool:  # fmt: skip
    """Code or decode plane ``i`` of one picture in place; False if the data ran out.

    The colour planes before of the same size are known to it, and the errors of the last of them.
    """
    plane = planes[i]
    if raw:
        bits = (plane.high - plane.low).bit_length()
        whole: bool = code_plane_raw(coder, samples[i], plane.low, bits)
        return whole
    before = [j for j in range(i) if i < 3 and planes[j].shape == plane.shape]
    known = [samples[j] - planes[j].middle for j in before]
    guided = i in (1, 2) and planes[i - 1].shape == plane.shape
    guide = planes[i - 1].magnitudes if guided else np.zeros((0, 0), np.uint16)
    samples[i] -= plane.middle
    if fit:
        plane.fit(samples[i], known)
    done = plane.code(coder, samples[i], known, guide)
    samples[i] += plane.middle
    return done
