"""Painting the mask: what is painted is what will be edited, in the size of the photograph."""

import io

import numpy as np
import numpy.typing as npt
import pytest
from browsers import Told
from PIL import Image
from playgrounds import PICTURES, Gated, Playground, beside
from playwright.sync_api import Browser, expect
from upstreams import ScriptedUpstream

WIDTH, HEIGHT = 600, 400
"""Of the cup of coffee."""


@pytest.fixture
def easel(desk: Playground) -> Playground:
    """A cup of coffee to be painted on, and a prompt."""
    desk.take("A cup of coffee")
    desk.prompt.fill("remove the object under the mask")
    return desk


def alpha(playground: Playground) -> npt.NDArray[np.int16]:
    """The mask as it would be sent: 0 where it is to be edited."""
    return np.asarray(playground.painted(), np.int16)


def test_a_stroke_is_where_it_was_painted(easel: Playground) -> None:
    """From its first point to its last, as wide as the brush; nothing else."""
    easel.paint((0.25, 0.5), (0.75, 0.5), size=20)
    mask = alpha(easel)
    assert mask.shape == (HEIGHT, WIDTH)
    rows, columns = np.nonzero(mask < 128)
    assert abs(rows.min() - 180) <= 3
    assert abs(rows.max() - 220) <= 3
    assert abs(columns.min() - 130) <= 3
    assert abs(columns.max() - 470) <= 3
    assert mask[0, 0] == 255


def test_a_click_is_a_dot(easel: Playground) -> None:
    """Without any movement."""
    easel.paint((0.5, 0.5), size=20)
    assert abs((alpha(easel) < 128).sum() - np.pi * 20**2) < 80


def test_the_eraser_takes_away(easel: Playground) -> None:
    """What it goes over is not edited any more."""
    easel.paint((0.3, 0.5), (0.7, 0.5), size=30)
    easel.button("Eraser").click()
    easel.paint((0.5, 0.5), size=30)
    mask = alpha(easel)
    assert (mask[200, 190], mask[200, 300], mask[200, 410]) == (0, 255, 0)


def test_steps_are_undone_and_done_again(easel: Playground) -> None:
    """One by one, in both directions; a new stroke ends what could be done again."""
    easel.paint((0.25, 0.5), size=20)
    first = alpha(easel)
    easel.paint((0.75, 0.5), size=20)
    both = alpha(easel)
    easel.button("Undo").click()
    assert np.array_equal(alpha(easel), first)
    easel.button("Redo").click()
    assert np.array_equal(alpha(easel), both)
    easel.button("Undo").click()
    easel.paint((0.5, 0.25), size=20)
    expect(easel.button("Redo")).to_be_disabled()
    easel.button("Undo").click()
    easel.button("Undo").click()
    expect(easel.button("Undo")).to_be_disabled()


def test_the_mask_is_inverted_and_cleared(easel: Playground) -> None:
    """Inverting twice is nothing; clearing leaves nothing to be sent, and can be undone."""
    easel.paint((0.5, 0.5), size=40)
    before = alpha(easel)
    easel.button("Invert").click()
    assert np.abs(alpha(easel) - (255 - before)).max() <= 1
    easel.button("Invert").click()
    assert np.abs(alpha(easel) - before).max() <= 1
    easel.button("Clear").click()
    assert "mask.png" not in easel.code("curl")
    easel.button("Undo").click()
    assert np.abs(alpha(easel) - before).max() <= 1


def test_a_feathered_edge_is_soft_on_both_sides(easel: Playground) -> None:
    """Half way at the edge of the stroke, in steps to either side; its middle stays whole."""
    easel.paint((0.2, 0.5), (0.8, 0.5), size=40)
    hard = alpha(easel)[:, 300]
    edge = int(np.argmax(hard < 128))
    easel.page.get_by_label("Feather").fill("40")
    soft = alpha(easel)[:, 300]
    assert soft[200] == 0
    assert abs(soft[edge] - 128) < 20
    assert (np.diff(soft[edge - 14 : edge + 14]) <= 0).all()
    assert len(set(soft[edge - 14 : edge + 14].tolist())) > 12


def test_it_is_painted_while_zoomed_in(easel: Playground) -> None:
    """Then a stroke of the same size covers the same part of the photograph, wherever it is seen."""
    easel.mask.click()
    for _ in range(3):
        easel.button("Zoom in").click()
    width = easel.page.evaluate(
        "() => [document.querySelector('#view').scrollWidth, document.querySelector('#view').clientWidth]"
    )
    assert width[0] > width[1]
    easel.page.evaluate("() => document.querySelector('#view').scrollTo(0, 0)")
    box = easel.page.locator("#view").bounding_box()
    sheet = easel.page.locator("#sheet").bounding_box()
    assert box is not None
    assert sheet is not None
    easel.page.locator("#brush-size").fill("20")
    easel.page.mouse.click(box["x"] + 200, box["y"] + 200)
    scale = sheet["width"] / WIDTH
    rows, columns = np.nonzero(alpha(easel) < 128)
    assert abs(columns.mean() - (box["x"] + 200 - sheet["x"]) / scale) < 2
    assert abs(rows.mean() - (box["y"] + 200 - sheet["y"]) / scale) < 2
    assert abs(len(rows) - np.pi * 20**2) < 80
    easel.button("Zoom to fit").click()
    expect(easel.page.locator("#zoom-shown")).to_have_text("Fit")


def test_the_mask_is_sent_while_it_is_in_use(browser: Browser, told: Told, scripted: ScriptedUpstream) -> None:
    """As a PNG of the photograph's size, to a model that takes one; not when the mask is switched off."""
    gated = Gated(PICTURES[:1])
    gated.let(1)
    scripted.play(gated.script)
    with beside(browser, scripted, told) as desk:
        desk.take()
        desk.paint((0.5, 0.5), size=60)
        desk.ask("a red hat")
        desk.await_end()
        sent = {name: content for name, _, _, content in scripted.asked[0].files}
        assert Image.open(io.BytesIO(sent["mask"])).size == (WIDTH, HEIGHT)
        desk.mask.click()
        desk.mask.click()
        expect(desk.mask).to_have_attribute("aria-pressed", "false")
        desk.edit.click()
        desk.await_end()
        assert [name for name, *_ in scripted.asked[1].files] == ["image"]


def test_the_photographs_orientation_is_honoured(desk: Playground) -> None:
    """A photograph that was taken upright: mask and result are as it is shown."""
    photograph = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.radial_gradient("L").resize((90, 60)).convert("RGB").save(photograph, "JPEG", exif=exif)
    desk.bring({"name": "upright.jpg", "mimeType": "image/jpeg", "buffer": photograph.getvalue()})
    desk.await_picture()
    desk.paint((0.5, 0.5), size=60)
    desk.prompt.fill("remove the object under the mask")
    assert desk.painted().size == (60, 90)
    desk.edit.click()
    desk.await_end()
    assert desk.result().size == (60, 90)
