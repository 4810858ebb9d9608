"""Eden AI's `POST /v3/images/edits`: what the schema of its API reference promises to those who ask and to those who read."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
import upstreams
from clients import PNG, Answer, get, post, post_json
from descriptors import temporary_files
from servers import RunningServer, serving, settings_of
from upstreams import END, ScriptedUpstream, answer, chunk, completed, head, json_answer, partial, raw

from streamedit.targets import Target

MODEL = "openai/gpt-image-2"
URL = "data:image/png;base64," + base64.b64encode(PNG).decode()
COST = 0.00187
"""Dollars for 10 text and 40 image tokens in and 50 out, at 5, 8 and 30 micro-dollars."""

PNG_FILE = ("a.png", PNG, "image/png")


@pytest.fixture
def eden(scripted: ScriptedUpstream) -> Iterator[RunningServer]:
    """A server with OpenAI's model, by OpenAI's name for it, and another that nobody knows the price of."""
    scripted.play([answer(completed())])
    known, unknown = (Target("openai", model, "sk-upstream", scripted.url) for model in ("gpt-image-2", "unheard-of"))
    with serving(settings_of(known, unknown)) as running:
        yield running


def ask(server: RunningServer, **body: Any) -> Answer:
    """The JSON form; None leaves a field out."""
    fields = {"model": MODEL, "prompt": "p", "images": [{"image_url": URL}], **body}
    return post_json(f"{server.url}/v3/images/edits", {name: value for name, value in fields.items() if value is not None})


def post_form(server: RunningServer, **fields: str) -> Answer:
    """The multipart form."""
    return post(f"{server.url}/v3/images/edits", {"model": MODEL, **fields})


class TestAnswer:
    """`ImageResponse`."""

    def test_an_answer_tells_cost_and_provider(self, eden: RunningServer) -> None:
        """Dollars as a number, and the provider's name, beside `created`, `data` and `usage`."""
        told = ask(eden).json
        assert (told["cost"], told["provider"], told["created"]) == (COST, "openai", completed()["created_at"])
        assert told["data"] == [{"b64_json": upstreams.IMAGE}]
        assert told["usage"] == upstreams.USAGE

    def test_a_cost_that_nobody_knows_is_null(self, eden: RunningServer) -> None:
        """Not nothing, and not left out; no header tells it."""
        answered = ask(eden, model="openai/unheard-of")
        assert (answered.json["cost"], answered.json["provider"]) == (None, "openai")
        assert "x-streamedit-cost" not in answered.headers

    def test_several_images_cost_what_they_cost_together(self, eden: RunningServer, scripted: ScriptedUpstream) -> None:
        """One call made both, or each was made by one."""
        image = {"b64_json": upstreams.IMAGE}
        scripted.play([json_answer({"created": 1, "data": [image, image], "usage": upstreams.USAGE})])
        answered = ask(eden, n=2)
        assert (len(answered.json["data"]), answered.json["cost"]) == (2, COST)
        assert (answered.headers["x-streamedit-cost"], answered.headers["x-streamedit-attempts"]) == ("0.00187", "1")

    def test_each_completed_event_tells_its_own(self, eden: RunningServer, scripted: ScriptedUpstream) -> None:
        """Of two images that are streamed side by side."""
        scripted.play([answer(partial(), completed())])
        events = post_form(eden, n="2", stream="true", partial_images="1").events
        told = [("cost" in payload, payload.get("cost"), payload.get("provider")) for _, payload in events]
        assert sorted(told, key=str) == [(False, None, None)] * 2 + [(True, COST, "openai")] * 2

    @pytest.mark.parametrize("tail", [b"", b" ", b"   "])
    def test_the_events_own_bytes_are_untouched(self, eden: RunningServer, scripted: ScriptedUpstream, tail: bytes) -> None:
        """The fields stand behind what the provider has written, which is not written again: the image, spaces, escapes."""
        payload = raw(completed("QUJD" * 200_000))[:-1] + rb', "note" : "\u00e9\/"}'
        scripted.play([head() + chunk(b"event: image_edit.completed\ndata: " + payload + tail + b"\n\n") + END])
        (sent,) = post_form(eden, stream="true").frames
        data = sent.split(b"\ndata: ")[1]
        assert data == payload[:-1] + b',"cost":0.00187,"provider":"openai"}'
        assert json.loads(data)["note"] == "é/"

    def test_a_provider_that_does_not_stream_tells_it_too(self, eden: RunningServer, scripted: ScriptedUpstream) -> None:
        """An answer that was JSON is a stream's completed event."""
        body = {"created": 1, "data": [{"b64_json": upstreams.IMAGE}], "usage": upstreams.USAGE}
        scripted.play([json_answer(body)])
        ((name, payload),) = post_form(eden, stream="true").events
        assert (name, payload["cost"], payload["provider"]) == ("image_edit.completed", COST, "openai")

    def test_an_answer_that_is_repeated_tells_the_same(self, eden: RunningServer) -> None:
        """The edit of an Idempotency-Key, plain and streamed."""
        headers = {"idempotency-key": "k"}
        first, plain, streamed = (
            post(f"{eden.url}/v3/images/edits", {"model": MODEL, **fields}, headers=headers)
            for fields in ({}, {}, {"stream": "true"})
        )
        assert plain.headers["idempotent-replayed"] == streamed.headers["idempotent-replayed"] == "true"
        assert first.body == plain.body
        assert streamed.events[0][1]["cost"] == first.json["cost"] == COST
        names = ("model", "provider", "attempts", "fallbacks", "cost", "overhead-ms")
        told = [[answered.headers[f"x-streamedit-{name}"] for name in names] for answered in (first, plain, streamed)]
        assert told[0] == told[1] == told[2]

    @pytest.mark.parametrize("path", ["/v1/images/edits", "/images/edits", "/openai/deployments/gpt-image-2/images/edits"])
    def test_other_routes_are_openais(self, eden: RunningServer, path: str) -> None:
        """Plain or streamed, there is neither field: the strict clients of OpenAI's know none."""
        plain, streamed = (post(eden.url + path, {"model": "gpt-image-2", **how}) for how in ({}, {"stream": "true"}))
        assert not {"cost", "provider"} & (set(plain.json) | set(streamed.events[0][1]))
        assert plain.headers["x-streamedit-cost"] == "0.00187"

    def test_an_edit_that_is_looked_at_later_is_like_any_other(self, eden: RunningServer) -> None:
        """Eden AI has none: the object's result and the view's events are OpenAI's, and the object's header tells the cost."""
        posted = post(f"{eden.url}/v3/images/edits/async", {"model": MODEL})
        eden.wait_until_idle()
        shown = get(f"{eden.url}{posted.headers['location']}")
        assert shown.json["status"] == "completed"
        assert not {"cost", "provider"} & set(shown.json["result"])
        assert (shown.headers["x-streamedit-cost"], shown.headers["x-streamedit-provider"]) == ("0.00187", "openai")
        ((_, _, data),) = get(eden.url + shown.json["events_url"]).viewed
        assert not {"cost", "provider"} & set(json.loads(data))


class TestRequest:
    """`ImageEditJsonBody`, and the same fields in a form."""

    def test_provider_and_model_are_one_name(self, eden: RunningServer, scripted: ScriptedUpstream) -> None:
        """`openai/gpt-image-2` is the configured model of that provider; a provider that has none is a 404."""
        assert ask(eden).status == 200
        assert scripted.asked[0].field("model") == "gpt-image-2"
        refused = ask(eden, model="google/gpt-image-2")
        assert (refused.status, refused.error["param"], refused.error["code"]) == (404, "model", "model_not_found")

    @pytest.mark.parametrize("path", ["/v3/images/edits", "/v3/images/edits/async"])
    def test_a_model_is_required(self, eden: RunningServer, scripted: ScriptedUpstream, path: str) -> None:
        """400 that names it, though the server has a default model; nothing is left behind."""
        before = temporary_files()
        answers = [
            post_json(eden.url + path, {"prompt": "p", "images": [{"image_url": URL}]}),
            post(eden.url + path, {"prompt": "p"}, [("image", ("a.png", PNG * 20_000, "image/png"))]),
        ]
        for refused in answers:
            told = (refused.status, refused.error["param"], refused.error["code"])
            assert told == (400, "model", "missing_required_parameter")
        assert (scripted.asked, eden.left_behind(), temporary_files()) == ([], (0, 0), before)

    def test_a_prompt_is_required_and_bounded(self, eden: RunningServer) -> None:
        """1 to 32,000 characters."""
        assert ask(eden, prompt="x" * 32_000).status == 200
        for prompt in (None, "", "x" * 32_001):
            refused = ask(eden, prompt=prompt)
            assert (refused.status, refused.error["param"]) == (400, "prompt")

    @pytest.mark.parametrize("count", [1, 16])
    def test_one_to_sixteen_images_arrive_in_their_order(
        self, eden: RunningServer, scripted: ScriptedUpstream, count: int
    ) -> None:
        """The first is the canvas, the others are its references."""
        urls = ["data:image/png;base64," + base64.b64encode(PNG + bytes([number])).decode() for number in range(count)]
        assert ask(eden, images=[{"image_url": url, "file_id": None} for url in urls]).status == 200
        assert [content for *_, content in scripted.asked[0].files] == [PNG + bytes([number]) for number in range(count)]

    @pytest.mark.parametrize(
        ("images", "param"),
        [
            (None, "images"),
            ([], "images"),
            ([{"image_url": URL}] * 17, "images"),
            ([{}], "images[0]"),
            ([{"image_url": URL, "file_id": "f"}], "images[0]"),
            ([{"image_url": URL, "detail": "high"}], "images[0].detail"),
        ],
    )
    def test_images_are_references_and_nothing_else(self, eden: RunningServer, images: object, param: str) -> None:
        """Exactly one of `image_url` and `file_id` each, no other member, one image at least, sixteen at most."""
        refused = ask(eden, images=images)
        assert (refused.status, refused.error["param"]) == (400, param)

    def test_a_mask_is_a_reference_like_an_image(self, eden: RunningServer, scripted: ScriptedUpstream) -> None:
        """It goes to the provider as it is; anything more in it is refused."""
        assert ask(eden, mask={"image_url": URL}).status == 200
        assert [name for name, *_ in scripted.asked[0].files] == ["image", "mask"]
        assert ask(eden, mask={"image_url": URL, "x": 1}).error["param"] == "mask.x"

    def test_n_is_one_to_ten(self, eden: RunningServer) -> None:
        """Beyond that it is a 400."""
        assert [ask(eden, n=n).status for n in (1, 0, 11)] == [200, 400, 400]

    @pytest.mark.parametrize("size", ["auto", "1024x1024", "16:9", "anything"])
    def test_the_size_is_the_providers_to_judge(self, eden: RunningServer, scripted: ScriptedUpstream, size: str) -> None:
        """Any text goes on as it is."""
        assert ask(eden, size=size).status == 200
        assert scripted.asked[0].field("size") == size

    def test_the_user_and_further_fields_go_on(self, eden: RunningServer, scripted: ScriptedUpstream) -> None:
        """The end user's id, and whatever else the body has."""
        assert ask(eden, user="u-1", background="opaque", style={"name": "ink"}).status == 200
        asked = scripted.asked[0]
        assert [asked.field(name) for name in ("user", "background", "style[name]")] == ["u-1", "opaque", "ink"]

    def test_what_may_be_null_may_be_null(self, eden: RunningServer, scripted: ScriptedUpstream) -> None:
        """`n`, `size`, `user`, `metadata`, `extra_headers`, `mask` are as if they were not there."""
        nulls = dict.fromkeys(("n", "size", "user", "metadata", "extra_headers", "mask"))
        body = {"model": MODEL, "prompt": "p", "images": [{"image_url": URL}], **nulls}
        assert post_json(f"{eden.url}/v3/images/edits", body).status == 200
        assert not {name for name, _ in scripted.asked[0].fields} & set(nulls)

    def test_metadata_is_the_callers_own(self, eden: RunningServer, scripted: ScriptedUpstream) -> None:
        """Any object; no provider hears of it."""
        assert ask(eden, metadata={"order": 7, "tags": ["eu"], "deep": {"a": [1]}}).status == 200
        assert post_form(eden, metadata='{"order": 7}').status == 200
        told = b"".join(asked.body for asked in scripted.asked)
        assert b"metadata" not in told
        assert b"order" not in told

    def test_extra_headers_reach_the_provider(self, eden: RunningServer, scripted: ScriptedUpstream) -> None:
        """In JSON and in a form, as headers, and not as fields."""
        assert ask(eden, extra_headers={"X-Beta-Feature": "on"}).status == 200
        assert post_form(eden, extra_headers='{"X-Beta-Feature": "on"}').status == 200
        assert [asked.headers["x-beta-feature"] for asked in scripted.asked] == ["on", "on"]
        assert not any(b"extra_headers" in asked.body for asked in scripted.asked)

    @pytest.mark.parametrize("name", ["Authorization", "x-api-key", "api-key", "Cookie", "Host", "Content-Length"])
    def test_credential_headers_are_rejected(self, eden: RunningServer, scripted: ScriptedUpstream, name: str) -> None:
        """A 400 that names the header and repeats no value; nobody is asked."""
        for refused in (ask(eden, extra_headers={name: "canary"}), post_form(eden, **{f"extra_headers[{name}]": "canary"})):
            assert (refused.status, refused.error["param"]) == (400, "extra_headers")
            assert name.lower() in refused.error["message"]
            assert "canary" not in refused.error["message"]
        assert "canary" not in eden.log_text
        assert scripted.asked == []

    def test_a_form_takes_files(self, eden: RunningServer, scripted: ScriptedUpstream) -> None:
        """`image[]`, as OpenAI's SDK sends them, a `mask`, and text fields."""
        files = [("image[]", PNG_FILE), ("image[]", PNG_FILE), ("mask", PNG_FILE)]
        assert post(f"{eden.url}/v3/images/edits", {"model": MODEL, "n": "1"}, files).json["cost"] == COST
        assert [name for name, *_ in scripted.asked[0].files] == ["image[]", "image[]", "mask"]

    def test_another_content_type_is_refused(self, eden: RunningServer) -> None:
        """The content type decides between the two: 415 for any other."""
        refused = post(f"{eden.url}/v3/images/edits", {}, [], {"content-type": "text/plain"})
        assert refused.status == 415
