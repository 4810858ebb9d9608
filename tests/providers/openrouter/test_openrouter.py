"""What is special about OpenRouter: both of its APIs, streamed and not, and the errors that come with a 200."""

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from clients import Answer, post
from providers.fakes import COLOURS, KEY, b64, body_of, decoded, of_data_url, png
from providers.fakes.openrouter import DONE, PROCESSING, USAGE, refusal, unnamed
from servers import RunningServer, serving, settings_of
from upstreams import END, Close, Script, ScriptedUpstream, chunk, head, json_answer, upstream

from streamedit.events import Usage
from streamedit.providers.base import Tools
from streamedit.providers.openrouter.http import usage_of
from streamedit.providers.openrouter.openrouter import FAMILIES, SETUP, OpenRouter
from streamedit.targets import Target
from streamedit.upstream.client import Upstream, UpstreamLimits

PROVIDER = "openrouter"
IMAGE_MODEL = "openai/gpt-image-2"
OTHER_MODEL = "google/gemini-nano-banana-2.1"
CHAT_MODEL = "google/gemini-3-pro-image"
PHOTO = png((90, 120, 150), (320, 256))
PICTURES = [b64(png(colour)) for colour in COLOURS]


@pytest.fixture(scope="module")
def router() -> Iterator[ScriptedUpstream]:
    """A socket for the API."""
    with upstream() as scripted:
        yield scripted


@pytest.fixture(scope="module")
def served(router: ScriptedUpstream) -> Iterator[RunningServer]:
    """A server with a model that streams, one that does not, and one over chat."""
    named = {"site_url": "https://app.example", "app_name": "App"}
    images = Target(PROVIDER, IMAGE_MODEL, KEY, router.url, named)
    chat = Target(PROVIDER, CHAT_MODEL, KEY, router.url, {"api": "chat"})
    with serving(settings_of(images, Target(PROVIDER, OTHER_MODEL, KEY, router.url), chat, silence_s=2)) as server:
        yield server


def edit(server: RunningServer, fields: Mapping[str, str] | None = None, model: str = IMAGE_MODEL) -> Answer:
    """An edit of two photos."""
    files = [("image[]", (f"{number}.png", PHOTO, "application/octet-stream")) for number in range(2)]
    return post(server.edits_url, {"prompt": "sepia", "model": model, **(fields or {})}, files)


def watched(server: RunningServer, partial_images: int = 2, model: str = IMAGE_MODEL, **fields: str) -> Answer:
    """The same as a stream."""
    return edit(server, {"stream": "true", "partial_images": str(partial_images), **fields}, model)


def partial(index: int) -> dict[str, Any]:
    """An interim image as OpenRouter names it."""
    return {"type": "image_generation.partial_image", "partial_image_index": index, "b64_json": PICTURES[index]}


def completed(**fields: Any) -> dict[str, Any]:
    """The finished image as OpenRouter names it."""
    told = {"type": "image_generation.completed", "b64_json": PICTURES[3], "created": 7, "media_type": "image/png"}
    return {**told, "usage": USAGE, **fields}


def buffered(*pictures: str) -> Script:
    """An answer in one piece."""
    return [json_answer({"created": 7, "data": [{"b64_json": picture} for picture in pictures], "usage": USAGE})]


def chunk_of(**delta: Any) -> dict[str, Any]:
    """A chunk of a chat completion."""
    return {"id": "gen", "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}


def shown(picture: str, media_type: str = "image/png") -> dict[str, Any]:
    """One of the images of a message."""
    return {"type": "image_url", "image_url": {"url": f"data:{media_type};base64,{picture}"}}


class TestImages:
    """`api: images`."""

    def test_each_field(self, served: RunningServer, router: ScriptedUpstream) -> None:
        """OpenAI's fields as they are, OpenRouter's own typed, images as data URLs of their true type, and the key."""
        router.play(buffered(PICTURES[0]))
        fields = {
            "size": "1536x1024",
            "quality": "high",
            "background": "transparent",
            "output_format": "png",
            "output_compression": "80",
            "user": "u-1",
            "seed": "5",
            "aspect_ratio": "3:2",
            "resolution": "1.5K",
            "provider": '{"only": ["openai"], "options": {"openai": {"moderation": "low"}}}',
            "session_id": "s",
            "trace": '{"trace_id": "t"}',
        }
        assert edit(served, fields).status == 200
        [asked] = router.asked
        body = body_of(asked)
        assert [of_data_url(item["image_url"]["url"]) for item in body.pop("input_references")] == [PHOTO, PHOTO]
        assert body == {
            **fields,
            "model": IMAGE_MODEL,
            "prompt": "sepia",
            "output_compression": 80,
            "seed": 5,
            "provider": json.loads(fields["provider"]),
            "trace": {"trace_id": "t"},
        }
        assert (asked.path, asked.headers["authorization"]) == ("/v1/images", f"Bearer {KEY}")
        assert (asked.headers["http-referer"], asked.headers["x-title"]) == ("https://app.example", "App")

    @pytest.mark.parametrize(
        ("fields", "sent"),
        [
            ({"size": "auto", "quality": "auto"}, {}),
            ({"quality": "hd"}, {"quality": "high"}),
            ({"size": "2K"}, {"size": "2K"}),
            ({"moderation": "low", "input_fidelity": "high"}, {}),
        ],
    )
    def test_what_becomes_of_preferences(
        self, served: RunningServer, router: ScriptedUpstream, fields: dict[str, str], sent: dict[str, str]
    ) -> None:
        """What is not asked for is not sent, what it has no name for is dropped."""
        router.play(buffered(PICTURES[0]))
        assert edit(served, fields).status == 200
        assert set(body_of(router.asked[0])) == {"model", "prompt", "input_references", *sent}
        assert sent.items() <= body_of(router.asked[0]).items()

    def test_a_stream_is_relayed_under_the_names_of_edits(self, served: RunningServer, router: ScriptedUpstream) -> None:
        """No more partial images than were asked for, then the picture with the usage and its cost; text is passed over."""
        text = {"type": "image_generation.text_chunk", "phase": "reasoning", "text": "hm"}
        router.play([unnamed(partial(0), text, partial(1), partial(2), completed())])
        events = watched(served).events
        assert body_of(router.asked[0])["stream"] is True
        assert [(name, payload["b64_json"]) for name, payload in events] == [
            ("image_edit.partial_image", PICTURES[0]),
            ("image_edit.partial_image", PICTURES[1]),
            ("image_edit.completed", PICTURES[3]),
        ]
        assert [payload.get("partial_image_index") for _, payload in events] == [0, 1, None]
        last = events[-1][1]
        assert (last["size"], last["output_format"]) == ("64x48", "png")
        assert (last["usage"]["input_tokens"], last["usage"]["output_tokens"], last["usage"]["cost"]) == (16, 272, 0.011)

    @pytest.mark.parametrize(
        "fields", [{}, {"partial_images": "2"}, {"stream": "true", "partial_images": "0"}, {"stream": "true"}]
    )
    def test_nobody_pays_for_what_nobody_sees(
        self, served: RunningServer, router: ScriptedUpstream, fields: dict[str, str]
    ) -> None:
        """Without anybody who watches no stream is asked for: there is no other way to have no partial images."""
        router.play(buffered(PICTURES[0]))
        assert edit(served, fields).status == 200
        assert "stream" not in body_of(router.asked[0])

    def test_who_cannot_stream_answers_all_the_same(self, served: RunningServer, router: ScriptedUpstream) -> None:
        """Told by the content type; a model that never streams is not asked to."""
        router.play(buffered(PICTURES[0]))
        assert watched(served).names == ["completed"]
        assert watched(served, model=OTHER_MODEL).names == ["completed"]
        assert ["stream" in body_of(asked) for asked in router.asked] == [True, False]

    def test_a_stream_that_was_not_asked_for_is_understood(self, served: RunningServer, router: ScriptedUpstream) -> None:
        """And collapsed."""
        router.play([unnamed(partial(0), completed())])
        assert [item["b64_json"] for item in edit(served).json["data"]] == [PICTURES[3]]

    def test_several_images_are_one_call_where_the_model_can(self, served: RunningServer, router: ScriptedUpstream) -> None:
        """Of OpenAI's models; many others refuse `n`, so for them there are as many calls, with seeds one after the other."""
        router.play(buffered(*PICTURES[:3]))
        plain = edit(served, {"n": "3", "seed": "9"})
        assert [item["b64_json"] for item in plain.json["data"]] == PICTURES[:3]
        assert [(body_of(asked)["n"], body_of(asked)["seed"]) for asked in router.asked] == [(3, 9)]
        assert plain.json["usage"]["cost"] == 0.011
        router.play(buffered(PICTURES[0]))
        assert len(edit(served, {"n": "3", "seed": "9"}, OTHER_MODEL).json["data"]) == 3
        assert sorted(body_of(asked)["seed"] for asked in router.asked) == [9, 10, 11]
        assert all("n" not in body_of(asked) for asked in router.asked)

    def test_a_format_that_was_ignored_is_made_here(self, served: RunningServer, router: ScriptedUpstream) -> None:
        """In partial images too."""
        router.play([unnamed(partial(0), completed())])
        events = watched(served, output_format="webp").events
        assert [decoded(payload["b64_json"]).format for _, payload in events] == ["WEBP", "WEBP"]
        assert [payload["output_format"] for _, payload in events] == ["webp", "webp"]

    def test_every_split_gives_the_same_events(self, served: RunningServer, router: ScriptedUpstream) -> None:
        """A stream in pieces of one byte."""
        frames = (
            PROCESSING + b"".join(b"data: %b\n\n" % json.dumps(event).encode() for event in (partial(0), completed())) + DONE
        )
        router.play([head() + chunk(frames) + END], [head() + b"".join(chunk(bytes([byte])) for byte in frames) + END])
        whole, split = watched(served), watched(served)
        assert split.names == ["partial_image", "completed"]
        assert [_without_time(payload) for _, payload in split.events] == [
            _without_time(payload) for _, payload in whole.events
        ]

    @pytest.mark.parametrize(
        ("script", "status", "code"),
        [
            ([unnamed({"type": "error", "error": {"message": "no", "code": "server_error"}})], 502, "server_error"),
            ([unnamed({"type": "error", "error": {"message": "no", "code": "moderation_blocked"}})], 400, "moderation_blocked"),
            ([unnamed({"error": {"code": 429, "message": "no"}})], 429, "rate_limit_exceeded"),
            ([json_answer(refusal(502, "no", error_type="provider_unavailable"))], 502, "provider_unavailable"),
            ([unnamed(partial(0))], 502, "upstream_incomplete"),
            ([unnamed(completed(b64_json=""))], 502, "upstream_empty"),
            ([unnamed(completed(b64_json="PHN2Zz4="))], 502, "upstream_malformed"),
            ([head() + chunk(b"data: {\n\n") + END], 502, "upstream_malformed"),
            ([head() + chunk(b"data: []\n\n") + END], 502, "upstream_malformed"),
            ([json_answer({"data": ["x"]})], 502, "upstream_malformed"),
            ([head() + chunk(b'data: {"type":'), Close()], 502, "upstream_broken"),
        ],
    )
    def test_what_goes_wrong_with_a_200(
        self, served: RunningServer, router: ScriptedUpstream, script: Script, status: int, code: str
    ) -> None:
        """Is an error, of the status that it says it is."""
        router.play(script)
        answer = edit(served)
        assert (answer.status, answer.error["code"]) == (status, code), answer.body

    def test_an_error_in_the_middle_ends_a_stream(self, served: RunningServer, router: ScriptedUpstream) -> None:
        """What was shown before stays shown; the key that is quoted is not."""
        router.play([unnamed(partial(0), {"type": "error", "error": {"message": f"bad {KEY}", "code": None}})])
        answer = watched(served)
        assert answer.names == ["partial_image", "error"]
        assert answer.error["message"] == "bad ***"

    def test_what_was_flagged_is_not_repeated(self, served: RunningServer, router: ScriptedUpstream) -> None:
        """A 403 with reasons is moderation; the text that it quotes stays here."""
        flagged = refusal(403, "Your input was flagged.", reasons=["violence"], flagged_input="the secret prompt")
        router.play([json_answer(flagged, "403 Forbidden")])
        answer = edit(served)
        assert (answer.status, answer.error["code"]) == (400, "moderation_blocked")
        assert b"secret" not in answer.body

    @pytest.mark.parametrize(
        ("status", "told"),
        [
            (402, (502, "upstream_payment_required")),
            (404, (404, "model_not_found")),
            (529, (529, None)),
            (413, (413, "request_too_large")),
        ],
    )
    def test_a_refusal_s_number_is_its_status(
        self, served: RunningServer, router: ScriptedUpstream, status: int, told: tuple[int, str | None]
    ) -> None:
        """`code` repeats the status and is no name."""
        router.play([json_answer(refusal(status, "no"), f"{status} No")])
        answer = edit(served)
        assert (answer.status, answer.error["code"]) == told

    def test_a_connection_serves_the_next_edit_too(self, served: RunningServer, router: ScriptedUpstream) -> None:
        """What follows the picture is read away."""
        router.play([unnamed(partial(0), completed())])
        watched(served)
        before = router.connections
        assert [watched(served).names for _ in range(3)] == [["partial_image", "completed"]] * 3
        assert router.connections == before


class TestChat:
    """`api: chat`."""

    def test_each_field(self, served: RunningServer, router: ScriptedUpstream) -> None:
        """One message with the prompt before the images, both modalities, and what is OpenRouter's own."""
        router.play([unnamed(chunk_of(images=[shown(PICTURES[0])]))])
        fields = {"user": "u", "seed": "1", "aspect_ratio": "4:5", "image_size": "0.5K", "provider": '{"sort": "price"}'}
        assert edit(served, fields, CHAT_MODEL).status == 200
        [asked] = router.asked
        body = body_of(asked)
        [message] = body.pop("messages")
        assert message["content"][0] == {"type": "text", "text": "sepia"}
        assert [of_data_url(part["image_url"]["url"]) for part in message["content"][1:]] == [PHOTO, PHOTO]
        assert asked.path == "/v1/chat/completions"
        assert body == {
            "model": CHAT_MODEL,
            "modalities": ["image", "text"],
            "stream": True,
            "image_config": {"aspect_ratio": "4:5", "image_size": "0.5K"},
            "user": "u",
            "seed": 1,
            "provider": {"sort": "price"},
        }

    @pytest.mark.parametrize(
        ("fields", "config"),
        [
            ({}, None),
            ({"size": "1024x1024"}, {"aspect_ratio": "1:1", "image_size": "1K"}),
            ({"size": "1536x1024"}, {"aspect_ratio": "3:2", "image_size": "1K"}),
            ({"size": "1792x1024"}, {"aspect_ratio": "16:9", "image_size": "1K"}),
            ({"size": "2048x2560", "quality": "low"}, {"aspect_ratio": "4:5", "image_size": "2K"}),
            ({"size": "4096x2304"}, {"aspect_ratio": "16:9", "image_size": "4K"}),
            ({"quality": "low"}, {"image_size": "1K"}),
            ({"quality": "standard"}, {"image_size": "1K"}),
            ({"quality": "medium"}, {"image_size": "2K"}),
            ({"quality": "high"}, {"image_size": "4K"}),
            ({"quality": "hd"}, {"image_size": "4K"}),
            ({"quality": "auto", "size": "auto"}, None),
        ],
    )
    def test_a_size_or_a_quality_says_how_large(
        self, served: RunningServer, router: ScriptedUpstream, fields: dict[str, str], config: dict[str, str] | None
    ) -> None:
        """The nearest ratio, never just a square; the quality only where no size is given."""
        router.play([unnamed(chunk_of(images=[shown(PICTURES[0])]))])
        assert edit(served, fields, CHAT_MODEL).status == 200
        assert body_of(router.asked[0]).get("image_config") == config

    def test_the_last_image_of_a_stream_is_the_picture(self, served: RunningServer, router: ScriptedUpstream) -> None:
        """With the usage that comes behind it."""
        usage = {"id": "gen", "choices": [], "usage": USAGE}
        images = [chunk_of(images=[shown(picture)]) for picture in PICTURES[:2]]
        router.play([unnamed(chunk_of(role="assistant", content="Here"), *images, chunk_of(content=" it is."), usage)])
        [(name, payload)] = watched(served, model=CHAT_MODEL).events
        assert (name, payload["b64_json"], payload["usage"]["cost"]) == ("image_edit.completed", PICTURES[1], 0.011)

    def test_an_answer_in_one_piece_is_understood(self, served: RunningServer, router: ScriptedUpstream) -> None:
        """By its content type."""
        message = {"role": "assistant", "content": "", "images": [shown(PICTURES[2])]}
        router.play([json_answer({"choices": [{"message": message, "finish_reason": "stop"}], "usage": USAGE})])
        answer = edit(served, model=CHAT_MODEL)
        assert ([item["b64_json"] for item in answer.json["data"]], answer.json["usage"]["cost"]) == ([PICTURES[2]], 0.011)

    def test_every_split_gives_the_same_picture(self, served: RunningServer, router: ScriptedUpstream) -> None:
        """A stream in pieces of one byte."""
        frames = PROCESSING + b"data: %b\n\n" % json.dumps(chunk_of(images=[shown(PICTURES[1])])).encode() + DONE
        router.play([head() + b"".join(chunk(bytes([byte])) for byte in frames) + END])
        assert [item["b64_json"] for item in edit(served, model=CHAT_MODEL).json["data"]] == [PICTURES[1]]

    @pytest.mark.parametrize(
        ("choice", "told", "words"),
        [
            ({"delta": {"refusal": "I will not."}}, (400, "moderation_blocked"), "I will not."),
            ({"delta": {"content": ""}, "finish_reason": "content_filter"}, (400, "moderation_blocked"), "blocked the edit."),
            ({"delta": {}, "native_finish_reason": "IMAGE_SAFETY"}, (400, "moderation_blocked"), "blocked the edit."),
            ({"delta": {"content": "Which cat?"}, "finish_reason": "stop"}, (502, "upstream_empty"), "Which cat?"),
            ({"delta": {"content": "long " * 999}}, (502, "upstream_empty"), "long long"),
            ({"delta": {"images": []}}, (502, "upstream_empty"), "without an image."),
            (
                {"delta": {"images": [{"image_url": {"url": "https://x.example/1.png"}}]}},
                (502, "upstream_malformed"),
                "no image",
            ),
        ],
    )
    def test_words_instead_of_an_image_are_an_error(
        self, served: RunningServer, router: ScriptedUpstream, choice: dict[str, Any], told: tuple[int, str], words: str
    ) -> None:
        """With the words, as far as they are short; an address is no image, and nobody goes there."""
        router.play([unnamed({"choices": [choice]})])
        answer = edit(served, model=CHAT_MODEL)
        assert (answer.status, answer.error["code"]) == told, answer.body
        assert words in answer.error["message"]
        assert len(answer.error["message"]) < 400

    def test_an_error_in_the_middle_is_one(self, served: RunningServer, router: ScriptedUpstream) -> None:
        """Chunks carry it beside an empty choice."""
        error = {"code": 502, "message": "Provider disconnected", "metadata": {"error_type": "provider_unavailable"}}
        choice = {"index": 0, "delta": {"content": ""}, "finish_reason": "error"}
        router.play([unnamed(chunk_of(content="Well"), {"id": "gen", "error": error, "choices": [choice]})])
        answer = edit(served, model=CHAT_MODEL)
        assert (answer.status, answer.error["code"]) == (502, "provider_unavailable")


def test_usage_by_modality() -> None:
    """What is not image among the output is text; cached tokens and the cost as they are told; nothing told is nothing."""
    details = {"completion_tokens_details": {"image_tokens": 200}, "prompt_tokens_details": {"cached_tokens": 4}}
    assert usage_of({"usage": {**USAGE, **details}}) == Usage(
        input_tokens=16, output_tokens=272, total_tokens=288, cached_tokens=4, output_text_tokens=72, cost_micros=11_000
    )
    assert usage_of({"usage": None}) == usage_of({}) == Usage()
    assert usage_of({"usage": {"prompt_tokens": None, "cost": None}}) == Usage()


def test_the_configuration_says_which_api() -> None:
    """Images where it says nothing."""
    assert [SETUP.mistake(Target(PROVIDER, "x", params={"api": api})) for api in (None, "images", "chat")] == [None] * 3
    assert SETUP.mistake(Target(PROVIDER, "x", params={"api": "responses"})) == "api must be images or chat"
    provider = OpenRouter(Tools(Upstream(UpstreamLimits()), time.time))
    patterns = [("openai/x", {}), ("google/x", {}), ("openai/x", {"api": "chat"})]
    told = [provider.capabilities(Target(PROVIDER, model, params=params)) for model, params in patterns]
    assert told == list(FAMILIES.values())


@pytest.mark.parametrize("variable", ["OPENROUTER_API_BASE", "OPENROUTER_BASE_URL"])
def test_the_environment_names_the_account(variable: str) -> None:
    """LiteLLM's variables."""
    environ = {"OPENROUTER_API_KEY": "k", variable: "https://or.example/v1", "OR_SITE_URL": "https://a", "OR_APP_NAME": "A"}
    target = SETUP.completed(Target(PROVIDER, "*"), environ)
    assert (target.api_key, target.api_base) == ("k", "https://or.example/v1")
    assert dict(target.params) == {"site_url": "https://a", "app_name": "A"}


def _without_time(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in payload.items() if name != "created_at"}
