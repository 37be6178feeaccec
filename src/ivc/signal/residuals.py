"""Prediction errors to decisions: corrected by context, classed by activity, coded adaptively.

What all predictive codecs share once a sample is predicted. The prediction is corrected by the mean
error that its context has seen, and the remaining error is coded in contexts chosen by the local
activity, after Wu and Memon, "Context-Based, Adaptive, Lossless Image Coding", IEEE Trans. Comm. 45
(1997), with binary range coding in place of its entropy coder:

        NN NNE
    NW  N  NE        dh = |W - WW| + |N - NW| + |N - NE|
 WW W   x            dv = |W - NW| + |N - NN| + |NE - NNE|
"""

from __future__ import annotations

import numpy as np
from numba import njit

from ivc.entropy import code_bit, code_bits

BIASES = 4096
"""Contexts of the correction: rows of (mean error in 1/256, samples seen), zeros at first."""

FRACTION = 8
"""Fractional bits of a prediction."""

_ENERGIES = 26
_CLASSES = 20
_SIGN = _ENERGIES * _CLASSES
_MANTISSA = _SIGN + 9
ERROR_CONTEXTS = _MANTISSA + _ENERGIES * _CLASSES * 3
"""Adaptive contexts that ``code_sample`` needs."""


@njit(cache=True, nogil=True)
def bit_length(value):
    """Bits of a number >= 0."""
    n = 0
    while value > 0:
        value >>= 1
        n += 1
    return n


@njit(cache=True, nogil=True)
def _code_error(coder, contexts, energy, sign_context, error):
    magnitude = abs(error)
    wanted = bit_length(magnitude)
    base = energy * _CLASSES
    # Search the number of bits from where it is likely, up or down.
    k = max(0, (energy >> 1) - 3)
    if code_bit(coder, contexts, base + k, wanted > k):
        k += 1
        while k < _CLASSES - 1 and code_bit(coder, contexts, base + k, wanted > k):
            k += 1
    else:
        while k > 0 and not code_bit(coder, contexts, base + k - 1, wanted >= k):
            k -= 1
    if k == 0:
        return 0
    value = 1
    if k > 1:
        m = _MANTISSA + (base + k) * 3
        value = 2 | code_bit(coder, contexts, m, (magnitude >> (k - 2)) & 1)
        if k > 2:
            bit = code_bit(coder, contexts, m + (value & 1) + 1, (magnitude >> (k - 3)) & 1)
            value = value << 1 | bit
        if k > 3:
            rest = k - 3
            value = value << rest | code_bits(coder, magnitude & ((1 << rest) - 1), rest)
    if code_bit(coder, contexts, _SIGN + sign_context, error < 0):
        return -value
    return value


@njit(cache=True, nogil=True)
def _sign3(value):
    return (value > 0) - (value < 0) + 1


@njit(cache=True, nogil=True, forceinline=True)
def code_sample(
    coder, contexts, biases, sample, around, fine, base, temporal, activity, errors, limits
):
    """Code or decode one predicted sample.

    Args:
        coder: an encoder, decoder or estimator of ``ivc.entropy``.
        contexts: at least ``ERROR_CONTEXTS`` adaptive contexts.
        biases: (``BIASES``, 2) int32.
        sample: its value (decoder: ignored).
        around: W, N, NW, NE, WW, NN.
        fine: the prediction in 1/256, on the scale of ``around``.
        base: what to add to that scale to have samples.
        temporal: whether that scale is the difference to another picture.
        activity: how large the error may be: gradients and errors around it.
        errors: errors of W and N.
        limits: (low, high, near): smallest and largest sample, largest error permitted.

    Returns:
        The decoded sample and its error.
    """
    w, n, nw, ne, ww, nn = around
    low, high, near = limits
    # Half-octave classes of activity.
    k = bit_length(activity)
    energy = 2 * k - (1 if k > 1 and (activity >> (k - 2)) & 1 == 0 else 0)
    energy = min(energy, _ENERGIES - 1)
    texture = (
        ((w << FRACTION) > fine)
        | ((n << FRACTION) > fine) << 1
        | ((nw << FRACTION) > fine) << 2
        | ((ne << FRACTION) > fine) << 3
        | ((ww << FRACTION) > fine) << 4
        | ((nn << FRACTION) > fine) << 5
        | (((2 * w - ww) << FRACTION) > fine) << 6
    )
    b = (texture * 16 + min(energy >> 1, 15)) * 2 + temporal
    corrected = (fine + biases[b, 0] + 128) >> FRACTION
    prediction = min(max(corrected + base, low), high)
    error = np.int64(sample) - prediction
    step = 2 * near + 1
    if near > 0:
        error = (abs(error) + near) // step * (1 if error > 0 else -1)
    signs = 3 * _sign3(errors[0]) + _sign3(errors[1])
    error = _code_error(coder, contexts, energy, signs, error) * step
    value = min(max(prediction + error, low), high)
    error = value - prediction
    # The mean moves by 1/4 of the way at first, by 1/64 after 64 samples.
    count = biases[b, 1]
    shift = 2
    while shift < 6 and count >> shift:
        shift += 1
    biases[b, 0] += (((error + corrected) << FRACTION) - fine - biases[b, 0]) >> shift
    biases[b, 1] = min(count + 1, 127)
    return value, error
