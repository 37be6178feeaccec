"""Cutting a source into segments, and keeping a source that can be read only once."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator

import numpy as np

from ivc.errors import MediaError
from ivc.media import Source, TimedFrame
from ivc.media.base import SourceBase
from ivc.types import Attachment, Frames, Segment, StreamInfo

SEGMENT_SECONDS = 2
SEGMENT_SAMPLES = 1 << 26
MAX_SEGMENT_FRAMES = 64


def default_segment_frames(info: StreamInfo) -> int:
    """Frames in a segment: about two seconds, at most 64, at most 2**26 luma samples in all."""
    if info.still:
        return 1
    wanted = MAX_SEGMENT_FRAMES
    if info.frame_rate:
        wanted = min(wanted, max(1, round(info.frame_rate * SEGMENT_SECONDS)))
    return max(1, min(wanted, SEGMENT_SAMPLES // (info.width * info.height)))


def cut(source: Source, length: int, first_segment: int = 0) -> Iterator[Segment]:
    """Segments of ``length`` frames (the last may be shorter), from ``first_segment`` on.

    Raises:
        MediaError: when a frame does not fit the stream or time does not advance.
    """
    info = source.info
    held: list[TimedFrame] = []
    index = first_segment
    last_pts: int | None = None
    for frame in source.frames(first_segment * length):
        number = index * length + len(held)
        _check(frame.frames, number, info)
        if not info.still and last_pts is not None and frame.pts <= last_pts:
            raise MediaError(f"the time of frame {number} is not after that of the one before it")
        last_pts = frame.pts
        held.append(frame)
        if len(held) == length:
            yield _join(held, index, info)
            held, index = [], index + 1
    if held:
        yield _join(held, index, info)


def _check(picture: Frames, number: int, info: StreamInfo) -> None:
    if (picture.format, picture.width, picture.height) != (info.format, info.width, info.height):
        raise MediaError(
            f"frame {number} is {picture.width}x{picture.height} {picture.format}, the clip began "
            f"with {info.width}x{info.height} {info.format}; convert it to one format first"
        )


def _join(held: list[TimedFrame], index: int, info: StreamInfo) -> Segment:
    frames = Frames.concatenate([frame.frames for frame in held])
    if info.still:
        return Segment(frames, index=index)
    return Segment(frames, tuple(frame.pts for frame in held), held[-1].duration, index)


class Spool(SourceBase):
    """A ``Source`` that keeps all frames of another in a temporary file, to read them again.

    For inputs such as pipes that can be read only once, when an encode needs several passes. The
    file holds raw samples and is gone when the spool closes.
    """

    def __init__(self, source: Source) -> None:
        self.info = source.info
        self._attachments = source.attachments()
        self._times: list[tuple[int, int]] = []
        self._file = tempfile.TemporaryFile(prefix="ivc-")  # noqa: SIM115 (closed by close)
        try:
            for number, frame in enumerate(source.frames()):
                _check(frame.frames, number, self.info)
                for plane in frame.frames.planes:
                    self._file.write(np.ascontiguousarray(plane).data)
                self._times.append((frame.pts, frame.duration))
        except BaseException:
            self._file.close()
            raise
        self.frame_count = len(self._times)

    def attachments(self) -> list[Attachment]:
        """Attachments of the source."""
        return self._attachments

    def frames(self, start: int = 0) -> Iterator[TimedFrame]:
        """Frames from the ``start``-th on."""
        form = self.info.format
        shapes = form.plane_shapes(self.info.width, self.info.height)
        dtype = np.dtype(form.dtype)
        size = sum(height * width for height, width in shapes) * dtype.itemsize
        for number, (pts, duration) in enumerate(self._times[start:], start):
            self._file.seek(number * size)
            planes = [
                np.frombuffer(self._file.read(height * width * dtype.itemsize), dtype).reshape(
                    1, height, width
                )
                for height, width in shapes
            ]
            yield TimedFrame(Frames(planes, form), pts, duration)

    def close(self) -> None:
        """Delete the temporary file."""
        self._file.close()
