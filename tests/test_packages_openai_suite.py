"""OpenAI's own tests of its Python package, as its source distribution has them, pass against this server. See `packages`."""

import os
import re
import subprocess
from pathlib import Path

import packages
import pytest
from servers import serving, settings_of

from streamedit.targets import Target

OPENAI = "openai==3.54.0"
BESIDE = ("aiohttp==3.14.5", "pytest==9.2.0", "pytest-asyncio==1.5.0", "pytest-xdist==3.8.0", "inline-snapshot==0.36.1")
"""What its tests need beside the package itself."""


@pytest.fixture
def suite(long: bool) -> tuple[str, Path]:
    """An interpreter, and the folder from which the tests run."""
    return packages.python(long, "openai", OPENAI, *BESIDE), packages.source(long, "openai", OPENAI)


@pytest.mark.timeout(900)
def test_its_tests_of_edits_pass(suite: tuple[str, Path]) -> None:
    """All 40 that edit: sync, async, by aiohttp, loose and strict, with pictures that are none and fields that contradict."""
    interpreter, source = suite
    command = [interpreter, "-m", "pytest", "-q", "-n", "2", "tests/api_resources/test_images.py", "-k", "edit"]
    with serving(settings_of(Target("mock", "*", params={"mock_pace_s": 0}))) as server:
        environ = {**os.environ, "TEST_API_BASE_URL": f"{server.url}/v1"}
        done = subprocess.run(command, cwd=source, env=environ, capture_output=True, text=True, timeout=300, check=False)
        server.wait_until_idle()
        assert server.left_behind() == (0, 0)
    assert re.search(r"\b40 passed\b", done.stdout), done.stdout
    assert done.returncode == 0, done.stdout
