"""Levels: how much a stream may ask of its decoder, checked before anything is allocated.

A clip declares its level; a still's is the smallest that its picture fits. The sizes of a stream's
segments are bounded by it, so that a decoder's memory is, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from ivc.errors import LimitError, UnsupportedError
from ivc.types import StreamInfo

BYTES_PER_SAMPLE = 8
"""Most bytes that the planes take for a luma sample: four planes of 16 bits at full resolution."""


@dataclass(frozen=True)
class Level:
    """One line of the table.

    Attributes:
        number: 1, 2, …
        picture_samples: most luma samples of a picture.
        segment_samples: most luma samples of all frames of a segment.
    """

    number: int
    picture_samples: int
    segment_samples: int

    @property
    def sample_rate(self) -> int:
        """Most luma samples a second, by the nominal frame rate."""
        return self.picture_samples * 64

    @property
    def segment_bytes(self) -> int:
        """Most bytes that the frames of a segment take, and most bytes of its coded layers."""
        return self.segment_samples * BYTES_PER_SAMPLE

    def allows(self, info: StreamInfo, segment_frames: int = 1) -> bool:
        """Whether a stream with segments of so many frames fits."""
        samples = info.width * info.height
        rate = info.frame_rate if info.frame_rate and not info.still else Fraction(0)
        return (
            samples <= self.picture_samples
            and samples * rate <= self.sample_rate
            and samples * segment_frames <= self.segment_samples
        )


LEVELS = tuple(
    Level(number, 1 << picture, 1 << segment)
    for number, picture, segment in (
        (1, 18, 23), (2, 20, 25), (3, 22, 27), (4, 24, 28), (5, 26, 29), (6, 28, 30), (7, 30, 31),
    )
)  # fmt: skip
"""Level 1 holds 512 x 512, 3 holds 1080p, 4 holds 4K, 5 holds 8K, 7 is the largest."""

DEFAULT_MAX_LEVEL = 6
"""What readers accept when they are not told otherwise: stills up to 268 megapixels."""


def smallest_level(info: StreamInfo, segment_frames: int = 1) -> int:
    """Number of the smallest level that fits.

    Args:
        info: size and frame rate.
        segment_frames: most frames in a segment.

    Raises:
        UnsupportedError: when none does.
    """
    for level in LEVELS:
        if level.allows(info, segment_frames):
            return level.number
    raise UnsupportedError(
        f"{info.width}x{info.height} with {segment_frames} frames a segment exceeds the largest "
        "level; use shorter segments or smaller pictures"
    )


def check_level(number: int, info: StreamInfo, max_level: int, offset: int) -> Level:
    """The level of a stream that was just opened.

    Args:
        number: what it declares.
        info: what its header says.
        max_level: largest that the caller permits.
        offset: where to point errors.

    Raises:
        LimitError: when the level is not permitted, or the header does not fit it.
    """
    if number > len(LEVELS):
        raise LimitError(f"level {number} is unknown; this ivc knows up to {len(LEVELS)}", offset)
    if number > max_level:
        raise LimitError(
            f"the stream is of level {number}, above the permitted level {max_level}", offset
        )
    level = LEVELS[number - 1]
    if not level.allows(info):
        raise LimitError(
            f"{info.width}x{info.height} at its frame rate exceeds its level {number}", offset
        )
    return level
