"""Small pictures and clips of every kind, made on the spot."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from ivc.media import open_sink, open_source
from ivc.types import Colour, Frames, Layout, PixelFormat, Segment, StreamInfo

_YUV, _RGB = Colour(1, 1, 1), Colour(1, 1, 0, True)
ALL_FORMATS = [
    PixelFormat(layout, depth, alpha, _RGB if layout == Layout.RGB else _YUV)
    for layout in Layout
    for alpha in (False, True)
    for depth in (8, 10, 12, 16)
]


def noise(form: PixelFormat, width: int, height: int, count: int = 1, seed: int = 0) -> Frames:
    """Random samples over the whole range of a format."""
    rng = np.random.default_rng(seed)
    return Frames(
        [
            rng.integers(0, form.max_value + 1, (count, *shape)).astype(form.dtype)
            for shape in form.plane_shapes(width, height)
        ],
        form,
    )


def write(path: Path, frames: Frames, attachments=(), **changes) -> None:
    """Write a clip at 25 frames/s in one segment, or a still."""
    clip = len(frames) > 1
    info = StreamInfo(
        frames.format, frames.width, frames.height, still=not clip,
        time_base=Fraction(1, 25) if clip else Fraction(1),
        frame_rate=Fraction(25) if clip else None,
    ).replace(**changes)  # fmt: skip
    with open_sink(path, info, attachments) as sink:
        sink.write(Segment(frames, tuple(range(len(frames))) if clip else (), 1 if clip else 0))


def read(path, **options) -> Frames:
    """All frames of an input."""
    with open_source(path, **options) as source:
        return Frames.concatenate([timed.frames for timed in source.frames()])


@pytest.fixture
def make_video(tmp_path: Path) -> Callable[..., Path]:
    """Encode a clip with FFmpeg's own tools, as other software would have written it."""

    def make(
        name: str, *, count=12, codec="libx264", pix_fmt="yuv420p", audio="aac", times=None,
        rotate=0, options=None, size=(48, 32), time_base=Fraction(1, 25), first=0, aspect=None,
        container_options=None,
    ) -> Path:  # fmt: skip
        rng = np.random.default_rng(3)
        path = tmp_path / name
        with av.open(str(path), "w", options=container_options or {}) as container:
            video = container.add_stream(codec, rate=25, options=options or {})
            video.width, video.height = size
            video.pix_fmt = pix_fmt
            video.codec_context.time_base = time_base
            if aspect:
                video.codec_context.sample_aspect_ratio = aspect
            if rotate:
                video.set_display_rotation(rotate)
            sound = container.add_stream(audio, rate=48000, layout="mono") if audio else None
            container.metadata["title"] = "A clip"
            container.set_chapters([
                {"id": 1, "start": 0, "end": 400, "time_base": Fraction(1, 1000),
                 "metadata": {"title": "First"}},
            ])  # fmt: skip
            for index in range(count):
                pixels = rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
                frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format=pix_fmt)
                frame.pts = times[index] if times else first + index
                frame.time_base = time_base
                for packet in video.encode(frame):
                    container.mux(packet)
            for packet in video.encode(None):
                container.mux(packet)
            for index in range(count * 2 if sound else 0):
                wave = (rng.standard_normal((1, 1024)) / 10).astype(np.float32)
                samples = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
                samples.rate, samples.pts, samples.time_base = (
                    48000,
                    index * 1024,
                    Fraction(1, 48000),
                )
                for packet in sound.encode(samples):
                    container.mux(packet)
            for packet in sound.encode(None) if sound else ():
                container.mux(packet)
        return path

    return make
