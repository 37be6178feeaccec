"""Pictures and clips to be measured, in files that every codec reads.

A still becomes PNM (PNG if it has alpha), a clip y4m (FFV1 in Matroska if it is RGB), so that no
codec spends its time on reading another format. The content has a hash, which is what results are
remembered by: a file that is moved or renamed is not measured again.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from ivc.errors import MediaError
from ivc.media import open_sink, open_source
from ivc.media.base import DEFAULT_FRAME_RATE
from ivc.media.convert import to_rgb
from ivc.types import Frames, Layout, PixelFormat, Segment, StreamInfo


@dataclass(frozen=True)
class Material:
    """One picture or clip.

    Attributes:
        name: what it is called in results.
        path: the prepared file.
        digest: hash of samples, format and frame rate, 32 hexadecimal digits.
        width: luma samples.
        height: luma samples.
        frames: number of pictures.
        rate: frames a second; 0 for a still.
        layout: name of the layout, such as ``RGB`` or ``YUV420``.
        depth: bits a sample.
        alpha: whether it has an alpha plane.
    """

    name: str
    path: Path
    digest: str
    width: int
    height: int
    frames: int
    rate: Fraction
    layout: str
    depth: int
    alpha: bool

    @property
    def still(self) -> bool:
        """Whether it is a single picture without timing."""
        return not self.rate

    @property
    def pixels(self) -> int:
        """Luma samples of all frames."""
        return self.width * self.height * self.frames

    @property
    def seconds(self) -> float:
        """Duration; 0 for a still."""
        return float(self.frames / self.rate) if self.rate else 0.0

    @property
    def suffix(self) -> str:
        """Extension of the prepared file, and of what codecs decode to."""
        return self.path.suffix

    def rates(self, size: int) -> dict[str, float]:
        """Bits a pixel, and kbit/s of a clip, of a file of ``size`` bytes."""
        found = {"bpp": 8 * size / self.pixels}
        if self.seconds:
            found["kbps"] = 8 * size / self.seconds / 1000
        return found


def prepare(
    path: Path | BinaryIO, folder: Path, *, name: str = "", frames: int | None = None
) -> Material:
    """Read a picture or clip and write what codecs are given.

    Args:
        path: any picture or video file that ivc reads, a pattern of numbered pictures, or an
            open file.
        folder: where to write, under a name of our own, whatever the input's.
        name: what to call it; default: its file name.
        frames: of a clip, take at most so many.

    Raises:
        MediaError: when it cannot be read.
    """
    name = name or (path.name if isinstance(path, Path) else "input")
    if isinstance(path, Path) and path.name == "-":
        path = path.absolute()  # a file, not a pipe
    with open_source(path) as source:
        info = source.info
        still = info.still
        form = info.format
        rgb = not still and form.layout is Layout.RGB
        if form.alpha and not still:
            raise MediaError(f"{name}: clips with alpha are not compared")
        if still and form.layout not in (Layout.GRAY, Layout.RGB):
            form = to_rgb(_blank(form)).format
        suffix = (".png" if form.alpha else _pnm(form)) if still else ".mkv" if rgb else ".y4m"
        rate = Fraction(0) if still else (info.frame_rate or DEFAULT_FRAME_RATE)
        digest = hashlib.sha256(f"{form} {form.colour} {info.width}x{info.height} {rate}".encode())
        # two runs may prepare the same material in one folder
        part = folder / f"part-{os.getpid()}-{threading.get_ident()}{suffix}"
        count = 0
        # frames are evenly spaced here: rates are computed from their number, and no codec is
        # asked to keep times
        plain = StreamInfo(form, info.width, info.height, still, 1 / rate if rate else Fraction(1),
                           rate or None)  # fmt: skip
        with open_sink(part, plain) as sink:
            for count, timed in enumerate(islice(source.frames(), frames), 1):
                picture = timed.frames
                if still and picture.format.layout not in (Layout.GRAY, Layout.RGB):
                    picture = to_rgb(picture)
                for plane in picture.planes:
                    digest.update(plane.tobytes())
                sink.write(Segment(picture, () if still else (count - 1,), 0 if still else 1))
    if not count:
        part.unlink(missing_ok=True)
        raise MediaError(f"{name} has no frames")
    key = digest.hexdigest()[:32]
    # a name on disk may be no text, which neither JSON nor a page holds
    shown = name.encode(errors="replace").decode()
    return Material(
        shown, part.replace(folder / f"{key}{suffix}"), key, info.width, info.height,
        count, rate, form.layout.name, form.depth, form.alpha,
    )  # fmt: skip


def frames_of(path: Path) -> Iterator[Frames]:
    """The pictures of a file, one after the other.

    Raises:
        MediaError: when it cannot be read.
    """
    with open_source(path) as source:
        for timed in source.frames():
            yield timed.frames


def _pnm(form: PixelFormat) -> str:
    return ".pgm" if form.layout is Layout.GRAY else ".ppm"


def _blank(form: PixelFormat) -> Frames:
    import numpy as np

    shapes = form.plane_shapes(2, 2)
    return Frames([np.zeros((1, *shape), form.dtype) for shape in shapes], form)
