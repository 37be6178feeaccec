"""LPIPS and DISTS of one frame, by the packages of their authors.

LPIPS: R. Zhang, P. Isola, A. A. Efros, E. Shechtman, O. Wang, "The unreasonable effectiveness of
deep features as a perceptual metric", CVPR 2018; version 0.1 on AlexNet, package ``lpips``.

DISTS: K. Ding, K. Ma, S. Wang, E. P. Simoncelli, "Image quality assessment: unifying structure and
texture similarity", IEEE Transactions on Pattern Analysis and Machine Intelligence 44(5), 2022; on
VGG-16, package ``DISTS-pytorch``.

Both stand on a network of torchvision whose weights torchvision would download without asking. They
are looked for first, in the folder where it keeps them, and what is not there is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from ivc.errors import UsageError
from ivc.metrics.needs import require
from ivc.metrics.rgb import rgb_planes
from ivc.types import Frames

EXTRA = "perceptual"


@dataclass
class Network:
    """A distance that a network of Torch computes, loaded when the first picture comes.

    Attributes:
        name: of the metric.
        package: module of its authors.
        backbone: enumeration of the backbone's weights in ``torchvision.models``.
        smallest: samples that the shorter side must have.
        span: lowest and highest value that the network takes for a sample.
        load: makes the network from the modules of Torch and of its authors.
    """

    name: str
    package: str
    backbone: str
    smallest: int
    span: tuple[float, float]
    load: Callable[[ModuleType, ModuleType], Any]
    _network: Any = field(default=None, repr=False)

    def check(self) -> tuple[ModuleType, ModuleType]:
        """The modules of Torch and of the metric's authors.

        Raises:
            UsageError: when a package or the backbone's weights are missing.
        """
        torch, torchvision, package = require(
            self.name, EXTRA, "torch", "torchvision", self.package
        )
        url = getattr(torchvision.models, self.backbone).IMAGENET1K_V1.url
        folder = Path(torch.hub.get_dir()) / "checkpoints"
        file = url.rpartition("/")[2]
        if not (folder / file).is_file():
            raise UsageError(
                f"{self.name} needs the weights {file} in {folder}: download {url} to there"
            )
        return torch, package

    def distance(self, reference: Frames, test: Frames, index: int) -> float:
        """Distance of frame ``index``, 0 for identical pictures, on the processor.

        Raises:
            UsageError: for YUV, for pictures that are too small, and when something is missing.
        """
        if min(reference.height, reference.width) < self.smallest:
            raise UsageError(
                f"{self.name} needs pictures of at least {self.smallest}x{self.smallest} samples"
            )
        pictures = [self._picture(frames, index) for frames in (reference, test)]
        torch, package = self.check()
        if self._network is None:
            try:
                self._network = self.load(torch, package).eval()
            # A file of weights that was cut short or is not of this network.
            except (OSError, RuntimeError, EOFError, KeyError) as error:
                reason = (str(error).splitlines() or [type(error).__name__])[0]
                raise UsageError(f"{self.name}: its weights cannot be read: {reason}") from error
        with torch.no_grad():
            return float(self._network(*(torch.from_numpy(picture) for picture in pictures)))

    def _picture(self, frames: Frames, index: int) -> np.ndarray:
        low, high = self.span
        planes = np.stack(rgb_planes(self.name, frames, index)).astype(np.float32)
        planes *= (high - low) / frames.format.max_value
        planes += low
        return planes[None]


def _lpips(torch: ModuleType, package: ModuleType) -> Any:
    return package.LPIPS(net="alex", version="0.1", verbose=False)


def _dists(torch: ModuleType, package: ModuleType) -> Any:
    # Its own way of loading looks for the file beside the interpreter, where not every kind of
    # installation puts it. The package holds another copy.
    network = package.DISTS(load_weights=False)
    weights = torch.load(Path(str(package.__file__)).parent / "weights.pt", map_location="cpu")
    network.alpha.data = weights["alpha"]
    network.beta.data = weights["beta"]
    return network


LPIPS = Network("lpips", "lpips", "AlexNet_Weights", 32, (-1.0, 1.0), _lpips)
"""AlexNet's pooling leaves nothing of a side below 31 samples."""

DISTS = Network("dists", "DISTS_pytorch", "VGG16_Weights", 16, (0.0, 1.0), _dists)
