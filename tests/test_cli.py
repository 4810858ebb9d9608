"""The command `streamedit`, started as a person starts it."""

import json
import re
import signal
from pathlib import Path

import httpx
import pytest
from clients import post
from commanded import command
from commands import refused, run, said, started
from upstreams import json_answer, upstream

from streamedit.version import __version__


def test_without_a_file_and_keys_it_serves_the_embedded_providers() -> None:
    """darkroom and mock, darkroom the default, on loopback only, and it says so."""
    with started() as (process, url, lines):
        models = httpx.get(f"{url}/v1/models").json()["data"]
        third = said(process)
    assert [model["id"] for model in models] == ["darkroom", "mock"]
    assert lines[0].endswith(f" listens on {url} (open it in a browser)\n")
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


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("sqlite:///{folder}/a.txt", "file is not a database"),
        ("sqlite:////proc/streamedit/a.db", "No such file or directory: /proc/streamedit"),
        ("sqlite:///{folder}", "Is a directory"),
        ("postgresql://u:canary@127.0.0.1:1/d", "Connection refused"),
    ],
)
def test_a_database_that_cannot_be_had_is_told(tmp_path: Path, url: str, why: str, workers: int) -> None:
    """Before anything listens, in one line that says which and why, without the password."""
    (tmp_path / "a.txt").write_text("no database\n" * 1000)
    file = tmp_path / "config.yaml"
    file.write_text(
        f"""
model_list: [{{model_name: mock, litellm_params: {{model: mock}}}}]
server: {{database_url: '{url.format(folder=tmp_path)}', ledger_folder: '{tmp_path / "ledger"}', redis_url: 'redis://none/0'}}
"""
    )
    (line,) = refused("--config", str(file), "--workers", str(workers)).splitlines()
    assert line.startswith("The database ") and why in line
    assert "canary" not in line


def test_a_ledger_folder_that_cannot_be_had_is_told(tmp_path: Path) -> None:
    """In the same way; what was tried leaves nothing behind."""
    (tmp_path / "taken").touch()
    database = f"database_url: 'sqlite:///{tmp_path / 'a.db'}'"
    file = tmp_path / "config.yaml"
    file.write_text(
        f"""
model_list: [{{model_name: mock, litellm_params: {{model: mock}}}}]
server: {{{database}, ledger_folder: '{tmp_path / "taken"}'}}
"""
    )
    (line,) = refused("--config", str(file)).splitlines()
    assert line == f"The ledger's folder cannot be used: File exists: {tmp_path / 'taken'}."


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


def test_check_says_what_a_configuration_says(tmp_path: Path) -> None:
    """Its models with their targets in order, the default, how many keys open it, what is ignored; and exit code 0."""
    done = command("check", str(written(tmp_path, VALID)))
    assert (done.exit_code, done.stderr) == (0, "")
    lines = done.stdout.replace(str(tmp_path), ".").splitlines()
    assert [" ".join(line.split()) for line in lines if line.strip("─ ")] == [
        "./config.yaml: no mistakes",
        "Model Targets Fallbacks",
        "editor openai/gpt-image-2 or openai/[bold] mock/spare",
        "mock/* mock/*",
        "Default model editor",
        "Aliases old: editor",
        "API keys 1",
        "Database postgresql://db.example/streamedit",
        "Limits 2",
        "Budgets 1",
        "Ignored langfuse, model_list[0].litellm_params.tpd",
    ]


def test_check_says_that_anybody_may_come_in(tmp_path: Path) -> None:
    """Without a key, how far."""
    done = command("check", str(written(tmp_path, "model_list: [{model_name: mock, litellm_params: {model: mock}}]\n")))
    assert "none: open to everybody on its machine, and to nobody beyond it" in done.stdout
    assert "Ignored" not in done.stdout


def test_check_tells_all_mistakes(tmp_path: Path) -> None:
    """Each in its line, as `serve` tells them, though a line's number may be an emoji's name; and exit code 1."""
    file = written(tmp_path, f"{'#' * 10}\n" * 99 + BAD)
    done = command("check", str(file))
    assert (done.exit_code, done.stdout) == (1, "")
    assert [line.partition(" ")[0] for line in done.stderr.splitlines()] == ["config.yaml:100:", "config.yaml:101:"]
    assert done.stderr == refused("--config", str(file))


@pytest.mark.parametrize("name", ["none.yaml", "."])
def test_check_tells_what_cannot_be_read(tmp_path: Path, name: str) -> None:
    """No traceback, and exit code 1."""
    done = command("check", str(tmp_path / name))
    assert (done.exit_code, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)


def test_check_speaks_json(tmp_path: Path) -> None:
    """The same in one object on stdout, for scripts."""
    file = written(tmp_path, VALID)
    done = command("check", "--json", str(file))
    assert (done.exit_code, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {
        "file": str(file),
        "valid": True,
        "mistakes": [],
        "models": [
            {"model": "editor", "targets": ["openai/gpt-image-2", "openai/[bold]"], "fallbacks": ["mock/spare"]},
            {"model": "mock/*", "targets": ["mock/*"], "fallbacks": []},
        ],
        "aliases": {"old": "editor"},
        "default_model": "editor",
        "api_keys": 1,
        "database": "postgresql://db.example/streamedit",
        "limits": 2,
        "budgets": 1,
        "ignored": ["langfuse", "model_list[0].litellm_params.tpd"],
    }


def test_check_speaks_json_of_mistakes(tmp_path: Path) -> None:
    """The mistakes are on stdout, and exit code 1."""
    file = written(tmp_path, BAD)
    done = command("check", "--json", str(file))
    assert (done.exit_code, done.stderr) == (1, "")
    report = json.loads(done.stdout)
    assert (report["file"], report["valid"], len(report["mistakes"])) == (str(file), False, 2)


@pytest.mark.parametrize("as_json", [[], ["--json"]])
@pytest.mark.parametrize("text", ["VALID", "BAD", "SECRET"])
def test_check_prints_no_secret(tmp_path: Path, text: str, as_json: list[str]) -> None:
    """Neither keys nor addresses nor what stands at a wrong place."""
    done = command("check", *as_json, str(written(tmp_path, {"VALID": VALID, "BAD": BAD, "SECRET": SECRET}[text])))
    assert "canary" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_check_opens_no_connection(tmp_path: Path) -> None:
    """What a configuration names is not asked: neither Redis nor a provider needs to be there."""
    with upstream() as anybody:
        models = f"model_list: [{{model_name: m, litellm_params: {{model: openai/m, api_key: k, api_base: {anybody.url}}}}}]\n"
        done = command(
            "check", str(written(tmp_path, f"{models}server: {{redis_url: 'redis://127.0.0.1:{anybody.port}/0'}}\n"))
        )
        assert (done.exit_code, anybody.connections) == (0, 0)


def written(folder: Path, text: str) -> Path:
    """A configuration with this text."""
    file = folder / "config.yaml"
    file.write_text(text)
    return file


VALID = """\
model_list:
  - model_name: editor
    litellm_params: {model: openai/gpt-image-2, api_key: sk-canary-1, api_base: "https://u:canary@h/v1?key=canary", tpd: 5}
  - model_name: editor
    litellm_params: {model: "openai/[bold]", api_key: sk-canary-2, extra_headers: {x-key: canary-3}}
  - model_name: "mock/*"
    litellm_params: {model: "mock/*"}
langfuse: {secret_key: canary}
router_settings: {fallbacks: [{editor: [mock/spare]}], model_group_alias: {old: editor}}
general_settings: {master_key: sk-canary-master, token_secret: canary}
server:
  redis_url: "redis://:canary@127.0.0.1:1/0"
  database_url: "postgresql://canary:canary@db.example/streamedit?password=canary"
  limits: {parallel_edits: 100}
  key_defaults: {limits: {parallel_edits: 4}, budgets: [{limit_usd: 10, period: 1mo}]}
"""

BAD = """\
model_list: [{model_name: b}]
server: {heartbeat_s: -3}
general_settings: {master_key: sk-canary}
"""

SECRET = """\
model_list:
  - {model_name: m, litellm_params: {model: openai/m, api_key: [canary-1], api_base: {canary: 1}}}
general_settings: {master_key: {k: canary}, token_secret: !!int canary}
server: {redis_url: "http://:canary@h", database_url: "mysql://canary@h/d", public_base_url: "ftp://canary/", cors_origins: ["https://canary/x"]}
"""


def test_the_version_is_told() -> None:
    """`--version` prints the package's version."""
    assert run("--version").stdout.strip() == __version__


@pytest.mark.parametrize("arguments", [[], ["--help"], ["serve", "--help"], ["check", "--help"]])
def test_help_is_there(arguments: list[str]) -> None:
    """With nothing to do, the command tells what it could do."""
    done = command(*arguments)
    assert "Usage" in done.stdout + done.stderr


def test_what_others_warn_of_is_in_the_log_like_the_rest() -> None:
    """One JSON object a line, with the level, the time and who says so: here that a collector refuses traces."""
    with upstream() as collector:
        collector.play([json_answer({}, "400 Bad Request")])
        with started(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url) as (process, url, _):
            said(process)
            assert post(f"{url}/v1/images/edits", {"model": "mock"}).status == 200
            process.terminate()
            assert process.stderr is not None
            lines = [json.loads(line) for line in process.stderr]
    warning = next(line for line in lines if line.get("logger", "").startswith("opentelemetry."))
    assert warning.keys() == {"event", "level", "logger", "timestamp"}
    assert (warning["level"], "400" in warning["event"]) == ("error", True)
