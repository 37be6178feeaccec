"""The ``image`` codec: segments of pictures to layers and back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np

from ivc import threads
from ivc.codecs.base import Codec, Layers, Settings
from ivc.codecs.image.constants import (
    ENHANCEMENT_LEVELS,
    LAMBDA,
    LEVELS,
    MAX_STEP_INDEX,
    PICTURE_LEVELS,
    SHRINK,
    STEPS_PER_OCTAVE,
    STRUCTURE_LEVELS,
)
from ivc.codecs.image.frame import Analysis, Choice, FrameCoder, subsampled
from ivc.codecs.image.model import ImageModel
from ivc.codecs.image.perceptual import importance
from ivc.codecs.image.planes import Geometry, from_samples, to_samples
from ivc.codecs.image.refine import averaged, influences
from ivc.codecs.image.syntax import Header
from ivc.entropy import Decoder, Encoder, Estimator
from ivc.entropy.fields import pack, unpack
from ivc.errors import BitstreamError, ModelError, UnsupportedError, UsageError
from ivc.nets import bundle
from ivc.signal.lossless import LosslessPlane
from ivc.types import Frames, Layer, Segment, SegmentHeader

MODEL = "image"
TUNES = {"psnr": 1, "ms-ssim": 1}
"""Version of the shipped model for each way to tune."""
LAYER_OF = {
    **dict.fromkeys(STRUCTURE_LEVELS, Layer.STRUCTURE),
    **dict.fromkeys(PICTURE_LEVELS, Layer.PICTURE),
    **dict.fromkeys(ENHANCEMENT_LEVELS, Layer.ENHANCEMENT),
}
_LAMBDA = {"psnr": LAMBDA, "ms-ssim": 0.10}
"""Squared steps that a bit is worth."""
_MODELS_KEPT = 4
_FINER = 64
"""By how much the index of the step is lower with ``tune`` ms-ssim."""
_REFINEMENTS = {8: 1, 9: 2}
"""How often integers are chosen anew after gradient descent, by effort."""
_WORST = math.log2(160)


@dataclass(frozen=True)
class ImageSettings(Settings):
    """Settings of ``image``.

    Attributes:
        tune: what to be good at: ``psnr`` or ``ms-ssim``.
        model: folder of your own model; empty for the one that ships with ivc.
    """

    tune: Literal["psnr", "ms-ssim"] = "psnr"
    model: str = ""


def step_index(quality: float) -> int:
    """Index of the quantisation step for a quality of 0 to 100.

    The step is 160 samples of 8 bits at quality 0, 8 at 75 and 1/2 at 100, exponential in between.
    """
    octaves = _WORST - quality * (_WORST - 3) / 75 if quality <= 75 else 3 - (quality - 75) * 4 / 25
    return min(max(round((octaves + 1) * STEPS_PER_OCTAVE), 0), MAX_STEP_INDEX)


class Image(Codec[ImageSettings]):
    """Learned coding of stills, and of clips as stills; alpha is kept without loss.

    Args:
        threads: threads of the networks; None takes all cores, or one in a worker process.
        arithmetic: of the exact networks; see ``ImageModel``.
    """

    version = 1
    settings_type = ImageSettings
    reductions: ClassVar[tuple[int, ...]] = tuple(2**level for level in range(LEVELS + 1))

    def __init__(self, threads: int | None = None, arithmetic: str = "float32") -> None:
        self._threads, self._arithmetic = threads, arithmetic
        self._models: dict[str, ImageModel] = {}

    def layers_at(self, reduction: int) -> frozenset[Layer] | None:
        """See ``Codec.layers_at``."""
        needed = {layer for level, layer in LAYER_OF.items() if 2**level > reduction}
        return frozenset({Layer.STRUCTURE, Layer.ALPHA, *needed})

    def weights_hash(self, settings: ImageSettings) -> bytes | None:
        """See ``Codec.weights_hash``: that of the user's own model."""
        return bundle.load_folder(settings.model).weights_hash if settings.model else None

    def encode(
        self, segment: Segment, settings: ImageSettings, shared: Mapping[Layer, bytes]
    ) -> Layers:
        """Code one segment; see ``Codec.encode``.

        Raises:
            UsageError: when a setting is out of range.
            ModelError: when the model cannot be used.
        """
        if not 0 <= settings.quality <= 100:
            raise UsageError(f"quality must be 0 to 100, not {settings.quality}")
        if settings.tune not in TUNES:
            raise UsageError(f"tune must be {' or '.join(TUNES)}, not {settings.tune!r}")
        number = 0 if settings.model else TUNES[settings.tune]
        model = self._model(number, settings.model)
        step = step_index(settings.quality)
        if settings.tune == "ms-ssim":
            # what is gained in busy regions is spent on a finer step
            step = max(step - _FINER, 0)
        header = Header(model=number, step=step, shrink=SHRINK)
        frames = segment.frames
        pixel_format = frames.format
        geometry = Geometry(pixel_format.layout, frames.width, frames.height)
        encoders = {layer: Encoder() for layer in (*LAYER_OF.values(), Layer.ALPHA)}
        coder = FrameCoder(
            geometry, model, header, {layer: e.coder for layer, e in encoders.items()}
        )
        choice = Choice(_LAMBDA[settings.tune] if settings.effort > 1 else 0.0)
        alpha = LosslessPlane(
            (frames.height, frames.width), 0, pixel_format.max_value, pixel_format.depth
        )
        for t in range(len(frames)):
            source = [plane[t] for plane in frames.planes]
            analysis = Analysis(geometry, from_samples(source, pixel_format))
            if settings.tune == "ms-ssim":
                choice = replace(choice, weights=importance(analysis.details))
            for _ in range(_REFINEMENTS.get(settings.effort, 0)):
                choice = _refined(coder, analysis, choice)
            coder.code(LAYER_OF, analysis, choice)
            choice = replace(choice, influences={})
            if pixel_format.alpha:
                samples = source[-1].astype(np.int32)
                alpha.choose_modes(samples)
                alpha.code(encoders[Layer.ALPHA].coder, samples)
        layers = {layer: encoder.finish() for layer, encoder in encoders.items()}
        layers[Layer.STRUCTURE] = pack(header) + layers[Layer.STRUCTURE]
        if not pixel_format.alpha:
            del layers[Layer.ALPHA]
        return layers

    def decode(
        self, layers: Mapping[Layer, bytes], header: SegmentHeader, shared: Mapping[Layer, bytes]
    ) -> Frames:
        """Decode one segment; see ``Codec.decode``."""
        finest = header.reduction.bit_length() - 1
        pixel_format = header.format
        wanted = {layer for level, layer in LAYER_OF.items() if level > finest}
        if pixel_format.alpha:
            wanted.add(Layer.ALPHA)
        for layer in sorted({Layer.STRUCTURE} | wanted):
            if layer not in layers:
                raise BitstreamError(f"the segment has no {layer.label} layer")
        fields, structure = unpack(Header, layers[Layer.STRUCTURE])
        if (fields.model == 0) != (header.weights_hash is not None):
            raise BitstreamError(
                "the stream's header and its segment disagree on whose model it is"
            )
        model = self._model(fields.model, header.model, header.weights_hash, decoding=True)
        decoders = {layer: Decoder(layers[layer]) for layer in wanted}
        decoders[Layer.STRUCTURE] = Decoder(structure)
        geometry = Geometry(pixel_format.layout, header.width, header.height)
        coder = FrameCoder(geometry, model, fields, {la: d.coder for la, d in decoders.items()})
        width, height = header.size
        out = [
            np.empty((header.frames, *shape), pixel_format.dtype)
            for shape in pixel_format.plane_shapes(width, height)
        ]
        alpha = LosslessPlane(
            (header.height, header.width), 0, pixel_format.max_value, pixel_format.depth
        )
        step = coder.step(1, 0)
        # of a layer that another picture follows in, all must be parsed
        parsed = [level for level, layer in LAYER_OF.items() if layer in decoders]
        last = min(parsed) if header.frames > 1 else finest + 1
        for t in range(header.frames):
            target = [plane[t] for plane in out]
            planes = coder.code(LAYER_OF, finest=finest, last=last)
            if finest == 0:
                model.synthesise(planes, step)
            colour = subsampled(planes, pixel_format.layout)
            to_samples(colour, pixel_format, target, 2.0**-finest)
            if pixel_format.alpha:
                samples = np.zeros(alpha.shape, np.int32)
                if not alpha.code(decoders[Layer.ALPHA].coder, samples):
                    raise BitstreamError("the data of the alpha layer are cut short")
                target[-1][:] = _shrunk(samples, header.reduction)
        for layer, decoder in decoders.items():
            # a layer of several levels has more than a reduced picture reads
            if all(level >= last for level, name in LAYER_OF.items() if name == layer):
                decoder.finish()
        return Frames(out, pixel_format)

    def _model(
        self, number: int, folder: str, expected: bytes | None = None, *, decoding: bool = False
    ) -> ImageModel:
        """The model of a number, or of a folder for number 0."""
        if number == 0 and not folder:
            raise ModelError(
                "the file was encoded with a model that is not part of ivc: name its folder "
                "(ivc decode --model DIR)"
            )
        if number not in (0, *TUNES.values()):
            raise UnsupportedError(
                f"the file needs model {number} of image; a newer ivc may have it"
            )
        weights = bundle.load_folder(folder) if number == 0 else bundle.load(MODEL, number)
        key = weights.card.sha256
        if key not in self._models:
            if len(self._models) >= _MODELS_KEPT:
                self._models.clear()
            count = threads.available() if self._threads is None else self._threads
            self._models[key] = ImageModel(weights, count, self._arithmetic)
        model = self._models[key]
        if decoding and number == 0 and model.bundle.weights_hash != expected:
            found = model.bundle.weights_hash.hex()
            raise ModelError(
                f"the file was written with weights {expected.hex() if expected else 'unknown'}, "
                f"but those in {folder} are {found}; give the model it was written with"
            )
        return model


def _refined(coder: FrameCoder, analysis: Analysis, choice: Choice) -> Choice:
    """The choice that knows what coefficients cost others, after coding a picture for trial."""
    trial = FrameCoder(
        coder.geometry, coder.model, coder.header, dict.fromkeys(coder.coders, Estimator().coder)
    )
    trial.contexts[:] = coder.contexts
    trial.code(LAYER_OF, analysis, choice, keep=True)
    indices = {level: coder.index(level, 0) for level in coder.geometry.levels()}
    found = influences(coder.model, coder.geometry, trial.levels, indices)
    # the mean with those of the trial before, since a full step may overshoot
    return replace(choice, influences=averaged(choice.influences, found))


def _shrunk(samples: np.ndarray, reduction: int) -> np.ndarray:
    """A plane at a fraction of its size by averaging squares, rounded; (H, W) int32."""
    if reduction == 1:
        return samples
    height, width = (-(-side // reduction) for side in samples.shape)
    padded = np.pad(
        samples,
        ((0, height * reduction - samples.shape[0]), (0, width * reduction - samples.shape[1])),
        mode="edge",
    )
    squares = padded.reshape(height, reduction, width, reduction)
    return (squares.sum((1, 3)) * 2 + reduction**2) // (2 * reduction**2)
