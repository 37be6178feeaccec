"""The Python face of ivc: ``encode``, ``decode`` and ``open``.

>>> import ivc, numpy as np
>>> picture = np.zeros((48, 64, 3), np.uint8)
>>> picture[:, :32] = (200, 80, 40)
>>> result = ivc.encode(picture, "/tmp/ivc-example.ivc", quality=80)
>>> with ivc.open("/tmp/ivc-example.ivc") as clip:
...     len(clip), clip.width, clip.height, clip[0].shape
(1, 64, 48, (48, 64, 3))
"""

from __future__ import annotations

import dataclasses
import logging
import os
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, overload

from ivc.codecs import by_number
from ivc.errors import DecryptionError, UsageError
from ivc.pipeline import (
    DecodeOptions,
    DecodeResult,
    EncodeOptions,
    EncodeResult,
    ProgressCallback,
    Target,
    decoded_info,
    decoded_segments,
    reduction_of,
)
from ivc.pipeline import decode as run_decode
from ivc.pipeline import encode as run_encode
from ivc.stream import DEFAULT_MAX_LEVEL, Encryption, Stream, open_stream
from ivc.types import Attachment, AttachmentKind, Frames, Layer, Segment, StreamInfo

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from PIL.Image import Image
    from typing_extensions import TypeIs

    from ivc.media import RawVideo, Source

    Array = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
    Input = str | os.PathLike[str] | BinaryIO | Frames | Array | Image
    Output = str | os.PathLike[str] | BinaryIO
    Scale = float | str | Fraction


_log = logging.getLogger("ivc.api")


def encode(
    src: Input,
    dst: Output,
    *,
    profile: str = "auto",
    quality: float | None = None,
    effort: int = 5,
    size: float | None = None,
    bitrate: float | None = None,
    target: Mapping[str, float] | None = None,
    settings: Mapping[str, Any] | None = None,
    model: str | os.PathLike[str] | None = None,
    key: bytes | None = None,
    encrypt: Encryption | None = None,
    jobs: int = 1,
    segment_frames: int | None = None,
    resume: bool = False,
    verify: bool = False,
    frame_rate: Fraction | float | None = None,
    raw: RawVideo | None = None,
    progress: ProgressCallback | None = None,
) -> EncodeResult:
    """Encode a picture or clip into an ``.ivc`` file.

    Args:
        src: a path (``-`` is standard input), a binary file, a Pillow image, ``Frames``, or an
            array of shape (H, W), (H, W, C) or (T, H, W, C).
        dst: a path (``-`` is standard output) or a writable binary file.
        profile: name of a codec (``ivc profiles`` lists them), or ``auto``.
        quality: 0 (smallest file) to 100 (best picture).
        effort: 1 (fastest) to 9 (smallest file).
        size: bytes that the file should reach and not exceed.
        bitrate: bits a second that the whole file should have.
        target: a metric and its value, such as ``{"psnr": 38}``.
        settings: the codec's own settings.
        model: folder of your own model, for a codec that takes one; short for the setting
            ``model``. Decoding needs the same model.
        key: 32 bytes or content of a key file: encrypts all layers.
        encrypt: key and the layers to encrypt; instead of ``key``.
        jobs: worker processes for a clip, threads for a still; 1 encodes in this process, with all
            cores if the codec can use them. A script that encodes clips with more than one must
            start from an ``if __name__ == "__main__"`` block, as always with Python's worker
            processes.
        segment_frames: frames that are coded together.
        resume: go on from an interrupted run's part file.
        verify: decode and compare before the file appears.
        frame_rate: frames a second of numbered pictures and arrays.
        raw: size and format of headerless video.
        progress: called after every segment.

    Returns:
        sizes, settings and measurements.

    Raises:
        IvcError: with one line that says what, where and what to do.
    """
    from ivc.media import open_source

    wanted: dict[str, float] = dict(target or {})
    wanted |= {k: v for k, v in (("size", size), ("bitrate", bitrate)) if v is not None}
    if len(wanted) > 1:
        raise UsageError(f"only one target can be met at a time, not {' and '.join(wanted)}")
    if key is not None and encrypt is not None:
        raise UsageError("give either key or encrypt")
    extra = dict(settings or {})
    if model is not None:
        if "model" in extra:
            raise UsageError("the model is given twice: by itself and among the settings")
        extra["model"] = os.fspath(model)
    options = EncodeOptions(
        profile=profile,
        quality=quality,
        effort=effort,
        extra=extra,
        target=Target(*next(iter(wanted.items()))) if wanted else None,
        encryption=Encryption(key) if key is not None else encrypt,
        jobs=jobs,
        segment_frames=segment_frames,
        resume=resume,
        verify=verify,
    )
    rate = None if frame_rate is None else Fraction(frame_rate).limit_denominator(1001000)
    with ExitStack() as stack:
        source = stack.enter_context(
            open_source(src, raw=raw, frame_rate=rate) if _is_file(src) else _in_memory(src, rate)
        )
        if isinstance(src, (str, os.PathLike)) and isinstance(dst, (str, os.PathLike)):
            _check_distinct(src, dst)
        return run_encode(source, _destination(dst, stack), options, progress)


def decode(
    src: Output,
    dst: Output,
    *,
    key: bytes | None = None,
    frames: slice | None = None,
    scale: Scale = 1,
    model: str | os.PathLike[str] | None = None,
    jobs: int = 1,
    format: str | None = None,
    max_level: int = DEFAULT_MAX_LEVEL,
    progress: ProgressCallback | None = None,
) -> DecodeResult:
    """Decode an ``.ivc`` file into a picture or video file.

    Args:
        src: a path (``-`` is standard input) or a binary file.
        dst: a path, whose extension chooses the format; ``-`` writes y4m to standard output.
        key: content of the key file of an encrypted stream.
        frames: only these frames, such as ``slice(0, 25)``; sound is left out then.
        scale: share of width and height to decode at, such as ``"1/4"`` or 0.25, if the codec
            offers it; sides are rounded up. Only the layers that this needs are read.
        model: folder of the model that the file was encoded with, if it was not ivc's own.
        jobs: worker processes for a clip, threads for a still; see ``encode``.
        format: output format by extension, where ``dst`` has none.
        max_level: the highest level to decode, 1 to 7: bounds the size of pictures and segments,
            and so the memory.
        progress: called after every segment.

    Raises:
        IvcError: with one line that says what, where and what to do.
    """
    from ivc.media import open_sink

    part = frames or slice(None)
    if part.step not in (None, 1):
        raise UsageError("frames are decoded in a row: a slice without step")
    options = DecodeOptions(
        jobs=jobs,
        start=part.start or 0,
        stop=part.stop,
        reduction=reduction_of(scale),
        model=os.fspath(model or ""),
    )
    if isinstance(src, (str, os.PathLike)) and isinstance(dst, (str, os.PathLike)):
        _check_distinct(src, dst)
    with open_stream(_stream_file(src), key=key, max_level=max_level) as stream:
        info = decoded_info(stream, options)
        beside = _readable_attachments(stream, key)
        if frames is not None:
            beside = [a for a in beside if a.kind is not AttachmentKind.TRACKS]
        with open_sink(dst, info, beside, format=format) as sink:
            return run_decode(stream, sink, options, progress)


class Clip:
    """An open ``.ivc`` file: a sequence of pictures that are decoded when asked for.

    A picture is an array of shape (H, W) for gray, (H, W, C) for gray with alpha, RGB and RGBA;
    YUV is converted to RGB by its colour description. ``frames`` gives the coded planes instead.

    Attributes:
        info: format, size (that of the decoded pictures) and timing.
    """

    def __init__(self, stream: Stream, options: DecodeOptions | None = None) -> None:
        self._stream = stream
        self._options = options or DecodeOptions()
        self.info: StreamInfo = decoded_info(stream, self._options)
        self._cached: Segment | None = None

    @property
    def width(self) -> int:
        """Width in luma samples."""
        return self.info.width

    @property
    def height(self) -> int:
        """Height in luma samples."""
        return self.info.height

    @property
    def profile(self) -> str:
        """Name of the codec."""
        return by_number(self._stream.header.codec).name

    @property
    def truncated(self) -> bool:
        """Whether the file is cut short; it then holds its whole segments."""
        return self._stream.truncated

    def __len__(self) -> int:
        return self._stream.total_frames

    @overload
    def __getitem__(self, index: int) -> Array: ...

    @overload
    def __getitem__(self, index: slice) -> list[Array]: ...

    def __getitem__(self, index: int | slice) -> Array | list[Array]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        from ivc.media import frames_to_array

        if not -len(self) <= index < len(self):
            raise IndexError(f"frame {index} of {len(self)}")
        picture: Array = frames_to_array(self.frames(index % len(self)))[0]
        return picture

    def __iter__(self) -> Iterator[Array]:
        from ivc.media import frames_to_array

        for segment in self.segments():
            for number in range(len(segment.frames)):
                yield frames_to_array(segment.frames[number : number + 1])[0]

    def frames(self, index: int) -> Frames:
        """The coded planes of one picture, T = 1; the segment it lies in is decoded and kept.

        Raises:
            IndexError: when there is no such picture.
        """
        entry = self._stream.segment_at(index)
        if self._cached is None or self._cached.index != entry.index:
            start, stop = entry.first_frame, entry.first_frame + entry.frames
            options = dataclasses.replace(self._options, start=start, stop=stop)
            self._cached = next(decoded_segments(self._stream, options))
        inside = index - entry.first_frame
        return self._cached.frames[inside : inside + 1]

    def segments(self) -> Iterator[Segment]:
        """All segments, decoded one after the other."""
        return decoded_segments(self._stream, self._options)

    def layer(self, name: str | Layer, segment: int = 0) -> bytes:
        """The bytes of one layer of one segment, decrypted but not decoded.

        Raises:
            UsageError: when the segment has no such layer.
        """
        try:
            wanted = Layer[name.upper()] if isinstance(name, str) else name
            return self._stream.read_layers(self._stream.segments[segment], [wanted])[wanted]
        except (KeyError, IndexError):
            raise UsageError(f"there is no layer {name} in segment {segment}") from None

    def attachments(self, kinds: Collection[AttachmentKind] | None = None) -> list[Attachment]:
        """ICC profile, Exif, audio and subtitle tracks and the like.

        Args:
            kinds: what to read; None for all.

        Raises:
            DecryptionError: when one of them is encrypted and there is no key for it.
        """
        return self._stream.attachments(kinds)

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    def __enter__(self) -> Clip:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open(
    src: Output,
    *,
    key: bytes | None = None,
    scale: Scale = 1,
    model: str | os.PathLike[str] | None = None,
    max_level: int = DEFAULT_MAX_LEVEL,
) -> Clip:
    """Open an ``.ivc`` file for reading pictures and layers.

    Args:
        src: a path (``-`` is standard input) or a binary file.
        key: content of the key file of an encrypted stream.
        scale: share of width and height to decode at, as for ``decode``.
        model: folder of the model that the file was encoded with, if it was not ivc's own.
        max_level: the highest level to accept, 1 to 7.

    Raises:
        IvcError: when it is not one, or is damaged, or its codec does not decode at that scale.
    """
    options = DecodeOptions(reduction=reduction_of(scale), model=os.fspath(model or ""))
    stream = open_stream(_stream_file(src), key=key, max_level=max_level)
    try:
        return Clip(stream, options)
    except BaseException:
        stream.close()
        raise


def _is_file(src: Input) -> TypeIs[str | os.PathLike[str] | BinaryIO]:
    return isinstance(src, (str, os.PathLike)) or hasattr(src, "read")


def _in_memory(picture: Any, rate: Fraction | None) -> Source:
    from ivc.media.arrays import frames_from_array, from_pillow
    from ivc.media.memory import FramesSource

    if isinstance(picture, Frames):
        return FramesSource(picture, rate)
    if hasattr(picture, "getbands"):
        from ivc.media.metadata import metadata_of_image
        from ivc.media.orientation import orient

        metadata = metadata_of_image(picture)
        upright = orient(from_pillow(picture), metadata.orientation())
        return FramesSource(upright, rate, metadata.upright().attachments())
    return FramesSource(frames_from_array(picture), rate)


def _readable_attachments(stream: Stream, key: bytes | None) -> list[Attachment]:
    """All attachments but those that need a key where there is none: pictures may be open."""
    found: list[Attachment] = []
    for kind in AttachmentKind:
        try:
            found += stream.attachments([kind])
        except DecryptionError:
            if key is not None:
                raise
            _log.warning("%s left out: encrypted, and there is no key", kind.label)
    return found


def _stream_file(src: Output) -> Output:
    if isinstance(src, (str, os.PathLike)) and os.fspath(src) == "-":
        return sys.stdin.buffer
    return src


def _destination(dst: Output, stack: ExitStack) -> Path | BinaryIO:
    if not isinstance(dst, (str, os.PathLike)):
        return dst
    if os.fspath(dst) == "-":
        return sys.stdout.buffer
    # A link is written through. A device or named pipe is written to, never replaced by a file.
    path = Path(dst).resolve()
    if path.exists() and not path.is_file():
        if path.is_dir():
            raise UsageError(f"{dst} is a folder; name a file in it")
        return stack.enter_context(path.open("wb"))
    return path


def _check_distinct(src: str | os.PathLike[str], dst: str | os.PathLike[str]) -> None:
    source, destination = Path(src), Path(dst)
    if source.exists() and destination.exists() and source.samefile(destination):
        raise UsageError(f"{destination} is both the input and the output")
