"""Coding one plane of samples by prediction, exactly or within a bound: one kernel, both ways.

Each sample is predicted from decoded neighbours by the gradient-adjusted predictor of Wu and
Memon, "Context-Based, Adaptive, Lossless Image Coding", IEEE Trans. Comm. 45 (1997); its error is
coded by ``residuals``.

In clips, each block of 16x16 samples chooses between this, the same in the difference to the
previous frame, and the previous frame's sample itself. A row that repeats the row above it (in
clips: the same row of the previous frame) costs one decision.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from ivc.entropy import code_bit, code_bits, exhausted, new_contexts
from ivc.signal.residuals import BIASES, ERROR_CONTEXTS, FRACTION, code_sample

SPATIAL, DIFFERENCE, COPY = 0, 1, 2
MODE_BLOCK = 16
"""Side of the blocks that choose a prediction."""

_MODES = ERROR_CONTEXTS
_REPEATED = _MODES + 2 * 9
CONTEXTS = _REPEATED + 2
"""Adaptive contexts that ``code_plane`` needs."""


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
    limits = (low, high, near)
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
        value, error = code_sample(
            coder,
            contexts,
            biases,
            samples[x],
            (w, n, nw, ne, ww, nn),
            prediction << FRACTION,
            base,
            mode != SPATIAL,
            activity,
            (ew, en),
            limits,
        )
        samples[x] = value
        row[i] = value
        error_row[i] = error
        magnitudes[x] = min(abs(error), 65535)


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
        self._biases = np.zeros((BIASES, 2), np.int32)
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
