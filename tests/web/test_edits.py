"""The promises of POST /v1/images/edits, seen from the other end of a socket."""

import socket
import threading
from contextlib import closing

import httpx
import pytest
import upstreams
from clients import PNG, post, post_json
from descriptors import temporary_files
from httpx_sse import connect_sse
from servers import RunningServer, serving, settings_of
from upstreams import END, Hang, ScriptedUpstream, answer, chunk, completed, frame, head, partial

from streamedit.contents import SLICE_BYTES
from streamedit.targets import Target
from streamedit.web.edits import PATHS

MOCK = {"model": "mock"}


@pytest.mark.parametrize("path", PATHS)
def test_every_alias_makes_an_edit(server: RunningServer, path: str) -> None:
    """The route answers under OpenAI's, Azure's and Eden AI's paths; a deployment's name in the path is the model."""
    fields = {} if "{model" in path else MOCK
    answered = post(f"{server.url}{path.replace('{model:path}', 'mock')}?api-version=2026-01-01", fields)
    assert (answered.status, len(answered.json["data"])) == (200, 1)


def test_a_stream_has_the_headers_that_keep_proxies_from_holding_it_back(server: RunningServer) -> None:
    """Event-stream in UTF-8, uncached, unbuffered, unencoded, with both ids and no header that HTTP/2 forbids."""
    headers = post(server.edits_url, {**MOCK, "stream": "true"}).headers
    assert headers["content-type"] == "text/event-stream; charset=utf-8"
    assert headers["cache-control"] == "no-cache, no-transform"
    assert headers["x-accel-buffering"] == "no"
    assert headers["x-request-id"].startswith("req_")
    assert headers["x-edit-id"].startswith("edit_")
    assert not {"connection", "content-encoding", "content-length"} & set(headers)


@pytest.mark.parametrize("text", ["true", "True", "TRUE", "1"])
def test_stream_is_true_in_any_spelling_and_at_any_place(server: RunningServer, text: str) -> None:
    """The field decides, written as Python, JavaScript or curl write it, also behind the images; `accept` does not."""
    parts = [("image", ("a.png", PNG, "image/png")), ("stream", (None, text)), ("partial_images", (None, "1"))]
    streamed = post(server.edits_url, MOCK, parts, {"accept": "application/json"})
    assert streamed.names == ["partial_image", "completed"]


@pytest.mark.parametrize("text", ["false", "False", "0", ""])
def test_a_call_that_does_not_stream_gets_one_body(server: RunningServer, text: str) -> None:
    """Whatever `accept` says, without `stream` the answer is one ImagesResponse of known length."""
    plain = post(server.edits_url, {**MOCK, "stream": text}, headers={"accept": "text/event-stream"})
    assert plain.headers["content-type"] == "application/json"
    assert int(plain.headers["content-length"]) == len(plain.body)
    assert set(plain.json) == {"created", "data", "size", "quality", "background", "output_format", "usage"}


def test_an_independent_reader_sees_the_same_events(server: RunningServer) -> None:
    """httpx-sse, which shares no code with the server, reads the stream that these tests read."""
    fields = {"prompt": "p", "model": "mock", "stream": "true", "partial_images": "2"}
    with httpx.Client() as client, connect_sse(client, "POST", server.edits_url, data=fields, files={"image": PNG}) as source:
        read = [(event.event, event.json()) for event in source.iter_sse()]
    assert [name for name, _ in read] == ["image_edit.partial_image"] * 2 + ["image_edit.completed"]
    assert all(payload["type"] == name for name, payload in read)


def test_stream_and_collapse_give_the_same_image(server: RunningServer) -> None:
    """The plain answer's picture is the completed event's picture, to the byte."""
    streamed = post(server.edits_url, {**MOCK, "stream": "true", "partial_images": "3"})
    plain = post(server.edits_url, MOCK)
    assert streamed.names == ["partial_image"] * 3 + ["completed"]
    assert [payload["partial_image_index"] for _, payload in streamed.events[:3]] == [0, 1, 2]
    assert plain.json["data"][0]["b64_json"] == streamed.events[-1][1]["b64_json"]


@pytest.mark.parametrize("stream", ["true", "false"])
def test_n_images_are_n_completed_images(server: RunningServer, stream: str) -> None:
    """n = 3: three completed events that say which is which, or three items in their order."""
    answered = post(server.edits_url, {**MOCK, "n": "3", "stream": stream})
    if stream == "false":
        images = [item["b64_json"] for item in answered.json["data"]]
    else:
        assert answered.names == ["completed"] * 3
        images = [payload["b64_json"] for _, payload in sorted(answered.events, key=lambda e: e[1]["image_index"])]
    assert len(set(images)) == 3
    again = post(server.edits_url, {**MOCK, "n": "3"}).json["data"]
    assert [item["b64_json"] for item in again] == images


def test_images_may_come_as_data_urls_in_json(server: RunningServer) -> None:
    """A JSON body with data URLs makes the same edit as a form with files."""
    url = "data:image/png;base64,iVBORw0KGgo="
    body = {"model": "mock", "prompt": "sepia", "images": [{"image_url": url}], "mask": {"image_url": url}, "n": "1"}
    assert post_json(server.edits_url, body).json["data"] == post(server.edits_url, MOCK).json["data"]


def test_heartbeats_are_comments_between_events(scripted: ScriptedUpstream) -> None:
    """Silence is filled with comments, never inside an event, and the events come through whole."""
    target = Target("openai", "m", "k", scripted.url)
    with serving(settings_of(target, heartbeat_s=0.02, silence_s=0.3)) as slow:
        half = frame(completed(image="QUJD" * 100_000))
        scripted.play([head() + chunk(frame(partial())) + chunk(half[:200_000]), Hang()])
        silent = post(slow.edits_url, {"stream": "true"})
    assert silent.frames.count(b": keep-alive") >= 3
    assert silent.names == ["partial_image", "error"]


def test_a_failure_after_the_first_heartbeat_is_an_error_event(scripted: ScriptedUpstream) -> None:
    """Once a heartbeat was sent the status is spent: what would have been a 504 is an error event with its code."""
    target = Target("openai", "m", "k", scripted.url)
    with serving(settings_of(target, heartbeat_s=0.02, silence_s=0.2)) as slow:
        scripted.play([Hang()])
        failed = post(slow.edits_url, {"stream": "true"})
    assert (failed.status, failed.names, failed.error["code"]) == (200, ["error"], "upstream_timeout")


def test_an_edit_has_a_whole_time(server: RunningServer) -> None:
    """An edit that hangs ends with a timeout, streamed or not."""
    with serving(settings_of(Target("mock", "mock"), total_s=0.2)) as impatient:
        hung = post(impatient.edits_url, {"mock_fault": "hang"})
    assert (hung.status, hung.error["code"]) == (504, "upstream_timeout")


def test_an_event_arrives_when_it_happens(relay: RunningServer, scripted: ScriptedUpstream) -> None:
    """The first event is in the client's hands while the upstream still holds the second one back."""
    scripted.play([head() + chunk(frame(partial())), Hang()])
    with closing(_open(relay, b"stream=true")) as client:
        seen = b""
        while not seen.rstrip().endswith(b"}"):
            seen += client.recv(65536)
        assert b"image_edit.partial_image" in seen
        assert not scripted.left.acquire(blocking=False)


def test_a_reader_that_leaves_does_not_stop_a_paid_edit(relay: RunningServer, scripted: ScriptedUpstream) -> None:
    """The client hangs up after the first event; the upstream is still read to its end."""
    gone = threading.Event()
    scripted.play([head() + chunk(frame(partial())), gone, chunk(frame(completed())) + END])
    with closing(_open(relay, b"stream=true")) as client:
        assert client.recv(65536)
    gone.set()
    relay.wait_until_idle()
    assert '"outcome": "completed"' in relay.log_text
    assert relay.left_behind() == (0, 0)


def test_a_client_that_leaves_during_its_upload_leaves_nothing_behind(server: RunningServer) -> None:
    """No edit is begun, no error is logged, and the temporary file of the half upload is gone."""
    before = temporary_files()
    with closing(_connect(server)) as client:
        client.sendall(_request_head(10 << 20) + _form_head() + b"x" * (3 << 20))
        server.wait_for(lambda: temporary_files() == before + 1)
    server.wait_for(lambda: temporary_files() == before)
    assert "Traceback" not in server.log_text


def test_large_uploads_reach_the_provider_whole(scripted: ScriptedUpstream) -> None:
    """Images far above what is kept in memory arrive at the upstream byte for byte, and their files are closed."""
    before = temporary_files()
    images = [PNG + bytes([i]) * (5 << 20) for i in range(3)]
    scripted.play([answer(completed())])
    with serving(settings_of(Target("openai", "m", "k", scripted.url))) as patient:
        post(patient.edits_url, {}, [("image[]", (f"{i}.png", image, "image/png")) for i, image in enumerate(images)])
        patient.wait_until_idle()
        assert temporary_files() == before
    assert [content for _, _, _, content in scripted.asked[0].files] == images


def test_large_images_come_through_whole(relay: RunningServer, scripted: ScriptedUpstream) -> None:
    """A 3 MB event has its bytes and its frame, streamed and collapsed."""
    image = "QUJDRA" * 500_000
    scripted.play([answer(partial(0, image), completed(image))])
    streamed = post(relay.edits_url, {"stream": "true", "partial_images": "1"})
    assert [payload["b64_json"] == image for _, payload in streamed.events] == [True, True]
    plain = post(relay.edits_url)
    assert plain.json["data"][0]["b64_json"] == image


def test_no_prompt_image_or_key_is_logged(relay: RunningServer, scripted: ScriptedUpstream) -> None:
    """What is logged of an edit, good or bad, tells neither what was asked nor what was made, nor any key."""
    scripted.play([answer(partial(), completed())], [upstreams.json_answer({"error": {"message": "canary-prompt"}}, "400 Bad")])
    for _ in range(2):
        post(
            relay.edits_url, {"prompt": "canary-prompt", "user": "canary-user"}, headers={"authorization": "Bearer canary-key"}
        )
    assert '"outcome"' in relay.log_text
    assert not [word for word in ("canary", upstreams.IMAGE[:20], "sk-upstream") if word in relay.log_text]


def test_frames_are_sent_in_slices_of_a_bounded_size(relay: RunningServer, scripted: ScriptedUpstream) -> None:
    """No HTTP chunk is larger than a slice: that is what a stuck reader costs."""
    scripted.play([answer(completed("QUJD" * 300_000))])
    with closing(_open(relay, b"stream=true")) as client, client.makefile("rb") as stream:
        while stream.readline() != b"\r\n":
            pass
        sizes = []
        while size := int(stream.readline(), 16):
            sizes.append(size)
            stream.read(size + 2)
    assert max(sizes) <= SLICE_BYTES + 100
    assert sum(sizes) > 1_200_000


def _open(server: RunningServer, field: bytes) -> socket.socket:
    """A connection that has sent a whole edit with one more field and reads nothing yet."""
    name, _, value = field.partition(b"=")
    body = b"".join(
        b'--b\r\ncontent-disposition: form-data; name="%b"\r\n\r\n%b\r\n' % pair for pair in ((b"prompt", b"p"), (name, value))
    )
    body += _form_head() + b"png\r\n--b--\r\n"
    client = _connect(server)
    client.sendall(_request_head(len(body)) + body)
    return client


def _connect(server: RunningServer) -> socket.socket:
    host, _, port = server.url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=10)


def _request_head(length: int) -> bytes:
    lines = ("POST /v1/images/edits HTTP/1.1", "host: h", "content-type: multipart/form-data; boundary=b")
    return "\r\n".join([*lines, f"content-length: {length}", "", ""]).encode()


def _form_head() -> bytes:
    return b'--b\r\ncontent-disposition: form-data; name="image"; filename="a.png"\r\n\r\n'
