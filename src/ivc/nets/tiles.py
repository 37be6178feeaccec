"""Tiles of a plane and their margins, for networks that are run piece by piece."""

from __future__ import annotations

from collections.abc import Iterator

Box = tuple[slice, slice]
"""Rows and columns."""


def tiles(height: int, width: int, side: int) -> Iterator[Box]:
    """The tiles of a plane, row by row."""
    for top in range(0, height, side):
        for left in range(0, width, side):
            yield slice(top, min(top + side, height)), slice(left, min(left + side, width))


def widened(box: Box, halo: int, height: int, width: int) -> tuple[Box, Box]:
    """The box with a margin where the plane has one, and where the box lies inside it."""
    rows, columns = box
    top, left = max(rows.start - halo, 0), max(columns.start - halo, 0)
    bottom, right = min(rows.stop + halo, height), min(columns.stop + halo, width)
    inner = (
        slice(rows.start - top, rows.stop - top),
        slice(columns.start - left, columns.stop - left),
    )
    return (slice(top, bottom), slice(left, right)), inner
