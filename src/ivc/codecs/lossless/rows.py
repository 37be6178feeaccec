"""Rows that repeat the row above, or the same row of the picture before: one decision or two."""

from __future__ import annotations

from numba import njit

from ivc.codecs.lossless.plans import PAD
from ivc.entropy import code_bit, is_decoder

ROW_CONTEXTS = 6
"""Adaptive contexts that ``code_row_kind`` needs."""


@njit(cache=True, nogil=True)
def _row_kind(plan, buf, row, y, width):
    """Encoder: 1 if the row equals the one above, 2 the same row of the previous picture."""
    same = y > 0
    source = row - plan.stride[0]
    for x in range(width):
        if buf[row + x] != buf[source + x]:
            same = False
            break
    if same:
        return 1
    last = plan.origin.shape[0] - 1
    if not plan.moving[last]:
        return 0
    source = plan.origin[last] + y * plan.stride[last]
    for x in range(width):
        if buf[row + x] != buf[source + x]:
            return 0
    return 2


@njit(cache=True, nogil=True)
def code_row_kind(coder, contexts, plan, buf, res, row, y, before):
    """Code or decode whether a row is a repeat; fills it if so.

    Args:
        coder: any of the four kinds.
        contexts: at least ROW_CONTEXTS adaptive contexts.
        plan: of the plane.
        buf: all planes.
        res: all errors.
        row: place of the row's first sample.
        y: number of the row.
        before: what this returned for the row above; 0 for the first.

    Returns:
        0, 1 if the row equals the one above, 2 if it equals that of the previous picture.
    """
    width = plan.size[0, 1]
    planes = plan.origin.shape[0]
    wanted = 0
    if not is_decoder(coder):
        wanted = _row_kind(plan, buf, row, y, width)
    kind = 0
    if y > 0:
        kind = code_bit(coder, contexts, before, wanted == 1)
    if not kind and plan.moving[planes - 1]:
        kind = 2 * code_bit(coder, contexts, 3 + before, wanted == 2)
    if kind:
        source = row - plan.stride[0]
        if kind == 2:
            source = plan.origin[planes - 1] + y * plan.stride[planes - 1]
        for x in range(-PAD, width + PAD):
            buf[row + x] = buf[source + x]
            res[row + x] = 0
    return kind
