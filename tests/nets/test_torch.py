import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from ivc.errors import ModelError, UsageError
from ivc.nets.convolution import Conv
from ivc.nets.export import export
from ivc.nets.node import TensorInfo
from ivc.nets.proof import Arithmetic, prove
from ivc.nets.reference import run
from ivc.nets.runtime import ExactSession, check_exact
from ivc.nets.store import Card
from ivc.nets.torch import (
    InputSpec,
    IntConv2d,
    IntConvTranspose2d,
    TorchSession,
    add,
    channels,
    concat,
    freeze,
    leaky,
    multiply,
    requantise,
    set_rounding,
    shuffle,
    unshuffle,
    upsample,
)
from ivc.nets.torch.kernels import power_of_two, round_half_up

from .examples import conv, every_layer, random_input, random_network, single

# PyTorch warns of Intel GPUs whenever oneDNN is switched.
pytestmark = pytest.mark.filterwarnings("ignore:TF32 acceleration")

SPEC = InputSpec(3, 0, 255, 8)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(before)


class EveryLayer(nn.Module):
    """Uses everything that there is; the output is twice as large as the input."""

    def __init__(self):
        super().__init__()
        self.a = IntConv2d(3, 16, 5, 2, low=0, high=255)
        self.b = IntConv2d(16, 16, 3, groups=4)
        self.c = IntConvTranspose2d(32, 12, 5, 2)
        self.d = IntConv2d(3, 3, 3, low=-512, high=511, exponent=8)

    def forward(self, x):
        a = self.a(x)
        b = leaky(self.b(a), 2)
        mid = add(a, b, low=-200, high=300, shift=1)
        joined = concat(mid, multiply(a, b, low=-128, high=127, shift=6))
        c = shuffle(unshuffle(self.c(joined), 2), 2)
        y = self.d(channels(upsample(c, 2), 1, 4))
        return {"y": y, "mid": mid, "gate": requantise(y, 0, 63, 2)}


def smooth(count, size=16):
    return nn.functional.avg_pool2d(torch.rand(count, 3, size, size), 5, 1, 2)


def train(net, steps, rate=1e-2):
    optimiser = torch.optim.Adam(net.parameters(), rate)
    losses = []
    for _ in range(steps):
        x = smooth(4)
        target = nn.functional.interpolate(x, scale_factor=2)
        loss = (net(SPEC(x))["y"].value - target).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses


@pytest.fixture(scope="module")
def trained():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    net = EveryLayer()
    losses = train(net, 50)
    return net, losses


def test_training_learns(trained):
    _, losses = trained
    assert np.mean(losses[-5:]) < 0.2 * losses[0]


@pytest.mark.parametrize("training", [True, False])
def test_the_trained_forward_pass_is_the_exported_network(trained, tmp_path, training):
    net, _ = trained
    network = freeze(net, {"x": SPEC})
    assert all(proof.arithmetic is Arithmetic.FLOAT32 for proof in prove(network))
    card = Card(
        name="t", version=1, summary="s", data="noise", licence="Apache-2.0", steps=50, hours=0.0,
        hardware="cpu", recipe="tests/nets/test_torch.py",
    )  # fmt: skip
    model = export(network, tmp_path, card)
    for size in [(16, 24), (13, 11), (1, 1)]:
        integers = random_input(network, size, batch=3)["x"]
        expected = run(network, {"x": integers})
        assert expected["y"].std() > 0 or size == (1, 1)
        found = model.exact().run({"x": integers})
        net.train(training)
        seen = net(SPEC(torch.from_numpy(integers) / 256))
        for name in ("y", "mid", "gate"):
            assert np.array_equal(found[name], expected[name])
            assert np.array_equal(seen[name].integers().numpy(), expected[name])


def test_all_that_is_learned_gets_a_gradient(trained):
    net, _ = trained
    net.train()
    net.zero_grad()
    net(SPEC(smooth(4)))["y"].value.square().sum().backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


def test_wide_sums_lower_the_weights_until_the_proof_holds():
    spec = InputSpec(256, -1023, 1023)
    net = IntConv2d(256, 4, 5, low=-500, high=500, exponent=-10)
    nn.init.uniform_(net.weight, -1, 1)
    with torch.no_grad():
        net.weight[0] = 1
    network = freeze(net, {"x": spec})
    proof = prove(network)[0]
    assert proof.arithmetic is Arithmetic.FLOAT32
    assert proof.bound > 1 << 21
    integers = random_input(network, (6, 6))["x"]
    seen = net(spec(torch.from_numpy(integers).float())).integers().numpy()
    assert np.array_equal(seen, run(network, {"x": integers})["y"])


def test_sums_that_cannot_be_lowered_are_summed_in_float64():
    # The output keeps all fractional bits, so there are none to give up.
    spec = InputSpec(64, -4095, 4095)
    net = IntConv2d(64, 4, 5, low=-4000, high=4000, exponent=6)
    with torch.no_grad():
        net.weight.uniform_(-1, 1)
        net.weight_exponent.fill_(6)
    network = freeze(net, {"x": spec})
    assert prove(network)[0].arithmetic is Arithmetic.FLOAT64
    integers = random_input(network, (6, 6))["x"]
    seen = net(spec(torch.from_numpy(integers).float())).integers().numpy()
    assert np.array_equal(seen, run(network, {"x": integers})["y"])


@pytest.mark.parametrize("batch", [1, 17])
@pytest.mark.parametrize("onednn", [True, False])
@pytest.mark.parametrize("channels_last", [True, False])
@pytest.mark.parametrize("arithmetic", [None, *Arithmetic])
def test_every_way_to_run_agrees(arithmetic, channels_last, onednn, batch):
    network = every_layer()
    session = TorchSession(network, arithmetic=arithmetic, channels_last=channels_last)
    for size in [(16, 12), (7, 9)]:
        inputs = random_input(network, size, batch=batch)
        expected = run(network, inputs)
        for threads in (1, 2):
            torch.set_num_threads(threads)
            with torch.backends.mkldnn.flags(enabled=onednn):
                found = session.run(inputs)
            assert all(np.array_equal(found[name], expected[name]) for name in expected)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**9), size=st.tuples(st.integers(1, 16), st.integers(1, 16)))
def test_random_networks(seed, size):
    network = random_network(seed)
    inputs = random_input(network, size, seed)
    name = network.outputs[0]
    expected = run(network, inputs)[name]
    for arithmetic in (None, Arithmetic.INT64):
        found = TorchSession(network, arithmetic=arithmetic, channels_last=seed % 2 == 0)
        assert np.array_equal(found.run(inputs)[name], expected)


@pytest.mark.parametrize("limit", [65535, (1 << 31) - 1])
def test_wide_networks(limit):
    network = every_layer(limit)
    inputs = random_input(network, (6, 5))
    expected = run(network, inputs)
    found = TorchSession(network).run(inputs)
    assert all(np.array_equal(found[name], expected[name]) for name in expected)
    with pytest.raises(ModelError, match="too much for float32"):
        TorchSession(network, arithmetic=Arithmetic.FLOAT32)


def test_without_the_proof_float32_is_wrong():
    # Why the limit is there: sums beyond 2**24 lose their last bits.
    info = TensorInfo(64, 0, 65535)
    node = conv(Conv, "y", "x", 4, 64, (3, 3), -(1 << 31) + 1, (1 << 31) - 1)
    node = dataclasses.replace(node, shift=np.zeros(4, np.uint8))
    network = single(node, info)
    x = random_input(network, (12, 12))["x"]
    naive = nn.functional.conv2d(
        torch.tensor(x).float(), torch.tensor(node.weight).float()
    ).numpy() + node.bias[:, None, None].astype(np.float32)
    expected = run(network, {"x": x})["y"]
    assert not np.array_equal(naive.astype(np.int64), expected)
    assert np.array_equal(ExactSession(network).run({"x": x})["y"], expected)


def test_inputs_are_rounded_and_clipped():
    spec = InputSpec(1, -2, 5, 1)
    x = torch.tensor([-9.0, -0.25, 0.25, 0.24, 2.4, 9.0]).reshape(1, 1, 1, 6)
    assert spec(x).integers().ravel().tolist() == [-2, 0, 1, 0, 5, 5]


def test_rounding_and_powers_have_gradients():
    x = torch.tensor([-1.5, -0.5, 0.5, 2.4], requires_grad=True)
    rounded = round_half_up(x)
    assert rounded.tolist() == [-1, 0, 1, 2]
    rounded.sum().backward()
    assert x.grad.tolist() == [1, 1, 1, 1]
    exponent = torch.tensor([-20.2, 0.4, 23.0], requires_grad=True)
    power = power_of_two(exponent)
    assert power.tolist() == [2.0**-20, 1.0, 2.0**23]
    power.sum().backward()
    assert np.allclose(exponent.grad, np.log(2) * power.detach())


def test_calibration_fills_the_range():
    net = IntConv2d(3, 8, 3, low=-128, high=127)
    y = net(SPEC(torch.rand(4, 3, 16, 16)))
    assert 25 <= y.integers().abs().max() <= 127
    before = net.output_exponent()
    net(SPEC(torch.rand(4, 3, 16, 16) / 16))
    assert net.output_exponent() == before


def test_a_silent_layer_can_be_calibrated():
    net = IntConv2d(3, 8, 3, low=0, high=127)
    nn.init.zeros_(net.weight)
    assert not net(SPEC(torch.rand(1, 3, 8, 8))).integers().any()
    check_exact(freeze(net, {"x": SPEC}), ExactSession(freeze(net, {"x": SPEC})).run)


def test_training_can_begin_without_rounding():
    torch.manual_seed(3)
    net = nn.Sequential(IntConv2d(3, 4, 3, low=0, high=255, exponent=4), IntConv2d(4, 2, 1))
    spec = InputSpec(3, -100, 100, 4)
    x = spec(torch.randn(1, 3, 9, 9) * 3)
    net(x)
    set_rounding(net, False)
    plain = net(x).value
    net[0].weight.data *= 40
    clipped = net[0](x).value
    assert clipped.max() <= 255 / 16
    assert clipped.min() == 0
    net[0].weight.data /= 40
    set_rounding(net, True)
    rounded = net(x)
    # the same up to rounding, which only the second is
    assert (rounded.value - plain).abs().max() < 0.2
    assert torch.equal(rounded.value * 2.0**rounded.exponent, rounded.integers().float())
    assert not torch.equal(rounded.value, plain)
    largest = (net[0].weight.flatten(1).abs().amax(1) * 2 ** net[0].weight_exponent).detach()
    assert (largest <= 127).all()
    assert (largest > 63).all()


def test_masked_weights_stay_zero():
    causal = torch.ones(3, 3)
    causal[1, 1:] = 0
    causal[2] = 0
    net = IntConv2d(3, 4, 3, mask=causal, exponent=6)
    optimiser = torch.optim.Adam(net.parameters(), 0.1)
    for _ in range(3):
        optimiser.zero_grad()
        net(SPEC(torch.rand(1, 3, 8, 8))).value.square().sum().backward()
        optimiser.step()
    network = freeze(net, {"x": SPEC})
    weight = network.nodes[0].weight
    assert not weight[:, :, 1, 1:].any() and not weight[:, :, 2].any()
    assert weight[:, :, 0].any() and weight[:, :, 1, 0].any()
    integers = random_input(network, (7, 7))["x"]
    seen = net(SPEC(torch.from_numpy(integers) / 256)).integers().numpy()
    assert np.array_equal(seen, run(network, {"x": integers})["y"])


def test_modules_that_cannot_be_frozen():
    layer = IntConv2d(3, 3, 3)

    class Floats(nn.Module):
        def forward(self, x):
            return layer(x).value

    class Foreign(nn.Module):
        def forward(self, x):
            return layer(SPEC(x.value))

    class Taken(nn.Module):
        def forward(self, x):
            return {"x": layer(x)}

    for module in (Floats(), Foreign(), Taken()):
        with pytest.raises(ModelError):
            freeze(module, {"x": SPEC})


def test_outputs_are_named():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = IntConv2d(3, 2, 1)

        def forward(self, x):
            y = self.a(x)
            return y, upsample(y, 2)

    module = Two().train()
    network = freeze(module, {"x": SPEC})
    assert list(network.outputs) == ["y0", "y1"]
    assert module.training


@pytest.mark.parametrize(
    "make",
    [
        lambda: IntConv2d(3, 4, 3, groups=2),
        lambda: IntConv2d(3, 4, 3, low=5, high=5),
        lambda: IntConv2d(3, 4, 3, high=1 << 22),
        lambda: IntConvTranspose2d(3, 4, 2, 3),
    ],
)
def test_impossible_layers(make):
    with pytest.raises(UsageError):
        make()


def test_tensors_too_wide_to_train():
    x = SPEC(torch.rand(1, 3, 4, 4))
    with pytest.raises(ModelError, match="too wide"):
        add(x, x, low=0, high=1 << 23)
    with pytest.raises(ModelError, match="cannot be taken"):
        channels(x, 2, 4)
