"""The part file: a stream that grows beside its destination, and what is needed to go on with it.

``OUT.ivc.part`` is a valid stream that ends after a whole segment or in the middle of one;
``OUT.ivc.part.json`` says which input and settings it belongs to. The destination itself appears
complete or not at all.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from ivc.errors import MediaError, UsageError

Plan = dict[str, Any]


class PartFile:
    """The part file of one destination; a context manager that keeps other encodes away from it.

    Raises:
        UsageError: on entry, when another encode is writing to the same destination.
        MediaError: on entry, when the folder cannot be written to.
    """

    def __init__(self, destination: Path) -> None:
        self.destination = destination
        self.path = destination.with_name(destination.name + ".part")
        self._note = self.path.with_name(self.path.name + ".json")
        self._lock: BinaryIO | None = None

    def __enter__(self) -> PartFile:
        try:
            self._lock = self.path.open("ab")
        except OSError as error:
            raise MediaError(
                f"cannot write {self.destination}: {error.strerror}; is its folder there and "
                "writable?"
            ) from None
        try:
            if not _locked(self._lock) or not self._is_current(self._lock):
                raise UsageError(f"{self.destination} is being written by another encode")
        except BaseException:
            self._lock.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._lock:
            self._lock.close()

    def _is_current(self, file: BinaryIO) -> bool:
        # Between opening and locking, another encode may have published or deleted the file.
        try:
            return os.path.samestat(os.fstat(file.fileno()), self.path.stat())
        except FileNotFoundError:
            return False

    def save(self, plan: Plan) -> None:
        """Write down what the part file belongs to; atomic, so that a kill leaves a whole note."""
        fresh = self._note.with_name(self._note.name + ".new")
        fresh.write_text(json.dumps(plan, indent=1) + "\n", encoding="utf-8")
        fresh.replace(self._note)

    def load(self, plan: Plan) -> Plan | None:
        """The saved plan if there is one to go on with.

        Args:
            plan: what this run is about to do; must agree with the saved plan in everything but
                the ``attempts`` made so far.

        Raises:
            UsageError: when the part file belongs to other settings or another input.
        """
        if not (self._note.exists() and self.path.exists()):
            return None
        try:
            saved = json.loads(self._note.read_text(encoding="utf-8"))
            differing = [key for key in plan if key != "attempts" and saved[key] != plan[key]]
            attempts = saved["attempts"]
        except (ValueError, KeyError, TypeError):
            differing, attempts = ["note"], []
        if differing:
            raise UsageError(
                f"{self.path} was begun with another {' and '.join(differing)}; delete it or leave "
                "out --resume to start anew"
            )
        return dict(plan, attempts=attempts)

    def publish(self) -> None:
        """Make the part file the destination, durably and in one step."""
        with self.path.open("r+b") as file:
            os.fsync(file.fileno())
        if sys.platform == "win32" and self._lock:
            self._lock.close()
        self.path.replace(self.destination)
        self._note.unlink(missing_ok=True)

    def discard(self) -> None:
        """Delete the part file and its note."""
        if sys.platform == "win32" and self._lock:
            self._lock.close()
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)


def _locked(file: BinaryIO) -> bool:
    """Take the file's lock, which ends with the process, however it ends."""
    if sys.platform == "win32":
        return True  # two encodes at once are not noticed there
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # some network file systems have no locks
    return True
