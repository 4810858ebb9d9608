"""Black Forest Labs as api.bfl.ai/openapi.json and docs.bfl.ai have it: a task, its result, and the delivered picture."""

import binascii
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeAlias

from PIL import Image
from providers.fakes import KEY, Fake, body_of, check_only, decoded
from providers.fakes.openai import in_format
from upstreams import Asked, Script, json_answer, sized

Check: TypeAlias = Callable[[Any], bool]


def whole(low: int, high: int) -> Check:
    """An integer in a range."""
    return lambda value: type(value) is int and low <= value <= high


def number(low: float, high: float) -> Check:
    """A number in a range."""
    return lambda value: type(value) in (int, float) and low <= value <= high


def text(value: Any) -> bool:
    """A string."""
    return isinstance(value, str)


def flag(value: Any) -> bool:
    """A boolean."""
    return isinstance(value, bool)


def image(value: Any) -> bool:
    """Bare base64 of a picture, no data URL."""
    return isinstance(value, str) and decoded(value).width > 0


def one_of(*choices: str) -> Check:
    """One of some strings."""
    return lambda value: value in choices


COMMON: Mapping[str, Check] = {"seed": whole(-(1 << 63), 1 << 63), "output_format": one_of("jpeg", "png", "webp")}
NUMBERED: Mapping[str, Check] = {"input_image": image, **{f"input_image_{n}": image for n in range(2, 9)}}
FLUX_2: Mapping[str, Check] = {
    **COMMON,
    "prompt": text,
    "width": whole(64, 1 << 16),
    "height": whole(64, 1 << 16),
    "safety_tolerance": whole(0, 5),
}
FLUX_1: Mapping[str, Check] = {
    **COMMON,
    "image": image,
    "prompt": text,
    "steps": whole(15, 50),
    "guidance": number(1.5, 100),
    "prompt_upsampling": flag,
    "safety_tolerance": whole(0, 6),
}


class BlackForestLabs(Fake):
    """What all models have in common. A task is pending at the first look and done at the second."""

    params: ClassVar[Mapping[str, object]] = {"poll_s": 0.01}
    known: ClassVar[Mapping[str, Check]]
    required: ClassVar[tuple[str, ...]] = ("prompt", "input_image")

    def __init__(self) -> None:
        super().__init__()
        self.tasks: list[dict[str, Any]] = []
        self.looks: dict[str, int] = {}

    @property
    def model(self) -> str:
        return self.name.partition("/")[2]

    def check(self, asked: Asked) -> None:
        if asked.path.startswith("/v1/delivery/"):
            assert "x-key" not in asked.headers, "the key for whoever delivers"
            return
        assert asked.headers["x-key"] == KEY
        if asked.method == "GET":
            assert asked.path.startswith("/v1/get_result?id="), asked.path
            return
        assert (asked.method, asked.path) == ("POST", f"/v1/{self.model}"), asked.path
        self.check_body(body_of(asked))

    def check_body(self, body: dict[str, Any]) -> None:
        check_only(body, self.known)
        assert set(self.required) <= set(body), f"missing {set(self.required) - set(body)}"
        for name, value in body.items():
            assert self.known[name](value), f"{name} is {str(value)[:40]}"

    def ok(self, asked: Asked) -> Script:
        if asked.method == "POST":
            return self.begun(asked)
        task_id = asked.path.rpartition("-")[2]
        if asked.path.startswith("/v1/delivery/"):
            return [sized(in_format(self.picture(), self.tasks[int(task_id)].get("output_format") or "png"))]
        return self.looked_at(asked, result={"sample": f"{self.url}/delivery/task-{task_id}", "seed": 7, "prompt": "x"})

    def begun(self, asked: Asked) -> Script:
        self.tasks.append(body_of(asked))
        task_id = f"task-{len(self.tasks) - 1}"
        answer = {"id": task_id, "polling_url": f"{self.url}/get_result?id={task_id}", "cost": 4.5, "input_mp": 1.0}
        return [json_answer(answer)]

    def looked_at(self, asked: Asked, status: str = "Ready", **fields: Any) -> Script:
        """The state of a task: `status` from the second look on."""
        task_id = asked.path.rpartition("=")[2]
        self.looks[task_id] = self.looks.get(task_id, 0) + 1
        state = {"id": task_id, "status": "Pending", "result": None, "progress": 0.5, "details": None, "preview": None}
        return [json_answer({**state, "status": status, **fields} if self.looks[task_id] > 1 else state)]

    def blocked(self, asked: Asked) -> Script:
        if asked.method == "POST":
            return self.begun(asked)
        return self.looked_at(asked, "Content Moderated", details={"Moderation Reasons": ["Violence"]})

    def empty(self, asked: Asked) -> Script:
        return self.begun(asked) if asked.method == "POST" else self.looked_at(asked)

    def refused(self, _: Asked) -> Script:
        return [json_answer({"detail": f"bad request of {KEY}"}, "400 Bad Request")]

    def unauthorized(self, _: Asked) -> Script:
        return [json_answer({"detail": f"Not authenticated - Invalid Authentication {KEY}"}, "403 Forbidden")]

    def busy(self, _: Asked) -> Script:
        return [json_answer({"detail": "Too many active tasks"}, "429 Too Many Requests", retry_after="7")]

    def down(self, _: Asked) -> Script:
        return [json_answer({"detail": "away"}, "503 Service Unavailable")]

    def images_of(self, asked: Asked) -> list[bytes]:
        return [file(value) for value in self.images_in(body_of(asked))]

    @abstractmethod
    def images_in(self, body: dict[str, Any]) -> list[str]:
        """The images of a body, in order."""

    def mask_of(self, asked: Asked) -> Image.Image:
        return decoded(body_of(asked)["mask"])


def file(base64_text: str) -> bytes:
    """What the text stands for."""
    return binascii.a2b_base64(base64_text, strict_mode=True)


class _Numbered(BlackForestLabs):
    """Models with `input_image`, `input_image_2` ..."""

    def images_in(self, body: dict[str, Any]) -> list[str]:
        names = [name for name in NUMBERED if name in body]
        assert names == list(NUMBERED)[: len(names)], "without a gap"
        return [body[name] for name in names]


class Kontext(_Numbered):
    """flux-kontext-pro."""

    name = "black_forest_labs/flux-kontext-pro"
    refuses: ClassVar[Mapping[str, str]] = {"background": "transparent", "steps": "20", "grow_mask": "5"}
    known: ClassVar[Mapping[str, Check]] = {
        **COMMON,
        **{name: NUMBERED[name] for name in list(NUMBERED)[:4]},
        "prompt": text,
        "aspect_ratio": lambda value: 9 / 21 <= ratio(value) <= 21 / 9,
        "prompt_upsampling": flag,
        "safety_tolerance": whole(0, 6),
    }


def ratio(value: str) -> float:
    """`WIDTH:HEIGHT` in whole numbers."""
    width, height = map(int, value.split(":"))
    return width / height


class _Flux2(_Numbered):
    """Sizes are multiples of 16 and have 4 megapixels at most."""

    refuses: ClassVar[Mapping[str, str]] = {"background": "transparent", "aspect_ratio": "1:1"}

    def check_body(self, body: dict[str, Any]) -> None:
        super().check_body(body)
        width, height = body.get("width", 64), body.get("height", 64)
        assert width % 16 == height % 16 == 0, (width, height)
        assert width * height <= 1 << 22, (width, height)


class Flux2Pro(_Flux2):
    """flux-2-pro; max has the same fields."""

    name = "black_forest_labs/flux-2-pro"
    known: ClassVar[Mapping[str, Check]] = {**FLUX_2, **NUMBERED, "disable_pup": flag}


class Flux2Flex(_Flux2):
    """flux-2-flex."""

    name = "black_forest_labs/flux-2-flex"
    known: ClassVar[Mapping[str, Check]] = {
        **FLUX_2,
        **NUMBERED,
        "prompt_upsampling": flag,
        "steps": whole(1, 50),
        "guidance": number(1.5, 10),
    }


class Flux2Klein(_Flux2):
    """flux-2-klein-4b; 9b has the same fields."""

    name = "black_forest_labs/flux-2-klein-4b"
    known: ClassVar[Mapping[str, Check]] = {**FLUX_2, **{name: NUMBERED[name] for name in list(NUMBERED)[:4]}}


class Flux3(BlackForestLabs):
    """flux-3-image, which takes nothing beyond its schema."""

    name = "black_forest_labs/flux-3-image"
    refuses: ClassVar[Mapping[str, str]] = {"background": "transparent", "seed": "1"}
    required = ("prompt", "images")
    known: ClassVar[Mapping[str, Check]] = {
        "prompt": text,
        "images": lambda value: 1 <= len(value) <= 10 and all(map(image, value)),
        "aspect_ratio": one_of(
            "auto", "21:9", "2:1", "16:9", "3:2", "7:5", "4:3", "5:4", "1:1", "4:5", "3:4", "5:7", "2:3", "9:16", "1:2", "9:21"
        ),
        "resolution": one_of("768sq", "1k", "1.5k", "2k", "4k"),
        "grounding": flag,
        "safety_tolerance": whole(0, 4),
        "version": text,
    }

    def images_in(self, body: dict[str, Any]) -> list[str]:
        images: list[str] = body["images"]
        return images


class _Single(BlackForestLabs):
    """One image, whose size the picture has."""

    required: ClassVar[tuple[str, ...]] = ("image",)
    refuses: ClassVar[Mapping[str, str]] = {"size": "1024x1024", "grow_mask": "5"}

    def images_in(self, body: dict[str, Any]) -> list[str]:
        return [body["image"]]


class _Masked(_Single):
    takes_mask = True
    needs_mask = True

    def check_body(self, body: dict[str, Any]) -> None:
        super().check_body(body)
        assert decoded(body["mask"]).size == decoded(body["image"]).size


class Fill(_Masked):
    """flux-pro-1.0-fill, with the mask as an image."""

    name = "black_forest_labs/flux-pro-1.0-fill"
    known: ClassVar[Mapping[str, Check]] = {**FLUX_1, "mask": image}


class Expand(_Single):
    """flux-pro-1.0-expand."""

    name = "black_forest_labs/flux-pro-1.0-expand"
    fields: ClassVar[Mapping[str, str]] = {"left": "64"}
    known: ClassVar[Mapping[str, Check]] = {**FLUX_1, **dict.fromkeys(("top", "bottom", "left", "right"), whole(0, 2048))}


class Erase(_Masked):
    """flux-tools/erase-v1, which has no prompt."""

    name = "black_forest_labs/flux-tools/erase-v1"
    required = ("image", "mask")
    known: ClassVar[Mapping[str, Check]] = {
        **COMMON,
        "image": image,
        "mask": image,
        "dilate_pixels": whole(0, 25),
        "safety_tolerance": whole(0, 5),
    }


FAKES = [Kontext, Flux2Pro, Flux2Flex, Flux2Klein, Flux3, Fill, Expand, Erase]
