"""``roadmap/dct``: the block transform codec, from stills to clips.

The line of codecs that N. Ahmed, T. Natarajan and K. R. Rao's "Discrete Cosine Transform" (IEEE
Trans. Computers C-23, 1974) began and that JPEG, H.261 and MPEG made the world's: transform blocks
of 8x8 samples, quantise, code. Here with integer arithmetic throughout, prediction of blocks from
their neighbours or from the previous picture, adaptive binary contexts, rate-distortion optimised
quantisation and deblocking:

    RGB ─► opponent colour ─► - ─► DCT ─► quantise ─► contexts ─► range coder
                              ▲              │
            prediction ◄──────┼── + ◄─ inverse
                              └───┘

The syntax is specified in docs/codecs/dct.md. ``dct_syntax`` holds the block syntax,
``dct_kernels`` the decoder's loops, ``dct_encoder`` the encoder's choices.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ivc.codecs.base import Codec, Layers, Settings
from ivc.codecs.roadmap.dct_encoder import encode_plane
from ivc.codecs.roadmap.dct_kernels import FRACTION_BITS, STEP_BITS, PlaneState, decode_plane
from ivc.codecs.roadmap.dct_syntax import CONTEXTS
from ivc.entropy import Decoder, Encoder, Probe, code_bits, new_contexts
from ivc.entropy.fields import integer, pack, unpack
from ivc.errors import BitstreamError, UsageError
from ivc.signal import colour
from ivc.signal.blocks import load_plane, store_plane, subsample, upsample
from ivc.signal.deblock import deblock, squared_error
from ivc.signal.lossless import LosslessPlane
from ivc.types import Frames, Layer, Layout, PixelFormat, Segment, SegmentHeader

_SHRINK = 2  # in 1/64 step
_LAMBDA = 0.07  # squared steps that a bit is worth
_CANDIDATES = (1, 2, 1, 2, 3, 4, 5, 5, 5)  # intra modes tried in full at effort 1 to 9

STEPS_PER_OCTAVE = 128
MAX_STEP_INDEX = 21 * STEPS_PER_OCTAVE - 1
DEBLOCKING_BITS = 3


@dataclass(frozen=True)
class DctSettings(Settings):
    """Settings of ``roadmap/dct``.

    Attributes:
        chroma: how RGB input keeps its colour planes: ``444`` in full, ``420`` at half width and
            height, ``auto`` lets ivc choose: in full, since colour that does not pay costs
            next to nothing and measured sizes at equal PSNR are as small or smaller.
    """

    chroma: str = "auto"


@dataclass(frozen=True)
class Header:
    """What a payload begins with.

    Attributes:
        step: index of the quantisation step, see ``step_size``.
        halved: 1 if the colour planes of an RGB picture are stored at half width and height.
        shrink: how far decoded magnitudes are moved towards zero, in 1/64 step.
    """

    step: int = integer(0, MAX_STEP_INDEX)
    halved: int = integer(0, 1)
    shrink: int = integer(0, 31)


def _mantissa(i: int) -> int:
    """2**(14 + i / 128), rounded by integers alone: libraries may round powers differently."""
    bound = 1 << (15 * STEPS_PER_OCTAVE + i)
    m = round(2 ** (14 + i / STEPS_PER_OCTAVE))
    while (2 * m + 1) ** STEPS_PER_OCTAVE <= bound:
        m += 1
    while (2 * m - 1) ** STEPS_PER_OCTAVE > bound:
        m -= 1
    return m


_MANTISSAS = [_mantissa(i) for i in range(STEPS_PER_OCTAVE)]


def step_size(index: int) -> int:
    """Quantisation step of an index: 2**(index / 128) / 4 samples, here in 1/1024 sample."""
    octave, i = divmod(index, STEPS_PER_OCTAVE)
    return max((_MANTISSAS[i] << octave) >> 6, 1)


def step_index(quality: float, depth: int) -> int:
    """Index for a quality of 0 to 100 at a bit depth.

    At 8 bits the step is 256 samples at quality 0, 8 at 75 and 1/2 at 100, exponential in between.
    """
    octaves = 8 - quality / 15 if quality <= 75 else 3 - (quality - 75) * 4 / 25
    return round((octaves + 2 + depth - 8) * STEPS_PER_OCTAVE)


class _Plane:
    """One plane over the frames of a segment: its size, range and adaptive state."""

    def __init__(
        self, shape: tuple[int, int], limits: tuple[int, int, int], step: int, shrink: int
    ) -> None:
        self.shape = shape
        blocks = (-(-shape[0] // 8), -(-shape[1] // 8))
        self.padded = (8 * blocks[0], 8 * blocks[1])
        self.limits = limits
        self.step = step
        self.contexts = new_contexts(CONTEXTS, fast=4, slow=8)
        self.decoded = np.zeros((0, 0), np.int32)
        self.modes = np.zeros(blocks, np.uint8)
        self.magnitudes = np.zeros((*blocks, 65), np.uint8)
        self.scalars = np.array([step, *limits, shrink], np.int64)

    def next_state(self, guide: np.ndarray) -> PlaneState:
        """State for the next frame; the frame decoded last becomes the reference."""
        previous = self.decoded
        self.decoded = np.zeros(self.padded, np.int32)
        return PlaneState(
            self.contexts, self.decoded, previous, self.modes, self.magnitudes, guide, self.scalars
        )

    def deblock(self, strength: int) -> None:
        """Smooth block edges of the frame decoded last."""
        if strength:
            low, high, _ = self.limits
            deblock(self.decoded, (self.step * strength) >> (STEP_BITS + 3), low, high)

    def choose_deblocking(self, source: np.ndarray) -> int:
        """The strength whose result is nearest to ``source``; leaves that result."""
        unfiltered = self.decoded
        best, best_error = 0, squared_error(unfiltered, source)
        kept = unfiltered
        for strength in range(1, 1 << DEBLOCKING_BITS):
            self.decoded = unfiltered.copy()
            self.deblock(strength)
            error = squared_error(self.decoded, source)
            if error >= best_error:
                break
            best, best_error, kept = strength, error, self.decoded
        self.decoded = kept
        return best

    def forget(self) -> None:
        """Free the frame decoded last, when no later one refers to it."""
        self.decoded = np.zeros((0, 0), np.int32)


class _Picture:
    """The planes of a segment and the order in which they are coded, for encoder and decoder."""

    def __init__(self, pixel_format: PixelFormat, width: int, height: int, header: Header) -> None:
        self.format = pixel_format
        self.header = header
        self.rgb = pixel_format.layout is Layout.RGB
        top = pixel_format.max_value << FRACTION_BITS
        middle = (1 << (pixel_format.depth - 1)) << FRACTION_BITS
        shapes = pixel_format.plane_shapes(width, height)[: pixel_format.layout.planes]
        if header.halved:
            shapes[1:] = [(-(-height // 2), -(-width // 2))] * 2
        step = step_size(header.step)
        self.planes = []
        for i, shape in enumerate(shapes):
            limits = (-top, top, 0) if self.rgb and i else (0, top, middle)
            self.planes.append(_Plane(shape, limits, step, header.shrink))
        self.alpha = LosslessPlane((height, width), 0, pixel_format.max_value, pixel_format.depth)

    def guide(self, i: int) -> np.ndarray:
        """Magnitudes of the plane before, if its blocks cover the same places; otherwise zeros."""
        plane = self.planes[i]
        if i and self.planes[i - 1].modes.shape == plane.modes.shape:
            return self.planes[i - 1].magnitudes
        return np.zeros(plane.magnitudes.shape, np.uint8)

    def samples(self, source: list[np.ndarray], i: int) -> np.ndarray:
        """Plane ``i`` of a picture as the encoder sees it: (H, W) int32, padded to whole blocks."""
        plane = self.planes[i]
        samples = np.empty(plane.padded, np.int32)
        if not self.rgb:
            load_plane(source[i], plane.shape, FRACTION_BITS, samples)
        elif self.header.halved and i:
            full = np.empty(source[0].shape, np.int32)
            colour.rgb_to_opponent(*source[:3], i, FRACTION_BITS, full)
            subsample(full, plane.shape, samples)
        else:
            colour.rgb_to_opponent(*source[:3], i, FRACTION_BITS, samples)
            load_plane(samples, plane.shape, 0, samples)
        return samples

    def store(self, target: list[np.ndarray]) -> None:
        """Write the decoded colour planes to the arrays of a picture."""
        top = self.format.max_value
        planes = [plane.decoded for plane in self.planes]
        if self.rgb:
            if self.header.halved:
                planes[1:] = [upsample(plane, target[0].shape) for plane in planes[1:]]
            colour.opponent_to_rgb(*planes, FRACTION_BITS, top, *target[:3])
        else:
            for plane, out in zip(planes, target, strict=False):
                store_plane(plane, FRACTION_BITS, top, out)


class Dct(Codec[DctSettings]):
    """Lossy coding of stills and clips of every format; alpha is kept without loss."""

    version = 1
    settings_type = DctSettings

    def encode(
        self, segment: Segment, settings: DctSettings, shared: Mapping[Layer, bytes]
    ) -> Layers:
        """Code one segment; see ``Codec.encode``.

        Raises:
            UsageError: when a setting is out of range.
        """
        if not 0 <= settings.quality <= 100:
            raise UsageError(f"quality must be 0 to 100, not {settings.quality}")
        if settings.chroma not in ("auto", "420", "444"):
            raise UsageError(f"chroma must be auto, 420 or 444, not {settings.chroma!r}")
        frames = segment.frames
        depth = frames.format.depth
        header = Header(
            step=step_index(settings.quality, depth),
            halved=int(frames.format.layout is Layout.RGB and settings.chroma == "420"),
            shrink=_SHRINK,
        )
        picture = _Picture(frames.format, frames.width, frames.height, header)
        encoder, probe = Encoder(), Probe()
        effort = min(max(settings.effort, 1), 9)
        refine = effort >= 3
        unit = step_size(header.step) / (1 << STEP_BITS)
        for t in range(len(frames)):
            source = [plane[t] for plane in frames.planes]
            for i, plane in enumerate(picture.planes):
                samples = picture.samples(source, i)
                encode_plane(
                    encoder.coder,
                    probe.coder,
                    plane.next_state(picture.guide(i)),
                    samples,
                    _LAMBDA * unit * unit,
                    128 if refine else 96,
                    _CANDIDATES[effort - 1],
                    refine,
                )
                code_bits(encoder.coder, plane.choose_deblocking(samples), DEBLOCKING_BITS)
                if t == len(frames) - 1:
                    plane.forget()
            if frames.format.alpha:
                samples = source[-1].astype(np.int32)
                picture.alpha.choose_modes(samples)
                picture.alpha.code(encoder.coder, samples)
        return {Layer.PICTURE: pack(header) + encoder.finish()}

    def decode(
        self, layers: Mapping[Layer, bytes], header: SegmentHeader, shared: Mapping[Layer, bytes]
    ) -> Frames:
        """Decode one segment; see ``Codec.decode``."""
        if Layer.PICTURE not in layers:
            raise BitstreamError("the segment has no picture layer")
        fields, payload = unpack(Header, layers[Layer.PICTURE])
        pixel_format = header.format
        if fields.halved and pixel_format.layout is not Layout.RGB:
            raise BitstreamError("colour planes are halved in a picture that is not RGB")
        picture = _Picture(pixel_format, header.width, header.height, fields)
        decoder = Decoder(payload)
        shapes = pixel_format.plane_shapes(header.width, header.height)
        out = [np.empty((header.frames, *shape), pixel_format.dtype) for shape in shapes]
        for t in range(header.frames):
            target = [plane[t] for plane in out]
            for i, plane in enumerate(picture.planes):
                if not decode_plane(decoder.coder, plane.next_state(picture.guide(i))):
                    decoder.finish()
                plane.deblock(code_bits(decoder.coder, 0, DEBLOCKING_BITS))
            picture.store(target)
            if pixel_format.alpha:
                samples = np.zeros(shapes[0], np.int32)
                if not picture.alpha.code(decoder.coder, samples):
                    decoder.finish()
                target[-1][:] = samples
        decoder.finish()
        return Frames(out, pixel_format)
