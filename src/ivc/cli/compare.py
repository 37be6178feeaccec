"""``ivc compare``."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ivc.cli import paths
from ivc.cli.benchbar import Bar
from ivc.cli.help import Command, option
from ivc.cli.terminal import FAILED, human_bytes, note, print_json, print_table, show_warnings
from ivc.errors import UsageError

if TYPE_CHECKING:
    from ivc.bench.compare import Comparison


@click.command(
    cls=Command,
    short_help="Compare ivc with the tools of today on one picture or clip.",
    examples=(
        ("ivc compare photo.png", "a table, and photo-compare.html"),
        ("ivc compare clip.mp4 --frames 48", ""),
        ("ivc compare photo.png -q 80 --codec avif --codec heic", ""),
        ("ivc compare scan.png --profile dpcm", "lossless, against PNG and its like"),
    ),
)
@click.argument("input", metavar="INPUT")
@option(
    "-o",
    "--output",
    metavar="PAGE.html",
    section="Output",
    help="Where to write the report. Default: INPUT's name with -compare.html, here.",
)
@option("--no-report", is_flag=True, section="Output", help="Only print the table.")
@option(
    "--json",
    "as_json",
    is_flag=True,
    section="Output",
    help="Print one JSON object about the result.",
)
@option("--quiet", is_flag=True, section="Output", help="No progress or notes.")
@option(
    "--profile",
    metavar="NAME",
    section="Comparison",
    help="Codec of ivc. Default: what 'ivc encode' takes.",
)
@option(
    "-q",
    "--quality",
    type=float,
    metavar="0..100",
    section="Comparison",
    help="Quality of ivc that the others are matched to. Default: 60.",
)
@option(
    "--effort",
    type=int,
    default=5,
    metavar="1..9",
    section="Comparison",
    help="Effort of ivc. Default: 5.",
)
@option(
    "--codec",
    "codecs",
    multiple=True,
    metavar="NAME",
    section="Comparison",
    help="Compare with this codec; may be repeated. 'ivc bench --list' names them.",
)
@option(
    "--metric",
    default="psnr-y",
    metavar="NAME",
    section="Comparison",
    help="What is made equal: psnr-y, psnr-rgb, psnr-yuv, ssim or ms-ssim. Default: psnr-y.",
)
@option(
    "--frames",
    type=int,
    default=64,
    metavar="N",
    section="Comparison",
    help="Take the first so many frames of a clip; 0 takes all. Default: 64.",
)
@option(
    "--threads",
    type=int,
    default=1,
    metavar="N",
    section="Comparison",
    help="Threads that every codec may use. Default: 1.",
)
@option(
    "--jobs",
    type=int,
    metavar="N",
    section="Comparison",
    help="Codecs that run side by side, but for timing. Default: one a core, at most 4.",
)
def compare(
    input: str,
    output: str | None,
    no_report: bool,
    as_json: bool,
    quiet: bool,
    profile: str | None,
    quality: float | None,
    effort: int,
    codecs: tuple[str, ...],
    metric: str,
    frames: int,
    threads: int,
    jobs: int | None,
) -> None:
    """Compare ivc with the tools of today on your own picture or clip.

    Every codec encodes INPUT into a file, and another process decodes it. The table says how many
    bytes each of them needs for the same quality; the report has curves and pictures to look at.
    Needs: pip install 'ivc[bench]'.
    """
    from ivc.bench import require_tools, summary
    from ivc.bench.compare import compare as run
    from ivc.bench.look import Look
    from ivc.bench.material import prepare
    from ivc.bench.scores import PLAIN
    from ivc.bench.store import Store

    require_tools()
    if metric not in PLAIN:
        raise UsageError(f"--metric {metric}: quality is matched by {', '.join(PLAIN)}")
    for name, value, least in (("frames", frames, 0), ("threads", threads, 1), ("jobs", jobs, 1)):
        if value is not None and value < least:
            raise UsageError(f"--{name} {value}: the least is {least}")
    if not 1 <= effort <= 9:
        raise UsageError(f"--effort {effort}: efforts are 1 to 9")
    piped = input == paths.PIPE
    beside = "compare.html" if piped else Path(paths.beside(input, "-compare.html")).name
    page = Path(output or beside)
    if not no_report:
        if output == paths.PIPE:
            raise UsageError("the report is written to a file; name one with -o")
        paths.check_output(str(page))
        if page.exists() and Path(input).exists() and page.samefile(input):
            raise UsageError(f"{page} is the input; name another file with -o")
    workers = jobs or max(1, min(4, os.cpu_count() or 1))
    with show_warnings(), tempfile.TemporaryDirectory(prefix="ivc-compare-") as folder:
        source = sys.stdin.buffer if piped else Path(input)
        name = "standard input" if piped else ""
        material = prepare(source, Path(folder), name=name, frames=frames or None)
        look = Look(material)
        with Store(Path(folder) / "results.sqlite") as store, Bar(quiet=quiet) as bar:
            found = run(
                material,
                store,
                Path(folder),
                ours=_ours(profile, effort, material.still),
                others=codecs,
                quality=quality,
                metric=metric,
                threads=threads,
                workers=workers,
                watch=bar.step,
                keep=look.keep,
            )
        if not as_json:
            # before the report: what was measured is told, whatever happens to that
            _print(found, threads)
        size = None if no_report else _write_report(found, look, page)
    if not quiet:
        for line in found.skipped:
            note(line)
        for name, why in found.failed.items():
            note(f"warning: {name} failed: {why}")
        for point in summary.failures(found.points):
            if point.codec not in found.failed:
                note(f"warning: {point.title} failed at {point.setting:g}: {point.error}")
    if as_json:
        print_json(_document(found, page if size else None))
    elif size:
        print(f"\n{page} ({human_bytes(size)}) has the curves, and the pictures to look at.")
    if found.failed:
        raise click.exceptions.Exit(FAILED)


def _ours(profile: str | None, effort: int, still: bool) -> str:
    from ivc.pipeline.encode import AUTO

    name = profile or AUTO[still]
    return f"ivc:{name}" + (f",effort={effort}" if effort != 5 else "")


def _write_report(found: Comparison, look: Any, page: Path) -> int:
    from ivc.bench.pages import report_of
    from ivc.report import write_report

    material = found.material
    kind = "still" if material.still else f"{material.frames} frames"
    report = report_of(
        found.points,
        title=f"{material.name}: ivc and the tools of today",
        timings=[match.point for match in found.matches.values()],
        notes=found.skipped,
        about={
            "input": f"{material.name}, {material.width} x {material.height}, {kind}",
            "time and memory": "of whole processes; those of matched settings ran alone, once",
        },
        pictures=[look.picture()],
    )
    return write_report(report, page)


def _print(found: Comparison, threads: int) -> None:
    from ivc.bench import summary

    material = found.material
    kind = "" if material.still else f", {material.frames} frames"
    print(f"{material.name}: {material.width} x {material.height}{kind}")
    ours = found.ours
    if found.metric:
        value = ours.figure(found.metric) or 0.0
        unit = summary.unit(found.metric)
        if ours.exact:
            print("ivc is lossless here:")
        else:
            print(f"at ivc's {summary.title(found.metric)} of {value:.4g} {unit}".rstrip() + ":")
    rows = []
    for match in found.matches.values():
        point = match.point
        bytes_ = match.equal
        change = ""
        if bytes_ is not None and match.point.codec != ours.codec:
            change = f"{100 * (bytes_ / ours.size - 1):+.0f} %"
        figure = point.figure(found.metric) if found.metric else None
        assert point.encode and point.decode
        rows.append(
            [
                point.title,
                f"{point.setting:g}" if not point.lossless else "",
                human_bytes(point.size),
                "lossless" if point.exact else "" if figure is None else f"{figure:.4g}",
                "out of reach" if bytes_ is None else human_bytes(bytes_),
                change,
                f"{point.encode.process_seconds:.2f}",
                f"{point.decode.process_seconds:.2f}",
                human_bytes(max(point.encode.peak_bytes, point.decode.peak_bytes)),
            ]
        )
    for name in found.failed:
        rows.append([name, "", "", "failed", "", "", "", "", ""])
    head = ["codec", "setting", "file", summary.title(found.metric) if found.metric else "quality"]
    head += ["bytes at equal", "than ivc", "encode s", "decode s", "memory"]
    print_table(head, rows)
    cores = f"{threads} processor{'s' if threads > 1 else ''}"
    print("Seconds and memory are those of whole processes, with the start of Python where it is")
    print(f"used; each ran once, alone, on {cores}.")


def _document(found: Comparison, page: Path | None) -> dict[str, Any]:
    material = found.material
    return {
        "input": material.name,
        "width": material.width,
        "height": material.height,
        "frames": material.frames,
        "metric": found.metric or None,
        "report": str(page) if page else None,
        "codecs": [
            {
                "codec": match.point.codec,
                "setting": match.point.setting,
                "bytes": match.point.size,
                "bytes_at_equal_quality": match.equal,
                "metrics": dict(match.point.metrics),
                "exact": match.point.exact,
                "encode_seconds": match.point.encode and match.point.encode.process_seconds,
                "decode_seconds": match.point.decode and match.point.decode.process_seconds,
                "encode_peak_bytes": match.point.encode and match.point.encode.peak_bytes,
                "decode_peak_bytes": match.point.decode and match.point.decode.peak_bytes,
                "commands": list(match.point.commands),
                "version": match.point.version,
            }
            for match in found.matches.values()
        ],
        "failed": found.failed,
        "skipped": found.skipped,
    }
