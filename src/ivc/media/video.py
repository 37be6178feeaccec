"""Video containers: files and pipes -> frames, through PyAV (FFmpeg).

Frames keep the samples of the decoder; timestamps keep the container's time base. What cannot be
decoded ends in an error that says how many frames came before it. Damage that FFmpeg conceals
without saying so cannot be seen here.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import av

from ivc.errors import MediaError
from ivc.media.base import MAX_PIXELS, SourceBase, TimedFrame, file_fingerprint, log
from ivc.media.orientation import display_matrix_code, orient
from ivc.media.pixels import read_format, read_frame
from ivc.media.tracks import read_tracks
from ivc.media.truncation import missing_bytes
from ivc.types import MAX_DIMENSION, Attachment, Frames, PixelFormat, StreamInfo


class VideoSource(SourceBase):
    """The best video stream of anything that FFmpeg opens.

    Args:
        file: path, or a file object (a pipe, read once).
        where: what to call it in messages.

    Raises:
        MediaError: when it holds no video that can be decoded.
    """

    def __init__(self, file: Path | BinaryIO, where: str):
        self._file, self._where = file, where
        self.seekable = isinstance(file, Path)
        self._ready: _Decoder | None = _Decoder(file, where)
        self.info = self._ready.info
        self.frame_count = self._ready.frame_count
        self._origin = self._ready.origin * self._ready.time_base
        self._tracks: list[Attachment] | None = None

    def fingerprint(self) -> str:
        """See ``Source.fingerprint``."""
        return file_fingerprint(self._file) if isinstance(self._file, Path) else ""

    def frames(self, start: int = 0) -> Iterator[TimedFrame]:
        """See ``Source.frames``. Frames before ``start`` are decoded and dropped."""
        decoder, self._ready = self._ready, None
        if decoder is None:
            if not isinstance(self._file, Path):
                raise MediaError(f"{self._where} is a pipe and can be read only once")
            decoder = _Decoder(self._file, self._where)
        try:
            yield from decoder.frames(start)
        finally:
            decoder.close()

    def attachments(self) -> list[Attachment]:
        """See ``Source.attachments``: audio, subtitles, chapters and tags, of files only."""
        if self._tracks is None:
            if isinstance(self._file, Path):
                self._tracks = read_tracks(self._file, self._where, self._origin)
            else:
                self._tracks = []
        return list(self._tracks)

    def close(self) -> None:
        """See ``Source.close``."""
        if self._ready is not None:
            self._ready.close()
            self._ready = None


class _Decoder:
    """One pass through the video stream of a container, its first frame already decoded."""

    def __init__(self, file: Path | BinaryIO, where: str):
        self._where = where
        self._decoded = 0
        if isinstance(file, Path) and (missing := missing_bytes(file)):
            self._missing = missing
        else:
            self._missing = 0
        try:
            # "file:" keeps FFmpeg from reading a colon in the name as a protocol
            self._container: Any = av.open(
                f"file:{file}" if isinstance(file, Path) else file, metadata_errors="replace"
            )
        except (av.FFmpegError, OSError, ValueError) as error:
            raise MediaError(f"cannot read {where}: {_reason(error)}") from None
        try:
            self._open()
        except BaseException:
            self._container.close()
            raise

    def _open(self) -> None:
        video = [
            stream for stream in self._container.streams.video
            if not stream.disposition & av.stream.Disposition.attached_pic
        ]  # fmt: skip
        if not video:
            raise MediaError(f"{self._where} holds no video")
        best = self._container.streams.best("video")
        self._stream: Any = best if best in video else video[0]
        if len(video) > 1:
            log.warning(
                "%s holds %d video streams; stream %d is read",
                self._where, len(video), self._stream.index,
            )  # fmt: skip
        context = self._stream.codec_context
        if context is None:
            raise MediaError(f"{self._where}: no decoder for its video stream")
        self._stream.thread_type = "AUTO"
        self._frames = self._decode()
        first = next(self._frames, None)
        if first is None:
            raise MediaError(f"{self._where}: no frame of its video stream can be decoded")
        self._first: av.VideoFrame | None = first
        self._size = (first.width, first.height)
        self._check_size(first)
        self._format = read_format(first, self._where)
        self._orientation = _orientation(first)
        shown = self._convert(first)
        self.time_base = Fraction(first.time_base or self._stream.time_base or Fraction(1, 1000))
        self.origin = self._find_origin(first)
        aspect = Fraction(self._stream.sample_aspect_ratio or context.sample_aspect_ratio or 1)
        if aspect <= 0:
            aspect = Fraction(1)
        rate = self._stream.average_rate or self._stream.guessed_rate
        self.info = StreamInfo(
            shown.format, shown.width, shown.height, still=False, time_base=self.time_base,
            frame_rate=Fraction(rate) if rate and rate > 0 else None,
            sample_aspect=1 / aspect if self._orientation > 4 else aspect,
        )  # fmt: skip
        self.frame_count = self._declared_frames()
        if first.interlaced_frame:
            log.warning("%s is interlaced; its fields are coded as whole frames", self._where)

    def _declared_frames(self) -> int | None:
        """Frames that will be shown: those in the index that the edit list does not cut away.

        The header of an AVI file declares a time; frames that were dropped have no place in its
        index, or an empty one.
        """
        declared: int = self._stream.frames
        if not declared:
            return None
        if self._container.format.name == "avi":
            return sum(entry.size > 0 for entry in self._stream.index_entries) or None
        if "mp4" not in self._container.format.name:
            return declared
        hidden = sum(bool(entry.is_discard) for entry in self._stream.index_entries)
        return declared - hidden

    def _find_origin(self, first: av.VideoFrame) -> int:
        """Ticks that are taken off every timestamp.

        Streams cut out of a broadcast start anywhere, and times before 0 cannot be stored in most
        containers; otherwise timestamps stay as they are.
        """
        start = first.pts or 0
        if self._container.format.name in ("mpegts", "mpeg") and self._container.start_time:
            container_start = Fraction(self._container.start_time, av.time_base)
            return min(start, int(container_start / self.time_base))
        return min(0, start)

    def _check_size(self, frame: av.VideoFrame) -> None:
        if (
            max(frame.width, frame.height) > MAX_DIMENSION
            or frame.width * frame.height > MAX_PIXELS
        ):
            raise MediaError(f"{self._where} is {frame.width}x{frame.height}: too large")

    def _decode(self) -> Iterator[av.VideoFrame]:
        """Decoded frames in presentation order; damage is an error."""
        try:
            for packet in self._container.demux(self._stream):
                if packet.is_corrupt:
                    raise self._damaged("a packet is marked as corrupt")
                if packet.size == 0 and packet.dts is not None:
                    continue  # the picture stays: it is shown until the next one
                for frame in packet.decode():
                    if frame.is_corrupt:
                        raise self._damaged("the decoder reports a corrupt frame")
                    yield frame
        except av.FFmpegError as error:
            raise self._damaged(_reason(error)) from None
        if self._missing:
            raise self._damaged(f"the file lacks its last {self._missing} bytes")

    def _damaged(self, reason: str) -> MediaError:
        return MediaError(
            f"{self._where} is damaged after frame {self._decoded - 1}: {reason}; "
            "repair it first, or cut it before that point"
            if self._decoded
            else f"{self._where} is damaged before its first frame: {reason}"
        )

    def frames(self, start: int) -> Iterator[TimedFrame]:
        """Frames from number ``start`` on; each is held back until the next one's time is known."""
        held: TimedFrame | None = None
        last = -1
        for frame in self._all():
            index = self._decoded
            self._decoded += 1
            pts = self._time_of(frame, last)
            if held is not None:
                yield TimedFrame(held.frames, held.pts, pts - held.pts)
                held = None
            last = pts
            if index >= start:
                held = TimedFrame(self._convert(frame), pts, frame.duration or 0)
        if held is not None:
            yield held
        if self.frame_count is not None and self._decoded < self.frame_count:
            raise self._damaged(
                f"{self.frame_count} frames are declared, {self._decoded} are there"
            )

    def _all(self) -> Iterator[av.VideoFrame]:
        first, self._first = self._first, None
        if first is not None:
            yield first
        yield from self._frames

    def _time_of(self, frame: av.VideoFrame, last: int) -> int:
        """Timestamp in ticks, after ``last`` even where the file repeats or lacks times."""
        if frame.pts is None:
            rate = self.info.frame_rate or 25
            return max(last + 1, last + round(1 / (rate * self.time_base)) if last >= 0 else 0)
        return max(last + 1, int(frame.pts) - self.origin)

    def _convert(self, frame: av.VideoFrame) -> Frames:
        if (frame.width, frame.height) != self._size:
            raise MediaError(
                f"{self._where}: frame {self._decoded} is {frame.width}x{frame.height}, those "
                f"before are {self._size[0]}x{self._size[1]}; split the video there"
            )
        form = read_format(frame, self._where)
        if not _same_samples(form, self._format):
            raise MediaError(
                f"{self._where}: frame {self._decoded} is {form}, those before are {self._format}; "
                "split the video there"
            )
        return orient(read_frame(frame, self._format), self._orientation)

    def close(self) -> None:
        """Close the container."""
        self._container.close()


def _same_samples(a: PixelFormat, b: PixelFormat) -> bool:
    return (a.layout, a.depth, a.alpha) == (b.layout, b.depth, b.alpha)


def _orientation(frame: av.VideoFrame) -> int:
    matrix: Any = frame.side_data.get("DISPLAYMATRIX")
    return display_matrix_code(bytes(matrix)) if matrix is not None else 1


def _reason(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split())
