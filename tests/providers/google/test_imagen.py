"""Imagen's `predict`: each field where Google has it, references, masks, filtered pictures."""

import json
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any

import pytest
from clients import Answer, post
from google import genai
from google.auth.credentials import Credentials
from google.genai import types
from PIL import Image
from providers.fakes import KEY, b64, body_of, decoded, png
from providers.fakes.google import canonical, check_parameters, check_reference
from providers.fakes.openai import in_format
from servers import RunningServer, serving, settings_of
from upstreams import Asked, ScriptedUpstream, json_answer

from streamedit.providers.google.imagen import CAPABILITIES
from streamedit.targets import Target

MODEL = "imagen-3.0-capability-001"
PATH = f"/v1/projects/p-1/locations/us-central1/publishers/google/models/{MODEL}:predict"
RED, GREEN, BLUE = png((200, 30, 30)), png((30, 160, 60)), png((40, 60, 210))
DONE = {"predictions": [{"bytesBase64Encoded": b64(RED), "mimeType": "image/png"}]}


@pytest.fixture
def imagen(scripted: ScriptedUpstream) -> Iterator[RunningServer]:
    """The model at the scripted upstream, by an API key."""
    scripted.play([json_answer(DONE)])
    with serving(settings_of(Target("vertex_ai", MODEL, KEY, scripted.url), silence_s=2, connect_s=2)) as running:
        yield running


def edit(server: RunningServer, fields: Mapping[str, str] | None = None, *images: bytes, mask: bytes | None = None) -> Answer:
    """An edit of small pictures."""
    files: list[tuple[str, Any]] = [("image[]", ("a.png", image, "image/png")) for image in images or (RED,)]
    return post(server.edits_url, fields, [*files, *([("mask", ("m.png", mask, "image/png"))] if mask else [])])


def parts_of(asked: Asked) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """References and parameters of a request, both as Google's types have them."""
    body = body_of(asked)
    [instance] = body["instances"]
    for reference in instance["referenceImages"]:
        check_reference(reference)
    check_parameters(body["parameters"])
    return instance["referenceImages"], body["parameters"]


def asked_for(server: RunningServer, scripted: ScriptedUpstream, fields: Mapping[str, str], *images: bytes) -> Any:
    """What the provider is asked for an edit without a mask."""
    answer = edit(server, fields, *images)
    assert answer.status == 200, answer.body
    return parts_of(scripted.asked[0])


class TestBody:
    """What is sent."""

    def test_a_plain_edit_says_little(self, imagen: RunningServer, scripted: ScriptedUpstream) -> None:
        """One image to edit, without a mask; the reasons of filters are wanted always."""
        edit(imagen, {"prompt": "sepia"})
        raw = {"referenceId": 1, "referenceType": "REFERENCE_TYPE_RAW", "referenceImage": {"bytesBase64Encoded": b64(RED)}}
        assert body_of(scripted.asked[0]) == {
            "instances": [{"prompt": "sepia", "referenceImages": [raw]}],
            "parameters": {"sampleCount": 1, "editMode": "EDIT_MODE_DEFAULT", "includeRaiReason": True},
        }

    @pytest.mark.parametrize("mode", [mode.value for mode in types.EditMode])
    def test_every_edit_mode_can_be_had(self, imagen: RunningServer, scripted: ScriptedUpstream, mode: str) -> None:
        """As it is named."""
        _, parameters = asked_for(imagen, scripted, {"editMode": mode})
        assert parameters["editMode"] == mode

    def test_every_parameter_is_at_its_place(self, imagen: RunningServer, scripted: ScriptedUpstream) -> None:
        """Those of Google's that an edit can have; `baseSteps` in `editConfig`, labels beside the parameters."""
        fields = {
            "guidanceScale": "60.5",
            "negativePrompt": "rain",
            "baseSteps": "35",
            "language": "en",
            "personGeneration": "ALLOW_ADULT",
            "safetySetting": "BLOCK_ONLY_HIGH",
            "addWatermark": "true",
            "aspectRatio": "16:9",
            "labels": '{"team": "a"}',
        }
        _, parameters = asked_for(imagen, scripted, fields)
        assert parameters == {
            "sampleCount": 1,
            "editMode": "EDIT_MODE_DEFAULT",
            "includeRaiReason": True,
            "guidanceScale": 60.5,
            "negativePrompt": "rain",
            "editConfig": {"baseSteps": 35},
            "language": "en",
            "personGeneration": "ALLOW_ADULT",
            "safetySetting": "BLOCK_ONLY_HIGH",
            "addWatermark": True,
            "aspectRatio": "16:9",
        }
        assert body_of(scripted.asked[0])["labels"] == {"team": "a"}

    def test_a_seed_goes_without_a_watermark(self, imagen: RunningServer, scripted: ScriptedUpstream) -> None:
        """Google takes only one of them; who wants both hears it."""
        _, parameters = asked_for(imagen, scripted, {"seed": "7"})
        assert (parameters["seed"], parameters["addWatermark"]) == (7, False)
        answer = edit(imagen, {"seed": "7", "addWatermark": "true"})
        assert (answer.status, answer.error["param"]) == (400, "seed")

    @pytest.mark.parametrize(
        ("size", "ratio"),
        [("1024x1024", "1:1"), ("1536x1024", "4:3"), ("896x1280", "3:4"), ("1792x1024", "16:9"), ("1024x1792", "9:16")],
    )
    def test_size_is_a_ratio(self, imagen: RunningServer, scripted: ScriptedUpstream, size: str, ratio: str) -> None:
        """The nearest of five."""
        _, parameters = asked_for(imagen, scripted, {"size": size})
        assert parameters["aspectRatio"] == ratio

    @pytest.mark.parametrize(
        ("fields", "output"),
        [
            ({}, None),
            ({"output_format": "png", "output_compression": "50"}, {"mimeType": "image/png"}),
            ({"output_format": "webp"}, {"mimeType": "image/png"}),
            ({"output_format": "jpeg"}, {"mimeType": "image/jpeg"}),
            ({"output_format": "jpeg", "output_compression": "50"}, {"mimeType": "image/jpeg", "compressionQuality": 50}),
        ],
    )
    def test_formats_that_it_makes_are_asked_for(
        self, imagen: RunningServer, scripted: ScriptedUpstream, fields: Mapping[str, str], output: object
    ) -> None:
        """WebP is made of its PNG."""
        _, parameters = asked_for(imagen, scripted, fields)
        assert parameters.get("outputOptions") == output

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("editMode", "inpaint"),
            ("dilation", "1.5"),
            ("baseSteps", "0"),
            ("language", "xx"),
            ("personGeneration", "ALL"),
            ("referenceImages", "[]"),
            ("referenceImages", "7"),
            ("referenceImages", '[{"referenceType": "REFERENCE_TYPE_MASK"}]'),
            ("referenceImages", '["REFERENCE_TYPE_RAW"]'),
            ("referenceImages", '[{"referenceType": "REFERENCE_TYPE_RAW", "styleImageConfig": {}}]'),
            ("referenceImages", '[{"referenceType": "REFERENCE_TYPE_STYLE", "referenceId": "1"}]'),
            ("maskMode", "MASK_MODE_USER_PROVIDED"),
        ],
    )
    def test_what_it_cannot_be_asked_is_named(
        self, imagen: RunningServer, scripted: ScriptedUpstream, field: str, value: str
    ) -> None:
        """A 400, before the provider is asked."""
        answer = edit(imagen, {field: value})
        assert (answer.status, answer.error["param"]) == (400, field), answer.body
        assert scripted.asked == []


class TestReferences:
    """What each image is."""

    def test_several_images_must_be_explained(self, imagen: RunningServer, scripted: ScriptedUpstream) -> None:
        """Only one can be the one to edit."""
        answer = edit(imagen, {}, RED, GREEN)
        assert (answer.status, answer.error["param"]) == (400, "referenceImages")
        assert scripted.asked == []

    def test_each_kind_can_be_had(self, imagen: RunningServer, scripted: ScriptedUpstream) -> None:
        """In order, with what is said of it and its id; one kind may come more than once."""
        control = {"controlType": "CONTROL_TYPE_CANNY", "computeControl": True}
        subject: dict[str, Any] = {"referenceType": "REFERENCE_TYPE_SUBJECT", "referenceId": 7}
        told: list[dict[str, Any]] = [
            {"referenceType": "REFERENCE_TYPE_CONTROL", "controlImageConfig": control},
            {"referenceType": "REFERENCE_TYPE_STYLE", "styleImageConfig": {"styleDescription": "watercolour"}},
            {**subject, "subjectImageConfig": {"subjectType": "SUBJECT_TYPE_PERSON", "subjectDescription": "a woman"}},
            subject,
        ]
        references, _ = asked_for(imagen, scripted, {"referenceImages": json.dumps(told)}, RED, GREEN, BLUE, RED)
        images = [{"bytesBase64Encoded": b64(image)} for image in (RED, GREEN, BLUE, RED)]
        assert references == [
            {"referenceId": number, **one, "referenceImage": image}
            for number, (one, image) in enumerate(zip(told, images, strict=True), 1)
        ]

    def test_a_mask_is_one_of_four(self, imagen: RunningServer, scripted: ScriptedUpstream) -> None:
        """A fifth reference is refused."""
        told = [{"referenceType": "REFERENCE_TYPE_RAW"}, *[{"referenceType": "REFERENCE_TYPE_STYLE"}] * 3]
        answer = edit(imagen, {"referenceImages": json.dumps(told)}, RED, GREEN, BLUE, RED, mask=_mask())
        assert (answer.status, answer.error["code"]) == (400, "too_many_images")
        assert scripted.asked == []

    def test_it_is_what_googles_own_client_sends(self, imagen: RunningServer, scripted: ScriptedUpstream) -> None:
        """The same edit through google-genai has the same body, mask and all."""
        told = [
            {"referenceType": "REFERENCE_TYPE_RAW"},
            {"referenceType": "REFERENCE_TYPE_CONTROL", "controlImageConfig": {"controlType": "CONTROL_TYPE_SCRIBBLE"}},
            {"referenceType": "REFERENCE_TYPE_STYLE", "styleImageConfig": {"styleDescription": "ink"}},
        ]
        fields = {
            "prompt": "sepia", "referenceImages": json.dumps(told), "editMode": "EDIT_MODE_BGSWAP", "dilation": "0.02",
            "baseSteps": "20", "guidanceScale": "9.0", "seed": "3", "output_format": "jpeg", "output_compression": "80",
        }  # fmt: skip
        assert edit(imagen, fields, RED, GREEN, BLUE, mask=_mask()).status == 200
        references, _ = parts_of(scripted.asked[0])
        grey = types.Image(image_bytes=_bytes(references[-1]))
        config = types.EditImageConfig(
            edit_mode=types.EditMode.EDIT_MODE_BGSWAP,
            base_steps=20,
            guidance_scale=9.0,
            seed=3,
            add_watermark=False,
            number_of_images=1,
            include_rai_reason=True,
            output_mime_type="image/jpeg",
            output_compression_quality=80,
        )
        scribble = types.ControlReferenceConfig(control_type=types.ControlReferenceType.CONTROL_TYPE_SCRIBBLE)
        masked = types.MaskReferenceConfig(mask_mode=types.MaskReferenceMode.MASK_MODE_USER_PROVIDED, mask_dilation=0.02)
        style = types.StyleReferenceConfig(style_description="ink")
        images = [types.Image(image_bytes=image) for image in (RED, GREEN, BLUE)]
        sent = [
            types.RawReferenceImage(reference_image=images[0], reference_id=1),
            types.ControlReferenceImage(reference_image=images[1], reference_id=2, config=scribble),
            types.StyleReferenceImage(reference_image=images[2], reference_id=3, config=style),
            types.MaskReferenceImage(reference_image=grey, reference_id=4, config=masked),
        ]
        options = types.HttpOptions(base_url=scripted.url.removesuffix("/v1"), api_version="v1")
        client = genai.Client(
            vertexai=True, project="p-1", location="us-central1", credentials=_Anybody(), http_options=options
        )
        with client, pytest.warns(Warning, match="deprecated"):
            client.models.edit_image(model=MODEL, prompt="sepia", reference_images=sent, config=config)
        assert scripted.asked[1].path == PATH
        assert canonical(body_of(scripted.asked[1])) == canonical(body_of(scripted.asked[0]))


class TestMask:
    """Where it is edited."""

    def test_the_mask_is_the_last_reference(self, imagen: RunningServer, scripted: ScriptedUpstream) -> None:
        """White where OpenAI's is transparent, and nothing in between; with it the mode is to insert."""
        assert edit(imagen, {"dilation": "0.03"}, mask=_mask()).status == 200
        references, parameters = parts_of(scripted.asked[0])
        assert [reference["referenceId"] for reference in references] == [1, 2]
        assert references[1]["referenceType"] == "REFERENCE_TYPE_MASK"
        assert references[1]["maskImageConfig"] == {"maskMode": "MASK_MODE_USER_PROVIDED", "dilation": 0.03}
        assert parameters["editMode"] == "EDIT_MODE_INPAINT_INSERTION"
        grey = decoded(_bytes(references[1]))
        levels = [grey.getpixel((x, 5)) for x in (0, 20, 40, 60)]
        assert (grey.mode, grey.size, levels) == ("L", (64, 48), [0, 255, 255, 0])

    @pytest.mark.parametrize(
        "mode", ["MASK_MODE_BACKGROUND", "MASK_MODE_FOREGROUND", "MASK_MODE_SEMANTIC", "MASK_MODE_DEFAULT"]
    )
    def test_a_mask_can_be_found_instead(self, imagen: RunningServer, scripted: ScriptedUpstream, mode: str) -> None:
        """By Google, of the image itself."""
        references, parameters = asked_for(imagen, scripted, {"maskMode": mode, "maskClasses": "[8, 9]"})
        assert references[1] == {
            "referenceType": "REFERENCE_TYPE_MASK",
            "referenceId": 2,
            "maskImageConfig": {"maskMode": mode, "maskClasses": [8, 9]},
        }
        assert parameters["editMode"] == "EDIT_MODE_INPAINT_INSERTION"

    def test_a_mask_is_drawn_or_found(self, imagen: RunningServer, scripted: ScriptedUpstream) -> None:
        """Not both."""
        answer = edit(imagen, {"maskMode": "MASK_MODE_FOREGROUND"}, mask=_mask())
        assert (answer.status, answer.error["param"]) == (400, "maskMode")
        assert scripted.asked == []

    def test_one_that_does_not_fit_is_refused(self, imagen: RunningServer, scripted: ScriptedUpstream) -> None:
        """Before the provider is asked."""
        assert edit(imagen, mask=RED).error["param"] == "mask"
        assert scripted.asked == []


class TestPictures:
    """What comes back."""

    def test_four_images_are_one_call(self, imagen: RunningServer, scripted: ScriptedUpstream) -> None:
        """Five are five calls, each with a seed of its own."""
        made = [{"bytesBase64Encoded": b64(image), "mimeType": "image/png"} for image in (RED, GREEN, BLUE, RED)]
        scripted.play([json_answer({"predictions": made})])
        assert [item["b64_json"] for item in edit(imagen, {"n": "4"}).json["data"]] == [
            one["bytesBase64Encoded"] for one in made
        ]
        [asked] = scripted.asked
        assert body_of(asked)["parameters"]["sampleCount"] == CAPABILITIES.n == 4
        scripted.play([json_answer(DONE)])
        assert len(edit(imagen, {"n": "5", "seed": "1"}).json["data"]) == 5
        assert sorted(body_of(asked)["parameters"]["seed"] for asked in scripted.asked) == [1, 2, 3, 4, 5]

    def test_what_was_not_filtered_out_is_given(self, imagen: RunningServer, scripted: ScriptedUpstream) -> None:
        """It is paid for."""
        filtered = {"raiFilteredReason": "Support code 29310472."}
        scripted.play([json_answer({"predictions": [filtered, *DONE["predictions"]]})])
        assert edit(imagen, {"n": "2"}).json["data"] == [{"b64_json": b64(RED)}]

    def test_the_reason_of_a_filter_is_told(self, imagen: RunningServer, scripted: ScriptedUpstream) -> None:
        """In the provider's words."""
        scripted.play([json_answer({"predictions": [{"raiFilteredReason": "Support code 29310472."}]})])
        answer = edit(imagen)
        assert (answer.status, answer.error["code"]) == (400, "moderation_blocked")
        assert "29310472" in answer.error["message"]

    @pytest.mark.parametrize("body", [{"predictions": {}}, {"predictions": ["x"]}, [1]])
    def test_nonsense_is_told_apart(self, imagen: RunningServer, scripted: ScriptedUpstream, body: object) -> None:
        """From an answer without a picture."""
        scripted.play([json_answer(body)])
        assert edit(imagen).error["code"] == "upstream_malformed"

    def test_a_picture_in_another_format_is_converted(self, imagen: RunningServer, scripted: ScriptedUpstream) -> None:
        """One that is in the right one stays as it is."""
        jpeg = in_format(RED, "jpeg")
        scripted.play([json_answer({"predictions": [{"bytesBase64Encoded": b64(jpeg), "mimeType": "image/jpeg"}]})])
        assert edit(imagen, {"output_format": "jpeg"}).json["data"] == [{"b64_json": b64(jpeg)}]
        [webp] = edit(imagen, {"output_format": "webp"}).json["data"]
        assert decoded(webp["b64_json"]).format == "WEBP"


class _Anybody(Credentials):
    """Credentials that need no server."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # google-auth has no types
        self.token = KEY

    def refresh(self, request: object) -> None:
        """Nothing ends."""


def _bytes(reference: Mapping[str, Any]) -> bytes:
    return types.Image.model_validate({"imageBytes": reference["referenceImage"]["bytesBase64Encoded"]}).image_bytes or b""


def _mask() -> bytes:
    """Transparent from column 16 to 31, half transparent to 47, opaque elsewhere."""
    mask = Image.new("RGBA", (64, 48), (0, 0, 0, 255))
    mask.paste((0, 0, 0, 0), (16, 0, 32, 48))
    mask.paste((0, 0, 0, 100), (32, 0, 48, 48))
    buffer = BytesIO()
    mask.save(buffer, "PNG")
    return buffer.getvalue()
