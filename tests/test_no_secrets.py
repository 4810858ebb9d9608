"""Whatever is told of an edit, to whomever: never what is on the picture, who asked, or with which key."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from accounts import MASTER, at, bearer
from clients import PNG, post
from collector import Collector, collecting
from databases import KINDS, fresh_database
from moderations import KEY, moderating
from servers import RunningServer, server_of, serving
from typer.testing import CliRunner
from upstreams import Script, ScriptedUpstream, answer, completed, json_answer, partial, sized, upstream

from streamedit.cli import main
from streamedit.config import Settings
from streamedit.failures import Kind
from streamedit.health import CoolRules
from streamedit.keys import digest_of
from streamedit.routes import Route, Routes, Rules
from streamedit.routing import Policy
from streamedit.sinks import Otel, Webhook
from streamedit.targets import Target

SECRET = f"whsec_{base64.b64encode(b'canary-webhook-secret-32-bytes!!').decode()}"

CANARIES = (
    "canary-prompt", "canary-file", "canary-user", "canary-field", "canary-metadata", "canary-image", "canary-picture",
    "sk-canary-caller", "sk-canary-provider", "canary-extra-header", "canary-otel-key", "canary-hook-token", SECRET,
)  # fmt: skip
"""Each of them is in a request, an answer or the configuration below."""

_QUOTES = "canary-prompt sk-canary-provider sk-canary-caller"
_REFUSAL = {
    "error": {"message": f"No: {_QUOTES}", "type": f"type {_QUOTES}", "code": f"code {_QUOTES}", "param": "canary-prompt"}
}


@dataclass(frozen=True, slots=True)
class Observed:
    """A server with every sink there is, and its provider."""

    server: RunningServer
    provider: ScriptedUpstream
    receiver: ScriptedUpstream
    collector: Collector


@pytest.fixture
def observed(scripted: ScriptedUpstream) -> Iterator[Observed]:
    """Everything on."""
    with upstream() as receiver, collecting() as collector:
        receiver.play([sized(b"")])
        with serving(settings(scripted, receiver, collector)) as server:
            yield Observed(server, scripted, receiver, collector)


@pytest.mark.parametrize(
    ("scripts", "event"),
    [
        ([[answer(partial(image="canary-picture=="), completed("canary-picture=="))]], "completed"),
        ([[json_answer(_REFUSAL, "503 Service Unavailable")], [answer(completed("canary-picture=="))]], "completed"),
        ([[json_answer(_REFUSAL, "400 Bad Request")]], "failed"),
        ([[json_answer(_REFUSAL, "401 Unauthorized")]], "failed"),
        ([[sized(b"canary-picture")]], "failed"),
    ],
)
def test_nobody_is_told_what_is_secret(observed: Observed, scripts: list[Script], event: str) -> None:
    """A success, a fallback with a cooldown, and failures that quote prompt and keys: in log, metrics, traces and webhooks."""
    observed.provider.play(*scripts)
    server = observed.server
    post(server.edits_url, FIELDS, [("image", ("canary-file.png", PNG + b"canary-image", "image/png"))], HEADERS)
    server.wait_until_idle()
    metrics = httpx.get(f"{server.url}/metrics", headers=HEADERS).text
    assert observed.receiver.came.acquire(timeout=10)
    server.stop()
    webhooks = [str(asked) for asked in observed.receiver.asked]
    spans = [asked.body.decode("latin-1") for asked in observed.collector.scripted.asked]
    assert f"image_edit.{event}" in webhooks[0]
    assert "generate_content" in spans[0]
    assert "attempt ended" in server.log_text
    assert "streamedit_attempts_total{" in metrics
    told = "\n".join([server.log_text, metrics, *webhooks, *spans]).replace("/canary-hook-token", "")
    assert [canary for canary in CANARIES if canary in told] == []


FIELDS: dict[str, Any] = {
    "prompt": "canary-prompt",
    "user": "canary-user",
    "stream": "true",
    "partial_images": "1",
    "odd_field": "canary-field",
    "metadata": '{"who": "canary-metadata"}',
}
HEADERS = {"authorization": "Bearer sk-canary-caller", "x-litellm-spend-logs-metadata": '{"who": "canary-metadata"}'}


def settings(provider: ScriptedUpstream, receiver: ScriptedUpstream, collector: Collector) -> Settings:
    """Two models at one provider, the second of which takes over; a target cools down at its first failure."""
    cooling = Policy(cooling=CoolRules(60, 0, {Kind.INTERNAL: 0}))
    headers = {"extra_headers": {"x-more": "canary-extra-header"}}
    models = ("gpt-image-2", "gpt-image-1")
    routes = [
        Route(model, (Target("openai", model, "sk-canary-provider", provider.url, headers, model),), cooling)
        for model in models
    ]
    server = server_of(
        drain_timeout_s=0,
        otel=Otel(endpoint=collector.endpoint, headers={"x-key": "canary-otel-key"}),
        webhooks=(Webhook(url=f"{receiver.url}/canary-hook-token", secret=SECRET),),
    )
    return Settings(Routes(routes, models[0], Rules(fallbacks={models[0]: models[1:]})), server, ("sk-canary-caller",))


ACCOUNTS_CANARIES = ("canary-prompt", "canary-file", "canary-image", "canary-picture", KEY, "sk-canary-provider", MASTER)
"""Nobody is told these, whoever asks; nor what a key, a session or a database is opened by."""


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_is_told_what_opens_a_server(kind: str, tmp_path: Path, scripted: ScriptedUpstream) -> None:
    """Keys, digests, sessions, the moderation's key, the database's password: in log, metrics, answers, files and commands.

    Those who are made up by callers (end users, tags) are told to masters alone, and are in no log and no metrics.
    """
    scripted.serve(lambda _: [json_answer({"created": 1, "data": [{"b64_json": "canary-picture=="}]})])
    target = Target("openai", "gpt-image-2", "sk-canary-provider", scripted.url, id="t")
    folder = tmp_path / "ledger"
    with moderating() as played, fresh_database(kind, tmp_path) as plain:
        url = plain.replace("postgres@", "postgres:canary-password@")
        settings = at(url, target, moderation=played.settings(mode="pre_block"), ledger_folder=folder, user_header="x-who")
        with serving(settings) as server, httpx.Client(base_url=server.url) as client:
            master = bearer(MASTER)
            keys = [client.post("/v1/admin/keys", json={"name": f"{n}"}, headers=master).json() for n in range(3)]
            keys[1] |= client.post(f"/v1/admin/keys/{keys[1]['id']}/rotate", json={"grace_s": 60}, headers=master).json()
            client.delete(f"/v1/admin/keys/{keys[2]['id']}", headers=master)
            session = client.post("/admin/login", json={"key": MASTER})
            cookie = session.cookies["streamedit"]
            client.cookies.clear()
            client.post("/admin/login", json={"key": f"{MASTER}-wrong"})
            for key in keys:
                for prompt in ("canary-prompt", "canary-prompt violence"):
                    files = [("image", ("canary-file.png", PNG + b"canary-image", "image/png"))]
                    fields = {"prompt": prompt, "user": "canary-user", "tags": "canary-tag"}
                    post(server.edits_url, fields, files, {**bearer(key["key"]), "x-who": "canary-user"})
            server.wait_until_idle()
            told_masters = [client.get(path, headers=master).text for path in _MASTERS]
            told_keys = [
                client.get(path, headers=bearer(keys[0]["key"])).text for path in ("/metrics", "/v1/models", *_MASTERS[:2])
            ]
            server.stop()
        environ = {
            "STREAMEDIT_DATABASE_URL": url,
            "STREAMEDIT_API_KEY": MASTER,
            "XDG_DATA_HOME": str(tmp_path),
            "COLUMNS": "500",
        }
        commands = [CliRunner().invoke(main, line.split(), env=environ).output for line in _COMMANDS]
        kept = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()).decode("latin-1")
        assert all(file.stat().st_mode & 0o077 == 0 for file in tmp_path.rglob("*") if file.is_file())
    assert "canary-user" in told_masters[0]
    assert all(keys[0]["id"] in told for told in (*told_masters[2:4], commands[0]))
    assert "edit ended" in server.log_text
    secrets = [*ACCOUNTS_CANARIES, "canary-password", cookie, session.json()["csrf_token"], *(key["key"] for key in keys)]
    secrets += [digest_of(key["key"]).hex() for key in keys]
    told = "\n".join([server.log_text, *told_masters, *told_keys, *commands])
    assert [secret for secret in secrets if secret in told or secret in kept] == []
    assert [name for name in ("canary-user", "canary-tag") if name in server.log_text or name in told_keys[0]] == []


_MASTERS = (
    "/v1/usage?group_by=end_user,tag,key", "/v1/usage?format=csv", "/v1/admin/edits", "/v1/admin/keys", "/v1/admin/groups",
    "/v1/admin/end_users", "/v1/admin/overview", "/v1/admin/live", "/admin", "/openapi.json", "/admin/session",
)  # fmt: skip
_COMMANDS = ("keys list", "keys list --json", "usage --json", "usage --by end_user,tag", "doctor --online", "doctor --json")
