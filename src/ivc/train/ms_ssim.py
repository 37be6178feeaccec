"""MS-SSIM of RGB pictures with a gradient, for training; ``ivc.metrics`` has the one for results.

Same windows, constants, weights and 2 x 2 means, see ``ivc.metrics.ssim``, on each channel instead
of luma. Small patches use fewer scales, as there: all five need 161 samples.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from ivc.metrics.ssim import K1, K2, SCALE_WEIGHTS, SIGMA, WINDOW, scale_count

_LEAST = 1e-4
"""Terms are held above this: a root of zero has no gradient."""


def ms_ssim(reference: Tensor, test: Tensor, peak: float = 255.0) -> Tensor:
    """MS-SSIM of each picture, a mean over its channels.

    Args:
        reference: (N, C, H, W), sides of at least 11.
        test: the same.
        peak: largest value of a sample.

    Returns:
        (N,), at most 1.
    """
    count = scale_count(*reference.shape[-2:])
    weights = [weight / sum(SCALE_WEIGHTS[:count]) for weight in SCALE_WEIGHTS[:count]]
    product = reference.new_ones(reference.shape[:2])
    for level, weight in enumerate(weights):
        full, contrast_structure = _scale(reference, test, peak)
        term = full if level == count - 1 else contrast_structure
        product = product * term.clamp(min=_LEAST) ** weight
        if level < count - 1:
            reference, test = _halve(reference), _halve(test)
    return product.mean(1)


def _halve(x: Tensor) -> Tensor:
    height, width = x.shape[-2:]
    x = functional.pad(x, (0, width % 2, 0, height % 2), mode="replicate")
    return functional.avg_pool2d(x, 2)


def _scale(a: Tensor, b: Tensor, peak: float) -> tuple[Tensor, Tensor]:
    """Means of SSIM and of its contrast-structure factor, each (N, C)."""
    offsets = torch.arange(WINDOW, dtype=a.dtype, device=a.device) - WINDOW // 2
    window = torch.exp(-0.5 * (offsets / SIGMA) ** 2)
    window = window / window.sum()

    def blur(x: Tensor) -> Tensor:
        flat = x.flatten(0, 1).unsqueeze(1)
        flat = functional.conv2d(flat, window.view(1, 1, -1, 1))
        flat = functional.conv2d(flat, window.view(1, 1, 1, -1))
        return flat.squeeze(1).unflatten(0, x.shape[:2])

    c1, c2 = (K1 * peak) ** 2, (K2 * peak) ** 2
    mean_a, mean_b = blur(a), blur(b)
    variance_a, variance_b = blur(a * a) - mean_a**2, blur(b * b) - mean_b**2
    covariance = blur(a * b) - mean_a * mean_b
    structure = (2 * covariance + c2) / (variance_a + variance_b + c2)
    luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    return (luminance * structure).mean((-1, -2)), structure.mean((-1, -2))
