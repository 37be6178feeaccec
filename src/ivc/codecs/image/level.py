"""Coding one level of the wavelet: one walk through passes and tiles for encoder and decoder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from ivc.codecs.image.constants import FLAGS, LEVELS, TILE
from ivc.codecs.image.model import PASS_HALO, ImageModel, Int32
from ivc.codecs.image.passes import ALL_BANDS, BLACK, NONE, PASSES, WHITE, Band, Pass, group
from ivc.codecs.image.planes import Geometry
from ivc.codecs.image.syntax import GROUP, code_band, fill_features
from ivc.errors import BitstreamError
from ivc.nets.tiles import Box, tiles, widened

Coefficients = dict[Band, npt.NDArray[np.int16]]
Chooser = Callable[[Band, Box, int, Int32, npt.NDArray[np.int16], int], None]
"""Encoder's part of a tile: band, box, first context, logits, coefficients to write, places."""


class Level:
    """The coefficients of a level, as far as they are known.

    Args:
        geometry: of the picture.
        level: 1 is the finest.

    Attributes:
        size: (H, W) of the coarse picture of this level; bands are as large or one smaller.
        q: coefficients of each plane and band, (H, W) int16; zero beyond a band's end.
    """

    def __init__(self, geometry: Geometry, level: int) -> None:
        self.geometry, self.level = geometry, level
        self.size = geometry.size(level)
        self.q: Coefficients = {
            band: np.zeros(self.size, np.int16)
            for band in ALL_BANDS
            if geometry.present(level, *band)
        }

    def features(self, bands: tuple[Band, ...], box: Box, without: Pass | None = None) -> Int32:
        """What networks see of some bands.

        Args:
            bands: plane and band.
            box: where.
            without: see zeros at the places that this pass codes.

        Returns:
            (2 · bands, h, w): signed ones, then unsigned ones.
        """
        rows, columns = box
        count = len(bands)
        hidden = {} if without is None else {(p, b): places for p, b, places in without.codes}
        out = np.zeros((2 * count, rows.stop - rows.start, columns.stop - columns.start), np.int32)
        for i, band in enumerate(bands):
            if band in self.q:
                # parity of the box's first place, so that black is black everywhere
                hide = hidden.get(band, NONE)
                if hide in (BLACK, WHITE):
                    hide = (hide + rows.start + columns.start) & 1
                fill_features(self.q[band][box], hide, out[i], out[count + i])
        return out

    def code(
        self, coder: Any, contexts: npt.NDArray[np.uint16], model: ImageModel,
        features: npt.NDArray[np.uint8], choose: Chooser | None = None,
    ) -> None:  # fmt: skip
        """Code or decode all coefficients.

        Args:
            coder: ``coder`` of an encoder, decoder or estimator.
            contexts: of all groups; they learn.
            model: the networks.
            features: (C, H, W), from the trunk.
            choose: encoder: chooses coefficients before they are coded.

        Raises:
            BitstreamError: when a decoder ran out of data.
        """
        for index, part in enumerate(PASSES):
            items = [
                (i, (plane, band), places)
                for i, (plane, band, places) in enumerate(part.codes)
                if (plane, band) in self.q
            ]
            if not items:
                continue
            for box in tiles(*self.size, TILE):
                outer, inner = widened(box, PASS_HALO, *self.size)
                known = self.features(part.knows, outer, part) if part.knows else None
                logits = model.logits(self.level, index, features[:, *outer], known, inner)
                for i, band, places in items:
                    own = logits[FLAGS * i : FLAGS * (i + 1)]
                    base = group(self.level, *band) * GROUP
                    q = self.q[band][self._inside(band, box)]
                    if choose is not None:
                        choose(band, box, base, own, q, places)
                    if not code_band(coder, contexts, base, own, q, places):
                        raise BitstreamError(
                            f"the data of level {self.level} end before its coefficients do"
                        )

    def _inside(self, band: Band, box: Box) -> Box:
        """The part of a tile that a band covers."""
        height, width = self.geometry.band_size(self.level, band[1])
        rows, columns = box
        return (
            slice(rows.start, max(min(rows.stop, height), rows.start)),
            slice(columns.start, max(min(columns.stop, width), columns.start)),
        )


def first_features(geometry: Geometry, channels: int) -> npt.NDArray[np.uint8]:
    """Features for the trunk of the coarsest level, (C, h, w): nothing is known."""
    height, width = (-(-side // 2) for side in geometry.size(LEVELS))
    return np.zeros((channels, height, width), np.uint8)


def no_coefficients(box: Box) -> Int32:
    """Features of coefficients for the trunk of the coarsest level."""
    rows, columns = box
    shape = (2 * len(ALL_BANDS), rows.stop - rows.start, columns.stop - columns.start)
    return np.zeros(shape, np.int32)
