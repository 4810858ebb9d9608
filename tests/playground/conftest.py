"""A browser, and the playground in it.

Playwright's loop runs on this thread until a module is done, so that no test here may be asynchronous.
"""

from collections.abc import Iterator

import pytest
from browsers import Told, chromium
from playgrounds import PATIENCE_MS, Playground, opened
from playwright.sync_api import Browser, expect
from servers import RunningServer

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium."""
    with chromium() as launched:
        yield launched


@pytest.fixture
def told() -> Told:
    """What the page complains of: nothing so far."""
    return Told()


@pytest.fixture
def desk(browser: Browser, server: RunningServer, told: Told) -> Iterator[Playground]:
    """The playground on a desk."""
    with opened(browser, server, told) as playground:
        yield playground
