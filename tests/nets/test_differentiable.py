import numpy as np
import pytest

from ivc.nets.layers import Requantise
from ivc.nets.network import Network
from ivc.nets.node import TensorInfo
from ivc.nets.reference import run

from .examples import every_layer, random_input, random_network

pytest.importorskip("torch")

from ivc.nets.torch import differentiable, run_differentiable


@pytest.mark.parametrize("network", [every_layer(), random_network(1), random_network(2)])
def test_forward_is_the_network(network):
    inputs = random_input(network, (12, 12))
    tensors = {name: differentiable.constant(value) for name, value in inputs.items()}
    found = run_differentiable(network, tensors)
    expected = run(network, inputs)
    for name in network.outputs:
        assert np.array_equal(found[name].detach().numpy(), expected[name])


def test_rounding_is_the_identity_backwards_and_clipping_is_not():
    node = Requantise(name="y", sources=("x",), shift=2, low=-10, high=10)
    network = Network({"x": TensorInfo(1, -100, 100)}, [node], ["y"])
    x = differentiable.leaf(np.array([[[[7, -21, 90]]]]))
    total = run_differentiable(network, {"x": x})["y"].sum()
    assert total.item() == 2 - 5 + 10
    (slope,) = differentiable.gradient(total, [x])
    assert slope.ravel().tolist() == [0.25, 0.25, 0.0]


def test_cost_of_decisions():
    logits = differentiable.leaf(np.array([0.0, 16.0, -32.0]))
    yes, no = np.array([1, 0, 2]), np.array([1, 1, 0])
    bits = differentiable.decision_bits(logits, yes, no, 4)
    expected = 2 + np.log2(1 + np.exp(1)) + 2 * np.log2(1 + np.exp(2))
    assert bits.item() == pytest.approx(expected, rel=1e-6)


def test_what_does_not_matter_has_no_gradient():
    a, b = differentiable.leaf(np.ones(3)), differentiable.leaf(np.ones((2, 2)))
    of_a, of_b = differentiable.gradient((a * a).sum(), [a, b])
    assert of_a.tolist() == [2, 2, 2]
    assert of_b.tolist() == [[0, 0], [0, 0]]
