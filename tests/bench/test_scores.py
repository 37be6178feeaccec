"""Scores of known errors."""

import math
from dataclasses import replace

import numpy as np
import pytest
from fake_codec import clip, noise, rgb, still, write, yuv

from ivc.bench.material import prepare
from ivc.bench.scores import PLAIN, RUN, finite, score
from ivc.errors import MediaError, UsageError
from ivc.media import frames_from_array
from ivc.media.convert import change_depth
from ivc.types import Colour, Frames, Layout, PixelFormat


def psnr(mse, peak=255):
    return 10 * math.log10(peak * peak / mse)


def raised(frames, error):
    """The frames with every colour sample raised, by frame if there are several errors."""
    errors = np.reshape(np.broadcast_to(error, len(frames)), (-1, 1, 1))
    planes = [(plane + errors).astype(plane.dtype) for plane in frames.planes]
    return Frames(planes, frames.format)


@pytest.mark.parametrize("error", [1, 2, 7, 55])
def test_a_still_with_a_known_error(tmp_path, error):
    decoded = write(tmp_path / "d.ppm", raised(rgb(), error))
    found = score(still(tmp_path), decoded, PLAIN)
    assert not found.exact
    assert set(found.values) == set(PLAIN)
    assert found.values["psnr-rgb"] == pytest.approx(psnr(error**2))
    # the same on all of R, G and B is an error of luma alone
    assert found.values["psnr-y"] == pytest.approx(psnr(error**2), abs=1e-3)
    assert found.values["psnr-yuv"] > psnr(error**2) + 10
    assert 0 < found.values["ms-ssim"] <= 1


def test_colours_count_alike(tmp_path):
    frames = rgb()
    planes = [plane + np.uint8(6 * (i == 2)) for i, plane in enumerate(frames.planes)]
    decoded = write(tmp_path / "d.ppm", Frames(planes, frames.format))
    assert score(still(tmp_path), decoded, ["psnr-rgb"]).values == {
        "psnr-rgb": pytest.approx(psnr(12))
    }


def test_nothing_differs(tmp_path):
    material = still(tmp_path)
    found = score(material, material.path, PLAIN)
    assert found.exact
    psnrs = [found.values[name] for name in PLAIN if name.startswith("psnr")]
    assert psnrs == [math.inf] * 3
    assert finite(found.values)["psnr-y"] is None
    assert finite(found.values)["ssim"] == pytest.approx(1)


@pytest.mark.parametrize("count", [1, 2, RUN, RUN + 1, 2 * RUN])
def test_clips_in_runs(tmp_path, count):
    errors = [1 + t % 5 for t in range(count)]
    decoded = write(tmp_path / "d.y4m", raised(yuv(count=count), errors), 25)
    found = score(clip(tmp_path, count=count), decoded, ["psnr-y", "psnr-yuv", "ssim"])
    pooled = psnr(sum(e * e for e in errors) / count)
    mean = sum(psnr(e * e) for e in errors) / count
    assert found.values["psnr-y"] == pytest.approx(pooled)
    assert found.values["psnr-yuv"] == pytest.approx(pooled)
    assert found.values["psnr-y-mean"] == pytest.approx(mean)
    assert found.values["psnr-yuv-mean"] == pytest.approx(mean)
    assert set(found.values) == {"psnr-y", "psnr-yuv", "psnr-y-mean", "psnr-yuv-mean", "ssim"}


def test_one_exact_frame_makes_the_mean_infinite(tmp_path):
    decoded = write(tmp_path / "d.y4m", raised(yuv(count=2), [0, 4]), 25)
    found = score(clip(tmp_path, count=2), decoded, ["psnr-y"])
    assert not found.exact
    assert found.values == {"psnr-y": pytest.approx(psnr(8)), "psnr-y-mean": math.inf}
    assert finite(found.values)["psnr-y-mean"] is None


def test_psnr_of_rgb_for_a_clip(tmp_path):
    found = score(clip(tmp_path), write(tmp_path / "d.y4m", raised(yuv(), 3), 25), ["psnr-rgb"])
    # luma alone would be an error of 3 * 255 / 219 on all three
    assert 20 < found.values["psnr-rgb"] < psnr(9)


@pytest.mark.parametrize(("count", "word"), [(2, "fewer"), (4, "more")])
def test_another_number_of_frames(tmp_path, count, word):
    decoded = write(tmp_path / "d.y4m", yuv(count=count), 25)
    with pytest.raises(MediaError, match=f"decoded to {word} frames than the original's 3"):
        score(clip(tmp_path), decoded, ["psnr-y"])


def test_another_size(tmp_path):
    decoded = write(tmp_path / "d.y4m", yuv(width=18), 25)
    with pytest.raises(MediaError, match="frame 0 decoded to 18x8, not 16x8"):
        score(clip(tmp_path), decoded, ["psnr-y"])


def test_another_layout(tmp_path):
    decoded = write(tmp_path / "d.y4m", yuv(layout=Layout.YUV444), 25)
    with pytest.raises(MediaError, match="frame 0 decoded to 4:4:4 8 bit, not 4:2:0 8 bit"):
        score(clip(tmp_path), decoded, ["psnr-y"])
    gray = write(tmp_path / "d.pgm", frames_from_array(noise((10, 20))))
    with pytest.raises(MediaError, match="decoded to gray 8 bit, not RGB 8 bit"):
        score(still(tmp_path), gray, ["psnr-y"])
    coloured = write(tmp_path / "d.ppm", rgb())
    material = prepare(gray, tmp_path)
    with pytest.raises(MediaError, match="decoded to RGB 8 bit, not gray 8 bit"):
        score(material, coloured, ["psnr-y"])
    clear = write(tmp_path / "d.png", frames_from_array(noise((10, 20, 4))))
    with pytest.raises(MediaError, match=r"decoded to RGB \+ alpha 8 bit, not RGB 8 bit"):
        score(still(tmp_path), clear, ["psnr-y"])


def test_no_picture(tmp_path):
    broken = tmp_path / "d.ppm"
    broken.write_bytes(b"P6 nonsense")
    with pytest.raises(MediaError):
        score(still(tmp_path), broken, ["psnr-y"])


@pytest.mark.parametrize(("added", "error"), [(0, 0), (1, 0), (2, 1), (4, 1), (8, 2)])
def test_ten_bits_of_eight_are_rounded(tmp_path, added, error):
    deep = change_depth(yuv(), 10)
    decoded = write(tmp_path / "d.y4m", raised(deep, added), 25)
    found = score(clip(tmp_path), decoded, ["psnr-y"])
    assert found.exact == (error == 0)
    assert found.values["psnr-y"] == pytest.approx(psnr(error**2) if error else math.inf)


def test_sixteen_bits_of_full_range_are_scaled(tmp_path):
    decoded = write(tmp_path / "d.ppm", raised(change_depth(rgb(), 16), 100))
    assert score(still(tmp_path), decoded, ["psnr-rgb"]).exact
    decoded = write(tmp_path / "d.ppm", raised(change_depth(rgb(), 16), 3 * 257 - 100))
    found = score(still(tmp_path), decoded, ["psnr-rgb"]).values["psnr-rgb"]
    assert found == pytest.approx(psnr(9))


def test_deep_pictures_have_their_own_peak(tmp_path):
    frames = frames_from_array(noise((8, 8, 3), top=60_000, dtype=np.uint16))
    material = prepare(write(tmp_path / "in.png", frames), tmp_path)
    decoded = write(tmp_path / "d.ppm", raised(frames, 40))
    found = score(material, decoded, ["psnr-rgb"]).values["psnr-rgb"]
    assert found == pytest.approx(psnr(1600, 65535))


def test_gray_that_comes_back_as_colour(tmp_path):
    gray = frames_from_array(noise((6, 9)))
    material = prepare(write(tmp_path / "in.png", gray), tmp_path)
    three = Frames([gray.planes[0] + np.uint8(2)] * 3, rgb(9, 6).format)
    found = score(material, write(tmp_path / "d.ppm", three), ["psnr-y", "psnr-rgb"])
    assert found.values == {"psnr-y": pytest.approx(psnr(4)), "psnr-rgb": pytest.approx(psnr(4))}
    clear = frames_from_array(noise((6, 9, 2)))
    material = prepare(write(tmp_path / "clear.png", clear), tmp_path)
    three = Frames(
        [clear.planes[0]] * 3 + [clear.planes[1]],
        PixelFormat(Layout.RGB, alpha=True, colour=Colour(1, 13, 0, True)),
    )
    assert score(material, write(tmp_path / "d.png", three), ["psnr-y"]).exact


def test_alpha_is_not_scored_but_has_to_be_exact(tmp_path):
    frames = frames_from_array(noise((6, 9, 4)))
    material = prepare(write(tmp_path / "in.png", frames), tmp_path)
    planes = [*frames.planes[:3], frames.planes[3] ^ np.uint8(1)]
    decoded = write(tmp_path / "d.png", Frames(planes, frames.format))
    found = score(material, decoded, ["psnr-rgb"])
    assert found.values == {"psnr-rgb": math.inf}
    assert not found.exact
    assert score(material, material.path, ["psnr-rgb"]).exact


def test_colour_under_full_transparency_is_not_scored(tmp_path):
    picture = np.zeros((24, 32, 4), np.uint8)
    picture[..., :3] = np.random.default_rng(4).integers(60, 190, (24, 32, 3))
    picture[:, 8:, 3] = 255
    material = prepare(write(tmp_path / "a.png", frames_from_array(picture)), tmp_path)
    other = picture.copy()
    other[:, :8, :3] = 0
    other[:, 8:, :3] += 3
    decoded = write(tmp_path / "d.png", frames_from_array(other))
    found = score(material, decoded, ["psnr-rgb"])
    assert not found.exact
    assert found.values["psnr-rgb"] == pytest.approx(psnr(9 * 24 / 32))


def test_the_declared_colours_are_not_compared(tmp_path):
    frames = yuv()
    full = Frames(frames.planes, replace(frames.format, colour=Colour(full_range=True)))
    decoded = write(tmp_path / "d.y4m", full, 25)
    assert score(clip(tmp_path), decoded, ["psnr-y"]).exact


def test_unknown_metrics(tmp_path):
    material = still(tmp_path)
    with pytest.raises(UsageError, match="no metric is called 'beauty'"):
        score(material, material.path, ["beauty"])
