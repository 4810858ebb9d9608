"""Recraft's `/v1/images/*` as its API reference describes them: a form, or JSON with data URLs."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from PIL import Image
from providers.fakes import KEY, Fake, Outcome, b64, body_of, check_only, decoded, of_data_url
from upstreams import Asked, Script, json_answer

STYLED = ("style", "style_id", "substyle", "negative_prompt", "text_layout", "controls")
MADE = ("prompt", "n", "model", "response_format", *STYLED)
V3 = ("recraftv3",)
V4 = (
    "recraftv4", "recraftv4_pro", "recraftv4_1", "recraftv4_1_pro", "recraftv4_1_utility", "recraftv4_1_utility_pro",
)  # fmt: skip
EXPANDS = ("expand_left", "expand_right", "expand_top", "expand_bottom")

FIELDS: Mapping[str, Sequence[str]] = {
    "imageToImage": (*MADE, "strength", "random_seed"),
    "inpaint": MADE,
    "replaceBackground": MADE,
    "generateBackground": MADE,
    "outpaint": (*MADE, *EXPANDS, "size", "zoom_out_percentage"),
    "removeBackground": ("response_format",),
    "eraseRegion": ("response_format",),
    "crispUpscale": ("response_format",),
    "creativeUpscale": ("response_format",),
}
PLAIN = ("removeBackground", "eraseRegion", "crispUpscale", "creativeUpscale")
MASKED = ("inpaint", "generateBackground", "eraseRegion")


def given(asked: Asked) -> dict[str, Any]:
    """The fields of a form or of a JSON body, without its files."""
    if asked.headers["content-type"].startswith("multipart/form-data"):
        return dict(asked.fields)
    return {name: value for name, value in body_of(asked).items() if name not in ("image_url", "mask_url")}


def file_of(asked: Asked, name: str) -> bytes | None:
    """The image or the mask of a request."""
    if asked.files:
        names = ("image", "file") if name == "image" else (name,)
        return next((content for field, _, _, content in asked.files if field in names), None)
    url = body_of(asked).get(f"{name}_url")
    return of_data_url(url) if url else None


def refusal(status: str, code: str, message: str, **headers: str) -> Script:
    """An error in Recraft's form."""
    return [json_answer({"code": code, "message": message}, status, **headers)]


class RecraftV3(Fake):
    """imageToImage, and inpaint with a mask."""

    name = "recraft/recraftv3"
    takes_mask = True
    refuses: ClassVar[Mapping[str, str]] = {"size": "1024x1024", "background": "transparent", "guidance": "3"}
    outcomes = tuple(outcome for outcome in Outcome if outcome is not Outcome.BLOCKED)
    services: ClassVar[Sequence[str]] = ("imageToImage", "inpaint")

    def check(self, asked: Asked) -> None:
        assert asked.method == "POST"
        assert asked.path.startswith("/v1/images/"), asked.path
        assert asked.headers["authorization"] == f"Bearer {KEY}"
        service = self.service(asked)
        assert service in self.services, service
        self.check_files(asked, service)
        fields = given(asked)
        check_only(fields, FIELDS[service])
        assert fields["response_format"] == "b64_json"
        if service not in PLAIN:
            self.check_made(fields, service)

    def service(self, asked: Asked) -> str:
        return asked.path.rpartition("/")[2]

    def check_files(self, asked: Asked, service: str) -> None:
        image, mask = file_of(asked, "image"), file_of(asked, "mask")
        assert image is not None
        assert len(image) <= 10 << 20
        assert (mask is not None) == (service in MASKED)
        if asked.files:
            first = "image" if service not in PLAIN or service == "eraseRegion" else "file"
            assert [name for name, *_ in asked.files] == [first, *(["mask"] if mask else [])]
        if mask is not None:
            assert decoded(mask).mode == "L", "greyscale colour mode"
            assert decoded(mask).size == decoded(image).size
            assert set(decoded(mask).tobytes()) <= {0, 255}, "pure black and white"

    def check_made(self, fields: Mapping[str, Any], service: str) -> None:
        assert fields["prompt"]
        assert fields.get("model", "recraftv3") in (V3 if service != "imageToImage" else (*V3, *V4))
        assert 1 <= int(fields.get("n", 1)) <= 6
        if service == "imageToImage":
            assert 0 <= float(fields["strength"]) <= 1
        if service == "outpaint":
            expands = [name for name in EXPANDS if name in fields]
            assert expands or "size" in fields or "zoom_out_percentage" in fields
            assert not (expands and "size" in fields)
        for name in ("controls", "text_layout"):
            assert not isinstance(fields.get(name), str), "a form cannot say it"

    def ok(self, asked: Asked) -> Script:
        n = int(given(asked).get("n", 1))
        if self.service(asked) in PLAIN:
            return [json_answer({"created": 1, "credits": 10, "image": {"b64_json": b64(self.picture())}})]
        data = [{"image_id": "c18a1988", "b64_json": b64(self.picture())} for _ in range(n)]
        return [json_answer({"created": 1, "credits": 40 * n, "data": data})]

    def empty(self, _: Asked) -> Script:
        return [json_answer({"created": 1, "credits": 0, "data": []})]

    def refused(self, _: Asked) -> Script:
        return refusal("400 Bad Request", "invalid_request", f"bad request of {KEY}")

    def unauthorized(self, _: Asked) -> Script:
        return refusal("401 Unauthorized", "unauthorized", f"no such token {KEY}")

    def busy(self, _: Asked) -> Script:
        return refusal("429 Too Many Requests", "rate_limit_exceeded", "slow down", retry_after="7")

    def down(self, _: Asked) -> Script:
        return refusal("503 Service Unavailable", "unavailable", "away")

    def images_of(self, asked: Asked) -> list[bytes]:
        image = file_of(asked, "image")
        return [image] if image is not None else []

    def filenames_of(self, asked: Asked) -> list[str]:
        return [filename for name, filename, _, _ in asked.files if name != "mask"]

    def mask_of(self, asked: Asked) -> Image.Image:
        mask = file_of(asked, "mask")
        assert mask is not None
        return decoded(mask)


class RecraftV4(RecraftV3):
    """imageToImage alone, with what only JSON can say."""

    name = "recraft/recraftv4_1"
    takes_mask = False
    fields: ClassVar[Mapping[str, str]] = {"controls": json.dumps({"colors": [{"rgb": [1, 2, 3]}]})}
    services: ClassVar[Sequence[str]] = ("imageToImage",)


class ReplaceBackground(RecraftV3):
    """A service named beside its model."""

    takes_mask = False
    params: ClassVar[Mapping[str, object]] = {"service": "replaceBackground"}
    services: ClassVar[Sequence[str]] = ("replaceBackground",)


class GenerateBackground(RecraftV3):
    """A service that needs a mask."""

    name = "recraft/generateBackground"
    services: ClassVar[Sequence[str]] = ("generateBackground",)


class EraseRegion(RecraftV3):
    """It needs a mask and takes no prompt."""

    name = "recraft/eraseRegion"
    services: ClassVar[Sequence[str]] = ("eraseRegion",)


class Outpaint(RecraftV3):
    """A service named in a model's place."""

    name = "recraft/outpaint"
    takes_mask = False
    refuses: ClassVar[Mapping[str, str]] = {"background": "transparent", "strength": "0.5"}
    fields: ClassVar[Mapping[str, str]] = {"zoom_out_percentage": "25"}
    services: ClassVar[Sequence[str]] = ("outpaint",)


class RemoveBackground(RecraftV3):
    """No prompt, one picture."""

    name = "recraft/removeBackground"
    takes_mask = False
    refuses: ClassVar[Mapping[str, str]] = {"size": "1024x1024", "style": "realistic_image"}
    services: ClassVar[Sequence[str]] = ("removeBackground",)


class CrispUpscale(RemoveBackground):
    """As RemoveBackground, and it leaves the background."""

    name = "recraft/crispUpscale"
    refuses: ClassVar[Mapping[str, str]] = {"size": "1024x1024", "background": "transparent"}
    services: ClassVar[Sequence[str]] = ("crispUpscale",)


FAKES = [RecraftV3, RecraftV4, Outpaint, RemoveBackground, CrispUpscale]
