"""Random patches of folders of pictures.

Each patch depends on the seed and on its own number only, never on those before it: a training that
goes on after a kill sees what it would have seen, and several processes share a batch by number.
"""

from __future__ import annotations

import logging
import threading
import warnings
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from ivc.errors import MediaError, UsageError

SUFFIXES = frozenset(
    {
        ".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".avif", ".bmp", ".ppm", ".pgm", ".gif",
        ".jp2",
    }
)  # fmt: skip
_log = logging.getLogger("ivc.train.data")

Picture = npt.NDArray[np.uint8]


def find_pictures(folders: Sequence[str | Path]) -> list[Path]:
    """All pictures in folders and the folders in them, by suffix; sorted in each.

    Raises:
        UsageError: when a folder does not exist or holds none.
    """
    found: list[Path] = []
    for folder in map(Path, folders):
        if not folder.is_dir():
            raise UsageError(f"{folder} is no folder of pictures")
        inside = sorted(
            path
            for path in folder.rglob("*")
            if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
        )
        if not inside:
            raise UsageError(
                f"{folder} holds no picture; there must be files such as .png, .jpg or .webp in it"
            )
        found += inside
    return found


def spread(items: Sequence[Path], count: int) -> list[Path]:
    """``count`` of the items, evenly spread; all of them if there are no more."""
    if count >= len(items):
        return list(items)
    return [items[(2 * i + 1) * len(items) // (2 * count)] for i in range(count)]


def readable(paths: Sequence[Path]) -> list[Path]:
    """Those of the pictures that can be read; warns of the others."""
    found = []
    for path in paths:
        try:
            read_picture(path)
        except MediaError as error:
            _log.warning("%s; it is left out", error)
        else:
            found.append(path)
    return found


def read_picture(path: Path) -> Picture:
    """A picture as RGB of shape (H, W, 3); 16 bits are cut to 8, transparency is dropped.

    Raises:
        MediaError: when it cannot be read.
    """
    try:
        with warnings.catch_warnings(), Image.open(path) as image:
            warnings.simplefilter("ignore")
            if image.mode.startswith("I"):
                # Pillow would clip 16-bit samples to 255 instead of scaling them
                gray = (np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8)
                return np.repeat(gray[..., None], 3, 2)
            return np.asarray(image.convert("RGB"))
    except Exception as error:
        # decoders raise nearly everything for a damaged file
        raise MediaError(f"{path}: cannot be read: {str(error) or type(error).__name__}") from None


class Patches:
    """Square patches of pictures: rescaled, flipped and transposed at random.

    Large pictures are drawn more often, by the root of their area. A picture smaller than a patch
    is continued by mirroring. Files that cannot be read are left out with a warning.

    Args:
        files: pictures.
        size: height and width of a patch.
        seed: of all randomness, not negative.
        cache_bytes: decoded pictures that are kept.

    Attributes:
        files: those that look readable.

    Raises:
        UsageError: when no file can be read.
    """

    def __init__(
        self, files: Sequence[Path], size: int, *, seed: int, cache_bytes: int = 2 * 10**9
    ) -> None:
        self.size, self._seed, self._room = size, seed, cache_bytes
        self._cache: OrderedDict[int, Picture] = OrderedDict()
        self._lock = threading.Lock()
        self._broken: set[int] = set()
        self.files: list[Path] = []
        areas = []
        for path in files:
            try:
                with warnings.catch_warnings(), Image.open(path) as image:
                    warnings.simplefilter("ignore")
                    areas.append(image.width * image.height)
            except Exception as error:
                _log.warning("%s is left out: %s", path, str(error) or type(error).__name__)
                continue
            self.files.append(path)
        if not self.files:
            raise UsageError(f"none of {len(files)} pictures can be read")
        weights = np.sqrt(np.array(areas, np.float64))
        self._cumulated = np.cumsum(weights) / weights.sum()

    def patch(self, step: int, index: int) -> Picture:
        """Patch ``index`` of the batch of a step, (3, size, size) RGB.

        Raises:
            UsageError: when every picture turns out to be damaged.
        """
        random = np.random.default_rng((self._seed, step, index))
        while len(self._broken) < len(self.files):
            number = int(np.searchsorted(self._cumulated, random.random(), side="right"))
            picture = self._picture(min(number, len(self.files) - 1))
            if picture is not None:
                return self._cut(picture, random)
        raise UsageError(f"none of {len(self.files)} pictures can be read")

    def batch(self, step: int, indices: Sequence[int]) -> Picture:
        """Some patches of the batch of a step, (N, 3, size, size)."""
        return np.stack([self.patch(step, index) for index in indices])

    def _cut(self, picture: Picture, random: np.random.Generator) -> Picture:
        size = self.size
        height, width = picture.shape[:2]
        biggest = min(height, width) / size
        # a third of the patches is made of more pixels than it has: other scales, less noise
        scale = min(biggest, 2 ** max(0.0, random.uniform(-1.5, 1))) if biggest > 1.1 else 1.0
        side = int(size * scale)
        top, left = random.integers(0, height - side + 1), random.integers(0, width - side + 1)
        crop = picture[top : top + side, left : left + side]
        if side != size:
            crop = np.asarray(Image.fromarray(crop).resize((size, size), Image.Resampling.LANCZOS))
        if random.random() < 0.5:
            crop = crop[:, ::-1]
        if random.random() < 0.5:
            crop = crop.transpose(1, 0, 2)
        return crop.transpose(2, 0, 1)

    def _picture(self, number: int) -> Picture | None:
        """A picture, from the cache if it is there; None if it is damaged."""
        with self._lock:
            if number in self._broken:
                return None
            if number in self._cache:
                self._cache.move_to_end(number)
                return self._cache[number]
        try:
            picture = read_picture(self.files[number])
        except MediaError as error:
            with self._lock:
                if number not in self._broken:
                    _log.warning("%s; it is left out", error)
                self._broken.add(number)
            return None
        missing = [(0, max(0, self.size - side)) for side in picture.shape[:2]]
        if any(after for _, after in missing):
            picture = np.pad(picture, [*missing, (0, 0)], mode="symmetric")
        with self._lock:
            self._cache[number] = picture
            self._cache.move_to_end(number)
            held = sum(kept.nbytes for kept in self._cache.values())
            while held > self._room and self._cache:
                held -= self._cache.popitem(last=False)[1].nbytes
        return picture
