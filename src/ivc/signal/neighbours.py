"""Causal neighbours of a sample in a padded plane, nearest first, for predictors that learn.

                24
          21 17 14 18 22
       19 11  9  6 10 12 20          6  3  7     around the same place
       15  7  3  2  4  8 16          2  1  4     in a plane that is
    23 13  5  1  x                   8  5  9     known as a whole

A field holds planes between margins of ``MARGIN`` samples, each sample less the middle of its
range. Around the plane that is being coded stand zeros above (copies of the first row once it is
coded), the first sample of the row above on the left, and a row's last sample on its right.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from ivc.signal.residuals import code_sample

MARGIN = 4

NO_LIMIT = 1 << 20
"""More than gradients can be."""

CAUSAL = (
    (0, -1), (-1, 0), (-1, -1), (-1, 1), (0, -2), (-2, 0), (-1, -2), (-1, 2), (-2, -1), (-2, 1),
    (-2, -2), (-2, 2), (0, -3), (-3, 0), (-1, -3), (-1, 3), (-3, -1), (-3, 1), (-2, -3), (-2, 3),
    (-3, -2), (-3, 2), (0, -4), (-4, 0),
)  # fmt: skip
"""Rows down and samples to the right of the neighbours, in the order in which they are used."""

AROUND = ((0, 0), (0, -1), (-1, 0), (0, 1), (1, 0), (-1, -1), (-1, 1), (1, -1), (1, 1))
"""The same in planes that are known as a whole."""


def new_field(shape: tuple[int, int], known: list[np.ndarray]) -> np.ndarray:
    """A field of a plane to be coded and of the known ones.

    Args:
        shape: (H, W).
        known: (H, W) int32 each, less the middle of their range.

    Returns:
        (1 + len(known), H + 2 * MARGIN, W + 2 * MARGIN) int32.
    """
    field = np.zeros((1 + len(known), shape[0] + 2 * MARGIN, shape[1] + 2 * MARGIN), np.int32)
    for plane, source in zip(field[1:], known, strict=True):
        plane[:] = np.pad(source, MARGIN, mode="edge")
    return field


def tap_offsets(field: np.ndarray, order: int, others: int) -> np.ndarray:
    """Distances from a sample to its neighbours in a field seen as one row of samples, int64."""
    plane, stride = field[0].size, field.shape[2]
    taps = [dy * stride + dx for dy, dx in CAUSAL[:order]]
    for source in range(1, len(field)):
        taps += [source * plane + dy * stride + dx for dy, dx in AROUND[:others]]
    return np.array(taps, np.int64)


@njit(cache=True, nogil=True)
def begin_row(plane, y):
    """Fill the left margin of row ``y`` of the padded plane that is being coded."""
    plane[y + MARGIN, :MARGIN] = plane[y + MARGIN - 1, MARGIN]


@njit(cache=True, nogil=True)
def end_row(plane, y):
    """Fill the right margin of row ``y`` once it is coded; after row 0 the rows above too."""
    row = plane[y + MARGIN]
    last = row.shape[0] - MARGIN
    row[last:] = row[last - 1]
    if y == 0:
        for i in range(MARGIN):
            plane[i] = row


@njit(cache=True, nogil=True, forceinline=True)
def _gradients(w, n, nw, ne, ww, nn, nne):
    total = abs(w - ww) + abs(n - nw) + abs(n - ne)
    return total + abs(w - nw) + abs(n - nn) + abs(ne - nne)


@njit(cache=True, nogil=True, forceinline=True)
def temporal_gradients(flat, at, then, stride):
    """Gradients around a sample of the difference to another plane of a field.

    Args:
        flat: the field as one row.
        at: where the sample is in it.
        then: where the sample at its place of the other plane is.
        stride: from row to row.
    """
    up, up2 = stride, 2 * stride
    return _gradients(
        flat[at - 1] - flat[then - 1],
        flat[at - up] - flat[then - up],
        flat[at - up - 1] - flat[then - up - 1],
        flat[at - up + 1] - flat[then - up + 1],
        flat[at - 2] - flat[then - 2],
        flat[at - up2] - flat[then - up2],
        flat[at - up2 + 1] - flat[then - up2 + 1],
    )


@njit(cache=True, nogil=True, forceinline=True)
def code_centred(
    coder, contexts, biases, sample, fine, row, above, above2, x, errors, most, guide, limits
):
    """Code or decode a predicted sample of a field; see ``residuals.code_sample``.

    Args:
        coder: an encoder, decoder or estimator of ``ivc.entropy``.
        contexts: at least ``ERROR_CONTEXTS`` adaptive contexts.
        biases: (``BIASES``, 2) int32.
        sample: its value less the middle.
        fine: the prediction in 1/256, less the middle.
        row: the row of the padded plane, and the two above it.
        above: the row above.
        above2: the row above that.
        x: where it is in the padded plane.
        errors: errors of this row and of the one above, with margins.
        most: upper limit of gradients, if something is known beside the plane itself.
        guide: absolute error of the colour plane before at this place.
        limits: smallest and largest sample less the middle, and 0.

    Returns:
        The sample and its error.
    """
    w, n, nw, ne = row[x - 1], above[x], above[x - 1], above[x + 1]
    ww, nn, nne = row[x - 2], above2[x], above2[x + 1]
    error_row, error_above = errors
    ew, en = error_row[x - 1], error_above[x]
    activity = min(_gradients(w, n, nw, ne, ww, nn, nne), most)
    activity += 2 * abs(ew) + 2 * abs(en) + abs(error_above[x - 1]) + abs(error_above[x + 1])
    activity += 3 * np.int64(guide)
    return code_sample(
        coder, contexts, biases, sample, (w, n, nw, ne, ww, nn), fine, 0, 0, activity, (ew, en),
        limits,
    )  # fmt: skip
