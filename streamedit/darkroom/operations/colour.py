"""Colours: more or less of them, other ones, few of them, none, and those of another picture."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from streamedit.darkroom.canvas import Brief, Operation, retouching
from streamedit.darkroom.colours import (
    Curve,
    balance,
    curved,
    extremes,
    fitted,
    from_oklab,
    looked_up,
    oklab,
    scaled,
    small_copy,
    table,
    white,
)
from streamedit.darkroom.instructions import Colour
from streamedit.darkroom.optics import LUMA, banded, floats, grey, luma, smoothstep
from streamedit.darkroom.photograph import Floats
from streamedit.errors import InvalidRequest

Done: TypeAlias = Callable[[float], Floats]

Matrix: TypeAlias = NDArray[np.float64]

Step: TypeAlias = Callable[[Floats, float], Floats]
"""What becomes of a band of the picture at an amount."""

_SEPIA = np.array([[0.303, 0.592, 0.146], [0.251, 0.494, 0.121], [0.185, 0.363, 0.089]], np.float32)
"""The sepia of most editors, less bright and less green: its rows add up to more than 1 and would burn out the highlights."""

_MAGENTA: Colour = (1.0, 0.0, 1.0)
_TEAL: Colour = (0.0, 0.45, 0.5)
_ORANGE: Colour = (1.0, 0.62, 0.25)
_NAVY: Colour = (0.05, 0.07, 0.26)
_CREAM: Colour = (1.0, 0.91, 0.74)
_RED: Colour = (1.0, 0.0, 0.0)
_SKIN: Colour = (0.82, 0.58, 0.46)

_NEAR, _FAR = np.deg2rad(11), np.deg2rad(25)
"""Of hues in OKLab: what is the same colour, and what is another. Red and orange are 27 degrees apart."""

_MIRED = 110.0
"""How far all of the warmth goes, on the scale of photographers' filters (a million by kelvin): to lamps, or to a blue sky."""


def saturation(rgb: Floats, brief: Brief) -> Done:
    """-1 is grey. More of it goes first to what has little: full colours would only clip."""

    def step(band: Floats, amount: float) -> Floats:
        chroma = band - grey(luma(band))
        if amount < 0:
            return floats(cv2.addWeighted(band, 1, chroma, amount, 0))
        return fitted(floats(cv2.add(band, scaled(chroma, amount * (1.65 - _spread(band))))))

    return _stepwise(rgb, brief, step)


def vibrance(rgb: Floats, brief: Brief) -> Done:
    """More or less colour where there is little; skin, and what is vivid already, are nearly left alone."""

    def step(band: Floats, amount: float) -> Floats:
        chroma = band - grey(luma(band))
        spread = _spread(band)
        # greys stay grey: what colour they have is noise
        pale = (1 - spread) ** 2 * smoothstep(spread / 0.12) * (1 - 0.75 * smoothstep((_likeness(chroma, _SKIN) - 0.9) / 0.08))
        return fitted(floats(cv2.add(band, scaled(chroma, floats((2.0 if amount > 0 else 1.0) * amount * pale)))))

    return _stepwise(rgb, brief, step)


def warmth(rgb: Floats, brief: Brief) -> Done:
    """More: as if lit by a lamp. Less: as if lit by a blue sky. What is grey keeps its lightness."""
    return lambda part: curved(rgb, balance(white(1e6 / (1e6 / 6500 + _MIRED * brief.amount * part))))


def tint(rgb: Floats, brief: Brief) -> Done:
    """A veil of one colour (magenta, if none is told) that leaves light and dark as they are."""
    colour = _told(brief, _MAGENTA)

    def veil(light: Floats) -> Floats:
        return _ramp(light, colour) - light[:, None]

    return _veiled(rgb, brief, veil, 0.6)


def split_toning(rgb: Floats, brief: Brief) -> Done:
    """One colour in the shadows, another in the highlights (teal and orange, if none are told); light and dark stay."""
    dark, light_one = _two_told(brief, _TEAL, _ORANGE)

    def veil(light: Floats) -> Floats:
        high = smoothstep((light - 0.2) / 0.6)[:, None]
        return floats((_ramp(light, dark) - light[:, None]) * (1 - high) + (_ramp(light, light_one) - light[:, None]) * high)

    return _veiled(rgb, brief, veil, 0.55)


def duotone(rgb: Floats, brief: Brief) -> Done:
    """Two inks, the darker in the shadows (navy and cream, if none are told). One goes from black to paper."""
    told = brief.details.colours
    if len(told) == 1:
        return _inked(rgb, brief, lambda light: _ramp(floats(0.03 + 0.94 * light), told[0]))
    dark, light_one = sorted(told[:2] or (_NAVY, _CREAM), key=_light_of)
    return _inked(rgb, brief, lambda light: floats(np.outer(1 - light, dark) + np.outer(light, light_one)))


def hue(rgb: Floats, brief: Brief) -> Done:
    """All colours turned by so many degrees (40, if none are told), as light as before."""
    degrees = 40 * brief.amount if brief.details.number is None else brief.details.number

    def step(band: Floats, part: float) -> Floats:
        cos, sin = np.cos(np.deg2rad(degrees * part)), np.sin(np.deg2rad(degrees * part))
        turn = np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]], np.float32)
        return from_oklab(floats(cv2.transform(oklab(band), turn)))

    return lambda part: banded(lambda band: step(band, part), rgb)


def selective_colour(rgb: Floats, brief: Brief) -> Done:
    """One colour stays (red, if none is told), all else is grey. Skin is not red: it has not half of its colour."""
    asked = oklab(np.array([[_told(brief, _RED)]], np.float32))[0, 0, 1:]
    vivid = float(np.hypot(*asked))

    def step(band: Floats, amount: float) -> Floats:
        _, red, yellow = cv2.split(oklab(band))
        chroma = floats(cv2.magnitude(red, yellow))
        turned = np.arccos(np.clip((red * asked[0] + yellow * asked[1]) / np.maximum(chroma * vivid, 1e-6), -1, 1))
        enough = smoothstep((chroma / max(vivid, 0.04) - 0.34) / np.float32(0.2))
        near = smoothstep(floats((_FAR - turned) / (_FAR - _NEAR))) * enough
        return floats(cv2.add(band, scaled(floats(grey(luma(band)) - band), floats(amount * (1 - near)))))

    return _stepwise(rgb, brief, step)


def match_the_reference(rgb: Floats, brief: Brief) -> Done:
    """The request's second image tells the colours (the linear map that moves least: Pitié, Kokaram 2007) and the tones."""
    if not brief.others:
        raise InvalidRequest("To match a reference, send it as a second image.", param="image", code="image_required")
    ours, theirs = oklab(small_copy(rgb)).reshape(-1, 3), oklab(small_copy(brief.others[0])).reshape(-1, 3)
    least, tones = _least_moving(np.cov(ours.T), np.cov(theirs.T)), table(_tone_match(ours[:, 0], theirs[:, 0]))
    moved = np.column_stack([least, theirs.mean(axis=0) - least @ ours.mean(axis=0)]).astype(np.float32)

    def step(band: Floats, amount: float) -> Floats:
        before = oklab(band)
        light = cv2.extractChannel(before, 0)
        # white is white in most pictures: as one map for all colours it would take the opposite of a cast
        kept = 0.8 * amount * cv2.pow(light, 8)
        goal = cv2.insertChannel(looked_up(floats(light), tones), cv2.transform(before, moved), 0)
        share = cv2.merge([np.full_like(light, amount), amount - kept, amount - kept])
        return from_oklab(floats(before + (goal - before) * share))

    return _stepwise(rgb, brief, step)


def negative(rgb: Floats, brief: Brief) -> Done:
    """Light is dark and dark is light, each colour its opposite."""

    def step(band: Floats, amount: float) -> Floats:
        # the lights turn first, the shadows last: all at a time would be plain grey half way
        turned = smoothstep((luma(band) - 1 + 1.35 * amount) / np.float32(0.35))
        return floats(cv2.add(band, scaled(1 - 2 * band, turned)))

    return _stepwise(rgb, brief, step)


def solarise(rgb: Floats, brief: Brief) -> Done:
    """A print lit while it was developed (the Sabattier effect): the highlights turn dark, the mid-tones are lightest."""
    solar = table(_solar)

    def step(band: Floats, amount: float) -> Floats:
        light = luma(band)
        turned = floats(grey(looked_up(light, solar) - light) + band)
        return fitted(_mixed(band, _mixed(turned, looked_up(band, solar), 0.35), amount))

    return _stepwise(rgb, brief, step)


def black_and_white(rgb: Floats, brief: Brief) -> Done:
    """Rec. 709 luma; or through a filter of the colour told, as photographers do. A variation has a red or a blue filter."""
    weights = LUMA * np.float32(brief.character) ** np.array([4, 0, -4], np.float32)
    if brief.details.colours:
        weights = weights * (np.array([brief.details.colours[0]], np.float32) + 0.06)
    weights = weights / weights.sum()
    return _stepwise(rgb, brief, lambda band, amount: _mixed(band, grey(cv2.transform(band, weights)), amount))


def sepia(rgb: Floats, brief: Brief) -> Done:
    """Brown tones, as of an old print."""
    return _stepwise(rgb, brief, lambda band, amount: _mixed(band, floats(cv2.transform(band, _SEPIA)), amount))


COLOUR: Mapping[str, Operation] = MappingProxyType(
    {
        "saturation": retouching(saturation),
        "vibrance": retouching(vibrance),
        "warmth": retouching(warmth),
        "tint": retouching(tint),
        "hue": retouching(hue),
        "split toning": retouching(split_toning),
        "duotone": retouching(duotone),
        "negative": retouching(negative),
        "selective colour": retouching(selective_colour),
        "match the reference": retouching(match_the_reference),
        "solarise": retouching(solarise),
        "black and white": retouching(black_and_white),
        "sepia": retouching(sepia),
    }
)
"""By the names of the grammar's table."""


def _stepwise(rgb: Floats, brief: Brief, step: Step) -> Done:
    return lambda part: banded(lambda band: step(band, brief.amount * part), rgb)


def _mixed(rgb: Floats, goal: Floats, amount: float) -> Floats:
    return floats(cv2.addWeighted(rgb, 1 - amount, goal, amount, 0))


def _spread(rgb: Floats) -> Floats:
    """How vivid each pixel is: its greatest channel less its least."""
    most, least = extremes(rgb)
    return most - least


def _likeness(chroma: Floats, colour: Colour) -> Floats:
    """1 where a picture without its luma has the hue of a colour, 0 a quarter of the circle from there."""
    hue_of = np.array(colour, np.float32) - _light_of(colour)
    length = np.sqrt(floats(cv2.transform(chroma * chroma, np.ones((1, 3), np.float32))))
    return floats(cv2.transform(chroma, hue_of[None] / np.linalg.norm(hue_of)) / np.maximum(length, 1e-4))


def _light_of(colour: Colour) -> float:
    return float(LUMA[0] @ np.array(colour))


def _ramp(light: Floats, colour: Colour) -> Floats:
    """Black over a colour to white, each as light as it says."""
    inner = min(0.98, max(0.02, _light_of(colour)))
    chroma = np.array(colour) - _light_of(colour)
    room = np.minimum(light / inner, (1 - light) / (1 - inner))
    return floats(light[:, None] + np.outer(room, chroma))


def _solar(values: Floats) -> Floats:
    return floats(0.92 * np.abs(np.sin(np.pi * values**0.85)) ** 1.3)


def _told(brief: Brief, usual: Colour) -> Colour:
    return brief.details.colours[0] if brief.details.colours else usual


def _two_told(brief: Brief, first: Colour, second: Colour) -> tuple[Colour, Colour]:
    told = brief.details.colours
    return (told[0] if told else first), (told[1] if len(told) > 1 else second)


def _inked(rgb: Floats, brief: Brief, ink: Curve) -> Done:
    def curve(light: Floats) -> Floats:
        # a little more contrast: two inks have less of it than black and white
        return ink(floats(light - 0.075 * np.sin(2 * np.pi * light)))

    inks = table(curve)
    return _stepwise(rgb, brief, lambda band, amount: _mixed(band, looked_up(luma(band), inks), amount))


def _veiled(rgb: Floats, brief: Brief, veil: Curve, strength: float) -> Done:
    """Colour laid over a picture, by its light."""
    veils = table(veil)

    def step(band: Floats, amount: float) -> Floats:
        return fitted(floats(cv2.scaleAdd(looked_up(luma(band), veils), strength * amount, band)))

    return _stepwise(rgb, brief, step)


def _tone_match(ours: Floats, theirs: Floats) -> Curve:
    """To what is as dark among theirs, two thirds of the way: a reference that is mostly black would drown our shadows."""
    grid, shares = np.linspace(0, 1, 257), np.linspace(0, 1, 33)
    matched = np.interp(grid, np.quantile(ours, shares), np.quantile(theirs, shares))
    smooth = cv2.GaussianBlur(matched[None], (0, 0), 10, borderType=cv2.BORDER_REPLICATE)[0]
    return lambda values: floats(np.interp(values, grid, grid + 0.65 * (smooth - grid)))


def _least_moving(ours: Matrix, theirs: Matrix) -> Matrix:
    """The map from one covariance to another that moves colours least (Monge, Kantorovich), as far as noise allows."""
    ours, theirs = ours + np.eye(3) * 2e-5, theirs + np.eye(3) * 2e-5
    root, back = _spectral(ours, np.sqrt), _spectral(ours, lambda values: values**-0.5)
    least = back @ _spectral(root @ theirs @ root, np.sqrt) @ back
    return _spectral(least, lambda values: np.clip(values, 0.35, 1.7))


def _spectral(matrix: Matrix, change: Callable[[Matrix], Matrix]) -> Matrix:
    """A symmetric matrix with its eigenvalues changed."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    return np.asarray((vectors * change(np.maximum(values, 1e-12))) @ vectors.T)
