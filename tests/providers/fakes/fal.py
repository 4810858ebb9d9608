"""Apps at fal as their schemas describe them, called directly, by way of the queue, and as a stream."""

import json
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from PIL import Image
from providers.fakes import KEY, Fake, b64, body_of, check_only, decoded, of_data_url, png
from upstreams import END, Asked, Script, chunk, head, json_answer, sized

Check = Callable[[Any], bool]

PRESETS = ("square_hd", "square", "portrait_4_3", "portrait_16_9", "landscape_4_3", "landscape_16_9", "auto")
RATIOS = ("auto", "21:9", "16:9", "3:2", "4:3", "5:4", "1:1", "4:5", "3:4", "2:3", "9:16")
KONTEXT_RATIOS = ("21:9", "16:9", "4:3", "3:2", "1:1", "2:3", "3:4", "9:16", "9:21")


def one_of(*values: Any) -> Check:
    """A value of a list."""
    return lambda value: value in values


def between(low: float, high: float, *kinds: type) -> Check:
    """An integer, or a number of one of `kinds`, within bounds."""
    return lambda value: type(value) in (int, *kinds) and low <= value <= high


def size(value: Any) -> bool:
    """The name of a size, or one in pixels."""
    return value in PRESETS or (set(value) == {"width", "height"} and all(isinstance(side, int) for side in value.values()))


def text(value: Any) -> bool:
    """Any text."""
    return isinstance(value, str)


def flag(value: Any) -> bool:
    """True or false."""
    return isinstance(value, bool)


COMMON: Mapping[str, Check] = {"prompt": text, "sync_mode": flag}
TUNED: Mapping[str, Check] = {"seed": between(0, 2**32), "enable_safety_checker": flag}


class App(Fake):
    """One app. `schema`: its fields, each with a check; `streams`: whether it has a stream, too."""

    schema: ClassVar[Mapping[str, Check]] = {}
    app: ClassVar[str]
    image_field: ClassVar[str] = "image_urls"
    max_images: ClassVar[int] = 16
    streams: ClassVar[bool] = False

    def check(self, asked: Asked) -> None:
        roads = ["", "/stream"] if self.streams else [""]
        assert asked.method == "POST"
        assert asked.path in [f"/v1/{self.app}{road}" for road in roads], asked.path
        assert asked.headers["authorization"] == f"Key {KEY}"
        body = body_of(asked)
        known = {**COMMON, **self.schema}
        check_only(body, [*known, self.image_field, "mask_url"])
        for name in known.keys() & body.keys():
            assert known[name](body[name]), f"{name}={body[name]!r}"
        assert 1 <= len(self.images_of(asked)) <= self.max_images
        assert self.takes_mask or "mask_url" not in body, "no mask"

    def ok(self, asked: Asked) -> Script:
        return [json_answer(self.result(asked))]

    def result(self, asked: Asked) -> Mapping[str, Any]:
        made = [self.picture() for _ in range(body_of(asked).get("num_images", 1))]
        return {
            "images": [{"url": self.url_of(asked, picture), "content_type": "image/png"} for picture in made],
            "seed": 42,
            "has_nsfw_concepts": [False] * len(made),
            "timings": {},
        }

    def url_of(self, asked: Asked, picture: bytes) -> str:
        assert body_of(asked)["sync_mode"] is True
        return f"data:image/png;base64,{b64(picture)}"

    def empty(self, _: Asked) -> Script:
        return [json_answer({"images": [], "seed": 1})]

    def blocked(self, asked: Asked) -> Script:
        return [json_answer({**self.result(asked), "has_nsfw_concepts": [True]})]

    def refused(self, _: Asked) -> Script:
        detail = [{"loc": ["body", "image_urls", 0], "msg": f"bad request of {KEY}", "type": "image_load_error", "input": "x"}]
        return [json_answer({"detail": detail}, "422 Unprocessable Entity")]

    def unauthorized(self, _: Asked) -> Script:
        return [json_answer({"detail": f"No user found for Key ID and Secret {KEY}"}, "401 Unauthorized")]

    def busy(self, _: Asked) -> Script:
        return [json_answer({"detail": "too many requests"}, "429 Too Many Requests", retry_after="7")]

    def down(self, _: Asked) -> Script:
        return [
            json_answer({"detail": "runner is away"}, "503 Service Unavailable", x_fal_error_type="runner_scheduling_failure")
        ]

    def images_of(self, asked: Asked) -> list[bytes]:
        given = body_of(asked)[self.image_field]
        return [of_data_url(url) for url in (given if self.image_field == "image_urls" else [given])]


class GPTImage(App):
    """openai/gpt-image-2/edit, which a configuration may name as the app that draws."""

    name = "fal_ai/openai/gpt-image-2"
    app = "openai/gpt-image-2/edit"
    takes_mask = True
    refuses: ClassVar[Mapping[str, str]] = {"guidance_scale": "3"}
    schema: ClassVar[Mapping[str, Check]] = {
        **TUNED,
        "image_size": size,
        "quality": one_of("auto", "low", "medium", "high", "xhigh", "max"),
        "background": one_of("auto", "transparent", "opaque"),
        "num_images": between(1, 4),
        "output_format": one_of("png", "jpeg", "webp"),
        "partial_images": between(0, 3),
    }

    def url_of(self, asked: Asked, picture: bytes) -> str:
        return f"data:image/png;base64,{b64(picture)}"

    def mask_of(self, asked: Asked) -> Image.Image:
        """As who reads colours sees it; it must be the same in transparency."""
        mask = decoded(of_data_url(body_of(asked)["mask_url"]))
        assert mask.mode == "RGBA"
        red, green, blue, alpha = mask.split()
        assert red.tobytes() == green.tobytes() == blue.tobytes() == bytes(255 - level for level in alpha.tobytes())
        return red


class GPTImageStream(GPTImage):
    """The same, streamed, with the events of OpenAI's own."""

    name = "fal_ai/openai/gpt-image-2/edit"
    params: ClassVar[Mapping[str, object]] = {"stream": True}
    streams = True
    partial_images = 2

    def ok(self, asked: Asked) -> Script:
        if not asked.path.endswith("/stream"):
            return super().ok(asked)
        shown = body_of(asked).get("partial_images", 0)
        events = [self.event("partial", {"partial_index": index}) for index in range(shown)]
        return stream(*events, self.event("completed", {}), b"[DONE]")

    def event(self, kind: str, fields: Mapping[str, Any]) -> bytes:
        return json.dumps({"type": f"image.{kind}", "image": {**fields, "b64_json": b64(self.picture())}}).encode()


class Flux2(App):
    """fal-ai/flux-2/edit, streamed: what it has so far, again and again, in the form of its answer."""

    name = "fal_ai/fal-ai/flux-2/edit"
    app = "fal-ai/flux-2/edit"
    max_images = 4
    params: ClassVar[Mapping[str, object]] = {"stream": True}
    streams = True
    partial_images = 2
    refuses: ClassVar[Mapping[str, str]] = {"background": "transparent", "safety_tolerance": "3"}
    schema: ClassVar[Mapping[str, Check]] = {
        **TUNED,
        "image_size": size,
        "num_images": between(1, 4),
        "guidance_scale": between(0, 20, float),
        "num_inference_steps": between(4, 50),
        "acceleration": one_of("none", "regular", "high"),
        "enable_prompt_expansion": flag,
        "output_format": one_of("png", "jpeg", "webp"),
    }

    def ok(self, asked: Asked) -> Script:
        if not asked.path.endswith("/stream"):
            return super().ok(asked)
        noise = {"images": [{"url": f"data:image/png;base64,{b64(png((250, 250, 250)))}"}]}
        return stream(*[json.dumps(noise).encode()] * 2, json.dumps(self.result(asked)).encode())


class Flux2Pro(App):
    """fal-ai/flux-2-pro/edit: one picture a call, jpeg or png."""

    name = "fal_ai/fal-ai/flux-2-pro/edit"
    app = "fal-ai/flux-2-pro/edit"
    max_images = 8
    fields: ClassVar[Mapping[str, str]] = {"safety_tolerance": "5"}
    refuses: ClassVar[Mapping[str, str]] = {"background": "transparent", "guidance_scale": "3"}
    schema: ClassVar[Mapping[str, Check]] = {
        **TUNED,
        "image_size": size,
        "safety_tolerance": one_of("1", "2", "3", "4", "5"),
        "output_format": one_of("png", "jpeg"),
    }


class NanoBananaPro(App):
    """fal-ai/nano-banana-pro/edit: a ratio and a class of resolution; blocked with an error."""

    name = "fal_ai/fal-ai/nano-banana-pro"
    app = "fal-ai/nano-banana-pro/edit"
    images = 2
    refuses: ClassVar[Mapping[str, str]] = {"background": "transparent", "image_size": "square"}
    schema: ClassVar[Mapping[str, Check]] = {
        "seed": between(0, 2**32),
        "num_images": between(1, 4),
        "aspect_ratio": one_of(*RATIOS),
        "resolution": one_of("1K", "2K", "4K"),
        "output_format": one_of("png", "jpeg", "webp"),
        "safety_tolerance": one_of("1", "2", "3", "4", "5", "6"),
    }

    def blocked(self, _: Asked) -> Script:
        detail = {"loc": ["body", "prompt"], "msg": "flagged by a content checker", "type": "content_policy_violation"}
        return [json_answer({"detail": [detail]}, "422 Unprocessable Entity")]


class Kontext(App):
    """fal-ai/flux-pro/kontext: one image."""

    name = "fal_ai/fal-ai/flux-pro/kontext"
    app = "fal-ai/flux-pro/kontext"
    image_field = "image_url"
    refuses: ClassVar[Mapping[str, str]] = {"background": "transparent", "strength": "0.5"}
    schema: ClassVar[Mapping[str, Check]] = {
        **TUNED,
        "aspect_ratio": one_of(*KONTEXT_RATIOS),
        "guidance_scale": between(1, 20, float),
        "num_images": between(1, 4),
        "output_format": one_of("png", "jpeg"),
        "safety_tolerance": one_of("1", "2", "3", "4", "5", "6"),
        "enhance_prompt": flag,
    }


class Depth(App):
    """fal-ai/flux-lora-depth, by way of the queue: the picture is to be downloaded."""

    name = "fal_ai/fal-ai/flux-lora-depth"
    app = "fal-ai/flux-lora-depth"
    image_field = "image_url"
    params: ClassVar[Mapping[str, object]] = {"queue": True, "poll_s": 0.01}
    refuses: ClassVar[Mapping[str, str]] = {"background": "transparent", "aspect_ratio": "1:1"}
    schema: ClassVar[Mapping[str, Check]] = {
        **TUNED,
        "image_size": size,
        "num_images": between(1, 4),
        "num_inference_steps": between(1, 50),
        "guidance_scale": between(0, 35, float),
        "output_format": one_of("png", "jpeg"),
        "loras": lambda value: isinstance(value, list),
    }

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[Script] = []
        self.looks: list[int] = []
        self.cancelled: list[str] = []
        self.served: dict[str, bytes] = {}
        self.looks_needed = 2
        """How often a job is looked at in vain."""

    def answer(self, asked: Asked) -> Script:
        if asked.method == "POST":
            return super().answer(asked)
        if asked.path in self.served:
            return [sized(self.served[asked.path])] if "authorization" not in asked.headers else [json_answer({}, "418 Key")]
        assert asked.headers["authorization"] == f"Key {KEY}"
        job, _, what = asked.path.removeprefix(f"/v1/{self.app}/requests/").partition("/")
        if asked.method == "PUT":
            self.cancelled.append(job)
            return [json_answer({"status": "CANCELLATION_REQUESTED"}, "202 Accepted")]
        return [self.status(int(job))] if what == "status" else self.answers[int(job)]

    def status(self, job: int) -> bytes:
        """First it waits, then it runs."""
        self.looks[job] += 1
        if self.looks[job] > self.looks_needed:
            return json_answer({"status": "COMPLETED", "logs": None, "metrics": {"inference_time": 1.5}})
        if self.looks[job] == 1:
            return json_answer({"status": "IN_QUEUE", "queue_position": 3}, "202 Accepted")
        return json_answer({"status": "IN_PROGRESS", "logs": None}, "202 Accepted")

    def ok(self, asked: Asked) -> Script:
        return self.submitted(super().ok(asked))

    def blocked(self, asked: Asked) -> Script:
        return self.submitted(super().blocked(asked))

    def empty(self, asked: Asked) -> Script:
        return self.submitted(super().empty(asked))

    def garbage(self, asked: Asked) -> Script:
        return self.submitted(super().garbage(asked))

    def submitted(self, answer: Script) -> Script:
        """A job that will have this answer."""
        job = len(self.answers)
        self.answers.append(answer)
        self.looks.append(0)
        base = f"{self.url}/{self.app}/requests/{job}"
        urls = {"response_url": base, "status_url": f"{base}/status", "cancel_url": f"{base}/cancel"}
        return [json_answer({"status": "IN_QUEUE", "request_id": str(job), "queue_position": 3, **urls})]

    def url_of(self, asked: Asked, picture: bytes) -> str:
        assert body_of(asked)["sync_mode"] is False
        path = f"/v1/files/{len(self.served)}.png"
        self.served[path] = picture
        return self.url.removesuffix("/v1") + path


class Fill(App):
    """fal-ai/flux-pro/v1/fill, which is nothing without a mask: white is filled."""

    name = "fal_ai/fal-ai/flux-pro/v1/fill"
    app = "fal-ai/flux-pro/v1/fill"
    image_field = "image_url"
    takes_mask = True
    schema: ClassVar[Mapping[str, Check]] = {**TUNED, "num_images": between(1, 4), "output_format": one_of("png", "jpeg")}

    def check(self, asked: Asked) -> None:
        super().check(asked)
        assert self.mask_of(asked).mode == "L"

    def mask_of(self, asked: Asked) -> Image.Image:
        return decoded(of_data_url(body_of(asked)["mask_url"]))


class Unknown(App):
    """An app that nothing is known of, with a field of its own."""

    name = "fal_ai/acme/make-it-shine"
    app = "acme/make-it-shine"
    image_field = "image_url"
    fields: ClassVar[Mapping[str, str]] = {"shine": "0.5", "mode": "soft"}
    refuses: ClassVar[Mapping[str, str]] = {"background": "transparent"}
    schema: ClassVar[Mapping[str, Check]] = {
        "image_size": size,
        "shine": between(0, 1, float),
        "mode": text,
        "seed": between(0, 9),
    }

    def result(self, asked: Asked) -> Mapping[str, Any]:
        """A single picture."""
        return {"image": {"url": self.url_of(asked, self.picture()), "width": 64, "height": 48}}

    def empty(self, _: Asked) -> Script:
        return [json_answer({"image": None})]


def stream(*events: bytes) -> Script:
    """Events without names, as fal sends them."""
    return [head() + b"".join(chunk(b"data: " + event + b"\n\n") for event in events) + END]


FAKES = [GPTImage, GPTImageStream, Flux2, Flux2Pro, NanoBananaPro, Kontext, Depth, Unknown]
