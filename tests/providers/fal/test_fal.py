"""fal: which app an edit comes to, with which fields, and its three ways there: directly, by the queue, as a stream."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from io import BytesIO
from typing import Any

import httpx
import pytest
from clients import Answer, post
from PIL import Image, ImageDraw
from providers.fakes import KEY, b64, body_of, decoded, of_data_url, png
from providers.fakes.fal import (
    App,
    Depth,
    Fill,
    Flux2,
    Flux2Pro,
    GPTImage,
    GPTImageStream,
    Kontext,
    NanoBananaPro,
    Unknown,
    stream,
)  # fmt: skip
from servers import RunningServer, serving, settings_of
from upstreams import END, Asked, Reset, Script, ScriptedUpstream, chunk, head, json_answer

from streamedit.errors import UpstreamBroken
from streamedit.providers.addresses import own_address
from streamedit.providers.fal.answers import API_HOSTS, MEDIA_HOSTS, explain
from streamedit.providers.fal.apps import name_of
from streamedit.providers.fal.fal import SETUP
from streamedit.providers.fal.request import base_of
from streamedit.targets import Target

STREAM = {"stream": "true", "partial_images": "2"}
PHOTO = png((9, 99, 199), (120, 80))


def mask() -> bytes:
    """Half transparent on the left, opaque on the right."""
    picture = Image.new("RGBA", (120, 80), (0, 0, 0, 255))
    ImageDraw.Draw(picture).rectangle((0, 0, 59, 79), (0, 0, 0, 55))
    buffer = BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def target_of(fake: App, scripted: ScriptedUpstream, **params: object) -> Target:
    """The fake's target, at the scripted upstream."""
    fake.url = scripted.url
    model = fake.name.partition("/")[2]
    return Target("fal_ai", model, KEY, scripted.url, {**fake.params, **params})


def edit(
    fake: App,
    scripted: ScriptedUpstream,
    fields: Mapping[str, str] | None = None,
    files: Sequence[tuple[str, bytes]] = (),
    **params: object,
) -> Answer:
    """One edit of a photo by the fake."""
    target = target_of(fake, scripted, **params)
    scripted.serve(fake.answer)
    parts = [("image", ("photo.png", PHOTO, "image/png")), *((name, (name, data, "image/png")) for name, data in files)]
    with serving(settings_of(target, silence_s=3)) as server:
        return post(server.edits_url, fields, parts)


def played(fake: App, scripted: ScriptedUpstream, script: Script, fields: Mapping[str, str], **params: object) -> Answer:
    """One edit that is answered with a script."""
    target = target_of(fake, scripted, **params)
    scripted.play(script)
    with serving(settings_of(target, silence_s=3)) as server:
        return post(server.edits_url, fields, [("image", ("photo.png", PHOTO, "image/png"))])


def told(answer: Answer, scripted: ScriptedUpstream) -> dict[str, Any]:
    """The body of the one call that made the answer, without its images."""
    assert answer.status == 200, answer.body
    [asked] = [asked for asked in scripted.asked if asked.method == "POST"]
    body = body_of(asked)
    images = body.pop("image_urls", None) or [body.pop("image_url")]
    assert of_data_url(images[0]) == PHOTO
    return body


@pytest.mark.parametrize(
    ("model", "app"),
    [
        ("openai/gpt-image-2", "openai/gpt-image-2/edit"),
        ("gpt-image-2", "openai/gpt-image-2/edit"),
        ("openai/gpt-image-2/edit", "openai/gpt-image-2/edit"),
        ("openai/gpt-image-2.5/flare", "openai/gpt-image-2.5/flare/edit"),
        ("fal-ai/flux-2-pro", "fal-ai/flux-2-pro/edit"),
        ("fal-ai/flux-2", "fal-ai/flux-2/edit"),
        ("fal-ai/flux-2/lora/edit", "fal-ai/flux-2/lora/edit"),
        ("fal-ai/nano-banana", "fal-ai/nano-banana/edit"),
        ("fal-ai/flux-lora-depth", "fal-ai/flux-lora-depth"),
        ("fal-ai/flux-pro/kontext", "fal-ai/flux-pro/kontext"),
        ("acme/make-it-shine", "acme/make-it-shine"),
    ],
)
def test_the_app_that_edits_is_the_one_that_is_asked(model: str, app: str) -> None:
    """A family's name alone is the app that draws, which would take no notice of the images."""
    assert name_of(model) == app


@pytest.mark.parametrize(
    "name", ["acme/shine/../../evil", "../evil", "acme/.", "acme/shine?x=1", "acme/shine#x", "acme/%2e%2e/x"]
)
def test_no_name_leads_elsewhere(name: str, scripted: ScriptedUpstream) -> None:
    """Where callers choose it, it is one app, the one that their key is for: nothing that an address would make another of."""
    with serving(settings_of(replace(target_of(Unknown(), scripted), model=name))) as server:
        refused = post(server.edits_url)
    assert (refused.status, refused.error["code"], scripted.asked) == (404, "model_not_found", [])


def test_gpt_image_takes_what_openai_takes(scripted: ScriptedUpstream) -> None:
    """Under fal's names; what the caller did not say is not said."""
    assert told(edit(GPTImage(), scripted), scripted) == {"prompt": "sepia", "sync_mode": True}
    fields = {"n": "2", "size": "1024x768", "quality": "low", "background": "transparent", "output_format": "webp"}
    assert told(edit(GPTImage(), scripted, {**fields, "seed": "4"}), scripted) == {
        "prompt": "sepia",
        "sync_mode": True,
        "num_images": 2,
        "image_size": {"width": 1024, "height": 768},
        "quality": "low",
        "background": "transparent",
        "output_format": "webp",
        "seed": 4,
    }


@pytest.mark.parametrize(("quality", "sent"), [("hd", "high"), ("standard", "medium"), ("auto", "auto")])
def test_qualities_have_their_old_names_too(quality: str, sent: str, scripted: ScriptedUpstream) -> None:
    """Those of DALL-E, as LiteLLM has it."""
    assert told(edit(GPTImage(), scripted, {"quality": quality}), scripted)["quality"] == sent


def test_gpt_images_mask_says_it_twice(scripted: ScriptedUpstream) -> None:
    """Transparent and white, level by level, where to edit: whichever of them is read, it is the caller's."""
    sent = decoded(of_data_url(told(edit(GPTImage(), scripted, files=[("mask", mask())]), scripted)["mask_url"]))
    assert (sent.getpixel((5, 5)), sent.getpixel((100, 5))) == ((200, 200, 200, 55), (0, 0, 0, 255))


def test_apps_that_fill_have_white_masks(scripted: ScriptedUpstream) -> None:
    """White where to edit, in one channel."""
    sent = decoded(of_data_url(told(edit(Fill(), scripted, files=[("mask", mask())]), scripted)["mask_url"]))
    assert (sent.mode, sent.getpixel((5, 5)), sent.getpixel((100, 5))) == ("L", 200, 0)


def test_apps_that_fill_need_a_mask(scripted: ScriptedUpstream) -> None:
    """A 400 before fal is asked."""
    answer = edit(Fill(), scripted)
    assert (answer.status, answer.error["param"], answer.error["code"]) == (400, "mask", "missing_required_parameter")
    assert scripted.asked == []


@pytest.mark.parametrize(
    ("size", "ratio", "resolution"),
    [
        ("1024x1024", "1:1", "1K"),
        ("1536x1024", "3:2", "1K"),
        ("512x640", "4:5", "1K"),
        ("1920x1080", "16:9", "1K"),
        ("2048x2048", "1:1", "2K"),
        ("2304x4096", "9:16", "4K"),
    ],
)
def test_a_size_is_a_ratio_and_a_tier(size: str, ratio: str, resolution: str, scripted: ScriptedUpstream) -> None:
    """The nearest shape, and the class of its number of pixels."""
    fake = NanoBananaPro()
    body = told(edit(fake, scripted, {"size": size}), scripted)
    assert (body["aspect_ratio"], body["resolution"]) == (ratio, resolution)


def test_an_apps_own_fields_are_typed(scripted: ScriptedUpstream) -> None:
    """From the request, before it from the configuration; an own field is stronger than what it is made of."""
    fields = {"seed": "5", "guidance_scale": "2.5", "enhance_prompt": "true", "size": "1024x1024", "aspect_ratio": "21:9"}
    assert told(edit(Kontext(), scripted, fields, safety_tolerance=2, seed=1), scripted) == {
        "prompt": "sepia",
        "sync_mode": True,
        "seed": 5,
        "guidance_scale": 2.5,
        "enhance_prompt": True,
        "aspect_ratio": "21:9",
        "safety_tolerance": "2",
    }


def test_unknown_apps_get_what_the_caller_says(scripted: ScriptedUpstream) -> None:
    """What reads as JSON is what it says, the rest is text, and a file is a data URL."""
    fields = {"shine": "0.25", "mode": '"7"', "size": "640x480"}
    body = told(edit(Unknown(), scripted, fields), scripted)
    assert body == {
        "prompt": "sepia",
        "sync_mode": True,
        "shine": 0.25,
        "mode": "7",
        "image_size": {"width": 640, "height": 480},
    }


@pytest.mark.parametrize("name", ["num_images", "image_url", "image_urls", "mask_url"])
def test_unknown_apps_are_told_once_what_to_edit(name: str, scripted: ScriptedUpstream) -> None:
    """One image a call is what limits and budgets have counted; the pictures are those that were looked at."""
    refused = edit(Unknown(), scripted, {name: "4"})
    assert (refused.status, refused.error["param"], scripted.asked) == (400, name, [])


def test_files_of_unknown_apps_travel_under_their_names(scripted: ScriptedUpstream) -> None:
    """A second picture of such an app is a field of its own."""
    target = target_of(Unknown(), scripted)
    scripted.play([json_answer({"image": {"url": f"data:image/png;base64,{b64(PHOTO)}"}})])
    parts = [(name, ("photo.png", PHOTO, "image/png")) for name in ("image", "control_image_url")]
    with serving(settings_of(target)) as server:
        assert post(server.edits_url, {}, parts).status == 200
    assert of_data_url(body_of(scripted.asked[0])["control_image_url"]) == PHOTO


@pytest.mark.parametrize(
    ("fake", "fields", "asked"),
    [
        (Flux2Pro, {"output_format": "webp"}, "png"),
        (Flux2Pro, {"output_format": "jpeg"}, "jpeg"),
        (GPTImage, {"output_format": "jpeg", "output_compression": "10"}, "png"),
    ],
)
def test_what_an_app_does_not_make_is_made_of_a_png(
    fake: type[App], fields: dict[str, str], asked: str, scripted: ScriptedUpstream
) -> None:
    """Nothing is lost twice, and a compression is never forgotten."""
    answer = edit(fake(), scripted, fields)
    assert told(answer, scripted)["output_format"] == asked
    assert decoded(answer.json["data"][0]["b64_json"]).format == fields["output_format"].upper()


def test_one_picture_a_call_has_a_seed_of_its_own(scripted: ScriptedUpstream) -> None:
    """Where an app makes one picture a call, n calls with one seed make n pictures."""
    assert edit(Flux2Pro(), scripted, {"n": "3", "seed": "40"}).status == 200
    assert sorted(body_of(asked)["seed"] for asked in scripted.asked) == [40, 41, 42]


def test_more_images_than_an_app_takes_are_refused(scripted: ScriptedUpstream) -> None:
    """Flux 2 takes four."""
    answer = edit(Flux2(), scripted, files=[("image", PHOTO)] * 4)
    assert (answer.status, answer.error["code"]) == (400, "too_many_images")


@pytest.mark.parametrize(("params", "header"), [({"store_io": False}, "0"), ({"store_io": True}, None), ({}, None)])
def test_fal_is_told_not_to_keep_what_it_sees(params: dict[str, Any], header: str | None, scripted: ScriptedUpstream) -> None:
    """With `store_io: false`."""
    edit(GPTImage(), scripted, **params)
    assert scripted.asked[0].headers.get("x-fal-store-io") == header


@pytest.mark.parametrize("variable", ["FAL_AI_API_KEY", "FAL_KEY", "FAL_API_KEY"])
def test_the_key_may_have_any_of_its_names(variable: str) -> None:
    """LiteLLM's, fal's own, and the one that many use."""
    target = SETUP.completed(Target("fal_ai", "a/b"), {variable: "k", "FAL_AI_API_BASE": "https://proxy.example"})
    assert (target.api_key, target.api_base) == ("k", "https://proxy.example")


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (Target("fal_ai", "flux"), "must be an app"),
        (Target("fal_ai", "a/b", params={"poll_s": "often"}), "poll_s"),
        (Target("fal_ai", "gpt-image-2", params={"poll_s": 2}), None),
    ],
)
def test_mistakes_of_a_configuration(target: Target, said: str | None) -> None:
    """They are told when the server starts."""
    mistake = SETUP.mistake(target)
    assert (said is None and mistake is None) or (said is not None and mistake is not None and said in mistake)


def test_a_job_in_the_queue_is_looked_after(scripted: ScriptedUpstream) -> None:
    """Submitted once, looked at until it is done, its answer fetched and its picture downloaded, without the key."""
    fake = Depth()
    answer = edit(fake, scripted, {"size": "512x512"})
    assert told(answer, scripted) == {
        "prompt": "sepia",
        "sync_mode": False,
        "image_size": {"width": 512, "height": 512},
    }
    roads = [(asked.method, asked.path.removeprefix("/v1/fal-ai/flux-lora-depth")) for asked in scripted.asked]
    look = ("GET", "/requests/0/status")
    assert roads == [("POST", ""), look, look, look, ("GET", "/requests/0"), ("GET", "/v1/files/0.png")]
    assert fake.cancelled == []


def test_a_job_that_is_not_wanted_is_cancelled(scripted: ScriptedUpstream) -> None:
    """The queue hears of it while the job still waits."""
    fake = Depth()
    fake.looks_needed = 10**9
    target = target_of(fake, scripted)
    scripted.serve(fake.answer)
    with serving(settings_of(target)) as server:
        began = begun(server)
        server.wait_for(lambda: bool(fake.looks) and fake.looks[0] > 1)
        assert httpx.post(f"{server.edits_url}/{began}/cancel", timeout=10).json()["status"] == "cancelled"
        server.wait_for(lambda: server.left_behind() == (0, 0))
    assert fake.cancelled == ["0"]


def begun(server: RunningServer) -> str:
    """The id of an edit that runs on its own."""
    files = {"image": ("photo.png", PHOTO, "image/png")}
    edit_id: str = httpx.post(f"{server.edits_url}/async", data={"prompt": "x"}, files=files).json()["id"]
    return edit_id


def test_a_job_that_fails_may_have_been_paid(scripted: ScriptedUpstream) -> None:
    """What was wrong is told under the caller's own name for it, and nobody is asked to try again."""

    class FailingJob(Depth):
        def ok(self, asked: Asked) -> Script:
            return self.submitted(self.refused(asked))

    answer = edit(FailingJob(), scripted)
    assert (answer.status, answer.error["param"], answer.error["code"]) == (400, "image", "image_load_error")
    assert answer.headers["x-should-retry"] == "false"


@pytest.mark.parametrize("status", [{"status": "LOST"}, {}, []])
def test_a_status_that_is_none_ends_it(status: object, scripted: ScriptedUpstream) -> None:
    """It is not looked at for ever, and the job is cancelled."""

    class LostJob(Depth):
        def status(self, _: int) -> bytes:
            return json_answer(status)

    fake = LostJob()
    answer = edit(fake, scripted)
    assert (answer.status, answer.error["code"], fake.cancelled) == (502, "upstream_malformed", ["0"])


@pytest.mark.parametrize("name", ["status_url", "response_url", "cancel_url"])
@pytest.mark.parametrize("url", ["https://evil.example/x", "https://fal.run.evil.example/x", "http://queue.fal.run/x", None, 7])
def test_the_key_goes_nowhere_else(name: str, url: object, scripted: ScriptedUpstream) -> None:
    """A queue's address that is not fal's is not followed."""
    base = f"{scripted.url}/requests/1"
    urls = {"status_url": base, "response_url": base, "cancel_url": base, name: url}
    answer = played(Depth(), scripted, [json_answer({"request_id": "1", **urls})], {})
    assert (answer.status, answer.error["code"]) == (502, "upstream_malformed")
    assert len(scripted.asked) == 1


def test_a_picture_elsewhere_is_not_fetched(scripted: ScriptedUpstream) -> None:
    """Only what is at fal is downloaded."""
    answer = played(GPTImage(), scripted, [json_answer({"images": [{"url": "http://127.0.0.1:1/x.png"}]})], {})
    assert (answer.status, answer.error["code"]) == (502, "upstream_malformed")
    assert "own" in answer.error["message"]


@pytest.mark.parametrize("url", ["https://v3b.fal.media/files/a.png", "https://fal.media/a", "https://storage.fal.ai/a"])
def test_fals_own_addresses(url: str) -> None:
    """Pictures are on fal's media hosts; the key goes to the API's alone."""
    assert own_address(url, MEDIA_HOSTS, None) == url
    with pytest.raises(UpstreamBroken):
        own_address(url, API_HOSTS, None)
    assert own_address("https://queue.fal.run/a", API_HOSTS, None)


def partial_event(index: int, **fields: Any) -> bytes:
    """OpenAI's own event, as fal hands it on."""
    picture = b64(png((index, 0, 0)))
    return json.dumps(
        {"type": "image_edit.partial_image", "partial_image_index": index, "b64_json": picture, **fields}
    ).encode()


def result_event(red: int, **fields: Any) -> bytes:
    """An app's answer as it is so far."""
    return json.dumps({"images": [{"url": f"data:image/png;base64,{b64(png((red, 0, 0)))}"}], **fields}).encode()


def last_event(red: int) -> bytes:
    """An event that says that it is the last."""
    return json.dumps({"type": "image.completed", "image": {"b64_json": b64(png((red, 0, 0)))}}).encode()


def reds(answer: Answer) -> list[tuple[str, Any]]:
    """The kind and the colour of each picture of a stream."""
    colours = [decoded(payload["b64_json"]).getpixel((0, 0)) for _, payload in answer.events]
    return [(name, colour[0]) for name, colour in zip(answer.names, colours, strict=True) if isinstance(colour, tuple)]


STREAMS = {
    "told": [partial_event(1), partial_event(2), last_event(9)],
    "untold": [result_event(1), result_event(2), result_event(9)],
    "told at the end": [result_event(1), result_event(2), result_event(9, type="completed")],
    "more than wanted": [partial_event(1), partial_event(2), partial_event(3), result_event(9)],
    "with what has no picture": [
        b'{"status":"IN_PROGRESS"}',
        result_event(1),
        b"{}",
        result_event(2),
        last_event(9),
        b"[DONE]",
    ],
}


@pytest.mark.parametrize("form", STREAMS)
@pytest.mark.parametrize("split", [False, True], ids=["whole", "split at every byte"])
def test_every_form_of_a_stream_gives_the_same_events(form: str, split: bool, scripted: ScriptedUpstream) -> None:
    """Two interim pictures in order and the last one, whichever way the app tells them apart and the network cuts them."""
    [whole] = stream(*STREAMS[form])
    assert isinstance(whole, bytes)
    data = b"".join(b"data: " + event + b"\n\n" for event in STREAMS[form])
    script: Script = [head() + b"".join(chunk(bytes([byte])) for byte in data) + END] if split else [whole]
    answer = played(GPTImageStream(), scripted, script, STREAM)
    assert reds(answer) == [("partial_image", 1), ("partial_image", 2), ("completed", 9)]


def test_nobody_pays_for_interim_pictures_unseen(scripted: ScriptedUpstream) -> None:
    """A caller who does not stream is answered in one piece; one who wants none of them does not ask for any."""
    assert told(edit(GPTImageStream(), scripted, {"partial_images": "3"}), scripted) == {"prompt": "sepia", "sync_mode": True}
    assert scripted.asked[0].path == "/v1/openai/gpt-image-2/edit"
    assert edit(GPTImageStream(), scripted, {"stream": "true"}).names == ["completed"]
    assert "partial_images" not in body_of(scripted.asked[0])
    edit(GPTImageStream(), scripted, STREAM)
    assert body_of(scripted.asked[0])["partial_images"] == 2


FLAGGED = b'{"detail":[{"loc":["body","prompt"],"msg":"no","type":"content_policy_violation"}]}'
BROKEN = {
    "an error": (b'{"error":"bad request of %b"}' % KEY.encode(), 502, None),
    "a detail": (FLAGGED, 400, "moderation_blocked"),
    "not safe for work": (result_event(1, has_nsfw_concepts=[True]), 400, "moderation_blocked"),
    "no picture": (b'{"status":"COMPLETED"}', 502, "upstream_empty"),
    "no JSON": (b"<html>", 502, "upstream_malformed"),
    "no object": (b"[1]", 502, "upstream_malformed"),
    "no image": (b'{"images":[{"url":"data:image/png;base64,AAAA"}]}', 502, "upstream_malformed"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_stream_that_goes_wrong_is_an_error(case: str, scripted: ScriptedUpstream) -> None:
    """With what fal said of it, and never with the key."""
    event, status, code = BROKEN[case]
    answer = played(GPTImageStream(), scripted, stream(event), STREAM)
    assert (answer.status, answer.error["code"]) == (status, code), answer.body
    assert KEY not in answer.body.decode()


def test_nothing_counts_after_the_last_picture(scripted: ScriptedUpstream) -> None:
    """Whatever follows it, whole or cut off, in the same piece or later."""
    for rest in (b"data: <html>\n\n", b'data: {"half', b'data: {"error":"late"}\n\n'):
        [whole] = stream(partial_event(1), last_event(9))
        assert isinstance(whole, bytes)
        together = head() + chunk(b"data: " + last_event(9) + b"\n\n" + rest) + END
        for script in ([whole.removesuffix(END), chunk(rest), END], [together]):
            assert reds(played(GPTImageStream(), scripted, script, STREAM))[-1] == ("completed", 9)


def test_a_stream_that_breaks_off_is_an_error(scripted: ScriptedUpstream) -> None:
    """Neither a picture that was told to be interim is taken for the edit, nor the last before the connection broke."""
    answer = played(GPTImageStream(), scripted, stream(partial_event(1)), STREAM)
    assert (answer.names, answer.error["code"]) == (["partial_image", "error"], "upstream_empty")
    [whole] = stream(result_event(1), result_event(2))
    assert isinstance(whole, bytes)
    answer = played(Flux2(), scripted, [whole.removesuffix(END), Reset()], STREAM)
    assert (answer.names, answer.error["code"]) == (["partial_image", "error"], "upstream_broken")


@pytest.mark.parametrize(
    ("detail", "expected"),
    [
        ([{"loc": ["body", "num_images"], "msg": "m", "type": "less_than_equal"}], {"param": "n", "status": 400}),
        ([{"loc": ["body", "mask_url"], "msg": "m", "type": "t"}], {"param": "mask", "status": 400}),
        ([{"loc": ["body", "seed"], "msg": "m", "type": "t"}], {"param": "seed", "status": 400}),
        ([{"loc": ["body"], "msg": "m", "type": "t"}], {"param": None, "status": 400}),
        ([{"msg": "m", "type": "internal_server_error"}], {"message": "m", "code": "internal_server_error"}),
        ([{"msg": "a", "type": "t"}, {"msg": "b"}], {"message": "a; b", "code": "t"}),
        ("gone", {"message": "gone", "code": "request_timeout"}),
        ("User is locked. Reason: Exhausted balance.", {"status": 402}),
        ([7], {"message": "", "status": 400}),
    ],
)
def test_what_fal_says_of_an_error(detail: object, expected: dict[str, Any]) -> None:
    """The caller's own parameter, fal's type as the code; what is not the caller's fault keeps its status."""
    said = explain({"detail": detail}, {"x-fal-error-type": "request_timeout"})
    assert {name: said.get(name) for name in expected} == expected
    assert ("status" in said) == ("status" in expected or expected.get("code") == "t")


@pytest.mark.parametrize(
    ("api_base", "queued", "base"),
    [
        (None, False, "https://fal.run"),
        (None, True, "https://queue.fal.run"),
        ("https://fal.run/", True, "https://queue.fal.run"),
        ("https://proxy.example/fal/", True, "https://proxy.example/fal"),
    ],
)
def test_the_queue_is_at_a_host_of_its_own(api_base: str | None, queued: bool, base: str) -> None:
    """A base of the configuration's own has it at the same place."""
    assert base_of(Target("fal_ai", "a/b", api_base=api_base), queued=queued) == base
