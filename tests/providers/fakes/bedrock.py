"""Amazon Bedrock's InvokeModel, as its service description has it, and the bodies that its picture models take.

Sources: bedrock-runtime 2023-09-30; the user guides of Bedrock (Stability AI Image Services, Titan Image Generator G1) and
of Nova.
"""

import base64
import re
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any, ClassVar
from urllib.parse import unquote

from PIL import Image, ImageChops
from providers.fakes import KEY, Fake, b64, body_of, check_only, decoded
from upstreams import Asked, Script, json_answer

STYLES = {
    "3d-model", "analog-film", "anime", "cinematic", "comic-book", "digital-art", "enhance", "fantasy-art", "isometric",
    "line-art", "low-poly", "modeling-compound", "neon-punk", "origami", "photographic", "pixel-art", "tile-texture",
}  # fmt: skip
RATIOS = {"16:9", "1:1", "21:9", "2:3", "3:2", "4:5", "5:4", "9:16", "9:21"}
FORMATS = {"png", "jpeg", "webp"}
TEXT = (1, 10_000)
SIDE = range(2_001)
SEED = range(4_294_967_295)
GROW = range(21)
PART = (0.0, 1.0)


def refusal(status: str, name: str, message: str, **headers: str) -> Script:
    """An error as Bedrock tells it."""
    kind = f"{name}:http://internal.amazon.com/coral/com.amazon.bedrock/"
    return [json_answer({"message": message}, status, x_amzn_errortype=kind, **headers)]


class Bedrock(Fake):
    """What all models have: the operation."""

    model_id: ClassVar[str] = ""
    """The id or ARN that is invoked, where the name does not tell it."""

    def check(self, asked: Asked) -> None:
        model_id = self.model_id or self.name.removeprefix("bedrock/")
        assert re.fullmatch(r"/v1/model/[A-Za-z0-9._~%-]+/invoke", asked.path), f"not encoded: {asked.path}"
        assert unquote(asked.path) == f"/v1/model/{model_id}/invoke", asked.path
        assert asked.method == "POST"
        assert asked.headers["authorization"] == f"Bearer {KEY}"
        assert asked.headers["accept"] == "application/json"
        assert len(asked.body) <= 25_000_000
        self.check_body(body_of(asked))

    def check_body(self, body: dict[str, Any]) -> None:
        """Assert that the model would take this."""
        raise NotImplementedError

    def refused(self, _: Asked) -> Script:
        return refusal("400 Bad Request", "ValidationException", f"bad request of {KEY}")

    def unauthorized(self, _: Asked) -> Script:
        return refusal("403 Forbidden", "UnrecognizedClientException", f"The security token {KEY} is invalid.")

    def busy(self, _: Asked) -> Script:
        return refusal("429 Too Many Requests", "ThrottlingException", "Too many requests.", retry_after="7")

    def down(self, _: Asked) -> Script:
        return refusal("503 Service Unavailable", "ServiceUnavailableException", "Try again.")


class Stability(Bedrock):
    """What Stability's services have. `takes`: each field with a range of integers, two bounds of numbers, or its values."""

    takes: ClassVar[Mapping[str, Any]] = {}
    needs: ClassVar[Sequence[str]] = ("prompt",)
    pictures: ClassVar[Sequence[str]] = ("image",)
    refuses: ClassVar[Mapping[str, str]] = {"background": "transparent", "size": "1024x1024", "strength": "0.5"}

    def check_body(self, body: dict[str, Any]) -> None:
        check_only(body, {*self.takes, *self.pictures, "output_format", *(("mask",) if self.takes_mask else ())})
        for name in (*self.pictures, *(name for name in ("mask",) if name in body)):
            self.check_picture(decoded(body[name]))
        assert set(self.needs) <= set(body), f"needs {self.needs}"
        for name in set(body) & {*self.takes, "output_format"}:
            self.check_value(name, body[name])

    def check_picture(self, picture: Image.Image) -> None:
        assert picture.format in ("PNG", "JPEG", "WEBP")
        assert 4_096 <= picture.width * picture.height <= 9_437_184

    def check_value(self, name: str, value: Any) -> None:
        allowed = FORMATS if name == "output_format" else self.takes[name]
        if allowed is TEXT:
            assert isinstance(value, str), name
            assert 1 <= len(value) <= 10_000, name
        elif isinstance(allowed, tuple):
            assert isinstance(value, int | float), name
            assert allowed[0] <= value <= allowed[1], f"{name}={value}"
        else:
            assert not isinstance(value, float), f"{name}={value!r} is no integer"
            assert value in allowed, f"{name}={value!r}"

    def ok(self, asked: Asked) -> Script:
        picture = self.picture()
        output_format = body_of(asked).get("output_format", "png")
        if output_format != "png":
            buffer = BytesIO()
            decoded(picture).save(buffer, output_format.upper(), quality=100)
            picture = buffer.getvalue()
        return [json_answer({"seeds": [2130420379], "finish_reasons": [None], "images": [b64(picture)]})]

    def blocked(self, _: Asked) -> Script:
        return [json_answer({"finish_reasons": ["Filter reason: output image"]})]

    def empty(self, _: Asked) -> Script:
        return [json_answer({"seeds": [], "finish_reasons": [None], "images": []})]

    def images_of(self, asked: Asked) -> list[bytes]:
        body = body_of(asked)
        return [_file(body[name]) for name in self.pictures]

    def mask_of(self, asked: Asked) -> Image.Image:
        return decoded(body_of(asked)["mask"])


class ConservativeUpscale(Stability):
    """Four megapixels, true to the original."""

    name = "bedrock/us.stability.stable-conservative-upscale-v1:0"
    takes: ClassVar[Mapping[str, Any]] = {"prompt": TEXT, "negative_prompt": TEXT, "creativity": (0.1, 0.5), "seed": SEED}


class CreativeUpscale(Stability):
    """Answered at once here, other than by the REST API."""

    name = "bedrock/us.stability.stable-creative-upscale-v1:0"
    takes: ClassVar[Mapping[str, Any]] = {**ConservativeUpscale.takes, "style_preset": STYLES}


class FastUpscale(Stability):
    """Takes no prompt."""

    name = "bedrock/us.stability.stable-fast-upscale-v1:0"
    needs = ()
    refuses: ClassVar[Mapping[str, str]] = {**Stability.refuses, "seed": "1"}


class Outpaint(Stability):
    """Needs a side."""

    name = "bedrock/us.stability.stable-outpaint-v1:0"
    fields: ClassVar[Mapping[str, str]] = {"left": "200"}
    needs = ()
    takes: ClassVar[Mapping[str, Any]] = {
        **dict.fromkeys(("left", "right", "up", "down"), SIDE),
        "prompt": TEXT,
        "creativity": PART,
        "seed": SEED,
        "style_preset": STYLES,
    }

    def check_body(self, body: dict[str, Any]) -> None:
        super().check_body(body)
        assert any(body.get(side) for side in ("left", "right", "up", "down")), "nowhere to paint"


class Inpaint(Stability):
    """Under a mask, or where the image is transparent."""

    name = "bedrock/us.stability.stable-image-inpaint-v1:0"
    takes_mask = True
    takes: ClassVar[Mapping[str, Any]] = {
        "prompt": TEXT, "negative_prompt": TEXT, "grow_mask": GROW, "seed": SEED, "style_preset": STYLES,
    }  # fmt: skip


class EraseObject(Stability):
    """Takes no prompt; the id of this one has no prefix."""

    name = "bedrock/stability.stable-image-erase-object-v1:0"
    takes_mask = True
    needs = ()
    takes: ClassVar[Mapping[str, Any]] = {"grow_mask": GROW, "seed": SEED}
    refuses: ClassVar[Mapping[str, str]] = {**Stability.refuses, "style_preset": "anime", "negative_prompt": "x"}


class SearchReplace(Stability):
    """Finds what to replace."""

    name = "bedrock/us.stability.stable-image-search-replace-v1:0"
    fields: ClassVar[Mapping[str, str]] = {"search_prompt": "cat"}
    needs = ("prompt", "search_prompt")
    takes: ClassVar[Mapping[str, Any]] = {**Inpaint.takes, "search_prompt": TEXT}
    refuses: ClassVar[Mapping[str, str]] = {**Stability.refuses, "select_prompt": "cat"}


class SearchRecolor(Stability):
    """Finds what to recolour, under another name."""

    name = "bedrock/us.stability.stable-image-search-recolor-v1:0"
    fields: ClassVar[Mapping[str, str]] = {"select_prompt": "cat"}
    needs = ("prompt", "select_prompt")
    takes: ClassVar[Mapping[str, Any]] = {**Inpaint.takes, "select_prompt": TEXT}
    refuses: ClassVar[Mapping[str, str]] = {**Stability.refuses, "search_prompt": "cat"}


class RemoveBackground(Stability):
    """Knows nothing but the picture and its format."""

    name = "bedrock/us.stability.stable-image-remove-background-v1:0"
    needs = ()
    refuses: ClassVar[Mapping[str, str]] = {"size": "1024x1024", "seed": "1"}


class ControlSketch(Stability):
    """From a sketch; invoked by the ARN of a profile, which is all that the name says."""

    name = "bedrock/arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.stability.stable-image-control-sketch-v1:0"
    takes: ClassVar[Mapping[str, Any]] = {
        "prompt": TEXT, "negative_prompt": TEXT, "control_strength": PART, "seed": SEED, "style_preset": STYLES,
    }  # fmt: skip


class ControlStructure(Stability):
    """By another id than its name."""

    name = "bedrock/stability.stable-image-control-structure-v1:0"
    model_id = "arn:aws:bedrock:us-west-2:123456789012:application-inference-profile/a1b2c3d4e5f6"
    params: ClassVar[Mapping[str, object]] = {"model_id": model_id}
    takes = ControlSketch.takes


class StyleGuide(Stability):
    """The only one that takes a shape."""

    name = "bedrock/us.stability.stable-image-style-guide-v1:0"
    takes: ClassVar[Mapping[str, Any]] = {
        "prompt": TEXT, "negative_prompt": TEXT, "fidelity": PART, "aspect_ratio": RATIOS, "seed": SEED, "style_preset": STYLES,
    }  # fmt: skip
    refuses: ClassVar[Mapping[str, str]] = {"background": "transparent", "strength": "0.5"}


class StyleTransfer(Stability):
    """Takes two pictures."""

    name = "bedrock/us.stability.stable-style-transfer-v1:0"
    images = 2
    needs = ()
    pictures = ("init_image", "style_image")
    takes: ClassVar[Mapping[str, Any]] = {
        "prompt": TEXT, "negative_prompt": TEXT, "style_strength": PART, "composition_fidelity": PART,
        "change_strength": (0.1, 1.0), "seed": SEED,
    }  # fmt: skip


CONFIG: Mapping[str, Any] = {
    "numberOfImages": range(1, 6), "quality": {"standard", "premium"}, "cfgScale": (1.1, 10.0), "seed": range(2_147_483_647),
}  # fmt: skip
PARAMS = {
    "INPAINTING": ("inPaintingParams", {"image", "text", "negativeText", "maskPrompt", "maskImage"}),
    "OUTPAINTING": ("outPaintingParams", {"image", "text", "negativeText", "maskPrompt", "maskImage", "outPaintingMode"}),
    "IMAGE_VARIATION": ("imageVariationParams", {"images", "text", "negativeText", "similarityStrength"}),
    "BACKGROUND_REMOVAL": ("backgroundRemovalParams", {"image"}),
}


class NovaCanvas(Bedrock):
    """A variation, or under a mask inpainting."""

    name = "bedrock/amazon.nova-canvas-v1:0"
    takes_mask = True
    refuses: ClassVar[Mapping[str, str]] = {"background": "transparent", "negative_prompt": "rain"}
    sized: ClassVar[Sequence[str]] = ("IMAGE_VARIATION",)

    def check_body(self, body: dict[str, Any]) -> None:
        name, allowed = PARAMS[body["taskType"]]
        check_only(body, {"taskType", name, *(("imageGenerationConfig",) if body["taskType"] != "BACKGROUND_REMOVAL" else ())})
        params, config = body[name], body.get("imageGenerationConfig", {})
        check_only(params, allowed)
        check_only(config, {*CONFIG, *(("width", "height") if body["taskType"] in self.sized else ())})
        for picture in params.get("images") or [params["image"]]:
            self.check_picture(decoded(picture))
        assert 1 <= len(params.get("images", [0])) <= 5
        if "maskImage" in allowed:
            assert ("maskImage" in params) != ("maskPrompt" in params), "one of maskImage and maskPrompt"
        if "maskImage" in params:
            shades = decoded(params["maskImage"]).convert("L").histogram()
            assert sum(shades) == shades[0] + shades[255], "not pure black and white"
        for field, value in config.items():
            self.check_config(field, value)

    def check_picture(self, picture: Image.Image) -> None:
        assert picture.format in ("PNG", "JPEG")
        assert picture.mode in ("RGB", "RGBA"), picture.mode
        assert picture.convert("RGBA").getchannel("A").getextrema() == (255, 255), "transparent or translucent"

    def check_config(self, field: str, value: Any) -> None:
        allowed = CONFIG.get(field, range(320, 4_097, 16))
        if isinstance(allowed, tuple):
            assert allowed[0] <= value <= allowed[1], f"{field}={value}"
        else:
            assert not isinstance(value, float), f"{field}={value!r} is no integer"
            assert value in allowed, f"{field}={value!r}"

    def ok(self, asked: Asked) -> Script:
        n = body_of(asked).get("imageGenerationConfig", {}).get("numberOfImages", 1)
        return [json_answer({"images": [b64(self.picture()) for _ in range(n)], "error": None})]

    def blocked(self, _: Asked) -> Script:
        told = "Some generated images have been blocked by our content filters."
        return [json_answer({"images": [], "error": told})]

    def empty(self, _: Asked) -> Script:
        return [json_answer({"images": []})]

    def images_of(self, asked: Asked) -> list[bytes]:
        params = self.params_of(asked)
        return [_file(image) for image in params.get("images") or [params["image"]]]

    def mask_of(self, asked: Asked) -> Image.Image:
        """It paints where the mask is black."""
        return ImageChops.invert(decoded(self.params_of(asked)["maskImage"]))

    def params_of(self, asked: Asked) -> dict[str, Any]:
        """The parameters of the task."""
        body = body_of(asked)
        params: dict[str, Any] = body[PARAMS[body["taskType"]][0]]
        return params


class NovaInpainting(NovaCanvas):
    """Where the words of `maskPrompt` are; with them it takes no mask."""

    name = "bedrock/arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-canvas-v1:0"
    takes_mask = False
    params: ClassVar[Mapping[str, object]] = {"taskType": "INPAINTING"}
    fields: ClassVar[Mapping[str, str]] = {"maskPrompt": "cat"}
    refuses: ClassVar[Mapping[str, str]] = {"size": "1024x1024", "similarityStrength": "0.5", "taskType": "OUTPAINTING"}


class NovaOutpainting(NovaCanvas):
    """All but what the words of `maskPrompt` cover."""

    name = "bedrock/arn:aws:bedrock:eu-west-1::foundation-model/amazon.nova-canvas-v1:0"
    takes_mask = False
    params: ClassVar[Mapping[str, object]] = {"taskType": "OUTPAINTING", "outPaintingMode": "PRECISE"}
    fields: ClassVar[Mapping[str, str]] = {"maskPrompt": "cat"}
    refuses: ClassVar[Mapping[str, str]] = {**NovaInpainting.refuses, "taskType": "INPAINTING"}


class NovaBackgroundRemoval(NovaCanvas):
    """Knows nothing but the picture, and makes one at a time."""

    name = "bedrock/arn:aws:bedrock:ap-northeast-1::foundation-model/amazon.nova-canvas-v1:0"
    takes_mask = False
    params: ClassVar[Mapping[str, object]] = {"taskType": "BACKGROUND_REMOVAL"}
    refuses: ClassVar[Mapping[str, str]] = {"size": "1024x1024", "seed": "1", "maskPrompt": "cat"}


class TitanImage(NovaCanvas):
    """The same tasks; inpainting takes a size, too."""

    name = "bedrock/amazon.titan-image-generator-v2:0"
    sized = ("INPAINTING", "OUTPAINTING", "IMAGE_VARIATION")


def _file(image_base64: str) -> bytes:
    return base64.b64decode(image_base64, validate=True)


FAKES = [
    ConservativeUpscale, CreativeUpscale, FastUpscale, Outpaint, Inpaint, EraseObject, SearchReplace, SearchRecolor,
    RemoveBackground, ControlSketch, ControlStructure, StyleGuide, StyleTransfer,
    NovaCanvas, NovaInpainting, NovaOutpainting, NovaBackgroundRemoval, TitanImage,
]  # fmt: skip
