"""Pillow plugin: after ``import ivc.pillow``, Pillow opens and saves ``.ivc`` files.

>>> import io
>>> import ivc.pillow
>>> from PIL import Image
>>> file = io.BytesIO()
>>> Image.new("RGB", (40, 30), "teal").save(file, "IVC", lossless=True)
>>> image = Image.open(file)
>>> image.size, image.mode, image.getpixel((0, 0))
((40, 30), 'RGB', (0, 128, 128))

Opening reads the header; a frame is decoded when its pixels are asked for. Clips have ``n_frames``
and ``seek``, and ``info["duration"]`` in milliseconds a frame. ``save`` takes

* ``quality`` 0 to 100, ``effort`` 1 to 9 and ``profile``, as ``ivc encode`` does;
* ``lossless=True``: the lossless profile instead;
* ``icc_profile``: bytes, by default the image's own; ``exif`` and ``xmp``: by default none;
* ``save_all=True`` with ``append_images`` and ``duration`` (milliseconds a frame, 40 by default):
  a clip of frames of one size and mode.

Modes L, LA, RGB, RGBA and I;16 come back as they were; palettes, CMYK and others become the
nearest of these. Pictures of more than 8 bits other than gray are opened with 8. Encrypted files
need ``ivc.open``, which takes a key.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from fractions import Fraction
from typing import IO, TYPE_CHECKING, Any, BinaryIO, cast

from PIL import Image, ImageFile, ImageSequence

from ivc.errors import BitstreamError, DecryptionError, IvcError, UsageError
from ivc.types import Attachment, AttachmentKind, Layout, PixelFormat

if TYPE_CHECKING:
    from ivc.api import Clip

FORMAT = "IVC"
MAGIC = b"\x96ivc"
MIME_TYPE = "image/x-ivc"
LOSSLESS_PROFILE = "roadmap/dpcm"
DEFAULT_DURATION = 40
"""Milliseconds a frame of a clip that is saved without a duration."""

_INFO = {
    "icc_profile": AttachmentKind.ICC,
    "exif": AttachmentKind.EXIF,
    "xmp": AttachmentKind.XMP,
}


class IvcImageFile(ImageFile.ImageFile):
    """An ``.ivc`` file as a Pillow image; see the module's text.

    Attributes:
        n_frames: number of frames.
        is_animated: True if there are several.
    """

    format = FORMAT
    format_description = "ivc intelligent video codec"

    _clip: Clip

    def _open(self) -> None:
        from ivc import api

        try:
            self._clip = api.open(cast(BinaryIO, self.fp))
            self.n_frames = len(self._clip)
        except BitstreamError as error:
            raise SyntaxError(str(error)) from error
        except IvcError as error:
            raise OSError(str(error)) from error
        if not self.n_frames:
            raise OSError("the .ivc file is cut short before its first whole picture")
        self.is_animated = self.n_frames > 1
        self._size = (self._clip.width, self._clip.height)
        self._mode = _mode_of(self._clip.info.format)
        self._frame = 0
        self._decoded: int | None = None
        self._set_info()

    def _set_info(self) -> None:
        for name, kind in _INFO.items():
            # Encrypted ones are left out.
            with contextlib.suppress(DecryptionError):
                for attachment in self._clip.attachments([kind]):
                    self.info[name] = attachment.data
        if self._clip.info.frame_rate:
            self.info["duration"] = round(1000 / self._clip.info.frame_rate)

    def tell(self) -> int:
        """Number of the current frame."""
        return self._frame

    def seek(self, frame: int) -> None:
        """Make another frame the current one.

        Raises:
            EOFError: when there is no such frame.
        """
        if self._seek_check(frame):
            self._frame = frame

    def load(self) -> Any:
        """Decode the current frame.

        Raises:
            OSError: when it cannot be decoded.
        """
        if self._decoded != self._frame:
            from ivc.media import to_pillow

            try:
                picture = to_pillow(self._clip.frames(self._frame))
            except IvcError as error:
                raise OSError(str(error)) from error
            self.im = picture.im
            self._decoded = self._frame
            if not self.is_animated and self._exclusive_fp and self.fp:
                self.fp.close()
                self.fp = None
        return super().load()


def _mode_of(pixel_format: PixelFormat) -> str:
    if pixel_format.layout is not Layout.GRAY:
        return "RGBA" if pixel_format.alpha else "RGB"
    if pixel_format.alpha:
        return "LA"
    return "L" if pixel_format.depth == 8 else "I;16"


def _accept(prefix: bytes) -> bool:
    return prefix.startswith(MAGIC)


def _save(image: Image.Image, file: IO[bytes], filename: str | bytes) -> None:
    _write(image, [image], file, image.encoderinfo)


def _save_all(image: Image.Image, file: IO[bytes], filename: str | bytes) -> None:
    more = image.encoderinfo.get("append_images", ())
    sequence = itertools.chain.from_iterable(
        ImageSequence.Iterator(each) for each in itertools.chain([image], more)
    )
    _write(image, sequence, file, image.encoderinfo)


def _write(
    first: Image.Image, pictures: Iterator[Image.Image] | list[Image.Image],
    file: IO[bytes], settings: dict[str, Any],
) -> None:  # fmt: skip
    from ivc.media import from_pillow
    from ivc.media.memory import FramesSource
    from ivc.pipeline import EncodeOptions, encode
    from ivc.types import Frames

    try:
        parts = [from_pillow(picture) for picture in pictures]
        if len({(p.format, p.width, p.height) for p in parts}) > 1:
            raise UsageError("all frames of a clip must have the same size and mode")
        source = FramesSource(
            Frames.concatenate(parts),
            _frame_rate(settings) if len(parts) > 1 else None,
            _attachments(first, settings),
        )
        lossless = settings.get("lossless", False)
        options = EncodeOptions(
            profile=settings.get("profile", LOSSLESS_PROFILE if lossless else "auto"),
            quality=settings.get("quality"),
            effort=settings.get("effort", 5),
        )
        encode(source, cast(BinaryIO, file), options)
    except UsageError as error:
        raise ValueError(str(error)) from error
    except IvcError as error:
        raise OSError(str(error)) from error


def _frame_rate(settings: dict[str, Any]) -> Fraction:
    duration = settings.get("duration", DEFAULT_DURATION)
    if not isinstance(duration, (int, float)) or duration <= 0:
        raise UsageError(f"duration={duration!r}: give one number of milliseconds for all frames")
    return 1000 / Fraction(duration).limit_denominator(1000)


def _attachments(image: Image.Image, settings: dict[str, Any]) -> list[Attachment]:
    from ivc.media.metadata import strip_exif_prefix

    exif = settings.get("exif") or b""
    xmp = settings.get("xmp") or b""
    blobs = {
        AttachmentKind.ICC: settings.get("icc_profile", image.info.get("icc_profile")) or b"",
        AttachmentKind.EXIF: strip_exif_prefix(exif if isinstance(exif, bytes) else exif.tobytes()),
        AttachmentKind.XMP: xmp.encode() if isinstance(xmp, str) else xmp,
    }
    return [Attachment(kind, data) for kind, data in blobs.items() if data]


Image.register_open(FORMAT, IvcImageFile, _accept)
Image.register_save(FORMAT, _save)
Image.register_save_all(FORMAT, _save_all)
Image.register_extension(FORMAT, ".ivc")
Image.register_mime(FORMAT, MIME_TYPE)
