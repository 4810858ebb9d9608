"""The colours and the tones of another picture."""

from collections.abc import Callable
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from streamedit.darkroom.canvas import Brief, Done, stepwise
from streamedit.darkroom.colours import from_oklab, oklab
from streamedit.darkroom.copies import small_copy
from streamedit.darkroom.curves import Curve, looked_up, table
from streamedit.darkroom.optics import floats
from streamedit.darkroom.photograph import Floats
from streamedit.errors import InvalidRequest

Matrix: TypeAlias = NDArray[np.float64]


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

    return stepwise(rgb, brief, step)


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
