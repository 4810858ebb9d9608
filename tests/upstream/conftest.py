"""What the tests of providers may use."""

import asyncio
from collections.abc import Callable, Mapping

import uvloop


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Each test runs on asyncio's own event loop, and on the one that serves in earnest."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
