"""The decoder of ``roadmap/dct`` for one plane: prediction, dequantisation, reconstruction.

Samples are int32 with ``FRACTION_BITS`` fractional bits; coefficients have the scale of samples
(orthonormal transform); steps are in 1/256 of that.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from ivc.codecs.roadmap.dct_syntax import INTER, code_levels, code_mode
from ivc.entropy import exhausted
from ivc.signal.dct import COEFFICIENT_LIMIT, inverse_dct
from ivc.signal.intra import MEAN, gather_border, predict_block

FRACTION_BITS = 2
STEP_BITS = 8


class PlaneState(NamedTuple):
    """What the block loops of one plane of one picture work on; all arrays.

    Attributes:
        contexts: adaptive contexts of the plane.
        decoded: (H, W) int32, H and W multiples of 8, written.
        previous: the same of the previous picture, (0, 0) if there is none.
        modes: (H / 8, W / 8) uint8, written: prediction modes.
        magnitudes: (H / 8, W / 8, 65) uint8, written: see ``dct_syntax.code_levels``.
        guide: ``magnitudes`` of another plane at the same places, or zeros.
        scalars: (5,) int64: quantisation step, lowest and highest sample, neutral sample, shrink.
    """

    contexts: np.ndarray
    decoded: np.ndarray
    previous: np.ndarray
    modes: np.ndarray
    magnitudes: np.ndarray
    guide: np.ndarray
    scalars: np.ndarray


STEP, LOW, HIGH, NEUTRAL, SHRINK = 0, 1, 2, 3, 4


@njit(cache=True, nogil=True)
def dequantise(levels, step, shrink, coefficients):
    """Levels to coefficients; each magnitude loses ``shrink``/64 of a step."""
    less = (step * shrink) >> 6
    half = 1 << (STEP_BITS - 1)
    for k in range(64):
        level = np.int64(levels[k])
        if level == 0:
            coefficients[k] = 0
            continue
        magnitude = (abs(level) * step - less + half) >> STEP_BITS
        magnitude = min(magnitude, COEFFICIENT_LIMIT)
        coefficients[k] = magnitude if level > 0 else -magnitude


@njit(cache=True, nogil=True)
def predict(state, y0, x0, mode, border, prediction):
    """Predict the block at (y0, x0) from its border or from the previous picture."""
    if mode == INTER:
        for i in range(8):
            for j in range(8):
                prediction[8 * i + j] = state.previous[y0 + i, x0 + j]
    else:
        predict_block(border, mode, prediction)


@njit(cache=True, nogil=True)
def reconstruct(state, y0, x0, levels, count, coefficients, residual, prediction):
    """Put prediction plus transformed levels into the decoded plane."""
    low, high = state.scalars[LOW], state.scalars[HIGH]
    if count:
        dequantise(levels, state.scalars[STEP], state.scalars[SHRINK], coefficients)
        inverse_dct(coefficients, residual)
    else:
        residual[:] = 0
    for i in range(8):
        for j in range(8):
            value = np.int64(prediction[8 * i + j]) + residual[8 * i + j]
            state.decoded[y0 + i, x0 + j] = min(max(value, low), high)


@njit(cache=True, nogil=True)
def remember(state, by, bx, levels, count):
    """Keep what later blocks take their contexts from."""
    for k in range(64):
        state.magnitudes[by, bx, k] = min(abs(levels[k]), 255)
    state.magnitudes[by, bx, 64] = count


@njit(cache=True, nogil=True)
def decode_plane(coder, state):
    """Decode one plane of one picture.

    Args:
        coder: a decoder.
        state: the plane's state; ``decoded``, ``modes`` and ``magnitudes`` are written.

    Returns:
        False when the data ran out and decoding was given up.
    """
    rows, columns = state.modes.shape
    inter = state.previous.shape[0] > 0
    levels = np.zeros(64, np.int32)
    coefficients = np.zeros(64, np.int32)
    residual = np.zeros(64, np.int32)
    prediction = np.zeros(64, np.int32)
    border = np.zeros(25, np.int32)
    nothing = np.zeros(65, np.uint8)
    for by in range(rows):
        if exhausted(coder):
            return False
        for bx in range(columns):
            left_mode = state.modes[by, bx - 1] if bx > 0 else MEAN
            above_mode = state.modes[by - 1, bx] if by > 0 else MEAN
            mode = code_mode(coder, state.contexts, 0, left_mode, above_mode, inter)
            left = state.magnitudes[by, bx - 1] if bx > 0 else nothing
            above = state.magnitudes[by - 1, bx] if by > 0 else nothing
            guide = state.guide[by, bx]
            count = code_levels(coder, state.contexts, levels, left, above, guide)
            gather_border(state.decoded, 8 * by, 8 * bx, state.scalars[NEUTRAL], border)
            predict(state, 8 * by, 8 * bx, mode, border, prediction)
            reconstruct(state, 8 * by, 8 * bx, levels, count, coefficients, residual, prediction)
            state.modes[by, bx] = mode
            remember(state, by, bx, levels, count)
    return True
