import dataclasses
import hashlib
import json
import os
import subprocess
import sys

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivc.errors import ModelError, UnsupportedError, UsageError
from ivc.nets import files
from ivc.nets.convolution import Conv
from ivc.nets.floats import run_float, tiled
from ivc.nets.graph import digit_bits, to_onnx
from ivc.nets.layers import Requantise
from ivc.nets.network import Network
from ivc.nets.node import TensorInfo
from ivc.nets.onnxfile import GraphWriter
from ivc.nets.reference import run
from ivc.nets.runtime import ExactSession, check_exact, open_session

from .examples import conv, every_layer, random_input, random_network, single, worst_input

LIMITS = [255, 65535, (1 << 31) - 1]


def same(a, b):
    return a.keys() == b.keys() and all(
        a[name].dtype == b[name].dtype == np.int32 and np.array_equal(a[name], b[name])
        for name in a
    )


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("limit", LIMITS)
def test_every_layer_in_every_arithmetic(limit, threads):
    network = every_layer(limit)
    session = ExactSession(network, threads=threads)
    for size in [(1, 1), (2, 3), (16, 12), (33, 65)]:
        inputs = random_input(network, size)
        assert same(session.run(inputs), run(network, inputs))
    check_exact(network, session.run)


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 10**9),
    size=st.tuples(st.integers(1, 20), st.integers(1, 20)),
    batch=st.sampled_from([1, 1, 2, 17]),
)
def test_random_networks(seed, size, batch):
    network = random_network(seed)
    inputs = random_input(network, size, seed, batch)
    assert same(ExactSession(network, threads=1 + seed % 2).run(inputs), run(network, inputs))


@pytest.mark.parametrize("limit", LIMITS)
def test_worst_inputs(limit):
    info = TensorInfo(64, -limit, limit)
    node = conv(Conv, "y", "x", 4, 64, (3, 3), -(1 << 31) + 1, (1 << 31) - 1)
    network = single(node, info)
    session = ExactSession(network)
    for channel in range(4):
        inputs = {"x": worst_input(node, channel, info)}
        assert same(session.run(inputs), run(network, inputs))


def test_a_graph_is_valid_onnx_and_always_the_same_bytes():
    for limit in LIMITS:
        graph = to_onnx(every_layer(limit))
        assert graph == to_onnx(every_layer(limit))
        model = onnx.load_from_string(graph)
        onnx.checker.check_model(model, full_check=True)
        assert model.metadata_props[0].value == every_layer(limit).digest().hex()
        weights = [c for c in model.graph.initializer if len(c.dims) == 4 and c.dims[3] > 1]
        assert {c.data_type for c in weights} == {onnx.TensorProto.INT8}


def test_outputs_may_be_inputs_and_repeat():
    info = TensorInfo(1, -5, 5)
    node = Requantise(name="y", sources=("x",), low=0, high=5)
    network = Network({"x": info}, [node], ["x", "y"])
    x = np.array([-9, -1, 1, 9], np.int32).reshape(1, 1, 2, 2)
    results = ExactSession(network).run({"x": x})
    assert results["x"].ravel().tolist() == [-5, -1, 1, 5]
    assert results["y"].ravel().tolist() == [0, 0, 1, 5]


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int64, np.uint64])
def test_all_integer_types_are_taken(dtype):
    network = every_layer()
    ends = np.iinfo(dtype)
    noise = np.random.default_rng(0).integers(ends.min, ends.max, (1, 3, 8, 8), dtype)
    assert same(ExactSession(network).run({"x": noise}), run(network, {"x": noise}))


def test_arrays_need_not_be_contiguous():
    network = every_layer()
    x = random_input(network, (12, 10))["x"]
    for view in (x.transpose(0, 1, 3, 2), x[:, :, ::2, ::-1], x.astype(">i4")):
        assert same(ExactSession(network).run({"x": view}), run(network, {"x": view}))


def test_bad_arrays_are_refused_like_by_the_reference():
    session = ExactSession(every_layer())
    for bad in ({}, {"x": np.zeros((1, 3, 4, 4))}, {"x": np.zeros((1, 2, 4, 4), np.int32)}):
        with pytest.raises(ModelError):
            session.run(bad)


def test_digits():
    node = conv(Conv, "y", "x", 4, 64, (3, 3), -9, 9)
    bits = digit_bits(node)
    weight = node.weight.astype(np.int64).reshape(4, -1)
    largest = max(weight.clip(min=0).sum(1).max(), -weight.clip(max=0).sum(1).min())
    assert largest * ((1 << bits) - 1) < 1 << 23
    assert largest * ((2 << bits) + 1) >= 1 << 23
    heavy = dataclasses.replace(
        conv(Conv, "y", "x", 1, 1, (1, 1), -9, 9), weight=np.full((1, 8192, 3, 3), -128, np.int8)
    )
    with pytest.raises(ModelError, match="too large for ONNX"):
        to_onnx(single(heavy, TensorInfo(8192, 0, 255)))


def test_a_runner_that_errs_once_is_found():
    network = every_layer()

    def wrong(inputs):
        results = run(network, inputs)
        results["l"][0, 0, 0, 0] += 1
        return results

    with pytest.raises(ModelError, match="'l' is not exact"):
        check_exact(network, wrong)


def test_check_exact_finds_a_size_that_fits():
    network = single(conv(Conv, "y", "x", 1, 1, (31, 31), -9, 9), TensorInfo(1, 0, 9))
    check_exact(network, ExactSession(network).run, size=4)


def test_impossible_sessions():
    network = every_layer()
    with pytest.raises(UsageError):
        ExactSession(network, threads=0)
    with pytest.raises(UsageError):
        ExactSession(network, provider="abacus")
    with pytest.raises(ModelError) as caught:
        open_session(b"no network")
    assert "\n" not in str(caught.value)


def test_cuda_is_refused_where_it_is_not_installed():
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        check_exact(every_layer(), ExactSession(every_layer(), provider="cuda").run)
    else:
        with pytest.raises(UnsupportedError, match="onnxruntime-gpu"):
            ExactSession(every_layer(), provider="cuda")


@pytest.mark.parametrize(("tile", "overlap"), [(16, 8), (8, 16), (64, 0), (24, 12)])
def test_tiles_of_an_exact_network_join_exactly(tile, overlap):
    network = dataclasses.replace(every_layer(), outputs=["h"])
    session = ExactSession(network)
    x = random_input(network, (40, 56))["x"]
    whole = session.run({"x": x})["h"]
    assert np.array_equal(tiled(lambda t: session.run({"x": t})["h"], x, tile, overlap), whole)


def test_tiles_of_a_network_that_enlarges():
    x = np.arange(5 * 7).reshape(1, 1, 5, 7)
    enlarged = tiled(lambda t: t.repeat(3, 2).repeat(3, 3), x, 4, 1)
    assert np.array_equal(enlarged, x.repeat(3, 2).repeat(3, 3))
    with pytest.raises(ModelError, match="no whole multiple"):
        tiled(lambda t: t[:, :, ::2], x, 4, 1)
    for tile, overlap in [(0, 0), (4, -1)]:
        with pytest.raises(UsageError):
            tiled(lambda t: t, x, tile, overlap)


def test_float_networks():
    writer = GraphWriter("half")
    writer.input("x", "float32", ["N"])
    half = writer.constant(np.array(0.5, np.float32))
    writer.node("Mul", "x", half, output="y")
    writer.output("y", "float32", ["N"])
    session = open_session(writer.model(), threads=2)
    x = np.array([1, 3], np.float32)
    assert run_float(session, {"x": x})["y"].tolist() == [0.5, 1.5]
    for bad in ({}, {"x": x[None]}, {"x": x.astype(np.float64)}):
        with pytest.raises(ModelError):
            run_float(session, bad)


def test_another_process_with_other_threads_agrees(tmp_path):
    network = every_layer(65535)
    (tmp_path / "n.npz").write_bytes(files.dump(network))
    code = """
import hashlib, json, sys
import numpy as np
from ivc.nets.files import parse
from ivc.nets.runtime import ExactSession
session = ExactSession(parse(open(sys.argv[1], "rb").read()), threads=int(sys.argv[2]))
x = (np.arange(3 * 31 * 47) * 7919 % 131071 - 65535).reshape(1, 3, 31, 47)
results = session.run({"x": x})
assert "torch" not in sys.modules and "onnx" not in sys.modules
print(json.dumps({k: hashlib.sha256(v.tobytes()).hexdigest() for k, v in results.items()}))
"""
    found = [
        json.loads(
            subprocess.run(
                [sys.executable, "-c", code, str(tmp_path / "n.npz"), threads],
                check=True, capture_output=True, env={**os.environ, "OMP_NUM_THREADS": threads},
            ).stdout
        )
        for threads in ("1", "2")
    ]  # fmt: skip
    x = (np.arange(3 * 31 * 47) * 7919 % 131071 - 65535).reshape(1, 3, 31, 47)
    expected = {
        k: hashlib.sha256(v.tobytes()).hexdigest() for k, v in run(network, {"x": x}).items()
    }
    assert found == [expected, expected]


def test_importing_the_package_is_cheap():
    code = (
        "import sys, ivc.nets, ivc.nets.store;"
        "print([m for m in ('torch', 'onnx', 'onnxruntime', 'numba') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
