"""Declared fields: one description from which a header is written, read and documented.

A ``Table`` is a list of ``Field``; a field has a kind (how its bytes look), a sentence for the
reader of ``docs/bitstream.md`` and, if it is optional, a condition on earlier fields. Values travel
as a dictionary from field name to value.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from array import array
from dataclasses import dataclass
from typing import Any

from ivc.errors import BitstreamError, UnsupportedError, UsageError
from ivc.stream.byteio import ByteInput, SpanInput

Values = dict[str, Any]

MAX_VARINT_BYTES = 10
MAX_VARINT = (1 << 64) - 1


def encode_varint(value: int) -> bytes:
    """Unsigned LEB128 of ``value``, 0 to 2**64 - 1, in as few bytes as possible."""
    if not 0 <= value <= MAX_VARINT:
        raise UsageError(f"{value} does not fit an unsigned 64-bit integer")
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def decode_varint(source: ByteInput) -> int:
    """Read an unsigned LEB128 integer.

    Raises:
        BitstreamError: when it is longer than needed or does not fit 64 bits.
        TruncatedError: when the bytes end first.
    """
    start = source.offset
    value = source.read(1)[0]
    if value < 0x80:
        return value
    value &= 0x7F
    for index in range(1, MAX_VARINT_BYTES):
        byte = source.read(1)[0]
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            if byte == 0:
                raise BitstreamError("an integer is written with more bytes than it needs", start)
            if value > MAX_VARINT:
                break
            return value
    raise BitstreamError("an integer does not fit 64 bits", start)


def zigzag(value: int) -> int:
    """Signed to unsigned: 0, -1, 1, -2, 2 … become 0, 1, 2, 3, 4 and so on."""
    return value * 2 if value >= 0 else -value * 2 - 1


def unzigzag(value: int) -> int:
    """Inverse of ``zigzag``."""
    return value >> 1 if value & 1 == 0 else -(value >> 1) - 1


class Kind(ABC):
    """How the bytes of a field look.

    Attributes:
        label: its name in the documentation.
    """

    label: str

    @abstractmethod
    def read(self, source: ByteInput, values: Values) -> Any:
        """Parse one value; ``values`` holds the fields before it."""

    @abstractmethod
    def write(self, value: Any, values: Values) -> bytes:
        """The bytes of one value."""


class Byte(Kind):
    """An unsigned byte."""

    label = "byte"

    def read(self, source: ByteInput, values: Values) -> int:
        """Parse one value."""
        return source.read(1)[0]

    def write(self, value: int, values: Values) -> bytes:
        """The bytes of one value."""
        if not 0 <= value <= 0xFF:
            raise UsageError(f"{value} does not fit a byte")
        return bytes([value])


class Word(Kind):
    """Four bytes, little-endian, unsigned."""

    label = "u32, little-endian"

    def read(self, source: ByteInput, values: Values) -> int:
        """Parse one value."""
        return int.from_bytes(source.read(4), "little")

    def write(self, value: int, values: Values) -> bytes:
        """The bytes of one value."""
        return value.to_bytes(4, "little")


@dataclass(frozen=True)
class Varint(Kind):
    """An unsigned integer from ``minimum`` to ``maximum``."""

    maximum: int = MAX_VARINT
    minimum: int = 0

    @property
    def label(self) -> str:  # type: ignore[override]
        """Its name in the documentation."""
        if (self.minimum, self.maximum) == (0, MAX_VARINT):
            return "varint"
        return f"varint, {self.minimum} to {self.maximum}"

    def read(self, source: ByteInput, values: Values) -> int:
        """Parse one value."""
        value = decode_varint(source)
        if not self.minimum <= value <= self.maximum:
            size = len(encode_varint(value))
            raise BitstreamError(
                f"{value} is outside {self.minimum}..{self.maximum}", source.offset - size
            )
        return value

    def write(self, value: int, values: Values) -> bytes:
        """The bytes of one value."""
        if not self.minimum <= value <= self.maximum:
            raise UsageError(f"{value} is outside {self.minimum}..{self.maximum}")
        return encode_varint(value)


class Signed(Kind):
    """A signed integer as the varint of its zigzag number."""

    label = "signed varint"

    def read(self, source: ByteInput, values: Values) -> int:
        """Parse one value."""
        return unzigzag(decode_varint(source))

    def write(self, value: int, values: Values) -> bytes:
        """The bytes of one value."""
        return encode_varint(zigzag(value))


@dataclass(frozen=True)
class Fixed(Kind):
    """A given number of bytes."""

    size: int

    @property
    def label(self) -> str:  # type: ignore[override]
        """Its name in the documentation."""
        return f"{self.size} bytes"

    def read(self, source: ByteInput, values: Values) -> bytes:
        """Parse one value."""
        return source.read(self.size)

    def write(self, value: bytes, values: Values) -> bytes:
        """The bytes of one value."""
        if len(value) != self.size:
            raise UsageError(f"{len(value)} bytes given where {self.size} belong")
        return value


class Block(Kind):
    """A varint with a number of bytes, then these bytes; at most 65536 of them."""

    label = "varint n, then n bytes"

    def read(self, source: ByteInput, values: Values) -> bytes:
        """Parse one value."""
        return source.read(Varint(1 << 16).read(source, values))

    def write(self, value: bytes, values: Values) -> bytes:
        """The bytes of one value."""
        return Varint(1 << 16).write(len(value), values) + value


@dataclass(frozen=True)
class Many(Kind):
    """A run of integers, ``times`` for each unit of an earlier field beyond the first ``minus``."""

    element: Varint | Signed
    count: str
    minus: int = 0
    times: int = 1

    @property
    def label(self) -> str:  # type: ignore[override]
        """Its name in the documentation."""
        count = f"({self.count} - {self.minus})" if self.minus else self.count
        return f"{f'{self.times} × ' if self.times > 1 else ''}{count} × {self.element.label}"

    def read(self, source: ByteInput, values: Values) -> array[int]:
        """Parse all values into 8 bytes each."""
        count = (values[self.count] - self.minus) * self.times
        if isinstance(source, SpanInput) and count > source.remaining:
            raise BitstreamError(
                f"{count} integers cannot fit the {source.remaining} bytes that are left",
                source.offset,
            )
        element = self.element
        out = array("q" if isinstance(element, Signed) else "Q")
        for _ in range(count):
            out.append(element.read(source, values))
        return out

    def write(self, value: Any, values: Values) -> bytes:
        """The bytes of all values."""
        return b"".join(self.element.write(item, values) for item in value)


@dataclass(frozen=True)
class Bits(Kind):
    """One byte that holds several small integers, the first in the lowest bits.

    Attributes:
        parts: (name, number of bits, what it means); parts called ``version`` and ``reserved``
            are zero in this version, and a reader refuses anything else.
    """

    parts: tuple[tuple[str, int, str], ...]
    label = "byte of bit fields"

    def read(self, source: ByteInput, values: Values) -> Values:
        """Parse one value."""
        start = source.offset
        byte = source.read(1)[0]
        out: Values = {}
        for name, width, _ in self.parts:
            out[name] = byte & ((1 << width) - 1)
            byte >>= width
        if out.pop("reserved", 0) or out.pop("version", 0):
            raise UnsupportedError(f"the stream needs a newer ivc (unknown bits at byte {start})")
        return out

    def write(self, value: Values, values: Values) -> bytes:
        """The bytes of one value."""
        byte = shift = 0
        for name, width, _ in self.parts:
            part = int(value.get(name, 0))
            if part >> width:
                raise UsageError(f"{name} is {part}, more than {width} bits hold")
            byte |= part << shift
            shift += width
        return bytes([byte])


@dataclass(frozen=True)
class When:
    """A condition on an earlier field: it is there and has the value, or another if ``negated``."""

    field: str
    value: int = 1
    negated: bool = False

    def holds(self, values: Values) -> bool:
        """Whether it is met."""
        if self.field not in values:
            return False
        return bool(values[self.field] == self.value) != self.negated

    def __str__(self) -> str:
        return f"{self.field} {'≠' if self.negated else '='} {self.value}"


@dataclass(frozen=True)
class Field:
    """One field of a table.

    Attributes:
        name: key in the values; a ``Bits`` field has a name in the documentation only.
        kind: how its bytes look.
        doc: what it means, for ``docs/bitstream.md``.
        when: condition for its presence; None if it is always there.
    """

    name: str
    kind: Kind
    doc: str
    when: When | None = None


@dataclass(frozen=True)
class Table:
    """Fields that follow each other.

    Attributes:
        name: what the fields belong to, for messages and documentation.
        fields: in the order of the file.
    """

    name: str
    fields: tuple[Field, ...]

    def read(self, source: ByteInput, context: Values | None = None) -> Values:
        """Parse all fields.

        Args:
            source: stands at the first field.
            context: values from elsewhere that conditions refer to.

        Raises:
            BitstreamError: naming the field and its offset.
            UnsupportedError: when reserved bits are set.
        """
        values = dict(context or {})
        for field in self.fields:
            if field.when is None or field.when.holds(values):
                start = source.offset
                try:
                    value = field.kind.read(source, values)
                except BitstreamError as error:
                    message = str(error).removesuffix(f" (at byte {error.offset})")
                    where = error.offset if error.offset is not None else start
                    raise type(error)(f"{self.name}, {field.name}: {message}", where) from None
                if isinstance(field.kind, Bits):
                    values.update(value)
                else:
                    values[field.name] = value
        return values

    def write(self, values: Values, context: Values | None = None) -> bytes:
        """The bytes of all fields whose conditions hold.

        Args:
            values: by name; those of fields that are not written are ignored.
            context: values from elsewhere that conditions refer to.
        """
        out = []
        written = dict(context or {})
        for field in self.fields:
            if field.when is None or field.when.holds(written):
                if isinstance(field.kind, Bits):
                    for name, *_ in field.kind.parts:
                        written[name] = int(values.get(name, 0))
                    out.append(field.kind.write(written, written))
                else:
                    written[field.name] = values[field.name]
                    out.append(field.kind.write(values[field.name], written))
        return b"".join(out)

    def parse(self, data: bytes, base: int, context: Values | None = None) -> Values:
        """Parse a payload that must hold these fields and nothing else.

        Args:
            data: the payload.
            base: its offset in the stream.
            context: values from elsewhere that conditions refer to.
        """
        source = SpanInput(data, base)
        values = self.read(source, context)
        if source.remaining:
            raise BitstreamError(
                f"{self.name}: {source.remaining} bytes follow the last field", source.offset
            )
        return values
