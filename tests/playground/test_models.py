"""The models of a server: what each can do decides what can be used."""

import pytest
from browsers import Told
from clients import post
from playgrounds import CAT, DARKROOM, Playground, offering, opened
from playwright.sync_api import Browser, expect
from servers import RunningServer, serving

from streamedit.darkroom.repertoire import TABLE
from streamedit.targets import Target

CUT_OUT = Target("stability", "remove-background", "k")
RECRAFT = Target("recraft", "recraftv3", "k")
FLUX = Target("black_forest_labs", "flux-kontext-pro", "k")


def test_what_a_model_lacks_is_disabled_with_the_reason(browser: Browser, told: Told) -> None:
    """And can be used again with a model that has it."""
    with serving(offering(DARKROOM, FLUX)) as server, opened(browser, server, told) as desk:
        desk.take()
        expect(desk.mask).to_be_enabled()
        desk.page.get_by_label("Model").select_option("flux-kontext-pro")
        expect(desk.mask).to_be_disabled()
        expect(desk.page.locator("#mask-why")).to_have_text("flux-kontext-pro takes no mask.")
        partial_images = desk.page.get_by_label("Partial images")
        expect(partial_images).to_be_disabled()
        expect(partial_images).to_have_accessible_description("flux-kontext-pro shows none.")
        quality = desk.page.get_by_label("Quality")
        expect(quality).to_be_disabled()
        expect(quality).to_have_accessible_description("No effect on flux-kontext-pro.")
        desk.prompt.fill("anything")
        assert "partial_images" not in desk.code("curl")
        desk.page.get_by_label("Model").select_option("darkroom")
        for control in (desk.mask, partial_images, quality):
            expect(control).to_be_enabled()


def test_a_format_that_a_model_does_not_make_cannot_be_chosen(browser: Browser, told: Told) -> None:
    """One that was chosen before goes back to the model's own."""
    with serving(offering(DARKROOM, CUT_OUT)) as server, opened(browser, server, told) as desk:
        chosen = desk.page.get_by_label("Format")
        chosen.select_option("jpeg")
        desk.page.get_by_label("Model").select_option("remove-background")
        expect(chosen).to_have_value("")
        expect(chosen.locator("option", has_text="jpeg")).to_be_disabled()
        expect(chosen.locator("option", has_text="webp")).to_be_enabled()


def test_more_images_than_a_model_takes_are_told(browser: Browser, told: Told) -> None:
    """At the images, before anybody is asked."""
    with serving(offering(RECRAFT)) as server, opened(browser, server, told) as desk:
        desk.take()
        expect(desk.page.locator("#images-note")).to_have_text("")
        desk.bring({"name": "second.png", "mimeType": "image/png", "buffer": b"x"})
        expect(desk.page.locator("#images-note")).to_have_text("the model takes 1 at most")


def test_every_model_of_the_server_is_offered(desk: Playground, server: RunningServer) -> None:
    """With its provider and what it can do in words; the default one is chosen."""
    model = desk.page.get_by_label("Model")
    expect(model).to_have_value("darkroom")
    assert model.locator("option").all_inner_texts() == ["darkroom", "mock"]
    expect(desk.page.locator("#model-note")).to_have_text(
        f"darkroom: shows partial images, takes a mask, up to 16 images, knows {len(TABLE)} instructions."
    )


def test_examples_work_as_they_are(desk: Playground, server: RunningServer) -> None:
    """Each that is offered beside the prompt is a picture; one more of them is added to what is written, and works, too."""
    desk.take("A cat")
    chips = desk.page.locator("#examples .chip:not(.more)")
    assert chips.count() == 5
    for example in chips.all_inner_texts():
        fields = {"prompt": example, "model": "darkroom"}
        answer = post(server.edits_url, fields, [("image", ("cat.jpg", CAT.read_bytes(), "image/jpeg"))])
        assert answer.status == 200, example
    chips.nth(0).click()
    chips.nth(4).click()
    assert desk.prompt.input_value().count(", ") == 1
    desk.edit.click()
    desk.await_end()


def test_examples_change_with_what_there_is(desk: Playground) -> None:
    """With a mask those that need one come first; without one they cannot be used, and say why."""
    desk.take()
    first = desk.page.locator("#examples .chip").first
    assert "mask" not in first.inner_text()
    desk.button("All 115", exact=False).click()
    erase = desk.page.locator("#repertoire .chip").filter(has_text="remove the object under the mask")
    expect(erase).to_be_disabled()
    expect(erase).to_contain_text("needs a mask")
    desk.page.keyboard.press("Escape")
    desk.paint((0.5, 0.5))
    expect(first).to_have_text("remove the object under the mask")


def test_the_repertoire_is_searched(desk: Playground) -> None:
    """By name, family, example and kind; a click writes it."""
    desk.button("All 115", exact=False).click()
    rows = desk.page.locator("#repertoire .chip")
    expect(rows).to_have_count(len(TABLE))
    desk.page.get_by_label("Search").fill("water")
    expect(rows).to_have_text(["a watercolour", "watermark 'draft'"])
    rows.first.click()
    expect(desk.prompt).to_have_value("a watercolour")
    expect(desk.page.locator("#examples-dialog")).to_be_hidden()


def test_a_model_that_takes_any_prompt_has_examples_of_its_own(desk: Playground) -> None:
    """Which replace what is written: they are whole prompts."""
    desk.page.get_by_label("Model").select_option("mock")
    chips = desk.page.locator("#examples .chip")
    expect(desk.page.locator("#all-examples")).to_have_count(0)
    chips.nth(0).click()
    chips.nth(1).click()
    expect(desk.prompt).to_have_value("Add a red hat to the person")


@pytest.mark.parametrize(("name", "value"), [("seed", "7")])
def test_fields_of_the_providers_own_are_sent(desk: Playground, name: str, value: str) -> None:
    """The same field gives the same picture, another one another."""
    desk.take("A cat")
    desk.page.locator("#more summary").click()
    expect(desk.page.locator("#extras-note")).to_have_text(": seed")
    desk.button("Add a field").click()
    desk.page.get_by_label("Name", exact=True).fill(name)
    pictures = []
    for each in (value, value, "8"):
        desk.page.get_by_label("Value", exact=True).fill(each)
        desk.ask("film grain")
        desk.await_end()
        pictures.append(desk.saved().read_bytes())
    assert pictures[0] == pictures[1] != pictures[2]
