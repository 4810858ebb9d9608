"""Azure OpenAI as Microsoft's how-to of its image models has it: both surfaces, OpenAI's form and stream."""

from collections.abc import Mapping
from typing import Any, ClassVar

from providers.fakes import KEY, Outcome
from providers.fakes.openai import OpenAI
from upstreams import Asked, Script, json_answer

from streamedit.targets import Target

FIELDS = {
    "prompt", "n", "size", "quality", "background", "output_format", "output_compression", "input_fidelity", "stream",
    "partial_images", "user",
}  # fmt: skip
FILES = {"image", "image[]", "mask"}


def refusal(status: str, code: str, message: str, inner: Mapping[str, Any] | None = None, **headers: str) -> Script:
    """An error in Azure's envelope."""
    error = {"code": code, "message": message, **({"innererror": inner} if inner else {})}
    return [json_answer({"error": error}, status, **headers)]


class Classic(OpenAI):
    """A deployment's own URL, which alone names the model."""

    name = "azure/my image deployment"
    path = "/openai/deployments/my%20image%20deployment/images/edits?api-version=2025-04-01-preview"
    params: ClassVar[Mapping[str, object]] = {"api_version": "2025-04-01-preview"}
    refuses: ClassVar[Mapping[str, str]] = {"output_format": "gif"}
    named: ClassVar[tuple[str, ...]] = ()
    """What a form of this surface names beside the fields of both."""
    outcomes = tuple(Outcome)

    def target(self) -> Target:
        provider, _, model = self.name.partition("/")
        return Target(provider, model, KEY, self.url.removesuffix("/v1"), self.params)

    def check(self, asked: Asked) -> None:
        assert (asked.method, asked.path) == ("POST", self.path), asked.path
        assert asked.headers["api-key"] == KEY
        assert "authorization" not in asked.headers
        names = [name for name, _ in asked.fields]
        assert set(names) <= FIELDS | set(self.named), names
        assert len(set(names)) == len(names), "a field comes twice"
        assert {name for name, _, _, _ in asked.files} <= FILES
        assert asked.field("output_format") in (None, "png", "jpeg"), "no other format"
        assert asked.field("size") != "64x48"

    def blocked(self, _: Asked) -> Script:
        """With a 200, as the page shows it: `created` and `error`."""
        error = {"code": "contentFilter", "message": "Your task failed as a result of our safety system."}
        return [json_answer({"created": 1_698_435_368, "error": error})]

    def refused(self, _: Asked) -> Script:
        return refusal("400 Bad Request", "invalid_value", f"bad request of {KEY}")

    def unauthorized(self, _: Asked) -> Script:
        return refusal("401 Unauthorized", "401", f"Access denied due to invalid subscription key {KEY}")

    def busy(self, _: Asked) -> Script:
        return refusal("429 Too Many Requests", "429", "slow down", retry_after="7")

    def down(self, _: Asked) -> Script:
        return refusal("503 Service Unavailable", "ServiceUnavailable", "away")


class V1(Classic):
    """The surface without versions."""

    name = "azure/gpt-image-2"
    path = "/openai/v1/images/edits"
    params: ClassVar[Mapping[str, object]] = {}
    named = ("model",)

    def check(self, asked: Asked) -> None:
        super().check(asked)
        assert asked.field("model") == "gpt-image-2"


FAKES = [Classic, V1]
