"""The command `streamedit`, started as a person starts it."""

import re
import signal
from pathlib import Path

import httpx
import pytest
from clients import post
from commands import refused, run, said, started

from streamedit import __version__


def test_without_a_file_and_keys_it_serves_the_embedded_providers() -> None:
    """darkroom and mock, darkroom the default, on loopback only, and it says so."""
    with started() as (process, url, lines):
        models = httpx.get(f"{url}/v1/models").json()["data"]
        third = said(process)
    assert [model["id"] for model in models] == ["darkroom", "mock"]
    assert lines[1].strip() == "models: darkroom, mock (default: darkroom)"
    assert "no API key" in third


def test_a_key_in_the_environment_brings_its_provider() -> None:
    """With OPENAI_API_KEY, OpenAI's models are listed, any other of its models is taken, and one is the default."""
    with started(OPENAI_API_KEY="sk-x", OPENAI_BASE_URL="http://127.0.0.1:9/v1") as (_, url, lines):
        models = [model["id"] for model in httpx.get(f"{url}/v1/models").json()["data"]]
        unreachable = post(f"{url}/v1/images/edits", {"model": "openai/gpt-image-3"})
    assert {"darkroom", "mock", "gpt-image-2", "openai/*"} <= set(models)
    assert "(default: gpt-image-2)" in lines[1]
    assert (unreachable.status, unreachable.error["code"]) == (502, "upstream_unreachable")


def test_a_litellm_configuration_is_served(tmp_path: Path) -> None:
    """`model_list` as LiteLLM writes it, keys from the environment, and what has no effect is told once."""
    file = tmp_path / "config.yaml"
    file.write_text(
        """
model_list:
  - model_name: editor
    litellm_params: {model: mock/any, mock_pace_s: 0, rpm: 5, stream_timeout: 5}
litellm_settings: {drop_params: true, cache: true}
general_settings: {master_key: os.environ/MASTER_KEY}
"""
    )
    with started("--config", str(file), MASTER_KEY="sk-master") as (process, url, _):
        third = said(process)
        edits = f"{url}/v1/images/edits"
        assert post(edits).status == 401
        assert post(edits, {"model": "editor"}, headers={"authorization": "Bearer sk-master"}).status == 200
    assert third == "ignored in the configuration: litellm_settings.cache, model_list[0].litellm_params.stream_timeout"


def test_without_a_key_it_does_not_listen_beyond_loopback() -> None:
    """An open server on every address is refused, with the way out."""
    assert "STREAMEDIT_API_KEY" in refused("--host", "0.0.0.0")


def test_all_mistakes_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    """Each mistake has a line of its own with file, line and place."""
    file = tmp_path / "bad.yaml"
    file.write_text("model_list:\n  - litellm_params: {model: 5}\n  - model_name: b\nserver:\n  hartbeat_s: 3\n")
    said = refused("--config", str(file))
    for place in (
        "bad.yaml:2: model_list[0].model_name",
        "bad.yaml:3: model_list[1].litellm_params",
        "bad.yaml:5: server.hartbeat_s",
    ):
        assert place in said


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    """No traceback."""
    assert "No such file" in refused("--config", str(tmp_path / "none.yaml"))


def test_a_port_that_is_taken_is_told() -> None:
    """No traceback."""
    with started() as (_, url, _lines):
        assert "Cannot listen" in refused("--port", url.rpartition(":")[2])


def test_sigterm_lets_a_running_stream_end(photos: Path) -> None:
    """After SIGTERM the stream goes on to its completed event, nothing new is accepted, and the process ends."""
    fields = {"model": "mock", "mock_pace_s": "0.3", "partial_images": "2", "prompt": "p", "stream": "true"}
    with started() as (process, url, _), (photos / "coffee.jpg").open("rb") as image:
        with httpx.stream("POST", f"{url}/v1/images/edits", data=fields, files={"image": image}, timeout=60) as stream:
            pieces = stream.iter_bytes()
            shown = next(pieces)
            process.send_signal(signal.SIGTERM)
            shown += b"".join(pieces)
        assert re.findall(rb"^event: image_edit\.(\w+)$", shown, re.MULTILINE) == [b"partial_image"] * 2 + [b"completed"]
        assert process.wait(30) in (0, -signal.SIGTERM)
        with pytest.raises(httpx.ConnectError):
            httpx.get(url)


def test_sigterm_ends_a_stream_that_hangs(tmp_path: Path, photos: Path) -> None:
    """What does not end within the drain time ends with an error event that says why, and the process ends."""
    file = tmp_path / "short.yaml"
    file.write_text("model_list: [{model_name: mock, litellm_params: {model: mock}}]\nserver: {drain_timeout_s: 0.2}\n")
    fields = {"mock_fault": "hang", "mock_partials": "1", "prompt": "p", "stream": "true"}
    with (
        started("--config", str(file)) as (process, url, _),
        (photos / "coffee.jpg").open("rb") as image,
        httpx.stream("POST", f"{url}/v1/images/edits", data=fields, files={"image": image}, timeout=60) as stream,
    ):
        pieces = stream.iter_bytes()
        assert next(pieces).startswith(b"event: image_edit.partial_image")
        process.send_signal(signal.SIGTERM)
        last = b"".join(pieces)
        assert last.startswith(b"event: error\ndata: ") and b"server_shutting_down" in last
        assert process.wait(30) in (0, -signal.SIGTERM)


def test_the_version_is_told() -> None:
    """`--version` prints the package's version."""
    assert run("--version").stdout.strip() == __version__


@pytest.mark.parametrize("arguments", [[], ["--help"], ["serve", "--help"]])
def test_help_is_there(arguments: list[str]) -> None:
    """With nothing to do, the command tells what it could do."""
    done = run(*arguments)
    assert "Usage" in done.stdout + done.stderr
