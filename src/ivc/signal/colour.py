"""Colour transforms between RGB and planes that are nearly independent of each other.

Two families:

* Lossless (``forward_reversible``, ``inverse_reversible``): integer lifting, exactly invertible.
  YCoCg-R is that of Malvar and Sullivan, "YCoCg-R: A Color Space with RGB Reversibility and Low
  Dynamic Range", JVT-I014 (2003).
* Lossy (``rgb_to_opponent``, ``opponent_to_rgb``): luma (R + G + B) / 3 and the two opponent axes
  R - B and 2 G - R - B, scaled so that an error of one unit in any of the three planes adds the
  same squared error in RGB. On natural pictures that packs energy better than BT.601 YCbCr.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit

IDENTITY, SUBTRACT_GREEN, YCOCG_R = 0, 1, 2

# Opponent axes to RGB in 1/2**14: sqrt(3/2), sqrt(1/2), sqrt(2).
_SQRT_3_2, _SQRT_1_2, _SQRT_2 = 20066, 11585, 23170
# RGB to opponent axes in 1/2**16: 1/3, 1/sqrt(6), 1/sqrt(18), 2/sqrt(18).
_THIRD, _SQRT_1_6, _SQRT_1_18, _SQRT_2_9 = 21845, 26755, 15447, 30894


@njit(cache=True, nogil=True)
def forward_reversible(red, green, blue, kind, first, second, third):
    """RGB to three planes without loss.

    ``SUBTRACT_GREEN`` gives G, R - G, B - G; ``YCOCG_R`` gives Y, Co, Cg, the latter two of one
    more bit; ``IDENTITY`` gives G, R, B.

    Args:
        red: (H, W) unsigned integers of up to 16 bits.
        green: the same.
        blue: the same.
        kind: one of the three constants.
        first: (H, W) int32, written.
        second: the same.
        third: the same.
    """
    height, width = red.shape
    for y in range(height):
        for x in range(width):
            r, g, b = np.int32(red[y, x]), np.int32(green[y, x]), np.int32(blue[y, x])
            if kind == YCOCG_R:
                co = r - b
                t = b + (co >> 1)
                cg = g - t
                first[y, x], second[y, x], third[y, x] = t + (cg >> 1), co, cg
            elif kind == SUBTRACT_GREEN:
                first[y, x], second[y, x], third[y, x] = g, r - g, b - g
            else:
                first[y, x], second[y, x], third[y, x] = g, r, b


@njit(cache=True, nogil=True)
def inverse_reversible(first, second, third, kind, maximum, red, green, blue):
    """Undo ``forward_reversible``; results are clipped to 0..``maximum``.

    Args:
        first: (H, W) int32.
        second: the same.
        third: the same.
        kind: as given to ``forward_reversible``.
        maximum: largest sample value.
        red: (H, W) unsigned integers, written.
        green: the same.
        blue: the same.
    """
    height, width = red.shape
    for y in range(height):
        for x in range(width):
            a, b, c = first[y, x], second[y, x], third[y, x]
            if kind == YCOCG_R:
                t = a - (c >> 1)
                g = c + t
                bl = t - (b >> 1)
                r = bl + b
            elif kind == SUBTRACT_GREEN:
                r, g, bl = b + a, a, c + a
            else:
                r, g, bl = b, a, c
            red[y, x] = min(max(r, 0), maximum)
            green[y, x] = min(max(g, 0), maximum)
            blue[y, x] = min(max(bl, 0), maximum)


def choose_reversible(planes: Sequence[np.ndarray], kinds: Sequence[int]) -> int:
    """The transform with the smallest errors of a simple prediction on up to 16 strips.

    Args:
        planes: red, green and blue, (H, W) unsigned integers.
        kinds: transforms to choose from; the first wins ties.
    """
    height = planes[0].shape[0]
    costs = dict.fromkeys(kinds, 0.0)
    for top in range(0, height, max(height // 16, 16)):
        strip = [p[top : top + 16] for p in planes]
        for kind in kinds:
            out = [np.empty(strip[0].shape, np.int32) for _ in range(3)]
            forward_reversible(*strip, kind, *out)
            costs[kind] += sum(_trial_cost(plane) for plane in out)
    return min(kinds, key=lambda kind: costs[kind])


def _trial_cost(plane: np.ndarray) -> float:
    error = plane[1:, 1:] - ((plane[1:, :-1] + plane[:-1, 1:]) >> 1)
    return float(np.log2(1.0 + np.abs(error)).sum())


def choose_reversible_quickly(planes: Sequence[np.ndarray]) -> int:
    """The transform with the smallest product of its planes' mean errors, on every eighth row.

    The product stands for the sum of the logarithms, and so for bits.

    Args:
        planes: red, green and blue, (H, W) unsigned integers.
    """
    if min(planes[0].shape) < 2:
        return SUBTRACT_GREEN
    errors = np.zeros((3, 3), np.int64)
    _sum_errors(*planes, errors)
    costs = dict.fromkeys((SUBTRACT_GREEN, IDENTITY, YCOCG_R), 1)
    for kind in costs:
        for error in errors[kind]:
            # half a unit for each sample: an error of zero is not free
            costs[kind] *= 2 * int(error) + planes[0].size // 8 + 1
    return min(costs, key=lambda kind: costs[kind])


@njit(cache=True, nogil=True)
def _sum_errors(red, green, blue, errors):
    """Sums of absolute errors of a planar prediction, (kinds, planes) int64."""
    height, width = red.shape
    for y in range(1, height, 8):
        for x in range(1, width):
            r = np.int64(red[y, x]) - np.int64(red[y, x - 1])
            r -= (np.int64(red[y - 1, x]) - np.int64(red[y - 1, x - 1])) >> 1
            g = np.int64(green[y, x]) - np.int64(green[y, x - 1])
            g -= (np.int64(green[y - 1, x]) - np.int64(green[y - 1, x - 1])) >> 1
            b = np.int64(blue[y, x]) - np.int64(blue[y, x - 1])
            b -= (np.int64(blue[y - 1, x]) - np.int64(blue[y - 1, x - 1])) >> 1
            errors[IDENTITY, 0] += abs(g)
            errors[IDENTITY, 1] += abs(r)
            errors[IDENTITY, 2] += abs(b)
            errors[SUBTRACT_GREEN, 1] += abs(r - g)
            errors[SUBTRACT_GREEN, 2] += abs(b - g)
            # the transform is linear but for its rounding
            errors[YCOCG_R, 0] += abs((r + 2 * g + b) >> 2)
            errors[YCOCG_R, 1] += abs(r - b)
            errors[YCOCG_R, 2] += abs(g - ((r + b) >> 1))
    errors[SUBTRACT_GREEN, 0] = errors[IDENTITY, 0]


@njit(cache=True, nogil=True)
def rgb_to_opponent(red, green, blue, axis, fraction_bits, out):
    """One plane of the lossy opponent colour space.

    Args:
        red: (H, W) unsigned integers of up to 16 bits.
        green: the same.
        blue: the same.
        axis: 0 luma, 1 red against blue, 2 green against both.
        fraction_bits: fractional bits of the result.
        out: (H', W') int32 with H' >= H and W' >= W, written in its upper left (H, W).
    """
    height, width = red.shape
    if axis == 0:
        wr, wg, wb = _THIRD, 65536 - 2 * _THIRD, _THIRD
    elif axis == 1:
        wr, wg, wb = _SQRT_1_6, 0, -_SQRT_1_6
    else:
        wr, wg, wb = -_SQRT_1_18, _SQRT_2_9, -_SQRT_1_18
    shift = 16 - fraction_bits
    half = 1 << (shift - 1)
    for y in range(height):
        for x in range(width):
            value = wr * np.int64(red[y, x]) + wg * np.int64(green[y, x])
            out[y, x] = (value + wb * np.int64(blue[y, x]) + half) >> shift


@njit(cache=True, nogil=True)
def opponent_to_rgb(luma, first, second, fraction_bits, maximum, red, green, blue):
    """The lossy opponent colour space back to RGB, clipped to 0..``maximum``.

    Args:
        luma: (H', W') int32 with ``fraction_bits`` fractional bits, H' >= H, W' >= W.
        first: the same, red against blue.
        second: the same, green against both.
        fraction_bits: fractional bits of the planes.
        maximum: largest sample value.
        red: (H, W) unsigned integers, written.
        green: the same.
        blue: the same.
    """
    height, width = red.shape
    shift = 14 + fraction_bits
    half = np.int64(1) << (shift - 1)
    for y in range(height):
        for x in range(width):
            base = (np.int64(luma[y, x]) << 14) + half
            u, v = np.int64(first[y, x]), np.int64(second[y, x])
            r = (base + _SQRT_3_2 * u - _SQRT_1_2 * v) >> shift
            g = (base + _SQRT_2 * v) >> shift
            b = (base - _SQRT_3_2 * u - _SQRT_1_2 * v) >> shift
            red[y, x] = min(max(r, 0), maximum)
            green[y, x] = min(max(g, 0), maximum)
            blue[y, x] = min(max(b, 0), maximum)
