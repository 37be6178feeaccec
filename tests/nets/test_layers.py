import dataclasses

import numpy as np
import pytest

from ivc.errors import ModelError
from ivc.nets.convolution import Conv, Deconv
from ivc.nets.layers import Add, Concat, Leaky, Multiply, Requantise, Shuffle, Slice, Unshuffle
from ivc.nets.network import Network
from ivc.nets.node import TensorInfo, round_shift
from ivc.nets.reference import run

from .examples import conv, every_layer, random_input, random_network, single


def array(rows):
    return np.array(rows, np.int32)[None, None]


def small_conv(kind=Conv, **changes):
    fields = {
        "name": "y", "sources": ("x",), "weight": np.array([[[[1, 2], [3, 4]]]], np.int8),
        "bias": np.array([5], np.int32), "shift": np.array([1], np.uint8), "low": -100, "high": 100,
    }  # fmt: skip
    return kind(**{**fields, **changes})


@pytest.mark.parametrize(
    ("value", "shift", "expected"),
    [
        (5, 0, 5),
        (-5, 0, -5),
        (5, 1, 3),
        (-5, 1, -2),
        (6, 2, 2),
        (-6, 2, -1),
        (7, 2, 2),
        (-7, 2, -2),
    ],
)
def test_rounding_is_to_nearest_and_halves_go_up(value, shift, expected):
    assert round_shift(value, shift) == expected
    network = single(
        Requantise(name="y", sources=("x",), shift=shift, low=-9, high=9), TensorInfo(1, -9, 9)
    )
    assert run(network, {"x": array([[value]])})["y"].item() == expected


def test_convolution_by_hand():
    network = single(small_conv(), TensorInfo(1, -9, 9))
    # (1*1 + 2*2 + 3*3 + 4*4 + 5 + 1) >> 1
    assert run(network, {"x": array([[1, 2], [3, 4]])})["y"].tolist() == [[[[18]]]]
    padded = single(small_conv(padding=(1, 0, 0, 1)), TensorInfo(1, -9, 9))
    # rows: (0 0 / 1 2) (0 0 / 2 pad) (1 2 / 3 4) (2 pad / 4 pad)
    assert run(padded, {"x": array([[1, 2], [3, 4]])})["y"].tolist() == [[[[8, 6], [18, 10]]]]


def test_transposed_convolution_by_hand():
    node = small_conv(Deconv, stride=2, bias=np.array([0], np.int32), shift=np.zeros(1, np.uint8))
    network = single(node, TensorInfo(1, -9, 9))
    assert run(network, {"x": array([[1, -2]])})["y"].tolist() == [
        [[[1, 2, -2, -4], [3, 4, -6, -8]]]
    ]
    cropped = single(dataclasses.replace(node, stride=1, crop=(1, 0, 0, 1)), TensorInfo(1, -9, 9))
    assert run(cropped, {"x": array([[1, -2]])})["y"].tolist() == [[[[3, -2]]]]


def test_channels_have_their_own_shift_and_clip():
    node = small_conv(
        weight=np.full((3, 1, 1, 1), 10, np.int8), bias=np.array([0, 4, -4], np.int32),
        shift=np.array([0, 3, 31], np.uint8), low=0, high=50,
    )  # fmt: skip
    values = run(single(node, TensorInfo(1, -9, 9)), {"x": array([[9, -9]])})["y"]
    assert values[0, :, 0].tolist() == [[50, 0], [12, 0], [0, 0]]


def test_leaky_add_multiply_by_hand():
    info = TensorInfo(1, -100, 100)
    x = {"x": array([[-100, -2, -1, 0, 3]])}
    assert run(single(Leaky(name="y", sources=("x",), shift=2), info), x)["y"].ravel().tolist() == [
        -25, 0, 0, 0, 3,
    ]  # fmt: skip
    add = Add(name="y", sources=("x", "x"), gains=(2, 0), shift=1, low=-240, high=7)
    assert run(single(add, info), x)["y"].ravel().tolist() == [-240, -5, -2, 0, 7]
    multiply = Multiply(name="y", sources=("x", "x"), shift=1, low=0, high=2000)
    assert run(single(multiply, info), x)["y"].ravel().tolist() == [2000, 2, 1, 0, 5]


def test_shuffle_order():
    info = TensorInfo(8, 0, 99)
    x = np.arange(8, dtype=np.int32).reshape(1, 8, 1, 1)
    shuffled = run(single(Shuffle(name="y", sources=("x",), factor=2), info), {"x": x})["y"]
    assert shuffled.tolist() == [[[[0, 1], [2, 3]], [[4, 5], [6, 7]]]]
    back = single(Unshuffle(name="y", sources=("x",), factor=2), TensorInfo(2, 0, 99))
    assert (run(back, {"x": shuffled})["y"] == x).all()


def test_inputs_are_clipped_to_their_range():
    network = single(Requantise(name="y", sources=("x",), low=-9, high=9), TensorInfo(1, -3, 5))
    for dtype in (np.int16, np.int32, np.int64):
        x = np.array([-1000, -3, 5, 1000], dtype).reshape(1, 1, 2, 2)
        assert run(network, {"x": x})["y"].ravel().tolist() == [-3, -3, 5, 5]


def test_weights_cannot_change_behind_a_proof():
    weight = np.ones((1, 1, 2, 2), np.int8)
    node = small_conv(weight=weight)
    weight[:] = 9
    assert node.weight.sum() == 4
    for array in (node.weight, node.bias, node.shift):
        with pytest.raises(ValueError, match="read-only"):
            array[:] = 0


@pytest.mark.parametrize("seed", range(30))
def test_sizes_and_ranges_are_what_was_inferred(seed):
    network = random_network(seed)
    network = dataclasses.replace(network, outputs=[node.name for node in network.nodes])
    for size in [(1, 1), (3, 7)]:
        sizes = network.sizes({"x": size})
        for name, values in run(network, random_input(network, size, seed)).items():
            info = network.tensors[name]
            assert values.shape == (1, info.channels, *sizes[name])
            assert info.low <= values.min() <= values.max() <= info.high


def test_macs():
    network = single(conv(Conv, "y", "x", 8, 3, (5, 5), 0, 9, stride=2), TensorInfo(3, 0, 9))
    assert network.macs({"x": (9, 13)}) == 8 * 3 * 25 * 3 * 5
    up = single(
        conv(Deconv, "y", "x", 8, 3, (4, 4), 0, 9, stride=2, crop=(1, 1, 1, 1)), TensorInfo(3, 0, 9)
    )
    assert up.macs({"x": (10, 10)}) == 8 * 3 * 16 * 10 * 10


@pytest.mark.parametrize(
    "changes",
    [
        {"weight": np.ones((1, 1, 2, 2))},
        {"weight": np.ones((1, 2, 2), np.int8)},
        {"weight": np.ones((0, 1, 2, 2), np.int8)},
        {"weight": np.ones((1, 1, 32, 2), np.int8)},
        {"bias": np.zeros(2, np.int32)},
        {"bias": np.zeros(1, np.int64)},
        {"shift": np.array([32], np.uint8)},
        {"shift": np.array([1], np.int8)},
        {"low": 101},
        {"high": 1 << 31},
        {"low": 0.5},
        {"stride": 0},
        {"stride": 65},
        {"stride": True},
        {"padding": (1, 1)},
        {"padding": (0, 0, 0, -1)},
        {"padding": (0, 0, 0, 32)},
        {"groups": 2},
        {"groups": 0},
        {"name": ""},
        {"name": "a b"},
        {"name": "%1"},
        {"name": "a" * 101},
        {"sources": ["x"]},
        {"sources": (1,)},
    ],
)
def test_impossible_convolutions(changes):
    with pytest.raises(ModelError) as caught:
        small_conv(**changes)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "node",
    [
        lambda: small_conv(sources=("x", "x")),
        lambda: small_conv(sources=()),
        lambda: small_conv(sources=("y",)),
        lambda: small_conv(name="x"),
        lambda: small_conv(weight=np.ones((1, 2, 2, 2), np.int8)),
        lambda: small_conv(Deconv, stride=3),
        lambda: small_conv(Deconv, weight=np.ones((1, 2, 2, 2), np.int8)),
        lambda: Add(name="y", sources=("x",), gains=(0,), low=0, high=1),
        lambda: Add(name="y", sources=("x", "x"), gains=(0,), low=0, high=1),
        lambda: Add(name="y", sources=("x", "x"), gains=(0, 32), low=0, high=1),
        lambda: Multiply(name="y", sources=("x",), low=0, high=1),
        lambda: Requantise(name="y", sources=("x",), shift=32, low=0, high=1),
        lambda: Requantise(name="y", sources=("x", "x"), low=0, high=1),
        lambda: Leaky(name="y", sources=("x",), shift=0),
        lambda: Concat(name="y", sources=()),
        lambda: Slice(name="y", sources=("x",), start=0, stop=2),
        lambda: Slice(name="y", sources=("x",), start=1, stop=1),
        lambda: Shuffle(name="y", sources=("x",), factor=2),
        lambda: Unshuffle(name="y", sources=("x",), factor=1),
    ],
)
def test_impossible_graphs(node):
    with pytest.raises(ModelError):
        single(node(), TensorInfo(1, -9, 9))


@pytest.mark.parametrize(
    "info", [TensorInfo(0, 0, 1), TensorInfo(1, 2, 1), TensorInfo(1, 0, 1 << 31)]
)
def test_impossible_inputs(info):
    with pytest.raises(ModelError):
        Network({"x": info}, [], ["x"])


def test_impossible_networks():
    info = TensorInfo(1, 0, 1)
    for inputs, outputs in [
        ({}, ["x"]),
        ({"x": info}, []),
        ({"x": info}, ["y"]),
        ({"": info}, [""]),
    ]:
        with pytest.raises(ModelError):
            Network(inputs, [], outputs)


def test_impossible_arrays():
    network = every_layer()
    good = random_input(network, (8, 8))["x"]
    for bad in (good[0], good[:, :2], good.astype(np.float32), good[:, :, :0]):
        with pytest.raises(ModelError):
            run(network, {"x": bad})
    with pytest.raises(ModelError, match="'x' is missing"):
        run(network, {})
    shrinking = single(small_conv(), TensorInfo(1, -9, 9))
    with pytest.raises(ModelError, match="too small"):
        run(shrinking, {"x": array([[1, 2, 3]])})


def test_batches_must_agree():
    info = TensorInfo(1, 0, 9)
    add = Add(name="y", sources=("a", "b"), gains=(0, 0), low=0, high=18)
    network = Network({"a": info, "b": info}, [add], ["y"])
    one, two = np.ones((1, 1, 2, 2), np.int32), np.ones((2, 1, 2, 2), np.int32)
    assert run(network, {"a": one, "b": one})["y"].sum() == 8
    with pytest.raises(ModelError, match="batch"):
        run(network, {"a": one, "b": two})
    with pytest.raises(ModelError, match="different sizes"):
        run(network, {"a": one, "b": one[:, :, :1]})
