"""What codecs are given: the same samples, under names of our own."""

import os
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from fake_codec import clip, noise, rgb, still, write, yuv
from PIL import Image

from ivc.bench.material import frames_of, prepare
from ivc.errors import MediaError
from ivc.media import frames_from_array, open_source
from ivc.types import Colour, Frames, Layout, PixelFormat


def frames_in(material):
    return Frames.concatenate(list(frames_of(material.path)))


def test_a_still(tmp_path):
    material = still(tmp_path, 21, 11)
    assert (material.name, material.suffix) == ("still.png", ".ppm")
    assert material.path == tmp_path / f"{material.digest}.ppm"
    assert len(material.digest) == 32
    assert (material.width, material.height, material.frames) == (21, 11, 1)
    assert (material.layout, material.depth, material.alpha) == ("RGB", 8, False)
    assert material.still
    assert (material.rate, material.seconds, material.pixels) == (0, 0, 231)
    assert material.rates(231) == {"bpp": 8}
    assert frames_in(material).planes[0].tobytes() == rgb(21, 11).planes[0].tobytes()
    assert not list(tmp_path.glob("part*"))


@pytest.mark.parametrize(
    ("array", "suffix", "layout", "depth", "alpha"),
    [
        (noise((7, 5)), ".pgm", "GRAY", 8, False),
        (noise((7, 5), top=60_000, dtype=np.uint16), ".pgm", "GRAY", 16, False),
        (noise((7, 5, 3), top=60_000, dtype=np.uint16), ".ppm", "RGB", 16, False),
        (noise((7, 5, 2)), ".png", "GRAY", 8, True),
        (noise((7, 5, 4)), ".png", "RGB", 8, True),
        (noise((7, 5, 4), top=60_000, dtype=np.uint16), ".png", "RGB", 16, True),
        (noise((1, 1, 3)), ".ppm", "RGB", 8, False),
    ],
)
def test_stills_of_all_kinds(tmp_path, array, suffix, layout, depth, alpha):
    frames = frames_from_array(array)
    material = prepare(write(tmp_path / "in.png", frames), tmp_path)
    assert (material.suffix, material.layout) == (suffix, layout)
    assert (material.depth, material.alpha) == (depth, alpha)
    found = frames_in(material)
    assert (found.format.depth, found.format.alpha) == (depth, alpha)
    assert all((a == b).all() for a, b in zip(frames.planes, found.planes, strict=True))


def test_a_jpeg_is_the_picture_that_it_decodes_to(tmp_path):
    picture = Image.fromarray(noise((9, 13, 3)))
    picture.save(tmp_path / "in.jpg", quality=60)
    material = prepare(tmp_path / "in.jpg", tmp_path)
    decoded = np.asarray(Image.open(tmp_path / "in.jpg"))
    assert (np.asarray(Image.open(material.path)) == decoded).all()


@pytest.mark.parametrize("layout", [Layout.YUV420, Layout.YUV422, Layout.YUV444, Layout.GRAY])
@pytest.mark.parametrize(("size", "depth"), [((16, 8), 8), ((15, 7), 10), ((1, 1), 8)])
def test_clips_of_all_kinds(tmp_path, layout, size, depth):
    frames = yuv(*size, layout=layout, depth=depth)
    material = prepare(write(tmp_path / "in.y4m", frames, 24), tmp_path)
    assert (material.suffix, material.layout, material.depth) == (".y4m", layout.name, depth)
    assert (material.width, material.height, material.frames) == (*size, 3)
    assert (material.rate, material.seconds) == (24, 0.125)
    assert not material.still
    assert material.rates(1000) == {"bpp": pytest.approx(8000 / (3 * size[0] * size[1])),
                                    "kbps": pytest.approx(64)}  # fmt: skip
    assert all(
        (a == b).all() for a, b in zip(frames.planes, frames_in(material).planes, strict=True)
    )


@pytest.mark.parametrize("depth", [8, 10])
def test_a_clip_of_rgb(tmp_path, depth):
    form = PixelFormat(Layout.RGB, depth, colour=Colour(1, 13, 0, True))
    planes = [noise((2, 8, 10), i, 200 << (depth - 8), form.dtype) for i in range(3)]
    frames = Frames(planes, form)
    material = prepare(write(tmp_path / "in.mkv", frames, 25), tmp_path)
    assert (material.suffix, material.layout, material.frames) == (".mkv", "RGB", 2)
    assert material.depth == depth
    found = frames_in(material)
    assert all((a == b).all() for a, b in zip(frames.planes, found.planes, strict=True))


def test_numbered_pictures_are_a_clip(tmp_path):
    (tmp_path / "in").mkdir()
    for number in range(3):
        write(tmp_path / "in" / f"{number:02d}.png", rgb(seed=number))
    material = prepare(tmp_path / "in" / "%02d.png", tmp_path)
    assert (material.frames, material.rate, material.layout) == (3, 25, "RGB")


def test_a_fractional_rate(tmp_path):
    assert clip(tmp_path, rate=Fraction(30000, 1001)).rate == Fraction(30000, 1001)


def test_the_first_frames(tmp_path):
    path = write(tmp_path / "in.y4m", yuv(count=5), 25)
    whole, two, one = (prepare(path, tmp_path, frames=n) for n in (None, 2, 1))
    assert [m.frames for m in (whole, two, one)] == [5, 2, 1]
    assert len({m.digest for m in (whole, two, one)}) == 3
    assert (frames_in(two).planes[0] == yuv(count=5).planes[0][:2]).all()
    assert not one.still
    assert prepare(path, tmp_path, frames=99).digest == whole.digest
    picture = write(tmp_path / "in.png", rgb())
    assert prepare(picture, tmp_path, frames=1).still


def test_the_digest_is_that_of_the_content(tmp_path):
    first = clip(tmp_path)
    assert clip(tmp_path, name="other name.y4m").digest == first.digest
    again = prepare(write(tmp_path / "same.mkv", yuv(), 25), tmp_path)
    assert again.digest == first.digest
    different = [
        clip(tmp_path, rate=24), clip(tmp_path, seed=1), clip(tmp_path, count=2),
        clip(tmp_path, width=8, height=16), clip(tmp_path, depth=10),
        clip(tmp_path, layout=Layout.YUV444),
    ]  # fmt: skip
    assert len({first.digest, *(m.digest for m in different)}) == 7
    assert still(tmp_path).digest == still(tmp_path, name="b.ppm").digest
    assert still(tmp_path).digest != still(tmp_path, 10, 20).digest


def test_full_and_limited_range_are_two_clips(tmp_path):
    frames = yuv()
    full = Frames(frames.planes, replace(frames.format, colour=Colour(full_range=True)))
    a = prepare(write(tmp_path / "a.y4m", frames, 25), tmp_path)
    b = prepare(write(tmp_path / "b.y4m", full, 25), tmp_path)
    assert a.digest != b.digest
    with open_source(b.path) as source:
        assert source.info.format.colour.full_range


HOSTILE = [
    "with blanks.png", "it's \"quoted\".png", "two\nlines.png", "{input} {x}.png", "-q.png",
    "%04d.png", "%d.png", "*.png", "[a-z]?.png", "früh 早い 🎞.png", "file:x.png", "a\\b.png",
    "http:x.png", "$HOME `id` ;#&|.png", ".png", "a" * 200 + ".png", "<b>&amp;.png", "-",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_hostile_names(tmp_path, name):
    source = tmp_path / "in" / name
    source.parent.mkdir()
    plain = write(tmp_path / "plain.png", rgb())
    # neighbours that a pattern would find
    for other in ("0001.png", "1.png", "a1.png"):
        write(source.parent / other, rgb(seed=9))
    source.write_bytes(plain.read_bytes())
    material = prepare(source, tmp_path)
    assert material.still
    assert material.name == name
    assert material.digest == prepare(plain, tmp_path).digest
    assert material.path.name == f"{material.digest}.ppm"


@pytest.mark.parametrize("name", ["%04d.mkv", "file:x.mkv", "two\nlines.mkv", "concat:a|b.mkv"])
def test_hostile_names_of_clips(tmp_path, monkeypatch, name):
    plain = write(tmp_path / "plain.mkv", yuv(), 25)
    source = tmp_path / "in" / name
    source.parent.mkdir()
    source.write_bytes(plain.read_bytes())
    digest = prepare(plain, tmp_path).digest
    assert prepare(source, tmp_path).digest == digest
    monkeypatch.chdir(source.parent)
    assert prepare(type(source)(name), tmp_path).digest == digest


def test_a_file_that_is_called_like_standard_input(tmp_path, monkeypatch):
    write(tmp_path / "plain.png", rgb()).rename(tmp_path / "-")
    monkeypatch.chdir(tmp_path)
    assert prepare(type(tmp_path)("-"), tmp_path).width == 20


def test_a_name_that_is_no_text(tmp_path):
    name = os.fsdecode(b"caf\xe9.png")
    plain = write(tmp_path / "plain.png", rgb())
    (tmp_path / name).write_bytes(plain.read_bytes())
    assert prepare(tmp_path / name, tmp_path).name == "caf?.png"
    assert prepare(plain, tmp_path, name=name).name == "caf?.png"
    assert prepare(plain, tmp_path, name="photos/a.png").name == "photos/a.png"


def test_what_cannot_be_read(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    cases = {
        "empty.png": b"", "text.png": b"no picture\n\nat all", "text.mkv": b"no clip",
        "cut.png": write(tmp_path / "whole.png", rgb()).read_bytes()[:60],
        "head.y4m": b"YUV4MPEG2 W8 H8 F25:1\n", "bad.y4m": b"YUV4MPEG2 Wx H8\n",
        "cut.mkv": write(tmp_path / "whole.mkv", yuv(), 25).read_bytes()[:80],
    }  # fmt: skip
    for name, data in cases.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(MediaError) as caught:
            prepare(tmp_path / name, folder)
        assert name in str(caught.value)
        assert "\n" not in str(caught.value)
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "missing.png", tmp_path / "folder"):
        with pytest.raises(MediaError):
            prepare(path, folder)
    assert list(folder.iterdir()) == []


def test_clips_with_alpha_are_refused(tmp_path):
    form = PixelFormat(Layout.YUV444, alpha=True)
    frames = Frames([noise((2, 8, 8), i) for i in range(4)], form)
    path = write(tmp_path / "in.y4m", frames, 25)
    with pytest.raises(MediaError, match="clips with alpha"):
        prepare(path, tmp_path)


def test_a_damaged_end_is_said(tmp_path):
    path = write(tmp_path / "in.y4m", yuv(), 25)
    path.write_bytes(path.read_bytes()[:-5])
    folder = tmp_path / "out"
    folder.mkdir()
    with pytest.raises(MediaError):
        prepare(path, folder)
    assert list(folder.iterdir()) == []
