"""One input against the tools of today."""

import math

import numpy as np
import pytest
from PIL import Image

from ivc.bench import compare as module
from ivc.bench.compare import compare
from ivc.bench.contenders import find
from ivc.bench.material import prepare
from ivc.bench.store import Store
from ivc.errors import UsageError
from results import point


@pytest.fixture
def material(tmp_path):
    y, x = np.mgrid[:48, :64]
    noise = np.random.default_rng(3).normal(0, 8, (48, 64, 3))
    picture = 128 + 80 * np.stack([np.sin(x / 7), np.cos(y / 5), np.sin((x + y) / 9)], -1) + noise
    Image.fromarray(picture.clip(0, 255).astype(np.uint8)).save(tmp_path / "p.png")
    return prepare(tmp_path / "p.png", tmp_path)


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "s.sqlite") as store:
        yield store


def test_an_anchor_is_matched_to_our_quality(material, store, tmp_path):
    kept, steps = [], []
    found = compare(
        material, store, tmp_path, ours="ivc:dct", others=["jpeg-444"], quality=50, workers=2,
        watch=steps.append, keep=lambda point, coded, decoded: kept.append(coded.stat().st_size),
    )  # fmt: skip
    assert list(found.matches) == ["ivc:roadmap/dct", "jpeg-444"]
    ours, jpeg = found.matches.values()
    assert ours.point.setting == 50
    assert ours.equal == ours.point.size
    goal = ours.point.figure("psnr-y")
    near = abs(jpeg.point.figure("psnr-y") - goal)
    others = [p for p in found.points if p.codec == "jpeg-444"]
    assert near == min(abs(p.figure("psnr-y") - goal) for p in others)
    assert near < 1
    # interpolated, so beside the nearest file: a little more or less than it
    assert jpeg.equal == pytest.approx(jpeg.point.size, rel=0.1)
    assert kept == [ours.point.size, jpeg.point.size]
    assert len(steps) == len({(s.point.codec, s.point.setting) for s in steps})
    assert not found.failed


def test_lossless_is_compared_with_lossless(material, store, tmp_path):
    found = compare(material, store, tmp_path, ours="ivc:dpcm", others=["png"])
    assert found.metric == ""
    assert {m.point.exact for m in found.matches.values()} == {True}
    assert all(m.equal == m.point.size for m in found.matches.values())


def test_a_failing_anchor_is_told(material, store, tmp_path, monkeypatch):
    real = module.contenders

    def broken(names):
        codecs = real(names)
        for codec in codecs:
            codec.encode = lambda task: ["false"]
        return codecs

    monkeypatch.setattr(module, "contenders", broken)
    found = compare(material, store, tmp_path, ours="ivc:dpcm", others=["png"])
    assert list(found.matches) == ["ivc:roadmap/dpcm"]
    assert "false failed with status 1" in found.failed["png"]


def test_what_cannot_take_the_input_is_skipped(material, store, tmp_path):
    found = compare(material, store, tmp_path, ours="ivc:dpcm", others=["ffv1", "png"])
    assert found.skipped == ["FFV1 is left out: codes clips only"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ours": "ivc:nothing"}, "no profile is called"),
        ({"quality": 101.0}, "outside 0..100"),
        ({"others": ["nothing"]}, "no codec is called"),
    ],
)
def test_wrong_requests(material, store, tmp_path, changes, message):
    with pytest.raises(UsageError, match=message):
        compare(material, store, tmp_path, **{"ours": "ivc:dct", "others": ["png"], **changes})


def test_defaults_suit_the_input(material):
    assert module.default_codecs(material, find("ivc:image")) == module.STILLS
    assert module.default_codecs(material, find("ivc:dpcm")) == module.LOSSLESS_STILLS


def test_a_lossless_file_reaches_any_quality():
    lossy = [
        point("x", setting=float(i), size=100 * i, metrics={"psnr-y": 30.0 + i}) for i in (1, 5)
    ]
    exact = point("x", setting=9.0, size=900, metrics={"psnr-y": None}, exact=True)
    nearest = module._nearest
    assert nearest([*lossy, exact], "psnr-y", 34.0)[0] is lossy[1]
    assert nearest([*lossy, exact], "psnr-y", 60.0) == (exact, 900.0)
    assert nearest([*lossy, exact], "psnr-y", math.inf) == (exact, 900.0)
    assert nearest([exact], "psnr-y", 40.0) == (exact, 900.0)
    assert nearest(lossy, "psnr-y", math.inf) == (lossy[1], None)
    assert nearest(lossy, "psnr-y", 60.0) == (lossy[1], None)
