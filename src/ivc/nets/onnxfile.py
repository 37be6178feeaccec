"""Writing ONNX files without the ``onnx`` package: the few protobuf messages that a graph needs.

A message is a run of fields, each a tag ``number << 3 | wire type`` and a value; wire type 0 is a
varint, 2 a length and bytes, 5 four bytes. Field numbers are those of ``onnx.proto`` (ONNX IR
version 8).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

OPSET = 17
_IR_VERSION = 8
_ELEMENT = {"float32": 1, "int8": 3, "int32": 6, "int64": 7, "float64": 11}
"""TensorProto.DataType of NumPy types."""

Attribute = int | float | str | Sequence[int]


def _varint(value: int) -> bytes:
    # Negative numbers are written as 64-bit two's complement.
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def _integer(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _bytes(number: int, value: bytes | str) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(raw)) + raw


def _attribute(name: str, value: Attribute) -> bytes:
    if isinstance(value, int):
        content = _integer(3, value) + _integer(20, 2)
    elif isinstance(value, float):
        content = _varint(2 << 3 | 5) + struct.pack("<f", value) + _integer(20, 1)
    elif isinstance(value, str):
        content = _bytes(4, value) + _integer(20, 3)
    else:
        content = b"".join(_integer(8, item) for item in value) + _integer(20, 7)
    return _bytes(1, name) + content


@dataclass
class GraphWriter:
    """Collects the nodes of a graph; names that the writer gives to tensors begin with ``%``.

    Attributes:
        name: name of the graph.
    """

    name: str
    _nodes: list[bytes] = field(default_factory=list)
    _constants: list[bytes] = field(default_factory=list)
    _inputs: list[bytes] = field(default_factory=list)
    _outputs: list[bytes] = field(default_factory=list)
    _count: int = 0

    def _fresh(self) -> str:
        self._count += 1
        return f"%{self._count}"

    def constant(self, array: npt.NDArray[np.generic]) -> str:
        """Add a constant tensor and return its name."""
        name = self._fresh()
        little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        self._constants.append(
            b"".join(_integer(1, size) for size in array.shape)
            + _integer(2, _ELEMENT[array.dtype.name])
            + _bytes(8, name)
            + _bytes(9, little.tobytes())
        )
        return name

    def node(self, op: str, *inputs: str, output: str = "", **attributes: Attribute) -> str:
        """Add an operator and return the name of its output; an input ``""`` is left out."""
        output = output or self._fresh()
        self._nodes.append(
            b"".join(_bytes(1, name) for name in inputs)
            + _bytes(2, output)
            + _bytes(3, f"{op}_{len(self._nodes)}")
            + _bytes(4, op)
            + b"".join(_bytes(5, _attribute(*item)) for item in attributes.items())
        )
        return output

    def cast(self, tensor: str, dtype: str, output: str = "") -> str:
        """Convert a tensor to a type, given by its NumPy name."""
        return self.node("Cast", tensor, output=output, to=_ELEMENT[dtype])

    def input(self, name: str, dtype: str, shape: Sequence[int | str]) -> None:
        """Declare an input; sizes that vary are given by a name."""
        self._inputs.append(_value_info(name, dtype, shape))

    def output(self, name: str, dtype: str, shape: Sequence[int | str]) -> None:
        """Declare an output; sizes that vary are given by a name."""
        self._outputs.append(_value_info(name, dtype, shape))

    def model(self, metadata: Mapping[str, str] | None = None) -> bytes:
        """The ONNX file: the same bytes for the same calls."""
        graph = (
            b"".join(_bytes(1, node) for node in self._nodes)
            + _bytes(2, self.name)
            + b"".join(_bytes(5, constant) for constant in self._constants)
            + b"".join(_bytes(11, value) for value in self._inputs)
            + b"".join(_bytes(12, value) for value in self._outputs)
        )
        properties = b"".join(
            _bytes(14, _bytes(1, key) + _bytes(2, value))
            for key, value in sorted((metadata or {}).items())
        )
        opset = _bytes(8, _bytes(1, "") + _integer(2, OPSET))
        return _integer(1, _IR_VERSION) + _bytes(2, "ivc") + _bytes(7, graph) + opset + properties


def _value_info(name: str, dtype: str, shape: Sequence[int | str]) -> bytes:
    dimensions = b"".join(
        _bytes(1, _bytes(2, size) if isinstance(size, str) else _integer(1, size)) for size in shape
    )
    tensor = _integer(1, _ELEMENT[dtype]) + _bytes(2, dimensions)
    return _bytes(1, name) + _bytes(2, _bytes(1, tensor))
