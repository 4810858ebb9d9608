"""The dialect's schemas, checked against what the SDK and this server send."""

from dataclasses import fields
from typing import Any

import drained
import pytest
from openai.types import image_edit_params
from pydantic import BaseModel, ValidationError

from streamedit.edits import EditOptions
from streamedit.errors import ErrorDetail
from streamedit.events import Usage
from streamedit.providers.base import Picture
from streamedit.wire import bodies, schemas
from streamedit.wire.schemas import EditBody, EditFields, EditForm, ImageReference

MODELS = [value for value in vars(schemas).values() if isinstance(value, type) and value.__module__ == schemas.__name__]
NUMBERS = [("n", 1, 10), ("partial_images", 0, 3), ("output_compression", 0, 100)]


def test_every_option_is_a_field() -> None:
    """What an EditRequest can hold, a body can say."""
    assert {option.name for option in fields(EditOptions)} <= set(EditFields.model_fields)


def test_every_common_parameter_of_the_sdk_is_known() -> None:
    """Only the newest, format-specific parameters are left to travel on unread."""
    known = set(EditForm.model_fields)
    newest = {"complexity", "frame_count", "frame_duration_ms", "svg"}
    assert set(image_edit_params.ImageEditParamsBase.__annotations__) - newest <= known


@pytest.mark.parametrize(("name", "least", "most"), NUMBERS)
def test_numbers_have_their_range(name: str, least: int, most: int) -> None:
    """Both ends are allowed, what is beyond them is not; text is as good as a number."""
    for value in (least, most, str(most), f"{least}"):
        assert getattr(validated(**{name: value}), name) == int(value)
    beyond: list[object] = [least - 1, most + 1, str(most + 1), "many", 1.5, "1.5", [], {}]
    for wrong in beyond:
        with pytest.raises(ValidationError):
            validated(**{name: wrong})


@pytest.mark.parametrize("name", sorted(set(EditFields.model_fields) - {"prompt"}))
@pytest.mark.parametrize("absent", ["", "null", None])
def test_blank_is_absent(name: str, absent: str | None) -> None:
    """An empty field and the word null are what a form has for null."""
    assert getattr(validated(**{name: absent}), name) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("True", True),
        ("TRUE", True),
        ("1", True),
        ("false", False),
        ("False", False),
        ("0", False),
        (True, True),
        *((text, True) for text in ("t", "T")),
        *((text, False) for text in ("f", "F", "FALSE")),
    ],
)
def test_flags_are_read_as_clients_write_them(text: object, value: bool) -> None:
    """JavaScript, Python, Go and curl spell booleans differently."""
    assert validated(stream=text).stream is value


@pytest.mark.parametrize("flag", ["maybe", "2", 2, [], "tru"])
def test_a_flag_that_is_none_is_refused(flag: object) -> None:
    """A guess would decide between a stream and a body."""
    with pytest.raises(ValidationError):
        validated(stream=flag)


@pytest.mark.parametrize(("length", "fits"), [(0, False), (1, True), (32_000, True), (32_001, False)])
def test_a_prompt_has_its_length(length: int, fits: bool) -> None:
    """From 1 to 32000 characters, counted as characters."""
    try:
        EditFields.model_validate({"prompt": "🎨" * length})
    except ValidationError:
        assert not fits
    else:
        assert fits


@pytest.mark.parametrize(
    "reference",
    [
        {},
        {"image_url": "data:,", "file_id": "file-1"},
        {"image_url": None},
        {"image_url": "data:,", "detail": "high"},
        {"image_url": {"url": "data:,", "detail": "high"}},
        {"image_url": {}},
        {"file_id": ""},
        {"file_id": "f" * 257},
        "data:,",
    ],
)
def test_a_reference_is_exactly_one_of_two(reference: object) -> None:
    """An image is given by URL or by file, never both or neither, and with nothing beside."""
    with pytest.raises(ValidationError):
        ImageReference.model_validate(reference)


@pytest.mark.parametrize("reference", [{"image_url": "https://x"}, {"url": "https://x"}, {"image_url": {"url": "https://x"}}])
def test_a_url_may_be_written_in_three_ways(reference: object) -> None:
    """OpenAI's, xAI's, and that of chats."""
    assert ImageReference.model_validate(reference).image_url == "https://x"


@pytest.mark.parametrize(("count", "fits"), [(0, False), (1, True), (16, True), (17, False)])
def test_a_body_has_1_to_16_images(count: int, fits: bool) -> None:
    """OpenAI's bound."""
    try:
        EditBody.model_validate({"prompt": "x", "images": [{"file_id": "f"}] * count})
    except ValidationError:
        assert not fits
    else:
        assert fits


def test_answers_are_as_their_schemas_say() -> None:
    """The events of the embedded providers and our errors fit what `/openapi.json` promises."""
    picture = Picture(1, "1x1", "png")
    usage = Usage(1, 2, 3)
    answer = drained.joined(bodies.images_response([picture.completed(b"QQ==", usage)]))
    error = ErrorDetail(400, "t", "m")
    partial, completed = (
        drained.raw(event.payload) for event in (picture.partial(b"QQ==", 2), picture.completed(b"QQ==", usage))
    )
    assert schemas.PartialImageEvent.model_validate_json(partial).partial_image_index == 2
    assert schemas.CompletedEvent.model_validate_json(completed).usage.total_tokens == 3
    assert schemas.ImagesResponse.model_validate_json(answer).data[0].b64_json == "QQ=="
    assert schemas.ErrorEnvelope.model_validate_json(bodies.error_envelope(error)).error.param is None
    assert schemas.ErrorEvent.model_validate_json(bodies.stream_error(error)).error.message == "m"


@pytest.mark.parametrize("model", [model for model in MODELS if issubclass(model, BaseModel)])
def test_every_model_can_be_drawn(model: type[BaseModel]) -> None:
    """Each schema has a description and named properties."""
    drawn = model.model_json_schema()
    assert drawn["description"]
    assert drawn["properties"]


def validated(**values: Any) -> EditFields:
    """The fields of a request with a prompt and these."""
    return EditFields.model_validate({"prompt": "x", **values})
