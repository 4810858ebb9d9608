"""The provider `comfyui` against a ComfyUI of today and one of 2024, both played by a local server."""

import json
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from clients import Answer, post
from PIL import Image, ImageChops, ImageDraw
from providers.fakes import COLOURS, KEY, decoded, png
from providers.fakes.comfyui import WORKFLOWS, ComfyUI, OldComfyUI
from servers import RunningServer, serving, settings_of
from upstreams import Asked, Close, Hang, Script, ScriptedUpstream, json_answer, sized, upstream

from streamedit.edits import EditRequest, InputImage
from streamedit.providers.base import Tools
from streamedit.providers.comfyui.comfyui import ComfyUI as Provider
from streamedit.routes import Route, Routes
from streamedit.uploads import Upload
from streamedit.upstream.client import Upstream, UpstreamLimits

PHOTO = png((10, 120, 240), (64, 48))
IMG2IMG = json.loads((WORKFLOWS / "img2img.json").read_text())
INPAINT = json.loads((WORKFLOWS / "inpaint.json").read_text())


class Stage:
    """One played ComfyUI and a server in front of it."""

    def __init__(self, fake: ComfyUI, asked: ScriptedUpstream, server: RunningServer) -> None:
        self.fake = fake
        self.upstream = asked
        self.server = server

    def edit(self, files: Mapping[str, tuple[str, bytes]] | None = None, **fields: str) -> Answer:
        """An edit of one image, and of what else there is in `files`."""
        parts = [("image", ("photo.png", PHOTO, "image/png"))]
        parts += [(name, (filename, content, "image/png")) for name, (filename, content) in (files or {}).items()]
        return post(self.server.edits_url, {"prompt": "make it night", **fields}, parts)

    def begin(self, **fields: str) -> str:
        """An edit that runs on its own; its URL."""
        files = {"image": ("photo.png", PHOTO, "image/png")}
        began = httpx.post(f"{self.server.edits_url}/async", data={"prompt": "x", **fields}, files=files).json()
        return f"{self.server.edits_url}/{began['id']}"

    def calls(self, path: str) -> list[Asked]:
        return [asked for asked in self.upstream.asked if asked.path.startswith(path) and asked.method == "POST"]

    def wait_for_call(self, path: str) -> Asked:
        """Returns when the provider was asked for `path`."""
        while not any(asked.path.startswith(path) for asked in self.upstream.asked):
            assert self.upstream.came.acquire(timeout=10)
        return next(asked for asked in self.upstream.asked if asked.path.startswith(path))

    @property
    def graph(self) -> dict[str, Any]:
        """Of the last prompt."""
        return self.fake.jobs[-1].graph


@contextmanager
def playing(make: type[ComfyUI] = ComfyUI, params: Mapping[str, object] | None = None, **server: Any) -> Iterator[Stage]:
    """A ComfyUI whose target has `params` beside its own."""
    fake = make()
    with upstream() as asked:
        fake.url = asked.url
        asked.serve(fake.answer)
        target = replace(fake.target(), params={**fake.params, **(params or {})})
        with serving(settings_of(target, **{"silence_s": 5, "connect_s": 2, "heartbeat_s": 5, **server})) as running:
            yield Stage(fake, asked, running)


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[Stage, Stage]]:
    """One of today and one of 2024."""
    with playing() as new, playing(OldComfyUI) as old:
        yield new, old


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A ComfyUI of today, with nothing asked of it yet."""
    with playing() as new:
        yield new


@pytest.fixture
def old() -> Iterator[Stage]:
    """One of 2024."""
    with playing(OldComfyUI) as running:
        yield running


def steps_shown(answer: Answer) -> list[int]:
    """The steps whose previews were shown: a preview is as grey as its step."""
    partials = [payload for name, payload in answer.events if name == "image_edit.partial_image"]
    return [decoded(payload["b64_json"]).convert("L").tobytes()[0] for payload in partials]


@pytest.mark.parametrize(
    ("steps", "wanted", "shown"),
    [(8, 1, [4]), (8, 2, [3, 6]), (8, 3, [2, 4, 6]), (20, 3, [5, 10, 15]), (20, 2, [7, 14]), (2, 3, [1, 2]), (1, 2, [1])],
)
def test_the_previews_shown_are_spread_over_the_steps(stage: Stage, steps: int, wanted: int, shown: list[int]) -> None:
    """Of a preview at each step, as many as the caller wants to see, at even distances, before the picture."""
    answer = stage.edit(stream="true", partial_images=str(wanted), steps=str(steps))
    assert steps_shown(answer) == shown
    assert answer.names == ["partial_image"] * len(shown) + ["completed"]


def test_previews_without_metadata_are_shown_too(old: Stage) -> None:
    """An old version tells the progress before the preview and says nothing of whose it is."""
    assert steps_shown(old.edit(stream="true", partial_images="3")) == [5, 10, 15]


def test_a_socket_that_trickles_shows_the_same(stage: Stage, old: Stage) -> None:
    """Whether frames come whole or byte by byte, the events are the same."""
    for each in (stage, old):
        each.fake.trickles = True
        assert steps_shown(each.edit(stream="true", partial_images="2")) == [7, 14]


@pytest.mark.parametrize(("partial_images", "method"), [("0", "none"), ("1", "auto")])
def test_previews_are_made_for_those_who_watch(stage: Stage, partial_images: str, method: str) -> None:
    """Whatever ComfyUI was started with: they are asked for with the prompt, and not made where nobody sees them."""
    answer = stage.edit(stream="true", partial_images=partial_images)
    assert answer.names.count("partial_image") == int(partial_images)
    assert stage.fake.jobs[-1].preview_method == method


def test_the_configuration_chooses_how_previews_are_made() -> None:
    """`preview_method`, in ComfyUI's words."""
    with playing(params={"preview_method": "taesd"}) as stage:
        stage.edit(stream="true", partial_images="1")
        assert stage.fake.jobs[-1].preview_method == "taesd"


def test_previews_come_in_the_format_that_was_asked_for(stage: Stage) -> None:
    """ComfyUI's are JPEG; a stream of PNG is of PNG throughout."""
    answer = stage.edit(stream="true", partial_images="1", output_format="png")
    assert [payload["output_format"] for _, payload in answer.events] == ["png", "png"]
    assert [decoded(payload["b64_json"]).format for _, payload in answer.events] == ["PNG", "PNG"]


def test_the_workflow_is_filled_in_where_it_is_named(stage: Stage) -> None:
    """Each field at its place, by number or by title; everything else is as it was saved."""
    answer = stage.edit(negative_prompt="rain", seed="5", steps="3", denoise="0.5")
    assert answer.status == 200, answer.body
    expected = json.loads(json.dumps(IMG2IMG))
    expected["6"]["inputs"]["text"], expected["7"]["inputs"]["text"] = "make it night", "rain"
    expected["3"]["inputs"] |= {"seed": 5, "steps": 3, "denoise": 0.5}
    expected["10"]["inputs"]["image"] = stage.graph["10"]["inputs"]["image"]
    assert stage.graph == expected


def test_what_is_not_given_is_as_it_was_saved(stage: Stage) -> None:
    """A field that no caller sends keeps the workflow's value."""
    stage.edit()
    assert stage.graph["7"]["inputs"]["text"] == IMG2IMG["7"]["inputs"]["text"]
    assert (stage.graph["3"]["inputs"]["steps"], stage.graph["3"]["inputs"]["denoise"]) == (20, 0.75)


def test_numbers_are_of_the_kind_that_the_node_wants(stage: Stage) -> None:
    """1 for 1.0, and a seed to its last digit; what is no number is a 400 that names the field."""
    stage.edit(denoise="1.0", seed="18446744073709551615")
    assert '"denoise": 1,' in json.dumps(stage.graph)
    assert stage.graph["3"]["inputs"]["seed"] == 18446744073709551615
    for name in ("steps", "denoise", "seed"):
        answer = stage.edit(None, **{name: "many"})
        assert (answer.status, answer.error["param"]) == (400, name)


def test_a_seed_is_drawn_and_told(stage: Stage) -> None:
    """The workflow's own would be answered from ComfyUI's cache; whoever wants the picture again finds it in the event."""
    told = [stage.edit(stream="true").events[-1][1]["seed"] for _ in range(2)]
    assert told == [job.graph["3"]["inputs"]["seed"] for job in stage.fake.jobs]
    assert told[0] != told[1] != IMG2IMG["3"]["inputs"]["seed"]


def test_a_given_seed_gives_the_same_picture_again(stage: Stage) -> None:
    """ComfyUI answers a prompt that it knows from its cache, without a preview: that is a whole edit, too."""
    first, second = (stage.edit(stream="true", partial_images="1", seed="7") for _ in range(2))
    assert (first.names, second.names) == (["partial_image", "completed"], ["completed"])
    assert first.events[-1][1]["b64_json"] == second.events[-1][1]["b64_json"]
    assert second.events[-1][1]["seed"] == 7


def test_several_images_of_one_seed_differ(stage: Stage) -> None:
    """Each has the next seed."""
    stage.edit(n="3", seed="40")
    assert sorted(job.graph["3"]["inputs"]["seed"] for job in stage.fake.jobs) == [40, 41, 42]


def test_a_size_is_what_the_workflow_makes_of_it(old: Stage) -> None:
    """`size` goes to the inputs that are named width and height; without one the workflow has its own."""
    old.edit(size="640x384")
    assert (old.graph["13"]["inputs"]["width"], old.graph["13"]["inputs"]["height"]) == (640, 384)
    old.edit(size="auto")
    assert (old.graph["13"]["inputs"]["width"], old.graph["13"]["inputs"]["height"]) == (512, 512)


def test_a_size_that_the_workflow_cannot_make_is_named(old: Stage) -> None:
    """By OpenAI's name for it, not by those of the node."""
    answer = old.edit(size="20000x512")
    assert (answer.status, answer.error["param"], answer.error["code"]) == (400, "size", "value_bigger_than_max")


def test_uploads_have_names_of_their_own(stage: Stage) -> None:
    """By their content, with the caller's extension: nothing is written over, and the same image is kept once."""
    for filename, extension in (("a/b.JPG", "jpg"), ("x.exe", "png"), ("..", "png"), ("photo.webp", "webp")):
        files = [("image", (filename, PHOTO, "image/png"))]
        assert post(stage.server.edits_url, {"prompt": "x"}, files).status == 200
        name = stage.graph["10"]["inputs"]["image"]
        assert name.startswith("streamedit-")
        assert name.endswith(f".{extension}")
    stage.edit()
    stage.edit()
    assert len({job.graph["10"]["inputs"]["image"] for job in stage.fake.jobs[-2:]}) == 1


SECOND = png((1, 2, 3))


def test_further_images_go_to_further_places(tmp_path: Path) -> None:
    """In their order; a place for which there is none keeps its file; one too many is a 400. Other files have their names."""
    extra = {number: json.loads(json.dumps(IMG2IMG["10"])) for number in ("20", "21", "22")}
    inputs = {
        **_inputs(ComfyUI),
        "image": ["10.inputs.image", "20.inputs.image"],
        "markup": "21.inputs.image",
        "style": "22.inputs.image",
    }
    params = {"workflow": _saved(tmp_path, {**IMG2IMG, **extra}), "inputs": inputs}
    with playing(params=params) as stage:
        stage.fake.uploads["example.png"] = b""
        stage.edit({"image": ("b.png", SECOND), "markup": ("m.png", png((4, 4, 4))), "style": ("s.png", png((5, 5, 5)))})
        contents = [stage.fake.uploads[stage.graph[number]["inputs"]["image"]] for number in ("10", "20", "21", "22")]
        assert contents == [PHOTO, SECOND, png((4, 4, 4)), png((5, 5, 5))]
        stage.edit()
        assert stage.graph["20"]["inputs"]["image"] == "example.png"
        files = [("image[]", ("a.png", PHOTO, "image/png"))] * 3
        answer = post(stage.server.edits_url, {"prompt": "x"}, files)
        assert (answer.status, answer.error["code"]) == (400, "too_many_images")


@pytest.mark.parametrize("channel", ["alpha", "red", "green", "blue"])
def test_the_mask_is_right_in_every_channel(tmp_path: Path, channel: str) -> None:
    """Whichever channel the workflow's LoadImageMask reads, it is the drawn mask, pixel by pixel, half transparent too."""
    graph = json.loads(json.dumps(INPAINT))
    graph["12"]["inputs"]["channel"] = channel
    mask, expected = _mask()
    with playing(OldComfyUI, {"workflow": _saved(tmp_path, graph)}) as stage:
        assert stage.edit({"mask": ("m.png", mask)}).status == 200
        [asked] = stage.calls("/prompt")
        assert stage.fake.mask_of(asked).tobytes() == expected.tobytes()
        assert stage.fake.images_of(asked) == [PHOTO]


def test_without_a_mask_everything_is_edited(old: Stage) -> None:
    """A workflow that wants a mask gets one of the image's size that is white."""
    assert old.edit().status == 200
    mask = old.fake.mask_of(old.calls("/prompt")[0])
    assert (mask.size, mask.getextrema()) == ((64, 48), (255, 255))


def test_a_mask_can_be_the_images_own_transparency(tmp_path: Path) -> None:
    """`mask` at the place of the image: what LoadImage gives as MASK (one minus alpha) is the mask, and no colour is lost."""
    inputs = {**_inputs(ComfyUI), "mask": "10.inputs.image"}
    mask, expected = _mask()
    with playing(params={"workflow": _saved(tmp_path, IMG2IMG), "inputs": inputs}) as stage:
        for files, where in (({"mask": ("m.png", mask)}, expected), ({}, Image.new("L", (64, 48), 255))):
            assert stage.edit(files).status == 200
            [content] = stage.fake.images_of(stage.calls("/prompt")[-1])
            image = decoded(content)
            assert ImageChops.invert(image.getchannel("A")).tobytes() == where.tobytes()
            assert image.convert("RGB").tobytes() == decoded(PHOTO).convert("RGB").tobytes()


def test_a_wrong_mask_is_told_before_anything_is_sent(old: Stage) -> None:
    """Of another size than the image, or without transparency: a 400, and ComfyUI is not asked."""
    for mask, code in ((png((0, 0, 0)), "invalid_mask"), (_mask((32, 32))[0], "mask_size_mismatch")):
        answer = old.edit({"mask": ("m.png", mask)})
        assert (answer.status, answer.error["param"], answer.error["code"]) == (400, "mask", code)
    assert old.upstream.asked == []


def test_pictures_shown_in_passing_are_not_the_result(tmp_path: Path) -> None:
    """A PreviewImage behind the last SaveImage does not count, unless it is the one that is wanted."""
    shown = {"30": {"class_type": "PreviewImage", "inputs": {"images": ["8", 0]}, "_meta": {"title": "Shown"}}}
    workflow = _saved(tmp_path, {**IMG2IMG, **shown})
    for output, kind in ((None, "output"), ("Shown", "temp"), (30, "temp")):
        with playing(params={"workflow": workflow, "output": output}) as stage:
            assert stage.edit().status == 200
            [asked] = [asked for asked in stage.upstream.asked if asked.path.startswith("/view")]
            assert f"type={kind}" in asked.path


def test_a_refused_input_is_named(stage: Stage) -> None:
    """The node, what it says, and the caller's own name for the input; neither the prompt nor the server's files."""
    answer = stage.edit(steps="0")
    assert (answer.status, answer.error["param"], answer.error["code"]) == (400, "steps", "value_smaller_than_min")
    assert answer.error["message"] == "Node 3 (KSampler): Value 0 smaller than min of 1 (steps)."
    stage.server.wait_until_idle()
    assert stage.calls("/queue") == [], "what was refused needs no cancelling"


def test_a_model_that_is_not_there_is_told_without_those_that_are(tmp_path: Path) -> None:
    """ComfyUI lists the server's files in its details."""
    graph = json.loads(json.dumps(IMG2IMG))
    graph["4"]["inputs"]["ckpt_name"] = "other.safetensors"
    with playing(params={"workflow": _saved(tmp_path, graph)}) as stage:
        answer = stage.edit()
        assert (answer.status, answer.error["code"], answer.error["param"]) == (400, "value_not_in_list", None)
        assert answer.error["message"] == "Node 4 (CheckpointLoaderSimple): Value not in list (ckpt_name)."


def test_a_node_that_is_not_installed_is_named(tmp_path: Path) -> None:
    """Which is no node's error, but the prompt's."""
    graph = json.loads(json.dumps(IMG2IMG).replace('"VAEDecode"', '"VAEDecodeSpecial"'))
    with playing(params={"workflow": _saved(tmp_path, graph)}) as stage:
        answer = stage.edit()
        assert (answer.status, answer.error["code"]) == (400, "missing_node_type")
        assert answer.error["message"] == "Node 'VAE Decode' not found. The custom node may not be installed."


FAILURE = {
    "exception_type": "torch.OutOfMemoryError",
    "exception_message": f"Allocation failed for {KEY} in /home/me/ComfyUI/comfy/ops.py, C:\\models\\a.bin\nmemory summary",
}
TOLD = "Node 3 (KSampler) failed: torch.OutOfMemoryError: Allocation failed for *** in ..., ..."


@pytest.mark.parametrize("drops_before", [None, 1])
def test_a_failed_execution_is_told(stage: Stage, drops_before: int | None) -> None:
    """Node and exception, without traceback, paths and keys; also where the socket was lost before and the history has it."""
    stage.fake.fails, stage.fake.drops_before = FAILURE, drops_before
    answer = stage.edit()
    assert (answer.status, answer.error["code"], answer.error["message"]) == (502, "execution_error", TOLD)
    assert answer.headers["x-should-retry"] == "false"
    stage.server.wait_until_idle()
    assert stage.calls("/queue") + stage.calls("/interrupt") == [], "what has ended is not cancelled"


@pytest.mark.parametrize("make", [ComfyUI, OldComfyUI])
def test_an_interruption_at_comfyui_ends_the_edit(make: type[ComfyUI]) -> None:
    """Somebody pressed its button: an error, after the previews that were shown."""
    with playing(make) as stage:
        stage.fake.gates[15] = threading.Event()
        url = stage.begin(stream="true", partial_images="2")
        assert stage.fake.at_gate.acquire(timeout=10)
        stage.fake.running[0].interrupted.set()
        stage.fake.open_gates()
        stage.server.wait_until_idle()
        told = httpx.get(url).json()
        assert (told["status"], told["error"]["code"]) == ("failed", "execution_interrupted")


def test_a_lost_socket_costs_no_picture(stage: Stage) -> None:
    """ComfyUI goes on without it: the picture is found in the history, with the previews that had been seen."""
    stage.fake.drops_before = 10
    answer = stage.edit(stream="true", partial_images="2")
    assert answer.names == ["partial_image", "completed"]
    assert steps_shown(answer) == [7]
    assert decoded(answer.events[-1][1]["b64_json"]).getpixel((5, 5)) == COLOURS[0]


def test_a_picture_is_awaited_when_the_socket_is_lost(stage: Stage) -> None:
    """The queue says that it is still being worked on, and it is asked again until it is done."""
    stage.fake.drops_before = 10
    stage.fake.gates[11] = threading.Event()
    stage.begin()
    assert stage.fake.at_gate.acquire(timeout=10)
    for _ in range(2):
        stage.wait_for_call("/queue")
        stage.upstream.asked.clear()
    stage.fake.open_gates()
    stage.server.wait_until_idle()
    assert stage.fake.made == 1
    assert stage.calls("/interrupt") == []


def test_comfyui_that_dies_ends_the_edit() -> None:
    """No other target begins anew what may have been made."""
    with playing() as stage:
        stage.fake.gates[3] = threading.Event()
        url = stage.begin()
        assert stage.fake.at_gate.acquire(timeout=10)
        stage.upstream.serve(lambda _: [Close()])
        stage.upstream.stop_listening()
        [client] = stage.fake.sockets.values()
        client.drop()
        stage.fake.open_gates()
        stage.server.wait_until_idle()
        assert httpx.get(url).json()["error"]["code"] == "upstream_broken"


def test_waiting_in_the_queue_is_no_silence() -> None:
    """However long others' prompts take, as long as ComfyUI has this one in its queue."""
    with playing(silence_s=0.2, params={"poll_s": 0.05}) as stage, stage.fake.gpu:
        url = stage.begin()
        for _ in range(8):
            stage.wait_for_call("/queue")
            stage.upstream.asked.clear()
        stage.fake.gpu.release()
        stage.server.wait_until_idle()
        assert httpx.get(url).json()["status"] == "completed"
        assert stage.fake.gpu.acquire(timeout=10)


def test_a_prompt_that_hangs_is_given_up() -> None:
    """Running, and nothing heard of it for `silence_s`: a 504, and ComfyUI is told to stop it."""
    with playing(silence_s=0.3, params={"poll_s": 0.05}) as stage:
        stage.fake.gates[3] = threading.Event()
        answer = stage.edit()
        assert (answer.status, answer.error["code"]) == (504, "upstream_timeout")
        assert stage.fake.ended.acquire(timeout=10)
        assert stage.fake.jobs[0].interrupted.is_set()


def test_a_prompt_that_was_deleted_is_not_waited_for(stage: Stage) -> None:
    """Whoever clears ComfyUI's queue ends the edits that wait in it."""
    with stage.fake.gpu:
        url = stage.begin()
        stage.wait_for_call("/queue")
        stage.fake.pending.clear()
        stage.server.wait_until_idle()
        assert httpx.get(url).json()["error"]["code"] == "execution_interrupted"


def test_a_cancelled_edit_that_waits_is_taken_from_the_queue(stage: Stage) -> None:
    """And nobody's work is interrupted."""
    with stage.fake.gpu:
        url = stage.begin()
        stage.wait_for_call("/prompt")
        stage.wait_for_call("/queue")
        assert httpx.post(f"{url}/cancel").json()["status"] == "cancelled"
        stage.server.wait_until_idle()
        assert stage.fake.pending == []
        assert stage.calls("/interrupt") == []
    assert stage.fake.left.acquire(timeout=10), "the socket is closed"


@pytest.mark.parametrize("make", [ComfyUI, OldComfyUI])
def test_a_cancelled_edit_that_runs_is_interrupted(make: type[ComfyUI]) -> None:
    """By its id, which new versions heed."""
    with playing(make) as stage:
        stage.fake.gates[5] = threading.Event()
        url = stage.begin()
        assert stage.fake.at_gate.acquire(timeout=10)
        stage.wait_for_call("/queue")
        assert httpx.post(f"{url}/cancel").json()["status"] == "cancelled"
        stage.server.wait_until_idle()
        assert stage.fake.ended.acquire(timeout=10)
        assert stage.fake.history[stage.fake.jobs[0].id]["status"]["messages"][-1][0] == "execution_interrupted"
        assert stage.fake.left.acquire(timeout=10)


def test_a_viewer_who_cancels_while_previews_come_stops_the_work(stage: Stage) -> None:
    """The generator is left in the middle of the stream."""
    stage.fake.gates[12] = threading.Event()
    url = stage.begin(stream="true", partial_images="3")
    assert stage.fake.at_gate.acquire(timeout=10)
    assert httpx.post(f"{url}/cancel").json()["status"] == "cancelled"
    assert stage.fake.ended.acquire(timeout=10)
    assert stage.fake.jobs[0].interrupted.is_set()


def test_headers_and_keys_go_over_both_connections() -> None:
    """`extra_headers` and `api_key`, for a proxy in front of ComfyUI."""
    with playing(params={"extra_headers": {"cf-access-client-id": "gate-1"}}) as stage:
        assert stage.edit().status == 200
        assert {asked.headers["cf-access-client-id"] for asked in stage.upstream.asked} == {"gate-1"}
        assert {asked.headers["authorization"] for asked in stage.upstream.asked} == {f"Bearer {KEY}"}
        assert {asked.path.partition("?")[0].split("/")[1] for asked in stage.upstream.asked} == {
            "ws", "upload", "prompt", "history", "view",
        }  # fmt: skip


HANDSHAKES: dict[str, tuple[Script, int, str]] = {
    "refused key": ([json_answer({"error": f"no entry with {KEY}"}, "401 Unauthorized")], 502, "upstream_unauthorized"),
    "forbidden": ([json_answer({"error": {"message": f"not {KEY}"}}, "403 Forbidden")], 403, ""),
    "busy": ([json_answer({}, "429 Too Many Requests", retry_after="7")], 429, "rate_limit_exceeded"),
    "away": ([json_answer({}, "503 Service Unavailable")], 503, ""),
    "no socket": ([sized(b"<html>hello</html>")], 502, ""),
    "no http": ([b"SSH-2.0-OpenSSH_9.6\r\n\r\n"], 502, "upstream_unreachable"),
    "silence": ([Hang()], 502, "upstream_unreachable"),
    "redirect": ([json_answer({}, "302 Found", location="http://127.0.0.1:1/ws")], 502, ""),
}


@pytest.mark.parametrize("name", HANDSHAKES)
def test_a_socket_that_does_not_open_is_an_error(name: str) -> None:
    """Nothing was asked for yet: told as it is, without a key, and nothing is uploaded."""
    script, status, code = HANDSHAKES[name]
    with playing(connect_s=0.5) as stage:
        stage.upstream.serve(lambda _: script)
        answer = stage.edit()
        assert (answer.status, answer.error["code"] or "") == (status, code), answer.body
        assert KEY not in answer.body.decode()
        assert answer.headers.get("retry-after") == ("7" if name == "busy" else None)
        assert len(stage.upstream.asked) == 1


def test_another_comfyui_takes_over_from_one_that_is_away() -> None:
    """Nobody listens at the first address."""
    fake = ComfyUI()
    with upstream() as gone, upstream() as asked:
        away, fake.url = gone.url, asked.url
        gone.stop()
        asked.serve(fake.answer)
        targets = (replace(fake.target(), api_base=away), fake.target())
        settings = replace(settings_of(*targets), routes=Routes([Route("m", targets)], "m"))
        with serving(settings) as server:
            answer = post(server.edits_url, {"prompt": "x"}, [("image", ("a.png", PHOTO, "image/png"))])
            assert answer.status == 200


def test_a_frame_beyond_all_measure_costs_no_picture() -> None:
    """It is not read; the socket is given up, and the picture comes from the history."""
    with playing(max_event_bytes=1 << 20) as stage:
        stage.fake.floods = True
        answer = stage.edit(stream="true", partial_images="2")
        assert answer.names == ["completed"]


async def test_an_https_address_is_spoken_to_over_tls() -> None:
    """The socket too, with the same authorities as the other calls."""
    authority, fake = trustme.CA(), ComfyUI()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    pool = Upstream(UpstreamLimits(connect_s=2, silence_s=5))
    image = InputImage(Upload(PHOTO), "a.png", "image/png")
    with upstream(context) as asked:
        fake.url = asked.url
        asked.serve(fake.answer)
        async with pool.running():
            with pytest.raises(Exception, match="cannot be reached"):
                [event async for event in Provider(Tools(pool, lambda: 0.0)).edit(EditRequest("x", (image,)), fake.target())]
            authority.configure_trust(pool.tls)
            events = [
                event async for event in Provider(Tools(pool, lambda: 0.0)).edit(EditRequest("x", (image,)), fake.target())
            ]
    assert len(events) == 1


def test_the_model_tells_what_its_workflow_can(both: tuple[Stage, Stage]) -> None:
    """Only what is named: mask and size of the one, fields of the other."""
    new, old = (httpx.get(f"{stage.server.url}/v1/models").json()["data"][0]["capabilities"] for stage in both)
    assert (new["mask"], old["mask"]) == (False, True)
    assert (new["parameters"]["size"], old["parameters"]["size"]) == ("refused", "mapped")
    assert (new["extra_parameters"], old["extra_parameters"]) == (["denoise", "negative_prompt", "seed", "steps"], ["seed"])
    assert (new["max_images"], new["partial_images"], new["parameters"]["markup"]) == (1, True, "refused")


def test_a_configuration_has_defaults_for_the_callers_fields() -> None:
    """`seed`, `steps` and `negative_prompt` of litellm_params, where a caller says nothing."""
    with playing(params={"seed": 9, "steps": 2, "negative_prompt": "fog"}) as stage:
        stage.edit(steps="3")
        assert (stage.graph["3"]["inputs"]["seed"], stage.graph["3"]["inputs"]["steps"]) == (9, 3)
        assert stage.graph["7"]["inputs"]["text"] == "fog"


def test_an_outcome_without_a_history_is_an_error(stage: Stage) -> None:
    """What comes from another server than ComfyUI, in whatever form."""

    def answer(asked: Asked) -> Script:
        return [json_answer(["nonsense"])] if asked.path.startswith("/history") else stage.fake.answer(asked)

    stage.upstream.serve(answer)
    told = stage.edit()
    assert (told.status, told.error["code"]) == (502, "upstream_malformed")


def _inputs(fake: type[ComfyUI]) -> dict[str, Any]:
    inputs = fake.params["inputs"]
    assert isinstance(inputs, dict)
    return inputs


def _saved(folder: Path, graph: Mapping[str, Any]) -> str:
    """A workflow's file."""
    path = folder / "workflow_api.json"
    path.write_text(json.dumps(graph))
    return str(path)


def _mask(size_px: tuple[int, int] = (64, 48)) -> tuple[bytes, Image.Image]:
    """A mask with a window, half of it half transparent; and what is to be edited, in white."""
    mask = Image.new("RGBA", size_px, (9, 9, 9, 255))
    ImageDraw.Draw(mask).rectangle((8, 8, 20, 20), (0, 0, 0, 0))
    ImageDraw.Draw(mask).rectangle((21, 8, 30, 20), (0, 0, 0, 100))
    buffer = BytesIO()
    mask.save(buffer, "PNG")
    return buffer.getvalue(), ImageChops.invert(mask.getchannel("A"))
