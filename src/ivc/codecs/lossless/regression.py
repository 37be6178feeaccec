"""A weighted least-squares predictor: sums in cells, faded and gathered (see ``squares``)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from ivc.codecs.lossless import squares


class Regression(NamedTuple):
    """Sums and coefficients.

    Attributes:
        cells: (cells, m, m) float64: sums over the rows above, by cell.
        left: (m, m) float64: sums over this row up to the cell in hand.
        coefficients: (m,) float64.
        work: (m, m) float64, scratch.
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


def new_regression(cells: int, m: int, first: tuple[float, ...]) -> Regression:
    """A regression that has seen nothing.

    Args:
        cells: in a row.
        m: coefficients and one.
        first: the coefficients to begin with; 0 for the others.
    """
    coefficients = np.zeros(m)
    coefficients[: len(first)] = first[:m]
    return Regression(np.zeros((cells, m, m)), np.zeros((m, m)), coefficients, np.zeros((m, m)))


@njit(cache=True, nogil=True, error_model="numpy")
def follow(regression, window, rows, cell, n, prior, solve):
    """Go on to a cell: take in the one to the left and solve.

    Args:
        regression: a ``Regression``.
        window: its ``Window``.
        rows: (cells, m, m) float64: sums over the samples of this row, by cell.
        cell: which cell comes next.
        n: number of coefficients.
        prior: (n,) float64: coefficients of the wider window.
        solve: whether new coefficients are wanted.
    """
    if cell:
        squares.follow(regression.left, window.along, rows[cell - 1], n)
    if solve:
        work = regression.work
        squares.gather(work, regression.left, regression.cells, cell, n, window.near, window.beside)
        squares.solve(work, n, window.ridge, prior, regression.coefficients)


@njit(cache=True, nogil=True, error_model="numpy")
def end_row(regression, window, rows, n):
    """Take in a whole row."""
    for cell in range(rows.shape[0]):
        squares.follow(regression.cells[cell], window.up, rows[cell], n)
    squares.clear(regression.left, n)
