"""The opponent planes of ``ivc.signal.colour.rgb_to_opponent`` as real numbers, with gradients."""

from __future__ import annotations

import torch
from torch import Tensor

from ivc.codecs.image.planes import TO_OPPONENT

OPPONENT = TO_OPPONENT.tolist()
"""RGB to luma, red against blue, green against both. Its rows are orthogonal and equally long: the
squared error of a pixel, added over the planes, is its mean squared error over R, G and B."""


def to_planes(rgb: Tensor) -> Tensor:
    """Opponent planes of RGB of any number type, (N, 3, H, W), both in 8-bit units."""
    matrix = torch.tensor(OPPONENT, device=rgb.device)
    return torch.einsum("ij,njhw->nihw", matrix, rgb.float())


def to_rgb(planes: Tensor) -> Tensor:
    """RGB of opponent planes, (N, 3, H, W), neither rounded nor clipped."""
    # an orthogonal matrix whose rows have the squared length 1/3
    matrix = 3 * torch.tensor(OPPONENT, device=planes.device).T
    return torch.einsum("ij,njhw->nihw", matrix, planes)
