"""Pictures, small enough for a terminal."""

import io

import pytest
from PIL import Image

from streamedit.cli.previews.thumbnails import Cells, opened, png


@pytest.mark.parametrize(
    ("size", "cells"),
    [((100, 100), (40, 20)), ((1000, 100), (60, 3)), ((100, 1000), (4, 20)), ((1, 5000), (1, 20)), ((300, 200), (60, 20))],
)
def test_a_picture_fits_with_its_proportions(size: tuple[int, int], cells: tuple[int, int]) -> None:
    """Characters are twice as high as wide; there is one at least."""
    fitting = Cells(60, 20).fitting(*size)
    assert (fitting.columns, fitting.rows) == cells


def test_transparency_is_chequered() -> None:
    """Opaque pixels are what they are."""
    image = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    image.paste((255, 0, 0, 255), (0, 0, 10, 10))
    shown = opened(png(image))
    assert shown is not None
    assert shown.getpixel((5, 5)) == (255, 0, 0)
    assert {shown.getpixel((x, 40)) for x in range(64)} == {(204, 204, 204), (153, 153, 153)}


def test_a_picture_is_upright() -> None:
    """As EXIF says."""
    encoded = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 20)).save(encoded, "JPEG", exif=exif)
    shown = opened(encoded.getvalue())
    assert shown is not None and shown.size == (20, 40)


@pytest.mark.parametrize("content", [b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", png(Image.new("RGB", (9, 9)))[:40]])
def test_what_cannot_be_read_is_not_shown(content: bytes) -> None:
    """And harms nobody."""
    assert opened(content) is None
