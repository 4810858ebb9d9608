"""What every provider promises, whatever its API: one suite over all of them, each against its API played by a local server."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from clients import Answer, get, post
from PIL import Image, ImageDraw
from providers.fakes import COLOURS, KEY, Fake, Outcome, decoded, fakes
from servers import RunningServer, serving, settings_of
from upstreams import Asked, ScriptedUpstream, upstream

from streamedit.config import Settings
from streamedit.providers import CATALOGUE
from streamedit.providers.capabilities import CHANGE_THE_PICTURE, Support
from streamedit.routes import Route, Routes

CALLERS_KEY = "sk-of-the-caller-9876543210"
PHOTOS = Path(__file__).parent.parent / "photos"
PHOTO = PHOTOS / "chelsea.png"
SIZE_PX = (451, 300)
WINDOW = (200, 100, 259, 159)
"""The part of the photo that the mask wants edited; in pixels, with its edges."""


class Stage:
    """One server in front of all fakes; `twice/NAME` has each of them as its own fallback."""

    def __init__(self, played: Mapping[str, tuple[Fake, ScriptedUpstream]], server: RunningServer) -> None:
        self.played = played
        self.server = server


class Act:
    """One fake, with nothing asked of it yet."""

    def __init__(self, stage: Stage, name: str) -> None:
        self.fake, self.upstream = stage.played[name]
        self.server = stage.server
        self.fake.outcome, self.fake.made = Outcome.OK, 0
        self.upstream.serve(self.fake.answer)

    @property
    def asked(self) -> list[Asked]:
        """The calls that began an edit."""
        return [asked for asked in self.upstream.asked if self.fake.is_edit(asked)]

    def post(self, fields: Mapping[str, Any] | None = None, *, mask: bytes | None = None, model: str | None = None) -> Answer:
        """An edit with what the fake needs."""
        files = [
            ("image[]", (f"cat photo {number}.png", PHOTO.read_bytes(), "image/png")) for number in range(self.fake.images)
        ]
        files += [(name, (f"{name}.png", PHOTO.read_bytes(), "image/png")) for name in self.fake.files]
        mask = _mask() if mask is None and self.fake.needs_mask else mask
        if mask is not None:
            files.append(("mask", ("mask.png", mask, "image/png")))
        given = {"prompt": "make it night", **self.fake.fields, **(fields or {}), "model": model or self.fake.name}
        return post(self.server.edits_url, given, files, {"authorization": f"Bearer {CALLERS_KEY}"})


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """Every fake on a socket of its own."""
    with Players() as played, serving(_settings(played)) as server:
        yield Stage(played, server)


class Players(dict[str, tuple[Fake, ScriptedUpstream]]):
    """The fakes by their names, at work inside the `with` block."""

    def __enter__(self) -> "Players":
        self._open = [upstream() for _ in fakes()]
        for make, opened in zip(fakes(), self._open, strict=True):
            fake, scripted = make(), opened.__enter__()
            fake.url = scripted.url
            self[fake.name] = (fake, scripted)
        return self

    def __exit__(self, *_: object) -> None:
        for opened in self._open:
            opened.__exit__(None, None, None)


def _settings(played: Mapping[str, tuple[Fake, ScriptedUpstream]]) -> Settings:
    targets = [fake.target() for fake, _ in played.values()]
    settings = settings_of(*targets, silence_s=5, connect_s=2, heartbeat_s=5)
    named = [Route(name, (target,)) for name, target in zip(played, targets, strict=True)]
    twice = [Route(f"twice/{route.model}", (route.targets[0], replace(route.targets[0]))) for route in named]
    return replace(settings, routes=Routes([*named, *twice], None))


@pytest.fixture(params=fakes(), ids=lambda fake: fake.name)
def act(request: pytest.FixtureRequest, stage: Stage) -> Act:
    """Each fake in turn."""
    return Act(stage, request.param.name)


def having(outcome: Outcome) -> pytest.MarkDecorator:
    """Those fakes whose API has such an answer."""
    able = [fake for fake in fakes() if outcome in fake.outcomes]
    return pytest.mark.parametrize("act", able, indirect=True, ids=lambda fake: fake.name)


def test_every_provider_is_played() -> None:
    """Whatever the catalogue has but the embedded two is in this suite."""
    played = {fake.name.partition("/")[0] for fake in fakes()}
    assert played == set(CATALOGUE) - {"darkroom", "mock"}


def test_a_stream_shows_the_events_in_order(act: Act) -> None:
    """Interim images numbered from 0, then the completed one, each a picture that its fields describe."""
    _expect_stream(act.post({"stream": "true", "partial_images": "2"}), act.fake.partial_images)


def _expect_stream(answer: Answer, shown: int) -> None:
    assert answer.status == 200, answer.body
    assert answer.names == ["partial_image"] * shown + ["completed"], answer.body[-600:]
    for number, (name, payload) in enumerate(answer.events):
        picture = decoded(payload["b64_json"])
        assert payload["type"] == name
        assert payload["size"] == f"{picture.width}x{picture.height}"
        assert payload["output_format"] == str(picture.format).lower()
        assert payload.get("partial_image_index", shown) == number
    assert {"input_tokens", "output_tokens", "total_tokens", "input_tokens_details"} <= set(answer.events[-1][1]["usage"])


def test_a_plain_call_gets_the_same_picture(act: Act) -> None:
    """One ImagesResponse with the picture that the provider made last."""
    answer = act.post()
    assert answer.status == 200, answer.body
    [item] = answer.json["data"]
    assert decoded(item["b64_json"]).convert("RGB").getpixel((5, 5)) == COLOURS[(act.fake.made - 1) % len(COLOURS)]


def test_n_images_are_n_pictures(act: Act) -> None:
    """Three of them, all different, plain and streamed."""
    _expect_three(act.post({"n": "3"}), act.post({"n": "3", "stream": "true"}))


def _expect_three(plain: Answer, streamed: Answer) -> None:
    assert plain.status == 200, plain.body
    assert len({item["b64_json"] for item in plain.json["data"]}) == 3
    completed = [payload for name, payload in streamed.events if name == "image_edit.completed"]
    assert sorted(payload["image_index"] for payload in completed) == [0, 1, 2]
    assert len({payload["b64_json"] for payload in completed}) == 3


def test_the_images_arrive_as_they_were_sent(act: Act) -> None:
    """Byte for byte and in order, with the caller's names where the API has names."""
    assert act.post().status == 200
    [asked] = act.asked
    assert act.fake.images_of(asked) == [PHOTO.read_bytes()] * act.fake.images
    names = act.fake.filenames_of(asked)
    assert names in ([], [f"cat photo {number}.png" for number in range(act.fake.images)])


@having(Outcome.BLOCKED)
def test_a_blocked_picture_is_an_error(act: Act) -> None:
    """A refusal of the provider's moderation is a 400, also where the provider says 200, and never an empty list."""
    act.fake.outcome = Outcome.BLOCKED
    answer = act.post()
    assert (answer.status, answer.error["code"]) == (400, "moderation_blocked"), answer.body
    assert len(act.asked) == 1


@having(Outcome.EMPTY)
def test_an_answer_without_a_picture_is_an_error(act: Act) -> None:
    """Not tried again: it may have been paid."""
    _expect_unusable(act, Outcome.EMPTY, "upstream_empty")


@having(Outcome.GARBAGE)
def test_an_answer_that_is_none_is_an_error(act: Act) -> None:
    """Told apart from an empty one, and not tried again either."""
    _expect_unusable(act, Outcome.GARBAGE, "upstream_malformed")


def _expect_unusable(act: Act, outcome: Outcome, code: str) -> None:
    act.fake.outcome = outcome
    answer = act.post(model=f"twice/{act.fake.name}")
    assert (answer.status, answer.error["code"]) == (502, code), answer.body
    assert answer.headers["x-should-retry"] == "false"
    assert len(act.asked) == 1


@having(Outcome.REFUSED)
def test_a_refusal_is_the_providers_own(act: Act) -> None:
    """Its status and words, without this server's key, though the provider quotes it; no other target is asked."""
    act.fake.outcome = Outcome.REFUSED
    answer = act.post(model=f"twice/{act.fake.name}")
    assert answer.status == 400, answer.body
    assert "bad request of ***" in answer.error["message"]
    assert len(act.asked) == 1


@having(Outcome.UNAUTHORIZED)
def test_a_refused_key_is_this_servers_matter(act: Act) -> None:
    """A 502, with nothing of any key; the next target is asked."""
    act.fake.outcome = Outcome.UNAUTHORIZED
    answer = act.post(model=f"twice/{act.fake.name}")
    assert (answer.status, answer.error["code"]) == (502, "upstream_unauthorized"), answer.body
    assert len(act.asked) == 2


@having(Outcome.BUSY)
def test_a_busy_provider_says_when_to_come_back(act: Act) -> None:
    """429, with its `retry-after`."""
    act.fake.outcome = Outcome.BUSY
    answer = act.post()
    assert (answer.status, answer.headers["retry-after"]) == (429, "7"), answer.body


@having(Outcome.DOWN)
def test_a_retry_sends_everything_again(act: Act) -> None:
    """The second target gets the same whole images and mask as the first, which was away."""
    act.fake.outcome = Outcome.DOWN
    outcomes = iter([Outcome.DOWN])

    def once_down(asked: Asked) -> Any:
        act.fake.outcome = next(outcomes, Outcome.OK) if act.fake.is_edit(asked) else act.fake.outcome
        return act.fake.answer(asked)

    act.upstream.serve(once_down)
    answer = act.post(mask=_mask() if act.fake.takes_mask else None, model=f"twice/{act.fake.name}")
    assert answer.status == 200, answer.body
    first, second = act.asked
    assert act.fake.images_of(first) == act.fake.images_of(second) == [PHOTO.read_bytes()] * act.fake.images
    if act.fake.takes_mask:
        assert act.fake.mask_of(first).tobytes() == act.fake.mask_of(second).tobytes()


def test_no_key_is_in_an_error(act: Act) -> None:
    """Neither the caller's nor this server's, in any failure; and the caller's never reaches the provider."""
    for outcome in (Outcome.REFUSED, Outcome.UNAUTHORIZED, Outcome.BUSY, Outcome.DOWN):
        act.fake.outcome = outcome
        body = act.post().body.decode()
        assert KEY not in body
        assert KEY[:12] not in body
        assert CALLERS_KEY not in body
    assert CALLERS_KEY not in "".join(f"{asked.headers}{asked.path}" for asked in act.upstream.asked)
    assert KEY not in act.server.log_text


def test_the_mask_is_the_one_that_was_drawn(act: Act) -> None:
    """Pixel by pixel, in the provider's own polarity."""
    if not act.fake.takes_mask:
        answer = act.post(mask=_mask())
        assert (answer.status, answer.error["param"]) == (400, "mask")
        assert act.upstream.asked == []
        return
    answer = act.post(mask=_mask())
    assert answer.status == 200, answer.body
    seen = act.fake.mask_of(act.asked[0])
    assert seen.mode == "L"
    assert seen.tobytes() == _expected_mask().tobytes()


def test_what_cannot_be_done_is_named(act: Act) -> None:
    """A 400 that names the parameter, before the provider is asked."""
    for name, value in act.fake.refuses.items():
        answer = act.post({name: value})
        assert (answer.status, answer.error["param"]) == (400, name), answer.body
    assert act.upstream.asked == []


def test_what_is_refused_is_what_the_capabilities_say(act: Act) -> None:
    """Each parameter that would change the picture is either done or refused, as `/v1/models` tells."""
    _expect_as_told(act.server, act.fake.name, act.post)


def _expect_as_told(server: RunningServer, model: str, ask: Callable[[Mapping[str, Any]], Answer]) -> None:
    listed = get(f"{server.url}/v1/models").json["data"]
    told = next(entry["capabilities"] for entry in listed if entry["id"] == model)
    for name, value in {"size": "1024x1024", "background": "transparent", "output_format": "webp"}.items():
        answer = ask({name: value})
        refused = told["parameters"][name] == Support.REFUSED
        assert (answer.status == 400 and answer.error["param"] == name) if refused else answer.status == 200, answer.body
    assert set(told["parameters"]) >= set(CHANGE_THE_PICTURE)


@pytest.mark.parametrize("output_format", ["png", "jpeg", "webp"])
def test_the_format_is_the_one_asked_for(act: Act, output_format: str) -> None:
    """The picture is of that format, whoever made it so, and the event says so; or it is a 400."""
    _expect_format(act.post({"output_format": output_format, "stream": "true"}), output_format)


def _expect_format(answer: Answer, output_format: str) -> None:
    if answer.status == 400:
        assert answer.error["param"] == "output_format"
        return
    payload = answer.events[-1][1]
    assert decoded(payload["b64_json"]).format == output_format.upper()
    assert payload["output_format"] == output_format


def test_a_cancelled_edit_leaves_no_call_behind(act: Act) -> None:
    """Cancelling ends the call to the provider, however long it would have taken."""
    act.fake.outcome = Outcome.SILENT
    files = {"image": ("a.png", PHOTO.read_bytes(), "image/png")}
    files |= {f"image[{number}]": files["image"] for number in range(1, act.fake.images)}
    files |= dict.fromkeys(act.fake.files, files["image"])
    files |= {"mask": ("mask.png", _mask(), "image/png")} if act.fake.needs_mask else {}
    fields = {"prompt": "x", **act.fake.fields, "model": act.fake.name}
    began = httpx.post(f"{act.server.edits_url}/async", data=fields, files=files, verify=False).json()
    assert act.upstream.came.acquire(timeout=10)
    cancelled = httpx.post(f"{act.server.edits_url}/{began['id']}/cancel", timeout=10, verify=False).json()
    assert cancelled["status"] == "cancelled"
    act.server.wait_for(lambda: act.server.left_behind() == (0, 0))


@pytest.mark.parametrize("model", ["darkroom", "mock"])
def test_the_embedded_ones_promise_the_same(server: RunningServer, model: str) -> None:
    """Order, n, formats and refusals; they have nobody else to ask."""

    def ask(fields: Mapping[str, Any]) -> Answer:
        image = ("image", ("a.png", PHOTO.read_bytes(), "image/png"))
        return post(server.edits_url, {"prompt": "film grain", "model": model, **fields}, [image])

    _expect_stream(ask({"stream": "true", "partial_images": "2"}), 2)
    _expect_three(ask({"n": "3"}), ask({"n": "3", "stream": "true"}))
    _expect_as_told(server, model, ask)
    for output_format in ("png", "jpeg", "webp"):
        _expect_format(ask({"output_format": output_format, "stream": "true"}), output_format)


def _mask() -> bytes:
    """Opaque but for a window: to be edited there."""
    mask = Image.new("RGBA", SIZE_PX, (0, 0, 0, 255))
    ImageDraw.Draw(mask).rectangle(WINDOW, (0, 0, 0, 0))
    buffer = BytesIO()
    mask.save(buffer, "PNG")
    return buffer.getvalue()


def _expected_mask() -> Image.Image:
    """White in the window, black elsewhere."""
    expected = Image.new("L", SIZE_PX, 0)
    ImageDraw.Draw(expected).rectangle(WINDOW, 255)
    return expected
