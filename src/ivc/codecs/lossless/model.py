"""The best model: every sample of a plane, predicted, bounded and coded; one function both ways."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from ivc.codecs.lossless import mixing, squares
from ivc.codecs.lossless.logistic import student, stretch
from ivc.codecs.lossless.mixing import LEVELS, NODES, PARAMETRIC, code_mixed
from ivc.codecs.lossless.squares import CELL
from ivc.codecs.lossless.matching import MATCH_CONTEXTS, MATCH_SIZE, code_match, learn_match
from ivc.entropy import code_bit, exhausted, is_decoder, new_contexts

PAD = 4
WINDOWS = 3
PREDICTORS = 5
UNIT = 16.0
"""Errors are kept in 1/16."""
_SIGN_NODE = 31
_EPS = 1e-9

_LEVELS = np.array([((2 * v + 3) ** 3 // 27).bit_length() - 1 for v in range(64)], np.int64)


class Plan(NamedTuple):
    """How the samples of a plane are predicted.

    Attributes:
        origin: (planes,) int64: where sample (0, 0) of each plane lies in the buffers; plane 0 is
            the one in hand.
        stride: (planes,) int64.
        up: (planes, 2) int64: shifts of y and x from the plane in hand, negative to the right.
        size: (planes, 2) int64: height, width.
        tap_plane: (taps,) int64.
        tap_offset: (taps,) int64.
        counts: (WINDOWS,) int64: how many taps each window uses.
        moving: (planes,) int64: 1 for planes of the previous picture, which motion displaces.
        block: (4,) int64: log2 of the height and width of a block of motion, log2 of luma samples
            in a sample down and across.
        low, high: least and greatest value.
        matching: 1 if values that followed the same neighbours before are tried first.
    """

    origin: np.ndarray
    stride: np.ndarray
    up: np.ndarray
    size: np.ndarray
    tap_plane: np.ndarray
    tap_offset: np.ndarray
    counts: np.ndarray
    moving: np.ndarray
    block: np.ndarray
    low: int
    high: int
    matching: int


class State(NamedTuple):
    """What is learnt of a plane."""

    cells: np.ndarray
    row_cells: np.ndarray
    left: np.ndarray
    coefficients: np.ndarray
    errors: np.ndarray
    bias: np.ndarray
    scale: np.ndarray
    tune: np.ndarray
    cells2: np.ndarray
    row2: np.ndarray
    left2: np.ndarray
    coefficients2: np.ndarray
    contexts: np.ndarray
    table: np.ndarray


STACK = PREDICTORS + 4


TUNE = (
    0.0,
    0.0,
    0.0,
    0.0,
    0.0,
    4.0,
    20.0,
    20.0,
    0.9,
    0.8,
    0.6,
    1.0,
    0.6,
    0.15,
    0.2,
    0.3,
    8.0,
    0.05,
    1.6,
    0.01,
    200.0,
    0.9,
    0.3,
    0.95,
    0.82,
    0.6,
    0.9,
    20.0,
    1.0,
    0.9,
    0.0,
    0.0,
)


def new_state(plan, tune=TUNE):
    width = int(plan.size[0, 1])
    m = len(plan.tap_plane) + 1
    cells = -(-width // CELL)
    coefficients = np.zeros((WINDOWS + 1, m))
    coefficients[:, 0] = 0.6
    coefficients[:, 1] = 0.6
    coefficients[:, 2] = -0.4
    scale = np.array([0.2, 0.2, 0.1, 0.12, 0.08, 0.08, 0.12, 0.1, 0.05, 0.05, 0.15, 0.0])
    return State(
        np.zeros((WINDOWS, cells, m, m)), np.zeros((cells, m, m)), np.zeros((WINDOWS, m, m)),
        coefficients, np.zeros((3, width + 2 * PAD, PREDICTORS)), np.zeros((3, 4096, 2)),
        scale, np.array(tune, np.float64),
        np.zeros((1, cells, STACK + 1, STACK + 1)), np.zeros((cells, STACK + 1, STACK + 1)),
        np.zeros((STACK + 1, STACK + 1)), np.zeros((2, STACK + 1)),
        new_contexts(MATCH_CONTEXTS, 4, 7), np.zeros((3, MATCH_SIZE * plan.matching, 2), np.int32),
    )  # fmt: skip


@njit(cache=True, nogil=True, error_model="numpy")
def level(s):
    """Three levels an octave, 0 to 31."""
    v = np.int64(min(s * 8.0, 1e9))
    n = 0
    while v > 63:
        v >>= 2
        n += 6
    return min(n + _LEVELS[v], 31)


@njit(cache=True, nogil=True, error_model="numpy")
def signed(x):
    """Nine levels of a number of either sign; 4 is about 0."""
    a = abs(x)
    k = (a > 0.2) + (a > 0.6) + (a > 1.3) + (a > 3.0)
    return 4 + k if x > 0 else 4 - k


@njit(cache=True, nogil=True, error_model="numpy")
def median_edge(w, n, nw):
    """LOCO-I's predictor."""
    if nw >= max(w, n):
        return min(w, n)
    if nw <= min(w, n):
        return max(w, n)
    return w + n - nw


@njit(cache=True, nogil=True, error_model="numpy")
def _row_kind(plan, buf, row, y, width):
    """Encoder: 1 if the row equals the one above, 2 the same row of the previous picture."""
    same = y > 0
    source = row - plan.stride[0]
    for x in range(width):
        if buf[row + x] != buf[source + x]:
            same = False
            break
    if same:
        return 1
    last = plan.origin.shape[0] - 1
    if not plan.moving[last]:
        return 0
    source = plan.origin[last] + y * plan.stride[last]
    for x in range(width):
        if buf[row + x] != buf[source + x]:
            return 0
    return 2


@njit(cache=True, nogil=True, error_model="numpy")
def _split(mixer, centres, scales, lower, upper, marks, threshold, above):
    for j in range(PARAMETRIC):
        marks[j] = student((threshold - centres[j]) * scales[j])
    for j in range(PARAMETRIC):
        mark = marks[j]
        up = upper[j] - mark
        down = mark - lower[j]
        one = up if above else down
        mixer.inputs[j] = stretch((one + _EPS) / (up + down + 2 * _EPS))


@njit(cache=True, nogil=True, error_model="numpy")
def _narrow(lower, upper, marks, above):
    for j in range(PARAMETRIC):
        if above:
            lower[j] = marks[j]
        else:
            upper[j] = marks[j]


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
    planes = plan.origin.shape[0]
    taps = plan.tap_plane.shape[0]
    tune = state.tune
    scale = state.scale
    m = taps + 1
    samples = np.zeros((CELL, m))
    weights = np.zeros(CELL)
    samples2 = np.zeros((CELL, STACK + 1))
    means = np.zeros(planes)
    position = np.zeros(planes, np.int64)
    work = np.zeros((m, m))
    predictions = np.zeros(PREDICTORS)
    work2 = np.zeros((STACK + 1, STACK + 1))
    local = np.zeros(PREDICTORS)
    centres = np.zeros(PARAMETRIC)
    inverse = np.zeros(PARAMETRIC)
    lower = np.zeros(PARAMETRIC)
    upper = np.zeros(PARAMETRIC)
    marks = np.zeros(PARAMETRIC)
    feats = np.zeros(12)
    at = mixer.at
    tap_plane, tap_offset, moving, block = plan.tap_plane, plan.tap_offset, plan.moving, plan.block
    origins, strides, ups, sizes = plan.origin, plan.stride, plan.up, plan.size
    counts, bias, select = plan.counts, state.bias, mixer.select
    coefficients2, coefficients = state.coefficients2, state.coefficients
    stripe = LEVELS * NODES
    hits = np.zeros((2, width + 2), np.int64)
    guess = np.zeros(3, np.int64)
    repeated = 0
    middle = (low + high + 1) >> 1
    for y in range(-PAD, 0):
        for x in range(-PAD, width + PAD):
            buf[origin + y * stride + x] = middle
    errors = state.errors
    errors[:] = 0.0
    cells = state.cells
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
        kind = 0
        if not is_decoder(coder):
            kind = _row_kind(plan, buf, row, y, width)
        if y > 0:
            kind1 = code_bit(coder, state.contexts, repeated, kind == 1)
        else:
            kind1 = 0
        kind2 = 0
        if not kind1 and moving[planes - 1]:
            kind2 = code_bit(coder, state.contexts, 3 + repeated, kind == 2)
        repeated = kind1 + 2 * kind2
        if repeated:
            source = row - stride
            if kind2:
                source = origins[planes - 1] + y * strides[planes - 1]
            for x in range(-PAD, width + PAD):
                buf[row + x] = buf[source + x]
                res[row + x] = 0
            errors[y % 3] = 0.0
            continue
        e0, e1, e2 = errors[y % 3], errors[(y + 2) % 3], errors[(y + 1) % 3]
        for k in range(WINDOWS):
            squares.clear(state.left[k], counts[k])
        squares.clear(state.left2, STACK)
        hit0, hit1 = hits[y & 1], hits[1 - (y & 1)]
        for x in range(width):
            if x % CELL == 0:
                cell = x // CELL
                if cell:
                    squares.add_samples(state.row_cells[cell - 1], samples, weights, taps)
                    squares.add_samples(state.row2[cell - 1], samples2, weights, STACK)
                for k in range(WINDOWS):
                    n = counts[k]
                    if cell:
                        squares.follow(state.left[k], tune[8 + k], state.row_cells[cell - 1], n)
                    if k == 0 and (cell & 3):
                        continue
                    squares.gather(work, state.left[k], cells[k], cell, n, tune[11], tune[12])
                    prior = state.coefficients[WINDOWS if k == 0 else k - 1]
                    squares.solve(work, n, tune[5 + k], prior, state.coefficients[k])
                if cell:
                    squares.follow(state.left2, tune[26], state.row2[cell - 1], STACK)
                squares.gather(work2, state.left2, state.cells2[0], cell, STACK, tune[11], tune[12])
                squares.solve(work2, STACK, tune[27], coefficients2[1], coefficients2[0])
            p = row + x
            v = samples[x % CELL]
            v2 = samples2[x % CELL]
            # neighbourhoods
            position[0] = p
            for q in range(1, planes):
                py = y << ups[q, 0] if ups[q, 0] >= 0 else y >> -ups[q, 0]
                px = x << ups[q, 1] if ups[q, 1] >= 0 else x >> -ups[q, 1]
                if moving[q]:
                    by, bx = y >> block[0], x >> block[1]
                    py += motion[0, by, bx] >> block[2]
                    px += motion[1, by, bx] >> block[3]
                py = min(max(py, 0), sizes[q, 0] - 1)
                px = min(max(px, 0), sizes[q, 1] - 1)
                position[q] = origins[q] + py * strides[q] + px
            if plan.matching:
                history = hit0[x] + 2 * hit1[x + 1] + 4 * hit1[x + 2]
                hit = code_match(coder, state, buf, p, stride, position, low, high, history, guess)
                hit0[x + 1] = hit
                if hit:
                    res[p] = 0
                    weights[x % CELL] = 0.0
                    for k in range(PREDICTORS):
                        e0[x + PAD, k] = 0.0
                    continue
            for q in range(planes):
                o, s = position[q], strides[q]
                means[q] = (buf[o - 1] + buf[o - s] + buf[o - s - 1] + buf[o - s + 1]) * 0.25
            for t in range(taps):
                q = tap_plane[t]
                v[t] = buf[position[q] + tap_offset[t]] - means[q]
            W, N = buf[p - 1], buf[p - stride]
            NW, NE = buf[p - stride - 1], buf[p - stride + 1]
            WW, NN = buf[p - 2], buf[p - 2 * stride]
            # predictions
            for k in range(WINDOWS):
                total = means[0]
                for t in range(counts[k]):
                    total += coefficients[k, t] * v[t]
                predictions[k] = min(max(total, float(low)), float(high))
            predictions[3] = median_edge(W, N, NW)
            if planes > 1:
                o, s = position[1], strides[1]
                g = median_edge(W - buf[o - 1], N - buf[o - s], NW - buf[o - s - 1]) + buf[o]
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
                w = 1.0 / (tune[14] + e * e)
                w = w * w
                if k >= WINDOWS:
                    w *= tune[15]
                weight += w
                total += w * predictions[k]
            mu0 = total / weight
            rW, rN, rNW, rNE = res[p - 1], res[p - stride], res[p - stride - 1], res[p - stride + 1]
            for k in range(PREDICTORS):
                v2[k] = predictions[k] - mu0
            v2[PREDICTORS] = rW / UNIT
            v2[PREDICTORS + 1] = rN / UNIT
            v2[PREDICTORS + 2] = rNW / UNIT
            v2[PREDICTORS + 3] = rNE / UNIT
            # expected size of the error
            blended = mu0
            for k in range(STACK):
                mu0 += tune[28] * coefficients2[0, k] * v2[k]
            mu0 = min(max(mu0, float(low)), float(high))
            feats[0], feats[1], feats[2], feats[3] = abs(rW), abs(rN), abs(rNW), abs(rNE)
            feats[4], feats[5] = abs(res[p - 2]), abs(res[p - 2 * stride])
            ref = 0
            ref2 = 0.0
            for q in range(1, min(planes, 3)):
                o, s = position[q], strides[q]
                feats[4 + 2 * q] = abs(res[o])
                around = abs(res[o - 1]) + abs(res[o + 1]) + abs(res[o - s]) + abs(res[o + s])
                feats[5 + 2 * q] = 0.25 * around
            if planes > 1:
                ref = res[position[1]]
            if planes > 2:
                ref2 = res[position[2]] / UNIT
            feats[10] = local[1] * UNIT
            s1 = 0.0
            norm = 16.0
            for k in range(11):
                s1 += scale[k] * feats[k]
                norm += feats[k] * feats[k]
            size = max(s1 / UNIT, 0.03)
            wide = (2 * (feats[0] + feats[1]) + feats[2] + feats[3] + feats[4] + feats[5]) / (
                8 * UNIT
            )
            inv = 1.0 / size
            # bias cancellation
            texture = (
                (mu0 > N) | (mu0 > W) << 1 | (mu0 > NW) << 2 | (mu0 > NE) << 3 | (mu0 > WW) << 4
                | (mu0 > NN) << 5 | (mu0 > 2 * N - NN) << 6 | (mu0 > 2 * W - WW) << 7
            )  # fmt: skip
            sl = level(size)
            b0 = texture * 8 + min(sl >> 2, 7)
            b1 = (signed(rW * inv / UNIT) * 9 + signed(rN * inv / UNIT)) * 9 + signed(
                ref * inv / UNIT
            )
            b2 = (
                signed((predictions[3] - mu0) * inv) * 9 + signed((predictions[4] - mu0) * inv)
            ) * 9
            b2 += signed((predictions[2] - mu0) * inv * 3)
            shift = 0.0
            for k in range(3):
                b = b0 if k == 0 else b1 if k == 1 else b2
                shift += bias[k, b, 0] / (bias[k, b, 1] + tune[16])
            mu = min(max(mu0 + tune[17] * shift, float(low)), float(high))
            if not (mu >= low and mu <= high and size < 1e9):
                mu, size, inv = float(low), 1.0, 1.0
            base = int(mu)
            if base > mu:
                base -= 1
            fraction = mu - base
            # parametric models
            for j in range(PARAMETRIC):
                lower[j] = 0.0
                upper[j] = 1.0
                centres[j] = mu
            inverse[0] = inv * 1.7
            inverse[1] = inv
            inverse[2] = inv * 0.6
            inverse[6] = 1.0 / max(wide, 0.05)
            for k in range(WINDOWS):
                centres[3 + k] = predictions[k]
                inverse[3 + k] = 1.0 / max(0.5 * (local[k] + size), 0.05)
            centres[7] = predictions[4]
            inverse[7] = 1.0 / max(0.5 * (local[4] + size), 0.05)
            # Golomb-like steps
            k = 0
            bound = tune[18]
            while size > bound and k < 15:
                bound *= 2
                k += 1
            spread = level(float(max(max(W, N), max(NW, NE)) - min(min(W, N), min(NW, NE))))
            kc = min(k, LEVELS - 1)
            fine = kc * NODES
            e_w, e_n = rW * inv / UNIT, rN * inv / UNIT
            magnitude = level((feats[0] + feats[1]) / UNIT)
            side = 1
            value = np.int64(buf[p])
            bit = 0
            first = 0
            for stage in range(2):
                sign = 1.0 if side else -1.0
                near = 1.0 - fraction if side else fraction
                d8 = min(int(near * 8), 7)
                at[0] = sl * 8 + d8
                at[1] = (signed(sign * e_w) * 9 + signed(sign * e_n)) * 8 + min(sl >> 2, 7)
                at[2] = signed(sign * (predictions[3] - mu) * inv) * 32 + sl
                at[3] = (
                    (signed(sign * (predictions[1] - mu) * inv * 4) * 9
                     + signed(sign * (predictions[2] - mu) * inv * 4)) * 8 + min(sl >> 2, 7)
                )  # fmt: skip
                at[4] = signed(sign * ref * inv / UNIT) * 32 + sl
                at[5] = ((level(feats[6] / UNIT) >> 1) * 16 + (magnitude >> 1)) * 4 + (d8 >> 1)
                at[6] = (texture if side else 255 - texture) * 4 + min(sl >> 3, 3)
                at[7] = spread * 32 + magnitude
                at[8] = base & 1023
                at[9] = level(wide) * 32 + sl
                at[10] = (
                    (signed(sign * (W - mu) * inv) * 9 + signed(sign * (N - mu) * inv)) * 9
                    + signed(sign * (NE - mu) * inv)
                )  # fmt: skip
                at[11] = (
                    (signed(sign * (predictions[4] - mu) * inv) * 9
                     + signed(sign * ref2 * inv)) * 9
                    + signed(sign * rNE * inv / UNIT)
                )  # fmt: skip
                for c in range(mixing.CONTEXTS):
                    at[c] = at[c] * stripe + fine
                select[1] = sl * NODES
                select[2] = (d8 * 8 + min(level(feats[6] / UNIT) >> 2, 7)) * 16 + 8
                if stage == 0:
                    if base >= high:
                        side = 0
                        continue
                    _split(mixer, centres, inverse, lower, upper, marks, base + 0.5, True)
                    select[0] = kc * NODES + _SIGN_NODE
                    select[1] += _SIGN_NODE
                    select[2] += 7
                    side = code_mixed(
                        coder, mixer, _SIGN_NODE, kc * NODES + _SIGN_NODE,
                        sl * NODES + _SIGN_NODE, d8 * 8 + 4, value > base,
                    )  # fmt: skip
                    _narrow(lower, upper, marks, side == 1)
                    if side:
                        continue
                    # contexts again, mirrored
            most = high - base - 1 if side else base - low
            distance = value - base - 1 if side else base - value
            start = np.int64(0)
            length = np.int64(1) << k
            step = 0
            while start + length <= most:
                threshold = base + 0.5 + start + length if side else base + 0.5 - start - length
                if side:
                    _split(mixer, centres, inverse, lower, upper, marks, threshold, True)
                else:
                    _split(mixer, centres, inverse, lower, upper, marks, threshold, False)
                node = min(step, 19)
                select[0] = kc * NODES + node
                select[1] = sl * NODES + node
                select[2] = (select[2] & ~15) + min(step, 6)
                bit = code_mixed(
                    coder, mixer, node, kc * NODES + node,
                    sl * NODES + node, ((d8 * 16 + min(magnitude, 15)) * 8 + min(step, 7)) + 1024,
                    distance >= start + length,
                )  # fmt: skip
                if not bit:
                    _narrow(lower, upper, marks, side == 0)
                    break
                _narrow(lower, upper, marks, side == 1)
                start += length
                step += 1
                if step > 5:
                    length <<= 1
            # the bits below
            tree = 0
            depth = 0
            while length > 1:
                length >>= 1
                bit = 0
                if start + length <= most:
                    threshold = base + 0.5 + start + length if side else base + 0.5 - start - length
                    _split(mixer, centres, inverse, lower, upper, marks, threshold, side == 1)
                    node = 30 if depth > 1 else 20 + min(step, 2) * 3 + tree
                    select[0] = kc * NODES + node
                    select[1] = sl * NODES + node
                    select[2] = (select[2] & ~15) + 8 + min(depth, 3)
                    bit = code_mixed(
                        coder, mixer, node, kc * NODES + node,
                        sl * NODES + node, d8 * 64 + min(depth, 7) * 8 + min(step, 7),
                        distance >= start + length,
                    )  # fmt: skip
                    _narrow(lower, upper, marks, (side == 1) == (bit == 1))
                if bit:
                    start += length
                if depth == 0:
                    tree = 1 + bit
                depth += 1
            value = base + 1 + start if side else base - start
            buf[p] = value
            # learn
            error = value - mu
            size_now = abs(error) * UNIT
            if plan.matching:
                learn_match(state, value, guess)
            res[p] = int(min(max(error * UNIT, -1e9), 1e9))
            for k in range(PREDICTORS):
                e0[i, k] = abs(value - predictions[k])
            off = min(size_now - s1, 3.0 * s1 + 16.0) * tune[19] / norm
            for k in range(11):
                scale[k] = max(scale[k] + off * feats[k], 0.0)
            raw = value - mu0
            raw = min(max(raw, -3.0 * size - 1.0), 3.0 * size + 1.0)
            for k in range(3):
                b = b0 if k == 0 else b1 if k == 1 else b2
                bias[k, b, 0] += raw
                bias[k, b, 1] += 1.0
                if bias[k, b, 1] > tune[20]:
                    bias[k, b, 0] *= 0.5
                    bias[k, b, 1] *= 0.5
            v[taps] = value - means[0]
            spreadness = tune[21] * size + (1.0 - tune[21]) * abs(error)
            weights[x % CELL] = 1.0 / (tune[22] + spreadness * spreadness)
            v2[STACK] = value - blended
        for k in range((width - 1) % CELL + 1, CELL):
            weights[k] = 0.0
        squares.add_samples(state.row_cells[cells.shape[1] - 1], samples, weights, taps)
        squares.add_samples(state.row2[cells.shape[1] - 1], samples2, weights, STACK)
        last = row + width - 1
        for k in range(1, PAD + 1):
            buf[last + k] = buf[last]
            res[last + k] = res[last]
        for k in range(PREDICTORS):
            for x in range(PAD):
                e0[x, k] = 0.5 * e0[PAD, k]
                e0[width + PAD + x, k] = e0[width + PAD - 1, k]
        for cell in range(cells.shape[1]):
            for k in range(WINDOWS):
                n = counts[k]
                squares.follow(cells[k, cell], tune[23 + k], state.row_cells[cell], n)
            squares.follow(state.cells2[0, cell], tune[29], state.row2[cell], STACK)
    for k in range(PAD):
        for x in range(-PAD, width + PAD):
            buf[origin + (height + k) * stride + x] = buf[origin + (height - 1) * stride + x]
    return True
