"""Exact networks through which gradients flow: how outputs hang on inputs, for encoders.

The forward pass returns the integers of the network; the backward pass takes rounding for the
identity (the straight-through estimator, see ``kernels``) and clipping for what it is.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from ivc.nets.network import Network
from ivc.nets.proof import Arithmetic, prove
from ivc.nets.torch.kernels import exact_kernels, straight_floor
from ivc.nets.torch.runner import TYPES, compute


def run_differentiable(network: Network, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Run a network.

    Args:
        network: the network.
        inputs: whole numbers as float tensors (N, C, H, W), by name; within their ranges.

    Returns:
        The outputs by name, whole numbers as float tensors that carry gradients.
    """
    proofs = {proof.name: proof.arithmetic for proof in prove(network)}
    values: dict[str, Tensor] = dict(inputs)
    with exact_kernels():
        for node in network.nodes:
            narrow = proofs[node.name] is Arithmetic.FLOAT32
            dtype = TYPES[Arithmetic.FLOAT32 if narrow else Arithmetic.FLOAT64]
            sources = [values[source].to(dtype) for source in node.sources]
            values[node.name] = compute(node, sources, straight_floor)
    return {name: values[name] for name in network.outputs}


def leaf(array: npt.NDArray[np.generic]) -> Tensor:
    """An array as a float32 tensor with respect to which ``gradient`` is wanted."""
    return torch.from_numpy(np.ascontiguousarray(array, np.float32)).requires_grad_()


def constant(array: npt.NDArray[np.generic]) -> Tensor:
    """An array as a float32 tensor without gradient."""
    return torch.from_numpy(np.ascontiguousarray(array, np.float32))


def join(tensors: Sequence[Tensor]) -> Tensor:
    """Tensors of shape (H, W) as the channels of one, (1, C, H, W)."""
    return torch.stack(list(tensors))[None]


def decision_bits(
    logits: Tensor, yes: npt.NDArray[np.generic], no: npt.NDArray[np.generic], fraction_bits: int
) -> Tensor:
    """Ideal cost of binary decisions, bits.

    Args:
        logits: any shape; of "yes", with ``fraction_bits`` fractional bits.
        yes: how often each decision is "yes", of the same shape.
        no: how often it is "no".
        fraction_bits: of the logits.
    """
    x = logits / 2.0**fraction_bits
    nats = constant(yes) * functional.softplus(-x) + constant(no) * functional.softplus(x)
    return nats.sum() / math.log(2)


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Within this context PyTorch adds in one order, whatever the number of cores."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def gradient(total: Tensor, leaves: Sequence[Tensor]) -> list[npt.NDArray[np.float32]]:
    """Gradient of a scalar with respect to leaves."""
    found = torch.autograd.grad(total, list(leaves), allow_unused=True)
    return [
        np.zeros(tuple(x.shape), np.float32) if g is None else g.numpy()
        for g, x in zip(found, leaves, strict=True)
    ]
