"""The 9/7 wavelet of ``ivc.signal.wavelet`` in PyTorch, for whole batches of even sizes.

Same lifting steps, same gains, same order of bands; float32.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ivc.signal.wavelet import LIFTING, LOW_GAIN


def _lift(target: Tensor, source: Tensor, weight: float, towards: int) -> Tensor:
    """``target + weight * (source + source shifted by one)``, mirrored at the ends (last axis)."""
    if towards > 0:
        shifted = torch.cat([source[..., 1:], source[..., -1:]], -1)
    else:
        shifted = torch.cat([source[..., :1], source[..., :-1]], -1)
    return target + weight * (source + shifted)


def _split(x: Tensor) -> tuple[Tensor, Tensor]:
    low, high = x[..., 0::2], x[..., 1::2]
    for index, weight in enumerate(LIFTING):
        if index % 2 == 0:
            high = _lift(high, low, weight, 1)
        else:
            low = _lift(low, high, weight, -1)
    return low * LOW_GAIN, high / LOW_GAIN


def _join(low: Tensor, high: Tensor) -> Tensor:
    low, high = low / LOW_GAIN, high * LOW_GAIN
    for index in reversed(range(len(LIFTING))):
        if index % 2 == 0:
            high = _lift(high, low, -LIFTING[index], 1)
        else:
            low = _lift(low, high, -LIFTING[index], -1)
    return torch.stack([low, high], -1).flatten(-2)


def forward(x: Tensor) -> tuple[Tensor, Tensor]:
    """One level: (..., H, W) to the coarse picture and details (..., 3, H/2, W/2).

    The details are: horizontal low and vertical high, horizontal high and vertical low, both high.
    """
    low, high = _split(x)
    coarse, vertical = _split(low.transpose(-1, -2))
    horizontal, diagonal = _split(high.transpose(-1, -2))
    details = torch.stack([vertical, horizontal, diagonal], -3).transpose(-1, -2)
    return coarse.transpose(-1, -2), details


def inverse(coarse: Tensor, details: Tensor) -> Tensor:
    """Undo ``forward``."""
    vertical, horizontal, diagonal = details.transpose(-1, -2).unbind(-3)
    low = _join(coarse.transpose(-1, -2), vertical).transpose(-1, -2)
    high = _join(horizontal, diagonal).transpose(-1, -2)
    return _join(low, high)
