"""Where inputs come from, and where outputs go when nobody says."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ivc.errors import UsageError

if TYPE_CHECKING:
    from ivc.stream import Stream

PIPE = "-"
_COUNTER = re.compile(r"[-_. ]*(%0?\d*d|\*)[-_. ]*")


def beside(path: str, suffix: str) -> str:
    """The name of ``path`` with another suffix: ``shots/a_%04d.png`` gives ``shots/a.ivc``.

    The number of a numbered sequence is left out; where nothing else is left, the folder's name
    is taken, beside that folder unless it is the current one. Pipes give pipes.
    """
    if path == PIPE:
        return PIPE
    place = Path(path)
    stem = place.stem if place.is_file() else _COUNTER.sub("", place.stem)
    if not stem:
        folder = place.parent.resolve()
        beside_it = Path() if folder == Path.cwd() else folder.parent
        return str(beside_it / (folder.name + suffix))
    return str(place.with_name(stem + suffix))


def check_output(path: str) -> None:
    """Refuse outputs that cannot work before any work is done.

    Raises:
        UsageError: for a folder that does not exist or a terminal.
    """
    if path == PIPE:
        if sys.stdout.isatty():
            raise UsageError("standard output is a terminal; name a file with -o or use a pipe")
        return
    place = Path(path)
    if place.is_dir():
        raise UsageError(f"{path} is a folder; name a file in it")
    if not place.parent.is_dir():
        raise UsageError(f"{place.parent} is no folder; make it first, or choose another output")


def open_input(path: str, key: bytes | None = None) -> Stream:
    """Open an ``.ivc`` file, or standard input for ``-``.

    Raises:
        IvcError: when it cannot be read or is no stream.
    """
    from ivc.stream import open_stream

    return open_stream(sys.stdin.buffer if path == PIPE else path, key=key)
