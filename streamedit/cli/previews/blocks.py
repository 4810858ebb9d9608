"""Half blocks: two pixels in each character, one of its foreground, one of its background."""

from PIL import Image
from rich.color import Color
from rich.style import Style
from rich.text import Text

from streamedit.cli.previews.thumbnails import Cells, scaled

_UPPER_HALF = "\u2580"


def drawn(image: Image.Image, cells: Cells) -> Text:
    """A picture in `cells`, a line for each row. Who prints it takes the colours that are there."""
    small = scaled(image, cells.columns, cells.rows * 2)
    lines = [Text.assemble(*(_cell(small, x, 2 * row) for x in range(small.width))) for row in range(cells.rows)]
    return Text("\n").join(lines)


def _cell(image: Image.Image, x: int, y: int) -> tuple[str, Style]:
    return _UPPER_HALF, Style(color=_colour(image, x, y), bgcolor=_colour(image, x, y + 1))


def _colour(image: Image.Image, x: int, y: int) -> Color:
    pixel = image.getpixel((x, y))
    return Color.from_rgb(*pixel) if isinstance(pixel, tuple) else Color.default()
