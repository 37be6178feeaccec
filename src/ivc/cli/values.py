"""What people type after options, and what it means: ``20k``, ``30000/1001``, ``psnr=38``."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from ivc.errors import UsageError
from ivc.types import AttachmentKind, Layer, Layout, PixelFormat

if TYPE_CHECKING:
    from ivc.media import RawVideo
    from ivc.stream import Encryption

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}
_NUMBER = re.compile(r"(\d+\.?\d*|\.\d+)\s*([kmg]i?)?", re.IGNORECASE)
_RAW = re.compile(r"(\d+)x(\d+):([a-z0-9]+?)(le)?(?:@(.+))?", re.IGNORECASE)
_RAW_LAYOUTS = {
    "gray": Layout.GRAY,
    "yuv420p": Layout.YUV420,
    "yuv422p": Layout.YUV422,
    "yuv444p": Layout.YUV444,
    "rgbp": Layout.RGB,
}
_NTSC_RATES = {Fraction(n) * 1000 / 1001: n for n in (24, 30, 48, 60, 120)}

ATTACHMENTS = {
    "icc": AttachmentKind.ICC,
    "exif": AttachmentKind.EXIF,
    "xmp": AttachmentKind.XMP,
    "tracks": AttachmentKind.TRACKS,
    "metadata": AttachmentKind.TEXT,
}
"""Attachments by the name they are typed with; ``text`` is a layer."""


def attachment_name(kind: AttachmentKind | int) -> str:
    """Name of a kind of attachment; its number if this build has no name for it."""
    return next((name for name, known in ATTACHMENTS.items() if known == kind), str(int(kind)))


def _amount(text: str, suffixes: tuple[str, ...], what: str) -> float:
    bare = text.strip()
    for suffix in suffixes:
        if bare.lower().endswith(suffix):
            bare = bare[: -len(suffix)].strip()
            break
    match = _NUMBER.fullmatch(bare)
    if not match or not (value := float(match[1]) * _UNITS[(match[2] or "").lower()]):
        raise UsageError(f"{text!r} is no {what}; write for instance 20k, 1.5M or 64Ki")
    return value


def parse_size(text: str) -> float:
    """Bytes of ``20k``, ``1.5MB``, ``64KiB`` (k = 1000, Ki = 1024).

    Raises:
        UsageError: when it is no positive size.
    """
    return _amount(text, ("bytes", "b"), "size")


def parse_bitrate(text: str) -> float:
    """Bits a second of ``800k``, ``1.5M``, ``2Mbit/s``, ``500kbps``.

    Raises:
        UsageError: when it is no positive bitrate.
    """
    return _amount(text, ("bits/s", "bit/s", "bps", "b/s"), "bitrate")


def parse_rate(text: str) -> Fraction:
    """Frames a second of ``25``, ``30000/1001`` or ``29.97``, which means 30000/1001.

    Raises:
        UsageError: when it is no positive rate.
    """
    try:
        rate = Fraction(text.strip())
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if rate <= 0:
        raise UsageError(f"{text!r} is no frame rate; write for instance 25 or 30000/1001")
    for exact in _NTSC_RATES:
        if "." in text and abs(rate - exact) < Fraction(1, 200):
            return exact
    return rate


def parse_target(text: str) -> dict[str, float]:
    """Metric and value of ``psnr=38``.

    Raises:
        UsageError: when it does not have that form.
    """
    name, equals, value = text.partition("=")
    try:
        return {name.strip().lower().replace("_", "-"): float(value if equals else "")}
    except ValueError:
        raise UsageError(
            f"{text!r} is no target; write for instance psnr=38, ssim=0.98 or ms-ssim=0.99"
        ) from None


def parse_settings(items: Iterable[str]) -> dict[str, str]:
    """The codec's own settings from ``key=value`` items.

    Raises:
        UsageError: when an item has no key or names one again.
    """
    settings: dict[str, str] = {}
    for item in items:
        name, equals, value = item.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or not name:
            raise UsageError(f"--set {item}: write key=value")
        if name in settings:
            raise UsageError(f"--set {name} is given twice")
        settings[name] = value.strip()
    return settings


def parse_frames(text: str) -> slice:
    """Frames ``A:B`` (from A up to but not including B, either may be left out) or one frame ``A``.

    Raises:
        UsageError: when it is neither.
    """
    match = re.fullmatch(r"(\d*):(\d*)|(\d+)", text.strip())
    if not match or text.strip() == ":":
        raise UsageError(f"{text!r} are no frames; write for instance 0:25, 100: or 7")
    if match[3]:
        return slice(int(match[3]), int(match[3]) + 1)
    return slice(int(match[1] or 0), int(match[2]) if match[2] else None)


def parse_raw(text: str) -> RawVideo:
    """Size, format and rate of headerless video: ``352x288:yuv420p10@25``.

    Raises:
        UsageError: when it does not have that form.
    """
    match = _RAW.fullmatch(text.strip())
    name, digits = "", ""
    if match:
        for known in _RAW_LAYOUTS:
            if match[3].lower().startswith(known):
                name, digits = known, match[3][len(known) :]
    if not match or not name or not (digits.isdigit() or not digits):
        raise UsageError(
            f"{text!r} is no raw format; write WIDTHxHEIGHT:FORMAT[@RATE] with a format of "
            f"{', '.join(_RAW_LAYOUTS)} and 10, 12, 14 or 16 after it for more than 8 bits"
        )
    from ivc.media import RawVideo

    pixel_format = PixelFormat(_RAW_LAYOUTS[name], int(digits or 8))
    size = int(match[1]), int(match[2])
    if match[5] is None:
        return RawVideo(*size, pixel_format)
    return RawVideo(*size, pixel_format, parse_rate(match[5]))


def read_key(path: str | None, other_input: str) -> bytes | None:
    """Content of a key file; ``-`` reads standard input, unless the other input does.

    Raises:
        UsageError: when it cannot be read or is empty.
    """
    if path is None:
        return None
    if path == other_input == "-":
        raise UsageError("the key and the input cannot both come from standard input")
    try:
        content = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"key file {path}: {error.strerror}") from None
    if not content:
        raise UsageError(f"key file {path} is empty")
    return content


def parse_encryption(names: str | None, key: bytes | None) -> Encryption | None:
    """Key and what it encrypts: everything, or the layers and attachments of a list.

    Raises:
        UsageError: for a list without a key, or a name that there is not.
    """
    if key is None:
        if names is not None:
            raise UsageError("--encrypt needs a key: name its file with --key-file")
        return None
    from ivc.stream import Encryption

    if names is None or names.strip().lower() == "all":
        return Encryption(key)
    layers, attachments = set(), set()
    for name in (part.strip().lower() for part in names.split(",")):
        if name in ATTACHMENTS:
            attachments.add(ATTACHMENTS[name])
        elif name.upper() in Layer.__members__:
            layers.add(Layer[name.upper()])
        else:
            known = ", ".join([*(layer.label for layer in Layer), *ATTACHMENTS])
            raise UsageError(f"--encrypt {name}: there is no such layer; there are {known}")
    return Encryption(key, frozenset(layers), frozenset(attachments))
