"""A tiny model from modules to files, and what its contexts were counted on."""

import dataclasses

import numpy as np
import pytest
import torch

import ivc
from ivc.codecs.image.constants import BUCKETS, FLAGS, SURROUNDINGS, UNARY_LIMIT
from ivc.codecs.image.passes import ALL, BLACK, GROUPS
from ivc.errors import ModelError, UsageError
from ivc.nets.store import Card
from ivc.train.image.counting import count_band
from ivc.train.image.export import exact_networks, export, first_contexts
from ivc.train.image.networks import Networks, Shape, Synthesis
from ivc.train.image.warm import load_networks, load_synthesis

SHAPE = Shape(
    finest=4, other=4, finest_chroma=2, prediction=4, depth=3, synthesis=4, blocks=1
)  # fmt: skip
CARD = Card(
    name="image", version=1, summary="tiny", data="noise", licence="Apache-2.0", steps=0,
    hours=0.0, hardware="any", recipe="none",
)  # fmt: skip


@pytest.fixture(scope="module")
def picture():
    y, x = np.mgrid[:70, :90]
    wave = np.stack([128 + 90 * np.sin(x / 7 + y / 11 + i) for i in range(3)], -1)
    noise = np.random.default_rng(1).normal(0, 6, wave.shape)
    return (wave + noise).clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def exported(tmp_path_factory, picture):
    torch.manual_seed(1)
    networks, synthesis = Networks(SHAPE), Synthesis(SHAPE)
    for module in (*networks.predictions.values(), synthesis):
        torch.nn.init.normal_(module.last.weight, 0, 0.01)
    folder = tmp_path_factory.mktemp("export") / "model"
    return export(networks, synthesis, folder, CARD, [picture]), folder, networks, synthesis


def test_a_model_codes_pictures(exported, picture, tmp_path):
    bundle, folder, _, _ = exported
    plain = ivc.encode(
        picture, tmp_path / "a.ivc", profile="image", quality=70, model=folder, verify=True
    )
    assert plain.metrics["psnr"] > 30
    ivc.decode(tmp_path / "a.ivc", tmp_path / "a.png", model=folder)
    assert bundle.card.sha256


def test_float_graphs_are_the_modules(exported):
    bundle, _, networks, synthesis = exported
    x = torch.randn(1, 3, 12, 18)
    step = torch.full((1, 1, 1, 1), 2.5)
    expected = networks.prediction(2)(x, step.expand(1, 1, 12, 18)).detach().numpy()
    feeds = {"coarse": x.numpy(), "step": step.numpy()}
    found = bundle.floats("2.predict").run(None, feeds)[0]
    assert np.abs(found - expected).max() < 1e-4
    expected = synthesis(x, step).detach().numpy()
    feeds = {"planes": x.numpy(), "step": step.numpy()}
    found = bundle.floats("synthesis").run(None, feeds)[0]
    assert np.abs(found - expected).max() < 1e-4


def test_modules_go_on_from_a_model(exported):
    bundle, _, networks, synthesis = exported
    again, painter = Networks(SHAPE), Synthesis(SHAPE)
    load_networks(again, bundle)
    load_synthesis(painter, bundle)
    for name, network in exact_networks(again).items():
        assert network.digest() == bundle.network(name).digest()
    x, step = torch.randn(1, 3, 12, 18), torch.full((1, 1, 1, 1), 2.5)
    assert torch.allclose(painter(x, step), synthesis(x, step), atol=1e-5)
    wide = step.expand(1, 1, 12, 18)
    assert torch.allclose(again.prediction(3)(x, wide), networks.prediction(3)(x, wide), atol=1e-6)
    with pytest.raises(UsageError, match="another shape"):
        load_networks(Networks(dataclasses.replace(SHAPE, other=6)), bundle)


def test_contexts_are_counted(exported):
    table, guess = exported[0].array("contexts"), first_contexts()
    assert table.shape == guess.shape == (GROUPS, SURROUNDINGS, FLAGS, BUCKETS)
    assert table.min() >= 16
    assert table.max() <= 65520
    assert (table != guess).any()
    # what was never met keeps the guess
    assert (table == guess).mean() > 0.5


def test_counting_by_hand():
    counts = np.zeros((SURROUNDINGS, FLAGS, BUCKETS, 2), np.int64)
    logits = np.zeros((FLAGS, 2, 3), np.int32)
    q = np.array([[0, -1, 0], [2, 0, 40]], np.int16)
    count_band(counts, logits, q, ALL)
    middle = counts[:, :, 64]
    assert counts.sum() == middle.sum()
    assert middle[:, 0].sum(0).tolist() == [3, 3]
    assert middle[:, 1].sum(0).tolist() == [2, 1]
    assert middle[:, 2].sum(0).tolist() == [1, 2]
    assert middle[:, 3].sum(0).tolist() == [1, 1]
    assert middle[:, 4].sum(0).tolist() == [0, UNARY_LIMIT - 3]
    # the first has nothing around it, the third a -1
    assert middle[0, 0].sum() >= 1
    assert middle[1, 0].sum() >= 1
    counts[:] = 0
    count_band(counts, logits, q, BLACK)
    assert counts[:, 0].sum() == 3


def test_a_trunk_that_cannot_follow_itself_is_refused(tmp_path):
    networks = Networks(SHAPE)
    assert not networks.level(6).trunk.expand.exponent.requires_grad
    networks.level(6).trunk.expand.exponent.data.fill_(7)
    networks.level(6).trunk.blend.exponent.data.fill_(7)
    with pytest.raises(ModelError, match="cannot follow itself"):
        export(networks, None, tmp_path, CARD)
