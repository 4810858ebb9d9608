"""What looks like what: a soft guess at the subject that a small change of the picture changes little.

Every pixel has shares in a palette of the picture's own colours, sharpnesses and places. What is thought of a pixel is thought
of its colours too, and of its likes (expectation and maximisation, as in a mixture of Gaussians; Dempster 1977).
"""

import cv2
import numpy as np

from streamedit.darkroom.optics import floats
from streamedit.darkroom.photograph import Floats
from streamedit.darkroom.subjects.saliency import Saliency, places

_COLOURS = 40
_ROUNDS = 8

_LIGHT, _SHARP, _PLACE = 0.6, 8.0, 12.0
"""What lightness, the logarithm of sharpness and the place count beside a difference of colours (CIE Lab)."""

_BLUR = 5.0
"""How far apart in CIE Lab colours may be and share."""

_REACH = 3


def guesses(seen: Saliency) -> list[Floats]:
    """How likely each pixel is the subject's, in several ways: from what stands out, in the middle, or is a bust."""
    shares = _shares(seen)
    first = np.clip(2 * (seen.likely - seen.threshold) / max(0.1, seen.threshold), -2, 2)
    y, x = places(*seen.likely.shape)
    rim = np.where((y < -0.47) | ((np.abs(x) > 0.47) & (y < 0.1)), np.float32(-1.5), np.float32(0))
    odds = (1.5 * first, 0.7 * bust(y, x) + first + rim, 0.7 * _oval(y, x) + first + rim)
    return [_believed(floats(each), shares) for each in odds]


def bust(y: Floats, x: Floats) -> Floats:
    """Above 0 in the shape of a head and shoulders that leave the picture below."""
    half = 0.17 + 0.2 * _likely((y - 0.05) / 0.05)
    return floats(np.clip(np.minimum((half - np.abs(x)) * 8, (y + 0.40) * 10), -3, 1))


def _oval(y: Floats, x: Floats) -> Floats:
    return floats(np.clip(1.2 * (1 - ((y - 0.03) / 0.38) ** 2 - (x / 0.32) ** 2), -3, 1))


def _shares(seen: Saliency) -> Floats:
    """Of each pixel in each colour of the palette."""
    lab = cv2.cvtColor(cv2.GaussianBlur(seen.rgb, (0, 0), 0.5), cv2.COLOR_RGB2LAB)
    y, x = places(*seen.likely.shape)
    planes = [lab[..., :1] * _LIGHT, lab[..., 1:], seen.sharp * _SHARP, y * _PLACE, x * _PLACE]
    points = np.dstack(planes).reshape(seen.likely.size, -1).astype(np.float32)
    cv2.setRNGSeed(0)
    rounds = (cv2.TERM_CRITERIA_MAX_ITER, 8, 0.0)
    _, _, palette = cv2.kmeans(points, min(_COLOURS, len(points)), np.empty(0), rounds, 1, cv2.KMEANS_PP_CENTERS)
    apart = (palette**2).sum(axis=1) - 2 * points @ palette.T
    near = np.exp((apart.min(axis=1, keepdims=True) - apart) / (2 * _BLUR**2))
    near[near < 1e-4] = 0  # what is next to nothing takes a processor far longer than nothing
    return floats(near / near.sum(axis=1, keepdims=True))


def _believed(odds: Floats, shares: Floats) -> Floats:
    """What follows from the first odds (their logarithms), when likes and neighbours agree as far as they can."""
    likely = _likely(1.5 * odds)
    for _ in range(_ROUNDS):
        ahead, behind = likely.ravel() @ shares, (1 - likely).ravel() @ shares
        ratio = np.log((ahead / (ahead.sum() + 1e-6) + 1e-4) / (behind / (behind.sum() + 1e-6) + 1e-4))
        around = cv2.blur(likely, (2 * _REACH + 1, 2 * _REACH + 1))
        likely = _likely(1.6 * (shares @ ratio.astype(np.float32)).reshape(odds.shape) + 0.8 * odds + 3 * (2 * around - 1))
    return likely


def _likely(odds: Floats) -> Floats:
    return floats(1 / (1 + np.exp(-np.clip(odds, -30, 30))))
