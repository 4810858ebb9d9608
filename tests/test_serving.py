"""Under uvicorn, in one process or in several."""

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from clients import PNG
from commands import started
from prometheus_client.parser import text_string_to_metric_families

FIELDS = {"model": "mock", "prompt": "p", "stream": "true", "mock_pace_s": "0", "partial_images": "1"}


@pytest.fixture
def two_workers() -> Iterator[tuple[int, str]]:
    """The parent's pid and the URL of a server with two workers."""
    with started("--workers", "2") as (process, url, _):
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


def test_sigterm_ends_all_workers() -> None:
    """Each lets its streams end; nothing is left running or lying about."""
    with started("--workers", "2") as (process, url, _):
        assert asyncio.run(edit_at_once(url, 4)) == 4
        workers = workers_of(process.pid)
        process.terminate()
        assert process.wait(30) == 0
    assert not [worker for worker in workers if Path(f"/proc/{worker}").exists()]


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
