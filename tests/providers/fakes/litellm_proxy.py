"""A proxy of LiteLLM 1.106 as it was seen to answer image edits."""

from collections.abc import Mapping
from typing import ClassVar

from PIL import Image, ImageChops
from providers.fakes import KEY, Fake, b64, decoded
from upstreams import USAGE, Asked, Script, json_answer

FIELDS = {"model", "prompt", "size", "quality", "background", "input_fidelity", "response_format", "user", "seed"}


def refusal(status: str, message: str, type_: str = "None", **headers: str) -> Script:
    """LiteLLM's envelope: the code is the status, as text."""
    error = {"message": message, "type": type_, "param": "None", "code": status[:3]}
    return [json_answer({"error": error}, status, **headers)]


class LiteLLMProxy(Fake):
    """A model group of a proxy."""

    name = "litellm_proxy/my-image-group"
    takes_mask = True
    refuses: ClassVar[Mapping[str, str]] = {"output_format": "gif"}

    def check(self, asked: Asked) -> None:
        assert (asked.method, asked.path) == ("POST", "/v1/images/edits"), asked.path
        assert asked.headers["authorization"] == f"Bearer {KEY}"
        names = {name for name, _ in asked.fields}
        assert not names & {"stream", "partial_images"}, "a stream is paid for and gives a 500"
        assert names <= FIELDS, names
        assert {name for name, _, _, _ in asked.files} <= {"image", "image[]", "mask"}
        assert asked.field("model") == "my-image-group"

    def ok(self, asked: Asked) -> Script:
        item = {"b64_json": b64(self.picture()), "url": None, "revised_prompt": None, "provider_specific_fields": None}
        return [json_answer({"created": 1_790_000_000, "data": [item], "usage": USAGE, "size": None, "quality": None})]

    def empty(self, _: Asked) -> Script:
        return [json_answer({"created": 1, "data": []})]

    def blocked(self, _: Asked) -> Script:
        return refusal("400 Bad Request", "litellm.BadRequestError: litellm.ContentPolicyViolationError: safety system")

    def refused(self, _: Asked) -> Script:
        return refusal("400 Bad Request", f"litellm.BadRequestError: bad request of {KEY}", "invalid_request_error")

    def unauthorized(self, _: Asked) -> Script:
        return refusal("401 Unauthorized", f"Authentication Error, Received API Key = {KEY}", "auth_error")

    def busy(self, _: Asked) -> Script:
        return refusal("429 Too Many Requests", "No deployments available", retry_after="7")

    def down(self, _: Asked) -> Script:
        return refusal("503 Service Unavailable", "away")

    def images_of(self, asked: Asked) -> list[bytes]:
        return [content for name, _, _, content in asked.files if name in ("image", "image[]")]

    def filenames_of(self, asked: Asked) -> list[str]:
        return [filename for name, filename, _, _ in asked.files if name in ("image", "image[]")]

    def mask_of(self, asked: Asked) -> Image.Image:
        """As its model would have it of OpenAI: edited where it is transparent."""
        [mask] = [content for name, _, _, content in asked.files if name == "mask"]
        return ImageChops.invert(decoded(mask).getchannel("A"))


FAKES = [LiteLLMProxy]
