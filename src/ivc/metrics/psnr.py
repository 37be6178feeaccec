"""Mean squared errors of one frame, and the PSNR that they amount to.

PSNR = 10 log10(peak**2 / MSE) with peak = 2**depth - 1. Errors of integer planes are summed as
integers and are exact.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from numba import njit

from ivc.metrics.luma import strips, ycbcr_error_rows
from ivc.types import Frames, Layout

if TYPE_CHECKING:
    from ivc.types import Plane

YUV_WEIGHTS = (6 / 8, 1 / 8, 1 / 8)
"""Weights of the PSNRs of Y, U and V in the common mean of the video groups (6:1:1)."""


@njit(cache=True, nogil=True)
def _sum_of_squared_errors(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> int:
    total = np.int64(0)
    for y in range(a.shape[0]):
        row_a = a[y]
        row_b = b[y]
        row = np.int64(0)
        for x in range(row_a.size):
            difference = np.int64(row_a[x]) - np.int64(row_b[x])
            row += difference * difference
        total += row
    return total  # type: ignore[return-value]


def plane_mse(reference: Plane, test: Plane) -> float:
    """Mean squared error of two planes of one frame, shape (H, W) each."""
    # One memory layout, so that the kernel is compiled once.
    a, b = np.ascontiguousarray(reference), np.ascontiguousarray(test)
    return int(_sum_of_squared_errors(a, b)) / a.size


def colour_mse(reference: Frames, test: Frames, index: int) -> tuple[float]:
    """MSE over R, G and B together, or over luma for gray and YUV."""
    planes = 3 if reference.format.layout is Layout.RGB else 1
    errors = [
        plane_mse(a[index], b[index])
        for a, b in zip(reference.planes[:planes], test.planes[:planes], strict=True)
    ]
    return (sum(errors) / planes,)


def yuv_mse(reference: Frames, test: Frames, index: int) -> tuple[float, ...]:
    """MSE of Y, U and V (of Y, Cb and Cr for RGB); of luma alone for gray."""
    if reference.format.layout is not Layout.RGB:
        planes = reference.format.layout.planes
        return tuple(
            plane_mse(a[index], b[index])
            for a, b in zip(reference.planes[:planes], test.planes[:planes], strict=True)
        )
    sums = np.zeros(3)
    for start, stop in strips(reference.height, reference.width):
        for channel, error in enumerate(ycbcr_error_rows(reference, test, index, start, stop)):
            sums[channel] += np.square(error).sum()
    return tuple(float(s) / (reference.width * reference.height) for s in sums)


def luma_mse(reference: Frames, test: Frames, index: int) -> tuple[float]:
    """MSE of luma."""
    if reference.format.layout is Layout.RGB:
        return (yuv_mse(reference, test, index)[0],)
    return colour_mse(reference, test, index)


def psnr_of_mse(errors: Sequence[float], peak: int) -> float:
    """PSNR in dB of one MSE, or the 6:1:1 mean of the PSNRs of the three MSEs of Y, U and V.

    An MSE of 0 has a PSNR of infinity; so has a mean that it is part of.
    """
    values = [10 * math.log10(peak * peak / mse) if mse else math.inf for mse in errors]
    if len(values) == 1:
        return values[0]
    return sum(weight * value for weight, value in zip(YUV_WEIGHTS, values, strict=True))
