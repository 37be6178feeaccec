"""The syntax of the container: every header and record payload, declared once.

Reader, writer and the tables of ``docs/bitstream.md`` derive from what stands here. The picture:

    magic, header
    ENCRYPTION                       if the header says so
    SHARED, its layer records        if a codec has global layers
    ATTACHMENT …                     anywhere between other records
    SEGMENT, its layer records       once a segment; a still has the layer records alone
    END, trailer                     the index; a still of one record has none
"""

from __future__ import annotations

import enum

from ivc.stream.fields import (
    Bits,
    Block,
    Byte,
    Field,
    Fixed,
    Many,
    Signed,
    Table,
    Varint,
    When,
    Word,
)
from ivc.types import MAX_DIMENSION

MAGIC = b"\x96ivc"
TRAILER_MAGIC = b"cvi\x96"

MAX_LAYER_NUMBER = (1 << 32) - 1
MAX_SEGMENT_FRAMES = 1 << 16
MAX_SEGMENT_LAYERS = 64
MAX_ATTACHMENTS = 1024
MAX_SEGMENTS = 1 << 18
MAX_SKIPPED = 1 << 16
MAX_CONTROL_BYTES = 1 << 23
MAX_PAYLOAD_BYTES = (1 << 31) - (1 << 12)


class Control(enum.IntEnum):
    """Numbers of the records that are not layers; 24 to 31 are kept for such."""

    SEGMENT = 24
    SHARED = 25
    ATTACHMENT = 26
    ENCRYPTION = 27
    END = 28


FIRST_CONTROL, LAST_CONTROL = 24, 31

HEADER = Table("header", (
    Field("flags", Bits((
        ("version", 2, "version of the container, 0; a reader refuses others"),
        ("clip", 1, "1 for a clip, 0 for a still (one picture without timing)"),
        ("has_colour", 1, "colour fields follow; 0: the default colour, see below"),
        ("has_weights", 1, "weights_hash follows"),
        ("encrypted", 1, "an ENCRYPTION record follows the header"),
        ("has_extension", 1, "extension follows"),
        ("closed", 1, "the stream ends with END; always 1 for clips and encrypted streams"),
    )), "what follows"),
    Field("codec", Varint((1 << 31) - 1), "number of the codec"),
    Field("codec_version", Varint((1 << 31) - 1), "version of the codec's own syntax"),
    Field("format", Bits((
        ("layout", 3, "0 gray, 1 4:2:0, 2 4:2:2, 3 4:4:4, 4 RGB; others need a newer reader"),
        ("alpha", 1, "1 if an alpha plane follows the colour planes"),
        ("depth_minus_8", 4, "bits a sample minus 8, 0 to 8"),
    )), "pixel format"),
    Field("width_minus_1", Varint(MAX_DIMENSION - 1), "width in luma samples minus 1"),
    Field("height_minus_1", Varint(MAX_DIMENSION - 1), "height in luma samples minus 1"),
    Field("primaries", Byte(), "ColourPrimaries of ITU-T H.273", When("has_colour")),
    Field("transfer", Byte(), "TransferCharacteristics of ITU-T H.273", When("has_colour")),
    Field("matrix", Byte(), "MatrixCoefficients of ITU-T H.273", When("has_colour")),
    Field("range", Bits((
        ("full_range", 1, "1 if samples use the whole range from 0 to 2^depth - 1"),
        ("reserved", 7, "0"),
    )), "range of the samples", When("has_colour")),
    Field("weights_hash", Fixed(8), "first 8 bytes of the SHA-256 of the weights that decode it",
          When("has_weights")),
    Field("level", Varint(255, minimum=1), "level of the stream, see Levels", When("clip")),
    Field("time_base_numerator", Varint((1 << 31) - 1, minimum=1),
          "seconds in a tick, numerator", When("clip")),
    Field("time_base_denominator", Varint((1 << 31) - 1, minimum=1),
          "seconds in a tick, denominator", When("clip")),
    Field("frame_rate_numerator", Varint((1 << 31) - 1),
          "nominal frames a second, numerator; 0 if not known", When("clip")),
    Field("frame_rate_denominator", Varint((1 << 31) - 1, minimum=1),
          "nominal frames a second, denominator",
          When("frame_rate_numerator", 0, negated=True)),
    Field("extension", Block(), "extension fields, see below", When("has_extension")),
))  # fmt: skip

EXTENSION = Table("extension field", (
    Field("key", Varint(), "2 × number + 1 if a reader that does not know it must refuse the "
          "stream, 2 × number if it may skip it"),
    Field("value", Block(), "the field's own bytes"),
))  # fmt: skip

SAMPLE_ASPECT = Table("sample aspect", (
    Field("numerator", Varint((1 << 31) - 1, minimum=1), "width of a sample"),
    Field("denominator", Varint((1 << 31) - 1, minimum=1), "height of a sample"),
))  # fmt: skip
SAMPLE_ASPECT_NUMBER = 1

SEGMENT = Table("SEGMENT", (
    Field("frames", Varint(MAX_SEGMENT_FRAMES, minimum=1), "number of frames"),
    Field("timing", Bits((
        ("mode", 2, "0 on the grid, 1 on the shifted grid, 2 explicit; 3 needs a newer reader"),
        ("has_duration", 1, "duration follows; 0: it is implied"),
        ("reserved", 5, "0"),
    )), "how the times of the frames are given, see Timing"),
    Field("start", Signed(), "time of the first frame in ticks, minus its place on the grid",
          When("mode", 0, negated=True)),
    Field("changes", Many(Signed(), "frames", minus=1),
          "how much the distance to the next frame differs from the distance before it",
          When("mode", 2)),
    Field("duration", Varint((1 << 62) - 1), "ticks that the last frame is shown; 0 if not known",
          When("has_duration")),
    Field("bytes", Varint((1 << 62) - 1), "size of the layer records that follow"),
))  # fmt: skip

SHARED = Table("SHARED", (
    Field("bytes", Varint((1 << 62) - 1), "size of the layer records that follow"),
))  # fmt: skip

ATTACHMENT = Table("ATTACHMENT", (
    Field("kind", Varint(MAX_LAYER_NUMBER, minimum=1),
          "1 ICC profile, 2 Exif, 3 XMP, 4 tracks (without video), 5 text (JSON); "
          "the data follow to the end of the payload"),
))  # fmt: skip

ENCRYPTION = Table("ENCRYPTION", (
    Field("method", Bits((
        ("cipher", 3, "0 AES-256-GCM; others need a newer reader"),
        ("passphrase", 1, "1 if the key comes from a passphrase through scrypt"),
        ("everything", 1, "1 if all layers and attachments are encrypted"),
        ("reserved", 3, "0"),
    )), "how it is encrypted"),
    Field("salt", Fixed(16), "random bytes, new for every stream"),
    Field("scrypt_log2_n", Varint(20, minimum=1), "log2 of scrypt's cost N", When("passphrase")),
    Field("scrypt_r", Varint(32, minimum=1), "scrypt's block size r", When("passphrase")),
    Field("scrypt_p", Varint(4, minimum=1), "scrypt's parallelisation p", When("passphrase")),
    Field("layer_count", Varint(256), "number of encrypted kinds of layers", When("everything", 0)),
    Field("layers", Many(Varint(MAX_LAYER_NUMBER, minimum=1), "layer_count"),
          "their numbers, ascending", When("everything", 0)),
    Field("attachment_count", Varint(256), "number of encrypted kinds of attachments",
          When("everything", 0)),
    Field("attachments", Many(Varint(MAX_LAYER_NUMBER, minimum=1), "attachment_count"),
          "their numbers, ascending", When("everything", 0)),
    Field("check", Fixed(8), "tells a wrong key or a changed header, see Encryption"),
))  # fmt: skip

END = Table("END", (
    Field("segments", Varint(MAX_SEGMENTS), "number of segments"),
    Field("first_segment", Varint(), "offset in the stream of the first segment, or of END"),
    Field("index", Many(Varint(), "segments", times=2),
          "for each segment: bytes from its start to the start of the next one or of END; frames"),
    Field("attachment_records", Varint(MAX_ATTACHMENTS), "number of ATTACHMENT records"),
    Field("attachment_offsets", Many(Varint(), "attachment_records"),
          "their offsets in the stream, each minus the one before"),
    Field("authentication", Fixed(16), "GCM tag over the fields above, see Encryption",
          When("encrypted")),
))  # fmt: skip

TRAILER = Table("trailer", (
    Field("end_bytes", Word(), "size of the END record, from its tag to its checksum"),
    Field("magic", Fixed(4), "0x63 0x76 0x69 0x96"),
))  # fmt: skip
TRAILER_BYTES = 8

PAYLOADS = {
    Control.SEGMENT: SEGMENT,
    Control.SHARED: SHARED,
    Control.ATTACHMENT: ATTACHMENT,
    Control.ENCRYPTION: ENCRYPTION,
    Control.END: END,
}
