"""One response of `generateContent`: its images, blocks, tokens and errors. Source: google-genai 3.4 (types and enums)."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from streamedit.errors import UpstreamBroken
from streamedit.events import Json, Usage, as_object
from streamedit.providers.calls import read_json
from streamedit.wire.cutouts import Cutout, Pieces

_BLOCKS = frozenset(
    (
        "SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION", "ESCALATION", "MODEL_ARMOR",
    )
)  # fmt: skip
"""The finish reasons that are a judgement. The others (`NO_IMAGE`, `MAX_TOKENS` ...) only tell why there is no picture."""

_UNAUTHORIZED = 401
_DURATION = re.compile(r"(\d+(?:\.\d+)?)s", re.ASCII)


@dataclass(frozen=True, slots=True)
class Response:
    """One whole response of an answer, with its long strings set aside."""

    cutout: Cutout
    fields: Mapping[str, Json]

    @classmethod
    def all_of(cls, *pieces: bytes) -> "Iterator[Response]":
        """The response in a JSON text, or those in a list of them. Raises UpstreamBroken."""
        cutout = read_json(*pieces)
        values = cutout.json if isinstance(cutout.json, list) else [cutout.json]
        if not all(isinstance(value, dict) for value in values):
            raise UpstreamBroken("The provider's answer is no response.", code="upstream_malformed")
        return (cls(cutout, value) for value in values)

    @property
    def block(self) -> tuple[str, str] | None:
        """Why the prompt or the picture was blocked, and in which words."""
        feedback = as_object(self.fields.get("promptFeedback"))
        if feedback.get("blockReason"):
            return str(feedback["blockReason"]), str(feedback.get("blockReasonMessage") or "")
        blocked = (candidate for candidate in self._candidates if candidate.get("finishReason") in _BLOCKS)
        return next(((str(one["finishReason"]), str(one.get("finishMessage") or "")) for one in blocked), None)

    @property
    def finish_reason(self) -> str | None:
        return next((str(one["finishReason"]) for one in self._candidates if one.get("finishReason")), None)

    def images(self) -> Iterator[tuple[bool, Pieces]]:
        """Whether it is a thought, and its base64, of each image."""
        for candidate in self._candidates:
            for part in _objects(as_object(candidate.get("content")).get("parts")):
                image = self.cutout.base64(as_object(part.get("inlineData")).get("data"))
                if image:
                    yield part.get("thought") is True, image

    @property
    def usage(self) -> Usage | None:
        """The tokens so far, by modality. Thoughts are billed as text; output of which nothing is said is of the image."""
        told = as_object(self.fields.get("usageMetadata"))
        if not told:
            return None
        inputs = _count(told, "promptTokenCount") + _count(told, "toolUsePromptTokenCount")
        thoughts, candidates = _count(told, "thoughtsTokenCount"), _count(told, "candidatesTokenCount")
        shown = told.get("candidatesTokensDetails")
        return Usage(
            input_tokens=inputs,
            output_tokens=candidates + thoughts,
            total_tokens=_count(told, "totalTokenCount") or inputs + candidates + thoughts,
            input_image_tokens=_image_tokens(told.get("promptTokensDetails")),
            cached_tokens=_count(told, "cachedContentTokenCount"),
            cached_image_tokens=_image_tokens(told.get("cacheTokensDetails")),
            output_text_tokens=thoughts + (max(0, candidates - _image_tokens(shown)) if shown else 0),
        )

    @property
    def _candidates(self) -> list[Mapping[str, Json]]:
        return _objects(self.fields.get("candidates"))


def explain(body: Json, _: Mapping[str, str]) -> Mapping[str, Json]:
    """What Google's error body says: `{"error": {code, message, status, details}}`, or a list of one.

    A key that is not valid is a 400 there, and whatever a project may not do is a 403: both are about this server's account.
    A quota tells in its details, not in a header, when to come back.
    """
    body = body[0] if isinstance(body, list) and body else body
    error = as_object(as_object(body).get("error"))
    details = _objects(error.get("details"))
    status = error.get("code")
    if status == 403 or any(detail.get("reason") == "API_KEY_INVALID" for detail in details):
        status = _UNAUTHORIZED
    delays = (_DURATION.fullmatch(str(detail.get("retryDelay"))) for detail in details)
    delay = next((match[1] for match in delays if match), None)
    return {
        "status": status,
        "message": error.get("message"),
        "code": None if status in (404, 429) else error.get("status"),
        "headers": {"retry-after": str(math.ceil(float(delay)))} if delay else {},
    }


def _objects(value: Json) -> list[Mapping[str, Json]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _count(told: Mapping[str, Json], name: str) -> int:
    value = told.get(name)
    return value if isinstance(value, int) else 0


def _image_tokens(details: Json) -> int:
    return sum(_count(one, "tokenCount") for one in _objects(details) if one.get("modality") == "IMAGE")
