"""The provider `stability` against its API played by a local server: each field, each refusal, each way in which a job ends."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from clients import Answer, post
from PIL import Image
from providers.fakes import Fake, Outcome, decoded, png
from providers.fakes.stability import FAKES, refusal
from servers import RunningServer, serving, settings_of
from upstreams import Asked, Reset, Script, ScriptedUpstream, json_answer, upstream

from streamedit.config import Settings
from streamedit.routes import Route, Routes

PHOTO = (Path(__file__).parent.parent.parent / "photos" / "chelsea.png").read_bytes()
IMAGE = ("image", ("cat.png", PHOTO, "image/png"))
ALL_PROMPTS = {"negative_prompt": "rain"}
STYLED = {"style_preset": "neon-punk", "seed": "7"}


class Stage:
    """One server in front of one fake, which plays all services in turn; `twice/NAME` has each as its own fallback."""

    def __init__(self, server: RunningServer, scripted: ScriptedUpstream) -> None:
        self.server, self.scripted = server, scripted
        self._fakes: dict[str, Fake] = {fake.name: fake() for fake in FAKES}

    def play(self, name: str, answer: Callable[[Fake, Asked], Script] = Fake.answer) -> Fake:
        """Nothing is asked yet of the service `name`, which answers with `answer`."""
        fake = self._fakes[f"stability/{name}"]
        fake.outcome = Outcome.OK
        self.scripted.serve(lambda asked: answer(fake, asked))
        return fake

    def post(self, name: str, fields: Mapping[str, str] | None = None, files: Sequence[Any] = (IMAGE,)) -> Answer:
        model = name if name.startswith("twice/") else f"stability/{name}"
        return post(self.server.edits_url, {"prompt": "night", **(fields or {}), "model": model}, list(files))

    @property
    def begun(self) -> list[Asked]:
        return [asked for asked in self.scripted.asked if asked.method == "POST"]


def _settings(url: str, **params: object) -> Settings:
    targets = [replace(fake().target(), api_base=url, params={"poll_s": 0.01, **params}) for fake in FAKES]
    routes = [Route(f"stability/{target.model}", (target,)) for target in targets]
    routes += [Route(f"twice/{target.model}", (target, replace(target))) for target in targets]
    routes.append(Route("stability/*", (replace(targets[0], model="*"),)))
    return replace(settings_of(*targets, silence_s=5, connect_s=2), routes=Routes(routes, None))


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """All services, and a wildcard."""
    with upstream() as scripted, serving(_settings(scripted.url)) as server:
        yield Stage(server, scripted)


@pytest.mark.parametrize(
    ("name", "fields", "sent"),
    [
        ("erase", {"grow_mask": "0", "seed": "7"}, {}),
        ("inpaint", {**ALL_PROMPTS, **STYLED, "grow_mask": "100"}, {"prompt": "night"}),
        (
            "outpaint",
            {**STYLED, "left": "1", "right": "0", "up": "2000", "down": "30", "creativity": "0.25"},
            {"prompt": "night"},
        ),
        ("search-and-replace", {**ALL_PROMPTS, **STYLED, "search_prompt": "cat", "grow_mask": "20"}, {"prompt": "night"}),
        ("search-and-recolor", {**ALL_PROMPTS, **STYLED, "select_prompt": "cat", "grow_mask": "3"}, {"prompt": "night"}),
        ("remove-background", {}, {}),
        (
            "replace-background-and-relight",
            {
                **ALL_PROMPTS,
                "foreground_prompt": "a cat",
                "preserve_original_subject": "0.9",
                "original_background_depth": "0.1",
                "keep_original_background": "true",
                "light_source_direction": "above",
                "light_source_strength": "0.7",
                "seed": "7",
            },
            {"background_prompt": "night"},
        ),
        ("fast", {}, {}),
        ("conservative", {**ALL_PROMPTS, "seed": "7", "creativity": "0.2"}, {"prompt": "night"}),
        ("creative", {**ALL_PROMPTS, **STYLED, "creativity": "0.1"}, {"prompt": "night"}),
        ("sketch", {**ALL_PROMPTS, **STYLED, "control_strength": "0.65"}, {"prompt": "night"}),
        ("structure", {**ALL_PROMPTS, **STYLED, "control_strength": "1"}, {"prompt": "night", "control_strength": "1.0"}),
        ("style", {**ALL_PROMPTS, **STYLED, "aspect_ratio": "9:21", "fidelity": "0.3"}, {"prompt": "night"}),
    ],
)
def test_every_field_arrives(stage: Stage, name: str, fields: dict[str, str], sent: dict[str, str]) -> None:
    """As it was given; the prompt under the service's name for it, and not at all where it has none."""
    stage.play(name)
    answer = stage.post(name, {**fields, "output_format": "webp"})
    assert answer.status == 200, answer.body
    [asked] = stage.begun
    assert dict(asked.fields) == {**fields, "output_format": "webp", **sent}


@pytest.mark.parametrize("second", ["image", "style_image"])
def test_style_transfer_takes_two_pictures(stage: Stage, second: str) -> None:
    """The second is an image like the first, or a file of the API's own name; each field of it arrives."""
    stage.play("style-transfer")
    fields = {**ALL_PROMPTS, "style_strength": "0.5", "composition_fidelity": "0.4", "change_strength": "0.1", "seed": "7"}
    style = ("style photo.png", png((9, 9, 9), (200, 64)), "image/png")
    answer = stage.post("style-transfer", fields, [IMAGE, (second, style)])
    assert answer.status == 200, answer.body
    [asked] = stage.begun
    assert dict(asked.fields) == {**fields, "prompt": "night"}
    assert asked.files == [("init_image", "cat.png", "image/png", PHOTO), ("style_image", style[0], style[2], style[1])]


def test_relighting_takes_two_references(stage: Stage) -> None:
    """The files of a background and of a light, under their names, and then a strength of the light."""
    stage.play("replace-background-and-relight")
    names = ("background_reference", "light_reference")
    others = [(name, (f"{name}.png", png((9, 9, 9), (200, 64)), "image/png")) for name in names]
    fields = {"background_prompt": "a beach", "light_source_strength": "0.2"}
    assert stage.post("replace-background-and-relight", fields, [IMAGE, *others]).status == 200
    [asked] = stage.begun
    assert [name for name, _, _, _ in asked.files] == ["subject_image", "background_reference", "light_reference"]
    assert asked.field("background_prompt") == "a beach", "what is said in the service's own words goes before the prompt"


@pytest.mark.parametrize(
    ("name", "fields", "param"),
    [
        ("search-and-replace", {}, "search_prompt"),
        ("search-and-recolor", {"select_prompt": ""}, "select_prompt"),
        ("outpaint", {"left": "0", "down": "0"}, "left"),
        ("style-transfer", {}, "style_image"),
        ("style-transfer", {"style_image": "https://example.com/a.png"}, "style_image"),
        ("replace-background-and-relight", {"light_source_strength": "0.5"}, "light_source_direction"),
        ("replace-background-and-relight", {"background_reference": "a beach"}, "background_reference"),
        ("inpaint", {"prompt": "x" * 10_001}, "prompt"),
        ("inpaint", {"negative_prompt": "x" * 10_001}, "negative_prompt"),
        ("inpaint", {"grow_mask": "101"}, "grow_mask"),
        ("erase", {"grow_mask": "21"}, "grow_mask"),
        ("erase", {"seed": "4294967295"}, "seed"),
        ("outpaint", {"left": "2001"}, "left"),
        ("conservative", {"creativity": "0.1"}, "creativity"),
        ("style-transfer", {"change_strength": "0"}, "change_strength"),
        ("sketch", {"style_preset": "cubism"}, "style_preset"),
        ("style", {"aspect_ratio": "4:3"}, "aspect_ratio"),
        ("sketch", {"size": "1024x1024"}, "size"),
    ],
)
def test_what_cannot_be_is_refused_before_it_is_sent(stage: Stage, name: str, fields: dict[str, str], param: str) -> None:
    """A 400 that names the field."""
    stage.play(name)
    answer = stage.post(name, fields)
    assert (answer.status, answer.error["param"]) == (400, param), answer.body
    assert stage.scripted.asked == []


@pytest.mark.parametrize(
    ("name", "files", "param"),
    [
        ("inpaint", [("image", ("a.png", png((1, 1, 1), (40, 200)), "image/png"))], "image"),
        ("fast", [("image", ("a.png", png((1, 1, 1), (1_600, 100)), "image/png"))], "image"),
        ("sketch", [("image", ("a.png", png((1, 1, 1), (300, 100)), "image/png"))], "image"),
        ("style-transfer", [IMAGE, ("image", ("b.png", png((1, 1, 1), (63, 100)), "image/png"))], "style_image"),
        ("style-transfer", [IMAGE, IMAGE, ("style_image", IMAGE[1])], "style_image"),
        ("erase", [("image", ("a.gif", b"GIF89a" + b"\1\1" * 40, "image/gif"))], "image"),
        ("inpaint", [IMAGE, ("seed", ("a.png", PHOTO, "image/png"))], "seed"),
    ],
)
def test_pictures_that_it_would_not_take_are_not_sent(stage: Stage, name: str, files: list[Any], param: str) -> None:
    """Too small, too large, too long, of another kind, or there twice: a 400 that says which."""
    stage.play(name)
    answer = stage.post(name, files=files)
    assert (answer.status, answer.error["param"]) == (400, param), answer.body
    assert stage.scripted.asked == []


def test_a_request_beyond_ten_mebibytes_is_not_sent(stage: Stage) -> None:
    """A 413, as the API would answer once it had it all."""
    stage.play("erase")
    answer = stage.post("erase", files=[("image", ("a.png", PHOTO + bytes(10 << 20), "image/png"))])
    assert (answer.status, answer.error["code"]) == (413, "request_too_large"), answer.body
    assert stage.scripted.asked == []


@pytest.mark.parametrize(
    ("fields", "ratio"),
    [
        ({"size": "1536x1024"}, "3:2"),
        ({"size": "1024x1792"}, "9:16"),
        ({"size": "512x512"}, "1:1"),
        ({"size": "auto"}, None),
        ({"size": "512x512", "aspect_ratio": "21:9"}, "21:9"),
    ],
)
def test_a_size_is_the_nearest_ratio(stage: Stage, fields: dict[str, str], ratio: str | None) -> None:
    """Of those that `style` has; a ratio in its own words goes before."""
    stage.play("style")
    assert stage.post("style", fields).status == 200
    assert stage.begun[0].field("aspect_ratio") == ratio


def test_a_picture_is_compressed_here(stage: Stage) -> None:
    """It is asked for without loss, because the API knows of no compression, and becomes a smaller JPEG."""
    stage.play("inpaint")
    answer = stage.post("inpaint", {"output_format": "jpeg", "output_compression": "20"})
    assert stage.begun[0].field("output_format") == "png"
    assert decoded(answer.json["data"][0]["b64_json"]).format == "JPEG"


def test_a_background_that_is_removed_is_transparent(stage: Stage) -> None:
    """So it may be asked for, and the event says so."""
    stage.play("remove-background")
    answer = stage.post("remove-background", {"background": "transparent", "stream": "true"})
    assert answer.events[-1][1]["background"] == "transparent"


def test_the_seed_is_told_and_moved_on(stage: Stage) -> None:
    """Each of n calls has its own, the one behind the highest is random, and none is sent where none is given."""
    stage.play("inpaint")
    answer = stage.post("inpaint", {"seed": "4294967293", "n": "3", "stream": "true"})
    assert {payload["seed"] for _, payload in answer.events} == {343940597}
    assert sorted(asked.field("seed") or "" for asked in stage.begun) == ["", "4294967293", "4294967294"]
    stage.play("inpaint")
    stage.post("inpaint", {"seed": "0"})
    stage.post("inpaint")
    assert [asked.field("seed") for asked in stage.begun] == [None, None]


@pytest.mark.parametrize(
    ("status", "name", "expected"),
    [
        ("403 Forbidden", "content_moderation", (400, "moderation_blocked")),
        ("422 Unprocessable Content", "public_figure", (400, "moderation_blocked")),
        ("422 Unprocessable Content", "invalid_language", (422, "invalid_language")),
        ("403 Forbidden", "permission_denied", (502, "upstream_unauthorized")),
        ("402 Payment Required", "payment_required", (502, "upstream_payment_required")),
        ("413 Content Too Large", "payload_too_large", (413, "payload_too_large")),
        ("500 Internal Server Error", "internal_error", (500, "internal_error")),
    ],
)
def test_errors_are_what_they_mean(stage: Stage, status: str, name: str, expected: tuple[int, str]) -> None:
    """Moderation is the caller's matter, an account this server's; what the API says stays."""
    stage.play("inpaint", lambda *_: refusal(status, name, "first: so.", "second: thus."))
    answer = stage.post("inpaint")
    assert (answer.status, answer.error["code"]) == expected, answer.body
    assert expected[1].startswith("upstream") or answer.error["message"] == "first: so.; second: thus."


def test_a_job_is_looked_for_until_it_is_done(stage: Stage) -> None:
    """At the address of its id, over failures that pass; the picture is then the caller's."""
    troubles: list[Script] = [
        [Reset()],
        refusal("429 Too Many Requests", "rate_limit_exceeded", "slow down"),
        refusal("503 Service Unavailable", "unavailable", "away"),
    ]

    def answer(fake: Fake, asked: Asked) -> Script:
        return troubles.pop() if asked.method == "GET" and troubles else fake.answer(asked)

    stage.play("creative", answer)
    assert stage.post("creative").status == 200
    assert [asked.method for asked in stage.scripted.asked] == ["POST", *["GET"] * 5]
    assert len({asked.path for asked in stage.scripted.asked}) == 2


@pytest.mark.parametrize(
    ("status", "name", "looks", "expected"),
    [
        ("403 Forbidden", "content_moderation", 1, (400, "moderation_blocked")),
        ("404 Not Found", "generation_not_found", 1, (502, "upstream_failed")),
        ("500 Internal Server Error", "internal_error", 10, (500, "internal_error")),
    ],
)
def test_a_job_that_fails_is_not_begun_again(
    stage: Stage, status: str, name: str, looks: int, expected: tuple[int, str]
) -> None:
    """It may have been paid, so no other target is asked; what does not pass is given up in the end."""

    def answer(fake: Fake, asked: Asked) -> Script:
        return fake.answer(asked) if asked.method == "POST" else refusal(status, name, "told")

    stage.play("creative", answer)
    failed = stage.post("twice/creative")
    assert (failed.status, failed.error["code"]) == expected, failed.body
    assert failed.headers["x-should-retry"] == "false"
    assert [asked.method for asked in stage.scripted.asked] == ["POST"] + ["GET"] * looks


@pytest.mark.parametrize("job_id", ["../../v1/user/balance", "a b", "", 7, None])
def test_an_id_that_is_none_is_not_followed(stage: Stage, job_id: object) -> None:
    """It becomes part of an address."""
    stage.play("creative", lambda *_: [json_answer({"id": job_id})])
    answer = stage.post("creative")
    assert (answer.status, answer.error["code"]) == (502, "upstream_empty"), answer.body
    assert len(stage.scripted.asked) == 1


def test_an_unknown_service_is_told_with_the_known_ones(stage: Stage) -> None:
    """Behind a wildcard nobody could know it before."""
    stage.play("erase")
    answer = stage.post("sd3.5-large")
    assert (answer.status, answer.error["code"]) == (404, "model_not_found"), answer.body
    assert "style-transfer" in answer.error["message"]


def test_a_wildcard_tells_what_any_service_can_do(stage: Stage) -> None:
    """In the list of models: two images, a mask, a size, and every field that there is."""
    listed = httpx.get(f"{stage.server.url}/v1/models").json()["data"]
    told = next(model["capabilities"] for model in listed if model["id"] == "stability/*")
    assert (told["max_images"], told["mask"], told["parameters"]["size"]) == (2, True, "mapped")
    assert {"search_prompt", "left", "style_image", "light_reference"} <= set(told["extra_parameters"])


def test_a_name_of_bedrocks_works_behind_a_wildcard(stage: Stage) -> None:
    """The service is the one in the name."""
    stage.play("inpaint")
    assert stage.post("stable-image-inpaint-v1:0").status == 200
    assert stage.begun[0].path.endswith("/v2beta/stable-image/edit/inpaint")


def test_who_asks_is_told_as_the_configuration_and_the_caller_say() -> None:
    """In the API's headers, with what a header cannot carry escaped; defaults of fields are the configuration's too.

    A name that would break out of its header comes nowhere.
    """
    params = {
        "stability_client_id": "streamedit",
        "stability_client_user_id": "everybody",
        "stability_client_version": "1.2",
        "style_preset": "anime",
        "negative_prompt": "rain",
    }
    with upstream() as scripted, serving(_settings(scripted.url, **params)) as server:
        stage = Stage(server, scripted)
        stage.play("inpaint")
        stage.post("inpaint")
        stage.post("inpaint", {"user": "Jörg, x: y", "style_preset": "origami"})
        assert stage.post("inpaint", {"user": "Jörg\r\nx: y"}).error["param"] == "user"
        stage.post("inpaint", {"safety_identifier": "u" * 300})
        told = [asked.headers for asked in stage.begun]
        assert [head["stability-client-user-id"] for head in told] == ["everybody", "J%C3%B6rg, x: y", "u" * 256]
        assert {head["stability-client-id"] + head["stability-client-version"] for head in told} == {"streamedit1.2"}
        assert [asked.field("style_preset") for asked in stage.begun] == ["anime", "origami", "anime"]
        assert {asked.field("negative_prompt") for asked in stage.begun} == {"rain"}


def test_the_alpha_of_the_image_is_left_to_count(stage: Stage) -> None:
    """Without a mask what is transparent in the image is edited: it is sent as it is, and nothing beside it."""
    buffer = BytesIO()
    Image.new("RGBA", (100, 80), (10, 20, 30, 0)).save(buffer, "PNG")
    stage.play("inpaint")
    assert stage.post("inpaint", files=[("image", ("cut.png", buffer.getvalue(), "image/png"))]).status == 200
    assert stage.begun[0].files == [("image", "cut.png", "image/png", buffer.getvalue())]
