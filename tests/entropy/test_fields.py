"""Headers of payloads: exact bytes, ranges, damaged bytes."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivc.entropy.fields import integer, pack, unpack
from ivc.errors import BitstreamError


@dataclass(frozen=True)
class Header:
    mode: int = integer(0, 5)
    step: int = integer(1, 2**32)


def test_exact_bytes():
    assert pack(Header(mode=3, step=1)) == b"\x03\x00"
    assert pack(Header(mode=0, step=301)) == b"\x00\xac\x02"


@given(st.integers(0, 5), st.integers(1, 2**32), st.binary())
def test_headers_come_back(mode, step, rest):
    header, after = unpack(Header, pack(Header(mode, step)) + rest)
    assert header == Header(mode, step)
    assert bytes(after) == rest


@pytest.mark.parametrize("data", [b"", b"\x03", b"\x03\x80", b"\x06\x00", b"\x03" + b"\xff" * 9])
def test_damaged_headers(data):
    with pytest.raises(BitstreamError):
        unpack(Header, data)


@given(st.binary(max_size=12))
def test_any_bytes_are_read_or_reported(data):
    try:
        header, _ = unpack(Header, data)
    except BitstreamError:
        return
    assert 0 <= header.mode <= 5
    assert 1 <= header.step <= 2**32
