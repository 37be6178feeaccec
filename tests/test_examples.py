"""What the demo compares ivc with is really at ivc's quality or size."""

import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.fixture(autouse=True)
def examples_on_path(monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES)


@pytest.fixture
def photo() -> np.ndarray:
    from clips import PHOTO, read_photo, shipped

    return read_photo(shipped(*PHOTO))[100:260, 120:330]


@pytest.fixture
def clip() -> tuple[list[np.ndarray], Fraction]:
    from clips import CLIP, read_clip, shipped

    return read_clip(shipped(*CLIP), 5)


def test_the_clip_is_read_as_said(clip):
    pictures, rate = clip
    assert len(pictures) == 5
    assert pictures[0].shape == (272 * 3 // 2, 640)
    assert pictures[0].dtype == np.uint8
    assert rate == 25


def test_a_clip_survives_its_lossless_copy(clip, tmp_path):
    from clips import luma_psnr, read_clip, write_clip

    pictures, rate = clip
    write_clip(tmp_path / "copy.mkv", pictures, rate, "ffv1", {})
    copy, copied_rate = read_clip(tmp_path / "copy.mkv", 99)
    assert luma_psnr(pictures, copy) == np.inf
    assert copied_rate == rate


def test_psnr_by_hand():
    from clips import psnr

    black = np.zeros((2, 2), np.uint8)
    assert psnr(black, black + 255) == 0
    assert psnr(black, black + 1) == pytest.approx(48.1308, abs=1e-4)
    assert psnr(black + 1, black) == pytest.approx(48.1308, abs=1e-4)


@pytest.mark.parametrize("wanted", [30.0, 36.0, 41.0])
def test_jpeg_comes_near_the_wanted_quality(photo, wanted, tmp_path):
    from clips import psnr, read_photo
    from peers import jpeg_of_quality

    result = jpeg_of_quality(photo, wanted, tmp_path / "peer.jpg")
    assert abs(result.psnr - wanted) < 0.5
    assert result.bytes == (tmp_path / "peer.jpg").stat().st_size
    assert result.psnr == psnr(photo, read_photo(tmp_path / "peer.jpg"))


def test_jpeg_of_a_size_is_the_best_that_fits(photo, tmp_path):
    from peers import jpeg, jpeg_of_size

    result = jpeg_of_size(photo, 5000, tmp_path / "peer.jpg")
    quality = int(result.what.split()[-1])
    assert result.bytes <= 5000 < len(jpeg(photo, quality + 1, "4:2:0"))


def test_x264_reaches_the_wanted_quality(clip, tmp_path):
    from peers import x264_of_quality

    result = x264_of_quality(*clip, 36.0, tmp_path / "peer.mp4")
    assert abs(result.psnr - 36) < 0.05
    assert result.bytes == (tmp_path / "peer.mp4").stat().st_size


def test_panels_lie_side_by_side(photo, tmp_path):
    from PIL import Image

    from demo import side_by_side

    side_by_side({"one": photo, "two": photo}, tmp_path / "panels.png", side=50, zoom=2)
    with Image.open(tmp_path / "panels.png") as image:
        assert image.size == (2 * 100 + 8, 100 + 24)
        panels = np.asarray(image)[24:]
    assert (panels[:, :100] == panels[:, 108:]).all()
    assert (panels[::2, :100:2] == photo[27:77, 80:130]).all()


def test_the_demo_says_that_a_file_is_missing(monkeypatch, tmp_path):
    import demo

    monkeypatch.setattr(sys, "argv", ["demo.py", "--input", str(tmp_path / "none.png")])
    with pytest.raises(SystemExit, match=r"there is no file .*none\.png"):
        demo.main()
