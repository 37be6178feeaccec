"""The codecs that can be compared, found by name.

==================================  ==============================================================
``jpeg-420``, ``avif``, …           still anchors (``contenders.stills``)
``x264-medium``, ``svt-av1-4``, …   video anchors (``contenders.clips``)
``ivc:image``, ``ivc:dct,effort=9`` ivc's own (``contenders.ours``)
names of a suite's ``[commands]``   any program (``contenders.commands``)
==================================  ==============================================================
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ivc.bench.contenders.base import Contender, Ladder, Task
from ivc.bench.contenders.clips import ENCODERS, ClipAnchor
from ivc.bench.contenders.ours import Ours
from ivc.bench.contenders.stills import CODERS, StillAnchor
from ivc.errors import UsageError

__all__ = ["GROUPS", "Contender", "Ladder", "Task", "anchors", "contenders", "find"]

GROUPS = {
    "stills": tuple(name for name, row in CODERS.items() if not row.lossless),
    "clips": tuple(name for name, row in ENCODERS.items() if not row.lossless),
    "lossless-stills": tuple(name for name, row in CODERS.items() if row.lossless),
    "lossless-clips": tuple(name for name, row in ENCODERS.items() if row.lossless),
}
"""Names that stand for several anchors."""


def anchors() -> list[Contender]:
    """All anchors, whether their tools are there or not."""
    return [*map(StillAnchor, CODERS), *map(ClipAnchor, ENCODERS)]


def find(name: str, commands: Mapping[str, Contender] | None = None) -> Contender:
    """The contender of a name.

    Args:
        name: an anchor, ``ivc:PROFILE`` with settings, or one of ``commands``.
        commands: what a suite adds.

    Raises:
        UsageError: when there is none.
    """
    if commands and name in commands:
        return commands[name]
    if name.startswith("ivc:"):
        return Ours(name)
    if name in CODERS:
        return StillAnchor(name)
    if name in ENCODERS:
        return ClipAnchor(name)
    known = ", ".join([*GROUPS, *CODERS, *ENCODERS, "ivc:PROFILE", *(commands or {})])
    raise UsageError(f"no codec is called {name!r}; there are: {known}")


def contenders(
    names: Iterable[str], commands: Mapping[str, Contender] | None = None
) -> list[Contender]:
    """The contenders of names and groups, each once.

    Raises:
        UsageError: for an unknown name.
    """
    found: dict[str, Contender] = {}
    for name in names:
        for single in GROUPS.get(name, (name,)):
            codec = find(single, commands)
            found.setdefault(codec.name, codec)
    return list(found.values())
