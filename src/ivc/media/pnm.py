"""PBM, PGM, PPM and PAM (netpbm): plain and raw, any maximum value up to 65535.

A maximum of 2**d - 1 keeps its d bits; other maxima are scaled to the next depth of 8 or 16.
Source: the netpbm manual pages pbm(5), pgm(5), ppm(5), pam(5).
"""

from __future__ import annotations

import re
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from ivc.errors import MediaError
from ivc.media.arrays import frames_from_array
from ivc.media.base import MAX_PIXELS
from ivc.types import Frames, Layout

_TOKEN = re.compile(rb"(?:\s|#[^\n\r]*[\n\r])*([^\s#]+)")
_PAM_HEADER = re.compile(rb"P7\s(.*?)ENDHDR[^\n]*\n", re.DOTALL)


def read_pnm(data: bytes, where: str) -> Frames:
    """Decode the first picture of a netpbm file.

    Raises:
        MediaError: when the header or the samples are damaged.
    """
    kind = data[1:2]
    if kind == b"7":
        width, height, channels, limit, position = _pam_header(data, where)
    else:
        numbers, position = [], 2
        for _ in range(2 if kind in b"14" else 3):
            value, position = _number(data, position, where)
            numbers.append(value)
        width, height = numbers[:2]
        limit = 1 if kind in b"14" else numbers[2]
        channels = 3 if kind in b"36" else 1
        position += kind in b"456"  # one white space byte before raw samples
    if not (0 < limit < 65536 and 0 < width * height <= MAX_PIXELS and 1 <= channels <= 4):
        raise MediaError(
            f"{where}: impossible netpbm header: {width}x{height}, {channels} channels, "
            f"maximum {limit}"
        )
    count = width * height * channels
    if kind in b"123":
        samples = _plain(data, position, count, kind, where)
    elif kind == b"4":
        stride = -(-width // 8)
        packed = _raw(data, position, stride * height, "u1", where).reshape(height, stride)
        samples = np.unpackbits(packed, axis=1)[:, :width].reshape(-1)
    else:
        samples = _raw(data, position, count, "u1" if limit < 256 else ">u2", where)
    if int(samples.max()) > limit:
        raise MediaError(f"{where}: a sample is {samples.max()}, above the maximum {limit}")
    if kind in b"14":  # netpbm bitmaps: 1 is black
        samples = 1 - samples
    depth = max(8, limit.bit_length() if limit & (limit + 1) == 0 else 8 * (1 + (limit > 255)))
    if limit != (1 << depth) - 1:
        top = (1 << depth) - 1
        samples = (samples.astype(np.uint64) * (2 * top) + limit) // (2 * limit)
    pixels = samples.astype(np.uint8 if depth == 8 else np.uint16)
    return frames_from_array(pixels.reshape(1, height, width, channels), depth=depth)


def _number(data: bytes, position: int, where: str) -> tuple[int, int]:
    match = _TOKEN.match(data, position)
    if match is None or not match[1].isdigit() or len(match[1]) > 9:
        raise MediaError(f"{where}: damaged netpbm header at byte {position}")
    return int(match[1]), match.end()


def _pam_header(data: bytes, where: str) -> tuple[int, int, int, int, int]:
    match = _PAM_HEADER.match(data)
    if match is None:
        raise MediaError(f"{where}: the PAM header has no ENDHDR line")
    fields = dict(
        line.split(None, 1)
        for line in match[1].splitlines()
        if len(line.split(None, 1)) == 2 and not line.startswith(b"#")
    )
    try:
        names = (b"WIDTH", b"HEIGHT", b"DEPTH", b"MAXVAL")
        width, height, channels, limit = (int(fields[name]) for name in names)
    except (KeyError, ValueError):
        raise MediaError(f"{where}: the PAM header lacks a size, depth or maximum") from None
    return width, height, channels, limit, match.end()


def _plain(data: bytes, position: int, count: int, kind: bytes, where: str) -> npt.NDArray[Any]:
    text = re.sub(rb"#[^\n\r]*", b"", data[position:])
    if kind == b"1":
        text = b" ".join(re.findall(rb"[01]", text))
    try:
        values = np.array(text.split(None, count)[:count], dtype=np.int64)
    except (ValueError, OverflowError):
        raise MediaError(f"{where}: a sample is no number") from None
    if len(values) < count or values.min() < 0:
        raise MediaError(f"{where}: {len(values)} of {count} samples, the file is cut short")
    return values


def _raw(data: bytes, position: int, count: int, dtype: str, where: str) -> npt.NDArray[Any]:
    have = max(0, len(data) - position) // np.dtype(dtype).itemsize
    if have < count:
        raise MediaError(f"{where}: {have} of {count} samples, the file is cut short")
    return np.frombuffer(data, dtype, count, position)


def write_pnm(file: BinaryIO, frames: Frames, extension: str) -> None:
    """Write full-range gray or RGB frames (T = 1) of any depth.

    Raises:
        MediaError: for alpha outside PAM, colour in PGM.
    """
    form = frames.format
    gray = form.layout is Layout.GRAY
    if extension != ".pam" and form.alpha:
        raise MediaError(f"{extension} cannot hold alpha; write .pam or .png")
    if extension == ".pgm" and not gray:
        raise MediaError(".pgm holds gray only; write .ppm, .pam or .png")
    channels = len(frames.planes)
    size = f"{frames.width} {frames.height}\n{form.max_value}\n"
    if extension == ".pam":
        name = ("GRAYSCALE" if gray else "RGB") + ("_ALPHA" if form.alpha else "")
        header = (
            f"P7\nWIDTH {frames.width}\nHEIGHT {frames.height}\nDEPTH {channels}\n"
            f"MAXVAL {form.max_value}\nTUPLTYPE {name}\nENDHDR\n"
        )
    elif extension == ".ppm" or not gray:
        header = "P6\n" + size
    else:
        header = "P5\n" + size
    planes = [plane[0] for plane in frames.planes]
    if header.startswith("P6") and gray:
        planes *= 3
    file.write(header.encode())
    file.write(np.stack(planes, axis=-1).astype("u1" if form.depth == 8 else ">u2").tobytes())
