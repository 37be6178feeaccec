import doctest
import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image, ImageCms, UnidentifiedImageError

import ivc.pillow
from ivc.pillow import IvcImageFile

PICTURE = np.add.outer(np.arange(37) * 3, np.arange(53) * 4).astype(np.uint8)


def image_of(mode):
    if mode == "I;16":
        return Image.fromarray(PICTURE.astype(np.uint16) * 257)
    bands = [Image.fromarray(np.roll(PICTURE, 5 * i, axis=1)) for i in range(len(mode))]
    return bands[0] if mode == "L" else Image.merge(mode, bands)


def saved(image, **settings):
    file = io.BytesIO()
    image.save(file, "IVC", **settings)
    return file


def test_doctest():
    assert doctest.testmod(ivc.pillow).failed == 0


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "I;16"])
def test_lossless_round_trip(mode):
    image = image_of(mode)
    back = Image.open(saved(image, lossless=True))
    assert isinstance(back, IvcImageFile)
    assert (back.format, back.mode, back.size) == ("IVC", mode, image.size)
    assert back.n_frames == 1
    assert not back.is_animated
    assert (np.asarray(back) == np.asarray(image)).all()


@pytest.mark.parametrize(("mode", "nearest"), [("1", "L"), ("P", "RGB"), ("CMYK", "RGB")])
def test_other_modes_become_the_nearest(mode, nearest):
    image = image_of("RGB").convert(mode)
    back = Image.open(saved(image, lossless=True))
    assert back.mode == nearest
    assert (np.asarray(back) == np.asarray(image.convert(nearest))).all()


def test_quality_and_effort_are_those_of_the_command():
    image = image_of("RGB")
    sizes = [len(saved(image, quality=q, effort=1).getvalue()) for q in (10, 90)]
    assert sizes[0] < sizes[1]
    near = np.asarray(Image.open(saved(image, quality=90))).astype(int) - np.asarray(image)
    assert np.abs(near).max() > 0
    assert np.abs(near).mean() < 4


def test_metadata_is_kept():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x010E] = "a wave"
    file = saved(image_of("RGB"), lossless=True, icc_profile=profile, exif=exif, xmp=b"<x/>")
    back = Image.open(file)
    assert back.info["icc_profile"] == profile
    assert back.getexif()[0x010E] == "a wave"
    assert back.info["xmp"] == b"<x/>"
    again = Image.open(saved(back, lossless=True))
    assert again.info["icc_profile"] == profile
    assert "exif" not in again.info
    assert "icc_profile" not in Image.open(saved(back, lossless=True, icc_profile=None)).info


def test_clips_have_frames():
    first, second, third = (Image.fromarray(np.roll(PICTURE, 9 * i, axis=0)) for i in range(3))
    file = saved(first, save_all=True, append_images=[second, third], duration=50, lossless=True)
    clip = Image.open(file)
    assert (clip.n_frames, clip.is_animated, clip.info["duration"]) == (3, True, 50)
    for index, picture in ((2, third), (0, first), (1, second)):
        clip.seek(index)
        assert clip.tell() == index
        assert (np.asarray(clip) == np.asarray(picture)).all()
    with pytest.raises(EOFError):
        clip.seek(3)
    resaved = Image.open(saved(clip, save_all=True, lossless=True))
    assert resaved.n_frames == 3


def test_files_by_extension_and_their_handles(tmp_path):
    path = tmp_path / "wave.ivc"
    image_of("RGB").save(path, quality=50)
    with Image.open(path) as image:
        assert image.get_format_mimetype() == "image/x-ivc"
        image.load()
        assert image.fp is None
        image.crop((0, 0, 8, 8)).save(path, lossless=True)
    assert Image.open(path).size == (8, 8)


def test_saving_over_the_open_file(tmp_path):
    path = tmp_path / "wave.ivc"
    image_of("L").save(path, lossless=True)
    with Image.open(path) as image:
        image.save(path, lossless=True)
    assert (np.asarray(Image.open(path)) == PICTURE).all()


@pytest.mark.parametrize(
    "settings", [{"quality": 101}, {"effort": 0}, {"profile": "mpeg"}, {"quality": "good"}]
)
def test_wrong_settings_are_value_errors(settings, tmp_path):
    with pytest.raises((ValueError, TypeError)):
        image_of("L").save(tmp_path / "a.ivc", **settings)
    assert not (tmp_path / "a.ivc").exists()


@pytest.mark.parametrize("duration", [0, [40, 50]])
def test_wrong_durations_and_mixed_frames_are_value_errors(duration):
    image = image_of("L")
    with pytest.raises(ValueError, match="duration"):
        saved(image, save_all=True, append_images=[image], duration=duration)
    with pytest.raises(ValueError, match="same size"):
        saved(image, save_all=True, append_images=[image_of("RGB")])
    with pytest.raises(ValueError, match="same size"):
        saved(image, save_all=True, append_images=[image.crop((0, 0, 53, 9))])


def test_damaged_files_are_pillow_errors():
    data = saved(image_of("RGB"), lossless=True).getvalue()
    with pytest.raises(UnidentifiedImageError):
        Image.open(io.BytesIO(data[:8]))
    with pytest.raises(OSError, match="cut short"):
        Image.open(io.BytesIO(data[: len(data) // 2]))
    foreign = bytearray(data)
    foreign[5] = 99
    with pytest.raises(OSError, match="codec number 99"):
        Image.open(io.BytesIO(foreign)).load()


def test_encrypted_files_say_so():
    from ivc.media import from_pillow
    from ivc.media.memory import FramesSource
    from ivc.pipeline import EncodeOptions, encode
    from ivc.stream import Encryption

    file = io.BytesIO()
    options = EncodeOptions(profile="dpcm", encryption=Encryption(bytes(32)))
    encode(FramesSource(from_pillow(image_of("L"))), file, options)
    file.seek(0)
    image = Image.open(file)
    assert image.size == (53, 37)
    with pytest.raises(OSError, match="encrypted"):
        image.load()


def test_the_plugin_is_light():
    code = "import sys, ivc.pillow; print(sorted({'numpy', 'numba', 'av'} & set(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout == "[]\n"
