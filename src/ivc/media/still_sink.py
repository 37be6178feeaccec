"""Still pictures: frames -> files, lossless wherever the format can be."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ivc.errors import MediaError
from ivc.media import png, pnm
from ivc.media.arrays import frames_to_array, to_pillow
from ivc.media.atomic import AtomicPath, guard_writes
from ivc.media.base import SinkBase, log
from ivc.media.convert import change_depth, to_full_range_gray, to_rgb
from ivc.media.metadata import Metadata
from ivc.types import Attachment, Frames, Layout, Segment

Encoder = Callable[[BinaryIO, Frames, Metadata, str], None]


def write_still(
    file: BinaryIO, frames: Frames, metadata: Metadata, extension: str, where: str
) -> None:
    """Write one picture in the format of a file name extension.

    Args:
        file: where to.
        frames: T = 1, any format; YUV is converted to full-range RGB.
        metadata: what to store beside the pixels, as far as the format can.
        extension: lower case, with the dot.
        where: what to call the file in messages.

    Raises:
        MediaError: when the format cannot hold the picture.
    """
    shown = to_full_range_gray(frames)
    if shown.format.layout is not Layout.GRAY:
        shown = to_rgb(shown)
    if shown.format.alpha and extension in _WITHOUT_ALPHA:
        raise MediaError(
            f"{where}: {extension} cannot hold alpha; write .png, .webp, .tiff or .avif"
        )
    _ENCODERS[extension](file, shown, metadata, extension)


def _png(file: BinaryIO, frames: Frames, metadata: Metadata, extension: str) -> None:
    colour = frames.format.colour
    known = colour.primaries != 2 and colour.transfer != 2
    is_srgb = (colour.primaries, colour.transfer) == (1, 13)
    chunks = png.metadata_chunks(
        icc=metadata.icc, exif=metadata.exif, xmp=metadata.xmp, text=metadata.text,
        cicp=(colour.primaries, colour.transfer, 0, 1) if known and not is_srgb else None,
    )  # fmt: skip
    shown = change_depth(frames, 8 if frames.format.depth == 8 else 16)
    png.write_png(file, np.stack([plane[0] for plane in shown.planes], axis=-1), chunks)


def _pnm(file: BinaryIO, frames: Frames, metadata: Metadata, extension: str) -> None:
    pnm.write_pnm(file, frames, extension)


def _tiff(file: BinaryIO, frames: Frames, metadata: Metadata, extension: str) -> None:
    import tifffile

    form = frames.format
    pixels = frames_to_array(change_depth(frames, 8 if form.depth == 8 else 16))[0]
    tags: list[tuple[Any, ...]] = []
    if metadata.icc:
        tags.append((34675, 7, len(metadata.icc), metadata.icc, True))
    if metadata.xmp:
        tags.append((700, 1, len(metadata.xmp), metadata.xmp, True))
    buffer = io.BytesIO()
    tifffile.imwrite(
        buffer, pixels, compression="zlib", metadata=None, extratags=tags, software=False,
        photometric="minisblack" if form.layout is Layout.GRAY else "rgb",
        extrasamples=["unassalpha"] if form.alpha else None,
    )  # fmt: skip
    file.write(buffer.getvalue())


def _pillow(file: BinaryIO, frames: Frames, metadata: Metadata, extension: str) -> None:
    name, options, deep_gray = _PILLOW[extension]
    keep_deep = deep_gray and frames.format.layout is Layout.GRAY and not frames.format.alpha
    if frames.format.depth > 8 and not keep_deep:
        log.warning("%s holds 8 bits a sample: rounded from %d", extension, frames.format.depth)
        frames = change_depth(frames, 8)
    extra: dict[str, Any] = dict(options)
    if name in ("JPEG", "WEBP", "AVIF", "PNG", "JPEG2000") and metadata.icc:
        extra["icc_profile"] = metadata.icc
    if name in ("JPEG", "WEBP", "AVIF") and metadata.exif:
        extra["exif"] = b"Exif\0\0" + metadata.exif if name == "JPEG" else metadata.exif
    if name in ("JPEG", "WEBP", "AVIF") and metadata.xmp:
        extra["xmp"] = metadata.xmp
    to_pillow(frames).save(file, name, **extra)


def _jxl(file: BinaryIO, frames: Frames, metadata: Metadata, extension: str) -> None:
    try:
        import imagecodecs
    except ImportError:
        raise MediaError("writing JPEG XL needs another package: pip install imagecodecs") from None
    deep = change_depth(frames, 8 if frames.format.depth == 8 else 16)
    file.write(imagecodecs.jpegxl_encode(frames_to_array(deep)[0], lossless=True))


# Pillow's name, options, whether 16 bit gray is kept
_PILLOW: dict[str, tuple[str, dict[str, Any], bool]] = {
    ".jpg": ("JPEG", {"quality": 95, "subsampling": 0, "optimize": True}, False),
    ".webp": ("WEBP", {"lossless": True, "exact": True, "method": 4}, False),
    ".bmp": ("BMP", {}, False),
    ".avif": ("AVIF", {"quality": 100, "subsampling": "4:4:4"}, False),
    ".jp2": ("JPEG2000", {"irreversible": False}, True),
    ".tga": ("TGA", {"compression": "tga_rle"}, False),
}
_PILLOW |= {".jpeg": _PILLOW[".jpg"], ".j2k": _PILLOW[".jp2"], ".dib": ("DIB", {}, False)}
_WITHOUT_ALPHA = frozenset({".jpg", ".jpeg", ".bmp", ".dib", ".ppm", ".pgm"})
_ENCODERS: dict[str, Encoder] = {
    ".png": _png, ".tif": _tiff, ".tiff": _tiff, ".jxl": _jxl,
    ".ppm": _pnm, ".pgm": _pnm, ".pnm": _pnm, ".pam": _pnm,
    **dict.fromkeys(_PILLOW, _pillow),
}  # fmt: skip
EXTENSIONS = frozenset(_ENCODERS)
"""Names that are written as stills."""


class StillSink(SinkBase):
    """One picture, to a path or a file object."""

    def __init__(
        self, target: Path | BinaryIO, where: str, extension: str, attachments: Sequence[Attachment]
    ):
        self._atomic = AtomicPath(target) if isinstance(target, Path) else None
        self._file = None if isinstance(target, Path) else target
        self._where, self._extension = where, extension
        self._metadata = Metadata.from_attachments(attachments)
        self._written = False
        self._open = True

    def write(self, segment: Segment) -> None:
        """See ``Sink.write``."""
        if self._written or len(segment.frames) != 1:
            raise MediaError(
                f"{self._where} holds one picture; for a clip number the files "
                f"(out_%04d{self._extension}) or write a video (.mkv, .mp4, .y4m)"
            )
        if self._atomic is not None:
            with guard_writes(self._where), self._atomic.temporary.open("wb") as file:
                self._encode(file, segment.frames)
        elif self._file is not None:
            # some writers seek, which a pipe cannot
            buffer = io.BytesIO()
            self._encode(buffer, segment.frames)
            with guard_writes(self._where):
                self._file.write(buffer.getvalue())
                self._file.flush()
        self._written = True

    def _encode(self, file: BinaryIO, frames: Frames) -> None:
        write_still(file, frames, self._metadata, self._extension, self._where)

    def close(self) -> None:
        """See ``Sink.close``."""
        if not self._open:
            return
        if not self._written:
            raise MediaError(f"no picture was written to {self._where}")
        self._open = False
        if self._atomic is not None:
            self._atomic.commit()

    def abort(self) -> None:
        """See ``Sink.abort``."""
        if self._open and self._atomic is not None:
            self._atomic.abort()
        self._open = False
