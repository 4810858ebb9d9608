"""Stability AI's REST API as its OpenAPI description of 2026 has it: a form in, JSON out; two services answer later."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any, ClassVar

from PIL import Image
from providers.fakes import KEY, Fake, b64, check_only, decoded
from upstreams import Asked, Script, json_answer

STYLES = {
    "enhance", "anime", "photographic", "digital-art", "comic-book", "fantasy-art", "line-art", "analog-film", "neon-punk",
    "isometric", "low-poly", "origami", "modeling-compound", "cinematic", "3d-model", "pixel-art", "tile-texture",
}  # fmt: skip
RATIOS = {"21:9", "16:9", "3:2", "5:4", "1:1", "4:5", "2:3", "9:16", "9:21"}


def number(low: float, high: float) -> tuple[float, float]:
    """A number between two others."""
    return low, high


TEXT = (0, 10_000)
PART = number(0, 1)
SEED = number(0, 4_294_967_294)
PROMPTS = {"prompt": TEXT, "negative_prompt": TEXT}


def refusal(status: str, name: str, *errors: str, **headers: str) -> Script:
    """An error as the API tells it."""
    return [json_answer({"id": "2a1b2d4eafe2bc6ab4cd4d5c6133f513", "name": name, "errors": errors}, status, **headers)]


def in_format(picture: bytes, output_format: str) -> bytes:
    """A picture in another format."""
    buffer = BytesIO()
    decoded(picture).save(buffer, output_format)
    return buffer.getvalue()


class Stability(Fake):
    """What all services have."""

    path: ClassVar[str]
    takes: ClassVar[Mapping[str, Any]] = {}
    """The fields beside `output_format`: an interval of numbers, an interval of a text's length, or a set of values."""
    needs: ClassVar[Sequence[str]] = ("prompt",)
    pictures: ClassVar[Sequence[str]] = ("image",)
    optional_pictures: ClassVar[Sequence[str]] = ()
    formats: ClassVar[Sequence[str]] = ("png", "jpeg", "webp")
    sides_px: ClassVar[tuple[int, int]] = (64, 65_535)
    pixels: ClassVar[tuple[int, int]] = (4_096, 9_437_184)
    ratio: ClassVar[float] = math.inf
    """How many times as long as the other a side of the first picture may be."""
    refuses: ClassVar[Mapping[str, str]] = {"background": "transparent", "size": "1024x1024", "strength": "0.5"}

    def check(self, asked: Asked) -> None:
        assert asked.headers["authorization"] == f"Bearer {KEY}"
        assert asked.headers["accept"] == "application/json"
        assert (asked.method, asked.path) == ("POST", f"/v1/v2beta/stable-image/{self.path}"), asked.path
        assert asked.headers["content-type"].startswith("multipart/form-data"), asked.headers["content-type"]
        assert len(asked.body) <= 10 << 20
        self._check_fields(asked)
        self._check_files(asked)

    def _check_fields(self, asked: Asked) -> None:
        names = [name for name, _ in asked.fields]
        assert len(names) == len(set(names)), f"a field is there twice: {names}"
        check_only(names, [*self.takes, "output_format"])
        assert set(self.needs) <= set(names), f"needs {self.needs}"
        for name, text in asked.fields:
            self._check_value(name, text)

    def _check_value(self, name: str, text: str) -> None:
        allowed = self.formats if name == "output_format" else self.takes[name]
        if allowed is TEXT:
            assert len(text) <= 10_000, name
            assert text or name not in self.needs, name
        elif isinstance(allowed, tuple) and name != "output_format":
            assert re.fullmatch(r"\d+(\.\d+)?", text), f"{name}={text} is no number"
            assert allowed[0] <= float(text) <= allowed[1], f"{name}={text}"
        else:
            assert text in allowed, f"{name}={text}"

    def _check_files(self, asked: Asked) -> None:
        given = [name for name, _, _, _ in asked.files]
        optional = [*self.optional_pictures, *(["mask"] if self.takes_mask else [])]
        check_only(given, [*self.pictures, *optional])
        assert given[: len(self.pictures)] == list(self.pictures), given
        sides = sorted(decoded(self.images_of(asked)[0]).size)
        assert sides[1] <= sides[0] * self.ratio, sides
        for _, filename, media_type, content in asked.files:
            image = Image.open(BytesIO(content))
            assert filename
            assert media_type == f"image/{str(image.format).lower()}", media_type
            assert all(self.sides_px[0] <= side <= self.sides_px[1] for side in image.size), image.size
            assert self.pixels[0] <= image.width * image.height <= self.pixels[1], image.size

    def ok(self, asked: Asked) -> Script:
        return [json_answer(self.finished(asked))]

    def finished(self, asked: Asked) -> dict[str, Any]:
        """The picture, and what is said of it."""
        return {"image": b64(self.picture_of(asked)), "finish_reason": "SUCCESS", "seed": 343940597}

    def picture_of(self, asked: Asked) -> bytes:
        """In the format that was asked for."""
        return in_format(self.picture(), asked.field("output_format") or "png")

    def blocked(self, _: Asked) -> Script:
        """A picture, but a blurred one."""
        return [json_answer({"image": b64(self.picture()), "finish_reason": "CONTENT_FILTERED", "seed": 1})]

    def empty(self, _: Asked) -> Script:
        return [json_answer({"finish_reason": "SUCCESS", "seed": 1})]

    def refused(self, _: Asked) -> Script:
        return refusal("400 Bad Request", "bad_request", f"bad request of {KEY}")

    def unauthorized(self, _: Asked) -> Script:
        return refusal("401 Unauthorized", "unauthorized", f"Incorrect API key provided: {KEY}")

    def busy(self, _: Asked) -> Script:
        return refusal("429 Too Many Requests", "rate_limit_exceeded", "more than 150 requests in 10 seconds", retry_after="7")

    def down(self, _: Asked) -> Script:
        return refusal("503 Service Unavailable", "unavailable", "away")

    def images_of(self, asked: Asked) -> list[bytes]:
        return [content for name, _, _, content in asked.files if name in self.pictures]

    def filenames_of(self, asked: Asked) -> list[str]:
        return [filename for name, filename, _, _ in asked.files if name in self.pictures]

    def mask_of(self, asked: Asked) -> Image.Image:
        [mask] = [content for name, _, _, content in asked.files if name == "mask"]
        return decoded(mask)


class Erase(Stability):
    """What the mask shows is taken away; it knows no prompt."""

    name = "stability/erase"
    path = "edit/erase"
    takes: ClassVar = {"grow_mask": (0, 20), "seed": SEED}
    needs: ClassVar = ()
    takes_mask = True


class Inpaint(Stability):
    """What the mask shows is made anew."""

    name = "stability/inpaint"
    path = "edit/inpaint"
    takes: ClassVar = {**PROMPTS, "grow_mask": (0, 100), "seed": SEED, "style_preset": STYLES}
    takes_mask = True


class Outpaint(Stability):
    """The picture grows on at least one side."""

    name = "stability/outpaint"
    path = "edit/outpaint"
    ratio = 2.5
    takes: ClassVar = {
        "prompt": TEXT,
        **dict.fromkeys(("left", "right", "up", "down"), (0, 2_000)),
        "creativity": PART,
        "seed": SEED,
        "style_preset": STYLES,
    }
    needs: ClassVar = ()
    fields: ClassVar = {"left": "100"}

    def _check_fields(self, asked: Asked) -> None:
        super()._check_fields(asked)
        assert any(int(asked.field(side) or 0) for side in ("left", "right", "up", "down")), "no direction"


class SearchAndReplace(Stability):
    """What is searched for becomes something else."""

    name = "stability/search-and-replace"
    path = "edit/search-and-replace"
    ratio = 2.5
    takes: ClassVar = {**PROMPTS, "search_prompt": TEXT, "grow_mask": (0, 20), "seed": SEED, "style_preset": STYLES}
    needs: ClassVar = ("prompt", "search_prompt")
    fields: ClassVar = {"search_prompt": "cat"}


class SearchAndRecolor(Stability):
    """What is selected gets another colour."""

    name = "stability/search-and-recolor"
    path = "edit/search-and-recolor"
    ratio = 2.5
    takes: ClassVar = {**PROMPTS, "select_prompt": TEXT, "grow_mask": (0, 20), "seed": SEED, "style_preset": STYLES}
    needs: ClassVar = ("prompt", "select_prompt")
    fields: ClassVar = {"select_prompt": "cat"}


class RemoveBackground(Stability):
    """Transparent, so never a JPEG."""

    name = "stability/remove-background"
    path = "edit/remove-background"
    needs: ClassVar = ()
    formats = ("png", "webp")
    pixels = (4_096, 4_194_304)
    refuses: ClassVar = {"output_format": "jpeg", "seed": "1", "size": "1024x1024"}


@dataclass
class Job:
    """One that was begun, and how often it was looked for."""

    output_format: str
    looks: int = 0


class Later(Stability):
    """A service that answers with an id: the picture is there when it is looked for the second time."""

    params: ClassVar = {"poll_s": 0.01}

    def __init__(self) -> None:
        super().__init__()
        self.jobs: dict[str, Job] = {}

    def check(self, asked: Asked) -> None:
        if asked.method == "POST":
            super().check(asked)
            return
        assert asked.headers["authorization"] == f"Bearer {KEY}"
        assert asked.headers["accept"] == "application/json"
        assert asked.path in [f"/v1/v2beta/results/{job_id}" for job_id in self.jobs], asked.path

    def later(self, asked: Asked, finished: Callable[[Asked], Script]) -> Script:
        """The id, then that it is not done, then what it has come to."""
        if asked.method == "POST":
            job_id = f"{len(self.jobs):064x}"
            self.jobs[job_id] = Job(asked.field("output_format") or "png")
            return [json_answer({"id": job_id})]
        self.job(asked).looks += 1
        if self.job(asked).looks == 1:
            return [json_answer({"id": asked.path.rpartition("/")[2], "status": "in-progress"}, "202 Accepted")]
        return finished(asked)

    def job(self, asked: Asked) -> Job:
        """The job that is looked for."""
        return self.jobs[asked.path.rpartition("/")[2]]

    def picture_of(self, asked: Asked) -> bytes:
        """In the format that was asked for when the job was begun."""
        return in_format(self.picture(), self.job(asked).output_format)

    def ok(self, asked: Asked) -> Script:
        return self.later(asked, super().ok)

    def blocked(self, asked: Asked) -> Script:
        return self.later(asked, super().blocked)

    def empty(self, asked: Asked) -> Script:
        return self.later(asked, super().empty)

    def garbage(self, asked: Asked) -> Script:
        return self.later(asked, super().garbage)

    def silent(self, asked: Asked) -> Script:
        return self.later(asked, super().silent)


class Relight(Later):
    """A new background, and light that fits it."""

    name = "stability/replace-background-and-relight"
    path = "edit/replace-background-and-relight"
    ratio = 2.5
    takes: ClassVar = {
        **dict.fromkeys(("background_prompt", "foreground_prompt", "negative_prompt"), TEXT),
        **dict.fromkeys(("preserve_original_subject", "original_background_depth", "light_source_strength"), PART),
        "keep_original_background": {"true", "false"},
        "light_source_direction": {"left", "right", "above", "below"},
        "seed": SEED,
    }
    needs: ClassVar = ()
    pictures = ("subject_image",)
    optional_pictures = ("background_reference", "light_reference")

    def _check_fields(self, asked: Asked) -> None:
        super()._check_fields(asked)
        files = [name for name, _, _, _ in asked.files]
        assert asked.field("background_prompt") or "background_reference" in files, "no background"
        if asked.field("light_source_strength"):
            assert asked.field("light_source_direction") or "light_reference" in files, "no light"

    def finished(self, asked: Asked) -> dict[str, Any]:
        """As some clients of the API know a finished job: with its picture as `result`."""
        fields = super().finished(asked)
        return {"result": fields.pop("image"), **fields}


class Fast(Stability):
    """Four times the size, without a word."""

    name = "stability/fast"
    path = "upscale/fast"
    needs: ClassVar = ()
    sides_px = (32, 1_536)
    pixels = (1_024, 1_048_576)


class Conservative(Stability):
    """Four megapixels of the same."""

    name = "stability/conservative"
    path = "upscale/conservative"
    ratio = 2.5
    takes: ClassVar = {**PROMPTS, "seed": SEED, "creativity": (0.2, 0.5)}


class Creative(Later):
    """Four megapixels of something like it."""

    name = "stability/creative"
    path = "upscale/creative"
    takes: ClassVar = {**PROMPTS, "seed": SEED, "creativity": (0.1, 0.5), "style_preset": STYLES}
    pixels = (4_096, 1_048_576)


class Sketch(Stability):
    """A picture along the lines of another."""

    name = "stability/sketch"
    path = "control/sketch"
    ratio = 2.5
    takes: ClassVar = {**PROMPTS, "control_strength": PART, "seed": SEED, "style_preset": STYLES}


class Structure(Sketch):
    """A picture with the structure of another."""

    name = "stability/structure"
    path = "control/structure"


class Style(Stability):
    """A picture in the style of another."""

    name = "stability/style"
    path = "control/style"
    ratio = 2.5
    takes: ClassVar = {**PROMPTS, "aspect_ratio": RATIOS, "fidelity": PART, "seed": SEED, "style_preset": STYLES}
    refuses: ClassVar = {"background": "transparent", "control_strength": "0.5"}


class StyleTransfer(Stability):
    """One picture in the style of a second."""

    name = "stability/style-transfer"
    path = "control/style-transfer"
    ratio = 2.5
    takes: ClassVar = {
        **PROMPTS,
        "style_strength": PART,
        "composition_fidelity": PART,
        "change_strength": (0.1, 1),
        "seed": SEED,
    }
    needs: ClassVar = ()
    images = 2
    pictures = ("init_image", "style_image")
    sides_px = (64, 16_383)


FAKES = [
    Erase, Inpaint, Outpaint, SearchAndReplace, SearchAndRecolor, RemoveBackground, Relight, Fast, Conservative, Creative,
    Sketch, Structure, Style, StyleTransfer,
]  # fmt: skip
