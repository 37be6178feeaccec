"""The page in a real browser: every control, by mouse and by keyboard, with whatever data."""

import pytest

from ivc.report import (
    CodecInfo,
    Failure,
    MetricInfo,
    Picture,
    Point,
    Report,
    SourceInfo,
    Version,
    write_report,
)

from .conftest import pick
from .samples import CODECS, METRICS, full, metrics, scene, small, uri

LINES = "#curves .curves .curve"


def codecs(page) -> list[str]:
    return page.locator(LINES).evaluate_all("nodes => nodes.map(n => n.dataset.codec)")


def axis_titles(page) -> list[str]:
    return page.locator("#curves .axis-title").all_text_contents()


def test_everything_is_shown_once(show):
    page = show(full())
    assert page.locator("h1").text_content() == "Still pictures and clips, spring run"
    assert page.locator("h2").all_text_contents() == [
        "Worth knowing",
        "Failures",
        "Rate and quality",
        "BD-rate matrix",
        "Speed against efficiency",
        "Time and memory",
        "Bytes by layer",
        "Look",
        "How it was measured",
    ]
    assert page.locator("#failures td").last.text_content().startswith("MemoryError")
    assert page.locator("table:not(:has(caption))").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_incomplete_codecs_are_named_and_drawn_where_complete(show):
    page = show(full())
    assert set(codecs(page)) == {c.name for c in CODECS} - {"wave"}
    assert (
        "ivc roadmap/wavelet (incomplete on 1 source)" in page.locator("#curves .note").inner_text()
    )
    page.select_option("[name=source]", "kodim01")
    assert set(codecs(page)) == {c.name for c in CODECS if c.kind != "published"}
    assert page.locator("#curves .note").text_content() == ""


def test_a_mean_is_taken_point_by_point(show):
    sources = [SourceInfo("a", 8, 8), SourceInfo("b", 8, 8)]
    points = [
        Point("nova", s.name, q, 10.0, {"bpp": rate + n}, {"psnr-y": 30.0 + rate + 3 * n})
        for n, s in enumerate(sources)
        for q, rate in (("q=1", 1.0), ("q=2", 2.0))
    ]
    page = show(Report("t", "", metrics=METRICS, codecs=CODECS[:1], sources=sources, points=points))
    page.locator("#curves summary").click()
    cells = page.locator("#curves table tbody tr").evaluate_all(
        "rows => rows.map(r => [...r.children].slice(1, 4).map(c => c.textContent))"
    )
    assert cells == [["q=1", "1.5", "32.50 dB"], ["q=2", "2.5", "33.50 dB"]]


def test_curves_toggle_with_mouse_and_keyboard(show):
    page = show(full())
    page.locator("#curves input[data-codec=vtm]").click()
    assert "vtm" not in codecs(page)
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert "x265" not in codecs(page)
    page.keyboard.press("Space")
    assert "x265" in codecs(page)
    page.get_by_role("button", name="None", exact=True).click()
    assert codecs(page) == []
    assert page.get_by_text("No curve is chosen").count() == 1
    page.locator("[data-control=reset]").click()
    assert len(codecs(page)) == 7


def test_published_curves_are_dashed_and_say_so(show):
    page = show(full())
    dashed = page.locator(f"{LINES}:has(.line[stroke-dasharray])")
    assert dashed.evaluate_all("n => n.map(e => e.dataset.codec)") == ["elic", "mlic"]
    assert page.locator("#curves .tag").all_text_contents() == ["published"] * 2


def test_metric_and_axes_change(show):
    page = show(full())
    assert axis_titles(page) == ["bits per pixel", "PSNR-Y in dB"]
    page.select_option("[name=metric]", "ms-ssim")
    assert axis_titles(page)[1] == "MS-SSIM"
    pick(page, "#curves", "In dB")
    assert axis_titles(page)[1] == "MS-SSIM in dB"
    pick(page, "#curves", "Log")
    assert axis_titles(page)[0] == "bits per pixel, logarithmic"
    pick(page, "#curves", "kbit/s")
    assert axis_titles(page)[0] == "kbit/s, logarithmic"
    assert set(codecs(page)) == {"nova", "wave", "vtm", "x265", "svtav1", "jpeg"}
    page.locator("[data-control=reset]").click()
    assert axis_titles(page) == ["bits per pixel", "PSNR-Y in dB"]
    assert page.locator("[data-control=reset]").is_disabled()


def test_points_are_reached_by_keyboard_and_described(show):
    page = show(full())
    page.locator("#curves [name=source]").focus()
    page.keyboard.press("Tab")
    point = page.locator(":focus")
    assert point.get_attribute("data-series") == "nova"
    assert "Setting quality=15" in point.get_attribute("aria-label")
    page.keyboard.press("ArrowRight")
    assert "quality=27" in page.locator(":focus").get_attribute("aria-label")
    page.keyboard.press("ArrowDown")
    assert page.locator(":focus").get_attribute("data-series") == "vtm"
    tip = page.locator("#curves .tip")
    assert tip.is_visible()
    assert "VVC (VTM 23.1)" in tip.text_content()
    before = page.locator("#curves .reach").count()
    for _ in range(4):
        page.keyboard.press("+")
    assert page.locator("#curves .reach").count() < before
    page.keyboard.press("0")
    assert page.locator("#curves .reach").count() == before
    assert page.locator(":focus").get_attribute("data-series") == "vtm"
    page.keyboard.press("Escape")
    assert tip.is_hidden()


def test_points_are_described_under_the_mouse_and_dragging_zooms(show):
    page = show(full())
    point = page.locator("#curves .reach[data-series=jpeg]").nth(4)
    point.hover()
    assert "quality=63" in page.locator("#curves .tip").inner_text()
    box = page.locator("#curves .chart").bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 100, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + 300, middle, steps=4)
    page.mouse.up()
    assert point.count() == 0
    assert page.locator("[data-control=reset]").is_enabled()


def test_cells_of_the_matrix_open(show):
    page = show(full())
    cell = page.locator(".cell[data-test=nova][data-reference=vtm]")
    assert "−2.2 %" in cell.inner_text()
    assert "fewer" in cell.get_attribute("class")
    cell.focus()
    page.keyboard.press("Enter")
    detail = page.locator("#matrix .detail")
    assert "takes 2.2 % fewer bits than VVC (VTM 23.1)" in detail.inner_text()
    assert "28.00 dB to 39.50 dB" in detail.inner_text()
    assert detail.locator("tbody tr").count() == 4
    refused = page.locator(".cell[data-test=jpeg][data-reference=mlic]")
    assert refused.inner_text() == "—"
    assert refused.get_attribute("title") == "no quality is reached by both"
    refused.click()
    assert "no quality is reached by both" in detail.inner_text()
    page.select_option("[name=matrix-metric]", "ms-ssim")
    assert "MS-SSIM" in page.locator("#matrix caption").inner_text()
    assert detail.inner_text() == ""


def test_speed_cost_and_layers_follow_their_choices(show):
    page = show(full())
    speed = page.locator("#speed")
    assert speed.locator(".curve").count() == 6
    assert speed.locator(".pareto").count() == 1
    before = speed.locator(".chart").inner_html()
    pick(page, "#speed", "Decoding")
    assert speed.locator(".chart").inner_html() != before
    pick(page, "#speed", "Whole process")
    assert speed.locator(".hollow").count() == 0
    page.select_option("[name=speed-reference]", "x265")
    assert "HEVC (x265)" in speed.locator(".axis-title").last.text_content()
    assert page.locator("#cost .chart").count() == 2
    assert page.locator("#cost tbody tr").count() == 12
    page.select_option("[name=layers-codec]", "wave")
    page.select_option("[name=layers-source]", "street-4k")
    assert page.locator("#layers .stack").count() == 5
    assert "texture" in page.locator("#layers .stack").first.get_attribute("aria-label")


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_points(show, count):
    page = show(small(count), viewport={"width": 360, "height": 640})
    assert page.locator("#curves .curve").count() == (1 if count else 0)
    assert page.locator("#curves .reach").count() == count
    text = page.locator("main").inner_text()
    assert ("There are no points to draw" in text) == (count == 0)
    assert "NaN" not in page.content().split("<script")[2]
    assert page.locator("#nav a").all_text_contents() == ["Rate and quality", "Method"]
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_an_empty_report(show):
    page = show(Report("Nothing", ""))
    assert page.locator("#facts b").all_text_contents() == ["0"] * 4
    assert page.locator("#nav a").count() == 1


def test_published_curves_alone(show):
    points = [
        Point("elic", "", f"λ{n}", None, {"bpp": 0.1 * n}, metrics(0.1 * n, 1)) for n in (1, 2, 3)
    ]
    page = show(Report("Papers", "", metrics=METRICS, codecs=CODECS[-2:], points=points))
    assert codecs(page) == ["elic"]
    assert page.locator("[name=source]").count() == 0
    page.locator("#curves .reach").first.focus()
    assert "CVPR 2022" in page.locator("#curves .tip").inner_text()


def test_lossless_points_and_gaps_do_not_break_the_drawing(show):
    report = small(2)
    report.points.append(
        Point("nova", "a", "lossless", 900.0, {"bpp": 9.0}, {"psnr-y": float("inf")})
    )
    report.points.append(Point("ghost", "b", "", None, {"bpp": 0.0}, {"psnr-y": 30.0}))
    page = show(report)
    page.select_option("[name=source]", "a")
    assert page.locator("#curves .reach").count() == 2
    page.select_option("[name=source]", "b")
    pick(page, "#curves", "Log")
    assert page.locator("#curves .reach").count() == 0


HOSTILE = [
    "</script><script>document.title = 'owned'</script>",
    "<img src=x onerror=\"document.title = 'owned'\">",
    "\"' onmouseover='document.title = 1' x=\"",
    "日本語 עברית \u202e reversed 🙂",
    "a" * 3000,
]


@pytest.mark.parametrize("width", [390, 1280])
def test_hostile_names_are_text(show, width):
    page_codecs = [CodecInfo(n, n, "ivc", n, n, n) for n in HOSTILE]
    points = [
        Point(n, s, n, 10.0, {"bpp": 1.0 + k}, {HOSTILE[0]: 30.0}, layers={n: 5})
        for n in HOSTILE
        for k, s in enumerate(HOSTILE)
    ]
    versions = [Version(n, n, 9.0, {HOSTILE[1]: 1.0}, [uri(scene(40, 30))]) for n in HOSTILE]
    report = Report(
        HOSTILE[0],
        HOSTILE[1],
        {n: n for n in HOSTILE},
        HOSTILE,
        [MetricInfo(HOSTILE[0], HOSTILE[1], HOSTILE[2])],
        page_codecs,
        [SourceInfo(n, 40, 30) for n in HOSTILE],
        points,
        failures=[Failure(n, n, n, n) for n in HOSTILE],
        pictures=[Picture(HOSTILE[1], 40, 30, HOSTILE[1], [0], [uri(scene(40, 30))], versions)],
    )
    page = show(report, viewport={"width": width, "height": 800})
    page.locator("#curves .reach").first.focus()
    assert page.title() == HOSTILE[0]
    assert page.locator("h1").text_content() == HOSTILE[0]
    assert page.locator("img").count() == 0
    assert page.locator("#failures code").all_text_contents() == HOSTILE
    assert page.locator("#method pre").all_text_contents() == HOSTILE
    assert page.evaluate("document.documentElement.scrollWidth") == width


def background(page) -> str:
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


def test_dark_and_light(show):
    dark, light = show(small(2), color_scheme="dark"), show(small(2), color_scheme="light")
    assert background(dark) == "rgb(20, 23, 27)"
    assert background(light) == "rgb(251, 251, 250)"
    button = light.get_by_role("button", name="Dark")
    button.focus()
    light.keyboard.press("Enter")
    assert background(light) == background(dark)
    assert button.get_attribute("aria-pressed") == "true"
    light.emulate_media(color_scheme="light")
    assert background(light) == background(dark)
    dark.emulate_media(color_scheme="light")
    dark.locator("html[data-theme=light]").wait_for()
    assert background(dark) == "rgb(251, 251, 250)"


def test_commands_are_copied(show):
    page = show(full())
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    button = page.get_by_role("button", name="Copy the command of JPEG (libjpeg-turbo)")
    button.focus()
    page.keyboard.press("Enter")
    page.get_by_text("Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == CODECS[5].command


def test_everything_is_reached_with_the_tab_key(show):
    page = show(full())
    wanted = page.evaluate(
        """() => [...document.querySelectorAll("select, button, summary, [role=slider], .stage")]
            .filter(n => !n.disabled && n.offsetParent).length"""
    )
    page.keyboard.press("Tab")
    assert page.locator(":focus").text_content() == "Skip to the results"
    seen = set()
    for _ in range(400):
        page.keyboard.press("Tab")
        at = page.evaluate(
            """() => {
                const n = document.activeElement;
                n.dataset.seen = n.dataset.seen || String(Math.random());
                const shown = n.matches(":focus-visible");
                const kind = n.matches("select, button, summary, [role=slider], .stage");
                return [n.dataset.seen, kind, shown, n === document.body];
            }"""
        )
        assert at[2] or at[3]
        if at[0] in seen or at[3]:
            break
        seen.add(at[0])
        wanted -= at[1]
    assert wanted == 0


def test_the_policy_holds(browser, tmp_path):
    """A page that were tricked into loading something could not."""
    path = tmp_path / "report.html"
    write_report(small(1), path)
    context = browser.new_context()
    page = context.new_page()
    page.goto(path.as_uri())
    blocked = page.evaluate(
        """async () => {
            const blocked = [];
            document.addEventListener("securitypolicyviolation", (event) =>
                blocked.push(event.effectiveDirective));
            const add = (tag, attributes) =>
                document.body.append(Object.assign(document.createElement(tag), attributes));
            add("img", { src: "http://127.0.0.1:9/a.png" });
            add("script", { textContent: "document.title = 'owned'" });
            add("script", { src: "data:text/javascript,document.title='owned'" });
            add("iframe", { src: "data:text/html,x" });
            await fetch("http://127.0.0.1:9/").catch(() => null);
            await new Promise((done) => setTimeout(done, 200));
            return blocked.sort();
        }"""
    )
    assert blocked == ["connect-src", "frame-src", "img-src", "script-src-elem", "script-src-elem"]
    assert page.title() == "Small"
    context.close()
