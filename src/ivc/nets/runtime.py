"""The fast path: exact networks and float networks run by ONNX Runtime.

ONNX Runtime is imported with the first session. Its CPU kernels for convolution are plain matrix
products, never Winograd or FFT, so the overflow proof covers them; bfloat16 on Arm is switched off.
On CUDA both TF32 and cuDNN's search for algorithms are switched off, and an exact network must then
reproduce the NumPy reference on test inputs before it may be used.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ivc.errors import ModelError, UnsupportedError, UsageError
from ivc.nets import reference
from ivc.nets.graph import output_name, to_onnx
from ivc.nets.network import Network

Int32 = npt.NDArray[np.int32]
IntegerInputs = Mapping[str, npt.NDArray[np.integer]]
Runner = Callable[[IntegerInputs], dict[str, Int32]]


@functools.cache
def _onnxruntime() -> Any:
    import onnxruntime

    return onnxruntime


def open_session(model: bytes, *, threads: int = 1, provider: str = "cpu") -> Any:
    """An ONNX Runtime session.

    Args:
        model: an ONNX file.
        threads: threads within an operator; results of exact networks do not depend on it.
        provider: ``cpu``, or ``cuda`` where onnxruntime-gpu is installed.

    Raises:
        ModelError: when ONNX Runtime does not accept the file.
        UnsupportedError: when the provider is not installed.
        UsageError: when there is no such provider, or not one thread.
    """
    if threads < 1:
        raise UsageError(f"a network needs at least one thread, not {threads}")
    providers: dict[str, Any] = {
        "cpu": "CPUExecutionProvider",
        "cuda": (
            "CUDAExecutionProvider",
            # DEFAULT is implicit GEMM; the other settings may choose Winograd or FFT.
            {"use_tf32": "0", "cudnn_conv_algo_search": "DEFAULT"},
        ),
    }
    if provider not in providers:
        raise UsageError(f"no provider is called {provider!r}; there are cpu and cuda")
    runtime = _onnxruntime()
    if provider == "cuda" and "CUDAExecutionProvider" not in runtime.get_available_providers():
        raise UnsupportedError("running networks on a GPU needs the package onnxruntime-gpu")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    options.enable_cpu_mem_arena = False
    # Spinning threads slow every other process on the machine down.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("mlas.enable_gemm_fastmath_arm64_bfloat16", "0")
    try:
        return runtime.InferenceSession(model, options, providers=[providers[provider]])
    except Exception as error:  # ONNX Runtime's own classes share no narrower base
        line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(f"ONNX Runtime does not accept the network: {line}") from error


class ExactSession:
    """An exact network, ready to run.

    Args:
        network: the network.
        threads: threads within an operator; the results do not depend on it.
        provider: ``cpu`` or ``cuda``; see ``open_session``.

    Raises:
        ModelError: when the network has no overflow proof, or the provider is not exact.

    Attributes:
        network: the network.
    """

    def __init__(self, network: Network, *, threads: int = 1, provider: str = "cpu") -> None:
        self.network = network
        self._session = open_session(to_onnx(network), threads=threads, provider=provider)
        self._outputs = [output_name(network, i) for i in range(len(network.outputs))]
        if provider != "cpu":
            check_exact(network, self.run)

    def run(self, inputs: IntegerInputs) -> dict[str, Int32]:
        """Run the network; the same as ``ivc.nets.reference.run``, and as exact."""
        reference.check_inputs(self.network, inputs)
        feeds = {
            # The graph clips too, but sees 32 bits only.
            name: np.clip(inputs[name], info.low, info.high).astype(np.int32)
            if inputs[name].dtype != np.int32
            else inputs[name]
            for name, info in self.network.inputs.items()
        }
        results = self._session.run(self._outputs, feeds)
        return dict(zip(self.network.outputs, results, strict=True))


def check_exact(network: Network, run: Runner, *, size: int = 16, seed: int = 1) -> None:
    """Compare a way to run a network with the NumPy reference.

    The inputs are uniform noise, each end of the range, noise of both ends, and sparse impulses.

    Args:
        network: the network.
        run: takes and returns what ``ivc.nets.reference.run`` does.
        size: height and width to begin with; doubled until the network accepts it.
        seed: of the noise.

    Raises:
        ModelError: when any output differs, or no size up to 1024 fits the network.
    """
    random = np.random.default_rng(seed)
    size = _fitting_size(network, size)
    for kind in ("noise", "lowest", "highest", "ends", "impulses"):
        inputs = {}
        for name, info in network.inputs.items():
            shape = (1, info.channels, size, size)
            noise = random.integers(info.low, info.high, shape, endpoint=True)
            ends = np.where(random.random(shape) < 0.5, info.low, info.high)
            rest = min(max(0, info.low), info.high)
            inputs[name] = {
                "noise": noise,
                "lowest": np.full(shape, info.low),
                "highest": np.full(shape, info.high),
                "ends": ends,
                "impulses": np.where(random.random(shape) < 0.02, ends, rest),
            }[kind].astype(np.int32)
        expected, found = reference.run(network, inputs), run(inputs)
        for name in network.outputs:
            if not np.array_equal(expected[name], found[name]):
                worst = np.abs(expected[name].astype(np.int64) - found[name]).max()
                raise ModelError(
                    f"output {name!r} is not exact: it differs from the reference by up to "
                    f"{worst} for input of kind {kind!r}"
                )


def _fitting_size(network: Network, size: int) -> int:
    while size <= 1024:
        try:
            network.sizes(dict.fromkeys(network.inputs, (size, size)))
        except ModelError:
            size *= 2
        else:
            return size
    raise ModelError("no square input of up to 1024 fits the network")
