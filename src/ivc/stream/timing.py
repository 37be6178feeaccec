"""Presentation times of a segment: free at a constant frame rate, a byte or two a frame otherwise.

The grid of a stream places frame n at ``floor(n * step + 1/2)`` ticks, where the step is the ticks
in a frame at the nominal rate. Most segments lie on it, or on a shifted copy of it; the others list
how the distance from frame to frame changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from ivc.errors import BitstreamError, UnsupportedError, UsageError
from ivc.stream.fields import Values
from ivc.types import StreamInfo

MAX_TIME = (1 << 62) - 1
"""Largest absolute time in ticks."""

ON_GRID, SHIFTED, EXPLICIT = range(3)


@dataclass(frozen=True)
class Grid:
    """Where frames lie at the nominal rate.

    Attributes:
        step: ticks in a frame; 0 if there is no usable nominal rate.
    """

    step: Fraction

    @staticmethod
    def of(info: StreamInfo) -> Grid:
        """The grid of a stream; without a nominal rate of at most one frame a tick it is all 0."""
        if info.still or not info.frame_rate:
            return Grid(Fraction(0))
        step = 1 / (info.frame_rate * info.time_base)
        return Grid(step if step >= 1 else Fraction(0))

    def __call__(self, frame: int) -> int:
        """Ticks of a frame, counted from the start of the stream."""
        return (2 * frame * self.step.numerator + self.step.denominator) // (
            2 * self.step.denominator
        )


@dataclass(frozen=True)
class Timing:
    """The times of one segment, in the form in which they are stored.

    Attributes:
        grid: the stream's grid.
        first_frame: number of the segment's first frame in the stream.
        frames: number of frames.
        mode: on the grid, shifted, or explicit.
        start: ticks of the first frame beyond its place on the grid.
        changes: for explicit times, differences of the distances between frames.
        duration: ticks that the last frame is shown; 0 if not known.
    """

    grid: Grid
    first_frame: int
    frames: int
    mode: int
    start: int
    changes: Sequence[int]
    duration: int

    @property
    def pts(self) -> tuple[int, ...]:
        """Time of every frame in ticks."""
        first = self.first_frame
        if self.mode != EXPLICIT:
            return tuple(self.grid(n) + self.start for n in range(first, first + self.frames))
        times = [self.grid(first) + self.start]
        distance = 0
        for change in self.changes:
            distance += change
            times.append(times[-1] + distance)
        return tuple(times)

    def values(self) -> Values:
        """Fields of the SEGMENT record."""
        implied = _implied_duration(self.grid, self.first_frame, self.frames, self.mode)
        return {
            "frames": self.frames,
            "mode": self.mode,
            "has_duration": self.duration != implied,
            "start": self.start,
            "changes": self.changes,
            "duration": self.duration,
        }


def _implied_duration(grid: Grid, first_frame: int, frames: int, mode: int) -> int:
    end = first_frame + frames
    return 0 if mode == EXPLICIT else grid(end) - grid(end - 1)


def describe(
    grid: Grid, first_frame: int, frames: int, pts: Sequence[int], duration: int
) -> Timing:
    """The shortest form of given times.

    Args:
        grid: the stream's grid.
        first_frame: number of the segment's first frame in the stream.
        frames: number of frames.
        pts: time of each frame, strictly ascending; empty for frames that lie on the grid.
        duration: ticks that the last frame is shown; 0 if not known.

    Raises:
        UsageError: when the times are not ascending, too large, or not as many as the frames.
    """
    if not pts:
        if not grid.step:
            raise UsageError("a clip without a frame rate needs the time of every frame")
        implied = _implied_duration(grid, first_frame, frames, ON_GRID)
        return Timing(grid, first_frame, frames, ON_GRID, 0, (), duration or implied)
    if len(pts) != frames:
        raise UsageError(f"{len(pts)} times were given for {frames} frames")
    distances = [b - a for a, b in pairwise(pts)]
    if any(distance < 1 for distance in distances):
        raise UsageError("the times of the frames do not ascend")
    if max(-pts[0], pts[-1]) > MAX_TIME or not 0 <= duration <= MAX_TIME:
        raise UsageError("a time or duration does not fit the file format")
    start = pts[0] - grid(first_frame)
    if grid.step and all(time == grid(first_frame + n) + start for n, time in enumerate(pts)):
        mode = SHIFTED if start else ON_GRID
        return Timing(grid, first_frame, frames, mode, start, (), duration)
    changes = tuple(b - a for a, b in zip([0, *distances], distances, strict=False))
    return Timing(grid, first_frame, frames, EXPLICIT, start, changes, duration)


def restore(grid: Grid, first_frame: int, values: Values, offset: int) -> Timing:
    """The times that a SEGMENT record holds.

    Args:
        grid: the stream's grid.
        first_frame: number of the segment's first frame in the stream.
        values: fields of the record.
        offset: where to point errors.

    Raises:
        BitstreamError: when times do not ascend or are too large.
        UnsupportedError: for a mode from the future.
    """
    mode, frames = values["mode"], values["frames"]
    if mode > EXPLICIT:
        raise UnsupportedError(f"the stream needs a newer ivc (timing mode {mode} at {offset})")
    if mode != EXPLICIT and not grid.step:
        raise BitstreamError("SEGMENT: frames on a grid, but the stream has no frame rate", offset)
    timing = Timing(
        grid,
        first_frame,
        frames,
        mode,
        values.get("start", 0),
        values.get("changes", ()),
        values.get("duration", _implied_duration(grid, first_frame, frames, mode)),
    )
    distance, last = 0, grid(first_frame) + timing.start
    earliest = last
    for change in timing.changes:
        distance += change
        if distance < 1:
            raise BitstreamError("SEGMENT: the times of the frames do not ascend", offset)
        last += distance
    if mode != EXPLICIT:
        last = grid(first_frame + frames - 1) + timing.start
    if max(-earliest, last, timing.duration) > MAX_TIME:
        raise BitstreamError("SEGMENT: a time is too large", offset)
    return timing
