"""The codecs of this build: one table, from which names, numbers and ``ivc profiles`` all derive.

A codec's module is imported when the codec is first used, never to list it.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ivc.errors import UnsupportedError, UsageError
from ivc.types import Layer

if TYPE_CHECKING:
    from ivc.codecs.base import Codec


@dataclass(frozen=True)
class Profile:
    """One line of the table: what is known of a codec without importing it.

    Attributes:
        number: its number in files, for ever.
        name: what users type after ``--profile``.
        target: ``module:Class`` of its implementation.
        family: generation of visual coding it belongs to.
        layers: layers that its segments may hold; a file with others fails ``ivc verify``.
        lossless: True if it returns every sample by default.
        summary: one line for ``ivc profiles``.
    """

    number: int
    name: str
    target: str
    family: str
    layers: frozenset[Layer]
    lossless: bool
    summary: str

    def load(self) -> Codec[Any]:
        """Import and return the codec (one instance a process)."""
        return _load(self.target)


@functools.cache
def _load(target: str) -> Codec[Any]:
    module, _, name = target.partition(":")
    codec: Codec[Any] = getattr(import_module(module), name)()
    return codec


CODECS: tuple[Profile, ...] = (
    Profile(
        number=1,
        name="roadmap/dpcm",
        target="ivc.codecs.roadmap.dpcm:Dpcm",
        family="predictive",
        layers=frozenset({Layer.PICTURE}),
        lossless=True,
        summary="prediction from coded neighbours, lossless or near-lossless",
    ),
    Profile(
        number=2,
        name="roadmap/dct",
        target="ivc.codecs.roadmap.dct:Dct",
        family="transform",
        layers=frozenset({Layer.PICTURE}),
        lossless=False,
        summary="8x8 integer DCT with adaptive contexts, stills and clips",
    ),
    Profile(
        number=3,
        name="image",
        target="ivc.codecs.image:Image",
        family="learning-based",
        layers=frozenset({Layer.STRUCTURE, Layer.PICTURE, Layer.ENHANCEMENT, Layer.ALPHA}),
        lossless=False,
        summary="learned wavelet codec for stills, scalable in size",
    ),
    Profile(
        number=4,
        name="lossless",
        target="ivc.codecs.lossless:Lossless",
        family="predictive",
        layers=frozenset({Layer.PICTURE}),
        lossless=True,
        summary="prediction and mixing that learn while they code; every sample exact",
    ),
    Profile(
        number=5,
        name="roadmap/linear-ar",
        target="ivc.codecs.roadmap.linear_ar:LinearAr",
        family="predictive",
        layers=frozenset({Layer.PICTURE}),
        lossless=True,
        summary="linear prediction by least squares for classes of blocks, lossless",
    ),
    Profile(
        number=6,
        name="roadmap/mlp-predictor",
        target="ivc.codecs.roadmap.mlp_predictor:MlpPredictor",
        family="predictive",
        layers=frozenset({Layer.PICTURE}),
        lossless=True,
        summary="prediction by a small neural network that learns while it codes, lossless",
    ),
)


def by_name(name: str) -> Profile:
    """The profile of that name; ``roadmap/`` may be left out.

    Raises:
        UsageError: when there is none.
    """
    for profile in CODECS:
        if name in (profile.name, profile.name.removeprefix("roadmap/")):
            return profile
    known = ", ".join(profile.name for profile in CODECS)
    raise UsageError(f"no profile is called {name!r}; this build has: {known}")


def by_number(number: int) -> Profile:
    """The profile of that number in a file.

    Raises:
        UnsupportedError: when this build has none.
    """
    for profile in CODECS:
        if profile.number == number:
            return profile
    raise UnsupportedError(
        f"the file uses codec number {number}, which this build does not have; a newer ivc may"
    )
