"""The page of benchmarks says what is stored."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / "benchmarks" / "page.py"


@pytest.fixture(scope="module")
def page():
    spec = importlib.util.spec_from_file_location("page", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["page"] = module
    spec.loader.exec_module(module)
    return module


def test_the_page_and_its_plots_match_the_store():
    done = subprocess.run(
        [sys.executable, SCRIPT, "--check"], capture_output=True, text=True, timeout=300
    )
    assert done.stdout == ""
    assert done.returncode == 0, done.stderr


def test_a_changed_result_is_noticed(page, monkeypatch):
    read = page.read

    def changed(name):
        found = read(name)
        if found:
            found.points[0] = type(found.points[0])(
                **{**vars(found.points[0]), "error": "it failed", "metrics": {}}
            )
        return found

    before = page.build()
    monkeypatch.setattr(page, "read", changed)
    after = page.build()
    assert after[page.PAGE] != before[page.PAGE]
    assert "it failed" in after[page.PAGE]


def test_plots_are_drawings(page):
    plots = {path: text for path, text in page.build().items() if path.suffix == ".svg"}
    assert plots
    for text in plots.values():
        assert ElementTree.fromstring(text).tag.endswith("svg")


def test_stored_results_are_small_and_name_no_folder_of_a_machine(page):
    for path in page.RESULTS.glob("*.jsonl"):
        text = path.read_text(encoding="utf-8")
        assert len(text) < 1 << 20
        assert "/work" not in text
        assert "/home" not in text
        assert "/tmp" not in text
