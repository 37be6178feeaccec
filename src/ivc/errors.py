"""The errors that ivc raises: each is one line that says what, where and what to do.

``IvcError`` is the base of all of them, so ``except ivc.IvcError`` catches whatever a file, an
input or a setting can cause. Anything else that escapes is a bug in ivc.
"""

from __future__ import annotations


class IvcError(Exception):
    """Base of all errors that the user's input, files or settings can cause."""


class UsageError(IvcError):
    """A setting or argument that cannot be: unknown profile, quality out of range."""


class MediaError(IvcError):
    """An input picture or video that cannot be read, or an output that cannot be written."""


class BitstreamError(IvcError):
    """An ``.ivc`` file that breaks the format.

    Attributes:
        offset: byte offset in the file at which the fault was found, or None if it is not known
            (for instance inside the payload of a layer; the message then names the layer).
    """

    def __init__(self, message: str, offset: int | None = None) -> None:
        super().__init__(message if offset is None else f"{message} (at byte {offset})")
        self.offset = offset


class TruncatedError(BitstreamError):
    """An ``.ivc`` file that ends before its last record does."""


class ChecksumError(BitstreamError):
    """A layer whose bytes do not match their CRC-32C."""


class LimitError(BitstreamError):
    """A stream that needs more than the permitted level (see ``ivc.stream.levels``)."""


class WorkerError(IvcError):
    """A worker process that died; what was finished is kept for a resumed run."""


class DecryptionError(IvcError):
    """A layer that is encrypted: no key, the wrong key, or bytes that were moved or changed."""


class UnsupportedError(IvcError):
    """A valid request or stream that this build, codec or output format cannot serve."""


class ModelError(IvcError):
    """A network or its file that cannot be used: missing, corrupted, malformed or without proof."""
