"""``ivc bench``."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ivc.cli import paths
from ivc.cli.benchbar import Bar
from ivc.cli.help import Command, option
from ivc.cli.terminal import human_bytes, note, print_table, show_warnings
from ivc.errors import UsageError

if TYPE_CHECKING:
    from ivc.bench.material import Material
    from ivc.bench.points import Point
    from ivc.bench.runner import Job
    from ivc.bench.store import Store
    from ivc.bench.suite import Suite
    from ivc.bench.summary import Speed


@click.command(
    cls=Command,
    short_help="Measure codecs on sets of pictures and clips.",
    examples=(
        ("ivc bench quick", "on pictures that come with the bench; report in bench/quick"),
        ("ivc bench kodak --data kodak/ --jobs 4", "again: only what changed is run"),
        ("ivc bench clips --data clips/ --codec ivc:dct --codec x264-medium", ""),
        ("ivc bench kodak --data kodak/ --timing", "speed, one command at a time"),
        ("ivc bench my.toml --data pictures/ -o results", "your own suite"),
        ("ivc bench --list", "all codecs and suites, and what is missing"),
    ),
)
@click.argument("suite", metavar="SUITE", required=False)
@option("--data", metavar="DIR", section="Suite", help="Folder of the suite's pictures or clips.")
@option(
    "--codec",
    "codecs",
    multiple=True,
    metavar="NAME",
    section="Suite",
    help="Only this codec or group; may be repeated: ivc:image,effort=9, jpeg-420, stills.",
)
@option(
    "--metric",
    "metrics",
    multiple=True,
    metavar="NAME",
    section="Suite",
    help="Another metric too, such as vmaf or ssimulacra2; may be repeated.",
)
@option(
    "--frames",
    type=int,
    metavar="N",
    section="Suite",
    help="Take the first so many frames of each clip. Default: the suite's.",
)
@option(
    "--list",
    "listing",
    is_flag=True,
    section="Suite",
    help="List codecs with their versions, suites and metrics.",
)
@option(
    "--jobs",
    type=int,
    default=1,
    metavar="N",
    section="Running",
    help="Commands that run side by side. Default: 1.",
)
@option(
    "--threads",
    type=int,
    default=1,
    metavar="N",
    section="Running",
    help="Threads that every codec may use. Default: 1.",
)
@option(
    "--timing",
    is_flag=True,
    section="Running",
    help="Then measure speed: warm, one command at a time, medians.",
)
@option(
    "--timeout",
    type=float,
    default=3600.0,
    metavar="S",
    section="Running",
    help="Seconds after which a command has failed. Default: 3600.",
)
@option(
    "-o",
    "--output",
    metavar="DIR",
    section="Output",
    help="For results and report. Default: bench/ and the suite's name.",
)
@option(
    "--export",
    multiple=True,
    metavar="FILE",
    section="Output",
    help="Write the results also as .jsonl or .csv; may be repeated.",
)
@option("--no-report", is_flag=True, section="Output", help="Write no report.html.")
@option("--quiet", is_flag=True, section="Output", help="No progress or notes.")
def bench(
    suite: str | None,
    data: str | None,
    codecs: tuple[str, ...],
    metrics: tuple[str, ...],
    frames: int | None,
    listing: bool,
    jobs: int,
    threads: int,
    timing: bool,
    timeout: float,
    output: str | None,
    export: tuple[str, ...],
    no_report: bool,
    quiet: bool,
) -> None:
    """Measure data sets x codecs x qualities, and write a report.

    SUITE is one that ivc brings (quick, kodak, clips, lossless) or a TOML file. Results are kept in
    results.sqlite: an interrupted run goes on where it was, and only what changed is run again.
    A codec that fails is told as failed; the exit code is then 1. Needs: pip install 'ivc[bench]'.
    """
    if listing:
        _list()
        return
    if suite is None:
        raise UsageError("name a suite; 'ivc bench --list' lists them")
    for name, value in (("jobs", jobs), ("threads", threads), ("frames", frames)):
        if value is not None and value < 1:
            raise UsageError(f"--{name} {value}: the least is 1")
    for file in export:
        if Path(file).suffix not in (".jsonl", ".csv"):
            raise UsageError(f"--export {file}: the name ends with .jsonl or .csv")
        paths.check_output(file)
    if not 0 < timeout < math.inf:
        raise UsageError(f"--timeout {timeout}: a number of seconds above 0")
    from ivc.bench import require_tools
    from ivc.bench.suite import load

    require_tools()
    chosen = load(suite)
    chosen = replace(chosen, metrics=_metrics(chosen, metrics), frames=frames or chosen.frames)
    folder = Path(output or Path("bench") / chosen.name)
    with show_warnings(), Bar(quiet=quiet, failures=True) as bar:
        notes, points, timings, report = _run(
            chosen, folder, None if data is None else Path(data), codecs, bar,
            jobs=jobs, threads=threads, timing=timing, timeout=timeout, report=not no_report,
        )  # fmt: skip
    if not quiet:
        for line in notes:
            note(line)
    _print(chosen, points, timings)
    _export(export, points, timings)
    if report:
        size = human_bytes(report.stat().st_size)
        print(f"\n{report} ({size}) has curves, tables and pictures.")
    failed = sum(bool(point.error) for point in (*points, *timings))
    if failed:
        print(f"ivc: {failed} of {len(points) + len(timings)} runs failed", file=sys.stderr)
        raise click.exceptions.Exit(1)


def _metrics(suite: Suite, more: Sequence[str]) -> tuple[str, ...]:
    from ivc.bench.scores import PLAIN
    from ivc.metrics import available, metric_name

    names = [name if name in PLAIN else metric_name(name) for name in (*suite.metrics, *more)]
    for name in names:
        why = None if name in PLAIN else available(name)
        if why:
            raise UsageError(f"the metric {name} cannot be computed: {why}")
    return tuple(dict.fromkeys(names))


def _run(
    suite: Suite, folder: Path, data: Path | None, codecs: Sequence[str], bar: Bar, *,
    jobs: int, threads: int, timing: bool, timeout: float, report: bool,
) -> tuple[list[str], list[Point], list[Point], Path | None]:  # fmt: skip
    """Measure and report; notes, points, timings and the report's path."""
    from ivc.bench.material import prepare
    from ivc.bench.runner import jobs_of, measure
    from ivc.bench.store import Store
    from ivc.bench.timing import time_points

    folder.mkdir(parents=True, exist_ok=True)
    prepared = folder / "sources"
    prepared.mkdir(exist_ok=True)
    materials = [
        prepare(path, prepared, name=name, frames=suite.frames) for name, path in suite.paths(data)
    ]
    wanted, notes = jobs_of(
        materials, suite.contenders(codecs), ladders=suite.ladders, threads=threads
    )
    with Store(folder / "results.sqlite") as store:
        points = measure(
            wanted, store, suite.metrics, workers=jobs, timeout=timeout, watch=bar.step
        )
        timed = _timed(suite, materials, codecs, threads)
        if timing:
            timings = time_points(
                timed, store, repeat=suite.timing.repeat, timeout=timeout, watch=bar.timing
            )
        else:
            timings = _known_timings(store, timed)
        page = folder / "report.html" if report else None
        if page:
            _write_report(page, suite, points, timings, notes, materials, folder)
    return notes, points, timings, page


def _timed(
    suite: Suite, materials: Sequence[Material], only: Sequence[str], threads: int
) -> list[Job]:
    """What ``--timing`` times: the first sources of each kind, at a middle setting."""
    from ivc.bench.runner import jobs_of
    from ivc.bench.timing import middle

    first = [m for m in materials if m.still][: suite.timing.sources]
    first += [m for m in materials if not m.still][: suite.timing.sources]
    chosen = suite.contenders(suite.timing.codecs or only)
    if only:
        asked = {codec.name for codec in suite.contenders(only)}
        chosen = [codec for codec in chosen if codec.name in asked]
    ladders = {
        c.name: (suite.timing.settings.get(c.name, middle(suite.ladders.get(c.name, c.ladder))),)
        for c in chosen
    }
    return jobs_of(first, chosen, ladders=ladders, threads=threads)[0]


def _known_timings(store: Store, jobs: Sequence[Job]) -> list[Point]:
    from ivc.bench.runner import machine

    found = []
    for job in jobs:
        point = store.get_timing(job.key, machine())
        if point:
            found.append(replace(point, source=job.material.name))
    return found


def _write_report(
    page: Path,
    suite: Suite,
    points: Sequence[Point],
    timings: Sequence[Point],
    notes: Sequence[str],
    materials: Sequence[Material],
    folder: Path,
) -> None:
    from ivc.bench.look import pictures
    from ivc.bench.pages import report_of
    from ivc.report import write_report

    report = report_of(
        points,
        title=suite.title,
        timings=timings,
        notes=[*([suite.about] if suite.about else []), *notes],
        literature=suite.published,
        pictures=pictures(suite, materials, points, folder),
    )
    write_report(report, page)


def _export(files: Sequence[str], points: Sequence[Point], timings: Sequence[Point]) -> None:
    from ivc.bench.exports import write_csv, write_json_lines

    for file in files:
        if file.endswith(".csv"):
            write_csv(Path(file), points)
        else:
            write_json_lines(Path(file), points, timings)


def _print(suite: Suite, points: Sequence[Point], timings: Sequence[Point]) -> None:
    """BD-rates against the suite's reference, or sizes of lossless codecs; and speeds."""
    _print_tables(suite, points, timings)
    timed = [point for point in timings if point.encode]
    if timed and timed[0].encode:
        count, threads = timed[0].encode.repetitions, timed[0].threads
        names = ", ".join(dict.fromkeys(point.source for point in timed))
        print(
            f"Speed of whole processes on {names}: median of {count} after a warm-up, on {threads}"
        )
        print(f"processor(s) of {timed[0].machine}.")


def _print_tables(suite: Suite, points: Sequence[Point], timings: Sequence[Point]) -> None:
    from ivc.bench import summary

    speeds = summary.speeds(timings)
    curved = summary.lossy(points)
    titles = {point.codec: point.title for point in points}
    if curved:
        reference = suite.reference
        if reference not in titles:
            reference = curved[0].codec
        metrics = [m for m in suite.metrics if m in summary.metrics_of(curved)]
        print(f"BD-rate against {titles[reference]}, mean over sources:")
        rows = []
        for codec in summary.codecs_of(curved):
            row = [titles[codec]]
            for metric in metrics:
                row.append(_difference(curved, metric, codec, reference))
            rows.append(row + _speed_cells(speeds.get(codec)))
        head = ["codec", *(summary.title(metric) for metric in metrics), *_SPEED]
        print_table(head, rows)
    exact = [point for point in points if point.lossless]
    if exact:
        print("Lossless, bits a pixel over all sources:")
        rows = []
        for codec in summary.codecs_of(exact):
            own = [point for point in exact if point.codec == codec]
            failed = [point for point in own if point.error]
            good = [point for point in own if not point.error]
            bits = 8 * sum(p.size for p in good) / max(1, sum(p.pixels for p in good))
            cell = f"{bits:.4f}" if not failed else f"failed on {len(failed)}"
            rows.append([titles[codec], cell, f"{len(good)}", *_speed_cells(speeds.get(codec))])
        print_table(["codec", "bpp", "sources", *_SPEED], rows)


_SPEED = ("encode MP/s", "decode MP/s", "memory")


def _speed_cells(speed: Speed | None) -> list[str]:
    if speed is None:
        return ["", "", ""]
    peak = human_bytes(max(speed.encode_peak, speed.decode_peak))
    return [
        f"{speed.megapixels / speed.encode_process:.3g}",
        f"{speed.megapixels / speed.decode_process:.3g}", peak,
    ]  # fmt: skip


def _difference(points: Sequence[Point], metric: str, test: str, reference: str) -> str:
    from ivc.bench import summary

    if test == reference:
        return "0"
    found = summary.difference(points, metric, test, reference)
    if found.failed:
        return f"failed on {found.failed} of {found.total}"
    if found.mean is None:
        return "no overlap" if found.total else ""
    text = f"{found.mean:+.1f} %"
    return text if found.complete else f"{text} ({found.count} of {found.total})"


def _list() -> None:
    from ivc.bench import suite
    from ivc.bench.contenders import anchors, find
    from ivc.bench.scores import PLAIN
    from ivc.codecs import CODECS
    from ivc.metrics import OPTIONAL_METRICS, available

    rows = []
    for codec in [*(find(f"ivc:{profile.name}") for profile in CODECS), *anchors()]:
        why = codec.missing()
        takes = "stills and clips" if codec.stills and codec.clips else "stills"
        takes = takes if codec.stills else "clips"
        takes += ", lossless" if codec.lossless else ""
        rows.append([codec.name, codec.title, takes, f"missing: {why}" if why else codec.version()])
    print_table(["codec", "title", "takes", "version"], rows, left=4)
    print("\nsuites")
    for name in suite.names():
        print(f"  {name:10} {suite.load(name).about}")
    print("\nmetrics")
    print(f"  {', '.join(PLAIN)}")
    for name in OPTIONAL_METRICS:
        why = available(name)
        print(f"  {name:12} {'missing: ' + why if why else 'ready'}")
