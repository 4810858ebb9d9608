"""The playground on a desk and in a hand, as one picture for the README; with a folder, its other states as well."""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from browsers import Told, chromium
from PIL import Image
from playgrounds import Playground, offering, opened
from playwright.sync_api import Browser
from servers import serving

PICTURE = Path(__file__).parent / "pictures" / "playground.webp"
DESK = {"width": 1280, "height": 860}
PHONE = {"width": 390, "height": 860}
GAP_PX = 20
QUALITY = 82


def seen(playground: Playground) -> Image.Image:
    """What is on the screen."""
    return Image.open(io.BytesIO(playground.page.screenshot()))


@contextmanager
def on_a_desk(browser: Browser, url: str, scheme: str) -> Iterator[Playground]:
    """By day or by night."""
    with opened(browser, url, Told(), viewport=DESK, color_scheme=scheme) as desk:
        yield desk


def completed(desk: Playground) -> None:
    """An edit whose connection has dropped and come back, half compared with what was before."""
    desk.take("A portrait")
    desk.button("Drop the connection").click()
    desk.ask("golden hour, a strong vignette")
    desk.await_end()
    desk.page.get_by_label("Compare with before").fill("45")
    desk.page.mouse.move(5, 5)


def painting(phone: Playground) -> None:
    """A mask over the spoon."""
    phone.take("A cup of coffee")
    phone.paint((0.66, 0.30), (0.62, 0.60), (0.58, 0.72), size=34)
    phone.prompt.fill("remove the object under the mask")


def readme_picture(browser: Browser, url: str) -> Image.Image:
    """Both screens side by side."""
    with on_a_desk(browser, url, "light") as desk:
        completed(desk)
        left = seen(desk)
    with opened(browser, url, Told(), viewport=PHONE, color_scheme="dark", has_touch=True) as phone:
        painting(phone)
        right = seen(phone)
    made = Image.new("RGB", (left.width + GAP_PX + right.width, left.height), "white")
    made.paste(left, (0, 0))
    made.paste(right, (left.width + GAP_PX, 0))
    return made


def others(browser: Browser, url: str, folder: Path) -> None:
    """For whoever works on the page."""
    for scheme in ("light", "dark"):
        with on_a_desk(browser, url, scheme) as desk:
            seen(desk).save(folder / f"empty-{scheme}.png")
            painting(desk)
            seen(desk).save(folder / f"painting-{scheme}.png")
            completed_again(desk, folder / f"completed-{scheme}.png")
            desk.ask("add a red hat to the person")
            desk.page.locator("#trouble").wait_for()
            seen(desk).save(folder / f"trouble-{scheme}.png")


def completed_again(desk: Playground, path: Path) -> None:
    """Of what was painted."""
    desk.edit.click()
    desk.await_end()
    seen(desk).save(path)


if __name__ == "__main__":
    with serving(offering()) as server, chromium() as launched:
        readme_picture(launched, server.url).save(PICTURE, quality=QUALITY, method=6)
        if len(sys.argv) > 1:
            others(launched, server.url, Path(sys.argv[1]))
