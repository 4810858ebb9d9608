"""Portkey's clients, seen from the other end of a socket: whose account makes the edit, after whom, and what they are told."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest
from clients import Answer, post
from servers import RunningServer, serving, settings_of
from upstreams import Hang, Script, ScriptedUpstream, answer, completed, json_answer, partial

from streamedit.config import Settings
from streamedit.health import CoolRules
from streamedit.portkey.configs import Config
from streamedit.routes import Route, Routes
from streamedit.routing import Policy
from streamedit.targets import Target

HOUSE = "sk-of-the-house-0123456789"
CALLERS = "sk-of-the-caller-0123456789"
KEY = "sk-streamedit-0123456789"
OK = [answer(completed())]
DATA_URL = "data:image/png;base64,iVBORw0KGgo="


def refusing(status: str, message: str = "no", **headers: str) -> Script:
    """An error of the provider's."""
    return [json_answer({"error": {"message": message, "code": "test"}}, status, **headers)]


def settings(scripted: ScriptedUpstream, *keys: str, **server: Any) -> Settings:
    """Two models of OpenAI's and one of Azure's, all at the played provider; targets cool down after one failure."""
    house = {"good": "gpt-image-2", "fast": "gpt-image-2-mini"}
    targets = {name: Target("openai", model, HOUSE, scripted.url, id=name) for name, model in house.items()}
    targets["blue"] = Target("azure", "blue", HOUSE, scripted.url.removesuffix("/v1"), id="blue")
    policy = Policy(cooling=CoolRules(cooldown_s=60, allowed_fails=0), patience_s=0)
    routes = Routes([Route(name, (target,), policy) for name, target in targets.items()], "good")
    return replace(settings_of(targets["good"], keys=keys, **server), routes=routes)


@contextmanager
def portkey(scripted: ScriptedUpstream, *keys: str, **server: Any) -> Iterator[RunningServer]:
    """A server of those settings."""
    with serving(settings(scripted, *keys, **server)) as running:
        yield running


@pytest.fixture
def gateway(scripted: ScriptedUpstream) -> Iterator[RunningServer]:
    """With keys of its own alone, open to everybody."""
    with portkey(scripted) as running:
        yield running


@pytest.fixture
def generous(scripted: ScriptedUpstream) -> Iterator[RunningServer]:
    """Where callers may use their own account with OpenAI, which is where the played provider is."""
    origin = scripted.url.removesuffix("/v1")
    with portkey(scripted, callers_keys=("openai",), custom_hosts={origin}) as running:
        yield running


def ask(server: RunningServer, fields: Mapping[str, Any] | None = None, /, **headers: Any) -> Answer:
    """POST an edit with Portkey's headers, written here without their prefix."""
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in headers.items()}
    named = {("" if name == "authorization" else "x-portkey-") + name.replace("_", "-"): text for name, text in texts.items()}
    return post(server.edits_url, fields, headers=named)


def model(name: str, /, **more: Any) -> dict[str, Any]:
    """A target of a config."""
    return {"provider": "openai", "override_params": {"model": name}, **more}


def asked(scripted: ScriptedUpstream) -> list[tuple[str | None, str]]:
    """The models that were asked for, with the keys that were used."""
    return [(each.field("model"), each.headers["authorization"].removeprefix("Bearer ")) for each in scripted.asked]


def test_a_provider_alone(gateway: RunningServer, scripted: ScriptedUpstream) -> None:
    """This server's own account there makes the edit; the answer tells Portkey's callers what they look for."""
    scripted.play(OK)
    answered = ask(gateway, provider="@openai", authorization=f"Bearer {CALLERS}", trace_id="t-1")
    assert answered.status == 200
    assert asked(scripted) == [("gpt-image-2", HOUSE)]
    told = {name: value for name, value in answered.headers.items() if name.startswith("x-portkey-")}
    assert told == {
        "x-portkey-provider": "@openai",
        "x-portkey-retry-attempt-count": "0",
        "x-portkey-last-used-option-index": "config",
        "x-portkey-trace-id": "t-1",
    }


def test_others_are_told_nothing_of_it(gateway: RunningServer, scripted: ScriptedUpstream) -> None:
    """Without a header of Portkey's there is none in the answer."""
    scripted.play(OK)
    assert not [name for name in post(gateway.edits_url).headers if name.startswith("x-portkey-")]


def test_a_model_of_a_provider(gateway: RunningServer, scripted: ScriptedUpstream) -> None:
    """By the name that it has here, or at the provider; `@provider/model` needs no header; Azure's is Azure's."""
    scripted.play(OK)
    for fields, headers in (
        ({"model": "fast"}, {"provider": "openai"}),
        ({"model": "gpt-image-2-mini"}, {"virtual_key": "openai"}),
        ({"model": "@openai/fast"}, {"trace_id": "t"}),
    ):
        assert ask(gateway, fields, **headers).status == 200
    assert asked(scripted) == [("gpt-image-2-mini", HOUSE)] * 3
    answered = ask(gateway, provider="azure-openai")
    assert (answered.status, answered.headers["x-portkey-provider"]) == (200, "azure-openai")
    assert scripted.asked[-1].headers["api-key"] == HOUSE


def test_a_fallback(gateway: RunningServer, scripted: ScriptedUpstream) -> None:
    """The next target after an error; the answer tells which it was, and as whom Portkey knows it."""
    scripted.play(refusing("500 Oops"), OK)
    config = {"strategy": {"mode": "fallback"}, "targets": [model("good"), {"provider": "azure-openai"}]}
    answered = ask(gateway, config=config)
    assert answered.status == 200
    assert answered.headers["x-portkey-last-used-option-index"] == "config.targets[1]"
    assert answered.headers["x-portkey-provider"] == "azure-openai"
    assert (answered.headers["x-streamedit-attempts"], answered.headers["x-streamedit-fallbacks"]) == ("2", "1")


def test_a_fallback_of_a_stream(gateway: RunningServer, scripted: ScriptedUpstream) -> None:
    """Before the first event; the head of the stream tells of it."""
    scripted.play(refusing("429 Slow down"), [answer(partial(), completed())])
    config = {"strategy": {"mode": "fallback", "on_status_codes": [429]}, "targets": [model("good"), model("fast")]}
    answered = ask(gateway, {"stream": "true", "partial_images": "1"}, config=config)
    assert answered.names == ["partial_image", "completed"]
    assert answered.headers["x-portkey-last-used-option-index"] == "config.targets[1]"
    assert [name for name, _ in asked(scripted)] == ["gpt-image-2", "gpt-image-2-mini"]


def test_no_fallback_after_other_errors(gateway: RunningServer, scripted: ScriptedUpstream) -> None:
    """`on_status_codes` says after which; the error tells who failed."""
    scripted.play(refusing("500 Oops"), OK)
    config = {"strategy": {"mode": "fallback", "on_status_codes": [429]}, "targets": [model("good"), model("fast")]}
    answered = ask(gateway, config=config, trace_id="t-2")
    assert (answered.status, len(scripted.asked)) == (500, 1)
    assert answered.headers["x-portkey-last-used-option-index"] == "config.targets[0]"
    assert (answered.headers["x-portkey-provider"], answered.headers["x-portkey-trace-id"]) == ("openai", "t-2")


def test_retries(gateway: RunningServer, scripted: ScriptedUpstream) -> None:
    """As often as the config says, after its statuses, with the pause that the provider asks for."""
    scripted.play(refusing("503 Away", retry_after_ms="1"), refusing("401 Who", retry_after_ms="1"), OK)
    answered = ask(gateway, config={"provider": "openai", "retry": {"attempts": 2, "on_status_codes": [401, 503]}})
    assert (answered.status, answered.headers["x-portkey-retry-attempt-count"]) == (200, "2")
    scripted.play(refusing("503 Away", retry_after_ms="1"), OK)
    assert ask(gateway, provider="openai", retry_count="1").headers["x-portkey-retry-attempt-count"] == "1"
    scripted.play(refusing("500 Oops"), OK)
    assert ask(gateway, config={"provider": "openai"}).status == 500


def test_whoever_may_have_been_paid_is_the_last(gateway: RunningServer, scripted: ScriptedUpstream) -> None:
    """A time that is over, and a broken answer, end the edit, whatever the config says; the first in Portkey's words."""
    config = {"strategy": {"mode": "fallback"}, "retry": {"attempts": 5}, "targets": [model("good"), model("fast")]}
    scripted.play([Hang()], OK)
    answered = ask(gateway, config=config, request_timeout="50")
    assert (answered.status, len(scripted.asked)) == (408, 1)
    assert answered.error["message"] == "Request exceeded the timeout sent in the request: 50ms"
    assert answered.error["type"] == "timeout_error"
    assert answered.headers["x-should-retry"] == "false"
    scripted.play([answer(partial())], OK)
    assert (ask(gateway, config=config).status, len(scripted.asked)) == (502, 1)


def test_a_time_for_a_model_without_a_provider(gateway: RunningServer, scripted: ScriptedUpstream) -> None:
    """The header holds whoever is asked."""
    scripted.play([Hang()])
    assert ask(gateway, request_timeout="50").status == 408


def test_fields_are_replaced(gateway: RunningServer, scripted: ScriptedUpstream) -> None:
    """In a form as in JSON: `override_params` go before the request's fields, and name the target's model."""
    config = {"provider": "openai", "override_params": {"model": "fast", "quality": "high", "seed": 7}}
    scripted.play(OK)
    assert ask(gateway, {"model": "good", "quality": "low", "size": "1x1"}, config=config).status == 200
    body = {"prompt": "p", "model": "good", "quality": "low", "size": "1x1", "images": [{"image_url": DATA_URL}]}
    headers = {"x-portkey-config": json.dumps(config)}
    assert httpx.post(gateway.edits_url, json=body, headers=headers).status_code == 200
    for each in scripted.asked:
        fields = {name: each.field(name) for name in ("model", "quality", "size", "seed")}
        assert fields == {"model": "gpt-image-2-mini", "quality": "high", "size": "1x1", "seed": "7"}


def test_conditions(gateway: RunningServer, scripted: ScriptedUpstream) -> None:
    """Metadata and fields of the form choose the target."""
    scripted.play(OK)
    strategy = {
        "mode": "conditional",
        "conditions": [
            {"query": {"metadata.plan": {"$eq": "paid"}}, "then": "best"},
            {"query": {"params.model": {"$regex": "mini"}}, "then": "mini"},
        ],
        "default": "mini",
    }
    config = {"strategy": strategy, "targets": [model("fast", name="mini"), model("good", name="best")]}
    first = ask(gateway, config=config, metadata={"plan": "paid"})
    second = ask(gateway, {"model": "my-mini"}, config=config, metadata={"plan": "free"})
    assert [name for name, _ in asked(scripted)] == ["gpt-image-2", "gpt-image-2-mini"]
    names = [each.headers["x-portkey-last-used-option-index"] for each in (first, second)]
    assert names == ["config.targets[1]", "config.targets[0]"]


def test_a_load_is_spread(gateway: RunningServer, scripted: ScriptedUpstream) -> None:
    """A target of weight 0 is never asked, one of all the weight always."""
    scripted.play(OK)
    config = {"strategy": {"mode": "loadbalance"}, "targets": [model("good", weight=0), model("fast", weight=0.3)]}
    options = {ask(gateway, config=config).headers["x-portkey-last-used-option-index"] for _ in range(5)}
    assert options == {"config.targets[1]"}


def test_headers_are_passed_on(gateway: RunningServer, scripted: ScriptedUpstream) -> None:
    """Those that are listed, and no other; a credential is refused before anything is read."""
    scripted.play(OK)
    headers = {"x-portkey-provider": "openai", "x-portkey-forward-headers": "x-tenant, x-absent", "x-tenant": "t", "x-no": "n"}
    assert post(gateway.edits_url, headers=headers).status == 200
    sent = scripted.asked[0].headers
    assert (sent["x-tenant"], "x-no" in sent, "x-absent" in sent) == ("t", False, False)
    config = {"provider": "openai", "forward_headers": ["x-tenant"]}
    headers = {"x-portkey-config": json.dumps(config), "x-tenant": "u"}
    assert post(gateway.edits_url, headers=headers).status == 200
    assert scripted.asked[1].headers["x-tenant"] == "u"
    refused = ask(gateway, provider="openai", forward_headers="cookie")
    assert (refused.status, refused.error["param"], len(scripted.asked)) == (400, "x-portkey-forward-headers", 2)


def test_a_callers_own_key(generous: RunningServer, scripted: ScriptedUpstream) -> None:
    """For that call alone: in either header, or in the config; it is in no log and no answer."""
    scripted.play(OK, OK, OK, refusing("401 Who", f"Incorrect API key provided: {CALLERS}"))
    host = scripted.url
    for headers in ({"authorization": f"Bearer {CALLERS}"}, {"api_key": CALLERS}):
        assert ask(generous, provider="openai", custom_host=host, **headers).status == 200
    config = {"provider": "openai", "api_key": CALLERS, "custom_host": host}
    assert ask(generous, {"model": "gpt-image-9"}, config=config).status == 200
    assert asked(scripted) == [("gpt-image-2", CALLERS)] * 2 + [("gpt-image-9", CALLERS)]
    refused = ask(generous, config=config)
    assert (refused.status, refused.error["code"]) == (401, "invalid_api_key")
    assert CALLERS not in generous.log_text + refused.body.decode() + str(refused.headers)
    other = ask(generous, provider="openai")
    assert (other.status, other.error["code"]) == (502, "upstream_unauthorized"), "this server's own key is none of theirs"
    assert asked(scripted)[-1] == ("gpt-image-2", HOUSE)


@pytest.mark.parametrize("name", ["模型", "a\r\nx-evil: 1", "m" * 30_000])
def test_whatever_a_model_is_called(generous: RunningServer, scripted: ScriptedUpstream, name: str) -> None:
    """What was paid for is delivered, and a name is no header of its own."""
    scripted.play(OK)
    answered = ask(generous, config=model(name, api_key=CALLERS, custom_host=scripted.url))
    assert (answered.status, "x-evil" in answered.headers, len(asked(scripted))) == (200, False, 1)


def test_a_callers_bad_key_harms_nobody_else(generous: RunningServer, scripted: ScriptedUpstream) -> None:
    """No target cools down because of it."""
    scripted.play(*[refusing("401 Who")] * 5, OK)
    config = {"provider": "openai", "api_key": CALLERS, "custom_host": scripted.url}
    assert [ask(generous, config=config).status for _ in range(5)] == [401] * 5
    assert ask(generous, provider="openai").status == 200


def test_the_placeholder_of_portkeys_sdk_is_no_key(generous: RunningServer, scripted: ScriptedUpstream) -> None:
    """It sends one where it has none."""
    scripted.play(OK)
    assert ask(generous, provider="openai", authorization="Bearer OPENAI_API_KEY", api_key="").status == 200
    assert asked(scripted) == [("gpt-image-2", HOUSE)]


def test_which_key_is_whose(scripted: ScriptedUpstream) -> None:
    """The one that this server knows opens it, wherever it stands; the other one is the caller's for the provider."""
    scripted.play(OK)
    hosts = {scripted.url.removesuffix("/v1")}
    with portkey(scripted, KEY, callers_keys=True, custom_hosts=hosts) as server:
        for one, other in ((KEY, CALLERS), (CALLERS, KEY)):
            headers = {"authorization": f"Bearer {one}", "api_key": other}
            assert ask(server, provider="openai", custom_host=scripted.url, **headers).status == 200
        assert ask(server, provider="openai", api_key=KEY, authorization="Bearer OPENAI_API_KEY").status == 200
        assert ask(server, provider="openai", api_key=CALLERS).status == 401
        assert ask(server, provider="openai").status == 401
    assert [key for _, key in asked(scripted)] == [CALLERS, CALLERS, HOUSE]


def test_custom_hosts(generous: RunningServer, gateway: RunningServer, scripted: ScriptedUpstream) -> None:
    """With a caller's key where it is allowed, with this server's only where a target is configured; else Portkey's words."""
    scripted.play(OK)
    for server, host, key in (
        (generous, "http://169.254.169.254/latest", CALLERS),
        (generous, "http://10.0.0.1", ""),
        (gateway, "http://127.0.0.1:1/v1", CALLERS),
        (gateway, "file:///etc/passwd", ""),
    ):
        refused = ask(server, provider="openai", custom_host=host, api_key=key)
        assert (refused.status, refused.error["message"]) == (400, "Invalid custom host")
    assert scripted.asked == []
    assert ask(gateway, provider="openai", custom_host=f"{scripted.url}/elsewhere").status == 200
    assert scripted.asked[0].path == "/v1/images/edits"


def test_a_stored_config(scripted: ScriptedUpstream) -> None:
    """By the name that it has in this server's configuration."""
    scripted.play(OK)
    with portkey(scripted, portkey_configs={"pc-house": Config.model_validate(model("fast"))}) as server:
        assert ask(server, config="pc-house").status == 200
        unknown = ask(server, config="pc-other")
    assert [name for name, _ in asked(scripted)] == ["gpt-image-2-mini"]
    assert (unknown.status, unknown.error["code"]) == (400, "config_not_found")


def test_an_asynchronous_edit(gateway: RunningServer, scripted: ScriptedUpstream) -> None:
    """It is planned like any other."""
    scripted.play(OK)
    answered = post(f"{gateway.edits_url}/async", headers={"x-portkey-config": json.dumps(model("fast"))})
    gateway.wait_until_idle()
    assert (answered.status, [name for name, _ in asked(scripted)]) == (202, ["gpt-image-2-mini"])
    assert answered.headers["x-portkey-trace-id"] == answered.headers["x-edit-id"]


@pytest.mark.parametrize(
    ("headers", "param", "message"),
    [
        ({"custom_host": "https://a"}, "provider", "Either x-portkey-config or x-portkey-provider header is required"),
        ({"provider": "anthropic"}, "provider", "Invalid provider passed"),
        ({"virtual_key": "openai-prod-1"}, "provider", "Invalid provider passed"),
        ({"config": "{"}, "config", "Invalid config passed. You need to pass a valid json"),
        ({"config": {"provider": 1}}, "config", "Invalid config passed. provider: Input should be a valid string"),
        ({"config": {"provider": "openai", "input_guardrails": ["a"]}}, "config", "input_guardrails are not supported here"),
        ({"provider": "openai", "default_output_guardrails": ["a"]}, "default-output-guardrails", "are not supported here"),
        ({"provider": "openai", "metadata": "x"}, "metadata", "must be a JSON object"),
        ({"provider": "openai", "request_timeout": "x"}, "request-timeout", "should be a valid number"),
        ({"provider": "stability-ai"}, "provider", "This server has no model of 'stability-ai'"),
    ],
)
def test_mistakes(
    gateway: RunningServer, scripted: ScriptedUpstream, headers: dict[str, Any], param: str, message: str
) -> None:
    """A 400 in OpenAI's envelope with Portkey's words, and nobody is asked."""
    answered = ask(gateway, **headers)
    assert (answered.status, answered.error["param"]) == (400, f"x-portkey-{param}")
    assert message in answered.error["message"]
    assert scripted.asked == []
