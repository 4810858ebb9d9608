"""Connections that drop and pages that are loaded anew: the edit goes on, and nothing of it is lost or paid twice."""

import base64

from browsers import Told
from playgrounds import PICTURES, Gated, Playground, beside, offering, opened
from playwright.sync_api import Browser, expect
from servers import serving
from upstreams import ScriptedUpstream

from streamedit.targets import Target

EVENTS = ["Partial image 1 of 3", "Partial image 2 of 3", "Partial image 3 of 3", "Completed"]

CHANGED = """async () => {
  const store = await import("/assets/playground/store.js");
  const state = await store.get("state", "running");
  await store.put("state", { ...state, edit: %s });
}"""
UNHEARD, ANOTHER = CHANGED % "null", CHANGED % '{ ...state.edit, id: "edit_of_another_server" }'
"""What the page has kept of the edit that runs, changed."""


def pictures(playground: Playground) -> list[str]:
    """The events that carry pictures, in their order."""
    return [text for text in playground.events.all_inner_texts() if text in EVENTS]


def test_a_dropped_connection_is_resumed_live(browser: Browser, told: Told, scripted: ScriptedUpstream) -> None:
    """By the button, while the edit runs: what happened meanwhile comes after it, each event once; the edit is made once."""
    gated = Gated()
    scripted.play(gated.script)
    with beside(browser, scripted, told) as desk:
        desk.take()
        desk.ask("anything")
        gated.let(2)
        expect(desk.events.last).to_have_text(EVENTS[1])
        desk.button("Drop the connection").click()
        expect(desk.events.last).to_have_text("Dropped after event 2")
        expect(desk.page.locator("#drop-note")).to_contain_text("nothing of it is lost")
        gated.let(4)
        expect(desk.events).to_contain_text(["Resumed after event 2", *EVENTS[2:]])
        desk.await_end()
        assert pictures(desk) == EVENTS
        assert len(scripted.asked) == 1
        assert desk.saved().read_bytes() == base64.b64decode(PICTURES[-1])
    assert told == []


def test_it_can_be_told_to_drop_beforehand(desk: Playground) -> None:
    """For edits that are faster than a hand: behind the first event, once."""
    desk.take()
    drop = desk.button("Drop the connection")
    drop.click()
    expect(drop).to_have_attribute("aria-pressed", "true")
    desk.ask("golden hour")
    desk.await_end()
    texts = desk.events.all_inner_texts()
    assert texts.index("Dropped after event 1") == texts.index(EVENTS[0]) + 1
    assert texts.index("Resumed after event 1") < texts.index(EVENTS[1])
    assert pictures(desk) == EVENTS
    expect(drop).to_have_attribute("aria-pressed", "false")
    desk.edit.click()
    desk.await_end()
    assert "Dropped after event 1" not in desk.events.all_inner_texts()


def test_a_network_that_breaks_off_is_taken_up_by_itself(browser: Browser, told: Told, scripted: ScriptedUpstream) -> None:
    """The browser comes back with the last event that it has, wherever the server says that it is."""
    gated = Gated()
    scripted.play(gated.script)
    settings = offering(Target("openai", "gpt-image-2", "k", scripted.url), public_base_url="https://edits.example/below")
    with serving(settings) as server, opened(browser, server, told) as desk:
        desk.take()
        desk.ask("anything")
        gated.let(1)
        expect(desk.events.last).to_have_text(EVENTS[0])
        server.break_off()
        expect(desk.events.last).to_have_text("Dropped after event 1")
        gated.let(4)
        desk.await_end()
        assert pictures(desk) == EVENTS
        assert "Resumed after event 1" in desk.events.all_inner_texts()
        assert len(scripted.asked) == 1


def test_a_reload_finds_the_running_edit(browser: Browser, told: Told, scripted: ScriptedUpstream) -> None:
    """With its photograph, its mask, its prompt, all of its events and its clock; it is made once."""
    gated = Gated()
    scripted.play(gated.script)
    with beside(browser, scripted, told) as desk:
        desk.take("A portrait")
        desk.paint((0.5, 0.5), size=50)
        desk.page.get_by_label("Quality").select_option("low")
        desk.ask("a red hat")
        gated.let(2)
        expect(desk.events.last).to_have_text(EVENTS[1])
        desk.page.reload()
        expect(desk.events).to_contain_text(["Found again after a reload", *EVENTS[:2]])
        expect(desk.prompt).to_have_value("a red hat")
        expect(desk.page.locator("#images .thumb")).to_have_attribute("aria-label", "portrait.jpg")
        expect(desk.page.get_by_label("Quality")).to_have_value("low")
        gated.let(4)
        desk.await_end()
        assert pictures(desk) == EVENTS
        assert len(scripted.asked) == 1
        expect(desk.past).to_have_count(1)
        desk.page.reload()
        expect(desk.past).to_have_count(1)
        expect(desk.mask).to_have_attribute("aria-pressed", "true")
        assert desk.painted().getpixel((256, 256)) == 0
        assert desk.events.count() == 0
    assert told == []


def test_a_reload_before_the_answer_repeats_the_request_safely(
    browser: Browser, told: Told, scripted: ScriptedUpstream
) -> None:
    """The server had accepted it, but the page never heard of that: the same key makes it the same edit."""
    gated = Gated()
    scripted.play(gated.script)
    with beside(browser, scripted, told) as desk:
        desk.take()
        desk.ask("anything")
        gated.let(1)
        expect(desk.events.last).to_have_text(EVENTS[0])
        desk.page.evaluate(UNHEARD)
        desk.page.reload()
        expect(desk.events).to_contain_text(["Accepted", EVENTS[0]])
        gated.let(4)
        desk.await_end()
        assert pictures(desk) == EVENTS
        assert len(scripted.asked) == 1
    assert told == []


def test_an_edit_that_is_gone_is_said_to_be(browser: Browser, told: Told, scripted: ScriptedUpstream) -> None:
    """A page that comes back to another server says so, and is ready for another edit."""
    gated = Gated()
    scripted.play(gated.script)
    with beside(browser, scripted, told) as desk:
        desk.take()
        desk.ask("anything")
        gated.let(1)
        expect(desk.events.last).to_have_text(EVENTS[0])
        desk.page.evaluate(ANOTHER)
        desk.page.reload()
        expect(desk.trouble).to_contain_text("The server does not show this edit any more.")
        expect(desk.edit).to_be_enabled()
        gated.let(4)
