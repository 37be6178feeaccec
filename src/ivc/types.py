"""The nouns that every room of ivc shares: frames, segments, layers and what describes them.

Nothing here imports NumPy at run time, so that listing a file or printing help stays fast.

    Frames    pictures as planes of shape (T, H, W)          ─┐
    Segment   frames coded with no reference outside them     ├─ what codecs see
    Layer     the kind of a byte string                      ─┘
    StreamInfo, Attachment                                   ─── what containers see
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from ivc.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Plane = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]

MAX_DIMENSION = 65535
"""Largest width or height in luma samples."""


class Layout(enum.IntEnum):
    """How the colour planes of a picture are sampled. The numbers are part of the file format."""

    GRAY = 0
    YUV420 = 1
    YUV422 = 2
    YUV444 = 3
    RGB = 4

    @property
    def planes(self) -> int:
        """Number of colour planes (alpha not counted)."""
        return 1 if self is Layout.GRAY else 3

    @property
    def chroma_shift(self) -> tuple[int, int]:
        """log2 of the horizontal and vertical subsampling of planes 1 and 2."""
        return {Layout.YUV420: (1, 1), Layout.YUV422: (1, 0)}.get(self, (0, 0))


@dataclass(frozen=True, slots=True)
class Colour:
    """Colour description by the code points of ITU-T H.273 (CICP); 2 is "unspecified".

    Attributes:
        primaries: ColourPrimaries, 1 = BT.709, 9 = BT.2020.
        transfer: TransferCharacteristics, 13 = sRGB, 16 = PQ, 18 = HLG.
        matrix: MatrixCoefficients, 0 = RGB, 1 = BT.709, 5 and 6 = BT.601.
        full_range: True if black is 0 and white is 2**depth - 1.
    """

    primaries: int = 2
    transfer: int = 2
    matrix: int = 2
    full_range: bool = False


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """What the samples of a picture mean.

    Attributes:
        layout: planes and chroma sampling.
        depth: bits per sample, 8 to 16, the same for all planes.
        alpha: True if a full-resolution, full-range, straight (not premultiplied) alpha plane
            follows the colour planes.
        colour: code points; see ``Colour``.
    """

    layout: Layout
    depth: int = 8
    alpha: bool = False
    colour: Colour = field(default_factory=Colour)

    def __post_init__(self) -> None:
        if not 8 <= self.depth <= 16:
            raise UsageError(f"bit depth {self.depth} is outside 8..16")

    @property
    def plane_count(self) -> int:
        """Number of planes, alpha included."""
        return self.layout.planes + self.alpha

    @property
    def max_value(self) -> int:
        """Largest sample value, 2**depth - 1."""
        return (1 << self.depth) - 1

    @property
    def dtype(self) -> str:
        """NumPy name of the sample type: ``uint8`` for depth 8, ``uint16`` above."""
        return "uint8" if self.depth == 8 else "uint16"

    def plane_shapes(self, width: int, height: int) -> list[tuple[int, int]]:
        """Shapes (H, W) of all planes of a picture of ``width`` x ``height`` luma samples."""
        sx, sy = self.layout.chroma_shift
        chroma = (-(-height >> sy), -(-width >> sx))
        shapes = [(height, width)] + [chroma] * (self.layout.planes - 1)
        return shapes + [(height, width)] * self.alpha

    def plane_names(self) -> list[str]:
        """Names of all planes: Y or R, G, B or Y, U, V, then A."""
        names = {Layout.GRAY: "Y", Layout.RGB: "RGB"}.get(self.layout, "YUV")
        return list(names) + ["A"] * self.alpha

    def __str__(self) -> str:
        name = {
            Layout.GRAY: "gray", Layout.YUV420: "4:2:0", Layout.YUV422: "4:2:2",
            Layout.YUV444: "4:4:4", Layout.RGB: "RGB",
        }[self.layout]  # fmt: skip
        return f"{name}{' + alpha' if self.alpha else ''} {self.depth} bit"


@dataclass(eq=False)
class Frames:
    """A run of pictures of one size and format; a still is T = 1.

    Attributes:
        planes: one array a plane, shape (T, H, W) each, dtype ``format.dtype``, samples at most
            ``format.max_value``; the order is that of ``PixelFormat.plane_names``.
        format: what the samples mean.

    Raises:
        UsageError: when planes and format do not fit together.
    """

    planes: Sequence[Plane]
    format: PixelFormat

    def __post_init__(self) -> None:
        if len(self.planes) != self.format.plane_count:
            raise UsageError(
                f"{self.format} has {self.format.plane_count} planes, not {len(self.planes)}"
            )
        count = self.planes[0].shape[0]
        for plane, shape in zip(
            self.planes, self.format.plane_shapes(self.width, self.height), strict=True
        ):
            if plane.shape != (count, *shape) or plane.dtype != self.format.dtype:
                raise UsageError(
                    f"a plane of {plane.dtype} {plane.shape} does not fit {self.format} "
                    f"at {self.width}x{self.height}"
                )

    def __len__(self) -> int:
        return int(self.planes[0].shape[0])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Frames):
            return NotImplemented
        return (
            self.format == other.format
            and len(self) == len(other)
            and all((a == b).all() for a, b in zip(self.planes, other.planes, strict=True)
                    if a.shape == b.shape)
            and all(a.shape == b.shape for a, b in zip(self.planes, other.planes, strict=True))
        )  # fmt: skip

    def __getitem__(self, index: slice) -> Frames:
        """The frames of a slice of time (views, not copies)."""
        return Frames([plane[index] for plane in self.planes], self.format)

    @property
    def width(self) -> int:
        """Width in luma samples."""
        return int(self.planes[0].shape[2])

    @property
    def height(self) -> int:
        """Height in luma samples."""
        return int(self.planes[0].shape[1])

    @staticmethod
    def concatenate(parts: Sequence[Frames]) -> Frames:
        """Join runs of frames of one format and size along time."""
        import numpy as np

        first = parts[0]
        return Frames(
            [np.concatenate(planes) for planes in zip(*(p.planes for p in parts), strict=True)],
            first.format,
        )


@dataclass(eq=False)
class Segment:
    """The unit of coding: frames that are coded with no reference outside themselves.

    Attributes:
        frames: the pictures.
        pts: presentation time of each frame in ticks of the stream's time base, strictly ascending;
            empty for a still.
        duration: ticks that the last frame is shown; 0 if not known.
        index: place in the stream, from 0.
    """

    frames: Frames
    pts: tuple[int, ...] = ()
    duration: int = 0
    index: int = 0


class Layer(enum.IntEnum):
    """What a byte string of a segment (or of the whole stream) means. Numbers are for ever."""

    PICTURE = 1
    STRUCTURE = 2
    TEXTURE = 3
    MOTION = 4
    RESIDUAL = 5
    BACKGROUND = 6
    OBJECTS = 7
    SEMANTICS = 8
    TEXT = 9
    FEATURES = 10
    PARAMETERS = 11
    ALPHA = 12
    ENHANCEMENT = 13

    @property
    def label(self) -> str:
        """Lower-case name, as typed on the command line."""
        return self.name.lower()


class AttachmentKind(enum.IntEnum):
    """What is stored beside the pictures. Numbers are for ever."""

    ICC = 1
    EXIF = 2
    XMP = 3
    TRACKS = 4
    """Audio, subtitles, chapters and tags, without video: a Matroska file, or an MP4 (QuickTime)
    file where a track needs it. Readers find out from its first bytes."""
    TEXT = 5  # textual metadata of stills: JSON object of strings

    @property
    def label(self) -> str:
        """Lower-case name, as typed on the command line."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Attachment:
    """A blob stored beside the pictures: ICC profile, Exif, audio tracks."""

    kind: AttachmentKind
    data: bytes


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """What is true of all pictures of a stream, known before the first of them is read.

    Attributes:
        format: pixel format of all frames.
        width: luma samples, 1 to 65535.
        height: luma samples, 1 to 65535.
        still: True for a single picture without timing.
        time_base: seconds in a tick of ``Segment.pts``.
        frame_rate: nominal frames a second; None for a still or where it is not known.
        sample_aspect: width of a sample over its height.
    """

    format: PixelFormat
    width: int
    height: int
    still: bool = True
    time_base: Fraction = Fraction(1, 1)
    frame_rate: Fraction | None = None
    sample_aspect: Fraction = Fraction(1, 1)

    def replace(self, **changes: Any) -> StreamInfo:
        """A copy with some fields changed."""
        return replace(self, **changes)


@dataclass(frozen=True, slots=True)
class SegmentHeader:
    """What a codec's decoder is told beside the layers: everything the container knows.

    Attributes:
        format: pixel format to return.
        width: luma samples.
        height: luma samples.
        frames: number of frames to return.
        codec_version: version of the codec's syntax that wrote the layers.
        reduction: the pictures are returned at 1/``reduction`` of their width and height; one of
            the codec's ``reductions``.
        weights_hash: what the stream declares of weights that are not part of this build; None if
            it needs no such weights.
        model: folder of the user's own model that was named for decoding; empty for none.
    """

    format: PixelFormat
    width: int
    height: int
    frames: int
    codec_version: int
    reduction: int = 1
    weights_hash: bytes | None = None
    model: str = ""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the pictures to return, in luma samples, rounded up."""
        return reduced(self.width, self.reduction), reduced(self.height, self.reduction)


def reduced(side: int, reduction: int) -> int:
    """Samples of a side of ``side`` samples at 1/``reduction`` of the size, rounded up."""
    return -(-side // reduction)
