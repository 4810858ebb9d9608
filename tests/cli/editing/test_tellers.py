"""Who hears of an edit: somebody before a terminal, a script that stops to listen, a pipe that is closed."""

import base64
import json
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cli.previews import decoders
from commanded import PHOTO
from commands import COMMAND, clean_environ
from PIL import Image
from proxies import proxy
from servers import RunningServer, serving, settings_of
from terminals import terminal
from upstreams import Asked, Hang, Script, chunk, head, json_answer, upstream

from streamedit.cli.previews.thumbnails import png
from streamedit.targets import Target

MOCK = ("edit", PHOTO, "a prompt", "-m", "mock", "-o", "out.png")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@pytest.fixture(scope="module")
def mock() -> Iterator[RunningServer]:
    """A server with a mock that takes its time where it is told to."""
    with serving(settings_of(Target("mock", "mock", params={"mock_pace_s": 0}), heartbeat_s=0.1)) as running:
        yield running


def on(server: RunningServer, *options: str) -> tuple[str, ...]:
    """The mock's edit on that server."""
    return (*MOCK, *options, "--server", server.url)


@contextmanager
def _deaf() -> Iterator[tuple[str, threading.Semaphore]]:
    """A server that makes a partial image, and never answers to anything else; the semaphore counts who asked."""
    heard = threading.Semaphore(0)
    edit = {"id": "edit_1", "model": "m", "events_url": "/events"}
    picture = base64.b64encode(png(Image.new("RGB", (8, 8)))).decode()
    partial = json.dumps({"type": "image_edit.partial_image", "partial_image_index": 0, "b64_json": picture})

    def script(asked: Asked) -> Script:
        if asked.path.endswith("/async"):
            return [json_answer(edit, "202 Accepted")]
        if asked.path == "/events":
            return [head(), chunk(f"id: 1\nevent: image_edit.partial_image\ndata: {partial}\n\n".encode()), Hang()]
        heard.release()
        return [Hang()]

    with upstream() as server:
        server.serve(script)
        yield server.url, heard


def test_somebody_sees_it_happen(mock: RunningServer, tmp_path: Path) -> None:
    """A line for each event with its time, size and bytes, the picture above, a summary below; the cursor is there again."""
    with terminal(*on(mock), cwd=tmp_path) as watched:
        assert watched.wait() == 0
        lines = watched.lines
    rows = [line for line in lines if "▀" in line]
    said = [line for line in lines if "▀" not in line]
    assert said[0] == "Editing coffee.jpg: a prompt"
    assert [re.sub(r"[\d.]+ s|edit_\w+", "N", line).strip() for line in said[1:]] == [
        *(f"N  partial image {number} of 3  256x256 px, 1 KiB" for number in (1, 2, 3)),
        "N  completed  256x256 px, 1 KiB",
        "Saved  out.png",
        "Time   first picture after N, total N",
        "Cost   $0.0000",
        "Model  mock",
        "Edit   N",
    ]
    assert (len(rows), lines[1:25]) == (24, rows)
    assert watched.said.rindex(b"\x1b[?25h") > watched.said.rindex(b"\x1b[?25l")


def test_pictures_take_the_place_of_earlier_ones(mock: RunningServer, tmp_path: Path) -> None:
    """The last one is what is to be seen: the mock's bar has reached the end."""
    with terminal(*on(mock), cwd=tmp_path) as watched:
        watched.wait()
        row = watched.screen.buffer[5]
    assert watched.said.count("▀".encode()) > 3 * 24 * 40
    colours = {row[column].fg for column in range(48)}
    assert len(colours) == 1 and colours != {"default"}


def test_a_terminal_that_is_too_small_shows_no_pictures(mock: RunningServer, tmp_path: Path) -> None:
    """But the lines."""
    with terminal(*on(mock), cwd=tmp_path, size=(40, 12)) as watched:
        assert watched.wait() == 0
        assert not any("▀" in line for line in watched.lines)
        assert any("completed" in line for line in watched.lines)


def test_kitty_is_sent_its_own(mock: RunningServer, tmp_path: Path) -> None:
    """Four pictures with one number, which replace each other."""
    with terminal(*on(mock), cwd=tmp_path, environ={"KITTY_WINDOW_ID": "1"}) as watched:
        assert watched.wait() == 0
    each = re.findall(r"\x1b_Ga=T.*?m=0;[^\x1b]*\x1b\\", watched.said.decode(), re.DOTALL)
    shown = [decoders.kitty(text) for text in each]
    assert len(shown) == 4 and len({keys["i"] for keys, _ in shown}) == 1
    assert {(keys["c"], keys["r"]) for keys, _ in shown} == {("48", "24")}


def test_iterm2_is_sent_its_own(mock: RunningServer, tmp_path: Path) -> None:
    """The result is among it."""
    with terminal(*on(mock, "--partial-images", "0"), cwd=tmp_path, environ={"LC_TERMINAL": "iTerm2"}) as watched:
        assert watched.wait() == 0
    (text,) = re.findall(r"\x1b\]1337;[^\a]*\a", watched.said.decode())
    keys, image = decoders.iterm2(text)
    assert (keys["width"], keys["height"], image.size) == ("48", "24", (256, 256))


def test_a_terminal_that_knows_sixel_is_asked_and_told(mock: RunningServer, tmp_path: Path) -> None:
    """Its attributes say so, and it says how large a character is; nothing of its answer is left to be read by others."""
    answers = {b"\x1b[c": b"\x1b[6;20;10t\x1b[?62;4;22c"}
    with terminal(*on(mock, "--partial-images", "1"), cwd=tmp_path, answers=answers) as watched:
        assert watched.wait() == 0
    shown = [decoders.sixel(text) for text in re.findall(r"\x1bP[^\x1b]*\x1b\\", watched.said.decode())]
    assert [image.size for image in shown] == [(480, 480), (480, 480)]
    assert "▀" not in watched.said.decode() and b"62;4" not in watched.said


@pytest.mark.parametrize(
    ("options", "environ"),
    [(("--preview", "none"), {}), ((), {"NO_COLOR": "1"}), ((), {"TERM": "dumb"}), (("--quiet",), {})],
)
def test_nobody_needs_to_see_pictures(
    mock: RunningServer, tmp_path: Path, options: tuple[str, ...], environ: dict[str, str]
) -> None:
    """Nor does every terminal show them."""
    with terminal(*on(mock, *options), cwd=tmp_path, environ=environ) as watched:
        assert watched.wait() == 0
    assert "▀" not in watched.said.decode()
    assert b"\x1b[c" not in watched.said
    assert (watched.said == b"") == ("--quiet" in options)


def test_where_nobody_looks_there_are_plain_lines(mock: RunningServer, tmp_path: Path) -> None:
    """Without control characters, whatever the environment says of a terminal."""
    environ = {**clean_environ(), "TERM": "xterm-kitty", "KITTY_WINDOW_ID": "1", "COLORTERM": "truecolor"}
    command = [*COMMAND, *on(mock, "--partial-images", "1")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environ, timeout=30, check=True)
    assert done.stdout == ""
    assert not CONTROL.search(done.stderr)
    assert [line.split()[2] for line in done.stderr.splitlines()[1:3]] == ["partial", "completed"]


def test_a_drop_is_told(mock: RunningServer, tmp_path: Path) -> None:
    """What was lost, and behind which event it went on; nothing is missing."""
    slow = (*MOCK, "--set", "mock_pace_s=0.1", "--set", "mock_bytes=90000", "--preview", "none")
    with proxy(mock.address, cuts=[130_000]) as between:
        with terminal(*slow, "--server", between.url, cwd=tmp_path) as watched:
            assert watched.wait() == 0
            said = "\n".join(watched.lines)
        assert between.broken == 1
    assert "connection lost: the connection broke off" in said
    assert "reconnected behind event 1" in said
    assert [said.count(f"partial image {number} of 3") for number in (1, 2, 3)] == [1, 1, 1]


def test_one_interrupt_cancels(mock: RunningServer, tmp_path: Path) -> None:
    """Ctrl-C ends the provider's call, leaves no file, and the exit code says so."""
    with terminal(*on(mock, "--set", "mock_fault=hang", "--set", "mock_partials=1"), cwd=tmp_path) as watched:
        watched.wait_for(b"partial image 1")
        assert mock.left_behind()[0] == 1
        watched.type(b"\x03")
        assert watched.wait() == 130
        assert "Interrupted: the edit was cancelled." in watched.lines
    assert watched.said.endswith(b"\n")
    mock.wait_until_idle()
    assert list(tmp_path.iterdir()) == []


def test_here_too(tmp_path: Path) -> None:
    """In its own process an edit is cancelled by SIGTERM as well, which has an exit code of its own."""
    with terminal(*MOCK, "--set", "mock_fault=hang", "--set", "mock_partials=1", cwd=tmp_path) as watched:
        watched.wait_for(b"partial image 1")
        watched.process.send_signal(signal.SIGTERM)
        assert watched.wait() == 143
    assert list(tmp_path.iterdir()) == []


def test_a_second_interrupt_leaves_at_once(tmp_path: Path) -> None:
    """Though the server does not answer that it has cancelled; the cursor is shown again."""
    with _deaf() as (url, heard), terminal(*MOCK, "--server", url, cwd=tmp_path) as watched:
        watched.wait_for(b"partial image 1")
        watched.type(b"\x03")
        assert heard.acquire(timeout=10)
        watched.type(b"\x03")
        assert watched.wait() == 130
    assert watched.said.rindex(b"\x1b[?25h") > watched.said.rindex(b"\x1b[?25l")


def piped(command: str, folder: Path) -> tuple[list[str], str]:
    """What a pipeline's end and its commands' exit codes are, in words, and what was said beside."""
    line = f"{' '.join(COMMAND)} {command}; echo ${{PIPESTATUS[0]}}"
    shell = ["/bin/bash", "-c", line]
    done = subprocess.run(shell, check=True, capture_output=True, text=True, cwd=folder, env=clean_environ(), timeout=30)
    return done.stdout.splitlines(), done.stderr


def test_a_script_may_stop_to_listen(mock: RunningServer, tmp_path: Path) -> None:
    """The edit goes on to its end, and says nothing of that."""
    (first, code), said = piped(f"edit {PHOTO} p -m mock -o out.png --json --server {mock.url} | head -1", tmp_path)
    assert (json.loads(first)["index"], code, said) == (0, "0", "")
    assert (tmp_path / "out.png").stat().st_size > 0


def test_a_pipe_may_be_closed(mock: RunningServer, tmp_path: Path) -> None:
    """Then the picture is for nobody: it is quiet, and ends as other programs do."""
    options = f"-q -m mock --server {mock.url} --set mock_bytes=900000"
    assert piped(f"edit {PHOTO} p {options} | true", tmp_path) == (["141"], "")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_may_be_closed(mock: RunningServer, tmp_path: Path, closed: str) -> None:
    """As some who start programs do: the file is made all the same."""
    piped(f"edit {PHOTO} p -m mock -o out.png --server {mock.url} {closed}", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["out.png"]


def test_a_terminal_is_spared_the_bytes_of_a_picture(mock: RunningServer, tmp_path: Path) -> None:
    """-o - needs a pipe; without a name there is a new file."""
    with terminal("edit", PHOTO, "p", "-o", "-", "--server", mock.url, cwd=tmp_path) as watched:
        assert watched.wait() == 2
        assert "A terminal cannot show the bytes of a picture" in watched.lines[0]
