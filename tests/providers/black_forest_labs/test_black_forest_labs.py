"""What is special about Black Forest Labs: its families' fields, its tasks, and whom it lets deliver."""

import json
import time
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any

import pytest
from clients import Answer, post
from PIL import Image
from providers.fakes import COLOURS, KEY, b64, body_of, decoded, png
from providers.fakes.black_forest_labs import Flux2Pro
from servers import RunningServer, serving, settings_of
from upstreams import Asked, Script, ScriptedUpstream, json_answer, sized, upstream

from streamedit.errors import InvalidRequest, UpstreamError
from streamedit.providers import polling
from streamedit.providers.base import Tools
from streamedit.providers.black_forest_labs.black_forest_labs import POLL_S, SETUP
from streamedit.providers.black_forest_labs.flux import FAMILIES, family_of
from streamedit.providers.calls import Api
from streamedit.targets import Target
from streamedit.upstream.client import Call, Upstream, UpstreamLimits

PHOTO = png((90, 120, 150), (320, 256))
PROVIDER = "black_forest_labs"


@pytest.fixture
def bfl() -> Iterator[ScriptedUpstream]:
    """A socket for the API."""
    with upstream() as scripted:
        yield scripted


def served(bfl: ScriptedUpstream, model: str, **params: object) -> Any:
    """A server with one model of the API at `bfl`."""
    return serving(settings_of(Target(PROVIDER, model, KEY, bfl.url, {"poll_s": 0.01, **params})))


def done(bfl: ScriptedUpstream, *states: Mapping[str, Any], cost: float | None = 4.5) -> None:
    """The API answers with a task that goes through `states`, and then with a picture."""
    looks = iter(states or [ready(bfl)])

    def answer(asked: Asked) -> Script:
        if asked.method == "POST":
            return [json_answer({"id": "t", "polling_url": f"{bfl.url}/get_result?id=t", "cost": cost})]
        if asked.path.startswith("/v1/get_result"):
            return [json_answer({"id": "t", **next(looks)})]
        return [sized(png(COLOURS[0]))]

    bfl.serve(answer)


def ready(bfl: ScriptedUpstream, **result: Any) -> Mapping[str, Any]:
    """The state of a task that is done."""
    return {"status": "Ready", "result": {"sample": f"{bfl.url}/delivery/t.png", **result}}


def edit(server: RunningServer, mask: bytes | None = None, /, **fields: str) -> Answer:
    """An edit of one photo."""
    return edit_with(server, fields, mask=mask)


def edit_with(server: RunningServer, fields: Mapping[str, str], images: int = 1, mask: bytes | None = None) -> Answer:
    """An edit of so many photos."""
    files = [("image[]", (f"{number}.png", PHOTO, "image/png")) for number in range(images)]
    files += [("mask", ("mask.png", mask, "image/png"))] if mask else []
    return post(server.edits_url, {"prompt": "sepia", **fields}, files)


def sent(bfl: ScriptedUpstream) -> dict[str, Any]:
    """The body of the task, images by their size in pixels."""
    [asked] = [asked for asked in bfl.asked if asked.method == "POST"]
    return {name: _size(value) for name, value in body_of(asked).items()}


def _size(value: Any) -> Any:
    if isinstance(value, list):
        return [_size(item) for item in value]
    return decoded(value).size if isinstance(value, str) and value.startswith(b64(PHOTO)[:16]) else value


@pytest.mark.parametrize(
    ("model", "fields", "expected"),
    [
        (
            "flux-kontext-max",
            {"seed": "5", "safety_tolerance": "6", "prompt_upsampling": "true", "size": "1536x1024"},
            {"seed": 5, "safety_tolerance": 6, "prompt_upsampling": True, "aspect_ratio": "3:2", "output_format": "png"},
        ),
        (
            "flux-2-max",
            {"seed": "0", "safety_tolerance": "5", "disable_pup": "true", "size": "1920x1080"},
            {"seed": 0, "safety_tolerance": 5, "disable_pup": True, "width": 1920, "height": 1088, "output_format": "png"},
        ),
        (
            "flux-2-flex",
            {"prompt_upsampling": "false", "steps": "1", "guidance": "1.5", "width": "512", "height": "256"},
            {"prompt_upsampling": False, "steps": 1, "guidance": 1.5, "width": 512, "height": 256, "output_format": "png"},
        ),
        ("flux-2-klein-9b", {"output_format": "jpeg"}, {"output_format": "jpeg"}),
    ],
)
def test_each_field_of_the_families_with_numbered_images(
    bfl: ScriptedUpstream, model: str, fields: dict[str, str], expected: dict[str, Any]
) -> None:
    """The images under `input_image`, `input_image_2` ... as bare base64, the other fields typed, and nothing else."""
    done(bfl)
    with served(bfl, model) as server:
        assert edit_with(server, fields, 3).status == 200
    images = dict.fromkeys(("input_image", "input_image_2", "input_image_3"), (320, 256))
    assert sent(bfl) == {"prompt": "sepia", **images, **expected}
    assert bfl.asked[0].path == f"/v1/{model}"


def test_each_field_of_flux_3(bfl: ScriptedUpstream) -> None:
    """Images as a list, a ratio and a class of resolution for the size, and no output format, which it does not know."""
    done(bfl)
    fields = {"size": "2048x1152", "grounding": "false", "safety_tolerance": "4", "version": "latest", "output_format": "webp"}
    with served(bfl, "flux-3-image") as server:
        answer = edit_with(server, fields, 2)
    assert decoded(answer.json["data"][0]["b64_json"]).format == "WEBP"
    assert sent(bfl) == {
        "prompt": "sepia",
        "images": [(320, 256), (320, 256)],
        "aspect_ratio": "16:9",
        "resolution": "1.5k",
        "grounding": False,
        "safety_tolerance": 4,
        "version": "latest",
    }


def test_each_field_of_expand(bfl: ScriptedUpstream) -> None:
    """The sides in pixels; one of them must be there."""
    done(bfl)
    fields = {
        "top": "1",
        "bottom": "2",
        "left": "3",
        "right": "2048",
        "steps": "50",
        "guidance": "100",
        "safety_tolerance": "6",
    }
    with served(bfl, "flux-pro-1.0-expand") as server:
        assert edit_with(server, fields).status == 200
        nowhere = edit(server, top="0")
    assert (nowhere.status, nowhere.error["param"]) == (400, "top")
    expected = {"top": 1, "bottom": 2, "left": 3, "right": 2048, "steps": 50, "guidance": 100, "safety_tolerance": 6}
    assert sent(bfl) == {"prompt": "sepia", "image": (320, 256), "output_format": "png", **expected}


@pytest.mark.parametrize(("model", "prompt"), [("flux-pro-1.0-fill", {"prompt": "sepia"}), ("flux-tools/erase-v1", {})])
def test_a_mask_is_white_where_to_edit(bfl: ScriptedUpstream, model: str, prompt: dict[str, str]) -> None:
    """Black and white, nothing between, of the image's size; to erase takes no prompt."""
    done(bfl)
    with served(bfl, model) as server:
        assert edit(server, _mask(), seed="1").status == 200
    body = body_of(bfl.asked[0])
    mask = decoded(body.pop("mask"))
    assert (mask.mode, mask.size) == ("L", (320, 256))
    assert [mask.getpixel((x, 9)) for x in (0, 100, 200, 300)] == [255, 255, 0, 0]
    del body["image"]
    assert body == {**prompt, "seed": 1, "output_format": "png"}


def _mask() -> bytes:
    """Four columns: transparent, nearly so, nearly opaque, opaque."""
    mask = Image.new("RGBA", (320, 256))
    for column, alpha in enumerate((0, 100, 156, 255)):
        mask.paste((0, 0, 0, alpha), (column * 80, 0, column * 80 + 80, 256))
    buffer = BytesIO()
    mask.save(buffer, "PNG")
    return buffer.getvalue()


def test_without_a_mask_fill_takes_the_images_own_transparency_and_erase_nothing(bfl: ScriptedUpstream) -> None:
    """Fill's mask is optional; what to erase must be said."""
    done(bfl)
    with served(bfl, "flux-pro-1.0-fill") as server:
        assert edit(server).status == 200
    assert "mask" not in body_of(bfl.asked[0])
    with served(bfl, "flux-tools/erase-v1") as server:
        answer = edit(server)
    assert (answer.status, answer.error["param"], answer.error["code"]) == (400, "mask", "missing_required_parameter")


@pytest.mark.parametrize(
    ("model", "size_px", "fields"),
    [
        ("flux-kontext-pro", (1024, 1024), {"aspect_ratio": "1:1"}),
        ("flux-kontext-pro", (1000, 427), {"aspect_ratio": "21:9"}),
        ("flux-kontext-pro", (300, 3000), {"aspect_ratio": "9:21"}),
        ("flux-2-pro", (2048, 2048), {"width": 2048, "height": 2048}),
        ("flux-2-pro", (16, 1000), {"width": 64, "height": 992}),
        ("flux-3-image", (768, 768), {"aspect_ratio": "1:1", "resolution": "768sq"}),
        ("flux-3-image", (1024, 1536), {"aspect_ratio": "2:3", "resolution": "1k"}),
        ("flux-3-image", (3840, 2160), {"aspect_ratio": "16:9", "resolution": "2k"}),
        ("flux-3-image", (4096, 4096), {"aspect_ratio": "1:1", "resolution": "4k"}),
    ],
)
def test_a_size_in_the_terms_of_each_family(model: str, size_px: tuple[int, int], fields: dict[str, Any]) -> None:
    """The nearest that the family can do."""
    family = family_of(model)
    assert family is not None
    assert family.size is not None
    assert family.size(size_px) == fields


def test_more_than_four_megapixels_are_refused() -> None:
    """FLUX.2 would make them smaller without a word."""
    family = family_of("flux-2-pro")
    assert family is not None
    assert family.size is not None
    with pytest.raises(InvalidRequest):
        family.size((2048, 2064))


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("flux-2-klein-9b-preview", "flux-2-klein-*"),
        ("flux-2-flex", "flux-2-flex*"),
        ("flux-2-pro-preview", "flux-2-*"),
        ("flux-tools/erase-v1", "flux-tools/erase-v1"),
        ("flux-pro-1.1", None),
        ("flux-2-pro/../../v1/credits", None),
        ("../flux-2-pro", None),
    ],
)
def test_a_model_belongs_to_one_family(model: str, family: str | None) -> None:
    """A model that edits nothing belongs to none, nor does a name that would leave the path."""
    assert family_of(model) is (FAMILIES[family] if family else None)


def test_a_model_that_edits_nothing_is_not_asked(bfl: ScriptedUpstream) -> None:
    """flux-pro-1.1 would make a picture without the image; a configuration that names it is a mistake."""
    with serving(settings_of(Target(PROVIDER, "flux-pro-1.1", KEY, bfl.url))) as server:
        answer = edit(server)
    assert (answer.status, answer.error["code"]) == (404, "model_not_found")
    assert bfl.asked == []
    assert "edits no images" in str(SETUP.mistake(Target(PROVIDER, "flux-pro-1.1")))
    assert [SETUP.mistake(Target(PROVIDER, model)) for model in ("*", *SETUP.models)] == [None] * 12


@pytest.mark.parametrize("poll_s", [0, -1, "soon"])
def test_a_wait_that_is_none_is_a_mistake(poll_s: object) -> None:
    """Half a second where nothing is said."""
    assert "poll_s" in str(SETUP.mistake(Target(PROVIDER, "flux-2-pro", params={"poll_s": poll_s})))
    assert polling.poll_s(Target(PROVIDER, "flux-2-pro"), POLL_S) == 0.5


def test_a_task_is_looked_at_until_it_has_ended(bfl: ScriptedUpstream) -> None:
    """Whatever it is called on the way, also what is not known today; the key stays with the API, the seed is in order."""
    waiting = [{"status": status} for status in ("Pending", "Reasoning", "Generating", "Something new")]
    done(bfl, *waiting, ready(bfl, prompt="sepia, in detail"))
    with served(bfl, "flux-2-pro") as server:
        answer = edit(server, stream="true", partial_images="2")
    [(name, payload)] = answer.events
    assert (name, payload["revised_prompt"]) == ("image_edit.completed", "sepia, in detail")
    assert payload["usage"]["cost"] == 0.045
    assert [asked.path.partition("?")[0] for asked in bfl.asked] == [
        "/v1/flux-2-pro", *["/v1/get_result"] * 5, "/v1/delivery/t.png",
    ]  # fmt: skip
    assert [asked.headers.get("x-key") for asked in bfl.asked] == [KEY] * 6 + [None]


def test_no_cost_told_is_no_cost(bfl: ScriptedUpstream) -> None:
    """Not a cost of nothing."""
    done(bfl, cost=None)
    with served(bfl, "flux-2-pro") as server:
        assert "cost" not in edit(server).json["usage"]


def test_seeds_of_n_images_differ(bfl: ScriptedUpstream) -> None:
    """Three tasks with seeds one after the other."""
    fake = Flux2Pro()
    fake.url = bfl.url
    bfl.serve(fake.answer)
    with served(bfl, "flux-2-pro") as server:
        assert edit(server, n="3", seed="40").status == 200
    assert sorted(task["seed"] for task in fake.tasks) == [40, 41, 42]


@pytest.mark.parametrize(
    ("status", "what", "details", "reasons"),
    [
        ("Request Moderated", "the request", {"Moderation Reasons": ["Violence", "Self Harm"]}, ": Violence, Self Harm"),
        ("Content Moderated", "the picture", None, ""),
    ],
)
def test_what_is_moderated_says_why(bfl: ScriptedUpstream, status: str, what: str, details: Any, reasons: str) -> None:
    """A 400 with the reasons that the provider gives."""
    done(bfl, {"status": status, "details": details})
    with served(bfl, "flux-2-pro") as server:
        answer = edit(server)
    assert (answer.status, answer.error["code"]) == (400, "moderation_blocked")
    assert answer.error["message"] == f"The provider's moderation blocked {what}{reasons}."


@pytest.mark.parametrize("status", ["Error", "Failed", "Task not found"])
def test_a_task_that_failed_is_an_error(bfl: ScriptedUpstream, status: str) -> None:
    """Which nobody tries again, for it may have been paid."""
    done(bfl, {"status": status})
    with served(bfl, "flux-2-pro") as server:
        answer = edit(server)
    assert (answer.status, answer.headers["x-should-retry"]) == (502, "false")
    assert status in answer.error["message"]


def test_a_result_that_is_away_is_charged(bfl: ScriptedUpstream) -> None:
    """The task is paid: nothing is made again elsewhere."""
    task = {"id": "t", "polling_url": f"{bfl.url}/get_result?id=t"}
    away = [json_answer({"detail": "away"}, "503 Service Unavailable")]
    bfl.serve(lambda asked: [json_answer(task)] if asked.method == "POST" else away)
    with served(bfl, "flux-2-pro") as server:
        answer = edit(server)
    assert (answer.status, answer.headers["x-should-retry"]) == (503, "false")


def test_a_look_that_fails_is_repeated(bfl: ScriptedUpstream) -> None:
    """Four times in a row, for the picture is being made; a refusal for good is one at once."""
    task = {"id": "t", "polling_url": f"{bfl.url}/get_result?id=t"}
    busy = [json_answer({"detail": "slow down"}, "429 Too Many Requests")]
    forbidden = [json_answer({"detail": "no"}, "403 Forbidden")]
    bfl.play([json_answer(task)], busy, busy, busy, busy, [json_answer(ready(bfl))], [sized(png(COLOURS[0]))])
    with served(bfl, "flux-2-pro") as server:
        assert edit(server).status == 200
        bfl.play([json_answer(task)], forbidden)
        assert edit(server).status == 403
    assert len(bfl.asked) == 2


@pytest.mark.parametrize("paid", [True, False])
async def test_who_cannot_be_reached_costs_nothing_unless_something_was_made(bfl: ScriptedUpstream, paid: bool) -> None:
    """No connection for a task may go to the next target, no connection for a result may not."""
    url = bfl.url
    bfl.stop()
    connections = Upstream(UpstreamLimits())
    async with connections.running():
        with pytest.raises(UpstreamError) as raised:
            await Api(Tools(connections, time.time)).ask(Call("GET", url), Target(PROVIDER, "x"), paid=paid)
    assert (raised.value.detail.charged, raised.value.detail.retryable) == (paid, not paid)


@pytest.mark.parametrize(
    ("status", "detail", "told"),
    [
        ("402 Payment Required", "Insufficient credits", (502, "upstream_payment_required", None)),
        ("403 Forbidden", "No permission for this resource", (403, None, None)),
        (
            "422 Unprocessable Entity",
            [{"loc": ["body", "safety_tolerance"], "msg": "too much", "type": "value_error"}],
            (422, None, "safety_tolerance"),
        ),
        ("429 Too Many Requests", "Too many active tasks", (429, "rate_limit_exceeded", None)),
    ],
)
def test_refusals_in_the_words_of_the_api(bfl: ScriptedUpstream, status: str, detail: Any, told: tuple[Any, ...]) -> None:
    """`detail` is a text, or a list with the fields that are wrong."""
    bfl.serve(lambda _: [json_answer({"detail": detail}, status)])
    with served(bfl, "flux-2-pro") as server:
        answer = edit(server)
    assert (answer.status, answer.error["code"], answer.error["param"]) == told
    if told[2]:
        assert answer.error["message"] == "safety_tolerance: too much"


@pytest.mark.parametrize(
    "url",
    [
        "http://api.bfl.ai/v1/get_result?id=t",
        "https://evil.example/v1/get_result?id=t",
        "https://bfl.ai.evil.example/",
        "https://evilbfl.ai/",
        "https://api.bfl.ai@evil.example/",
        "https://[broken/",
        "https://bfldeliveryx.blob.core.windows.net/x",
        "",
        None,
    ],
)
def test_a_foreign_polling_url_is_not_followed(bfl: ScriptedUpstream, url: str | None) -> None:
    """It would get the key."""
    bfl.serve(lambda _: [json_answer({"id": "t", "polling_url": url})])
    with served(bfl, "flux-2-pro") as server:
        answer = edit(server)
    assert (answer.status, answer.error["code"]) == (502, "upstream_malformed")
    assert len(bfl.asked) == 1


def test_a_foreign_delivery_is_not_fetched(bfl: ScriptedUpstream) -> None:
    """A picture comes from the API's own hosts."""
    done(bfl, {"status": "Ready", "result": {"sample": "http://169.254.169.254/latest/meta-data"}})
    with served(bfl, "flux-2-pro") as server:
        answer = edit(server)
    assert (answer.status, answer.error["code"]) == (502, "upstream_malformed")


@pytest.mark.parametrize("suffix", ["", "/v1", "/v1/", "/"])
def test_a_base_with_or_without_the_version(bfl: ScriptedUpstream, suffix: str) -> None:
    """As LiteLLM's configurations have it, and as BFL's documentation."""
    done(bfl)
    base = bfl.url.removesuffix("/v1") + suffix
    with serving(settings_of(Target(PROVIDER, "flux-2-pro", KEY, base, {"poll_s": 0.01}))) as server:
        assert edit(server).status == 200
    assert bfl.asked[0].path == "/v1/flux-2-pro"


def test_a_jpeg_with_a_quality_is_made_here(bfl: ScriptedUpstream) -> None:
    """The API knows no compression, so it is asked for a lossless picture."""
    done(bfl)
    with served(bfl, "flux-2-pro") as server:
        answer = edit(server, output_format="jpeg", output_compression="20")
    assert decoded(answer.json["data"][0]["b64_json"]).format == "JPEG"
    assert json.loads(bfl.asked[0].body)["output_format"] == "png"


def test_the_environment_names_the_account() -> None:
    """LiteLLM's variables."""
    target = SETUP.completed(Target(PROVIDER, "*"), {"BFL_API_KEY": "k", "BFL_API_BASE": "https://api.eu.bfl.ai"})
    assert (target.api_key, target.api_base) == ("k", "https://api.eu.bfl.ai")
