"""``roadmap/linear-ar`` and ``roadmap/mlp-predictor``: what both must do, and what each is for."""

import hashlib

import numpy as np
import pytest
from codec_inputs import FORMATS, SIZES, header_of, pattern
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from ivc.codecs import by_name
from ivc.codecs.roadmap.linear_ar import LinearAr, LinearArSettings
from ivc.codecs.roadmap.mlp_predictor import MlpPredictor, MlpSettings
from ivc.errors import BitstreamError, UsageError
from ivc.types import Frames, Layer, Layout, PixelFormat, Segment

LINEAR, MLP = LinearAr(), MlpPredictor()
CASES = {
    "linear-ar": LinearArSettings(effort=2),
    "linear-ar-small": LinearArSettings(order=3, others=0, classes=1),
    "linear-ar-large": LinearArSettings(order=24, others=9, classes=32, effort=1),
    "mlp-online": MlpSettings(),
    "mlp-offline": MlpSettings(training="offline", effort=1),
    "mlp-large": MlpSettings(neighbours=12, hidden=64),
    "mlp-offline-small": MlpSettings(training="offline", hidden=1, effort=1),
}


def codec_of(settings):
    return LINEAR if isinstance(settings, LinearArSettings) else MLP


def roundtrip(segment, settings):
    codec = codec_of(settings)
    layers = codec.encode(segment, settings, {})
    return layers[Layer.PICTURE], codec.decode(layers, header_of(segment), {})


@pytest.mark.parametrize("frames", [1, 3])
@pytest.mark.parametrize("pixel_format", FORMATS, ids=str)
@pytest.mark.parametrize("case", ["linear-ar", "mlp-online", "mlp-offline"])
def test_lossless(case, pixel_format, frames):
    for width, height in SIZES:
        segment = pattern(pixel_format, width, height, frames)
        assert roundtrip(segment, CASES[case])[1] == segment.frames


@pytest.mark.parametrize("case", CASES)
def test_larger_than_blocks_and_classes(case):
    segment = pattern(PixelFormat(Layout.RGB, 10, alpha=True), 131, 97, 2, noise=0.005)
    payload, decoded = roundtrip(segment, CASES[case])
    assert decoded == segment.frames
    assert len(payload) < 0.6 * 4 * 2 * 131 * 97 * 10 / 8


@examples(deadline=None, max_examples=60)
@given(
    width=st.integers(1, 40), height=st.integers(1, 40), depth=st.integers(8, 16),
    layout=st.sampled_from(Layout), seed=st.integers(0, 999), extremes=st.booleans(),
    case=st.sampled_from(sorted(CASES)),
)  # fmt: skip
def test_any_samples(width, height, depth, layout, seed, extremes, case):
    pixel_format = PixelFormat(layout, depth, alpha=seed % 2 == 0)
    rng = np.random.default_rng(seed)
    values = [0, pixel_format.max_value] if extremes else pixel_format.max_value + 1
    planes = [
        rng.choice(values, (2, *shape)).astype(pixel_format.dtype)
        for shape in pixel_format.plane_shapes(width, height)
    ]
    segment = Segment(Frames(planes, pixel_format))
    assert roundtrip(segment, CASES[case])[1] == segment.frames


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("depth", [8, 16])
def test_edges_from_end_to_end_of_the_range(case, depth):
    """Checks and stripes of the extremes, large enough for coefficients and weights to be sent."""
    pixel_format = PixelFormat(Layout.RGB, depth)
    y, x = np.mgrid[:80, :80]
    planes = [
        (((x // 3 + y // (2 + i)) % 2) * pixel_format.max_value).astype(pixel_format.dtype)[None]
        for i in range(3)
    ]
    segment = Segment(Frames(planes, pixel_format))
    assert roundtrip(segment, CASES[case])[1] == segment.frames


@pytest.mark.parametrize("case", ["linear-ar", "mlp-online", "mlp-offline"])
@pytest.mark.parametrize("depth", [8, 10, 16])
def test_noise_does_not_grow(case, depth):
    pixel_format = PixelFormat(Layout.RGB, depth)
    rng = np.random.default_rng(0)
    planes = [rng.integers(0, 2**depth, (1, 64, 96)).astype(pixel_format.dtype) for _ in range(3)]
    segment = Segment(Frames(planes, pixel_format))
    payload, decoded = roundtrip(segment, CASES[case])
    assert decoded == segment.frames
    assert len(payload) <= 3 * 64 * 96 * depth / 8 + 12


def test_one_sample_takes_few_bytes():
    one = pattern(PixelFormat(Layout.RGB), 1, 1)
    for settings in CASES.values():
        assert len(roundtrip(one, settings)[0]) <= 14


def test_still_frames_of_a_clip_are_nearly_free_for_linear_prediction():
    still = pattern(PixelFormat(Layout.YUV420), 96, 64, 1)
    planes = [np.repeat(plane, 6, 0) for plane in still.frames.planes]
    clip = Segment(Frames(planes, still.frames.format))
    settings = LinearArSettings()
    assert len(roundtrip(clip, settings)[0]) < 1.2 * len(roundtrip(still, settings)[0])


def test_the_network_beats_the_linear_predictor_of_its_neighbours(photograph):
    linear = LinearArSettings(order=3, others=0, classes=1)
    size = len(roundtrip(photograph, linear)[0])
    assert len(roundtrip(photograph, MlpSettings())[0]) < size


def test_more_neighbours_and_classes_make_files_smaller(photograph):
    def size(settings):
        return len(roundtrip(photograph, settings)[0])

    one = size(LinearArSettings(order=3, others=0, classes=1))
    six = size(LinearArSettings(order=6, others=0, classes=1))
    assert size(LinearArSettings()) < six < one
    assert size(MlpSettings(neighbours=6)) < size(MlpSettings())
    dpcm = by_name("dpcm").load()
    other = dpcm.encode(photograph, dpcm.settings_type(), {})[Layer.PICTURE]
    assert size(LinearArSettings()) < len(other)


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ("linear-ar", ["e80234018ebbc5a1", "8a32aa99a73b67ec"]),
        ("mlp-online", ["b9d5c2765cbcaa2f", "00527cbd169b18a2"]),
    ],
)
def test_bytes_are_those_of_version_1(case, expected):
    digests = [
        hashlib.sha256(roundtrip(segment, CASES[case])[0]).hexdigest()[:16]
        for segment in (integers(PixelFormat(Layout.GRAY)), integers(PixelFormat(Layout.RGB, 10)))
    ]
    assert digests == expected


def integers(pixel_format):
    """Ramps and steps without any floating point."""
    planes = []
    for i, (h, w) in enumerate(pixel_format.plane_shapes(65, 49)):
        y, x = np.mgrid[:h, :w]
        value = 3 * x + (2 + i) * y + ((x // 9 + y // 7) % 3) * 40 + (x * x + 5 * y) % 7
        planes.append((value % (pixel_format.max_value + 1)).astype(pixel_format.dtype)[None])
    return Segment(Frames(planes, pixel_format))


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        (LinearArSettings(order=2), "order"),
        (LinearArSettings(order=25), "order"),
        (LinearArSettings(others=10), "others"),
        (LinearArSettings(classes=0), "classes"),
        (LinearArSettings(classes=33), "classes"),
        (MlpSettings(neighbours=2), "neighbours"),
        (MlpSettings(neighbours=13), "neighbours"),
        (MlpSettings(hidden=0), "hidden"),
        (MlpSettings(hidden=65), "hidden"),
        (MlpSettings(training="never"), "training"),
    ],
)
def test_settings_out_of_range(settings, name):
    with pytest.raises(UsageError, match=name):
        roundtrip(pattern(FORMATS[0], 8, 8), settings)


@pytest.mark.parametrize("codec", [LINEAR, MLP])
@pytest.mark.parametrize(
    "data",
    [None, b"", b"\0\0\0", b"\2\0\0\0\0", b"\0\3\0\0\0", b"\0\0\x16\x0a\x40", b"\0\0\0\x0a\x40",
     b"\0\0\xff\xff\xff\xff\xff\0", b"\0\0\0\0\0"],
)  # fmt: skip
def test_impossible_payloads(codec, data):
    header = header_of(pattern(PixelFormat(Layout.RGB), 300, 300))
    with pytest.raises(BitstreamError):
        codec.decode({} if data is None else {Layer.PICTURE: data}, header, {})


@pytest.mark.parametrize("name", ["dpcm", "linear-ar", "mlp-predictor"])
def test_a_colour_transform_needs_rgb(name):
    codec = by_name(name).load()
    segment = pattern(PixelFormat(Layout.YUV444, 10), 4, 4)
    data = bytearray(codec.encode(segment, codec.settings_type(), {})[Layer.PICTURE])
    data[1] = 1
    with pytest.raises(BitstreamError, match="colour"):
        codec.decode({Layer.PICTURE: bytes(data)}, header_of(segment), {})


@pytest.mark.parametrize("seed", range(8))
def test_wild_coefficients_and_weights(seed):
    """Bytes that claim large coefficients or weights yield samples in range or an error."""
    rng = np.random.default_rng(seed)
    form = PixelFormat(Layout.YUV444, 9)
    segment = pattern(form, 80, 70, 2)
    for case in ("linear-ar", "mlp-offline"):
        codec = codec_of(CASES[case])
        data = bytearray(codec.encode(segment, CASES[case], {})[Layer.PICTURE])
        for at in rng.integers(5, 60, 5):
            data[at] = 255
        try:
            frames = codec.decode({Layer.PICTURE: bytes(data)}, header_of(segment), {})
        except BitstreamError:
            continue
        assert all(plane.max() <= form.max_value for plane in frames.planes)
