"""Any codec that has a command: two templates in a suite make it a contender.

[commands.mine]
encode = "mycodec -q {setting} {input} {output}"
decode = "mycodec -d {input} {output}"
ladder = [10, 30, 50, 70]
extension = ".my"
"""

from __future__ import annotations

import functools
import hashlib
import math
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from ivc.bench.contenders.base import Contender, Task
from ivc.errors import UsageError

_KEYS = {
    "encode", "decode", "ladder", "extension", "title", "unit", "stills", "clips", "lossless",
    "version",
}  # fmt: skip


class Command(Contender):
    """A codec that a suite describes.

    Args:
        name: its key in the suite.
        row: ``encode`` and ``decode`` (words that may hold ``{input}``, ``{output}``,
            ``{setting}``, ``{threads}``, ``{width}``, ``{height}``, ``{frames}``); ``ladder``;
            ``extension`` (default ``.bin``); ``title``; ``unit``; ``stills`` and ``clips`` (both
            true); ``lossless``; ``version``: a command whose first line says it, or that text.

    Raises:
        UsageError: when something is missing, unknown or of another type.
    """

    kind: ClassVar[str] = "command"

    def __init__(self, name: str, row: Mapping[str, Any]) -> None:
        unknown = set(row) - _KEYS
        if unknown:
            raise UsageError(f"commands.{name}: unknown {', '.join(sorted(unknown))}")
        for key in ("encode", "decode"):
            if not isinstance(row.get(key), str) or not row[key].strip():
                raise UsageError(f"commands.{name}: {key} is a command line with {{input}}")
            for field in ("{input}", "{output}"):
                if field not in row[key]:
                    raise UsageError(f"commands.{name}: {key} does not mention {field}")
            try:
                shlex.split(row[key])
            except ValueError as error:
                raise UsageError(f"commands.{name}: {key}: {error}") from None
        for key in ("lossless", "stills", "clips"):
            if not isinstance(row.get(key, True), bool):
                raise UsageError(f"commands.{name}: {key} is true or false")
        self.name, self.title = name, str(row.get("title", name))
        self.extension = str(row.get("extension", ".bin"))
        if not re.fullmatch(r"\.\w+", self.extension):
            raise UsageError(f"commands.{name}: extension is a dot and letters")
        self.lossless = bool(row.get("lossless", False))
        self.stills, self.clips = bool(row.get("stills", True)), bool(row.get("clips", True))
        self.unit = str(row.get("unit", "setting"))
        ladder = row.get("ladder", [0.0])
        if not isinstance(ladder, list) or not all(map(is_number, ladder)):
            raise UsageError(f"commands.{name}: ladder is a list of numbers")
        self.ladder = tuple(map(float, ladder))
        if not self.ladder:
            raise UsageError(f"commands.{name}: ladder is empty")
        self._encode, self._decode = row["encode"], row["decode"]
        self._version = str(row.get("version", ""))

    def version(self) -> str:
        """What ``version`` prints, and the templates."""
        return f"{self._stated} {self._encode} | {self._decode}".strip()

    def missing(self) -> str | None:
        """See ``Contender``."""
        for template in (self._encode, self._decode):
            program = shlex.split(template)[0]
            if shutil.which(program) is None:
                return f"there is no program {program}"
        return None

    def encode(self, task: Task) -> list[str]:
        """See ``Contender``."""
        return self._filled(self._encode, task, str(task.material.path), str(task.coded))

    def decode(self, task: Task) -> list[str]:
        """See ``Contender``."""
        return self._filled(self._decode, task, str(task.coded), str(task.decoded))

    def _filled(self, template: str, task: Task, source: str, target: str) -> list[str]:
        values = {
            "{input}": source, "{output}": target, "{setting}": f"{task.setting:g}",
            "{threads}": str(task.threads), "{width}": str(task.material.width),
            "{height}": str(task.material.height), "{frames}": str(task.material.frames),
        }  # fmt: skip
        # one pass over each word, after splitting: a path may hold blanks and braces
        pattern = re.compile("|".join(map(re.escape, values)))
        return [pattern.sub(lambda m: values[m[0]], word) for word in shlex.split(template)]

    def identity(self) -> str:
        """See ``Contender``; some programs look at the extension."""
        programs = (shlex.split(template)[0] for template in (self._encode, self._decode))
        built = [_content(shutil.which(program)) for program in programs]
        return f"{super().identity()} | {self.extension} | {' '.join(built)}"

    @functools.cached_property
    def _stated(self) -> str:
        try:
            words = shlex.split(self._version)
            if not words or shutil.which(words[0]) is None:
                return self._version
            done = subprocess.run(
                words, capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL,
                timeout=60, check=False,
            )  # fmt: skip
        except (OSError, ValueError, subprocess.TimeoutExpired):
            return self._version
        return next(iter((done.stdout or done.stderr).splitlines()), self._version)


@functools.cache
def _content(program: str | None) -> str:
    """Hash of a program's file: it may be built anew without saying so."""
    if program is None:
        return "missing"
    try:
        return hashlib.sha256(Path(program).read_bytes()).hexdigest()[:12]
    except OSError:
        return program


def is_number(value: object) -> bool:
    """Whether a value of a TOML file is a number that can be a setting."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
