"""The encoder of ``roadmap/linear-ar``: classes of blocks and their coefficients by least squares.

Blocks begin in classes of equal activity. Then, in turns, each class gets the coefficients with the
smallest weighted squared error over its blocks, and each block the class with the smallest cost.
The weights are small where neighbours differ: errors are larger there, and a larger one is cheaper.
Sums are made in double precision in a fixed order and coefficients are rounded: one picture, one
file; the decoder sees integers only.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from ivc.signal.neighbours import MARGIN

BLOCK = 16
"""Side of the blocks that choose a class."""

COEFFICIENT_BITS = 12
"""Fractional bits of a coefficient."""

COEFFICIENT_LIMIT = 1 << (COEFFICIENT_BITS + 3)
"""Largest magnitude of a coefficient."""

_RIDGE = 1e-4
_SWITCH = 2.0


@njit(cache=True, nogil=True)
def _scale(flat, at, stride):
    """How large an error to expect, from gradients around a sample."""
    w, n, nw = flat[at - 1], flat[at - stride], flat[at - stride - 1]
    ne, ww, nn = flat[at - stride + 1], flat[at - 2], flat[at - 2 * stride]
    total = abs(w - nw) + abs(n - nw) + abs(n - ne) + abs(w - ww) + abs(n - nn)
    return 1.0 + total * 0.2


@njit(cache=True, nogil=True)
def activities(field, shape, out):
    """Mean gradient of each block, float64 (blocks down, blocks across)."""
    flat = field.reshape(-1)
    stride = field.shape[2]
    for by in range(out.shape[0]):
        for bx in range(out.shape[1]):
            total, count = 0.0, 0
            for y in range(BLOCK * by, min(BLOCK * (by + 1), shape[0])):
                for x in range(BLOCK * bx, min(BLOCK * (bx + 1), shape[1])):
                    total += _scale(flat, (y + MARGIN) * stride + x + MARGIN, stride)
                    count += 1
            out[by, bx] = total / count


@njit(cache=True, nogil=True)
def _sums(field, shape, taps, classes, work, skip):
    """Weighted sums of outer products of every class: (K, T, T + 1), upper triangles."""
    flat = field.reshape(-1)
    stride = field.shape[2]
    n = taps.shape[0]
    v = np.empty(n + 1)
    work[:] = 0.0
    for y in range(0, shape[0], skip):
        for x in range(shape[1]):
            at = (y + MARGIN) * stride + x + MARGIN
            sums = work[classes[y // BLOCK, x // BLOCK]]
            for i in range(n):
                v[i] = flat[at + taps[i]]
            v[n] = flat[at]
            weight = 1.0 / _scale(flat, at, stride)
            for i in range(n):
                f = weight * v[i]
                row = sums[i]
                for j in range(i, n + 1):
                    row[j] += f * v[j]


@njit(cache=True, nogil=True)
def _solve(sums, coefficients):
    """Coefficients of one class by elimination, rounded; ``sums`` is destroyed."""
    n = sums.shape[0]
    found = np.zeros(n)
    for i in range(n):
        sums[i, i] += _RIDGE * (1.0 + sums[i, i])
    for i in range(n):
        inverse = 1.0 / sums[i, i]
        for r in range(i + 1, n):
            f = sums[i, r] * inverse
            for c in range(r, n + 1):
                sums[r, c] -= f * sums[i, c]
            sums[r, r] = max(sums[r, r], 1e-9)
    for i in range(n - 1, -1, -1):
        total = sums[i, n]
        for j in range(i + 1, n):
            total -= sums[i, j] * found[j]
        found[i] = total / sums[i, i]
        scaled = found[i] * (1 << COEFFICIENT_BITS)
        limit = COEFFICIENT_LIMIT - 1.0
        coefficients[i] = int(np.floor(min(max(scaled, -limit), limit) + 0.5))


@njit(cache=True, nogil=True)
def assign(field, shape, taps, coefficients, classes, skip):
    """Give each block the class that codes it best; returns about how many bits that takes."""
    flat = field.reshape(-1)
    stride = field.shape[2]
    count, n = coefficients.shape
    c = coefficients.T.astype(np.float64) / (1 << COEFFICIENT_BITS)
    costs = np.empty(count)
    prediction = np.empty(count)
    whole = 0.0
    for by in range(classes.shape[0]):
        for bx in range(classes.shape[1]):
            costs[:] = _SWITCH
            if bx > 0:
                costs[classes[by, bx - 1]] = 0.0
            if by > 0:
                costs[classes[by - 1, bx]] = 0.0
            for y in range(BLOCK * by, min(BLOCK * (by + 1), shape[0]), skip):
                for x in range(BLOCK * bx, min(BLOCK * (bx + 1), shape[1])):
                    at = (y + MARGIN) * stride + x + MARGIN
                    prediction[:] = 0.0
                    for i in range(n):
                        value = flat[at + taps[i]]
                        row = c[i]
                        for k in range(count):
                            prediction[k] += row[k] * value
                    inverse = 1.5 / _scale(flat, at, stride)
                    value = flat[at]
                    for k in range(count):
                        costs[k] += abs(value - prediction[k]) * inverse
            best = np.argmin(costs)
            classes[by, bx] = best
            whole += costs[best]
    return whole * skip


@njit(cache=True, nogil=True)
def fit_classes(field, shape, taps, classes, coefficients, rounds, skip):
    """Fit coefficients and classes in turns, beginning with ``classes``.

    Args:
        field: (S, H + 8, W + 8) int32, see ``ivc.signal.neighbours``.
        shape: (H, W).
        taps: (T,) int64 distances to the neighbours.
        classes: (blocks down, blocks across) uint8, written.
        coefficients: (K, T) int32, written.
        rounds: how often.
        skip: every how many rows are looked at, which is enough for large pictures.

    Returns:
        About how many bits the errors take.
    """
    count, n = coefficients.shape
    work = np.empty((count, n, n + 1))
    cost = 0.0
    for _ in range(rounds):
        _sums(field, shape, taps, classes, work, skip)
        for k in range(count):
            _solve(work[k], coefficients[k])
        cost = assign(field, shape, taps, coefficients, classes, skip)
    return cost
