"""Sets of tables for integers that follow a Gaussian, Laplacian or logistic distribution.

Tools for making the tables that a learned codec ships: a network then chooses one of ``scales``
and one of ``fractions`` of the mean for each symbol. Table ``s * fractions + f`` is that of
``scales[s]`` and of a mean of ``f / fractions``; symbols are coded relative to the integer
part of the mean. Floats are used, so make tables once and store them with ``CdfTables.save``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from ivc.entropy.tables import MAX_ENTRIES, CdfTables, quantise_pmf
from ivc.errors import UsageError


def gaussian_tables(
    scales: Sequence[float], *, fractions: int = 1, tail: float = 2.0**-14
) -> CdfTables:
    """Tables of a Gaussian; ``scales`` are standard deviations. See ``_family`` for the rest."""
    return _family(scales, fractions, tail, lambda x: 0.5 * math.erfc(-x / math.sqrt(2)))


def laplace_tables(
    scales: Sequence[float], *, fractions: int = 1, tail: float = 2.0**-14
) -> CdfTables:
    """Tables of a Laplacian; ``scales`` are mean absolute deviations."""
    return _family(
        scales, fractions, tail, lambda x: 0.5 * math.exp(x) if x < 0 else 1 - 0.5 * math.exp(-x)
    )


def logistic_tables(
    scales: Sequence[float], *, fractions: int = 1, tail: float = 2.0**-14
) -> CdfTables:
    """Tables of a logistic distribution; the standard deviation is 1.81 times the scale."""
    return _family(scales, fractions, tail, lambda x: 0.5 * (1 + math.tanh(x / 2)))


def _family(
    scales: Sequence[float], fractions: int, tail: float, cdf: Callable[[float], float]
) -> CdfTables:
    """Tables of the integers' probabilities under ``cdf((x - mean) / scale)``.

    Args:
        scales: positive, one or more.
        fractions: number of means from 0 to 1.
        tail: probability that may be left to the escape.
        cdf: of a distribution that is symmetric about 0.

    Raises:
        UsageError: when a table would need too many entries or a number makes no sense.
    """
    if fractions < 1 or not 0 < tail < 1 or not len(scales) or min(scales) <= 0:
        raise UsageError("tables need positive scales, a tail inside 0..1 and at least one mean")
    tables, offsets = [], []
    for scale in scales:
        for mean in (f / fractions for f in range(fractions)):
            reach = 0
            while 2 * cdf(-(reach + 0.5) / scale) > tail:
                reach += 1
                if 2 * reach + 3 > MAX_ENTRIES:
                    raise UsageError(f"a scale of {scale} needs more than {MAX_ENTRIES} entries")
            # the table is symmetric about 0 or, for other means, about the mean as nearly as it can
            last = reach + (mean > 0)
            edges = [cdf((x - 0.5 - mean) / scale) for x in range(-reach, last + 2)]
            inside = np.diff(edges)
            tables.append(quantise_pmf([*inside, max(1.0 - float(inside.sum()), 0.0)]))
            offsets.append(-reach)
    return CdfTables(tables, offsets, escape=True)
