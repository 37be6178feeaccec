"""SSIMULACRA 2.1 of one frame, on sRGB pictures.

J. Sneyers, "SSIMULACRA 2 - Structural SIMilarity Unveiling Local And Compression Related
Artifacts", Cloudinary, 2022, as updated in April 2023 (version 2.1; github.com/cloudinary/
ssimulacra2). Written anew after that program, which is the only full description; the weights are
its own.

At up to six scales, each the 2 x 2 means of the linear RGB of the one before it, the pictures
become the XYB of JPEG XL, moved to about 0..1. Three maps of errors are made of each component: one
minus an SSIM without the denominator of its luminance term, edges that the test has and the
reference has not (ringing, blocks, banding), and edges that it has lost (blur). The mean and the
4-norm of each map are weighed, summed and bent to a scale on which 100 is identical, 90 visually
lossless, 70 high, 50 medium and 30 low quality; below 0 the pictures have little in common.

The Gaussian window of sigma 1.5 is the one of libjxl: a sum of three truncated cosines after D.
Charalampidis, "Recursive implementation of the Gaussian filter using truncated cosine functions",
IEEE Transactions on Signal Processing 64(14), 2016. Its recursion has an impulse response of nine
taps, which is what is applied here, in double precision; beyond the picture there are zeros.
"""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt
from numba import njit

from ivc.errors import UsageError
from ivc.metrics.luma import strips
from ivc.metrics.pyramid import Rows, halved, rows_of
from ivc.metrics.rgb import rgb_planes
from ivc.types import Frames

SCALES = 6
SMALLEST_SIDE = 8
SIGMA = 1.5
C2 = 0.0009

OPSIN = np.array(
    [
        [0.30, 0.622, 0.078],
        [0.23, 0.692, 0.078],
        [0.24342268924547819, 0.20476744424496821, 0.5518098665095536],
    ]
)
OPSIN_BIAS = 0.0037930732552754493
XYB_SCALE = np.array([14.0, 1.0, 1.0])
XYB_OFFSET = np.array([0.42, 0.01, 0.55])

WEIGHTS = {
    (0, 0): (0, 0.0007376606707406586, 0, 0, 0.0007793481682867309, 0),
    (0, 1): (0, 0.0004371155730107379, 0, 1.1041726426657346, 0.00066284834129271,
             0.00015231632783718752),
    (0, 2): (0, 0.0016406437456599754, 0, 1.8422455520539298, 11.441172603757666, 0),
    (0, 3): (0.0007989109436015163, 0.000176816438078653, 0, 1.8787594979546387,
             10.94906990605142, 0),
    (0, 4): (0.0007289346991508072, 0.9677937080626833, 0, 0.00014003424285435884,
             0.9981766977854967, 0.00031949755934435053),
    (0, 5): (0.0004550992113792063, 0, 0, 0.0013648766163243398, 0, 0),
    (1, 0): (0, 0, 0, 7.466890328078848, 0, 17.445833984131262),
    (1, 1): (0.0006235601634041466, 0, 0, 6.683678146179332, 0.00037724407979611296,
             1.027889937768264),
    (1, 2): (225.20515300849274, 0, 0, 19.213238186143016, 0.0011401524586618361,
             0.001237755635509985),
    (1, 3): (176.39317598450694, 0, 0, 24.43300999870476, 0.28520802612117757,
             0.0004485436923833408),
    (1, 4): (0, 0, 0, 34.77906344483772, 44.835625328877896, 0),
    (1, 5): (0, 0, 0, 0, 0, 0),
    (2, 0): (0, 0.0008680556573291698, 0, 0, 0, 0),
    (2, 1): (0, 0.0005313191874358747, 0, 0.00016533814161379112, 0, 0),
    (2, 2): (0, 0, 0, 0.0004179171803251336, 0.0017290828234722833, 0),
    (2, 3): (0.0020827005846636437, 0, 0, 8.826982764996862, 23.19243343998926, 0),
    (2, 4): (95.1080498811086, 0.9863978034400682, 0.9834382792465353, 0.0012286405048278493,
             171.2667255897307, 0.9807858872435379),
    (2, 5): (0, 0, 0, 0.0005130064588990679, 0, 0.00010854057858411537),
}  # fmt: skip
"""By component and scale: of the means of structure, added and lost edges, then of the 4-norms."""

Strip = npt.NDArray[np.float64]


def ssimulacra2(reference: Frames, test: Frames, index: int) -> float:
    """SSIMULACRA 2.1 of frame ``index``, at most 100.

    Raises:
        UsageError: for YUV, and for a side of fewer than 8 samples.
    """
    shape = reference.height, reference.width
    if min(shape) < SMALLEST_SIDE:
        raise UsageError(
            f"ssimulacra2 needs pictures of at least {SMALLEST_SIDE}x{SMALLEST_SIDE} samples"
        )
    pictures = [_linear(frames, index) for frames in (reference, test)]
    norms: list[npt.NDArray[np.float64]] = []
    for scale in range(SCALES):
        # The original asks for the size before it halves: the last scale may have a side of 4.
        if min(shape) < SMALLEST_SIDE:
            break
        if scale:
            pictures = [[rows_of(halved(rows, shape)) for rows in planes] for planes in pictures]
            shape = -(-shape[0] // 2), -(-shape[1] // 2)
        norms.append(_norms(pictures[0], pictures[1], shape))
    return _score(np.array(norms))


def _score(norms: npt.NDArray[np.float64]) -> float:
    """The figure of norms, shape (scales, components, 6)."""
    # The original counts through the weights, so that with fewer than six scales those of the
    # later components are not in their place. Its figures for small pictures are of that kind.
    weights = np.array(list(WEIGHTS.values()))[: 3 * len(norms)]
    error = float((weights * norms.transpose(1, 0, 2).reshape(-1, 6)).sum()) * 0.9562382616834844
    error = (
        2.326765642916932 * error
        - 0.020884521182843837 * error**2
        + 6.248496625763138e-05 * error**3
    )
    return 100.0 - 10.0 * error**0.6276336467831387 if error > 0 else 100.0


def _linear(frames: Frames, index: int) -> list[Rows]:
    """Linear R, G and B in 0..1, by the transfer function of sRGB."""
    planes = rgb_planes("ssimulacra2", frames, index)
    values = np.arange(frames.format.max_value + 1) / frames.format.max_value
    table = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)

    def reader(channel: int) -> Rows:
        return lambda start, stop: table[planes[channel][start:stop]]

    return [reader(channel) for channel in range(3)]


def _norms(reference: list[Rows], test: list[Rows], shape: tuple[int, int]) -> Strip:
    """Means and 4-norms of the maps of one scale, shape (components, 6)."""
    height, width = shape
    window = _window()
    reach = window.size // 2
    sums = np.zeros((3, 6))
    for start, stop in strips(height, width):
        low, high = max(start - reach, 0), min(stop + reach, height)
        outside = (
            (0, 0), (low - (start - reach), (stop + reach) - high), (reach, reach),
        )  # fmt: skip
        a, b = (
            np.pad(_xyb([rows(low, high) for rows in planes]), outside)
            for planes in (reference, test)
        )
        for component in range(3):
            sums[component] += _map_sums(a[component], b[component], window)
    sums /= height * width
    sums[:, 3:] **= 0.25
    return sums


def _xyb(linear: list[Strip]) -> Strip:
    """X, Y and B - Y of linear R, G and B, all in about 0..1; shape (3, H, W)."""
    red, green, blue = linear
    xyb = np.empty((3, *red.shape))
    long, medium, short = (
        np.cbrt(weights[0] * red + weights[1] * green + weights[2] * blue + OPSIN_BIAS)
        - np.cbrt(OPSIN_BIAS)
        for weights in OPSIN
    )
    xyb[0] = (long - medium) / 2
    xyb[1] = (long + medium) / 2
    xyb[2] = short - xyb[1]
    return xyb * XYB_SCALE[:, None, None] + XYB_OFFSET[:, None, None]


@functools.cache
def _window() -> Strip:
    """The taps of the window, from the numbered equations of Charalampidis."""
    radius = round(3.2795 * SIGMA + 0.2546)  # (57)
    k = np.array([1, 3, 5])
    omega = k * np.pi / (2 * radius)
    sign = np.array([1, -1, 1])
    p = sign / np.tan(omega / 2)  # (37)
    r = sign * p**2 / np.sin(omega)  # (44)
    rho = np.exp(-0.5 * SIGMA**2 * omega**2) / radius  # (50)
    d13, d35, d51 = (p[i] * r[j] - r[i] * p[j] for i, j in ((0, 1), (1, 2), (2, 0)))
    zeta = np.array([d35 / d13, d51 / d13, 1.0])  # (52)
    beta = np.linalg.solve(
        np.array([p, r, zeta]), np.array([1.0, radius**2 - SIGMA**2, zeta @ rho])
    )  # (53), (55), (56)
    positions = np.arange(1 - radius, radius)
    window: Strip = (beta[:, None] * np.cos(omega[:, None] * positions)).sum(axis=0)
    return window


@njit(cache=True, nogil=True)
def _map_sums(a: Strip, b: Strip, window: Strip) -> Strip:
    """Sums of structure, added and lost edges over the inner positions, and of 4th powers."""
    taps = window.size
    reach = taps // 2
    width = a.shape[1]
    columns = width - taps + 1
    # a, b, a**2, b**2 and a * b, filtered vertically and then both ways
    tall = np.empty((5, width))
    both = np.empty((5, columns))
    sums = np.zeros(6)
    for y in range(a.shape[0] - taps + 1):
        tall[:] = 0.0
        for k in range(taps):
            weight = window[k]
            row_a = a[y + k]
            row_b = b[y + k]
            for x in range(width):
                p = row_a[x]
                q = row_b[x]
                tall[0, x] += weight * p
                tall[1, x] += weight * q
                tall[2, x] += weight * (p * p)
                tall[3, x] += weight * (q * q)
                tall[4, x] += weight * (p * q)
        both[:] = 0.0
        for channel in range(5):
            source = tall[channel]
            target = both[channel]
            for k in range(taps):
                weight = window[k]
                for x in range(columns):
                    target[x] += weight * source[x + k]
        centre_a = a[y + reach]
        centre_b = b[y + reach]
        for x in range(columns):
            mean_a = both[0, x]
            mean_b = both[1, x]
            difference = mean_a - mean_b
            structure = (2.0 * (both[4, x] - mean_a * mean_b) + C2) / (
                (both[2, x] - mean_a * mean_a) + (both[3, x] - mean_b * mean_b) + C2
            )
            error = max(1.0 - (1.0 - difference * difference) * structure, 0.0)
            edges = (1.0 + abs(centre_b[x + reach] - mean_b)) / (
                1.0 + abs(centre_a[x + reach] - mean_a)
            ) - 1.0
            added = max(edges, 0.0)
            lost = max(-edges, 0.0)
            sums[0] += error
            sums[1] += added
            sums[2] += lost
            sums[3] += error**4
            sums[4] += added**4
            sums[5] += lost**4
    return sums
