"""A weighted least-squares predictor: sums in cells, faded and gathered (see ``squares``)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from ivc.codecs.lossless import squares


class Regression(NamedTuple):
    """Sums and coefficients; matrices are flat (see ``squares``).

    Attributes:
        cells: (cells, pitch * pitch) float64: sums over the rows above, by cell.
        left: (1, pitch * pitch) float64: sums over this row up to the cell in hand.
        coefficients: (pitch,) float64.
        work: (pitch * pitch,) float64, scratch.
    """

    cells: np.ndarray
    left: np.ndarray
    coefficients: np.ndarray
    work: np.ndarray


class Window(NamedTuple):
    """How far a regression looks.

    Attributes:
        up: what is left of a cell's sums a row later.
        along: what is left of the row's sums a cell later.
        near: weight of the cell above.
        beside: weight of the cells beside it.
        ridge: pull towards the coefficients of a wider window.
    """

    up: float
    along: float
    near: float
    beside: float
    ridge: float


def new_regression(cells: int, start: np.ndarray) -> Regression:
    """A regression that has seen nothing.

    Args:
        cells: in a row.
        start: (pitch,) float64: the coefficients to begin with.
    """
    size = len(start) ** 2
    return Regression(np.zeros((cells, size)), np.zeros((1, size)), start.copy(), np.zeros(size))


@njit(cache=True, nogil=True, error_model="numpy")
def follow(regression, window, rows, cell, n, prior, solve, fresh):
    """Go on to a cell: take in the one to the left and those above, and solve.

    Args:
        regression: a ``Regression``.
        window: its ``Window``.
        rows: (cells, pitch * pitch) float64: sums over samples, by cell: of this row to the left of
            the cell, of the row before from there on.
        cell: which cell comes next.
        n: number of coefficients.
        prior: (pitch,) float64: coefficients of the wider window.
        solve: whether new coefficients are wanted.
        fresh: whether the row before is not yet taken in; a cell is when the one to its left comes,
            while it is in the processor's caches.
    """
    cells, left = regression.cells, regression.left
    pitch = regression.coefficients.shape[0]
    if cell:
        squares.follow(left, 0, window.along, rows, cell - 1, n, pitch)
    else:
        left[0] = 0.0
    if fresh:
        if cell == 0:
            squares.follow(cells, 0, window.up, rows, 0, n, pitch)
        if cell + 1 < rows.shape[0]:
            squares.follow(cells, cell + 1, window.up, rows, cell + 1, n, pitch)
    if solve:
        work = regression.work
        squares.gather(work, left, cells, cell, n, pitch, window.near, window.beside)
        squares.solve(work, n, pitch, window.ridge, prior, regression.coefficients)
