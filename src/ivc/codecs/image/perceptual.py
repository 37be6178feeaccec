"""Encoder: how much errors matter where, for pictures that are judged by structural similarity.

SSIM divides the squared error of a window by the variance of the picture there, plus a constant; so
an error in a flat region costs more than the same error in a busy one. Multi-scale SSIM does so at
five sizes; a level of the wavelet is mainly seen at its own.

Source: Wang, Simoncelli and Bovik, "Multi-Scale Structural Similarity for Image Quality
Assessment", 2003.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from ivc.codecs.image.constants import LEVELS

Float32 = npt.NDArray[np.float32]

_CONSTANT = (0.03 * 255) ** 2
"""C2 of SSIM."""
_TYPICAL = 400.0
"""Variance in squared 8-bit units at which errors weigh about what they weigh without this."""
_POWER = 0.75
"""Of the ratio of variances; found by experiment on photographs, as are the factors."""
_FACTORS = {1: 0.3, 2: 0.8}
"""Multi-scale SSIM gives the finest of its sizes a weight of 0.04, the others 0.13 to 0.3."""
_WINDOWS = (5, 3, 1)
"""Sides of windows of about 11 samples of the picture above a level: at the level, and coarser."""


def importance(details: Mapping[tuple[int, int], Float32]) -> dict[int, Float32]:
    """Weights of squared errors at every level.

    Args:
        details: interleaved luma coefficients by level and plane 0, of ``frame.Analysis``.

    Returns:
        (H, W) float32 by level, H and W being those of its coarse picture.
    """
    energies = {level: _energy(details[level, 0]) / 4.0**level for level in range(1, LEVELS + 1)}
    weights = {}
    for level in range(1, LEVELS + 1):
        shape = energies[level].shape
        variance = np.zeros(shape, np.float64)
        for coarser, side in enumerate(_WINDOWS):
            if level + coarser <= LEVELS:
                mean = _box(energies[level + coarser], side)
                factor = 1 << coarser
                variance += mean.repeat(factor, 0).repeat(factor, 1)[: shape[0], : shape[1]]
        ratio = (_TYPICAL + _CONSTANT) / (variance + _CONSTANT)
        weights[level] = (_FACTORS.get(level, 1.0) * ratio**_POWER).astype(np.float32)
    return weights


def _energy(plane: Float32) -> npt.NDArray[np.float64]:
    """Sum of the squares of a level's three details at each place; (H, W)."""
    squares = np.square(plane.astype(np.float64))
    total = np.zeros(squares[0::2, 0::2].shape)
    for band in (squares[1::2, 0::2], squares[0::2, 1::2], squares[1::2, 1::2]):
        total[: band.shape[0], : band.shape[1]] += band
    return total


def _box(values: npt.NDArray[np.float64], side: int) -> npt.NDArray[np.float64]:
    """Mean over a square window, its edges repeated."""
    reach = side // 2
    padded = np.pad(values, reach, mode="edge")
    for axis in (0, 1):
        sums = np.cumsum(padded, axis)
        sums = np.concatenate([np.zeros_like(sums.take([0], axis)), sums], axis)
        count = sums.shape[axis] - side
        padded = sums.take(range(side, side + count), axis) - sums.take(range(count), axis)
    return padded / side**2
