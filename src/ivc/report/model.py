"""What a report shows, as plain data.

Codecs, sources and metrics are known by their ``name`` throughout. All texts may hold anything;
they reach the page as text. A number that is missing is None, and one that is not finite is shown
as missing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["ivc", "anchor", "published"]


@dataclass(frozen=True)
class MetricInfo:
    """A measure of quality of which more is better.

    Attributes:
        name: by which points and differences give it, ``psnr-y``.
        title: as people write it, ``PSNR-Y``.
        unit: ``dB``, or "" for a pure number.
    """

    name: str
    title: str
    unit: str = ""


@dataclass(frozen=True)
class CodecInfo:
    """A codec that was measured, or whose curve was published.

    Attributes:
        name: by which points give it.
        title: as people write it.
        kind: ``ivc`` for the codecs of this package, ``anchor`` for those of others that were
            measured beside them, ``published`` for figures taken from a paper.
        version: of the program.
        command: an example command line, or "".
        source: where published figures are from.
    """

    name: str
    title: str
    kind: Kind
    version: str = ""
    command: str = ""
    source: str = ""


@dataclass(frozen=True)
class SourceInfo:
    """A picture or clip that was coded.

    Attributes:
        name: by which points give it.
        width: in samples.
        height: in samples.
        frames: number of frames, 1 for a still.
        seconds: duration, 0 for a still.
    """

    name: str
    width: int
    height: int
    frames: int = 1
    seconds: float = 0.0


@dataclass(frozen=True)
class Cost:
    """What a run of a coder or decoder took.

    Attributes:
        seconds: the codec's own work, without the start of its process; None if it is not known.
        process_seconds: from the start of the process to its end.
        cpu_seconds: of all its threads together.
        peak_bytes: largest resident memory.
        threads: how many it was given.
    """

    seconds: float | None = None
    process_seconds: float | None = None
    cpu_seconds: float | None = None
    peak_bytes: int | None = None
    threads: int | None = None


@dataclass(frozen=True)
class Point:
    """One file: a source coded with a codec at a setting.

    Attributes:
        codec: its name.
        source: its name, or "" for a mean over all sources as published curves are.
        setting: what chose the rate, ``quality=40``.
        size: of the file in bytes.
        rates: ``bpp`` in bits per pixel, ``kbps`` in kbit/s; either may be left out.
        metrics: values by the metrics' names.
        encode: cost of encoding.
        decode: cost of decoding.
        layers: bytes by the names of layers.
    """

    codec: str
    source: str
    setting: str
    size: float | None
    rates: dict[str, float]
    metrics: dict[str, float]
    encode: Cost | None = None
    decode: Cost | None = None
    layers: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Difference:
    """How many bits more one codec takes than another for the same quality (BD-rate).

    Attributes:
        metric: the measure of quality.
        test: codec that is judged.
        reference: codec that it is judged against.
        mean: over the pictures in per cent, less is better; None if no picture allows it.
        low: lower end of the 95 % interval, or None.
        high: its upper end, or None.
        overlap: qualities (low, high) that both reach, or None.
        pictures: per cent by source.
        refused: by source, why it gives no value.
    """

    metric: str
    test: str
    reference: str
    mean: float | None
    low: float | None = None
    high: float | None = None
    overlap: tuple[float, float] | None = None
    pictures: dict[str, float] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Failure:
    """A run that gave no point."""

    codec: str
    source: str
    setting: str
    error: str


@dataclass(frozen=True)
class Version:
    """A picture after coding.

    Attributes:
        codec: its name.
        setting: as in the point.
        size: of the whole file in bytes.
        metrics: of the whole source.
        frames: the shown frames as ``data:image/…`` URIs, one for each of the picture's numbers.
    """

    codec: str
    setting: str
    size: float | None
    metrics: dict[str, float]
    frames: list[str]


@dataclass(frozen=True)
class Picture:
    """A source in the viewer.

    Attributes:
        source: its name.
        width: of what is shown, in samples.
        height: of what is shown, in samples.
        crop: what part of the source is shown, "" for all of it.
        numbers: the frames that are shown, counted from 0 in the source.
        original: these frames as ``data:image/…`` URIs.
        versions: the same after coding.
    """

    source: str
    width: int
    height: int
    crop: str
    numbers: list[int]
    original: list[str]
    versions: list[Version]


@dataclass
class Report:
    """All that the page shows.

    Attributes:
        title: heading of the page.
        created: date and time in ISO 8601.
        about: machine, versions, method: pairs for the section on how it was measured.
        notes: what a reader should know, such as codecs that were skipped and why.
    """

    title: str
    created: str
    about: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    metrics: list[MetricInfo] = field(default_factory=list)
    codecs: list[CodecInfo] = field(default_factory=list)
    sources: list[SourceInfo] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
