"""Pictures, small enough for a terminal."""

import io
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageOps

_SQUARE_PX = 8
_LIGHT, _DARK = (204, 204, 204), (153, 153, 153)
_UNREADABLE = (OSError, ValueError, Image.DecompressionBombError)


@dataclass(frozen=True, slots=True)
class Cells:
    """A part of the screen, in characters, and what one of them measures in pixels."""

    columns: int
    rows: int
    width_px: int = 10
    height_px: int = 20

    def fitting(self, width_px: int, height_px: int) -> "Cells":
        """The largest part of this that has a picture's proportions."""
        scale = min(self.columns * self.width_px / width_px, self.rows * self.height_px / height_px)
        columns = max(round(width_px * scale / self.width_px), 1)
        rows = max(round(height_px * scale / self.height_px), 1)
        return Cells(columns, rows, self.width_px, self.height_px)

    @property
    def size_px(self) -> tuple[int, int]:
        return self.columns * self.width_px, self.rows * self.height_px


def opened(content: bytes) -> Image.Image | None:
    """A picture as it is shown, transparency as a chequered ground; None for what cannot be read."""
    try:
        with Image.open(io.BytesIO(content)) as image:
            image.draft("RGB", (1024, 1024))
            return _flattened(ImageOps.exif_transpose(image))
    except _UNREADABLE:
        return None


def scaled(image: Image.Image, width_px: int, height_px: int) -> Image.Image:
    """Of that size."""
    return image.resize((max(width_px, 1), max(height_px, 1)), Image.Resampling.BOX, reducing_gap=2.0)


def png(image: Image.Image) -> bytes:
    """As a file."""
    encoded = io.BytesIO()
    image.save(encoded, "PNG")
    return encoded.getvalue()


def _flattened(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image.convert("RGB")
    image = image.convert("RGBA")
    ground = Image.new("RGB", image.size, _LIGHT)
    draw = ImageDraw.Draw(ground)
    side = max(_SQUARE_PX, max(image.size) // 32)
    for top in range(0, image.height, side):
        for left in range(top // side % 2 * side, image.width, 2 * side):
            draw.rectangle((left, top, left + side - 1, top + side - 1), _DARK)
    ground.paste(image, mask=image.getchannel("A"))
    return ground
