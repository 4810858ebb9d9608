"""Under uvicorn, in one process or in several."""

import asyncio
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import redises
from clients import PNG
from commands import COMMAND, clean_environ, said, started
from prometheus_client.parser import text_string_to_metric_families
from servers import serving, settings_of
from upstreams import END, ScriptedUpstream, chunk, completed, frame, head, partial

from streamedit.targets import Target

FIELDS = {"model": "mock", "prompt": "p", "stream": "true", "mock_pace_s": "0", "partial_images": "1"}


TELLING_AT_ITS_END = """
import atexit, gc, runpy, sys
atexit.register(lambda: print(gc.get_freeze_count(), len(gc.get_objects()), file=sys.stderr))
runpy.run_module("streamedit", run_name="__main__")
"""
"""The command, which tells of how many objects a collection of garbage looks at none, and at how many it does."""


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[str]:
    """The path of a configuration with which workers share their edits."""
    with redises.any_redis() as redis_url:
        server = {"redis_url": redis_url, "redis_prefix": redises.fresh_prefix()}
        models = [{"model_name": "mock", "litellm_params": {"model": "mock"}}]
        file = tmp_path / "shared.yaml"
        file.write_text(json.dumps({"model_list": models, "server": server}))
        yield str(file)


@pytest.fixture
def two_workers(shared: str) -> Iterator[tuple[int, str]]:
    """The parent's pid and the URL of a server with two workers."""
    with started("--workers", "2", "--config", shared) as (process, url, _):
        yield process.pid, url


def test_workers_share_the_port_and_add_up_their_metrics(two_workers: tuple[int, str]) -> None:
    """Whichever worker is asked, it counts the edits of both."""
    pid, url = two_workers
    assert asyncio.run(edit_at_once(url, 40)) == 40
    assert len(workers_of(pid)) == 2
    wait_until_idle(url)
    assert {edits_of(url, "streamedit_edits_total") for _ in range(20)} == {40}


def test_a_worker_that_is_killed_is_replaced(two_workers: tuple[int, str]) -> None:
    """The server goes on with as many workers; what was counted stays counted, and what had been running is not."""
    pid, url = two_workers
    asyncio.run(edit_at_once(url, 10))
    before = workers_of(pid)
    with httpx.stream("POST", f"{url}/v1/images/edits", data={**FIELDS, "mock_fault": "hang"}, files={"image": PNG}) as hanging:
        assert next(hanging.iter_bytes())
        assert edits_of(url, "streamedit_running_edits") == 1
        for worker in before:
            os.kill(worker, signal.SIGKILL)
    # Connections wait in the shared socket until a new worker takes them.
    assert edits_of(url, "streamedit_running_edits") == 0
    assert edits_of(url, "streamedit_edits_total") == 10
    assert asyncio.run(edit_at_once(url, 10)) == 10
    assert not workers_of(pid) & before


def test_workers_that_are_killed_before_they_serve_are_replaced(shared: str) -> None:
    """At once, though their parent has asked them how they are and waits for what they say, which may take a minute."""
    with started("--workers", "2", "--config", shared) as (process, url, _):
        before = both_workers_of(process.pid)
        for worker in before:
            os.kill(worker, signal.SIGSTOP)
        rewrite(shared, {"model_name": "mistaken"})
        process.send_signal(signal.SIGHUP)
        # Between two looks at its workers it says this, and then asks the first, who does not answer.
        Told(process).next("configuration not reloaded")
        for worker in before:
            os.kill(worker, signal.SIGKILL)
        assert models_at(url) == ("mock",)
        assert not workers_of(process.pid) & before


def test_sigterm_ends_all_workers(shared: str) -> None:
    """Each lets its streams end; nothing is left running or lying about."""
    with started("--workers", "2", "--config", shared) as (process, url, _):
        assert asyncio.run(edit_at_once(url, 4)) == 4
        workers = workers_of(process.pid)
        process.terminate()
        assert process.wait(30) == 0
    assert not [worker for worker in workers if Path(f"/proc/{worker}").exists()]


def test_the_system_gives_up_lost_peers() -> None:
    """A connection whose peer has vanished or is stuck is ended by the kernel, too: accepted sockets inherit the bounds."""
    with serving(settings_of(Target("mock", "mock"), stuck_reader_s=90)) as server, httpx.Client() as client:
        assert client.get(f"{server.url}/health/live").status_code == 200
        (accepted,) = server.sockets
        assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT) == 1 << 17
        names = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_USER_TIMEOUT)
        assert [accepted.getsockopt(socket.IPPROTO_TCP, name) for name in names] == [90, 23, 90_000]


def test_any_bound_of_a_reader_is_one_for_the_system() -> None:
    """However short or long `stuck_reader_s` is, the system takes what it can."""
    for stuck_reader_s in (0.01, 1e9):
        with serving(settings_of(Target("mock", "mock"), stuck_reader_s=stuck_reader_s)) as server:
            assert httpx.get(f"{server.url}/health/live").status_code == 200


@pytest.mark.parametrize("workers", ["1", "2"])
def test_as_many_files_as_the_system_allows(workers: str, shared: str) -> None:
    """Thousands of streams need more open files than the usual soft limit: each process has the hard one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with few_open_files(), started("--workers", workers, "--config", shared) as (process, url, _):
        assert httpx.get(f"{url}/health/live", timeout=30).status_code == 200
        for pid in {process.pid, *workers_of(process.pid)}:
            assert resource.prlimit(pid, resource.RLIMIT_NOFILE) == (hard, hard)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_sighup_reloads_without_dropping_a_stream(workers: str, shared: str, scripted: ScriptedUpstream) -> None:
    """A stream that is half way ends well, a view too, and no worker is replaced; whoever comes then gets the new models."""
    gate = threading.Event()
    scripted.play([head(), chunk(frame(partial(0))), gate, chunk(frame(completed())) + END])
    slow = {"model_name": "slow", "litellm_params": {"model": "openai/m", "api_key": "k", "api_base": scripted.url}}
    rewrite(shared, slow)
    with started("--workers", workers, "--config", shared) as (process, url, _):
        data = {"prompt": "p", "stream": "true"}
        with httpx.stream("POST", f"{url}/v1/images/edits", data=data, files={"image": PNG}, timeout=30) as stream:
            pieces = stream.iter_bytes()
            shown = next(pieces)
            before = workers_of(process.pid)
            rewrite(shared, model("new"), retention_s=1)
            hang_up(process, told := Told(process), int(workers))
            assert {models_at(url) for _ in range(10)} == {("new",)}
            gate.set()
            shown += b"".join(pieces)
        assert b"event: image_edit.completed" in shown
        assert workers_of(process.pid) == before
        asked = httpx.get(f"{url}/v1/images/edits/{stream.headers['x-edit-id']}", timeout=30)
        assert asked.json()["status"] == "completed"
    assert [line["settings"] for line in told.lines if line["level"] == "warning"] == [["server.retention_s"]]


def test_a_collection_of_garbage_passes_over_the_program() -> None:
    """What stays as long as the server is not looked at while it serves: all its streams would wait for that."""
    command = [sys.executable, "-c", TELLING_AT_ITS_END, "serve", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=clean_environ()) as process:
        url = re.search(r"http://\S+", said(process))
        assert url
        assert httpx.get(f"{url[0]}/health/live", timeout=30).status_code == 200
        process.send_signal(signal.SIGINT)
        told = process.communicate(timeout=30)[1].splitlines()[-1]
    passed_over, looked_at = map(int, told.split())
    assert passed_over > 10 * looked_at


def test_a_line_of_the_log_is_written_at_once() -> None:
    """Also where Python buffers nothing: workers share stderr, and two halves of lines would be none."""
    # A pipe of packets: each read gives what one write has written.
    read_end, write_end = os.pipe2(os.O_DIRECT)
    environ = {**clean_environ(), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen([*COMMAND, "serve", "--port", "0"], stderr=write_end, env=environ) as process:
        os.close(write_end)
        writes = iter(lambda: os.read(read_end, 4096), b"")
        assert next(each for each in writes if b"no API key" in each)
        process.send_signal(signal.SIGHUP)
        line = next(each for each in writes if each.startswith(b"{"))
        process.terminate()
    os.close(read_end)
    assert line.endswith(b"}\n")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_sighup_with_mistakes_changes_nothing(workers: str, shared: str) -> None:
    """Each mistake is one line of the log, however many workers there are; mended, the file is taken."""
    with started("--workers", workers, "--config", shared) as (process, url, _):
        assert models_at(url) == ("mock",)
        rewrite(shared, {"model_name": "canary"}, heartbeat_s=-3)
        process.send_signal(signal.SIGHUP)
        told = Told(process)
        assert [told.next("configuration not reloaded")["level"] for _ in range(2)] == ["error"] * 2
        assert {models_at(url) for _ in range(10)} == {("mock",)}
        rewrite(shared, model("new"), heartbeat_s=3)
        hang_up(process, told, int(workers))
        assert {models_at(url) for _ in range(10)} == {("new",)}
    assert len([line for line in told.lines if line["level"] == "error"]) == 2


def test_a_worker_in_another_s_place_has_the_new_settings(shared: str) -> None:
    """Not those that the server began with, though it starts while a reload goes on."""
    with started("--workers", "2", "--config", shared) as (process, url, _):
        assert models_at(url) == ("mock",)
        rewrite(shared, model("new"))
        hang_up(process, Told(process), 2)
        before = workers_of(process.pid)
        for worker in before:
            os.kill(worker, signal.SIGKILL)
        # Nobody of before answers, and connections wait in the shared socket until somebody does.
        assert {models_at(url) for _ in range(10)} == {("new",)}
        assert not workers_of(process.pid) & before


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_signal_that_comes_too_early_waits(workers: str, shared: str) -> None:
    """SIGHUP ends no process that is about to start; it is heard when it has."""
    with started("--workers", workers, "--config", shared) as (process, url, _):
        rewrite(shared, model("new"))
        hang_up(process, Told(process), int(workers))
        assert models_at(url) == ("new",)


def test_many_signals_are_heard_one_by_one(shared: str) -> None:
    """What was written before the last of them holds in the end."""
    with started("--config", shared) as (process, url, _):
        told = Told(process)
        for number in range(20):
            rewrite(shared, model(f"m{number}"))
            process.send_signal(signal.SIGHUP)
        while told.next("configuration reloaded")["models"] != ["m19"]:
            pass
        assert models_at(url) == ("m19",)


def test_sighup_without_a_file_does_nothing() -> None:
    """But for saying so."""
    with started() as (process, url, _):
        before = models_at(url)
        process.send_signal(signal.SIGHUP)
        assert Told(process).next("nothing to reload: there is no configuration file")["level"] == "info"
        assert models_at(url) == before


def test_a_reload_does_not_open_the_door(tmp_path: Path) -> None:
    """Beyond its own machine a server keeps its keys when the file has none any more; there is no secret in the log."""
    file = tmp_path / "locked.yaml"
    rewrite(str(file), model("mock"), general_settings={"master_key": "sk-canary"})
    with started("--host", "0.0.0.0", "--config", str(file)) as (process, url, _):
        local = url.replace("0.0.0.0", "127.0.0.1")
        rewrite(str(file), model("mock"))
        process.send_signal(signal.SIGHUP)
        told = Told(process)
        assert "STREAMEDIT_API_KEY" in told.next("configuration not reloaded")["mistake"]
        assert httpx.get(f"{local}/v1/models").status_code == 401
        assert httpx.get(f"{local}/v1/models", headers={"api-key": "sk-canary"}).status_code == 200
    assert "canary" not in json.dumps(told.lines)


class Told:
    """What a started command has logged since."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.lines: list[dict[str, Any]] = []

    def next(self, event: str) -> dict[str, Any]:
        """The next line with this event; it must come."""
        while line := said(self._process):
            if line.startswith("{"):
                self.lines.append(json.loads(line))
                if self.lines[-1]["event"] == event:
                    return self.lines[-1]
        raise AssertionError(f"not said: {event}")


def hang_up(process: subprocess.Popen[str], told: Told, workers: int) -> None:
    """Send SIGHUP, and return when each worker has reloaded."""
    process.send_signal(signal.SIGHUP)
    assert len({told.next("configuration reloaded")["pid"] for _ in range(workers)}) == workers


def model(name: str) -> dict[str, Any]:
    """An entry of `model_list`, played by the mock."""
    return {"model_name": name, "litellm_params": {"model": "mock"}}


def rewrite(file: str, entry: dict[str, Any], general_settings: dict[str, str] | None = None, **server: Any) -> None:
    """Write a configuration with one model; what stands in its `server` section stays."""
    path = Path(file)
    before = json.loads(path.read_text())["server"] if path.exists() else {}
    content = {"model_list": [entry], "server": {**before, **server}, "general_settings": general_settings or {}}
    path.write_text(json.dumps(content))


def models_at(url: str) -> tuple[str, ...]:
    """What the server lists over a new connection."""
    return tuple(each["id"] for each in httpx.get(f"{url}/v1/models", timeout=30).json()["data"])


@contextmanager
def few_open_files() -> Iterator[None]:
    """What is started meanwhile may have 256 of them."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


async def edit_at_once(url: str, count: int) -> int:
    """That many edits, each over a connection of its own; how many were completed."""

    async def edit() -> bool:
        async with httpx.AsyncClient(timeout=30) as client:
            answer = await client.post(f"{url}/v1/images/edits", data=FIELDS, files={"image": PNG})
        return b"event: image_edit.completed" in answer.content

    return sum(await asyncio.gather(*(edit() for _ in range(count))))


def workers_of(pid: int) -> set[int]:
    """The processes below `pid` that serve; another one looks after shared resources."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return {int(child) for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()}


def both_workers_of(pid: int) -> set[int]:
    """The two processes that serve, as soon as there are two."""
    deadline_s = time.monotonic() + 10
    while len(workers := workers_of(pid)) < 2:
        assert time.monotonic() < deadline_s
    return workers


def wait_until_idle(url: str) -> None:
    """Returns when no edit runs: who has got an answer may know of an edit's end before its worker has counted it."""
    deadline_s = time.monotonic() + 10
    while edits_of(url, "streamedit_running_edits"):
        assert time.monotonic() < deadline_s


def edits_of(url: str, name: str) -> float:
    """The sum of a metric's samples, as one scrape over a new connection sees it."""
    families = text_string_to_metric_families(httpx.get(f"{url}/metrics", timeout=30).text)
    return sum(sample.value for family in families for sample in family.samples if sample.name == name)
