"""Rate-distortion curves of other codecs as their authors and others published them.

    for codec in curves("kodak"):
        codec.title, codec.curves["psnr-rgb"], codec.source

They are means over a set of pictures, here the 24 of Kodak: mean bits per pixel and mean quality of
a setting. The qualities are ``psnr-rgb`` (over all samples of R, G and B of a picture, in dB, then
averaged) and ``ms-ssim-rgb`` (of R, G and B, averaged over planes and pictures and then put in dB
by ``ivc.bench.bd.decibel``). A curve of one's own compares with these only if it is such a mean, by
such a metric, over the same pictures. Whether it does, ``agreement`` shows: codecs measured anew,
such as JPEG, must come out as published.

Every curve names its source. ``benchmarks/published_data.py`` writes the data.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ivc.bench.bd import Bd, Curve, Method, NoOverlap, bd_rate, rate_at
from ivc.errors import UsageError

SETS = {"kodak": "kodak_published.json"}
"""Names of ``curves``, and files in ``data``."""

PAIRS = {"avif": "av1"}
"""What a codec is published as, where names differ. AVIF holds AV1, and the encoder need not be the
same."""

LEVELS = {
    "psnr-rgb": (28.0, 30.0, 32.0, 34.0, 36.0, 38.0),
    "ms-ssim-rgb": (10.0, 12.0, 14.0, 16.0, 18.0, 20.0),
}
"""Qualities in dB at which ``agreement`` puts codecs in order."""


@dataclass(frozen=True)
class Published:
    """A codec with its published curves.

    Attributes:
        name: short and unique, such as ``jpeg``, ``vtm``, ``mbt2018``; with ``-ms-ssim`` at the end
            if it is a model that was trained for MS-SSIM.
        title: as people write it.
        source: repository and path, and the paper if there is one.
        licence: of the repository. The figures are facts, and are cited.
        note: version and settings, and in what its figures differ from others.
        pictures: number of pictures that the means are over.
        curves: by metric (``psnr-rgb``, ``ms-ssim-rgb``), points (bits per pixel, dB) by rising
            rate; some codecs have one metric only.
    """

    name: str
    title: str
    source: str
    licence: str
    note: str
    pictures: int
    curves: dict[str, Curve]


@dataclass(frozen=True)
class Order:
    """Names of codecs from the smallest rate at one quality to the largest.

    Attributes:
        level: the quality in dB.
        own: by one's own curves.
        published: of the same codecs, by the published curves.
        same: whether the two agree.
    """

    level: float
    own: tuple[str, ...]
    published: tuple[str, ...]
    same: bool


@dataclass(frozen=True)
class Agreement:
    """How well own curves repeat published ones.

    Attributes:
        metric: of both.
        differences: by name of the own codec, per cent of rate that it needs more than published.
        refused: why, of each own codec that could not be compared.
        orders: one for each level that the own and the published curves of at least two codecs
            reach.
        same_order: whether all of them agree; None if there are none.
    """

    metric: str
    differences: dict[str, Bd]
    refused: dict[str, str]
    orders: list[Order]
    same_order: bool | None


def curves(name: str = "kodak") -> list[Published]:
    """All published codecs of a set of pictures.

    Raises:
        UsageError: there is no such set.
    """
    if name not in SETS:
        raise UsageError(f"no published curves of {name!r}; there are those of {', '.join(SETS)}")
    data = json.loads((Path(__file__).parent / "data" / SETS[name]).read_text(encoding="utf-8"))
    found = []
    for codec in data["codecs"]:
        repository = codec["source"].split(",")[0].split("@")[0]
        found.append(
            Published(
                name=codec["name"],
                title=codec["title"],
                source=codec["source"],
                licence=data["repositories"][repository]["licence"],
                note=codec["note"],
                pictures=data["pictures"],
                curves={
                    metric: list(zip(codec["bpp"], codec[metric], strict=True))
                    for metric in data["metrics"]
                    if metric in codec
                },
            )
        )
    return found


def agreement(
    own: Mapping[str, Curve],
    published: Sequence[Published] | None = None,
    *,
    metric: str = "psnr-rgb",
    pairs: Mapping[str, str] = PAIRS,
    levels: Sequence[float] | None = None,
    method: Method = "pchip",
) -> Agreement:
    """Holds own mean curves against the published ones of the same codecs.

    Args:
        own: by name of the codec, mean curves (bits per pixel, dB) over the pictures of the
            published ones.
        published: from ``curves``; None: of Kodak.
        metric: ``psnr-rgb`` or ``ms-ssim-rgb``.
        pairs: published names of own codecs that are called otherwise.
        levels: qualities at which codecs are put in order; None: those of ``LEVELS``.
        method: interpolation.

    Raises:
        UsageError: an unknown metric, or as ``bd_rate``.
    """
    if metric not in LEVELS:
        raise UsageError(f"no published curves by {metric!r}; there are {', '.join(LEVELS)}")
    known = {codec.name: codec.curves for codec in (curves() if published is None else published)}
    differences: dict[str, Bd] = {}
    refused: dict[str, str] = {}
    both: dict[str, tuple[Curve, Curve]] = {}
    for name, curve in own.items():
        theirs = known.get(pairs.get(name, name), {}).get(metric)
        if theirs is None:
            refused[name] = f"no published curve by {metric}"
            continue
        try:
            differences[name] = bd_rate(theirs, curve, method=method)
        except NoOverlap as error:
            refused[name] = str(error)
        both[name] = curve, theirs
    orders = [
        order
        for level in (LEVELS[metric] if levels is None else levels)
        if (order := _order(both, level, method)) is not None
    ]
    same = all(order.same for order in orders) if orders else None
    return Agreement(metric, differences, refused, orders, same)


def _order(both: Mapping[str, tuple[Curve, Curve]], level: float, method: Method) -> Order | None:
    """Order at a level of the codecs of which both curves reach it; None for fewer than two."""
    ours: dict[str, float] = {}
    theirs: dict[str, float] = {}
    for name, (own, published) in both.items():
        a, b = (rate_at(curve, level, method=method) for curve in (own, published))
        if a is not None and b is not None:
            ours[name], theirs[name] = a, b
    if len(ours) < 2:
        return None
    by_own, by_published = (tuple(sorted(r, key=r.__getitem__)) for r in (ours, theirs))
    return Order(level, by_own, by_published, by_own == by_published)
