"""One result, and what it depends on."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ivc.bench.contenders import Contender
from ivc.bench.material import Material


@dataclass(frozen=True)
class Cost:
    """What a command took; see ``processes.Usage``.

    Attributes:
        seconds: the codec's own work, median of repetitions in a warm process; None if not timed.
        process_seconds: the whole process; median if it was timed.
        cpu_seconds: user and system time of the process.
        peak_bytes: peak resident memory of its tree.
        repetitions: how many times it was timed; 0 if the figures are those of a single run, beside
            which others may have run.
    """

    seconds: float | None
    process_seconds: float
    cpu_seconds: float
    peak_bytes: int
    repetitions: int = 0


@dataclass(frozen=True)
class Point:
    """A codec at one setting on one material: a file on disk and what it decodes to.

    Attributes:
        key: hash of all that decides the result; see ``key_of``.
        source: name of the material.
        digest: hash of its content.
        width: luma samples.
        height: luma samples.
        frames: number of pictures.
        seconds: duration; 0 for a still.
        codec: name of the contender.
        title: as shown.
        kind: ``ivc``, ``anchor`` or ``command``.
        lossless: whether the codec must return every sample.
        version: of everything that decides its files.
        setting: from the codec's ladder.
        threads: that it was given.
        error: why it failed, in one line; empty if it did not.
        size: bytes of the file.
        scoring: hash of the code that computed the figures.
        metrics: figures by name; None for infinity.
        exact: whether every sample came back.
        layers: bytes by layer.
        encode: what encoding took; None if it failed.
        decode: the same of decoding.
        commands: the two command lines, with names of files left out.
        machine: where it was measured.
        jobs: how many commands ran side by side.
    """

    key: str
    source: str
    digest: str
    width: int
    height: int
    frames: int
    seconds: float
    codec: str
    title: str
    kind: str
    lossless: bool
    version: str
    setting: float
    threads: int
    error: str = ""
    size: int = 0
    scoring: str = ""
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    exact: bool = False
    layers: Mapping[str, int] = field(default_factory=dict)
    encode: Cost | None = None
    decode: Cost | None = None
    commands: tuple[str, str] = ("", "")
    machine: str = ""
    jobs: int = 1

    @property
    def pixels(self) -> int:
        """Luma samples of all frames."""
        return self.width * self.height * self.frames

    @property
    def rates(self) -> dict[str, float]:
        """Bits a pixel, and kbit/s of a clip."""
        found = {"bpp": 8 * self.size / self.pixels}
        if self.seconds:
            found["kbps"] = 8 * self.size / self.seconds / 1000
        return found

    def figure(self, metric: str) -> float | None:
        """A metric's value; infinity for identical samples; None if it was not measured."""
        if self.error or metric not in self.metrics:
            return None
        value = self.metrics[metric]
        return math.inf if value is None else value

    def to_json(self) -> str:
        """One line of JSON, floats rounded to what means something."""
        return json.dumps(rounded(asdict(self)), ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, line: str) -> Point:
        """The point of a line that ``to_json`` wrote.

        Raises:
            ValueError: when it is none.
        """
        try:
            data: dict[str, Any] = json.loads(line)
            for name in ("encode", "decode"):
                if data[name] is not None:
                    data[name] = Cost(**data[name])
            data["commands"] = tuple(data["commands"])
            return cls(**data)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"no result of a benchmark: {error}") from None


def rounded(value: Any) -> Any:
    """The same data with floats of seven digits, which is more than any of them means."""
    if isinstance(value, Mapping):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(item) for item in value]
    return float(f"{value:.7g}") if isinstance(value, float) else value


def key_of(material: Material, contender: Contender, setting: float, threads: int) -> str:
    """Hash of what a result depends on: the content, the codec and its version, its settings.

    The name of the material is not in it, nor are the metrics, which are added when asked for.
    """
    parts = [material.digest, contender.identity(), f"{setting:g}", str(threads)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
