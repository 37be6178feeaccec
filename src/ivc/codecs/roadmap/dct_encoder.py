"""The encoder of ``roadmap/dct`` for one plane: which prediction, which levels.

Every choice minimises squared error plus lambda times bits. Bits come from the syntax itself, run
with a probe in place of the coder; squared errors come from the coefficients, as the transform is
orthonormal.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from ivc.codecs.roadmap.dct_kernels import (
    NEUTRAL,
    SHRINK,
    STEP,
    STEP_BITS,
    predict,
    reconstruct,
    remember,
)
from ivc.codecs.roadmap.dct_syntax import INTER, LEVEL_LIMIT, SCAN, code_levels, code_mode
from ivc.entropy import COST_BITS, take_cost
from ivc.signal.dct import forward_dct
from ivc.signal.intra import MEAN, MODES, gather_border


@njit(cache=True, nogil=True)
def quantise(coefficients, step, rounding, levels):
    """Coefficients to levels: floor(|c| / step + rounding / 256), with the sign of c."""
    add = (step * rounding) >> 8
    for k in range(64):
        c = np.int64(coefficients[k])
        level = min(((abs(c) << STEP_BITS) + add) // step, LEVEL_LIMIT)
        levels[k] = level if c >= 0 else -level


@njit(cache=True, nogil=True)
def _mode_cost(probe, contexts, mode, left, above, inter):
    code_mode(probe, contexts, mode, left, above, inter)
    return float(take_cost(probe)) / (1 << COST_BITS)


@njit(cache=True, nogil=True)
def _coefficient_error(coefficient, level, step, less):
    magnitude = abs(float(level)) * step - (less if level != 0 else 0.0)
    d = abs(float(coefficient)) - magnitude
    return d * d


@njit(cache=True, nogil=True)
def _optimise_levels(
    probe, contexts, coefficients, levels, neighbours, step, shrink, lagrangian, refine
):
    """Rate-distortion cost of levels, after lowering magnitudes by one where that pays.

    Coefficients are visited from high to low frequency; each trial is costed exactly, by the
    syntax itself. Without ``refine`` the levels stay as they are.

    Returns:
        Squared error plus ``lagrangian`` times bits of the levels kept.
    """
    left, above, guide = neighbours
    unit = step / (1 << STEP_BITS)
    less = ((step * shrink) >> 6) / (1 << STEP_BITS)
    error = 0.0
    for k in range(64):
        error += _coefficient_error(coefficients[k], levels[k], unit, less)
    best = np.inf
    change = 0.0
    k = 0
    kept = levels[0]
    for p in range(64, -1, -1):
        # The first round costs the levels as they come.
        if p < 64:
            k = SCAN[p]
            kept = levels[k]
            if kept == 0 or abs(float(coefficients[k])) > (abs(kept) + 0.15) * unit:
                continue
            levels[k] = kept - 1 if kept > 0 else kept + 1
            change = _coefficient_error(coefficients[k], levels[k], unit, less)
            change -= _coefficient_error(coefficients[k], kept, unit, less)
        code_levels(probe, contexts, levels, left, above, guide)
        total = error + change + lagrangian * (float(take_cost(probe)) / (1 << COST_BITS))
        if total < best:
            best = total
            error += change
        else:
            levels[k] = kept
        if not refine:
            break
    return best


@njit(cache=True, nogil=True)
def _transform_residual(source, y0, x0, prediction, residual, coefficients):
    for i in range(8):
        for j in range(8):
            residual[8 * i + j] = source[y0 + i, x0 + j] - prediction[8 * i + j]
    forward_dct(residual, coefficients)


@njit(cache=True, nogil=True)
def _absolute_sum(coefficients):
    total = np.int64(0)
    for k in range(64):
        total += abs(coefficients[k])
    return float(total)


@njit(cache=True, nogil=True)
def encode_plane(coder, probe, state, source, lagrangian, rounding, candidates, refine):
    """Encode one plane of one picture.

    Args:
        coder: an encoder.
        probe: a probe.
        state: the plane's state; ``decoded``, ``modes`` and ``magnitudes`` are written.
        source: (H, W) int32, H and W multiples of 8.
        lagrangian: squared error (in units of samples with fraction bits) that a bit is worth.
        rounding: rounding of the first quantisation in 1/256.
        candidates: number of intra modes that are tried in full.
        refine: whether levels are optimised.
    """
    rows, columns = state.modes.shape
    inter = state.previous.shape[0] > 0
    contexts = state.contexts
    step, shrink = state.scalars[STEP], state.scalars[SHRINK]
    unit = step / (1 << STEP_BITS)
    levels = np.zeros(64, np.int32)
    best_levels = np.zeros(64, np.int32)
    predictions = np.zeros((MODES + 1, 64), np.int32)
    coefficients = np.zeros((MODES + 1, 64), np.int32)
    residual = np.zeros(64, np.int32)
    border = np.zeros(25, np.int32)
    nothing = np.zeros(65, np.uint8)
    ranking = np.zeros(MODES + 1)
    mode_bits = np.zeros(MODES + 1)
    for by in range(rows):
        for bx in range(columns):
            y0, x0 = 8 * by, 8 * bx
            left_mode = state.modes[by, bx - 1] if bx > 0 else MEAN
            above_mode = state.modes[by - 1, bx] if by > 0 else MEAN
            left = state.magnitudes[by, bx - 1] if bx > 0 else nothing
            above = state.magnitudes[by - 1, bx] if by > 0 else nothing
            guide = state.guide[by, bx]
            gather_border(state.decoded, y0, x0, state.scalars[NEUTRAL], border)
            for mode in range(MODES + 1 if inter else MODES):
                predict(state, y0, x0, mode, border, predictions[mode])
                _transform_residual(source, y0, x0, predictions[mode], residual, coefficients[mode])
                mode_bits[mode] = _mode_cost(probe, contexts, mode, left_mode, above_mode, inter)
                ranking[mode] = _absolute_sum(coefficients[mode]) + unit * mode_bits[mode]
            best = np.inf
            best_mode = MEAN
            for trial in range(candidates + inter):
                mode = INTER
                if trial < candidates:
                    mode = np.argmin(ranking[:MODES])
                    ranking[mode] = np.inf
                quantise(coefficients[mode], step, rounding, levels)
                cost = _optimise_levels(
                    probe,
                    contexts,
                    coefficients[mode],
                    levels,
                    (left, above, guide),
                    step,
                    shrink,
                    lagrangian,
                    refine,
                )
                cost += lagrangian * mode_bits[mode]
                if cost < best:
                    best = cost
                    best_mode = mode
                    best_levels[:] = levels
            code_mode(coder, contexts, best_mode, left_mode, above_mode, inter)
            count = code_levels(coder, contexts, best_levels, left, above, guide)
            prediction = predictions[best_mode]
            reconstruct(state, y0, x0, best_levels, count, coefficients[0], residual, prediction)
            state.modes[by, bx] = best_mode
            remember(state, by, bx, best_levels, count)
