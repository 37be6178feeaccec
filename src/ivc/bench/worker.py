"""One still anchor, or one of ivc's codecs for timing, on one file: what the bench starts.

    python -m ivc.bench.worker encode NAME IN OUT [--setting S] [--threads N] [--repeat N]
    python -m ivc.bench.worker decode NAME IN OUT [--threads N] [--repeat N]

``NAME`` is an anchor (``jpeg-420``) or a codec of ivc (``ivc:image,effort=3``). With ``--repeat``
the work is done once to warm up and then so many times, and JSON with ``seconds`` is printed:
reading the input and writing the output are not in them.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ivc.types import Frames


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line says; 1 with one line on standard error if it fails."""
    parser = argparse.ArgumentParser(prog="python -m ivc.bench.worker")
    parser.add_argument("verb", choices=("encode", "decode"))
    parser.add_argument("name")
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--setting", type=float, default=0.0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=0)
    options = parser.parse_args(arguments)
    try:
        work = _ours if options.name.startswith("ivc:") else _still
        seconds = work(options)
    except Exception as error:
        # whatever a foreign library raises is a result of the measurement
        lines = str(error).splitlines() or [""]
        print(f"{type(error).__name__}: {lines[0][:300]}", file=sys.stderr)
        return 1
    if options.repeat:
        print(json.dumps({"seconds": seconds}))
    return 0


def _still(options: argparse.Namespace) -> list[float]:
    from ivc.bench.contenders.stills import CODERS

    coder = CODERS[options.name]
    if options.verb == "encode":
        picture = _pixels(options.source)
        data, seconds = _repeated(
            lambda: coder.encode(picture, options.setting, options.threads), options.repeat
        )
        options.target.write_bytes(data)
    else:
        data = options.source.read_bytes()
        picture, seconds = _repeated(lambda: coder.decode(data), options.repeat)
        _write_pixels(options.target, picture)
    return seconds


def _ours(options: argparse.Namespace) -> list[float]:
    import ivc
    from ivc.bench.contenders.ours import Ours

    codec = Ours(options.name)
    if options.verb == "encode":
        source: Any = _frames(options.source)
        rate = _rate(options.source)

        def encode() -> bytes:
            file = io.BytesIO()
            ivc.encode(source, file, frame_rate=rate, **codec.arguments(options.setting))
            return file.getvalue()

        data, seconds = _repeated(encode, options.repeat)
        options.target.write_bytes(data)
        return seconds
    data = options.source.read_bytes()

    def decode() -> int:
        with ivc.open(io.BytesIO(data), model=codec.model or None) as clip:
            return sum(len(segment.frames) for segment in clip.segments())

    return _repeated(decode, options.repeat)[1]


def _repeated(work: Callable[[], Any], repeat: int) -> tuple[Any, list[float]]:
    """The result of some work, and how long each repetition took after a first one."""
    result, seconds = work(), []
    for _ in range(repeat):
        begin = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - begin)
    return result, seconds


def _frames(path: Path) -> Frames:
    from ivc.bench.material import frames_of
    from ivc.types import Frames

    return Frames.concatenate(list(frames_of(path)))


def _rate(path: Path) -> Any:
    from ivc.media import open_source

    with open_source(path) as source:
        return source.info.frame_rate


def _pixels(path: Path) -> Any:
    import numpy as np

    from ivc.media import frames_to_array
    from ivc.media.convert import change_depth

    frames = _frames(path)
    if frames.format.depth > 8:
        # what all libraries take such arrays for
        frames = change_depth(frames, 16)
    return np.ascontiguousarray(frames_to_array(frames)[0])


def _write_pixels(path: Path, picture: Any) -> None:
    from fractions import Fraction

    from ivc.media import frames_from_array, open_sink
    from ivc.types import Segment, StreamInfo

    if path.suffix == ".pgm" and picture.ndim == 3:
        # WebP and AVIF have no gray; what they make of it may have a tint
        picture = _luma(picture)
    frames = frames_from_array(picture)
    info = StreamInfo(frames.format, frames.width, frames.height, time_base=Fraction(1))
    with open_sink(path, info) as sink:
        sink.write(Segment(frames))


def _luma(picture: Any) -> Any:
    """BT.601 luma of RGB pixels, rounded; equal channels are returned as they are."""
    import numpy as np

    luma = picture[..., :3] @ np.array([0.299, 0.587, 0.114])
    return np.floor(luma + 0.5).astype(picture.dtype)


if __name__ == "__main__":
    sys.exit(main())
