"""Names, titles and refusals of everything that can be compared."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from ivc.bench.contenders import GROUPS, anchors, contenders, find
from ivc.bench.contenders.clips import ENCODERS, ClipAnchor
from ivc.bench.contenders.ours import Ours
from ivc.bench.contenders.stills import CODERS, StillAnchor
from ivc.bench.material import Material
from ivc.bench.runner import Job, blank_point, readable
from ivc.codecs import CODECS
from ivc.errors import UsageError

STILL = Material("a.png", Path("a.ppm"), "d", 40, 30, 1, Fraction(0), "RGB", 8, False)
CLIP = Material("a.mkv", Path("a.y4m"), "d", 64, 48, 8, Fraction(25), "YUV420", 8, False)
GRAY = replace(STILL, layout="GRAY")
DEEP = replace(STILL, depth=16)
CLEAR = replace(STILL, alpha=True)


def test_names_and_titles_are_unique():
    every = [*anchors(), *(find(f"ivc:{profile.name}") for profile in CODECS)]
    for what in ("name", "title"):
        found = [getattr(codec, what) for codec in every]
        assert len(set(found)) == len(found)
    identities = {codec.identity() for codec in every if not codec.missing()}
    assert len(identities) == sum(not codec.missing() for codec in every)


def test_groups():
    assert set(GROUPS["stills"]) | set(GROUPS["lossless-stills"]) == set(CODERS)
    assert set(GROUPS["clips"]) | set(GROUPS["lossless-clips"]) == set(ENCODERS)
    assert not set(GROUPS) & {*CODERS, *ENCODERS}
    for name, members in GROUPS.items():
        assert members
        for codec in contenders([name]):
            assert codec.lossless == name.startswith("lossless")
            assert codec.stills == name.endswith("stills")
            assert codec.clips == name.endswith("clips")


@pytest.mark.parametrize("codec", anchors(), ids=lambda codec: codec.name)
def test_each_anchor(codec):
    assert codec.kind == "anchor"
    assert codec.title
    assert codec.extension.startswith(".")
    assert codec.stills != codec.clips
    assert find(codec.name).title == codec.title
    if codec.lossless:
        assert codec.ladder == (0,)
    else:
        assert len(codec.ladder) >= 6
        rising = tuple(sorted(codec.ladder))
        assert codec.ladder in (rising, rising[::-1])
        assert len(set(codec.ladder)) == len(codec.ladder)
    material = STILL if codec.stills else CLIP
    assert codec.refuses(material) is None
    shown = blank_point(Job(material, codec, codec.ladder[0], 2), 1).commands
    assert all("INPUT" not in word for word in shown[1].split())
    assert shown[0].startswith("python -m ivc.bench.worker" if codec.stills else "ffmpeg ")
    assert "/" not in shown[0].replace("file:", "")
    assert ("INPUT" in shown[0], "CODED" in shown[1], "OUTPUT" in shown[1]) == (True,) * 3


def test_finding():
    mine = StillAnchor("webp")
    assert isinstance(find("ivc:dct"), Ours)
    assert isinstance(find("webp"), StillAnchor)
    assert isinstance(find("ffv1"), ClipAnchor)
    assert find("mine", {"mine": mine}) is mine
    assert [c.name for c in contenders(["webp", "ivc:dct", "stills", "ivc:roadmap/dct"])] == [
        "webp", "ivc:roadmap/dct", *(name for name in GROUPS["stills"] if name != "webp"),
    ]  # fmt: skip
    with pytest.raises(
        UsageError, match=r"^no codec is called 'gif'; there are: .*jpeg-420.*mine$"
    ):
        find("gif", {"mine": mine})
    assert contenders([]) == []


REFUSALS = [
    ("jpeg-420", CLIP, "codes stills only"),
    ("jpeg-420", CLEAR, "has no alpha"),
    ("jpeg-420", DEEP, "takes 8 bits a sample here, not 16"),
    ("jpeg-420", GRAY, None),
    ("webp", CLEAR, None),
    ("webp", replace(GRAY, alpha=True), "has no gray with alpha"),
    ("webp-lossless", replace(GRAY, alpha=True), None),
    ("avif", DEEP, "takes 8 bits a sample here, not 16"),
    ("jxl-7", replace(DEEP, alpha=True), None),
    ("png", DEEP, None),
    ("x264-medium", STILL, "codes clips only"),
    ("x264-medium", replace(GRAY, depth=16), "codes clips only"),
    ("jpeg-420", replace(CLIP, depth=10), "codes stills only"),
    ("x264-medium", replace(CLIP, depth=10), None),
    ("x264-medium", replace(CLIP, depth=12), "does not code 12 bits"),
    ("x264-medium", replace(CLIP, layout="GRAY"), "does not code GRAY"),
    ("x264-medium", replace(CLIP, layout="RGB", path=Path("a.mkv")), None),
    ("x264-medium", replace(CLIP, width=63), "does not code odd sizes of YUV420"),
    ("x264-medium", replace(CLIP, width=63, layout="YUV444"), None),
    ("x265-medium", replace(CLIP, height=47, layout="YUV422"), None),
    ("x265-medium", replace(CLIP, width=63, layout="YUV422"), "does not code odd sizes of YUV422"),
    ("svt-av1-8", replace(CLIP, width=63), None),
    ("svt-av1-8", replace(CLIP, layout="YUV444"), "does not code YUV444"),
    ("vvenc-faster", replace(CLIP, layout="RGB"), "does not code RGB"),
    ("ffv1", replace(CLIP, layout="GRAY", depth=16), None),
    ("ffv1", replace(CLIP, depth=9), "does not code 9 bits"),
    ("x264-lossless", replace(CLIP, layout="RGB"), "does not code RGB"),
    ("ivc:image", CLIP, None),
    ("ivc:image", replace(DEEP, alpha=True), None),
]


@pytest.mark.parametrize(("name", "material", "why"), REFUSALS)
def test_refusals(name, material, why):
    found = find(name).refuses(material)
    assert found == why


def test_commands_as_they_are_shown():
    assert readable(["/usr/bin/python3.11", "-m", "ivc", "encode", "a b"]) == "ivc encode 'a b'"
    assert readable(["/x/python", "-m", "ivc.bench.worker", "x"]) == "python -m ivc.bench.worker x"
    assert readable(["/x/ffmpeg-linux-v7", "-i", "file:INPUT"]) == "ffmpeg -i file:INPUT"
    assert readable(["/opt/my codec", "-q"]) == "'my codec' -q"
    assert readable(["codec"]) == "codec"
