"""Pictures of few colours: one plane of indices into the colours in the order of their values."""

from __future__ import annotations

import numpy as np
from numba import njit

from ivc.errors import BitstreamError

MOST = 1024
"""Most colours of a palette."""


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
    """The bytes of a palette: as many as ``size`` says, one or two a value."""
    return colours.astype("<u2" if depth > 8 else "u1").tobytes()


def size(count: int, planes: int, depth: int) -> int:
    """Bytes of a palette."""
    return count * planes * (2 if depth > 8 else 1)


def unpack(data: memoryview, count: int, planes: int, depth: int) -> np.ndarray:
    """Read what ``pack`` wrote.

    Raises:
        BitstreamError: when the data end too early or a value is too large.
    """
    length = size(count, planes, depth)
    if len(data) < length:
        raise BitstreamError("the palette is cut short")
    colours = np.frombuffer(data[:length], "<u2" if depth > 8 else "u1")
    if count and int(colours.max()) >> depth:
        raise BitstreamError("a colour of the palette is out of range; the data are damaged")
    return colours.reshape(count, planes).astype(np.uint16)
