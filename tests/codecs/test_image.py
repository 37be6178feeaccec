import dataclasses
import hashlib
import itertools
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from codec_inputs import FORMATS, SIZES, header_of, largest_error, pattern, psnr
from scipy.ndimage import gaussian_filter

from ivc.codecs.image import Image, ImageSettings, refine
from ivc.codecs.image.constants import (
    MAX_FEATURE,
    MAX_STEP_INDEX,
    STEPS_PER_OCTAVE,
    TILE,
    step_feature,
    step_size,
)
from ivc.codecs.image.passes import NONE
from ivc.codecs.image.planes import Geometry
from ivc.codecs.image.syntax import fill_features
from ivc.errors import BitstreamError, ModelError, UnsupportedError, UsageError
from ivc.metrics import Meter
from ivc.nets import bundle
from ivc.nets.network import Network
from ivc.types import Frames, Layer, Layout, PixelFormat, Segment, SegmentHeader

CODEC = Image(threads=1)


def roundtrip(segment, **settings):
    layers = CODEC.encode(segment, ImageSettings(**settings), {})
    return layers, CODEC.decode(layers, header_of(segment), {})


def total(layers):
    return sum(map(len, layers.values()))


def reduced_header(segment, reduction):
    frames = segment.frames
    return SegmentHeader(
        frames.format, frames.width, frames.height, len(frames), 1, reduction=reduction
    )


@pytest.mark.parametrize("pixel_format", FORMATS, ids=str)
def test_every_format_and_size(pixel_format):
    for (width, height), frames in zip(SIZES, itertools.cycle((1, 3)), strict=False):
        segment = pattern(pixel_format, width, height, frames)
        layers, decoded = roundtrip(segment, quality=97, effort=1)
        assert decoded.format == pixel_format
        assert [p.shape for p in decoded.planes] == [p.shape for p in segment.frames.planes]
        assert psnr(decoded, segment.frames) > 44
        assert (Layer.ALPHA in layers) == pixel_format.alpha


def test_alpha_is_lossless_at_any_quality():
    segment = pattern(PixelFormat(Layout.YUV420, 10, True), 40, 30, 3)
    _, decoded = roundtrip(segment, quality=5)
    assert np.array_equal(decoded.planes[3], segment.frames.planes[3])


def test_quality_is_monotone_over_the_whole_scale(photograph):
    results = [roundtrip(photograph, quality=q) for q in range(0, 101, 10)]
    sizes = [total(layers) for layers, _ in results]
    quality = [psnr(decoded, photograph.frames) for _, decoded in results]
    assert sizes == sorted(sizes)
    assert quality == sorted(quality)
    pixels = photograph.frames.width * photograph.frames.height
    assert 8 * sizes[0] / pixels < 0.1
    assert 8 * sizes[-1] / pixels > 4
    assert quality[-1] > 48


def test_quality_is_fine_grained(photograph):
    sizes = [total(roundtrip(photograph, quality=q)[0]) for q in (50, 50.5, 51, 51.5)]
    assert all(a < b < 1.04 * a for a, b in itertools.pairwise(sizes))


def test_choosing_by_rate_and_distortion_pays(photograph):
    def cost(effort, quality):
        layers, decoded = roundtrip(photograph, quality=quality, effort=effort)
        return np.log(total(layers)) - 0.12 * psnr(decoded, photograph.frames)

    plain, chosen = (sum(cost(effort, q) for q in (25, 40, 55)) for effort in (1, 5))
    assert chosen < plain


def test_refinement_pays(photograph):
    pytest.importorskip("torch")
    costs = []
    for effort in (7, 8, 9):
        layers, decoded = roundtrip(photograph, quality=40, effort=effort)
        costs.append(np.log(total(layers)) - 0.12 * psnr(decoded, photograph.frames))
    assert costs[1] < costs[0]
    assert costs[2] < costs[0]


def test_refinement_without_torch_says_what_to_do(photograph, monkeypatch):
    monkeypatch.setitem(sys.modules, "ivc.nets.torch.differentiable", None)
    with pytest.raises(UnsupportedError, match=r"ivc\[train\]"):
        roundtrip(photograph, effort=8)


def test_pictures_larger_than_a_window_are_refined():
    pytest.importorskip("torch")
    segment = pattern(PixelFormat(Layout.YUV422), refine.WINDOW + 131, 77)
    layers, decoded = roundtrip(segment, quality=50, effort=8)
    assert psnr(decoded, segment.frames) > 25
    assert layers != roundtrip(segment, quality=50, effort=7)[0]


def test_tuning_for_ms_ssim_raises_it_at_equal_size(photograph):
    def curve(tune):
        points = []
        for quality in (30, 40, 50, 60):
            layers, decoded = roundtrip(photograph, quality=quality, tune=tune)
            meter = Meter(["ms-ssim"])
            meter.add(photograph.frames, decoded)
            points.append((np.log(total(layers)), meter.scores()["ms-ssim"].pooled))
        return np.array(points).T

    plain, tuned = curve("psnr"), curve("ms-ssim")
    sizes = np.linspace(max(plain[0, 0], tuned[0, 0]), min(plain[0, -1], tuned[0, -1]), 20)
    gain = np.interp(sizes, *tuned) - np.interp(sizes, *plain)
    assert gain.mean() > 0


def test_well_below_the_block_transform_at_equal_psnr(photograph):
    from ivc.codecs.roadmap.dct import Dct, DctSettings

    layers, decoded = roundtrip(photograph, quality=45)
    wanted = psnr(decoded, photograph.frames)
    dct = Dct()
    sizes = []
    for quality in range(30, 80, 3):
        payload = dct.encode(photograph, DctSettings(quality=quality), {})
        if psnr(dct.decode(payload, header_of(photograph), {}), photograph.frames) >= wanted:
            sizes.append(total(payload))
    assert total(layers) < 0.9 * min(sizes)


@pytest.mark.parametrize("layout", list(Layout), ids=lambda layout: layout.name)
def test_a_smaller_picture_needs_only_the_coarse_layers(layout):
    segment = pattern(PixelFormat(layout, alpha=layout is Layout.RGB), 131, 77, noise=0)
    layers, decoded = roundtrip(segment, quality=90)
    for reduction in CODEC.reductions:
        needed = CODEC.layers_at(reduction)
        part = {layer: data for layer, data in layers.items() if layer in needed}
        frames = CODEC.decode(part, reduced_header(segment, reduction), {})
        width, height = -(-131 // reduction), -(-77 // reduction)
        assert (frames.width, frames.height) == (width, height)
        if reduction == 1:
            assert frames == decoded
        else:
            assert len(part) < len(layers)


@pytest.mark.parametrize("layout", [Layout.YUV420, Layout.YUV422], ids=lambda layout: layout.name)
def test_smaller_pictures_of_a_clip_are_those_of_its_frames(layout):
    clip = pattern(PixelFormat(layout), 131, 77, 3, noise=0)
    layers, _ = roundtrip(clip, quality=80)
    for reduction in CODEC.reductions:
        part = {k: v for k, v in layers.items() if k in CODEC.layers_at(reduction)}
        frames = CODEC.decode(part, reduced_header(clip, reduction), {})
        still = Segment(clip.frames[2:3])
        alone = CODEC.encode(still, ImageSettings(quality=80), {})
        last = CODEC.decode(alone, reduced_header(still, reduction), {})
        assert largest_error(frames[2:3], last) <= 40
        assert psnr(frames[2:3], last) > 30


def test_a_smaller_picture_looks_like_the_large_one(photograph):
    layers, _ = roundtrip(photograph, quality=90)
    for reduction in (2, 4, 8):
        frames = CODEC.decode(layers, reduced_header(photograph, reduction), {})
        for small, plane in zip(frames.planes, photograph.frames.planes, strict=True):
            smooth = gaussian_filter(plane[0].astype(float), 0.5 * reduction, mode="mirror")
            error = small[0] - smooth[::reduction, ::reduction]
            assert np.sqrt(np.square(error).mean()) < 12


def test_a_layer_that_is_missing_is_named():
    segment = pattern(PixelFormat(Layout.GRAY), 40, 40)
    layers, _ = roundtrip(segment)
    for layer in (Layer.STRUCTURE, Layer.PICTURE, Layer.ENHANCEMENT):
        part = {k: v for k, v in layers.items() if k != layer}
        with pytest.raises(BitstreamError, match=layer.label):
            CODEC.decode(part, header_of(segment), {})


def test_pictures_larger_than_a_tile_have_no_seams(photograph):
    """Far more than one tile at level 1; errors beside the tiles' edges are as elsewhere."""
    rows = np.concatenate([photograph.frames.planes[i] for i in range(3)], 1)
    plane = np.tile(rows, (1, 3, 6))[:, : 2 * TILE + 90, : 4 * TILE + 70]
    segment = Segment(Frames([np.ascontiguousarray(plane)], PixelFormat(Layout.GRAY)))
    _, decoded = roundtrip(segment, quality=30)
    error = np.square(decoded.planes[0][0].astype(float) - plane[0])
    columns = error.mean(0)
    seams = [columns[x - 2 : x + 2].mean() for x in (256, 512, 768, 1024)]
    assert max(seams) < 3 * np.median(columns)
    assert np.mean(seams) < 1.5 * columns.mean()


def test_one_and_two_threads_and_the_definition_agree(photograph):
    part = Frames([p[:, :96, :130] for p in photograph.frames.planes], photograph.frames.format)
    segment = Segment(Frames([np.ascontiguousarray(p) for p in part.planes], part.format))
    settings = ImageSettings(quality=40)
    coders = [
        Image(threads=1),
        Image(threads=2),
        Image(threads=1, arithmetic="int64"),
        Image(threads=1, arithmetic="float64"),
    ]
    encoded = [coder.encode(segment, settings, {}) for coder in coders]
    assert all(layers == encoded[0] for layers in encoded)
    decoded = [coder.decode(encoded[0], header_of(segment), {}) for coder in coders]
    for frames in decoded:
        # the parse is the same; float networks may paint one code value differently
        assert largest_error(frames, decoded[0]) <= 1


DECODER = """
import hashlib, pathlib, sys
from ivc.codecs.image import Image
from ivc.types import Layer, Layout, PixelFormat, SegmentHeader
folder = pathlib.Path(sys.argv[1])
layers = {Layer(int(p.name)): p.read_bytes() for p in folder.iterdir()}
header = SegmentHeader(PixelFormat(Layout.YUV422, 10, True), 141, 67, 2, 1)
frames = Image(threads=2).decode(layers, header, {})
print(hashlib.sha256(b"".join(plane.tobytes() for plane in frames.planes)).hexdigest())
"""


def test_another_process_with_other_threads_decodes_the_same(tmp_path):
    segment = pattern(PixelFormat(Layout.YUV422, 10, True), 141, 67, 2)
    layers, decoded = roundtrip(segment, quality=60)
    for layer, data in layers.items():
        (tmp_path / str(int(layer))).write_bytes(data)
    run = subprocess.run(
        [sys.executable, "-c", DECODER, str(tmp_path)], capture_output=True, text=True, check=True
    )
    planes = b"".join(plane.tobytes() for plane in decoded.planes)
    assert run.stdout.split() == [hashlib.sha256(planes).hexdigest()]


def test_encoding_twice_gives_the_same_bytes():
    segment = pattern(PixelFormat(Layout.YUV420), 65, 33, 3)
    layers, _ = roundtrip(segment)
    assert roundtrip(segment)[0] == layers


def damaged(data, rng):
    data = bytearray(data)
    kind = rng.integers(4)
    if kind == 0 or len(data) < 4:
        data += bytes(rng.integers(0, 256, rng.integers(1, 20), np.uint8))
    elif kind == 1:
        del data[rng.integers(len(data)) :]
    elif kind == 2:
        at = rng.integers(len(data))
        del data[at : at + rng.integers(1, 9)]
    else:
        for _ in range(rng.integers(1, 8)):
            data[rng.integers(len(data))] = rng.integers(256)
    return bytes(data)


@pytest.mark.parametrize(
    "pixel_format",
    [PixelFormat(Layout.GRAY), PixelFormat(Layout.YUV420, 10), PixelFormat(Layout.RGB, 16, True)],
    ids=str,
)
def test_damaged_layers(pixel_format):
    segment = pattern(pixel_format, 43, 29)
    layers, _ = roundtrip(segment, quality=85)
    rng = np.random.default_rng(0)
    errors = 0
    for _ in range(60):
        victim = list(layers)[rng.integers(len(layers))]
        try:
            decoded = CODEC.decode(
                layers | {victim: damaged(layers[victim], rng)}, header_of(segment), {}
            )
        except (BitstreamError, ModelError):
            errors += 1
            continue
        assert all(plane.max() <= pixel_format.max_value for plane in decoded.planes)
    assert errors > 20


def test_a_large_picture_without_data_fails_early():
    header = header_of(pattern(PixelFormat(Layout.GRAY), 2000, 1500))
    layers = dict.fromkeys((Layer.PICTURE, Layer.ENHANCEMENT), b"")
    with pytest.raises(BitstreamError, match="end before"):
        CODEC.decode(layers | {Layer.STRUCTURE: b"\1\x80\1\3" + b"\xa5" * 30}, header, {})


@pytest.mark.parametrize(
    "settings", [{"quality": 101}, {"quality": -1}, {"tune": "beauty"}], ids=str
)
def test_settings_out_of_range(settings):
    with pytest.raises(UsageError, match=next(iter(settings))):
        roundtrip(pattern(FORMATS[0], 8, 8), **settings)


def test_a_model_that_does_not_exist():
    with pytest.raises(ModelError, match=r"card\.json"):
        roundtrip(pattern(FORMATS[0], 8, 8), model="/nowhere")
    segment = pattern(FORMATS[0], 8, 8)
    layers, _ = roundtrip(segment)
    structure = layers[Layer.STRUCTURE]
    own = layers | {Layer.STRUCTURE: b"\0" + structure[1:]}
    with pytest.raises(BitstreamError, match="whose model"):
        CODEC.decode(own, header_of(segment), {})
    with pytest.raises(ModelError, match="--model"):
        CODEC.decode(own, replace(header_of(segment), weights_hash=bytes(8)), {})
    with pytest.raises(UnsupportedError, match="model 99"):
        CODEC.decode(layers | {Layer.STRUCTURE: b"\x63" + structure[1:]}, header_of(segment), {})


def changed_model(folder, change):
    """A copy of the shipped model with changed networks."""
    shipped = bundle.load("image", 1)
    networks = {name: shipped.network(name) for name in shipped.names(".npz")}
    floats = {name: shipped.read(f"{name}.onnx") for name in shipped.names(".onnx")}
    arrays = {name: shipped.array(name) for name in shipped.names(".npy")}
    change(networks, floats, arrays)
    bundle.save(folder, shipped.card, networks, floats, arrays)
    return str(folder)


def wider(network):
    nodes = [*network.nodes[:-1], dataclasses.replace(network.nodes[-1], low=-4000, high=4000)]
    return Network(network.inputs, nodes, network.outputs)


def put(key, make):
    def change(networks, floats, arrays):
        for kind in (networks, floats, arrays):
            if key in kind:
                kind[key] = make(kind[key])

    return change


@pytest.mark.parametrize(
    "change",
    [
        put("2.pass1", wider),
        put("1.trunk", wider),
        lambda networks, *_: networks.update({"1.pass0": networks["2.pass0"]}),
        lambda networks, *_: networks.update({"1.pass4": networks["1.pass3"]}),
        lambda networks, *_: networks.pop("3.pass2"),
        lambda _, floats, __: floats.update({"1.predict": floats["synthesis"]}),
        put("contexts", lambda table: table[:1]),
        put("contexts", lambda table: table * 0),
        put("steps", lambda table: table.astype(np.int32)),
    ],
)
def test_models_that_do_not_fit_are_refused(tmp_path, change):
    folder = changed_model(tmp_path / "model", change)
    with pytest.raises(ModelError):
        roundtrip(pattern(PixelFormat(Layout.RGB), 40, 30), model=folder)


def test_a_model_of_ones_own(tmp_path):
    segment = pattern(PixelFormat(Layout.RGB), 40, 30)
    steps = put("steps", lambda table: table + np.int16(20))
    folder = changed_model(tmp_path / "1", steps)
    layers = CODEC.encode(segment, ImageSettings(model=folder), {})
    assert layers != CODEC.encode(segment, ImageSettings(), {})
    found = CODEC.weights_hash(ImageSettings(model=folder))
    header = replace(header_of(segment), model=folder, weights_hash=found)
    assert psnr(CODEC.decode(layers, header, {}), segment.frames) > 30
    with pytest.raises(ModelError, match=found.hex()):
        CODEC.decode(layers, replace(header, weights_hash=bytes(8)), {})


def test_steps_are_exponential():
    assert step_size(0) == 0.5
    assert step_size(MAX_STEP_INDEX) == 256
    assert step_feature(0) == -16
    assert step_feature(STEPS_PER_OCTAVE) == 0
    assert step_feature(MAX_STEP_INDEX) == 128


def test_what_networks_see_of_coefficients():
    q = np.array([[0, 1, -1, 2, 3, -4, 7, 15, 32767, -32767]], np.int16)
    signed, unsigned = np.zeros((2, *q.shape), np.int32)
    fill_features(q, NONE, signed, unsigned)
    assert unsigned.tolist() == [[0, 16, 16, 24, 32, 36, 48, 64, 240, 240]]
    assert (signed == np.sign(q) * unsigned).all()
    assert unsigned.max() <= MAX_FEATURE


def test_sizes_of_bands():
    geometry = Geometry(Layout.YUV422, 7, 5)
    assert geometry.size(1) == (3, 4)
    assert [geometry.band_size(1, band) for band in range(3)] == [(2, 4), (3, 3), (2, 3)]
    assert geometry.present(1, 1, 0)
    assert not geometry.present(1, 1, 1)
    assert geometry.present(2, 2, 2)
    assert geometry.size(6) == (1, 1)
