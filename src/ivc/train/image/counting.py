"""First probabilities of the ``image`` codec's contexts, counted on pictures.

A context is selected by a network's logit and by what was coded around the coefficient. The logit
alone would say how likely a decision is, if the network were perfect; how often it was taken on the
training pictures says it better, and what the surroundings change.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from ivc.codecs.image.codec import LAYER_OF
from ivc.codecs.image.constants import (
    BUCKETS,
    FLAGS,
    LAMBDA,
    SHRINK,
    SURROUNDINGS,
    UNARY_LIMIT,
)
from ivc.codecs.image.frame import Analysis, Choice, FrameCoder
from ivc.codecs.image.level import Chooser, Level
from ivc.codecs.image.model import ImageModel, Int32
from ivc.codecs.image.passes import GROUPS, Band
from ivc.codecs.image.planes import Float32, Geometry, from_samples
from ivc.codecs.image.syntax import GROUP, Header, surroundings
from ivc.entropy import Estimator
from ivc.nets.tiles import Box
from ivc.types import Layout, PixelFormat

_PARENT, _OWN = 32, 16
"""Decisions that the guess of the parent counts for: the logistic function, all surroundings."""


_INDICES = (384, 552, 720, 868, 986)
"""Quantisation steps from 4 to 104."""


@njit(cache=True, nogil=True)
def _count(counts, near, flag, logit, bit, times):
    counts[near, flag, (logit + 128) >> 1, bit] += times


@njit(cache=True, nogil=True)
def count_band(counts, logits, q, places):
    """Count the decisions that ``syntax.code_band`` would code.

    Args:
        counts: (SURROUNDINGS, FLAGS, BUCKETS, 2) int64 of the band's group, written.
        logits: (FLAGS, H, W) int32.
        q: (H', W') int16.
        places: ``BLACK``, ``WHITE`` or ``ALL``.
    """
    height, width = q.shape
    stride = 2 if places < 2 else 1
    for y in range(height):
        for x in range((y + places) & 1 if places < 2 else 0, width, stride):
            near, signs = surroundings(q, y, x, places)
            value = np.int64(q[y, x])
            m = abs(value)
            _count(counts, near, 0, logits[0, y, x], np.int64(m > 0), 1)
            if m > 0:
                _count(counts, signs, 1, logits[1, y, x], np.int64(value < 0), 1)
                _count(counts, near, 2, logits[2, y, x], np.int64(m > 1), 1)
            if m > 1:
                _count(counts, near, 3, logits[3, y, x], np.int64(m > 2), 1)
            if m > 2:
                last = m if m < UNARY_LIMIT else UNARY_LIMIT
                _count(counts, near, 4, logits[4, y, x], 1, last - 3)
                if m < UNARY_LIMIT:
                    _count(counts, near, 4, logits[4, y, x], 0, 1)


class _CountingCoder(FrameCoder):
    """Encodes for the sake of the counts."""

    def __init__(self, counts: npt.NDArray[np.int64], *arguments: Any) -> None:
        super().__init__(*arguments)
        self.counts = counts

    def _chooser(
        self, level: Level, planes: Float32, analysis: Analysis, choice: Choice
    ) -> Chooser:
        inner = super()._chooser(level, planes, analysis, choice)

        def choose(
            band: Band, box: Box, base: int, logits: Int32, q: npt.NDArray[np.int16], places: int
        ) -> None:
            inner(band, box, base, logits, q, places)
            count_band(self.counts[base // GROUP], logits, q, places)

        return choose


def counted_contexts(
    model: ImageModel,
    pictures: Iterable[npt.NDArray[np.uint8]],
    first: npt.NDArray[np.uint16],
) -> npt.NDArray[np.uint16]:
    """First probabilities of all contexts.

    Args:
        model: the networks.
        pictures: (H, W, 3) RGB, of the training set.
        first: (GROUPS, SURROUNDINGS, FLAGS, BUCKETS) uint16, the guess without any picture.

    Returns:
        The same with what was counted: probability of 0 in 1/65536.
    """
    counts = np.zeros((GROUPS, SURROUNDINGS, FLAGS, BUCKETS, 2), np.int64)
    for picture in pictures:
        source = [np.ascontiguousarray(picture[:, :, i]) for i in range(3)]
        geometry = Geometry(Layout.RGB, picture.shape[1], picture.shape[0])
        for index in _INDICES:
            coders = dict.fromkeys(LAYER_OF.values(), Estimator().coder)
            header = Header(model=0, step=index, shrink=SHRINK)
            coder = _CountingCoder(counts, geometry, model, header, coders)
            planes = from_samples(source, PixelFormat(Layout.RGB))
            coder.code(LAYER_OF, Analysis(geometry, planes), Choice(LAMBDA))
    guess = first / 65536
    together = counts.sum(1, keepdims=True)
    parent = (together[..., 0] + _PARENT * guess) / (together.sum(-1) + _PARENT)
    own = (counts[..., 0] + _OWN * parent) / (counts.sum(-1) + _OWN)
    return np.rint(65536 * own).clip(16, 65536 - 16).astype(np.uint16)
