import logging

import numpy as np
import pytest
from PIL import Image

from ivc.errors import UsageError
from ivc.train.data import Patches, find_pictures, read_picture, readable, spread


@pytest.fixture
def patches(pictures):
    return Patches(find_pictures([pictures]), 64, seed=3)


def test_folders_are_searched_recursively(pictures):
    found = [path.name for path in find_pictures([pictures])]
    assert sorted(found) == ["0.png", "1.png", "2.png", "3.png", "4.png"]


def test_folders_without_pictures(tmp_path):
    with pytest.raises(UsageError, match="no folder"):
        find_pictures([tmp_path / "none"])
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(UsageError, match="holds no picture"):
        find_pictures([tmp_path])


def test_a_patch_depends_on_its_number_only(patches, pictures):
    again = Patches(find_pictures([pictures]), 64, seed=3, cache_bytes=0)
    whole = patches.batch(7, range(6))
    assert whole.shape == (6, 3, 64, 64) and whole.dtype == np.uint8
    assert np.array_equal(again.batch(7, [4, 5]), whole[4:])
    assert np.array_equal(patches.batch(7, range(6)), whole)
    assert not np.array_equal(patches.batch(8, range(6)), whole)
    other = Patches(find_pictures([pictures]), 64, seed=4)
    assert not np.array_equal(other.batch(7, range(6)), whole)


def test_the_cache_is_bounded(pictures):
    room = 2 * 70 * 90 * 3
    patches = Patches(find_pictures([pictures]), 64, seed=0, cache_bytes=room)
    for step in range(10):
        patches.batch(step, range(4))
        assert sum(kept.nbytes for kept in patches._cache.values()) <= room
    assert patches._cache


def test_large_pictures_are_also_scaled_down(tmp_path):
    stripes = np.zeros((400, 400, 3), np.uint8)
    stripes[:, ::2] = 255
    Image.fromarray(stripes).save(tmp_path / "a.png")
    patches = Patches(find_pictures([tmp_path]), 64, seed=0)
    scaled = [len(np.unique(patch)) > 2 for patch in patches.batch(0, range(60))]
    assert 5 < sum(scaled) < 55


def test_damaged_files_are_left_out(tmp_path, pictures, caplog):
    whole = (pictures / "0.png").read_bytes()
    (tmp_path / "good.png").write_bytes(whole)
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 3])
    (tmp_path / "noise.png").write_bytes(b"no picture")
    with caplog.at_level(logging.WARNING, "ivc.train.data"):
        patches = Patches(find_pictures([tmp_path]), 64, seed=0)
        patches.batch(0, range(20))
    assert sum("noise.png" in line for line in caplog.messages) == 1
    assert sum("cut.png" in line for line in caplog.messages) == 1
    assert [path.name for path in readable(find_pictures([tmp_path]))] == ["good.png"]
    (tmp_path / "good.png").unlink()
    patches = Patches(find_pictures([tmp_path]), 64, seed=0)
    with pytest.raises(UsageError, match="can be read"):
        patches.batch(0, range(2))
    (tmp_path / "cut.png").unlink()
    with pytest.raises(UsageError, match="can be read"):
        Patches(find_pictures([tmp_path]), 64, seed=0)


def test_kinds_of_pictures(tmp_path):
    deep = np.arange(256, dtype=np.uint16).reshape(16, 16) << 8
    Image.fromarray(deep).save(tmp_path / "deep.png")
    assert np.array_equal(read_picture(tmp_path / "deep.png")[..., 2], deep >> 8)
    for mode in ("L", "LA", "RGBA", "P", "1"):
        Image.new(mode, (5, 4)).save(tmp_path / "a.png")
        assert read_picture(tmp_path / "a.png").shape == (4, 5, 3)


def test_spread():
    assert spread("abcdefgh", 2) == ["c", "g"]
    assert spread("abc", 5) == ["a", "b", "c"]
    assert spread("abc", 0) == []
