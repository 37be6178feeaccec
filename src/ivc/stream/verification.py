"""Checking a whole stream without decoding it: structure, level, checksums, profile."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from ivc.errors import IvcError
from ivc.stream.entries import AttachmentEntry, LayerEntry
from ivc.stream.reader import Stream
from ivc.stream.records import layer_name
from ivc.types import Layer

MAX_PROBLEMS = 50
"""Problems that are listed; a file with more is no better known by listing them."""


class ProfileLimits(Protocol):
    """What is checked of a profile."""

    @property
    def number(self) -> int:
        """Number of the codec in the header."""

    @property
    def name(self) -> str:
        """Name for messages."""

    @property
    def layers(self) -> frozenset[Layer]:
        """Layers that a stream may hold."""


@dataclass
class Report:
    """What ``verify`` found.

    Attributes:
        problems: one line each; empty if the stream is good.
        segments: number of whole segments.
        frames: number of their frames.
        checked_bytes: bytes of payloads that have a checksum or were decrypted.
        unchecked_bytes: bytes of payloads of which nothing can be said without decoding.
    """

    problems: list[str] = field(default_factory=list)
    segments: int = 0
    frames: int = 0
    checked_bytes: int = 0
    unchecked_bytes: int = 0

    @property
    def ok(self) -> bool:
        """True if there is no problem."""
        return not self.problems

    def add(self, problem: object) -> None:
        """Note a problem, once."""
        if len(self.problems) < MAX_PROBLEMS and str(problem) not in self.problems:
            self.problems.append(str(problem))


def verify(stream: Stream, profile: ProfileLimits | None = None) -> Report:
    """Check a stream from its first to its last byte.

    With a key, everything encrypted is decrypted, too.

    Args:
        stream: opened from a file, not a pipe.
        profile: whose codec number and layers to check; None to leave that out.

    Raises:
        UsageError: when the stream comes from a pipe.
    """
    report = Report(segments=len(stream.segments), frames=stream.total_frames)
    for problem in stream.structure_problems():
        report.add(problem)
    if profile and profile.number != stream.header.codec:
        report.add(f"the stream is of codec {stream.header.codec}, not of {profile.name}")
    _check_profile(report, profile, "shared layers", stream.shared_entries)
    for number, layer in stream.shared_entries.items():
        _check_payload(report, stream, layer, partial(stream.read_shared, number))
    for attachment in stream.attachment_entries:
        _check_payload(report, stream, attachment, partial(stream.read_attachment, attachment))
    for index in range(len(stream.segments)):
        try:
            entry = stream.segments[index]
        except IvcError as error:
            report.add(error)
            continue
        _check_profile(report, profile, f"segment {index}", entry.layers)
        for number, layer in entry.layers.items():
            _check_payload(report, stream, layer, partial(stream.read_layer, entry, number))
    return report


def _check_profile(
    report: Report, profile: ProfileLimits | None, where: str, numbers: Iterable[int]
) -> None:
    for number in numbers:
        if profile and number not in profile.layers:
            report.add(f"{where}: {profile.name} has no layer {layer_name(number)}")


def _check_payload(
    report: Report,
    stream: Stream,
    entry: LayerEntry | AttachmentEntry,
    read: Callable[[], bytes],
) -> None:
    """Read a payload through, decrypted if there is a key."""
    sealed = entry.encrypted and stream.cipher is None
    try:
        if sealed:
            stream.check_payload(entry)
        else:
            read()
    except IvcError as error:
        report.add(error)
    if entry.checksummed or (entry.encrypted and not sealed):
        report.checked_bytes += entry.size
    else:
        report.unchecked_bytes += entry.size
