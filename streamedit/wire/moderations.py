"""OpenAI's moderations, both ways.

Source: OpenAI's API reference (`POST /v1/moderations`, omni-moderation), openai-python 3.52: one image a request; categories
that a model does not judge are null.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from streamedit.edits import InputImage
from streamedit.events import Json
from streamedit.wire.jsonbody import Base64, JsonBody


class Result(BaseModel):
    """What was found in an input: by category whether it counts, and its score from 0 to 1."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    categories: Mapping[str, bool | None]
    category_scores: Mapping[str, float | None] = Field(default_factory=dict)


class _Answer(BaseModel):
    results: Annotated[tuple[Result, ...], Field(min_length=1)]


def of_text(model: str, text: str) -> JsonBody:
    """A request to judge a text."""
    return _body(model, {"type": "text", "text": text})


def of_image(model: str, image: InputImage) -> JsonBody:
    """A request to judge an image, of which the media type is known."""
    return _body(model, {"type": "image_url", "image_url": {"url": Base64.data_url(image)}})


def _body(model: str, item: Mapping[str, Json]) -> JsonBody:
    return JsonBody({"model": model, "input": [item]})


def parse(content: bytes) -> Sequence[Result]:
    """What an answer says, one at least. Raises ValueError for anything else."""
    return _Answer.model_validate_json(content).results
