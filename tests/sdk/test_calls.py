"""`image_edit` and `aimage_edit`: LiteLLM's signature, in process, with nothing left behind however a call ends."""

import asyncio
import gc
import inspect
import io
import os
import signal
import subprocess
import sys
import threading
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from loggers import logger
from upstreams import IMAGE, USAGE, Hang, ScriptedUpstream, answer, chunk, frame, head, json_answer, partial

import streamedit
from streamedit import ImageEditCompletedEvent, ImageEditPartialImageEvent, aimage_edit, image_edit
from streamedit.sdk.desk import Desk

LITELLMS = [
    "image", "prompt", "model", "mask", "n", "quality", "response_format", "size", "user", "extra_headers", "extra_query",
    "extra_body", "timeout", "custom_llm_provider", "kwargs",
]  # fmt: skip
"""`litellm.image_edit` of 1.106.2."""

MOCK: Mapping[str, Any] = {"image": b"photo", "prompt": "anything", "model": "mock", "mock_pace_s": 0, "mock_bytes": 3000}
PLAIN = {"created": 1_790_000_000, "data": [{"b64_json": IMAGE}], "usage": USAGE}
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def openai(scripted: ScriptedUpstream, tmp_path: Path) -> Mapping[str, Any]:
    """A call of a model at the scripted upstream."""
    environ = {"OPENAI_API_KEY": "sk-own", "OPENAI_BASE_URL": scripted.url, "HOME": str(tmp_path)}
    return {"image": b"photo", "prompt": "a hat", "model": "gpt-image-2", "num_retries": 0, "environ": environ}


@pytest.fixture
def nothing_is_left() -> Iterator[None]:
    """No thread, no open file, no desk that is kept by anybody."""
    with _leaving_nothing():
        yield


@pytest.mark.parametrize("call", [image_edit, aimage_edit])
def test_the_signature_is_litellms(call: Callable[..., object]) -> None:
    """Its parameters by name and by place; all may be left out."""
    parameters = inspect.signature(call).parameters
    assert list(parameters) == LITELLMS
    assert all(each.default is None for each in parameters.values() if each.kind is not inspect.Parameter.VAR_KEYWORD)


@pytest.mark.usefixtures("nothing_is_left")
def test_a_picture_is_edited(photos: Path) -> None:
    """By the darkroom, without any configuration."""
    response = image_edit(photos / "chelsea.png", "turn it into a pencil sketch", "darkroom")
    assert b64decode(str(response.data[0].b64_json)).startswith(b"\x89PNG")
    assert (response.model, response.provider, response.cost_usd) == ("darkroom", "darkroom", 0.0)


@pytest.mark.usefixtures("nothing_is_left")
async def test_an_event_loop_that_runs_is_no_matter() -> None:
    """As in a notebook: the blocking call has a loop of its own."""
    assert len(image_edit(**MOCK, n=2).data) == 2
    assert len((await aimage_edit(**MOCK, n=2)).data) == 2


@pytest.mark.usefixtures("nothing_is_left")
def test_a_stream_is_typed() -> None:
    """Partial images, then the completed one; nothing is left once it has been read."""
    stream = image_edit(**MOCK, stream=True, partial_images=2)
    events = list(stream)
    assert [type(event) for event in events] == [ImageEditPartialImageEvent] * 2 + [ImageEditCompletedEvent]
    assert [event.get("partial_image_index") for event in events] == [0, 1, None]
    assert {event.edit_id for event in events} == {stream.edit_id}


@pytest.mark.usefixtures("nothing_is_left")
async def test_a_stream_is_typed_in_async_code() -> None:
    """The same."""
    async with await aimage_edit(**MOCK, stream=True, partial_images=2) as stream:
        events = [event async for event in stream]
    assert [event.type for event in events] == ["image_edit.partial_image"] * 2 + ["image_edit.completed"]


def test_images_of_a_stream_have_their_number() -> None:
    """Each event of several images says of which it is."""
    events = list(image_edit(**MOCK, stream=True, n=2, partial_images=1))
    assert sorted((event.image_index, event.type) for event in events) == [
        (index, f"image_edit.{kind}") for index in (0, 1) for kind in ("completed", "partial_image")
    ]


class TestLeaving:
    """Nobody else can ever read an edit of this process: it is cancelled with its call, and the provider's connection ends."""

    @pytest.fixture
    def hanging(self, scripted: ScriptedUpstream, openai: Mapping[str, Any]) -> Mapping[str, Any]:
        """A streamed call whose provider falls silent behind its first event."""
        scripted.play([head() + chunk(frame(partial(0))), Hang()])
        return {**openai, "stream": True, "partial_images": 1}

    @pytest.mark.usefixtures("nothing_is_left")
    def test_a_stream_is_closed(self, scripted: ScriptedUpstream, hanging: Mapping[str, Any]) -> None:
        """By its `close`, which may be called again."""
        stream = image_edit(**hanging)
        assert next(stream).type == "image_edit.partial_image"
        stream.close()
        stream.close()
        assert scripted.left.acquire(timeout=10)
        assert list(stream) == []

    @pytest.mark.usefixtures("nothing_is_left")
    def test_a_with_is_left(self, scripted: ScriptedUpstream, hanging: Mapping[str, Any]) -> None:
        """By an exception of the caller's own, which stays what it is."""
        with pytest.raises(ZeroDivisionError), image_edit(**hanging) as stream:
            for _ in stream:
                raise ZeroDivisionError
        assert scripted.left.acquire(timeout=10)

    @pytest.mark.usefixtures("nothing_is_left")
    def test_a_stream_is_let_go(self, scripted: ScriptedUpstream, hanging: Mapping[str, Any]) -> None:
        """A loop that is left, and the stream with it."""
        for event in image_edit(**hanging):
            assert event.type == "image_edit.partial_image"
            break
        assert scripted.left.acquire(timeout=10)

    async def test_an_async_stream_is_closed(self, scripted: ScriptedUpstream, hanging: Mapping[str, Any]) -> None:
        """No task is left."""
        async with await aimage_edit(**hanging) as stream:
            assert (await anext(stream)).type == "image_edit.partial_image"
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert await asyncio.to_thread(scripted.left.acquire, timeout=10)

    async def test_an_async_stream_is_closed_by_another_task(
        self, scripted: ScriptedUpstream, hanging: Mapping[str, Any]
    ) -> None:
        """Than the one that has opened it."""
        stream = await asyncio.create_task(aimage_edit(**hanging))
        await asyncio.create_task(stream.aclose())
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert await asyncio.to_thread(scripted.left.acquire, timeout=10)

    @pytest.mark.parametrize("is_streamed", [False, True])
    async def test_a_call_is_cancelled(self, scripted: ScriptedUpstream, openai: Mapping[str, Any], is_streamed: bool) -> None:
        """While its provider has said nothing yet."""
        scripted.play([Hang()])
        call = asyncio.create_task(aimage_edit(**openai, stream=is_streamed))
        assert await asyncio.to_thread(scripted.came.acquire, timeout=10)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert await asyncio.to_thread(scripted.left.acquire, timeout=10)

    @pytest.mark.parametrize("is_open", [False, True])
    def test_an_interpreter_ends(self, tmp_path: Path, is_open: bool) -> None:
        """With a stream, and an editor, that nobody has closed: at once, and without a word."""
        program = f"""
            import streamedit
            said = dict(image=b"x", prompt="x", model="mock", mock_pace_s=0.1, partial_images=3)
            stream = streamedit.image_edit(**said, stream=True)
            print(next(stream).type)
            if {is_open}:
                editor = streamedit.Editor()
                editor.__enter__()
                other = editor.stream(**said)
                print(next(other).type)
        """
        done = _python(program, tmp_path)
        shown, complaints = done.communicate(timeout=30)
        assert (done.returncode, complaints) == (0, "")
        assert shown == "image_edit.partial_image\n" * (1 + is_open)

    def test_a_call_is_interrupted(self, scripted: ScriptedUpstream, tmp_path: Path) -> None:
        """By Ctrl-C: the provider's call ends, and so does the program."""
        scripted.play([Hang()])
        program = f"""
            import streamedit
            environ = {{"OPENAI_API_KEY": "sk-own", "OPENAI_BASE_URL": "{scripted.url}"}}
            try:
                streamedit.image_edit(b"photo", "a hat", "gpt-image-2", environ=environ)
            except KeyboardInterrupt:
                print("interrupted")
        """
        running = _python(program, tmp_path)
        assert scripted.came.acquire(timeout=30)
        running.send_signal(signal.SIGINT)
        assert scripted.left.acquire(timeout=10)
        assert running.communicate(timeout=30) == ("interrupted\n", "")


class TestFailures:
    """A failure is raised, whenever it comes."""

    @pytest.mark.usefixtures("nothing_is_left")
    @pytest.mark.parametrize("is_streamed", [False, True])
    def test_before_the_first_event(self, scripted: ScriptedUpstream, openai: Mapping[str, Any], is_streamed: bool) -> None:
        """By the call itself, a streamed one, too."""
        error = {
            "error": {"message": "no such size", "type": "invalid_request_error", "param": "size", "code": "invalid_value"}
        }
        scripted.play([json_answer(error, "400 Bad Request")])
        with pytest.raises(streamedit.BadRequestError, match="no such size") as caught:
            image_edit(**openai, size="1x1", stream=is_streamed)
        assert (caught.value.status_code, caught.value.param, caught.value.code) == (400, "size", "invalid_value")
        assert (caught.value.llm_provider, caught.value.model) == ("openai", "gpt-image-2")

    @pytest.mark.usefixtures("nothing_is_left")
    def test_in_the_middle(self, scripted: ScriptedUpstream, openai: Mapping[str, Any]) -> None:
        """Behind the events that there were."""
        scripted.play([answer(partial(0))])
        with closing(image_edit(**openai, stream=True, partial_images=1)) as stream:
            assert next(stream).type == "image_edit.partial_image"
            with pytest.raises(streamedit.BadGatewayError) as caught:
                next(stream)
        assert caught.value.is_charged

    async def test_in_the_middle_of_an_async_stream(self, scripted: ScriptedUpstream, openai: Mapping[str, Any]) -> None:
        """The same."""
        scripted.play([answer(partial(0))])
        stream = await aimage_edit(**openai, stream=True, partial_images=1)
        assert (await anext(stream)).type == "image_edit.partial_image"
        with pytest.raises(streamedit.BadGatewayError):
            await anext(stream)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    @pytest.mark.parametrize("is_streamed", [False, True])
    def test_beyond_the_timeout(self, scripted: ScriptedUpstream, openai: Mapping[str, Any], is_streamed: bool) -> None:
        """408, as over HTTP, and by both names."""
        scripted.play([Hang()])
        with pytest.raises(streamedit.Timeout, match="100ms") as caught:
            image_edit(**openai, timeout=0.1, stream=is_streamed)
        assert isinstance(caught.value, streamedit.APITimeoutError)
        assert caught.value.status_code == 408

    def test_no_connection(self, scripted: ScriptedUpstream, openai: Mapping[str, Any]) -> None:
        """Nobody is there."""
        scripted.stop()
        with pytest.raises(streamedit.APIConnectionError) as caught:
            image_edit(**openai)
        assert not caught.value.is_charged

    def test_a_key_that_opens_nothing(self, scripted: ScriptedUpstream, openai: Mapping[str, Any]) -> None:
        """It is the caller's own, and its provider's words, which may quote it, are not repeated."""
        error = {"error": {"message": "Incorrect API key: sk-own", "type": "invalid_request_error", "code": "invalid_api_key"}}
        scripted.play([json_answer(error, "401 Unauthorized")])
        with pytest.raises(streamedit.AuthenticationError, match="refused your key") as caught:
            image_edit(**openai)
        assert caught.value.status_code == 401


def test_what_is_said_reaches_the_provider(scripted: ScriptedUpstream, openai: Mapping[str, Any]) -> None:
    """Fields, extra fields in both ways, headers and user."""
    scripted.play([json_answer(PLAIN)])
    image_edit(
        **openai,
        size="1024x1024",
        user="user-1",
        extra_headers={"X-Trace": "t"},
        extra_body={"style": {"name": "bold"}},
        seed=7,
    )
    [asked] = scripted.asked
    fields = {name: asked.field(name) for name in ("prompt", "size", "user", "style[name]", "seed")}
    assert fields == {"prompt": "a hat", "size": "1024x1024", "user": "user-1", "style[name]": "bold", "seed": "7"}
    assert (asked.headers["x-trace"], asked.headers["authorization"]) == ("t", "Bearer sk-own")


def test_the_response_tells_of_its_edit(scripted: ScriptedUpstream, openai: Mapping[str, Any]) -> None:
    """Its id, who made it, and what it cost, by LiteLLM's names, too."""
    scripted.play([json_answer(PLAIN)])
    response = image_edit(**openai)
    assert response.edit_id.startswith("edit_")
    assert (response.model, response.provider) == ("gpt-image-2", "openai")
    assert response.cost_usd is not None
    assert 0 < response.cost_usd < 0.01
    assert response._hidden_params["response_cost"] == response.cost_usd


def test_twenty_calls_leave_nothing(scripted: ScriptedUpstream, openai: Mapping[str, Any], tmp_path: Path) -> None:
    """No thread, file, desk, nor file of their own."""
    scripted.play([json_answer(PLAIN)])
    image_edit(**openai)
    with _leaving_nothing():
        for _ in range(20):
            image_edit(**openai)
            list(image_edit(**MOCK, stream=True, partial_images=1))
    assert [*tmp_path.iterdir()] == []


def test_nothing_is_said_unless_it_is_asked_for(capfd: pytest.CaptureFixture[str]) -> None:
    """Neither on the standard output nor on the standard error; a log gets what a server's would."""
    with pytest.raises(streamedit.APIError):
        image_edit(**{**MOCK, "mock_fault": "error"})
    assert capfd.readouterr() == ("", "")
    file = io.StringIO()
    image_edit(**MOCK, log=logger(file))
    assert '"edit ended"' in file.getvalue()


def test_it_needs_no_web(tmp_path: Path) -> None:
    """Nor a provider's libraries before it is asked, nor OpenAI's package."""
    program = """
        import sys
        import streamedit
        streamedit.image_edit(b"photo", "x", "mock", mock_pace_s=0)
        print(sorted({"starlette", "uvicorn", "openai", "cv2", "numpy", "typer", "botocore"} & set(sys.modules)))
    """
    assert _python(program, tmp_path).communicate(timeout=30) == ("[]\n", "")


def test_all_names_are_there() -> None:
    """Those that the package says it has."""
    assert [name for name in streamedit.__all__ if not hasattr(streamedit, name)] == []


@contextmanager
def _leaving_nothing() -> Iterator[None]:
    """Threads that have been told to end are waited for."""
    gc.collect()
    threads, files = set(threading.enumerate()), _open_files()
    yield
    for thread in set(threading.enumerate()) - threads:
        thread.join(10)
    gc.collect()
    assert set(threading.enumerate()) <= threads
    assert _open_files() == files
    assert not [each for each in gc.get_objects() if isinstance(each, Desk)]


def _open_files() -> int:
    return len([*Path("/proc/self/fd").iterdir()])


def _python(program: str, folder: Path) -> "subprocess.Popen[str]":
    environ = {"PYTHONPATH": str(ROOT), "HOME": str(folder), "PATH": os.environ["PATH"]}
    command = [sys.executable, "-W", "default", "-c", inspect.cleandoc(program)]
    return subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder)
