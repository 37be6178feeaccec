"""What a decoded file scores against its original.

=====================  =========================================================================
``psnr-rgb``           all samples of R, G and B
``psnr-y``             luma
``psnr-yuv``           (6 Y + U + V) / 8 of the planes' PSNRs
``ssim``, ``ms-ssim``  luma
others                 the optional metrics of ``ivc.metrics``
=====================  =========================================================================

Metrics of colour see Y'CbCr converted to RGB.

A PSNR of a clip is that of the mean squared error of all frames; with ``-mean`` after its name it
is the mean of the frames' PSNRs, as papers on learned video have it. Alpha is not scored, nor is
colour where the original is wholly transparent.
"""

from __future__ import annotations

import functools
import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from ivc.bench.material import Material, frames_of
from ivc.errors import MediaError
from ivc.media.convert import change_depth, to_rgb
from ivc.metrics import Meter
from ivc.types import Frames, Layout, PixelFormat

RUN = 8
"""Frames that are scored together."""

PLAIN = ("psnr-rgb", "psnr-y", "psnr-yuv", "ssim", "ms-ssim")
"""Metrics that need nothing but ivc."""

IN_RGB = frozenset({"psnr-rgb", "ssimulacra2", "lpips", "dists"})
"""Metrics of colour, which see Y'CbCr converted to RGB."""


@dataclass(frozen=True)
class Scores:
    """Figures of one decoded file.

    Attributes:
        values: by metric; infinity where nothing differs.
        exact: whether every sample is the original's, alpha included.
    """

    values: dict[str, float]
    exact: bool


def score(material: Material, decoded: Path, metrics: Sequence[str]) -> Scores:
    """Compare a decoded file with its original, in bounded memory.

    Args:
        material: the original.
        decoded: what a codec made of it. Its depth is converted by rounding; gray and colour, and
            4:2:0 and 4:4:4, are not taken for one another.
        metrics: names without ``-mean``, which comes with every PSNR of a clip.

    Raises:
        MediaError: when it has another size, layout or number of frames.
    """
    meters = {name: Meter([name.replace("psnr-rgb", "psnr")]) for name in metrics}
    exact = True
    for original, test in _pairs(material, decoded):
        exact = exact and all(
            (a == b).all() for a, b in zip(original.planes, test.planes, strict=True)
        )
        test = _visible(original, test)
        in_rgb: tuple[Frames, Frames] | None = None
        for name, meter in meters.items():
            if name in IN_RGB and original.format.layout not in (Layout.GRAY, Layout.RGB):
                in_rgb = in_rgb or (to_rgb(original), to_rgb(test))
                meter.add(*in_rgb)
            else:
                meter.add(original, test)
    values: dict[str, float] = {}
    for name, meter in meters.items():
        (found,) = meter.scores().values()
        values[name] = found.pooled
        if name.startswith("psnr") and not material.still:
            values[f"{name}-mean"] = found.mean
    return Scores(values, exact)


def _pairs(material: Material, decoded: Path) -> Iterator[tuple[Frames, Frames]]:
    """Runs of original and decoded frames of one format."""
    held: list[tuple[Frames, Frames]] = []
    for number, (a, b) in enumerate(zip_longest(frames_of(material.path), frames_of(decoded))):
        if a is None or b is None:
            more = "more" if a is None else "fewer"
            raise MediaError(f"decoded to {more} frames than the original's {material.frames}")
        held.append((a, _alike(b, a.format, a, number)))
        if len(held) == RUN:
            yield _joined(held)
            held = []
    if held:
        yield _joined(held)


def _visible(original: Frames, test: Frames) -> Frames:
    """The test with the original's colour where that is wholly transparent.

    Encoders are free to put anything there, and most do.
    """
    if not original.format.alpha or original.format.layout not in (Layout.GRAY, Layout.RGB):
        return test
    hidden = original.planes[-1] == 0
    if not hidden.any():
        return test
    planes = []
    for a, b in zip(original.planes, test.planes, strict=True):
        plane = b.copy()
        plane[hidden] = a[hidden]
        planes.append(plane)
    return Frames(planes, test.format)


def _joined(pairs: list[tuple[Frames, Frames]]) -> tuple[Frames, Frames]:
    a, b = zip(*pairs, strict=True)
    return Frames.concatenate(a), Frames.concatenate(b)


def _alike(test: Frames, form: PixelFormat, original: Frames, number: int) -> Frames:
    size, wanted = (test.width, test.height), (original.width, original.height)
    if size != wanted:
        raise MediaError(
            f"frame {number} decoded to {size[0]}x{size[1]}, not {wanted[0]}x{wanted[1]}"
        )
    if form.layout is Layout.GRAY and test.format.layout is Layout.RGB:
        # PNM and PNG readers of some codecs have no gray; equal planes lose nothing
        r, g, b, *alpha = test.planes
        if (r == g).all() and (g == b).all():
            layout = PixelFormat(Layout.GRAY, test.format.depth, test.format.alpha)
            test = Frames([r, *alpha], layout)
    if test.format.layout is not form.layout or test.format.alpha != form.alpha:
        raise MediaError(f"frame {number} decoded to {test.format}, not {form}")
    if test.format.depth != form.depth:
        test = change_depth(test, form.depth)
    # what is declared of colours is the container's business; the samples are compared
    return Frames(test.planes, form)


@functools.cache
def scoring() -> str:
    """Hash of the code that computes figures: old ones are not mixed with new ones."""
    import ivc.metrics

    folder = Path(ivc.metrics.__file__).parent
    digest = hashlib.sha256()
    for file in (Path(__file__), *sorted(folder.glob("*.py"))):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def finite(values: dict[str, float]) -> dict[str, float | None]:
    """The same with None for infinity, which JSON cannot say."""
    return {name: value if math.isfinite(value) else None for name, value in values.items()}
