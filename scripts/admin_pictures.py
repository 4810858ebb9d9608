"""The admin page with a month of plausible edits, as a picture for the README; with a folder, on other screens as well."""

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which

import traffic
from admin_pages import MASTER, PageServer, Setting, page_serving
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from streamedit.budgets import Budget
from streamedit.parties import Allowance, ApiKey

PICTURE = Path(__file__).parent / "pictures" / "admin.png"
EDITS = 12_000
DAY_S = 86_400
COLOURS = 128

NAMES = ("Storefront", "Mobile app", "Back office", "Studio", "Nightly batch")
BUDGETS = ((400, "1mo", 318, 2), (250, "1mo", 96, 1), (5, "1d", 3, 0), (20, "1w", 20, 0), (50, "total", 12, 0))
"""Of each key: dollars, period, dollars spent, dollars reserved."""


def keys(now_s: float) -> Iterator[ApiKey]:
    """Those that the edits are of."""
    for index, (key_id, name) in enumerate(zip(traffic.KEYS, NAMES, strict=True)):
        dollars, period, _, _ = BUDGETS[index]
        expires_at_s = now_s + 4 * DAY_S if name == "Studio" else None
        allowance = Allowance(budgets=(Budget(dollars * 10**6, period),))
        group = "shop" if index < 2 else None
        yield ApiKey(key_id, name, bytes(32), now_s - DAY_S * (40 - index), expires_at_s, group=group, allowance=allowance)


def fill(server: PageServer, now_s: float) -> None:
    """A month of edits, and the keys."""
    server.enter(list(traffic.plausible(EDITS, now_s)))
    for key, (_, _, spent, reserved) in zip(keys(now_s), BUDGETS, strict=True):
        server.give(key, spent * 10**6, reserved * 10**6)


@contextmanager
def filled(folder: str) -> Iterator[PageServer]:
    """A server with something to look at."""
    with page_serving(Setting(f"sqlite:///{folder}/pictures.db")) as server:
        fill(server, time.time())
        server.telemetry.running.set(7)
        server.telemetry.readers.set(12)
        yield server


def looked_at(browser: Browser, url: str, width_px: int, *, dark: bool) -> Page:
    """The page on a screen of that width, logged in."""
    screen = browser.new_context(
        viewport={"width": width_px, "height": 900}, color_scheme="dark" if dark else "light", device_scale_factor=1
    )
    page = screen.new_page()
    page.goto(f"{url}/admin")
    page.get_by_label("Master key").fill(MASTER)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("radio", name="30d").check()
    page.wait_for_function("() => document.querySelector('#card-edits-note').textContent.includes('30d')")
    return page


def compress(path: Path) -> None:
    """Few colours are enough for a page of text and bars."""
    Image.open(path).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


def take(browser: Browser, url: str, others: Path | None) -> None:
    """The README's picture, and those for whoever works on the page."""
    desktop = looked_at(browser, url, 1280, dark=False)
    desktop.screenshot(path=PICTURE, full_page=True)
    compress(PICTURE)
    if others is not None:
        looked_at(browser, url, 1280, dark=True).screenshot(path=others / "desktop-dark.png", full_page=True)
        looked_at(browser, url, 390, dark=True).screenshot(path=others / "phone-dark.png", full_page=True)
        looked_at(browser, url, 390, dark=False).screenshot(path=others / "phone-light.png", full_page=True)


if __name__ == "__main__":
    others = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory() as folder, filled(folder) as running, sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=which("chromium"), args=["--headless=new", "--no-sandbox"])
        take(launched, running.url, others)
        launched.close()
