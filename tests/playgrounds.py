"""The playground in a browser, as somebody uses it: what is to be seen there, by the names that it has for them."""

import base64
import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from browsers import Told
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect
from servers import RunningServer, serving, settings_of
from upstreams import END, ScriptedUpstream, Step, chunk, completed, frame, head, partial

from streamedit.config import Settings
from streamedit.targets import Target

PATIENCE_MS = 15_000
SAMPLES = Path(__file__).parent.parent / "streamedit" / "web" / "pages" / "playground" / "samples"
CAT, COFFEE = SAMPLES / "cat.jpg", SAMPLES / "coffee.jpg"

DARKROOM = Target("darkroom", "darkroom")
MOCK = Target("mock", "mock", params={"mock_pace_s": 0})


def _picture(colour: str) -> str:
    """A small plain PNG in base64."""
    buffer = io.BytesIO()
    Image.new("RGB", (48, 32), colour).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


PICTURES = tuple(_picture(colour) for colour in ("navy", "teal", "olive", "gold"))
"""Four that a scripted provider can tell."""


class Playground:
    """One tab."""

    def __init__(self, page: Page, told: Told) -> None:
        self.page = page
        self.told = told
        self.prompt = page.get_by_label("What should change?")
        self.edit = page.locator("#edit")
        self.mask = page.get_by_role("button", name="Mask", exact=True)
        self.events = page.locator("#events .label")
        self.trouble = page.locator("#trouble")
        self.past = page.locator("#past li > button:first-child")

    def button(self, name: str, *, exact: bool = True) -> Locator:
        return self.page.get_by_role("button", name=name, exact=exact)

    def take(self, sample: str = "A cup of coffee") -> None:
        """One of the photographs that the page offers."""
        self.button(sample).click()
        self.await_picture()

    def bring(self, *files: Path | dict[str, Any]) -> None:
        """Files of one's own."""
        self.page.locator("#file").set_input_files(list(files))  # type: ignore[arg-type]  # a union of lists, there

    def await_picture(self) -> None:
        """Until the photograph is shown in its size."""
        self.page.wait_for_function(
            "() => document.querySelector('#sheet').clientWidth > 0 && document.querySelector('.layer')"
        )

    def unlock(self, key: str) -> None:
        """Give the key that a server asks for."""
        self.page.get_by_label("Key", exact=True).fill(key)
        self.button("Use it").click()

    def add_field(self, name: str, value: str) -> None:
        """A further field, of the provider's own."""
        self.page.locator("#more summary").click()
        self.button("Add a field").click()
        self.page.get_by_label("Name", exact=True).fill(name)
        self.page.get_by_label("Value", exact=True).fill(value)

    def ask(self, prompt: str) -> None:
        """Write it, and begin."""
        self.prompt.fill(prompt)
        self.edit.click()

    def paint(self, *points: tuple[float, float], size: int = 30) -> None:
        """A stroke through these points, as parts of the picture's width and height."""
        if self.mask.get_attribute("aria-pressed") == "false":
            self.mask.click()
        self.page.locator("#brush-size").fill(str(size))
        box = self.page.locator("#mask").bounding_box()
        assert box is not None
        places = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in points]
        self.page.mouse.move(*places[0])
        self.page.mouse.down()
        for place in places:
            self.page.mouse.move(*place, steps=4)
        self.page.mouse.up()

    def await_end(self) -> None:
        """Until the edit has completed and can be compared."""
        expect(self.page.locator("#download")).to_be_visible(timeout=PATIENCE_MS)
        expect(self.edit).to_be_enabled()
        expect(self.page.locator(".layer.before")).to_have_count(1)

    def result(self, what: str = "#download") -> Image.Image:
        """The picture that a link saves."""
        return Image.open(io.BytesIO(self.saved(what).read_bytes()))

    def saved(self, what: str = "#download") -> Path:
        """The file that a link saves."""
        with self.page.expect_download() as download:
            self.page.locator(what).click()
        return download.value.path()

    def code(self, language: str) -> str:
        """The request as code."""
        self.button("Copy as code").click()
        self.page.get_by_role("tab", name=language).click()
        text = self.page.locator("#code").inner_text()
        self.page.keyboard.press("Escape")
        expect(self.page.locator("#copy-dialog")).to_be_hidden()
        return text

    def painted(self) -> Image.Image:
        """The mask as it would be sent: its alpha."""
        self.button("Copy as code").click()
        mask = self.result("#mask-download").getchannel("A")
        self.page.keyboard.press("Escape")
        expect(self.page.locator("#copy-dialog")).to_be_hidden()
        return mask


@contextmanager
def opened(browser: Browser, server: RunningServer | str, told: Told, **screen: Any) -> Iterator[Playground]:
    """The playground in a browser that has never been anywhere; it loads nothing but its own."""
    url = server if isinstance(server, str) else server.url
    screen = {"viewport": {"width": 1280, "height": 860}, "reduced_motion": "reduce", **screen}
    context = browser.new_context(**screen)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    told.listen(page)
    strangers: list[str] = []
    own = ("blob:", "data:", url)
    page.on("request", lambda request: None if request.url.startswith(own) else strangers.append(request.url))
    page.goto(url)
    yield Playground(page, told)
    context.close()
    assert strangers == []


def offering(*targets: Target, **server: Any) -> Settings:
    """Settings with these models."""
    return settings_of(*(targets or (DARKROOM, MOCK)), **server)


@contextmanager
def beside(browser: Browser, scripted: ScriptedUpstream, told: Told) -> Iterator[Playground]:
    """The playground of a server whose only model does as it is told."""
    settings = offering(Target("openai", "gpt-image-2", "k", scripted.url))
    with serving(settings) as server, opened(browser, server, told) as playground:
        yield playground


class Gated:
    """A provider's stream whose events wait to be let out, one by one."""

    def __init__(self, pictures: tuple[str, ...] = PICTURES) -> None:
        self._gates = [threading.Event() for _ in pictures]
        told = [*(partial(index, picture) for index, picture in enumerate(pictures[:-1])), completed(pictures[-1])]
        self.script: list[Step] = [head()]
        for gate, event in zip(self._gates, told, strict=True):
            self.script += [gate, chunk(frame(event))]
        self.script.append(END)

    def let(self, count: int) -> None:
        """Let so many events out, in sum."""
        for gate in self._gates[:count]:
            gate.set()
