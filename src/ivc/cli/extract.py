"""``ivc extract``: one layer or attachment as it lies in the file, decrypted but not decoded."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ivc.cli import paths, values
from ivc.cli.help import Command, option
from ivc.cli.terminal import about, human_bytes, summary
from ivc.errors import UsageError
from ivc.types import AttachmentKind, Layer

if TYPE_CHECKING:
    from ivc.stream import Stream

SHARED = "shared"

_SUFFIXES = {
    AttachmentKind.ICC: ".icc",
    AttachmentKind.EXIF: ".exif",
    AttachmentKind.XMP: ".xmp",
    AttachmentKind.TRACKS: ".mka",
    AttachmentKind.TEXT: ".json",
}


@click.command(
    cls=Command,
    short_help="Write one layer or attachment, undecoded.",
    examples=(
        ("ivc extract clip.ivc tracks -o sound.mka", "audio and subtitles as Matroska"),
        ("ivc extract photo.ivc icc", "writes photo.icc"),
        ("ivc extract clip.ivc motion --segments 0:4 -o -", "to standard output"),
        ("ivc extract clip.ivc picture -o 'part_%03d.bin'", "one file a segment"),
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
    "Default: IN.LAYER.bin, or the usual extension.",
)
@option("--quiet", is_flag=True, section="Output", help="No summary.")
@option(
    "--segments",
    metavar="A:B",
    section="Choice",
    help="From segment A up to, not including, B; or 'shared' for the layer that all share.",
)
@option("--key-file", metavar="FILE", section="Choice", help="Key, if the layer is encrypted.")
def extract(
    input: str,
    name: str,
    output: str | None,
    quiet: bool,
    segments: str | None,
    key_file: str | None,
) -> None:
    """Write one layer or attachment of a file without decoding any picture.

    LAYER is the name or number of a layer ('ivc info' lists them) or one of the attachments icc,
    exif, xmp, tracks (sound and subtitles) and metadata. The bytes of several segments follow each
    other.
    """
    key = values.read_key(key_file, input)
    kind = values.ATTACHMENTS.get(name.lower())
    suffix = _SUFFIXES[kind] if kind else ".txt" if name.lower() == "text" else f".{name}.bin"
    destination = paths.beside(input, suffix) if output is None else output
    paths.check_output(destination)
    with about(input), paths.open_input(input, key) as stream:
        if kind:
            if segments is not None:
                raise UsageError(f"{name} belongs to the whole file: leave out --segments")
            parts = _attachments(stream, kind, name)
        else:
            parts = _layers(stream, _layer_number(name), name, segments)
        count, size = _write(parts, destination, name)
    if not quiet:
        many = f" of {count} segments" if count > 1 else ""
        summary(f"{destination}: {human_bytes(size)}{many}")


def _layer_number(name: str) -> int:
    if name.isdigit():
        return int(name)
    if name.upper() in Layer.__members__:
        return int(Layer[name.upper()])
    known = ", ".join([*(layer.label for layer in Layer), *values.ATTACHMENTS])
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
        shared = stream.shared([Layer(number)] if number in set(Layer) else [])
        if not shared:
            raise UsageError(f"the file has no shared layer {name}; 'ivc info' lists what it has")
        yield from shared.values()
        return
    wanted = slice(0, None) if chosen is None else values.parse_frames(chosen)
    if stream.seekable:
        for entry in stream.segments[wanted]:
            if number in entry.layers:
                yield stream.read_layer(entry, number)
        return
    layer = Layer(number) if number in set(Layer) else None
    for entry, layers in stream.iter_segments([layer] if layer else []):
        if wanted.stop is not None and entry.index >= wanted.stop:
            return
        if entry.index >= wanted.start and number in entry.layers:
            yield layers[layer] if layer else stream.read_layer(entry, number)


def _write(parts: Iterator[bytes], destination: str, name: str) -> tuple[int, int]:
    """Write all parts; returns how many and their bytes."""
    if "%" in Path(destination).name:
        sizes = [_write_file([part], destination % i) for i, part in enumerate(parts)]
        count, size = len(sizes), sum(sizes)
    else:
        pieces = list(parts)
        count = len(pieces)
        size = _write_file(pieces, destination) if pieces else 0
    if not count:
        raise UsageError(f"none of these segments has a layer {name}; 'ivc info' lists them")
    return count, size


def _write_file(parts: list[bytes], destination: str) -> int:
    if destination == paths.PIPE:
        size = sum(sys.stdout.buffer.write(part) for part in parts)
        sys.stdout.buffer.flush()
        return size
    from ivc.media.atomic import AtomicPath

    target = AtomicPath(Path(destination))
    try:
        with target.temporary.open("wb") as file:
            size = sum(file.write(part) for part in parts)
    except BaseException:
        target.abort()
        raise
    target.commit()
    return size
