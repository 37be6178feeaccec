"""Stretch, squash and a distribution's integral, the same to the last bit on every machine.

``stretch(p) = ln(p / (1 - p))`` and its inverse come from tables that are computed once with
``decimal``, whose logarithm and exponential are correctly rounded by its specification. The
integral of Student's t distribution with four degrees of freedom needs +, *, / and a square root
only, all of which IEEE 754 rounds correctly.
"""

from __future__ import annotations

from decimal import Context, Decimal

import numpy as np
from numba import njit

STEPS = 4096
_REACH = 12
_FINE = 64


def _stretch_table() -> np.ndarray:
    context = Context(prec=25)
    logs = [Decimal(2 * i + 1).ln(context) for i in range(STEPS)]
    return np.array([float(context.subtract(logs[i], logs[STEPS - 1 - i])) for i in range(STEPS)])


def _squash_table() -> np.ndarray:
    context = Context(prec=25)
    out = []
    for i in range(2 * _REACH * _FINE + 2):
        x = context.divide(Decimal(_REACH * _FINE - i), Decimal(_FINE))
        below = context.add(Decimal(1), x.exp(context))
        out.append(float(context.divide(Decimal(1), below)))
    return np.array(out)


STRETCH = _stretch_table()
"""ln(p / (1 - p)) at the centres of 4096 equal steps of p."""

SQUASH = _squash_table()


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def stretch(p):
    """ln(p / (1 - p)) of 0 <= p <= 1, within +-9.01."""
    return STRETCH[max(min(int(p * 4096.0), 4095), 0)]


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def squash(x):
    """1 / (1 + exp(-x)), for x clipped to +-11.99."""
    y = (min(max(x, -11.99), 11.99) + 12.0) * 64.0
    i = max(min(int(y), 1535), 0)
    f = y - i
    return SQUASH[i] + (SQUASH[i + 1] - SQUASH[i]) * f


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def student(z):
    """P(T <= z) of Student's t with four degrees of freedom, scaled to a mean size of 1."""
    y = z / np.sqrt(4.0 + z * z)
    return 0.5 + (3.0 * y - y * y * y) * 0.25
