"""SSIM and MS-SSIM of the luma of one frame.

SSIM: Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, "Image quality assessment: from error
visibility to structural similarity", IEEE Transactions on Image Processing 13(4), 2004. Gaussian
window of 11 x 11, sigma 1.5, K1 = 0.01, K2 = 0.03, only positions where the whole window lies in
the picture; no automatic downsampling.

MS-SSIM: Z. Wang, E. P. Simoncelli, A. C. Bovik, "Multiscale structural similarity for image
quality assessment", Asilomar 2003. Five scales, each the 2 x 2 means of the one before it (an odd
last row or column is repeated).

Small pictures, for which neither paper says anything: a side shorter than 11 samples has a window
of the largest odd length that fits, and MS-SSIM uses only the scales whose shorter side holds the
window of 11 samples (at least the first), with their weights scaled to sum to 1. All five scales
need 161 samples.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from ivc.metrics.luma import luma_rows, strips
from ivc.metrics.pyramid import Rows, halved, rows_of
from ivc.types import Frames

WINDOW = 11
SIGMA = 1.5
K1, K2 = 0.01, 0.03
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)

Luma = npt.NDArray[np.float64]


def ssim(reference: Frames, test: Frames, index: int) -> float:
    """SSIM of frame ``index``, at most 1."""
    mean, _ = _scale(
        lambda start, stop: luma_rows(reference, index, start, stop),
        lambda start, stop: luma_rows(test, index, start, stop),
        (reference.height, reference.width),
        reference.format.max_value,
    )
    return mean


def ms_ssim(reference: Frames, test: Frames, index: int) -> float:
    """MS-SSIM of frame ``index``, 0 to 1; a negative contrast-structure term counts as 0."""
    peak = reference.format.max_value
    shape = reference.height, reference.width
    count = scale_count(*shape)
    weights = np.array(SCALE_WEIGHTS[:count]) / sum(SCALE_WEIGHTS[:count])
    pictures: list[Rows] = [
        lambda start, stop: luma_rows(reference, index, start, stop),
        lambda start, stop: luma_rows(test, index, start, stop),
    ]
    product = 1.0
    for level, weight in enumerate(weights):
        full, contrast_structure = _scale(pictures[0], pictures[1], shape, peak)
        product *= max(full if level == count - 1 else contrast_structure, 0.0) ** weight
        if level < count - 1:
            pictures = [rows_of(halved(rows, shape)) for rows in pictures]
            shape = -(-shape[0] // 2), -(-shape[1] // 2)
    return float(product)


def scale_count(height: int, width: int) -> int:
    """Number of scales that MS-SSIM uses for a picture, 1 to 5."""
    side = min(height, width)
    count = 1
    while count < len(SCALE_WEIGHTS) and (side := -(-side // 2)) >= WINDOW:
        count += 1
    return count


def _window(side: int) -> Luma:
    length = min(WINDOW, side - 1 + side % 2)
    weights = np.exp(-0.5 * ((np.arange(length) - length // 2) / SIGMA) ** 2)
    normalised: Luma = weights / weights.sum()
    return normalised


def _scale(reference: Rows, test: Rows, shape: tuple[int, int], peak: int) -> tuple[float, float]:
    """Means over all window positions of SSIM and of its contrast-structure factor."""
    height, width = shape
    vertical, horizontal = _window(height), _window(width)
    c1, c2 = (K1 * peak) ** 2, (K2 * peak) ** 2
    full = contrast_structure = 0.0
    for start, stop in strips(height, width, overlap=vertical.size - 1):
        sums = _ssim_sums(reference(start, stop), test(start, stop), vertical, horizontal, c1, c2)
        full += sums[0]
        contrast_structure += sums[1]
    positions = (height - vertical.size + 1) * (width - horizontal.size + 1)
    return full / positions, contrast_structure / positions


@njit(cache=True, nogil=True)
def _ssim_sums(
    a: Luma, b: Luma, vertical: Luma, horizontal: Luma, c1: float, c2: float
) -> tuple[float, float]:
    """Sums of SSIM and contrast-structure over the positions of the window inside (H, W)."""
    width = a.shape[1]
    rows = a.shape[0] - vertical.size + 1
    columns = width - horizontal.size + 1
    # a, b, a**2 + b**2 and a * b, filtered vertically and then both ways
    tall = np.empty((4, width))
    both = np.empty((4, columns))
    full = 0.0
    contrast_structure = 0.0
    for y in range(rows):
        tall[:] = 0.0
        mean_a, mean_b, squares, products = tall[0], tall[1], tall[2], tall[3]
        for k in range(vertical.size):
            weight = vertical[k]
            row_a = a[y + k]
            row_b = b[y + k]
            for x in range(width):
                p = row_a[x]
                q = row_b[x]
                mean_a[x] += weight * p
                mean_b[x] += weight * q
                squares[x] += weight * (p * p + q * q)
                products[x] += weight * (p * q)
        both[:] = 0.0
        for channel in range(4):
            source = tall[channel]
            target = both[channel]
            for k in range(horizontal.size):
                weight = horizontal[k]
                shifted = source[k : k + columns]
                for x in range(columns):
                    target[x] += weight * shifted[x]
        mean_a, mean_b, squares, products = both[0], both[1], both[2], both[3]
        for x in range(columns):
            mean_product = mean_a[x] * mean_b[x]
            mean_squares = mean_a[x] * mean_a[x] + mean_b[x] * mean_b[x]
            structure = (2.0 * (products[x] - mean_product) + c2) / (squares[x] - mean_squares + c2)
            full += structure * ((2.0 * mean_product + c1) / (mean_squares + c1))
            contrast_structure += structure
    return full, contrast_structure
