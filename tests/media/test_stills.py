"""Stills: exact round trips, metadata, orientation, and files that lie."""

import io
import struct
import subprocess
import sys
import zlib
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from ivc.errors import MediaError
from ivc.media import open_sink, open_source, png
from ivc.media.arrays import SRGB, SRGB_GRAY, frames_from_array, frames_to_array
from ivc.media.pixels import write_frame
from ivc.types import (
    Attachment,
    AttachmentKind,
    Colour,
    Frames,
    Layout,
    PixelFormat,
    Segment,
    StreamInfo,
)

from .conftest import noise, read, write

GRAY, RGB = Layout.GRAY, Layout.RGB
SIZES = [(1, 1), (13, 7), (70, 130)]


def still_format(layout: Layout, depth: int, alpha: bool) -> PixelFormat:
    return PixelFormat(layout, depth, alpha, SRGB if layout == RGB else SRGB_GRAY)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("extension", "layouts", "depths", "alphas"),
    [
        ("png", (GRAY, RGB), (8, 16), (False, True)),
        ("tiff", (GRAY, RGB), (8, 16), (False, True)),
        ("pam", (GRAY, RGB), (8, 9, 10, 12, 16), (False, True)),
        ("pnm", (GRAY, RGB), (8, 11, 16), (False,)),
        ("jp2", (GRAY, RGB), (8,), (False, True)),
        ("jp2", (GRAY,), (16,), (False,)),
        ("webp", (RGB,), (8,), (False, True)),
        ("bmp", (GRAY, RGB), (8,), (False,)),
    ],
)
def test_lossless_formats_return_every_sample(tmp_path, extension, layouts, depths, alphas, size):
    for layout in layouts:
        for depth in depths:
            for alpha in alphas:
                frames = noise(still_format(layout, depth, alpha), *size)
                if alpha:
                    frames.planes[-1][0, 0, 0] = 7  # never opaque everywhere
                path = tmp_path / f"x.{extension}"
                write(path, frames)
                assert read(path) == frames
    assert [p.name for p in tmp_path.iterdir()] == [f"x.{extension}"]


def test_a_source_tells_what_it_is(tmp_path):
    path = tmp_path / "x.png"
    write(path, noise(still_format(RGB, 8, False), 5, 3))
    with open_source(path) as source:
        assert source.info == StreamInfo(still_format(RGB, 8, False), 5, 3)
        assert source.frame_count == 1
        assert source.seekable
        assert source.fingerprint().startswith("x.png:")
        assert [t.pts for t in source.frames()] == [0]
        assert list(source.frames(1)) == []


def test_jpeg_is_near_and_equal_to_pillow(tmp_path):
    yy, xx = np.mgrid[:40, :56]
    pixels = np.stack([yy * 5, xx * 4, yy + xx], axis=-1).astype(np.uint8)
    path = tmp_path / "x.jpg"
    write(path, frames_from_array(pixels))
    decoded = frames_to_array(read(path))[0]
    assert np.array_equal(decoded, np.asarray(Image.open(path)))
    assert np.abs(decoded.astype(int) - pixels).mean() < 2


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "I;16"]
)
def test_every_pillow_mode_is_read(tmp_path, mode):
    rng = np.random.default_rng(0)
    if mode == "I;16":
        image = Image.fromarray(rng.integers(0, 65536, (6, 9), dtype=np.uint16))
    else:
        image = Image.fromarray(rng.integers(0, 256, (6, 9, 3), dtype=np.uint8)).convert(mode)
    path = tmp_path / ("x.tiff" if mode in ("CMYK", "YCbCr", "PA", "LA") else "x.png")
    if mode == "PA":
        image = image.convert("RGBA")
    image.save(path)
    gray = mode in ("1", "L", "LA", "I;16")
    frames = read(path)
    assert frames.format.layout == (GRAY if gray else RGB)
    assert frames.format.alpha == (mode in ("LA", "PA", "RGBA"))
    target = mode if mode == "I;16" else ("LA" if mode == "LA" else "L") if gray else "RGB"
    reference = np.asarray(image if mode == "I;16" else image.convert(target))
    got = frames_to_array(frames)[0]
    assert np.array_equal(got[..., :3] if target == "RGB" else got, reference)


def test_palette_transparency_becomes_alpha():
    image = Image.new("P", (4, 2))
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putdata([0, 1] * 4)
    file = io.BytesIO()
    image.save(file, "PNG", transparency=1)
    frames = read(io.BytesIO(file.getvalue()))
    assert frames.format.alpha
    assert frames.planes[3][0, 0].tolist() == [255, 0, 255, 0]
    assert [int(p[0, 0, 0]) for p in frames.planes] == [10, 20, 30, 255]


def test_metadata_survives_png_and_jpeg(tmp_path):
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    attachments = [
        Attachment(AttachmentKind.ICC, icc),
        Attachment(AttachmentKind.EXIF, exif.tobytes()[6:]),
        Attachment(AttachmentKind.XMP, b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"),
        Attachment(AttachmentKind.TEXT, b'{"Title": "gr\\u00fcn", "Author": "me"}'),
    ]
    frames = noise(still_format(RGB, 8, False), 8, 8)
    for name, kinds in (("x.png", 4), ("x.jpg", 3), ("x.webp", 3), ("x.tiff", 2)):
        write(tmp_path / name, frames, attachments)
        with open_source(tmp_path / name) as source:
            kept = {a.kind: a.data for a in source.attachments()}
        assert len(kept) == kinds, name
        assert kept[AttachmentKind.ICC] == icc
        assert kept[AttachmentKind.XMP] == attachments[2].data
        if AttachmentKind.EXIF in kept:
            assert kept[AttachmentKind.EXIF] == attachments[1].data
    with open_source(tmp_path / "x.png") as source:
        text = source.attachments()[-1]
    assert text.kind is AttachmentKind.TEXT
    assert "grün" in text.data.decode()


@pytest.mark.parametrize("code", range(1, 9))
@pytest.mark.parametrize("name", ["x.png", "x.jpg", "x.tiff", "x.webp"])
def test_exif_orientation_is_applied_once(tmp_path, code, name):
    stored = np.zeros((16, 24), np.uint8)
    stored[:8, :8], stored[8:, :8] = 250, 120
    exif = Image.Exif()
    exif[0x0112] = code
    image = Image.fromarray(np.stack([stored] * 3, axis=-1))
    options = {"lossless": True} if name == "x.webp" else {}
    image.save(tmp_path / name, exif=exif, **options)
    # the standard's meaning of the eight codes
    upright = {
        1: stored, 2: stored[:, ::-1], 3: stored[::-1, ::-1], 4: stored[::-1], 5: stored.T,
        6: np.rot90(stored, -1), 7: stored[::-1, ::-1].T, 8: np.rot90(stored),
    }[code]  # fmt: skip
    with open_source(tmp_path / name) as source:
        frames = next(source.frames()).frames
        kept = [a.data for a in source.attachments() if a.kind is AttachmentKind.EXIF]
    assert frames.planes[0].shape[1:] == upright.shape
    assert np.abs(frames.planes[0][0].astype(int) - upright).max() <= 6
    again = Image.Exif()
    again.load(kept[0] if kept else b"")
    assert again.get(0x0112, 1) == 1


def test_deep_png_equals_pillow_where_pillow_can_and_interlacing_is_read():
    rng = np.random.default_rng(5)
    pixels = rng.integers(0, 65536, (19, 11), dtype=np.uint16)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    assert np.array_equal(frames_to_array(read(io.BytesIO(file.getvalue())))[0], pixels)
    colour = rng.integers(0, 65536, (19, 11, 3), dtype=np.uint16)
    assert np.array_equal(frames_to_array(read(io.BytesIO(adam7(colour))))[0], colour)


def adam7(pixels: np.ndarray, extra: bytes = b"") -> bytes:
    """An interlaced 16 bit RGB PNG written from the words of the standard, filter 0."""
    raw = b""
    for x, y, dx, dy in ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)):  # fmt: skip  # noqa: E501
        part = pixels[y::dy, x::dx]
        if part.size:
            raw += b"".join(b"\0" + row.astype(">u2").tobytes() for row in part)
    height, width = pixels.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 1)
    return png.SIGNATURE + b"".join(
        struct.pack(">I", len(payload))
        + kind
        + payload
        + struct.pack(">I", zlib.crc32(kind + payload))
        for kind, payload in ((b"IHDR", header), (b"IDAT", zlib.compress(raw)), (b"IEND", b""))
    )


def test_our_png_is_read_by_pillow(tmp_path):
    frames = noise(still_format(RGB, 8, True), 37, 150)
    write(tmp_path / "x.png", frames)
    with Image.open(tmp_path / "x.png") as image:
        image.load()
        assert np.array_equal(np.asarray(image), frames_to_array(frames)[0])


def test_yuv_is_written_as_rgb(tmp_path):
    form = PixelFormat(Layout.YUV420, 10)
    write(tmp_path / "x.png", noise(form, 9, 5))
    assert read(tmp_path / "x.png").format == still_format(RGB, 16, False)


def test_animations_are_clips_with_their_durations(tmp_path):
    pictures = [Image.new("RGB", (6, 4), (i * 80, 255 - i * 80, 7)) for i in range(3)]
    durations = [40, 100, 250]
    for name, options in (("x.png", {}), ("x.webp", {"lossless": True}), ("x.gif", {})):
        pictures[0].save(
            tmp_path / name,
            save_all=True,
            append_images=pictures[1:],
            duration=durations,
            **options,
        )
        with open_source(tmp_path / name) as source:
            assert not source.info.still
            assert source.frame_count == 3
            got = list(source.frames())
            later = list(source.frames(2))
        assert [t.pts for t in got] == [0, 40, 140], name
        assert [t.duration for t in got] == durations
        assert [int(t.frames.planes[0][0, 0, 0]) for t in got] == [0, 80, 160]
        assert later[0].frames == got[2].frames


@pytest.mark.parametrize("maximum", [1, 3, 100, 255, 256, 1000, 1023, 4095, 40000, 65535])
def test_netpbm_maxima(maximum):
    values = np.array([0, maximum // 2, maximum])
    samples = values.astype(">u2" if maximum > 255 else "u1").tobytes()
    frames = read(io.BytesIO(b"P5 # c\n3 1\n%d\n" % maximum + samples))
    top = frames.format.max_value
    assert frames.planes[0][0, 0].tolist() == [
        0, (values[1] * 2 * top + maximum) // (2 * maximum), top,
    ]  # fmt: skip
    if maximum in (255, 1023, 4095, 65535):
        assert top == maximum


def test_plain_netpbm():
    assert read(io.BytesIO(b"P1\n3 2\n101\n0 1 0\n")).planes[0].tolist() == [
        [[0, 255, 0], [255, 0, 255]]
    ]
    assert read(io.BytesIO(b"P3\n1 1\n255\n1 2 #x\n3\n")).planes[2].tolist() == [[[3]]]
    assert read(io.BytesIO(b"P4\n9 1\n\x80\x80")).planes[0].tolist() == [[[0] + [255] * 7 + [0]]]


def test_what_a_format_cannot_hold_is_said(tmp_path):
    frames = noise(still_format(RGB, 8, True), 4, 4)
    with pytest.raises(MediaError, match=r"\.jpg cannot hold alpha"):
        write(tmp_path / "x.jpg", frames)
    with pytest.raises(MediaError, match=r"out_%04d\.png"):
        write(tmp_path / "x.png", noise(still_format(RGB, 8, False), 4, 4, 2))
    with pytest.raises(MediaError, match="cannot write format"):
        write(tmp_path / "x.xyz", frames)
    with (
        pytest.raises(MediaError, match="no picture was written"),
        open_sink(tmp_path / "y.png", StreamInfo(frames.format, 4, 4)),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_deep_pictures_are_rounded_for_eight_bit_formats(tmp_path):
    frames = noise(still_format(RGB, 16, False), 8, 4)
    write(tmp_path / "x.bmp", frames)
    got = frames_to_array(read(tmp_path / "x.bmp")).astype(int)
    assert np.array_equal(got, np.floor(frames_to_array(frames) / 257 + 0.5).astype(int))


@pytest.mark.parametrize(
    "name", ["x.png", "x.jpg", "x.webp", "x.tiff", "x.gif", "x.avif", "x.jp2", "x.pam"]
)
def test_damaged_stills_end_in_one_line(tmp_path, name):
    frames = noise(still_format(RGB, 8, False), 20, 20)
    if name == "x.gif":
        Image.fromarray(frames_to_array(frames)[0]).save(tmp_path / name)
    else:
        write(tmp_path / name, frames)
    data = (tmp_path / name).read_bytes()
    for size in (1, 9, len(data) // 2):
        (tmp_path / name).write_bytes(data[:size])
        with pytest.raises(MediaError) as caught:
            read(tmp_path / name)
        assert "\n" not in str(caught.value)
        assert name in str(caught.value)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_mutated_deep_pictures_raise_only_media_errors(data):
    form = still_format(RGB, 16, True)
    file = io.BytesIO()
    kind = data.draw(st.sampled_from(["png", "pam", "tiff"]))
    with open_sink(file, StreamInfo(form, 7, 5), format=kind) as sink:
        sink.write(Segment(noise(form, 7, 5)))
    content = bytearray(file.getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        read(io.BytesIO(bytes(content)))
    except MediaError as error:
        assert "\n" not in str(error)


def test_bombs_are_refused_before_decoding():
    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    data = png.SIGNATURE + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    idat = b"IDAT" + zlib.compress(b"")
    data += struct.pack(">I", len(idat) - 4) + idat + struct.pack(">I", zlib.crc32(idat))
    with pytest.raises(MediaError, match="at most"):
        read(io.BytesIO(data))


def encode_with_ffmpeg(codec: str, container: str, pix_fmt: str, frames: Frames) -> io.BytesIO:
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = frames.width, frames.height, pix_fmt
        colour = frames.format.colour
        stream.codec_context.color_primaries = colour.primaries
        stream.codec_context.color_trc = colour.transfer
        stream.codec_context.colorspace = colour.matrix
        if codec == "jpeg2000":
            stream.codec_context.options = {"format": "j2k", "pred": "dwt53"}
        for packet in (*stream.encode(write_frame(frames, pix_fmt)), *stream.encode(None)):
            output.mux(packet)
    return io.BytesIO(file.getvalue())


def worst_error(a: Frames, b: Frames) -> int:
    pairs = zip(a.planes, b.planes, strict=True)
    return max(int(np.abs(p.astype(int) - q).max()) for p, q in pairs)


def test_deep_avif_keeps_its_yuv():
    form = PixelFormat(Layout.YUV420, 10, False, Colour(9, 16, 9))
    planes = [
        np.full((1, *shape), 300 + i, np.uint16)
        for i, shape in enumerate(form.plane_shapes(64, 64))
    ]
    got = read(encode_with_ffmpeg("libsvtav1", "avif", "yuv420p10le", Frames(planes, form)))
    assert got.format == form
    assert all(
        np.abs(p.astype(int) - q).max() <= 8 for p, q in zip(got.planes, planes, strict=True)
    )


def test_deep_jpeg2000_keeps_its_bits():
    form = PixelFormat(RGB, 16, False, Colour(2, 2, 0, True))
    rows = (np.arange(64 * 64).reshape(1, 64, 64) * 13 + 7).astype(np.uint16)
    frames = Frames([rows, rows[:, ::-1].copy(), rows // 3], form)
    got = read(encode_with_ffmpeg("jpeg2000", "image2pipe", "rgb48le", frames))
    assert got.format.depth == 16
    assert got.format.layout is RGB
    assert all(
        np.abs(p.astype(int) - q).max() <= 64
        for p, q in zip(got.planes, frames.planes, strict=True)
    )


def test_optional_formats(tmp_path):
    pytest.importorskip("imagecodecs")
    frames = noise(still_format(RGB, 16, True), 9, 6)
    write(tmp_path / "x.jxl", frames)
    assert read(tmp_path / "x.jxl") == frames


def test_heic_is_read(tmp_path):
    heif = pytest.importorskip("pillow_heif")
    pixels = np.full((16, 16, 3), (200, 100, 50), np.uint8)
    heif.from_bytes("RGB", (16, 16), pixels.tobytes()).save(
        tmp_path / "x.heic", quality=-1, chroma=444
    )
    got = frames_to_array(read(tmp_path / "x.heic"))[0]
    assert np.abs(got.astype(int) - pixels).max() <= 3


def animate(path: Path, count: int = 5, **options) -> Path:
    pictures = [Image.new("RGB", (6, 4), (index * 40, 0, 9)) for index in range(count)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], **options)
    return path


def test_animation_delays_that_are_no_whole_milliseconds_are_exact(tmp_path):
    with open_source(animate(tmp_path / "x.png", duration=100 / 3)) as source:
        assert source.info.frame_rate == 30
        assert [(t.pts, t.duration) for t in source.frames()] == [(i, 1) for i in range(5)]
        assert source.info.time_base == Fraction(1, 30)
        assert [t.pts for t in source.frames(3)] == [3, 4]
    with open_source(animate(tmp_path / "y.png", duration=[100 / 3, 40, 0, 1000, 7])) as source:
        ends = [(t.pts + t.duration) * source.info.time_base for t in source.frames()]
    assert ends[:2] == [Fraction(1, 30), Fraction(1, 30) + Fraction(1, 25)]
    assert ends[2] == ends[1] + Fraction(1, 10)  # what browsers make of 0


def test_the_default_picture_of_an_animated_png_is_no_frame(tmp_path):
    path = animate(tmp_path / "x.png", 4, duration=[40, 50, 60], default_image=True)
    with open_source(path) as source:
        assert source.frame_count == 3
        timed = list(source.frames())
    assert [t.duration for t in timed] == [40, 50, 60]
    assert [int(t.frames.planes[0][0, 0, 0]) for t in timed] == [40, 80, 120]


def test_an_opaque_animated_webp_has_no_alpha(tmp_path):
    with open_source(animate(tmp_path / "x.webp", duration=40, lossless=True)) as source:
        assert not source.info.format.alpha
        assert int(list(source.frames())[3].frames.planes[0][0, 0, 0]) == 120
    pictures = [Image.new("RGBA", (6, 4), (index, 0, 9, 90)) for index in range(1, 3)]
    pictures[0].save(tmp_path / "y.webp", save_all=True, append_images=pictures[1:], lossless=True)
    with open_source(tmp_path / "y.webp") as source:
        assert source.info.format.alpha


def test_damaged_tiff_files_give_one_line_each_and_no_noise(tmp_path):
    paths = []
    for dtype in (np.uint8, np.uint16):
        tifffile.imwrite(tmp_path / "x.tif", np.zeros((40, 50, 3), dtype))
        data = (tmp_path / "x.tif").read_bytes()
        for cut in (4, 8, 30, 150, len(data) // 2):
            paths.append(tmp_path / f"{dtype.__name__}_{cut}.tif")
            paths[-1].write_bytes(data[:cut])
    script = (
        "import sys\nfrom ivc.errors import MediaError\nfrom ivc.media import open_source\n"
        "for path in sys.argv[1:]:\n"
        " try: open_source(path)\n"
        " except MediaError as error: print(error)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, *paths], capture_output=True, text=True, check=True
    )
    assert (run.stdout.count("\n"), run.stderr) == (len(paths), "")
