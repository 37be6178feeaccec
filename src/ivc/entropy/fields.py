"""Small headers of payloads: a dataclass of integers, declared once, written and read from it.

Each field is an unsigned LEB128 number (seven bits a byte, low bits first, high bit set on all
bytes but the last) in the order of declaration:

    @dataclass(frozen=True)
    class Header:
        mode: int = integer(0, 5)

    data = pack(Header(mode=3)) + payload
    header, payload = unpack(Header, data)
"""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar

from ivc.errors import BitstreamError

T = TypeVar("T")


def integer(low: int, high: int) -> Any:
    """Declare a field of ``low`` to ``high`` (0 <= low), stored as value - low."""
    return dataclasses.field(metadata={"range": (low, high)})


def pack(header: Any) -> bytes:
    """The bytes of a header."""
    out = bytearray()
    for entry in dataclasses.fields(header):
        value = getattr(header, entry.name) - entry.metadata["range"][0]
        while value > 127:
            out.append(value & 127 | 128)
            value >>= 7
        out.append(value)
    return bytes(out)


def unpack(kind: type[T], data: bytes) -> tuple[T, memoryview]:
    """Read a header.

    Args:
        kind: dataclass of ``integer`` fields.
        data: bytes that begin with it.

    Returns:
        The header and the bytes after it.

    Raises:
        BitstreamError: when the data end too early or a value is out of its range.
    """
    values: dict[str, int] = {}
    position = 0
    for entry in dataclasses.fields(kind):  # type: ignore[arg-type]
        low, high = entry.metadata["range"]
        value = shift = 0
        while True:
            if position == len(data) or shift > 28:
                raise BitstreamError(f"payload ends or is damaged in its field {entry.name!r}")
            byte = data[position]
            position += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        value += low
        if value > high:
            raise BitstreamError(f"field {entry.name!r} is {value}, above its limit of {high}")
        values[entry.name] = value
    return kind(**values), memoryview(data)[position:]
