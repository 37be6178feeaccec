"""YUV4MPEG2 (y4m) and headerless planar video, by file and by pipe, frame by frame.

A y4m file is a line of parameters and, for each frame, the line ``FRAME`` and its planes. Colour
spaces: mono, 420 (jpeg, mpeg2, paldv), 422, 444, 444alpha and their p9 … p16 variants. The range is
that of the XCOLORRANGE extension, limited if it is absent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ivc.errors import MediaError
from ivc.media.atomic import AtomicPath, guard_writes
from ivc.media.base import (
    DEFAULT_FRAME_RATE,
    MAX_PIXELS,
    RawVideo,
    SinkBase,
    SourceBase,
    TimedFrame,
    file_fingerprint,
)
from ivc.media.convert import change_depth, to_yuv444
from ivc.types import MAX_DIMENSION, Colour, Frames, Layout, PixelFormat, Segment, StreamInfo

MAGIC = b"YUV4MPEG2"
_LONGEST_LINE = 4096
_LAYOUTS = {
    "420": Layout.YUV420, "422": Layout.YUV422, "444": Layout.YUV444, "mono": Layout.GRAY,
}  # fmt: skip
_COLOUR_SPACE = re.compile(r"(420|422|444|mono)(jpeg|mpeg2|paldv|alpha)?(?:p?(\d+))?")


class RawSource(SourceBase):
    """Frames of a fixed size one after the other; base of y4m.

    Args:
        file: a path, or a file object that is read once.
        where: what to call it in messages.
        raw: what the frames are; None reads a y4m header.

    Raises:
        MediaError: for a damaged header.
    """

    def __init__(self, file: Path | BinaryIO, where: str, raw: RawVideo | None):
        self._where = where
        self._path = file if isinstance(file, Path) else None
        self._y4m = raw is None
        self._used = False
        try:
            self._file = file.open("rb") if isinstance(file, Path) else file
            self.seekable = isinstance(file, Path)
            aspect = Fraction(1)
            if raw is None:
                raw, aspect, self._start = _read_header(self._file, where)
            else:
                self._start = 0
        except OSError as error:
            raise MediaError(f"cannot read {where}: {error.strerror or error}") from None
        except BaseException:
            self.close()
            raise
        self._raw = raw
        self.info = StreamInfo(
            raw.format, raw.width, raw.height, still=False, time_base=1 / raw.frame_rate,
            frame_rate=raw.frame_rate, sample_aspect=aspect,
        )  # fmt: skip
        shapes = raw.format.plane_shapes(raw.width, raw.height)
        self._sizes = [h * w * (1 + (raw.format.depth > 8)) for h, w in shapes]
        if self._path is not None:
            # a FRAME line may carry parameters, so that this is exact only without them
            stride = sum(self._sizes) + (6 if self._y4m else 0)
            self.frame_count, rest = divmod(self._path.stat().st_size - self._start, stride)
            if rest and self._y4m:
                self.frame_count = None

    def fingerprint(self) -> str:
        """See ``Source.fingerprint``."""
        return file_fingerprint(self._path) if self._path else ""

    def frames(self, start: int = 0) -> Iterator[TimedFrame]:
        """See ``Source.frames``."""
        if self._path is None:
            if self._used:
                raise MediaError(f"{self._where} is a pipe and can be read only once")
            self._used = True
            yield from self._read(self._file, start)
            return
        with self._path.open("rb") as file:
            file.seek(self._start)
            if not self._y4m and start:
                file.seek(start * sum(self._sizes))
            yield from self._read(file, start)

    def _read(self, file: BinaryIO, start: int) -> Iterator[TimedFrame]:
        index = start if not self._y4m and self._path is not None else 0
        while True:
            if self._y4m and not self._frame_line(file, index):
                return
            data = file.read(sum(self._sizes))
            if not data and not self._y4m:
                return
            if len(data) < sum(self._sizes):
                # raw pipes may deliver a frame in parts; buffered files do not
                raise MediaError(
                    f"{self._where} is cut short: frame {index} has {len(data)} of "
                    f"{sum(self._sizes)} bytes; {index} whole frames came before it"
                )
            if index >= start:
                yield TimedFrame(self._picture(data, index), index, 1)
            index += 1

    def _frame_line(self, file: BinaryIO, index: int) -> bool:
        line = file.readline(_LONGEST_LINE)
        if not line:
            return False
        if not line.startswith(b"FRAME") or not line.endswith(b"\n"):
            raise MediaError(f"{self._where} is damaged: no FRAME line where frame {index} starts")
        return True

    def _picture(self, data: bytes, index: int) -> Frames:
        form = self._raw.format
        planes, position = [], 0
        for shape, size in zip(
            form.plane_shapes(self._raw.width, self._raw.height), self._sizes, strict=True
        ):
            dtype = np.dtype("u1" if form.depth == 8 else "<u2")
            words = np.frombuffer(data, dtype, size // dtype.itemsize, position)
            if 8 < form.depth < 16 and words.size and int(words.max()) > form.max_value:
                raise MediaError(
                    f"{self._where}: a sample of frame {index} is {words.max()}, more than "
                    f"{form.depth} bits hold"
                )
            planes.append(words.astype(form.dtype).reshape(1, *shape))
            position += size
        return Frames(planes, form)

    def close(self) -> None:
        """See ``Source.close``."""
        if self._path is not None and hasattr(self, "_file"):
            self._file.close()


def _read_header(file: BinaryIO, where: str) -> tuple[RawVideo, Fraction, int]:
    """The parameters of a y4m stream, its sample aspect and the length of its header."""
    line = file.readline(_LONGEST_LINE)
    if not line.startswith(MAGIC) or not line.endswith(b"\n"):
        raise MediaError(f"{where} is no y4m stream: it does not start with a YUV4MPEG2 line")
    fields = line.decode("latin-1").split()[1:]
    values = {field[0]: field[1:] for field in fields if field[0] != "X"}
    extensions = dict(field[1:].partition("=")[::2] for field in fields if field[0] == "X")
    try:
        width, height = int(values["W"]), int(values["H"])
        rate = _ratio(values.get("F", "")) or DEFAULT_FRAME_RATE
        aspect = _ratio(values.get("A", "")) or Fraction(1)
    except (KeyError, ValueError, ZeroDivisionError):
        raise MediaError(f"{where}: damaged y4m header: {line[:100]!r}") from None
    if not (
        0 < width <= MAX_DIMENSION and 0 < height <= MAX_DIMENSION and width * height <= MAX_PIXELS
    ):
        raise MediaError(f"{where}: y4m of {width}x{height}; sides are 1 to {MAX_DIMENSION}")
    match = _COLOUR_SPACE.fullmatch(values.get("C", "420jpeg"))
    depth = int(match[3] or 8) if match else 0
    if match is None or not 8 <= depth <= 16:
        raise MediaError(f"{where}: y4m colour space C{values.get('C')} is not known")
    colour = Colour(full_range=extensions.get("COLORRANGE") == "FULL")
    form = PixelFormat(_LAYOUTS[match[1]], depth, match[2] == "alpha", colour)
    return RawVideo(width, height, form, rate), aspect, len(line)


def _ratio(text: str) -> Fraction | None:
    """A ratio ``a:b``; None if it is absent or 0:0 (unknown)."""
    if not text:
        return None
    a, _, b = text.partition(":")
    if int(a) <= 0 or int(b) <= 0:
        return None
    return Fraction(int(a), int(b))


class RawSink(SinkBase):
    """A y4m stream or headerless planar video, to a path or a pipe.

    y4m has neither RGB nor, outside 8 bit 4:4:4, alpha. RGB is converted to full-range 4:4:4 of the
    same depth by the BT.709 matrix; alpha that cannot be held is an error.

    Raises:
        MediaError: for alpha that y4m cannot hold.
    """

    def __init__(self, target: Path | BinaryIO, where: str, info: StreamInfo, *, y4m: bool):
        form = info.format
        self._where, self._y4m = where, y4m
        self._from_rgb = y4m and form.layout is Layout.RGB
        if (
            y4m
            and form.alpha
            and (form.depth != 8 or form.layout not in (Layout.YUV444, Layout.RGB))
        ):
            raise MediaError(f"{where}: y4m cannot hold {form}; write .mkv, or .png pictures")
        layout = Layout.YUV444 if self._from_rgb else form.layout
        # FFmpeg's and others' readers know only some depths
        self._depth = next(d for d in _depths(layout) if d >= form.depth) if y4m else form.depth
        self._info = info
        self._atomic = AtomicPath(target) if isinstance(target, Path) else None
        self._file: BinaryIO = self._atomic.temporary.open("wb") if self._atomic else target  # type: ignore[assignment]
        self._open = True
        self._frames = 0
        if y4m:
            full = form.colour.full_range or self._from_rgb
            with guard_writes(where):
                self._file.write(_header(info, layout, self._depth, form.alpha, full))

    def write(self, segment: Segment) -> None:
        """See ``Sink.write``. Times are not kept: both formats have a constant rate."""
        with guard_writes(self._where):
            for index in range(len(segment.frames)):
                frames = segment.frames[index : index + 1]
                if self._from_rgb:
                    frames = to_yuv444(frames)
                if self._y4m:
                    frames = change_depth(frames, self._depth)
                    self._file.write(b"FRAME\n")
                for plane in frames.planes:
                    words = plane if plane.dtype == np.uint8 else plane.astype("<u2", copy=False)
                    self._file.write(np.ascontiguousarray(words).data)
                self._frames += 1

    def close(self) -> None:
        """See ``Sink.close``. A file object is flushed and left open."""
        if not self._open:
            return
        with guard_writes(self._where):
            if self._atomic is None:
                self._file.flush()
            else:
                self._file.close()
        self._open = False
        if self._atomic is not None:
            self._atomic.commit()

    def abort(self) -> None:
        """See ``Sink.abort``."""
        if self._open and self._atomic is not None:
            self._file.close()
            self._atomic.abort()
        self._open = False


def _depths(layout: Layout) -> tuple[int, ...]:
    return (8, 9, 10, 12, 16) if layout is Layout.GRAY else (8, 9, 10, 12, 14, 16)


def _header(info: StreamInfo, layout: Layout, depth: int, alpha: bool, full_range: bool) -> bytes:
    rate = info.frame_rate or DEFAULT_FRAME_RATE
    aspect = info.sample_aspect
    names = {Layout.GRAY: "mono", Layout.YUV420: "420", Layout.YUV422: "422", Layout.YUV444: "444"}
    space = names[layout]
    if alpha:
        space += "alpha"
    elif depth > 8:
        space += str(depth) if layout is Layout.GRAY else f"p{depth}"
    elif layout is Layout.YUV420:
        space += "jpeg"
    return (
        f"YUV4MPEG2 W{info.width} H{info.height} F{rate.numerator}:{rate.denominator} Ip "
        f"A{aspect.numerator}:{aspect.denominator} C{space} "
        f"XCOLORRANGE={'FULL' if full_range else 'LIMITED'}\n"
    ).encode()
