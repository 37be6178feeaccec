from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ivc.cli import paths, values
from ivc.cli.terminal import human_bytes
from ivc.errors import UsageError
from ivc.types import AttachmentKind, Layer, Layout


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("20k", 20_000), ("1.5M", 1.5e6), ("1.5MB", 1.5e6), ("64KiB", 65536), ("64Ki", 65536),
        ("2 GB", 2e9), ("812", 812), ("812 B", 812), ("812 bytes", 812), (".5m", 5e5), ("3.", 3),
    ],
)  # fmt: skip
def test_sizes(text, size):
    assert values.parse_size(text) == size


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("800k", 8e5), ("1.5M", 1.5e6), ("2Mbit/s", 2e6), ("500kbps", 5e5), ("9600", 9600),
        ("1 Mb/s", 1e6),
    ],
)  # fmt: skip
def test_bitrates(text, rate):
    assert values.parse_bitrate(text) == rate


@pytest.mark.parametrize(
    "text", ["", "k", "-3", "0", "0k", "1e3", "nan", "inf", "3 apples", "1,5M"]
)
@pytest.mark.parametrize("parse", [values.parse_size, values.parse_bitrate])
def test_what_is_no_amount(parse, text):
    with pytest.raises(UsageError, match="write for instance 20k"):
        parse(text)


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("25", "25"), ("30000/1001", "30000/1001"), ("29.97", "30000/1001"), ("30.0", "30"),
        ("23.976", "24000/1001"), ("59.94", "60000/1001"), ("12.5", "25/2"), ("24", "24"),
    ],
)  # fmt: skip
def test_frame_rates(text, rate):
    assert values.parse_rate(text) == Fraction(rate)


@pytest.mark.parametrize("text", ["", "0", "-25", "1/0", "fast", "nan"])
def test_what_is_no_frame_rate(text):
    with pytest.raises(UsageError, match="is no frame rate"):
        values.parse_rate(text)


def test_targets():
    assert values.parse_target("psnr=38.5") == {"psnr": 38.5}
    assert values.parse_target("MS_SSIM = .99") == {"ms-ssim": 0.99}
    for text in ("psnr", "psnr=", "psnr=high", ""):
        with pytest.raises(UsageError, match="is no target"):
            values.parse_target(text)


def test_settings():
    assert values.parse_settings(["near=2", "a-b = x=y"]) == {"near": "2", "a_b": "x=y"}
    for items in (["near"], ["=2"], ["near=1", "near=2"]):
        with pytest.raises(UsageError, match="--set"):
            values.parse_settings(items)


@pytest.mark.parametrize(
    ("text", "frames"),
    [("2:5", slice(2, 5)), ("2:", slice(2, None)), (":5", slice(0, 5)), ("7", slice(7, 8))],
)
def test_frames(text, frames):
    assert values.parse_frames(text) == frames


@pytest.mark.parametrize("text", ["", ":", "a:b", "-1:3", "1:2:3", "1.5"])
def test_what_are_no_frames(text):
    with pytest.raises(UsageError, match="are no frames"):
        values.parse_frames(text)


def test_raw_formats():
    raw = values.parse_raw("352x288:yuv420p10le@29.97")
    assert (raw.width, raw.height, raw.frame_rate) == (352, 288, Fraction(30000, 1001))
    assert (raw.format.layout, raw.format.depth) == (Layout.YUV420, 10)
    assert values.parse_raw("8x8:gray").format.layout is Layout.GRAY
    assert values.parse_raw("8x8:rgbp16").format.depth == 16
    for text in ("8x8", "8x8:nv12", "8:gray", "8x8:gray@", "8x8:grayx", "8x8:gbrp"):
        with pytest.raises(UsageError, match="is no"):
            values.parse_raw(text)
    with pytest.raises(UsageError, match="bit depth 7"):
        values.parse_raw("8x8:gray7")


def test_encryption():
    assert values.parse_encryption(None, None) is None
    assert values.parse_encryption(None, b"key").everything
    assert values.parse_encryption("all", b"key").everything
    some = values.parse_encryption("texture, EXIF", b"key")
    assert some.layers == {Layer.TEXTURE}
    assert some.attachments == {AttachmentKind.EXIF}
    with pytest.raises(UsageError, match="needs a key"):
        values.parse_encryption("texture", None)
    with pytest.raises(UsageError, match="--encrypt face: there is no such layer"):
        values.parse_encryption("texture,face", b"key")


@pytest.mark.parametrize(
    ("path", "out"),
    [
        ("photo.png", "photo.ivc"),
        ("a.b.mp4", "a.b.ivc"),
        ("näme with spaces.mkv", "näme with spaces.ivc"),
        ("shots/take_%04d.png", "shots/take.ivc"),
        ("-", "-"),
        ("noextension", "noextension.ivc"),
    ],
)
def test_names_beside(path, out):
    assert paths.beside(path, ".ivc") == str(Path(out))


def test_a_sequence_of_bare_numbers_takes_the_name_of_its_folder(folder):
    assert paths.beside("shots/%04d.png", ".ivc") == str(folder / "shots.ivc")
    assert paths.beside("shots/*.png", ".ivc") == str(folder / "shots.ivc")


@given(st.integers(0, 10**15))
@example(99_950_000_000_000)
@example(9_995)
@example(9_994)
@example(999_500)
def test_human_bytes_are_short_and_near(count):
    text = human_bytes(count)
    number, unit = text.split(" ")
    exact = count / {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}[unit]
    assert len(number) <= 4
    assert float(number) == pytest.approx(exact, rel=0.006)
