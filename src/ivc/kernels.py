"""Compiled kernels are as new as their sources.

numba keeps compiled kernels on disk and renews a kernel when its own file changes, but not when a
kernel that it calls changes in another file. After an update of a checkout, old and new machine
code would then be mixed: wrong bytes at best, a crash at worst. So every process looks, before the
first kernel runs, whether any source has changed since the kernels were compiled (about a
millisecond), and drops all of them if so.
"""

from __future__ import annotations

import functools
import hashlib
import os
import zlib
from pathlib import Path

STAMP = "kernels.stamp"


def have_kernels() -> bool:
    """Whether kernels as new as their sources lie on disk, so that codecs start at once."""
    folders = _folders()
    try:
        if (folders[0] / STAMP).read_text() != _state():
            return False
    except OSError:
        return False
    return any(True for folder in folders for _ in folder.glob("*.nbi"))


@functools.cache
def discard_stale() -> None:
    """Delete all cached kernels of the package if any of its sources has changed.

    Two processes may do so at once, and folders may be read-only: a kernel that is gone is
    compiled again, and one that cannot be deleted lies where none could have been written.
    """
    folders, state = _folders(), _state()
    stamp = folders[0] / STAMP
    try:
        if stamp.read_text() == state:
            return
    except OSError:
        pass
    try:
        for folder in folders:
            for path in folder.glob("*.nb[ic]"):
                path.unlink(missing_ok=True)
        stamp.parent.mkdir(parents=True, exist_ok=True)
        fresh = stamp.with_name(f"{STAMP}.{os.getpid()}")
        fresh.write_text(state)
        fresh.replace(stamp)
    except OSError:
        pass


def _folders() -> list[Path]:
    """Where numba keeps the kernels of this package; with NUMBA_CACHE_DIR, in folders there."""
    package = Path(__file__).absolute().parent
    rooms = [package, *sorted({path.parent for path in package.rglob("*.py")} - {package})]
    shared = os.environ.get("NUMBA_CACHE_DIR")
    if not shared:
        return [room / "__pycache__" for room in rooms]
    return [
        Path(shared) / f"{room.name}_{hashlib.sha1(str(room).encode()).hexdigest()}"
        for room in rooms
    ]


def _state() -> str:
    """Names, sizes and times of all sources, summed up."""
    package = Path(__file__).parent
    state = 0
    for path in sorted(package.rglob("*.py")):
        status = path.stat()
        line = f"{path.relative_to(package)} {status.st_size} {status.st_mtime_ns}\n"
        state = zlib.crc32(line.encode(), state)
    return str(state)
