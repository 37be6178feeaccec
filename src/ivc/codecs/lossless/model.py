"""The best model: every sample of a plane, predicted, bounded and coded; one function both ways.

    neighbours ─► least squares in three windows ─┐
    neighbours ─► fixed predictors ───────────────┤
                                     weighted sum ┴─► network ─► stacked least squares ─► mu
    errors around ─► expected error ─┐                                                    │
                                     └──────────────────────────► decisions ◄─────────────┘

The source of the idea: Meyer and Tischer, "TMW: a New Method for Lossless Image Compression",
PCS 1997 (blended local predictors, distributions instead of errors); Ye and Hou, "Adaptive and
Multi-window Least Squares", 2011; mixing after Mahoney, "Adaptive Weighing of Context Models for
Lossless Data Compression", 2005.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from ivc.codecs.lossless import mlp, regression, squares
from ivc.codecs.lossless.decisions import Outlook, code_value, new_outlook
from ivc.codecs.lossless.levels import UNIT, level, median_edge, signed
from ivc.codecs.lossless.matching import MATCH_CONTEXTS, MATCH_SIZE, code_match, learn_match
from ivc.codecs.lossless.mlp import Network
from ivc.codecs.lossless.plans import PAD, locate
from ivc.codecs.lossless.regression import Regression, Window
from ivc.codecs.lossless.rows import code_row_kind
from ivc.codecs.lossless.squares import CELL, dot
from ivc.entropy import exhausted, new_contexts

WINDOWS = 3
PREDICTORS = WINDOWS + 2
FEATURES = 11
STACK = PREDICTORS + 4 + 3 + 1
"""Predictors, errors around, means of errors, the network."""
NET_TAPS = 18


class Knobs(NamedTuple):
    """Constants of the model, found by measurement on training pictures.

    Attributes:
        windows: of the regressions, widest first.
        stack: of the stacked regression.
        stacked: how much of the stacked correction is taken.
        floor: added to squared errors before predictors are weighed by them.
        fixed: weight of fixed predictors against regressions.
        steady: samples that the mean error of a context counts as zero.
        memory: samples after which those means are halved.
        bound: expected error from which steps are two values wide.
        pace: of learning the expected error.
        calm: weight of the expected error against the true one in a sample's weight.
        least: added to its square.
        rate: of the network.
    """

    windows: tuple[Window, Window, Window] = (
        Window(0.97, 0.9, 1.0, 0.6, 4.0),
        Window(0.86, 0.8, 1.0, 0.6, 20.0),
        Window(0.6, 0.6, 1.0, 0.6, 20.0),
    )
    stack: Window = Window(0.97, 0.95, 1.0, 0.6, 20.0)
    stacked: float = 1.0
    floor: float = 0.2
    fixed: float = 0.3
    steady: float = 8.0
    memory: float = 200.0
    bound: float = 1.6
    pace: float = 0.01
    calm: float = 0.9
    least: float = 0.6
    rate: float = 0.01


KNOBS = Knobs()


class State(NamedTuple):
    """What is learnt of a plane.

    Attributes:
        windows: regressions, widest first.
        rows: (cells, pitch * pitch) float64: sums over samples of the row in hand.
        start: (pitch,) float64: what the widest window is drawn to.
        stack: the stacked regression.
        stack_rows: the same for it.
        none: (pitch,) zeros: what it is drawn to.
        errors: (3, width + 2 PAD, PREDICTORS) float64: of each predictor in three rows.
        bias: (3, 4096, 2) float64: sums of errors by context, and of how many.
        scale: (FEATURES,) float64: how errors around make up the expected error.
        net: the network.
        contexts: adaptive contexts of matches and repeated rows.
        table: (3, entries, 2) int32: see ``matching``.
        outlook: scratch.
        knobs: constants.
    """

    windows: tuple[Regression, Regression, Regression]
    rows: np.ndarray
    start: np.ndarray
    stack: Regression
    stack_rows: np.ndarray
    none: np.ndarray
    errors: np.ndarray
    bias: np.ndarray
    scale: np.ndarray
    net: Network
    contexts: np.ndarray
    table: np.ndarray
    outlook: Outlook
    knobs: Knobs


def new_state(plan, knobs: Knobs = KNOBS) -> State:
    """A model that knows nothing yet."""
    width = int(plan.size[0, 1])
    pitch = squares.pitch_of(len(plan.tap_plane))
    stack_pitch = squares.pitch_of(STACK)
    cells = -(-width // CELL)
    start = np.zeros(pitch)
    start[: len(plan.start)] = plan.start
    wide, medium, narrow = (regression.new_regression(cells, start) for _ in range(WINDOWS))
    return State(
        (wide, medium, narrow), np.zeros((cells, pitch * pitch)), start,
        regression.new_regression(cells, np.zeros(stack_pitch)),
        np.zeros((cells, stack_pitch * stack_pitch)), np.zeros(stack_pitch),
        np.zeros((3, width + 2 * PAD, PREDICTORS)), np.zeros((3, 4096, 2)),
        np.array([0.2, 0.2, 0.1, 0.12, 0.08, 0.08, 0.12, 0.1, 0.05, 0.05, 0.15]),
        mlp.new_network(min(len(plan.tap_plane), NET_TAPS) + PREDICTORS + 4 + 1),
        new_contexts(MATCH_CONTEXTS, 4, 7), np.zeros((3, MATCH_SIZE * plan.matching, 2), np.int32),
        new_outlook(), knobs,
    )  # fmt: skip


@njit(cache=True, nogil=True, error_model="numpy")
def code_plane(coder, mixer, plan, state, buf, res, motion):
    """Code or decode one plane; False when a decoder ran out of data and gave up.

    Args:
        coder: any of the four kinds.
        mixer: what decisions have learnt.
        plan: how to predict.
        state: what prediction has learnt.
        buf: (samples,) int32: all planes with their borders.
        res: the same: errors in 1/16.
        motion: (2, rows, columns) int32: displacement of each block in luma samples.
    """
    height, width = plan.size[0, 0], plan.size[0, 1]
    stride, origin = plan.stride[0], plan.origin[0]
    low, high = plan.low, plan.high
    bottom, top = float(low), float(high)
    planes = plan.origin.shape[0]
    taps = plan.tap_plane.shape[0]
    knobs, scale, outlook, net = state.knobs, state.scale, state.outlook, state.net
    wide_window, middle_window, narrow_window = knobs.windows
    wide, medium, narrow = state.windows
    stack = state.stack
    wide_c, medium_c, narrow_c = wide.coefficients, medium.coefficients, narrow.coefficients
    stack_c = stack.coefficients
    pitch, stack_pitch = wide_c.shape[0], stack_c.shape[0]
    samples = np.zeros(CELL * pitch)
    weights = np.zeros(CELL)
    stacked = np.zeros(CELL * stack_pitch)
    means = np.zeros(planes)
    position = np.zeros(planes, np.int64)
    predictions = np.zeros(PREDICTORS)
    local = np.zeros(PREDICTORS)
    feats = np.zeros(FEATURES)
    centres, inverse, signs, sizes = outlook.centres, outlook.inverse, outlook.signs, outlook.sizes
    tap_plane, tap_offset, strides = plan.tap_plane, plan.tap_offset, plan.stride
    bias, errors, inputs = state.bias, state.errors, net.inputs
    few, net_taps = plan.narrow, min(taps, NET_TAPS)
    rows, stack_rows = state.rows, state.stack_rows
    cells = rows.shape[0]
    hits = np.zeros((2, width + 2), np.int64)
    guess = np.zeros(3, np.int64)
    repeated = 0
    fresh = False
    middle = (low + high + 1) >> 1
    for y in range(-PAD, 0):
        for x in range(-PAD, width + PAD):
            buf[origin + y * stride + x] = middle
    errors[:] = 0.0
    for y in range(height):
        if exhausted(coder):
            return False
        row = origin + y * stride
        if y == 1:
            for k in range(2, PAD + 1):
                for x in range(-PAD, width + PAD):
                    buf[row - k * stride + x] = buf[row - stride + x]
        for k in range(1, PAD + 1):
            buf[row - k] = buf[row - stride]
            res[row - k] = res[row - stride]
        repeated = code_row_kind(coder, state.contexts, plan, buf, res, row, y, repeated)
        e0, e1, e2 = errors[y % 3], errors[(y + 2) % 3], errors[(y + 1) % 3]
        hit0, hit1 = hits[y & 1], hits[1 - (y & 1)]
        if repeated:
            e0[:] = 0.0
            hit0[:] = 1
            continue
        e0[:PAD] = e1[PAD]
        hit0[0] = hit0[width + 1] = 0
        for x in range(width):
            if x % CELL == 0:
                cell = x // CELL
                if cell:
                    squares.add_samples(rows, cell - 1, samples, weights, taps, pitch)
                    squares.add_samples(stack_rows, cell - 1, stacked, weights, STACK, stack_pitch)
                regression.follow(
                    wide, wide_window, rows, cell, taps, state.start, cell & 3 == 0, fresh
                )
                regression.follow(medium, middle_window, rows, cell, taps, wide_c, True, fresh)
                regression.follow(narrow, narrow_window, rows, cell, few, medium_c, True, fresh)
                regression.follow(
                    stack, knobs.stack, stack_rows, cell, STACK, state.none, True, fresh
                )
            p = row + x
            s = x % CELL
            v, w = s * pitch, s * stack_pitch
            # neighbourhoods
            position[0] = p
            locate(plan, motion, y, x, position)
            if plan.matching:
                history = hit0[x] + 2 * hit1[x + 1] + 4 * hit1[x + 2]
                hit = code_match(
                    coder, state.contexts, state.table, buf, p, stride, position, low, high,
                    history, guess,
                )  # fmt: skip
                hit0[x + 1] = hit
                if hit:
                    res[p] = 0
                    weights[s] = 0.0
                    for k in range(PREDICTORS):
                        e0[x + PAD, k] = 0.0
                    continue
            for q in range(planes):
                o, r = position[q], strides[q]
                means[q] = (buf[o - 1] + buf[o - r] + buf[o - r - 1] + buf[o - r + 1]) * 0.25
            for t in range(taps):
                q = tap_plane[t]
                samples[v + t] = buf[position[q] + tap_offset[t]] - means[q]
            W, N = buf[p - 1], buf[p - stride]
            NW, NE = buf[p - stride - 1], buf[p - stride + 1]
            WW, NN = buf[p - 2], buf[p - 2 * stride]
            # predictions
            mean = means[0]
            samples[v + pitch - 1] = 0.0
            predictions[0] = min(max(mean + dot(wide_c, samples, v, pitch), bottom), top)
            predictions[1] = min(max(mean + dot(medium_c, samples, v, pitch), bottom), top)
            predictions[2] = min(max(mean + dot(narrow_c, samples, v, (few + 3) & ~3), bottom), top)
            predictions[3] = median_edge(W, N, NW)
            if planes > 1:
                o, r = position[1], strides[1]
                g = median_edge(W - buf[o - 1], N - buf[o - r], NW - buf[o - r - 1]) + buf[o]
            else:
                g = W + ((NE - NW) >> 1) if abs(W - NW) < abs(N - NW) else N
            predictions[4] = min(max(g, low), high)
            i = x + PAD
            weight = 0.0
            total = 0.0
            for k in range(PREDICTORS):
                e = (
                    2 * e0[i - 1, k] + 2 * e1[i, k] + e1[i - 1, k] + e1[i + 1, k]
                    + e0[i - 2, k] + e2[i, k]
                ) * 0.125  # fmt: skip
                local[k] = e
                share = 1.0 / (knobs.floor + e * e)
                share = share * share
                if k >= WINDOWS:
                    share *= knobs.fixed
                weight += share
                total += share * predictions[k]
            blended = total / weight
            # expected size of the error
            rW, rN, rNW, rNE = res[p - 1], res[p - stride], res[p - stride - 1], res[p - stride + 1]
            feats[0], feats[1], feats[2], feats[3] = abs(rW), abs(rN), abs(rNW), abs(rNE)
            feats[4], feats[5] = abs(res[p - 2]), abs(res[p - 2 * stride])
            ref = 0.0
            ref2 = 0.0
            for q in range(1, min(planes, 3)):
                o, r = position[q], strides[q]
                feats[4 + 2 * q] = abs(res[o])
                around = abs(res[o - 1]) + abs(res[o + 1]) + abs(res[o - r]) + abs(res[o + r])
                feats[5 + 2 * q] = 0.25 * around
            if planes > 1:
                ref = res[position[1]] / UNIT
            if planes > 2:
                ref2 = res[position[2]] / UNIT
            feats[10] = local[1] * UNIT
            expected = 0.0
            norm = 16.0
            for k in range(FEATURES):
                expected += scale[k] * feats[k]
                norm += feats[k] * feats[k]
            size = max(expected / UNIT, 0.03)
            around = (2 * (feats[0] + feats[1]) + feats[2] + feats[3] + feats[4] + feats[5]) / (
                8 * UNIT
            )
            inv = 1.0 / size
            sl = level(size)
            e_w, e_n, e_nw, e_ne = rW / UNIT, rN / UNIT, rNW / UNIT, rNE / UNIT
            # the network: what is left, in units of the expected error
            contrast = 0.0
            for t in range(net_taps):
                contrast += abs(samples[v + t])
            unit = net_taps / (contrast + 2.0 * net_taps)
            for t in range(net_taps):
                inputs[t] = samples[v + t] * unit
            for k in range(PREDICTORS):
                inputs[net_taps + k] = min(max((predictions[k] - blended) * inv, -4.0), 4.0)
            k = net_taps + PREDICTORS
            inputs[k] = min(max(e_w * inv, -4.0), 4.0)
            inputs[k + 1] = min(max(e_n * inv, -4.0), 4.0)
            inputs[k + 2] = min(max(e_nw * inv, -4.0), 4.0)
            inputs[k + 3] = min(max(e_ne * inv, -4.0), 4.0)
            answer = min(max(mlp.answer(net), -4.0), 4.0)
            # mean errors in contexts
            texture = (
                (blended > N) | (blended > W) << 1 | (blended > NW) << 2 | (blended > NE) << 3
                | (blended > WW) << 4 | (blended > NN) << 5 | (blended > 2 * N - NN) << 6
                | (blended > 2 * W - WW) << 7
            )  # fmt: skip
            b0 = texture * 8 + min(sl >> 2, 7)
            b1 = (signed(e_w * inv) * 9 + signed(e_n * inv)) * 9 + signed(ref * inv)
            b2 = signed((predictions[3] - blended) * inv) * 9
            b2 = (b2 + signed((predictions[4] - blended) * inv)) * 9
            b2 += signed((predictions[2] - blended) * inv * 3)
            # stacked regression
            for k in range(PREDICTORS):
                stacked[w + k] = predictions[k] - blended
            stacked[w + PREDICTORS] = e_w
            stacked[w + PREDICTORS + 1] = e_n
            stacked[w + PREDICTORS + 2] = e_nw
            stacked[w + PREDICTORS + 3] = e_ne
            stacked[w + PREDICTORS + 4] = bias[0, b0, 0] / (bias[0, b0, 1] + knobs.steady)
            stacked[w + PREDICTORS + 5] = bias[1, b1, 0] / (bias[1, b1, 1] + knobs.steady)
            stacked[w + PREDICTORS + 6] = bias[2, b2, 0] / (bias[2, b2, 1] + knobs.steady)
            stacked[w + PREDICTORS + 7] = answer * size
            stacked[w + stack_pitch - 1] = 0.0
            mu = dot(stack_c, stacked, w, stack_pitch)
            mu = min(max(blended + knobs.stacked * mu, bottom), top)
            if not (mu >= bottom and mu <= top and size < 1e9):
                mu, size, inv = bottom, 1.0, 1.0
            # distributions and contexts
            for k in range(3):
                centres[k] = mu
            inverse[0] = inv * 1.7
            inverse[1] = inv
            inverse[2] = inv * 0.6
            for k in range(WINDOWS):
                centres[3 + k] = predictions[k]
                inverse[3 + k] = 1.0 / max(0.5 * (local[k] + size), 0.05)
            centres[6] = mu
            inverse[6] = 1.0 / max(around, 0.05)
            centres[7] = predictions[4]
            inverse[7] = 1.0 / max(0.5 * (local[4] + size), 0.05)
            centres[8] = min(max(blended + answer * size, bottom), top)
            inverse[8] = inv
            signs[0], signs[1] = e_w * inv, e_n * inv
            signs[2] = (predictions[3] - mu) * inv
            signs[3] = (predictions[1] - mu) * inv * 4
            signs[4] = (predictions[2] - mu) * inv * 4
            signs[5] = ref * inv
            signs[6], signs[7], signs[8] = (W - mu) * inv, (N - mu) * inv, (NE - mu) * inv
            signs[9] = (predictions[4] - mu) * inv
            signs[10] = ref2 * inv
            signs[11] = e_ne * inv
            signs[12] = (centres[8] - mu) * inv * 4
            signs[13] = (predictions[0] - mu) * inv * 4
            sizes[0] = level(feats[6] / UNIT)
            sizes[1] = level((feats[0] + feats[1]) / UNIT)
            sizes[2] = level(float(max(max(W, N), max(NW, NE)) - min(min(W, N), min(NW, NE))))
            sizes[3] = level(around)
            sizes[4] = level(feats[7] / UNIT)
            value = code_value(
                coder, mixer, outlook, mu, size, sl, texture, knobs.bound, low, high,
                np.int64(buf[p]),
            )  # fmt: skip
            buf[p] = value
            # learn
            if plan.matching:
                learn_match(state.table, value, guess)
            error = value - mu
            res[p] = int(min(max(error * UNIT, -1e9), 1e9))
            for k in range(PREDICTORS):
                e0[i, k] = abs(value - predictions[k])
            off = min(abs(error) * UNIT - expected, 3.0 * expected + 16.0) * knobs.pace / norm
            for k in range(FEATURES):
                scale[k] = max(scale[k] + off * feats[k], 0.0)
            left = value - blended
            mlp.teach(net, min(max(left * inv, -4.0), 4.0) - answer, knobs.rate)
            left = min(max(left, -3.0 * size - 1.0), 3.0 * size + 1.0)
            for k in range(3):
                b = b0 if k == 0 else b1 if k == 1 else b2
                bias[k, b, 0] += left
                bias[k, b, 1] += 1.0
                if bias[k, b, 1] > knobs.memory:
                    bias[k, b, 0] *= 0.5
                    bias[k, b, 1] *= 0.5
            samples[v + pitch - 1] = value - means[0]
            spread = knobs.calm * size + (1.0 - knobs.calm) * abs(error)
            weights[s] = 1.0 / (knobs.least + spread * spread)
            stacked[w + stack_pitch - 1] = value - blended
        for k in range((width - 1) % CELL + 1, CELL):
            weights[k] = 0.0
        squares.add_samples(rows, cells - 1, samples, weights, taps, pitch)
        squares.add_samples(stack_rows, cells - 1, stacked, weights, STACK, stack_pitch)
        last = row + width - 1
        for k in range(1, PAD + 1):
            buf[last + k] = buf[last]
            res[last + k] = res[last]
        e0[width + PAD :] = e0[width + PAD - 1]
        fresh = True
    for k in range(PAD):
        for x in range(-PAD, width + PAD):
            buf[origin + (height + k) * stride + x] = buf[origin + (height - 1) * stride + x]
    return True
