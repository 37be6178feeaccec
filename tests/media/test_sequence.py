"""Numbered pictures."""

import pytest

from ivc.errors import MediaError
from ivc.media import open_sink, open_source
from ivc.media.arrays import SRGB
from ivc.types import Layout, PixelFormat, Segment, StreamInfo

from .conftest import noise, read, write

RGB = PixelFormat(Layout.RGB, 8, False, SRGB)


def write_numbers(folder, numbers, frames, pattern="s_{:04d}.png"):
    for index, number in enumerate(numbers):
        write(folder / pattern.format(number), frames[index : index + 1])


def test_pattern_glob_and_folder(tmp_path):
    frames = noise(RGB, 6, 4, 3)
    write_numbers(tmp_path, (8, 9, 10), frames)
    for name in ("s_%04d.png", "s_*.png", ""):
        assert read(tmp_path / name) == frames
    with open_source(tmp_path / "s_%04d.png", frame_rate=30) as source:
        assert source.frame_count == 3
        assert source.info.frame_rate == 30
        assert not source.info.still
        assert len(source.fingerprint()) == 64
        assert [t.pts for t in source.frames(1)] == [1, 2]


def test_numbers_in_globs_count_as_numbers(tmp_path):
    frames = noise(RGB, 6, 4, 3)
    write_numbers(tmp_path, (1, 2, 10), frames, "{}.png")
    assert read(tmp_path / "*.png") == frames


def test_a_missing_number_is_named(tmp_path):
    write_numbers(tmp_path, (1, 2, 4), noise(RGB, 6, 4, 3))
    with pytest.raises(MediaError, match=r"s_0003\.png is missing between 2 and 4"):
        open_source(tmp_path / "s_%04d.png")
    with pytest.raises(MediaError, match="no pictures match"):
        open_source(tmp_path / "t_%04d.png")


def test_pictures_must_be_alike(tmp_path):
    write_numbers(tmp_path, (1, 2), noise(RGB, 6, 4, 2))
    write(tmp_path / "s_0003.png", noise(RGB, 7, 4))
    with pytest.raises(MediaError, match=r"s_0003\.png is 7x4"):
        read(tmp_path / "s_%04d.png")


def test_a_clip_as_numbered_pictures(tmp_path):
    frames = noise(RGB, 6, 4, 3)
    write(tmp_path / "o_%03d.png", frames)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["o_001.png", "o_002.png", "o_003.png"]
    assert read(tmp_path / "o_%03d.png") == frames


def test_abort_removes_the_pictures(tmp_path):
    frames = noise(RGB, 6, 4, 2)
    with (
        pytest.raises(RuntimeError),
        open_sink(tmp_path / "o_%d.png", StreamInfo(RGB, 6, 4, still=False)) as sink,
    ):
        sink.write(Segment(frames, (0, 1), 1))
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
