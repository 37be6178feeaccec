"""docs/benchmarks.md and its plots from stored results.

    python benchmarks/page.py            writes them
    python benchmarks/page.py --check    says which of them differ from what is stored; exit code 1

The results are benchmarks/results/bench/*.jsonl, which ``ivc bench SUITE … --export FILE.jsonl``
writes. Nothing on the page is typed by hand but the words between the tables.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ivc.bench import bd, published, suite, summary
from ivc.bench.exports import read_json_lines
from ivc.bench.points import Point
from ivc.report import LabelledPoint, Series, svg_plot, svg_scatter

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "bench"
PAGE = ROOT / "docs" / "benchmarks.md"
PLOTS = ROOT / "docs" / "images" / "bench"
PUBLISHED = {"jpeg-420": "jpeg", "webp": "webp", "jpeg2000": "jpeg2000", "avif": "av1",
             "heic": "bpg444"}  # fmt: skip
"""Our anchors, and the published codecs that they are closest to."""
DRAWN = ("jpeg", "webp", "bpg444", "vtm", "bmshj2018-hyperprior", "mbt2018", "cheng2020-anchor",
         "elic", "c3-adaptive", "coolchic-5.0")  # fmt: skip

LEFT_OUT = ("jpeg-444", "jxl-9", "avif-default", "heic-default")
"""Codecs that are in the tables but not in the drawings of curves, which would be too full."""

INTRODUCTION = """# Benchmarks

<!-- Written by benchmarks/page.py from benchmarks/results/bench; do not edit. -->

Every rate on this page is the size of a file on disk. Another process, which had nothing but that
file, decoded it, and what it wrote was compared with the original. The codecs of ivc run as the
`ivc` command, the others as Pillow, imagecodecs, pillow-heif and FFmpeg have them.

Measure it yourself, on your own pictures or with your own codec beside ours
([`ivc bench`](cli.md#bench), [`ivc compare`](cli.md#compare)):

```bash
pip install 'ivc[bench]'
ivc compare photo.png
ivc bench quick
ivc bench kodak --data kodak/ --timing
```

**How to read the tables.** A BD-rate says how many per cent more bytes (negative: fewer) a codec
needs than the reference at the same quality: PCHIP over log rate, mean over pictures or clips; in
brackets the 95 % interval of the mean from drawing pictures with replacement. MS-SSIM is that of
luma, compared in dB. A PSNR of a clip is that of the mean squared error of all its frames. A codec
that failed anywhere has no mean; where its curve does not reach that of the reference, the cell
says over how many of how many the mean is. The last column is the range of quality that is compared
on every picture.

**Speed.** `own work` is encoding from and decoding to memory in a process that has done it once
before; programs of one process a file have no such figure. `process` is a whole command from its
start to its end, with reading and writing of files (and, for all but FFmpeg's codecs, the start of
Python). Medians of several runs after a warm-up, one at a time, on one processor. Megapixels count
luma samples. Memory is the peak of resident memory of the whole process tree.
"""


@dataclass(frozen=True)
class Results:
    """One suite's results."""

    suite: suite.Suite
    points: list[Point]
    timings: list[Point]

    @property
    def titles(self) -> dict[str, str]:
        """Titles by name of the codec."""
        return {p.codec: p.title for p in self.points}


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> str:
    """A table of Markdown whose columns after the first ones are set right."""
    rule = ["---" if i < left else "---:" for i in range(len(head))]
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, rule, *rows)) + "\n"


def sign(value: float) -> str:
    """Per cent with a sign that typesets."""
    return f"{value:+.1f} %".replace("-", "−")


def cell(results: Results, metric: str, test: str, reference: str) -> str:
    """A BD-rate as the tables have it."""
    if test == reference:
        return "0"
    found = summary.difference(results.points, metric, test, reference)
    if found.failed:
        return f"failed on {found.failed} of {found.total}"
    if found.mean is None:
        return "no overlap" if found.total else ""
    text = sign(found.mean)
    if found.interval:
        low, high = (f"{value:+.0f}".replace("-", "−") for value in found.interval)
        text += f" ({low} … {high})"
    return text if found.complete else f"{text}, {found.count} of {found.total}"


def rates(results: Results, references: Sequence[str], metrics: Sequence[str]) -> str:
    """BD-rates of all codecs against some references."""
    curved = summary.lossy(results.points)
    ranges = {
        codec: [
            summary.difference(results.points, metrics[0], codec, ref).common for ref in references
        ]
        for codec in summary.codecs_of(curved)
    }
    head = ["codec"]
    head += [
        f"{summary.title(metric)} against {results.titles[reference]}"
        for reference in references
        for metric in metrics
    ]
    head += [f"{summary.title(metrics[0])} compared on all" for _ in references]
    rows = [
        [results.titles[codec]]
        + [cell(results, metric, codec, ref) for ref in references for metric in metrics]
        + [f"{r[0]:.1f} … {r[1]:.1f}" if r else "varies" for r in ranges[codec]]
        for codec in summary.codecs_of(curved)
    ]
    return table(head, rows)


def levels(results: Results, metric: str, at: Sequence[float], rate: str = "bits a pixel") -> str:
    """Rate of mean curves at some qualities."""
    means = summary.mean_points(summary.lossy(results.points), metric)
    rows = []
    for codec, curve in means.items():
        row = [results.titles[codec]]
        for level in at:
            value = bd.rate_at(curve, level)
            row.append("" if value is None else f"{value:.3f}")
        rows.append(row)
    missing = [results.titles[c] for c in summary.codecs_of(summary.lossy(results.points))
               if c not in means]  # fmt: skip
    text = f"Mean {rate} at mean {summary.title(metric)}:\n\n"
    text += table(["codec", *(f"{level:g} dB" for level in at)], rows)
    if missing:
        text += f"\nNo mean curve, since some of their points are missing: {', '.join(missing)}.\n"
    return text


def speed(results: Results) -> str:
    """Speed and memory of what was timed."""
    rows = []
    for codec, found in summary.speeds(results.timings).items():
        rows.append(
            [
                results.titles.get(codec, codec),
                f"{found.megapixels / found.encode:.3g}" if found.warm else "",
                f"{found.megapixels / found.decode:.3g}" if found.warm else "",
                f"{found.encode_process:.2f}",
                f"{found.decode_process:.2f}",
                f"{found.encode_peak / 1e6:.0f}",
                f"{found.decode_peak / 1e6:.0f}",
            ]
        )
    timed = [p for p in results.timings if not p.error]
    if not timed:
        return ""
    names = ", ".join(dict.fromkeys(f"{p.source} ({p.width}x{p.height})" for p in timed))
    frames = f", {timed[0].frames} frames" if timed[0].frames > 1 else ""
    first = timed[0].encode
    count = first.repetitions if first else 0
    head = ["codec", "own work, encode MP/s", "decode MP/s", "process, encode s", "decode s",
            "memory, encode MB", "decode MB"]  # fmt: skip
    text = (
        f"Speed and memory at a middle setting on {names}{frames}; {timed[0].threads} thread, "
        f"median of {count} after a warm-up; {timed[0].machine}:\n\n"
    )
    failed = [p for p in results.timings if p.error]
    text += table(head, rows)
    return text + "".join(f"\nTiming {p.title} failed: {p.error}.\n" for p in failed)


def failures(results: Results) -> str:
    """What failed, always said."""
    failed = summary.failures(results.points)
    if not failed:
        return f"All {len(results.points)} encodings and decodings succeeded.\n"
    rows = [[p.title, p.source, f"{p.setting:g}", p.error] for p in failed]
    text = f"{len(failed)} of {len(results.points)} failed:\n\n"
    return text + table(["codec", "source", "setting", "error"], rows, left=4)


def plot(results: Results, metric: str, *, literature: bool, most: float, log: bool = False) -> str:
    """Mean curves; published ones are dashed."""
    means = summary.mean_points(summary.lossy(results.points), metric)
    lines = [
        Series(results.titles[codec], [p for p in curve if p[0] <= most])
        for codec, curve in means.items()
        if codec not in LEFT_OUT
    ]
    if literature:
        for entry in published.curves("kodak"):
            curve = entry.curves.get(metric)
            if curve and entry.name in DRAWN:
                kept = [p for p in curve if p[0] <= most]
                lines.append(Series(f"{entry.title}, published", kept, dashed=True))
    in_db = ", dB"
    return svg_plot(
        f"{results.suite.title}: mean {summary.title(metric)} over mean rate", "bits a pixel",
        summary.title(metric) + in_db, lines, height=620 if literature else 460, log_x=log,
    )  # fmt: skip


def scatter(results: Results, metric: str, direction: str, *, process: bool = False) -> str:
    """Speed, of the codecs' own work or of whole processes, against efficiency."""
    marks = []
    for codec, found in summary.speeds(results.timings).items():
        seconds = getattr(found, f"{direction}_process" if process else direction)
        reference = results.suite.reference
        if codec == reference:
            value: float | None = 0.0
        else:
            value = summary.difference(results.points, metric, codec, reference).mean
        if value is not None:
            title = results.titles.get(codec, codec)
            marks.append(LabelledPoint(title, found.megapixels / seconds, value))
    against = results.titles[results.suite.reference]
    what = "whole process" if process else "own work"
    return svg_scatter(
        f"{results.suite.title}: speed against efficiency",
        f"{direction} megapixels a second, {what}",
        f"BD-rate against {against}, {summary.title(metric)}, %", marks,
    )  # fmt: skip


def agreement(results: Results) -> str:
    """Own runs of anchors beside the published curves of the same formats."""
    means = summary.mean_points(results.points, "psnr-rgb")
    own = {name: means[name] for name in PUBLISHED if name in means}
    found = published.agreement(own, pairs=PUBLISHED)
    titles = {entry.name: entry.title for entry in published.curves("kodak")}
    rows = [
        [results.titles[name], titles[PUBLISHED[name]], sign(value.value),
         f"{value.low:.1f} … {value.high:.1f}"]
        for name, value in found.differences.items()
    ]  # fmt: skip
    text = table(["own run", "published", "own needs", "over dB"], rows, left=2)
    for order in found.orders:
        names = " < ".join(results.titles[name] for name in order.own)
        verdict = "the same" if order.same else "published: " + " < ".join(
            results.titles[name] for name in order.published
        )  # fmt: skip
        text += f"\n- at {order.level:g} dB: {names} ({verdict})"
    return text + "\n"


def lossless(results: Results) -> str:
    """Bits a pixel of lossless codecs, a column for each folder of pictures."""
    names = {p.source for p in results.points}
    folders = sorted({name.rpartition("/")[0] for name in names})
    rows = []
    for codec in summary.codecs_of(results.points):
        points = [p for p in results.points if p.codec == codec]
        failed = [p for p in points if p.error]
        title = results.titles[codec]
        if failed:
            blank = [""] * len(folders)
            rows.append([title, *blank, f"failed on {len(failed)} of {len(names)}"])
            continue
        bits = []
        for folder in folders:
            inside = [p for p in points if p.source.rpartition("/")[0] == folder]
            rate = 8 * sum(p.size for p in inside) / sum(p.pixels for p in inside)
            bits.append(f"{rate:.3f}")
        rows.append([title, *bits, f"{sum(p.size for p in points):,}"])
    what = results.suite.title.partition(" ")[2]
    frames = f", {results.suite.frames} frames at most" if results.suite.frames else ""
    text = f"{len(names)} {what}{frames}; every sample came back. Bits a pixel, and bytes:\n\n"
    counts = [sum(name.rpartition("/")[0] == folder for name in names) for folder in folders]
    heads = [
        f"{folder}, {count}" if folder else "bits a pixel"
        for folder, count in zip(folders, counts, strict=True)
    ]
    return text + table(["codec", *heads, "bytes"], rows)


def versions(results: Sequence[Results]) -> str:
    """What each codec is, and the commands that make files of it."""
    found = {}
    for one in results:
        for point in one.points:
            found.setdefault(point.codec, point)
    # of FFmpeg's codecs the options are in the command
    rows = []
    for p in found.values():
        version = p.version
        if version.startswith("ffmpeg"):
            version = version.partition(": ")[0]
        rows.append([p.title, version.replace("|", "\\|")])
    text = table(["codec", "version"], rows, left=2)
    commands = "\n".join(f"# {p.title}\n{p.commands[0]}" for p in found.values())
    return f"{text}\nThe commands that encode, at the first setting:\n\n```bash\n{commands}\n```\n"


def read(name: str) -> Results | None:
    """The stored results of a suite."""
    path = RESULTS / f"{name}.jsonl"
    if not path.exists():
        return None
    return Results(suite.load(name), *read_json_lines(path))


def build() -> dict[Path, str]:
    """Contents of the page and its plots."""
    files: dict[Path, str] = {}
    parts = [INTRODUCTION]

    def drawn(name: str, content: str, what: str) -> str:
        files[PLOTS / f"{name}.svg"] = content
        return f"![{what}](images/bench/{name}.svg)\n"

    kodak, clips, exact, exact_clips = (
        read(name) for name in ("kodak", "clips", "lossless", "lossless-clips")
    )
    if kodak:
        count = len({p.source for p in kodak.points})
        parts += [
            "## Stills\n",
            f"The {count} odd-numbered photographs of the Kodak set (768x512 and 512x768), "
            f"{len(kodak.points)} files. AVIF and HEIC are tuned for PSNR at 4:4:4; those called "
            "default are what a user gets who sets only a quality.\n",
            drawn("kodak-psnr", plot(kodak, "psnr-rgb", literature=True, most=2.0, log=True),
                  "PSNR-RGB over bits a pixel of all still codecs"),
            rates(kodak, ["avif"], ["psnr-rgb", "psnr-y", "ms-ssim"]),
            rates(kodak, ["jpeg-420"], ["psnr-rgb", "psnr-y", "ms-ssim"]),
            levels(kodak, "psnr-rgb", (28, 30, 32, 34, 36, 38, 40)),
            drawn("kodak-ms-ssim", plot(kodak, "ms-ssim", literature=False, most=2.0, log=True),
                  "MS-SSIM over bits a pixel of all still codecs"),
            speed(kodak),
            drawn("kodak-encode", scatter(kodak, "psnr-rgb", "encode"),
                  "encoding speed against BD-rate"),
            drawn("kodak-decode", scatter(kodak, "psnr-rgb", "decode"),
                  "decoding speed against BD-rate"),
            failures(kodak),
            "### Agreement with published curves\n",
            "Published curves (dashed in the plot) are means over all 24 Kodak pictures, ours over "
            f"{count} of them, which take 3 % fewer bytes (JPEG and WebP at the settings behind "
            "the published curves do; `benchmarks/against_published.py`). The other differences "
            "are versions and options. The published JPEG has no optimised tables, and the "
            "published WebP is Pillow's default method 4, ours method 6. The published AV1 and BPG "
            "come from older encoders at slower presets than our AVIF (speed 4) and HEIC. The "
            "published JPEG 2000 was given 8-bit Y'CbCr by FFmpeg, ours RGB and the format's own "
            "component transform, which explains that it changes places with WebP.\n",
            agreement(kodak),
        ]  # fmt: skip
    if clips:
        count = len({p.source for p in clips.points})
        parts += [
            "## Clips\n",
            f"The first 64 frames of {count} short clips from 176x144 to 720x1280, "
            f"{len(clips.points)} files. The video codecs have one key frame and then what they "
            "like, constant quality, and no scene cuts; their files are bare elementary streams. "
            "`roadmap/dct` predicts from the same place of the picture before, without motion, and "
            "`image` codes every picture by itself: the difference is what motion compensation "
            "gains. Where an encoder's lowest quality is above what another reaches on some clip, "
            "no range is compared on all of them.\n",
            drawn("clips-psnr", plot(clips, "psnr-y", literature=False, most=2.0, log=True),
                  "PSNR-Y over bits a pixel of all video codecs"),
            rates(clips, ["x264-medium"], ["psnr-y", "psnr-yuv", "ms-ssim"]),
            levels(clips, "psnr-y", (32, 34, 36, 38, 40)),
            speed(clips),
            drawn("clips-encode", scatter(clips, "psnr-y", "encode", process=True),
                  "encoding speed against BD-rate"),
            failures(clips),
        ]  # fmt: skip
    if exact or exact_clips:
        parts.append("## Lossless\n")
    for one in (exact, exact_clips):
        if one:
            parts += [lossless(one), speed(one), failures(one)]
    known = [one for one in (kodak, clips, exact, exact_clips) if one]
    parts += ["## Versions\n", versions(known), "## Sources of published curves\n"]
    parts += [
        "\n".join(
            f"- {entry.title}: {entry.source}"
            for entry in published.curves("kodak")
            if entry.name in (*DRAWN, *PUBLISHED.values())
        )
        + "\n"
    ]
    files[PAGE] = "\n".join(part.rstrip("\n") + "\n" for part in parts if part)
    return files


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, compare")
    check = parser.parse_args().check
    stale = []
    for path, content in build().items():
        if path.exists() and path.read_text(encoding="utf-8") == content:
            continue
        stale.append(path)
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
    for path in stale:
        state = "differs from the stored results" if check else "written"
        print(f"{path.relative_to(ROOT)} {state}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
