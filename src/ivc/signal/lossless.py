"""Coding one plane of samples by prediction, exactly or within a bound: one kernel, both ways.

Each sample is predicted from decoded neighbours, the prediction is corrected by the mean error
that its context has seen, and the remaining error is coded in adaptive binary contexts chosen by
the local activity. The scheme follows Wu and Memon, "Context-Based, Adaptive, Lossless Image
Coding", IEEE Trans. Comm. 45 (1997), with binary range coding in place of its entropy coder:

        NN NNE
    NW  N  NE        dh = |W - WW| + |N - NW| + |N - NE|
 WW W   x            dv = |W - NW| + |N - NN| + |NE - NNE|

In clips, each block of 16x16 samples chooses between this, the same in the difference to the
previous frame, and the previous frame's sample itself. A row that repeats the row above it (in
clips: the same row of the previous frame) costs one decision.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from ivc.entropy import code_bit, code_bits, exhausted, new_contexts

SPATIAL, DIFFERENCE, COPY = 0, 1, 2
MODE_BLOCK = 16
"""Side of the blocks that choose a prediction."""

_ENERGIES = 26
_CLASSES = 20
_BIASES = 4096

_SIGN = _ENERGIES * _CLASSES
_MANTISSA = _SIGN + 9
_MODES = _MANTISSA + _ENERGIES * _CLASSES * 3
_REPEATED = _MODES + 2 * 9
CONTEXTS = _REPEATED + 2
"""Adaptive contexts that ``code_plane`` needs."""


@njit(cache=True, nogil=True)
def _bit_length(value):
    n = 0
    while value > 0:
        value >>= 1
        n += 1
    return n


@njit(cache=True, nogil=True)
def _code_error(coder, contexts, energy, sign_context, error):
    magnitude = abs(error)
    wanted = _bit_length(magnitude)
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


@njit(cache=True, nogil=True)
def _gap(w, n, nw, ne, dh, dv):
    """The gradient-adjusted predictor of CALIC."""
    slope = dv - dh
    if slope > 80:
        return w
    if slope < -80:
        return n
    p = ((w + n) >> 1) + ((ne - nw) >> 2)
    if slope > 32:
        return (p + w) >> 1
    if slope > 8:
        return (3 * p + w) >> 2
    if slope < -32:
        return (p + n) >> 1
    if slope < -8:
        return (3 * p + n) >> 2
    return p


@njit(cache=True, nogil=True)
def _code_modes(coder, contexts, modes, by):
    """Code the prediction modes of one row of blocks."""
    for bx in range(modes.shape[1]):
        left = modes[by, bx - 1] if bx > 0 else 0
        above = modes[by - 1, bx] if by > 0 else 0
        i = _MODES + 2 * (3 * left + above)
        mode = np.int64(modes[by, bx])
        chosen = code_bit(coder, contexts, i, mode != SPATIAL)
        if chosen:
            chosen += code_bit(coder, contexts, i + 1, mode == COPY)
        modes[by, bx] = chosen


@njit(cache=True, nogil=True)
def _load_row(row, plane, y):
    """Copy a row of a plane between margins of two samples that repeat its ends."""
    width = plane.shape[1]
    row[2 : width + 2] = plane[y]
    row[:2] = plane[y, 0]
    row[width + 2 :] = plane[y, width - 1]


@njit(cache=True, nogil=True)
def code_plane(
    coder, contexts, biases, plane, previous, modes, guide, magnitudes, low, high, near, depth
):
    """Code or decode one plane.

    Args:
        coder: an encoder, decoder or estimator of ``ivc.entropy``.
        contexts: at least ``CONTEXTS`` adaptive contexts.
        biases: (n, 2) int32, zeros at first.
        plane: (H, W) int32; the encoder reads it, both leave the decoded samples in it.
        previous: (H, W) int32 previous frame, or (0, 0) if there is none.
        modes: (ceil(H / 16), ceil(W / 16)) uint8, as ``plane``; unused without a previous frame.
        guide: (H, W) uint16 absolute errors of a plane coded before, or (0, 0).
        magnitudes: (H, W) uint16, written: absolute errors of this plane, for the next one.
        low: smallest sample value.
        high: largest sample value.
        near: largest absolute error permitted, 0 for lossless.
        depth: bits per sample, scales the thresholds of the predictor.

    Returns:
        False when a decoder ran out of data and gave up.
    """
    height, width = plane.shape
    inter = previous.shape[0] > 0
    guided = guide.shape[0] > 0
    scale = max(depth - 8, 0)
    # Rows between margins: the one being coded and the two above; the same of the previous frame;
    # and the errors of this row and the one above.
    rows = np.full((3, width + 4), (low + high + 1) >> 1, np.int32)
    old = np.zeros((3, width + 4), np.int32)
    errors = np.zeros((2, width + 4), np.int32)
    repeated = 0
    for y in range(height):
        if exhausted(coder):
            return False
        if inter:
            if y % MODE_BLOCK == 0:
                _code_modes(coder, contexts, modes, y // MODE_BLOCK)
            _load_row(old[y % 3], previous, y)
            if y == 0:
                old[1], old[2] = old[0], old[0]
        row, above, above2 = rows[y % 3], rows[(y + 2) % 3], rows[(y + 1) % 3]
        error_row, error_above = errors[y % 2], errors[(y + 1) % 2]
        if y == 1:
            above2[:] = above
        source = old[y % 3] if inter else above
        same = True
        for x in range(width):
            if plane[y, x] != source[x + 2]:
                same = False
                break
        repeated = code_bit(coder, contexts, _REPEATED + repeated, same)
        if repeated:
            plane[y] = source[2 : width + 2]
            magnitudes[y] = 0
            error_row[:] = 0
            _load_row(row, plane, y)
            continue
        row[:2] = above[2]
        error_row[:2] = 0
        _code_row(
            coder,
            contexts,
            biases,
            plane[y],
            (row, above, above2),
            (error_row, error_above),
            (old[y % 3], old[(y + 2) % 3], old[(y + 1) % 3]),
            modes[y // MODE_BLOCK] if inter else modes[0],
            inter,
            guide[y] if guided else magnitudes[y],
            guided,
            magnitudes[y],
            low,
            high,
            near,
            scale,
        )
        row[width + 2 :] = row[width + 1]
        error_row[width + 2 :] = error_row[width + 1]
    return True


@njit(cache=True, nogil=True)
def _code_row(
    coder,
    contexts,
    biases,
    samples,
    rows,
    errors,
    old,
    modes,
    inter,
    guide,
    guided,
    magnitudes,
    low,
    high,
    near,
    scale,
):
    """Code one row; see ``code_plane``. Rows and errors have margins of two samples."""
    row, above, above2 = rows
    error_row, error_above = errors
    old_row, old_above, old_above2 = old
    step = 2 * near + 1
    mode = SPATIAL
    for x in range(samples.shape[0]):
        if inter and x % MODE_BLOCK == 0:
            mode = np.int64(modes[x // MODE_BLOCK])
        i = x + 2
        w, n, nw, ne = row[i - 1], above[i], above[i - 1], above[i + 1]
        ww, nn, nne = row[i - 2], above2[i], above2[i + 1]
        base = 0
        if mode != SPATIAL:
            w -= old_row[i - 1]
            n -= old_above[i]
            nw -= old_above[i - 1]
            ne -= old_above[i + 1]
            ww -= old_row[i - 2]
            nn -= old_above2[i]
            nne -= old_above2[i + 1]
            base = old_row[i]
        dh = abs(w - ww) + abs(n - nw) + abs(n - ne)
        dv = abs(w - nw) + abs(n - nn) + abs(ne - nne)
        prediction = 0 if mode == COPY else _gap(w, n, nw, ne, dh >> scale, dv >> scale)
        ew, en = error_row[i - 1], error_above[i]
        activity = dh + dv + 2 * abs(ew) + 2 * abs(en)
        activity += abs(error_above[i - 1]) + abs(error_above[i + 1])
        if guided:
            activity += 3 * np.int64(guide[x])
        # Half-octave classes of activity.
        k = _bit_length(activity)
        energy = 2 * k - (1 if k > 1 and (activity >> (k - 2)) & 1 == 0 else 0)
        energy = min(energy, _ENERGIES - 1)
        texture = (
            (w > prediction)
            | (n > prediction) << 1
            | (nw > prediction) << 2
            | (ne > prediction) << 3
            | (ww > prediction) << 4
            | (nn > prediction) << 5
            | (2 * w - ww > prediction) << 6
        )
        b = (texture * 16 + min(energy >> 1, 15)) * 2 + (mode != SPATIAL)
        bias = (biases[b, 0] + 128) >> 8
        prediction = min(max(prediction + bias + base, low), high)
        error = np.int64(samples[x]) - prediction
        if near > 0:
            error = (abs(error) + near) // step * (1 if error > 0 else -1)
        signs = 3 * _sign3(ew) + _sign3(en)
        error = _code_error(coder, contexts, energy, signs, error) * step
        value = min(max(prediction + error, low), high)
        error = value - prediction
        samples[x] = value
        row[i] = value
        error_row[i] = error
        magnitudes[x] = min(abs(error), 65535)
        # The mean moves by 1/4 of the way at first, by 1/64 after 64 samples.
        count = biases[b, 1]
        shift = 2
        while shift < 6 and count >> shift:
            shift += 1
        biases[b, 0] += (((error + bias) << 8) - biases[b, 0]) >> shift
        biases[b, 1] = min(count + 1, 127)


@njit(cache=True, nogil=True)
def choose_modes(plane, previous, modes):
    """Encoder: pick for each block the prediction with the smallest sum of absolute errors.

    Args:
        plane: (H, W) int32 samples to be coded.
        previous: (H, W) int32 previous decoded frame.
        modes: (ceil(H / 16), ceil(W / 16)) uint8, written.
    """
    height, width = plane.shape
    for by in range(modes.shape[0]):
        for bx in range(modes.shape[1]):
            spatial = difference = copy = 0
            for y in range(MODE_BLOCK * by, min(MODE_BLOCK * (by + 1), height)):
                for x in range(MODE_BLOCK * bx, min(MODE_BLOCK * (bx + 1), width)):
                    x1, y1 = max(x - 1, 0), max(y - 1, 0)
                    w, n, v = plane[y, x1], plane[y1, x], plane[y, x]
                    dw, dn = w - previous[y, x1], n - previous[y1, x]
                    d = v - previous[y, x]
                    spatial += abs(v - ((w + n) >> 1))
                    difference += abs(d - ((dw + dn) >> 1))
                    copy += abs(d)
            best = min(spatial, difference, copy)
            modes[by, bx] = COPY if copy == best else DIFFERENCE if difference == best else SPATIAL


@njit(cache=True, nogil=True)
def code_plane_raw(coder, plane, low, bits):
    """Code or decode a plane sample by sample in ``bits`` bits each, for noise.

    Args:
        coder: an encoder, decoder or estimator of ``ivc.entropy``.
        plane: (H, W) int32, values from ``low`` to ``low`` + 2**bits - 1.
        low: smallest sample value.
        bits: bits per sample.

    Returns:
        False when a decoder ran out of data and gave up.
    """
    height, width = plane.shape
    for y in range(height):
        if exhausted(coder):
            return False
        for x in range(width):
            plane[y, x] = low + code_bits(coder, np.int64(plane[y, x]) - low, bits)
    return True


class LosslessPlane:
    """One plane over the frames of a segment: what its coder has learnt and refers to.

    Args:
        shape: (H, W).
        low: smallest sample value.
        high: largest sample value.
        depth: bits per sample of the picture.

    Attributes:
        magnitudes: (H, W) uint16 absolute prediction errors of the last frame.
    """

    def __init__(self, shape: tuple[int, int], low: int, high: int, depth: int) -> None:
        self.shape, self.low, self.high, self.depth = shape, low, high, depth
        self.magnitudes = np.zeros(shape, np.uint16)
        self._contexts = new_contexts(CONTEXTS)
        # means of prediction errors in 1/256, and how many samples each has seen
        self._biases = np.zeros((_BIASES, 2), np.int32)
        self._previous = np.zeros((0, 0), np.int32)
        blocks = (-(-shape[0] // MODE_BLOCK), -(-shape[1] // MODE_BLOCK))
        self._modes = np.zeros(blocks, np.uint8)

    def choose_modes(self, samples: np.ndarray) -> None:
        """Encoder: choose how each block of the next frame is predicted."""
        if self._previous.size:
            choose_modes(samples, self._previous, self._modes)

    def code(
        self, coder: object, samples: np.ndarray, near: int = 0, guide: np.ndarray | None = None
    ) -> bool:
        """Code or decode one frame in place; it becomes the reference of the next.

        Args:
            coder: ``coder`` of an encoder, decoder or estimator.
            samples: (H, W) int32.
            near: largest absolute error permitted.
            guide: ``magnitudes`` of a plane of this shape that was coded before.

        Returns:
            False when a decoder ran out of data and gave up.
        """
        if guide is None:
            guide = np.zeros((0, 0), np.uint16)
        whole: bool = code_plane(
            coder, self._contexts, self._biases, samples, self._previous, self._modes, guide,
            self.magnitudes, self.low, self.high, near, self.depth,
        )  # fmt: skip
        self._previous = samples
        return whole

    def code_raw(self, coder: object, samples: np.ndarray) -> bool:
        """The same without prediction: each sample in as many bits as its range needs."""
        bits = (self.high - self.low).bit_length()
        whole: bool = code_plane_raw(coder, samples, self.low, bits)
        return whole
