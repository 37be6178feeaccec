"""What can be asked of the pipeline, and what it answers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal, get_args, get_origin, get_type_hints

from ivc.codecs.base import Codec, Settings
from ivc.errors import UsageError
from ivc.stream import Encryption
from ivc.types import MAX_DIMENSION


@dataclass(frozen=True)
class Target:
    """What the encoder should reach by choosing the quality.

    Attributes:
        kind: ``size`` (bytes of the whole file, not exceeded), ``bitrate`` (bits a second of the
            whole file) or a metric of ``ivc.metrics``: ``psnr`` (dB), ``ssim``, ``ms-ssim``.
        value: in the unit of ``kind``.
    """

    kind: str
    value: float

    def __post_init__(self) -> None:
        if not 0 < self.value < float("inf"):
            raise UsageError(f"the target {self.kind}={self.value:g} must be a positive number")
        if self.is_metric:
            from ivc.metrics import METRICS, metric_name

            object.__setattr__(self, "kind", metric_name(self.kind))
            if METRICS[self.kind].unit != "dB" and self.value >= 1:
                raise UsageError(f"the target {self.kind}={self.value:g} must be below 1")

    @property
    def is_metric(self) -> bool:
        """Whether the target is a quality that is measured, not a number of bytes."""
        return self.kind not in ("size", "bitrate")


@dataclass(frozen=True)
class EncodeOptions:
    """How to encode.

    Attributes:
        profile: name of a codec, or ``auto``.
        quality: 0 (smallest) to 100 (best); None takes the codec's default.
        effort: 1 (fastest) to 9 (smallest file).
        extra: settings of the codec's own, by name, as text or as values.
        target: chooses the quality so that this is reached; excludes ``quality``.
        encryption: key and the layers to encrypt.
        jobs: worker processes for a clip, threads for a still; 1 encodes in this process, with all
            cores if the codec can use them.
        segment_frames: frames in a segment of a clip; None chooses about two seconds, fewer for
            large pictures so that memory stays bounded.
        resume: go on from the part file of an interrupted run.
        verify: decode the finished file and compare before it appears.
    """

    profile: str = "auto"
    quality: float | None = None
    effort: int = 5
    extra: Mapping[str, Any] = field(default_factory=dict)
    target: Target | None = None
    encryption: Encryption | None = None
    jobs: int = 1
    segment_frames: int | None = None
    resume: bool = False
    verify: bool = False

    def __post_init__(self) -> None:
        if self.quality is not None and not 0 <= self.quality <= 100:
            raise UsageError(f"quality {self.quality:g} is outside 0..100")
        if not 1 <= self.effort <= 9:
            raise UsageError(f"effort {self.effort} is outside 1..9")
        if self.jobs < 1:
            raise UsageError(f"jobs {self.jobs} is not a positive number")
        if self.segment_frames is not None and self.segment_frames < 1:
            raise UsageError(f"segments of {self.segment_frames} frames cannot be")
        if self.target is not None and self.quality is not None:
            raise UsageError("quality and a target exclude each other: the target sets the quality")


@dataclass(frozen=True)
class DecodeOptions:
    """How to decode.

    Attributes:
        jobs: worker processes for a clip, threads for a still; 1 decodes in this process, with all
            cores if the codec can use them.
        start: first frame to return.
        stop: frame to stop before; None means the end.
        reduction: what width and height are divided by, one of the codec's ``reductions``.
        model: folder of the user's own model that the stream was encoded with; empty for none.
    """

    jobs: int = 1
    start: int = 0
    stop: int | None = None
    reduction: int = 1
    model: str = ""

    def __post_init__(self) -> None:
        if self.jobs < 1:
            raise UsageError(f"jobs {self.jobs} is not a positive number")
        if self.reduction < 1:
            raise UsageError(f"reduction {self.reduction} is not a positive number")
        if self.start < 0 or (self.stop is not None and self.stop <= self.start):
            raise UsageError(f"no frames lie in {self.start}:{self.stop}")


@dataclass(frozen=True)
class Progress:
    """Where a run is; given to the progress callback after every segment.

    Attributes:
        phase: ``survey``, ``probe``, ``encode``, ``verify`` or ``decode``.
        frames: frames finished in this phase; of ``probe``, how many probes.
        total: frames to do, or None if that is not known.
        bytes: bytes of the ``.ivc`` file written or read so far.
    """

    phase: str
    frames: int
    total: int | None
    bytes: int


ProgressCallback = Callable[[Progress], None]


@dataclass(frozen=True)
class EncodeResult:
    """What an encode did.

    Attributes:
        profile: name of the codec.
        settings: the settings that were used (with the quality that a target led to).
        frames: frames in the file.
        width: luma samples.
        height: luma samples.
        bytes: size of the finished file.
        seconds: playing time of a clip; None for a still or where it is not known.
        probes: encodes of a part or of all of the input that a target took.
        metrics: what was measured on the way: the target's metric, or under ``verify`` PSNR.
        notes: what the user should know: a target out of the codec's range, a resumed run.
    """

    profile: str
    settings: Settings
    frames: int
    width: int
    height: int
    bytes: int
    seconds: float | None
    probes: int = 0
    metrics: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def bits_per_pixel(self) -> float:
        """Bits of the whole file per luma sample."""
        return self.bytes * 8 / (self.frames * self.width * self.height)


@dataclass(frozen=True)
class DecodeResult:
    """What a decode did.

    Attributes:
        frames: frames written.
        width: luma samples.
        height: luma samples.
        truncated: the file is cut short; only its whole segments were decoded.
    """

    frames: int
    width: int
    height: int
    truncated: bool = False


def reduction_of(scale: float | str | Fraction) -> int:
    """The reduction of a scale: 4 for ``"1/4"``, ``Fraction(1, 4)`` or 0.25.

    Raises:
        UsageError: when the scale is not 1 over a whole number.
    """
    try:
        share = Fraction(scale).limit_denominator(MAX_DIMENSION)
    except (ValueError, TypeError, ArithmeticError):
        share = Fraction(0)
    if share.numerator != 1:
        raise UsageError(f"scale {scale} is not 1 over a whole number; write for instance 1/4")
    return share.denominator


def make_settings(name: str, codec: Codec[Any], options: EncodeOptions) -> Settings:
    """Settings of the codec called ``name`` from general options and its own ``extra`` ones.

    Raises:
        UsageError: for a name that the codec does not have or a value of the wrong type.
    """
    kind = codec.settings_type
    hints = get_type_hints(kind)
    own = {f.name for f in dataclasses.fields(kind)} - {
        f.name for f in dataclasses.fields(Settings)
    }
    values: dict[str, Any] = {"effort": options.effort}
    if options.quality is not None:
        values["quality"] = float(options.quality)
    for key, value in options.extra.items():
        if key not in own:
            known = ", ".join(sorted(own)) or "none"
            raise UsageError(f"the codec has no setting {key!r}; settings of {name}: {known}")
        values[key] = _convert(key, value, hints[key])
    return kind(**values)


def _convert(name: str, value: Any, kind: Any) -> Any:
    if not isinstance(value, str):
        return value
    if kind is bool:
        if value.lower() in ("1", "true", "yes", "on"):
            return True
        if value.lower() in ("0", "false", "no", "off"):
            return False
        raise UsageError(f"{name}={value}: say true or false")
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            choices = ", ".join(map(str, get_args(kind)))
            raise UsageError(f"{name}={value}: choose one of {choices}")
        return value
    for candidate in (int, float, Fraction):
        if kind is candidate or str(kind).startswith(f"{candidate.__name__} |"):
            try:
                return candidate(value)
            except (ValueError, ZeroDivisionError):
                raise UsageError(f"{name}={value}: not a number ({candidate.__name__})") from None
    return value
