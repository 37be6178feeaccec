"""The atheris harness works, whether atheris is there or not."""

import importlib.util
from pathlib import Path

import pytest

from ivc.codecs import CODECS
from ivc.stream import open_stream, verify

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


def test_seeds_are_whole_streams_of_every_codec(harness, tmp_path):
    harness.write_seeds(tmp_path)
    codecs = set()
    for path in tmp_path.iterdir():
        with open_stream(path, key=harness.KEY) as stream:
            assert verify(stream).ok
            codecs.add(stream.header.codec)
        harness.test_one_input(path.read_bytes())
    assert codecs == {profile.number for profile in CODECS}
