"""Real photographs in memory, as the darkroom's operations take them."""

from pathlib import Path

import numpy as np
from PIL import Image

from streamedit.darkroom.photograph import Floats

_FOLDER = Path(__file__).parent / "photos"

NAMES = ("chelsea.png", "astronaut.jpg", "coffee.jpg")
"""A cat, a portrait with a flag, and a still life."""


def photograph(name: str) -> Floats:
    """One of them: RGB, 0..1."""
    with Image.open(_FOLDER / name) as image:
        return np.asarray(image.convert("RGB"), np.float32) / np.float32(255)
