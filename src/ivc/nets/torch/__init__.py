"""Training exact networks in PyTorch, and running them there.

    net = nn.Sequential(IntConv2d(3, 32, 3, low=0, high=255), IntConv2d(32, 8, 3))
    spec = InputSpec(channels=3, low=0, high=255)
    loss(net(spec(pixels)).value).backward()            # and so on
    network = freeze(net, {"x": spec})

The forward pass of training returns exactly the integers that the frozen network returns on any
machine, so that nothing is lost between the two. Needs the extra ``train``.
"""

from ivc.nets.torch.convolutions import IntConv2d, IntConvTranspose2d, set_rounding
from ivc.nets.torch.differentiable import run_differentiable
from ivc.nets.torch.functions import (
    add,
    channels,
    concat,
    leaky,
    multiply,
    requantise,
    shuffle,
    unshuffle,
    upsample,
)
from ivc.nets.torch.runner import TorchSession
from ivc.nets.torch.tensors import InputSpec, IntTensor, freeze

__all__ = [
    "InputSpec",
    "IntConv2d",
    "IntConvTranspose2d",
    "IntTensor",
    "TorchSession",
    "add",
    "channels",
    "concat",
    "freeze",
    "leaky",
    "multiply",
    "requantise",
    "run_differentiable",
    "set_rounding",
    "shuffle",
    "unshuffle",
    "upsample",
]
