"""Encoder: what a coefficient costs the others, by gradient descent through the exact networks.

The choice of an integer by its own bits overlooks that it is context for others: an isolated one
makes the networks expect more around it, and at finer levels. After a picture was coded once, the
gradient of all its bits with respect to what the networks saw of each coefficient says what that
was worth, to first order; a second choice takes it into account, and may be refined again.

Needs PyTorch (extra ``train``); the decoder does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ivc.codecs.image.constants import (
    FLAGS,
    LEVELS,
    LOGIT_BITS,
    SHARED_LEVEL,
    UNARY_LIMIT,
    step_feature,
)
from ivc.codecs.image.level import Level, first_features, no_coefficients
from ivc.codecs.image.model import ImageModel
from ivc.codecs.image.passes import ALL, ALL_BANDS, PASSES, Band
from ivc.codecs.image.planes import Geometry
from ivc.errors import UnsupportedError
from ivc.nets.tiles import tiles

WINDOW, MARGIN = 512, 64
"""Pictures are cut into windows of this side with a margin, to bound memory."""

Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Influence:
    """Bits that a level's coefficients cost others, for each unit of what networks see of them.

    Attributes:
        signed: (9, H, W) for the signed feature of each plane and band.
        unsigned: the same for the unsigned one.
    """

    signed: Float32
    unsigned: Float32


def influences(
    model: ImageModel, geometry: Geometry, levels: Mapping[int, Level], indices: Mapping[int, int]
) -> dict[int, Influence]:
    """The influence of every coefficient of a coded picture, by level.

    Args:
        model: the networks.
        geometry: of the picture.
        levels: its coefficients.
        indices: of the quantisation steps of luma, by level.

    Raises:
        UnsupportedError: when PyTorch is not installed.
    """
    try:
        from ivc.nets.torch.differentiable import one_thread
    except ImportError:
        raise UnsupportedError(
            "image refines pictures by gradients at efforts 8 and 9, which needs PyTorch: "
            "pip install 'ivc[train]', or use effort 7"
        ) from None
    found = {
        level: Influence(*np.zeros((2, len(ALL_BANDS), *geometry.size(level)), np.float32))
        for level in range(1, LEVELS + 1)
    }
    with one_thread():
        for box in tiles(geometry.height, geometry.width, WINDOW):
            _add_window(model, geometry, levels, indices, found, box[0].start, box[1].start)
    return found


def _add_window(
    model: ImageModel, geometry: Geometry, levels: Mapping[int, Level], indices: Mapping[int, int],
    found: Mapping[int, Influence], top: int, left: int,
) -> None:  # fmt: skip
    from ivc.nets.torch import differentiable

    ends = min(top + WINDOW, geometry.height), min(left + WINDOW, geometry.width)
    start = max(top - MARGIN, 0), max(left - MARGIN, 0)
    height = min(ends[0] + MARGIN, geometry.height) - start[0]
    width = min(ends[1] + MARGIN, geometry.width) - start[1]
    window = Geometry(geometry.layout, width, height)
    features = first_features(window, model.widths[SHARED_LEVEL])
    hidden = differentiable.constant(features[None])
    none = no_coefficients((slice(0, features.shape[1]), slice(0, features.shape[2])))
    coarse = differentiable.constant(none[None])
    total, leaves = None, []
    for number in window.levels():
        y, x = start[0] >> number, start[1] >> number
        rows, columns = window.size(number)
        box = slice(y, y + rows), slice(x, x + columns)
        level = levels[number]
        seen = level.features(ALL_BANDS, box)
        signed, unsigned = (differentiable.leaf(part) for part in np.split(seen, 2))
        leaves += [signed, unsigned]
        step = np.full((1, 1, *hidden.shape[2:]), step_feature(indices[number]), np.float32)
        network = min(number, SHARED_LEVEL)
        hidden = differentiable.run_differentiable(
            model.bundle.network(f"{network}.trunk"),
            {"features": hidden, "coefficients": coarse, "step": differentiable.constant(step)},
        )["features_out"][:, :, :rows, :columns]
        coarse = differentiable.join([*signed, *unsigned])
        black = (np.add.outer(np.arange(y, y + rows), np.arange(x, x + columns)) % 2 == 0).astype(
            np.float32
        )
        masks = {band: np.zeros((rows, columns), np.float32) for band in ALL_BANDS}
        for index, part in enumerate(PASSES):
            items = [
                (i, (plane, band), places)
                for i, (plane, band, places) in enumerate(part.codes)
                if (plane, band) in level.q
            ]
            inputs = {"features": hidden}
            if part.knows:
                numbers = [ALL_BANDS.index(band) for band in part.knows]
                where = [differentiable.constant(masks[band]) for band in part.knows]
                inputs["coefficients"] = differentiable.join(
                    [signed[n] * m for n, m in zip(numbers, where, strict=True)]
                    + [unsigned[n] * m for n, m in zip(numbers, where, strict=True)]
                )
            if not items:
                continue
            logits = differentiable.run_differentiable(
                model.bundle.network(f"{network}.pass{index}"), inputs
            )["logits"][0]
            for i, band, places in items:
                here = np.ones_like(black) if places == ALL else np.abs(black - places)
                yes, no = _decisions(level.q[band][box], here)
                own = logits[FLAGS * i : FLAGS * (i + 1)]
                bits = differentiable.decision_bits(own, yes, no, LOGIT_BITS)
                total = bits if total is None else total + bits
                masks[band] = masks[band] + here
    assert total is not None
    gradients = differentiable.gradient(total, leaves)
    for number, of_signed, of_unsigned in zip(
        window.levels(), gradients[0::2], gradients[1::2], strict=True
    ):
        # each place once: the margins belong to other windows
        y, x = (-(-edge >> number) for edge in (top, left))
        bottom, right = (-(-edge >> number) for edge in ends)
        oy, ox = start[0] >> number, start[1] >> number
        inner = slice(y - oy, bottom - oy), slice(x - ox, right - ox)
        found[number].signed[:, y:bottom, x:right] = of_signed[:, *inner]
        found[number].unsigned[:, y:bottom, x:right] = of_unsigned[:, *inner]


def _decisions(q: npt.NDArray[np.int16], here: Float32) -> tuple[Float32, Float32]:
    """How often each decision of coefficients is "yes" and "no"; (FLAGS, H, W) each."""
    m = np.abs(q.astype(np.int32))
    steps = np.clip(np.minimum(m, UNARY_LIMIT) - 3, 0, None)
    yes = np.stack([m > 0, q < 0, m > 1, m > 2, steps])
    no = np.stack([m == 0, q > 0, m == 1, m == 2, (m > 2) & (m < UNARY_LIMIT)])
    return (yes * here).astype(np.float32), (no * here).astype(np.float32)


def averaged(old: Mapping[int, Influence], new: Mapping[int, Influence]) -> dict[int, Influence]:
    """The mean of two sets of influences; the new one where there is no old one."""
    return {
        level: Influence(
            (old[level].signed + own.signed) * np.float32(0.5),
            (old[level].unsigned + own.unsigned) * np.float32(0.5),
        )
        if level in old
        else own
        for level, own in new.items()
    }


def influence_of(found: Influence | None, band: Band) -> tuple[Float32, Float32] | None:
    """The influence of a plane and band: (H, W) for its signed and for its unsigned feature."""
    if found is None:
        return None
    number = ALL_BANDS.index(band)
    return found.signed[number], found.unsigned[number]
