import dataclasses
import hashlib
import json

import numpy as np
import pytest

from ivc.errors import ModelError
from ivc.nets import store
from ivc.nets.export import export, export_onnx
from ivc.nets.floats import run_float
from ivc.nets.layers import Add
from ivc.nets.node import TensorInfo
from ivc.nets.onnxfile import GraphWriter
from ivc.nets.reference import run
from ivc.nets.runtime import open_session
from ivc.nets.store import Card

from .examples import every_layer, random_input, single

CARD = Card(
    name="tests/every-layer", version=1, summary="every kind of layer", data="none: random weights",
    licence="Apache-2.0", steps=0, hours=0.0, hardware="any", recipe="tests/nets/examples.py",
    results=[{"bits_per_pixel": 0.5, "psnr": 30.0}],
)  # fmt: skip


def float_graph():
    writer = GraphWriter("negate")
    writer.input("x", "float32", ["N"])
    writer.node("Neg", "x", output="y")
    writer.output("y", "float32", ["N"])
    return writer.model()


def test_export_and_load(tmp_path):
    network = every_layer()
    model = export(network, tmp_path / "m", CARD)
    assert sorted(path.name for path in (tmp_path / "m").iterdir()) == ["card.json", "network.npz"]
    data = (tmp_path / "m" / "network.npz").read_bytes()
    assert model.card.sha256 == hashlib.sha256(data).hexdigest()
    assert model.weights_hash == hashlib.sha256(data).digest()[:8]
    again = store.load_folder(tmp_path / "m")
    assert dataclasses.replace(again.card, sha256="") == CARD
    inputs = random_input(network, (6, 6))
    assert np.array_equal(again.exact().run(inputs)["l"], run(network, inputs)["l"])
    with pytest.raises(ModelError, match="not a float network"):
        again.floats()


def test_sessions_are_kept():
    model = store.Model(CARD, every_layer(), b"")
    assert model.exact() is model.exact()
    assert model.exact(threads=2) is not model.exact()


def test_float_models(tmp_path):
    store.save(tmp_path, CARD, every_layer())
    model = store.save(tmp_path, CARD, float_graph())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["card.json", "network.onnx"]
    x = np.array([1, -2], np.float32)
    assert run_float(model.floats(), {"x": x})["y"].tolist() == [-1, 2]
    assert model.floats() is model.floats()
    with pytest.raises(ModelError, match="may only paint pixels"):
        model.exact()


def test_shipped_models(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "MODELS", tmp_path)
    export(every_layer(), tmp_path / "tests/every-layer/1", CARD)
    model = store.load("tests/every-layer", 1)
    assert model.card.name == "tests/every-layer"
    assert store.load("tests/every-layer", 1) is model
    for name, version in [("tests/every-layer", 2), ("nothing", 1)]:
        with pytest.raises(ModelError, match="no model"):
            store.load(name, version)


@pytest.mark.parametrize("at", [0, 100, -1])
def test_damage_is_found(tmp_path, at):
    export(every_layer(), tmp_path, CARD)
    path = tmp_path / "network.npz"
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelError, match="SHA-256"):
        store.load_folder(tmp_path)


def test_missing_and_malformed_files(tmp_path):
    with pytest.raises(ModelError, match=r"card.json cannot be read"):
        store.load_folder(tmp_path)
    export(every_layer(), tmp_path, CARD)
    (tmp_path / "network.npz").unlink()
    with pytest.raises(ModelError, match="cannot be read"):
        store.load_folder(tmp_path)
    good = json.loads(CARD.to_json())
    for bad in (
        "", "[]", "5", "[" * 100000, json.dumps({}), json.dumps({**good, "more": 1}),
        json.dumps({**good, "version": "1"}), json.dumps({**good, "name": 5}),
        json.dumps({**good, "sha256": None}), json.dumps({**good, "results": 5}),
    ):  # fmt: skip
        (tmp_path / "card.json").write_text(bad)
        with pytest.raises(ModelError, match="no model card"):
            store.load_folder(tmp_path)
    (tmp_path / "card.json").write_bytes(b"\xff" * 10)
    with pytest.raises(ModelError, match="no model card"):
        store.load_folder(tmp_path)
    (tmp_path / "card.json").write_bytes(b" " * (2 << 20))
    with pytest.raises(ModelError, match="larger than"):
        store.load_folder(tmp_path)


def test_a_valid_hash_does_not_make_a_network(tmp_path):
    data = b"not a network"
    card = dataclasses.replace(CARD, sha256=hashlib.sha256(data).hexdigest())
    (tmp_path / "card.json").write_text(card.to_json())
    (tmp_path / "network.npz").write_bytes(data)
    with pytest.raises(ModelError, match="no exact network"):
        store.load_folder(tmp_path)


def test_the_hash_in_a_stream(tmp_path):
    one = export(every_layer(), tmp_path / "1", CARD)
    two = export(every_layer(seed=1), tmp_path / "2", CARD)
    assert store.weights_hash([one]) == one.weights_hash
    hashes = {store.weights_hash(models) for models in ([one], [two], [one, two], [two, one])}
    assert len(hashes) == 4
    assert {len(value) for value in hashes} == {8}
    store.check_weights([one, two], store.weights_hash([one, two]))
    for expected in (store.weights_hash([two]), None, b""):
        with pytest.raises(ModelError, match="was written with weights"):
            store.check_weights([one], expected)


def test_networks_without_proof_are_not_released(tmp_path):
    top = (1 << 31) - 1
    add = Add(name="y", sources=("x", "x"), gains=(31, 31), shift=31, low=-top, high=top)
    network = single(add, TensorInfo(1, -top, top))
    with pytest.raises(ModelError, match="beyond the 62 bits"):
        export(network, tmp_path / "m", CARD)
    with pytest.raises(ModelError, match="beyond the 62 bits"):
        export_onnx(network, tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())


def test_networks_that_do_not_run_exactly_are_not_released(tmp_path, monkeypatch):
    from ivc.nets.runtime import ExactSession

    honest = ExactSession.run

    def wrong(self, inputs):
        return {name: values + 1 for name, values in honest(self, inputs).items()}

    monkeypatch.setattr(ExactSession, "run", wrong)
    with pytest.raises(ModelError, match="is not exact"):
        export(every_layer(), tmp_path / "m", CARD)
    assert not list(tmp_path.iterdir())


def test_a_graph_for_other_runtimes(tmp_path):
    network = every_layer()
    export_onnx(network, tmp_path / "m.onnx")
    session = open_session((tmp_path / "m.onnx").read_bytes())
    inputs = random_input(network, (6, 6))
    found = session.run(["l"], inputs)[0]
    assert np.array_equal(found, run(network, inputs)["l"])
    with pytest.raises(ModelError, match="cannot be written"):
        export_onnx(network, tmp_path / "nowhere" / "m.onnx")
