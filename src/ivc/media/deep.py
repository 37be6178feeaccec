"""Stills that Pillow would round to 8 bits or cannot open, each read exactly by its own way."""

from __future__ import annotations

import importlib
import io
import struct
from collections.abc import Callable
from typing import Any

import numpy as np

from ivc.errors import MediaError
from ivc.media import png, pnm
from ivc.media.arrays import frames_from_array
from ivc.media.base import MAX_PIXELS, log
from ivc.media.metadata import Metadata, metadata_of_image, strip_exif_prefix, tiff_exif
from ivc.types import Frames

Decoded = tuple[Frames, Metadata]


def decode(data: bytes, where: str) -> Decoded | None:
    """Decode what needs a way of its own; None if Pillow reads it without loss.

    Raises:
        MediaError: for damaged files and for formats whose package is not installed. What the
            packages raise for damaged files passes through.
    """
    decoder = _decoder(data)
    return decoder(data, where) if decoder else None


def _decoder(data: bytes) -> Callable[[bytes, str], Decoded | None] | None:
    if data.startswith(png.SIGNATURE):
        return _decode_png
    if data[:2] in (b"P1", b"P2", b"P3", b"P4", b"P5", b"P6", b"P7") and data[2:3].isspace():
        return lambda data, where: (pnm.read_pnm(data, where), Metadata())
    if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return _decode_tiff
    if data[4:8] == b"ftyp" and data[8:12] == b"avif":
        return _decode_avif
    if data[4:8] == b"ftyp" and data[8:12] in (b"heic", b"heix", b"mif1", b"heim", b"heis"):
        return _decode_heic
    if data.startswith((b"\xff\x0a", b"\0\0\0\x0cJXL ")):
        return _decode_jxl
    if data.startswith((b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  ")):
        return _decode_jpeg2000
    return None


def _need(package: str, wheel: str, where: str, kind: str) -> Any:
    try:
        return importlib.import_module(package)
    except ImportError:
        raise MediaError(
            f"{where}: reading {kind} needs another package: pip install {wheel}"
        ) from None


def _check_size(width: int, height: int, where: str) -> None:
    if width * height > MAX_PIXELS:
        raise MediaError(f"{where} is {width}x{height}; at most {MAX_PIXELS} pixels are read")


def _pillow_metadata(data: bytes) -> Metadata:
    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        return metadata_of_image(image)


def _decode_png(data: bytes, where: str) -> Decoded | None:
    header = png.read_header(data)
    if header is None or header.depth != 16:
        return None
    _check_size(header.width, header.height, where)
    kinds = [kind for kind, _ in png.read_chunks(data, where)]
    if b"acTL" in kinds:
        log.warning("%s: a 16 bit animation; only its first picture is read", where)
    return frames_from_array(png.read_deep(data, header, where)), _pillow_metadata(data)


def _decode_tiff(data: bytes, where: str) -> Decoded | None:
    import tifffile

    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page: Any = file.pages[0]
        if page.dtype is None or page.dtype.kind == "f" or page.dtype.itemsize > 2:
            raise MediaError(
                f"{where}: samples of type {page.dtype}; convert it to 16 bit integers first"
            )
        if page.dtype != np.uint16 or page.bitspersample <= 8:
            return None
        _check_size(page.imagewidth, page.imagelength, where)
        if len(file.pages) > 1:
            log.warning("%s holds %d pictures; only the first is read", where, len(file.pages))
        try:
            pixels = page.asarray()
        except ValueError as error:
            if "imagecodecs" in str(error):
                _need("imagecodecs", "imagecodecs", where, f"{page.compression.name} TIFF")
            raise
        photometric, bits = int(page.photometric), page.bitspersample
        channels, separate = page.samplesperpixel, int(page.planarconfig) == 2
        associated = 1 in (int(extra) for extra in page.extrasamples)
        metadata = _tiff_metadata({tag.code: tag.value for tag in page.tags})
    pixels = pixels.reshape(-1, *pixels.shape[-2:])[0] if channels == 1 else pixels
    if separate and channels > 1:
        pixels = np.moveaxis(pixels, 0, -1)
    if photometric not in (0, 1, 2) or channels > 4 or associated:
        return None  # palettes, CMYK, Lab and premultiplied alpha: Pillow's or nobody's
    if photometric == 0:
        pixels = ((1 << bits) - 1) - pixels
    return frames_from_array(pixels, depth=min(16, bits)), metadata


def _tiff_metadata(tags: dict[int, Any]) -> Metadata:
    icc, xmp = tags.get(34675), tags.get(700)
    return Metadata(bytes(icc) if icc else b"", tiff_exif(tags), bytes(xmp) if xmp else b"")


def _decode_avif(data: bytes, where: str) -> Decoded | None:
    box = data.find(b"av1C")
    if box < 0 or not data[box + 6] & 0x40:
        return None
    if b"auxC" in data[:4096] or b"grid" in data[:4096]:
        log.warning("%s: tiles or alpha of a deep AVIF; read at 8 bit", where)
        return None
    return _decode_with_ffmpeg(data, where), _pillow_metadata(data)


def _decode_jpeg2000(data: bytes, where: str) -> Decoded | None:
    size = data.find(b"\xff\x4f\xff\x51")
    if size < 0:
        return None
    count = struct.unpack_from(">H", data, size + 40)[0]
    depth = (data[size + 42] & 0x7F) + 1
    if depth <= 8 or count == 1:
        return None
    return _decode_with_ffmpeg(data, where), _pillow_metadata(data)


def _decode_with_ffmpeg(data: bytes, where: str) -> Frames:
    import av

    from ivc.media.pixels import read_format, read_frame

    with av.open(io.BytesIO(data), "r") as container:
        for frame in container.decode(video=0):
            _check_size(frame.width, frame.height, where)
            return read_frame(frame, read_format(frame, where))
    raise MediaError(f"{where}: no picture in it")


def _decode_heic(data: bytes, where: str) -> Decoded:
    heif = _need("pillow_heif", "pillow-heif", where, "HEIC")
    picture = heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=False)
    _check_size(picture.size[0], picture.size[1], where)
    info = picture.info
    metadata = Metadata(
        info.get("icc_profile") or b"",
        strip_exif_prefix(info.get("exif") or b""),
        info.get("xmp") or b"",
    )
    pixels = np.asarray(picture)
    bits = int(info.get("bit_depth", 8))
    if pixels.dtype == np.uint16 and bits < 16:
        # the package left-aligns deep samples in 16 bits
        pixels = pixels >> (16 - bits)
    return frames_from_array(pixels, depth=bits if pixels.dtype == np.uint16 else 8), metadata


def _decode_jxl(data: bytes, where: str) -> Decoded:
    codecs = _need("imagecodecs", "imagecodecs", where, "JPEG XL")
    pixels = codecs.jpegxl_decode(data)
    if pixels.dtype.kind == "f":
        raise MediaError(f"{where}: floating-point samples; convert it to 16 bit integers first")
    if pixels.ndim == 4:
        pixels = pixels[0]
    _check_size(pixels.shape[1], pixels.shape[0], where)
    return frames_from_array(pixels), Metadata()
