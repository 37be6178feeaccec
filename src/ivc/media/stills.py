"""Still pictures and short animations: files -> frames, through Pillow and where needed past it.

Pillow reads most formats at 8 bit. Deeper pictures take an exact way of their own: PNG through
``ivc.media.png``, TIFF through tifffile, netpbm through ``ivc.media.pnm``, AVIF and JPEG 2000
through FFmpeg, JPEG XL through imagecodecs, HEIC through pillow-heif. Animations (GIF, APNG, WebP)
become clips with their durations.
"""

from __future__ import annotations

import contextlib
import io
import logging
import math
import warnings
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import accumulate, pairwise
from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageCms, ImageSequence, UnidentifiedImageError

from ivc.errors import MediaError, UsageError
from ivc.media import deep
from ivc.media.arrays import from_pillow
from ivc.media.base import MAX_PIXELS, SourceBase, TimedFrame, file_fingerprint, log
from ivc.media.metadata import Metadata, metadata_of_image
from ivc.media.orientation import orient
from ivc.types import MAX_DIMENSION, Attachment, Frames, StreamInfo

EXTENSIONS = frozenset({
    ".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".tif", ".tiff", ".bmp", ".dib",
    ".avif", ".gif", ".ppm", ".pgm", ".pbm", ".pnm", ".pam", ".jp2", ".j2k", ".jpx", ".jpf", ".j2c",
    ".heic", ".heif", ".hif", ".jxl", ".ico", ".tga", ".pcx", ".sgi", ".psd", ".dds", ".icns",
    ".qoi",
})  # fmt: skip
"""Names that are read as stills."""

_TIME_BASE = Fraction(1, 1000)
_FINEST_TIME_BASE = Fraction(1, 1_000_000)
_MAX_DELAY_PARTS = 65535  # APNG has delays of a/b seconds with b up to this
_BROWSER_DELAY = Fraction(1, 10)  # for which browsers show a frame whose file says 0
_SIGNATURES = (
    b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"\xff\x0a",
    b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  ", b"\0\0\0\x0cJXL ", b"8BPS", b"qoif",
    *(b"P%d" % i for i in range(1, 8)),
)  # fmt: skip
_STILL_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1", b"heim", b"heis")

for _decoder in ("PIL", "tifffile"):
    # their notes on damaged files go to those who listen, not to standard error
    logging.getLogger(_decoder).addHandler(logging.NullHandler())


def looks_like_still(head: bytes) -> bool:
    """Whether the first 16 bytes of a file are those of a still-picture format."""
    if head[:4] == b"RIFF":
        return head[8:12] == b"WEBP"
    if head[4:8] == b"ftyp":
        return head[8:12] in _STILL_BRANDS
    return head.startswith(_SIGNATURES)


class StillSource(SourceBase):
    """A picture, or an animation as a clip, from a file or from its bytes.

    Raises:
        MediaError: when it cannot be decoded.
    """

    def __init__(self, file: Path | BinaryIO | bytes, where: str):
        self._path = file if isinstance(file, Path) else None
        self._where = where
        try:
            if isinstance(file, Path):
                data = file.read_bytes()
            else:
                data = file if isinstance(file, bytes) else file.read()
        except OSError as error:
            raise MediaError(f"cannot read {where}: {error.strerror or error}") from None
        if not data:
            raise MediaError(f"{where} is empty")
        self._data = data
        self._durations: list[Fraction] = []
        self._skipped = 0
        with _one_line_errors(where):
            decoded = deep.decode(data, where)
            frames, metadata = decoded if decoded else self._read_with_pillow()
        self._metadata = metadata.upright()
        self._orientation = metadata.orientation()
        first = orient(frames, self._orientation)
        if max(first.width, first.height) > MAX_DIMENSION:
            raise MediaError(f"{where} is {first.width}x{first.height}; sides go up to 65535")
        self.frame_count = len(self._durations) or 1
        self.info = StreamInfo(first.format, first.width, first.height)
        if self._durations:
            self.info = self.info.replace(
                still=False, time_base=_time_base(self._durations),
                frame_rate=_constant_rate(self._durations),
            )  # fmt: skip
            self._first = None
        else:
            self._first, self._data = first, b""

    def _read_with_pillow(self) -> tuple[Frames, Metadata]:
        with open_with_pillow(self._data, self._where) as image:
            # Pillow turns TIFF pictures upright while loading and drops their orientation tag
            image.load()
            metadata = metadata_of_image(image)
            count = getattr(image, "n_frames", 1)
            if count > 1 and image.format in ("GIF", "PNG", "WEBP", "AVIF"):
                return self._scan_animation(image), metadata
            if count > 1:
                log.warning("%s holds %d pictures; only the first is read", self._where, count)
            upright: Image.Image = image
            if image.mode == "CMYK":
                upright, metadata = _cmyk_to_rgb(image, metadata)
            return from_pillow(upright), metadata

    def _scan_animation(self, image: Image.Image) -> Frames:
        alpha = False
        # a PNG may begin with a picture for viewers without animation, which is no frame
        self._skipped = int(bool(image.info.get("default_image")))
        for index, picture in enumerate(ImageSequence.Iterator(image)):
            picture.load()
            if index < self._skipped:
                continue
            self._durations.append(_delay(picture))
            alpha |= _is_transparent(picture)
        self._mode = "RGBA" if alpha else "RGB"
        image.seek(self._skipped)
        return from_pillow(image.convert(self._mode))

    def fingerprint(self) -> str:
        """See ``Source.fingerprint``."""
        return file_fingerprint(self._path) if self._path else ""

    def attachments(self) -> list[Attachment]:
        """See ``Source.attachments``."""
        return self._metadata.attachments()

    def frames(self, start: int = 0) -> Iterator[TimedFrame]:
        """See ``Source.frames``."""
        if self._first is not None:
            if start == 0:
                yield TimedFrame(self._first)
            return
        # each end is rounded, not each duration, so that errors do not add up
        ends = [round(end / self.info.time_base) for end in accumulate(self._durations)]
        with open_with_pillow(self._data, self._where) as image:
            for index, (pts, end) in enumerate(pairwise((0, *ends))):
                if index >= start:
                    with _one_line_errors(f"{self._where}, frame {index}"):
                        image.seek(index + self._skipped)
                        frames = from_pillow(image.convert(self._mode))
                    yield TimedFrame(orient(frames, self._orientation), pts, end - pts)


def _delay(picture: Image.Image) -> Fraction:
    """Seconds that a frame of an animation is shown."""
    milliseconds = picture.info.get("duration", 0)
    seconds = Fraction(milliseconds / 1000).limit_denominator(_MAX_DELAY_PARTS)
    return seconds if seconds > 0 else _BROWSER_DELAY


def _is_transparent(picture: Image.Image) -> bool:
    # Pillow gives animated WebP an alpha plane whether the file has one or not
    if picture.format == "WEBP" and picture.mode == "RGBA":
        return picture.getchannel("A").getextrema() != (255, 255)
    return picture.has_transparency_data


def _time_base(durations: list[Fraction]) -> Fraction:
    """Milliseconds, or what else makes all durations whole."""
    ticks = math.lcm(*(duration.denominator for duration in durations))
    if _TIME_BASE.denominator % ticks == 0:
        return _TIME_BASE
    return max(Fraction(1, ticks), _FINEST_TIME_BASE)


def _constant_rate(durations: list[Fraction]) -> Fraction | None:
    """Frames a second if all durations but the last are equal."""
    if len(set(durations[:-1])) == 1:
        return 1 / durations[0]
    return None


@contextlib.contextmanager
def _one_line_errors(where: str) -> Iterator[None]:
    """Turn whatever a decoder raises for a damaged file into a ``MediaError`` of one line.

    What it warns of on the way is dropped.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except MediaError:
        raise
    except UsageError as error:
        raise MediaError(f"{where}: {error}") from None
    except MemoryError:
        raise MediaError(f"{where}: not enough memory to decode it") from None
    except Exception as error:
        # damaged files make decoders raise OSError, SyntaxError, struct.error and much else
        text = " ".join(str(error).split()) or type(error).__name__
        raise MediaError(f"cannot decode {where}: {text[:200]}") from None


@contextlib.contextmanager
def open_with_pillow(data: bytes, where: str) -> Iterator[Image.Image]:
    """The opened image, its size checked before any pixel is decoded.

    Raises:
        MediaError: for unknown or damaged files, and sizes above 2**28 pixels.
    """
    with _one_line_errors(where):
        # the limit is checked here, with a message of our own
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            image = Image.open(io.BytesIO(data))
        except UnidentifiedImageError:
            raise MediaError(f"{where} is not a picture in a known format, or is damaged") from None
        finally:
            Image.MAX_IMAGE_PIXELS = limit
    if image.width * image.height > MAX_PIXELS:
        raise MediaError(
            f"{where} is {image.width}x{image.height}; at most {MAX_PIXELS} pixels are read"
        )
    with image:
        yield image


def _cmyk_to_rgb(image: Image.Image, metadata: Metadata) -> tuple[Image.Image, Metadata]:
    """RGB by the image's own profile, or by the naive formula if it has none that works."""
    without = replace(metadata, icc=b"")
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(metadata.icc))
        converted = ImageCms.profileToProfile(
            image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except (ImageCms.PyCMSError, OSError):
        converted = None
    return converted or image.convert("RGB"), without
