import dataclasses
import io
import json
import zipfile

import numpy as np
import pytest

from ivc.errors import ModelError
from ivc.nets import bundle, store
from ivc.nets.floats import run_float
from ivc.nets.reference import run

from .examples import every_layer, random_input
from .test_store import CARD, float_graph

TABLE = np.arange(6, dtype=np.int16).reshape(2, 3)


@pytest.fixture
def saved(tmp_path):
    folder = tmp_path / "model"
    bundle.save(folder, CARD, {"deep/net": every_layer()}, {"negate": float_graph()}, {"t": TABLE})
    return folder


def test_save_and_load(saved):
    loaded = bundle.load_folder(saved)
    assert loaded.names(".npz") == ["deep/net"]
    assert loaded.names(".onnx") == ["negate"]
    assert "t.npy" in loaded
    assert np.array_equal(loaded.array("t"), TABLE)
    assert not loaded.array("t").flags.writeable
    assert dataclasses.replace(loaded.card, sha256="") == CARD
    assert loaded.weights_hash.hex() == loaded.card.sha256[:16]
    network = every_layer()
    inputs = random_input(network, (6, 6))
    assert np.array_equal(loaded.exact("deep/net").run(inputs)["l"], run(network, inputs)["l"])
    assert loaded.exact("deep/net") is loaded.exact("deep/net")
    y = run_float(loaded.floats("negate"), {"x": np.array([2.0], np.float32)})["y"]
    assert y.tolist() == [-2.0]


def test_the_same_content_gives_the_same_bytes(saved, tmp_path):
    members = {"negate": float_graph()}
    bundle.save(tmp_path / "b", CARD, {"deep/net": every_layer()}, members, {"t": TABLE})
    for name in (bundle.FILE, bundle.CARD):
        assert (tmp_path / "b" / name).read_bytes() == (saved / name).read_bytes()


def test_a_member_that_is_missing(saved):
    loaded = bundle.load_folder(saved)
    for ask in (loaded.network, loaded.exact, loaded.floats, loaded.array):
        with pytest.raises(ModelError, match="another codec"):
            ask("nothing")


def test_changed_weights_are_noticed(saved):
    path = saved / bundle.FILE
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(ModelError, match="SHA-256"):
        bundle.load_folder(saved)


def test_missing_files(tmp_path):
    with pytest.raises(ModelError, match=r"card\.json"):
        bundle.load_folder(tmp_path)
    with pytest.raises(ModelError, match="no model 'nothing' of version 3"):
        bundle.load("nothing", 3)


def of_archive(write):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        write(archive)
    return bundle.Bundle(CARD, buffer.getvalue(), "it")


def test_hostile_bundles():
    with pytest.raises(ModelError, match="damaged"):
        bundle.Bundle(CARD, b"no zip file", "it")
    with pytest.raises(ModelError, match="memory"):
        of_archive(lambda archive: archive.writestr("a.npy", bytes(store.MAX_FILE >> 1)))
    pickled = io.BytesIO()
    np.save(pickled, np.array([{}], object), allow_pickle=True)
    loaded = of_archive(lambda archive: archive.writestr("a.npy", pickled.getvalue()))
    with pytest.raises(ModelError, match="damaged"):
        loaded.array("a")
    loaded = of_archive(lambda archive: archive.writestr("a.npz", json.dumps({})))
    with pytest.raises(ModelError):
        loaded.network("a")
    loaded = of_archive(lambda archive: archive.writestr("a.onnx", b"\0\1\2"))
    with pytest.raises(ModelError, match="ONNX Runtime"):
        loaded.floats("a")
