"""Every instruction of the darkroom's repertoire, done to a photograph: one small picture of all, or a large one of each.

`./scripts/darkroom_sheet` writes `scripts/pictures/darkroom.webp`; with `--each FOLDER` a PNG of each instruction there, and
with `--only NAME ...` those alone.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from streamedit.darkroom import files
from streamedit.darkroom.develop import Recipe, develop
from streamedit.darkroom.photograph import Floats, Photograph, Pixels
from streamedit.darkroom.repertoire import TABLE
from streamedit.darkroom.repertoire.entries import Entry
from streamedit.darkroom.words.grammar import parse

ROOT = Path(__file__).parent.parent
PHOTOS = ROOT / "tests" / "photos"
SHEET = ROOT / "scripts" / "pictures" / "darkroom.webp"
CELL_PX = (108, 84)
GAP_PX, LABEL_PX, COLUMNS = 5, 13, 11

PEOPLE, CAT, CUP = "astronaut.jpg", "chelsea.png", "coffee.jpg"
BEST_SHOWN_ON: Mapping[str, str] = {
    "recolour": CUP,
    "selective colour": PEOPLE,
    "straighten": CUP,
    "perspective": CUP,
    "crop": CUP,
    "dehaze": CUP,
    "erase": CAT,
    "feather": CAT,
    "invert the mask": CAT,
}
"""The others are shown on the cat and the astronaut in turn."""

BESIDE: Mapping[str, str] = {
    "feather": "feather the mask by 30 px, black and white",
    "invert the mask": "invert the mask, black and white",
    "replace the background": "replace the background with a sunset",
    "upscale": "crop to the subject, upscale 2x",
    "resize": "resize to 25%",
    "trim": "trim the plain borders",
}
"""Prompts that show more than the example does."""


def shown(row: Entry, at: int) -> Image.Image:
    """The picture that its prompt makes."""
    name = BEST_SHOWN_ON.get(row.name, (PEOPLE, CAT)[at % 2])
    photograph = files.decode((PHOTOS / name).read_bytes())
    others = tuple(files.decode_other((PHOTOS / each).read_bytes()) for each in (CUP, PEOPLE, CAT) if each != name)
    instructions = parse(BESIDE.get(row.name, row.example), masked=row.needs == "mask")
    mask = _mask(photograph) if row.needs == "mask" else None
    (made,) = develop(photograph, mask, Recipe(instructions, others=others), 0)
    return Image.fromarray(made.rgb if made.alpha is None else _on_checks(made.rgb, made.alpha))


def sheet(pictures: Sequence[tuple[str, Image.Image]]) -> Image.Image:
    """All of them in rows, with their names."""
    width, height = CELL_PX
    rows = -(-len(pictures) // COLUMNS)
    step_x, step_y = width + GAP_PX, height + LABEL_PX + GAP_PX
    made = Image.new("RGB", (COLUMNS * step_x + GAP_PX, rows * step_y + GAP_PX), "white")
    draw, font = ImageDraw.Draw(made), ImageFont.load_default(10)
    for at, (name, picture) in enumerate(pictures):
        x, y = GAP_PX + at % COLUMNS * step_x, GAP_PX + at // COLUMNS * step_y
        small = picture.copy()
        small.thumbnail(CELL_PX, Image.Resampling.LANCZOS)
        made.paste(small, (x + (width - small.width) // 2, y + (height - small.height) // 2))
        draw.text((x + width // 2, y + height + 2), name, "black", font, anchor="ma")
    return made


def _mask(photograph: Photograph) -> Floats:
    """The cat's nose and mouth."""
    width, height = photograph.size_px
    mask = np.zeros((height, width), np.float32)
    cv2.ellipse(mask, (round(width * 0.43), round(height * 0.56)), (width // 11, height // 8), 0, 0, 360, 1.0, -1)
    return mask


def _on_checks(rgb: Pixels, alpha: Pixels) -> NDArray[np.uint8]:
    """Transparency as editors show it."""
    y, x = np.indices(alpha.shape) // 12
    checks = np.where((y + x) % 2, 255, 215)[..., None]
    share = alpha[..., None] / 255
    return (rgb * share + checks * (1 - share)).astype(np.uint8)


def _pictures(only: Sequence[str]) -> Iterator[tuple[str, Image.Image]]:
    for at, row in enumerate(TABLE):
        if not only or row.name in only:
            yield row.name, shown(row, at)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=Path, metavar="FOLDER")
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME")
    options = parser.parse_args()
    made = list(_pictures(options.only))
    if options.each is not None:
        options.each.mkdir(parents=True, exist_ok=True)
        for name, picture in made:
            picture.save(options.each / f"{name.replace(' ', '-')}.png")
    elif not options.only:
        sheet(made).save(SHEET, quality=50, method=6)
