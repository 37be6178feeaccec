"""Rounding with a straight-through gradient, exact powers of two, and exact kernels."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor


class _RoundHalfUp(torch.autograd.Function):
    @staticmethod
    def forward(ctx: object, x: Tensor) -> Tensor:
        return torch.floor(x + 0.5)

    @staticmethod
    def backward(ctx: object, *gradients: Tensor) -> Tensor:
        return gradients[0]


def round_half_up(x: Tensor) -> Tensor:
    """``floor(x + 1/2)``, with the gradient of the identity.

    Source: Bengio, Léonard and Courville, "Estimating or Propagating Gradients Through Stochastic
    Neurons for Conditional Computation", 2013 (the straight-through estimator).
    """
    rounded: Tensor = _RoundHalfUp.apply(x)
    return rounded


class _StraightFloor(torch.autograd.Function):
    @staticmethod
    def forward(ctx: object, x: Tensor) -> Tensor:
        return torch.floor(x)

    @staticmethod
    def backward(ctx: object, *gradients: Tensor) -> Tensor:
        return gradients[0]


def straight_floor(x: Tensor) -> Tensor:
    """``floor(x)``, with the gradient of the identity."""
    rounded: Tensor = _StraightFloor.apply(x)
    return rounded


def power_of_two(exponent: Tensor, whole: Tensor | None = None) -> Tensor:
    """``2**whole`` exactly, with the gradient of ``2**exponent``.

    ``torch.exp2`` may be off by a bit even at integers.

    Args:
        exponent: what is learned, any shape.
        whole: the integers to use; ``exponent`` rounded half up by default.

    Returns:
        Powers in the type and on the device of ``exponent``.
    """
    if whole is None:
        whole = torch.floor(exponent.detach() + 0.5)
    exact = np.ldexp(1.0, whole.detach().cpu().numpy().astype(np.int32))
    power = torch.as_tensor(exact, dtype=exponent.dtype, device=exponent.device)
    # The factor is 1 exactly; its gradient is ln 2.
    return power * (1 + math.log(2) * (exponent - exponent.detach()))


@contextlib.contextmanager
def exact_kernels(strict: bool = True) -> Iterator[None]:
    """Within this context convolutions are plain sums of products.

    NNPACK's convolution on the CPU, and those of cuDNN that transform their input (Winograd, FFT),
    pass through numbers that are no integers; TF32 drops bits. oneDNN's are exact.

    Args:
        strict: False lets cuDNN run, for the speed of training, and only forbids TF32.
    """
    matmul = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = False
    try:
        with (
            torch.backends.nnpack.flags(enabled=False),
            torch.backends.cudnn.flags(enabled=not strict, allow_tf32=False),
        ):
            yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = matmul
