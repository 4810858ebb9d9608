"""What edits give: OpenAI's fields, LiteLLM's ways to read them, and nothing that was answered is lost."""

import copy
import json
import pickle
from typing import Any

import openai.types
import pytest
from openai.types import image_edit_completed_event, images_response
from pydantic import BaseModel
from upstreams import IMAGE, USAGE, completed, partial

import streamedit
from streamedit import tally
from streamedit.sdk import models
from streamedit.sdk.models import ImageEditCompletedEvent, ImageEditPartialImageEvent, ImagesResponse, Made

RESPONSE = {"created": 1, "data": [{"b64_json": IMAGE, "style": "bold"}], "usage": {**USAGE, "cost": 0.1}, "seed": 7}

PAIRS = [
    (openai.types.ImagesResponse, ImagesResponse),
    (openai.types.Image, streamedit.Image),
    (openai.types.ImageEditPartialImageEvent, ImageEditPartialImageEvent),
    (openai.types.ImageEditCompletedEvent, ImageEditCompletedEvent),
    (images_response.Usage, models.Usage),
    (images_response.UsageInputTokensDetails, models.TokensDetails),
    (images_response.UsageOutputTokensDetails, models.TokensDetails),
    (images_response.SvgUsage, models.SvgUsage),
    (image_edit_completed_event.Usage, models.Usage),
]


def response_of(**fields: Any) -> ImagesResponse:
    """With these fields replaced."""
    return ImagesResponse.model_validate_json(json.dumps({**RESPONSE, **fields}))


@pytest.mark.parametrize(("theirs", "ours"), PAIRS, ids=lambda model: model.__name__)
def test_the_fields_are_openais(theirs: type[BaseModel], ours: type[BaseModel]) -> None:
    """Every field of OpenAI's package is there."""
    assert theirs.model_fields.keys() <= ours.model_fields.keys()


def test_events_read_as_openais() -> None:
    """What OpenAI's package makes of the same bytes."""
    for payload, theirs, ours in (
        (partial(1), openai.types.ImageEditPartialImageEvent, ImageEditPartialImageEvent),
        (completed(), openai.types.ImageEditCompletedEvent, ImageEditCompletedEvent),
    ):
        text = json.dumps(payload)
        said = ours.model_validate_json(text).to_dict()
        assert said == theirs.model_validate_json(text).to_dict(mode="json") == payload


def test_fields_are_read_as_litellms() -> None:
    """By attribute and by name, further ones, too."""
    response = response_of()
    assert response["data"][0]["b64_json"] == response.data[0].b64_json == IMAGE
    assert (response["seed"], response.data[0]["style"], response.get("size"), response.get("no", 1)) == (7, "bold", None, 1)
    assert ("data" in response, "seed" in response, "model_dump" in response) == (True, True, False)
    with pytest.raises(KeyError):
        response["model_dump"]


def test_what_was_answered_comes_out_again() -> None:
    """As a dictionary and as text, unknown fields included, and nothing else."""
    assert response_of().to_dict() == json.loads(response_of().to_json()) == RESPONSE
    assert response_of().model_dump()["data"][0]["style"] == "bold"


def test_a_picture_is_not_printed() -> None:
    """Its beginning and its length are."""
    shown = str(response_of())
    assert "b64_json='iVBORw0KGgo" in shown
    assert f"({len(IMAGE)} characters)" in shown
    assert len(shown) < 600
    assert repr(response_of(data=[{"url": "https://example.com/a.png"}])).count("https://example.com/a.png") == 1


def test_a_field_that_is_not_as_it_should_be_loses_no_picture() -> None:
    """It is taken as it is."""
    response = response_of(usage={"input_tokens": "many"}, created="today", size=7)
    assert response.data[0].b64_json == IMAGE
    assert (response["created"], response["size"]) == ("today", 7)
    assert response.usage is not None
    assert response.usage["input_tokens"] == "many"


def test_a_result_tells_of_its_edit() -> None:
    """Also where it was copied or has been in another process; its own fields are not touched."""
    made = Made("edit_1", {tally.MODEL: "gpt-image-2", tally.PROVIDER: "openai"}, 12_500)
    response = response_of(model="a field").of(made)
    for each in (response, copy.deepcopy(response), pickle.loads(pickle.dumps(response))):
        assert (each.edit_id, each.model, each.provider, each.cost_usd) == ("edit_1", "gpt-image-2", "openai", 0.0125)
        assert each._hidden_params["response_cost"] == 0.0125
        assert each.to_dict()["model"] == "a field"
    assert response_of().cost_usd is None
