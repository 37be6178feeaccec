"""The quick model of the lowest effort: one prediction, one table look-up a sample.

A sample is predicted as in M. J. Weinberger, G. Seroussi, G. Sapiro, "The LOCO-I Lossless Image
Compression Algorithm", IEEE Trans. Image Processing 9 (2000): by the median of W, N and
W + N - NW, corrected by the mean error that this kind of surroundings has seen.

       NW  N  NE       surroundings: NE - N, N - NW and NW - W, in nine steps each
    WW  W  x

The error is then not a Golomb code but a token of ``ivc.entropy.ans`` in a context of how busy the
surroundings are: half octaves of a sum of differences and of errors around. The tables are made
once all is known, so that the encoder looks twice at errors but not at samples.

In clips, each block of 16x16 samples chooses between this, the same in the difference to the
previous picture, and the previous picture's sample itself.

In pictures that repeat themselves, such as screens, a memory holds which value last came after the
same W, N, NW, NE, WW and NN (and the same value of the plane before); from a value that was right
the last time, only an error is coded, in a context of how often in turn it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit

from ivc.codecs.lossless.plans import Place
from ivc.entropy.ans import AnsDecoder, AnsEncoder, code_token, spent
from ivc.entropy.fields import integer, pack, unpack
from ivc.entropy.memory import bit_length
from ivc.errors import BitstreamError
from ivc.signal.lossless import COPY, MODE_BLOCK, SPATIAL, choose_modes

BATCH = 1 << 20
"""Samples of a clip that share tables, if a single picture has no more of them."""

_CLASSES = 24
_MODE_CONTEXTS = 9
_TRUSTS = 7
_MEMORY_BITS = 16
_STEPS = 9
_BIASES = _STEPS**3
_BIAS_BITS = 10
_RATE = 6
_SIZE_BITS = 8
_SIZE_RATE = 5


def _step_table() -> np.ndarray:
    """Step of a difference d of 8-bit samples, -4 to 4 plus 4, at d + 256."""
    size = np.abs(np.arange(-256, 257))
    step = (size > 0) * 1 + (size > 2) + (size > 6) + (size > 20)
    return (4 + np.where(np.arange(-256, 257) < 0, -step, step)).astype(np.uint8)


_STEP = _step_table()


_NO_PLANE = np.zeros((0, 0), np.int32)


class Plane(NamedTuple):
    """What is known and learnt of a plane.

    Attributes:
        low, high: least and greatest sample.
        shift: bits of its samples beyond 8.
        context: its first context.
        classes: of busy surroundings; the contexts after these are those of modes.
        learnt: (2 * 2 * 729,) int32: by kind of surroundings, of samples and then of differences,
            mean error in 1/1024 and mean absolute error in 1/256.
    """

    low: int
    high: int
    shift: int
    context: int
    classes: int
    learnt: np.ndarray


def _nothing_learnt(shift: int) -> np.ndarray:
    learnt = np.zeros(4 * _BIASES, np.int32)
    learnt[1::2] = 4 << shift << _SIZE_BITS
    return learnt


@njit(cache=True, nogil=True)
def _code_modes(coder, context, modes, by):
    """Code the prediction modes of one row of blocks."""
    for bx in range(modes.shape[1]):
        left = np.int64(modes[by, bx - 1]) if bx > 0 else 0
        above = np.int64(modes[by - 1, bx]) if by > 0 else 0
        mode = code_token(coder, context + 3 * left + above, np.int64(modes[by, bx]))
        modes[by, bx] = min(mode, COPY)


@njit(cache=True, nogil=True, forceinline=True)
def _hash(key, value):
    return (np.uint64(key) ^ np.uint64(value)) * np.uint64(0x9E3779B97F4A7C15)


@njit(cache=True, nogil=True, error_model="numpy")
def code_quick(coder, model, plane, previous, modes, memory, guide):
    """Code or decode one plane.

    Args:
        coder: of an ``AnsEncoder`` or ``AnsDecoder``.
        model: ``Plane``.
        plane: (H, W) int32; the encoder reads it, both leave the samples in it.
        previous: (H, W) int32, the same plane of the previous picture; None if there is none.
        modes: (ceil(H / 16), ceil(W / 16)) uint8, how each block is predicted; unused without
            a previous picture.
        memory: (2 << 16,) int32, what came after which surroundings: value, and check bits and
            trust in turn; None for pictures that do not repeat themselves.
        guide: (H, W) int32, the plane coded before, or (0, 0); used with ``memory``.

    Returns:
        False when a decoder ran out of data and gave up.
    """
    height, width = plane.shape
    low, high, shift, learnt = model.low, model.high, model.shift, model.learnt
    context, last = model.context, model.classes - 1
    # Rows between margins of two: samples, then differences to the previous picture, each of the
    # row in hand and of the one above; and absolute errors of both rows.
    stride = width + 4
    rows = np.zeros(4 * stride, np.int32)
    errors = np.zeros(2 * stride, np.int32)
    rows[: 2 * stride] = (low + high + 1) >> 1
    for y in range(height):
        if spent(coder):
            return False
        here, above = (y & 1) * stride + 2, (1 - (y & 1)) * stride + 2
        if previous is not None and y % MODE_BLOCK == 0:
            _code_modes(coder, context + model.classes + _TRUSTS, modes, y // MODE_BLOCK)
        first, first_difference = rows[above], rows[above + 2 * stride]
        for k in range(1, 3):
            rows[here - k] = first
            rows[here + 2 * stride - k] = first_difference
            errors[here - k] = errors[above]
        domain, bias_from, copy = 0, 0, False
        slope = (np.int64(rows[above]) - np.int64(rows[above - 1])) >> shift
        step2 = np.int64(_STEP[min(max(slope, -256), 256) + 256])
        for x in range(width):
            if previous is not None and x % MODE_BLOCK == 0:
                mode = modes[y // MODE_BLOCK, x // MODE_BLOCK]
                copy = mode == COPY
                domain = 0 if mode == SPATIAL else 2 * stride
                bias_from = 0 if mode == SPATIAL else 2 * _BIASES
                k = domain + above + x
                slope = (np.int64(rows[k]) - np.int64(rows[k - 1])) >> shift
                step2 = np.int64(_STEP[min(max(slope, -256), 256) + 256])
            p, q = domain + here + x, domain + above + x
            w, ww = np.int64(rows[p - 1]), np.int64(rows[p - 2])
            n, nw, ne = np.int64(rows[q]), np.int64(rows[q - 1]), np.int64(rows[q + 1])
            d1, d2, d3 = ne - n, n - nw, nw - w
            step1 = np.int64(_STEP[min(max(d1 >> shift, -256), 256) + 256])
            step3 = np.int64(_STEP[min(max(d3 >> shift, -256), 256) + 256])
            b = bias_from + 2 * ((step1 * _STEPS + step2) * _STEPS + step3)
            step2 = step1
            bias, size = np.int64(learnt[b]), np.int64(learnt[b + 1])
            e, f = here + x, above + x
            busy = abs(d1) + abs(d2) + abs(w - ww) + errors[f] + errors[f + 1] + errors[f - 1]
            busy += errors[e - 2] + abs(d3) + 2 * np.int64(errors[e - 1])
            busy += size >> _SIZE_BITS - 3
            k = bit_length(busy)
            slot, check, trust = np.int64(0), np.int64(0), np.int64(0)
            kind = min(max(2 * k - 2 + (busy >> max(k - 2, 0) & 1), 0), last)
            guess = max(min(w, n), min(max(w, n), w + n - nw))
            if previous is not None:
                if copy:
                    guess = np.int64(0)
                if domain:
                    guess += previous[y, x]
            prediction = min(max(guess + ((bias + (1 << _BIAS_BITS - 1)) >> _BIAS_BITS), low), high)
            if memory is not None:
                key = _hash(_hash(_hash(_hash(w, n), nw), ne), ww)
                if y > 1:
                    key = _hash(key, plane[y - 2, x])
                if previous is not None and domain:
                    key = _hash(key, previous[y, x])
                if guide.shape[0]:
                    key = _hash(key, guide[y, x])
                slot = np.int64(key >> np.uint64(64 - _MEMORY_BITS)) << 1
                check = np.int64(key >> np.uint64(20) & np.uint64(0xFFFFFF))
                trust = np.int64(memory[slot + 1]) & 7
                if np.int64(memory[slot + 1]) >> 3 != check:
                    trust = np.int64(-1)
                elif trust:
                    prediction = np.int64(memory[slot])
                    kind = last + trust
            error = np.int64(plane[y, x]) - prediction
            number = code_token(coder, context + kind, (error << 1) ^ (error >> 63))
            error = (number >> 1) ^ -(number & 1)
            value = min(max(prediction + error, low), high)
            plane[y, x] = value
            rows[here + x] = value
            if previous is not None:
                rows[2 * stride + here + x] = value - previous[y, x]
            errors[e] = abs(error)
            if memory is not None:
                if trust < 0:
                    trust = np.int64(1)
                else:
                    trust = min(trust + 1, 7) if value == memory[slot] else 0
                memory[slot], memory[slot + 1] = value, check << 3 | trust
            learnt[b] = bias + ((((value - guess) << _BIAS_BITS) - bias) >> _RATE)
            learnt[b + 1] = size + (((abs(error) << _SIZE_BITS) - size) >> _SIZE_RATE)
        rows[here + width] = rows[here + width - 1]
        rows[here + width + 2 * stride] = rows[here + width - 1 + 2 * stride]
        errors[here + width] = errors[here + width - 1]
    return True


@dataclass(frozen=True)
class _Batch:
    """What every batch of pictures but the last begins with: its bytes."""

    size: int = integer(0, (1 << 32) - 1)


class _Model:
    """All planes over the pictures of a segment.

    Args:
        places: the planes of a picture.
        pictures: one int32 (H, W) for each place, of each picture.
        depth: bits per sample of the picture.
        matching: whether values behind the same neighbours are tried first.
    """

    def __init__(
        self, places: Sequence[Place], pictures: Sequence[Sequence[np.ndarray]], depth: int,
        matching: bool,
    ) -> None:  # fmt: skip
        self._pictures = pictures
        samples = sum(h * w for h, w in (place.shape for place in places))
        self._modes = [
            np.zeros((-(-h // MODE_BLOCK), -(-w // MODE_BLOCK)), np.uint8)
            for h, w in (place.shape for place in places)
        ]
        self._numbers = samples + sum(modes.size for modes in self._modes)
        self._memories = [
            np.zeros(2 << _MEMORY_BITS, np.int32) if matching else None for _ in places
        ]
        classes = _CLASSES + 2 * (depth - 8)
        step = classes + _TRUSTS + _MODE_CONTEXTS
        self._contexts = step * len(places)
        self._planes = [
            Plane(p.low, p.high, depth - 8, step * i, classes, _nothing_learnt(depth - 8))
            for i, p in enumerate(places)
        ]
        together = max(BATCH // samples, 1)
        self._batches = [
            range(start, min(start + together, len(pictures)))
            for start in range(0, len(pictures), together)
        ]

    def _code(self, coder: object, batch: range, encoding: bool) -> bool:
        """Code or decode the pictures of a batch; False when a decoder ran out of data."""
        for t in batch:
            for i, plane in enumerate(self._pictures[t]):
                previous = self._pictures[t - 1][i] if t else None
                modes = self._modes[i]
                if encoding and t:
                    choose_modes(plane, previous, modes)
                guide = self._pictures[t][i - 1] if i else _NO_PLANE
                if guide.shape != plane.shape:
                    guide = _NO_PLANE
                if not code_quick(
                    coder, self._planes[i], plane, previous, modes, self._memories[i], guide
                ):
                    return False
        return True

    def encode(self) -> bytes:
        """The bytes of all pictures."""
        out = b""
        for batch in self._batches:
            encoder = AnsEncoder(self._contexts, self._numbers * len(batch))
            self._code(encoder.coder, batch, True)
            data = encoder.finish()
            if batch.stop < len(self._pictures):
                out += pack(_Batch(len(data)))
            out += data
        return out

    def decode(self, data: bytes | memoryview) -> None:
        """Decode all pictures in place.

        Raises:
            BitstreamError: when the data are damaged.
        """
        for batch in self._batches:
            size = len(data)
            if batch.stop < len(self._pictures):
                header, data = unpack(_Batch, bytes(data))
                size = header.size
                if size > len(data):
                    raise BitstreamError("a batch of pictures is cut short")
            decoder = AnsDecoder(data[:size], self._contexts)
            if not self._code(decoder.coder, batch, False):
                raise BitstreamError("coded data end too early; they are cut short or damaged")
            decoder.finish()
            data = data[size:]


def encode(
    places: Sequence[Place], pictures: Sequence[Sequence[np.ndarray]], depth: int, matching: bool
) -> bytes:
    """Code pictures.

    Args:
        places: the planes of a picture.
        pictures: int32 (H, W) for each place, of each picture.
        depth: bits per sample of the picture.
        matching: whether values behind the same neighbours are tried first.
    """
    return _Model(places, pictures, depth, matching).encode()


def decode(
    data: bytes | memoryview,
    places: Sequence[Place],
    pictures: Sequence[Sequence[np.ndarray]],
    depth: int,
    matching: bool,
) -> None:
    """Decode into ``pictures``; see ``encode``.

    Raises:
        BitstreamError: when the data are damaged.
    """
    _Model(places, pictures, depth, matching).decode(data)
