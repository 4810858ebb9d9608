"""What every test may use."""

from collections.abc import Iterator
from pathlib import Path

import packages
import pytest
from servers import RunningServer, serving, settings_of
from upstreams import ScriptedUpstream, upstream

from streamedit.targets import Target

PHOTOS = Path(__file__).parent / "photos"


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--long`: what takes its time runs as often as it was promised."""
    parser.addoption(
        "--long", action="store_true", help="run interleavings and kills in their full number, and clients of other makers"
    )


@pytest.fixture(scope="session")
def long(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--long"))


@pytest.fixture(scope="session")
def litellm(long: bool) -> str:
    return packages.python(long, "litellm", "litellm==1.106.2")


@pytest.fixture(scope="session")
def portkey(long: bool) -> str:
    return packages.python(long, "portkey", "portkey-ai==2.3.4", "requests==2.34.2")


@pytest.fixture(scope="session")
def node(long: bool) -> Path:
    return packages.node(long)


@pytest.fixture(scope="session")
def photos() -> Path:
    return PHOTOS


@pytest.fixture(scope="session")
def server() -> Iterator[RunningServer]:
    """darkroom and mock, as without a configuration; mock does not dawdle."""
    with serving(settings_of(Target("darkroom", "darkroom"), Target("mock", "mock", params={"mock_pace_s": 0}))) as running:
        yield running


@pytest.fixture
def scripted() -> Iterator[ScriptedUpstream]:
    with upstream() as running:
        yield running


@pytest.fixture
def relay(scripted: ScriptedUpstream) -> Iterator[RunningServer]:
    """A server whose only model is at the scripted upstream, with waits short enough to be waited for."""
    target = Target("openai", "gpt-image-2", "sk-upstream", scripted.url, {"organization": "org-1", "project": "proj-1"})
    with serving(settings_of(target, silence_s=0.5, connect_s=2, heartbeat_s=0.1, max_event_bytes=4 << 20)) as running:
        yield running
