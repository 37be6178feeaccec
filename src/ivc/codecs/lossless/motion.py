"""Displacements of blocks against the picture before: found by the encoder, coded as they are."""

from __future__ import annotations

import numpy as np
from numba import njit

from ivc.entropy import code_adaptive_exp_golomb, code_bit

SIDE = 16
REACH = 48
WORTH = 3
"""A displacement unlike its neighbours' must leave this power of two less of the difference."""
MOTION_CONTEXTS = 64


@njit(cache=True, nogil=True)
def _distance(now, before, top, left, dy, dx, bound):
    height, width = now.shape
    total = 0
    for y in range(top, min(top + SIDE, height)):
        sy = min(max(y + dy, 0), height - 1)
        for x in range(left, min(left + SIDE, width)):
            sx = min(max(x + dx, 0), width - 1)
            total += abs(now[y, x] - before[sy, sx])
        if total >= bound:
            break
    return total


@njit(cache=True, nogil=True)
def find_motion(now, before, motion):
    """Encoder: a displacement for each 16x16 block of luma by a walk from its neighbours'.

    Args:
        now: (H, W) int32.
        before: (H, W) int32.
        motion: (2, rows, columns) int32, written; each within +-REACH.
    """
    for by in range(motion.shape[1]):
        for bx in range(motion.shape[2]):
            top, left = by * SIDE, bx * SIDE
            best_y = best_x = 0
            best = _distance(now, before, top, left, 0, 0, 1 << 60)
            best -= best >> 4
            for k in range(3):
                y, x = by - (k > 0), bx - (k == 0) + (k == 2)
                if y < 0 or not 0 <= x < motion.shape[2]:
                    continue
                dy, dx = motion[0, y, x], motion[1, y, x]
                cost = _distance(now, before, top, left, dy, dx, best)
                if cost < best:
                    best, best_y, best_x = cost, dy, dx
            # the regressions see a sample around a displacement: what lies there is known, too
            known, known_y, known_x = best, best_y, best_x
            for k in range(8):
                j = k + (k > 3)
                dy, dx = known_y + j // 3 - 1, known_x + j % 3 - 1
                known = min(known, _distance(now, before, top, left, dy, dx, known))
            step = 8
            while step:
                moved = False
                cy, cx = best_y, best_x
                for k in range(8):
                    j = k + (k > 3)
                    dy, dx = cy + (j // 3 - 1) * step, cx + (j % 3 - 1) * step
                    if abs(dy) > REACH or abs(dx) > REACH:
                        continue
                    cost = _distance(now, before, top, left, dy, dx, best)
                    if cost < best:
                        best, best_y, best_x = cost, dy, dx
                        moved = True
                if not moved or step > 1:
                    step >>= 1
            if best > known - (known >> WORTH):
                best_y, best_x = known_y, known_x
            motion[0, by, bx], motion[1, by, bx] = best_y, best_x


@njit(cache=True, nogil=True)
def code_motion(coder, contexts, motion):
    """Code or decode displacements, each against that to the left (first column: above).

    Args:
        coder: any of the four kinds.
        contexts: MOTION_CONTEXTS adaptive contexts.
        motion: (2, rows, columns) int32.
    """
    for by in range(motion.shape[1]):
        for bx in range(motion.shape[2]):
            for c in range(2):
                guess = np.int64(0)
                if bx:
                    guess = np.int64(motion[c, by, bx - 1])
                elif by:
                    guess = np.int64(motion[c, by - 1, bx])
                error = np.int64(motion[c, by, bx]) - guess
                size = code_adaptive_exp_golomb(coder, contexts, 28 * c, 14, 0, abs(error))
                if size and code_bit(coder, contexts, 56 + c, error < 0):
                    size = -size
                motion[c, by, bx] = min(max(guess + size, -REACH), REACH)
