"""The admin page in a browser: Chromium itself, driven by Playwright.

Playwright's loop runs on this thread until the module is done, so that no test here may be asynchronous.
"""

import re
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
import traffic
from admin_pages import MASTER, PageServer, Setting, page_serving
from browsers import Told, chromium
from playwright.sync_api import Browser, Page, ViewportSize, expect
from traffic import edit_row

from streamedit.budgets import Budget
from streamedit.parties import Allowance, ApiKey

DESKTOP: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
HOSTILE = "<img src=x onerror=\"document.title='broken'\"><script>document.title='broken'</script>"

CHARTS = ("spend", "edits", "first", "total", "failures")
COLOURS_OF = """id => {
  const canvas = document.querySelector(`#${id} canvas`);
  const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  const colours = new Set();
  for (let at = 0; at < pixels.length; at += 4) if (pixels[at + 3] === 255) colours.add(pixels.slice(at, at + 3).join());
  return [...colours];
}"""
"""The opaque colours in a chart: lines and labels blend with nothing, so a blank canvas has none."""

MISUSES = """async url => {
  const asked = [
    ["v1/admin/keys", {}],
    ["admin/session", {}],
    ["v1/admin/keys", {method: "POST", headers: {"content-type": "text/plain"}, body: "{}"}],
    ["v1/admin/keys", {method: "POST", headers: {"content-type": "application/json", "x-csrf-token": "x"}, body: "{}"}],
    ["admin/logout", {method: "POST"}],
  ];
  const told = ([path, what]) => fetch(`${url}/${path}`, {credentials: "include", ...what}).then(a => a.status, e => e.name);
  return Promise.all(asked.map(told));
}"""
"""What another page may try; the statuses, or what the browser says of it."""

FRAMED = "url => document.body.append(Object.assign(document.createElement('iframe'), {src: url}))"
POSTED = "url => { document.body.innerHTML = `<form method=post action=${url}>`; document.forms[0].submit(); }"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium."""
    with chromium() as launched:
        yield launched


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageServer]:
    """A month of edits, and two keys: one with a budget, one with a name that is no markup."""
    now_s = time.time()
    setting = Setting(f"sqlite:///{tmp_path_factory.mktemp('admin') / 'a.db'}")
    edits = [
        *traffic.plausible(500, now_s),
        *(
            edit_row(f"hostile_{number}", now_s - 9, end_user=HOSTILE, model=HOSTILE, key_id="key_hostile")
            for number in range(300)
        ),
    ]
    with page_serving(setting) as running:
        running.enter(edits)
        shop = ApiKey("key_shop", "Shop", bytes(32), now_s, allowance=Allowance(budgets=(Budget(10_000_000, "1mo"),)))
        running.give(shop, spent_micros=6_000_000, reserved_micros=1_000_000)
        running.give(ApiKey("key_hostile", HOSTILE, bytes(32), now_s, group="<b>group</b>"))
        yield running


@pytest.fixture
def told() -> Told:
    """Nothing so far."""
    return Told()


@pytest.fixture
def page(browser: Browser, server: PageServer, told: Told) -> Iterator[Page]:
    """The page on a desk, before anybody has logged in."""
    yield from opened(browser, server, told, viewport=DESKTOP)


@pytest.fixture
def phone(browser: Browser, server: PageServer, told: Told) -> Iterator[Page]:
    """The page in a hand, at night."""
    yield from opened(browser, server, told, viewport=PHONE, color_scheme="dark", has_touch=True)


def opened(browser: Browser, server: PageServer, told: Told, **screen: Any) -> Generator[Page]:
    """The page in a browser of its own."""
    context = browser.new_context(**screen)
    context.set_default_timeout(10_000)
    made = context.new_page()
    told.listen(made)
    made.goto(f"{server.url}/admin")
    yield made
    context.close()


def log_in(page: Page, key: str = MASTER) -> None:
    """As a person does."""
    page.get_by_label("Master key").fill(key)
    page.get_by_role("button", name="Log in").click()


def logged_in(page: Page) -> Page:
    """The page when it shows what there is."""
    log_in(page)
    expect(page.locator("#freshness")).to_contain_text("Updated")
    return page


def test_a_wrong_key_is_told_and_the_right_one_opens(page: Page) -> None:
    """The page shows nothing before; with the session a reload needs no key."""
    expect(page.locator("#dashboard")).to_be_hidden()
    log_in(page, "sk-wrong")
    expect(page.get_by_role("alert")).to_have_text("This is not the master key.")
    logged_in(page)
    page.reload()
    expect(page.locator("#freshness")).to_contain_text("Updated")


def test_logging_out_ends_it(page: Page) -> None:
    """The page asks for a key again, and the browser has no cookie any more."""
    logged_in(page).get_by_role("button", name="Log out").click()
    expect(page.get_by_label("Master key")).to_be_visible()
    assert page.context.cookies() == []


def test_no_script_sees_the_session(page: Page) -> None:
    """Its cookie is for the server alone; nothing of it is in the page's storage."""
    logged_in(page)
    assert page.evaluate("() => [document.cookie, localStorage.length, sessionStorage.length]") == ["", 0, 0]
    assert MASTER not in page.content()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_no_other_page_makes_use_of_a_session(host: str, browser: Browser, tmp_path: Path) -> None:
    """Not one of the same site, to which browsers send the cookie, nor of another; not even one that may ask with a key."""
    with page_serving(Setting()) as other:
        origin = other.url.replace("127.0.0.1", host)
        with page_serving(Setting(f"sqlite:///{tmp_path / 'a.db'}", cors_origins=(origin,))) as server:
            context = browser.new_context()
            page = context.new_page()
            page.goto(f"{server.url}/admin")
            cookie = logged_in(page).context.cookies()[0]
            # A page without a policy of its own.
            page.goto(f"{origin}/health/live")
            assert set(page.evaluate(MISUSES, server.url)) <= {401, 403}
            with page.expect_event("framenavigated", lambda frame: frame.parent_frame is not None):
                page.evaluate(FRAMED, f"{server.url}/admin")
            assert page.frames[1].url.startswith("chrome-error:")
            with page.expect_navigation() as answered:
                page.evaluate(POSTED, f"{server.url}/v1/admin/keys")
            assert answered.value.status in (401, 403)
            assert server.run(server.books.registry.keys()) == []
            assert context.cookies(server.url) == [cookie]
            context.close()


def test_a_session_that_has_ended_asks_for_the_key(page: Page) -> None:
    """At the next question that the page asks."""
    logged_in(page).context.clear_cookies()
    page.get_by_role("radio", name="90d").check()
    expect(page.get_by_label("Master key")).to_be_visible()


def test_charts_are_drawn(page: Page, told: Told) -> None:
    """Each in the colours of its series, told in words as well, and with its numbers in a table."""
    logged_in(page).get_by_role("radio", name="30d").check()
    expect(page.locator("#card-edits-note")).to_have_text("last 30d")
    for chart in CHARTS:
        colours = page.evaluate(COLOURS_OF, chart)
        assert {"0,114,178", "230,159,0"} <= set(colours), chart
        assert re.search(r"\d", page.locator(f"#{chart} canvas").get_attribute("aria-label") or "")
    page.locator("#edits summary").click()
    assert page.locator("#edits tbody tr").count() == 30
    assert told == []


def test_cards_tell_the_overview(page: Page, server: PageServer) -> None:
    """The very numbers that the server tells, as people read them."""
    server.telemetry.running.set(4)
    logged_in(page).get_by_role("radio", name="90d").check()
    expect(page.locator("#card-edits")).to_have_text("800")
    overview = page.evaluate("() => fetch('v1/admin/overview?range=90d').then(answer => answer.json())")
    assert page.locator("#card-images").inner_text() == f"{overview['images']:,}"
    assert page.locator("#card-spend").inner_text() == f"${overview['spend_micros'] / 1e6:.2f}"
    assert page.locator("#card-running").inner_text() == "4"
    server.telemetry.running.set(9)
    expect(page.locator("#card-running")).to_have_text("9")


def test_a_range_is_chosen_by_keyboard_too(page: Page) -> None:
    """Radio buttons are what they look like."""
    logged_in(page).get_by_role("radio", name="7d").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#card-edits-note")).to_have_text("last 24h")
    page.locator("#edits summary").click()
    assert page.locator("#edits tbody tr").count() == 24


def test_charts_are_stacked_as_one_likes(page: Page) -> None:
    """By model, or by provider."""
    logged_in(page).locator("#edits summary").click()
    expect(page.locator("#edits thead")).not_to_contain_text("openai")
    page.get_by_role("radio", name="Provider").check()
    expect(page.locator("#edits thead")).to_contain_text("openai")


def test_hostile_names_are_text(page: Page, told: Told) -> None:
    """Of models, end users, keys and groups: shown as they are, and nothing of them runs."""
    logged_in(page)
    for place in ("#models", "#end-users", "#busiest-keys", "#keys"):
        expect(page.locator(place)).to_contain_text(HOSTILE)
    expect(page.locator("#keys")).to_contain_text("<b>group</b>")
    page.locator("#spend summary").click()
    assert page.locator("main img, main script, main b").count() == 0
    assert page.title() == "streamedit · admin"
    assert told == []


def test_a_key_tells_its_budget(page: Page) -> None:
    """Spent, reserved, and of how much; in words for those who do not see the bar."""
    row = logged_in(page).locator("#keys tr", has_text="Shop")
    expect(row).to_contain_text("$6.00 + $1.00 reserved")
    expect(row.get_by_role("img")).to_have_attribute("aria-label", "$6.00 spent + $1.00 reserved of $10.00 per month")


def test_a_key_is_made_shown_once_changed_and_revoked(page: Page, server: PageServer, told: Told) -> None:
    """Its text is there until the dialog closes, and then nowhere; rotating it gives another; revoked, it is gone."""
    logged_in(page).get_by_role("button", name="Create key").click()
    page.get_by_label("Name").fill("Newcomer")
    page.get_by_label("Budget in dollars").fill("12.50")
    page.get_by_role("button", name="Create", exact=True).click()
    first = secret(page)
    row = page.locator("#keys tr", has_text="Newcomer")
    expect(row).to_contain_text("of $12.50 / month")
    row.get_by_role("button", name="Rotate").click()
    page.locator("#confirm-dialog").get_by_role("button", name="Rotate").click()
    second = secret(page)
    assert first[:19] == second[:19]
    assert first != second
    assert first not in page.content()
    assert second not in page.content()
    row.get_by_role("button", name="Revoke").click()
    page.locator("#confirm-dialog").get_by_role("button", name="Revoke").click()
    expect(row).to_have_count(0)
    assert told == []


def secret(page: Page) -> str:
    """The key that is shown, which is not shown again."""
    text = page.locator("#secret")
    expect(text).to_contain_text("sk-se-")
    shown = text.inner_text()
    page.get_by_role("button", name="Done").click()
    expect(page.locator("#secret-dialog")).to_be_hidden()
    return shown


def test_what_the_server_refuses_is_told_in_the_dialog(page: Page) -> None:
    """It stays open, with what was typed."""
    logged_in(page).get_by_role("button", name="Create key").click()
    page.get_by_label("Name").fill("Newcomer")
    page.get_by_label("Group").fill("nobody")
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.locator("#create-dialog").get_by_role("alert")).to_have_text("There is no such group.")
    assert page.get_by_label("Name").input_value() == "Newcomer"


def test_a_phone_shows_all_of_it(phone: Page, told: Told) -> None:
    """Without scrolling sideways, the keys with their budgets neither, whatever their names; dark where the phone is."""
    logged_in(phone)
    assert phone.evaluate("() => [document.documentElement.scrollWidth, innerWidth]") == [390, 390]
    expect(phone.locator("#keys .budgets").first).to_be_visible()
    assert phone.locator("#keys").evaluate("element => element.scrollWidth - element.clientWidth") == 0
    assert phone.evaluate("() => getComputedStyle(document.body).backgroundColor") == "rgb(16, 19, 22)"
    assert "61,155,217" in phone.evaluate(COLOURS_OF, "edits")
    phone.get_by_role("button", name="Create key").click()
    expect(phone.get_by_label("Name")).to_be_in_viewport()
    assert phone.evaluate("() => document.documentElement.scrollWidth") == 390
    assert told == []


def test_charts_follow_the_colours_of_the_screen(page: Page) -> None:
    """When evening comes."""
    logged_in(page)
    assert "0,114,178" in page.evaluate(COLOURS_OF, "edits")
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"() => ({COLOURS_OF})('edits').includes('61,155,217')")


def test_an_empty_ledger_says_so(browser: Browser, tmp_path: Path, told: Told) -> None:
    """Instead of charts without anything in them."""
    with page_serving(Setting(f"sqlite:///{tmp_path / 'a.db'}")) as server:
        for page in opened(browser, server, told, viewport=DESKTOP):
            logged_in(page)
            expect(page.locator("#edits")).to_contain_text("No edits in this time.")
            expect(page.locator("#keys")).to_contain_text("No keys were given out yet.")
            expect(page.locator("#card-success")).to_have_text("\N{EN DASH}")
    assert told == []


def test_a_server_without_a_database_says_so(browser: Browser, told: Told) -> None:
    """The page tells what is missing."""
    with page_serving(Setting()) as server:
        for page in opened(browser, server, told, viewport=DESKTOP):
            log_in(page)
            expect(page.locator("#trouble")).to_contain_text("server.database_url")


def test_a_server_without_a_master_key_says_how_to_set_one(browser: Browser, told: Told) -> None:
    """There is nothing to log in with."""
    with page_serving(Setting(master=None)) as server:
        for page in opened(browser, server, told, viewport=DESKTOP):
            expect(page.get_by_role("heading", name="No master key is configured")).to_be_visible()
            expect(page.get_by_label("Master key")).to_be_hidden()
    assert told == []


def test_a_server_that_is_gone_is_told(browser: Browser, tmp_path: Path, told: Told) -> None:
    """What was shown stays."""
    with page_serving(Setting(f"sqlite:///{tmp_path / 'a.db'}")) as server:
        pages = opened(browser, server, told, viewport=DESKTOP)
        page = logged_in(next(pages))
    page.get_by_role("radio", name="30d").check()
    expect(page.locator("#trouble")).to_have_text("The server cannot be reached.")
    expect(page.locator("#card-edits")).to_have_text("0")
    pages.close()
