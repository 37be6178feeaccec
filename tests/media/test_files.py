"""Names that are not plain files: pipes, devices, symbolic links, nothing at all."""

import os
import threading
from pathlib import Path

import pytest

from ivc.errors import MediaError
from ivc.media import open_sink, open_source
from ivc.types import Colour, Layout, PixelFormat, Segment, StreamInfo

from .conftest import noise, read, write

_RGB = PixelFormat(Layout.RGB, 8, False, Colour(1, 13, 0, True))


def _in_thread(work) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize("extension", [".png", ".mkv", ".y4m"])
def test_a_named_pipe_is_read(tmp_path: Path, extension: str) -> None:
    plain, pipe = tmp_path / f"plain{extension}", tmp_path / "pipe"
    write(plain, noise(_RGB, 16, 12, 1 if extension == ".png" else 3))
    os.mkfifo(pipe)
    feeder = _in_thread(lambda: pipe.write_bytes(plain.read_bytes()))
    assert read(pipe) == read(plain)
    feeder.join(10)


@pytest.mark.parametrize("extension", [".png", ".mkv", ".y4m"])
def test_a_named_pipe_is_written_to_and_stays_a_pipe(tmp_path: Path, extension: str) -> None:
    frames = noise(_RGB, 16, 12, 1 if extension == ".png" else 3)
    plain, pipe = tmp_path / f"plain{extension}", tmp_path / f"pipe{extension}"
    write(plain, frames)
    os.mkfifo(pipe)
    received = tmp_path / f"received{extension}"
    reader = _in_thread(lambda: received.write_bytes(pipe.read_bytes()))
    write(pipe, frames)
    reader.join(10)
    assert pipe.is_fifo()
    assert read(received) == read(plain)


def test_a_symbolic_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "target.png").write_bytes(b"old")
    link = tmp_path / "link.png"
    link.symlink_to("target.png")
    frames = noise(_RGB, 16, 12)
    write(link, frames)
    assert link.is_symlink()
    assert read(tmp_path / "target.png") == frames
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link.png", "target.png"]


def test_an_empty_name_is_refused() -> None:
    with pytest.raises(MediaError, match="the name of the input is empty"):
        open_source("")


def test_the_longest_names_can_be_written(tmp_path: Path) -> None:
    name = "\N{GRINNING FACE}" * 62 + ".png"
    frames = noise(_RGB, 4, 4)
    write(tmp_path / name, frames)
    assert read(tmp_path / name) == frames


def test_all_is_sent_before_a_file_object_is_left(tmp_path: Path) -> None:
    frames = noise(_RGB, 16, 12)
    info = StreamInfo(_RGB, 16, 12)
    for extension in ("png", "tiff", "mkv", "y4m"):
        path = tmp_path / f"out.{extension}"
        with path.open("wb") as file:
            with open_sink(file, info, format=extension) as sink:
                sink.write(Segment(frames, (), 0))
            assert path.stat().st_size > 100
