"""Models of other makers in Microsoft Foundry, as Microsoft's how-to pages of FLUX and of MAI image models have them."""

import base64
from collections.abc import Mapping
from typing import Any, ClassVar

from providers.fakes import KEY, Fake, b64, body_of, check_only
from providers.fakes.azure import refusal
from providers.fakes.openai import in_format
from upstreams import Asked, Script, json_answer

from streamedit.targets import Target


class Foundry(Fake):
    """What the three have in common."""

    path: ClassVar[str]

    def target(self) -> Target:
        provider, _, model = self.name.partition("/")
        return Target(provider, model, KEY, self.url.removesuffix("/v1"), self.params)

    def check(self, asked: Asked) -> None:
        assert (asked.method, asked.path) == ("POST", self.path), asked.path
        self.check_headers(asked.headers)
        self.check_body(asked)

    def check_headers(self, headers: Mapping[str, str]) -> None:
        assert headers["api-key"] == KEY
        assert "authorization" not in headers

    def check_body(self, asked: Asked) -> None:
        raise NotImplementedError

    def ok(self, asked: Asked) -> Script:
        return [json_answer({"created": 1_790_000_000, "data": [{"b64_json": b64(self.picture())}], **self.count()})]

    def count(self) -> dict[str, Any]:
        return {}

    def empty(self, _: Asked) -> Script:
        return [json_answer({"created": 1, "data": []})]

    def blocked(self, _: Asked) -> Script:
        found = {"sexual": {"filtered": True, "severity": "high"}, "hate": {"filtered": False, "severity": "safe"}}
        inner = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": found}
        return refusal("400 Bad Request", "invalid_request_error", "The response was filtered.", inner)

    def refused(self, _: Asked) -> Script:
        return refusal("400 Bad Request", "BadRequest", f"bad request of {KEY}")

    def unauthorized(self, _: Asked) -> Script:
        return refusal("401 Unauthorized", "Unauthorized", f"no access with {KEY}")

    def busy(self, _: Asked) -> Script:
        return refusal("429 Too Many Requests", "RateLimitReached", "slow down", retry_after="7")

    def down(self, _: Asked) -> Script:
        return refusal("503 Service Unavailable", "ServiceUnavailable", "away")

    def images_of(self, asked: Asked) -> list[bytes]:
        return [content for name, _, _, content in asked.files if name == "image"]

    def filenames_of(self, asked: Asked) -> list[str]:
        return [filename for name, filename, _, _ in asked.files if name == "image"]


class Kontext(Foundry):
    """FLUX.1 Kontext [pro] by the Image API."""

    name = "azure_ai/FLUX.1-Kontext-pro"
    path = "/openai/deployments/FLUX.1-Kontext-pro/images/edits?api-version=preview"
    refuses: ClassVar[Mapping[str, str]] = {"background": "transparent", "seed": "7"}

    def check_body(self, asked: Asked) -> None:
        check_only([name for name, _ in asked.fields], ("prompt", "n", "size"))
        assert [name for name, _, _, _ in asked.files] == ["image"]


class Flux2(Foundry):
    """FLUX.2 [pro] by the maker's own API."""

    name = "azure_ai/FLUX.2-pro"
    path = "/providers/blackforestlabs/v1/flux-2-pro?api-version=preview"
    images = 2
    most_images = 8
    refuses: ClassVar[Mapping[str, str]] = {"background": "transparent", "size": "1000x1000", "negative_prompt": "rain"}

    def check_headers(self, headers: Mapping[str, str]) -> None:
        assert headers["authorization"] == f"Bearer {KEY}"
        assert "api-key" not in headers

    def check_body(self, asked: Asked) -> None:
        body = body_of(asked)
        inputs = ["input_image", *(f"input_image_{number}" for number in range(2, self.most_images + 1))]
        own = ("seed", "guidance", "steps", "safety_tolerance", "aspect_ratio")
        check_only(body, ("model", "prompt", "width", "height", "output_format", *own, *inputs))
        assert body["model"] == self.name.partition("/")[2]
        assert "input_image" in body
        assert body.get("output_format", "png") in ("png", "jpeg")
        assert all(isinstance(body.get(name, 1), int) for name in ("width", "height", "seed", "steps", "safety_tolerance"))
        assert 1.5 <= body.get("guidance", 4.5) <= 10
        assert 1 <= body.get("steps", 50) <= 50
        assert 0 <= body.get("safety_tolerance", 2) <= 5
        assert body.get("width", 16) * body.get("height", 16) <= 4 << 20
        assert body.get("width", 16) % 16 == body.get("height", 16) % 16 == 0

    def ok(self, asked: Asked) -> Script:
        picture = in_format(self.picture(), body_of(asked).get("output_format", "jpeg"))
        return [json_answer({"created": 1_790_000_000, "data": [{"b64_json": b64(picture)}]})]

    def images_of(self, asked: Asked) -> list[bytes]:
        body = body_of(asked)
        names = sorted((name for name in body if name.startswith("input_image")), key=len)
        return [base64.b64decode(body[name], validate=True) for name in names]

    def filenames_of(self, asked: Asked) -> list[str]:
        return []


class Flux2Flex(Flux2):
    """FLUX.2 [flex]: ten images."""

    name = "azure_ai/FLUX.2-flex"
    path = "/providers/blackforestlabs/v1/flux-2-flex?api-version=preview"
    images = 3
    most_images = 10


class MAI(Foundry):
    """MAI-Image-2.6: PNG and nothing else, in the size of its choice."""

    name = "azure_ai/MAI-Image-2.6"
    path = "/mai/v1/images/edits?api-version=preview"
    refuses: ClassVar[Mapping[str, str]] = {"background": "transparent", "size": "1024x1024", "seed": "7"}

    def check_body(self, asked: Asked) -> None:
        check_only([name for name, _ in asked.fields], ("model", "prompt", "auto_aspect_ratio", "web_grounding"))
        assert asked.field("model") == self.name.partition("/")[2]
        assert [(name, media_type) for name, _, media_type, _ in asked.files] == [("image", "image/png")]

    def count(self) -> dict[str, Any]:
        return {"usage": {"num_input_text_tokens": 10, "num_input_image_tokens": 40, "num_output_tokens": 50}}


class MAI25(MAI):
    """MAI-Image-2.5, which has none of the two fields of its own."""

    name = "azure_ai/MAI-Image-2.5-Flash"
    refuses: ClassVar[Mapping[str, str]] = {"web_grounding": "true", "size": "1024x1024"}


FAKES = [Kontext, Flux2, Flux2Flex, MAI, MAI25]
