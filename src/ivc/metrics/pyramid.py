"""Planes that are read strip by strip, and their halves, of which scales are made."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from ivc.metrics.luma import strips

Rows = Callable[[int, int], npt.NDArray[np.float64]]
"""Rows ``start`` to ``stop`` of a plane, shape (stop - start, W)."""


def rows_of(plane: npt.NDArray[np.float32]) -> Rows:
    """Reads a plane that is held in single precision."""
    return lambda start, stop: plane[start:stop].astype(np.float64)


def halved(rows: Rows, shape: tuple[int, int]) -> npt.NDArray[np.float32]:
    """The 2 x 2 means of a plane, shape (ceil(H / 2), ceil(W / 2)).

    An odd last row or column is repeated.
    """
    height, width = shape
    half = np.empty((-(-height // 2), -(-width // 2)), np.float32)
    for start, stop in strips(half.shape[0], half.shape[1]):
        strip = rows(2 * start, min(2 * stop, height))
        strip = np.pad(strip, ((0, strip.shape[0] % 2), (0, width % 2)), mode="edge")
        half[start:stop] = (
            strip[::2, ::2] + strip[1::2, ::2] + strip[::2, 1::2] + strip[1::2, 1::2]
        ) * 0.25
    return half
