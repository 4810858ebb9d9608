"""What tests of the darkroom may use."""

import pytest
from photographs import NAMES, photograph

from streamedit.darkroom.photograph import Floats


@pytest.fixture(params=NAMES)
def rgb(request: pytest.FixtureRequest) -> Floats:
    """Each of the three photographs."""
    return photograph(request.param)
