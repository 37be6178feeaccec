"""The networks of the ``image`` codec as PyTorch modules.

For each level of the wavelet, from the coarsest to the finest (``l`` is a level, ``l + 1`` the
coarser one before it):

    features and coefficients of l + 1, step ──► Trunk ──► features of l ─┬─► Pass 1 ──► logits
                                                                          ├─► Pass 2 ──► logits
                      coefficients of l from the passes before ───────────┴─► …

All of these are exact networks: they feed the entropy coder. ``Prediction`` is a float network that
guesses the details of a level from the decoded picture at half the size.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from ivc.codecs.image.constants import (
    FEATURE_BITS,
    FLAGS,
    LOGIT_BITS,
    MAX_FEATURE,
    SHARED_LEVEL,
)
from ivc.codecs.image.passes import ALL_BANDS, PASSES
from ivc.nets.torch import InputSpec, IntConv2d, IntTensor, add, concat, shuffle

HIDDEN_BITS = 5
SCALE = 32
"""Pictures and details are divided by this before networks see them."""
ALL_FEATURES = 2 * len(ALL_BANDS)

COEFFICIENTS = InputSpec(ALL_FEATURES, -MAX_FEATURE, MAX_FEATURE, FEATURE_BITS)
STEP = InputSpec(1, -64, 191, FEATURE_BITS)


@dataclass(frozen=True)
class Shape:
    """How large the networks are.

    Attributes:
        finest: channels of the features at level 1.
        other: channels at all other levels.
        finest_chroma: channels of the passes over chroma at level 1, which seldom has any.
        prediction: channels of the networks that predict details.
        depth: convolutions in those.
        synthesis: channels of the network after the inverse transform.
        blocks: convolutions between its first and last.
    """

    finest: int = 48
    other: int = 64
    finest_chroma: int = 16
    prediction: int = 32
    depth: int = 4
    synthesis: int = 32
    blocks: int = 3

    def width(self, level: int) -> int:
        """Channels of the features of a level."""
        return self.finest if level == 1 else self.other


def _hidden(inputs: int, outputs: int, kernel: int) -> IntConv2d:
    """Convolution with a clipped ReLU."""
    return IntConv2d(inputs, outputs, kernel, low=0, high=255, exponent=HIDDEN_BITS)


def _linear(inputs: int, outputs: int, kernel: int) -> IntConv2d:
    """Convolution without a non-linearity, wide enough to be added to another."""
    return IntConv2d(inputs, outputs, kernel, low=-1023, high=1023, exponent=HIDDEN_BITS)


def _silence(layer: nn.Conv2d) -> None:
    """Let a convolution begin as zero."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)


class Trunk(nn.Module):
    """Features of a level from those of the coarser one; output (N, C, 2·h, 2·w)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.gather = _hidden(inputs + ALL_FEATURES + 1, inputs, 3)
        self.expand = _hidden(inputs, 4 * outputs, 1)
        self.blend = _linear(outputs, outputs, 3)
        for layer in (self.expand, self.blend):
            # the shared trunk follows itself, so its output must keep the scale of its input
            layer.exponent.requires_grad_(False)

    def forward(self, features: IntTensor, coefficients: IntTensor, step: IntTensor) -> IntTensor:
        """See the class."""
        x = self.gather(concat(features, coefficients, step))
        x = shuffle(self.expand(x), 2)
        return add(self.blend(x), x, low=0, high=255)


class Pass(nn.Module):
    """Logits of some coefficients of a level from its features and from those coded before."""

    def __init__(
        self, inputs: int, coefficients: int, outputs: int, width: int, kernel: int = 5
    ) -> None:
        super().__init__()
        make = _linear if coefficients else _hidden
        self.features = make(inputs, width, 1)
        self.neighbours = _linear(coefficients, width, kernel) if coefficients else None
        self.mix = _hidden(width, width, 1)
        self.logits = IntConv2d(width, outputs, 1, exponent=LOGIT_BITS)
        self.logits.exponent.requires_grad_(False)
        nn.init.zeros_(self.logits.weight)

    def forward(self, features: IntTensor, *coefficients: IntTensor) -> IntTensor:
        """See the class."""
        x = self.features(features)
        if self.neighbours is not None:
            x = add(x, self.neighbours(concat(*coefficients)), low=0, high=255)
        return self.logits(self.mix(x))


class Level(nn.Module):
    """All exact networks of a level.

    Args:
        shape: how large they are.
        level: 1 is the finest.
    """

    def __init__(self, shape: Shape, level: int) -> None:
        super().__init__()
        width = shape.width(level)
        chroma = (shape.finest_chroma, 3) if level == 1 else (width, 5)
        self.trunk = Trunk(shape.other, width)
        self.passes = nn.ModuleList(
            Pass(
                width,
                2 * len(part.knows),
                FLAGS * len(part.codes),
                *(chroma if part.codes[0][0] else (width, 5)),
            )
            for part in PASSES
        )


class Prediction(nn.Module):
    """Details of a level, in orthonormal units, from the picture decoded so far at half the size.

    The first convolution does not see brightness: the sum of each plane's weights is zero.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width = shape.prediction
        self.first = nn.Conv2d(3, width, 3)
        self.step = nn.Conv2d(1, width, 1)
        self.middle = nn.ModuleList(
            nn.Conv2d(width, width, 3, padding=1) for _ in range(shape.depth - 2)
        )
        self.last = nn.Conv2d(width, 9, 3, padding=1)
        self.silence()

    def silence(self) -> None:
        """Predict nothing from now on, until training says otherwise."""
        _silence(self.last)

    def forward(self, coarse: Tensor, step: Tensor) -> Tensor:
        """Predict.

        Args:
            coarse: (N, 3, h, w), the planes scaled to the range of pixels, over 32.
            step: (N, 1, h, w), logarithm of the step relative to that range.

        Returns:
            (N, 9, h, w): three details for each plane, over 32.
        """
        weight = self.first.weight - self.first.weight.mean((2, 3), keepdim=True)
        x = functional.pad(coarse, (1, 1, 1, 1), mode="replicate")
        x = functional.conv2d(x, weight, self.first.bias) + self.step(step)
        x = functional.relu(x)
        for layer in self.middle:
            x = functional.relu(layer(x))
        # in finer units, since weights as large as the inputs' would learn in too large steps
        return self.last(x) / SCALE


class Networks(nn.Module):
    """All networks of the codec up to the inverse transform."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.levels = nn.ModuleDict({str(i): Level(shape, i) for i in range(1, SHARED_LEVEL + 1)})
        self.predictions = nn.ModuleDict(
            {str(i): Prediction(shape) for i in range(1, SHARED_LEVEL + 1)}
        )

    def level(self, level: int) -> Level:
        """The exact networks of a level."""
        networks = self.levels[str(min(level, SHARED_LEVEL))]
        assert isinstance(networks, Level)
        return networks

    def prediction(self, level: int) -> Prediction:
        """The predicting network of a level."""
        network = self.predictions[str(min(level, SHARED_LEVEL))]
        assert isinstance(network, Prediction)
        return network


class Synthesis(nn.Module):
    """What the inverse transform's picture lacks; works at half the size, on four pixels at once.

    Like ``Prediction`` it does not see brightness. It begins as zero.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width = shape.synthesis
        self.first = nn.Conv2d(12, width, 3)
        self.step = nn.Conv2d(1, width, 1)
        self.middle = nn.ModuleList(
            nn.Conv2d(width, width, 3, padding=1) for _ in range(shape.blocks)
        )
        self.last = nn.Conv2d(width, 12, 3, padding=1)
        _silence(self.last)

    def forward(self, planes: Tensor, step: Tensor) -> Tensor:
        """Predict what to add to the planes, in units of the step.

        Args:
            planes: (N, 3, H, W), over 32; H and W even.
            step: (N, 1, 1, 1), logarithm of the step to base 2.
        """
        weight = self.first.weight.unflatten(1, (3, 4))
        weight = (weight - weight.mean((2, 3, 4), keepdim=True)).flatten(1, 2)
        x = functional.pixel_unshuffle(planes, 2)
        x = functional.pad(x, (1, 1, 1, 1), mode="replicate")
        x = functional.relu(functional.conv2d(x, weight, self.first.bias) + self.step(step))
        for layer in self.middle:
            x = x + functional.relu(layer(x))
        return functional.pixel_shuffle(self.last(x), 2)
