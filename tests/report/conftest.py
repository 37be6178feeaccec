"""A real browser, and pages in it that must neither complain nor ask for anything."""

import os
import shutil
from dataclasses import dataclass, field

import pytest

from ivc.report import write_report

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def absent(why: str) -> None:
    """Skip the tests, or fail where a browser has been demanded."""
    if os.environ.get("IVC_REQUIRE_BROWSER") == "1":
        pytest.fail(why)
    pytest.skip(why)


@pytest.fixture(scope="module")
def browser():
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        absent("playwright is not installed")
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if not found:
        absent(f"no browser: none of {', '.join(NAMES)} is on the PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield browser
        browser.close()


@dataclass
class Watch:
    """What a page did besides showing itself."""

    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@pytest.fixture
def show(browser, tmp_path):
    """Opens a report; afterwards no page may have complained or asked for another address."""
    contexts, watches = [], []

    def show(report, **settings):
        path = tmp_path / f"report{len(contexts)}.html"
        write_report(report, path)
        context = browser.new_context(
            **{"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce"} | settings
        )
        context.set_default_timeout(8000)
        page = context.new_page()
        watch = Watch()
        page.on("console", lambda message: watch.complaints.append(message.text))
        page.on("pageerror", lambda error: watch.complaints.append(str(error)))
        page.on("request", lambda request: watch.requests.append(request.url))
        page.on("dialog", lambda dialog: watch.complaints.append(f"dialog {dialog.message}"))
        page.goto(path.as_uri())
        assert page.evaluate("document.documentElement.dataset.ready") == "true"
        contexts.append(context)
        watches.append((watch, path.as_uri()))
        return page

    yield show
    for watch, address in watches:
        assert watch.complaints == []
        assert [url for url in watch.requests if not url.startswith("data:")] == [address]
    for context in contexts:
        context.close()


def pick(page, section: str, label: str) -> None:
    """Chooses one of a few."""
    page.locator(section).get_by_label(label, exact=True).check()
