"""A picture comes nearer to its reference, in numbers, and does not drown."""

import numpy as np
import pytest
from photographs import photograph

from streamedit.darkroom.canvas import Brief
from streamedit.darkroom.colours import oklab
from streamedit.darkroom.operations.reference import match_the_reference
from streamedit.darkroom.optics import luma
from streamedit.darkroom.photograph import Floats
from streamedit.errors import InvalidRequest


@pytest.mark.parametrize("reference", ["chelsea.png", "astronaut.jpg", "coffee.jpg"])
def test_a_picture_gets_the_colours_of_its_reference(rgb: Floats, reference: str) -> None:
    """Its mean colour in OKLab goes at least half of the way to the reference's."""
    other = photograph(reference)
    done = np.clip(match_the_reference(rgb, Brief(0.8, others=(other,)))(1.0), 0, 1)
    before, after, goal = (oklab(picture).reshape(-1, 3).mean(axis=0) for picture in (rgb, done, other))
    assert np.linalg.norm(after - goal) <= 0.5 * np.linalg.norm(before - goal) + 1e-3


def test_a_black_reference_does_not_drown_shadows() -> None:
    """The shadows of a picture keep half of their tones, though the reference is black by a quarter."""
    rgb, other = photograph("coffee.jpg"), photograph("astronaut.jpg")
    dark = luma(rgb) < 0.25
    done = np.clip(match_the_reference(rgb, Brief(0.8, others=(other,)))(1.0), 0, 1)
    assert luma(done)[dark].std() > 0.5 * luma(rgb)[dark].std()


def test_no_reference_is_told() -> None:
    """Without a second image the request is refused, with words that say what to send."""
    with pytest.raises(InvalidRequest, match="second image") as refusal:
        match_the_reference(photograph("coffee.jpg"), Brief())
    assert (refusal.value.detail.param, refusal.value.detail.code) == ("image", "image_required")
