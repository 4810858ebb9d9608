"""Where settings stand."""

import pickle
from pathlib import Path

import pytest

from streamedit.documents import ConfigError
from streamedit.sources import Source

OPEN = "model_list: [{model_name: mock, litellm_params: {model: mock}}]\n"
LOCKED = OPEN + "general_settings: {master_key: sk-1}\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A configuration without a key."""
    path = tmp_path / "config.yaml"
    path.write_text(OPEN)
    return path


def test_the_file_is_read_as_it_stands(file: Path) -> None:
    """Each reading sees what was written before it, in another process, too."""
    source = pickle.loads(pickle.dumps(Source(file, {}, "127.0.0.1")))
    assert source.read().api_keys == ()
    file.write_text(LOCKED)
    assert source.read().api_keys == ("sk-1",)


def test_without_a_file_there_is_the_environment() -> None:
    """The embedded providers, at least."""
    assert {"darkroom", "mock"} <= {route.model for route in Source(None, {}).read().routes.all}


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "editor.example"])
def test_nobody_opens_a_server_beyond_its_machine(file: Path, host: str) -> None:
    """Settings without a key are a mistake where others can come in, whenever they are read."""
    with pytest.raises(ConfigError, match="STREAMEDIT_API_KEY"):
        Source(file, {}, host).read()
    file.write_text(LOCKED)
    assert Source(file, {}, host).read().api_keys == ("sk-1",)
    assert Source(None, {"STREAMEDIT_API_KEY": "sk-2"}, host).read().api_keys == ("sk-2",)


def test_a_source_may_be_printed(file: Path) -> None:
    """The environment is full of secrets."""
    assert "canary" not in repr(Source(file, {"OPENAI_API_KEY": "canary"}))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "::1", "localhost", None])
def test_a_server_for_its_own_machine_may_be_open(file: Path, host: str | None) -> None:
    """And settings that nobody serves."""
    assert Source(file, {}, host).read().api_keys == ()


def test_a_file_that_cannot_be_read_is_a_mistake(tmp_path: Path) -> None:
    """It is told as all others are."""
    with pytest.raises(ConfigError, match=r"none\.yaml: No such file"):
        Source(tmp_path / "none.yaml", {}).read()
