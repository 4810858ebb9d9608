"""OpenAI's `/v1/responses` with its image tool, as the types of the official package have it, streamed and not."""

import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

from openai.types.responses.response_create_params import ResponseCreateParamsBase
from openai.types.responses.tool_param import ImageGeneration
from PIL import Image, ImageChops
from providers.fakes import KEY, Fake, b64, body_of, check_only, decoded, of_data_url
from upstreams import END, Asked, Script, chunk, frame, head, json_answer

CALL_ID = "ig_1"
USAGE = {
    "input_tokens": 300,
    "input_tokens_details": {"cache_write_tokens": 0, "cached_tokens": 100},
    "output_tokens": 40,
    "output_tokens_details": {"reasoning_tokens": 30},
    "total_tokens": 340,
}
TOOL_USAGE = {
    "image_gen": {
        "input_tokens": 500,
        "input_tokens_details": {"image_tokens": 480, "text_tokens": 20},
        "cached_tokens": 60,
        "cached_tokens_details": {"cached_image_tokens": 50, "cached_text_tokens": 10},
        "output_tokens": 1000,
        "output_tokens_details": {"image_tokens": 990, "text_tokens": 10},
        "total_tokens": 1500,
    },
    "web_search": {"num_requests": 0},
}
MODERATION = {
    "code": "moderation_blocked",
    "message": "Your request was rejected by the safety system.",
    "type": "image_generation_user_error",
    "moderation_details": {"categories": ["violence", "self-harm"], "moderation_stage": "output"},
}


class OpenAIResponses(Fake):
    """gpt-5.2 with its image tool."""

    name = "openai_responses/gpt-5.2"
    refuses = {"negative_prompt": "rain", "seed": "7"}  # noqa: RUF012 - each fake states its own
    takes_mask = True
    partial_images = 2

    def check(self, asked: Asked) -> None:
        assert (asked.method, asked.path) == ("POST", "/v1/responses"), asked.path
        assert asked.headers["authorization"] == f"Bearer {KEY}"
        body = body_of(asked)
        check_only(body, (*ResponseCreateParamsBase.__annotations__, "stream"))
        assert body["model"] == "gpt-5.2"
        assert body["tool_choice"] == {"type": "image_generation"}
        [tool] = body["tools"]
        self._check_tool(tool)
        [message] = body["input"]
        assert message["role"] == "user"
        text, *images = message["content"]
        assert (text["type"], isinstance(text["text"], str)) == ("input_text", True)
        assert images
        for image in images:
            check_only(image, ("type", "image_url", "detail"))
            assert image["type"] == "input_image"

    def _check_tool(self, tool: dict[str, Any]) -> None:
        check_only(tool, ImageGeneration.__annotations__)
        assert tool["type"] == "image_generation"
        assert tool.get("action", "auto") in ("generate", "edit", "auto")
        assert 0 <= tool.get("partial_images", 0) <= 3
        assert tool.get("output_format", "png") in ("png", "webp", "jpeg", "gif", "svg")
        assert isinstance(tool.get("output_compression", 100), int)
        assert tool.get("output_format") != "gif" or not ({"partial_images", "input_image_mask"} & set(tool))

    def ok(self, asked: Asked) -> Script:
        body = body_of(asked)
        if body.get("stream") is not True:
            return [json_answer(self.response(body, [self.call(body, self.drawn(body))]))]
        return streamed(self.events(body))

    def events(self, body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """What a good stream tells, in its order."""
        place = {"item_id": CALL_ID, "output_index": 0}
        yield {"type": "response.created", "response": self.response(body, [], status="in_progress")}
        yield {"type": "response.in_progress", "response": self.response(body, [], status="in_progress")}
        yield {"type": "response.output_item.added", "output_index": 0, "item": self.call(body, None, status="in_progress")}
        yield {"type": "response.image_generation_call.in_progress", **place}
        yield {"type": "response.image_generation_call.generating", **place}
        for index in range(body["tools"][0].get("partial_images", 0)):
            yield self.partial(body, index)
        yield {"type": "response.image_generation_call.completed", **place}
        yield {"type": "response.output_item.done", "output_index": 0, "item": self.call(body, self.drawn(body))}
        output = [self.call(body, None), message("Here it is.")]
        yield {"type": "response.output_item.done", "output_index": 1, "item": output[1]}
        yield {"type": "response.completed", "response": self.response(body, output)}

    def partial(self, body: Mapping[str, Any], index: int) -> dict[str, Any]:
        """An interim picture, which is described where the upstream is in the mood."""
        described = {"size": "64x48", "quality": "high", "background": "opaque"} if index else {}
        return {
            "type": "response.image_generation_call.partial_image",
            "item_id": CALL_ID,
            "output_index": 0,
            "partial_image_index": index,
            "partial_image_b64": self.drawn(body),
            **described,
        }

    def empty(self, asked: Asked) -> Script:
        body = body_of(asked)
        return streamed([{"type": "response.completed", "response": self.response(body, [])}])

    def blocked(self, asked: Asked) -> Script:
        body = body_of(asked)
        item = {**self.call(body, None, status="failed"), "error": MODERATION}
        return streamed([{"type": "response.output_item.done", "output_index": 0, "item": item}])

    def refused(self, _: Asked) -> Script:
        return refusal("400 Bad Request", f"bad request of {KEY}", "invalid_value")

    def unauthorized(self, _: Asked) -> Script:
        return refusal("401 Unauthorized", f"Incorrect API key provided: {KEY}", "invalid_api_key")

    def busy(self, _: Asked) -> Script:
        return refusal("429 Too Many Requests", "slow down", "rate_limit_exceeded", retry_after="7")

    def down(self, _: Asked) -> Script:
        return refusal("503 Service Unavailable", "away", "server_error")

    def call(self, body: Mapping[str, Any], result: str | None, status: str = "completed") -> dict[str, Any]:
        """The item of an image call."""
        tool = body["tools"][0]
        told = {"size": "64x48", "quality": tool.get("quality", "high"), "background": tool.get("background", "opaque")}
        told["output_format"] = tool.get("output_format", "png")
        call = {"id": CALL_ID, "type": "image_generation_call", "status": status, "action": "edit", "result": result}
        return {**call, **told, "revised_prompt": "a night"}

    def response(self, body: Mapping[str, Any], output: list[dict[str, Any]], status: str = "completed") -> dict[str, Any]:
        """The whole response; a finished one has usage."""
        usage = {"usage": USAGE, "tool_usage": TOOL_USAGE} if status == "completed" else {}
        return {
            "id": "resp_1",
            "object": "response",
            "created_at": 1_790_000_000,
            "status": status,
            "error": None,
            "incomplete_details": None,
            "model": body["model"],
            "output": output,
            "parallel_tool_calls": True,
            "tool_choice": body["tool_choice"],
            "tools": body["tools"],
            "safety_identifier": body.get("safety_identifier"),
            **usage,
        }

    def drawn(self, body: Mapping[str, Any]) -> str:
        """The next picture, in the format that was asked for."""
        buffer = io.BytesIO()
        decoded(self.picture()).save(buffer, body["tools"][0].get("output_format", "png"))
        return b64(buffer.getvalue())

    def images_of(self, asked: Asked) -> list[bytes]:
        return [of_data_url(image["image_url"]) for image in body_of(asked)["input"][0]["content"][1:]]

    def mask_of(self, asked: Asked) -> Image.Image:
        """Edited where it is transparent."""
        mask = of_data_url(body_of(asked)["tools"][0]["input_image_mask"]["image_url"])
        return ImageChops.invert(decoded(mask).getchannel("A"))


def message(text: str, kind: str = "output_text") -> dict[str, Any]:
    """What the text model says: an answer, or a refusal."""
    part = {"type": kind, "refusal": text} if kind == "refusal" else {"type": kind, "text": text, "annotations": []}
    return {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [part]}


def numbered(events: Any) -> Iterator[dict[str, Any]]:
    """Events with the number that each has."""
    return ({**event, "sequence_number": number} for number, event in enumerate(events))


def streamed(events: Any) -> Script:
    """A whole stream of events."""
    return [head() + b"".join(chunk(frame(event)) for event in numbered(events)) + END]


def refusal(status: str, message: str, code: str, **headers: str) -> Script:
    """An error in OpenAI's envelope."""
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return [json_answer({"error": error}, status, **headers)]


def raw_stream(events: Any) -> bytes:
    """The bytes of a stream of events."""
    lines = ((event["type"], json.dumps(event, separators=(",", ":"))) for event in numbered(events))
    return b"".join(f"event: {name}\ndata: {data}\n\n".encode() for name, data in lines)


FAKES = [OpenAIResponses]
