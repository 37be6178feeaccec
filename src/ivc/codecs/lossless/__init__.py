"""``lossless``: every sample exact, from quick prediction to mixed models that learn as they code.

stripe ─► palette or reversible colour ─► planes ─► model ─► range coder

stripes.py        a stripe's header, palette and planes
quick.py          the quick model of effort 1: tokens in tables
light.py          the light model of middle efforts
plans.py          which neighbours predict a plane
model.py          the mixed model: one function for encoder and decoder
squares.py        local weighted least squares
mixing.py         decisions mixed from many probabilities
matching.py       exact repeats
motion.py         displacements in clips
palette.py        pictures of few colours
logistic.py       tables and functions that are the same on every machine
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ivc.codecs.base import Codec, Layers, Settings
from ivc.codecs.lossless import stripes
from ivc.errors import BitstreamError
from ivc.threads import spread
from ivc.types import Frames, Layer, PixelFormat, Segment, SegmentHeader

STRIPE = 1 << 20
"""Luma samples of a picture that one stripe holds, about."""


def _rows(width: int, height: int) -> list[slice]:
    """Luma rows of each stripe: multiples of 16, nearly the same for all."""
    count = max(1, (height * width + STRIPE // 2) // STRIPE)
    step = max(-(-height // count), 16)
    step += -step % 16
    return [slice(top, min(top + step, height)) for top in range(0, height, step)]


def _cut(planes: Sequence[np.ndarray], pixel_format: PixelFormat, rows: slice) -> list[np.ndarray]:
    _, sy = pixel_format.layout.chroma_shift
    out = []
    for i, plane in enumerate(planes):
        shift = sy if i in (1, 2) else 0
        out.append(plane[:, rows.start >> shift : -(-rows.stop >> shift)])
    return out


class Lossless(Codec[Settings]):
    """Lossless coding of stills and clips of every format."""

    version = 1
    settings_type = Settings
    lossless = True

    def encode(self, segment: Segment, settings: Settings, shared: Mapping[Layer, bytes]) -> Layers:
        """Code one segment; see ``Codec.encode``."""
        frames = segment.frames
        rows = _rows(frames.width, frames.height)

        def code(part: slice) -> bytes:
            planes = [np.ascontiguousarray(p) for p in _cut(frames.planes, frames.format, part)]
            return stripes.encode(planes, frames.format, settings.effort)

        coded = spread(code, rows)
        out = bytearray()
        for data in coded[:-1]:
            out += len(data).to_bytes(4, "little") + data
        return {Layer.PICTURE: bytes(out + coded[-1])}

    def decode(
        self, layers: Mapping[Layer, bytes], header: SegmentHeader, shared: Mapping[Layer, bytes]
    ) -> Frames:
        """Decode one segment; see ``Codec.decode``."""
        if Layer.PICTURE not in layers:
            raise BitstreamError("the segment has no picture layer")
        data = memoryview(layers[Layer.PICTURE])
        shapes = header.format.plane_shapes(header.width, header.height)
        out = [np.zeros((header.frames, *shape), header.format.dtype) for shape in shapes]
        rows = _rows(header.width, header.height)
        parts = []
        for i in range(len(rows)):
            length = len(data)
            if i < len(rows) - 1:
                length = int.from_bytes(data[:4], "little")
                data = data[4:]
                if length > len(data):
                    raise BitstreamError("a stripe is cut short; the data are damaged")
            parts.append(data[:length])
            data = data[length:]

        def decode(i: int) -> None:
            stripes.decode(parts[i], header.format, _cut(out, header.format, rows[i]))

        spread(decode, range(len(rows)))
        return Frames(out, header.format)
