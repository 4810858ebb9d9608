"""The command on a terminal, as a picture for the README: a real edit in a real pty, its screen drawn by Chromium."""

import io
import re
import sys
import tempfile
from pathlib import Path
from shutil import copy, which

import pyte
from PIL import Image
from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.style import Style
from rich.terminal_theme import SVG_EXPORT_THEME
from rich.text import Text
from terminals import terminal

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "scripts" / "pictures" / "terminal.png"
PHOTO = ROOT / "tests" / "photos" / "astronaut.jpg"
COMMAND = ("edit", "astronaut.jpg", "golden hour, a strong vignette, film grain")
SIZE = (80, 40)
WIDTH_PX, SCALE = 900, 2


def screen() -> pyte.Screen:
    """What is to be seen after the edit."""
    with tempfile.TemporaryDirectory() as folder:
        copy(PHOTO, folder)
        with terminal(*COMMAND, size=SIZE, cwd=Path(folder), environ={"PYTHONPATH": str(ROOT)}) as running:
            if code := running.wait():
                raise RuntimeError(f"the command ended with {code}")
            return running.screen


def style(character: pyte.screens.Char) -> Style:
    """How one character is drawn."""
    colours = {
        name: None if colour == "default" else f"#{colour}" if len(colour) == 6 else {"brown": "yellow"}.get(colour, colour)
        for name, colour in (("color", character.fg), ("bgcolor", character.bg))
    }
    return Style(**colours, bold=character.bold)


def drawn(shown: pyte.Screen) -> str:
    """The screen as SVG, with the command that was typed above it."""
    console = Console(record=True, width=shown.columns, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    typed = " ".join(f'"{word}"' if " " in word else word for word in ("streamedit", *COMMAND))
    console.print(Text.assemble(("$ ", "green"), typed), soft_wrap=True)
    last = max(row for row, line in enumerate(shown.display) if line.strip())
    for row in range(last + 1):
        cells = [shown.buffer[row][column] for column in range(shown.columns)]
        console.print(Text.assemble(*((cell.data, style(cell)) for cell in cells)), no_wrap=True, crop=True)
    console.print()
    svg = console.export_svg(title="streamedit", theme=SVG_EXPORT_THEME)
    # It cuts the lowest pixels off each line, and with them what is underlined.
    return re.sub(r' clip-path="url\(#[\w-]+-line-\d+\)"', "", svg)


def taken(svg: str) -> Image.Image:
    """The SVG as Chromium shows it."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=which("chromium"), args=["--headless=new", "--no-sandbox"])
        page = browser.new_page(viewport={"width": 1100, "height": 1200}, device_scale_factor=SCALE)
        page.set_content(f"<style>body{{margin:0;width:1000px}}</style>{svg}")
        picture = page.locator("svg").screenshot(omit_background=True)
        browser.close()
    image = Image.open(io.BytesIO(picture))
    return image.resize(
        (image.width * WIDTH_PX // image.width, image.height * WIDTH_PX // image.width), Image.Resampling.LANCZOS
    )


if __name__ == "__main__":
    picture = taken(drawn(screen())).convert("RGBA")
    ground = Image.new("RGBA", picture.size, "white")
    ground.alpha_composite(picture)
    ground.convert("RGB").save(Path(sys.argv[1]) if sys.argv[1:] else PICTURE, optimize=True)
