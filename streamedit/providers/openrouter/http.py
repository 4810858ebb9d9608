"""What both of OpenRouter's APIs for images have in common: calls, frames, usage and errors.

Source: openrouter.ai/docs (errors and debugging, image generation) and the package openrouter 1.3.84.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from streamedit.errors import ErrorDetail, UpstreamBroken, UpstreamRefused
from streamedit.events import Json, Usage, as_object
from streamedit.providers.calls import read_json, without_secrets
from streamedit.targets import Target
from streamedit.upstream.client import Answer, Call
from streamedit.wire import bodies
from streamedit.wire.cutouts import Cutout
from streamedit.wire.jsonbody import JsonBody
from streamedit.wire.payloads import ERROR
from streamedit.wire.scanner import Frame, FrameScanner

API_BASE = "https://openrouter.ai/api/v1"

_ABOUT_US = {"site_url": "http-referer", "app_name": "x-title"}
"""How an application names itself to OpenRouter, by LiteLLM's names."""

_POLICIES = frozenset(("content_policy_violation", "refusal", "moderation_blocked"))
"""The first two are OpenRouter's (`ApiErrorType`), the last is OpenAI's."""


def post(path: str, body: Mapping[str, Json], target: Target) -> Call:
    """The call of one of the APIs."""
    url = f"{(target.api_base or API_BASE).rstrip('/')}/{path}"
    headers = {"accept": "text/event-stream, application/json"}
    if target.api_key:
        headers["authorization"] = f"Bearer {target.api_key}"
    named = {header: target.text(name) for name, header in _ABOUT_US.items()}
    return Call("POST", url, {**headers, **{name: text for name, text in named.items() if text}}, JsonBody(body))


def is_stream(answer: Answer) -> bool:
    """Providers that cannot stream are free to ignore the wish, and answer with JSON."""
    return "event-stream" in answer.content_type


async def reads(answer: Answer, scanner: FrameScanner) -> AsyncGenerator[None]:
    """Read a stream into `scanner`; yields when it may have whole frames, the last time at the end. Raises UpstreamError."""
    async with aclosing(answer.push(scanner)) as pushed:
        async for _ in pushed:
            yield
    scanner.finish()
    yield


def cut(frame: Frame) -> Cutout | None:
    """What a frame says; None for `[DONE]`. Raises UpstreamBroken."""
    if frame.is_mark:
        return None
    return read_json(*frame.pieces)


def checked(said: Cutout, answer: Answer, target: Target) -> Mapping[str, Json]:
    """The object that was said. Raises UpstreamRefused for an error, which comes with a 200 once the work has begun."""
    fields = said.json
    if not isinstance(fields, dict):
        raise UpstreamBroken("The provider's answer is not the one of its documentation.", code="upstream_malformed")
    if fields.get("error") or fields.get("type") == ERROR:
        raise UpstreamRefused(without_secrets(_stream_error(fields, answer.headers), target))
    return fields


def usage_of(fields: Mapping[str, Json]) -> Usage:
    """`usage` as OpenRouter counts, its `cost` in dollars."""
    usage = as_object(fields.get("usage"))
    prompt, completion = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
    images = as_object(usage.get("completion_tokens_details")).get("image_tokens")
    cost = usage.get("cost")
    return Usage(
        input_tokens=prompt,
        output_tokens=completion,
        total_tokens=_count(usage.get("total_tokens")),
        cached_tokens=_count(as_object(usage.get("prompt_tokens_details")).get("cached_tokens")),
        output_text_tokens=max(0, completion - images) if isinstance(images, int) else 0,
        cost_micros=round(cost * 1_000_000) if isinstance(cost, int | float) else None,
    )


def explain(body: Json, _: Mapping[str, str]) -> Mapping[str, Json]:
    """`{"error": {"code": 403, "message": "text", "metadata": {...}}}`.

    `metadata` has `reasons` where an input was flagged, beside the `flagged_input` itself, which stays here.
    """
    error = as_object(as_object(body).get("error"))
    metadata = as_object(error.get("metadata"))
    named = {name: value for name, value in error.items() if name in ("message", "type", "param", "code")}
    if isinstance(named.get("code"), int):
        # It repeats the status; a name, if there is one, is in the metadata.
        named["code"] = metadata.get("error_type")
    if metadata.get("reasons") or named.get("code") in _POLICIES:
        return {**named, "status": 400, "type": "image_generation_user_error", "code": "moderation_blocked"}
    return named


def _stream_error(fields: Mapping[str, Json], headers: Mapping[str, str]) -> ErrorDetail:
    code = as_object(fields.get("error")).get("code")
    said = explain(fields, {})
    if isinstance(code, int) or "status" in said:
        return bodies.refusal(code if isinstance(code, int) else 400, said, headers, charged=True)
    return bodies.parse_stream_error(fields, headers)


def _count(value: Json) -> int:
    return value if isinstance(value, int) else 0
