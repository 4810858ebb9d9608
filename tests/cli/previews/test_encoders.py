"""What terminals are sent is the picture: each protocol's is decoded again."""

import numpy as np
import pytest
from cli.previews import decoders
from PIL import Image
from rich.color import ColorType
from rich.console import Console

from streamedit.cli.previews import blocks, iterm2, kitty, sixel
from streamedit.cli.previews.thumbnails import Cells

_CONSOLE = Console()


def noise(width_px: int, height_px: int) -> Image.Image:
    """A picture that does not compress."""
    return Image.fromarray(np.random.default_rng(7).integers(0, 256, (height_px, width_px, 3), np.uint8))


def waves(width_px: int, height_px: int) -> Image.Image:
    """A picture like any other."""
    y, x = np.mgrid[0:height_px, 0:width_px]
    layers = [128 + 100 * np.sin(x / 20), 128 + 100 * np.sin(y / 15), 128 + 100 * np.sin((x + y) / 30)]
    return Image.fromarray(np.stack(layers, axis=-1).astype(np.uint8))


@pytest.mark.parametrize("size", [(1, 1), (40, 30), (300, 200)])
def test_kitty(size: tuple[int, int]) -> None:
    """The pixels, in chunks; one number for all, so that the next takes its place, and a cursor that stays."""
    image = noise(*size)
    keys, decoded = decoders.kitty(kitty.encoded(image, Cells(20, 10), 77))
    assert decoded.convert("RGB").tobytes() == image.tobytes()
    told = {name: keys[name] for name in ("a", "f", "i", "p", "c", "r", "C", "q")}
    assert told == {"a": "T", "f": "100", "i": "77", "p": "1", "c": "20", "r": "10", "C": "1", "q": "2"}


def test_iterm2() -> None:
    """The pixels, in so many cells, inline."""
    image = noise(30, 20)
    keys, decoded = decoders.iterm2(iterm2.encoded(image, Cells(20, 10)))
    assert decoded.convert("RGB").tobytes() == image.tobytes()
    assert (keys["inline"], keys["width"], keys["height"], keys["doNotMoveCursor"]) == ("1", "20", "10", "1")


@pytest.mark.parametrize("size", [(1, 6), (7, 12), (200, 120), (33, 50)])
def test_sixel(size: tuple[int, int]) -> None:
    """Every pixel is drawn, and near enough: 255 colours, and levels in percent."""
    image = waves(*size)
    decoded = decoders.sixel(sixel.encoded(image))
    assert decoded.size == size
    drawn = np.asarray(decoded, np.float32)
    assert (drawn[..., 3] == 255).all()
    assert np.abs(drawn[..., :3] - np.asarray(image, np.float32)).mean() < 9


def test_sixel_tells_runs() -> None:
    """A plain picture takes no room."""
    text = sixel.encoded(Image.new("RGB", (600, 60), "#ff0000"))
    assert "!600~" in text and len(text) < 200
    assert decoders.sixel(text).getpixel((599, 59)) == (255, 0, 0, 255)


def test_blocks() -> None:
    """Each character's upper half is the foreground, the lower one the background."""
    image = noise(8, 6)
    text = blocks.drawn(image, Cells(8, 3))
    assert text.plain == "\n".join(["\u2580" * 8] * 3)
    for row in range(3):
        for column in range(8):
            style = text.get_style_at_offset(_CONSOLE, row * 9 + column)
            shown = [style.color and style.color.triplet, style.bgcolor and style.bgcolor.triplet]
            assert shown == [image.getpixel((column, 2 * row)), image.getpixel((column, 2 * row + 1))]
            assert style.color and style.color.type is ColorType.TRUECOLOR
