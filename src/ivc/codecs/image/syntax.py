"""The payload's header, and the loops that choose and code coefficients.

A coefficient is up to five kinds of decision, each in an adaptive context that the network's output
for that decision selects: the network says how likely it is, the context what that has meant in
this picture so far.

    0 or not │ negative │ above 1 │ above 2 │ above 3, 4, … │ Exp-Golomb escape from 18 on

See docs/codecs/image.md for the normative text.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from ivc.codecs.image.constants import (
    BUCKETS,
    ESCAPE_CONTEXTS,
    FLAGS,
    MAX_FEATURE,
    MAX_MAGNITUDE,
    MAX_STEP_INDEX,
    SURROUNDINGS,
    UNARY_LIMIT,
)
from ivc.codecs.image.passes import ALL
from ivc.entropy import bit_cost, code_adaptive_exp_golomb, code_bit, exhausted
from ivc.entropy.contexts import COST_BITS
from ivc.entropy.fields import integer

_ESCAPE = SURROUNDINGS * FLAGS * BUCKETS
GROUP = _ESCAPE + 2 * ESCAPE_CONTEXTS
"""Contexts of a group of bands: those of the decisions, then those of the escape."""


@dataclass(frozen=True)
class Header:
    """What the structure layer begins with.

    Attributes:
        model: number of the model that ships with ivc; 0 stands for the user's own, whose hash is
            in the stream's header.
        step: index of the quantisation step, see ``constants.step_size``.
        shrink: how far decoded magnitudes are moved towards zero, in 1/64 step.
    """

    model: int = integer(0, 127)
    step: int = integer(0, MAX_STEP_INDEX)
    shrink: int = integer(0, 31)


@njit(cache=True, nogil=True, inline="always")
def _context(base, near, flag, logit):
    return base + (near * FLAGS + flag) * BUCKETS + ((logit + 128) >> 1)


@njit(cache=True, nogil=True, inline="always")
def surroundings(q, y, x, places):
    """What was coded around a coefficient in this tile, band and pass.

    Returns:
        Class of the magnitudes, and class of the signs.
    """
    width = q.shape[1]
    total = 0
    signs = 0
    reach = 1 if places == ALL else 2
    for i in range(4):
        # to the left and above; on a chessboard the nearest places of the same colour
        dy = (0, 1, 1, reach)[i]
        dx = (-reach, -1, 1, 0)[i]
        if y >= dy and 0 <= x + dx < width:
            value = np.int64(q[y - dy, x + dx])
            total += abs(value)
            signs += (value > 0) - (value < 0)
    if total > 1:
        total = 2 if total < 4 else 3
    return total, (signs > 0) - (signs < 0) + 1


@njit(cache=True, nogil=True)
def _code_coefficient(coder, contexts, base, around, logits, y, x, value):
    near, signs = around
    magnitude = abs(value)
    if not code_bit(coder, contexts, _context(base, near, 0, logits[0, y, x]), magnitude != 0):
        return 0
    negative = code_bit(coder, contexts, _context(base, signs, 1, logits[1, y, x]), value < 0)
    k = 1
    if code_bit(coder, contexts, _context(base, near, 2, logits[2, y, x]), magnitude > 1):
        k = 2
        if code_bit(coder, contexts, _context(base, near, 3, logits[3, y, x]), magnitude > 2):
            k = 3
            more = _context(base, near, 4, logits[4, y, x])
            while k < UNARY_LIMIT and code_bit(coder, contexts, more, magnitude > k):
                k += 1
            if k == UNARY_LIMIT:
                k += code_adaptive_exp_golomb(
                    coder, contexts, base + _ESCAPE, ESCAPE_CONTEXTS, 0, magnitude - UNARY_LIMIT
                )
                k = min(k, MAX_MAGNITUDE)
    return -k if negative else k


@njit(cache=True, nogil=True)
def code_band(coder, contexts, base, logits, q, places):
    """Code or decode the coefficients of one band in one tile and pass.

    Args:
        coder: an encoder, decoder or estimator of ``ivc.entropy``.
        contexts: of all groups.
        base: index of the first context of this band's group.
        logits: (FLAGS, H, W) int32, -128 to 127.
        q: (H', W') int16 with H' <= H and W' <= W; the decoder writes it.
        places: ``BLACK``, ``WHITE`` or ``ALL``.

    Returns:
        False when a decoder ran out of data and gave up.
    """
    height, width = q.shape
    stride = 1 if places == ALL else 2
    for y in range(height):
        if exhausted(coder):
            return False
        for x in range(0 if places == ALL else (y + places) & 1, width, stride):
            value = np.int64(q[y, x])
            around = surroundings(q, y, x, places)
            q[y, x] = _code_coefficient(coder, contexts, base, around, logits, y, x, value)
    return True


@njit(cache=True, nogil=True)
def _cost(contexts, base, around, logits, y, x, value):
    """Bits of a coefficient in 2**-15 as its contexts stand."""
    near, signs = around
    magnitude = abs(value)
    cost = bit_cost(contexts, _context(base, near, 0, logits[0, y, x]), magnitude != 0)
    if magnitude == 0:
        return cost
    cost += bit_cost(contexts, _context(base, signs, 1, logits[1, y, x]), value < 0)
    cost += bit_cost(contexts, _context(base, near, 2, logits[2, y, x]), magnitude > 1)
    if magnitude == 1:
        return cost
    cost += bit_cost(contexts, _context(base, near, 3, logits[3, y, x]), magnitude > 2)
    if magnitude == 2:
        return cost
    more = _context(base, near, 4, logits[4, y, x])
    cost += (min(magnitude, UNARY_LIMIT) - 3) * bit_cost(contexts, more, 1)
    if magnitude < UNARY_LIMIT:
        return cost + bit_cost(contexts, more, 0)
    beyond = magnitude - UNARY_LIMIT + 1
    while beyond > 0:
        cost += 2 << COST_BITS
        beyond >>= 1
    return cost


@njit(cache=True, nogil=True)
def feature(magnitude):
    """What networks see of a magnitude: piecewise linear log2(1 + m) in sixteenths."""
    m = magnitude + 1
    exponent = 0
    while m >> (exponent + 1):
        exponent += 1
    return min(16 * exponent + ((16 * m) >> exponent) - 16, MAX_FEATURE)


@njit(cache=True, nogil=True)
def choose_band(contexts, base, logits, x, q, places, lambda_rd, shrink, weights, signed, unsigned):
    """Encoder: the integers with the least ``error² · weight + lambda_rd · bits``.

    Tries the nearest integer, its neighbour towards zero, and zero.

    Args:
        contexts: as for ``code_band``; not changed.
        base: as for ``code_band``.
        logits: as for ``code_band``.
        x: (H', W') float32 coefficients in steps.
        q: (H', W') int16, written in the order of coding.
        places: as for ``code_band``.
        lambda_rd: squared steps that a bit is worth; 0 rounds to the nearest integer.
        shrink: how far decoded magnitudes are moved towards zero, in steps.
        weights: (H', W') float32 importance of errors, or (0, 0) for 1 everywhere.
        signed: (H', W') float32 bits that others pay for a unit of the signed feature, or (0, 0).
        unsigned: the same for the unsigned feature.
    """
    height, width = q.shape
    stride = 1 if places == ALL else 2
    unit = lambda_rd / (1 << COST_BITS)
    weighted = weights.shape[0] > 0
    influenced = signed.shape[0] > 0
    for y in range(height):
        for i in range(0 if places == ALL else (y + places) & 1, width, stride):
            value = np.float64(x[y, i])
            magnitude = min(abs(value), np.float64(MAX_MAGNITUDE))
            nearest = np.int64(magnitude + 0.5)
            if nearest == 0 or lambda_rd == 0:
                q[y, i] = -nearest if value < 0 else nearest
                continue
            sign = -1 if value < 0 else 1
            scale = unit / np.float64(weights[y, i]) if weighted else unit
            best = 0
            around = surroundings(q, y, i, places)
            cost = scale * _cost(contexts, base, around, logits, y, i, 0)
            least = magnitude * magnitude + cost
            others = 0.0
            if influenced:
                others = np.float64(unsigned[y, i]) + sign * np.float64(signed[y, i])
                others *= scale * (1 << COST_BITS)
            for candidate in range(nearest, max(nearest - 2, 0), -1):
                error = magnitude - (candidate - shrink)
                cost = error * error + others * feature(candidate)
                if cost < least:
                    cost += scale * _cost(contexts, base, around, logits, y, i, sign * candidate)
                    if cost < least:
                        best, least = candidate, cost
            q[y, i] = sign * best


@njit(cache=True, nogil=True)
def fill_features(q, hidden, signed, unsigned):
    """What networks see of coefficients: piecewise linear log2(1 + |q|) in sixteenths.

    Args:
        q: (H, W) int16.
        hidden: places to leave as they are: ``BLACK``, ``WHITE``, ``ALL`` or ``NONE``.
        signed: (H, W) int32, written: with the sign of q.
        unsigned: (H, W) int32, written: without.
    """
    height, width = q.shape
    for y in range(height):
        for x in range(width):
            if hidden == ALL or (hidden < ALL and (y + x) & 1 == hidden):
                continue
            value = np.int64(q[y, x])
            if value == 0:
                signed[y, x] = 0
                unsigned[y, x] = 0
                continue
            size = feature(abs(value))
            signed[y, x] = size if value > 0 else -size
            unsigned[y, x] = size


@njit(cache=True, nogil=True)
def add_details(q, step, shrink, plane):
    """Add what coefficients stand for to the predicted details.

    Args:
        q: (H, W) int16.
        step: quantisation step.
        shrink: in steps.
        plane: (H, W) float32, predictions; written.
    """
    height, width = q.shape
    for y in range(height):
        for x in range(width):
            value = np.float32(q[y, x])
            if value > 0:
                plane[y, x] += (value - np.float32(shrink)) * np.float32(step)
            elif value < 0:
                plane[y, x] += (value + np.float32(shrink)) * np.float32(step)
