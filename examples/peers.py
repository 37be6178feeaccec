"""What a user has today, at the quality or the size of a given ivc file: JPEG, PNG and x264."""

from __future__ import annotations

import io
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

from clips import luma_psnr, psnr, read_clip, read_photo, write_clip


@dataclass(frozen=True)
class Result:
    """One coded file: bytes, quality in dB (infinite if lossless), seconds."""

    what: str
    bytes: int
    psnr: float
    encode_seconds: float
    decode_seconds: float


def timed(function: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def jpeg(picture: np.ndarray, quality: int, subsampling: str) -> bytes:
    """An optimised, progressive JPEG of an RGB picture; ``subsampling`` is 4:2:0 or 4:4:4."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(
        buffer, "JPEG", quality=quality, subsampling=subsampling, optimize=True, progressive=True
    )
    return buffer.getvalue()


def jpeg_of_quality(picture: np.ndarray, wanted: float, path: Path) -> Result:
    """The JPEG nearest to ``wanted`` dB: the smaller of 4:2:0 and 4:4:4 if both get there."""
    nearest = []
    for subsampling in ("4:2:0", "4:4:4"):
        probes: list[tuple[float, int]] = []
        low, high = 1, 100
        while low <= high:
            quality = (low + high) // 2
            path.write_bytes(jpeg(picture, quality, subsampling))
            reached = psnr(picture, read_photo(path))
            probes.append((reached, quality))
            low, high = (quality + 1, high) if reached < wanted else (low, quality - 1)
        reached, quality = min(probes, key=lambda probe: abs(probe[0] - wanted))
        nearest.append((reached, quality, subsampling, len(jpeg(picture, quality, subsampling))))
    reached, quality, subsampling, size = min(
        nearest, key=lambda n: (abs(n[0] - wanted) > 0.5, n[3])
    )
    encode = timed(lambda: path.write_bytes(jpeg(picture, quality, subsampling)))
    decode = timed(lambda: read_photo(path))
    return Result(f"JPEG {subsampling} quality {quality}", size, reached, encode, decode)


def jpeg_of_size(picture: np.ndarray, size: int, path: Path) -> Result:
    """The best 4:2:0 JPEG of at most ``size`` bytes, or the smallest one there is."""
    codes = {quality: jpeg(picture, quality, "4:2:0") for quality in range(1, 96)}
    fitting = [quality for quality, code in codes.items() if len(code) <= size]
    quality = max(fitting, default=1)
    encode = timed(lambda: path.write_bytes(jpeg(picture, quality, "4:2:0")))
    decode = timed(lambda: read_photo(path))
    reached = psnr(picture, read_photo(path))
    return Result(f"JPEG 4:2:0 quality {quality}", len(codes[quality]), reached, encode, decode)


def png(picture: np.ndarray, path: Path) -> Result:
    """An optimised PNG."""
    encode = timed(lambda: Image.fromarray(picture).save(path, optimize=True))
    decode = timed(lambda: read_photo(path))
    return Result("PNG, optimised", path.stat().st_size, math.inf, encode, decode)


def x264_of_quality(
    pictures: list[np.ndarray], rate: Fraction, wanted: float, path: Path
) -> Result:
    """The x264 file (preset medium) within 0.05 dB of ``wanted`` dB of luma, if crf gets there."""
    low, high = 0.0, 51.0
    for _ in range(10):
        crf = (low + high) / 2
        options = {"crf": f"{crf:.3f}", "preset": "medium"}
        start = time.perf_counter()
        write_clip(path, pictures, rate, "libx264", options)
        middle = time.perf_counter()
        decoded, _ = read_clip(path, len(pictures))
        end = time.perf_counter()
        reached = luma_psnr(pictures, decoded)
        if abs(reached - wanted) < 0.05:
            break
        low, high = (low, crf) if reached < wanted else (crf, high)
    size = path.stat().st_size
    return Result(f"x264 medium crf {crf:.1f}", size, reached, middle - start, end - middle)
