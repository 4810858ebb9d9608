"""Editors that stay open: many edits, of one pool of connections, with whatever a configuration says."""

import asyncio
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest
from upstreams import IMAGE, USAGE, Hang, ScriptedUpstream, answer, json_answer, partial

import streamedit
from streamedit import AsyncEditor, Editor

PLAIN = {"created": 1_790_000_000, "data": [{"b64_json": IMAGE}], "usage": USAGE}
MODEL = "gpt-image-2"


@pytest.fixture
def environ(scripted: ScriptedUpstream, tmp_path: Path) -> Mapping[str, str]:
    """A key for OpenAI, played by the scripted upstream; a home."""
    scripted.play([json_answer(PLAIN)])
    return {"OPENAI_API_KEY": "sk-own", "OPENAI_BASE_URL": scripted.url, "HOME": str(tmp_path)}


def test_connections_are_kept(scripted: ScriptedUpstream, environ: Mapping[str, str]) -> None:
    """Between the edits of an editor; nothing is left of it afterwards."""
    threads = threading.active_count()
    with Editor(environ=environ) as editor:
        for _ in range(3):
            assert editor.edit(b"photo", "a hat", model=MODEL).data[0].b64_json == IMAGE
        assert (len(scripted.asked), scripted.connections) == (3, 1)
    assert threading.active_count() == threads


async def test_many_edits_go_on_at_a_time(environ: Mapping[str, str]) -> None:
    """Streamed and not, each with its own events."""
    async with AsyncEditor(environ=environ) as editor:

        async def streamed(number: int) -> int:
            async with await editor.stream(b"photo", "x", model="mock", partial_images=number, mock_pace_s=0) as stream:
                return len([event async for event in stream])

        plain = [editor.edit(b"photo", "x", model="mock", mock_pace_s=0, n=number) for number in (1, 2, 3)]
        responses = await asyncio.gather(*plain)
        assert await asyncio.gather(*map(streamed, range(4))) == [1, 2, 3, 4]
    assert [len(response.data) for response in responses] == [1, 2, 3]
    assert len({response.edit_id for response in responses}) == 3


def test_threads_share_an_editor() -> None:
    """One editor, called from many threads."""
    with Editor() as editor:
        made: list[str] = []

        def edit() -> None:
            made.append(editor.edit(b"photo", "x", model="mock", mock_pace_s=0).edit_id)

        threads = [threading.Thread(target=edit) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert len(set(made)) == 5


def test_a_stream_is_left_and_the_editor_goes_on(scripted: ScriptedUpstream, environ: Mapping[str, str]) -> None:
    """The edit alone is cancelled."""
    scripted.play([answer(partial(0))[:-5], Hang()], [json_answer(PLAIN)])
    with Editor(environ=environ) as editor:
        with editor.stream(b"photo", "x", model=MODEL, partial_images=1) as stream:
            assert next(stream).type == "image_edit.partial_image"
        assert scripted.left.acquire(timeout=10)
        assert editor.edit(b"photo", "x", model=MODEL).data


def test_a_stream_outlives_no_editor(environ: Mapping[str, str]) -> None:
    """It ends with a failure, and can still be closed."""
    with Editor(environ=environ) as editor:
        stream = editor.stream(b"photo", "x", model="mock", mock_pace_s=0.2, partial_images=3)
        assert next(stream).type == "image_edit.partial_image"
    with pytest.raises(RuntimeError, match="not open"):
        list(stream)
    stream.close()


async def test_an_editor_that_is_not_open_says_so(environ: Mapping[str, str]) -> None:
    """Before and after; it can be opened again."""
    editor = AsyncEditor(environ=environ)
    for _ in range(2):
        with pytest.raises(streamedit.ServiceUnavailableError, match="not open"):
            await editor.edit(b"photo", "x")
        async with editor:
            assert (await editor.edit(b"photo", "x", model="mock", mock_pace_s=0)).data
    with pytest.raises(RuntimeError, match="not open"):
        Editor(environ=environ).edit(b"photo", "x")


async def test_what_its_owner_raises_stays_what_it_is(environ: Mapping[str, str]) -> None:
    """No group of exceptions."""
    with pytest.raises(ZeroDivisionError):
        async with AsyncEditor(environ=environ):
            raise ZeroDivisionError
    with pytest.raises(ZeroDivisionError), Editor(environ=environ):
        raise ZeroDivisionError


def test_models_are_told(environ: Mapping[str, str]) -> None:
    """The default model first: OpenAI's where there is a key for it."""
    with Editor(environ=environ) as editor:
        assert editor.models[0] == MODEL
        assert {"darkroom", "mock", "openai/*"} <= set(editor.models)
        assert editor.edit(b"photo", "x").model == MODEL
    with Editor(environ={}) as editor:
        assert editor.models == ["darkroom", "mock"]


def test_a_configuration_is_a_servers(scripted: ScriptedUpstream, environ: Mapping[str, str], tmp_path: Path) -> None:
    """Its names, its deployments, its fallbacks; and what it has not is still to be had by LiteLLM's names."""
    config = tmp_path / "streamedit.yaml"
    config.write_text(f"""
        model_list:
          - {{model_name: ours, litellm_params: {{model: openai/gpt-image-1, api_key: sk-config, api_base: "{scripted.url}"}}}}
          - {{model_name: local, litellm_params: {{model: mock, mock_pace_s: 0}}}}
        router_settings: {{fallbacks: [{{ours: [local]}}], num_retries: 0}}
        """)
    with Editor(config, environ=environ) as editor:
        assert editor.models == ["ours", "local"]
        editor.edit(b"photo", "x")
        assert scripted.asked[-1].headers["authorization"] == "Bearer sk-config"
        editor.edit(b"photo", "x", model=MODEL)
        assert scripted.asked[-1].headers["authorization"] == "Bearer sk-own"
        scripted.play([json_answer({"error": {"message": "away"}}, "503 Service Unavailable")])
        assert editor.edit(b"photo", "x", model="ours").model == "local"


def test_mistakes_of_a_configuration_are_told(tmp_path: Path) -> None:
    """All of them, by both editors' opening."""
    config = tmp_path / "streamedit.yaml"
    config.write_text("model_list: [{model_name: a, litellm_params: {model: nobody/x}}]\nserver: {total_s: -1}\n")
    with pytest.raises(streamedit.BadRequestError, match=r"streamedit.yaml:2: server.total_s") as caught:
        streamedit.image_edit(b"photo", "x", config=config)
    assert "nobody/x" in caught.value.message
    with pytest.raises(streamedit.BadRequestError, match="No such file"), Editor(tmp_path / "none.yaml"):
        pass


def test_nothing_is_kept_at_home(environ: Mapping[str, str], tmp_path: Path) -> None:
    """No database and no folder for files, unless one is named; an edit is entered where it is."""
    with Editor(environ=environ) as editor:
        editor.edit(b"photo", "x", model="mock", mock_pace_s=0)
    assert [*tmp_path.iterdir()] == []
    named = {**environ, "STREAMEDIT_DATABASE_URL": f"sqlite:///{tmp_path / 'books.db'}"}
    with Editor(environ=named) as editor:
        made = editor.edit(b"photo", "x", model="mock", mock_pace_s=0)
    assert made.edit_id.encode() in (tmp_path / "books.db").read_bytes()


async def test_of_an_edit_that_has_ended_nothing_is_kept(environ: Mapping[str, str]) -> None:
    """Megabytes of pictures would be: nobody can come back for them."""
    async with AsyncEditor(environ=environ) as editor:
        for _ in range(3):
            await editor.edit(b"photo", "x", model="mock", mock_pace_s=0)
        assert editor._desk is not None
        events = editor._desk._house.equipment.events
        for _ in range(100):
            if not events.size_bytes:
                break
            await asyncio.sleep(0)
        assert events.size_bytes == 0
