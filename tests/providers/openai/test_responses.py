"""The provider `openai_responses` beyond the contract: each field, JSON answers, broken streams, secrets, memory."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest
from clients import PNG, Answer, post, post_json
from openai.types.responses.response_create_params import ResponseCreateParamsStreaming
from openai.types.responses.tool_param import ImageGeneration
from providers.fakes import KEY, b64, body_of, png
from providers.fakes.openai_responses import OpenAIResponses, raw_stream, streamed
from pydantic import TypeAdapter
from servers import RunningServer, serving, settings_of
from upstreams import Close, Hang, Reset, ScriptedUpstream, chunk, frame, head, json_answer

from streamedit.edits import EditRequest, InputImage
from streamedit.events import PartialImage
from streamedit.providers.base import Tools
from streamedit.providers.openai.responses import SETUP
from streamedit.providers.openai.responses import OpenAIResponses as Provider
from streamedit.targets import Target
from streamedit.uploads import Upload
from streamedit.upstream.client import Upstream, UpstreamLimits

FAKE = OpenAIResponses()
BODY = {"model": "gpt-5.2", "tools": [{"type": "image_generation"}], "tool_choice": {"type": "image_generation"}}
STREAM = {"stream": "true", "partial_images": "2"}
PARAMS = {"organization": "org-1", "project": "proj-1", "image_model": "gpt-image-2", "reasoning": {"effort": "low"}}


@pytest.fixture
def server(scripted: ScriptedUpstream) -> Iterator[RunningServer]:
    """One target with parameters of its own, and one that does not stream."""
    scripted.serve(FAKE.ok)
    plain = Target("openai_responses", "plain", KEY, scripted.url, {"stream": False})
    own = Target("openai_responses", "gpt-5.2", KEY, scripted.url, PARAMS)
    with serving(settings_of(own, plain, silence_s=1, connect_s=2)) as running:
        yield running


def asked_of(scripted: ScriptedUpstream) -> dict[str, Any]:
    """The body of the one request."""
    [asked] = scripted.asked
    return body_of(asked)


def test_every_field_arrives(server: RunningServer, scripted: ScriptedUpstream) -> None:
    """The tool's with the tool, the model's with the model, in a body that OpenAI's own client would send."""
    fields = {
        **STREAM,
        "size": "1024x1536",
        "quality": "xhigh",
        "background": "transparent",
        "output_format": "webp",
        "output_compression": "70",
        "input_fidelity": "high",
        "moderation": "low",
        "user": "u1",
        "safety_identifier": "s1",
        "image_model": "gpt-image-2.5-flare",
        "action": "auto",
        "complexity": "high",
        "frame_count": "3",
        "frame_duration_ms": "100",
        "svg[model]": "gpt-5.2",
        "svg[reasoning][effort]": "low",
        "instructions": "Be brief.",
        "reasoning[effort]": "high",
        "temperature": "0.5",
        "top_p": "0.25",
        "max_output_tokens": "500",
        "max_tool_calls": "1",
        "service_tier": "flex",
        "prompt_cache_key": "k",
        "previous_response_id": "resp_0",
        "store": "true",
        "detail": "high",
    }
    files = [("image[]", ("a.png", PNG, "application/octet-stream")), ("image[]", ("b.jpg", b"\xff\xd8\xff\xe0", "image/jpeg"))]
    answer = post(server.edits_url, fields, [*files, ("mask", ("m.png", PNG, "image/png"))])
    assert answer.status == 200, answer.body
    body = asked_of(scripted)
    mask = f"data:image/png;base64,{b64(PNG)}"
    image = {"type": "input_image", "detail": "high"}
    content = [{"type": "input_text", "text": "sepia"}, {**image, "image_url": mask}]
    content.append({**image, "image_url": "data:image/jpeg;base64,/9j/4A=="})
    assert body == {
        "model": "gpt-5.2",
        "input": [{"role": "user", "content": content}],
        "tools": [
            {
                "type": "image_generation",
                "model": "gpt-image-2.5-flare",
                "action": "auto",
                "size": "1024x1536",
                "quality": "xhigh",
                "background": "transparent",
                "output_format": "webp",
                "output_compression": 70,
                "input_fidelity": "high",
                "moderation": "low",
                "complexity": "high",
                "frame_count": 3,
                "frame_duration_ms": 100,
                "svg": {"model": "gpt-5.2", "reasoning": {"effort": "low"}},
                "partial_images": 2,
                "input_image_mask": {"image_url": mask},
            }
        ],
        "tool_choice": {"type": "image_generation"},
        "stream": True,
        "store": True,
        "user": "u1",
        "safety_identifier": "s1",
        "instructions": "Be brief.",
        "reasoning": {"effort": "high"},
        "temperature": 0.5,
        "top_p": 0.25,
        "max_output_tokens": 500,
        "max_tool_calls": 1,
        "service_tier": "flex",
        "prompt_cache_key": "k",
        "previous_response_id": "resp_0",
    }
    adapter: TypeAdapter[Any] = TypeAdapter(ResponseCreateParamsStreaming)
    adapter.validate_python({**body, "tools": []}, strict=True)
    assert TypeAdapter(ImageGeneration).validate_python(body["tools"][0], strict=True) == body["tools"][0]


def test_what_is_not_asked_for_is_not_sent(server: RunningServer, scripted: ScriptedUpstream) -> None:
    """But for the target's own parameters; nothing is stored, no interim image is paid for, and the tool must edit."""
    post(server.edits_url, {"partial_images": "3"})
    body = asked_of(scripted)
    assert body["tools"] == [{"type": "image_generation", "action": "edit", "model": "gpt-image-2"}]
    assert set(body) == {"model", "input", "tools", "tool_choice", "store", "stream", "reasoning"}
    assert (body["store"], body["reasoning"]) == (False, {"effort": "low"})
    headers = scripted.asked[0].headers
    assert (headers["openai-organization"], headers["openai-project"]) == ("org-1", "proj-1")


@pytest.mark.parametrize("output_format", ["gif", "svg"])
def test_interim_pictures_are_asked_for_where_there_are_any(
    server: RunningServer, scripted: ScriptedUpstream, output_format: str
) -> None:
    """Fewer than wanted may come; for these formats asking is an error upstream."""
    done = {"type": "response.output_item.done", "item": FAKE.call(BODY, "QUJD"), "output_index": 0}
    scripted.serve(lambda _: streamed([done, {"type": "response.completed", "response": FAKE.response(BODY, [])}]))
    assert post(server.edits_url, {**STREAM, "output_format": output_format}).names == ["completed"]
    tool = asked_of(scripted)["tools"][0]
    assert (tool["output_format"], "partial_images" in tool) == (output_format, False)


def test_objects_in_a_json_body_arrive(server: RunningServer, scripted: ScriptedUpstream) -> None:
    """In place of what the configuration says of the same object, which stays as it is for the next edit."""
    image = {"images": [{"image_url": f"data:image/png;base64,{b64(PNG)}"}]}
    answer = post_json(server.edits_url, {"prompt": "p", **image, "reasoning": {"effort": "max"}, "svg": {"model": "m"}})
    assert answer.status == 200, answer.body
    assert (asked_of(scripted)["reasoning"], asked_of(scripted)["tools"][0]["svg"]) == ({"effort": "max"}, {"model": "m"})
    assert PARAMS["reasoning"] == {"effort": "low"}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"reasoning": "7", "reasoning[effort]": "low"}, "reasoning"),
        ({"svg": "{", "x": "y"}, "x"),
        ({"svg": "{"}, "svg"),
        ({"action": "destroy"}, "action"),
        ({"frame_count": "99"}, "frame_count"),
        ({"output_format": "bmp"}, "output_format"),
    ],
)
def test_a_field_that_is_none_is_refused(
    server: RunningServer, scripted: ScriptedUpstream, fields: Mapping[str, str], param: str
) -> None:
    """Naming it, before anything is asked."""
    answer = post(server.edits_url, fields)
    assert (answer.status, answer.error["param"]) == (400, param), answer.body
    assert scripted.asked == []


def test_an_upstream_that_does_not_stream_is_understood(server: RunningServer, scripted: ScriptedUpstream) -> None:
    """Whether it was told not to, or takes no notice."""
    for model in ("plain", "gpt-5.2"):
        scripted.serve(lambda _: [json_answer(FAKE.response(BODY, [FAKE.call(BODY, b64(png((1, 2, 3))))]))])
        answer = post(server.edits_url, {**STREAM, "model": model})
        assert answer.names == ["completed"], answer.body
        assert asked_of(scripted).get("stream") is (None if model == "plain" else True)
    assert answer.events[0][1]["usage"]["total_tokens"] == 1840


def test_a_whole_response_without_an_image_is_told(server: RunningServer, scripted: ScriptedUpstream) -> None:
    """With a 200 as with a stream: its failure, or that it is nothing at all."""
    failed = FAKE.response(BODY, [], status="failed") | {"error": {"code": "server_error", "message": f"no {KEY}"}}
    scripted.serve(lambda _: [json_answer(failed)])
    answer = post(server.edits_url)
    assert (answer.status, answer.error["code"], answer.error["message"]) == (502, "server_error", "no ***")
    scripted.serve(lambda _: [json_answer(["not", "a", "response"])])
    assert post(server.edits_url).error["code"] == "upstream_empty"


@pytest.mark.parametrize(
    ("ending", "code"), [(Close(), "upstream_broken"), (Reset(), "upstream_broken"), (Hang(), "upstream_timeout")]
)
def test_a_stream_that_breaks_off_is_an_error(
    server: RunningServer, scripted: ScriptedUpstream, ending: Any, code: str
) -> None:
    """After what was whole; it may have been paid."""
    scripted.serve(lambda _: [head() + chunk(frame(FAKE.partial(BODY, 0))), ending])
    answer = post(server.edits_url, STREAM)
    assert (answer.names, answer.error["code"]) == (["partial_image", "error"], code)
    server.wait_until_idle()
    assert server.left_behind() == (0, 0)


def test_a_stream_that_ends_early_is_incomplete(server: RunningServer, scripted: ScriptedUpstream) -> None:
    """Charged, so that nobody tries again by himself."""
    scripted.serve(lambda _: streamed([FAKE.partial(BODY, 0)]))
    answer = post(server.edits_url)
    assert (answer.status, answer.error["code"], answer.headers["x-should-retry"]) == (502, "upstream_incomplete", "false")


@pytest.mark.parametrize("ending", [Close(), Reset(), Hang(), chunk(b"data: {\n\n"), chunk(b"event: error\ndata: {}\n\n")])
def test_a_picture_that_is_here_is_given(server: RunningServer, scripted: ScriptedUpstream, ending: Any) -> None:
    """It is paid for, whatever becomes of the response's end: only its usage is not known."""
    done = {"type": "response.output_item.done", "item": FAKE.call(BODY, b64(png((1, 2, 3)))), "output_index": 0}
    scripted.serve(lambda _: [head() + chunk(frame(done)), ending, *([] if not isinstance(ending, bytes) else [Close()])])
    answer = post(server.edits_url, STREAM)
    assert answer.names == ["completed"], answer.body
    assert (answer.events[0][1]["usage"]["total_tokens"], answer.events[0][1]["output_format"]) == (0, "png")


def test_an_error_in_a_stream_keeps_the_key(server: RunningServer, scripted: ScriptedUpstream) -> None:
    """Providers quote it."""
    scripted.serve(lambda _: streamed([{"type": "error", "code": "server_error", "message": f"key {KEY} failed"}]))
    answer = post(server.edits_url)
    assert (answer.status, answer.error["message"]) == (502, "key *** failed")


def test_pictures_of_12_mb_pass(scripted: ScriptedUpstream) -> None:
    """Interim and finished, byte for byte."""
    large = b64(png((1, 2, 3)) + bytes(9 << 20))
    partial = {**FAKE.partial(BODY, 0), "partial_image_b64": large}
    events = [partial, *(event for event in FAKE.events(BODY) if event["type"] != "response.output_item.done")]
    events.insert(-1, {"type": "response.output_item.done", "item": FAKE.call(BODY, large), "output_index": 0})
    scripted.serve(lambda _: [head() + chunk(raw_stream(events)) + b"0\r\n\r\n"])
    with serving(settings_of(Target("openai_responses", "gpt-5.2", KEY, scripted.url), max_event_bytes=20 << 20)) as server:
        answer = post(server.edits_url, STREAM)
    assert [payload["b64_json"] == large for _, payload in answer.events] == [True, True]


def test_a_connection_serves_the_next_edit_too(server: RunningServer, scripted: ScriptedUpstream) -> None:
    """The end of a response is the end of its use."""
    for _ in range(3):
        assert post(server.edits_url, STREAM).names == ["partial_image"] * 2 + ["completed"]
    assert scripted.connections == 1


def test_a_plain_call_is_one_images_response(server: RunningServer) -> None:
    """With the prompt as the text model has put it, and the usage of both models."""
    answer: Answer = post(server.edits_url)
    assert answer.json["data"][0]["revised_prompt"] == "a night"
    assert answer.json["usage"]["output_tokens_details"] == {"text_tokens": 50, "image_tokens": 990}


async def test_an_event_that_was_handed_on_is_held_by_nobody(scripted: ScriptedUpstream) -> None:
    """While the next one is waited for, its bytes are the log's alone: what that moves to disk leaves memory."""
    large = {**FAKE.partial(BODY, 0), "partial_image_b64": "QUJD" * 250_000}
    scripted.play([head() + chunk(frame(large)), Hang()])
    async with _upstream() as upstream, aclosing(_edit(upstream, scripted)) as events:
        event = await anext(events)
        waiting = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0)
        assert isinstance(event, PartialImage)
        piece = event.payload.content.pieces[-2]
        assert len(piece) > 4096
        event.payload.content.move(_nothing)
        # This function's name for it, and the one of the call that asks.
        assert sys.getrefcount(piece) == 2
        waiting.cancel()
        await asyncio.wait([waiting])


async def test_closing_an_edit_closes_its_connection(scripted: ScriptedUpstream) -> None:
    """The provider hears of it, in the middle of its answer."""
    scripted.play([head() + chunk(frame(FAKE.partial(BODY, 0))), Hang()])
    async with _upstream() as upstream:
        async with aclosing(_edit(upstream, scripted)) as events:
            await anext(events)
        assert await asyncio.to_thread(scripted.left.acquire, timeout=5)
        assert upstream.open_connections == 0


def test_the_environment_is_that_of_openai() -> None:
    """One key serves both of OpenAI's providers."""
    environ = {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "http://x", "OPENAI_ORG_ID": "o"}
    target = SETUP.completed(Target("openai_responses", "m"), environ)
    assert (target.api_key, target.api_base, target.params) == ("k", "http://x", {"organization": "o"})


@asynccontextmanager
async def _upstream() -> AsyncIterator[Upstream]:
    upstream = Upstream(UpstreamLimits(connect_s=2, silence_s=5, connections=4))
    async with upstream.running():
        yield upstream


def _edit(upstream: Upstream, scripted: ScriptedUpstream) -> Any:
    request = EditRequest("p", (InputImage(Upload(b"png"), "a.png", "image/png"),), stream=True)
    provider = Provider(Tools(upstream, asyncio.get_running_loop().time))
    return provider.edit(request, Target("openai_responses", "gpt-5.2", KEY, scripted.url))


async def _nothing(_: int, __: int) -> bytes:
    return b""
