"""A second reader of the .ivc container in plain Python, written from docs/bitstream.md alone.

It is for reading, and for checking the fast reader: it shares no code with it, takes the whole
stream as bytes, knows no key, and refuses everything that the page does not allow.

    python -m ivc.reference.container FILE.ivc
"""

import json
import sys
from fractions import Fraction
from pathlib import Path

PICTURE_BITS = {1: 18, 2: 20, 3: 22, 4: 24, 5: 26, 6: 28, 7: 30}
SEGMENT_BITS = {1: 23, 2: 25, 3: 27, 4: 28, 5: 29, 6: 30, 7: 31}


class BrokenError(Exception):
    """The bytes are not a stream as the page describes it."""


class CutShortError(BrokenError):
    """The bytes end too early."""


def require(condition, message):
    """Refuse the stream unless a condition holds."""
    if not condition:
        raise BrokenError(message)


class Bytes:
    """A position in bytes, with the elements of the notation.

    What ends inside a payload or segment is broken; what ends with the stream is cut short.
    """

    def __init__(self, data, position=0, end=None, short=None):
        self.data = data
        self.position = position
        self.end = len(data) if end is None else end
        self.short = short or BrokenError

    def left(self):
        """Number of bytes before the end."""
        return self.end - self.position

    def take(self, size):
        """The next bytes."""
        if size > self.left():
            raise self.short(f"at {self.position}: {size} bytes wanted, {self.left()} are left")
        self.position += size
        return self.data[self.position - size : self.position]

    def byte(self):
        """The next byte."""
        return self.take(1)[0]

    def varint(self, low=0, high=2**64 - 1):
        """The next varint, which must lie in a range."""
        value, shift = 0, 0
        while True:
            byte = self.byte()
            require(byte or not shift, "a varint is longer than it needs")
            value += (byte % 128) << shift
            shift += 7
            require(value < 2**64, "a varint is too large")
            if byte < 128:
                break
            require(shift < 70, "a varint is too long")
        require(low <= value <= high, f"{value} is not in {low}..{high}")
        return value

    def signed(self):
        """The next signed varint."""
        value = self.varint()
        return -(value + 1) // 2 if value % 2 else value // 2

    def bits(self, *widths):
        """The bit fields of the next byte."""
        byte = self.byte()
        out = []
        for width in widths:
            out.append(byte % (1 << width))
            byte >>= width
        return out


def crc32c(data):
    """CRC-32C, bit by bit."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0x82F63B78 * (crc & 1)
    return crc ^ 0xFFFFFFFF


def read_header(source):
    """Magic and header as a dictionary."""
    require(source.take(4) == b"\x96ivc", "the magic is wrong")
    version, clip, has_colour, has_weights, encrypted, has_extension, closed = source.bits(
        2, 1, 1, 1, 1, 1, 1
    )
    require(version == 0, "another version")
    require(closed or not (clip or encrypted), "it must be closed")
    header = {"clip": clip, "encrypted": encrypted, "closed": closed}
    header["codec"] = source.varint(high=2**31 - 1)
    header["codec_version"] = source.varint(high=2**31 - 1)
    header["layout"], header["alpha"], depth = source.bits(3, 1, 4)
    require(header["layout"] <= 4 and depth <= 8, "another layout or depth")
    header["depth"] = depth + 8
    header["width"] = source.varint(high=65534) + 1
    header["height"] = source.varint(high=65534) + 1
    if has_colour:
        colour = [source.byte(), source.byte(), source.byte(), *source.bits(1, 7)]
        require(colour.pop() == 0, "reserved bits")
    elif header["layout"] == 4:
        colour = [1, 13, 0, 1]
    elif clip:
        colour = [1, 1, 1, 0]
    else:
        colour = [1, 13, 2 if header["layout"] == 0 else 6, 1]
    header["colour"] = colour
    if has_weights:
        header["weights_hash"] = source.take(8).hex()
    header["time_base"], header["frame_rate"], header["sample_aspect"] = None, None, Fraction(1)
    if clip:
        header["level"] = source.varint(1, 255)
        header["time_base"] = Fraction(source.varint(1, 2**31 - 1), source.varint(1, 2**31 - 1))
        rate = source.varint(high=2**31 - 1)
        if rate:
            header["frame_rate"] = Fraction(rate, source.varint(1, 2**31 - 1))
    if has_extension:
        read_extension(source, header)
    check_level(header)
    return header


def read_extension(source, header):
    """Extension fields; one of them is known."""
    size = source.varint(high=65536)
    block = Bytes(source.take(size))
    while block.left():
        key = block.varint()
        size = block.varint(high=65536)
        value = Bytes(block.take(size))
        if key // 2 == 1:
            header["sample_aspect"] = Fraction(
                value.varint(1, 2**31 - 1), value.varint(1, 2**31 - 1)
            )
            require(value.left() == 0, "bytes after the sample aspect")
        else:
            require(key % 2 == 0, "an extension that must be understood")


def check_level(header):
    """Find a still's level; check a clip's."""
    samples = header["width"] * header["height"]
    rate = header["frame_rate"] or 0
    fitting = [
        level
        for level, bits in PICTURE_BITS.items()
        if samples <= 2**bits and samples * rate <= 2 ** (bits + 6)
    ]
    require(fitting, "no level fits")
    header.setdefault("level", fitting[0])
    require(header["level"] in fitting, "the level does not fit")


def read_record(source, header=b""):
    """One record; its checksum is tested, which for END covers magic and header, too."""
    start = source.position
    tag = source.varint()
    number, encrypted, checksummed = tag // 4, tag // 2 % 2, tag % 2
    require(0 < number < 2**32, "no such number")
    require(not encrypted or number not in (24, 25, 27, 28), "encrypted control record")
    size = source.varint()
    place = source.position
    payload = source.take(size)
    if checksummed:
        stored = int.from_bytes(source.take(4), "little")
        front = header if number == 28 else b""
        require(stored == crc32c(front + source.data[start : place + size]), f"checksum at {start}")
    return {
        "number": number,
        "offset": start,
        "encrypted": encrypted,
        "checksummed": checksummed,
        "payload": payload,
        "end": source.position,
    }


def is_layer(record):
    """Whether a record is a layer."""
    return not 24 <= record["number"] <= 31


class Container:
    """A stream and everything in it; encrypted layers are listed as they are stored.

    Attributes:
        header: dictionary of the header's fields.
        shared: shared layers, number to record.
        attachments: list of (kind, data as stored, whether encrypted).
        segments: list of dictionaries with frames, pts, duration, offset, layers.
        truncated: True if the stream ends early.
        trailing: number of bytes after the end.
    """

    def __init__(self, data):
        self.source = Bytes(data, short=CutShortError)
        self.header = read_header(self.source)
        self.header_bytes = data[: self.source.position]
        self.shared, self.attachments, self.segments = {}, [], []
        self.attachment_offsets = []
        self.truncated = False
        try:
            if self.header["encrypted"]:
                record = read_record(self.source)
                require(record["number"] == 27, "ENCRYPTION is missing")
            if self.header["clip"]:
                self.read_clip()
            else:
                self.read_still()
        except CutShortError:
            self.truncated = True
        self.trailing = self.source.left()

    def read_still(self):
        """Records of a still."""
        layers: dict = {}
        first = None
        while True:
            record = read_record(self.source, self.header_bytes)
            if record["number"] == 28:
                break
            if is_layer(record):
                self.add_layer(layers, record)
                first = first or record["offset"]
                if not self.header["closed"]:
                    break
            else:
                require(self.header["closed"], "a control record in a still that is not closed")
                self.read_control(record, first_layer=not layers)
        require(layers, "no picture")
        still: dict = {"frames": 1, "pts": [], "duration": 0, "offset": first, "layers": layers}
        self.segments.append(still)
        if self.header["encrypted"]:
            self.check_end(record)
        elif self.header["closed"]:
            require(record["payload"] == b"", "END of a still")

    def read_clip(self):
        """Records of a clip."""
        while True:
            record = read_record(self.source, self.header_bytes)
            require(not is_layer(record), "a layer outside a segment")
            if record["number"] == 24:
                self.read_segment(record)
            elif record["number"] == 28:
                break
            else:
                self.read_control(record, first_layer=not self.segments)
        self.check_end(record)
        require(
            self.source.take(4) == (record["end"] - record["offset"]).to_bytes(4, "little"),
            "trailer",
        )
        require(self.source.take(4) == b"cvi\x96", "trailer")

    def read_control(self, record, first_layer):
        """SHARED, ATTACHMENT, or something unknown."""
        payload = Bytes(record["payload"])
        if record["number"] == 25:
            require(first_layer and not self.shared, "SHARED")
            size = payload.varint()
            require(payload.left() == 0, "SHARED is too long")
            self.shared = self.read_layers(size)
        elif record["number"] == 26:
            self.attachment_offsets.append(record["offset"])
            kind = payload.varint(1, 2**32 - 1)
            require(self.header["encrypted"] or not record["encrypted"], "encrypted attachment")
            self.attachments.append((kind, payload.take(payload.left()), record["encrypted"]))
        else:
            require(record["number"] not in (24, 27), "a record out of place")

    def read_layers(self, size):
        """Layer records that fill a number of bytes."""
        inside = Bytes(self.source.data, self.source.position, self.source.position + size)
        self.source.take(size)
        layers: dict = {}
        while inside.left():
            record = read_record(inside)
            require(is_layer(record), "a control record among layers")
            self.add_layer(layers, record)
        return layers

    def add_layer(self, layers, record):
        """Note a layer."""
        require(record["number"] not in layers, "a layer comes twice")
        require(self.header["encrypted"] or not record["encrypted"], "encrypted in an open stream")
        layers[record["number"]] = record

    def grid(self, frame):
        """Ticks of a frame on the grid."""
        if not self.header["frame_rate"]:
            return 0
        step = 1 / (self.header["frame_rate"] * self.header["time_base"])
        return (frame * step + Fraction(1, 2)) // 1 if step >= 1 else 0

    def read_segment(self, record):
        """A SEGMENT record and its layers."""
        payload = Bytes(record["payload"])
        frames = payload.varint(1, 65536)
        samples = self.header["width"] * self.header["height"] * frames
        require(samples <= 2 ** SEGMENT_BITS[self.header["level"]], "the segment exceeds its level")
        mode, has_duration, reserved = payload.bits(2, 1, 5)
        require(mode < 3 and reserved == 0, "another mode")
        require(mode == 2 or self.grid(1 << 32), "no grid")
        first = sum(segment["frames"] for segment in self.segments)
        start = payload.signed() if mode else 0
        pts = [self.grid(n) + start for n in range(first, first + frames)]
        duration = self.grid(first + frames) - self.grid(first + frames - 1)
        if mode == 2:
            pts, distance, duration = pts[:1], 0, 0
            for _ in range(frames - 1):
                distance += payload.signed()
                require(distance >= 1, "time stands still")
                pts.append(pts[-1] + distance)
        if has_duration:
            duration = payload.varint(high=2**62 - 1)
        size = payload.varint(high=2**62 - 1)
        require(payload.left() == 0, "SEGMENT is too long")
        layers = self.read_layers(size)
        self.segments.append(
            {
                "frames": frames,
                "pts": pts,
                "duration": duration,
                "offset": record["offset"],
                "layers": layers,
            }
        )

    def check_end(self, record):
        """The index, against what was found."""
        payload = Bytes(record["payload"])
        count = payload.varint(high=2**18)
        start = payload.varint()
        offsets, frames = [], []
        for _ in range(count):
            offsets.append(start)
            start += payload.varint()
            frames.append(payload.varint())
        require(start == record["offset"], "the index does not lead to END")
        require(offsets == [segment["offset"] for segment in self.segments], "index: offsets")
        require(frames == [segment["frames"] for segment in self.segments], "index: frames")
        place, places = 0, []
        for _ in range(payload.varint(high=1024)):
            place += payload.varint()
            places.append(place)
        require(places == self.attachment_offsets, "index: attachments")
        require(payload.left() == 16 * self.header["encrypted"], "END has a wrong size")


def main():
    """List a file as JSON."""
    container = Container(Path(sys.argv[1]).read_bytes())
    segments = [
        {**segment, "layers": {n: len(r["payload"]) for n, r in segment["layers"].items()}}
        for segment in container.segments
    ]
    print(json.dumps({"header": container.header, "segments": segments}, default=str, indent=1))


if __name__ == "__main__":
    main()
