"""What somebody does in the playground, from the photograph to the picture."""

import base64
import io
import json
import re
from pathlib import Path

import httpx
import numpy as np
from browsers import Told
from PIL import Image
from playgrounds import COFFEE, PICTURES, Gated, Playground, beside, offering, opened
from playwright.sync_api import Browser, expect
from servers import RunningServer, serving
from upstreams import Hang, ScriptedUpstream

from streamedit.targets import Target

FULL = 255
HOSTILE = "<img src=x onerror=\"document.title='broken'\"><script>document.title='broken'</script>"

SLOWLY = """() => {
  const ask = window.fetch;
  const going = new Promise((goOn) => { window.goOn = goOn; });
  window.fetch = async (...what) => {
    const answer = await ask(...what);
    if (String(what[0]).endsWith("/async")) await going;
    return answer;
  };
}"""
"""The answer to an edit comes when the test lets it."""

IMPATIENT = """() => {
  const [edit, prompt] = [document.querySelector("#edit"), document.querySelector("#prompt")];
  const enter = () => prompt.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", ctrlKey: true, bubbles: true }));
  for (let times = 0; times < 3; times += 1) { edit.click(); enter(); }
}"""


def test_a_photograph_a_mask_and_a_prompt_become_a_picture(desk: Playground) -> None:
    """Three partial images and the result, each with its time and its size; only what was painted over has changed."""
    desk.take("A cup of coffee")
    desk.paint((0.55, 0.75), (0.72, 0.45), size=30)
    desk.ask("remove the object under the mask")
    desk.await_end()
    texts = desk.events.all_inner_texts()
    assert texts[0].startswith("Sending ")
    assert texts[1:] == ["Accepted", "Partial image 1 of 3", "Partial image 2 of 3", "Partial image 3 of 3", "Completed"]
    facts = desk.page.locator("#events .quiet").all_inner_texts()
    assert all(re.fullmatch(r"\+[\d.]+ m?s · [\d.]+ [kM]B", fact) for fact in facts[2:]), facts
    assert re.fullmatch(r"[\d.]+ m?s", desk.page.locator("#elapsed").inner_text())
    expect(desk.page.locator("#cost")).to_have_text("free")
    before, after = (np.asarray(image.convert("RGB"), np.int16) for image in (Image.open(COFFEE), desk.result()))
    changed = np.abs(after - before).max(axis=2) > 0
    painted = np.asarray(desk.painted()) < FULL
    assert not changed[~painted].any()
    assert changed[painted].mean() > 0.8
    assert desk.told == []


def test_partial_images_come_in_place_as_they_come(browser: Browser, told: Told, scripted: ScriptedUpstream) -> None:
    """While the provider works, the newest picture is the one that is shown, and the clock runs."""
    gated = Gated()
    scripted.play(gated.script)
    with beside(browser, scripted, told) as desk:
        desk.take()
        desk.ask("Make it golden hour")
        for count in (1, 2, 3):
            gated.let(count)
            expect(desk.page.locator("#layers img:last-child")).to_have_attribute("alt", f"Partial image {count} of 3")
            expect(desk.edit).to_be_disabled()
        gated.let(4)
        desk.await_end()
        assert desk.result().getpixel((5, 5)) == Image.open(io.BytesIO(base64.b64decode(PICTURES[-1]))).getpixel((5, 5))
        expect(desk.page.locator("#cost")).to_have_text("$0.00187")
        assert scripted.asked[0].field("partial_images") == "3"
    assert told == []


def test_before_and_after_are_compared(desk: Playground) -> None:
    """By a slider, by its keys, and by dragging the picture itself."""
    desk.take("A cat")
    desk.ask("make it black and white")
    desk.await_end()
    slider = desk.page.get_by_label("Compare with before")
    slider.fill("40")
    assert desk.page.evaluate("() => getComputedStyle(document.querySelector('.before')).clipPath").startswith("inset(0px 60%")
    expect(desk.page.locator("#divider")).to_be_visible()
    slider.press("ArrowRight")
    expect(slider).to_have_value("41")
    box = desk.page.locator("#layers").bounding_box()
    assert box is not None
    desk.page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + 20)
    desk.page.mouse.down()
    desk.page.mouse.up()
    assert abs(int(slider.input_value()) - 70) <= 1
    desk.button("Before").click()
    expect(desk.page.locator("#layers img")).to_have_attribute("alt", "The original")


def test_one_goes_on_from_a_result(desk: Playground) -> None:
    """The result becomes the photograph, under a name of its own; what is edited then is that."""
    desk.take("A portrait")
    desk.ask("make it black and white")
    desk.await_end()
    desk.button("Continue from this").click()
    expect(desk.page.locator("#images .thumb")).to_have_attribute("aria-label", "portrait-edited.png")
    desk.ask("a thin white border")
    desk.await_end()
    picture = np.asarray(desk.result().convert("RGB"), np.int16)
    assert np.abs(picture[..., 0] - picture[..., 1]).max() == 0
    assert desk.past.count() == 2


def test_the_history_shows_what_was(desk: Playground) -> None:
    """With its photograph, its prompt and its settings; it outlives the page, and goes when it is told to."""
    desk.take("A cat")
    desk.page.get_by_label("Format").select_option("webp")
    desk.ask("a sepia tone")
    desk.await_end()
    first = desk.saved().read_bytes()
    desk.ask("pixelate it")
    desk.await_end()
    desk.page.reload()
    expect(desk.past).to_have_count(2)
    desk.past.filter(has_text="a sepia tone").click()
    desk.await_end()
    expect(desk.prompt).to_have_value("a sepia tone")
    expect(desk.page.get_by_label("Format")).to_have_value("webp")
    assert desk.saved().read_bytes() == first
    desk.button("Forget pixelate it").click()
    expect(desk.past).to_have_count(1)
    desk.button("Clear history").click()
    expect(desk.page.locator("#history")).to_be_hidden()


def test_several_images_of_one_photograph(desk: Playground) -> None:
    """Each has its partial images, can be looked at by itself, and is saved under its own number."""
    desk.take("A cat")
    desk.page.get_by_label("How many").fill("3")
    desk.page.get_by_label("Partial images").fill("1")
    desk.ask("a watercolour")
    expect(desk.page.locator("#outputs button")).to_have_count(4)
    desk.await_end()
    texts = desk.events.all_inner_texts()[2:]
    assert sorted(texts) == sorted(
        f"Image {number}: {what}" for number in (1, 2, 3) for what in ("completed", "partial image 1 of 1")
    )
    pictures = set()
    for number in (1, 2, 3):
        desk.button(f"Image {number}").click()
        expect(desk.button(f"Image {number}")).to_have_attribute("aria-pressed", "true")
        expect(desk.page.locator("#download")).to_have_attribute(
            "download", f"cat-edited{f'-{number}' if number > 1 else ''}.png"
        )
        expect(desk.page.locator(".layer.before")).to_have_count(1)
        pictures.add(desk.saved().read_bytes())
    assert len(pictures) == 3


def test_a_picture_that_browsers_do_not_show_is_edited_all_the_same(desk: Playground, tmp_path: Path) -> None:
    """A TIFF: nothing can be painted on it, which is said; its result is shown."""
    photograph = tmp_path / "scan.tif"
    Image.open(COFFEE).save(photograph)
    desk.bring(photograph)
    expect(desk.page.locator(".unshown")).to_contain_text("scan.tif cannot be shown by this browser")
    expect(desk.mask).to_be_disabled()
    expect(desk.page.locator("#mask-why")).to_contain_text("nothing can be painted")
    desk.ask("make it black and white")
    expect(desk.page.locator("#download")).to_be_visible()
    assert desk.result().size == (600, 400)


def test_photographs_are_dropped_pasted_ordered_and_removed(desk: Playground) -> None:
    """The first is the one that is edited; what is no image is left out."""
    give = """([kind, names]) => {
      const files = new DataTransfer();
      const canvas = Object.assign(document.createElement("canvas"), { width: 40, height: 30 });
      canvas.getContext("2d").fillRect(0, 0, 40, 30);
      const bytes = Uint8Array.from(atob(canvas.toDataURL().split(",")[1]), (letter) => letter.charCodeAt(0));
      const typed = (name) => ({ type: name.endsWith("png") ? "image/png" : "text/plain" });
      for (const name of names) files.items.add(new File([bytes], name, typed(name)));
      const isPaste = kind === "paste";
      const what = isPaste ? new ClipboardEvent(kind, { clipboardData: files }) : new DragEvent(kind, { dataTransfer: files });
      document.dispatchEvent(Object.defineProperty(what, "bubbles", { value: true }));
    }"""
    shown = desk.page.locator("#images .thumb")
    desk.page.evaluate(give, ["dragover", ["a.png"]])
    expect(desk.page.locator("#drop-here")).to_be_visible()
    desk.page.evaluate(give, ["drop", ["a.png", "notes.txt", "b.png"]])
    expect(desk.page.locator("#drop-here")).to_be_hidden()
    expect(shown).to_have_count(2)
    desk.page.evaluate(give, ["paste", ["c.png"]])
    expect(shown).to_have_count(3)
    desk.button("Edit c.png instead").click()
    expect(shown.first).to_have_attribute("aria-label", "c.png")
    desk.button("Remove a.png").click()
    expect(shown).to_have_count(2)
    expect(desk.page.locator("#images-note")).to_have_text("2, the first is edited")
    desk.ask("a collage of all pictures, side by side")
    desk.await_end()
    assert desk.result().width > 60


def test_text_is_never_more_than_text(desk: Playground) -> None:
    """Neither a prompt nor a file's name is markup, in the errors, the history and the code."""
    desk.bring({"name": f"{HOSTILE.replace('/', '')}.jpg", "mimeType": "image/jpeg", "buffer": COFFEE.read_bytes()})
    desk.await_picture()
    desk.page.get_by_label("Model").select_option("mock")
    desk.ask(HOSTILE)
    desk.await_end()
    desk.page.get_by_label("Model").select_option("darkroom")
    desk.edit.click()
    expect(desk.trouble).to_contain_text("does not understand")
    assert json.dumps(HOSTILE) in desk.code("Python")
    assert desk.page.title() == "streamedit · playground"
    assert desk.page.locator("img[src=x], body script").count() == 0


def test_it_is_there_unless_it_is_turned_off(server: RunningServer) -> None:
    """`server.playground: false` leaves a 404 at `/`."""
    assert httpx.get(server.url).status_code == 200
    with serving(offering(playground=False)) as without:
        assert (
            httpx.get(without.url).status_code == httpx.get(f"{without.url}/assets/playground/playground.js").status_code == 404
        )


def test_an_edit_is_cancelled(browser: Browser, told: Told, scripted: ScriptedUpstream) -> None:
    """The provider's call ends, what has come stays to be looked at, and the page is ready for another."""
    gated = Gated()
    scripted.play([*gated.script[:3], Hang()])
    with (
        serving(offering(Target("openai", "gpt-image-2", "k", scripted.url))) as server,
        opened(browser, server, told) as desk,
    ):
        desk.take()
        desk.ask("anything")
        gated.let(1)
        expect(desk.events).to_contain_text(["Partial image 1 of 3"])
        desk.button("Cancel").click()
        expect(desk.trouble).to_contain_text("The edit was cancelled.")
        expect(desk.events.last).to_have_text("Cancelled")
        expect(desk.edit).to_be_enabled()
        assert scripted.left.acquire(timeout=10)
        server.wait_until_idle()


def test_nothing_depends_on_what_a_browser_keeps(browser: Browser, server: RunningServer, told: Told) -> None:
    """Without its database, or with no room in it, edits are made all the same; their history lasts as long as the page."""
    for broken in ("open", "transaction"):
        with opened(browser, server, told) as desk:
            desk.page.add_init_script(
                """Object.defineProperty(window, "indexedDB", { value: undefined });"""
                if broken == "open"
                else """IDBDatabase.prototype.transaction = () => { throw new DOMException("", "QuotaExceededError"); };"""
            )
            desk.page.reload()
            desk.take("A cat")
            desk.ask("make it black and white")
            desk.await_end()
            expect(desk.past).to_have_count(1)
    assert told == []


def test_an_edit_is_cancelled_before_it_is_accepted(browser: Browser, told: Told, scripted: ScriptedUpstream) -> None:
    """While the photograph is still on its way: then as soon as the server knows it."""
    gated = Gated()
    scripted.play([*gated.script[:1], Hang()])
    with (
        serving(offering(Target("openai", "gpt-image-2", "k", scripted.url))) as server,
        opened(browser, server, told) as desk,
    ):
        desk.take()
        desk.prompt.fill("anything")
        desk.page.evaluate(SLOWLY)
        desk.edit.click()
        desk.button("Cancel").click()
        desk.page.evaluate("() => goOn()")
        expect(desk.events.last).to_have_text("Cancelled")
        expect(desk.edit).to_be_enabled()
        server.wait_until_idle()


def test_an_impatient_hand_pays_once(browser: Browser, told: Told, scripted: ScriptedUpstream) -> None:
    """Whoever presses Edit again and again, by mouse and keyboard, has asked for one edit; its photographs stay."""
    gated = Gated()
    scripted.play(gated.script)
    with beside(browser, scripted, told) as desk:
        desk.take()
        desk.paint((0.5, 0.5))
        desk.prompt.fill("anything")
        desk.page.evaluate(IMPATIENT)
        gated.let(1)
        expect(desk.events.last).to_have_text("Partial image 1 of 3")
        expect(desk.button("Add images")).to_be_disabled()
        expect(desk.button("Remove coffee.jpg")).to_be_disabled()
        gated.let(4)
        desk.await_end()
        expect(desk.button("Add images")).to_be_enabled()
        assert len(scripted.asked) == 1
