"""Pictures of few colours: one plane of indices into the colours in the order of their values."""

from __future__ import annotations

import numpy as np
from numba import njit

from ivc.entropy import Decoder, Encoder, code_adaptive_exp_golomb, code_bit, new_contexts
from ivc.errors import BitstreamError

MOST = 1024
"""Most colours of a palette."""
_KIND = 2 * 17 + 1
_CONTEXTS = _KIND * 12


def find(planes: list[np.ndarray], most: int = MOST) -> tuple[np.ndarray, np.ndarray] | None:
    """The colours of planes of one size, and the index of each sample's; None if too many.

    Args:
        planes: unsigned integers, one shape, at most four of them.
        most: most colours.

    Returns:
        uint16 (colours, planes) in ascending order of the first plane, then the next; and int32
        indices of the planes' shape.
    """
    # a few samples settle it for most photographs, some more for most of the others
    for count in (4 * most, 64 * most):
        step = max(planes[0].size // count, 1)
        sample = np.zeros(len(planes[0].reshape(-1)[::step]), np.uint64)
        for plane in planes:
            sample = sample << np.uint64(16) | plane.reshape(-1)[::step].astype(np.uint64)
        if len(np.unique(sample)) > most:
            return None
    indices = np.empty(planes[0].shape, np.int32)
    padded = [plane.reshape(-1) for plane in planes] + [planes[0].reshape(-1)] * (4 - len(planes))
    keys = np.zeros(most, np.uint64)
    found = _number(*padded, len(planes), keys, indices.reshape(-1))
    if found > most:
        return None
    order = np.argsort(keys[:found])
    rank = np.empty(found, np.int32)
    rank[order] = np.arange(found, dtype=np.int32)
    shifts = np.arange(len(planes) - 1, -1, -1, dtype=np.uint64) * np.uint64(16)
    colours = ((keys[:found][order][:, None] >> shifts) & np.uint64(0xFFFF)).astype(np.uint16)
    return colours, rank[indices]


@njit(cache=True, nogil=True)
def _number(first, second, third, fourth, count, keys, indices):
    """Number colours in the order of their first samples.

    Args:
        first: (samples,) unsigned integers.
        second: the same, looked at if ``count`` is 2 or more; and so on.
        third: the same.
        fourth: the same.
        count: how many of the four make a colour.
        keys: (most,) uint64, written: colours.
        indices: (samples,) int32, written: number of each sample's colour.

    Returns:
        How many colours there are; ``len(keys) + 1`` if there are more than fit.
    """
    bits = 2
    while 1 << bits < 2 * len(keys):
        bits += 1
    table = np.full(1 << bits, -1, np.int32)
    wide = np.uint64(16)
    found = 0
    last, number = np.uint64(0), np.int64(-1)
    for i in range(len(first)):
        key = np.uint64(first[i])
        if count > 1:
            key = key << wide | np.uint64(second[i])
        if count > 2:
            key = key << wide | np.uint64(third[i])
        if count > 3:
            key = key << wide | np.uint64(fourth[i])
        if number < 0 or key != last:
            # multiplicative hashing, open addressing
            slot = np.int64((key * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(64 - bits))
            number = np.int64(table[slot])
            while number >= 0 and keys[number] != key:
                slot = (slot + 1) & ((1 << bits) - 1)
                number = np.int64(table[slot])
            if number < 0:
                if found == len(keys):
                    return found + 1
                number = found
                table[slot], keys[found] = number, key
                found += 1
            last = key
        indices[i] = number
    return found


def pack(colours: np.ndarray, depth: int) -> bytes:
    """The bytes of a palette: two of their number and what ``_code`` writes; none if empty.

    Args:
        colours: (colours, planes) uint16.
        depth: bits a sample.
    """
    if not len(colours):
        return b""
    encoder = Encoder()
    _code(encoder.coder, new_contexts(_CONTEXTS), colours.astype(np.int64), (1 << depth) - 1)
    data = encoder.finish()
    return len(data).to_bytes(2, "little") + data


def unpack(data: memoryview, count: int, planes: int, depth: int) -> tuple[np.ndarray, memoryview]:
    """Read what ``pack`` wrote.

    Returns:
        uint16 (count, planes), and the bytes behind.

    Raises:
        BitstreamError: when the data end too early.
    """
    colours = np.zeros((count, planes), np.int64)
    if count:
        end = 2 + int.from_bytes(data[:2], "little")
        if len(data) < end:
            raise BitstreamError("the palette is cut short")
        decoder = Decoder(data[2:end])
        _code(decoder.coder, new_contexts(_CONTEXTS), colours, (1 << depth) - 1)
        decoder.finish()
        data = data[end:]
    return colours.astype(np.uint16), data


@njit(cache=True, nogil=True)
def _code(coder, contexts, colours, most):
    """Code or decode colours in ascending order.

    The first plane's value is coded against that of the colour before, the second and third
    against the value before it in the same colour (most colours are nearly gray), the fourth,
    alpha, against that of the colour before.
    """
    for i in range(colours.shape[0]):
        gray = 0
        for c in range(colours.shape[1]):
            if c == 1 or c == 2:
                guess = colours[i, c - 1]
            else:
                guess = colours[i - 1, c] if i else np.int64(0)
            error = colours[i, c] - guess
            base = _KIND * (3 * c + gray)
            size = code_adaptive_exp_golomb(coder, contexts, base, 17, 0, abs(error))
            if size and c and code_bit(coder, contexts, base + _KIND - 1, error < 0):
                size = -size
            if c == 1 or c == 2:
                gray = 1 if size == 0 else 2
            colours[i, c] = min(max(guess + size, 0), most)
