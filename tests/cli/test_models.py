"""`streamedit models`."""

import json
from pathlib import Path

import httpx
from commanded import command
from servers import RunningServer, serving, settings_of
from upstreams import json_answer, upstream

from streamedit.darkroom.repertoire import TABLE
from streamedit.targets import Target

CONFIG = """\
model_list:
  - {model_name: editor, litellm_params: {model: openai/gpt-image-2, api_key: sk-canary}}
  - {model_name: "flux/*", litellm_params: {model: "black_forest_labs/*", api_key: sk-canary}}
server: {default_model: editor}
"""


def cells(told: str) -> list[list[str]]:
    """The words of each line."""
    return [line.split() for line in told.splitlines() if line.strip() and "─" not in line]


def test_what_there_is_without_a_file() -> None:
    """The darkroom, which is the default, and the mock, with what they can do."""
    done = command("models")
    assert (done.exit_code, done.stderr) == (0, "")
    head, darkroom, mock = cells(done.stdout)
    assert head[:5] == ["Model", "Provider", "Streams", "Partials", "Mask"]
    assert darkroom == ["darkroom", "(default)", "darkroom", *["yes"] * 3, "1", "to", "16", "images", "png,", "jpeg,", "webp"]
    assert mock[:2] == ["mock", "mock"]


def test_the_models_of_a_file(tmp_path: Path) -> None:
    """Patterns, too; nobody is asked, no key is shown, and a server that the environment names is left alone."""
    file = tmp_path / "a.yaml"
    file.write_text(CONFIG)
    done = command("models", "--config", str(file), environ={"STREAMEDIT_SERVER": "http://127.0.0.1:1"})
    assert [row[0] for row in cells(done.stdout)[1:]] == ["editor", "flux/*"]
    assert "editor (default)" in done.stdout
    assert "canary" not in done.stdout + done.stderr


def test_here_it_says_what_a_server_says(server: RunningServer) -> None:
    """The same objects, but for the time."""
    there = json.loads(command("models", "--json", "--server", server.url).stdout)
    assert there == httpx.get(f"{server.url}/v1/models").json()
    here = json.loads(command("models", "--json").stdout)
    assert here["object"] == "list"
    assert here["data"] == [{name: value for name, value in each.items() if name != "created"} for each in there["data"]]


def test_a_hostile_server_says_nothing_to_the_terminal() -> None:
    """Neither by names nor by errors."""
    with upstream() as server:
        error = {"message": "m\x1b[2J", "type": "t", "param": "p\x1b[2J", "code": None}
        server.play([json_answer({"error": error}, "400 Bad Request")])
        done = command("models", "--server", server.url)
    assert done.exit_code == 1
    assert "\x1b" not in done.stderr and "m\ufffd[2J" in done.stderr


def test_one_in_full() -> None:
    """Of the darkroom all that it can do, each with an example."""
    told = command("models", "darkroom", environ={"COLUMNS": "200"}).stdout
    words = " ".join(told.split())
    assert "Refuses markup" in words
    for entry in TABLE:
        assert f"{entry.name} {entry.example}" in words
    assert json.loads(command("models", "mock", "--json").stdout)["id"] == "mock"


def test_what_goes_wrong(tmp_path: Path) -> None:
    """An unknown model: 1. A file with mistakes: 2. A server that is away: 4; one that does not let us in: 1."""
    assert (command("models", "nope").exit_code, command("models", "nope").stderr) == (
        1, "There is no model nope: darkroom, mock.\n"
    )  # fmt: skip
    assert command("models", "--config", str(tmp_path / "none.yaml")).exit_code == 2
    away = command("models", "--server", "http://127.0.0.1:1")
    assert (away.exit_code, away.stderr) == (4, "http://127.0.0.1:1 cannot be reached: Connection refused.\n")
    with serving(settings_of(Target("mock", "mock"), keys=("sk-right",))) as server:
        wrong = command("models", "--server", server.url, "--key", "sk-canary")
        right = command("models", "--server", server.url, environ={"STREAMEDIT_KEY": "sk-right"})
    assert (wrong.exit_code, right.exit_code) == (1, 0)
    assert "STREAMEDIT_KEY" in wrong.stderr and "canary" not in wrong.stderr
