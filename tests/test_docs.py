"""The documentation is true: examples run, links lead somewhere, tables are complete."""

import doctest
import importlib
import re
import shlex
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

import ivc
from ivc.codecs import CODECS

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
MODULES = [
    ".".join(path.relative_to(ROOT / "src").with_suffix("").parts).removesuffix(".__init__")
    for path in sorted((ROOT / "src" / "ivc").rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL


def blocks(page: Path, language: str) -> list[str]:
    """The fenced code blocks of a page in one language."""
    text = page.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """A folder with the photo.png and clip.mp4 that the examples speak of: 96x64, 12 frames."""
    monkeypatch.chdir(tmp_path)
    y, x = np.mgrid[:64, :96]
    noise = np.random.default_rng(1).normal(0, 6, (64, 96, 3))
    picture = 128 + 90 * np.stack([np.sin(x / 9), np.cos(y / 7), np.sin((x + y) / 15)], -1) + noise
    photo = picture.clip(0, 255).astype(np.uint8)
    Image.fromarray(photo).save("photo.png")
    with av.open("clip.mp4", "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(25))
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for t in range(12):
            frame = av.VideoFrame.from_ndarray(np.roll(photo, 2 * t, axis=1), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return tmp_path


def run_examples(examples: doctest.DocTest) -> None:
    report: list[str] = []
    failed = doctest.DocTestRunner(optionflags=FLAGS).run(examples, out=report.append).failed
    assert not failed, "".join(report)


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "pycon")], ids=name_of)
def test_python_examples_of_pages(page, workplace):
    text = "\n".join(blocks(page, "pycon"))
    run_examples(doctest.DocTestParser().get_doctest(text, {}, page.name, str(page), 0))


@pytest.mark.parametrize("module", MODULES)
def test_python_examples_of_docstrings(module, workplace):
    found = doctest.DocTestFinder().find(importlib.import_module(module), module)
    examples = [test for test in found if test.examples]
    assert examples
    for test in examples:
        run_examples(test)


def test_commands_of_the_readme(workplace):
    lines = "\n".join(blocks(ROOT / "README.md", "bash")).splitlines()
    commands = [shlex.split(line, comments=True) for line in lines if line.startswith("ivc ")]
    assert len(commands) == 13
    # the whole suite takes minutes
    commands = [[*c, "--codec", "jpeg-420"] if c[1] == "bench" else c for c in commands]
    installed = Path(sys.executable).parent / "ivc"
    for command in commands:
        done = subprocess.run([installed, *command[1:]], capture_output=True, text=True)
        assert done.returncode == 0, f"{shlex.join(command)}\n{done.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_between_files(page):
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not re.match(r"\w+:", target) and not target.startswith("#"):
            assert (page.parent / target.split("#")[0]).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_pages_speak_to_users(page):
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"/work/|/root/|/home/|\.\./shared|\bTODO\b|\bTBD\b", text)


def test_every_codec_has_its_page_and_its_lines():
    for profile in CODECS:
        for page in ("README.md", "docs/roadmap.md"):
            assert f"`{profile.name}`" in (ROOT / page).read_text(encoding="utf-8")
        assert (ROOT / "docs" / "codecs" / f"{profile.name.split('/')[-1]}.md").exists()


def test_every_page_is_in_the_navigation():
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    listed = set(re.findall(r": (\S+\.md)$", navigation, re.MULTILINE))
    docs = ROOT / "docs"
    assert listed == {path.relative_to(docs).as_posix() for path in docs.rglob("*.md")}


def test_the_changelog_knows_the_version():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "## [Unreleased]" in text or f"## [{ivc.__version__}]" in text
