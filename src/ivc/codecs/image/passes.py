"""The order in which the coefficients of a level are coded: five passes, each in parallel.

``b`` and ``w`` are the black and white places of a chessboard (row + column even or odd):

    pass 0   luma vertical b, luma horizontal w            knowing the coarser levels
    pass 1   luma vertical w, luma horizontal b            … and pass 0
    pass 2   luma diagonal everywhere                      … and 0, 1
    pass 3   first chroma b, second chroma w, all bands    … and luma
    pass 4   first chroma w, second chroma b, all bands    … and everything before
"""

from __future__ import annotations

from dataclasses import dataclass

from ivc.codecs.image.constants import DIAGONAL, HORIZONTAL, SHARED_LEVEL, VERTICAL

BLACK, WHITE, ALL, NONE = 0, 1, 2, 3
"""Places of a chessboard."""
KINDS = 3
"""Groups of contexts a level has: luma vertical and horizontal, luma diagonal, chroma."""
GROUPS = SHARED_LEVEL * KINDS

Band = tuple[int, int]
"""Plane and band."""


@dataclass(frozen=True)
class Pass:
    """One pass over a level.

    Attributes:
        codes: plane, band and places, in the order of the network's outputs.
        knows: the bands that the network is given, with zeros at the places that this pass codes,
            so that all of them can be coded at once.
    """

    codes: tuple[tuple[int, int, int], ...]
    knows: tuple[Band, ...]


BANDS = (VERTICAL, HORIZONTAL, DIAGONAL)
_LUMA = tuple((0, band) for band in BANDS)
ALL_BANDS: tuple[Band, ...] = tuple((plane, band) for plane in range(3) for band in BANDS)
_CROSSED = _LUMA[:2]

PASSES = (
    Pass(((0, VERTICAL, BLACK), (0, HORIZONTAL, WHITE)), ()),
    Pass(((0, VERTICAL, WHITE), (0, HORIZONTAL, BLACK)), _CROSSED),
    Pass(((0, DIAGONAL, ALL),), _CROSSED),
    Pass(tuple((p, b, (BLACK, WHITE)[p - 1]) for p in (1, 2) for b in BANDS), _LUMA),
    Pass(tuple((p, b, (WHITE, BLACK)[p - 1]) for p in (1, 2) for b in BANDS), ALL_BANDS),
)


def group(level: int, plane: int, band: int) -> int:
    """Number of the group of contexts that a band uses."""
    kind = 2 if plane else int(band == DIAGONAL)
    return (min(level, SHARED_LEVEL) - 1) * KINDS + kind
