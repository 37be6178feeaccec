"""The file: what it holds, what it cannot be tricked into, how it is written."""

import dataclasses
import json
import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest

from ivc.errors import MediaError
from ivc.report import (
    CodecInfo,
    Cost,
    Failure,
    Picture,
    Point,
    Report,
    Version,
    render_report,
    write_report,
)
from ivc.report.page import SCRIPTS, STYLES, THEME, asset, digest

from .samples import full, small

HOSTILE = "</script><script>alert(1)</script><!-- \"'&\u2028\u202e\ud800 {{data}} {{scripts}}"


class Tags(HTMLParser):
    """Collects the elements of a page, and the text of its scripts and styles."""

    def __init__(self, page: str):
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.blocks: list[tuple[str, dict, str]] = []
        self.inside: str | None = None
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag in ("script", "style", "title"):
            self.blocks.append((tag, dict(attrs), ""))
            self.inside = tag

    def handle_endtag(self, tag):
        self.inside = None

    def handle_data(self, data):
        if self.inside:
            tag, attributes, text = self.blocks[-1]
            self.blocks[-1] = (tag, attributes, text + data)


def data_of(page: str) -> dict:
    (text,) = [b for _, a, b in Tags(page).blocks if a.get("type") == "application/json"]
    return json.loads(text)


def test_the_data_come_through():
    report = full()
    data = data_of(render_report(report))
    assert data["title"] == report.title
    assert len(data["points"]) == len(report.points)
    assert data["points"][0] == json.loads(json.dumps(dataclasses.asdict(report.points[0])))
    assert set(data) == {field.name for field in dataclasses.fields(Report)}


def test_hostile_texts_stay_data():
    report = Report(
        HOSTILE,
        HOSTILE,
        {HOSTILE: HOSTILE},
        [HOSTILE],
        codecs=[CodecInfo(HOSTILE, HOSTILE, "ivc", HOSTILE, HOSTILE, HOSTILE)],
        points=[Point(HOSTILE, HOSTILE, HOSTILE, 1.0, {"bpp": 1.0}, {HOSTILE: 2.0})],
        failures=[Failure(HOSTILE, HOSTILE, HOSTILE, HOSTILE)],
    )
    page, plain = render_report(report), render_report(Report("plain", ""))
    assert [tag for tag, _ in Tags(page).tags] == [tag for tag, _ in Tags(plain).tags]
    assert "<script>alert" not in page
    data = data_of(page)
    assert data["failures"][0]["error"] == HOSTILE
    assert data["points"][0]["metrics"] == {HOSTILE: 2.0}


def test_numbers_that_are_not_finite_become_null():
    nan, inf = float("nan"), float("inf")
    cost = Cost(nan, inf, 1.0, 5, 1)
    report = Report("t", "", points=[Point("a", "b", "c", nan, {"bpp": inf}, {"psnr": -inf}, cost)])
    (point,) = data_of(render_report(report))["points"]
    assert point["size"] is None
    assert point["rates"] == {"bpp": None}
    assert point["metrics"] == {"psnr": None}
    assert point["encode"]["seconds"] is point["encode"]["process_seconds"] is None


def test_the_policy_allows_only_what_is_in_the_page():
    page = render_report(full())
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    assert "unsafe" not in policy
    blocks = [b for b in Tags(page).blocks if b[0] != "title" and "type" not in b[1]]
    assert [b[0] for b in blocks] == ["style", "script", "script"]
    for tag, _, text in blocks:
        assert digest(text) in rules[f"{tag}-src"]


def test_nothing_is_loaded_from_elsewhere():
    page = render_report(full())
    links = {a[n] for _, a in Tags(page).tags for n in ("src", "href") if n in a}
    assert all(link.startswith(("#", "data:")) for link in links)
    assert set(re.findall(r"https?://[^\"'\s]*", page)) <= {"http://www.w3.org/2000/svg"}
    for name in [*STYLES, THEME, *SCRIPTS]:
        text = asset(name)
        assert text.count("\n") <= 400
        assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(", text)
        assert not re.search(r"\bfetch\(|XMLHttpRequest|WebSocket|import\(|url\((?!#)", text)


def test_pictures_are_in_the_page_or_refused():
    elsewhere = "https://example.org/a.png"
    inside = "data:image/png;base64,AAAA"
    for original, version in (
        (elsewhere, inside),
        (inside, elsewhere),
        ("data:text/html,x", inside),
    ):
        versions = [Version("a", "q", 1.0, {}, [version])]
        report = Report("t", "", pictures=[Picture("s", 1, 1, "", [0], [original], versions)])
        with pytest.raises(ValueError, match="data:image/"):
            render_report(report)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_the_size_is_returned_and_small_without_pictures(tmp_path, count):
    path = tmp_path / "report.html"
    size = write_report(small(count), path)
    assert size == path.stat().st_size < 150_000
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    path.write_text("old")

    def replace(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", replace)
    with pytest.raises(MediaError, match="No space left"):
        write_report(small(1), path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(MediaError, match="cannot write"):
        write_report(small(1), tmp_path / "none" / "report.html")


def test_the_same_report_is_the_same_page():
    assert render_report(full()) == render_report(full())


def test_the_report_needs_no_heavy_library():
    code = "import ivc.report, sys; print({'numpy', 'PIL', 'av', 'numba'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
