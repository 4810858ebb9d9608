"""Whatever is told of an edit, to whomever: never what is on the picture, who asked, or with which key."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from clients import PNG, post
from collector import Collector, collecting
from servers import RunningServer, serving
from upstreams import Script, ScriptedUpstream, answer, completed, json_answer, partial, sized, upstream

from streamedit.config import ServerSettings, Settings
from streamedit.failures import Kind
from streamedit.health import CoolRules
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
    server = ServerSettings(
        drain_timeout_s=0,
        otel=Otel(endpoint=collector.endpoint, headers={"x-key": "canary-otel-key"}),
        webhooks=(Webhook(url=f"{receiver.url}/canary-hook-token", secret=SECRET),),
    )
    return Settings(Routes(routes, models[0], Rules(fallbacks={models[0]: models[1:]})), server, ("sk-canary-caller",))
