import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivc.errors import ModelError
from ivc.nets.convolution import Conv, Deconv
from ivc.nets.layers import Add, Multiply, Requantise
from ivc.nets.node import TensorInfo
from ivc.nets.proof import Arithmetic, prove
from ivc.nets.reference import convolve, run, stamp
from ivc.nets.runtime import ExactSession
from ivc.nets.torch import TorchSession

from .examples import conv, every_layer, single, worst_input


def one_weight(weight, bias, limit, shift=0):
    return Conv(
        name="y", sources=("x",), weight=np.full((1, 1, 1, 1), weight, np.int8),
        bias=np.array([bias], np.int32), shift=np.array([shift], np.uint8), low=-limit, high=limit,
    )  # fmt: skip


def bound(node, info):
    return prove(single(node, info))[0]


def test_the_formula():
    # Sum of |w| times the largest |x|, plus |bias|, plus half a step of the shift.
    node = dataclasses.replace(
        one_weight(0, -7, 1, shift=3), weight=np.array([[[[-3, 5]]]], np.int8)
    )
    assert bound(node, TensorInfo(1, -10, 10)).bound == 8 * 10 + 7 + 4
    # One-sided inputs cannot drive both signs at once.
    assert bound(node, TensorInfo(1, 0, 10)).bound == 5 * 10 + 7 + 4
    assert bound(node, TensorInfo(1, 2, 10)).bound == 5 * 10 + 7 + 4
    assert bound(node, TensorInfo(1, -10, 0)).bound == 5 * 10 + 7 + 4


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), low=st.integers(-70000, 0), high=st.integers(0, 70000))
def test_a_worst_input_reaches_the_bound_exactly(seed, low, high):
    info = TensorInfo(4, low, high)
    node = conv(Conv, "y", "x", 3, 4, (3, 2), -1, 1, seed=seed)
    node = dataclasses.replace(node, bias=np.zeros(3, np.int32), shift=np.zeros(3, np.uint8))
    reached = [
        abs(convolve(worst_input(node, channel, info).astype(np.int64), node)[0, channel].item())
        for channel in range(3)
    ]
    assert max(max(reached), 1) == bound(node, info).bound


def test_a_worst_input_reaches_the_bound_of_a_transposed_convolution():
    info = TensorInfo(2, -9, 9)
    node = conv(Deconv, "y", "x", 1, 2, (4, 4), -1, 1, stride=2)
    node = dataclasses.replace(node, bias=np.zeros(1, np.int32), shift=np.zeros(1, np.uint8))
    reached = 0
    for i in range(2):
        for j in range(2):
            # The output at (2 + i, 2 + j) sums the taps of that phase over a 2x2 neighbourhood.
            taps = node.weight[0, :, i::2, j::2][:, ::-1, ::-1].astype(np.int64)
            total = stamp(np.sign(taps)[None] * 9, node)
            assert total[0, 0, 2 + i, 2 + j] == 9 * np.abs(taps).sum()
            reached = max(reached, int(np.abs(total).max()))
    assert reached == bound(node, info).bound


@pytest.mark.parametrize(
    ("largest", "arithmetic"),
    [
        ((1 << 23) - 1, Arithmetic.FLOAT32),
        (1 << 23, Arithmetic.FLOAT64),
        ((1 << 31) - 1, Arithmetic.FLOAT64),
    ],
)
def test_arithmetic_changes_at_the_limit_and_stays_exact(largest, arithmetic):
    weight, limit = 127, largest // 127
    bias = largest - weight * limit
    node = one_weight(weight, bias, largest)
    info = TensorInfo(1, -limit, limit)
    proof = bound(node, info)
    assert (proof.bound, proof.arithmetic) == (largest, arithmetic)
    x = np.array([limit, -limit, limit - 1, 1], np.int32).reshape(1, 1, 2, 2)
    network = single(node, info)
    expected = [largest, 2 * bias - largest, largest - 127, 127 + bias]
    for result in (
        run(network, {"x": x}),
        ExactSession(network).run({"x": x}),
        TorchSession(network).run({"x": x}),
    ):
        assert result["y"].ravel().tolist() == expected


def test_wide_layers():
    top = (1 << 31) - 1
    square = Multiply(name="y", sources=("x", "x"), shift=31, low=-top, high=top)
    proof = bound(square, TensorInfo(1, -top, top))
    assert proof.bound == top * top + (1 << 30)
    assert proof.arithmetic is Arithmetic.INT64
    x = np.array([top, -top, top - 1, 46341], np.int32).reshape(1, 1, 2, 2)
    network = single(square, TensorInfo(1, -top, top))
    expected = [(int(v) ** 2 + (1 << 30)) >> 31 for v in x.ravel()]
    for result in (
        run(network, {"x": x}),
        ExactSession(network).run({"x": x}),
        TorchSession(network).run({"x": x}),
    ):
        assert result["y"].ravel().tolist() == expected


def test_no_proof_no_network():
    top = (1 << 31) - 1
    add = Add(name="y", sources=("x", "x"), gains=(31, 31), shift=31, low=-top, high=top)
    network = single(add, TensorInfo(1, -top, top))
    for use in (
        prove,
        ExactSession,
        TorchSession,
        lambda network: run(network, {"x": np.ones((1, 1, 1, 1), np.int32)}),
    ):
        with pytest.raises(ModelError, match="beyond the 62 bits"):
            use(network)


def test_bounds_can_be_proven_for_narrower_inputs():
    network = single(one_weight(100, 0, 1 << 20), TensorInfo(1, -(1 << 20), 1 << 20))
    assert prove(network)[0].arithmetic is Arithmetic.FLOAT64
    narrow = prove(network, {"x": TensorInfo(1, 0, 255)})[0]
    assert narrow.arithmetic is Arithmetic.FLOAT32
    assert narrow.bound == 1 << 20  # the end of the clip


def test_every_layer_is_bounded():
    network = every_layer(limit=65535)
    proofs = {proof.name: proof.bound for proof in prove(network)}
    assert proofs["h"] == 65535 * 65535 + 64
    assert proofs["d"] == 3 * 65535 + 1
    assert proofs["l"] == 65535 + 2
    assert bound(
        Requantise(name="y", sources=("x",), low=-5, high=9), TensorInfo(1, -3, 3)
    ).bound == 9  # fmt: skip
