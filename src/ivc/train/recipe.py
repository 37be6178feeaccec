"""Recipes: TOML files that become frozen dataclasses.

The fields of a dataclass are the keys of a table and a field that is a dataclass is a sub-table, so
the dataclasses are all there is to say which keys exist, of what type, and what they default to.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import os
import tomllib
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ivc.errors import UsageError

R = TypeVar("R")


@dataclass(frozen=True)
class Schedule:
    """How long and how a stage trains; the base of the stages' own recipes.

    Attributes:
        hours: wall-clock time; 0 for no limit.
        steps: optimiser steps; 0 for no limit. One of both is needed; the first that is reached
            ends the stage.
        batch: pictures a step, over all processes.
        learning_rate: of Adam, at its highest.
        final_rate: part of it that is left at the end of the cosine.
        warmup: steps over which it rises from zero.
        exponent_rate: factor on it for parameters whose name contains ``exponent``.
        clip: largest norm of the gradient.
        ema: decay of the moving average of the weights, which is the result.
        mixed_precision: bfloat16 in float networks, on a GPU.
        log_steps: steps to a row of the log.
        checkpoint_steps: steps to a checkpoint; 0 goes by time only.
        checkpoint_minutes: minutes to a checkpoint; 0 goes by steps only.
        evaluation_steps: steps to an evaluation; 0 goes by time only.
        evaluation_minutes: minutes to an evaluation; 0 goes by steps only.
    """

    hours: float = 0.0
    steps: int = 0
    batch: int = 6
    learning_rate: float = 1.5e-3
    final_rate: float = 0.02
    warmup: int = 100
    exponent_rate: float = 0.1
    clip: float = 1.0
    ema: float = 0.999
    mixed_precision: bool = True
    log_steps: int = 100
    checkpoint_steps: int = 0
    checkpoint_minutes: float = 5.0
    evaluation_steps: int = 0
    evaluation_minutes: float = 30.0

    def __post_init__(self) -> None:
        for name in ("batch", "log_steps", "learning_rate", "clip"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be above 0")
        for item in dataclasses.fields(self):
            value = getattr(self, item.name)
            if isinstance(value, (int, float)) and value < 0:
                raise ValueError(f"{item.name} must not be negative")
        if not self.ema < 1:
            raise ValueError("ema must be below 1")

    def progress(self, step: int, seconds: float) -> float:
        """Part of the stage that is done, 0 to 1, after so many steps and seconds.

        Raises:
            UsageError: when the stage has no length.
        """
        parts = [step / self.steps] if self.steps else []
        parts += [seconds / 3600 / self.hours] if self.hours else []
        if not parts:
            raise UsageError("a stage of the recipe has no length: give it hours or steps")
        return min(1.0, max(parts))

    def rate(self, step: int, progress: float) -> float:
        """Learning rate of the step with this number, counted from 0."""
        cosine = 0.5 * (1 + math.cos(math.pi * progress))
        warm = min(1.0, (step + 1) / max(1, self.warmup))
        return self.learning_rate * warm * (cosine * (1 - self.final_rate) + self.final_rate)


@dataclass(frozen=True)
class Data:
    """What is trained on.

    Attributes:
        folders: of pictures, searched recursively; relative to the current folder.
        patch: height and width of what is cut out of them.
        cache_mb: megabytes of decoded pictures that are kept.
        workers: threads that prepare batches ahead; 0 prepares them between steps.
    """

    folders: tuple[str, ...] = ()
    patch: int = 128
    cache_mb: int = 2000
    workers: int = 0

    def __post_init__(self) -> None:
        if self.patch < 1 or self.cache_mb < 0 or self.workers < 0:
            raise ValueError("patch must be above 0, cache_mb and workers not negative")


@dataclass(frozen=True)
class Evaluation:
    """What is measured on.

    Attributes:
        folders: of pictures that are not trained on; without any, some of the training pictures
            are held out.
        pictures: how many of them are taken, evenly spread over their names.
        steps: quantisation steps, in 8-bit units.
        files: after an export, also encode and decode files, at ``qualities``.
        qualities: 0 to 100.
    """

    folders: tuple[str, ...] = ()
    pictures: int = 8
    steps: tuple[float, ...] = (6.0, 12.0, 24.0, 48.0)
    files: bool = True
    qualities: tuple[float, ...] = (30.0, 50.0, 70.0, 90.0)

    def __post_init__(self) -> None:
        if self.pictures < 0 or any(step <= 0 for step in self.steps):
            raise ValueError("pictures must not be negative, and steps be above 0")


def read(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The table of a recipe.

    Raises:
        UsageError: when it cannot be read or is no TOML.
    """
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"recipe {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"recipe {path} is no TOML: {error}") from None


def override(table: dict[str, Any], settings: Mapping[str, str]) -> None:
    """Set keys of a table: dots lead into sub-tables, values are written as in TOML or bare.

    Raises:
        UsageError: when a key leads through something that is no table.
    """
    for key, text in settings.items():
        *path, last = key.split(".")
        place = table
        for name in path:
            place = place.setdefault(name, {})
            if not isinstance(place, dict):
                raise UsageError(f"--set {key}: {name} is no section of the recipe")
        try:
            place[last] = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            place[last] = text


def build(table: Mapping[str, Any], kind: type[R], source: str) -> R:
    """A dataclass of a table.

    Args:
        table: of a recipe.
        kind: a dataclass whose fields are numbers, strings, truths, tuples of those, dataclasses.
        source: name of the recipe, for errors.

    Raises:
        UsageError: for a key that there is not, or a value of another type or out of range.
    """
    return _build(table, kind, source, "")


def _build(table: Mapping[str, Any], kind: type[R], source: str, prefix: str) -> R:
    hints = typing.get_type_hints(kind)
    names = [field.name for field in dataclasses.fields(kind)]  # type: ignore[arg-type]
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in names:
            close = difflib.get_close_matches(key, names, 1)
            hint = f"did you mean {prefix}{close[0]}?" if close else f"there are {', '.join(names)}"
            raise UsageError(f"{source}: there is no key {prefix}{key}; {hint}")
        if dataclasses.is_dataclass(hints[key]):
            if not isinstance(value, Mapping):
                raise UsageError(f"{source}: {prefix}{key} is a section, not a value")
            values[key] = _build(value, hints[key], source, f"{prefix}{key}.")
        else:
            values[key] = _value(value, hints[key], f"{source}: {prefix}{key}")
    try:
        return kind(**values)
    except ValueError as error:
        raise UsageError(f"{source}: {f'[{prefix[:-1]}] ' if prefix else ''}{error}") from None


_NAMES = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}


def _value(value: Any, hint: Any, where: str) -> Any:
    if typing.get_origin(hint) is tuple:
        item = typing.get_args(hint)[0]
        # one value may stand for a list of one, as on the command line
        items = value if isinstance(value, list) else [value]
        return tuple(_value(element, item, where) for element in items)
    if hint is float and type(value) is int:
        value = float(value)
    if type(value) is not hint or (hint is float and not math.isfinite(value)):
        raise UsageError(f"{where} must be {_NAMES[hint]}, not {value!r}")
    return value


def default_out(path: str | os.PathLike[str]) -> str:
    """Where a recipe trains to if it does not say: ``training/`` and its name."""
    return str(Path("training") / Path(path).stem)
