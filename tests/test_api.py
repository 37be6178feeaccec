"""The Python face: what can be encoded, where to, and how it is read back."""

import io
import os
import subprocess
import sys
import threading
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

import ivc
from ivc.errors import DecryptionError, LimitError, UsageError


def picture(height=40, width=56, channels=3):
    y, x, c = np.mgrid[0:height, 0:width, 0:channels]
    return ((x * 3 + y * (2 + c) + (x * y) % 7) % 256).astype(np.uint8)


def film(frames=10):
    return np.stack([np.roll(picture(), 3 * i, axis=1) for i in range(frames)])


@pytest.mark.parametrize("kind", ["array", "pillow", "frames", "path", "file"])
def test_inputs_of_every_kind_give_the_same_file(tmp_path, kind):
    image = Image.fromarray(picture())
    image.save(tmp_path / "a.png")
    sources = {
        "array": picture(),
        "pillow": image,
        "frames": ivc.Frames(
            [np.ascontiguousarray(picture()[None, ..., i]) for i in range(3)],
            ivc.PixelFormat(ivc.Layout.RGB, colour=ivc.Colour(1, 13, 0, True)),
        ),
        "path": tmp_path / "a.png",
        "file": (tmp_path / "a.png").open("rb"),
    }
    out = io.BytesIO()
    ivc.encode(sources[kind], out, profile="dpcm")
    ivc.encode(picture(), tmp_path / "a.ivc", profile="dpcm")
    assert out.getvalue() == (tmp_path / "a.ivc").read_bytes()
    sources["file"].close()


@pytest.mark.parametrize("shape", [(9, 7), (9, 7, 1), (9, 7, 2), (9, 7, 3), (9, 7, 4)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_arrays_come_back(shape, dtype):
    array = np.random.default_rng(1).integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)
    out = io.BytesIO()
    ivc.encode(array, out, profile="dpcm")
    out.seek(0)
    with ivc.open(out) as clip:
        assert len(clip) == 1
        assert (clip[0] == array.reshape(clip[0].shape)).all()
        assert clip[0].dtype == dtype


def test_a_clip_is_a_sequence(tmp_path):
    pictures = film()
    result = ivc.encode(
        pictures, tmp_path / "a.ivc", profile="dpcm", frame_rate=12.5, segment_frames=4
    )
    assert result.seconds == pytest.approx(0.8)
    assert result.bits_per_pixel == pytest.approx(result.bytes * 8 / (10 * 40 * 56))
    with ivc.open(tmp_path / "a.ivc") as clip:
        assert (len(clip), clip.width, clip.height, clip.profile) == (10, 56, 40, "roadmap/dpcm")
        assert clip.info.frame_rate == Fraction(25, 2)
        assert not clip.truncated
        for index in (0, 7, 3, -1):
            assert (clip[index] == pictures[index]).all()
        assert all((a == b).all() for a, b in zip(clip[2:9:3], pictures[2:9:3], strict=True))
        assert all((a == b).all() for a, b in zip(clip, pictures, strict=True))
        assert [len(segment.frames) for segment in clip.segments()] == [4, 4, 2]
        assert len(clip.layer("picture", segment=2)) > 0
        for wrong in (10, -11):
            with pytest.raises(IndexError):
                clip[wrong]
        for name, segment in (("texture", 0), ("picture", 3), ("nonsense", 0)):
            with pytest.raises(UsageError, match="no layer"):
                clip.layer(name, segment)


def test_a_range_is_decoded(tmp_path):
    ivc.encode(film(), tmp_path / "a.ivc", profile="dpcm", segment_frames=4)
    ivc.decode(tmp_path / "a.ivc", tmp_path / "b.mkv", frames=slice(3, 6))
    out = io.BytesIO()
    ivc.encode(tmp_path / "b.mkv", out, profile="dpcm")
    out.seek(0)
    with ivc.open(out) as clip:
        assert all((a == b).all() for a, b in zip(clip, film()[3:6], strict=True))
    with pytest.raises(UsageError, match="without step"):
        ivc.decode(tmp_path / "a.ivc", tmp_path / "c.mkv", frames=slice(0, 9, 2))


def test_keys(tmp_path):
    ivc.encode(picture(), tmp_path / "a.ivc", key=b"k" * 32)
    with ivc.open(tmp_path / "a.ivc", key=b"k" * 32) as clip:
        assert clip[0].shape == (40, 56, 3)
    for key in (None, b"x" * 32):
        with pytest.raises(DecryptionError):
            ivc.decode(tmp_path / "a.ivc", tmp_path / "a.png", key=key)
    assert not (tmp_path / "a.png").exists()


def test_contradictions_are_refused(tmp_path):
    out = tmp_path / "a.ivc"
    for wrong in (
        {"size": 100, "bitrate": 100}, {"size": 100, "target": {"psnr": 30}},
        {"quality": 30, "size": 100}, {"quality": -1}, {"effort": 10}, {"profile": "mpeg"},
        {"settings": {"nothing": 1}},
    ):  # fmt: skip
        with pytest.raises(ivc.IvcError):
            ivc.encode(picture(), out, **wrong)
    ivc.encode(picture(), out)
    with pytest.raises(UsageError, match="both the input and the output"):
        ivc.decode(out, out)
    with pytest.raises(UsageError, match="folder"):
        ivc.encode(picture(), tmp_path)


def test_links_are_written_through_and_named_pipes_are_not_replaced(tmp_path):
    ivc.encode(picture(), tmp_path / "a.ivc")
    (tmp_path / "link.ivc").symlink_to(tmp_path / "real.ivc")
    ivc.encode(picture(), tmp_path / "link.ivc")
    assert (tmp_path / "link.ivc").is_symlink()
    assert (tmp_path / "real.ivc").read_bytes() == (tmp_path / "a.ivc").read_bytes()
    os.mkfifo(tmp_path / "pipe")
    read = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    ivc.encode(picture(), tmp_path / "pipe")
    reader.join(30)
    assert read == [(tmp_path / "a.ivc").read_bytes()]
    assert (tmp_path / "pipe").is_fifo()


def test_standard_input_and_output(tmp_path):
    ivc.encode(film(), tmp_path / "a.ivc", profile="dpcm")
    script = (
        "import ivc, sys\n"
        "with ivc.open('-') as clip:\n"
        "    total = sum(int(p.sum()) for p in clip)\n"
        "print(total, file=sys.stderr)\n"
        "import numpy as np\n"
        "ivc.encode(np.zeros((8, 8), np.uint8), '-')\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script],
        input=(tmp_path / "a.ivc").read_bytes(), capture_output=True, check=True,
    )  # fmt: skip
    assert int(run.stderr) == int(film().sum())
    with ivc.open(io.BytesIO(run.stdout)) as clip:
        assert clip[0].shape == (8, 8)


def test_only_known_names_are_public():
    assert {"encode", "decode", "open", "Frames"} <= set(dir(ivc))
    with pytest.raises(AttributeError, match="nothing"):
        _ = ivc.nothing


def test_pictures_in_memory_keep_their_profile_and_are_turned_upright(tmp_path):
    image = Image.fromarray(picture())
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "turned.jpg", exif=exif, icc_profile=b"profile", quality=95)
    by_path, in_memory = io.BytesIO(), io.BytesIO()
    ivc.encode(tmp_path / "turned.jpg", by_path, profile="dpcm")
    with Image.open(tmp_path / "turned.jpg") as opened:
        ivc.encode(opened, in_memory, profile="dpcm")
    assert in_memory.getvalue() == by_path.getvalue()
    in_memory.seek(0)
    with ivc.open(in_memory) as clip:
        assert clip[0].shape == (56, 40, 3)
        assert b"profile" in [attachment.data for attachment in clip.attachments()]


def test_a_level_bounds_what_is_decoded(tmp_path):
    ivc.encode(np.zeros((600, 700), np.uint8), tmp_path / "a.ivc")
    for attempt in (
        lambda: ivc.open(tmp_path / "a.ivc", max_level=1),
        lambda: ivc.decode(tmp_path / "a.ivc", tmp_path / "a.png", max_level=1),
    ):
        with pytest.raises(LimitError, match="level"):
            attempt()
    assert not (tmp_path / "a.png").exists()
    ivc.decode(tmp_path / "a.ivc", tmp_path / "a.png", max_level=2)


def test_pictures_are_decoded_at_a_scale(tmp_path, layered):
    ivc.encode(film(), tmp_path / "a.ivc", profile=layered, quality=100, segment_frames=4)
    small = film()[:, ::4, ::4]
    result = ivc.decode(tmp_path / "a.ivc", tmp_path / "b.mkv", scale=Fraction(1, 4))
    assert (result.frames, result.width, result.height) == (10, 14, 10)
    with ivc.open(tmp_path / "a.ivc", scale="1/4") as clip:
        assert (len(clip), clip.width, clip.height) == (10, 14, 10)
        assert (clip[7] == small[7]).all()
        assert all((a == b).all() for a, b in zip(clip, small, strict=True))
    with ivc.open(tmp_path / "a.ivc", scale=0.5) as clip:
        assert (clip[0] == film()[0, ::2, ::2]).all()
    for scale in ("1/3", 2, "none"):
        for attempt in (
            lambda scale=scale: ivc.open(tmp_path / "a.ivc", scale=scale),
            lambda scale=scale: ivc.decode(tmp_path / "a.ivc", tmp_path / "c.mkv", scale=scale),
        ):
            with pytest.raises(UsageError, match="1/"):
                attempt()
    assert not (tmp_path / "c.mkv").exists()


def test_models_of_the_users_own(tmp_path, layered, model):
    ivc.encode(picture(), tmp_path / "a.ivc", profile=layered, quality=100, model=model)
    with ivc.open(tmp_path / "a.ivc", model=model) as clip:
        assert (clip[0] == picture()).all()
    ivc.decode(tmp_path / "a.ivc", tmp_path / "a.png", model=str(model), scale=0.5)
    assert (np.asarray(Image.open(tmp_path / "a.png")) == picture()[::2, ::2]).all()
    with ivc.open(tmp_path / "a.ivc") as clip:
        assert len(clip.layer("structure")) > 0
        with pytest.raises(ivc.IvcError, match="needs a model"):
            _ = clip[0]
    with pytest.raises(UsageError, match="twice"):
        settings = {"model": str(model)}
        ivc.encode(picture(), tmp_path / "b.ivc", profile=layered, model=model, settings=settings)
