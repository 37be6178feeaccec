"""What ``verify`` finds in good, odd and broken streams."""

import io
from dataclasses import dataclass

import pytest

from ivc.errors import UsageError
from ivc.stream import open_stream, verify
from ivc.types import Layer

from .samples import (
    CLIP,
    RAW_KEY,
    STILL,
    Pipe,
    clip_segments,
    passphrase,
    raw_key,
    rich_clip,
    rich_still,
    write,
)


@dataclass(frozen=True)
class Profile:
    number: int = 2
    name: str = "example"
    layers: frozenset = frozenset(Layer)


def problems(data: bytes, profile=None, key=None) -> str:
    return "\n".join(verify(open_stream(io.BytesIO(data), key=key), profile).problems)


@pytest.mark.parametrize("encryption", [None, raw_key(), passphrase()])
@pytest.mark.parametrize("build", [rich_clip, rich_still])
def test_good_streams_have_no_problem(build, encryption):
    data = build(encryption)
    assert problems(data, Profile()) == ""
    if encryption:
        assert problems(data, Profile(), encryption.key) == ""


def test_the_report_counts():
    report = verify(open_stream(io.BytesIO(rich_clip())))
    assert report.ok
    assert (report.segments, report.frames) == (3, 12)
    stored = len(b"background" + b"profile" + b'{"title": "a clip"}') + 3 * len(b"picture 0text 0")
    assert (report.checked_bytes, report.unchecked_bytes) == (stored, 0)
    report = verify(open_stream(io.BytesIO(rich_still())))
    assert report.checked_bytes == 0
    assert report.unchecked_bytes > 0
    report = verify(open_stream(io.BytesIO(rich_still(raw_key())), key=RAW_KEY))
    assert report.unchecked_bytes == 0


def test_profile():
    data = rich_clip()
    assert "codec 2, not of other" in problems(data, Profile(3, "other"))
    found = problems(data, Profile(layers=frozenset({Layer.PICTURE, Layer.BACKGROUND})))
    assert found.splitlines() == [f"segment {i}: example has no layer text" for i in range(3)]
    found = problems(data, Profile(layers=frozenset({Layer.PICTURE, Layer.TEXT})))
    assert found == "shared layers: example has no layer background"


def test_what_follows_the_end():
    for data in (rich_clip(), rich_still(), write(STILL, [(1, {Layer.PICTURE: b"p"})])):
        assert problems(data + b"abc") == "3 bytes follow the end of the stream"


def test_a_cut_stream():
    assert "cut short after 2 whole segments" in problems(rich_clip()[:150])
    assert "cut short" in problems(rich_still()[:-1])


def test_changed_payloads_are_all_named():
    data = rich_clip()
    for index in (0, 2):
        data = data.replace(b"picture %d" % index, b"picturE %d" % index)
    data = data.replace(b"profile", b"profilE")
    found = problems(data).splitlines()
    assert len(found) == 3
    assert "ATTACHMENT" in found[0]
    assert all("layer picture" in line for line in found[1:])


def test_an_index_that_lies():
    data = write(CLIP, clip_segments(2), checksums=False)
    end = data.rindex(b"\x70")
    for place in range(end + 2, len(data) - 8):
        changed = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        assert "END" in problems(changed), f"byte {place}"


def test_pipes_cannot_be_verified():
    with pytest.raises(UsageError, match="pipe"):
        verify(open_stream(Pipe(rich_clip())))
