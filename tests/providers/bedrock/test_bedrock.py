"""The provider `bedrock`: what Stability's services are sent, what answers mean, and how a configuration says where."""

import base64
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any
from urllib.parse import unquote

import pytest
from botocore.awsrequest import AWSResponse  # type: ignore[import-untyped]  # botocore has no types
from botocore.exceptions import ClientError  # type: ignore[import-untyped]  # botocore has no types
from botocore.session import Session  # type: ignore[import-untyped]  # botocore has no types
from providers.bedrock.desk import PHOTO, Desk, window
from providers.fakes import KEY, b64, decoded
from providers.fakes import bedrock as fakes
from upstreams import Asked, ScriptedUpstream, json_answer

from streamedit.config import from_environment
from streamedit.providers.bedrock.bedrock import FAMILIES, SETUP, invoke_url
from streamedit.targets import Target

NOVA = "amazon.nova-canvas-v1:0"
INPAINT = "us.stability.stable-image-inpaint-v1:0"


@pytest.fixture
def desk(scripted: ScriptedUpstream) -> Desk:
    """With Nova Canvas at the other end."""
    return Desk(scripted)


class TestStability:
    """Stability's services."""

    def test_every_field_arrives_with_its_type(self, desk: Desk) -> None:
        """Integers stay integers, as LiteLLM does not have it; the format goes along, the mask is white where to edit."""
        desk.fake = fakes.Inpaint()
        own = {"negative_prompt": "rain", "grow_mask": "7", "seed": "4294967294", "style_preset": "anime"}
        answer = desk.edit({**own, "output_format": "webp", "user": "u", "quality": "high"}, window())
        assert answer.status == 200, answer.body
        body = desk.body
        mask = decoded(body.pop("mask"))
        assert (mask.getpixel((230, 130)), mask.getpixel((5, 5)), mask.getpixel((15, 15))) == (255, 0, 155)
        assert body.pop("image") == b64(PHOTO)
        assert body == {
            "prompt": "a hat", "negative_prompt": "rain", "grow_mask": 7, "seed": 4294967294, "style_preset": "anime",
            "output_format": "webp",
        }  # fmt: skip
        assert isinstance(body["grow_mask"], int)

    @pytest.mark.parametrize("fake", [fakes.EraseObject, fakes.FastUpscale, fakes.RemoveBackground])
    def test_services_without_a_prompt_get_none(self, desk: Desk, fake: type[fakes.Stability]) -> None:
        """Bedrock refuses fields that a model does not know."""
        desk.fake = fake()
        assert desk.edit().status == 200
        assert set(desk.body) == {"image"}

    def test_a_style_is_a_second_image_or_a_file(self, desk: Desk) -> None:
        """Style transfer has `init_image` and `style_image`."""
        desk.fake = fakes.StyleTransfer()
        files = [("image", ("a.png", PHOTO, "image/png")), ("style_image", ("s.png", PHOTO[:-1] + b"x", "image/png"))]
        answer = desk.post({"change_strength": "0.5", "composition_fidelity": "1", "style_strength": "0"}, files)
        assert answer.status == 200, answer.body
        assert base64.b64decode(desk.body["style_image"]) == files[1][1][1]
        assert (desk.body["change_strength"], desk.body["composition_fidelity"], desk.body["style_strength"]) == (0.5, 1, 0)

    @pytest.mark.parametrize(
        ("fake", "param"),
        [
            (fakes.SearchReplace, "search_prompt"),
            (fakes.SearchRecolor, "select_prompt"),
            (fakes.Outpaint, "left"),
            (fakes.StyleTransfer, "style_image"),
        ],
    )
    def test_what_a_service_needs_is_named(self, desk: Desk, fake: type[fakes.Stability], param: str) -> None:
        """Before anything is sent."""
        desk.fake = fake()
        answer = desk.edit()
        assert (answer.status, answer.error["param"]) == (400, param), answer.body
        assert desk.scripted.asked == []

    def test_a_size_is_a_shape(self, desk: Desk) -> None:
        """Of the style guide's nine."""
        desk.fake = fakes.StyleGuide()
        assert desk.edit({"size": "1920x1080", "fidelity": "0.25"}).status == 200
        assert (desk.body["aspect_ratio"], desk.body["fidelity"]) == ("16:9", 0.25)

    @pytest.mark.parametrize("reason", ["prompt", "output image", "input image"])
    def test_a_filtered_answer_is_blocked(self, desk: Desk, reason: str) -> None:
        """A 200 with a reason and no picture is a 400 with the reason."""
        desk.fake = fakes.Inpaint()
        desk.answering(json_answer({"finish_reasons": [f"Filter reason: {reason}"]}))
        answer = desk.edit()
        assert (answer.status, answer.error["code"]) == (400, "moderation_blocked")
        assert f"Filter reason: {reason}" in answer.error["message"]

    def test_a_failed_inference_is_the_providers_fault(self, desk: Desk) -> None:
        """And may have been paid."""
        desk.fake = fakes.Inpaint()
        desk.answering(json_answer({"seeds": [], "finish_reasons": ["Inference error"], "images": []}))
        answer = desk.edit()
        assert (answer.status, answer.error["code"]) == (502, "upstream_broken")
        assert answer.headers["x-should-retry"] == "false"

    def test_more_than_bedrock_takes_is_not_sent(self, desk: Desk) -> None:
        """25 MB of JSON: a 413 that names the image."""
        desk.fake = fakes.Inpaint()
        answer = desk.edit(None, None, PHOTO + bytes(18_700_000))
        assert (answer.status, answer.error["param"]) == (413, "image"), answer.body
        assert desk.scripted.asked == []


@pytest.mark.parametrize(
    ("status", "name", "told"),
    [
        ("400 Bad Request", "ServiceQuotaExceededException", (429, "rate_limit_exceeded")),
        ("400 Bad Request", "ValidationException", (400, None)),
        ("403 Forbidden", "AccessDeniedException", (502, "upstream_unauthorized")),
        ("403 Forbidden", "ExpiredTokenException", (502, "upstream_unauthorized")),
        ("404 Not Found", "ResourceNotFoundException", (404, "model_not_found")),
        ("408 Request Timeout", "ModelTimeoutException", (408, None)),
        ("424 Failed Dependency", "ModelErrorException", (502, None)),
        ("429 Too Many Requests", "ModelNotReadyException", (429, "rate_limit_exceeded")),
        ("500 Internal Server Error", "InternalServerException", (500, None)),
    ],
)
def test_errors_mean_to_callers_what_they_are_about(desk: Desk, status: str, name: str, told: tuple[int, str | None]) -> None:
    """Whose quota and whose access it is, is not the caller's matter. botocore reads the same error out of the answer."""
    [raw] = fakes.refusal(status, name, "User: arn:aws:iam::123456789012:role/x, in other words no.")
    assert isinstance(raw, bytes)
    desk.answering(raw)
    answer = desk.edit()
    assert (answer.status, answer.error["code"]) == told, answer.body
    assert ("arn:aws" in answer.error["message"]) == (status[:3] != "403")
    with pytest.raises(ClientError) as caught:
        _invoked(desk.scripted.asked[0], raw)
    assert caught.value.response["Error"]["Code"] == name


@pytest.mark.parametrize("fake", [fakes.Inpaint, fakes.ControlSketch])
def test_botocore_would_send_the_same(desk: Desk, fake: type[fakes.Stability]) -> None:
    """Its own client checks model id, types and body by the service's description, and puts them in the same place."""
    desk.fake = fake()
    assert desk.edit().status == 200
    asked = desk.scripted.asked[0]
    request, said = _invoked(asked, b"\r\n\r\n{}")
    assert asked.path == f"/v1{request.url.partition('.com')[2]}"
    assert (asked.headers["content-type"], asked.headers["accept"]) == (
        request.headers["Content-Type"].decode(), request.headers["Accept"].decode(),
    )  # fmt: skip
    assert asked.method == request.method
    assert asked.body == request.body
    assert said["body"].read() == b"{}"


def _invoked(asked: Asked, raw: bytes) -> tuple[Any, Any]:
    """The request that botocore's client makes of the same call, and how it reads an answer."""
    client = Session().create_client(
        "bedrock-runtime", region_name="us-west-2", aws_access_key_id="AKID", aws_secret_access_key="x"
    )
    sent: list[Any] = []

    def answer(request: Any, **_: object) -> AWSResponse:
        sent.append(request)
        return _answer(raw)

    client.meta.events.register("before-send.bedrock-runtime.InvokeModel", answer)
    model_id = unquote(asked.path).removeprefix("/v1/model/").removesuffix("/invoke")
    given = {"contentType": asked.headers["content-type"], "accept": asked.headers["accept"]}
    said = client.invoke_model(modelId=model_id, body=asked.body, **given)
    return sent[0], said


def _answer(raw: bytes) -> AWSResponse:
    """An answer of a script as botocore gets it."""
    head, _, body = raw.partition(b"\r\n\r\n")
    lines = head.decode().splitlines()
    status = int(lines[0].split()[1]) if lines else 200
    headers = dict(line.split(": ", 1) for line in lines[1:])
    content = body.split(b"\r\n")[1] if "transfer-encoding" in headers else body
    raw_body = BytesIO(content)
    raw_body.stream = lambda *_, **__: iter([content])  # type: ignore[attr-defined]  # what urllib3's answers have
    return AWSResponse("https://x", status, headers, raw_body)


ARN = "arn:aws:bedrock:eu-west-1::foundation-model/amazon.nova-canvas-v1:0"


@pytest.mark.parametrize(
    ("model", "params", "api_base", "url"),
    [
        (INPAINT, {}, None, f"https://bedrock-runtime.us-west-2.amazonaws.com/model/{INPAINT[:-2]}%3A0/invoke"),
        (INPAINT, {"aws_region_name": "us-east-1"}, None, f"https://bedrock-runtime.us-east-1.amazonaws.com/model/{INPAINT[:-2]}%3A0/invoke"),
        (NOVA, {"model_id": "a/b:c"}, None, "https://bedrock-runtime.us-west-2.amazonaws.com/model/a%2Fb%3Ac/invoke"),
        (NOVA, {}, "https://vpce.example/", "https://vpce.example/model/amazon.nova-canvas-v1%3A0/invoke"),
        (NOVA, {"aws_bedrock_runtime_endpoint": "https://own.example"}, "https://env.example", "https://own.example/model/amazon.nova-canvas-v1%3A0/invoke"),
        (ARN, {"aws_region_name": "us-east-1"}, None, "https://bedrock-runtime.eu-west-1.amazonaws.com/model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A%3Afoundation-model%2Famazon.nova-canvas-v1%3A0/invoke"),
    ],
)  # fmt: skip
def test_where_a_model_is(model: str, params: Mapping[str, object], api_base: str | None, url: str) -> None:
    """By region, endpoint and id; an ARN says its own region."""
    assert invoke_url(Target("bedrock", model, None, api_base, params)) == url


@pytest.mark.parametrize(
    ("model", "params", "told"),
    [
        ("anthropic.claude-sonnet", {}, "edits no images"),
        (f"us-east-1/{NOVA}", {}, "edits no images"),
        ("arn:aws:bedrock:us-west-2:123456789012:application-inference-profile/a1b2", {}, "model_id"),
        (NOVA, {"aws_region_name": "us-west-2.example.com/"}, "region"),
        (NOVA, {"aws_access_key_id": "AKID"}, "go together"),
        (NOVA, {"taskType": "TEXT_IMAGE"}, "taskType"),
    ],
)
def test_a_mistake_is_told_at_the_start(model: str, params: Mapping[str, object], told: str) -> None:
    """In words."""
    mistake = SETUP.mistake(Target("bedrock", model, KEY, None, params))
    assert mistake is not None
    assert told in mistake


@pytest.mark.parametrize("model", ["*", INPAINT, INPAINT.removeprefix("us."), ARN, NOVA])
def test_what_is_right_is_no_mistake(model: str) -> None:
    """Names with and without a region's prefix, ARNs, and all models at once."""
    assert SETUP.mistake(Target("bedrock", model, KEY)) is None


def test_a_key_in_the_environment_brings_the_services() -> None:
    """A Bedrock API key; LiteLLM's variable for the region goes before AWS' own."""
    environ = {"AWS_BEARER_TOKEN_BEDROCK": KEY, "AWS_REGION_NAME": "us-east-2", "AWS_REGION": "eu-west-1"}
    settings = from_environment(environ, {"mock": SETUP, "bedrock": SETUP})
    routes = {route.model: route.targets[0] for route in settings.routes.all}
    assert {f"bedrock/us.{name}" for name in _services()} < set(routes)
    assert (routes["bedrock/*"].api_key, routes["bedrock/*"].text("aws_region_name")) == (KEY, "us-east-2")


def _services() -> Iterator[str]:
    """The ids of Stability's services."""
    yield from (name.removeprefix("bedrock/") for name in FAMILIES if "stability" in name)


def test_a_model_that_edits_nothing_is_not_found(desk: Desk) -> None:
    """Behind `bedrock/*` any name may be asked for."""
    desk.model = "amazon.titan-text-v1"
    answer = desk.edit()
    assert (answer.status, answer.error["code"], answer.error["param"]) == (404, "model_not_found", "model")
    assert desk.scripted.asked == []


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ([], "upstream_malformed"),
        ({"images": "x"}, "upstream_empty"),
        ({"images": [None], "finish_reasons": 7}, "upstream_empty"),
        ({"images": ["no image"]}, "upstream_malformed"),
    ],
)
def test_an_answer_of_another_kind_is_told_apart(desk: Desk, said: object, code: str) -> None:
    """Nothing of what is in it breaks anything here."""
    desk.answering(json_answer(said))
    answer = desk.edit()
    assert (answer.status, answer.error["code"]) == (502, code), answer.body
