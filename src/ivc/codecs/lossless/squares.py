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


@njit(cache=True, nogil=True, error_model="numpy")
def add_samples(cell, v, weights, n):
    """Set a cell to the sums over its samples.

    Args:
        cell: (m, m) float64, m > n, written; the upper triangle is used, column n the targets.
        v: (CELL, m) float64: ``v[s, :n]`` a sample's neighbourhood, ``v[s, n]`` the sample.
        weights: (CELL,) float64; 0 for samples that there are not.
        n: number of neighbours.
    """
    a, b, c, d, e, f, g, h = v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7]
    for i in range(n):
        row = cell[i]
        wa, wb, wc, wd = (
            a[i] * weights[0], b[i] * weights[1], c[i] * weights[2], d[i] * weights[3],
        )  # fmt: skip
        we, wf, wg, wh = (
            e[i] * weights[4], f[i] * weights[5], g[i] * weights[6], h[i] * weights[7],
        )  # fmt: skip
        for j in range(i, n + 1):
            row[j] = ((wa * a[j] + wb * b[j]) + (wc * c[j] + wd * d[j])) + (
                (we * e[j] + wf * f[j]) + (wg * g[j] + wh * h[j])
            )


@njit(cache=True, nogil=True, error_model="numpy")
def gather(work, left, cells, at, n, near, middle):
    """Write to ``work``: ``left`` and weighted cells around ``at``."""
    count = cells.shape[0]
    before = cells[max(at - 1, 0)]
    after = cells[min(at + 1, count - 1)]
    here = cells[at]
    for i in range(n):
        out = work[i]
        a, b, c, d = left[i], before[i], here[i], after[i]
        for j in range(i, n + 1):
            out[j] = a[j] + near * c[j] + middle * (b[j] + d[j])


@njit(cache=True, nogil=True, error_model="numpy")
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
    for first in range(0, n, 4):
        last = min(first + 4, n)
        for i in range(first, last):
            pivot = work[i, i]
            if pivot < ridge:
                pivot = ridge
                work[i, i] = ridge
            inverse = 1.0 / pivot
            head = work[i]
            for r in range(i + 1, last):
                f = head[r] * inverse
                row = work[r]
                for c in range(r, n + 1):
                    row[c] -= f * head[c]
        if last == n:
            break
        a, b, c4, d = work[first], work[first + 1], work[first + 2], work[first + 3]
        ia, ib, ic = 1.0 / a[first], 1.0 / b[first + 1], 1.0 / c4[first + 2]
        iq = 1.0 / d[first + 3]
        for r in range(last, n):
            fa, fb, fc, fd = a[r] * ia, b[r] * ib, c4[r] * ic, d[r] * iq
            row = work[r]
            for c in range(r, n + 1):
                row[c] -= (fa * a[c] + fb * b[c]) + (fc * c4[c] + fd * d[c])
    for i in range(n - 1, -1, -1):
        total = work[i, n]
        for j in range(i + 1, n):
            total -= work[i, j] * out[j]
        out[i] = total / work[i, i]
    for i in range(n):
        out[i] += prior[i]


@njit(cache=True, nogil=True, error_model="numpy")
def follow(target, factor, source, n):
    """Fade ``target`` by a factor and add ``source``, whose last column becomes column n."""
    last = source.shape[0] - 1
    for i in range(n):
        a = target[i]
        b = source[i]
        for j in range(i, n):
            a[j] = factor * a[j] + b[j]
        a[n] = factor * a[n] + b[last]


@njit(cache=True, nogil=True, error_model="numpy")
def clear(cell, n):
    """Set a cell to 0."""
    for i in range(n):
        for j in range(i, n + 1):
            cell[i, j] = 0.0
