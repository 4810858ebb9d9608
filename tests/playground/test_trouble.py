"""What goes wrong is said in words, with what to do about it."""

import json
from typing import Any

import pytest
from browsers import Told
from playgrounds import DARKROOM, MOCK, Playground, offering, opened
from playwright.sync_api import Browser, expect
from servers import serving
from upstreams import ScriptedUpstream, json_answer

from streamedit.targets import Target

KEY = "sk-right"


def test_a_prompt_that_is_not_understood_comes_with_some_that_are(desk: Playground) -> None:
    """As buttons, and with all that the server said folded away; one of them is a picture later."""
    desk.take("A portrait")
    desk.ask("add a red hat to the person")
    expect(desk.trouble).to_contain_text("does not understand 'red hat'")
    expect(desk.trouble).to_contain_text("Say it in the words of the list")
    expect(desk.trouble.locator("details p")).to_contain_text("All that it can do: tone: brightness")
    suggestion = desk.trouble.locator(".chip").first
    text = suggestion.inner_text()
    suggestion.click()
    expect(desk.trouble).to_be_hidden()
    expect(desk.prompt).to_have_value(text)
    desk.edit.click()
    desk.await_end()


@pytest.mark.parametrize(
    ("prompt", "words", "focus"),
    [
        ("remove the object under the mask", "Paint over what it is about.", "mask-toggle"),
        ("a collage of all pictures", "Add a second image.", "add"),
    ],
)
def test_what_is_missing_is_one_click_away(desk: Playground, prompt: str, words: str, focus: str) -> None:
    """The mask, a second image."""
    desk.take()
    desk.ask(prompt)
    expect(desk.trouble).to_contain_text(words)
    desk.button("Take me there").click()
    assert focus in desk.page.evaluate("() => document.activeElement.id || document.activeElement.className")


def test_nothing_is_sent_without_a_photograph_or_a_prompt(desk: Playground) -> None:
    """Both are asked for before the server is."""
    asked: list[str] = []
    desk.page.on("request", lambda request: asked.append(request.url) if request.method == "POST" else None)
    desk.ask("golden hour")
    expect(desk.trouble).to_contain_text("There is no photograph to edit.")
    desk.take()
    desk.ask("  ")
    expect(desk.trouble).to_contain_text("Nothing says what should change.")
    expect(desk.prompt).to_have_attribute("aria-invalid", "true")
    assert asked == []


def test_a_field_that_is_wrong_is_marked(desk: Playground) -> None:
    """By the name that the server gives it."""
    desk.take()
    desk.page.get_by_label("Size", exact=True).fill("7x")
    desk.ask("golden hour")
    expect(desk.trouble).to_contain_text("size")
    expect(desk.page.get_by_label("Size", exact=True)).to_have_attribute("aria-invalid", "true")
    desk.button("Take me there").click()
    expect(desk.page.get_by_label("Size", exact=True)).to_be_focused()


def test_a_server_with_keys_asks_for_one(browser: Browser, told: Told) -> None:
    """It stays for the tab, is in no address and no code, and opens the models and the edit."""
    with serving(offering(keys=(KEY,))) as server, opened(browser, server, told) as desk:
        expect(desk.page.locator("#key-dialog")).to_be_visible()
        desk.unlock(KEY)
        expect(desk.page.get_by_label("Model")).to_have_value("darkroom")
        desk.take()
        desk.ask("golden hour")
        desk.await_end()
        expect(desk.page.locator("#cost")).to_have_text("free")
        for language in ("curl", "Python", "JavaScript"):
            code = desk.code(language)
            assert KEY not in code
            assert "STREAMEDIT_KEY" in code
        desk.page.reload()
        expect(desk.page.get_by_label("Model")).to_have_value("darkroom")
        expect(desk.page.locator("#key-dialog")).to_be_hidden()


def test_a_wrong_key_is_asked_for_again(browser: Browser, told: Told) -> None:
    """Until it is right."""
    with serving(offering(keys=(KEY,))) as server, opened(browser, server, told) as desk:
        desk.unlock("sk-wrong")
        expect(desk.page.locator("#key-dialog")).to_be_visible()
        desk.unlock(KEY)
        expect(desk.page.get_by_label("Model")).to_have_value("darkroom")


def test_a_server_that_is_gone_is_said_to_be(browser: Browser, told: Told) -> None:
    """And the photograph, the prompt and the page are as they were."""
    with serving(offering()) as server, opened(browser, server, told) as desk:
        desk.take()
        server.stop()
        desk.ask("golden hour")
        expect(desk.trouble).to_contain_text("The server cannot be reached.")
        expect(desk.trouble).to_contain_text("Is the server running")
        expect(desk.edit).to_be_enabled()
        expect(desk.prompt).to_have_value("golden hour")


def test_a_provider_that_fails_behind_a_picture(desk: Playground) -> None:
    """What has come stays to be looked at, and the end is told as what it is."""
    desk.take()
    desk.page.get_by_label("Model").select_option("mock")
    desk.add_field("mock_fault", "error")
    desk.ask("anything")
    expect(desk.trouble).to_contain_text("The mock broke off.")
    expect(desk.events.last).to_have_text("Failed")
    expect(desk.page.locator("#layers img")).to_have_attribute("alt", "Partial image 1 of 3")
    expect(desk.edit).to_be_enabled()


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        ("429 Too Many Requests", {"message": "Slow down.", "code": "rate_limit_exceeded"}, "Try again"),
        ("400 Bad Request", {"message": "Blocked.", "code": "moderation_blocked"}, "Change the words or the picture."),
        ("401 Unauthorized", {"message": "Wrong."}, "Whoever runs this server can mend that"),
    ],
)
def test_a_refusal_of_the_provider(
    browser: Browser, scripted: ScriptedUpstream, status: str, error: dict[str, Any], words: str
) -> None:
    """Each kind with advice of its own."""
    scripted.play([json_answer({"error": error}, status)])
    settings = offering(Target("openai", "gpt-image-2", "k", scripted.url), patience_s=0, max_attempts=1)
    with serving(settings) as server, opened(browser, server, Told()) as desk:
        desk.take()
        desk.ask("anything")
        expect(desk.trouble).to_contain_text(words)
        expect(desk.edit).to_be_enabled()
        assert len(scripted.asked) == 1


def test_what_is_kept_is_no_secret(browser: Browser, told: Told) -> None:
    """The key is neither in the database nor in the storage that outlives the tab."""
    with serving(offering(DARKROOM, MOCK, keys=(KEY,))) as server, opened(browser, server, told) as desk:
        desk.unlock(KEY)
        desk.take()
        desk.ask("golden hour")
        desk.await_end()
        kept = desk.page.evaluate("""async () => {
          const store = await import("/assets/playground/store.js");
          return [localStorage.length, await store.all("state"), await store.all("edits")];
        }""")
        assert kept[0] == 0
        assert KEY not in json.dumps(kept)
