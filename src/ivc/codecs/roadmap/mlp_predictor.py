"""``roadmap/mlp-predictor``: lossless coding by a small neural network that predicts each sample.

The classical non-linear predictor of DPCM: three causal neighbours, thirty hidden units, one
output, trained by backpropagation (S. A. Dianat, N. M. Nasrabadi and S. Venkataraman, "A Non-linear
Predictor for Differential Pulse-code Encoder (DPCM) Using Artificial Neural Networks", ICASSP
1991). As here the network learns while it codes, it gets differences to the mean of W and N and
adds to a planar prediction, so that it is of use from the first sample on:

    W  ─┐   ┌─ h1 ─┐
    N  ─┼─►─┼─  …  ┼─► planar + y ─► error ─► contexts ─► range coder       h = a / (1 + |a|)
    NW ─┘   └─ h30 ┘      ▲            │
                          └── learn ◄──┘ (online)

Online, encoder and decoder train the network sample by sample. Offline, the encoder trains it on
the first picture and writes the rounded weights into the file.

The syntax is specified in docs/codecs/mlp-predictor.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numba import njit

from ivc.codecs.base import Settings
from ivc.codecs.roadmap.mlp_network import (
    MAX_SHIFT,
    forward,
    learn,
    rate_at,
    scale_of,
    start,
    train,
)
from ivc.codecs.roadmap.planewise import PlaneModel, PlanewiseCodec, PlanewiseHeader
from ivc.entropy import (
    code_adaptive_exp_golomb,
    code_bit,
    code_bits,
    code_bypass,
    exhausted,
    new_contexts,
)
from ivc.entropy.fields import integer
from ivc.errors import UsageError
from ivc.signal.neighbours import (
    MARGIN,
    NO_LIMIT,
    begin_row,
    code_centred,
    end_row,
    new_field,
    tap_offsets,
)
from ivc.signal.residuals import BIASES, ERROR_CONTEXTS, FRACTION

MAX_NEIGHBOURS = 12
MAX_HIDDEN = 64

WEIGHT_BITS = 10
"""Fractional bits of a weight in the file."""

WEIGHT_LIMIT = 1 << 15
"""Largest magnitude of a weight in the file."""

_PREFIX = 12
_SIGN = ERROR_CONTEXTS + 3 * 2 * _PREFIX
_CONTEXTS = _SIGN + 3
_SHIFT_BITS = 5


@dataclass(frozen=True)
class MlpSettings(Settings):
    """Settings of ``roadmap/mlp-predictor``.

    Attributes:
        training: ``online`` (encoder and decoder learn along) or ``offline`` (weights in the file).
        neighbours: inputs of the network, 3 to 12.
        hidden: hidden units, 1 to 64.
    """

    training: Literal["online", "offline"] = "online"
    neighbours: int = 3
    hidden: int = 30


@dataclass(frozen=True)
class Header(PlanewiseHeader):
    """What a payload begins with.

    Attributes:
        online: 1 if the network learns while it codes.
        neighbours: inputs of the network.
        hidden: hidden units.
    """

    online: int = integer(0, 1)
    neighbours: int = integer(3, MAX_NEIGHBOURS)
    hidden: int = integer(1, MAX_HIDDEN)


@njit(cache=True, nogil=True)
def _code_weights(coder, contexts, numbers):
    """Code the weights of an offline network; rows of inputs, biases and outputs differ in kind."""
    rows = numbers.shape[0]
    for i in range(rows):
        kind = min(max(i - (rows - 4), 0), 2)
        first = ERROR_CONTEXTS + kind * 2 * _PREFIX
        for j in range(numbers.shape[1] if i < rows - 1 else 1):
            value = np.int64(numbers[i, j])
            size = code_adaptive_exp_golomb(coder, contexts, first, _PREFIX, 6, abs(value))
            size = min(size, WEIGHT_LIMIT)
            if size > 0 and code_bit(coder, contexts, _SIGN + kind, value < 0):
                size = -size
            numbers[i, j] = size


@njit(cache=True, nogil=True)
def _code_begin(coder, contexts, shift, online, trained, numbers):
    """Code the scale of a plane's network and, offline, its weights if it has any."""
    shift = min(code_bits(coder, shift, _SHIFT_BITS), MAX_SHIFT)
    if not online:
        trained = code_bypass(coder, trained)
        if trained:
            _code_weights(coder, contexts, numbers)
    return shift


@njit(cache=True, nogil=True, error_model="numpy")
def code_plane(
    coder, contexts, biases, field, samples, taps, weights, online, steps, shift, guide,
    magnitudes, limits,
):  # fmt: skip
    """Code or decode one plane.

    Args:
        coder: an encoder, decoder or estimator of ``ivc.entropy``.
        contexts: adaptive contexts of the plane.
        biases: (``BIASES``, 2) int32.
        field: (1, H + 8, W + 8) int32, see ``ivc.signal.neighbours``, written.
        samples: (H, W) int32 less the middle; the decoder writes them.
        taps: (n,) int64 distances to the neighbours in the field.
        weights: (n + 3, H) float64, see ``start``; changed if ``online``.
        online: whether the network learns.
        steps: samples that it has learnt from before.
        shift: log2 of the samples that make a unit of the network.
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
    x, h, slope = np.empty(taps.shape[0]), np.empty(weights.shape[1]), np.empty(weights.shape[1])
    unit, size = 1.0 / (1 << shift), 1.0 * (1 << shift)
    step = 1.0 * steps
    for y in range(height):
        if exhausted(coder):
            return False
        begin_row(plane, y)
        row, above, above2 = plane[y + MARGIN], plane[y + MARGIN - 1], plane[y + MARGIN - 2]
        error_row, error_above = errors[y % 2], errors[(y + 1) % 2]
        error_row[:MARGIN] = 0
        magnitude_row = magnitudes[y]
        guide_row = guide[y] if guided else magnitude_row
        for column in range(width):
            at = (y + MARGIN) * stride + column + MARGIN
            output, planar = forward(weights, flat, at, taps, unit, x, h, slope)
            predicted = min(max(planar + output * size, 1.0 * limits[0]), 1.0 * limits[1])
            value, error = code_centred(
                coder,
                contexts,
                biases,
                samples[y, column],
                np.int64(np.floor(predicted * (1 << FRACTION) + 0.5)),
                row,
                above,
                above2,
                column + MARGIN,
                (error_row, error_above),
                NO_LIMIT,
                guide_row[column] if guided else 0,
                limits,
            )
            samples[y, column] = value
            row[column + MARGIN] = value
            error_row[column + MARGIN] = error
            magnitude_row[column] = min(abs(error), 65535)
            if online:
                error_units = (value - planar) * unit - output
                learn(weights, error_units, rate_at(step), x, h, slope)
                step += 1.0
        error_row[width + MARGIN :] = error_row[width + MARGIN - 1]
        end_row(plane, y)
    return True


class MlpPlane(PlaneModel):
    """A plane that a network predicts."""

    def __init__(
        self, shape: tuple[int, int], low: int, high: int, fields: Header,
        settings: MlpSettings | None,
    ) -> None:  # fmt: skip
        super().__init__(shape, low, high)
        self._settings, self._online = settings, fields.online
        self._neighbours = fields.neighbours
        self._contexts = new_contexts(_CONTEXTS)
        self._biases = np.zeros((BIASES, 2), np.int32)
        self._weights = np.zeros((fields.neighbours + 3, fields.hidden))
        start(self._weights)
        self._numbers = np.zeros(self._weights.shape, np.int32)
        self._trained, self._shift, self._steps = 0, 0, 0
        self._first = True

    def fit(self, samples: np.ndarray, known: list[np.ndarray]) -> None:
        """Encoder: the scale and, offline, the weights, on the first picture."""
        if not self._first:
            return
        assert self._settings is not None
        field = new_field(self.shape, [])
        field[0] = np.pad(samples, MARGIN, mode="edge")
        self._shift = scale_of(field)
        if self._online or samples.size < 4096:
            return
        taps = tap_offsets(field, self._neighbours, 0)
        train(self._weights, field, self.shape, taps, self._shift, 2 * self._settings.effort)
        scaled = np.floor(self._weights * (1 << WEIGHT_BITS) + 0.5)
        self._numbers[:] = scaled.clip(-WEIGHT_LIMIT, WEIGHT_LIMIT)
        self._trained = 1

    def code(
        self, coder: Any, samples: np.ndarray, known: list[np.ndarray], guide: np.ndarray
    ) -> bool:
        """Code or decode one picture; see ``PlaneModel.code``."""
        if self._first:
            self._first = False
            self._shift = _code_begin(
                coder, self._contexts, self._shift, self._online, self._trained, self._numbers
            )
            if not self._online:
                self._weights = self._numbers / (1 << WEIGHT_BITS)
        field = new_field(self.shape, [])
        taps = tap_offsets(field, self._neighbours, 0)
        whole: bool = code_plane(
            coder, self._contexts, self._biases, field, samples, taps, self._weights, self._online,
            self._steps, self._shift, guide, self.magnitudes, self.limits,
        )  # fmt: skip
        self._steps += samples.size
        return whole


class MlpPredictor(PlanewiseCodec[MlpSettings]):
    """Lossless coding of stills and clips of every format by a neural predictor."""

    settings_type = MlpSettings
    header_type = Header

    def fields(self, settings: MlpSettings) -> Header:
        """The header for these settings; see ``PlanewiseCodec.fields``."""
        for name, low, high in (("neighbours", 3, MAX_NEIGHBOURS), ("hidden", 1, MAX_HIDDEN)):
            value = getattr(settings, name)
            if not low <= value <= high:
                raise UsageError(f"{name} must be {low} to {high}, not {value}")
        if settings.training not in ("online", "offline"):
            raise UsageError(f"training must be online or offline, not {settings.training}")
        online = int(settings.training == "online")
        return Header(
            raw=0, colour=0, online=online, neighbours=settings.neighbours, hidden=settings.hidden
        )

    def plane_model(
        self, shape: tuple[int, int], low: int, high: int, fields: Any,
        settings: MlpSettings | None,
    ) -> MlpPlane:  # fmt: skip
        """A new model; see ``PlanewiseCodec.plane_model``."""
        return MlpPlane(shape, low, high, fields, settings)
