"""Still codecs to compare with: settings, encoders and decoders on bytes, and a cache of figures.

All of them run through Pillow or imagecodecs. Sizes are those of whole files; what is measured was
decoded from these bytes. ``JPEG as published`` and ``WebP as published`` repeat the settings behind
CompressAI's published means over the 24 Kodak pictures, to see what other pictures change.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from PIL import Image, _avif, features

from curves import Curve, decibel, psnr
from ivc.metrics import measure
from ivc.types import Frames, Layout, PixelFormat

Picture = np.ndarray  # (H, W, 3) uint8

METRICS = {"psnr": "PSNR-RGB", "ms-ssim": "MS-SSIM (luma)", "ms-ssim-rgb": "MS-SSIM (RGB)"}
"""What ``scores`` measures. ``ms-ssim`` is ``ivc.metrics``' (Wang et al. 2003, luma of BT.601);
``ms-ssim-rgb`` is its mean over R, G and B, as CompressAI's published figures are."""


@dataclass(frozen=True)
class Peer:
    """A codec at its settings: ``encode(picture, setting)`` gives the bytes of a file."""

    settings: tuple[float, ...]
    encode: Callable[[Picture, float], bytes]
    version: str
    decode: Callable[[bytes], Picture]


def pillow(kind: str, **options: Any) -> Callable[[Picture, float], bytes]:
    def encode(picture: Picture, quality: float) -> bytes:
        file = io.BytesIO()
        Image.fromarray(picture).save(file, kind, quality=int(quality), **options)
        return file.getvalue()

    return encode


def pillow_decode(data: bytes) -> Picture:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def jpegxl(picture: Picture, distance: float) -> bytes:
    return bytes(imagecodecs.jpegxl_encode(picture, effort=7, distance=distance, numthreads=1))


JPEG = f"libjpeg-turbo {features.version('libjpeg_turbo')}"
WEBP = f"libwebp {features.version('webp')}"
AVIF = f"libavif {features.version('avif')}, {_avif.codec_versions()}"
JPEG_QUALITIES = (5, 10, 20, 35, 50, 65, 75, 85, 92, 96)
WEBP_QUALITIES = (0, 5, 12, 25, 40, 55, 70, 80, 88, 94, 98)
AVIF_QUALITIES = (10, 20, 30, 40, 50, 60, 68, 76, 84, 90, 95)
DISTANCES = (0.2, 0.4, 0.7, 1.1, 1.7, 2.5, 3.6, 5, 7, 10, 15, 22)
PUBLISHED_QUALITIES = tuple(range(5, 100, 5))

_avif_options = {"subsampling": "4:4:4", "speed": 4, "max_threads": 1}
PEERS: dict[str, Peer] = {
    "JPEG 4:2:0": Peer(
        JPEG_QUALITIES, pillow("jpeg", optimize=True, subsampling=2), JPEG, pillow_decode
    ),
    "JPEG 4:4:4": Peer(
        JPEG_QUALITIES, pillow("jpeg", optimize=True, subsampling=0), JPEG, pillow_decode
    ),
    "WebP": Peer(WEBP_QUALITIES, pillow("webp", method=6), WEBP, pillow_decode),
    "AVIF 4:4:4": Peer(AVIF_QUALITIES, pillow("avif", **_avif_options), AVIF, pillow_decode),
    # libavif tunes for the eye by default, which costs PSNR; this one is AVIF at its best in PSNR
    "AVIF 4:4:4, tune=psnr": Peer(
        AVIF_QUALITIES,
        pillow("avif", advanced={"tune": "psnr"}, **_avif_options),
        AVIF,
        pillow_decode,
    ),
    "JPEG XL": Peer(DISTANCES, jpegxl, imagecodecs.jpegxl_version(), imagecodecs.jpegxl_decode),
}

AS_PUBLISHED: dict[str, Peer] = {
    "JPEG as published": Peer(PUBLISHED_QUALITIES, pillow("jpeg"), JPEG, pillow_decode),
    "WebP as published": Peer(PUBLISHED_QUALITIES, pillow("webp"), WEBP, pillow_decode),
}


def frames(picture: Picture) -> Frames:
    """A picture of shape (H, W, 3) as frames."""
    planes = [np.ascontiguousarray(picture[None, :, :, channel]) for channel in range(3)]
    return Frames(planes, PixelFormat(Layout.RGB))


def scores(original: Picture, decoded: Picture) -> dict[str, float]:
    """The figures of ``METRICS``; those of MS-SSIM between 0 and 1."""
    a, b = frames(original), frames(decoded)
    gray = PixelFormat(Layout.GRAY)
    channels = [
        measure("ms-ssim", Frames([x], gray), Frames([y], gray))
        for x, y in zip(a.planes, b.planes, strict=True)
    ]
    return {
        "psnr": psnr(original, decoded),
        "ms-ssim": measure("ms-ssim", a, b),
        "ms-ssim-rgb": float(np.mean(channels)),
    }


def curve(points: list[dict[str, float]], metric: str) -> Curve:
    """(bits per pixel, dB) of measured points."""
    convert = decibel if metric.startswith("ms-ssim") else float
    return [(point["bpp"], convert(point[metric])) for point in points]


def run_peer(name: str, picture: Picture) -> list[dict[str, float]]:
    """One point for each setting of a peer."""
    peer = (PEERS | AS_PUBLISHED)[name]
    points = []
    for setting in peer.settings:
        data = peer.encode(picture, setting)
        point = {"setting": setting, "bytes": len(data)}
        point["bpp"] = 8 * len(data) / (picture.shape[0] * picture.shape[1])
        points.append(point | scores(picture, peer.decode(data)))
    return points


class Cache:
    """Peers' points in a JSON file, by content of the picture, peer, version and settings."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._known: dict[str, list[dict[str, float]]] = {}
        if path and path.exists():
            self._known = json.loads(path.read_text())

    @staticmethod
    def key(name: str, picture: Picture) -> str:
        """What the figures depend on."""
        peer = (PEERS | AS_PUBLISHED)[name]
        content = hashlib.sha256(str(picture.shape).encode() + picture.tobytes()).hexdigest()
        return f"{content[:32]} {name} {peer.version} {peer.settings} {sorted(METRICS)}"

    def get(self, name: str, picture: Picture) -> list[dict[str, float]] | None:
        """The points, if they are known."""
        return self._known.get(self.key(name, picture))

    def put(self, name: str, picture: Picture, points: list[dict[str, float]]) -> None:
        """Remember and, since a run may be interrupted, write at once."""
        self._known[self.key(name, picture)] = points
        if self._path:
            part = self._path.with_name(self._path.name + ".part")
            part.write_text(json.dumps(self._known, indent=0) + "\n")
            part.replace(self._path)
