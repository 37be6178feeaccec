"""``ivc decode``."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from ivc.cli import paths, values
from ivc.cli.help import Command, option
from ivc.cli.terminal import ProgressBar, about, print_json, show_warnings, summary
from ivc.errors import TruncatedError, UsageError


@click.command(
    cls=Command,
    short_help="Decode an .ivc file into a picture or video.",
    examples=(
        ("ivc decode photo.ivc", "writes photo.png"),
        ("ivc decode photo.ivc -o photo.tiff", ""),
        ("ivc decode clip.ivc", "writes clip.mkv (FFV1, lossless)"),
        ("ivc decode clip.ivc -o clip.mp4", "x264, lossless"),
        ("ivc decode clip.ivc --frames 100:125 -o 'shot_%03d.png'", ""),
        ("ivc decode photo.ivc --scale 1/4 -o small.png", "from its coarse layers, if it has them"),
        ("ivc decode clip.ivc -o - | mpv -", "plays it"),
    ),
)
@click.argument("input", metavar="IN.ivc")
@option(
    "-o",
    "--output",
    metavar="OUT",
    section="Output",
    help="Where to write; the extension chooses the format, '-' is a y4m pipe. Default: "
    "IN.png for stills, IN.mkv for clips.",
)
@option(
    "--format",
    "extension",
    metavar="EXT",
    section="Output",
    help="Format for an output whose name does not tell: png, mkv, y4m ...",
)
@option(
    "-y",
    "--overwrite",
    is_flag=True,
    section="Output",
    help="Replace an existing file even if -o does not name it.",
)
@option(
    "--json",
    "as_json",
    is_flag=True,
    section="Output",
    help="Print one JSON object about the result.",
)
@option("--quiet", is_flag=True, section="Output", help="No progress and no summary.")
@option(
    "--frames",
    metavar="A:B",
    section="Decoding",
    help="From frame A up to, not including, frame B; without sound.",
)
@option(
    "--scale",
    default="1",
    metavar="1/N",
    section="Decoding",
    help="Share of width and height: 1/2, 0.25 ..., if the codec offers it. Default: 1.",
)
@option(
    "--model",
    metavar="DIR",
    section="Decoding",
    help="Folder of the model that the file was encoded with, if not ivc's own.",
)
@option(
    "--jobs",
    type=int,
    default=1,
    metavar="N",
    section="Decoding",
    help="Worker processes for a clip, threads for a still. Default: 1 process, its codec on "
    "all cores if it can.",
)
@option("--key-file", metavar="FILE", section="Decoding", help="Key of an encrypted file.")
@option(
    "--level",
    type=click.IntRange(1, 7),
    metavar="N",
    section="Decoding",
    help="The highest level to decode, 1 to 7: bounds pictures and memory. Default: 6.",
)
def decode(
    input: str,
    output: str | None,
    extension: str | None,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
    frames: str | None,
    scale: str,
    model: str | None,
    jobs: int,
    key_file: str | None,
    level: int | None,
) -> None:
    """Decode an .ivc file into a picture or a video.

    IN.ivc may be '-' for a pipe. A file named with -o is replaced if it exists. Without -o nothing
    is replaced, so that a decoded copy cannot take the place of the original.
    """
    part = None if frames is None else values.parse_frames(frames)
    key = values.read_key(key_file, input)
    with about(input):
        destination = _beside(input, overwrite) if output is None else output
    if as_json and destination == paths.PIPE:
        raise UsageError("--json and the frames cannot both go to standard output; use -o")
    paths.check_output(destination)

    from ivc import api

    began = time.perf_counter()
    with about(input), show_warnings(), ProgressBar(quiet=quiet or as_json) as progress:
        result = api.decode(
            sys.stdin.buffer if input == paths.PIPE else input,
            destination,
            key=key,
            frames=part,
            scale=scale,
            model=model,
            jobs=jobs,
            format=extension,
            **({} if level is None else {"max_level": level}),
            progress=progress,
        )
    elapsed = time.perf_counter() - began
    if as_json:
        print_json(
            {
                "input": input,
                "output": destination,
                "frames": result.frames,
                "width": result.width,
                "height": result.height,
                "truncated": result.truncated,
                "elapsed": elapsed,
            }
        )
    if result.truncated:
        raise TruncatedError(
            f"{input} is cut short: {destination} holds the {result.frames} frames of its whole "
            "segments"
        )
    if not as_json and not quiet:
        count = f"{result.frames} frames, " if result.frames > 1 else ""
        size = f"{result.width}x{result.height}"
        summary(f"{destination}: {count}{size}, {elapsed:.1f} s")


def _beside(path: str, overwrite: bool) -> str:
    if path == paths.PIPE:
        return paths.PIPE
    with paths.open_input(path) as stream:
        still = stream.header.info.still
    destination = paths.beside(path, ".png" if still else ".mkv")
    if Path(destination).exists() and not overwrite:
        raise UsageError(f"{destination} exists already; name the output with -o, or add -y")
    return destination
