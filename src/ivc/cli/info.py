"""``ivc info``: what a file holds, without decoding any of it."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import click

from ivc.cli import paths
from ivc.cli.help import Command, option
from ivc.cli.terminal import about, human_bytes, print_json, print_table
from ivc.cli.values import attachment_name
from ivc.codecs import by_number
from ivc.errors import BitstreamError, IvcError, UnsupportedError
from ivc.types import Colour

if TYPE_CHECKING:
    from ivc.stream import SegmentEntry, Stream

LISTED_SEGMENTS = 12
"""Segments that are listed unless all are asked for."""

_PRIMARIES = {1: "BT.709", 5: "BT.601", 6: "BT.601", 9: "BT.2020", 12: "Display P3"}
_TRANSFERS = {1: "BT.709", 6: "BT.601", 8: "linear", 13: "sRGB", 14: "BT.2020", 16: "PQ", 18: "HLG"}
_MATRICES = {0: "RGB", 1: "BT.709", 5: "BT.601", 6: "BT.601", 8: "YCgCo", 9: "BT.2020"}


@dataclass
class Listing:
    """What a stream lists.

    Attributes:
        path: as typed.
        size: bytes of the whole file or pipe.
        stream: closed by now; only its listings are used.
        segments: all whole ones.
        fault: what is broken behind them, or None.
    """

    path: str
    size: int
    stream: Stream
    segments: list[SegmentEntry]
    fault: IvcError | None

    @property
    def profile(self) -> str:
        """Name of the codec, or its number if this build does not have it."""
        codec = self.stream.header.codec
        try:
            return by_number(codec).name
        except UnsupportedError:
            return f"codec {codec}"

    @property
    def frames(self) -> int:
        """Number of frames in all whole segments."""
        return sum(segment.frames for segment in self.segments)

    @property
    def seconds(self) -> float | None:
        """Playing time, if it is a clip and known."""
        info = self.stream.header.info
        if info.still or not self.segments:
            return None
        first, last = self.segments[0], self.segments[-1]
        if not (first.pts and last.pts):
            return None
        ticks = last.pts[-1] - first.pts[0] + last.duration
        tail = 1 / info.frame_rate if info.frame_rate and not last.duration else 0
        return float(ticks * info.time_base + tail) or None

    @property
    def layer_bytes(self) -> dict[str, int]:
        """Bytes of each layer in all segments, shared layers not included."""
        total: Counter[str] = Counter()
        for segment in self.segments:
            for layer in segment.layers.values():
                total[layer.label] += layer.size
        return dict(total)

    @property
    def container_bytes(self) -> int:
        """Bytes that are neither layers nor attachments."""
        shared = sum(layer.size for layer in self.stream.shared_entries.values())
        beside = sum(entry.size for entry in self.stream.attachment_entries)
        return self.size - sum(self.layer_bytes.values()) - shared - beside

    @property
    def encrypted(self) -> list[str]:
        """Names of what needs a key."""
        layers = [entry for segment in self.segments for entry in segment.layers.values()]
        layers += self.stream.shared_entries.values()
        names = [entry.label for entry in layers if entry.encrypted]
        names += [attachment_name(e.kind) for e in self.stream.attachment_entries if e.encrypted]
        return list(dict.fromkeys(names))


@click.command(
    cls=Command,
    short_help="Show what a file holds, with bytes.",
    examples=(
        ("ivc info clip.ivc", ""),
        ("ivc info clip.ivc --json | jq .layers", ""),
    ),
)
@click.argument("input", metavar="IN.ivc")
@option("--json", "as_json", is_flag=True, section="Output", help="Print one JSON object.")
@option(
    "--segments",
    is_flag=True,
    section="Output",
    help=f"List all segments of a long clip, not only {LISTED_SEGMENTS}.",
)
def info(input: str, as_json: bool, segments: bool) -> None:
    """Show header, layers, attachments and the bytes that each of them takes.

    Needs neither weights nor a key. IN.ivc may be '-' for a pipe.
    """
    with about(input):
        listing = list_stream(input)
    if as_json:
        print_json(describe(listing))
    else:
        _print(listing, every_segment=segments)


def list_stream(path: str) -> Listing:
    """Everything that a stream lists.

    Raises:
        IvcError: when it cannot be read or is no stream.
    """
    from ivc.stream import open_stream

    pipe = _CountedPipe() if path == paths.PIPE else None
    with open_stream(cast("BinaryIO", pipe) if pipe else path) as stream:
        segments = []
        fault: IvcError | None = None
        try:
            for entry, _ in stream.iter_segments(()):
                segments.append(entry)
        except (BitstreamError, UnsupportedError) as error:
            fault = error
    size = pipe.bytes if pipe else Path(path).stat().st_size
    return Listing(path, size, stream, segments, fault)


class _CountedPipe:
    """Standard input, counting what is read."""

    def __init__(self) -> None:
        self.bytes = 0

    def seekable(self) -> bool:
        return False

    def read(self, size: int) -> bytes:
        data = sys.stdin.buffer.read(size)
        self.bytes += len(data)
        return data


def describe(listing: Listing) -> dict[str, Any]:
    """The listing as a JSON document."""
    stream = listing.stream
    header, info = stream.header, stream.header.info
    seconds = listing.seconds
    return {
        "file": listing.path,
        "bytes": listing.size,
        "profile": listing.profile,
        "codec": header.codec,
        "codec_version": header.codec_version,
        "weights_hash": header.weights_hash.hex() if header.weights_hash else None,
        "level": header.level,
        "still": info.still,
        "width": info.width,
        "height": info.height,
        "format": {
            "layout": info.format.layout.name.lower(),
            "depth": info.format.depth,
            "alpha": info.format.alpha,
            "primaries": info.format.colour.primaries,
            "transfer": info.format.colour.transfer,
            "matrix": info.format.colour.matrix,
            "full_range": info.format.colour.full_range,
        },
        "sample_aspect": str(info.sample_aspect),
        "frames": listing.frames,
        "frame_rate": str(info.frame_rate) if info.frame_rate else None,
        "time_base": None if info.still else str(info.time_base),
        "duration": seconds,
        "bitrate": listing.size * 8 / seconds if seconds else None,
        "bits_per_pixel": _bits_per_pixel(listing),
        "encrypted": listing.encrypted,
        "truncated": stream.truncated,
        "fault": str(listing.fault) if listing.fault else None,
        "layers": listing.layer_bytes,
        "shared": {entry.label: entry.size for entry in stream.shared_entries.values()},
        "attachments": [
            {"name": attachment_name(e.kind), "bytes": e.size, "encrypted": e.encrypted}
            for e in stream.attachment_entries
        ],
        "container_bytes": listing.container_bytes,
        "segments": [
            {
                "index": segment.index,
                "first_frame": segment.first_frame,
                "frames": segment.frames,
                "pts": segment.pts[0] if segment.pts else None,
                "offset": segment.offset,
                "bytes": segment.size,
                "layers": {
                    entry.label: {
                        "bytes": entry.size,
                        "encrypted": entry.encrypted,
                        "checksummed": entry.checksummed,
                    }
                    for entry in segment.layers.values()
                },
            }
            for segment in listing.segments
        ],
    }


def _bits_per_pixel(listing: Listing) -> float | None:
    info = listing.stream.header.info
    samples = listing.frames * info.width * info.height
    return listing.size * 8 / samples if samples else None


def _print(listing: Listing, *, every_segment: bool) -> None:
    print(listing.path)
    for name, value in _facts(listing):
        print(f"  {name:<12}{value}")
    print()
    _print_parts(listing)
    if not listing.stream.header.info.still and listing.segments:
        print()
        _print_segments(listing, every_segment=every_segment)


def _facts(listing: Listing) -> list[tuple[str, str]]:
    stream = listing.stream
    header, info = stream.header, stream.header.info
    seconds = listing.seconds
    size = f"{human_bytes(listing.size)}"
    if bits := _bits_per_pixel(listing):
        size += f", {bits:.3g} bits/pixel"
    if seconds:
        size += f", {listing.size * 8 / seconds / 1000:.4g} kbit/s"
    facts = [
        ("profile", f"{listing.profile}, syntax version {header.codec_version}"),
        ("still" if info.still else "clip", f"{info.width}x{info.height} {info.format}"),
        ("colour", _colour(info.format.colour)),
    ]
    if not info.still:
        rate = f"{float(info.frame_rate):.6g} frames/s" if info.frame_rate else "variable rate"
        length = f", {seconds:.6g} s" if seconds else ""
        facts.append(("time", f"{listing.frames} frames, {rate}{length}"))
    if info.sample_aspect != 1:
        facts.append(("aspect", f"samples of {info.sample_aspect}"))
    facts += [("size", size), ("level", str(header.level))]
    if header.weights_hash:
        facts.append(("weights", header.weights_hash.hex()))
    if listing.encrypted:
        facts.append(("encrypted", ", ".join(listing.encrypted)))
    if stream.truncated:
        facts.append(("truncated", "the file is cut short; its whole segments can be decoded"))
    if listing.fault:
        facts.append(("damaged", str(listing.fault)))
    return facts


def _colour(colour: Colour) -> str:
    def named(names: dict[int, str], code: int, what: str) -> str:
        return "" if code == 2 else f"{names.get(code, f'code {code}')} {what}"

    parts = (
        named(_PRIMARIES, colour.primaries, "primaries"),
        named(_TRANSFERS, colour.transfer, "transfer"),
        named(_MATRICES, colour.matrix, "matrix"),
        "full range" if colour.full_range else "limited range",
    )
    return ", ".join(part for part in parts if part)


def _print_parts(listing: Listing) -> None:
    stream = listing.stream
    parts = [(f"layer {name}", count) for name, count in listing.layer_bytes.items()]
    parts += [(f"shared {e.label}", e.size) for e in stream.shared_entries.values()]
    parts += [(attachment_name(e.kind), e.size) for e in stream.attachment_entries]
    parts.append(("container", listing.container_bytes))
    print_table(
        ("part", "bytes", "share"),
        [(name, f"{count:,}", f"{100 * count / listing.size:.1f} %") for name, count in parts],
    )


def _print_segments(listing: Listing, *, every_segment: bool) -> None:
    segments = listing.segments
    shown = segments if every_segment else segments[:LISTED_SEGMENTS]
    names = list(listing.layer_bytes)
    rows = []
    for segment in shown:
        sizes = {entry.label: entry.size for entry in segment.layers.values()}
        row = [segment.index, segment.first_frame, segment.frames, f"{segment.size:,}"]
        rows.append(row + [f"{sizes[name]:,}" if name in sizes else "" for name in names])
    print_table(("segment", "from frame", "frames", "bytes", *names), rows, left=0)
    if len(shown) < len(segments):
        print(f"  ... and {len(segments) - len(shown)} more; --segments lists them")
