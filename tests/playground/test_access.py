"""The playground is for everybody: with a keyboard alone, read aloud, on a phone, by day and by night."""

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it has no types
from browsers import Told
from playgrounds import Playground, opened
from playwright.sync_api import Browser, Page, ViewportSize, expect
from servers import RunningServer

DESK: ViewportSize = {"width": 1280, "height": 860}
CLIPPED = """() => [...document.querySelectorAll("main button, select, input")]
  .filter((each) => !each.closest("#past, #events") && each.getBoundingClientRect().right > innerWidth + 1)
  .map((each) => each.outerHTML)"""
"""What somebody could not reach; lists of their own scroll."""
PHONE: ViewportSize = {"width": 390, "height": 844}
SCREENS = [
    pytest.param({"viewport": DESK, "color_scheme": "light"}, id="desk by day"),
    pytest.param({"viewport": PHONE, "color_scheme": "dark", "has_touch": True, "is_mobile": True}, id="phone by night"),
]


def findings(page: Page) -> list[str]:
    """What axe-core has against a page: any of its rules."""
    told = Axe().run(page).response["violations"]
    return [f"{each['impact']}: {each['id']}: {node['html'][:150]}" for each in told for node in each["nodes"]]


@pytest.fixture
def phone(browser: Browser, server: RunningServer, told: Told) -> Iterator[Playground]:
    """The playground in a hand."""
    with opened(browser, server, told, viewport=PHONE, has_touch=True, is_mobile=True) as playground:
        yield playground


@pytest.mark.parametrize("screen", SCREENS)
def test_axe_finds_nothing(browser: Browser, server: RunningServer, told: Told, screen: dict[str, Any]) -> None:
    """In every state of the page, whatever the screen: empty, painting, completed, in trouble, and in each dialog."""
    with opened(browser, server, told, **screen) as desk:
        expect(desk.page.locator("#model-note")).to_contain_text("darkroom")
        found = {"empty": findings(desk.page)}
        desk.take()
        desk.paint((0.5, 0.5))
        found["painting"] = findings(desk.page)
        desk.ask("remove the object under the mask")
        desk.await_end()
        desk.page.get_by_label("Compare with before").fill("50")
        found["completed"] = findings(desk.page)
        desk.ask("add a red hat")
        expect(desk.trouble).to_be_visible()
        found["trouble"] = findings(desk.page)
        for opener, dialog in (("Copy as code", "copy"), ("All 115", "examples"), ("API key", "key")):
            desk.button(opener, exact=False).click()
            expect(desk.page.locator(f"#{dialog}-dialog")).to_be_visible()
            found[dialog] = findings(desk.page)
            desk.page.keyboard.press("Escape")
            expect(desk.page.locator(f"#{dialog}-dialog")).to_be_hidden()
    assert {state: each for state, each in found.items() if each} == {}


def tab_to(desk: Playground, what: str) -> None:
    """Press Tab until the focus is there."""
    for _ in range(60):
        if desk.page.evaluate("what => document.activeElement.matches(what)", what):
            return
        desk.page.keyboard.press("Tab")
    pytest.fail(f"Tab does not lead to {what}")


def test_a_masked_edit_with_the_keyboard_alone(desk: Playground) -> None:
    """From the photograph to the saved picture, without a mouse; each place that has the focus shows it."""
    page, keyboard = desk.page, desk.page.keyboard
    tab_to(desk, "[data-sample='coffee.jpg']")
    keyboard.press("Enter")
    desk.await_picture()
    tab_to(desk, "#mask-toggle")
    keyboard.press("Space")
    expect(page.locator("#mask")).to_be_focused()
    expect(page.locator("#crosshair")).to_be_visible()
    keyboard.press("Space")
    keyboard.press("Shift+ArrowRight")
    keyboard.press("ArrowDown")
    for _ in range(3):
        keyboard.press("]")
    keyboard.press("Space")
    keyboard.press("e")
    expect(desk.button("Eraser")).to_have_attribute("aria-pressed", "true")
    keyboard.press("b")
    keyboard.press("Space")
    keyboard.press("Control+z")
    tab_to(desk, "#prompt")
    keyboard.type("remove the object under the mask")
    mask = np.asarray(desk.painted())
    assert (mask[200, 300], mask[208, 340], mask[0, 0]) == (0, 0, 255)
    desk.prompt.focus()
    keyboard.press("Control+Enter")
    desk.await_end()
    tab_to(desk, "#compare")
    keyboard.press("End")
    expect(page.locator("#compare")).to_have_value("100")
    tab_to(desk, "#download")
    with page.expect_download():
        keyboard.press("Enter")
    assert page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle") != "none"


def test_what_happens_is_said(desk: Playground) -> None:
    """In a status that is read aloud, and trouble in an alert."""
    desk.take()
    desk.ask("golden hour")
    desk.await_end()
    expect(desk.page.get_by_role("status")).to_have_text(re.compile(r"Completed after [\d.]+ seconds"))
    desk.ask("a red hat")
    expect(desk.page.get_by_role("alert")).to_contain_text("does not understand")


def test_a_phone_is_enough(phone: Playground) -> None:
    """Nothing is wider than its screen, fingers paint, and what happens comes into sight."""
    width = "() => document.documentElement.scrollWidth"
    assert phone.page.evaluate(width) == PHONE["width"]
    phone.button("A cat").tap()
    phone.await_picture()
    phone.mask.tap()
    phone.page.locator("#mask").tap(position={"x": 150, "y": 100})
    phone.prompt.fill("pixelate it")
    assert phone.page.evaluate(width) == PHONE["width"]
    phone.edit.tap()
    phone.await_end()
    expect(phone.page.locator("#layers img").first).to_be_in_viewport()
    assert phone.page.evaluate(width) == PHONE["width"]
    assert phone.told == []


def test_motion_is_spared(browser: Browser, server: RunningServer, told: Told) -> None:
    """Pictures fade only for those who have nothing against it."""
    animated = "() => getComputedStyle(document.querySelector('.layer')).animationName"
    for motion, name in (("reduce", "none"), ("no-preference", "appear")):
        with opened(browser, server, told, reduced_motion=motion) as desk:
            desk.take()
            assert desk.page.evaluate(animated) == name


def test_nothing_is_wider_than_its_screen(desk: Playground) -> None:
    """From the smallest phone to a large desk."""
    desk.take("A cat")
    desk.ask("pixelate it")
    desk.await_end()
    for width_px in (320, 390, 768, 1024, 1920):
        desk.page.set_viewport_size({"width": width_px, "height": 800})
        assert desk.page.evaluate("() => document.documentElement.scrollWidth") == width_px
        assert desk.page.evaluate(CLIPPED) == []
