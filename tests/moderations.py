"""OpenAI's moderation endpoint, played: it finds in a prompt or an image the categories whose names stand in it.

The wire format is that of OpenAI's API reference; what it was asked is read with the standard library alone.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from upstreams import Asked, Script, ScriptedUpstream, json_answer, upstream

from streamedit.standards import CATEGORIES, ModerationSettings

KEY = "sk-canary-moderation"

FOUND, NOT_FOUND = 0.9, 0.01
"""The scores."""


class PlayedModeration:
    """At `url`. `scripted` is what plays it: other scripts let it break."""

    def __init__(self, scripted: ScriptedUpstream) -> None:
        self.scripted = scripted
        scripted.serve(_judged)

    @property
    def asked(self) -> list[Asked]:
        return self.scripted.asked

    @property
    def judged(self) -> list[str | bytes]:
        """The prompts and images that it was asked for."""
        return [_content(asked) for asked in self.asked]

    def settings(self, **more: Any) -> ModerationSettings:
        """Settings with which a server asks here; they block unless they say otherwise."""
        fields = {"mode": "pre_block", "api_key": KEY, "api_base": self.scripted.url, **more}
        return ModerationSettings.model_validate(fields)

    def play(self, *script: Any) -> None:
        """From now on every request is answered like that."""
        self.scripted.serve(lambda _: script)


@contextmanager
def moderating() -> Iterator[PlayedModeration]:
    """The endpoint for the time of a `with` block."""
    with upstream() as scripted:
        yield PlayedModeration(scripted)


def result(scores: Mapping[str, float]) -> dict[str, Any]:
    """One result: from 0.5 on a category is flagged; `illicit` is of those that are null where nobody judges them."""
    told = {name: scores.get(name, NOT_FOUND) for name in sorted(CATEGORIES - {"illicit/violent"})}
    flagged = {name: score >= 0.5 for name, score in told.items()}
    return {
        "flagged": any(flagged.values()),
        "categories": {**flagged, "illicit/violent": None},
        "category_scores": {**told, "illicit/violent": None},
        "category_applied_input_types": {name: ["text"] for name in told},
    }


def moderation(*scores: Mapping[str, float]) -> bytes:
    """A whole answer, with a result for each of `scores`."""
    return json_answer({"id": "modr-1", "model": "omni-moderation-latest", "results": [result(each) for each in scores]})


def _judged(asked: Asked) -> Script:
    content = _content(asked)
    text = content if isinstance(content, str) else content.decode("latin-1")
    return [moderation({name: FOUND for name in CATEGORIES if name in text})]


def _content(asked: Asked) -> str | bytes:
    """The one prompt or image of a request."""
    (part,) = json.loads(asked.body)["input"]
    if part["type"] == "text":
        return str(part["text"])
    head, _, data = part["image_url"]["url"].partition(";base64,")
    assert head.startswith("data:image/"), head
    return base64.b64decode(data, validate=True)
