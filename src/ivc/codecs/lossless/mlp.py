"""A small network that learns while it codes what linear predictors leave.

One hidden layer, trained by backpropagation after every sample. The activation is
``a / (1 + |a|)``, so that the network needs +, -, * and / only and computes the same on every
IEEE 754 machine (see ``squares``). Hidden units lie side by side in memory: vector instructions
work on several units at once and never reorder a sum.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

HIDDEN = 16


class Network(NamedTuple):
    """Weights and the last activations; all arrays are changed by use.

    Attributes:
        inputs: (n,) float64; the last one is constant.
        first: (n, HIDDEN) float64.
        second: (HIDDEN,) float64.
        sums: (HIDDEN,) float64 before the activation.
        hidden: (HIDDEN,) float64 after it.
        slopes: (HIDDEN,) float64.
    """

    inputs: np.ndarray
    first: np.ndarray
    second: np.ndarray
    sums: np.ndarray
    hidden: np.ndarray
    slopes: np.ndarray


def new_network(inputs: int) -> Network:
    """A network whose output is 0 until it has learnt.

    Args:
        inputs: how many, the constant included.
    """
    seed = 12345
    first = np.zeros((inputs, HIDDEN))
    for i in range(inputs):
        for h in range(HIDDEN):
            seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
            first[i, h] = (seed / 0x40000000 - 1.0) * 0.4
    x = np.zeros(inputs)
    x[-1] = 1.0
    return Network(x, first, np.zeros(HIDDEN), *(np.zeros(HIDDEN) for _ in range(3)))


@njit(cache=True, nogil=True, error_model="numpy")
def answer(net):
    """The output for ``net.inputs``."""
    x, first, second = net.inputs, net.first, net.second
    sums, hidden, slopes = net.sums, net.hidden, net.slopes
    for h in range(HIDDEN):
        sums[h] = 0.0
    for i in range(x.shape[0]):
        v = x[i]
        for h in range(HIDDEN):
            sums[h] += v * first[i, h]
    for h in range(HIDDEN):
        slope = 1.0 / (1.0 + abs(sums[h]))
        slopes[h] = slope
        hidden[h] = sums[h] * slope
    out = 0.0
    for h in range(HIDDEN):
        out += second[h] * hidden[h]
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def teach(net, error, rate):
    """Learn from the error of the last answer.

    Args:
        net: a ``Network``.
        error: what was right minus what was answered.
        rate: step.
    """
    x, first, second = net.inputs, net.first, net.second
    hidden, slopes, sums = net.hidden, net.slopes, net.sums
    step = error * rate
    for h in range(HIDDEN):
        sums[h] = step * second[h] * slopes[h] * slopes[h]
        second[h] += step * hidden[h]
    for i in range(x.shape[0]):
        v = x[i]
        for h in range(HIDDEN):
            first[i, h] += v * sums[h]
