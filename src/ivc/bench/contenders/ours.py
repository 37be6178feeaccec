"""ivc's own codecs, as the command that users type: ``ivc:image``, ``ivc:image,effort=9``."""

from __future__ import annotations

import ast
import functools
import hashlib
import sys
from importlib import metadata
from pathlib import Path
from typing import Any, ClassVar

from ivc.bench.contenders.base import Contender, Ladder, Task
from ivc.codecs import Profile, by_name
from ivc.errors import UsageError

QUALITIES: Ladder = (8.0, 18.0, 28.0, 40.0, 52.0, 64.0, 76.0, 88.0)
_SHARED = (
    "api.py", "codecs/base.py", "entropy", "media", "nets", "pipeline", "signal", "stream",
    "types.py",
)  # fmt: skip


class Ours(Contender):
    """A profile of this build with some settings.

    Args:
        spec: ``ivc:PROFILE`` and, after commas, ``effort=N`` and the codec's own ``key=value``.

    Raises:
        UsageError: when there is no such profile, or a part is no ``key=value``.
    """

    kind: ClassVar[str] = "ivc"
    extension = ".ivc"
    stills = clips = True

    def __init__(self, spec: str) -> None:
        name, *parts = spec.removeprefix("ivc:").split(",")
        self._profile = by_name(name.strip())
        self._settings: dict[str, str] = {}
        for part in parts:
            key, equals, value = part.partition("=")
            if not equals or not key.strip():
                raise UsageError(f"{spec}: write ivc:PROFILE,key=value")
            self._settings[key.strip()] = value.strip()
        own = [f"{key}={value}" for key, value in self._settings.items()]
        effort = self._settings.pop("effort", "5")
        if effort not in set("123456789"):
            raise UsageError(f"{spec}: effort is a number from 1 to 9")
        self._effort = int(effort)
        shown = [f"effort {self._effort}"] if self._effort != 5 else []
        shown += [f"{key} {value}" for key, value in self._settings.items()]
        self.name = ",".join([f"ivc:{self._profile.name}", *own])
        self.title = " ".join(["ivc", self._profile.name.removeprefix("roadmap/"), *shown])
        self.lossless = self._profile.lossless
        self.ladder = (0.0,) if self.lossless else QUALITIES

    def version(self) -> str:
        """Version of ivc, and hash of the code and models that decide this codec's files."""
        from ivc import __version__

        model = self._settings.get("model")
        own = f", model {_content(Path(model))}" if model else ""
        return f"ivc {__version__}, code {code_digest(self._profile)}{own}"

    def missing(self) -> str | None:
        """See ``Contender``."""
        return None

    def arguments(self, setting: float) -> dict[str, Any]:
        """What ``ivc.encode`` is called with."""
        chosen: dict[str, Any] = {"profile": self._profile.name, "effort": self._effort}
        if not self.lossless:
            chosen["quality"] = setting
        return chosen | {"settings": self._settings}

    def encode(self, task: Task) -> list[str]:
        """See ``Contender``."""
        command = [*_ivc(), "encode", str(task.material.path), "-o", str(task.coded), "--quiet"]
        command += ["--profile", self._profile.name, "--effort", str(self._effort)]
        if not self.lossless:
            command += ["-q", f"{task.setting:g}"]
        for key, value in self._settings.items():
            command += ["--set", f"{key}={value}"]
        return command + self._jobs(task)

    def decode(self, task: Task) -> list[str]:
        """See ``Contender``."""
        command = [*_ivc(), "decode", str(task.coded), "-o", str(task.decoded), "--quiet"]
        if self.model:
            command += ["--model", self.model]
        return command + self._jobs(task)

    @property
    def model(self) -> str:
        """Folder of the user's own model; empty for ivc's."""
        return self._settings.get("model", "")

    def timed(self, task: Task, repeat: int) -> tuple[list[str], list[str]] | None:
        """See ``Contender``; not for several worker processes, which belong to a whole process."""
        if self._jobs(task):
            return None
        common = ["--threads", str(task.threads), "--repeat", str(repeat)]
        worker = [sys.executable, "-m", "ivc.bench.worker"]
        encode = [*worker, "encode", self.name, str(task.material.path), str(task.coded)]
        decode = [*worker, "decode", self.name, str(task.coded), str(task.decoded)]
        return [*encode, "--setting", f"{task.setting:g}", *common], [*decode, *common]

    def layers(self, coded: Path) -> dict[str, int]:
        """See ``Contender``."""
        from ivc.stream import open_stream

        found: dict[str, int] = {}
        with open_stream(coded) as stream:
            for entry in stream.segments:
                for layer in entry.layers.values():
                    found[layer.label] = found.get(layer.label, 0) + layer.size
        whole = coded.stat().st_size
        return found | {"container": whole - sum(found.values())}

    def _jobs(self, task: Task) -> list[str]:
        clip = not task.material.still and task.threads > 1
        return ["--jobs", str(task.threads)] if clip else []


def _ivc() -> list[str]:
    return [sys.executable, "-m", "ivc"]


@functools.cache
def code_digest(profile: Profile) -> str:
    """Hash of what a codec's files depend on in this package: its code, shared code, its models.

    Comments, docstrings and layout do not count, so that only a change of meaning asks for new
    measurements.
    """
    package = Path(__file__).parents[2]
    # ivc.codecs.image, or all of ivc.codecs.roadmap, whose codecs are several files each
    own = package / "codecs" / profile.target.split(".")[2].partition(":")[0]
    places = [own, *(package / name for name in _SHARED), package / "models" / profile.name]
    digest = hashlib.sha256()
    for name in ("numpy", "numba", "onnxruntime"):
        digest.update(metadata.version(name).encode())
    for place in places:
        for file in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if file.suffix == ".py":
                digest.update(_meaning(file).encode())
            elif file.is_file() and file.suffix in (".zip", ".onnx", ".npz"):
                digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def _content(folder: Path) -> str:
    """Hash of the files of a folder."""
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def _meaning(file: Path) -> str:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            body[:] = [statement for statement in body if not _is_text(statement)]
    return ast.dump(tree)


def _is_text(statement: ast.stmt) -> bool:
    """Whether it is a docstring, of whatever it may be."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
