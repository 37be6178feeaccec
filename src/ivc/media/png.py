"""PNG where Pillow does not suffice: 16 bit channels, and all chunks of metadata.

The writer streams rows through zlib; the reader is strict: a wrong CRC, a short picture or an
impossible header is an error, never a partly gray picture. Source: W3C PNG (third edition).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import numba
import numpy as np
import numpy.typing as npt

from ivc.errors import MediaError

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
_ROWS_AT_ONCE = 64
_ADAM7 = (  # first x, first y, step x, step y
    (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4),
    (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2),
)  # fmt: skip


@dataclass(frozen=True)
class Header:
    """The fields of IHDR that matter."""

    width: int
    height: int
    depth: int
    colour_type: int
    interlaced: bool

    @property
    def channels(self) -> int:
        """Samples per pixel."""
        return _CHANNELS[self.colour_type]


def read_chunks(data: bytes, where: str) -> Iterator[tuple[bytes, bytes]]:
    """Type and payload of every chunk up to IEND, CRC checked.

    Raises:
        MediaError: when the file is cut short or a CRC is wrong.
    """
    position = len(SIGNATURE)
    while True:
        if position + 12 > len(data):
            raise MediaError(f"{where}: the PNG file is cut short at byte {len(data)}")
        size = int.from_bytes(data[position : position + 4])
        kind = data[position + 4 : position + 8]
        payload = data[position + 8 : position + 8 + size]
        crc = data[position + 8 + size : position + 12 + size]
        if len(crc) < 4:
            raise MediaError(f"{where}: the PNG file is cut short at byte {len(data)}")
        if zlib.crc32(kind + payload) != int.from_bytes(crc):
            raise MediaError(f"{where}: damaged PNG chunk {kind!r} at byte {position}")
        yield kind, payload
        if kind == b"IEND":
            return
        position += 12 + size


def read_header(data: bytes) -> Header | None:
    """The header of a PNG file, None if it is no PNG or has none."""
    if not data.startswith(SIGNATURE) or data[12:16] != b"IHDR" or len(data) < 33:
        return None
    width, height, depth, colour_type, _, _, interlace = struct.unpack_from(">IIBBBBB", data, 16)
    if colour_type not in _CHANNELS:
        return None
    return Header(width, height, depth, colour_type, bool(interlace))


def read_deep(data: bytes, header: Header, where: str) -> npt.NDArray[np.uint16]:
    """Decode a PNG of 16 bits per sample.

    Returns:
        uint16, shape (H, W, C); a tRNS colour has become an alpha channel.

    Raises:
        MediaError: when the file is damaged.
    """
    compressed, transparent = [], None
    for kind, payload in read_chunks(data, where):
        if kind == b"IDAT":
            compressed.append(payload)
        elif kind == b"tRNS" and header.colour_type in (0, 2):
            transparent = np.frombuffer(payload, ">u2").astype(np.uint16)
    passes = _ADAM7 if header.interlaced else ((0, 0, 1, 1),)
    sizes = [
        (len(range(y, header.height, dy)), len(range(x, header.width, dx)))
        for x, y, dx, dy in passes
    ]
    row_bytes = [2 * header.channels * w for _, w in sizes]
    expected = sum(h * (1 + n) for (h, w), n in zip(sizes, row_bytes, strict=True) if w)
    try:
        inflater = zlib.decompressobj()
        raw = inflater.decompress(b"".join(compressed), expected)
    except zlib.error as error:
        raise MediaError(f"{where}: damaged PNG data ({error})") from None
    if len(raw) != expected:
        raise MediaError(f"{where}: PNG data ends after {len(raw)} of {expected} bytes")
    picture = np.empty((header.height, header.width, header.channels), np.uint16)
    position = 0
    for (x, y, dx, dy), (h, w), n in zip(passes, sizes, row_bytes, strict=True):
        if not (h and w):
            continue
        rows = np.frombuffer(raw, np.uint8, h * (1 + n), position).reshape(h, 1 + n).copy()
        position += h * (1 + n)
        if not _unfilter(rows, 2 * header.channels):
            raise MediaError(f"{where}: unknown PNG filter type")
        samples = np.ascontiguousarray(rows[:, 1:]).view(">u2").astype(np.uint16)
        picture[y::dy, x::dx] = samples.reshape(h, w, header.channels)
    if transparent is not None and len(transparent) >= header.channels:
        keyed = (picture == transparent[: header.channels]).all(axis=2)
        alpha = np.where(keyed, 0, 65535).astype(np.uint16)
        picture = np.concatenate([picture, alpha[..., None]], axis=2)
    return picture


@numba.njit(cache=True, nogil=True)
def _unfilter(rows, pixel):
    """Undo the filters in place; ``rows`` is uint8 (H, 1 + bytes), ``pixel`` bytes per pixel."""
    height, width = rows.shape
    for y in range(height):
        kind = rows[y, 0]
        if kind > 4:
            return False
        for x in range(1, width):
            left = np.int64(rows[y, x - pixel] if x > pixel else 0)
            up = np.int64(rows[y - 1, x] if y else 0)
            corner = np.int64(rows[y - 1, x - pixel] if y and x > pixel else 0)
            guess = np.int64(0)
            if kind == 1:
                guess = left
            elif kind == 2:
                guess = up
            elif kind == 3:
                guess = (left + up) >> 1
            elif kind == 4:
                a, b, c = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
                guess = left if a <= b and a <= c else up if b <= c else corner
            rows[y, x] = (rows[y, x] + guess) & 255
    return True


def write_png(
    file: BinaryIO,
    picture: npt.NDArray[Any],
    chunks: list[tuple[bytes, bytes]],
    *,
    level: int = 6,
) -> None:
    """Write a picture, a few rows at a time.

    Args:
        file: where to.
        picture: uint8 or uint16, shape (H, W, C), C = 1 gray, 2 gray + alpha, 3 RGB, 4 RGBA.
        chunks: further chunks to put before the picture, in order.
        level: zlib's effort, 0 to 9.
    """
    height, width, channels = picture.shape
    depth = 8 * picture.dtype.itemsize
    header = struct.pack(">IIBBBBB", width, height, depth, _COLOUR_TYPES[channels], 0, 0, 0)
    file.write(SIGNATURE)
    for kind, payload in [(b"IHDR", header), *chunks]:
        _write_chunk(file, kind, payload)
    compressor = zlib.compressobj(level)
    above = np.zeros((1, width * channels * depth // 8), np.uint8)
    for y in range(0, height, _ROWS_AT_ONCE):
        rows = picture[y : y + _ROWS_AT_ONCE]
        rows = np.ascontiguousarray(rows, ">u2" if depth == 16 else "u1").view(np.uint8)
        flat = rows.reshape(len(rows), -1)
        filtered = _filter(flat, above, channels * depth // 8)
        above = flat[-1:]
        _write_chunk(file, b"IDAT", compressor.compress(filtered.tobytes()))
    _write_chunk(file, b"IDAT", compressor.flush())
    _write_chunk(file, b"IEND", b"")


def _write_chunk(file: BinaryIO, kind: bytes, payload: bytes) -> None:
    if not payload and kind == b"IDAT":  # zlib often keeps what it has for later
        return
    crc = zlib.crc32(kind + payload)
    file.write(struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", crc))


def _filter(
    rows: npt.NDArray[np.uint8], above: npt.NDArray[np.uint8], pixel: int
) -> npt.NDArray[np.uint8]:
    """Rows with their filter bytes; of the five filters that of the least sum of |residual|."""
    up = np.concatenate([above, rows[:-1]])
    left, corner = np.zeros_like(rows), np.zeros_like(rows)
    left[:, pixel:], corner[:, pixel:] = rows[:, :-pixel], up[:, :-pixel]
    mean = ((left.astype(np.uint16) + up) >> 1).astype(np.uint8)
    a, b, c = (plane.astype(np.int16) for plane in (left, up, corner))
    pa, pb, pc = np.abs(b - c), np.abs(a - c), np.abs(a + b - 2 * c)
    paeth = np.where((pa <= pb) & (pa <= pc), left, np.where(pb <= pc, up, corner))
    candidates = [rows, rows - left, rows - up, rows - mean, rows - paeth]
    costs = [
        np.abs(r.view(np.int8).astype(np.int16)).sum(axis=1, dtype=np.int64) for r in candidates
    ]
    choice = np.argmin(costs, axis=0)
    result = np.empty((rows.shape[0], rows.shape[1] + 1), np.uint8)
    result[:, 0] = choice
    for kind, residual in enumerate(candidates):
        chosen = choice == kind
        result[chosen, 1:] = residual[chosen]
    return result


def metadata_chunks(
    *, icc: bytes | None, exif: bytes | None, xmp: bytes | None, text: Mapping[str, str],
    cicp: tuple[int, int, int, int] | None,
) -> list[tuple[bytes, bytes]]:  # fmt: skip
    """Chunks for colour, Exif, XMP and texts, in an order that the standard allows."""
    chunks = []
    if cicp is not None:
        chunks.append((b"cICP", bytes(cicp)))
    if icc:
        chunks.append((b"iCCP", b"ICC profile\0\0" + zlib.compress(icc)))
    if exif:
        chunks.append((b"eXIf", exif))
    texts = {"XML:com.adobe.xmp": xmp.decode("utf-8", "replace")} if xmp else {}
    for keyword, value in {**texts, **text}.items():
        name = keyword.encode("latin-1", "replace")[:79].strip() or b"Comment"
        try:
            chunks.append((b"tEXt", name + b"\0" + value.encode("ascii").replace(b"\0", b"")))
        except UnicodeEncodeError:
            chunks.append((b"iTXt", name + b"\0\0\0\0\0" + value.encode().replace(b"\0", b"")))
    return chunks
