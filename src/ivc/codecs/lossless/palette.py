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
    """The colours of planes of one size and the index of each sample's; None if too many.

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
