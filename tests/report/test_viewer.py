"""The viewer of pictures in a real browser: divider, frames, difference, zoom, by all means."""

import dataclasses

import pytest
from PIL import Image

from ivc.report import Picture, Report, Version

from .conftest import pick
from .samples import SOURCES, full, picture, small, uri

SLIDER = "[role=slider].divider"


READ = """([x, y, width, height]) => {
    const shown = document.querySelector(".stage canvas");
    const canvas = document.createElement("canvas");
    Object.assign(canvas, { width: shown.width, height: shown.height });
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(shown, 0, 0);
    const at = [shown.width * x, shown.height * y].map(Math.floor);
    const size = [Math.max(shown.width * width, 1), Math.max(shown.height * height, 1)];
    return context.getImageData(...at, ...size).data;
}"""


def pixels(page, x: float = 0.5, y: float = 0.5) -> list[int]:
    """The colour of the viewer at a place given as parts of its width and height."""
    return page.evaluate(f"(at) => [...({READ})(at)]", [x, y, 0, 0])


def picture_hash(page) -> int:
    """Tells one content of the viewer from another."""
    hashed = f"(at) => ({READ})(at).reduce((hash, value) => (hash * 31 + value) | 0, 7)"
    return page.evaluate(hashed, [0, 0, 1, 1])


def wait_for_picture(page, attribute: str, value: str) -> None:
    page.locator(f".stage canvas[{attribute}='{value}']").wait_for()


@pytest.fixture
def two_colours() -> Report:
    """A red original and a blue version of it, as a clip whose frames darken."""

    def frames(colour):
        return [
            uri(Image.new("RGB", (80, 50), tuple(c // (n + 1) for c in colour))) for n in range(3)
        ]

    versions = [Version("nova", "q=1", 900.0, {"psnr-y": 30.0}, frames((0, 0, 240)))]
    shown = Picture("clip", 80, 50, "", [7, 8, 9], frames((240, 0, 0)), versions)
    return dataclasses.replace(small(2), pictures=[shown])


def test_the_divider_moves_by_mouse_and_keyboard(show, two_colours):
    page = show(two_colours)
    wait_for_picture(page, "data-frame", "0")
    slider = page.locator(SLIDER)
    assert slider.get_attribute("aria-valuenow") == "50"
    assert pixels(page, 0.3) == [240, 0, 0, 255]
    assert pixels(page, 0.7) == [0, 0, 240, 255]
    slider.scroll_into_view_if_needed()
    box = page.locator(".stage").bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.2, middle, steps=4)
    page.mouse.up()
    assert slider.get_attribute("aria-valuenow") == "20"
    assert pixels(page, 0.3) == [0, 0, 240, 255]
    slider.focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    assert slider.get_attribute("aria-valuenow") == "40"
    assert pixels(page, 0.3) == [240, 0, 0, 255]
    page.keyboard.press("End")
    assert slider.get_attribute("aria-valuenow") == "100"
    assert "100 % left" in slider.get_attribute("aria-valuetext")


def test_the_divider_moves_by_touch(show, two_colours):
    page = show(two_colours, has_touch=True, viewport={"width": 390, "height": 844})
    wait_for_picture(page, "data-frame", "0")
    slider = page.locator(SLIDER)
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    at = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    session = page.context.new_cdp_session(page)
    touch = "Input.dispatchTouchEvent"
    session.send(touch, {"type": "touchStart", "touchPoints": [at]})
    for n in range(1, 5):
        session.send(touch, {"type": "touchMove", "touchPoints": [at | {"x": at["x"] + 20 * n}]})
    session.send(touch, {"type": "touchEnd", "touchPoints": []})
    assert int(slider.get_attribute("aria-valuenow")) > 65


def test_frames_by_slider_and_by_playing(show, two_colours):
    page = show(two_colours)
    wait_for_picture(page, "data-frame", "0")
    frame = page.locator("[data-control=frame]")
    assert pixels(page, 0.3) == [240, 0, 0, 255]
    frame.focus()
    page.keyboard.press("ArrowRight")
    wait_for_picture(page, "data-frame", "1")
    assert pixels(page, 0.3) == [120, 0, 0, 255]
    assert pixels(page, 0.7) == [0, 0, 120, 255]
    assert frame.get_attribute("aria-valuetext") == "frame 8, 2 of 3"
    play = page.locator("[data-control=play]")
    play.focus()
    page.keyboard.press("Enter")
    assert play.get_attribute("aria-pressed") == "true"
    wait_for_picture(page, "data-frame", "2")
    wait_for_picture(page, "data-frame", "0")
    page.keyboard.press("Enter")
    assert play.text_content() == "Play"


def test_the_difference_and_its_gain(show, two_colours):
    page = show(two_colours)
    wait_for_picture(page, "data-frame", "0")
    pick(page, "#look", "Difference")
    assert page.locator(SLIDER).is_hidden()
    page.select_option("[name=right]", "-1")
    page.locator(".side.right .side-facts", has_text="as it went").wait_for()
    page.wait_for_timeout(100)
    assert pixels(page) == [0, 0, 0, 255]
    page.select_option("[name=right]", "0")
    page.wait_for_timeout(100)
    assert pixels(page) == [255, 0, 255, 255]
    page.locator("[data-control=frame]").fill("2")
    wait_for_picture(page, "data-frame", "2")
    gain = page.locator("#look input[type=range]").first
    gain.focus()
    page.keyboard.press("Home")
    assert page.get_by_text("×1", exact=True).is_visible()
    assert pixels(page) == [80, 0, 80, 255]


def test_zoom_and_pan(show):
    shown = picture(SOURCES[0], [0])
    page = show(dataclasses.replace(small(1), pictures=[shown]))
    wait_for_picture(page, "data-frame", "0")
    canvas, stage = page.locator(".stage canvas"), page.locator(".stage")
    whole = float(canvas.get_attribute("data-scale"))
    page.get_by_role("button", name="One sample to a screen pixel").click()
    assert float(canvas.get_attribute("data-scale")) == 1
    page.get_by_role("button", name="The whole picture").click()
    assert float(canvas.get_attribute("data-scale")) == pytest.approx(whole)
    stage.focus()
    for _ in range(4):
        page.keyboard.press("+")
    assert float(canvas.get_attribute("data-scale")) == pytest.approx(whole * 1.25**4, rel=1e-3)
    before = picture_hash(page)
    page.keyboard.press("Shift+ArrowRight")
    after = picture_hash(page)
    assert after != before
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 160, box["y"] + 130, steps=3)
    page.mouse.up()
    assert picture_hash(page) != after
    zoomed = float(canvas.get_attribute("data-scale"))
    page.mouse.wheel(0, -200)
    page.wait_for_timeout(100)
    assert float(canvas.get_attribute("data-scale")) > zoomed
    page.keyboard.press("0")
    assert float(canvas.get_attribute("data-scale")) == pytest.approx(whole)


def test_the_wheel_scrolls_the_page_until_the_picture_has_the_focus(show, two_colours):
    page = show(two_colours, viewport={"width": 1000, "height": 500})
    wait_for_picture(page, "data-frame", "0")
    page.locator(".stage").hover(position={"x": 30, "y": 30})
    scale = page.locator(".stage canvas").get_attribute("data-scale")
    before = page.evaluate("scrollY")
    page.mouse.wheel(0, -120)
    page.wait_for_timeout(150)
    assert page.evaluate("scrollY") < before
    assert page.locator(".stage canvas").get_attribute("data-scale") == scale


def test_both_sides_are_chosen_labelled_and_exchanged(show):
    page = show(full())
    wait_for_picture(page, "data-frame", "0")
    left, right = page.locator(".side.left"), page.locator(".side.right")
    assert "Original" in left.inner_text()
    assert "ivc nova" in right.locator("dl").inner_text()
    assert "5,898 bytes" in right.locator("dl").inner_text()
    page.select_option("[name=left]", "3")
    assert "VVC (VTM 23.1)" in left.locator("dl").inner_text()
    page.get_by_role("button", name="Swap").click()
    assert "VVC (VTM 23.1)" in right.locator("dl").inner_text()
    page.select_option("[name=left]", "2")
    page.get_by_role("button", name="Match bytes").click()
    assert page.locator("[name=right]").input_value() == "5"
    before = picture_hash(page)
    pick(page, "#look", "Side by side")
    assert picture_hash(page) != before
    assert page.locator(SLIDER).is_hidden()
    page.select_option("[name=picture]", "1")
    page.locator(".film").wait_for()
    assert page.locator(".film output").text_content() == "40 (1 of 6)"
