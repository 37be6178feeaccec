"""Video containers: frames -> files, always lossless.

| container | codec | formats |
|---|---|---|
| .mkv .avi .nut | FFV1 | all |
| .mp4 .mov | H.264, x264 at quantiser 0 | YUV and gray of 8 and 10 bit, RGB of 8 bit |
| .webm | VP9 lossless | YUV 8 bit, RGB 8 bit |
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import av
import numpy as np

from ivc.errors import MediaError
from ivc.media.atomic import AtomicPath, guard_writes
from ivc.media.base import DEFAULT_FRAME_RATE, SinkBase, log
from ivc.media.convert import change_depth
from ivc.media.pixels import packing_of, write_frame, write_name
from ivc.media.tracks import TrackCopier
from ivc.types import Attachment, AttachmentKind, Frames, Layout, PixelFormat, Segment, StreamInfo


@dataclass(frozen=True)
class _Container:
    format: str
    codecs: tuple[str, ...]
    """FFmpeg encoders, the first that holds the samples is taken."""
    options: tuple[tuple[str, str], ...] = ()


# audio often starts a little before the first picture, which must not move the pictures
_KEEP_TIMES = (("avoid_negative_ts", "disabled"),)
_CONTAINERS = {
    ".mkv": _Container("matroska", ("ffv1",), _KEEP_TIMES),
    ".avi": _Container("avi", ("ffv1",)),
    ".nut": _Container("nut", ("ffv1",)),
    ".mp4": _Container("mp4", ("libx264", "libx264rgb")),
    ".m4v": _Container("mp4", ("libx264", "libx264rgb")),
    ".mov": _Container("mov", ("libx264", "libx264rgb")),
    ".webm": _Container("webm", ("libvpx-vp9",), _KEEP_TIMES),
}
EXTENSIONS = frozenset(_CONTAINERS)
"""Names that are written as video through FFmpeg."""

_OPTIONS = {
    "ffv1": {"level": "3", "coder": "1", "context": "0", "g": "1", "slicecrc": "1"},
    "libx264": {"qp": "0", "preset": "veryfast", "bf": "0"},
    "libx264rgb": {"qp": "0", "preset": "veryfast", "bf": "0"},
    "libvpx-vp9": {
        "lossless": "1", "lag-in-frames": "0", "auto-alt-ref": "0",
        "deadline": "good", "cpu-used": "5", "row-mt": "1",
    },
}  # fmt: skip
_UNUSED = frozenset({"yuvj420p", "yuvj422p", "yuvj444p"})  # the range is a flag of its own


class VideoSink(SinkBase):
    """A video file, to a path or a file object.

    Raises:
        MediaError: when the container cannot hold the pixel format.
    """

    def __init__(
        self, target: Path | BinaryIO, where: str, extension: str, info: StreamInfo,
        attachments: Sequence[Attachment],
    ):  # fmt: skip
        container = _CONTAINERS[extension]
        self._info, self._where = info, where
        codec, name, self._stored = _choose(container, info, where, extension)
        self._name = name
        self._rate = info.frame_rate or DEFAULT_FRAME_RATE
        self._time_base = 1 / self._rate if info.still else info.time_base
        self._waiting: deque[tuple[Frames, int]] = deque()
        self._durations: deque[int] = deque()
        self._frames = 0
        self._tracks: TrackCopier | None = None
        self._atomic = AtomicPath(target) if isinstance(target, Path) else None
        self._file = None if isinstance(target, Path) else target
        self._open = True
        file = f"file:{self._atomic.temporary}" if self._atomic else target
        try:
            self._container: Any = av.open(
                file, "w", format=container.format, options=dict(container.options)
            )
            self._stream = self._add_stream(codec)
            for attachment in attachments:
                if attachment.kind is AttachmentKind.TRACKS:
                    self._tracks = TrackCopier(attachment.data, self._container, where)
        except av.FFmpegError as error:
            self.abort()
            raise MediaError(f"cannot write {where}: {error}") from None
        except BaseException:
            self.abort()
            raise

    def _add_stream(self, codec: str) -> Any:
        info, form = self._info, self._stored
        rate = self._rate.limit_denominator(1 << 20)
        options = _OPTIONS[codec] | (_slices(info, self._name) if codec == "ffv1" else {})
        stream: Any = self._container.add_stream(codec, rate, options=options)
        stream.width, stream.height = info.width, info.height
        stream.pix_fmt = self._name
        context = stream.codec_context
        context.time_base = self._time_base
        stream.time_base = self._time_base
        if info.sample_aspect != 1:
            if codec not in ("libx264", "libx264rgb"):
                log.warning(
                    "%s: the sample aspect ratio %s is lost; .mp4 and .mov keep it",
                    self._where, info.sample_aspect,
                )  # fmt: skip
            context.sample_aspect_ratio = info.sample_aspect.limit_denominator(1 << 15)
        context.color_range = 2 if form.colour.full_range else 1
        context.colorspace = form.colour.matrix
        context.color_primaries = form.colour.primaries
        context.color_trc = form.colour.transfer
        context.thread_type = "SLICE"
        return stream

    def write(self, segment: Segment) -> None:
        """See ``Sink.write``."""
        frames = segment.frames
        pts = segment.pts or tuple(range(self._frames, self._frames + len(frames)))
        with self._errors():
            for index, time in enumerate(pts):
                self._push(frames[index : index + 1], time)
        self._frames += len(frames)
        self._last_duration = segment.duration

    def _push(self, frames: Frames, pts: int) -> None:
        """Encode the frame before this one: only now is it known how long that one is shown."""
        if self._waiting:
            held, start = self._waiting.popleft()
            self._encode(held, start, pts - start)
        self._waiting.append((frames, pts))

    def _encode(self, frames: Frames, pts: int, duration: int) -> None:
        if self._stored.layout is not frames.format.layout:
            frames = _with_neutral_chroma(frames)
        frames = change_depth(frames, self._stored.depth)
        frame = write_frame(frames, self._name)
        frame.pts, frame.time_base = pts, self._time_base
        self._durations.append(duration)
        for packet in self._stream.encode(frame):
            self._mux(packet)

    def _mux(self, packet: Any) -> None:
        if self._tracks is not None:
            self._tracks.copy_until(packet.dts * packet.time_base)
        # encoders run without reordering, so packets leave in the order of the frames
        packet.duration = round(self._durations.popleft() * self._time_base / packet.time_base)
        self._container.mux(packet)

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            with guard_writes(self._where):
                yield
        except av.FFmpegError as error:
            raise MediaError(f"cannot write {self._where}: {error.strerror or error}") from None

    def close(self) -> None:
        """See ``Sink.close``."""
        if not self._open:
            return
        if not self._waiting:
            raise MediaError(f"no frame was written to {self._where}")
        with self._errors():
            held, start = self._waiting.popleft()
            usual = max(1, round(1 / (self._rate * self._time_base)))
            self._encode(held, start, self._last_duration or usual)
            for packet in self._stream.encode(None):
                self._mux(packet)
            if self._tracks is not None:
                self._tracks.copy_until(None)
                self._tracks.close()
            self._container.close()
            if self._file is not None:
                self._file.flush()
        self._open = False
        if self._atomic is not None:
            self._atomic.commit()

    def abort(self) -> None:
        """See ``Sink.abort``."""
        if not self._open:
            return
        self._open = False
        if self._tracks is not None:
            self._tracks.close()
        with contextlib.suppress(Exception):
            # closing writes a trailer, which may fail for the reason that brought us here
            self._container.close()
        if self._atomic is not None:
            self._atomic.abort()


def _choose(
    container: _Container, info: StreamInfo, where: str, extension: str
) -> tuple[str, str, PixelFormat]:
    """Encoder, FFmpeg's name of the pixel format, and the format that is stored.

    The stored depth may be greater; deep gray with alpha, which FFV1 lacks, is stored as 4:4:4.
    """
    form = info.format
    for codec in container.codecs:
        formats = {
            f.name for f in av.codec.Codec(codec, "w").video_formats or () if f.name not in _UNUSED
        }
        if codec == "libvpx-vp9" and form.alpha:
            continue  # its alpha is a second stream that few readers know
        for depth in range(form.depth, 17) if codec == "ffv1" else (form.depth,):
            wanted = PixelFormat(form.layout, depth, form.alpha, form.colour)
            for name in (write_name(wanted), *sorted(formats)):
                if name in formats and _holds(name, wanted):
                    _check_sides(codec, info, where, extension)
                    return codec, name, wanted
    if form.layout is Layout.GRAY and form.alpha:
        equal = info.replace(format=replace(form, layout=Layout.YUV444))
        return _choose(container, equal, where, extension)
    hint = "write .mkv, which holds all formats" if extension != ".mkv" else "drop the alpha plane"
    raise MediaError(f"{where}: {extension} holds no lossless {form}; {hint}")


def _with_neutral_chroma(frames: Frames) -> Frames:
    """Gray with alpha as 4:4:4 with alpha."""
    form = replace(frames.format, layout=Layout.YUV444)
    neutral = np.full_like(frames.planes[0], 1 << (form.depth - 1))
    return Frames([frames.planes[0], neutral, neutral, frames.planes[1]], form)


def _holds(name: str, wanted: PixelFormat) -> bool:
    packing = packing_of(name)
    if packing is None or packing.repeat != (1, 1):
        return False
    return (packing.layout, packing.depth, packing.alpha) == (
        wanted.layout,
        wanted.depth,
        wanted.alpha,
    )


def _slices(info: StreamInfo, name: str) -> dict[str, str]:
    """The FFV1 slicing that this size allows; FFmpeg's own choice fails for small and odd ones."""
    for options in ({}, *({"slices": str(n)} for n in (1, 4, 6, 9, 12, 16, 24))):
        context: Any = av.codec.CodecContext.create("ffv1", "w")
        context.width, context.height, context.pix_fmt = info.width, info.height, name
        context.time_base, context.options = Fraction(1, 25), {"level": "3", **options}
        with contextlib.suppress(av.FFmpegError):
            context.open()
            return options
    return {"level": "1"}  # version 1 has no slices


def _check_sides(codec: str, info: StreamInfo, where: str, extension: str) -> None:
    sx, sy = info.format.layout.chroma_shift
    if codec == "libx264" and (info.width % (1 << sx) or info.height % (1 << sy)):
        raise MediaError(
            f"{where}: H.264 cannot hold {info.format} at {info.width}x{info.height}, an odd size; "
            "write .mkv"
        )
