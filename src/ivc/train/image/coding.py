"""What the encoder does, in PyTorch: the forward pass of training.

A picture's planes go through the wavelet; then each level, from the coarsest to the finest, is
predicted from what has been decoded, divided by the step, rounded and measured, in the passes of
``ivc.codecs.image.passes``.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ivc.codecs.image.constants import FLAGS, LEVELS, MAX_FEATURE, SHRINK, UNARY_LIMIT
from ivc.codecs.image.passes import PASSES, Pass
from ivc.nets.torch import IntTensor
from ivc.train.image import wavelet
from ivc.train.image.networks import ALL_FEATURES, COEFFICIENTS, HIDDEN_BITS, STEP, Networks


@dataclass(frozen=True)
class Rounding:
    """How the encoder turns real coefficients into integers.

    Attributes:
        offset: added before the fraction is dropped; 0.5 is to nearest.
        lambda_rd: squared steps that a bit is worth; 0 switches the search off.
        shrink: how far decoded magnitudes are moved towards zero, in steps.
    """

    offset: float = 0.38
    lambda_rd: float = 0.0
    shrink: float = SHRINK / 64


def features(q: Tensor) -> tuple[Tensor, Tensor]:
    """What networks see of coefficients: signed and unsigned piecewise linear log2(1 + |q|).

    Args:
        q: whole numbers, float.

    Returns:
        Two tensors of the shape of ``q``: multiples of 1/16.
    """
    m = q.abs() + 1
    exponent = torch.floor(torch.log2(m))
    power = torch.exp2(exponent)
    value = (16 * exponent + torch.floor(16 * m / power) - 16).clamp(max=MAX_FEATURE) / 16
    return torch.sign(q) * value, value


def magnitude_bits(logits: Tensor, magnitude: Tensor) -> Tensor:
    """Bits of magnitudes, without the sign.

    Args:
        logits: (..., FLAGS, H, W).
        magnitude: (..., H, W), whole.
    """
    zero, _, one, two, more = logits.unbind(-3)
    nats = functional.softplus(torch.where(magnitude > 0, -zero, zero))
    nats = nats + (magnitude > 0) * functional.softplus(torch.where(magnitude > 1, -one, one))
    nats = nats + (magnitude > 1) * functional.softplus(torch.where(magnitude > 2, -two, two))
    further = (magnitude.clamp(max=UNARY_LIMIT) - 3).clamp(min=0)
    ends = ((magnitude > 2) & (magnitude < UNARY_LIMIT)).float()
    nats = nats + further * functional.softplus(-more) + ends * functional.softplus(more)
    beyond = (magnitude - UNARY_LIMIT).clamp(min=0)
    escape = (magnitude >= UNARY_LIMIT) * (2 * torch.floor(torch.log2(beyond + 1)) + 1)
    return nats / math.log(2) + escape


def sign_bits(logits: Tensor, q: Tensor) -> Tensor:
    """Bits of the signs of whole numbers ``q`` (..., H, W), zero where there is none."""
    negative = logits[..., 1, :, :]
    return (q != 0) * functional.softplus(torch.where(q < 0, -negative, negative)) / math.log(2)


def quantise(x: Tensor, logits: Tensor, rounding: Rounding) -> Tensor:
    """The integers that the encoder chooses for coefficients in units of the step."""
    magnitude = x.abs()
    if not rounding.lambda_rd:
        return torch.sign(x) * torch.floor(magnitude + rounding.offset)
    nearest = torch.floor(magnitude + 0.5)
    best = torch.zeros_like(x)
    best_cost = magnitude**2 + rounding.lambda_rd * magnitude_bits(logits, best)
    sign = sign_bits(logits, x)
    for candidate in (nearest, (nearest - 1).clamp(min=0)):
        cost = (magnitude - (candidate - rounding.shrink)) ** 2
        cost = cost + rounding.lambda_rd * (magnitude_bits(logits, candidate) + sign)
        better = (cost < best_cost) & (candidate > 0)
        best = torch.where(better, candidate, best)
        best_cost = torch.where(better, cost, best_cost)
    return torch.sign(x) * best


def chessboard(height: int, width: int, device: torch.device) -> Tensor:
    """True at black places: where row and column add up to an even number; (H, W)."""
    rows = torch.arange(height, device=device)[:, None]
    return (rows + torch.arange(width, device=device)) % 2 == 0


def _int(values: Tensor) -> IntTensor:
    return IntTensor(values, COEFFICIENTS.exponent, COEFFICIENTS.low, COEFFICIENTS.high)


class LevelCoder:
    """The five passes over one level of a batch.

    Args:
        networks: of this codec.
        level: 1 is the finest.
        features_in: features of this level, from its trunk.
        target: details in units of the step, (N, 3, 3, H, W): plane, band.
        rounding: how to quantise.

    Attributes:
        q: the integers chosen, shape of ``target``.
        bits: sum of the bits of each picture, (N,); carries the gradient.
    """

    def __init__(
        self, networks: Networks, level: int, features_in: IntTensor, target: Tensor,
        rounding: Rounding,
    ) -> None:  # fmt: skip
        self.passes = networks.level(level).passes
        self.features, self.target, self.rounding = features_in, target, rounding
        self.q = torch.zeros_like(target)
        self.signed = torch.zeros_like(target)
        self.unsigned = torch.zeros_like(target)
        self.bits = torch.zeros(len(target), device=target.device)
        black = chessboard(target.shape[-2], target.shape[-1], target.device)
        self.places = [black, ~black, torch.ones_like(black)]
        for index, part in enumerate(PASSES):
            self._code(index, part)

    def _code(self, index: int, part: Pass) -> None:
        inputs = []
        if part.knows:
            # what this pass codes is still zero
            stack = [self.signed[:, p, b] for p, b in part.knows]
            stack += [self.unsigned[:, p, b] for p, b in part.knows]
            inputs = [_int(torch.stack(stack, 1))]
        logits = self.passes[index](self.features, *inputs).value
        logits = logits.unflatten(1, (-1, FLAGS))
        for i, (plane, band, places) in enumerate(part.codes):
            mask = self.places[places]
            x = self.target[:, plane, band]
            own = logits[:, i]
            with torch.no_grad():
                q = quantise(x, own, self.rounding) * mask
                signed, unsigned = features(q)
                self.q[:, plane, band] += q
                self.signed[:, plane, band] += signed
                self.unsigned[:, plane, band] += unsigned
            bits = magnitude_bits(own, q.abs()) + sign_bits(own, q)
            self.bits = self.bits + (bits * mask).sum((-1, -2))


@dataclass
class Coded:
    """What a batch became.

    Attributes:
        planes: the decoded planes before synthesis, (N, 3, H, W).
        bits: bits of each picture by level, (N, LEVELS), finest first; the coarsest picture's not.
        prediction_loss: how badly details were predicted, in bits or so a picture; (N,).
    """

    planes: Tensor
    bits: Tensor
    prediction_loss: Tensor


def code(networks: Networks, planes: Tensor, step: Tensor, rounding: Rounding) -> Coded:
    """Encode and decode a batch.

    Args:
        networks: of this codec.
        planes: (N, 3, H, W) in 8-bit units; H and W multiples of ``2**LEVELS``.
        step: (N,), quantisation steps in the same units.
        rounding: how to quantise.
    """
    details, coarse = [], planes
    with torch.no_grad():
        for _ in range(LEVELS):
            coarse, level_details = wavelet.forward(coarse)
            details.append(level_details)
        size = step[:, None, None, None]
        decoded = torch.round(coarse / size) * size
    n, _, height, width = decoded.shape
    other = networks.shape.other
    half = (-(-height // 2), -(-width // 2))
    hidden = IntTensor(decoded.new_zeros(n, other, *half), HIDDEN_BITS, 0, 255)
    known = COEFFICIENTS(decoded.new_zeros(n, ALL_FEATURES, *half))
    bits, losses = [], []
    for level in range(LEVELS, 0, -1):
        target = details[level - 1]
        plane = torch.log2(size)
        guess = networks.prediction(level)(
            decoded / (32 * 2**level), (plane - level).expand_as(decoded[:, :1])
        )
        guess = guess.unflatten(1, (3, 3)) * 32 * 2.0**level
        error = (target - guess).abs() / size[..., None]
        losses.append(torch.log2(1 + 2 * error).sum((1, 2, 3, 4)))
        with torch.no_grad():
            guess = guess.detach()
            residual = (target - guess) / size[..., None]
        step_plane = STEP(plane.expand(-1, 1, *known.value.shape[-2:]))
        hidden = networks.level(level).trunk(hidden, known, step_plane)
        hidden = dataclasses.replace(
            hidden, value=hidden.value[..., : target.shape[-2], : target.shape[-1]]
        )
        coder = LevelCoder(networks, level, hidden, residual, rounding)
        with torch.no_grad():
            q = coder.q
            moved = torch.sign(q) * (q.abs() - rounding.shrink).clamp(min=0)
            decoded = wavelet.inverse(decoded, guess + moved * size[..., None])
            stack = torch.cat([coder.signed.flatten(1, 2), coder.unsigned.flatten(1, 2)], 1)
        known = _int(stack)
        bits.append(coder.bits)
    return Coded(decoded, torch.stack(bits[::-1], 1), torch.stack(losses, 1).sum(1))
