"""Pictures of few colours: one plane of indices into the colours in the order of their values."""

from __future__ import annotations

import numpy as np

from ivc.errors import BitstreamError

MOST = 1024
"""Most colours of a palette."""


def find(planes: list[np.ndarray], most: int = MOST) -> tuple[np.ndarray, np.ndarray] | None:
    """The colours of planes of one size, and the index of each sample's; None if there are too many.

    Args:
        planes: unsigned integers, one shape, at most four of them.
        most: most colours.

    Returns:
        uint16 (colours, planes) in ascending order of the first plane, then the next; and int32
        indices of the planes' shape.
    """
    keys = np.zeros(planes[0].shape, np.uint64)
    for plane in planes:
        keys = keys << np.uint64(16) | plane.astype(np.uint64)
    sample = keys.reshape(-1)[:: max(keys.size // 65536, 1)]
    if len(np.unique(sample)) > most:
        return None
    values, indices = np.unique(keys, return_inverse=True)
    if len(values) > most:
        return None
    shifts = np.arange(len(planes) - 1, -1, -1, dtype=np.uint64) * np.uint64(16)
    colours = ((values[:, None] >> shifts) & np.uint64(0xFFFF)).astype(np.uint16)
    return colours, indices.reshape(keys.shape).astype(np.int32)


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
