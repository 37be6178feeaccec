"""Exact networks on disk: one ``.npz`` with the description as JSON and the weights as arrays.

    network.json      what ``Network.describe`` returns
    3.weight.npy      int8, of the layer with index 3
    3.bias.npy        int32
    3.shift.npy       uint8

``numpy.load`` opens it as well. The same network gives the same bytes wherever zlib is the same
(``Network.digest`` does not depend even on that). A file from a stranger is as safe to load as
one's own: sizes are checked before memory is taken, nothing is unpickled, and what comes out is a
network whose every layer has been checked and proven.
"""

from __future__ import annotations

import dataclasses
import io
import json
import math
import zipfile
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

from ivc.errors import ModelError
from ivc.nets.convolution import Conv, Convolution, Deconv
from ivc.nets.layers import (
    Add,
    Concat,
    Leaky,
    Multiply,
    Requantise,
    Shuffle,
    Slice,
    Unshuffle,
    Upsample,
)
from ivc.nets.network import MAX_NODES, Network
from ivc.nets.node import Node, TensorInfo
from ivc.nets.proof import prove

MAX_BYTES = 1 << 28
"""Largest size of all arrays of a network together."""
_MAX_DESCRIPTION = 1 << 22
_DESCRIPTION = "network.json"
_ARRAYS = {"weight": "|i1", "bias": "<i4", "shift": "|u1"}
_OPS: dict[str, type[Node]] = {
    kind.op: kind
    for kind in (
        Conv, Deconv, Requantise, Add, Multiply, Leaky, Concat, Slice, Upsample, Shuffle, Unshuffle,
    )
}  # fmt: skip
# All members carry the earliest date that a zip file can hold.
_DATE = (1980, 1, 1, 0, 0, 0)


def dump(network: Network) -> bytes:
    """The network as the bytes of an ``.npz`` file.

    Raises:
        ModelError: when the network has no overflow proof.
    """
    prove(network)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        text = json.dumps(network.describe(), sort_keys=True, separators=(",", ":"))
        _write(archive, _DESCRIPTION, text.encode())
        for index, node in enumerate(network.nodes):
            if isinstance(node, Convolution):
                for field, kind in _ARRAYS.items():
                    array = np.ascontiguousarray(getattr(node, field), kind)
                    member = io.BytesIO()
                    np.lib.format.write_array(member, array, version=(1, 0), allow_pickle=False)
                    _write(archive, f"{index}.{field}.npy", member.getvalue())
    return buffer.getvalue()


def _write(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    info = zipfile.ZipInfo(name, _DATE)
    info.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(info, data, compresslevel=9)


def parse(data: bytes, source: str = "the network file", max_bytes: int | None = None) -> Network:
    """The network of an ``.npz`` file.

    Args:
        data: the bytes of the file.
        source: what to call it in messages.
        max_bytes: largest size of all arrays together; ``MAX_BYTES`` by default.

    Raises:
        ModelError: whatever is wrong with it.
    """
    if max_bytes is None:
        max_bytes = MAX_BYTES
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            sizes = {info.filename: info.file_size for info in archive.infolist()}
            if sum(sizes.values()) > max_bytes or len(sizes) > 3 * MAX_NODES + 1:
                raise ModelError(f"{source} would take more than {max_bytes} bytes of memory")
            if sizes.get(_DESCRIPTION, 0) > _MAX_DESCRIPTION:
                raise ModelError(
                    f"{source} has a description of more than {_MAX_DESCRIPTION} bytes"
                )
            description = json.loads(archive.read(_DESCRIPTION))
            network = _build(description, archive)
    except ModelError:
        raise
    except (
        zipfile.BadZipFile, zlib.error, KeyError, ValueError, TypeError, AttributeError, EOFError,
        NotImplementedError, RecursionError, OverflowError, RuntimeError, OSError,
    ) as error:  # fmt: skip
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(f"{source} is damaged or no exact network: {reason:.200}") from error
    prove(network)
    return network


def _build(description: dict[str, Any], archive: zipfile.ZipFile) -> Network:
    nodes = []
    for index, entry in enumerate(description["nodes"]):
        fields = {key: _frozen(value) for key, value in entry.items()}
        op = fields.pop("op")
        if op not in _OPS:
            raise ModelError(f"layer {index} is of an unknown kind, {op!r:.80}")
        kind = _OPS[op]
        arrays = set(_ARRAYS) if issubclass(kind, Convolution) else set()
        expected = {field.name for field in dataclasses.fields(kind)} - arrays
        if set(fields) != expected:
            raise ModelError(f"layer {index} has not the fields of {op!r}: {sorted(expected)}")
        for field in sorted(arrays):
            fields[field] = _array(archive.read(f"{index}.{field}.npy"), _ARRAYS[field])
        nodes.append(kind(**fields))
    inputs = {}
    for name, values in description["inputs"].items():
        if len(values) != 3 or any(type(value) is not int for value in values):
            raise ModelError(f"input {name!r:.80} is not [channels, low, high]")
        inputs[name] = TensorInfo(*values)
    return Network(inputs, nodes, [str(name) for name in description["outputs"]])


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def read_array(member: bytes) -> npt.NDArray[Any]:
    """An array of numbers of a ``.npy`` file in memory, read-only.

    Raises:
        ValueError: when the header and the content do not fit together, among others.
    """
    stream = io.BytesIO(member)
    if np.lib.format.read_magic(stream) != (1, 0):
        raise ValueError("an array is not in version 1.0 of the npy format")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
    content = member[stream.tell() :]
    size = math.prod(shape) * dtype.itemsize
    if fortran or dtype.kind not in "iuf" or min(shape, default=0) < 0 or size != len(content):
        raise ValueError(f"an array of {dtype} {shape} does not have {len(content)} bytes")
    return np.frombuffer(content, dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)


def _array(member: bytes, dtype: str) -> npt.NDArray[Any]:
    stream = io.BytesIO(member)
    version = np.lib.format.read_magic(stream)
    if version != (1, 0):
        raise ModelError(f"an array has version {version} of the npy format, not (1, 0)")
    shape, fortran, found = np.lib.format.read_array_header_1_0(stream)
    content = member[stream.tell() :]
    if fortran or found != np.dtype(dtype):
        raise ModelError(f"an array is {found}, not {dtype} in C order")
    if min(shape, default=0) < 0 or math.prod(shape) * found.itemsize != len(content):
        raise ModelError(f"an array of shape {shape} does not have {len(content)} bytes")
    native = np.dtype(dtype).newbyteorder("=")
    return np.frombuffer(content, dtype).reshape(shape).astype(native)
