"""Under uvicorn, in one process or in several."""

import asyncio
import json
import os
import resource
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import redises
from clients import PNG
from commands import started
from prometheus_client.parser import text_string_to_metric_families
from servers import serving, settings_of

from streamedit.targets import Target

FIELDS = {"model": "mock", "prompt": "p", "stream": "true", "mock_pace_s": "0", "partial_images": "1"}


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


def edits_of(url: str, name: str) -> float:
    """The sum of a metric's samples, as one scrape over a new connection sees it."""
    families = text_string_to_metric_families(httpx.get(f"{url}/metrics", timeout=30).text)
    return sum(sample.value for family in families for sample in family.samples if sample.name == name)
