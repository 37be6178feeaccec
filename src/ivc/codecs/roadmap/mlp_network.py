"""The network of ``roadmap/mlp-predictor``: forward, backpropagation, training.

The network computes in double precision, and must find the same bits everywhere. It does: all
operations are +, -, *, /, absolute value, comparison and floor, which IEEE 754 defines to the last
bit; they stand in one order, and Numba compiles them without ``fastmath``, so that nothing is
reordered or fused (vector units do the same operations on several units at once). There is no
exponential. All values stay finite, as errors are clipped before they are learnt.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from ivc.signal.neighbours import MARGIN

MAX_SHIFT = 18
"""Largest log2 of the samples that make a unit of the network."""

_RATE, _FIRST_RATE = 1.0 / 256, 1.0 / 16
_COOLING = 1.0 / 8192
_CLIP = 0.5


@njit(cache=True, nogil=True)
def start(weights):
    """First weights: input weights and biases of hidden units from -1 to 1, the others 0.

    Args:
        weights: (n + 3, H) float64, written: a row for each input, one of biases of hidden units,
            one of output weights, and one that begins with the bias of the output.
    """
    weights[:] = 0.0
    state = np.int64(12345)
    for i in range(weights.shape[0] - 2):
        for j in range(weights.shape[1]):
            state = (state * 1103515245 + 12345) & 0x7FFFFFFF
            weights[i, j] = ((state >> 8) % 2049 - 1024) / 1024.0


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def forward(weights, flat, at, taps, unit, x, h, slope):
    """Run the network for one sample.

    Args:
        weights: (n + 3, H) float64, see ``start``.
        flat: a field as one row.
        at: where the sample is in it.
        taps: (n,) int64 distances to the neighbours.
        unit: units of the network in a sample, a power of two.
        x: (n,) float64, written: inputs.
        h: (H,) float64, written: hidden units.
        slope: (H,) float64, written: 1 / (1 + |a|), whose square is the slope of a hidden unit.

    Returns:
        The output, and the planar prediction it adds to.
    """
    n, hidden = taps.shape[0], h.shape[0]
    w, north = np.float64(flat[at + taps[0]]), np.float64(flat[at + taps[1]])
    mean = (w + north) * 0.5
    planar = (w + north) * 0.75 - flat[at + taps[2]] * 0.5
    for i in range(n):
        x[i] = (flat[at + taps[i]] - mean) * unit
    for j in range(hidden):
        h[j] = weights[n, j]
    for i in range(n):
        value, row = x[i], weights[i]
        for j in range(hidden):
            h[j] += row[j] * value
    for j in range(hidden):
        slope[j] = 1.0 / (1.0 + abs(h[j]))
        h[j] *= slope[j]
    y = weights[n + 2, 0]
    row = weights[n + 1]
    for j in range(hidden):
        y += row[j] * h[j]
    return y, planar


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def learn(weights, error, rate, x, h, slope):
    """One step of backpropagation down the squared error; arguments as ``forward`` left them.

    ``error`` is in units of the network and is limited, so that edges do not undo what was learnt.
    """
    n, hidden = x.shape[0], h.shape[0]
    g = rate * min(max(error, -_CLIP), _CLIP)
    output, bias = weights[n + 1], weights[n]
    for j in range(hidden):
        slope[j] = g * output[j] * slope[j] * slope[j]
        output[j] += g * h[j]
        bias[j] += slope[j]
    for i in range(n):
        value, row = x[i], weights[i]
        for j in range(hidden):
            row[j] += slope[j] * value
    weights[n + 2, 0] += g


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def rate_at(step):
    """How fast an online network learns after ``step`` samples."""
    return _FIRST_RATE / (1.0 + step * _COOLING) + _RATE


@njit(cache=True, nogil=True, error_model="numpy")
def train(weights, field, shape, taps, shift, epochs):
    """Encoder: train the network on a whole plane, several times over.

    Args:
        weights: (n + 3, H) float64, changed.
        field: (1, H + 8, W + 8) int32, see ``ivc.signal.neighbours``.
        shape: (H, W).
        taps: (n,) int64 distances to the neighbours.
        shift: scale of the network, see ``code_plane``.
        epochs: how often.
    """
    flat = field.reshape(-1)
    stride = field.shape[2]
    x, h, slope = np.empty(taps.shape[0]), np.empty(weights.shape[1]), np.empty(weights.shape[1])
    unit = 1.0 / (1 << shift)
    whole = 1.0 * epochs * shape[0] * shape[1]
    step = 0.0
    for _ in range(epochs):
        for row in range(shape[0]):
            for column in range(shape[1]):
                at = (row + MARGIN) * stride + column + MARGIN
                y, planar = forward(weights, flat, at, taps, unit, x, h, slope)
                rate = rate_at(step) - _RATE * step / whole
                learn(weights, (flat[at] - planar) * unit - y, rate, x, h, slope)
                step += 1.0


def scale_of(field: np.ndarray) -> int:
    """Encoder: log2 of a network's unit, which is about the mean error of a simple prediction."""
    x, w, n = field[0, 4:-4, 4:-4], field[0, 4:-4, 3:-5], field[0, 3:-5, 4:-4]
    gap = int(np.abs(x - ((w + n) >> 1)).sum(dtype=np.int64)) // x.size
    return min(gap.bit_length(), MAX_SHIFT)
