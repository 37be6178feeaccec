"""The atheris harness works, whether atheris is there or not."""

import importlib.util
import io
from pathlib import Path

import pytest

from ivc.codecs import CODECS
from ivc.stream import Encryption, open_stream, verify
from ivc.types import Layout

from .samples import rich_clip, rich_still

PATH = Path(__file__).parents[2] / "fuzz" / "fuzz_stream.py"


@pytest.fixture(scope="module")
def harness():
    spec = importlib.util.spec_from_file_location("fuzz_stream", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_takes_anything(harness):
    for data in (b"", rich_clip(), rich_still()[:-3], bytes(100)):
        harness.test_one_input(data)


def test_it_sees_what_is_no_ivc_error(harness, monkeypatch):
    monkeypatch.setattr(harness, "verify", lambda stream: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        harness.test_one_input(rich_clip())


@pytest.mark.parametrize("profile", CODECS, ids=lambda profile: profile.name)
def test_seeds_are_whole_streams(harness, profile):
    for key in (None, harness.KEY):
        data = harness.seed(profile, Layout.YUV420, 2, Encryption(key) if key else None)
        stream = open_stream(io.BytesIO(data), key=key)
        assert verify(stream).ok
        assert (stream.header.codec, stream.total_frames) == (profile.number, 2)
