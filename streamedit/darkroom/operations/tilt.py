"""How much a picture is tilted, by the straight lines in it."""

import cv2
import numpy as np

from streamedit.darkroom.copies import small_size
from streamedit.darkroom.optics import floats, luma
from streamedit.darkroom.photograph import Floats

_SIDE_PX = 800
_MOST_DEGREES = 8.0
_BIN_DEGREES = 0.1
_SHORTEST = 0.04
"""Shorter lines than this share of the longer side are hair and leaves."""

_ENOUGH = 0.8
"""Of lines that agree, added up; of photographs without a straight line in them some agree to half of that."""


def tilt(rgb: Floats) -> float:
    """By how many degrees the horizon and the verticals are turned clockwise; 0 where there are too few lines to tell."""
    angles, lengths = _lines(rgb)
    if not lengths.size:
        return 0.0
    bins = round(2 * _MOST_DEGREES / _BIN_DEGREES) + 1
    near = np.abs(angles) <= _MOST_DEGREES
    # the square: one long line tells more than many short ones
    votes, _ = np.histogram(angles[near], bins, (-_MOST_DEGREES - 0.05, _MOST_DEGREES + 0.05), weights=lengths[near] ** 2)
    votes = cv2.GaussianBlur(votes[None].astype(np.float32), (0, 0), 0.4 / _BIN_DEGREES, borderType=cv2.BORDER_CONSTANT)[0]
    best = _BIN_DEGREES * int(votes.argmax()) - _MOST_DEGREES
    agreeing = np.abs(angles - best) < 0.8
    if lengths[agreeing].sum() < _ENOUGH:
        return 0.0
    return float(np.average(angles[agreeing], weights=lengths[agreeing] ** 2))


def _lines(rgb: Floats) -> tuple[Floats, Floats]:
    """The angles of straight lines to the nearer axis, -45..45 degrees, and their lengths, the longer side being 1."""
    size = small_size(rgb, _SIDE_PX)
    small = cv2.convertScaleAbs(luma(floats(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA))), alpha=255)
    found = cv2.createLineSegmentDetector().detect(small)[0]
    ends = np.zeros((0, 4), np.float32) if found is None else found.reshape(-1, 4)
    x, y = ends[:, 2] - ends[:, 0], ends[:, 3] - ends[:, 1]
    lengths = np.hypot(x, y) / max(size)
    angles = (np.degrees(np.arctan2(y, x)) + 45) % 90 - 45
    long = lengths > _SHORTEST
    return angles[long].astype(np.float32), lengths[long].astype(np.float32)
