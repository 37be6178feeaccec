"""Files that appear complete or not at all.

The bytes go to a hidden temporary file in the folder of the target, which takes the target's name
when it is committed: a rename within a folder is atomic.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from ivc.errors import MediaError


class AtomicPath:
    """A temporary name beside ``path`` that becomes ``path`` on ``commit``.

    Raises:
        MediaError: when the folder does not exist or cannot be written to.
    """

    def __init__(self, path: Path):
        # a symbolic link keeps pointing where it did
        self.path = path.resolve() if path.is_symlink() else path
        self.temporary = self.path.with_name(
            f".{path.stem[:32]}.{secrets.token_hex(4)}.part{path.suffix}"
        )
        try:
            self.temporary.touch(exist_ok=False)
        except OSError as error:
            raise MediaError(
                f"cannot write {path}: {error.strerror or error}; is its folder there and writable?"
            ) from None

    def commit(self) -> None:
        """Give the file its name, replacing one that is there."""
        try:
            # the file is readable by whom a plainly opened one would be: touch() honours the umask
            os.replace(self.temporary, self.path)  # noqa: PTH105
        except OSError as error:
            self.abort()
            raise MediaError(f"cannot write {self.path}: {error.strerror or error}") from None

    def abort(self) -> None:
        """Remove the temporary file."""
        with contextlib.suppress(OSError):
            self.temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def guard_writes(where: str) -> Iterator[None]:
    """Turn errors of the operating system while writing into a ``MediaError``.

    A reader that closes its end of a pipe is no failure of ours but ends the writing all the same:
    ``BrokenPipeError`` passes through, so that the caller can end quietly.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise MediaError(f"cannot write {where}: {error.strerror or error}") from None
