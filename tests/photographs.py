"""Real photographs in memory, as the darkroom's operations take them, and where their subjects are."""

from pathlib import Path

import numpy as np
from PIL import Image

from streamedit.darkroom.photograph import Floats

_FOLDER = Path(__file__).parent

NAMES = ("chelsea.png", "astronaut.jpg", "coffee.jpg")
"""A cat, a portrait with a flag, and a still life."""


def photograph(name: str) -> Floats:
    """One of them: RGB, 0..1."""
    with Image.open(_FOLDER / "photos" / name) as image:
        return np.asarray(image.convert("RGB"), np.float32) / np.float32(255)


def outline(name: str) -> Floats:
    """Where the subject of one is, drawn by hand: 1, else 0."""
    with Image.open(_FOLDER / "mattes" / f"{Path(name).stem}.png") as image:
        return np.asarray(image.convert("1"), np.float32)


def in_common(matte: Floats, truth: Floats) -> float:
    """What a matte and an outline have in common, of both together: intersection over union."""
    one, other = matte > 0.5, truth > 0.5
    return float((one & other).sum() / max(1, (one | other).sum()))
