"""One picture through the codec: from planes to coefficients and back, coarse to fine.

    planes ─► wavelet ─► details ─► - ─► ÷ step ─► choose ─► passes ─► range coder
                                    ▲                           │
              coarse ──► predict ───┴──────► + ◄─── · step ◄────┘
                 ▲                           │
                 └──────── inverse ◄─────────┘            … and after level 1: synthesise

The prediction sees what the decoder will have decoded, so errors do not build up; it paints only,
since the integers that are coded say no more than "this much beside the prediction".
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ivc.codecs.image.constants import (
    DIAGONAL,
    HORIZONTAL,
    LEVELS,
    MAX_STEP_INDEX,
    SHARED_LEVEL,
    STEPS_PER_OCTAVE,
    TILE,
    VERTICAL,
    step_feature,
    step_size,
)
from ivc.codecs.image.level import Chooser, Level, first_features, no_coefficients
from ivc.codecs.image.model import ImageModel, Int32
from ivc.codecs.image.passes import ALL_BANDS, Band
from ivc.codecs.image.planes import Float32, Geometry
from ivc.codecs.image.refine import Influence, influence_of
from ivc.codecs.image.syntax import Header, add_details, choose_band
from ivc.errors import BitstreamError
from ivc.nets.tiles import Box, tiles
from ivc.signal import wavelet
from ivc.signal.lossless import LosslessPlane
from ivc.types import Layer, Layout

_SQRT2 = np.float32(math.sqrt(2))
_OFFSETS = {VERTICAL: (1, 0), HORIZONTAL: (0, 1), DIAGONAL: (1, 1)}
_TOP = 5 * 256 * 2**LEVELS // 4 * 2
"""The largest coarse coefficient in steps of 1/2: a flat picture's and a quarter more."""


def slot(plane: Float32, band: int) -> Float32:
    """The coefficients of a band among interleaved ones, a view."""
    row, column = _OFFSETS[band]
    return plane[row::2, column::2]


class Analysis:
    """Encoder: a picture's coefficients at all levels.

    Args:
        geometry: of the picture.
        planes: float32 planes as the layout samples them; changed.

    Attributes:
        coarse: coarsest coefficients, one (h, w) array a plane.
        details: interleaved coefficients by level and plane, as ``wavelet.forward`` leaves them.
    """

    def __init__(self, geometry: Geometry, planes: list[Float32]) -> None:
        self.details: dict[tuple[int, int], Float32] = {}
        self.coarse: list[Float32] = []
        for i, plane in enumerate(planes):
            level = 0
            if i and geometry.layout is Layout.YUV420:
                plane, level = plane * np.float32(2), 1
            elif i and geometry.layout is Layout.YUV422:
                wavelet.forward_vertical(plane)
                plane *= _SQRT2
                self.details[1, i] = plane
                plane, level = np.ascontiguousarray(plane[0::2]), 1
            while level < LEVELS:
                level += 1
                wavelet.forward(plane)
                self.details[level, i] = plane
                plane = np.ascontiguousarray(plane[0::2, 0::2])
            self.coarse.append(plane)


@dataclass(frozen=True)
class Choice:
    """How the encoder chooses integers.

    Attributes:
        lambda_rd: squared steps that a bit is worth.
        weights: importance of errors by level, (H, W) each; missing levels are even.
        influences: what coefficients cost others, by level; see ``refine``.
    """

    lambda_rd: float
    weights: Mapping[int, Float32] = field(default_factory=dict)
    influences: Mapping[int, Influence] = field(default_factory=dict)


class FrameCoder:
    """Codes the pictures of a segment one after the other; contexts go on learning.

    Args:
        geometry: of the pictures.
        model: the networks.
        header: of the segment.
        coders: ``coder`` of each layer that is coded; levels of other layers are left out.

    Attributes:
        levels: coefficients of the last picture, if ``code`` was to keep them.
    """

    def __init__(
        self, geometry: Geometry, model: ImageModel, header: Header, coders: Mapping[Layer, Any]
    ) -> None:
        self.geometry, self.model, self.header, self.coders = geometry, model, header, coders
        self.shrink = header.shrink / 64
        self.levels: dict[int, Level] = {}
        self.contexts = model.contexts()
        self._lowest = []
        for i in range(geometry.planes):
            # the octave bounds the step from below, in integers: the range is part of the syntax
            top = (_TOP >> (self.index(LEVELS + 1, i) // STEPS_PER_OCTAVE)) + 1
            low = -top if i else -(top // 4)
            self._lowest.append(LosslessPlane(geometry.size(LEVELS), low, top, 8))

    def index(self, level: int, plane: int) -> int:
        """Index of a level's quantisation step; level ``LEVELS + 1`` is the coarsest picture."""
        offset = int(self.model.steps[level - 1, min(plane, 1)])
        return min(max(self.header.step + offset, 0), MAX_STEP_INDEX)

    def step(self, level: int, plane: int) -> float:
        """Quantisation step of a level in 8-bit units."""
        return step_size(self.index(level, plane))

    def code(
        self, layer_of: Mapping[int, Layer], analysis: Analysis | None = None,
        choice: Choice | None = None, *, finest: int = 0, last: int = 1, keep: bool = False,
    ) -> Float32:  # fmt: skip
        """Code or decode one picture.

        Args:
            layer_of: the layer of each level.
            analysis: encoder: the picture.
            choice: encoder: how to choose.
            finest: return the coarse picture of this level; 0 for the whole picture.
            last: parse down to this level, even if it is not painted: another picture follows in
                the same layer.
            keep: leave the coefficients in ``levels``.

        Returns:
            (3, H, W) decoded planes, chroma at full size, before synthesis; planes that the layout
            lacks are zero.

        Raises:
            BitstreamError: when a decoder ran out of data.
        """
        coarse = self._code_lowest(self.coders[layer_of[LEVELS]], analysis)
        features = first_features(self.geometry, self.model.widths[SHARED_LEVEL])
        known = no_coefficients
        for number in range(LEVELS, last - 1, -1):
            level = Level(self.geometry, number)
            if keep:
                self.levels[number] = level
            features = self.model.trunk(
                number, features, known, step_feature(self.index(number, 0)), level.size
            )
            coder = self.coders[layer_of[number]]
            if number <= finest:
                level.code(coder, self.contexts, self.model, features)
            else:
                # results might depend on the number of threads, the bytes of a file must not
                threads = self.model.threads if analysis is None else 1
                planes = self._predicted(level, coarse, threads)
                choose = None
                if analysis is not None and choice is not None:
                    choose = self._chooser(level, planes, analysis, choice)
                level.code(coder, self.contexts, self.model, features, choose)
                coarse = self._joined(level, planes, coarse)
            known = functools.partial(level.features, ALL_BANDS)
        return coarse

    def _code_lowest(self, coder: Any, analysis: Analysis | None) -> Float32:
        """The coarsest coefficients, lossless once they are integers; (3, h, w) decoded."""
        decoded = np.zeros((3, *self.geometry.size(LEVELS)), np.float32)
        for i, plane in enumerate(self._lowest):
            step = np.float32(self.step(LEVELS + 1, i))
            samples = np.zeros(plane.shape, np.int32)
            if analysis is not None:
                nearest = np.floor(analysis.coarse[i] / step + np.float32(0.5))
                samples[:] = np.clip(nearest, plane.low, plane.high)
                plane.choose_modes(samples)
            if not plane.code(coder, samples):
                raise BitstreamError("the data end before the coarsest coefficients do")
            decoded[i] = samples * step
        return decoded

    def _predicted(self, level: Level, coarse: Float32, threads: int) -> Float32:
        """Interleaved planes (3, H, W) with the predictions of all details in place."""
        planes = np.zeros((3, *self.geometry.size(level.level - 1)), np.float32)
        if not self.model.predicts(level.level):
            return planes
        step = math.log2(self.step(level.level, 0))
        for box in tiles(*level.size, TILE):
            details = self.model.predict(level.level, coarse, step, box, threads=threads)
            for plane, band in level.q:
                target = slot(planes[plane], band)[box]
                target[:] = details[3 * plane + band, : target.shape[0], : target.shape[1]]
        return planes

    def _joined(self, level: Level, planes: Float32, coarse: Float32) -> Float32:
        """Predictions, coefficients and the coarse picture become the next finer picture."""
        for (plane, band), q in level.q.items():
            target = slot(planes[plane], band)
            step = self.step(level.level, plane)
            add_details(q[: target.shape[0], : target.shape[1]], step, self.shrink, target)
        for plane in range(self.geometry.planes):
            planes[plane, 0::2, 0::2] = coarse[plane]
            wavelet.inverse(planes[plane])
        return planes

    def _chooser(
        self, level: Level, planes: Float32, analysis: Analysis, choice: Choice
    ) -> Chooser:
        none = np.zeros((0, 0), np.float32)
        weights = choice.weights.get(level.level)

        def choose(
            band: Band, box: Box, base: int, logits: Int32, q: npt.NDArray[np.int16], places: int
        ) -> None:
            rows, columns = box
            step = np.float32(self.step(level.level, band[0]))
            source = analysis.details[level.level, band[0]]
            if level.level == 1 and band[0] and self.geometry.layout is Layout.YUV422:
                wanted = source[1::2]
            else:
                wanted = slot(source, band[1])
            inside = (
                slice(rows.start, rows.start + q.shape[0]),
                slice(columns.start, columns.start + q.shape[1]),
            )
            x = (wanted[inside] - slot(planes[band[0]], band[1])[inside]) / step
            importance = none if weights is None else weights[inside]
            influence = influence_of(choice.influences.get(level.level), band)
            signed, unsigned = (none, none) if influence is None else influence
            if influence is not None:
                signed, unsigned = signed[inside], unsigned[inside]
            choose_band(
                self.contexts, base, logits, x, q, places, choice.lambda_rd, self.shrink,
                importance, signed, unsigned,
            )  # fmt: skip

        return choose


def subsampled(planes: Float32, layout: Layout) -> list[Float32]:
    """Planes with chroma at full size as the layout samples them; exact inverse of coding it.

    Args:
        planes: (3, H, W); changed.
        layout: of the picture.
    """
    out = [planes[0]]
    for plane in planes[1 : layout.planes]:
        if layout is Layout.YUV420:
            wavelet.forward(plane)
            plane = plane[0::2, 0::2] / np.float32(2)
        elif layout is Layout.YUV422:
            wavelet.forward_horizontal(plane)
            plane = plane[:, 0::2] / _SQRT2
        out.append(np.ascontiguousarray(plane))
    return out
