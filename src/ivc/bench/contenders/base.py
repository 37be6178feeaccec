"""What is compared: a codec is two command lines, one that encodes a file and one that decodes it.

So every codec, ours and foreign, runs in a process of its own and has nothing but files; whoever
doubts a figure can type the same commands.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ivc.bench.material import Material

Ladder = tuple[float, ...]
"""Settings of a codec from the smallest file to the best picture, in its own unit."""


@dataclass(frozen=True)
class Task:
    """One point to be measured.

    Attributes:
        material: what is encoded.
        coded: the file to write, with the codec's extension.
        decoded: the file to decode to, of the material's own format.
        setting: from the codec's ladder; 0 for a lossless codec.
        threads: how many the codec may use.
    """

    material: Material
    coded: Path
    decoded: Path
    setting: float
    threads: int = 1


class Contender(ABC):
    """A codec at fixed options, with a ladder of settings.

    Attributes:
        name: what users type and results are keyed by.
        title: what tables and plots show.
        kind: ``ivc``, ``anchor`` or ``command``.
        stills: whether it takes stills.
        clips: whether it takes clips.
        lossless: whether every sample must come back; it then has one setting, 0.
        extension: of the files that it writes.
        ladder: its settings.
        unit: what a setting is called, such as ``quality`` or ``crf``.
    """

    kind: ClassVar[str] = "anchor"
    name: str
    title: str
    stills: bool = False
    clips: bool = False
    lossless: bool = False
    extension: str
    ladder: Ladder = (0.0,)
    unit: str = "quality"

    @abstractmethod
    def version(self) -> str:
        """Versions of everything that decides its files."""

    @abstractmethod
    def missing(self) -> str | None:
        """What is needed and not there, in one line; None if it can run."""

    def refuses(self, material: Material) -> str | None:
        """Why it cannot take a material, in a few words; None if it can."""
        if material.still and not self.stills:
            return "codes clips only"
        if not material.still and not self.clips:
            return "codes stills only"
        return None

    @abstractmethod
    def encode(self, task: Task) -> list[str]:
        """The command that writes ``task.coded``."""

    @abstractmethod
    def decode(self, task: Task) -> list[str]:
        """The command that reads ``task.coded`` only, and writes ``task.decoded``."""

    def timed(self, task: Task, repeat: int) -> tuple[list[str], list[str]] | None:
        """Commands that encode and decode ``repeat`` times inside one process, after a warm-up.

        They print JSON with ``seconds``, a list. None if the codec has no such thing; its whole
        process is then what is timed.
        """
        return None

    def layers(self, coded: Path) -> dict[str, int]:
        """Bytes by layer of a coded file; nothing if the format has none."""
        return {}

    def identity(self) -> str:
        """What a result depends on besides material, setting and threads."""
        return f"{self.name} | {self.version()}"
