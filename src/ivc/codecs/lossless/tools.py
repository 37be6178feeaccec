"""Which stages the model has: files are always coded with all of them.

Others are for measuring what a stage is worth; what was coded without one can only be decoded
without it.
"""

from __future__ import annotations

from dataclasses import dataclass

from ivc.codecs.lossless.mixing import LEARNING, Learning
from ivc.codecs.lossless.model import KNOBS, Knobs


@dataclass(frozen=True)
class Tools:
    """What is used.

    Attributes:
        knobs: constants of the best model.
        learning: constants of its mixer.
        colours: reversible colour transforms.
        palette: indices in pictures of few colours.
        matching: exact repeats.
        references: planes coded before predict those after them.
        previous: pictures predict those after them.
        motion: displaced by blocks.
    """

    knobs: Knobs = KNOBS
    learning: Learning = LEARNING
    colours: bool = True
    palette: bool = True
    matching: bool = True
    references: bool = True
    previous: bool = True
    motion: bool = True


ALL = Tools()
