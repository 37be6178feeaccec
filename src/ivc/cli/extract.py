"""``ivc extract``: one layer or attachment as it lies in the file, or a small decoded picture."""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ivc.cli import paths, thumbnail, values
from ivc.cli.help import Command, option
from ivc.cli.terminal import about, human_bytes, show_warnings, summary
from ivc.errors import UsageError
from ivc.types import AttachmentKind, Layer

if TYPE_CHECKING:
    from ivc.stream import Stream

SHARED = "shared"
_NUMBERED = re.compile(r"%0?\d*d")

_SUFFIXES = {
    AttachmentKind.ICC: ".icc",
    AttachmentKind.EXIF: ".exif",
    AttachmentKind.XMP: ".xmp",
    AttachmentKind.TRACKS: ".mka",
    AttachmentKind.TEXT: ".json",
}


@click.command(
    cls=Command,
    short_help="Write one layer, attachment or thumbnail.",
    examples=(
        ("ivc extract clip.ivc tracks -o sound.mka", "audio and subtitles"),
        ("ivc extract photo.ivc icc", "writes photo.icc"),
        ("ivc extract clip.ivc motion --segments 0:4 -o -", "to standard output"),
        ("ivc extract clip.ivc picture -o 'part_%03d.bin'", "one file a segment"),
        ("ivc extract photo.ivc thumbnail -o small.jpg", "a small picture, quickly"),
    ),
)
@click.argument("input", metavar="IN.ivc")
@click.argument("name", metavar="LAYER")
@option(
    "-o",
    "--output",
    metavar="OUT",
    section="Output",
    help="Where to write; '-' is standard output, a name with %d one file a segment. "
    "Default: IN.LAYER.bin, or the usual extension; IN.thumbnail.png.",
)
@option("--quiet", is_flag=True, section="Output", help="No summary.")
@option(
    "--segments",
    metavar="A:B",
    section="Choice",
    help="From segment A up to, not including, B; or 'shared' for the layer that all share.",
)
@option("--key-file", metavar="FILE", section="Choice", help="Key, if the layer is encrypted.")
@option(
    "--model",
    metavar="DIR",
    section="Choice",
    help="For a thumbnail: folder of the model that the file was encoded with, if not ivc's own.",
)
def extract(
    input: str,
    name: str,
    output: str | None,
    quiet: bool,
    segments: str | None,
    key_file: str | None,
    model: str | None,
) -> None:
    """Write one layer or attachment of a file without decoding any picture, or a thumbnail.

    LAYER is the name or number of a layer ('ivc info' lists them) or one of the attachments icc,
    exif, xmp, tracks (sound and subtitles) and metadata. The bytes of several segments follow each
    other.

    With 'thumbnail' for LAYER, the first picture is decoded at the smallest size that the codec
    offers at which its longer side has at least 64 samples, from those layers that this needs. OUT
    may be of any still format.
    """
    key = values.read_key(key_file, input)
    if name.lower() == thumbnail.NAME:
        if segments is not None:
            raise UsageError("a thumbnail is the first picture: leave out --segments")
        _thumbnail(input, output, key, model or "", quiet=quiet)
        return
    if model is not None:
        raise UsageError(f"{name} is written undecoded: leave out --model")
    kind = values.ATTACHMENTS.get(name.lower())
    suffix = _SUFFIXES[kind] if kind else ".txt" if name.lower() == "text" else f".{name}.bin"
    destination = paths.beside(input, suffix) if output is None else output
    paths.check_output(destination)
    with about(input), paths.open_input(input, key) as stream:
        if kind:
            if segments is not None:
                raise UsageError(f"{name} belongs to the whole file: leave out --segments")
            parts = _attachments(stream, kind, name)
            if kind is AttachmentKind.TRACKS and output is None and destination != paths.PIPE:
                # Tracks that only MP4 holds, such as its timed text, are stored as MP4.
                first = next(parts)
                parts = itertools.chain([first], parts)
                if first[4:8] == b"ftyp":
                    destination = paths.beside(input, ".m4a")
        else:
            parts = _layers(stream, _layer_number(name), name, segments)
        count, size = _write(parts, destination, name)
    if not quiet:
        many = f" of {count} segments" if count > 1 else ""
        summary(f"{destination}: {human_bytes(size)}{many}")


def _thumbnail(
    input: str, output: str | None, key: bytes | None, model: str, *, quiet: bool
) -> None:
    destination = paths.beside(input, thumbnail.SUFFIX) if output is None else output
    paths.check_output(destination)
    with about(input), show_warnings(), paths.open_input(input, key) as stream:
        result = thumbnail.write_thumbnail(stream, destination, model)
    if not quiet:
        summary(f"{destination}: {result.width}x{result.height}")


def _layer_number(name: str) -> int:
    if name.isdecimal():
        return int(name)
    if name.upper() in Layer.__members__:
        return int(Layer[name.upper()])
    known = ", ".join([*(layer.label for layer in Layer), *values.ATTACHMENTS, thumbnail.NAME])
    raise UsageError(f"there is no layer or attachment {name!r}; there are {known}")


def _attachments(stream: Stream, kind: AttachmentKind, name: str) -> Iterator[bytes]:
    if not stream.seekable:
        for _ in stream.iter_segments(()):
            pass
    found = [attachment.data for attachment in stream.attachments([kind])]
    if not found:
        raise UsageError(f"the file has no {name}; 'ivc info' lists what it has")
    yield from found


def _layers(stream: Stream, number: int, name: str, chosen: str | None) -> Iterator[bytes]:
    if chosen == SHARED:
        if number not in stream.shared_entries:
            raise UsageError(f"the file has no shared layer {name}; 'ivc info' lists what it has")
        yield stream.read_shared(number)
        return
    wanted = slice(0, None) if chosen is None else values.parse_frames(chosen)
    if stream.seekable:
        for entry in stream.segments[wanted]:
            if number in entry.layers:
                yield stream.read_layer(entry, number)
        return
    for entry, _ in stream.iter_segments([number]):
        if wanted.stop is not None and entry.index >= wanted.stop:
            return
        if entry.index >= wanted.start and number in entry.layers:
            yield stream.read_layer(entry, number)


def _write(parts: Iterator[bytes], destination: str, name: str) -> tuple[int, int]:
    """Write all parts, one in memory at a time; returns how many and their bytes."""
    first = next(parts, None)
    if first is None:
        raise UsageError(f"none of these segments has a layer {name}; 'ivc info' lists them")
    found = itertools.chain([first], parts)
    place = Path(destination)
    if _NUMBERED.search(place.name):
        sizes = [
            sum(_write_file([part], str(place.with_name(_numbered(place.name, i)))))
            for i, part in enumerate(found)
        ]
    else:
        sizes = _write_file(found, destination)
    return len(sizes), sum(sizes)


def _numbered(name: str, number: int) -> str:
    """The name with the number filled in; other percent signs are part of it."""
    return _NUMBERED.sub(lambda match: match[0] % number, name)


def _write_file(parts: Iterable[bytes], destination: str) -> list[int]:
    """Write one file, complete or not at all; returns the bytes of each part."""
    if destination == paths.PIPE:
        sizes = [sys.stdout.buffer.write(part) for part in parts]
        sys.stdout.buffer.flush()
        return sizes
    if Path(destination).exists() and not Path(destination).is_file():
        # a device or a named pipe is written to, not replaced
        with Path(destination).open("wb") as file:
            return [file.write(part) for part in parts]
    from ivc.media.atomic import AtomicPath

    target = AtomicPath(Path(destination))
    try:
        with target.temporary.open("wb") as file:
            sizes = [file.write(part) for part in parts]
    except BaseException:
        target.abort()
        raise
    target.commit()
    return sizes
