"""Azure OpenAI: where each target's API is, who is let in, and what its filters say."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from clients import PNG, Answer, post
from openai import AzureOpenAI, OpenAI
from providers.fakes import b64, decoded, png
from servers import RunningServer, serving, settings_of
from upstreams import END, Asked, Script, ScriptedUpstream, answer, chunk, completed, frame, head, json_answer, partial, raw

from streamedit.config import from_file
from streamedit.documents import ConfigError
from streamedit.providers import available
from streamedit.providers.openai.azure import Surface
from streamedit.targets import Target

STREAM = {"stream": "true", "partial_images": "2"}
HOST = "https://r.openai.azure.com"
DATED = "2025-04-01-preview"
CLIENT = {"tenant_id": "t/1", "client_id": "c", "client_secret": "s3cret-of-the-client"}
ISSUED = "issued-token-0123456789"


def ask(target: Target, fields: Mapping[str, Any], times: int = 1) -> Answer:
    """The last of some edits, by a server that has the target alone."""
    with serving(settings_of(target, silence_s=2, connect_s=2)) as server:
        for _ in range(times):
            last = post(server.edits_url, fields)
    return last


def azure(scripted: ScriptedUpstream, **params: object) -> Target:
    """The upstream as a resource, with a key unless the parameters have something else."""
    key = None if {"azure_ad_token", "tenant_id"} & set(params) else "key-of-the-resource"
    return Target("azure", "dep", key, scripted.url.removesuffix("/v1"), params)


@pytest.mark.parametrize(
    ("base", "version", "url"),
    [
        (HOST, DATED, f"{HOST}/openai/deployments/dep%2F1/images/edits?api-version={DATED}"),
        (f"{HOST}/", DATED, f"{HOST}/openai/deployments/dep%2F1/images/edits?api-version={DATED}"),
        (f"{HOST}/openai", DATED, f"{HOST}/openai/deployments/dep%2F1/images/edits?api-version={DATED}"),
        (f"{HOST}/OpenAI/", DATED, f"{HOST}/openai/deployments/dep%2F1/images/edits?api-version={DATED}"),
        (f"{HOST}?api-version={DATED}", None, f"{HOST}/openai/deployments/dep%2F1/images/edits?api-version={DATED}"),
        (f"{HOST}/openai/deployments/Mine", None, f"{HOST}/openai/deployments/Mine/images/edits?api-version={DATED}"),
        (
            f"{HOST}/openai/deployments/Mine/images/edits?api-version=2026-01-01",
            None,
            f"{HOST}/openai/deployments/Mine/images/edits?api-version=2026-01-01",
        ),
        (f"{HOST}/openai/deployments/Mine?api-version={DATED}", "v1", f"{HOST}/openai/v1/images/edits"),
        (HOST, None, f"{HOST}/openai/v1/images/edits"),
        (HOST, "v1", f"{HOST}/openai/v1/images/edits"),
        (HOST, "latest", f"{HOST}/openai/v1/images/edits"),
        (HOST, "preview", f"{HOST}/openai/v1/images/edits?api-version=preview"),
        (f"{HOST}/openai/v1/", None, f"{HOST}/openai/v1/images/edits"),
        (f"{HOST}/openai/v1", DATED, f"{HOST}/openai/v1/images/edits"),
        ("https://gw.example/openai-gw/x", None, "https://gw.example/openai-gw/x/openai/v1/images/edits"),
    ],
)
def test_each_way_to_write_a_base_is_understood(base: str, version: str | None, url: str) -> None:
    """The surface follows from the version, or from what the base says; nothing comes twice."""
    assert Surface.of(Target("azure", "dep/1", "k", base, {"api_version": version})).url == url


def test_the_call_is_the_one_of_the_official_client(scripted: ScriptedUpstream) -> None:
    """openai-python's client for Azure has the same path, key, files and fields; it alone names the model of a deployment."""
    scripted.play([json_answer({"created": 1, "data": [{"b64_json": b64(PNG)}]})])
    base = scripted.url.removesuffix("/v1")
    client = AzureOpenAI(azure_endpoint=base, api_version=DATED, api_key="key-of-the-resource")
    client.images.edit(model="dep", image=("photo.png", PNG, "image/png"), prompt="sepia", size="1024x1024")
    ask(azure(scripted, api_version=DATED, stream=False), {"size": "1024x1024"})
    theirs, ours = scripted.asked
    assert (theirs.method, theirs.path, theirs.headers["api-key"]) == (ours.method, ours.path, ours.headers["api-key"])
    assert theirs.files == ours.files
    assert {name: text for name, text in theirs.fields if name != "model"} == dict(ours.fields)


def test_the_call_without_a_version_is_the_one_of_the_official_client(scripted: ScriptedUpstream) -> None:
    """openai-python's ordinary client with Azure's base: the same path, files and fields, the model among them."""
    scripted.play([json_answer({"created": 1, "data": [{"b64_json": b64(PNG)}]})])
    client = OpenAI(base_url=f"{scripted.url.removesuffix('/v1')}/openai/v1/", api_key="token-0123456789")
    client.images.edit(model="dep", image=("photo.png", PNG, "image/png"), prompt="sepia", size="1024x1024")
    ask(azure(scripted, azure_ad_token="token-0123456789", stream=False), {"size": "1024x1024"})
    theirs, ours = scripted.asked
    assert (theirs.path, theirs.files, dict(theirs.fields)) == (ours.path, ours.files, dict(ours.fields))
    assert theirs.headers["authorization"] == ours.headers["authorization"]


def test_each_field_arrives_and_no_other(scripted: ScriptedUpstream) -> None:
    """What Azure documents, and unknown fields as they are; what it does not is left out."""
    scripted.play([answer(completed())])
    known = {
        "size": "1024x1536",
        "quality": "low",
        "background": "transparent",
        "output_format": "jpeg",
        "output_compression": "70",
        "input_fidelity": "high",
        "user": "u",
        "complexity": "low",
    }
    left_out = {"response_format": "b64_json", "safety_identifier": "s", "moderation": "low"}
    assert ask(azure(scripted, api_version=DATED), {**STREAM, **known, **left_out}).names == ["completed"]
    assert dict(scripted.asked[0].fields) == {"prompt": "sepia", **STREAM, **known}


def test_a_stream_is_relayed_as_the_bytes_that_came(scripted: ScriptedUpstream) -> None:
    """Partial images and all."""
    sent = [partial(0, new_field=1), partial(1), completed()]
    scripted.play([answer(*sent)])
    streamed = ask(azure(scripted), STREAM)
    assert [frame.split(b"data: ")[1] for frame in streamed.frames] == [raw(payload) for payload in sent]


def test_a_stream_split_at_every_byte_gives_the_same_events(scripted: ScriptedUpstream) -> None:
    """However a network cuts it."""
    stream = frame(partial(0)) + frame(partial(1)) + frame(completed())
    scripted.play([head() + b"".join(chunk(bytes([byte])) for byte in stream) + END])
    assert [payload for _, payload in ask(azure(scripted), STREAM).events] == [partial(0), partial(1), completed()]


def test_webp_is_made_here(scripted: ScriptedUpstream) -> None:
    """Azure makes none: PNG is asked for, in one piece, and converted; n of them in one call."""
    pictures = [{"b64_json": b64(png(colour))} for colour in ((1, 2, 3), (4, 5, 6))]
    scripted.play([json_answer({"created": 1, "data": pictures})])
    plain = ask(azure(scripted), {"output_format": "webp", "n": "2"})
    assert [decoded(item["b64_json"]).format for item in plain.json["data"]] == ["WEBP", "WEBP"]
    [asked] = scripted.asked
    assert (asked.field("output_format"), asked.field("stream"), asked.field("n")) == ("png", None, "2")


FILTER = {"violence": {"filtered": True, "severity": "medium"}, "hate": {"filtered": False, "severity": "safe"}}
BLOCKS: Mapping[str, tuple[list[bytes], str]] = {
    "a prompt": ([json_answer({"error": {"code": "contentFilter", "message": "flagged"}}, "400 Bad Request")], "flagged"),
    "a picture, with a 200": ([json_answer({"created": 1, "error": {"code": "contentFilter", "message": "out"}})], "out"),
    "in a stream": (
        [head() + chunk(b'event: error\ndata: {"error":{"code":"content_filter","message":"late"}}\n\n') + END],
        "late",
    ),
    "by policy": (
        [
            json_answer(
                {
                    "error": {
                        "code": "x",
                        "message": "filtered",
                        "innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": FILTER},
                    }
                },
                "400 Bad Request",
            )
        ],
        "filtered (violence)",
    ),
    "as OpenAI says it": (
        [json_answer({"error": {"code": "moderation_blocked", "message": "no"}}, "400 Bad Request")],
        "no",
    ),
}


@pytest.mark.parametrize("block", BLOCKS)
def test_each_form_of_a_block_is_one_error(scripted: ScriptedUpstream, block: str) -> None:
    """A 400 `moderation_blocked` in the filter's words, which nobody tries again."""
    script, message = BLOCKS[block]
    scripted.play(script)
    refused = ask(azure(scripted), {})
    assert (refused.status, refused.error["code"], refused.error["message"]) == (400, "moderation_blocked", message)


def test_a_missing_deployment_is_told(scripted: ScriptedUpstream) -> None:
    """With Azure's own code."""
    body = {"error": {"code": "DeploymentNotFound", "message": "no such deployment"}}
    scripted.play([json_answer(body, "404 Not Found")])
    refused = ask(azure(scripted), {})
    assert (refused.status, refused.error["code"]) == (404, "DeploymentNotFound")


def test_a_token_is_a_bearer_token(scripted: ScriptedUpstream) -> None:
    """`azure_ad_token` of the configuration, where there is no key."""
    scripted.play([answer(completed())])
    ask(azure(scripted, azure_ad_token="token-0123456789"), {})
    headers = scripted.asked[0].headers
    assert (headers["authorization"], "api-key" in headers) == ("Bearer token-0123456789", False)


def entra(life_s: object = 3600, edit: Callable[[Asked], Script] | None = None) -> Callable[[Asked], Script]:
    """An authority and a resource on one socket."""

    def play(asked: Asked) -> Script:
        if not asked.path.endswith("/oauth2/v2.0/token"):
            return edit(asked) if edit else [answer(completed())]
        return [json_answer({"token_type": "Bearer", "expires_in": life_s, "access_token": ISSUED})]

    return play


def logins(scripted: ScriptedUpstream) -> list[Asked]:
    """The calls to the authority."""
    return [asked for asked in scripted.asked if "/oauth2/" in asked.path]


def client_of(scripted: ScriptedUpstream, **params: object) -> Target:
    """A target with a client's credentials, whose authority is played too."""
    authority = scripted.url.removesuffix("/v1") + "/"
    return azure(scripted, **CLIENT, azure_authority_host=authority, extra_headers={"x-gateway": "g"}, **params)


def test_a_client_s_credentials_get_a_token(scripted: ScriptedUpstream) -> None:
    """The form of the flow, which has nothing of the edit; then the edit with the token."""
    scripted.serve(entra())
    assert ask(client_of(scripted), {}).status == 200
    login, edit = scripted.asked
    assert (login.method, login.path) == ("POST", "/t%2F1/oauth2/v2.0/token")
    assert login.headers["content-type"] == "application/x-www-form-urlencoded"
    assert "x-gateway" not in login.headers
    assert {name: values[0] for name, values in parse_qs(login.body.decode()).items()} == {
        "grant_type": "client_credentials",
        "client_id": "c",
        "client_secret": "s3cret-of-the-client",
        "scope": "https://cognitiveservices.azure.com/.default",
    }
    assert edit.headers["authorization"] == f"Bearer {ISSUED}"


def test_a_token_serves_until_it_expires(scripted: ScriptedUpstream) -> None:
    """One for many edits at once and one after the other."""
    scripted.serve(entra())
    with serving(settings_of(client_of(scripted, azure_scope="https://ai.azure.com/.default"))) as server:
        assert post(server.edits_url, {**STREAM, "n": "4"}).names == ["completed"] * 4
        assert post(server.edits_url).status == 200
    assert len(logins(scripted)) == 1
    assert b"scope=https%3A%2F%2Fai.azure.com%2F.default" in logins(scripted)[0].body


@pytest.mark.parametrize("life_s", [0, None, "soon"])
def test_a_token_of_no_known_life_serves_once(scripted: ScriptedUpstream, life_s: object) -> None:
    """The next edit gets one of its own."""
    scripted.serve(entra(life_s))
    assert ask(client_of(scripted), {}, times=2).status == 200
    assert len(logins(scripted)) == 2


@pytest.mark.parametrize(
    ("script", "status"),
    [
        ([json_answer({"error": "invalid_client", "error_description": "s3cret-of-the-client"}, "401 Unauthorized")], 502),
        ([json_answer({"error": "invalid_request", "error_description": "no tenant"}, "400 Bad Request")], 502),
        ([json_answer({"token_type": "Bearer"})], 502),
        ([json_answer([])], 502),
        ([json_answer({"error": "temporarily_unavailable"}, "503 Service Unavailable")], 503),
        ([json_answer({}, "429 Too Many Requests")], 429),
    ],
)
def test_a_refused_client_is_this_server_s_matter(scripted: ScriptedUpstream, script: Script, status: int) -> None:
    """Not the caller's mistake, nothing was paid, and nothing of the credentials is told."""
    scripted.play(script)
    refused = ask(client_of(scripted), {})
    assert refused.status == status, refused.body
    assert "x-should-retry" not in refused.headers
    assert not [secret for secret in (*CLIENT.values(), ISSUED) if len(secret) > 3 and secret in refused.body.decode()]
    assert len(logins(scripted)) == len(scripted.asked) == 1


def test_a_token_that_was_issued_is_in_no_error(scripted: ScriptedUpstream) -> None:
    """Though Azure may quote it."""
    quoting = json_answer({"error": {"code": "bad", "message": f"not with {ISSUED}"}}, "400 Bad Request")
    scripted.serve(entra(edit=lambda _: [quoting]))
    assert ask(client_of(scripted), {}).error["message"] == "not with ***"


ENVIRONMENT = {"AZURE_API_KEY": "k", "AZURE_API_BASE": HOST, "AZURE_API_VERSION": DATED}


def configured(folder: Path, params: str, environ: Mapping[str, str]) -> Target:
    """The target of a configuration with these `litellm_params`."""
    path = folder / "streamedit.yaml"
    path.write_text(f"model_list:\n  - model_name: m\n    litellm_params: {{model: azure/dep{params}}}\n")
    settings = from_file(path, environ, available())
    assert settings.ignored == ()
    return settings.routes.find("m").targets[0]


def test_it_is_configured_by_litellms_names(tmp_path: Path) -> None:
    """In the file and in the environment, the file first."""
    target = configured(tmp_path, ", api_version: preview", ENVIRONMENT)
    assert target == Target("azure", "dep", "k", HOST, {"api_version": "preview"})
    environ = {"AZURE_API_BASE": HOST, "AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c", "AZURE_CLIENT_SECRET": "s"}
    assert configured(tmp_path, "", environ).params == {"tenant_id": "t", "client_id": "c", "client_secret": "s"}
    assert configured(tmp_path, ", azure_ad_token: a, stream: false", environ).text("azure_ad_token") == "a"


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"AZURE_API_KEY": "k"}, "api_base is missing"),
        ({"AZURE_API_BASE": HOST}, "an api_key, an azure_ad_token, or tenant_id, client_id and client_secret are missing"),
        ({"AZURE_API_BASE": HOST, "AZURE_TENANT_ID": "t"}, "client_id and client_secret missing"),
    ],
)
def test_what_is_missing_is_told_at_the_start(tmp_path: Path, environ: Mapping[str, str], told: str) -> None:
    """In words."""
    with pytest.raises(ConfigError) as caught:
        configured(tmp_path, "", environ)
    assert told in caught.value.mistakes[0]


def test_no_secret_is_logged(scripted: ScriptedUpstream) -> None:
    """Neither the client's secret nor the token."""
    scripted.serve(entra())
    with serving(settings_of(client_of(scripted))) as server:
        post(server.edits_url)
        text = told_by(server)
    assert "s3cret-of-the-client" not in text
    assert ISSUED not in text


def told_by(server: RunningServer) -> str:
    """All that the server has logged when it is done."""
    server.wait_until_idle()
    assert json.loads(server.log_text.splitlines()[0])
    return server.log_text
