"""Calls to providers' own APIs."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import anyio
import pytest
from upstreams import END, ScriptedUpstream, chunk, head, json_answer

from streamedit.errors import ErrorDetail, UpstreamBroken, UpstreamRefused
from streamedit.providers.base import Tools
from streamedit.providers.calls import Api, read_json, tell, without_secrets
from streamedit.targets import Target
from streamedit.upstream.client import Call, Upstream, UpstreamLimits
from streamedit.wire.jsonbody import JsonBody

PARAMS = {"extra_headers": {"x-team": "team-secret"}, "aws_secret_access_key": "aws-secret"}
TARGET = Target("p", "m", "sk-secret", params=PARAMS)


@pytest.fixture
async def tools() -> AsyncIterator[Tools]:
    """With answers of at most a kilobyte."""
    upstream = Upstream(UpstreamLimits(connect_s=2, silence_s=5))
    async with upstream.running():
        yield Tools(upstream, lambda: 0.0, max_answer_bytes=1024)


def call(scripted: ScriptedUpstream) -> Call:
    """A JSON request."""
    return Call("POST", f"{scripted.url}/x?y=z", {"x-own": "1"}, JsonBody({"a": 1}))


async def test_a_call_has_the_configurations_headers(tools: Tools, scripted: ScriptedUpstream) -> None:
    """Beside its own; the JSON of the answer comes back."""
    scripted.play([json_answer({"b": [2]})])
    assert (await Api(tools).ask(call(scripted), TARGET)).json == {"b": [2]}
    [asked] = scripted.asked
    assert (asked.method, asked.path, asked.body) == ("POST", "/v1/x?y=z", b'{"a":1}')
    assert (asked.headers["x-own"], asked.headers["x-team"]) == ("1", "team-secret")


@pytest.mark.parametrize("secret", ["sk-secret", "team-secret", "aws-secret"])
async def test_no_secret_is_in_a_refusal(tools: Tools, scripted: ScriptedUpstream, secret: str) -> None:
    """Providers quote what they were sent."""
    scripted.play([json_answer({"error": {"message": f"what is {secret}?", "code": "c"}}, "400 Bad Request")])
    with pytest.raises(UpstreamRefused) as caught:
        await Api(tools).ask(call(scripted), TARGET)
    assert (caught.value.detail.message, caught.value.detail.code) == ("what is ***?", "c")
    assert not caught.value.detail.charged


@pytest.mark.parametrize(
    ("status", "code", "told"),
    [
        ("401 Unauthorized", "upstream_unauthorized", 502),
        ("402 Payment Required", "upstream_payment_required", 502),
        ("404 Not Found", "model_not_found", 404),
        ("413 Too Large", "request_too_large", 413),
        ("429 Too Many", "rate_limit_exceeded", 429),
        ("302 Found", None, 502),
    ],
)
async def test_a_status_without_words_has_its_code(
    tools: Tools, scripted: ScriptedUpstream, status: str, code: str | None, told: int
) -> None:
    """What concerns this server's own account is a 502; a redirect is not followed."""
    scripted.play([head("text/html", status) + chunk(b"<html>") + END])
    with pytest.raises(UpstreamRefused) as caught:
        await Api(tools).ask(call(scripted), TARGET)
    assert (caught.value.detail.code, caught.value.detail.status) == (code, told)


async def test_what_fails_after_the_payment_is_charged(tools: Tools, scripted: ScriptedUpstream) -> None:
    """A download that is refused has been paid for: no other target is asked."""
    scripted.play([json_answer({}, "503 Service Unavailable")])
    with pytest.raises(UpstreamRefused) as caught:
        await Api(tools).download(f"{scripted.url}/file", TARGET)
    assert caught.value.detail.charged
    assert scripted.asked[0].method == "GET"


@pytest.mark.parametrize(("base", "sent"), [(True, True), (False, False)])
async def test_a_download_has_the_configurations_headers_only_where_the_api_is(
    tools: Tools, scripted: ScriptedUpstream, base: bool, sent: bool
) -> None:
    """Files are often on hosts that the headers are not meant for."""
    scripted.play([head("image/png") + chunk(b"png") + END])
    target = replace(TARGET, api_base=scripted.url if base else "http://127.0.0.1:1/v1")
    assert await Api(tools).download(f"{scripted.url}/file", target) == b"png"
    assert ("x-team" in scripted.asked[0].headers) == sent


async def test_a_download_has_its_bound(tools: Tools, scripted: ScriptedUpstream) -> None:
    """No more than an answer may have."""
    scripted.play([head("image/png") + chunk(b"x" * 2000) + END])
    with pytest.raises(UpstreamBroken) as caught:
        await Api(tools).download(f"{scripted.url}/file", TARGET)
    assert caught.value.detail.code == "upstream_too_large"


def test_what_is_not_json_is_malformed() -> None:
    """A 502."""
    with pytest.raises(UpstreamBroken) as caught:
        read_json(b"<html>")
    assert caught.value.detail.code == "upstream_malformed"


def test_short_secrets_are_not_looked_for() -> None:
    """`none` as a key must not blot out words."""
    error = ErrorDetail(400, "t", "none of this works")
    assert without_secrets(error, Target("p", "m", "none")).message == "none of this works"


async def test_a_farewell_is_said_though_the_call_is_cancelled() -> None:
    """In full when it is quick; cut off when it is not."""
    said = []

    async def farewell() -> None:
        await asyncio.sleep(0)
        said.append("quick")
        await asyncio.Event().wait()

    with anyio.CancelScope() as scope:
        scope.cancel()
        try:
            await anyio.lowlevel.checkpoint()
        finally:
            await tell(farewell(), within_s=0.05)
    assert said == ["quick"]
