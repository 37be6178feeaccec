"""A photograph and a clip through ivc, beside JPEG and x264 at the same quality.

    python examples/demo.py [--input FILE] [--output demo-output] [--frames 60]

ivc runs as the command that users type: one process encodes, another one, which has only the file,
decodes. Every size is that of a file on disk, and quality is measured on the decoded files by code
that is not ivc's. The seconds of ivc include starting its process; the peers run inside this one.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont, UnidentifiedImageError
from rich.console import Console
from rich.table import Table

from clips import CLIP, PHOTO, luma_psnr, psnr, read_clip, read_photo, shipped, to_rgb, write_clip
from peers import Result, jpeg_of_quality, jpeg_of_size, png, timed, x264_of_quality

PHOTO_QUALITIES = (35, 55, 75)
CLIP_QUALITIES = (45, 65)

Pair = tuple[Result, Result]


def ivc(*arguments: str | Path) -> None:
    """Run the ivc command that is installed beside this Python."""
    command = shutil.which("ivc", path=str(Path(sys.executable).parent))
    if command is None:
        raise SystemExit("demo: there is no ivc command beside this Python; try: make demo")
    done = subprocess.run([command, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"demo: ivc {arguments[0]} failed: {done.stderr.strip()}")


def warm_up(folder: Path) -> float:
    """Code a tiny picture and a tiny clip, which compiles the kernels once; the seconds it took."""
    noise = np.random.default_rng(0).integers(0, 256, (3, 48, 32), dtype=np.uint8)
    photo, clip, code = folder / "warm-up.png", folder / "warm-up.mkv", folder / "warm-up.ivc"
    Image.fromarray(noise[0]).convert("RGB").save(photo)
    write_clip(clip, list(noise), read_clip(shipped(*CLIP), 1)[1], "ffv1", {})

    def run() -> None:
        for source, profile in ((photo, "image"), (photo, "dpcm"), (clip, "dct")):
            ivc("encode", source, "-o", code, "--profile", profile)
            ivc("decode", code, "-o", folder / f"warm-up-decoded{source.suffix}")

    seconds = timed(run)
    for path in folder.glob("warm-up*"):
        path.unlink()
    return seconds


def code_photo(source: Path, picture: np.ndarray, folder: Path, *options: str) -> Result:
    """Encode and decode a photograph with ivc; ``folder`` gets photo.ivc and photo-ivc.png."""
    code, decoded = folder / "photo.ivc", folder / "photo-ivc.png"
    encode = timed(lambda: ivc("encode", source, "-o", code, *options))
    decode = timed(lambda: ivc("decode", code, "-o", decoded))
    quality = psnr(picture, read_photo(decoded))
    return Result(f"ivc {' '.join(options)}", code.stat().st_size, quality, encode, decode)


def demo_photo(source: Path, folder: Path) -> list[Pair]:
    """Compare with JPEG at several qualities and with PNG; leave pictures of the lowest quality."""
    picture = read_photo(source)
    original = folder / "photo-original.png"
    Image.fromarray(picture).save(original)

    lossless = code_photo(original, picture, folder, "--profile", "dpcm")
    results = [(lossless, png(picture, folder / "photo.png"))]
    (folder / "photo.png").unlink()
    for quality in sorted(PHOTO_QUALITIES, reverse=True):
        ours = code_photo(original, picture, folder, "-q", str(quality))
        results.append((ours, jpeg_of_quality(picture, ours.psnr, folder / "photo.jpg")))

    same_size = jpeg_of_size(picture, ours.bytes, folder / "photo-same-size.jpg")
    panels = {
        "original": picture,
        f"ivc {ours.bytes:,} bytes, {ours.psnr:.1f} dB": read_photo(folder / "photo-ivc.png"),
        f"JPEG {same_size.bytes:,} bytes, {same_size.psnr:.1f} dB": read_photo(
            folder / "photo-same-size.jpg"
        ),
    }
    side_by_side(panels, folder / "photo-compared.png")
    return results


def demo_clip(source: Path, folder: Path, frames: int) -> list[Pair]:
    """Compare with x264 at several qualities; leave pictures of the lowest quality."""
    pictures, rate = read_clip(source, frames)
    original = folder / "clip-original.mkv"
    write_clip(original, pictures, rate, "ffv1", {})
    code, decoded = folder / "clip.ivc", folder / "clip-ivc.mkv"

    results = []
    for quality in sorted(CLIP_QUALITIES, reverse=True):
        encode = timed(lambda q=quality: ivc("encode", original, "-o", code, "-q", q))
        decode = timed(lambda: ivc("decode", code, "-o", decoded))
        ours = read_clip(decoded, len(pictures) + 1)[0]
        reached = luma_psnr(pictures, ours)
        result = Result(f"ivc -q {quality}", code.stat().st_size, reached, encode, decode)
        results.append((result, x264_of_quality(pictures, rate, reached, folder / "clip.mp4")))

    peer, middle = read_clip(folder / "clip.mp4", len(pictures))[0], len(pictures) // 2
    panels = {
        "original": to_rgb(pictures[middle]),
        f"ivc {result.bytes:,} bytes": to_rgb(ours[middle]),
        f"x264 {results[-1][1].bytes:,} bytes": to_rgb(peer[middle]),
    }
    side_by_side(panels, folder / "clip-compared.png")
    return results


def side_by_side(panels: dict[str, np.ndarray], path: Path, side: int = 192, zoom: int = 2) -> None:
    """Save the same square of several pictures beside one another, enlarged and labelled."""
    first = next(iter(panels.values()))
    side = min(side, *first.shape[:2])
    top, left = (first.shape[0] - side) // 4, (first.shape[1] - side) // 2
    bar, gap, shown = 24, 8, side * zoom
    sheet = Image.new("RGB", (len(panels) * (shown + gap) - gap, shown + bar), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=15)
    for i, (label, picture) in enumerate(panels.items()):
        crop = Image.fromarray(picture[top : top + side, left : left + side])
        x = i * (shown + gap)
        sheet.paste(crop.resize((shown, shown), Image.Resampling.NEAREST), (x, bar))
        draw.text((x + 4, 3), label, "black", font)
    sheet.save(path)


def print_results(console: Console, title: str, quality: str, results: Sequence[Pair]) -> None:
    """Print each ivc file above its peer, and how its size differs."""
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("codec", no_wrap=True)
    for column in ("bytes", quality, "encode s", "decode s", "ivc's bytes"):
        table.add_column(column, justify="right")
    for ours, peer in results:
        for result in (ours, peer):
            table.add_row(
                result.what,
                f"{result.bytes:,}",
                "lossless" if result.psnr == float("inf") else f"{result.psnr:.2f} dB",
                f"{result.encode_seconds:.2f}",
                f"{result.decode_seconds:.2f}",
                f"{100 * (ours.bytes / peer.bytes - 1):+.1f} %" if result is peer else "",
            )
        table.add_section()
    console.print(table)


def is_photo(path: Path) -> bool:
    """Whether Pillow reads the file as a single picture."""
    try:
        with Image.open(path) as image:
            return getattr(image, "n_frames", 1) == 1
    except UnidentifiedImageError:
        return False


def main() -> None:
    """Run the demo and leave report.json beside the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument(
        "--input", type=Path, help="own picture or clip instead of the built-in ones"
    )
    parser.add_argument("--output", type=Path, default=Path("demo-output"), help="folder to fill")
    parser.add_argument("--frames", type=int, default=60, help="frames of the clip to code")
    arguments = parser.parse_args()
    if arguments.input and not arguments.input.is_file():
        raise SystemExit(f"demo: there is no file {arguments.input}")
    folder: Path = arguments.output
    folder.mkdir(parents=True, exist_ok=True)
    console = Console(width=None if sys.stdout.isatty() else 100, highlight=False)
    begin = time.time()

    console.print("First runs, which compile the kernels on a new machine …")
    console.print(f"  {warm_up(folder):.0f} s for three files there and back\n")

    sources = [arguments.input] if arguments.input else [shipped(*PHOTO), shipped(*CLIP)]
    report: dict[str, list[list[dict[str, object]]]] = {}
    for source in sources:
        if is_photo(source):
            title, quality = f"Photograph {source.name}", "PSNR-RGB"
            results = demo_photo(source, folder)
        else:
            title = f"Clip {source.name}, its first {arguments.frames} frames"
            quality, results = "PSNR-Y", demo_clip(source, folder, arguments.frames)
        print_results(console, title, quality, results)
        console.print()
        report[source.name] = [[asdict(ours), asdict(peer)] for ours, peer in results]
    (folder / "report.json").write_text(json.dumps(report, indent=2) + "\n")
    console.print(
        "Below each ivc file stands its peer at the nearest quality. photo-compared.png shows a\n"
        "JPEG of the same size, clip-compared.png an x264 of the same quality. To look at:"
    )
    for path in sorted(folder.iterdir()):
        if path.stat().st_mtime >= begin:
            console.print(f"  {path}")


if __name__ == "__main__":
    main()
