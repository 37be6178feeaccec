"""Convolution and transposed convolution of exact networks.

Both end with the requantisation

    y = clip(floor((a + 2**(s - 1)) / 2**s), low, high)          (s = 0: y = clip(a, low, high))

where ``a`` is the exact sum of products and bias; a clipped ReLU is ``low = 0``.
``ivc.nets.reference`` says in NumPy what each computes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from ivc.nets.node import (
    MAX_CHANNELS,
    MAX_FACTOR,
    MAX_KERNEL,
    MAX_SHIFT,
    Node,
    TensorInfo,
    check_array,
    check_int,
    check_range,
    require,
)

Int8 = npt.NDArray[np.int8]
Int32 = npt.NDArray[np.int32]
Sides = tuple[int, int, int, int]


@dataclass(frozen=True, eq=False, kw_only=True)
class Convolution(Node):
    """What convolution and transposed convolution share: weights and requantisation.

    The arrays are copied, and read-only from then on.

    Attributes:
        weight: int8 of shape (outputs, inputs / groups, kernel height, kernel width).
        bias: int32 of shape (outputs,), added before the shift.
        shift: uint8 of shape (outputs,): each channel is divided by ``2**shift``, rounding to the
            nearest integer and halves up.
        low: smallest output; 0 makes a clipped ReLU.
        high: largest output.
        stride: step of the kernel (transposed: of the output) in both directions.
    """

    weight: Int8
    bias: Int32
    shift: npt.NDArray[np.uint8]
    low: int
    high: int
    stride: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        check_array(self.name, "the weight", self.weight, np.int8, 4)
        check_array(self.name, "the bias", self.bias, np.int32, 1)
        check_array(self.name, "the shift", self.shift, np.uint8, 1)
        outputs, inputs, height, width = self.weight.shape
        check_int(self.name, "the number of outputs", outputs, 1, MAX_CHANNELS)
        check_int(self.name, "the number of inputs", inputs, 1, MAX_CHANNELS)
        check_int(self.name, "the kernel height", height, 1, MAX_KERNEL)
        check_int(self.name, "the kernel width", width, 1, MAX_KERNEL)
        require(
            self.bias.shape == self.shift.shape == (outputs,),
            f"layer {self.name!r}: bias and shift do not have {outputs} entries",
        )
        require(
            int(self.shift.max()) <= MAX_SHIFT,
            f"layer {self.name!r}: a shift is larger than {MAX_SHIFT}",
        )
        for what in ("weight", "bias", "shift"):
            # A proof would not survive a change of the arrays.
            array = getattr(self, what).copy()
            array.setflags(write=False)
            object.__setattr__(self, what, array)
        check_range(self.name, self.low, self.high)
        check_int(self.name, "the stride", self.stride, 1, MAX_FACTOR)

    @property
    def outputs(self) -> int:
        """Number of output channels."""
        return int(self.weight.shape[0])

    @property
    def kernel(self) -> tuple[int, int]:
        """Height and width of the kernel."""
        return int(self.weight.shape[2]), int(self.weight.shape[3])

    @property
    def inputs(self) -> int:
        """Number of input channels."""
        return int(self.weight.shape[1])

    def infer(self, sources: Sequence[TensorInfo]) -> TensorInfo:
        """See ``Node.infer``."""
        source = self._one(sources)
        require(
            source.channels == self.inputs,
            f"layer {self.name!r} takes {self.inputs} channels, "
            f"{self.sources[0]!r} has {source.channels}",
        )
        return TensorInfo(self.outputs, self.low, self.high)

    def _check_sides(self, what: str, sides: Sides) -> None:
        require(
            isinstance(sides, tuple) and len(sides) == 4,
            f"layer {self.name!r}: {what} is not (top, left, bottom, right)",
        )
        for side in sides:
            check_int(self.name, what, side, 0, MAX_KERNEL)


@dataclass(frozen=True, eq=False, kw_only=True)
class Conv(Convolution):
    """Convolution (correlation) with zero padding.

    Attributes:
        padding: zeros added at the top, left, bottom and right.
        groups: the input and output channels fall into this many independent groups.
    """

    op: ClassVar[str] = "conv"
    padding: Sides = (0, 0, 0, 0)
    groups: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_sides("the padding", self.padding)
        check_int(self.name, "the number of groups", self.groups, 1, MAX_CHANNELS)
        require(
            self.outputs % self.groups == 0,
            f"layer {self.name!r}: {self.outputs} outputs do not fall into {self.groups} groups",
        )

    @property
    def inputs(self) -> int:
        """Number of input channels."""
        return int(self.weight.shape[1]) * self.groups

    def size(self, sources: Sequence[tuple[int, int]]) -> tuple[int, int]:
        """See ``Node.size``."""
        (height, width), (kh, kw) = sources[0], self.kernel
        top, left, bottom, right = self.padding
        rows = (height + top + bottom - kh) // self.stride + 1
        return rows, (width + left + right - kw) // self.stride + 1

    def macs_per_output(self) -> float:
        """See ``Node.macs_per_output``."""
        return float(self.weight.size)


@dataclass(frozen=True, eq=False, kw_only=True)
class Deconv(Convolution):
    """Transposed convolution: every input stamps the kernel into the output, ``stride`` apart.

    The full result has ``(H - 1) * stride + kernel`` rows; ``crop`` removes rows and columns of it.
    For an output of exactly ``stride * H`` rows, ``crop`` adds up to ``kernel - stride``.

    Attributes:
        crop: rows and columns removed at the top, left, bottom and right.
    """

    op: ClassVar[str] = "deconv"
    crop: Sides = (0, 0, 0, 0)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_sides("the crop", self.crop)
        require(
            min(self.kernel) >= self.stride,
            f"layer {self.name!r}: the kernel is smaller than the stride and would leave gaps",
        )

    def size(self, sources: Sequence[tuple[int, int]]) -> tuple[int, int]:
        """See ``Node.size``."""
        (height, width), (kh, kw) = sources[0], self.kernel
        top, left, bottom, right = self.crop
        rows = (height - 1) * self.stride + kh - top - bottom
        return rows, (width - 1) * self.stride + kw - left - right

    def macs_per_output(self) -> float:
        """See ``Node.macs_per_output``."""
        return self.weight.size / self.stride**2
