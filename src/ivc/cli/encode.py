"""``ivc encode``."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ivc.cli import paths, values
from ivc.cli.help import Command, option
from ivc.cli.terminal import (
    ProgressBar,
    Terminated,
    about,
    human_bytes,
    note,
    print_json,
    show_warnings,
    summary,
)
from ivc.errors import UsageError

if TYPE_CHECKING:
    from ivc.pipeline import EncodeResult


@click.command(
    cls=Command,
    short_help="Encode a picture or clip into an .ivc file.",
    examples=(
        ("ivc encode photo.png", "writes photo.ivc"),
        ("ivc encode photo.png -q 90 -o best.ivc", ""),
        ("ivc encode photo.png --size 20k", "not above 20,000 bytes"),
        ("ivc encode clip.mp4 --bitrate 1.5M --jobs 4", ""),
        ("ivc encode clip.mkv --target psnr=40 --verify", ""),
        ("ivc encode scan.tiff --profile dpcm", "lossless"),
        ("ivc encode 'shots/%04d.png' --frame-rate 24", "writes shots.ivc"),
        ("ivc encode a.yuv --raw 352x288:yuv420p@30", ""),
        ("ffmpeg -i a.mov -f yuv4mpegpipe - | ivc encode - -o a.ivc", ""),
    ),
)
@click.argument("input", metavar="INPUT")
@option(
    "-o",
    "--output",
    metavar="OUT.ivc",
    section="Output",
    help="Where to write; '-' is standard output. Default: INPUT with .ivc.",
)
@option(
    "--json",
    "as_json",
    is_flag=True,
    section="Output",
    help="Print one JSON object about the result.",
)
@option("--quiet", is_flag=True, section="Output", help="No progress, summary or notes.")
@option(
    "--verify",
    is_flag=True,
    section="Output",
    help="Decode the file and compare before it appears.",
)
@option(
    "--resume",
    is_flag=True,
    section="Output",
    help="Go on from the part file of an interrupted run.",
)
@option(
    "--profile",
    default="auto",
    metavar="NAME",
    section="Coding",
    help="The codec; 'ivc profiles' lists them. Default: auto.",
)
@option(
    "-q",
    "--quality",
    type=float,
    metavar="0..100",
    section="Coding",
    help="0 is the smallest file, 100 the best picture. Default: 75.",
)
@option(
    "--effort",
    type=int,
    default=5,
    metavar="1..9",
    section="Coding",
    help="1 is the fastest, 9 the smallest file. Default: 5.",
)
@option(
    "--tune",
    metavar="METRIC",
    section="Coding",
    help="Be best by psnr or by ms-ssim, if the codec can choose; short for --set tune=METRIC.",
)
@option(
    "--model",
    metavar="DIR",
    section="Coding",
    help="Folder of your own model, if the codec takes one; short for --set model=DIR.",
)
@option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    section="Coding",
    help="A setting of the codec's own; may be repeated.",
)
@option(
    "--segment-frames",
    type=int,
    metavar="N",
    section="Coding",
    help="Frames coded together: random access and memory against size.",
)
@option(
    "--jobs",
    type=int,
    default=1,
    metavar="N",
    section="Coding",
    help="Worker processes for a clip, threads for a still. Default: 1 process, its codec on "
    "all cores if it can.",
)
@option(
    "--size",
    metavar="BYTES",
    section="Targets, instead of a quality",
    help="Size of the file, not exceeded: 20k, 1.5M, 64KiB.",
)
@option(
    "--bitrate",
    metavar="BITS/S",
    section="Targets, instead of a quality",
    help="Bits a second of the whole file: 800k, 2M.",
)
@option(
    "--target",
    metavar="METRIC=VALUE",
    section="Targets, instead of a quality",
    help="psnr=38, ssim=0.98 or ms-ssim=0.99.",
)
@option(
    "--key-file",
    metavar="FILE",
    section="Encryption",
    help="32 bytes, 64 hexadecimal digits, or a passphrase.",
)
@option(
    "--encrypt",
    metavar="LAYER,...",
    section="Encryption",
    help="Only these layers and attachments; default with a key: all.",
)
@option(
    "--frame-rate",
    metavar="RATE",
    section="Input",
    help="Frames a second of numbered pictures: 25, 30000/1001.",
)
@option(
    "--raw",
    metavar="WxH:FORMAT[@RATE]",
    section="Input",
    help="Headerless planar video: gray, yuv420p, yuv422p, yuv444p, rgbp, with 10 to 16 "
    "after it for more bits.",
)
def encode(
    input: str,
    output: str | None,
    as_json: bool,
    quiet: bool,
    settings: tuple[str, ...],
    tune: str | None,
    size: str | None,
    bitrate: str | None,
    target: str | None,
    key_file: str | None,
    encrypt: str | None,
    frame_rate: str | None,
    raw: str | None,
    **options: Any,
) -> None:
    """Encode a picture or a clip into an .ivc file.

    INPUT is any picture or video file, numbered pictures such as 'shots/%04d.png', or '-' for a
    y4m pipe. An existing OUT.ivc is replaced once the new one is complete.
    """
    destination = paths.beside(input, ".ivc") if output is None else output
    if as_json and destination == paths.PIPE:
        raise UsageError("--json and the file cannot both go to standard output; use -o")
    paths.check_output(destination)
    request: dict[str, Any] = {
        "size": None if size is None else values.parse_size(size),
        "bitrate": None if bitrate is None else values.parse_bitrate(bitrate),
        "target": None if target is None else values.parse_target(target),
        "settings": values.parse_settings([*settings, *([] if tune is None else [f"tune={tune}"])]),
        "encrypt": values.parse_encryption(encrypt, values.read_key(key_file, input)),
        "frame_rate": None if frame_rate is None else values.parse_rate(frame_rate),
        "raw": None if raw is None else values.parse_raw(raw),
        **options,
    }
    from ivc import api

    began = time.perf_counter()
    try:
        with about(input), show_warnings(), ProgressBar(quiet=quiet or as_json) as progress:
            result = api.encode(input, destination, progress=progress, **request)
    except (KeyboardInterrupt, Terminated) as interruption:
        if Path(f"{destination}.part").exists():
            interruption.args = ("--resume goes on from here",)
        raise
    elapsed = time.perf_counter() - began
    if as_json:
        print_json(_document(input, destination, result, elapsed))
    elif not quiet:
        for remark in result.notes:
            note(remark)
        summary(_summary(destination, result, elapsed))


def _document(
    source: str, destination: str, result: EncodeResult, elapsed: float
) -> dict[str, Any]:
    return {
        "input": source,
        "output": destination,
        "profile": result.profile,
        "settings": dataclasses.asdict(result.settings),
        "frames": result.frames,
        "width": result.width,
        "height": result.height,
        "bytes": result.bytes,
        "bits_per_pixel": result.bits_per_pixel,
        "duration": result.seconds,
        "bitrate": result.bytes * 8 / result.seconds if result.seconds else None,
        "metrics": result.metrics,
        "probes": result.probes,
        "notes": result.notes,
        "elapsed": elapsed,
    }


def _summary(destination: str, result: EncodeResult, elapsed: float) -> str:
    facts = [human_bytes(result.bytes), f"{result.bits_per_pixel:.3g} bits/pixel"]
    if result.seconds:
        facts.append(f"{result.bytes * 8 / result.seconds / 1000:.4g} kbit/s")
        facts.append(f"{result.frames} frames")
    facts += [f"{name} {value:.5g}" for name, value in result.metrics.items()]
    facts.append(f"{elapsed:.1f} s")
    return f"{destination}: {', '.join(facts)}"
