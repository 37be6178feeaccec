"""A codec for tests of what surrounds codecs: it scales in size, takes a model and can be tuned.

STRUCTURE holds every second sample of every second row, ENHANCEMENT all samples, deflated. Full
size needs both, though only to see that they are there. A model is a folder with a file
``weights``, whose first byte is added to the samples that are stored.
"""

import hashlib
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from ivc.codecs import Profile
from ivc.codecs.base import Codec, Settings
from ivc.errors import BitstreamError, ModelError
from ivc.types import Frames, Layer

PROFILE = Profile(
    number=9001,
    name="layered",
    target="layered_codec:Layered",
    family="test",
    layers=frozenset({Layer.STRUCTURE, Layer.ENHANCEMENT, Layer.PARAMETERS}),
    lossless=False,
    summary="two layers",
)


@dataclass(frozen=True)
class LayeredSettings(Settings):
    tune: Literal["psnr", "ms-ssim"] = "psnr"
    model: str = ""


def half(frames):
    """Every second sample of every second row."""
    return Frames([plane[:, ::2, ::2].copy() for plane in frames.planes], frames.format)


def weights_of(folder):
    try:
        return (Path(folder) / "weights").read_bytes()
    except OSError:
        raise ModelError(f"{folder} holds no model") from None


def hash_of(weights):
    return hashlib.sha256(weights).digest()[:8]


class Layered(Codec[LayeredSettings]):
    version = 1
    settings_type = LayeredSettings
    reductions = (1, 2, 4)

    def layers_at(self, reduction):
        return None if reduction == 1 else frozenset({Layer.STRUCTURE})

    def weights_hash(self, settings):
        return hash_of(weights_of(settings.model)) if settings.model else None

    def at_quality(self, settings, quality):
        return replace(settings, quality=round(quality, 2))

    def encode(self, segment, settings, shared):
        offset = weights_of(settings.model)[0] if settings.model else 0
        step = 1 + (100 - settings.quality) / 2
        frames = Frames(
            [
                np.clip(
                    np.rint(plane // step * step + step / 2 - 0.5),
                    0,
                    segment.frames.format.max_value,
                ).astype(plane.dtype)
                for plane in segment.frames.planes
            ],
            segment.frames.format,
        )
        return {
            Layer.STRUCTURE: self._pack(half(frames), offset),
            Layer.ENHANCEMENT: self._pack(frames, offset),
        }

    def decode(self, layers, header, shared):
        offset = 0
        if header.weights_hash is not None:
            if not header.model:
                raise ModelError("the file needs a model of its own; name its folder with --model")
            weights = weights_of(header.model)
            if hash_of(weights) != header.weights_hash:
                raise ModelError(f"{header.model} is not the model of the file")
            offset = weights[0]
        if header.reduction == 1:
            if set(layers) != {Layer.STRUCTURE, Layer.ENHANCEMENT}:
                raise BitstreamError("a layer is missing")
            size = header.width, header.height
            return self._unpack(layers[Layer.ENHANCEMENT], header, size, offset)
        assert set(layers) == {Layer.STRUCTURE}, "layers were read that nobody needs"
        size = -(-header.width // 2), -(-header.height // 2)
        frames = self._unpack(layers[Layer.STRUCTURE], header, size, offset)
        return half(frames) if header.reduction == 4 else frames

    def _pack(self, frames, offset):
        samples = [plane + plane.dtype.type(offset) for plane in frames.planes]
        return zlib.compress(b"".join(plane.tobytes() for plane in samples))

    def _unpack(self, data, header, size, offset):
        try:
            samples = np.frombuffer(zlib.decompress(data), header.format.dtype)
        except zlib.error as error:
            raise BitstreamError(f"broken: {error}") from None
        planes = []
        for shape in header.format.plane_shapes(*size):
            count = header.frames * shape[0] * shape[1]
            planes.append(
                samples[:count].reshape(header.frames, *shape) - samples.dtype.type(offset)
            )
            samples = samples[count:]
        return Frames(planes, header.format)
