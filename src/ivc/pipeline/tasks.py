"""The pure functions that workers run: one segment in, its layers or frames out.

They hold all that touches a codec, and nothing that touches a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ivc.codecs import by_name, by_number
from ivc.codecs.base import Layers, Settings
from ivc.errors import IvcError, ModelError
from ivc.types import Layer, Segment, SegmentHeader

if TYPE_CHECKING:
    from ivc.metrics import Meter


@dataclass(frozen=True)
class EncodeTask:
    """A segment to encode.

    Attributes:
        profile: name of the codec.
        settings: the codec's settings.
        segment: what to encode.
        shared: global layers of the stream.
        metric: metric to measure on the decoded segment; empty for none.
    """

    profile: str
    settings: Settings
    segment: Segment
    shared: Mapping[Layer, bytes]
    metric: str = ""


@dataclass(frozen=True)
class Encoded:
    """An encoded segment: its layers, its timing, and what was measured on it."""

    layers: Layers
    frames: int
    pts: tuple[int, ...]
    duration: int
    meter: Meter | None = None

    @property
    def size(self) -> int:
        """Bytes of all layers."""
        return sum(len(data) for data in self.layers.values())


@dataclass(frozen=True)
class DecodeTask:
    """Layers of a segment to decode.

    Attributes:
        codec: number of the codec.
        header: what the container knows.
        layers: what was stored.
        shared: global layers of the stream.
        index: place of the segment in the stream, for messages.
        pts: as in ``Segment``.
        duration: as in ``Segment``.
        keep: the slice of frames to return; None for all.
    """

    codec: int
    header: SegmentHeader
    layers: Mapping[Layer, bytes]
    shared: Mapping[Layer, bytes]
    index: int
    pts: tuple[int, ...]
    duration: int
    keep: slice | None = None


def model_of(settings: Settings) -> str:
    """Folder of the user's own model that the settings name; empty for none."""
    return str(getattr(settings, "model", None) or "")


def encode_segment(task: EncodeTask) -> Encoded:
    """Encode one segment and, if asked, decode it again to measure it."""
    codec = by_name(task.profile).load()
    segment = task.segment
    layers = codec.encode(segment, task.settings, task.shared)
    meter = None
    if task.metric:
        from ivc.metrics import Meter

        frames = segment.frames
        header = SegmentHeader(
            frames.format, frames.width, frames.height, len(frames), codec.version,
            weights_hash=codec.weights_hash(task.settings), model=model_of(task.settings),
        )  # fmt: skip
        meter = Meter([task.metric])
        meter.add(frames, codec.decode(layers, header, task.shared))
    return Encoded(layers, len(segment.frames), segment.pts, segment.duration, meter)


def decode_segment(task: DecodeTask) -> Segment:
    """Decode one segment.

    Raises:
        IvcError: whatever the bytes are; also when a codec returns something other than what the
            header promises.
    """
    codec = by_number(task.codec).load()
    header = task.header
    try:
        frames = codec.decode(task.layers, header, task.shared)
    except ModelError:
        raise  # no segment is at fault
    except IvcError as error:
        error.args = (f"segment {task.index}: {error.args[0]}", *error.args[1:])
        raise
    if (frames.format, frames.width, frames.height, len(frames)) != (
        header.format, *header.size, header.frames,
    ):  # fmt: skip
        raise AssertionError(f"codec {task.codec} returned frames that its header does not declare")
    if task.keep is None:
        return Segment(frames, task.pts, task.duration, task.index)
    return Segment(frames[task.keep], task.pts[task.keep], task.duration, task.index)
