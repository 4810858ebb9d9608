"""What can be said of attempts together."""

from dataclasses import replace

import pytest
from reports import ATTEMPT

from streamedit.records import retries_of


@pytest.mark.parametrize(
    ("attempts", "retries"),
    [
        ([], 0),
        ([(0, 1)], 0),
        ([(0, 1), (0, 1), (0, 2)], 1),
        ([(0, 1), (1, 1), (1, 1), (0, 1), (0, 1)], 3),
    ],
)
def test_retries_are_more_attempts_at_the_same(attempts: list[tuple[int, int]], retries: int) -> None:
    """At one image, of one model: another image's call is none, and another model is a fallback."""
    made = [replace(ATTEMPT, image_index=image_index, stage=stage) for image_index, stage in attempts]
    assert retries_of(made) == retries
