"""Gemini at AI Studio and at Vertex AI, and Imagen at Vertex AI, as Google's documentation and its own client have them."""

import base64
import binascii
import json
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import parse_qs

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.genai import types
from PIL import Image
from providers.fakes import KEY, Fake, b64, body_of, check_only, decoded
from providers.fakes.openai import in_format
from upstreams import END, Asked, Script, chunk, head, json_answer

from streamedit.targets import Target

STREAM = "streamGenerateContent?alt=sse"
RATIOS = {"1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"}
MORE_RATIOS = RATIOS | {"1:4", "4:1", "1:8", "8:1"}
USAGE = {
    "promptTokenCount": 270,
    "candidatesTokenCount": 1125,
    "thoughtsTokenCount": 60,
    "totalTokenCount": 1455,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 12}, {"modality": "IMAGE", "tokenCount": 258}],
    "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1120}],
}


def error(status: str, word: str, message: str, *details: Mapping[str, Any]) -> Script:
    """Google's error body, in a list as its streaming methods have it."""
    told = {"code": int(status[:3]), "message": message, "status": word, **({"details": details} if details else {})}
    return [json_answer([{"error": told}], status)]


def info(reason: str) -> dict[str, Any]:
    """The detail that tells the reason of an error."""
    return {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com"}


RETRY_IN_7_S = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "6.2s"}


def part(image: bytes, *, thought: bool = False, media_type: str = "image/png") -> dict[str, Any]:
    """An image as a part of a response. Only what is no thought has a signature."""
    signature = {"thought": True} if thought else {"thoughtSignature": b64(b"signature" * 600)}
    return {"inlineData": {"mimeType": media_type, "data": b64(image)}, **signature}


def response(*parts: Mapping[str, Any], finish: str | None = None, **fields: Any) -> dict[str, Any]:
    """A response, which Google's own client must be able to read."""
    candidate = {"content": {"role": "model", "parts": parts}, **({"finishReason": finish} if finish else {}), "index": 0}
    told = {"candidates": [candidate], "modelVersion": "m", "responseId": "r", **fields}
    types.GenerateContentResponse.model_validate(told)
    return told


def event(told: Mapping[str, Any]) -> bytes:
    """A response in a stream, in Google's CRLF."""
    return b"data: " + json.dumps(told).encode() + b"\r\n\r\n"


def stream(*responses: Mapping[str, Any]) -> Script:
    """A whole answer."""
    return [head("text/event-stream"), *(chunk(event(told)) for told in responses), END]


def canonical(value: Any) -> Any:
    """A request in one spelling: Google takes names in two, and base64 in two alphabets."""
    if isinstance(value, dict):
        return {_camel(name): _standard(name, canonical(member)) for name, member in value.items()}
    return [canonical(element) for element in value] if isinstance(value, list) else value


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _standard(name: str, value: Any) -> Any:
    return value.translate(str.maketrans("-_", "+/")) if name in ("data", "bytesBase64Encoded") else value


class Gemini(Fake):
    """gemini-3.1-flash-image at AI Studio."""

    name = "gemini/gemini-3.1-flash-image"
    partial_images = 1
    refuses = {"background": "transparent", "negative_prompt": "rain", "labels": "{}"}  # noqa: RUF012 - each fake states its own
    path = "/v1/models/gemini-3.1-flash-image:"
    ratios = frozenset(MORE_RATIOS)
    image_sizes: tuple[str, ...] = ("512", "1K", "2K", "4K")
    image_fields = frozenset({"aspectRatio", "imageSize", "personGeneration"})
    beside = frozenset({"safetySettings", "systemInstruction", "tools"})
    max_images = 14
    thinking_level: str | None = "HIGH"

    def check(self, asked: Asked) -> None:
        assert (asked.method, asked.path) == ("POST", self.path + STREAM), asked.path
        self.check_identity(asked)
        self.check_body(body_of(asked))

    def check_identity(self, asked: Asked) -> None:
        assert asked.headers["x-goog-api-key"] == KEY
        assert "authorization" not in asked.headers

    def check_body(self, body: dict[str, Any]) -> None:
        """What Google's own types take, and what the model can do."""
        check_only(body, {"contents", "generationConfig", *self.beside})
        [content] = body["contents"]
        assert content["role"] == "user"
        read = types.Content.model_validate(content)
        assert read.parts is not None
        *images, prompt = read.parts
        assert isinstance(prompt.text, str)
        assert 1 <= len(images) <= self.max_images
        assert all(image.inline_data and image.inline_data.mime_type in ("image/png", "image/jpeg") for image in images)
        beside = {name: value for name, value in body.items() if name not in ("contents", "generationConfig")}
        config = types.GenerateContentConfig.model_validate({**body["generationConfig"], **beside})
        assert config.response_modalities == ["IMAGE"]
        self.check_image(body["generationConfig"].get("imageConfig", {}))
        self.check_thinking(body["generationConfig"].get("thinkingConfig", {}))

    def check_image(self, config: Mapping[str, Any]) -> None:
        types.ImageConfig.model_validate(config)
        check_only(config, self.image_fields)
        assert config.get("aspectRatio", "1:1") in self.ratios
        assert config.get("imageSize") in (None, *self.image_sizes)

    def check_thinking(self, config: Mapping[str, Any]) -> None:
        types.ThinkingConfig.model_validate(config)
        level = {"thinkingLevel": self.thinking_level} if self.thinking_level else {}
        assert config in ({}, {"includeThoughts": True, **level})
        assert not config or self.partial_images

    def ok(self, asked: Asked) -> Script:
        """A draft and, as the last thought, the picture itself, if thoughts are wanted; then the picture."""
        thinking = body_of(asked)["generationConfig"].get("thinkingConfig")
        drafts = [self.picture(), self.picture()] if thinking else [self.picture()]
        thoughts = [response(part(draft, thought=True)) for draft in drafts] if thinking else []
        words = [response({"text": "A quiet night.", "thought": True})] if thinking else []
        told = response(part(drafts[-1]))
        return stream(*words, *thoughts, told, response({"text": ""}, finish="STOP", usageMetadata=USAGE))

    def empty(self, _: Asked) -> Script:
        return stream(response({"text": "Here it is."}, finish="NO_IMAGE", usageMetadata=USAGE))

    def blocked(self, _: Asked) -> Script:
        candidate = {"finishReason": "IMAGE_SAFETY", "finishMessage": "Unable to show the image.", "index": 0}
        return stream({"candidates": [candidate], "usageMetadata": USAGE})

    def refused(self, _: Asked) -> Script:
        return error("400 Bad Request", "INVALID_ARGUMENT", f"bad request of {KEY}")

    def unauthorized(self, _: Asked) -> Script:
        return error("400 Bad Request", "INVALID_ARGUMENT", f"API key not valid: {KEY}", info("API_KEY_INVALID"))

    def busy(self, _: Asked) -> Script:
        return error("429 Too Many Requests", "RESOURCE_EXHAUSTED", "slow down", info("RATE"), RETRY_IN_7_S)

    def down(self, _: Asked) -> Script:
        return error("503 Service Unavailable", "UNAVAILABLE", "away")

    def images_of(self, asked: Asked) -> list[bytes]:
        parts = body_of(asked)["contents"][0]["parts"]
        return [base64.b64decode(one["inlineData"]["data"], validate=True) for one in parts if "inlineData" in one]


class Gemini25(Gemini):
    """gemini-2.5-flash-image at AI Studio: it shows no thoughts, and makes one size."""

    name = "gemini/gemini-2.5-flash-image"
    partial_images = 0
    path = "/v1/models/gemini-2.5-flash-image:"
    ratios = frozenset(RATIOS)
    image_sizes = ()
    max_images = 3


@cache
def private_key() -> str:
    """Of a service account."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(*pem).decode()


def service_account(token_uri: str) -> dict[str, str]:
    """The JSON that Google Cloud gives for a service account."""
    return {
        "type": "service_account",
        "project_id": "project-of-the-key",
        "private_key_id": "1",
        "private_key": private_key(),
        "client_email": "streamedit@project-of-the-key.iam.gserviceaccount.com",
        "token_uri": token_uri,
    }


def token_answer(asked: Asked, token: str = KEY, lasts_s: int = 3600) -> Script:
    """An access token for a signed claim (RFC 7523)."""
    form = parse_qs(asked.body.decode(), strict_parsing=True)
    assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    claim = form["assertion"][0].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(claim + "=" * (-len(claim) % 4)))
    assert claims["scope"] == "https://www.googleapis.com/auth/cloud-platform"
    return [json_answer({"access_token": token, "expires_in": lasts_s, "token_type": "Bearer"})]


class _OnVertex(Gemini):
    """With a service account, whose token server is the fake itself."""

    image_fields = frozenset({*Gemini.image_fields, "imageOutputOptions", "prominentPeople"})
    beside = frozenset({*Gemini.beside, "labels", "modelArmorConfig"})
    refuses = {"background": "transparent", "negative_prompt": "rain"}  # noqa: RUF012 - each fake states its own

    def target(self) -> Target:
        params = {**self.params, "vertex_credentials": service_account(f"{self.url}/token"), "vertex_project": "p-1"}
        provider, _, model = self.name.partition("/")
        return Target(provider, model, None, self.url, params)

    def answer(self, asked: Asked) -> Script:
        return super().answer(asked) if self.is_edit(asked) else token_answer(asked)

    def is_edit(self, asked: Asked) -> bool:
        return asked.path != "/v1/token"

    def check_identity(self, asked: Asked) -> None:
        assert asked.headers["authorization"] == f"Bearer {KEY}"
        assert "x-goog-api-key" not in asked.headers

    def unauthorized(self, _: Asked) -> Script:
        return error("401 Unauthorized", "UNAUTHENTICATED", f"invalid credentials {KEY}", info("ACCESS_TOKEN_EXPIRED"))


class GeminiOnVertex(_OnVertex):
    """gemini-3-pro-image at Vertex AI."""

    name = "vertex_ai/gemini-3-pro-image"
    path = "/v1/projects/p-1/locations/global/publishers/google/models/gemini-3-pro-image:"
    ratios = frozenset(RATIOS)
    image_sizes = ("1K", "2K", "4K")
    thinking_level = None
    media_type: str | None = None

    def ok(self, asked: Asked) -> Script:
        """In the format that was asked for."""
        self.media_type = (
            body_of(asked)["generationConfig"].get("imageConfig", {}).get("imageOutputOptions", {}).get("mimeType")
        )
        return super().ok(asked)

    def picture(self) -> bytes:
        return in_format(super().picture(), (self.media_type or "image/png").removeprefix("image/"))

    def check_image(self, config: Mapping[str, Any]) -> None:
        super().check_image(config)
        output = config.get("imageOutputOptions", {})
        assert output.get("mimeType", "image/png") in ("image/png", "image/jpeg")
        assert output.get("mimeType") == "image/jpeg" or "compressionQuality" not in output


class Imagen(_OnVertex):
    """imagen-3.0-capability-001 at Vertex AI."""

    name = "vertex_ai/imagen-3.0-capability-001"
    takes_mask = True
    partial_images = 0
    params = {"vertex_location": "europe-west4"}  # noqa: RUF012 - each fake states its own
    refuses = {"background": "transparent", "storageUri": "gs://x"}  # noqa: RUF012 - each fake states its own
    path = "/v1/projects/p-1/locations/europe-west4/publishers/google/models/imagen-3.0-capability-001:"

    def check(self, asked: Asked) -> None:
        assert (asked.method, asked.path) == ("POST", f"{self.path}predict"), asked.path
        self.check_identity(asked)
        body = body_of(asked)
        check_only(body, {"instances", "parameters", "labels"})
        [instance] = body["instances"]
        check_only(instance, {"prompt", "referenceImages"})
        assert isinstance(instance["prompt"], str)
        assert 1 <= len(instance["referenceImages"]) <= 4
        for reference in instance["referenceImages"]:
            check_reference(reference)
        kinds = [reference["referenceType"] for reference in instance["referenceImages"]]
        assert kinds.count("REFERENCE_TYPE_RAW") <= 1
        check_parameters(body["parameters"])

    def ok(self, asked: Asked) -> Script:
        count = body_of(asked)["parameters"]["sampleCount"]
        media_type = body_of(asked)["parameters"].get("outputOptions", {}).get("mimeType", "image/png")
        pictures = [in_format(self.picture(), media_type.removeprefix("image/")) for _ in range(count)]
        made = [{"bytesBase64Encoded": b64(picture), "mimeType": media_type} for picture in pictures]
        return [json_answer({"predictions": made, "deployedModelId": "1"})]

    def empty(self, _: Asked) -> Script:
        return [json_answer({})]

    def blocked(self, _: Asked) -> Script:
        return [json_answer({"predictions": [{"raiFilteredReason": "Unable to show generated images. Support code 1."}]})]

    def images_of(self, asked: Asked) -> list[bytes]:
        references = body_of(asked)["instances"][0]["referenceImages"]
        return [image_of(one) for one in references if one["referenceType"] != "REFERENCE_TYPE_MASK"]

    def mask_of(self, asked: Asked) -> Image.Image:
        references = body_of(asked)["instances"][0]["referenceImages"]
        [mask] = [one for one in references if one["referenceType"] == "REFERENCE_TYPE_MASK"]
        return decoded(image_of(mask))


def image_of(reference: Mapping[str, Any]) -> bytes:
    """The image of a reference."""
    return binascii.a2b_base64(reference["referenceImage"]["bytesBase64Encoded"])


def check_reference(reference: Mapping[str, Any]) -> None:
    """One of `referenceImages`, as Google's own types have it."""
    kind = reference["referenceType"]
    config = {
        "REFERENCE_TYPE_RAW": set(),
        "REFERENCE_TYPE_MASK": {"maskImageConfig"},
        "REFERENCE_TYPE_CONTROL": {"controlImageConfig"},
        "REFERENCE_TYPE_STYLE": {"styleImageConfig"},
        "REFERENCE_TYPE_SUBJECT": {"subjectImageConfig"},
    }[kind]
    check_only(reference, {"referenceType", "referenceId", "referenceImage", *config})
    assert isinstance(reference["referenceId"], int)
    mask = reference.get("maskImageConfig", {})
    check_only(mask, {"maskMode", "maskClasses", "dilation"})
    assert mask.get("maskMode", "MASK_MODE_DEFAULT") in set(types.MaskReferenceMode)
    assert 0 <= mask.get("dilation", 0) <= 1
    assert len(mask.get("maskClasses", [])) <= 5
    assert kind == "REFERENCE_TYPE_MASK" or "referenceImage" in reference
    assert ("referenceImage" in reference) or mask["maskMode"] != "MASK_MODE_USER_PROVIDED"
    control = reference.get("controlImageConfig", {})
    check_only(control, {"controlType", "computeControl"})
    assert control.get("controlType", "CONTROL_TYPE_DEFAULT") in set(types.ControlReferenceType)
    types.StyleReferenceConfig.model_validate(reference.get("styleImageConfig", {}))
    types.SubjectReferenceConfig.model_validate(reference.get("subjectImageConfig", {}))


def check_parameters(parameters: Mapping[str, Any]) -> None:
    """`parameters` of an edit, as Google's own types have them."""
    check_only(
        parameters,
        {
            "sampleCount", "editMode", "seed", "guidanceScale", "negativePrompt", "aspectRatio", "editConfig",
            "safetySetting", "personGeneration", "includeRaiReason", "language", "addWatermark", "outputOptions",
        },
    )  # fmt: skip
    assert 1 <= parameters["sampleCount"] <= 4
    assert parameters["editMode"] in set(types.EditMode)
    assert parameters["includeRaiReason"] is True
    assert "seed" not in parameters or parameters["addWatermark"] is False
    assert parameters.get("aspectRatio", "1:1") in {"1:1", "3:4", "4:3", "9:16", "16:9"}
    assert parameters.get("safetySetting", "BLOCK_NONE") in set(types.SafetyFilterLevel)
    assert parameters.get("personGeneration", "ALLOW_ALL") in set(types.PersonGeneration)
    assert parameters.get("language", "auto") in set(types.ImagePromptLanguage)
    assert set(parameters.get("editConfig", {"baseSteps": 1})) == {"baseSteps"}
    output = parameters.get("outputOptions", {"mimeType": "image/png"})
    check_only(output, {"mimeType", "compressionQuality"})
    assert output["mimeType"] in ("image/png", "image/jpeg")


FAKES = [Gemini, Gemini25, GeminiOnVertex, Imagen]
