"""Weighted least squares that follow the picture: sums in cells, solved once a cell.

A row is cut into cells of ``CELL`` samples. Each cell keeps the weighted sum of the outer products
of its samples' neighbourhoods (the last column: with the sample itself), faded from row to row.
Before a cell is coded, the sums around it are added up, near cells counting more, and the
coefficients follow from symmetric elimination, drawn towards those of a wider window by a ridge.

All of it is +, -, * and / in double precision in the order written here. Numba compiles without
``fastmath``, so nothing is reordered or contracted to a fused operation; vector units do the same
operations on several elements at once. So every IEEE 754 machine finds the same coefficients.

Matrices are flat, ``pitch`` elements a row, a multiple of 4; used are the upper triangle and the
columns up to the next multiple of 4. Loops go in steps of four, which become vector instructions;
unsigned indices spare the question whether they count from the end. What stands below the diagonal
means nothing.
"""

from __future__ import annotations

import numpy as np
from numba import njit

CELL = 8


def pitch_of(n: int) -> int:
    """Elements a row of a matrix for ``n`` neighbours and the sample."""
    return (n + 4) & ~3


@njit(cache=True, nogil=True, error_model="numpy")
def add_samples(cells, at, v, weights, n, pitch):
    """Set a cell to the sums over its samples.

    Args:
        cells: (cells, pitch * pitch) float64; one is written: the last column the targets.
        at: which.
        v: (CELL * pitch,) float64: of each sample its neighbourhood, zeros, and the sample last.
        weights: (CELL,) float64; 0 for samples that there are not.
        n: number of neighbours.
        pitch: elements a row.
    """
    p = np.uintp(pitch)
    cell = np.uintp(at)
    for i in range(n):
        u = np.uintp(i)
        wa, wb = v[u] * weights[0], v[p + u] * weights[1]
        wc, wd = v[p * np.uintp(2) + u] * weights[2], v[p * np.uintp(3) + u] * weights[3]
        we, wf = v[p * np.uintp(4) + u] * weights[4], v[p * np.uintp(5) + u] * weights[5]
        wg, wh = v[p * np.uintp(6) + u] * weights[6], v[p * np.uintp(7) + u] * weights[7]
        for c in range(i >> 2, pitch >> 2):
            for k in range(4):
                j = np.uintp(4 * c + k)
                cells[cell, p * u + j] = (
                    (wa * v[j] + wb * v[p + j])
                    + (wc * v[p * np.uintp(2) + j] + wd * v[p * np.uintp(3) + j])
                ) + (
                    (we * v[p * np.uintp(4) + j] + wf * v[p * np.uintp(5) + j])
                    + (wg * v[p * np.uintp(6) + j] + wh * v[p * np.uintp(7) + j])
                )


@njit(cache=True, nogil=True, error_model="numpy")
def follow(target, at, factor, source, source_at, n, pitch):
    """Fade a matrix by a factor and add another.

    Args:
        target: (matrices, pitch * pitch) float64, one is written.
        at: which.
        factor: what is left of it.
        source: the same.
        source_at: which is added.
        n: number of neighbours.
        pitch: elements a row.
    """
    p, t, s = np.uintp(pitch), np.uintp(at), np.uintp(source_at)
    for i in range(n):
        row = p * np.uintp(i)
        for c in range(i >> 2, (n + 3) >> 2):
            for k in range(4):
                j = row + np.uintp(4 * c + k)
                target[t, j] = factor * target[t, j] + source[s, j]
        j = row + p - np.uintp(1)
        if (n + 3) >> 2 < pitch >> 2:
            target[t, j] = factor * target[t, j] + source[s, j]


@njit(cache=True, nogil=True, error_model="numpy")
def gather(work, left, cells, at, n, pitch, near, beside):
    """Add up the sums around a cell.

    Args:
        work: (pitch * pitch,) float64, written; column n the targets, zeros after it.
        left: (1, pitch * pitch) float64: the row in hand.
        cells: (cells, pitch * pitch) float64: the rows above.
        at: which cell.
        n: number of neighbours.
        pitch: elements a row.
        near: weight of the cell.
        beside: weight of those at its sides.
    """
    p = np.uintp(pitch)
    here = np.uintp(at)
    before, after = np.uintp(max(at - 1, 0)), np.uintp(min(at + 1, cells.shape[0] - 1))
    zero = np.uintp(0)
    for i in range(n):
        row = p * np.uintp(i)
        for c in range(i >> 2, (n + 3) >> 2):
            for k in range(4):
                j = row + np.uintp(4 * c + k)
                work[j] = (
                    left[zero, j] + near * cells[here, j]
                    + beside * (cells[before, j] + cells[after, j])
                )  # fmt: skip
        for c in range(n, (n + 4) & ~3):
            work[row + np.uintp(c)] = 0.0
        j = row + p - np.uintp(1)
        work[row + np.uintp(n)] = (
            left[zero, j] + near * cells[here, j] + beside * (cells[before, j] + cells[after, j])
        )


@njit(cache=True, nogil=True, error_model="numpy")
def solve(work, n, pitch, ridge, prior, out):
    """Coefficients that minimise the sums in ``work``, drawn towards ``prior``.

    Args:
        work: (pitch * pitch,) float64, upper triangle and column n; destroyed.
        n: number of coefficients.
        pitch: elements a row.
        ridge: added to the diagonal.
        prior: (pitch,) float64, of which n are used.
        out: (pitch,) float64, written up to n; may not be ``prior``.
    """
    p, last_column = np.uintp(pitch), np.uintp(n)
    chunks = (n + 4) >> 2
    # targets without what the prior explains
    for i in range(n):
        j = p * np.uintp(i) + last_column
        out[i] = work[j]
        # the products below go on to the next multiple of 4
        work[j] = 0.0
    for i in range(n):
        u = np.uintp(i)
        row = p * u
        mine = prior[u]
        out[u] -= work[row + u] * mine
        a = b = c = d = 0.0
        for j in range(i + 1, min((i + 4) & ~3, n)):
            w = np.uintp(j)
            a += work[row + w] * prior[w]
            out[w] -= work[row + w] * mine
        for chunk in range((i + 4) >> 2, (n + 3) >> 2):
            w = np.uintp(4 * chunk)
            one, two, three = w + np.uintp(1), w + np.uintp(2), w + np.uintp(3)
            a += work[row + w] * prior[w]
            b += work[row + one] * prior[one]
            c += work[row + two] * prior[two]
            d += work[row + three] * prior[three]
            out[w] -= work[row + w] * mine
            out[one] -= work[row + one] * mine
            out[two] -= work[row + two] * mine
            out[three] -= work[row + three] * mine
        out[u] -= (a + c) + (b + d)
    for i in range(n):
        row = p * np.uintp(i)
        work[row + last_column] = out[i]
        work[row + np.uintp(i)] += ridge
    # elimination, four rows at a time
    for first in range(0, n, 4):
        end = min(first + 4, n)
        for i in range(first, end):
            row = p * np.uintp(i)
            pivot = work[row + np.uintp(i)]
            if pivot < ridge:
                pivot = ridge
                work[row + np.uintp(i)] = ridge
            inverse = 1.0 / pivot
            for r in range(i + 1, end):
                f = work[row + np.uintp(r)] * inverse
                into = p * np.uintp(r)
                for chunk in range(first >> 2, chunks):
                    for k in range(4):
                        j = np.uintp(4 * chunk + k)
                        work[into + j] -= f * work[row + j]
        if end == n:
            break
        ra = p * np.uintp(first)
        rb, rc, rd = ra + p, ra + p * np.uintp(2), ra + p * np.uintp(3)
        u = np.uintp(first)
        ia, ib = 1.0 / work[ra + u], 1.0 / work[rb + u + np.uintp(1)]
        ic, iq = 1.0 / work[rc + u + np.uintp(2)], 1.0 / work[rd + u + np.uintp(3)]
        for r in range(end, n):
            u = np.uintp(r)
            into = p * u
            fa, fb = work[ra + u] * ia, work[rb + u] * ib
            fc, fd = work[rc + u] * ic, work[rd + u] * iq
            for chunk in range(r >> 2, chunks):
                for k in range(4):
                    j = np.uintp(4 * chunk + k)
                    work[into + j] -= (fa * work[ra + j] + fb * work[rb + j]) + (
                        fc * work[rc + j] + fd * work[rd + j]
                    )
    # from the last to the first
    for i in range(n, pitch):
        out[i] = 0.0
    for i in range(n - 1, -1, -1):
        row = p * np.uintp(i)
        a = b = c = d = 0.0
        for j in range(i + 1, min((i + 4) & ~3, n)):
            a += work[row + np.uintp(j)] * out[np.uintp(j)]
        for chunk in range((i + 4) >> 2, (n + 3) >> 2):
            w = np.uintp(4 * chunk)
            one, two, three = w + np.uintp(1), w + np.uintp(2), w + np.uintp(3)
            a += work[row + w] * out[w]
            b += work[row + one] * out[one]
            c += work[row + two] * out[two]
            d += work[row + three] * out[three]
        out[i] = (work[row + last_column] - ((a + c) + (b + d))) / work[row + np.uintp(i)]
    for i in range(n):
        out[i] += prior[i]


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def dot(a, v, start, n):
    """Sum of a[t] * v[start + t] over t < n; ``n`` a multiple of 4, in four lanes."""
    s = np.uintp(start)
    p = q = r = t = 0.0
    for chunk in range(n >> 2):
        w = np.uintp(4 * chunk)
        p += a[w] * v[s + w]
        q += a[w + np.uintp(1)] * v[s + w + np.uintp(1)]
        r += a[w + np.uintp(2)] * v[s + w + np.uintp(2)]
        t += a[w + np.uintp(3)] * v[s + w + np.uintp(3)]
    return (p + r) + (q + t)
