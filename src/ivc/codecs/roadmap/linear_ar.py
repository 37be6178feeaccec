"""``roadmap/linear-ar``: lossless coding by two-dimensional linear autoregression.

Each sample is predicted as a weighted sum of its neighbours. The encoder finds the weights by least
squares, for several classes of blocks, and writes them into the file as integers:

    blocks ─► classes ─► least squares ─► 1/4096 ─┐
                 ▲            │                   ▼
                 └── assign ◄─┘        neighbours ─► sum ─► error ─► contexts ─► range coder

Linear prediction of pictures is from C. W. Harrison, "Experiments with Linear Prediction in
Television", Bell Syst. Tech. J. 31 (1952); classes of blocks that are fitted in turn follow
I. Matsuda and others, "Lossless Coding Using Variable Block-Size Adaptive Prediction Optimized for
Each Image", EUSIPCO 2005. The syntax is specified in docs/codecs/linear-ar.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit

from ivc.codecs.base import Settings
from ivc.codecs.roadmap.linear_ar_fit import (
    BLOCK,
    COEFFICIENT_BITS,
    COEFFICIENT_LIMIT,
    activities,
    assign,
    fit_classes,
)
from ivc.codecs.roadmap.planewise import PlaneModel, PlanewiseCodec, PlanewiseHeader
from ivc.entropy import code_adaptive_exp_golomb, code_bit, code_tree, exhausted, new_contexts
from ivc.entropy.fields import integer
from ivc.errors import UsageError
from ivc.signal.neighbours import (
    AROUND,
    CAUSAL,
    MARGIN,
    NO_LIMIT,
    begin_row,
    code_centred,
    end_row,
    new_field,
    tap_offsets,
    temporal_gradients,
)
from ivc.signal.residuals import BIASES, ERROR_CONTEXTS, FRACTION

MAX_CLASSES = 32
_CLASS_BITS = 5

_SAME = ERROR_CONTEXTS
_CLASS = _SAME + 6
_COUNT = _CLASS + (1 << _CLASS_BITS)
_KEEP = _COUNT + (1 << (_CLASS_BITS + 1))
_COEFFICIENT = _KEEP + 1
_TAP = 2 * 12 + 1
_CONTEXTS = _COEFFICIENT + (len(CAUSAL) + 3 * len(AROUND)) * _TAP

_PLANAR = (3 << (COEFFICIENT_BITS - 2), 3 << (COEFFICIENT_BITS - 2), -2 << (COEFFICIENT_BITS - 2))


@dataclass(frozen=True)
class LinearArSettings(Settings):
    """Settings of ``roadmap/linear-ar``.

    Attributes:
        order: neighbours in the plane itself, 3 to 24.
        others: neighbours in each colour plane before and in the previous picture, 0 to 9.
        classes: most classes of blocks with coefficients of their own, 1 to 32.
    """

    order: int = 18
    others: int = 5
    classes: int = 16


@dataclass(frozen=True)
class Header(PlanewiseHeader):
    """What a payload begins with.

    Attributes:
        order: neighbours in the plane itself.
        others: neighbours in each colour plane before and in the previous picture.
    """

    order: int = integer(3, len(CAUSAL))
    others: int = integer(0, len(AROUND))


@njit(cache=True, nogil=True)
def _code_coefficients(coder, contexts, coefficients):
    """Code one signed number a class and tap, each tap in contexts of its own."""
    count, n = coefficients.shape
    for i in range(n):
        first = _COEFFICIENT + i * _TAP
        for k in range(count):
            value = np.int64(coefficients[k, i])
            size = code_adaptive_exp_golomb(coder, contexts, first, 12, 5, abs(value))
            size = min(size, COEFFICIENT_LIMIT)
            if size > 0 and code_bit(coder, contexts, first + 24, value < 0):
                size = -size
            coefficients[k, i] = size


@njit(cache=True, nogil=True)
def _code_classes(coder, contexts, classes, by, count):
    """Code the classes of one row of blocks: as on the left, as above, or by number."""
    for bx in range(classes.shape[1]):
        left = np.int64(classes[by, bx - 1]) if bx > 0 else np.int64(0)
        above = np.int64(classes[by - 1, bx]) if by > 0 else left
        wanted = np.int64(classes[by, bx])
        equal = left == above
        if code_bit(coder, contexts, _SAME + equal, wanted == left):
            classes[by, bx] = left
        elif not equal and code_bit(coder, contexts, _SAME + 2, wanted == above):
            classes[by, bx] = above
        else:
            value = code_tree(coder, contexts, _CLASS, _CLASS_BITS, wanted)
            classes[by, bx] = min(value, count - 1)


@njit(cache=True, nogil=True)
def code_plane(
    coder,
    contexts,
    biases,
    field,
    samples,
    taps,
    coefficients,
    classes,
    before,
    guide,
    magnitudes,
    limits,
):
    """Code or decode one plane with given coefficients.

    Args:
        coder: an encoder, decoder or estimator of ``ivc.entropy``.
        contexts: adaptive contexts of the plane.
        biases: (``BIASES``, 2) int32.
        field: (S, H + 8, W + 8) int32, see ``ivc.signal.neighbours``; plane 0 is written.
        samples: (H, W) int32 less the middle; the decoder writes them.
        taps: (T,) int64 distances to the neighbours in the field.
        coefficients: (K, T) int32.
        classes: (blocks down, blocks across) uint8, as ``samples``.
        before: distance in the field from a sample to that of the previous picture, or 0.
        guide: (H, W) uint16 absolute errors of a plane coded before, or (0, 0).
        magnitudes: (H, W) uint16, written.
        limits: smallest and largest sample less the middle, and 0.

    Returns:
        False when a decoder ran out of data and gave up.
    """
    height, width = samples.shape
    plane, flat = field[0], field.reshape(-1)
    stride = field.shape[2]
    guided = guide.shape[0] > 0
    errors = np.zeros((2, stride), np.int32)
    count, n = coefficients.shape
    shift = COEFFICIENT_BITS - FRACTION
    lowest, highest = limits[0] << FRACTION, limits[1] << FRACTION
    for y in range(height):
        if exhausted(coder):
            return False
        if count > 1 and y % BLOCK == 0:
            _code_classes(coder, contexts, classes, y // BLOCK, count)
        begin_row(plane, y)
        row, above, above2 = plane[y + MARGIN], plane[y + MARGIN - 1], plane[y + MARGIN - 2]
        error_row, error_above = errors[y % 2], errors[(y + 1) % 2]
        error_row[:MARGIN] = 0
        magnitude_row = magnitudes[y]
        guide_row = guide[y] if guided else magnitude_row
        chosen = coefficients[0]
        for x in range(width):
            if count > 1 and x % BLOCK == 0:
                chosen = coefficients[classes[y // BLOCK, x // BLOCK]]
            at = (y + MARGIN) * stride + x + MARGIN
            total = np.int64(1 << (shift - 1))
            for i in range(n):
                total += np.int64(chosen[i]) * flat[at + taps[i]]
            fine = min(max(total >> shift, lowest), highest)
            value, error = code_centred(
                coder,
                contexts,
                biases,
                samples[y, x],
                fine,
                row,
                above,
                above2,
                x + MARGIN,
                (error_row, error_above),
                temporal_gradients(flat, at, at + before, stride) if before else NO_LIMIT,
                guide_row[x] if guided else 0,
                limits,
            )
            samples[y, x] = value
            row[x + MARGIN] = value
            error_row[x + MARGIN] = error
            magnitude_row[x] = min(abs(error), 65535)
        error_row[width + MARGIN :] = error_row[width + MARGIN - 1]
        end_row(plane, y)
    return True


@njit(cache=True, nogil=True)
def _code_set(coder, contexts, count, kept):
    """Code how many classes a plane has (0: none are sent), and whether they are kept."""
    kept = code_bit(coder, contexts, _KEEP, kept)
    if not kept:
        count = code_tree(coder, contexts, _COUNT, _CLASS_BITS + 1, count)
    return min(count, MAX_CLASSES), kept


class ArPlane(PlaneModel):
    """A plane that is predicted by classes of linear predictors."""

    def __init__(
        self, shape: tuple[int, int], low: int, high: int, fields: Header,
        settings: LinearArSettings | None,
    ) -> None:  # fmt: skip
        super().__init__(shape, low, high)
        self._order, self._others, self._settings = fields.order, fields.others, settings
        self._contexts = new_contexts(_CONTEXTS)
        self._biases = np.zeros((BIASES, 2), np.int32)
        self._classes = np.zeros((-(-shape[0] // BLOCK), -(-shape[1] // BLOCK)), np.uint8)
        self._coefficients = np.zeros((0, 0), np.int32)
        self._kept = 0
        self._known: list[np.ndarray] = []

    def _sources(self, known: list[np.ndarray]) -> list[np.ndarray]:
        return (known + self._known) if self._others else []

    def fit(self, samples: np.ndarray, known: list[np.ndarray]) -> None:
        """Encoder: coefficients for the next picture, or those of the one before if they do."""
        assert self._settings is not None
        field = new_field(self.shape, self._sources(known))
        field[0] = np.pad(samples, MARGIN, mode="edge")
        taps = tap_offsets(field, self._order, self._others)
        count = min(self._settings.classes, -(-samples.size // 8192))
        skip = min(max(samples.size >> 19, 1), 4)
        self._kept = 0
        if samples.size < 1024:
            self._coefficients = np.zeros((0, len(taps)), np.int32)
            return
        kept, old = np.inf, self._coefficients
        if old.shape[1] == len(taps) and len(old):
            classes = self._classes.copy()
            kept = assign(field, self.shape, taps, old, classes, skip) - 10 * count * len(taps)
        activity = np.empty(self._classes.shape)
        activities(field, self.shape, activity)
        rank = activity.ravel().argsort(kind="stable").argsort(kind="stable")
        self._classes = (rank * count // rank.size).astype(np.uint8).reshape(activity.shape)
        self._coefficients = np.zeros((count, len(taps)), np.int32)
        rounds = self._settings.effort if count > 1 else 1
        cost = fit_classes(field, self.shape, taps, self._classes, self._coefficients, rounds, skip)
        if kept <= cost:
            self._coefficients, self._classes, self._kept = old, classes, 1

    def code(
        self, coder: Any, samples: np.ndarray, known: list[np.ndarray], guide: np.ndarray
    ) -> bool:
        """Code or decode one picture; see ``PlaneModel.code``."""
        field = new_field(self.shape, self._sources(known))
        taps = tap_offsets(field, self._order, self._others)
        count, kept = _code_set(coder, self._contexts, len(self._coefficients), self._kept)
        if not kept:
            if len(self._coefficients) != count or self._coefficients.shape[1] != len(taps):
                self._coefficients = np.zeros((count, len(taps)), np.int32)
            _code_coefficients(coder, self._contexts, self._coefficients)
        coefficients = self._coefficients
        if not len(coefficients) or coefficients.shape[1] != len(taps):
            coefficients = np.zeros((1, len(taps)), np.int32)
            coefficients[0, :3] = _PLANAR
        before = (len(field) - 1) * field[0].size if self._known and self._others else 0
        whole: bool = code_plane(
            coder, self._contexts, self._biases, field, samples, taps, coefficients,
            self._classes, before, guide, self.magnitudes, self.limits,
        )  # fmt: skip
        self._known = [samples.copy()]
        return whole


class LinearAr(PlanewiseCodec[LinearArSettings]):
    """Lossless coding of stills and clips of every format by linear prediction."""

    settings_type = LinearArSettings
    header_type = Header

    def fields(self, settings: LinearArSettings) -> Header:
        """The header for these settings; see ``PlanewiseCodec.fields``."""
        for name, low, high in (
            ("order", 3, len(CAUSAL)), ("others", 0, len(AROUND)), ("classes", 1, MAX_CLASSES)
        ):  # fmt: skip
            value = getattr(settings, name)
            if not low <= value <= high:
                raise UsageError(f"{name} must be {low} to {high}, not {value}")
        return Header(raw=0, colour=0, order=settings.order, others=settings.others)

    def plane_model(
        self, shape: tuple[int, int], low: int, high: int, fields: Any,
        settings: LinearArSettings | None,
    ) -> ArPlane:  # fmt: skip
        """A new model; see ``PlanewiseCodec.plane_model``."""
        return ArPlane(shape, low, high, fields, settings)
