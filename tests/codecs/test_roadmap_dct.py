import hashlib
import io
import itertools

import numpy as np
import pytest
from codec_inputs import FORMATS, SIZES, header_of, largest_error, pattern, psnr
from PIL import Image

from ivc.codecs.roadmap.dct import Dct, DctSettings, step_index, step_size
from ivc.errors import BitstreamError, UsageError
from ivc.types import Frames, Layer, Layout, PixelFormat, Segment

CODEC = Dct()


def roundtrip(segment, **settings):
    layers = CODEC.encode(segment, DctSettings(**settings), {})
    return layers[Layer.PICTURE], CODEC.decode(layers, header_of(segment), {})


@pytest.mark.parametrize("frames", [1, 3])
@pytest.mark.parametrize("pixel_format", FORMATS, ids=str)
def test_every_format_and_size(pixel_format, frames):
    for width, height in SIZES:
        segment = pattern(pixel_format, width, height, frames)
        _, decoded = roundtrip(segment, quality=90, effort=1)
        assert decoded.format == pixel_format
        assert [p.shape for p in decoded.planes] == [p.shape for p in segment.frames.planes]
        assert psnr(decoded, segment.frames) > 33


@pytest.mark.parametrize("chroma", ["420", "444"])
@pytest.mark.parametrize("size", SIZES)
def test_chroma_of_rgb(size, chroma):
    segment = pattern(PixelFormat(Layout.RGB, alpha=True), *size)
    _, decoded = roundtrip(segment, quality=95, chroma=chroma)
    assert np.array_equal(decoded.planes[3], segment.frames.planes[3])
    assert largest_error(decoded, segment.frames) <= (12 if chroma == "444" else 255)


def test_alpha_is_lossless_at_any_quality():
    segment = pattern(PixelFormat(Layout.YUV420, 10, True), 40, 30, 3)
    _, decoded = roundtrip(segment, quality=5)
    assert np.array_equal(decoded.planes[3], segment.frames.planes[3])


@pytest.mark.parametrize("effort", [1, 5, 9])
def test_quality_is_monotone(photograph, effort):
    results = [roundtrip(photograph, quality=q, effort=effort) for q in range(0, 101, 20)]
    sizes = [len(payload) for payload, _ in results]
    quality = [psnr(decoded, photograph.frames) for _, decoded in results]
    assert sizes == sorted(sizes)
    assert quality == sorted(quality)
    pixels = photograph.frames.width * photograph.frames.height
    assert 8 * sizes[0] / pixels < 0.1
    assert 8 * sizes[-1] / pixels > 4
    assert quality[-1] > 50


def test_quality_is_fine_grained(photograph):
    sizes = [len(roundtrip(photograph, quality=q)[0]) for q in (50, 50.3, 50.6, 50.9)]
    assert all(a < b < 1.03 * a for a, b in itertools.pairwise(sizes))


def test_effort_makes_files_smaller_at_equal_quality(photograph):
    def slope(effort, quality):
        payload, decoded = roundtrip(photograph, quality=quality, effort=effort)
        # 6 dB are about one bit a sample that is not zero; here 1 dB is worth about 6 %
        return np.log(len(payload)) - 0.06 * psnr(decoded, photograph.frames)

    # One quality alone says little: greedy decisions scatter by half a per cent.
    costs = [sum(slope(effort, quality) for quality in (30, 45, 60)) for effort in (1, 3, 5, 9)]
    assert costs == sorted(costs, reverse=True)


@pytest.mark.parametrize("subsampling", [0, 2], ids=["4:4:4", "4:2:0"])
@pytest.mark.parametrize("jpeg_quality", [25, 60, 90])
def test_well_below_jpeg_at_equal_psnr(photograph, subsampling, jpeg_quality):
    picture = np.stack([plane[0] for plane in photograph.frames.planes], -1)
    file = io.BytesIO()
    Image.fromarray(picture).save(
        file, "jpeg", quality=jpeg_quality, optimize=True, subsampling=subsampling
    )
    jpeg = np.asarray(Image.open(file))
    planes = [np.ascontiguousarray(jpeg[None, :, :, i]) for i in range(3)]
    wanted = psnr(Frames(planes, photograph.frames.format), photograph.frames)
    low, high = 0.0, 100.0
    for _ in range(7):
        middle = (low + high) / 2
        payload, decoded = roundtrip(photograph, quality=middle)
        low, high = (low, middle) if psnr(decoded, photograph.frames) >= wanted else (middle, high)
    payload, _ = roundtrip(photograph, quality=high)
    assert len(payload) < 0.75 * len(file.getvalue())


def test_still_parts_of_a_clip_are_nearly_free():
    still = pattern(PixelFormat(Layout.YUV420), 96, 64)
    planes = [np.repeat(plane, 10, 0) for plane in still.frames.planes]
    clip = Segment(Frames(planes, still.frames.format))
    one, ten = (len(roundtrip(s, quality=60)[0]) for s in (still, clip))
    assert ten < 1.25 * one


def test_steps_are_exponential():
    assert step_size(0) == 256
    assert step_size(128 * 5) == 256 << 5
    ratios = [step_size(i + 1) / step_size(i) for i in range(1000)]
    assert max(ratios) < 2 ** (1 / 128) * 1.01
    assert min(ratios) > 1
    assert step_index(100, 8) == 128
    assert step_index(0, 16) < 21 * 128


def test_bytes_are_those_of_version_1():
    digests = [
        hashlib.sha256(roundtrip(segment, quality=q, effort=e)[0]).hexdigest()[:16]
        for segment, q, e in (
            (pattern(PixelFormat(Layout.GRAY), 33, 18, noise=0), 60, 1),
            (pattern(PixelFormat(Layout.RGB, 10, True), 33, 18, 2, noise=0), 80, 5),
        )
    ]
    assert digests == ["01efd5036da65b16", "4592ffde16836144"]


@pytest.mark.parametrize("settings", [{"quality": 101}, {"quality": -1}, {"chroma": "422"}])
def test_settings_out_of_range(settings):
    with pytest.raises(UsageError, match=next(iter(settings))):
        roundtrip(pattern(FORMATS[0], 8, 8), **settings)


@pytest.mark.parametrize(
    "layers",
    [{}, {Layer.PICTURE: b""}, {Layer.PICTURE: b"\x30\0"}, {Layer.PICTURE: b"\xff\xff\0\0"},
     {Layer.PICTURE: b"\x30\1\0"}, {Layer.PICTURE: b"\x30\0\0" + b"\xa5" * 20}],
)  # fmt: skip
def test_impossible_payloads(layers):
    header = header_of(pattern(PixelFormat(Layout.YUV420), 300, 300))
    with pytest.raises(BitstreamError):
        CODEC.decode(layers, header, {})
