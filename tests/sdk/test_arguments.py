"""A call's arguments: what is refused over HTTP is refused here, in the same words."""

import io
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from descriptors import temporary_files
from servers import RunningServer

from streamedit import APIError, image_edit
from streamedit.errors import InvalidRequest, TooLarge
from streamedit.sdk.arguments import Arguments
from streamedit.wire.multipart import BodyLimits

LIMITS = BodyLimits()
PHOTO = {"image": b"photo", "prompt": "a hat"}

REFUSED: list[Mapping[str, Any]] = [
    {"n": 11}, {"n": 0}, {"n": "two"}, {"partial_images": 5}, {"partial_images": -1}, {"prompt": ""}, {"prompt": None},
    {"prompt": "x" * 32_001}, {"output_compression": 101}, {"num_retries": 11}, {"timeout": -1}, {"timeout": "soon"},
    {"fallbacks": [""]}, {"extra_headers": {"authorization": "x"}}, {"extra_headers": {"x-amz-target": "x"}},
    {"metadata": {"tags": 7}}, {"metadata": {"x": "y" * 16_384}}, {"n": 11, "partial_images": 5}, {"model": "no-such-model"},
    {"mock_fault": "no such fault"}, {"mock_fault": "rate_limit"}, {"model": "darkroom", "seed": 7},
    {"model": "darkroom", "prompt": "xyzzy"}, {"model": "darkroom", "prompt": "sepia"},
]  # fmt: skip


@pytest.mark.parametrize("fields", REFUSED, ids=str)
def test_it_is_refused_as_over_http(server: RunningServer, fields: Mapping[str, Any]) -> None:
    """The same status, message, param and code."""
    said = {"prompt": "a hat", "model": "mock", "num_retries": 0, **fields}
    image = {"image_url": f"data:image/png;base64,{b64encode(b'photo').decode()}"}
    body = {name: value for name, value in said.items() if value is not None}
    answer = httpx.post(server.edits_url, json={**body, "images": [image]})
    with pytest.raises(APIError) as caught:
        image_edit(b"photo", **said)
    error = caught.value
    assert {"message": error.message, "type": error.type, "param": error.param, "code": error.code} == answer.json()["error"]
    assert error.status_code == answer.status_code


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({"image": [b"photo"] * 17}, "image", "too_many_images"),
        ({"image": []}, "image", "missing_required_parameter"),
        ({"image": None}, "image", "missing_required_parameter"),
        ({"image": [b"photo", b""]}, "image", "empty_image"),
        ({"mask": b""}, "mask", "empty_image"),
        ({"mask": [b"mask", b"mask"]}, "mask", "too_many_images"),
        ({"image": [b"photo", "no such file"]}, "image[1]", "unreadable_file"),
        ({"style": object()}, "style", "invalid_type"),
        ({"quality": ["high"]}, "quality", "invalid_type"),
    ],
)
def test_a_call_that_cannot_be_one_names_its_parameter(fields: Mapping[str, Any], param: str, code: str) -> None:
    """And leaves no file."""
    before = temporary_files()
    with pytest.raises(InvalidRequest) as caught:
        Arguments.of({**PHOTO, **fields}).request(LIMITS)
    assert (caught.value.detail.param, caught.value.detail.code) == (param, code)
    assert temporary_files() == before


def test_bounds_are_a_servers() -> None:
    """For an image, for a field, for all of them."""
    for said, limits, param in (
        ({"image": b"x" * 11}, BodyLimits(image_bytes=10), "image"),
        ({"style": "x" * 300_000}, LIMITS, "style"),
    ):
        with pytest.raises(TooLarge) as caught:
            Arguments.of({**PHOTO, **said}).request(limits)
        assert caught.value.detail.param == param
    with pytest.raises(InvalidRequest, match="More than 128 parts"):
        Arguments.of({**PHOTO, **{f"field_{number}": 1 for number in range(127)}}).request(LIMITS)


async def test_everything_has_its_place(tmp_path: Path) -> None:
    """Options, wishes, pictures, further files, further fields."""
    asked = Arguments.of(
        {
            "image": [b"one", io.BytesIO(b"two")], "mask": b"mask", "control": ("c.png", b"control"), "refs": [b"r1", b"r2"],
            "prompt": "a hat", "n": 2, "stream": True, "partial_images": 1, "user": "u", "size": None,
            "timeout": httpx.Timeout(7), "max_retries": 1, "fallbacks": ["a", "b"], "tags": ("x", "y"),
            "metadata": {"job": {"id": 7}}, "extra_headers": {"X-A": "b"}, "seed": 7, "style": {"name": ["bold", "flat"]},
            "extra_body": {"strength": 0.5, "n": 3},
        }
    ).request(LIMITS)  # fmt: skip
    assert [await image.upload.read() for image in asked.images] == [b"one", b"two"]
    assert [(name, await image.upload.read()) for name, image in asked.extra_files] == [
        ("control", b"control"), ("refs", b"r1"), ("refs", b"r2"),
    ]  # fmt: skip
    assert asked.mask is not None
    assert (asked.n, asked.stream, asked.partial_images, asked.options.user, asked.options.size) == (3, True, 1, "u", None)
    wishes = asked.wishes
    assert (wishes.timeout_s, wishes.retries, wishes.fallbacks, wishes.tags) == (7, 1, ("a", "b"), ("x", "y"))
    assert (wishes.metadata, wishes.headers) == ({"job": '{"id":7}'}, {"x-a": "b"})
    assert asked.extra == (("seed", "7"), ("style[name][]", "bold"), ("style[name][]", "flat"), ("strength", "0.5"))
    asked.close()


def test_what_is_of_a_deployment_is_none_of_the_edit() -> None:
    """By LiteLLM's names and OpenAI's; what is None was not said, and LiteLLM's own bookkeeping says nothing of a picture."""
    asked = Arguments.of(
        {
            **PHOTO, "api_key": "k", "base_url": "http://b", "api_version": "v1", "custom_llm_provider": "azure",
            "drop_params": True,
            "aws_region_name": "eu-west-1", "vertex_project": "p", "azure_ad_token": "t", "organization": None,
            "litellm_call_id": "7", "litellm_logging_obj": object(), "client": object(), "verbose": True,
        }
    )  # fmt: skip
    assert asked.fields == PHOTO
    assert asked.params == {
        "api_key": "k", "api_base": "http://b", "api_version": "v1", "custom_llm_provider": "azure", "drop_params": True,
        "aws_region_name": "eu-west-1", "vertex_project": "p", "azure_ad_token": "t",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["extra_query", "litellm_credential_name"])
def test_what_would_be_lost_is_refused(name: str) -> None:
    """It decides who is asked, and cannot do so here; where it says nothing it is nothing."""
    with pytest.raises(InvalidRequest, match=f"{name} is not supported here"):
        Arguments.of({**PHOTO, name: {"a": "b"}})
    assert Arguments.of({**PHOTO, name: {}}).fields == PHOTO
