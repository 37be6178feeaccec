"""Convolutions that train as they will run: integer weights, integer activations, no overflow.

Weights, biases and activations are learned as floats and rounded in every forward pass. Their
scales are powers of two: one exponent for each channel's weights, one for the layer's output, both
learned with the straight-through gradient of the rounding that they cause (as in Esser et al.,
"Learned Step Size Quantization", 2020, whose steps are not powers of two).

A forward pass lowers a channel's weight exponent while the overflow proof would fail for float32:
training sees what the proof costs, and a trained layer nearly always has it.

Rounding makes a step about twice as slow. ``set_rounding(module, False)`` trains with the same
parameters and clips but plain floats, for the long first part of a training.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ivc.errors import UsageError
from ivc.nets.convolution import Conv, Convolution, Deconv, Sides
from ivc.nets.proof import Arithmetic
from ivc.nets.torch.kernels import exact_kernels, power_of_two, round_half_up
from ivc.nets.torch.tensors import IntTensor

_WEIGHT_LIMIT = 127
_MAX_SHIFT = 22


class _IntConvolution(nn.Module):
    """What ``IntConv2d`` and ``IntConvTranspose2d`` share.

    Attributes:
        weight: float of shape (outputs, inputs / groups, kernel, kernel).
        bias: float of shape (outputs,).
        mask: None, or factors of 0 and 1 for the weights, of a shape that broadcasts to theirs.
        weight_exponent: float of shape (outputs,): fractional bits of the integer weights.
        exponent: float scalar: fractional bits of the output.
        calibrated: whether ``exponent`` has been set from data.
        rounding: False computes with plain floats while training, clipped to the same range.
    """

    weight: nn.Parameter
    bias: nn.Parameter
    mask: Tensor | None
    calibrated: Tensor
    rounding: bool = True

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int, groups: int,
        low: int, high: int, exponent: float | None, mask: Tensor | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        if inputs % groups or outputs % groups:
            raise UsageError(f"{inputs} and {outputs} channels do not fall into {groups} groups")
        if not -(1 << 22) < low < high < 1 << 22:
            raise UsageError(f"an output range of {low}..{high} is empty or too wide for float32")
        self.stride, self.groups, self.low, self.high = stride, groups, low, high
        self.weight = nn.Parameter(torch.empty(outputs, inputs // groups, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.register_buffer("mask", None if mask is None else (mask != 0).float())
        nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        largest = self.weight.detach().flatten(1).abs().amax(1).clamp(min=1e-6)
        self.weight_exponent = nn.Parameter(torch.floor(torch.log2(_WEIGHT_LIMIT / largest)))
        self.exponent = nn.Parameter(torch.tensor(float(exponent or 0.0)))
        self.register_buffer("calibrated", torch.tensor(exponent is not None))

    def _sum(self, x: Tensor, weight: Tensor) -> Tensor:
        """The sums of products."""
        raise NotImplementedError

    def _node(self, x: IntTensor, name: str) -> Convolution:
        """The exact layer."""
        raise NotImplementedError

    def _masked(self) -> Tensor:
        return self.weight if self.mask is None else self.weight * self.mask

    def output_exponent(self) -> int:
        """Fractional bits of the output, as used."""
        return math.floor(self.exponent.item() + 0.5)

    def _integers(self, whole: Tensor, exponent: int) -> tuple[Tensor, Tensor]:
        """Integer weights and biases for whole weight exponents, without gradient."""
        with torch.no_grad():
            scale = power_of_two(whole)[:, None, None, None]
            limit = _WEIGHT_LIMIT
            weight = torch.clamp(round_half_up(self._masked() * scale), -limit, limit)
            bias = round_half_up(self.bias.double() * power_of_two(whole.double() + exponent))
            return weight, bias.clamp(-(2**31) + 1, 2**31 - 1)

    def _whole_exponents(self, x: IntTensor) -> tuple[Tensor, bool]:
        """Weight exponents to use, and whether float32 is exact with them."""
        with torch.no_grad():
            # The shift, x.exponent + weight exponent - output exponent, is 0 to _MAX_SHIFT.
            least = self.output_exponent() - x.exponent
            whole = torch.floor(self.weight_exponent + 0.5).clamp(least, least + _MAX_SHIFT)
            while True:
                weight, bias = self._integers(whole, x.exponent)
                flat = weight.double().flatten(1)
                positive, negative = flat.clamp(min=0).sum(1), -flat.clamp(max=0).sum(1)
                up, down = max(x.high, 0), max(-x.low, 0)
                above, below = positive * up + negative * down, positive * down + negative * up
                rounding = power_of_two(whole.double() - least) / 2
                bound = torch.maximum(above, below) + bias.abs() + rounding
                over = bound >= Arithmetic.FLOAT32.limit
                lower = over & (whole > least)
                if not lower.any():
                    return whole, not bool(over.any())
                whole = torch.where(lower, whole - 1, whole)

    def forward(self, x: IntTensor) -> IntTensor:
        """Convolve, shift, clip; see ``ivc.nets.convolution``."""
        if self.training and not self.calibrated:
            self._calibrate(x)
        if self.training and not self.rounding:
            return self._forward_floats(x)
        whole, narrow = self._whole_exponents(x)
        scale = power_of_two(self.weight_exponent, whole)[:, None, None, None]
        limit = _WEIGHT_LIMIT
        weight = torch.clamp(round_half_up(self._masked() * scale), -limit, limit) / scale
        finest = power_of_two(whole.double() + x.exponent)
        bias = round_half_up(self.bias.double() * finest).clamp(-(2**31) + 1, 2**31 - 1) / finest
        dtype = x.value.dtype if narrow else torch.float64
        with exact_kernels(strict=not self.training):
            total = self._sum(x.value.to(dtype), weight.to(dtype))
        total = total + bias.to(dtype)[None, :, None, None]
        exponent = self.output_exponent()
        step = power_of_two(self.exponent, torch.tensor(exponent)).to(dtype)
        value = torch.clamp(round_half_up(total * step), self.low, self.high) / step
        return x.derive(
            "conv", value.to(x.value.dtype), exponent, self.low, self.high,
            lambda name: self._node(x, name),
        )  # fmt: skip

    def _forward_floats(self, x: IntTensor) -> IntTensor:
        """The layer without any rounding: what it converges to as all scales get finer."""
        total = self._sum(x.value, self._masked()) + self.bias[None, :, None, None]
        exponent = self.output_exponent()
        value = torch.clamp(total, self.low / 2.0**exponent, self.high / 2.0**exponent)
        return x.derive(
            "conv", value, exponent, self.low, self.high, lambda name: self._node(x, name)
        )

    @torch.no_grad()
    def _calibrate(self, x: IntTensor) -> None:
        """Set the output's exponent so that the first batch fills half of the range or less."""
        total = self._sum(x.value, self._masked()) + self.bias[None, :, None, None]
        above, below = float(total.max()), float(-total.min())
        room = min(
            self.high / above if above > 0 and self.high > 0 else math.inf,
            -self.low / below if below > 0 and self.low < 0 else math.inf,
        )
        self.exponent.fill_(math.floor(math.log2(room)) - 1 if math.isfinite(room) else 0)
        self.calibrated.fill_(True)

    @torch.no_grad()
    def fit_weight_exponents(self) -> None:
        """Choose the finest scale at which each channel's weights fit into eight bits."""
        largest = self._masked().flatten(1).abs().amax(1).clamp(min=1e-6)
        self.weight_exponent.copy_(torch.floor(torch.log2(_WEIGHT_LIMIT / largest)))

    def _arrays(self, x: IntTensor) -> dict[str, np.ndarray]:
        """Integer weights, biases and shifts."""
        whole, _ = self._whole_exponents(x)
        weight, bias = self._integers(whole, x.exponent)
        shift = whole + (x.exponent - self.output_exponent())
        return {
            "weight": weight.cpu().numpy().astype(np.int8),
            "bias": bias.cpu().numpy().astype(np.int32),
            "shift": shift.cpu().numpy().astype(np.uint8),
        }


class IntConv2d(_IntConvolution):
    """Convolution with zero padding.

    Args:
        inputs: input channels.
        outputs: output channels.
        kernel: height and width of the kernel.
        stride: step of the kernel.
        groups: independent groups of channels.
        padding: zeros at the top, left, bottom and right; ``kernel // 2`` on all sides by default.
        mask: weights to keep, broadcast to (outputs, inputs / groups, kernel, kernel); for causal
            convolutions of context models.
        low: smallest output integer; 0 makes a clipped ReLU.
        high: largest output integer.
        exponent: fractional bits of the output to begin with, found from the first training batch
            by default; give it where the scale is known, as for a network's last layer. Learned in
            either case; ``layer.exponent.requires_grad_(False)`` fixes it.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1, *,
        padding: Sides | None = None, mask: Tensor | None = None, low: int = -128, high: int = 127,
        exponent: float | None = None,
    ) -> None:  # fmt: skip
        super().__init__(inputs, outputs, kernel, stride, groups, low, high, exponent, mask)
        half = kernel // 2
        self.padding: Sides = padding or (half, half, half, half)

    def _sum(self, x: Tensor, weight: Tensor) -> Tensor:
        top, left, bottom, right = self.padding
        padded = functional.pad(x, (left, right, top, bottom))
        return functional.conv2d(padded, weight, None, self.stride, groups=self.groups)

    def _node(self, x: IntTensor, name: str) -> Convolution:
        return Conv(
            name=name, sources=(x.name,), **self._arrays(x), low=self.low, high=self.high,
            stride=self.stride, padding=self.padding, groups=self.groups,
        )  # fmt: skip


class IntConvTranspose2d(_IntConvolution):
    """Transposed convolution.

    Args:
        inputs: input channels.
        outputs: output channels.
        kernel: height and width of the kernel, at least ``stride``.
        stride: rows and columns of the output for each of the input.
        crop: rows and columns removed at the top, left, bottom and right; by default such that the
            output is exactly ``stride`` times as large as the input.
        low: smallest output integer.
        high: largest output integer.
        exponent: as for ``IntConv2d``.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int, *,
        crop: Sides | None = None, low: int = -128, high: int = 127,
        exponent: float | None = None,
    ) -> None:  # fmt: skip
        super().__init__(inputs, outputs, kernel, stride, 1, low, high, exponent)
        if kernel < stride:
            raise UsageError(f"a kernel of {kernel} leaves gaps at stride {stride}")
        before, after = (kernel - stride + 1) // 2, (kernel - stride) // 2
        self.crop: Sides = crop or (before, before, after, after)

    def _sum(self, x: Tensor, weight: Tensor) -> Tensor:
        full = functional.conv_transpose2d(x, weight.transpose(0, 1), None, self.stride)
        top, left, bottom, right = self.crop
        return full[:, :, top : full.shape[2] - bottom, left : full.shape[3] - right]

    def _node(self, x: IntTensor, name: str) -> Convolution:
        return Deconv(
            name=name, sources=(x.name,), **self._arrays(x), low=self.low, high=self.high,
            stride=self.stride, crop=self.crop,
        )  # fmt: skip


def set_rounding(module: nn.Module, rounding: bool) -> None:
    """Let all exact convolutions of ``module`` round while they train, or not.

    Layers begin with rounding. Switching it on late costs little: activations are already clipped
    to their ranges, and the weights' scales are set from what was learned.
    """
    for layer in module.modules():
        if isinstance(layer, _IntConvolution):
            if rounding and not layer.rounding:
                layer.fit_weight_exponents()
            layer.rounding = rounding
