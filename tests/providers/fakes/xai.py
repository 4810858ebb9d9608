"""xAI as docs.x.ai describes it: JSON only, images as URLs, no mask."""

from typing import Any

from providers.fakes import KEY, Fake, b64, body_of, check_only, of_data_url
from upstreams import Asked, Script, json_answer

FIELDS = (
    "model", "prompt", "image", "images", "mask", "n", "aspect_ratio", "resolution", "quality", "response_format", "user",
    "storage_options",
)  # fmt: skip
RATIOS = {"1:1", "3:4", "4:3", "9:16", "16:9", "2:3", "3:2", "9:19.5", "19.5:9", "9:20", "20:9", "1:2", "2:1", "auto"}


class XAI(Fake):
    """POST /v1/images/edits."""

    name = "xai/grok-imagine-image-2.0"
    refuses = {"background": "transparent", "negative_prompt": "rain"}  # noqa: RUF012 - each fake states its own

    def check(self, asked: Asked) -> None:
        assert (asked.method, asked.path) == ("POST", "/v1/images/edits"), asked.path
        assert asked.headers["authorization"] == f"Bearer {KEY}"
        self._check(body_of(asked))

    def ok(self, asked: Asked) -> Script:
        data = [{"b64_json": b64(self.picture()), "respect_moderation": True} for _ in range(body_of(asked).get("n", 1))]
        return [json_answer({"data": data, "usage": {"cost_in_usd_ticks": 600_000_000}})]

    def empty(self, _: Asked) -> Script:
        return [json_answer({"data": []})]

    def blocked(self, _: Asked) -> Script:
        return [json_answer({"data": [{"url": "", "respect_moderation": False}]})]

    def refused(self, _: Asked) -> Script:
        return [json_answer({"code": "invalid-argument", "error": f"bad request of {KEY}"}, "400 Bad Request")]

    def unauthorized(self, _: Asked) -> Script:
        return [json_answer({"code": "unauthenticated", "error": f"Incorrect key {KEY}"}, "401 Unauthorized")]

    def busy(self, _: Asked) -> Script:
        return [json_answer({"code": "rate", "error": "slow down"}, "429 Too Many Requests", retry_after="7")]

    def down(self, _: Asked) -> Script:
        return [json_answer({"code": "internal", "error": "away"}, "503 Service Unavailable")]

    def _check(self, body: dict[str, Any]) -> None:
        check_only(body, FIELDS)
        assert body["model"] == "grok-imagine-image-2.0"
        assert isinstance(body["prompt"], str)
        assert ("image" in body) != ("images" in body), "one of image and images"
        assert 1 <= len(body.get("images", [0])) <= 3
        assert body["response_format"] == "b64_json"
        assert body.get("aspect_ratio", "auto") in RATIOS
        assert body.get("resolution", "1k") in ("1k", "2k")
        assert body.get("quality", "low") in ("low", "medium")
        assert 1 <= body.get("n", 1) <= 10

    def images_of(self, asked: Asked) -> list[bytes]:
        body = body_of(asked)
        references = body.get("images") or [body["image"]]
        return [of_data_url(reference["url"]) for reference in references]


FAKES = [XAI]
