"""Resuming at every point of an interruption gives the bytes of an uninterrupted run."""

import io

import pytest

from ivc.errors import BitstreamError, DecryptionError, MediaError, UsageError
from ivc.stream import Encryption, StreamHeader, StreamWriter
from ivc.types import Layer

from .samples import (
    ATTACHMENTS,
    CLIP,
    RAW_KEY,
    SHARED,
    clip_segments,
    passphrase,
    raw_key,
    rich_still,
    write,
)

SEGMENTS = clip_segments(4)


def go_on(path, encryption=None, checksums=None) -> bytes:
    """Resume a file and write what is missing."""
    writer = StreamWriter.resume(path, encryption=encryption, checksums=checksums)
    with writer.file:
        assert path.stat().st_size == writer.bytes_written
        if not writer.shared_written:
            writer.write_shared(SHARED)
        for attachment in ATTACHMENTS[writer.attachments_written :]:
            writer.write_attachment(attachment)
        done = writer.segments_written
        assert writer.frames_written == sum(segment[0] for segment in SEGMENTS[:done])
        for segment in SEGMENTS[done:]:
            writer.write_segment(*segment)
        writer.finish()
    return path.read_bytes()


@pytest.mark.parametrize(
    ("encryption", "checksums"),
    [(None, None), (None, False), (raw_key(), None), (raw_key(frozenset({Layer.TEXT})), True)],
)
def test_every_cut_point(tmp_path, encryption, checksums):
    whole = write(
        CLIP,
        SEGMENTS,
        shared=SHARED,
        attachments=ATTACHMENTS,
        encryption=encryption,
        checksums=checksums,
    )
    header = 16 + (len(encryption_record(whole)) if encryption else 0)
    path = tmp_path / "clip.ivc.part"
    for size in range(header, len(whole) + 1):
        path.write_bytes(whole[:size])
        assert go_on(path, encryption, checksums) == whole, f"cut at {size}"
    for size in range(header):
        path.write_bytes(whole[:size])
        with pytest.raises(BitstreamError):
            StreamWriter.resume(path, encryption=encryption)
        assert path.stat().st_size == size


def encryption_record(data: bytes) -> bytes:
    size = data[17]
    return data[16 : 18 + size + 4 * (data[16] & 1)]


def test_the_salt_is_kept(tmp_path):
    path = tmp_path / "clip.ivc.part"
    encryption = Encryption(b"a passphrase", scrypt_log2_n=4)
    file = io.BytesIO()
    writer = StreamWriter(file, StreamHeader(2, 1, CLIP), encryption=encryption)
    writer.write_shared(SHARED)
    for attachment in ATTACHMENTS:
        writer.write_attachment(attachment)
    writer.write_segment(*SEGMENTS[0])
    path.write_bytes(file.getvalue())
    for segment in SEGMENTS[1:]:
        writer.write_segment(*segment)
    writer.finish()
    assert go_on(path, encryption) == file.getvalue()


def test_damage_is_cut_off(tmp_path):
    whole = write(CLIP, SEGMENTS, shared=SHARED, attachments=ATTACHMENTS)
    path = tmp_path / "clip.ivc.part"
    for damaged in (
        whole.replace(b"picture 2", b"picturE 2"),
        whole[:150] + bytes(len(whole) - 150),
        whole[:-40] + bytes(4096),
    ):
        path.write_bytes(damaged)
        assert go_on(path) == whole


@pytest.mark.parametrize(
    ("begun", "resumed", "kind", "reason"),
    [
        (raw_key(), None, UsageError, "other encryption"),
        (None, raw_key(), DecryptionError, "nothing in the stream is encrypted"),
        (raw_key(), raw_key(frozenset({Layer.TEXT})), UsageError, "other layers"),
        (raw_key(), Encryption(b"\x00" * 32), DecryptionError, "wrong key"),
        (passphrase(), passphrase(b"another"), DecryptionError, "wrong key"),
        (passphrase(), Encryption(RAW_KEY), DecryptionError, "wrong key"),
    ],
)
def test_other_encryption_is_refused_and_leaves_the_file(tmp_path, begun, resumed, kind, reason):
    path = tmp_path / "clip.ivc.part"
    path.write_bytes(write(CLIP, SEGMENTS, encryption=begun)[:-20])
    before = path.read_bytes()
    with pytest.raises(kind, match=reason):
        StreamWriter.resume(path, encryption=resumed)
    assert path.read_bytes() == before


def test_stills_and_missing_files_are_refused(tmp_path):
    with pytest.raises(MediaError, match="cannot open"):
        StreamWriter.resume(tmp_path / "none.ivc.part")
    path = tmp_path / "still.ivc.part"
    path.write_bytes(rich_still())
    with pytest.raises(UsageError, match="one go"):
        StreamWriter.resume(path)
