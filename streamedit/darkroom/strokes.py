"""What drawings and paintings are made of: the flow of a picture's shapes, flat tones, lines, paper and hatching."""

from collections.abc import Callable
from typing import TypeAlias

import cv2
import numpy as np

from streamedit.darkroom.canvas import Brief, Operation, retouching
from streamedit.darkroom.memory import tidied_for
from streamedit.darkroom.optics import banded, floats, luma, noise, side, soft
from streamedit.darkroom.photograph import Floats

_SHEET_PX = 5 << 18
"""Of what is drawn on: a larger picture is drawn in a smaller copy, or a drawing would take seconds and gigabytes."""

_PAINTED = 0.65
"""Of the pixels of a picture: a painting's finest brush is still three of them wide."""

_SMALL_PX = 1 << 18
"""A picture with fewer pixels is not made smaller."""

Drawing: TypeAlias = Callable[[Floats, Brief], Callable[[float], Floats]]
"""A picture and how to draw it, to the drawing when so much of it is done."""


def drawn(drawing: Drawing) -> Operation:
    """A drawing of a picture, laid over it by the amount."""

    def retouch(rgb: Floats, brief: Brief) -> Callable[[float], Floats]:
        draw = drawing(_sheet(rgb, _PAINTED), brief)
        return lambda part: laid_over(rgb, draw(part), brief.amount)

    return retouching(retouch)


def at_once(draw: Callable[[Floats, Brief], Floats]) -> Operation:
    """A drawing without steps of its own: a part of it is so much of it laid over the picture."""

    def retouch(rgb: Floats, brief: Brief) -> Callable[[float], Floats]:
        finished = draw(_sheet(rgb), brief)
        return lambda part: laid_over(rgb, finished, brief.amount * part)

    return retouching(retouch)


def laid_over(rgb: Floats, drawing: Floats, amount: float) -> Floats:
    """A drawing, of whatever size, over a picture."""
    height, width = rgb.shape[:2]
    tidied_for(rgb.nbytes)
    if drawing.shape == rgb.shape:
        return banded(lambda band, over: floats(cv2.addWeighted(band, 1 - amount, over, amount, 0)), rgb, drawing)
    across, down = drawing.shape[1] / width, drawing.shape[0] / height

    def work(band: Floats, rows: Floats) -> Floats:
        # enlarged a band at a time: a whole one would take as much room as the picture
        place = np.array([[across, 0, across / 2 - 0.5], [0, down, (float(rows[0, 0]) + 0.5) * down - 0.5]])
        flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        over = cv2.warpAffine(drawing, place, (width, len(band)), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        return floats(cv2.addWeighted(band, 1 - amount, over, amount, 0, dst=over))

    return banded(work, rgb, np.arange(height, dtype=np.float32)[:, None])


def _sheet(rgb: Floats, share: float = 1.0) -> Floats:
    height, width = rgb.shape[:2]
    shrink = max(_SMALL_PX, min(_SHEET_PX, share * height * width)) / (height * width)
    shrink **= 0.5
    if shrink >= 1:
        return rgb
    return floats(cv2.resize(rgb, (round(width * shrink), round(height * shrink)), interpolation=cv2.INTER_AREA))


def flow(light: Floats, sigma_px: float) -> Floats:
    """Which way the shapes of a picture run: x and y of a unit vector along them, at each pixel (structure tensor)."""
    height, width = light.shape
    shrink = max(1.0, sigma_px / 3)
    size = (max(1, round(width / shrink)), max(1, round(height / shrink)))
    small = cv2.resize(light, size, interpolation=cv2.INTER_AREA)
    x, y = (floats(cv2.Scharr(small, cv2.CV_32F, *order)) for order in ((1, 0), (0, 1)))
    tensor = floats(cv2.merge([x * x - y * y, 2 * x * y]))
    # where there are no shapes near, those farther away lead
    tensor = soft(tensor, sigma_px / shrink) + soft(tensor, 5 * sigma_px / shrink) * np.float32(0.15)
    doubled = cv2.split(cv2.resize(tensor + np.float32(1e-9), (width, height)))
    angle = cv2.phase(doubled[0], doubled[1]) / 2 + np.float32(np.pi / 2)
    return floats(cv2.merge(cv2.polarToCart(np.ones_like(angle), angle)))


def along(pixels: Floats, way: Floats, reach_px: float) -> Floats:
    """Blurred along a flow, by about so many pixels each way: steps that double follow its bends."""
    x, y = cv2.split(way)
    across, down = cv2.split(grid(way))
    for step_px in _doubling(reach_px):
        ahead, behind = (
            cv2.remap(
                pixels,
                cv2.scaleAdd(x, step, across),
                cv2.scaleAdd(y, step, down),
                cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REFLECT,
            )
            for step in (step_px, -step_px)
        )
        cv2.add(ahead, behind, dst=ahead)
        pixels = floats(cv2.addWeighted(ahead, 0.25, pixels, 0.5, 0, dst=ahead))
    return pixels


def moved(pixels: Floats, places: Floats) -> Floats:
    """At each pixel what is at another place."""
    x, y = cv2.split(places)
    return floats(cv2.remap(pixels, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT))


def grid(like: Floats) -> Floats:
    """x and y of each pixel."""
    height, width = like.shape[:2]
    return np.dstack(np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)))


def _doubling(reach_px: float) -> list[float]:
    rounds = max(1, round(np.log2(max(1.0, reach_px) + 1)))
    return [reach_px * 2.0 ** (index - rounds) for index in range(rounds)]


def flattened(rgb: Floats, radius_px: float) -> Floats:
    """Flat areas with clear edges: of eight neighbourhoods around a pixel, the smoother count (Kuwahara; Papari 2007)."""
    radius = max(1, round(radius_px))
    return banded(lambda band: _flat(band, radius), rgb, halo_px=2 * radius)


def _flat(rgb: Floats, radius: int) -> Floats:
    height, width = rgb.shape[:2]
    light, kernel = luma(rgb), (radius * 2 + 1, radius * 2 + 1)
    mean, bright = (cv2.blur(plane, kernel) for plane in (rgb, light))
    spread = np.maximum(0, cv2.blur(light * light, kernel) - bright * bright) * 1000 + np.float32(0.1)
    spread *= spread
    weight = cv2.divide(1.0, cv2.multiply(spread, spread))
    layers = cv2.merge([cv2.multiply(mean, cv2.merge([weight] * 3)), weight])
    layers = cv2.copyMakeBorder(layers, radius, radius, radius, radius, cv2.BORDER_REPLICATE)
    # the eight around a pixel: three above, three below, one at each side
    three = cv2.add(layers[:, :width], layers[:, radius : radius + width])
    cv2.add(three, layers[:, 2 * radius :], dst=three)
    total = cv2.add(three[:height], three[2 * radius :])
    middle = layers[radius : radius + height]
    cv2.add(total, middle[:, :width], dst=total)
    cv2.add(total, middle[:, 2 * radius :], dst=total)
    red, green, blue, weight = cv2.split(total)
    return floats(cv2.merge([cv2.divide(plane, weight) for plane in (red, green, blue)]))


def edges(light: Floats, way: Floats, sigma_px: float, sharpness: float) -> Floats:
    """The picture sharpened until it falls into light and dark, smooth along its shapes: the XDoG (Winnemoeller 2012)."""
    fine, broad = soft(light, sigma_px), soft(light, 1.6 * sigma_px)
    return along(floats(fine + sharpness * (fine - broad)), way, 3 * sigma_px)


def inked(response: Floats, level: float, hardness: float) -> Floats:
    """0 where ink is, 1 where none is, with soft rims: the threshold of the XDoG."""
    return floats(1 + np.tanh(np.minimum(0, response - np.float32(level)) * np.float32(hardness)))


def evened(light: Floats, share: float = 0.5) -> Floats:
    """Light with part of its large differences taken out: what is drawn is lit evenly."""
    wide = soft(light, side(light) / 10)
    return floats(light - share * (wide - wide.mean()))


def clouds(like: Floats, seed: int, size_px: float) -> Floats:
    """Normal noise in grains of about so many pixels."""
    height, width = like.shape[:2]
    grains = np.empty((max(2, round(height / max(1.0, size_px))), max(2, round(width / max(1.0, size_px)))), np.float32)
    return _normal(floats(cv2.resize(noise(grains, seed), (width, height), interpolation=cv2.INTER_CUBIC)))


def stretched(light: Floats) -> Floats:
    """From black to white, but for a few pixels."""
    small = light[:: max(1, light.shape[0] // 200), :: max(1, light.shape[1] // 200)]
    low, high = np.percentile(small, (1, 99))
    return floats((light - np.float32(low)) / np.float32(max(0.1, high - low)))


def tooth(like: Floats, seed: int, size_px: float) -> Floats:
    """The grain of paper: normal noise of two sizes."""
    return floats(cv2.addWeighted(clouds(like, seed, size_px), 0.75, clouds(like, seed + 1, 2.6 * size_px), 0.66, 0))


def hatching(like: Floats, seed: int, length_px: float, angle: float) -> Floats:
    """Strokes of a pencil all one way, as normal noise: a few long grains, turned."""
    height, width = like.shape[:2]
    diagonal, thick_px = float(np.hypot(height, width)), max(1.0, length_px / 14)
    columns, rows = int(diagonal * 4 / length_px) + 4, int(diagonal / thick_px) + 4
    grains = cv2.GaussianBlur(noise(np.empty((rows, columns), np.float32), seed), (0, 0), 1.2, None, 0.5)
    right, down = np.cos(angle) / length_px * 4, np.sin(angle) / thick_px
    turn = np.array([[right, -np.sin(angle) / length_px * 4, 0], [down, np.cos(angle) / thick_px, 0]])
    turn[:, 2] = np.array([columns, rows]) / 2 - turn[:, :2] @ np.array([width, height]) / 2
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return _normal(floats(cv2.warpAffine(grains, turn, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT)))


def _normal(plane: Floats) -> Floats:
    mean, deviation = cv2.meanStdDev(plane)
    scale = 1 / max(1e-6, deviation.item())
    return floats(cv2.addWeighted(plane, scale, plane, 0, -mean.item() * scale))
