"""Frames that are in memory already, as a source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from ivc.media.base import DEFAULT_FRAME_RATE, SourceBase, TimedFrame
from ivc.types import Attachment, Frames, StreamInfo


class FramesSource(SourceBase):
    """A ``Source`` over ``Frames``: a still if there is one picture and no frame rate.

    Args:
        frames: the pictures.
        frame_rate: frames a second of a clip; 25 if None.
        attachments: what to store beside the pictures.
    """

    def __init__(
        self,
        frames: Frames,
        frame_rate: Fraction | None = None,
        attachments: Sequence[Attachment] = (),
    ) -> None:
        self._frames = frames
        self._attachments = list(attachments)
        self.frame_count = len(frames)
        self.info = StreamInfo(frames.format, frames.width, frames.height)
        if len(frames) > 1 or frame_rate is not None:
            rate = frame_rate or DEFAULT_FRAME_RATE
            self.info = self.info.replace(still=False, time_base=1 / rate, frame_rate=rate)

    def attachments(self) -> list[Attachment]:
        """See ``Source.attachments``."""
        return self._attachments

    def frames(self, start: int = 0) -> Iterator[TimedFrame]:
        """See ``Source.frames``."""
        for index in range(start, len(self._frames)):
            timing = (0, 0) if self.info.still else (index, 1)
            yield TimedFrame(self._frames[index : index + 1], *timing)
