"""Weighted least squares that follow the picture: sums in cells, solved once a cell.

A row is cut into cells of ``CELL`` samples. Each cell keeps the weighted sum of the outer products
of its samples' neighbourhoods (the last column: with the sample itself), faded from row to row.
Before a cell is coded, the sums around it are added up, near cells counting more, and the
coefficients follow from symmetric elimination, drawn towards those of a wider window by a ridge.

All of it is +, -, * and / in double precision in the order written here. Numba compiles without
``fastmath``, so nothing is reordered or contracted to a fused operation; vector units do the same
operations on several elements at once. So every IEEE 754 machine finds the same coefficients.
"""

from __future__ import annotations

from numba import njit

CELL = 8


@njit(cache=True, nogil=True)
def add_sample(cell, v, n, weight):
    """Add one sample: ``v[:n]`` its neighbourhood, ``v[n]`` the sample itself.

    Args:
        cell: (m, m) float64, m > n; the upper triangle is used, column n the targets.
        v: (m,) float64.
        n: number of neighbours.
        weight: of the sample.
    """
    for i in range(n):
        f = weight * v[i]
        row = cell[i]
        for j in range(i, n + 1):
            row[j] += f * v[j]


@njit(cache=True, nogil=True)
def gather(work, left, cells, at, n, near, middle, far):
    """work = left + weighted cells around ``at``."""
    count = cells.shape[0]
    for i in range(n):
        out = work[i]
        for j in range(i, n + 1):
            out[j] = left[i, j]
    for side in range(-2, 3):
        k = at + side
        if 0 <= k < count:
            w = near if side == 0 else middle if -2 < side < 2 else far
            for i in range(n):
                out = work[i]
                row = cells[k, i]
                for j in range(i, n + 1):
                    out[j] += w * row[j]


@njit(cache=True, nogil=True)
def solve(work, n, ridge, prior, out):
    """Coefficients that minimise the sums in ``work``, drawn towards ``prior``.

    Args:
        work: (m, m) float64, upper triangle and column n; destroyed.
        n: number of coefficients.
        ridge: added to the diagonal.
        prior: (n,) float64.
        out: (n,) float64, written; may not be ``prior``.
    """
    for i in range(n):
        total = work[i, n]
        for j in range(i):
            total -= work[j, i] * prior[j]
        for j in range(i, n):
            total -= work[i, j] * prior[j]
        out[i] = total
    for i in range(n):
        work[i, n] = out[i]
        work[i, i] += ridge
    for i in range(n):
        pivot = work[i, i]
        if pivot < ridge:
            pivot = ridge
            work[i, i] = ridge
        inverse = 1.0 / pivot
        head = work[i]
        for r in range(i + 1, n):
            f = head[r] * inverse
            row = work[r]
            for c in range(r, n + 1):
                row[c] -= f * head[c]
    for i in range(n - 1, -1, -1):
        total = work[i, n]
        for j in range(i + 1, n):
            total -= work[i, j] * out[j]
        out[i] = total / work[i, i]
    for i in range(n):
        out[i] += prior[i]


@njit(cache=True, nogil=True)
def fade(target, factor, source, n):
    """target = factor * target + source; source = 0."""
    for i in range(n):
        a = target[i]
        b = source[i]
        for j in range(i, n + 1):
            a[j] = factor * a[j] + b[j]


@njit(cache=True, nogil=True)
def clear(cell, n):
    """cell = 0."""
    for i in range(n):
        for j in range(i, n + 1):
            cell[i, j] = 0.0
