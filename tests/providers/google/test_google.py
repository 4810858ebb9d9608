"""Google's `generateContent` dialect, mostly at AI Studio: bodies, drafts, blocks, tokens, errors, masks."""

import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from clients import Answer, post
from google import genai
from google.genai import types
from PIL import Image, ImageDraw
from providers.fakes import KEY, b64, body_of, decoded, png
from providers.fakes.google import STREAM, USAGE, canonical, error, event, info, part, response, stream
from providers.fakes.openai import in_format
from servers import RunningServer, serving, settings_of
from upstreams import END, Close, Hang, Reset, Script, ScriptedUpstream, chunk, head, json_answer

from streamedit.config import from_environment
from streamedit.edits import EditOptions, EditRequest, InputImage
from streamedit.events import Completed, Event, Failed, PartialImage, Usage
from streamedit.providers import CATALOGUE, pixels
from streamedit.providers.base import Tools
from streamedit.providers.google.dialect import image_config, model_of
from streamedit.providers.google.gemini import SETUP, Gemini
from streamedit.targets import Target
from streamedit.uploads import Upload
from streamedit.upstream.client import Upstream, UpstreamLimits

MODEL = "gemini-3.1-flash-image"
PHOTO = (Path(__file__).parent.parent.parent / "photos" / "chelsea.png").read_bytes()
RED, GREEN, BLUE = png((200, 30, 30)), png((30, 160, 60)), png((40, 60, 210))
TOLD: dict[str, Any] = {"finish": "STOP", "usageMetadata": USAGE}
WATCHED = {"stream": "true", "partial_images": "3"}


@pytest.fixture
def gemini(scripted: ScriptedUpstream) -> Iterator[RunningServer]:
    """AI Studio's newest model at the scripted upstream."""
    with serving(settings_of(Target("gemini", MODEL, KEY, scripted.url), silence_s=2, connect_s=2)) as running:
        yield running


def edit(server: RunningServer, fields: Mapping[str, str] | None = None, images: int = 1, **files: bytes) -> Answer:
    """An edit of the photo."""
    parts: list[tuple[str, Any]] = [("image[]", ("a.png", PHOTO, "image/png"))] * images
    return post(server.edits_url, fields, [*parts, *((name, (name, file, "image/png")) for name, file in files.items())])


def body_for(server: RunningServer, scripted: ScriptedUpstream, fields: Mapping[str, str]) -> dict[str, Any]:
    """What the provider is asked for an edit with these fields."""
    scripted.play(stream(response(part(RED), **TOLD)))
    answer = edit(server, fields)
    assert answer.status == 200, answer.body
    return body_of(scripted.asked[0])


class TestSize:
    """OpenAI's size as a ratio and a class of resolution."""

    EXACT: Mapping[str, Sequence[str]] = {
        "1:1": ("512x512", "1024x1024", "2048x2048", "4096x4096"),
        "1:4": ("256x1024", "512x2048", "1024x4096", "2048x8192"),
        "1:8": ("192x1536", "384x3072", "768x6144", "1536x12288"),
        "2:3": ("424x632", "848x1264", "1696x2528", "3392x5056"),
        "3:4": ("448x600", "896x1200", "1792x2400", "3584x4800"),
        "4:5": ("464x576", "928x1152", "1856x2304", "3712x4608"),
        "9:16": ("384x688", "768x1376", "1536x2752", "3072x5504"),
        "21:9": ("792x336", "1584x672", "3168x1344", "6336x2688"),
    }

    @pytest.mark.parametrize("ratio", EXACT)
    def test_googles_own_sizes_are_exact(self, ratio: str) -> None:
        """Each of Google's documented sizes is its own ratio and class, and so is its transpose, where there is one."""
        model = model_of(MODEL)
        for size, image_size in zip(self.EXACT[ratio], ("512", "1K", "2K", "4K"), strict=True):
            both = {ratio: size, _turned(ratio, ":"): _turned(size, "x")}
            for one in both.keys() & set(model.ratios):
                assert image_config(both[one], model) == {"aspectRatio": one, "imageSize": image_size}

    @pytest.mark.parametrize(
        ("size", "ratio", "image_size"),
        [
            ("1536x1024", "3:2", "1K"),
            ("1024x1536", "2:3", "1K"),
            ("1792x1024", "16:9", "1K"),
            ("1280x896", "4:3", "1K"),
            ("896x1280", "3:4", "1K"),
            ("256x256", "1:1", "512"),
            ("767x767", "1:1", "512"),
            ("768x768", "1:1", "1K"),
            ("1535x1535", "1:1", "1K"),
            ("1536x1536", "1:1", "2K"),
            ("3071x3071", "1:1", "2K"),
            ("3072x3072", "1:1", "4K"),
            ("9999x100", "8:1", "1K"),
        ],
    )
    def test_others_are_the_nearest(self, size: str, ratio: str, image_size: str) -> None:
        """The ratio by its logarithm, the class by the square root of the area, as LiteLLM has them."""
        assert image_config(size, model_of(MODEL)) == {"aspectRatio": ratio, "imageSize": image_size}

    def test_no_model_is_asked_for_what_it_cannot_do(self) -> None:
        """Without a choice of sizes there is none; Gemini 3 Pro begins at 1K and has no ratio beyond 21:9."""
        assert image_config("1536x1024", model_of("gemini-2.5-flash-image")) == {"aspectRatio": "3:2"}
        assert image_config("1536x1024", model_of("gemini-3.1-flash-lite-image")) == {"aspectRatio": "3:2"}
        assert image_config("256x256", model_of("gemini-3-pro-image")) == {"aspectRatio": "1:1", "imageSize": "1K"}
        assert image_config("4000x500", model_of("gemini-3-pro-image"))["aspectRatio"] == "21:9"

    def test_no_size_is_the_models_choice(self) -> None:
        """`auto` and no size ask for nothing."""
        assert image_config("auto", model_of(MODEL)) == image_config(None, model_of(MODEL)) == {}

    def test_nonsense_is_refused(self, gemini: RunningServer) -> None:
        """It is named, before the provider is asked."""
        answer = edit(gemini, {"size": "big"})
        assert (answer.status, answer.error["param"]) == (400, "size")


class TestBody:
    """What is sent."""

    def test_images_come_before_the_prompt(self, gemini: RunningServer, scripted: ScriptedUpstream) -> None:
        """Inline, in order, with the type of their content, and nothing else that was not asked for."""
        scripted.play(stream(response(part(RED), **TOLD)))
        post(gemini.edits_url, {"prompt": "sepia"}, [("image", ("a", PHOTO, "")), ("image", ("b", in_format(RED, "jpeg"), ""))])
        images = [
            {"inlineData": {"mimeType": "image/png", "data": b64(PHOTO)}},
            {"inlineData": {"mimeType": "image/jpeg", "data": b64(in_format(RED, "jpeg"))}},
        ]
        assert body_of(scripted.asked[0]) == {
            "contents": [{"role": "user", "parts": [*images, {"text": "sepia"}]}],
            "generationConfig": {"responseModalities": ["IMAGE"]},
        }
        assert scripted.asked[0].path == f"/v1/models/{MODEL}:{STREAM}"
        assert scripted.asked[0].headers["x-goog-api-key"] == KEY

    def test_every_field_of_googles_is_taken(self, gemini: RunningServer, scripted: ScriptedUpstream) -> None:
        """Each where Google has it; `imageConfig` over size and `thinkingConfig` over the default, field by field."""
        given = {
            "size": "1536x1024",
            "imageConfig": '{"imageSize": "4K", "personGeneration": "ALLOW_ALL"}',
            "thinkingConfig": '{"thinkingLevel": "MINIMAL"}',
            "seed": "7",
            "temperature": "0.5",
            "topP": "0.9",
            "topK": "40",
            "maxOutputTokens": "9000",
            "mediaResolution": "MEDIA_RESOLUTION_HIGH",
            "responseModalities": '["TEXT", "IMAGE"]',
            "safetySettings": '[{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}]',
            "systemInstruction": "Keep the light.",
            "tools": '[{"googleSearch": {}}]',
            **WATCHED,
        }
        body = body_for(gemini, scripted, given)
        assert body["generationConfig"] == {
            "responseModalities": ["TEXT", "IMAGE"],
            "seed": 7,
            "temperature": 0.5,
            "topP": 0.9,
            "topK": 40.0,
            "maxOutputTokens": 9000,
            "mediaResolution": "MEDIA_RESOLUTION_HIGH",
            "imageConfig": {"aspectRatio": "3:2", "imageSize": "4K", "personGeneration": "ALLOW_ALL"},
            "thinkingConfig": {"includeThoughts": True, "thinkingLevel": "MINIMAL"},
        }
        assert body["safetySettings"] == [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}]
        assert body["systemInstruction"] == {"parts": [{"text": "Keep the light."}]}
        assert body["tools"] == [{"googleSearch": {}}]

    def test_it_is_what_googles_own_client_sends(self, gemini: RunningServer, scripted: ScriptedUpstream) -> None:
        """The same edit through google-genai is the same request: path, key and body."""
        fields = {"prompt": "sepia", "size": "1024x1536", "seed": "7", "systemInstruction": "Keep the light.", **WATCHED}
        ours = body_for(gemini, scripted, fields)
        scripted.play(stream(response(part(RED), **TOLD)))
        options = types.HttpOptions(base_url=scripted.url.removesuffix("/v1"), api_version="v1")
        config = types.GenerateContentConfig(
            response_modalities=["IMAGE"],
            seed=7,
            system_instruction=types.Content(parts=[types.Part(text="Keep the light.")]),
            image_config=types.ImageConfig(aspect_ratio="2:3", image_size="1K"),
            thinking_config=types.ThinkingConfig(include_thoughts=True, thinking_level=types.ThinkingLevel.HIGH),
        )
        parts = [types.Part.from_bytes(data=PHOTO, mime_type="image/png"), types.Part(text="sepia")]
        with genai.Client(api_key=KEY, vertexai=False, http_options=options) as client:
            contents = types.Content(role="user", parts=parts)
            assert list(client.models.generate_content_stream(model=MODEL, contents=contents, config=config))
        [asked] = scripted.asked
        assert (asked.path, asked.headers["x-goog-api-key"]) == (f"/v1/models/{MODEL}:{STREAM}", KEY)
        assert canonical(body_of(asked)) == canonical(ours)

    @pytest.mark.parametrize(
        ("model", "fields", "thinking"),
        [
            (MODEL, {}, None),
            (MODEL, {"stream": "true"}, None),
            (MODEL, {"partial_images": "2"}, None),
            (MODEL, WATCHED, {"includeThoughts": True, "thinkingLevel": "HIGH"}),
            ("gemini-3-pro-image", WATCHED, {"includeThoughts": True}),
            ("gemini-2.5-flash-image", WATCHED, None),
        ],
    )
    def test_thoughts_are_for_those_who_watch(
        self, scripted: ScriptedUpstream, model: str, fields: Mapping[str, str], thinking: object
    ) -> None:
        """They are asked for only with partial images, and only of models that have some."""
        with serving(settings_of(Target("gemini", model, KEY, scripted.url))) as server:
            assert body_for(server, scripted, fields)["generationConfig"].get("thinkingConfig") == thinking

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("imageConfig", "4K"),
            ("imageConfig", "[1]"),
            ("thinkingConfig", "7"),
            ("safetySettings", "{}"),
            ("tools", '"x"'),
            ("seed", "one"),
            ("temperature", "2.1"),
            ("mediaResolution", "HIGH"),
        ],
    )
    def test_a_field_of_the_wrong_kind_is_named(
        self, gemini: RunningServer, scripted: ScriptedUpstream, field: str, value: str
    ) -> None:
        """A 400, before the provider is asked."""
        answer = edit(gemini, {field: value})
        assert (answer.status, answer.error["param"], answer.error["code"]) == (400, field, "invalid_value"), answer.body
        assert scripted.asked == []

    def test_n_images_of_one_seed_differ(self, gemini: RunningServer, scripted: ScriptedUpstream) -> None:
        """Each of the parallel calls has a seed of its own."""
        scripted.play(stream(response(part(RED), **TOLD)))
        assert len(edit(gemini, {"n": "3", "seed": "7"}).json["data"]) == 3
        assert sorted(body_of(asked)["generationConfig"]["seed"] for asked in scripted.asked) == [7, 8, 9]

    def test_each_model_takes_so_many_images(self, scripted: ScriptedUpstream) -> None:
        """More are refused by number."""
        with serving(settings_of(Target("gemini", "gemini-2.5-flash-image", KEY, scripted.url))) as server:
            answer = edit(server, images=4)
        assert (answer.status, answer.error["code"]) == (400, "too_many_images")


class TestDrafts:
    """Thoughts with images in them become partial images."""

    ALIKE = in_format(GREEN, "jpeg")
    CASES: Mapping[str, tuple[list[bytes], bytes, int, list[bytes]]] = {
        "no draft": ([], GREEN, 3, []),
        "one draft, the picture itself": ([GREEN], GREEN, 3, []),
        "one draft, another picture": ([RED], GREEN, 3, [RED]),
        "the last draft is the picture": ([RED, GREEN], GREEN, 3, [RED]),
        "the last draft is the picture in another format": ([RED, ALIKE], GREEN, 3, [RED]),
        "no draft is the picture": ([RED, BLUE], GREEN, 3, [RED, BLUE]),
        "more drafts than were asked for": ([RED, BLUE, RED], GREEN, 1, [RED]),
        "drafts that nobody asked for": ([RED, BLUE], GREEN, 0, []),
    }

    @pytest.mark.parametrize("case", CASES)
    @pytest.mark.parametrize("together", [False, True], ids=["apart", "in one response"])
    def test_a_draft_is_shown_and_the_picture_comes_once(
        self, gemini: RunningServer, scripted: ScriptedUpstream, case: str, together: bool
    ) -> None:
        """Each draft but the one that is the picture, never more than were asked for, with words between them or not."""
        drafts, picture, wanted, shown = self.CASES[case]
        parts: list[dict[str, Any]] = []
        for draft in drafts:
            parts += [{"text": "I see.", "thought": True}, part(draft, thought=True)]
        parts += [part(picture), {"text": "Done."}]
        apart = [*(response(one) for one in parts), response({"text": ""}, **TOLD)]
        scripted.play(stream(response(*parts, **TOLD)) if together else stream(*apart))
        answer = edit(gemini, {"stream": "true", "partial_images": str(wanted)})
        assert answer.names == ["partial_image"] * len(shown) + ["completed"]
        assert [payload["b64_json"] for _, payload in answer.events] == [b64(image) for image in (*shown, picture)]
        indexes = [payload.get("partial_image_index") for _, payload in answer.events]
        assert indexes == [*range(len(shown)), None]

    @pytest.mark.parametrize("photo", ["astronaut.jpg", "chelsea.png", "coffee.jpg"])
    def test_a_picture_is_known_in_other_clothes(self, photos: Path, photo: str) -> None:
        """In another format, at another size, with its details spoilt; but not with a small thing changed in it."""
        picture = Image.open(photos / photo).convert("RGB")
        plain = _saved(picture, "PNG")
        half = picture.resize((picture.width // 2, picture.height // 2), Image.Resampling.LANCZOS)
        for other in (_saved(picture, "JPEG", quality=50), _saved(picture, "WEBP"), _saved(half, "JPEG", quality=75)):
            assert pixels.look_alike(plain, other)
            assert pixels.look_alike(other, plain)
        ImageDraw.Draw(picture).rectangle((50, 50, 70, 70), "red")
        assert not pixels.look_alike(plain, _saved(picture, "PNG"))
        assert not pixels.look_alike(plain, plain[:-100])

    def test_a_draft_that_cannot_be_decoded_is_no_reason_to_fail(
        self, gemini: RunningServer, scripted: ScriptedUpstream
    ) -> None:
        """It cannot be compared, so it is shown."""
        broken = RED[:-30]
        scripted.play(stream(response(part(broken, thought=True)), response(part(GREEN), **TOLD)))
        answer = edit(gemini, WATCHED)
        assert [payload["b64_json"] for _, payload in answer.events] == [b64(broken), b64(GREEN)]

    def test_a_draft_arrives_while_the_model_still_thinks(self, gemini: RunningServer, scripted: ScriptedUpstream) -> None:
        """The first one is with the client as soon as the second is there; the picture has not been sent by then."""
        go_on = threading.Event()
        told = [chunk(event(response(part(image, thought=True)))) for image in (RED, BLUE)]
        scripted.play([head(), *told, go_on, chunk(event(response(part(GREEN), **TOLD))), END])
        files = {"image": ("a.png", PHOTO, "image/png")}
        with httpx.stream("POST", gemini.edits_url, data={"prompt": "x", **WATCHED}, files=files, timeout=10) as answer:
            lines = answer.iter_lines()
            assert next(line for line in lines if line.startswith("event: ")) == "event: image_edit.partial_image"
            assert b64(RED) in next(line for line in lines if line.startswith("data: "))
            go_on.set()
            named = [line for line in lines if line.startswith("event: ")]
        assert named == ["event: image_edit.partial_image", "event: image_edit.completed"]

    def test_the_last_of_several_pictures_counts(self, gemini: RunningServer, scripted: ScriptedUpstream) -> None:
        """A model that makes two gives one edit all the same."""
        scripted.play(stream(response(part(RED)), response(part(GREEN), **TOLD)))
        [item] = edit(gemini).json["data"]
        assert item["b64_json"] == b64(GREEN)

    def test_large_pictures_pass_whole(self, gemini: RunningServer, scripted: ScriptedUpstream) -> None:
        """Lines of several megabytes, in one response and in several."""
        one, two = (_noise(side) for side in (1100, 1200))
        assert min(len(one), len(two)) > 3 << 20
        scripted.play(stream(response(part(one, thought=True)), response(part(two, thought=True), part(two), **TOLD)))
        answer = edit(gemini, WATCHED)
        assert [payload["b64_json"] for _, payload in answer.events] == [b64(one), b64(two)]
        assert answer.events[1][1]["size"] == "1200x1200"

    async def test_a_stream_cut_at_every_byte_is_the_same(self, scripted: ScriptedUpstream) -> None:
        """Wherever the network cuts it, and however often."""
        answers = [
            response({"text": "ö", "thought": True}, part(RED, thought=True)),
            response(part(GREEN, thought=True)),
            response({"inlineData": {"mimeType": "image/png", "data": b64(GREEN)}}, **TOLD),
        ]
        text = b"".join(map(event, answers))
        pieces = [[text[:cut], text[cut:]] for cut in range(1, len(text))]
        pieces.append([text[at : at + 1] for at in range(len(text))])
        scripted.play(*([head() + b"".join(map(chunk, cut)) + END] for cut in pieces))
        async with _provider(scripted) as run:
            for number in range(len(pieces)):
                events = await run()
                assert [_image(event_) for event_ in events] == [b64(RED), b64(GREEN)], number
                assert isinstance(events[0], PartialImage)
                assert _usage(events[1]).total_tokens == 1455


class TestAnswers:
    """What else comes back."""

    @pytest.mark.parametrize("reason", [reason.value for reason in types.FinishReason])
    def test_each_finish_reason_without_a_picture_is_an_error(
        self, gemini: RunningServer, scripted: ScriptedUpstream, reason: str
    ) -> None:
        """A judgement is a 400 with the provider's words; what is only a failure is a 502; both name the reason."""
        candidate = {"finishReason": reason, "finishMessage": "Try another prompt.", "index": 0}
        scripted.play(stream({"candidates": [candidate], "usageMetadata": USAGE}))
        answer = edit(gemini)
        assert reason in answer.error["message"]
        if reason in BLOCKS:
            assert (answer.status, answer.error["code"]) == (400, "moderation_blocked")
            assert "Try another prompt." in answer.error["message"]
        else:
            assert (answer.status, answer.error["code"]) == (502, "upstream_empty")

    @pytest.mark.parametrize("reason", [reason.value for reason in types.BlockedReason])
    def test_each_reason_to_block_the_prompt_is_an_error(
        self, gemini: RunningServer, scripted: ScriptedUpstream, reason: str
    ) -> None:
        """There are no candidates then."""
        scripted.play(stream({"promptFeedback": {"blockReason": reason, "blockReasonMessage": "Not this."}}))
        answer = edit(gemini)
        assert (answer.status, answer.error["code"]) == (400, "moderation_blocked")
        assert reason in answer.error["message"]
        assert "Not this." in answer.error["message"]

    def test_a_block_after_a_draft_ends_the_stream(self, gemini: RunningServer, scripted: ScriptedUpstream) -> None:
        """What was shown stays shown, and an error event is the last."""
        drafts = [response(part(image, thought=True)) for image in (RED, BLUE)]
        scripted.play(stream(*drafts, {"candidates": [{"finishReason": "IMAGE_SAFETY", "index": 0}]}))
        answer = edit(gemini, WATCHED)
        assert answer.names == ["partial_image", "error"]
        assert answer.error["code"] == "moderation_blocked"

    @pytest.mark.parametrize(
        ("told", "usage"),
        [
            (USAGE, Usage(270, 1185, 1455, 258, output_text_tokens=65)),
            ({"promptTokenCount": 9, "candidatesTokenCount": 1290}, Usage(9, 1290, 1299)),
            (
                {
                    "promptTokenCount": 300,
                    "toolUsePromptTokenCount": 20,
                    "cachedContentTokenCount": 200,
                    "cacheTokensDetails": [{"modality": "IMAGE", "tokenCount": 150}],
                    "candidatesTokensDetails": [
                        {"modality": "IMAGE", "tokenCount": 100},
                        {"modality": "TEXT", "tokenCount": 5},
                    ],
                    "candidatesTokenCount": 105,
                    "totalTokenCount": 425,
                },
                Usage(320, 105, 425, cached_tokens=200, cached_image_tokens=150, output_text_tokens=5),
            ),
            ({}, Usage()),
        ],
    )
    async def test_tokens_are_counted_by_modality(
        self, scripted: ScriptedUpstream, told: Mapping[str, Any], usage: Usage
    ) -> None:
        """Thoughts as text, the picture as image; of what was cached how much was of images."""
        scripted.play(stream(response(part(RED), finish="STOP", usageMetadata=told)))
        async with _provider(scripted) as run:
            [completed] = await run()
        assert _usage(completed) == usage

    @pytest.mark.parametrize("wrap", [lambda told: told, lambda told: [told]], ids=["object", "list"])
    def test_json_instead_of_a_stream_is_read(
        self, gemini: RunningServer, scripted: ScriptedUpstream, wrap: Callable[[Any], Any]
    ) -> None:
        """Gateways in between answer so."""
        scripted.play([json_answer(wrap(response(part(RED), **TOLD)))])
        assert edit(gemini).json["data"] == [{"b64_json": b64(RED)}]

    @pytest.mark.parametrize(
        ("script", "code"),
        [
            ([head(), chunk(event(response({"text": "hm"}))), END], "upstream_incomplete"),
            ([head(), END], "upstream_incomplete"),
            ([head(), chunk(event(response({"text": "hm"}))), Reset()], "upstream_broken"),
            ([head(), chunk(event(response({"text": "hm"}))), Close()], "upstream_broken"),
            ([head(), chunk(b"data: {nonsense\r\n\r\n"), END], "upstream_malformed"),
            ([head(), chunk(b"data: [[1]]\r\n\r\n"), END], "upstream_malformed"),
            ([json_answer("hm")], "upstream_malformed"),
            (stream(response(part(b"no picture" * 9), **TOLD)), "upstream_malformed"),
        ],
    )  # fmt: skip
    def test_a_broken_answer_is_told_apart(
        self, gemini: RunningServer, scripted: ScriptedUpstream, script: Script, code: str
    ) -> None:
        """It may have been paid, so nobody is told to try again."""
        scripted.play(script)
        answer = edit(gemini)
        assert (answer.status, answer.error["code"], answer.headers["x-should-retry"]) == (502, code, "false")

    def test_a_picture_is_given_though_the_connection_stays_open(
        self, gemini: RunningServer, scripted: ScriptedUpstream
    ) -> None:
        """Nothing that counts can follow its finish reason and its tokens."""
        scripted.play([head(), chunk(event(response(part(RED), **TOLD))), Hang()])
        assert edit(gemini).json["data"] == [{"b64_json": b64(RED)}]

    def test_a_mark_of_the_end_is_no_response(self, gemini: RunningServer, scripted: ScriptedUpstream) -> None:
        """Gateways that speak OpenAI's dialect elsewhere write one here too."""
        scripted.play([head(), chunk(event(response(part(RED)))), chunk(b"data: [DONE]\n\n"), END])
        assert edit(gemini).status == 200

    def test_leaving_ends_the_call(self, gemini: RunningServer, scripted: ScriptedUpstream) -> None:
        """An edit that is cancelled in the middle of its stream leaves nothing behind."""
        scripted.play([head(), chunk(event(response(part(RED, thought=True)))), Hang()])
        files = {"image": ("a.png", PHOTO, "image/png")}
        began = httpx.post(f"{gemini.edits_url}/async", data={"prompt": "x"}, files=files).json()
        assert scripted.came.acquire(timeout=10)
        assert httpx.post(f"{gemini.edits_url}/{began['id']}/cancel", timeout=10).json()["status"] == "cancelled"
        assert scripted.left.acquire(timeout=10)
        gemini.wait_for(lambda: gemini.left_behind() == (0, 0))


class TestErrors:
    """Google's error bodies."""

    @pytest.mark.parametrize(
        ("script", "status", "code"),
        [
            (error("400 Bad Request", "INVALID_ARGUMENT", "bad"), 400, "INVALID_ARGUMENT"),
            (error("400 Bad Request", "INVALID_ARGUMENT", "no key", info("API_KEY_INVALID")), 502, "upstream_unauthorized"),
            (error("403 Forbidden", "PERMISSION_DENIED", "denied", info("SERVICE_DISABLED")), 502, "upstream_unauthorized"),
            (error("404 Not Found", "NOT_FOUND", "models/x is not found"), 404, "model_not_found"),
            (error("429 Too Many Requests", "RESOURCE_EXHAUSTED", "quota"), 429, "rate_limit_exceeded"),
            (error("500 Internal Server Error", "INTERNAL", "oops"), 500, "INTERNAL"),
            (error("504 Gateway Timeout", "DEADLINE_EXCEEDED", "late"), 504, "DEADLINE_EXCEEDED"),
            ([json_answer({"error": {"code": 404, "message": "m"}}, "404 Not Found")], 404, "model_not_found"),
            ([head("text/html", "503 Service Unavailable") + chunk(b"<html>") + END], 503, None),
            (stream({"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}}), 503, "UNAVAILABLE"),
            (stream({"error": {"code": 429, "message": "quota", "status": "RESOURCE_EXHAUSTED"}}), 429, "rate_limit_exceeded"),
            (stream({"error": "what?"}), 502, None),
        ],
    )  # fmt: skip
    def test_each_is_told_as_what_it_is(
        self, gemini: RunningServer, scripted: ScriptedUpstream, script: Script, status: int, code: str | None
    ) -> None:
        """With its own status and word; what is about this server's account is a 502 that says no more."""
        scripted.play(script)
        answer = edit(gemini)
        assert (answer.status, answer.error["code"]) == (status, code), answer.body

    def test_an_error_in_a_stream_quotes_no_key(self, gemini: RunningServer, scripted: ScriptedUpstream) -> None:
        """Though it comes with a 200."""
        scripted.play(stream({"error": {"code": 400, "message": f"bad request of {KEY}", "status": "INVALID_ARGUMENT"}}))
        assert edit(gemini).error["message"] == "bad request of ***"

    def test_a_quota_in_a_stream_says_when_to_come_back(self, gemini: RunningServer, scripted: ScriptedUpstream) -> None:
        """In whole seconds."""
        details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.07s"}]
        scripted.play(stream({"error": {"code": 429, "message": "quota", "details": details}}))
        assert edit(gemini).headers["retry-after"] == "35"


class TestMask:
    """No model takes a mask."""

    def test_it_is_refused_where_nothing_is_configured(self, gemini: RunningServer, scripted: ScriptedUpstream) -> None:
        """By its name, before the provider is asked."""
        answer = edit(gemini, mask=_mask())
        assert (answer.status, answer.error["param"]) == (400, "mask")
        assert scripted.asked == []

    def test_outside_of_it_the_original_is_put_back(self, scripted: ScriptedUpstream) -> None:
        """In drafts and in the picture; inside is what the provider made, and it never sees the mask."""
        scripted.play(stream(*(response(part(image, thought=True)) for image in (RED, BLUE)), response(part(GREEN), **TOLD)))
        with _compositing(scripted) as server:
            answer = edit(server, {**WATCHED, "partial_images": "1"}, mask=_mask())
        assert answer.names == ["partial_image", "completed"]
        original = decoded(PHOTO).convert("RGB")
        for (_, payload), colour in zip(answer.events, ((200, 30, 30), (30, 160, 60)), strict=True):
            seen = decoded(payload["b64_json"]).convert("RGB")
            assert seen.size == original.size
            assert seen.getpixel((230, 130)) == colour
            assert seen.crop((0, 0, 200, 300)).tobytes() == original.crop((0, 0, 200, 300)).tobytes()
        assert len(body_of(scripted.asked[0])["contents"][0]["parts"]) == 2

    def test_one_that_does_not_fit_costs_nothing(self, scripted: ScriptedUpstream) -> None:
        """It is refused before the provider is asked."""
        with _compositing(scripted) as server:
            answer = edit(server, mask=GREEN)
        assert (answer.status, answer.error["param"]) == (400, "mask")
        assert scripted.asked == []


class TestConfiguration:
    """What an operator may say."""

    def test_the_key_is_found_in_the_environment(self) -> None:
        """Under both of its names, the first one first, and with it the models are there."""
        for environ in ({"GEMINI_API_KEY": "k"}, {"GOOGLE_API_KEY": "k"}, {"GEMINI_API_KEY": "k", "GOOGLE_API_KEY": "x"}):
            settings = from_environment(environ, {name: entry.setup for name, entry in CATALOGUE.items()})
            [target] = settings.routes.find("gemini/gemini-3-pro-image").targets
            assert (target.provider, target.model, target.api_key) == ("gemini", "gemini-3-pro-image", "k")
        assert SETUP.completed(Target("gemini", "m"), {"GEMINI_API_BASE": "http://x"}).api_base == "http://x"

    def test_an_unknown_use_of_masks_is_a_mistake(self) -> None:
        """There is one."""
        assert SETUP.mistake(Target("gemini", "m", params={"mask": "ignore"})) == "mask must be 'composite'"
        assert SETUP.mistake(Target("gemini", "m", params={"mask": "composite"})) is None

    def test_fields_of_the_configuration_are_defaults(self, scripted: ScriptedUpstream) -> None:
        """A caller's field goes over them."""
        params = {"temperature": 0.2, "imageConfig": {"imageSize": "2K"}, "seed": 1}
        with serving(settings_of(Target("gemini", MODEL, KEY, scripted.url, params))) as server:
            config = body_for(server, scripted, {"seed": "5"})["generationConfig"]
        assert (config["temperature"], config["imageConfig"], config["seed"]) == (0.2, {"imageSize": "2K"}, 5)

    @pytest.mark.parametrize(
        ("base", "path"),
        [
            ("", f"/v1/models/{MODEL}:{STREAM}"),
            ("/", f"/v1/models/{MODEL}:{STREAM}"),
            ("/models/other", f"/v1/models/other:{STREAM}"),
            ("/models/other:generateContent", "/v1/models/other:generateContent"),
        ],
    )
    def test_a_base_may_end_anywhere(self, scripted: ScriptedUpstream, base: str, path: str) -> None:
        """With its version, with a model, or with a method; the key is sent to all of them."""
        with serving(settings_of(Target("gemini", MODEL, KEY, scripted.url + base))) as server:
            body_for(server, scripted, {})
        assert (scripted.asked[0].path, scripted.asked[0].headers["x-goog-api-key"]) == (path, KEY)

    @pytest.mark.parametrize("model", ["../files", "x/../../y", "x:countTokens", "x?key=1", "a b", ".."])
    def test_a_model_is_no_path(self, scripted: ScriptedUpstream, model: str) -> None:
        """Where callers name the model they reach models only."""
        with serving(settings_of(Target("gemini", model, KEY, scripted.url))) as server:
            answer = edit(server)
        assert (answer.status, answer.error["code"]) == (404, "model_not_found")
        assert scripted.asked == []


BLOCKS = {
    "SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION", "ESCALATION", "MODEL_ARMOR",
}  # fmt: skip


@asynccontextmanager
async def _provider(scripted: ScriptedUpstream) -> AsyncIterator[Any]:
    """Runs edits on the provider itself."""
    image = InputImage(Upload(RED), "a.png", "image/png")
    request = EditRequest("x", (image,), stream=True, options=EditOptions(partial_images=3))
    upstream = Upstream(UpstreamLimits())

    async def run() -> list[Event]:
        provider = Gemini(Tools(upstream, lambda: 1_790_000_000))
        async with aclosing(provider.edit(request, Target("gemini", MODEL, KEY, scripted.url))) as events:
            return [event_ async for event_ in events]

    async with upstream.running():
        yield run


def _compositing(scripted: ScriptedUpstream) -> Any:
    return serving(settings_of(Target("gemini", MODEL, KEY, scripted.url, {"mask": "composite"})))


def _image(event_: Event) -> str:
    assert not isinstance(event_, Failed)
    text: str = json.loads(b"".join(event_.payload.content.pieces))["b64_json"]
    return text


def _usage(event_: Event) -> Usage:
    assert isinstance(event_, Completed)
    return Usage.of(event_.payload)


def _turned(pair: str, between: str) -> str:
    return between.join(reversed(pair.split(between)))


def _noise(side_px: int) -> bytes:
    """A picture that cannot be compressed."""
    buffer = BytesIO()
    Image.effect_noise((side_px, side_px), 90).convert("RGB").save(buffer, "PNG", compress_level=0)
    return buffer.getvalue()


def _saved(picture: Image.Image, image_format: str, **options: int) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, image_format, **options)
    return buffer.getvalue()


def _mask() -> bytes:
    mask = Image.new("RGBA", (451, 300), (0, 0, 0, 255))
    ImageDraw.Draw(mask).rectangle((200, 100, 259, 159), (0, 0, 0, 0))
    buffer = BytesIO()
    mask.save(buffer, "PNG")
    return buffer.getvalue()
