"""Encryption: what is open without the key, and every way to tamper that is noticed."""

import io

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ivc.errors import BitstreamError, DecryptionError, UsageError
from ivc.stream import Encryption, open_stream, verify
from ivc.stream.encryption import read_key
from ivc.stream.syntax import ENCRYPTION
from ivc.types import AttachmentKind, Layer

from .samples import (
    ATTACHMENTS,
    CLIP,
    RAW_KEY,
    SALT,
    SHARED,
    STILL,
    Pipe,
    clip_segments,
    contents,
    passphrase,
    raw_key,
    rich_clip,
    rich_still,
    write,
)

TEXT_OPEN = raw_key(frozenset({Layer.PICTURE}))


def read_all(data: bytes, key: bytes = RAW_KEY) -> None:
    contents(open_stream(io.BytesIO(data), key=key))


def test_bytes_follow_the_standards():
    data = write(STILL, [(1, {Layer.PICTURE: b"secret"})], encryption=raw_key())
    header, record = data[:12], data[12 : 12 + 27]
    info = b"ivc stream" + header + record[2:19]
    material = HKDF(SHA256(), 40, SALT, info).derive(RAW_KEY)
    assert record == b"\x6c\x19" + b"\x10" + SALT + material[32:]
    nonce = (1).to_bytes(8, "big") + (1).to_bytes(4, "big")
    sealed = AESGCM(material[:32]).encrypt(nonce, b"secret", header + record[2:])
    assert data[39:].startswith(b"\x06" + bytes([len(sealed)]) + sealed + b"\x70")
    fields = b"\x01\x27\x18\x01\x00"  # 1 segment at 39, 24 bytes, 1 frame, no attachment
    nonce = (2).to_bytes(8, "big") + (28).to_bytes(4, "big")
    tag = AESGCM(material[:32]).encrypt(nonce, b"", header + record[2:] + fields)
    assert data[63:] == b"\x70\x15" + fields + tag


def test_open_layers_need_no_key():
    data = rich_clip(TEXT_OPEN)
    for stream in (open_stream(io.BytesIO(data)), open_stream(Pipe(data))):
        assert stream.scope.has_layer(Layer.PICTURE)
        assert [layers for _, layers in stream.iter_segments({Layer.TEXT})] == [
            {Layer.TEXT: b"text %d" % index} for index in range(3)
        ]
        assert stream.attachments() == list(ATTACHMENTS)
        assert stream.shared() == SHARED
    stream = open_stream(io.BytesIO(data))
    assert stream.segments[0].layers[Layer.PICTURE].size == len(b"picture 0") + 16
    with pytest.raises(DecryptionError, match="layer picture of segment 0 is encrypted; give"):
        stream.read_layers(stream.segments[0])


def test_everything_can_be_listed_without_a_key():
    stream = open_stream(io.BytesIO(rich_clip(raw_key())))
    assert stream.total_frames == 12
    assert [list(entry.layers) for entry in stream.segments] == [[1, 9]] * 3
    assert [entry.label for entry in stream.attachment_entries] == ["icc", "text"]
    assert verify(stream).ok
    for read in (stream.attachments, stream.shared):
        with pytest.raises(DecryptionError, match="is encrypted"):
            read()


def test_attachments_have_a_choice_of_their_own():
    data = rich_clip(raw_key(frozenset({Layer.TEXT}), frozenset({AttachmentKind.TEXT})))
    stream = open_stream(io.BytesIO(data))
    assert stream.attachments({AttachmentKind.ICC}) == [ATTACHMENTS[0]]
    with pytest.raises(DecryptionError, match="attachment text is encrypted"):
        stream.attachments({AttachmentKind.TEXT})
    assert open_stream(io.BytesIO(data), key=RAW_KEY).attachments() == list(ATTACHMENTS)


def test_no_plain_text_is_left():
    data = rich_clip(raw_key()) + rich_still(raw_key())
    for plain in (b"picture", b"text 0", b"background", b"profile", b"title", b"lines", b"fabric"):
        assert plain not in data


def test_salts_are_fresh():
    files = {write(CLIP, clip_segments(), encryption=Encryption(RAW_KEY)) for _ in range(4)}
    assert len(files) == 4


@pytest.mark.parametrize("encryption", [raw_key(), TEXT_OPEN, passphrase()])
@pytest.mark.parametrize("wrong", [b"\x00" * 32, b"ab" * 32, b"another passphrase"])
@pytest.mark.parametrize("build", [rich_clip, rich_still])
def test_wrong_key(build, encryption, wrong):
    for source in (io.BytesIO, Pipe):
        with pytest.raises(DecryptionError, match="wrong key"):
            open_stream(source(build(encryption)), key=wrong)


@pytest.mark.parametrize(
    ("content", "key", "is_passphrase"),
    [
        (RAW_KEY, RAW_KEY, False),
        (b"\n" * 32, b"\n" * 32, False),
        (RAW_KEY.hex().upper().encode() + b"\r\n", RAW_KEY, False),
        (b"z" * 64, b"z" * 64, True),
        (b"open sesame\n", b"open sesame", True),
        (b" spaces count ", b" spaces count ", True),
    ],
)
def test_key_files(content, key, is_passphrase):
    assert read_key(content) == (key, is_passphrase)


def test_key_files_that_are_none():
    with pytest.raises(UsageError, match="empty"):
        read_key(b"\n")
    with pytest.raises(UsageError, match="16 bytes"):
        Encryption(RAW_KEY, salt=b"short")
    with pytest.raises(UsageError, match="own set"):
        Encryption(RAW_KEY, frozenset({AttachmentKind.ICC}))
    with pytest.raises(UsageError, match="kinds of attachments"):
        Encryption(RAW_KEY, None, frozenset({Layer.PICTURE}))


def pieces(data: bytes) -> tuple[bytes, list[bytes], bytes]:
    """A clip as what comes before its segments, the segments, and what comes after."""
    entries = list(open_stream(io.BytesIO(data)).segments)
    end = entries[-1].offset + entries[-1].size
    segments = [data[entry.offset : entry.offset + entry.size] for entry in entries]
    return data[: entries[0].offset], segments, data[end:]


def sealed_clip(**changes) -> bytes:
    return write(**{"info": CLIP, "segments": clip_segments(), "encryption": raw_key()} | changes)


MOVES = {
    "swapped": lambda s, other: [s[1], s[0], s[2]],
    "repeated": lambda s, other: [s[0], s[0], s[2]],
    "taken out": lambda s, other: [s[0], s[2]],
    "last taken out": lambda s, other: s[:2],
    "appended": lambda s, other: [*s, other[2]],
    "from another file": lambda s, other: [s[0], other[1], s[2]],
}


@pytest.mark.parametrize("source", [io.BytesIO, Pipe])
@pytest.mark.parametrize("move", MOVES)
def test_moved_segments_are_noticed(move, source):
    head, segments, tail = pieces(sealed_clip())
    other = pieces(sealed_clip(encryption=Encryption(RAW_KEY, salt=b"\x22" * 16)))[1]
    data = head + b"".join(MOVES[move](segments, other)) + tail
    with pytest.raises(DecryptionError):
        contents(open_stream(source(data), key=RAW_KEY))


def test_layers_cannot_change_places():
    data = write(
        CLIP,
        [(1, {Layer.PICTURE: b"12345678", Layer.STRUCTURE: b"abcdefgh"})],
        encryption=raw_key(),
    )
    layers = open_stream(io.BytesIO(data)).segments[0].layers
    first, second = (data[layer.offset + 2 : layer.offset + 26] for layer in layers.values())
    swapped = data.replace(first, b"\x00" * 24).replace(second, first).replace(b"\x00" * 24, second)
    assert swapped != data
    with pytest.raises((DecryptionError, BitstreamError), match="layer"):
        read_all(swapped)


@pytest.mark.parametrize("name", ["checksummed", "not checksummed"])
def test_every_byte_of_an_encrypted_clip_is_authenticated(name):
    data = sealed_clip(shared=SHARED, attachments=ATTACHMENTS, checksums=name == "checksummed")
    for place in range(len(data) - 8):
        changed = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        try:
            stream = open_stream(io.BytesIO(changed), key=RAW_KEY)
            found = contents(stream)
        except Exception as error:
            assert type(error).__module__ == "ivc.errors", f"byte {place}"
        else:
            assert stream.truncated, f"byte {place}: {found}"


def test_a_changed_header_is_noticed():
    data = sealed_clip(checksums=False)
    for place, value in ((5, 1), (6, 2), (8, 0x3E), (15, 2)):  # codec, version, width, rate
        changed = data[:place] + bytes([value]) + data[place + 1 :]
        with pytest.raises(DecryptionError):
            read_all(changed)


def test_an_encrypted_layer_cannot_be_replaced_by_an_open_one():
    data = sealed_clip(checksums=False)
    entry = open_stream(io.BytesIO(data)).segments[0].layers[Layer.TEXT]
    changed = data[: entry.offset] + bytes([data[entry.offset] & ~2]) + data[entry.offset + 1 :]
    with pytest.raises(DecryptionError, match="should be encrypted"):
        read_all(changed)
    assert not verify(open_stream(io.BytesIO(changed), key=RAW_KEY)).ok


def test_an_attachment_cannot_become_another_kind():
    data = write(CLIP, [], attachments=ATTACHMENTS, encryption=raw_key(), checksums=False)
    offset = open_stream(io.BytesIO(data)).attachment_entries[0].record.payload_offset
    with pytest.raises(DecryptionError, match="attachment exif was changed"):
        read_all(data[:offset] + b"\x02" + data[offset + 1 :])


def test_a_cut_clip_opens_to_its_last_whole_segment():
    data = sealed_clip()
    stream = open_stream(io.BytesIO(data[:-60]), key=RAW_KEY)
    assert stream.truncated
    assert [layers[Layer.TEXT] for _, layers in stream.iter_segments()] == [
        b"text 0",
        b"text 1",
        b"text 2",
    ][: len(stream.segments)]
    assert len(stream.segments) >= 2


def encryption_payload(**changes) -> bytes:
    return ENCRYPTION.write(
        {
            "passphrase": 1,
            "everything": 1,
            "salt": SALT,
            "scrypt_log2_n": 4,
            "scrypt_r": 8,
            "scrypt_p": 1,
            "check": bytes(8),
        }
        | changes
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"scrypt_log2_n": 20}, "costs more"),
        ({"scrypt_log2_n": 17, "scrypt_r": 32}, "costs more"),
        ({"cipher": 1}, "newer ivc"),
        (
            {"everything": 0, "layer_count": 2, "layers": [3, 3], "attachment_count": 0,
             "attachments": []},
            "do not ascend",
        ),
    ],
)  # fmt: skip
def test_what_a_file_may_ask_for_is_bounded(changes, reason):
    header = write(CLIP, [], encryption=raw_key())[:16]
    payload = encryption_payload(**changes)
    data = header + bytes([27 << 2, len(payload)]) + payload
    with pytest.raises(Exception, match=reason) as caught:
        open_stream(io.BytesIO(data), key=b"a passphrase")
    assert type(caught.value).__module__ == "ivc.errors"


def test_expensive_passphrases_are_not_written():
    with pytest.raises(UsageError, match="more than readers do"):
        write(CLIP, [], encryption=Encryption(b"a passphrase", scrypt_log2_n=19))


@pytest.mark.parametrize("make", [rich_clip, rich_still])
def test_a_key_refuses_a_stream_in_the_open(make):
    """Whoever replaces a secret file by an open one must not be believed."""
    with pytest.raises(DecryptionError, match="nothing in the stream is encrypted"):
        open_stream(io.BytesIO(make()), key=RAW_KEY)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"\x3f\x2f", b"\x2f\x3f"),  # width and height
        (SALT + b"\x01\x01\x00", SALT + b"\x01\x09\x00"),  # which layers are encrypted
    ],
)
def test_a_changed_front_is_noticed_before_anything_is_read(old, new):
    """Even of a clip whose end was cut off, and with it the tag that covers the index."""
    data = write(CLIP, clip_segments(), encryption=TEXT_OPEN, checksums=False)
    front = open_stream(io.BytesIO(data)).front_offset
    changed = data[:front].replace(old, new)
    assert changed != data[:front]
    assert open_stream(io.BytesIO(data[:front]), key=RAW_KEY).truncated
    with pytest.raises(DecryptionError, match="header was changed"):
        open_stream(io.BytesIO(changed), key=RAW_KEY)
