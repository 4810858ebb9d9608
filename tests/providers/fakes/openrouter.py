"""OpenRouter as openrouter.ai/docs and the package openrouter 1.3.84 have it: images, streamed and not, and chat."""

import json
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from providers.fakes import KEY, Fake, b64, body_of, check_only, of_data_url
from providers.fakes.openai import in_format
from upstreams import END, Asked, Script, chunk, head, json_answer

IMAGE_FIELDS = (
    "model", "prompt", "aspect_ratio", "background", "input_references", "n", "output_compression", "output_format",
    "provider", "quality", "resolution", "seed", "session_id", "size", "stream", "trace", "user",
)  # fmt: skip
CHAT_FIELDS = ("model", "messages", "modalities", "stream", "image_config", "seed", "user", "provider", "session_id", "trace")

CHOICES: Mapping[str, tuple[str, ...]] = {
    "background": ("auto", "transparent", "opaque"),
    "output_format": ("png", "jpeg", "webp", "svg"),
    "quality": ("auto", "low", "medium", "high", "xhigh", "max"),
    "resolution": ("512", "768", "1K", "1.5K", "2K", "4K"),
}
TYPES: Mapping[str, type] = {
    "prompt": str, "n": int, "output_compression": int, "seed": int, "size": str, "stream": bool, "user": str,
    "provider": dict, "trace": dict, "session_id": str,
}  # fmt: skip
USAGE = {
    "prompt_tokens": 16,
    "completion_tokens": 272,
    "total_tokens": 288,
    "cost": 0.011,
    "prompt_tokens_details": {"cached_tokens": 0},
    "completion_tokens_details": {"image_tokens": 272, "reasoning_tokens": 0},
}
PROCESSING = b": OPENROUTER PROCESSING\n\n"
DONE = b"data: [DONE]\n\n"


def refusal(status: int, message: str, **metadata: Any) -> dict[str, Any]:
    """An error body."""
    return {"error": {"code": status, "message": message, **({"metadata": metadata} if metadata else {})}}


def unnamed(*events: Mapping[str, Any]) -> bytes:
    """A stream as it is sent: data alone, without the names of the events."""
    frames = b"".join(b"data: %b\n\n" % json.dumps(event).encode() for event in events)
    return head("text/event-stream") + chunk(PROCESSING) + chunk(frames) + chunk(DONE) + END


class _OpenRouter(Fake):
    """What both APIs have in common."""

    path: ClassVar[str]
    refuses: ClassVar[Mapping[str, str]] = {"negative_prompt": "rain"}

    @abstractmethod
    def check_body(self, body: dict[str, Any]) -> None:
        """Assert that the API would take the body."""

    @property
    def model(self) -> str:
        return self.name.partition("/")[2]

    def check(self, asked: Asked) -> None:
        assert (asked.method, asked.path) == ("POST", self.path), asked.path
        assert asked.headers["authorization"] == f"Bearer {KEY}"
        body = body_of(asked)
        assert body["model"] == self.model
        for name in TYPES.keys() & body.keys():
            assert type(body[name]) is TYPES[name], (name, body[name])
        self.check_body(body)

    def refused(self, _: Asked) -> Script:
        return [json_answer(refusal(400, f"bad request of {KEY}"), "400 Bad Request")]

    def unauthorized(self, _: Asked) -> Script:
        return [json_answer(refusal(401, f"No such key {KEY}"), "401 Unauthorized")]

    def busy(self, _: Asked) -> Script:
        return [json_answer(refusal(429, "slow down"), "429 Too Many Requests", retry_after="7")]

    def down(self, _: Asked) -> Script:
        return [json_answer(refusal(503, "no provider is there"), "503 Service Unavailable")]


class ImagesBuffered(_OpenRouter):
    """A model that cannot stream: it ignores the wish, and makes one image of a call."""

    name = "openrouter/google/gemini-nano-banana-2.1"
    path = "/v1/images"
    most = 1

    def check_body(self, body: dict[str, Any]) -> None:
        check_only(body, IMAGE_FIELDS)
        for name, choices in CHOICES.items():
            assert body.get(name, choices[0]) in choices, (name, body[name])
        assert 1 <= body.get("n", 1) <= self.most, "this provider makes one image"
        assert 0 <= body.get("output_compression", 0) <= 100
        assert {reference["type"] for reference in body["input_references"]} == {"image_url"}

    def ok(self, asked: Asked) -> Script:
        body = body_of(asked)
        data = [{"b64_json": self.image(body), "media_type": "image/png"} for _ in range(body.get("n", 1))]
        return [json_answer({"created": 1_748_372_400, "data": data, "usage": USAGE})]

    def image(self, body: dict[str, Any]) -> str:
        return b64(in_format(self.picture(), body.get("output_format") or "png"))

    def empty(self, _: Asked) -> Script:
        return [json_answer({"created": 1, "data": []})]

    def blocked(self, _: Asked) -> Script:
        """With a 200, as an error that came once the work had begun."""
        return [json_answer(refusal(403, "Your input was flagged.", reasons=["violence"], flagged_input="make it ..."))]

    def images_of(self, asked: Asked) -> list[bytes]:
        return [of_data_url(reference["image_url"]["url"]) for reference in body_of(asked)["input_references"]]


class ImagesStreamed(ImagesBuffered):
    """A model that streams, with as many partial images as it likes."""

    name = "openrouter/openai/gpt-image-2"
    partial_images = 2
    most = 10

    def check_body(self, body: dict[str, Any]) -> None:
        super().check_body(body)
        assert not body.get("stream") or body.get("n", 1) == 1, "no stream of several images"

    def ok(self, asked: Asked) -> Script:
        body = body_of(asked)
        if not body.get("stream"):
            return super().ok(asked)
        events: list[dict[str, Any]] = [
            {"type": "image_generation.partial_image", "partial_image_index": index, "b64_json": self.image(body)}
            for index in range(3)
        ]
        completed = {"type": "image_generation.completed", "b64_json": self.image(body), "created": 1_748_372_400}
        return [unnamed(*events, {**completed, "media_type": "image/png", "usage": USAGE})]


class Chat(_OpenRouter):
    """Chat completions that answer with an image."""

    name = "openrouter/google/gemini-3-pro-image"
    path = "/v1/chat/completions"
    params: ClassVar[Mapping[str, object]] = {"api": "chat"}
    refuses: ClassVar[Mapping[str, str]] = {"background": "transparent", "resolution": "2K"}

    def check_body(self, body: dict[str, Any]) -> None:
        check_only(body, CHAT_FIELDS)
        check_only(body.get("image_config", {}), ("aspect_ratio", "image_size"))
        assert set(body["modalities"]) == {"image", "text"}
        [message] = body["messages"]
        assert message["role"] == "user"
        assert [part["type"] for part in message["content"]] == ["text"] + ["image_url"] * (len(message["content"]) - 1)

    def ok(self, asked: Asked) -> Script:
        image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{b64(self.picture())}"}, "index": 0}
        return self.told(asked, {"role": "assistant", "content": "Here it is.", "images": [image]})

    def told(self, asked: Asked, message: Mapping[str, Any], finish_reason: str = "stop") -> Script:
        """A message, streamed or whole, as was asked."""
        shared = {"id": "gen-1", "created": 1_748_372_400, "model": self.model}
        if not body_of(asked).get("stream"):
            choice = {"index": 0, "message": message, "finish_reason": finish_reason}
            return [json_answer({**shared, "object": "chat.completion", "choices": [choice], "usage": USAGE})]
        shared |= {"object": "chat.completion.chunk"}
        deltas = [{"index": 0, "delta": {name: value}, "finish_reason": None} for name, value in message.items()]
        ends = {"index": 0, "delta": {"content": ""}, "finish_reason": finish_reason}
        return [
            unnamed(*({**shared, "choices": [choice]} for choice in (*deltas, ends)), {**shared, "choices": [], "usage": USAGE})
        ]

    def empty(self, asked: Asked) -> Script:
        return self.told(asked, {"role": "assistant", "content": ""})

    def blocked(self, asked: Asked) -> Script:
        return self.told(asked, {"role": "assistant", "content": None, "refusal": "I cannot do that."})

    def images_of(self, asked: Asked) -> list[bytes]:
        [message] = body_of(asked)["messages"]
        return [of_data_url(part["image_url"]["url"]) for part in message["content"] if part["type"] == "image_url"]


FAKES = [ImagesStreamed, ImagesBuffered, Chat]
