import io
import json
import random
import zipfile

import numpy as np
import pytest

from ivc.errors import IvcError, ModelError
from ivc.nets import files
from ivc.nets.reference import run

from .examples import every_layer, random_input, random_network


def rebuilt(data, changes):
    """The archive with members replaced, added, or (None) left out."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w") as new:
        members = {name: old.read(name) for name in old.namelist()} | changes
        for name, content in members.items():
            if content is not None:
                new.writestr(name, content)
    return buffer.getvalue()


def described(data, change):
    """The archive with its description changed by a function."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        description = json.loads(archive.read("network.json"))
    change(description)
    return rebuilt(data, {"network.json": json.dumps(description)})


def npy(array, **options):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("seed", range(20))
def test_round_trip(seed):
    network = random_network(seed)
    data = files.dump(network)
    again = files.parse(data)
    assert again.digest() == network.digest()
    assert again.describe() == network.describe()
    assert files.dump(again) == data
    inputs = random_input(network, (5, 4))
    name = network.outputs[0]
    assert np.array_equal(run(again, inputs)[name], run(network, inputs)[name])


def test_the_digest_is_for_ever():
    digest = every_layer().digest().hex()
    assert digest == "be31742bed75eaf3983edcf1bb95f08e9667e9e18acffded9d7f7ac53e654a92"
    assert every_layer(seed=1).digest().hex() != digest


def test_numpy_opens_it():
    with np.load(io.BytesIO(files.dump(every_layer()))) as archive:
        assert archive["0.weight"].shape == (8, 3, 5, 5)


def test_every_truncation_is_an_error():
    data = files.dump(every_layer())
    for size in range(0, len(data), 7):
        with pytest.raises(ModelError) as caught:
            files.parse(data[:size])
        assert "\n" not in str(caught.value)


def test_mutations_end_in_a_network_or_an_error():
    data = rebuilt(files.dump(every_layer()), {})  # stored, so that mutations reach the content
    chance = random.Random(1)
    survivors = 0
    for _ in range(1500):
        bad = bytearray(data)
        for _ in range(chance.randint(1, 4)):
            bad[chance.randrange(len(bad))] = chance.randrange(256)
        try:
            files.parse(bytes(bad))
            survivors += 1
        except IvcError as error:
            assert "\n" not in str(error)
    assert survivors < 1500


def test_mutated_descriptions_end_in_a_network_or_an_error():
    # Through the archive's checksum, so that the description itself is read.
    data = files.dump(every_layer())
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        text = archive.read("network.json")
    chance = random.Random(2)
    refused = 0
    for _ in range(800):
        bad = bytearray(text)
        for _ in range(chance.randint(1, 3)):
            bad[chance.randrange(len(bad))] = chance.choice(b'0123456789-,.:[]{}"truefalsn')
        try:
            files.parse(rebuilt(data, {"network.json": bytes(bad)}))
        except IvcError as error:
            refused += 1
            assert "\n" not in str(error)
    assert refused > 100


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d["nodes"][0].update(op="pickle"),
        lambda d: d["nodes"][0].update(op=["conv"]),
        lambda d: d["nodes"][0].update(extra=1),
        lambda d: d["nodes"][0].pop("stride"),
        lambda d: d["nodes"][0].update(stride=1.5),
        lambda d: d["nodes"][0].update(stride="2"),
        lambda d: d["nodes"][0].update(stride=10**400),
        lambda d: d["nodes"][0].update(low=None),
        lambda d: d["nodes"][0].update(padding=[1, 2]),
        lambda d: d["nodes"][0].update(weight=[1]),
        lambda d: d["nodes"][0].update(sources="x"),
        lambda d: d["nodes"][0].update(sources=[["x"]]),
        lambda d: d["nodes"][0].update(name=5),
        lambda d: d["inputs"].update(x=[3, 0]),
        lambda d: d["inputs"].update(x=[3, 0, True]),
        lambda d: d["inputs"].update(x=[3, 0, 10**30]),
        lambda d: d["inputs"].update(x=5),
        lambda d: d.update(inputs=[]),
        lambda d: d.update(nodes={"a": 1}),
        lambda d: d.update(nodes=[5]),
        lambda d: d.update(outputs=[["l"]]),
        lambda d: d.update(outputs=5),
        lambda d: d.pop("outputs"),
    ],
)
def test_descriptions_that_cannot_be(change):
    with pytest.raises(ModelError):
        files.parse(described(files.dump(every_layer()), change))


@pytest.mark.parametrize(
    "member",
    [
        None,
        b"",
        b"\x93NUMPY\x01\x00\x05\x00hello",
        npy(np.zeros((8, 3, 5, 5), np.int16)),
        npy(np.zeros((8, 3, 5), np.int8)),
        npy(np.asfortranarray(np.zeros((8, 3, 5, 5), np.int8))),
        npy(np.zeros((8, 3, 5, 5), np.int8), version=(2, 0)),
        npy(np.zeros((8, 3, 5, 5), np.int8))[:-1],
        npy(np.zeros((8, 3, 5, 5), np.int8)) + b"\0",
        npy(np.array([object()]), allow_pickle=True),
        npy(np.zeros(1, np.int8)).replace(b"(1,)", b"(-1,)"),
        npy(np.zeros(1, np.int8)).replace(b"(1,), }    ", b"(1<<40,), }"),
        npy(np.zeros(1, np.int8)).replace(b"(1,), }           ", b"(99999999999,), }"),
    ],
)
def test_arrays_that_cannot_be(member):
    with pytest.raises(ModelError):
        files.parse(rebuilt(files.dump(every_layer()), {"0.weight.npy": member}))


def test_descriptions_that_are_no_json():
    for text in (b"", b"[", b"\xff\xfe", b"[" * 100000, b"5", b"null", b'"x"'):
        with pytest.raises(ModelError):
            files.parse(rebuilt(files.dump(every_layer()), {"network.json": text}))
    with pytest.raises(ModelError):
        files.parse(rebuilt(files.dump(every_layer()), {"network.json": None}))


def test_archives_that_would_fill_the_memory(monkeypatch):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("network.json", b" " * (5 << 20))
    with pytest.raises(ModelError, match="description of more than"):
        files.parse(buffer.getvalue())
    monkeypatch.setattr(files, "MAX_BYTES", 1 << 20)
    with pytest.raises(ModelError, match="would take more than"):
        files.parse(buffer.getvalue())
