"""What a codec is: a pure function from a segment of frames to named layers of bytes, and back.

A codec never opens a file and knows neither the container, nor processes, nor progress bars. In
return it gets seeking, parallel encoding, resuming, encryption and rate targets for nothing:

    Segment ──encode(settings)──► {Layer: bytes} ──decode(SegmentHeader)──► Frames

To add one, write a module with a ``Codec`` subclass and add its line to ``ivc.codecs.CODECS``
(see CONTRIBUTING.md).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Generic, TypeVar

from ivc.types import Frames, Layer, PixelFormat, Segment, SegmentHeader

Layers = dict[Layer, bytes]


@dataclass(frozen=True)
class Settings:
    """Settings that every codec has; a codec's own settings are further fields of a subclass.

    Attributes:
        quality: 0 (smallest file) to 100 (best picture); codecs that only do lossless ignore it.
        effort: 1 (fastest) to 9 (smallest file).
    """

    quality: float = 75.0
    effort: int = 5


S = TypeVar("S", bound=Settings)


class Codec(ABC, Generic[S]):
    """A way to turn segments into layers of bytes and back.

    Attributes:
        version: version of the syntax that ``encode`` writes; ``decode`` reads all up to it.
        settings_type: the dataclass that ``encode`` takes.
        lossless: True if ``decode`` returns exactly what ``encode`` was given at default settings.
        reductions: what the width and height can be divided by in decoding, ascending from 1.
    """

    version: ClassVar[int]
    settings_type: ClassVar[type[Settings]]
    lossless: ClassVar[bool] = False
    reductions: ClassVar[tuple[int, ...]] = (1,)

    def supports(self, pixel_format: PixelFormat) -> bool:
        """Whether segments of this format can be coded; most codecs take all of them."""
        return True

    def at_quality(self, settings: S, quality: float) -> S:
        """``settings`` changed to a point of the quality scale; what rate targets steer by.

        A codec whose rate hangs on another setting than ``quality`` overrides this; qualities
        that give equal settings are tried once.
        """
        return replace(settings, quality=quality)

    def is_exact(self, settings: S) -> bool:
        """Whether ``decode`` returns every sample unchanged at these settings."""
        return self.lossless

    def layers_at(self, reduction: int) -> frozenset[Layer] | None:
        """Layers, of segments and shared ones, that decoding at 1/``reduction`` reads.

        ``decode`` is given no others, and they may be damaged or sealed. None stands for all.
        """
        return None

    def weights_hash(self, settings: S) -> bytes | None:
        """What the stream declares: 8 bytes of the hash of weights that are not part of this build.

        Settings with such weights have a field ``model``, the folder that holds them; the decoder
        then finds both in its header and compares them. None if the stream needs no such weights.

        Raises:
            ModelError: when the weights cannot be read.
        """
        return None

    def prepare(self, segments: Iterable[Segment], settings: S) -> Layers:
        """Layers that are stored once for the whole stream and handed to every segment.

        ``segments`` reads through the whole input once and is consumed lazily; a codec without
        global layers returns ``{}`` without touching it.
        """
        return {}

    @abstractmethod
    def encode(self, segment: Segment, settings: S, shared: Mapping[Layer, bytes]) -> Layers:
        """Code one segment: deterministic, whatever the process, thread count or machine load.

        Args:
            segment: frames and timing.
            settings: an instance of ``settings_type``.
            shared: what ``prepare`` returned.
        """

    @abstractmethod
    def decode(
        self, layers: Mapping[Layer, bytes], header: SegmentHeader, shared: Mapping[Layer, bytes]
    ) -> Frames:
        """Decode one segment into pictures of ``header.size``.

        Raises:
            BitstreamError: when the bytes break the codec's syntax, whatever they are. Memory and
                time are bounded by the frames, width and height of ``header``.
            ModelError: when the weights that ``header`` declares are not in ``header.model``.
        """
