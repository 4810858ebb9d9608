"""How well the darkroom finds the subject where an outline was drawn by hand: a table of photographs and their variations.

Its figures are intersection over union: what the matte and the outline have in common, of both together.
"""

import sys
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

import cv2
import numpy as np
from photographs import NAMES, in_common, outline, photograph

from streamedit.darkroom.optics import floats
from streamedit.darkroom.photograph import Floats
from streamedit.darkroom.subjects.matting import subject

Vary: TypeAlias = Callable[[Floats], Floats]
"""Of a photograph, and of its outline."""


def matte_table() -> dict[str, dict[str, float]]:
    """For each photograph, and each of its variations, how much the matte has in common with the outline."""
    return {name: {way: _found(name, vary) for way, vary in VARIATIONS.items()} for name in NAMES}


def main() -> None:
    """Print the table, and its mean."""
    table = matte_table()
    sys.stdout.write(" " * 14 + "".join(f"{way:>8}" for way in VARIATIONS) + "    mean\n")
    for name, figures in table.items():
        row = [*figures.values(), float(np.mean(list(figures.values())))]
        sys.stdout.write(f"{name:14}" + "".join(f"{figure:8.3f}" for figure in row) + "\n")
    sys.stdout.write(f"mean {np.mean([list(figures.values()) for figures in table.values()]):.3f}\n")


def _found(name: str, vary: Vary) -> float:
    rgb, truth = (np.ascontiguousarray(vary(pixels)) for pixels in (photograph(name), outline(name)))
    return in_common(subject(floats(rgb)), floats(truth))


def _cropped(above: float, below: float, left: float, right: float) -> Vary:
    def crop(pixels: Floats) -> Floats:
        height, width = pixels.shape[:2]
        return pixels[round(above * height) : round((1 - below) * height), round(left * width) : round((1 - right) * width)]

    return crop


def _scaled(factor: float) -> Vary:
    return lambda pixels: floats(cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA))


def _tinted(red: float, green: float, blue: float) -> Vary:
    tint = np.array([red, green, blue], np.float32)
    return lambda pixels: pixels if pixels.ndim == 2 else floats(np.clip(pixels * tint, 0, 1))


def _compressed(pixels: Floats) -> Floats:
    if pixels.ndim == 2:
        return pixels
    _, coded = cv2.imencode(".jpg", cv2.convertScaleAbs(pixels, alpha=255), [cv2.IMWRITE_JPEG_QUALITY, 80])
    return floats(np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.float32) / 255)


def _noisy(pixels: Floats) -> Floats:
    if pixels.ndim == 2:
        return pixels
    return floats(np.clip(pixels + np.random.default_rng(0).normal(0, 0.04, pixels.shape), 0, 1))


VARIATIONS: Mapping[str, Vary] = MappingProxyType(
    {
        "itself": lambda pixels: pixels,
        "mirror": lambda pixels: pixels[:, ::-1],
        "-above": _cropped(0.1, 0, 0, 0),
        "-below": _cropped(0, 0.1, 0, 0),
        "-left": _cropped(0, 0, 0.1, 0),
        "-right": _cropped(0, 0, 0, 0.1),
        "-all": _cropped(0.1, 0.1, 0.1, 0.1),
        "half": _scaled(0.5),
        "twice": _scaled(2.0),
        "dark": _tinted(0.5, 0.5, 0.5),
        "warm": _tinted(1.15, 1.0, 0.8),
        "jpeg": _compressed,
        "noise": _noisy,
    }
)
"""By short names: what is done to a photograph before its subject is looked for."""

if __name__ == "__main__":
    main()
