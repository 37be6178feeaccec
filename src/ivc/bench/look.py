"""Pictures for the report's viewer: originals and decoded files, as data that a page can hold.

They are stored without loss (WebP), since what is looked at are artefacts. To keep the page small,
large pictures are cut to their middle, and of clips only some frames are taken.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import math
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ivc.bench.contenders import find
from ivc.bench.material import Material, frames_of
from ivc.bench.points import Point
from ivc.bench.runner import Job, run_point
from ivc.bench.suite import Suite
from ivc.media import to_pillow
from ivc.report import Picture, Version
from ivc.types import Frames

MOST_PIXELS = 1 << 20
"""Samples of a still that are shown; of a clip, of all its shown frames together for one codec."""
FRAMES = 8


@dataclass
class Look:
    """Collects one source's original and versions.

    Args:
        material: the original.
        most_pixels: see ``MOST_PIXELS``.
    """

    material: Material
    most_pixels: int = MOST_PIXELS
    versions: list[Version] = field(default_factory=list)

    def keep(self, point: Point, coded: Path, decoded: Path) -> None:
        """Take the frames of a decoded file; for ``runner.run_point``."""
        metrics = {name: value for name, value in point.metrics.items() if value is not None}
        self.versions.append(
            Version(point.codec, f"{point.setting:g}", point.size, metrics, self._frames(decoded))
        )

    def picture(self) -> Picture:
        """What the viewer shows."""
        top, left, height, width = self._window()
        whole = (height, width) == (self.material.height, self.material.width)
        crop = "" if whole else f"{width} x {height} samples from ({left}, {top})"
        return Picture(
            self.material.name, width, height, crop, list(self._numbers()),
            self._frames(self.material.path), self.versions,
        )  # fmt: skip

    def _numbers(self) -> Sequence[int]:
        count = self.material.frames
        shown = min(FRAMES, count)
        # the ends of a group of pictures differ from its middle
        return sorted({round(i * (count - 1) / max(1, shown - 1)) for i in range(shown)})

    def _window(self) -> tuple[int, int, int, int]:
        """Rows and columns that are shown: top, left, height, width; even, for 4:2:0."""
        height, width = self.material.height, self.material.width
        limit = self.most_pixels / len(self._numbers())
        if height * width <= limit:
            return 0, 0, height, width
        scale = (limit / (height * width)) ** 0.5
        h, w = max(1, int(height * scale)) & ~1 or 1, max(1, int(width * scale)) & ~1 or 1
        return (height - h) // 2 & ~1, (width - w) // 2 & ~1, h, w

    def _frames(self, path: Path) -> list[str]:
        wanted = set(self._numbers())
        top, left, height, width = self._window()
        found = []
        for number, frames in enumerate(frames_of(path)):
            if number in wanted:
                found.append(_data(frames, top, left, height, width))
        return found


def pictures(
    suite: Suite,
    materials: Sequence[Material],
    points: Sequence[Point],
    folder: Path,
    timeout: float = 3600.0,
) -> list[Picture]:
    """The viewer's pictures of a suite: its first still and clip, all codecs at about one size.

    The size is that of the suite's reference, or its first codec, in the middle of its ladder; each
    codec shows the file that comes nearest. Those files are made again here.
    """
    found = []
    stills, clips = ([m for m in materials if m.still is kind][:1] for kind in (True, False))
    for material in (*stills, *clips):
        own = [p for p in points if p.source == material.name and not p.error and not p.lossless]
        look = Look(material)
        for point in _matched(own, suite.reference):
            look.versions += _remembered(point, look, suite, folder, timeout)
        if look.versions:
            found.append(look.picture())
    return found


def _remembered(
    point: Point, look: Look, suite: Suite, folder: Path, timeout: float
) -> list[Version]:
    """The version of a point, from an earlier run or made again; none if it fails now."""
    file = folder / "look" / f"{point.key}.json"
    with contextlib.suppress(OSError, ValueError, TypeError):
        return [Version(**json.loads(file.read_text()))]
    made = Look(look.material, look.most_pixels)
    job = Job(look.material, find(point.codec, suite.commands), point.setting, point.threads)
    names = [name for name in point.metrics if not name.endswith("-mean")]
    with tempfile.TemporaryDirectory(dir=folder) as name:
        run_point(job, Path(name), names, keep=made.keep, timeout=timeout)
    if made.versions:
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(asdict(made.versions[0])))
    return made.versions


def _matched(points: Sequence[Point], reference: str) -> list[Point]:
    by_codec: dict[str, list[Point]] = {}
    for point in points:
        by_codec.setdefault(point.codec, []).append(point)
    if not by_codec:
        return []
    middle = sorted(by_codec.get(reference) or next(iter(by_codec.values())), key=_size)
    size = middle[(len(middle) - 1) // 2].size
    return [min(own, key=lambda p: abs(math.log(p.size / size))) for own in by_codec.values()]


def _size(point: Point) -> int:
    return point.size


def _data(frames: Frames, top: int, left: int, height: int, width: int) -> str:
    picture = to_pillow(frames).crop((left, top, left + width, top + height))
    if picture.mode not in ("RGB", "RGBA"):
        picture = picture.convert("RGB")
    file = io.BytesIO()
    picture.save(file, "WEBP", lossless=True, quality=20, method=1)
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode()
