"""The light model of the middle efforts: one least-squares predictor, few contexts, one mixer.

The same stages as ``model``, each in its cheapest form: about ten times as fast.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from ivc.codecs.lossless import squares
from ivc.codecs.lossless.levels import UNIT, level, median_edge, signed, step_bits
from ivc.codecs.lossless.logistic import squash, stretch, student
from ivc.codecs.lossless.matching import MATCH_CONTEXTS, MATCH_SIZE, code_match, learn_match
from ivc.codecs.lossless.plans import PAD, locate
from ivc.codecs.lossless.regression import Regression, Window, follow, new_regression
from ivc.codecs.lossless.rows import code_row_kind
from ivc.codecs.lossless.squares import CELL, dot
from ivc.entropy import exhausted, new_contexts
from ivc.entropy.chances import code_chance

WINDOW = Window(up=0.85, along=0.8, near=1.0, beside=0.6, ridge=20.0)
INPUTS = 5
_CONTEXTS = 3
NODES = 32
_SLOTS = 1024 * NODES


class Light(NamedTuple):
    """What is learnt of a plane.

    Attributes:
        regression: the predictor.
        rows: (cells, pitch * pitch) float64: sums over samples of the row in hand.
        start: (pitch,) float64: what its coefficients are drawn to.
        bias: (2048, 2) float64 sums of errors and how many.
        slots: (3, slots) uint32: P(1) of 24 bits and a count of 8; 0 if unseen.
        weights: (selections, INPUTS) float64.
        rates: (256,) float64: of the slots, by count.
        contexts: adaptive contexts of matches and repeated rows.
        table: (3, entries, 2) int32: see ``matching``.
    """

    regression: Regression
    rows: np.ndarray
    start: np.ndarray
    bias: np.ndarray
    slots: np.ndarray
    weights: np.ndarray
    rates: np.ndarray
    contexts: np.ndarray
    table: np.ndarray


def new_light(plan) -> Light:
    """A model that knows nothing yet."""
    pitch = squares.pitch_of(len(plan.tap_plane))
    cells = -(-int(plan.size[0, 1]) // CELL)
    start = np.zeros(pitch)
    start[: len(plan.start)] = plan.start
    weights = np.zeros((1024, INPUTS))
    weights[:] = (0.5, 0.2, 0.15, 0.15, 0.0)
    rates = np.array([1 / (min(n, 100) + 3.5) for n in range(256)])
    return Light(
        new_regression(cells, start), np.zeros((cells, pitch * pitch)), start,
        np.zeros((2048, 2)), np.zeros((_CONTEXTS, _SLOTS), np.uint32), weights, rates,
        new_contexts(MATCH_CONTEXTS, 4, 7), np.zeros((3, MATCH_SIZE * plan.matching, 2), np.int32),
    )  # fmt: skip


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def _decide(coder, slots, weights, rates, at, x, node, chosen, one, bit):
    """One decision; ``one`` is the parametric probability of 1."""
    x[0] = stretch(one)
    for c in range(_CONTEXTS):
        slot = slots[c, at[c] + node]
        p = (slot >> np.uint32(8)) * (1.0 / 16777216.0) if slot else one
        x[c + 1] = stretch(p)
    w = weights
    dot = (
        (w[chosen, 0] * x[0] + w[chosen, 1] * x[1]) + (w[chosen, 2] * x[2] + w[chosen, 3] * x[3])
        + w[chosen, 4] * x[4]
    )  # fmt: skip
    p = squash(dot)
    bit = code_chance(coder, min(max(int(p * 131072.0), 8), 131072 - 8), bit)
    target = 1.0 if bit else 0.0
    step = (target - p) * 0.006
    for i in range(INPUTS):
        w[chosen, i] += step * x[i]
    for c in range(_CONTEXTS):
        k = at[c] + node
        slot = slots[c, k]
        count = slot & np.uint32(255)
        p = (slot >> np.uint32(8)) * (1.0 / 16777216.0) if slot else one
        p += (target - p) * rates[count]
        p = min(max(p, 0.0005), 0.9995)
        count += np.uint32(count < 255)
        slots[c, k] = np.uint32(p * 16777216.0) << np.uint32(8) | count
    return bit


@njit(cache=True, nogil=True, error_model="numpy")
def code_light(coder, plan, light, buf, res, motion):
    """Code or decode one plane; False when a decoder ran out of data and gave up.

    Args:
        coder: any of the four kinds.
        plan: how to predict.
        light: what is learnt.
        buf: (samples,) int32: all planes with their borders.
        res: the same: errors in 1/16.
        motion: (2, rows, columns) int32: displacement of each block in luma samples.
    """
    height, width = plan.size[0, 0], plan.size[0, 1]
    stride, origin = plan.stride[0], plan.origin[0]
    low, high = plan.low, plan.high
    planes = plan.origin.shape[0]
    tap_plane, tap_offset, strides = plan.tap_plane, plan.tap_offset, plan.stride
    slots, mix, rates, bias = light.slots, light.weights, light.rates, light.bias
    regression, rows, coefficients = light.regression, light.rows, light.regression.coefficients
    n = tap_plane.shape[0]
    pitch = coefficients.shape[0]
    samples = np.zeros(CELL * pitch)
    weights = np.zeros(CELL)
    position = np.zeros(planes, np.int64)
    means = np.zeros(planes)
    at = np.zeros(_CONTEXTS, np.int64)
    x_in = np.zeros(INPUTS)
    x_in[INPUTS - 1] = 0.3
    cells = rows.shape[0]
    contexts, table = light.contexts, light.table
    hits = np.zeros((2, width + 2), np.int64)
    guess = np.zeros(3, np.int64)
    repeated = 0
    fresh = False
    middle = (low + high + 1) >> 1
    for k in range(-PAD * stride - PAD, -PAD):
        buf[origin + k] = middle
    for y in range(height):
        if exhausted(coder):
            return False
        row = origin + y * stride
        for k in range(1, PAD + 1):
            buf[row - k] = buf[row - stride]
            res[row - k] = res[row - stride]
        repeated = code_row_kind(coder, contexts, plan, buf, res, row, y, repeated)
        hit0, hit1 = hits[y & 1], hits[1 - (y & 1)]
        if repeated:
            hit0[:] = 1
            continue
        hit0[0] = hit0[width + 1] = 0
        for x in range(width):
            if x % CELL == 0:
                cell = x // CELL
                if cell:
                    squares.add_samples(rows, cell - 1, samples, weights, n, pitch)
                follow(regression, WINDOW, rows, cell, n, light.start, cell & 1 == 0, fresh)
            p = row + x
            position[0] = p
            locate(plan, motion, y, x, position)
            if plan.matching:
                history = hit0[x] + 2 * hit1[x + 1] + 4 * hit1[x + 2]
                hit = code_match(
                    coder, contexts, table, buf, p, stride, position, low, high, history, guess
                )
                hit0[x + 1] = hit
                if hit:
                    res[p] = 0
                    weights[x % CELL] = 0.0
                    continue
            for q in range(planes):
                o, s = position[q], strides[q]
                means[q] = (buf[o - 1] + buf[o - s] + buf[o - s - 1] + buf[o - s + 1]) * 0.25
            r = x % CELL
            v = r * pitch
            samples[v + pitch - 1] = 0.0
            for t in range(n):
                q = tap_plane[t]
                samples[v + t] = buf[position[q] + tap_offset[t]] - means[q]
            W, N, NW = buf[p - 1], buf[p - stride], buf[p - stride - 1]
            NE = buf[p - stride + 1]
            med = median_edge(W, N, NW)
            mu = means[0] + dot(coefficients, samples, v, pitch)
            rW, rN = res[p - 1], res[p - stride]
            rNW, rNE = res[p - stride - 1], res[p - stride + 1]
            around = 4.0 * (abs(rW) + abs(rN)) + 2.0 * (abs(rNW) + abs(rNE))
            around += 1.0 * (abs(res[p - 2]) + abs(res[p - 2 * stride]))
            ref = 0
            size = around * (1.0 / 14.0 / UNIT)
            if planes > 1:
                ref = res[position[1]]
                size = 0.7 * size + 0.3 * abs(ref) / UNIT
            size = max(size, 0.05)
            sl = level(size)
            inv = 1.0 / size
            texture = (
                (mu > N) | (mu > W) << 1 | (mu > NW) << 2 | (mu > NE) << 3
                | (mu > 2 * N - buf[p - 2 * stride]) << 4 | (mu > 2 * W - buf[p - 2]) << 5
            )  # fmt: skip
            b0 = texture * 32 + sl
            raw = mu
            mu += 0.6 * bias[b0, 0] / (bias[b0, 1] + 8.0)
            mu = min(max(mu, float(low)), float(high))
            if not (mu >= low and mu <= high and size < 1e9):
                mu, size, inv = float(low), 1.0, 1.0
            base = int(mu)
            if base > mu:
                base -= 1
            fraction = mu - base
            k = step_bits(size, 1.6)
            value = np.int64(buf[p])
            # above the prediction or not
            near = min(int(fraction * 8), 7)
            dev = signed((med - mu) * inv)
            sw, sn, sr = signed(rW * inv / UNIT), signed(rN * inv / UNIT), signed(ref * inv / UNIT)
            at[0] = (sl * 8 + near) * NODES
            at[1] = ((sw * 9 + sn) * 9 + sr) * NODES
            at[2] = (dev * 32 + sl) * NODES
            one = 1.0 - student((base + 0.5 - mu) * inv)
            side = 1
            lower, upper = 0.0, one
            if base < high:
                side = _decide(
                    coder, slots, mix, rates, at, x_in, 31, sl * NODES + 31, one, value > base
                )
            else:
                side = 0
            if side == 0:
                upper = 1.0 - one
            else:
                near = 7 - near
            at[0] = (sl * 8 + near) * NODES
            if side == 0:
                at[1] = (((8 - sw) * 9 + 8 - sn) * 9 + 8 - sr) * NODES
                at[2] = ((8 - dev) * 32 + sl) * NODES
            # masses below are of the tail beyond a distance, so ``upper`` is that of the interval's
            # near end and ``lower`` that of its far end
            offset = 0.5 - fraction if side else fraction - 0.5
            most = high - base - 1 if side else base - low
            distance = value - base - 1 if side else base - value
            start = np.int64(0)
            length = np.int64(1) << k
            step = 0
            bit = 0
            while start + length <= most:
                mark = 1.0 - student((start + length + offset) * inv)
                one = (mark + 1e-9) / (upper + 2e-9)
                node = min(step, 19)
                bit = _decide(
                    coder, slots, mix, rates, at, x_in, node, sl * NODES + node, one,
                    distance >= start + length,
                )  # fmt: skip
                if not bit:
                    lower = mark
                    break
                upper = mark
                start += length
                step += 1
                if step > 5:
                    length <<= 1
            tree = 0
            depth = 0
            while length > 1:
                length >>= 1
                bit = 0
                if start + length <= most:
                    mark = 1.0 - student((start + length + offset) * inv)
                    one = (mark - lower + 1e-9) / (upper - lower + 2e-9)
                    if depth > 1:
                        # nearly even: the parametric probability will do
                        chance = min(max(int(one * 131072.0), 64), 131072 - 64)
                        bit = code_chance(coder, chance, distance >= start + length)
                    else:
                        node = 20 + min(step, 2) * 3 + tree
                        bit = _decide(
                            coder, slots, mix, rates, at, x_in, node, sl * NODES + node, one,
                            distance >= start + length,
                        )  # fmt: skip
                    if bit:
                        upper = mark
                    else:
                        lower = mark
                if bit:
                    start += length
                if depth == 0:
                    tree = 1 + bit
                depth += 1
            value = base + 1 + start if side else base - start
            buf[p] = value
            if plan.matching:
                learn_match(table, value, guess)
            error = value - mu
            res[p] = int(min(max(error * UNIT, -1e9), 1e9))
            off = min(max(value - raw, -3.0 * size - 1.0), 3.0 * size + 1.0)
            bias[b0, 0] += off
            bias[b0, 1] += 1.0
            if bias[b0, 1] > 100.0:
                bias[b0, 0] *= 0.5
                bias[b0, 1] *= 0.5
            samples[v + pitch - 1] = value - means[0]
            spread = 0.9 * size + 0.1 * abs(error)
            weights[r] = 1.0 / (0.3 + spread * spread)
        for k in range((width - 1) % CELL + 1, CELL):
            weights[k] = 0.0
        squares.add_samples(rows, cells - 1, samples, weights, n, pitch)
        fresh = True
        last = row + width - 1
        for k in range(1, PAD + 1):
            buf[last + k] = buf[last]
            res[last + k] = res[last]
    for k in range(PAD):
        for x in range(-PAD, width + PAD):
            buf[origin + (height + k) * stride + x] = buf[origin + (height - 1) * stride + x]
    return True
