"""The bytes of small streams, and what a stream costs."""

import io

import pytest

from ivc.stream import open_stream
from ivc.types import Colour, Layer, Layout, PixelFormat

from .samples import ATTACHMENTS, CLIP, STILL, clip_segments, raw_key, write


def test_still_of_one_layer():
    assert write(STILL, [(1, {Layer.PICTURE: b"\xaa\xbb"})]).hex(" ") == (
        "96 69 76 63 "  # magic
        "00 02 01 04 "  # flags, codec, codec version, RGB 8 bit
        "ff 01 ff 01 "  # 256 x 256
        "04 02 aa bb"  # PICTURE, 2 bytes
    )


def test_still_of_two_layers_ends_with_an_empty_end():
    data = write(STILL, [(1, {Layer.TEXT: b"t", Layer.PICTURE: b"p"})])
    assert data[4] == 0x80
    assert data[12:].hex(" ") == "04 01 70 24 01 74 70 00"


def test_clip():
    data = write(CLIP, clip_segments(1, frames=2), checksums=False)
    assert data.hex(" ") == (
        "96 69 76 63 "
        "84 02 01 01 "  # clip and closed, codec, version, 4:2:0 8 bit
        "3f 2f "  # 64 x 48
        "01 01 80 64 19 01 "  # level 1, 1/12800 s, 25/1 Hz
        "60 03 02 00 13 "  # SEGMENT: 2 frames on the grid, 19 bytes of layers
        "04 09 70 69 63 74 75 72 65 20 30 "
        "24 06 74 65 78 74 20 30 "
        "70 05 01 10 18 02 00 "  # END: 1 segment at 16, 24 bytes and 2 frames, no attachment
        "07 00 00 00 63 76 69 96"  # trailer
    )


def test_checksum_is_crc32c_of_tag_size_and_payload():
    data = write(STILL, [(1, {Layer.PICTURE: b"123456789"})], checksums=True)
    # CRC-32C of 05 09 "123456789", computed bit by bit
    crc = 0xFFFFFFFF
    for byte in b"\x05\x09123456789":
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    assert data[12:] == b"\x05\x09123456789" + (crc ^ 0xFFFFFFFF).to_bytes(4, "little")


@pytest.mark.parametrize("size", [0, 1, 127, 128, 16383, 16384, 2097151])
def test_small_still_costs_at_most_16_bytes(size):
    assert len(write(STILL, [(1, {Layer.PICTURE: bytes(size)})])) - size <= 16


def test_larger_still_gets_a_checksum_only_for_large_layers():
    info = STILL.replace(width=257)
    for size, checked in ((4095, False), (4096, True)):
        stream = open_stream(io.BytesIO(write(info, [(1, {Layer.PICTURE: bytes(size)})])))
        assert stream.segments[0].layers[Layer.PICTURE].checksummed is checked


def test_clip_costs_23_bytes_a_segment():
    def size(count):
        segments = [
            (
                32,
                {Layer.PICTURE: bytes(30000)},
                tuple(range(i * 16384, i * 16384 + 16384, 512)),
                512,
            )
            for i in range(count)
        ]
        return len(write(CLIP, segments)) - 30000 * count

    # 19 where the segment stands, all of it under CRC-32C, and 4 in the index
    assert size(65) - size(64) == 23


def test_encryption_costs_16_bytes_a_layer():
    segments = clip_segments(5)
    open_size, sealed_size = (
        len(write(CLIP, segments[:count], encryption=raw_key())) for count in (4, 5)
    )
    plain = len(write(CLIP, segments)) - len(write(CLIP, segments[:4]))
    assert sealed_size - open_size == plain + 2 * 16


@pytest.mark.parametrize(
    ("still", "layout", "colour"),
    [
        (True, Layout.RGB, Colour(1, 13, 0, True)),
        (True, Layout.GRAY, Colour(1, 13, 2, True)),
        (True, Layout.YUV420, Colour(1, 13, 6, True)),
        (False, Layout.YUV444, Colour(1, 1, 1, False)),
    ],
)
def test_usual_colour_is_free_and_other_colour_costs_4_bytes(still, layout, colour):
    info = (STILL if still else CLIP).replace(format=PixelFormat(layout, colour=colour))
    segments = [(1, {Layer.PICTURE: b""})]
    other = info.replace(format=PixelFormat(layout, colour=Colour(9, 16, 9, False)))
    assert len(write(other, segments)) - len(write(info, segments)) == 4
    for each in (info, other):
        assert open_stream(io.BytesIO(write(each, segments))).header.info == each


def test_same_input_gives_same_bytes():
    assert len({write(CLIP, clip_segments(), attachments=ATTACHMENTS) for _ in range(3)}) == 1
