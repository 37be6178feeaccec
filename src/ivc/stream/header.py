"""The header of a stream: what is known before the first picture, in as few bytes as possible."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from ivc.errors import BitstreamError, LimitError, UnsupportedError, UsageError
from ivc.stream.byteio import ByteInput, SpanInput
from ivc.stream.fields import Values
from ivc.stream.levels import smallest_level
from ivc.stream.syntax import (
    EXTENSION,
    HEADER,
    MAGIC,
    SAMPLE_ASPECT,
    SAMPLE_ASPECT_NUMBER,
)
from ivc.types import Colour, Layout, PixelFormat, StreamInfo


@dataclass(frozen=True)
class StreamHeader:
    """What stands at the front of a stream.

    Attributes:
        codec: number of the codec.
        codec_version: version of the codec's syntax.
        info: format, size and timing of the pictures; a still's time base and rate are not stored.
        level: see ``ivc.stream.levels``; 0 stands for the smallest that the pictures fit (with
            segments as long as it permits). A still always has the smallest.
        weights_hash: first 8 bytes of the SHA-256 of the weights that decode the stream, if any.
    """

    codec: int
    codec_version: int
    info: StreamInfo
    level: int = 0
    weights_hash: bytes | None = None


@dataclass(frozen=True)
class Flags:
    """What the header says of the records that follow.

    Attributes:
        encrypted: an ENCRYPTION record follows.
        closed: the stream ends with an END record.
    """

    encrypted: bool
    closed: bool


def default_colour(layout: Layout, *, still: bool) -> Colour:
    """The colour description that costs nothing: sRGB, JFIF or, for clips, BT.709."""
    if layout is Layout.RGB:
        return Colour(1, 13, 0, True)
    if not still:
        return Colour(1, 1, 1, False)
    return Colour(1, 13, 2 if layout is Layout.GRAY else 6, True)


def write_header(header: StreamHeader, flags: Flags) -> bytes:
    """The bytes of magic and header.

    Raises:
        UsageError: when a value does not fit the format.
    """
    info = header.info
    colour = info.format.colour
    extension = b""
    if info.sample_aspect != 1:
        aspect = SAMPLE_ASPECT.write(_ratio("", info.sample_aspect))
        extension = EXTENSION.write({"key": 2 * SAMPLE_ASPECT_NUMBER, "value": aspect})
    if info.width < 1 or info.height < 1:
        raise UsageError(f"a picture cannot be {info.width}x{info.height}")
    return MAGIC + HEADER.write(
        {
            "clip": not info.still,
            "has_colour": colour != default_colour(info.format.layout, still=info.still),
            "has_weights": header.weights_hash is not None,
            "encrypted": flags.encrypted,
            "has_extension": bool(extension),
            "closed": flags.closed,
            "codec": header.codec,
            "codec_version": header.codec_version,
            "layout": info.format.layout,
            "alpha": info.format.alpha,
            "depth_minus_8": info.format.depth - 8,
            "width_minus_1": info.width - 1,
            "height_minus_1": info.height - 1,
            "primaries": colour.primaries,
            "transfer": colour.transfer,
            "matrix": colour.matrix,
            "full_range": colour.full_range,
            "weights_hash": header.weights_hash,
            "level": header.level,
            **_ratio("time_base_", info.time_base),
            **_ratio("frame_rate_", info.frame_rate or Fraction(0)),
            "extension": extension,
        }
    )


def read_header(source: ByteInput) -> tuple[StreamHeader, Flags]:
    """Parse magic and header; what follows them is not touched.

    Raises:
        BitstreamError: when the bytes are no header.
        UnsupportedError: when a newer reader is needed.
    """
    if source.read(len(MAGIC)) != MAGIC:
        raise BitstreamError("this is not an .ivc file: its first bytes are wrong", 0)
    values = HEADER.read(source)
    flags = Flags(encrypted=bool(values["encrypted"]), closed=bool(values["closed"]))
    still = not values["clip"]
    if not flags.closed and (flags.encrypted or not still):
        raise BitstreamError("header, flags: clips and encrypted streams must be closed", 4)
    pixel_format = _pixel_format(values, still=still)
    info = StreamInfo(
        format=pixel_format,
        width=values["width_minus_1"] + 1,
        height=values["height_minus_1"] + 1,
        still=still,
        sample_aspect=_read_extension(values.get("extension", b""), source.offset),
    )
    if not still:
        rate = values["frame_rate_numerator"]
        info = info.replace(
            time_base=Fraction(values["time_base_numerator"], values["time_base_denominator"]),
            frame_rate=Fraction(rate, values["frame_rate_denominator"]) if rate else None,
        )
    try:
        level = smallest_level(info) if still else values["level"]
    except UnsupportedError as error:
        raise LimitError(str(error), source.offset) from None
    header = StreamHeader(
        values["codec"], values["codec_version"], info, level, values.get("weights_hash")
    )
    return header, flags


def _pixel_format(values: Values, *, still: bool) -> PixelFormat:
    if values["layout"] not in set(Layout) or values["depth_minus_8"] > 8:
        raise UnsupportedError(
            f"the stream needs a newer ivc (layout {values['layout']}, "
            f"{values['depth_minus_8'] + 8} bits a sample)"
        )
    layout = Layout(values["layout"])
    colour = default_colour(layout, still=still)
    if values["has_colour"]:
        colour = Colour(
            values["primaries"], values["transfer"], values["matrix"], bool(values["full_range"])
        )
    return PixelFormat(layout, values["depth_minus_8"] + 8, bool(values["alpha"]), colour)


def _read_extension(data: bytes, end: int) -> Fraction:
    """The sample aspect; other fields are skipped or, if critical, refused."""
    source = SpanInput(data, end - len(data))
    aspect = Fraction(1)
    while source.remaining:
        field = EXTENSION.read(source)
        number, critical = divmod(field["key"], 2)
        if number == SAMPLE_ASPECT_NUMBER:
            value = SAMPLE_ASPECT.parse(field["value"], source.offset - len(field["value"]))
            aspect = Fraction(value["numerator"], value["denominator"])
        elif critical:
            raise UnsupportedError(f"the stream needs a newer ivc (extension {number})")
    return aspect


def _ratio(prefix: str, value: Fraction) -> Values:
    return {f"{prefix}numerator": value.numerator, f"{prefix}denominator": value.denominator}
