"""Where planes lie in the buffers of the model, and which neighbours predict them.

All planes of a picture and of the one before lie in one array, each with a border of ``PAD``
samples. A plane is predicted from its own causal neighbours, from the planes before it in the same
picture (on all sides) and from its own displaced place in the picture before (on all sides).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit

PAD = 4
"""Samples of border around each plane in the buffers."""
BLOCK_BITS = 4
"""log2 of the side of a block of motion, in luma samples."""

_OWN = (
    (0, -1), (-1, 0), (-1, -1), (-1, 1), (0, -2), (-2, 0), (-2, 1), (-1, -2), (-2, -1), (-1, 2),
    (0, -3), (-3, 0), (-2, 2), (-2, -2), (-1, 3), (-3, 1), (-3, -1), (-1, -3), (0, -4), (-4, 0),
    (-2, 3), (-2, -3), (-3, 2), (-3, -2),
)  # fmt: skip
_START = {(0, 0): 0.6, (0, 1): 0.6, (0, 2): -0.4}
"""Coefficients of W, N and NW before anything is learnt."""
_AROUND = (
    (0, 0), (0, -1), (-1, 0), (0, 1), (1, 0), (-1, 1), (-1, -1), (1, 1), (1, -1), (0, 2), (0, -2),
    (-2, 0), (2, 0),
)  # fmt: skip


class Plan(NamedTuple):
    """How the samples of a plane are predicted.

    Attributes:
        origin: (planes,) int64: where sample (0, 0) of each plane lies in the buffers; plane 0 is
            the one in hand.
        stride: (planes,) int64.
        up: (planes, 2) int64: shifts of y and x from the plane in hand, negative to the right.
        size: (planes, 2) int64: height, width.
        tap_plane: (taps,) int64.
        tap_offset: (taps,) int64.
        start: (taps,) float64: coefficients to begin with.
        narrow: how many taps, from the first, the narrowest window of the best model uses.
        moving: (planes,) int64: 1 for planes of the previous picture, which motion displaces.
        block: (4,) int64: log2 of the height and width of a block of motion, log2 of luma samples
            in a sample down and across.
        low, high: least and greatest value.
        matching: 1 if values that followed the same neighbours before are tried first.
    """

    origin: np.ndarray
    stride: np.ndarray
    up: np.ndarray
    size: np.ndarray
    tap_plane: np.ndarray
    tap_offset: np.ndarray
    start: np.ndarray
    narrow: int
    moving: np.ndarray
    block: np.ndarray
    low: int
    high: int
    matching: int


@dataclass(frozen=True)
class Taps:
    """How many neighbours are used.

    Attributes:
        alone: own neighbours of a plane that has no other to refer to.
        own: own neighbours of other planes.
        around: neighbours in each of the other planes.
        small: how many of each come first, in the smallest window.
        small_alone: the same for a plane without others.
    """

    alone: int
    own: int
    around: int
    small: int
    small_alone: int


TAPS = {
    4: Taps(5, 3, 1, 1, 3),
    5: Taps(6, 4, 2, 2, 4),
    6: Taps(8, 5, 3, 3, 6),
    7: Taps(12, 8, 5, 4, 8),
    8: Taps(18, 12, 9, 6, 12),
    9: Taps(22, 18, 13, 6, 12),
}
"""By level of the syntax."""


@dataclass(frozen=True)
class Place:
    """One plane: its shape, shifts of its size against luma, and least and greatest value."""

    shape: tuple[int, int]
    shift: tuple[int, int]
    low: int
    high: int


class Buffers:
    """Samples and errors of the picture in hand and of the one before.

    Args:
        places: the planes of a picture.
        frames: 2 if pictures have predecessors, else 1.
    """

    def __init__(self, places: list[Place], frames: int) -> None:
        self.places = places
        sizes = [(h + 2 * PAD) * (w + 2 * PAD) for h, w in (p.shape for p in places)]
        self._starts = np.concatenate([[0], np.cumsum(sizes)])
        self._frame = int(self._starts[-1])
        self.samples = np.zeros(self._frame * frames, np.int32)
        self.errors = np.zeros(self._frame * frames, np.int32)

    def plane(self, i: int, parity: int) -> np.ndarray:
        """A view of plane ``i`` without its border."""
        h, w = self.places[i].shape
        start = parity * self._frame + int(self._starts[i])
        size = (h + 2 * PAD) * (w + 2 * PAD)
        whole = self.samples[start : start + size].reshape(h + 2 * PAD, w + 2 * PAD)
        return whole[PAD : PAD + h, PAD : PAD + w]

    def plan(
        self, i: int, parity: int, first: bool, level: int, matching: int, references: bool = True
    ) -> Plan:
        """How a plane is coded.

        Args:
            i: number of the plane.
            parity: of the picture, which says where it lies in the buffers.
            first: whether it has no predecessor.
            level: of the syntax; see ``TAPS``.
            matching: see ``Plan``.
            references: whether planes before it predict it.
        """
        taps = TAPS[level]
        own = self.places[i]
        before = list(range(i))[:2] if references else []
        if len(before) == 2 and own.shape != self.places[1].shape:
            before = [0]
        planes = [(i, parity), *((j, parity) for j in before)]
        if not first:
            planes.append((i, 1 - parity))
        counts = [taps.own if len(planes) > 1 else taps.alone] + [taps.around] * (len(planes) - 1)
        heads = [taps.small if len(planes) > 1 else taps.small_alone] + [
            min(taps.small, taps.around)
        ] * (len(planes) - 1)
        strides = [self.places[j].shape[1] + 2 * PAD for j, _ in planes]
        chosen = [(q, k) for q in range(len(planes)) for k in range(heads[q])]
        small = len(chosen)
        chosen += [(q, k) for q in range(len(planes)) for k in range(heads[q], counts[q])]
        offsets = []
        for q, k in chosen:
            dy, dx = (_AROUND if q else _OWN)[k]
            offsets.append(dy * strides[q] + dx)
        shifts = [self.places[j].shift for j, _ in planes]
        return Plan(
            np.array([
                p * self._frame + self._starts[j] + PAD * s + PAD
                for (j, p), s in zip(planes, strides, strict=True)
            ], np.int64),
            np.array(strides, np.int64),
            np.array([[own.shift[0] - a, own.shift[1] - b] for a, b in shifts], np.int64),
            np.array([self.places[j].shape for j, _ in planes], np.int64),
            np.array([q for q, _ in chosen], np.int64),
            np.array(offsets, np.int64),
            np.array([_START.get((q, k), 0.0) for q, k in chosen]),
            small,
            np.array([int(p != parity) for _, p in planes], np.int64),
            np.array([BLOCK_BITS - own.shift[0], BLOCK_BITS - own.shift[1], *own.shift], np.int64),
            own.low, own.high, matching,
        )  # fmt: skip


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def locate(plan, motion, y, x, position):
    """Find a sample's place in the planes that predict it.

    Args:
        plan: of the plane.
        motion: (2, rows, columns) int32: displacement of each block in luma samples.
        y: row.
        x: column.
        position: (planes,) int64, written from the second plane on.
    """
    ups, sizes, block = plan.up, plan.size, plan.block
    for q in range(1, position.shape[0]):
        py = y << ups[q, 0] if ups[q, 0] >= 0 else y >> -ups[q, 0]
        px = x << ups[q, 1] if ups[q, 1] >= 0 else x >> -ups[q, 1]
        if plan.moving[q]:
            by, bx = y >> block[0], x >> block[1]
            py += motion[0, by, bx] >> block[2]
            px += motion[1, by, bx] >> block[3]
        py = min(max(py, 0), sizes[q, 0] - 1)
        px = min(max(px, 0), sizes[q, 1] - 1)
        position[q] = plan.origin[q] + py * plan.stride[q] + px
