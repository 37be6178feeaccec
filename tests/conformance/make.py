"""Makes golden files: small streams of every codec, with hashes of what they decode to.

    python tests/conformance/make.py NAME...     writes files/NAME.ivc and adds it to golden.json

A golden file is never written again: decoders must read it for ever. After a new codec version,
new names are added beside the old ones. Inputs are integer patterns, so that they are the same on
every machine. What a codec paints in floating point need not be: of such a codec the parsed
integers are hashed, and its samples are kept beside the file, to be met within one code value of
8 bits.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from ivc.media.memory import FramesSource
from ivc.pipeline import DecodeOptions, EncodeOptions, decoded_segments, encode
from ivc.stream import Encryption, open_stream
from ivc.types import Attachment, AttachmentKind, Colour, Frames, Layout, PixelFormat

FOLDER = Path(__file__).parent
KEY = bytes(range(32))

FORMATS = {
    "rgb": (PixelFormat(Layout.RGB, colour=Colour(1, 13, 0, True)), 1, 37, 29),
    "rgba16": (PixelFormat(Layout.RGB, 16, True), 1, 16, 11),
    "gray": (PixelFormat(Layout.GRAY), 1, 1, 1),
    "420": (PixelFormat(Layout.YUV420), 5, 35, 21),
    "422p10": (PixelFormat(Layout.YUV422, 10), 3, 24, 18),
    "444a": (PixelFormat(Layout.YUV444, 8, True), 2, 9, 16),
}
INPUTS = FORMATS | {
    "large": (PixelFormat(Layout.YUV420, 9), 2, 135, 100),
    "photo": (PixelFormat(Layout.RGB), 1, 150, 120),
    "screen": (PixelFormat(Layout.RGB), 1, 150, 120, 64),
    "clip": (PixelFormat(Layout.YUV420), 3, 162, 110, 8),
    "stripes": (PixelFormat(Layout.GRAY), 1, 1250, 1290, 128),
}


def pattern(form: PixelFormat, frames: int, width: int, height: int, coarse: int = 1) -> Frames:
    """A moving integer pattern: ramps, edges and pseudo-random noise, rounded down coarsely."""
    planes = []
    for number, (h, w) in enumerate(form.plane_shapes(width, height)):
        t, y, x = np.mgrid[0:frames, 0:h, 0:w]
        ramp = (x + 2 * t) * (5 + number) + y * 3
        edges = ((x + t) // 7 + y // 5) % 2 * 60
        noise = (((x + 131 * y + 7919 * t) * 2654435761) >> 13) % 9
        value = (ramp + edges + noise) % 256 // coarse * coarse
        scaled = (value << (form.depth - 8)) + (noise if form.depth > 8 else 0)
        planes.append(np.minimum(scaled, form.max_value).astype(form.dtype))
    return Frames(planes, form)


def cases() -> dict[str, tuple[str, str, EncodeOptions]]:
    """Every golden file by name: codec, format, options."""
    found = {}
    for codec in ("dpcm", "dct"):
        for form in FORMATS:
            options = EncodeOptions(codec, segment_frames=3)
            found[f"{codec}-1-{form}"] = (codec, form, options)
    found["dpcm-1-near"] = ("dpcm", "rgb", EncodeOptions("dpcm", extra={"near": 3}))
    for quality in (5, 95):
        found[f"dct-1-q{quality}"] = ("dct", "rgb", EncodeOptions("dct", quality=quality))
    for codec in ("linear-ar", "mlp-predictor"):
        for form in FORMATS:
            options = EncodeOptions(codec, effort=2, segment_frames=3)
            found[f"{codec}-1-{form}"] = (codec, form, options)
    for name, codec, extra in (
        ("largest", "linear-ar", {"order": 24, "others": 9, "classes": 32}),
        ("offline", "mlp-predictor", {"training": "offline", "neighbours": 5}),
        ("largest", "mlp-predictor", {"neighbours": 12, "hidden": 64}),
    ):
        found[f"{codec}-1-{name}"] = (codec, "large", EncodeOptions(codec, effort=2, extra=extra))
    for form in FORMATS:
        options = EncodeOptions("lossless", effort=9, segment_frames=3)
        found[f"lossless-1-{form}"] = ("lossless", form, options)
    for effort in (1, 3, 5, 6):
        for form in ("photo", "420"):
            options = EncodeOptions("lossless", effort=effort, segment_frames=5)
            found[f"lossless-1-{form}-e{effort}"] = ("lossless", form, options)
    for form, effort in (("clip", 1), ("clip", 4), ("stripes", 1), ("stripes", 4)):
        options = EncodeOptions("lossless", effort=effort)
        found[f"lossless-1-{form}-e{effort}"] = ("lossless", form, options)
    for effort in (1, 5, 9):
        options = EncodeOptions("lossless", effort=effort)
        found[f"lossless-1-screen-e{effort}"] = ("lossless", "screen", options)
    for form in FORMATS:
        found[f"image-1-{form}"] = ("image", form, EncodeOptions("image", segment_frames=3))
    found["image-1-q10"] = ("image", "rgb", EncodeOptions("image", quality=10))
    locked = EncodeOptions("dpcm", segment_frames=3, encryption=Encryption(KEY))
    found["dpcm-1-encrypted"] = ("dpcm", "420", locked)
    return found


@contextlib.contextmanager
def recorded_integers() -> Iterator[Any]:
    """A hash that takes in all integers that the ``image`` codec parses within this context."""
    from ivc.codecs.image.level import Level
    from ivc.signal.lossless import LosslessPlane

    found = hashlib.sha256()
    plane, level = LosslessPlane.code, Level.code

    def code_plane(self, coder, samples, *arguments):
        whole = plane(self, coder, samples, *arguments)
        found.update(samples.astype("<i4").tobytes())
        return whole

    def code_level(self, *arguments, **more):
        level(self, *arguments, **more)
        for band in sorted(self.q):
            found.update(self.q[band].astype("<i2").tobytes())

    LosslessPlane.code, Level.code = code_plane, code_level
    try:
        yield found
    finally:
        LosslessPlane.code, Level.code = plane, level


def decoded_samples(path: Path) -> list[np.ndarray]:
    """All planes of a golden file, (T, H, W) each."""
    with open_stream(path) as stream:
        parts = [segment.frames for segment in decoded_segments(stream, DecodeOptions())]
    return list(Frames.concatenate(parts).planes)


def digest(path: Path) -> dict[str, object]:
    """What a golden file must decode to: header, times, hashes of layers and of samples."""
    with recorded_integers() as integers:
        result = _digest(path)
    if path.stem.startswith("image-"):
        del result["samples_sha256"]
        result["integers_sha256"] = integers.hexdigest()
    return result


def _digest(path: Path) -> dict[str, object]:
    layers, samples = hashlib.sha256(), hashlib.sha256()
    pts: list[int] = []
    with open_stream(path, key=KEY if "encrypted" in path.stem else None) as stream:
        info = stream.header.info
        for entry in stream.segments:
            for layer, data in sorted(stream.read_layers(entry).items()):
                layers.update(bytes([layer]) + data)
        for attachment in stream.attachments():
            layers.update(bytes([attachment.kind]) + attachment.data)
        for segment in decoded_segments(stream, DecodeOptions()):
            pts += segment.pts
            for plane in segment.frames.planes:
                # Little-endian on every machine.
                samples.update(plane.astype(plane.dtype.newbyteorder("<")).tobytes())
    return {
        "format": str(info.format),
        "colour": str(info.format.colour),
        "size": [info.width, info.height],
        "pts": pts,
        "file_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "layers_sha256": layers.hexdigest(),
        "samples_sha256": samples.hexdigest(),
    }


def main() -> None:
    """Write the named golden files that do not exist yet."""
    parser = argparse.ArgumentParser(description="make golden files")
    parser.add_argument("names", nargs="+", choices=list(cases()))
    manifest = FOLDER / "golden.json"
    golden = json.loads(manifest.read_text()) if manifest.exists() else {}
    for name in parser.parse_args().names:
        path = FOLDER / "files" / f"{name}.ivc"
        if path.exists():
            raise SystemExit(f"{path} exists; golden files are kept for ever: choose a new name")
        _, form, options = cases()[name]
        frames = pattern(*INPUTS[form])
        beside = [Attachment(AttachmentKind.ICC, b"not a real profile")] if form == "rgb" else []
        rate = Fraction(30000, 1001) if len(frames) > 1 else None
        encode(FramesSource(frames, rate, beside), path, options)
        golden[name] = digest(path)
        if name.startswith("image-"):
            np.savez_compressed(path.with_suffix(".npz"), *decoded_samples(path))
    manifest.write_text(json.dumps(golden, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
