"""One value as decisions: above the prediction or not, how many steps away, and the bits below.

Several parametric distributions (a centre and a width each) give every decision a probability;
contexts that look at the neighbourhood give others. Below the prediction all contexts are
mirrored, so that both sides learn together.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from ivc.codecs.lossless.levels import signed, step_bits
from ivc.codecs.lossless.logistic import stretch, student
from ivc.codecs.lossless.mixing import CONTEXTS, LEVELS, NODES, PARAMETRIC, code_mixed

SIGNED = 14
SIZES = 5
_SIGN_NODE = 31
_EPS = 1e-9
_STRIDE = LEVELS * NODES


class Outlook(NamedTuple):
    """What is known of a sample before it is coded.

    Attributes:
        centres: (PARAMETRIC,) float64: where each distribution lies.
        inverse: (PARAMETRIC,) float64: 1 / its width.
        lower, upper: (PARAMETRIC,) float64, scratch: its mass below and above what is still open.
        marks: (PARAMETRIC,) float64, scratch.
        signs: (SIGNED,) float64: numbers that change sign when the picture is inverted, in units
            of the expected error: see ``_contexts``.
        sizes: (SIZES,) int64: levels of numbers that do not.
    """

    centres: np.ndarray
    inverse: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    marks: np.ndarray
    signs: np.ndarray
    sizes: np.ndarray


def new_outlook() -> Outlook:
    """An ``Outlook`` to be filled."""
    empty = np.zeros((5, PARAMETRIC))
    return Outlook(
        empty[0], empty[1], empty[2], empty[3], empty[4], np.zeros(SIGNED),
        np.zeros(SIZES, np.int64),
    )  # fmt: skip


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def _split(inputs, outlook, threshold, above):
    """Ask each distribution how likely the value lies beyond a threshold."""
    centres, inverse, marks = outlook.centres, outlook.inverse, outlook.marks
    lower, upper = outlook.lower, outlook.upper
    for j in range(PARAMETRIC):
        marks[j] = student((threshold - centres[j]) * inverse[j])
    for j in range(PARAMETRIC):
        mark = marks[j]
        up = upper[j] - mark
        down = mark - lower[j]
        one = up if above else down
        inputs[j] = stretch((one + _EPS) / (up + down + 2 * _EPS))


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def _narrow(outlook, above):
    """Keep the side of the last threshold on which the value lies."""
    side = outlook.lower if above else outlook.upper
    for j in range(PARAMETRIC):
        side[j] = outlook.marks[j]


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def _contexts(at, outlook, side, sl, d8, fine, base, texture):
    """First slots of all contexts on one side of the prediction."""
    s = outlook.signs
    sizes = outlook.sizes
    sign = 1.0 if side else -1.0
    low = min(sl >> 2, 7)
    at[0] = sl * 8 + d8
    at[1] = (signed(sign * s[0]) * 9 + signed(sign * s[1])) * 8 + low
    at[2] = signed(sign * s[2]) * 32 + sl
    at[3] = (signed(sign * s[3]) * 9 + signed(sign * s[4])) * 8 + low
    at[4] = signed(sign * s[5]) * 32 + sl
    at[5] = ((sizes[0] >> 1) * 16 + (sizes[1] >> 1)) * 4 + (d8 >> 1)
    at[6] = (texture if side else 255 - texture) * 4 + min(sl >> 3, 3)
    at[7] = sizes[2] * 32 + sizes[1]
    at[8] = base & 1023
    at[9] = sizes[3] * 32 + sl
    at[10] = (signed(sign * s[6]) * 9 + signed(sign * s[7])) * 9 + signed(sign * s[8])
    at[11] = (signed(sign * s[9]) * 9 + signed(sign * s[10])) * 9 + signed(sign * s[11])
    at[12] = (signed(sign * s[12]) * 9 + signed(sign * s[13])) * 8 + low
    at[13] = sizes[4] * 32 + sl
    for c in range(CONTEXTS):
        at[c] = at[c] * _STRIDE + fine


@njit(cache=True, nogil=True, error_model="numpy")
def code_value(coder, mixer, outlook, mu, size, sl, texture, bound, low, high, value):
    """Code or decode one value.

    Args:
        coder: any of the four kinds.
        mixer: what decisions have learnt.
        outlook: what is known of the sample.
        mu: prediction, low <= mu <= high.
        size: expected absolute error.
        sl: ``level(size)``.
        texture: eight bits: which neighbours lie below the prediction.
        bound: expected error from which steps are two values wide.
        low: least value.
        high: greatest value.
        value: the value (decoder: ignored).

    Returns:
        The value.
    """
    at, select, inputs = mixer.at, mixer.select, mixer.inputs
    lower, upper, sizes = outlook.lower, outlook.upper, outlook.sizes
    for j in range(PARAMETRIC):
        lower[j] = 0.0
        upper[j] = 1.0
    base = int(mu)
    if base > mu:
        base -= 1
    fraction = mu - base
    k = step_bits(size, bound)
    kc = min(k, LEVELS - 1)
    fine = kc * NODES
    side_size = min(sizes[0] >> 2, 7)
    magnitude = min(sizes[1], 15)
    side = np.int64(1)
    d8 = np.int64(0)
    for stage in range(2):
        near = 1.0 - fraction if side else fraction
        d8 = min(int(near * 8), 7)
        _contexts(at, outlook, side, sl, d8, fine, base, texture)
        select[2] = (d8 * 8 + side_size) * 16
        if stage == 0:
            if base >= high:
                side = 0
                continue
            _split(inputs, outlook, base + 0.5, True)
            node = fine + _SIGN_NODE
            select[0] = node
            select[1] = sl * NODES + _SIGN_NODE
            select[2] += 15
            side = code_mixed(
                coder, mixer, _SIGN_NODE, node, sl * NODES + _SIGN_NODE, d8 * 8 + 4, value > base
            )
            _narrow(outlook, side == 1)
            if side:
                break
    # how many steps away
    most = high - base - 1 if side else base - low
    distance = value - base - 1 if side else base - value
    away = 1.0 if side else -1.0
    origin = base + 0.5
    selected = select[2] & ~15
    start = np.int64(0)
    length = np.int64(1) << k
    step = 0
    while start + length <= most:
        _split(inputs, outlook, origin + away * (start + length), side == 1)
        node = min(step, 19)
        select[0] = fine + node
        select[1] = sl * NODES + node
        select[2] = selected + min(step, 6)
        bit = code_mixed(
            coder, mixer, node, fine + node, sl * NODES + node,
            ((d8 * 16 + magnitude) * 8 + min(step, 7)) + 1024, distance >= start + length,
        )  # fmt: skip
        _narrow(outlook, side == bit)
        if not bit:
            break
        start += length
        step += 1
        if step > 5:
            length <<= 1
    # the bits below
    tree = 0
    depth = 0
    while length > 1:
        length >>= 1
        bit = np.int64(0)
        if start + length <= most:
            _split(inputs, outlook, origin + away * (start + length), side == 1)
            node = 30 if depth > 1 else 20 + min(step, 2) * 3 + tree
            select[0] = fine + node
            select[1] = sl * NODES + node
            select[2] = selected + 8 + min(depth, 3)
            bit = code_mixed(
                coder, mixer, node, fine + node, sl * NODES + node,
                d8 * 64 + min(depth, 7) * 8 + min(step, 7), distance >= start + length,
            )  # fmt: skip
            _narrow(outlook, side == bit)
        if bit:
            start += length
        if depth == 0:
            tree = 1 + bit
        depth += 1
    return base + 1 + start if side else base - start
