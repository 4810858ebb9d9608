"""OpenAI's own `/v1/images/edits` as its reference has it, streamed and not."""

from collections.abc import Mapping
from io import BytesIO
from typing import Any

from PIL import Image, ImageChops
from providers.fakes import KEY, Fake, b64, decoded
from upstreams import END, USAGE, Asked, Script, chunk, frame, head, json_answer

FIELDS = {
    "model", "prompt", "n", "size", "quality", "background", "output_format", "output_compression", "input_fidelity",
    "stream", "partial_images", "user", "safety_identifier", "response_format",
}  # fmt: skip


def refusal(status: str, message: str, code: str, **headers: str) -> Script:
    """An error in OpenAI's envelope."""
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return [json_answer({"error": error}, status, **headers)]


class OpenAI(Fake):
    """gpt-image-2."""

    name = "openai/gpt-image-2"
    takes_mask = True
    partial_images = 2

    def check(self, asked: Asked) -> None:
        assert (asked.method, asked.path) == ("POST", "/v1/images/edits"), asked.path
        assert asked.headers["authorization"] == f"Bearer {KEY}"
        assert {name for name, _ in asked.fields} <= FIELDS
        assert asked.field("model") == "gpt-image-2"

    def ok(self, asked: Asked) -> Script:
        return self.stream(asked) if asked.field("stream") == "true" else self.plain(asked)

    def empty(self, _: Asked) -> Script:
        return [json_answer({"created": 1, "data": []})]

    def blocked(self, _: Asked) -> Script:
        return refusal("400 Bad Request", "blocked by the safety system", "moderation_blocked")

    def refused(self, _: Asked) -> Script:
        return refusal("400 Bad Request", f"bad request of {KEY}", "invalid_value")

    def unauthorized(self, _: Asked) -> Script:
        return refusal("401 Unauthorized", f"Incorrect API key provided: {KEY}", "invalid_api_key")

    def busy(self, _: Asked) -> Script:
        return refusal("429 Too Many Requests", "slow down", "rate_limit_exceeded", retry_after="7")

    def down(self, _: Asked) -> Script:
        return refusal("503 Service Unavailable", "away", "unavailable")

    def stream(self, asked: Asked) -> Script:
        assert asked.field("n") in (None, "1"), "no stream of several images"
        shown = int(asked.field("partial_images") or 0)
        events = [self.event(asked, "partial_image", partial_image_index=index) for index in range(shown)]
        events.append(self.event(asked, "completed", usage=USAGE))
        return [head() + b"".join(chunk(frame(event)) for event in events) + END]

    def plain(self, asked: Asked) -> Script:
        data = [{"b64_json": b64(self.picture_of(asked))} for _ in range(int(asked.field("n") or 1))]
        return [json_answer({"created": 1_790_000_000, "data": data, "usage": USAGE, "output_format": "png", "size": "64x48"})]

    def event(self, asked: Asked, kind: str, **fields: Any) -> Mapping[str, Any]:
        return {
            "type": f"image_edit.{kind}",
            "b64_json": b64(self.picture_of(asked)),
            "created_at": 1_790_000_000,
            "size": "64x48",
            "quality": "high",
            "background": "opaque",
            "output_format": asked.field("output_format") or "png",
            **fields,
        }

    def picture_of(self, asked: Asked) -> bytes:
        """In the format that was asked for."""
        return in_format(self.picture(), asked.field("output_format") or "png")

    def images_of(self, asked: Asked) -> list[bytes]:
        return [content for name, _, _, content in asked.files if name in ("image", "image[]")]

    def filenames_of(self, asked: Asked) -> list[str]:
        return [filename for name, filename, _, _ in asked.files if name in ("image", "image[]")]

    def mask_of(self, asked: Asked) -> Image.Image:
        """Edited where it is transparent."""
        [mask] = [content for name, _, _, content in asked.files if name == "mask"]
        return ImageChops.invert(decoded(mask).getchannel("A"))


class OpenAI1(OpenAI):
    """gpt-image-1, as the examples of LiteLLM's document have it."""

    name = "openai/gpt-image-1"

    def check(self, asked: Asked) -> None:
        assert asked.headers["authorization"] == f"Bearer {KEY}"
        assert asked.field("model") == "gpt-image-1"


def in_format(picture: bytes, output_format: str) -> bytes:
    """A picture in another format."""
    buffer = BytesIO()
    decoded(picture).save(buffer, output_format)
    return buffer.getvalue()


FAKES = [OpenAI]
