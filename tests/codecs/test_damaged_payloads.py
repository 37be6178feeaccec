"""Damaged payloads: an error of ivc or a picture, never anything else, and soon."""

import time

import numpy as np
import pytest
from codec_inputs import header_of, pattern

from ivc.codecs import by_name
from ivc.errors import BitstreamError
from ivc.types import Layer, Layout, PixelFormat

CASES = [
    (profile, PixelFormat(layout, depth, alpha), frames, quality)
    for profile in ("dpcm", "dct", "linear-ar", "mlp-predictor")
    for layout, depth, alpha, frames, quality in (
        (Layout.GRAY, 8, False, 1, 90),
        (Layout.YUV420, 10, False, 2, 60),
        (Layout.RGB, 16, True, 2, 100),
    )
]
MUTATIONS = 400


def damaged(payload, rng):
    """One of: bytes changed, cut, extended, moved."""
    data = bytearray(payload)
    kind = rng.integers(5)
    if kind == 0:
        for _ in range(rng.integers(1, 8)):
            data[rng.integers(len(data))] = rng.integers(256)
    elif kind == 1:
        del data[rng.integers(len(data)) :]
    elif kind == 2:
        data += bytes(rng.integers(0, 256, rng.integers(1, 20), np.uint8))
    elif kind == 3:
        at = rng.integers(len(data))
        del data[at : at + rng.integers(1, 9)]
    else:
        data[rng.integers(min(len(data), 6))] = rng.integers(256)
    return bytes(data)


@pytest.mark.parametrize(("profile", "pixel_format", "frames", "quality"), CASES)
def test_damaged_payloads(profile, pixel_format, frames, quality):
    codec = by_name(profile).load()
    segment = pattern(pixel_format, 43, 29, frames)
    header = header_of(segment)
    payload = codec.encode(segment, codec.settings_type(quality=quality, effort=1), {})[
        Layer.PICTURE
    ]
    rng = np.random.default_rng(0)
    errors = 0
    for _ in range(MUTATIONS):
        try:
            decoded = codec.decode({Layer.PICTURE: damaged(payload, rng)}, header, {})
        except BitstreamError:
            errors += 1
            continue
        assert all(plane.max() <= pixel_format.max_value for plane in decoded.planes)
    assert errors > MUTATIONS // 2


@pytest.mark.parametrize("profile", ["dpcm", "dct", "linear-ar", "mlp-predictor"])
def test_random_bytes(profile):
    codec = by_name(profile).load()
    header = header_of(pattern(PixelFormat(Layout.YUV444, 12, True), 50, 40, 2))
    rng = np.random.default_rng(1)
    for size in range(200):
        data = b"\0\0\0" + bytes(rng.integers(0, 256, size, np.uint8))
        try:
            codec.decode({Layer.PICTURE: data}, header, {})
        except BitstreamError as error:
            assert "\n" not in str(error)


@pytest.mark.parametrize("profile", ["dpcm", "dct", "linear-ar", "mlp-predictor"])
def test_a_large_picture_without_data_fails_early(profile):
    codec = by_name(profile).load()
    small = pattern(PixelFormat(Layout.GRAY), 8, 8)
    data = codec.encode(small, codec.settings_type(), {})
    codec.decode(data, header_of(small), {})
    header = header_of(pattern(PixelFormat(Layout.GRAY), 3000, 2000))
    noise = {Layer.PICTURE: b"\0\0\0" + bytes(range(1, 200))}
    began = time.process_time()
    with pytest.raises(BitstreamError):
        codec.decode(noise, header, {})
    assert time.process_time() - began < 1
