"""What the tests of several rooms share."""

import pytest

import ivc.codecs
import layered_codec


@pytest.fixture
def layered(monkeypatch):
    """The codec of ``layered_codec``, in this process only: worker processes do not know it."""
    monkeypatch.setattr(ivc.codecs, "CODECS", (*ivc.codecs.CODECS, layered_codec.PROFILE))
    return layered_codec.PROFILE.name


@pytest.fixture
def model(tmp_path):
    """The folder of a model for the layered codec."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "weights").write_bytes(b"\x11 and so on")
    return folder
