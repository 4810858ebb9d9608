"""Several nodes on one Redis, as real processes: killed, stopped, behind a proxy. No viewer misses or repeats an event."""

import asyncio
import json
import random
import re
import shutil
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
import redises
from clients import PNG, post
from commands import COMMAND, clean_environ
from servers import server_of, serving, settings_of
from stores.logs import truth, until
from upstreams import END, Hang, ScriptedUpstream, Step, chunk, completed, frame, head, json_answer, partial, upstream
from viewers import Viewer

from streamedit.config import Settings
from streamedit.health import CoolRules
from streamedit.routes import Route, Routes
from streamedit.routing import Policy
from streamedit.targets import Target

EVENTS = 8


class Paced:
    """An answer of EVENTS events that takes its time."""

    def __iter__(self) -> Iterator[Step]:
        yield head()
        for index in range(EVENTS - 1):
            threading.Event().wait(0.06)
            yield chunk(frame(partial(index)))
        yield chunk(frame(completed())) + END


class Node:
    """One server process, always on the same port."""

    def __init__(self, config: Path) -> None:
        self._config = config
        self._port = redises.free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._port}"

    def start(self) -> None:
        """Returns when it is ready."""
        command = [*COMMAND, "serve", "--port", str(self._port), "--config", str(self._config)]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL, env=clean_environ())
        transport = httpx.HTTPTransport(retries=100)
        with httpx.Client(transport=transport, timeout=30) as client:
            while client.get(f"{self.url}/health/ready").status_code != 200:
                assert self._process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def ended(self, within_s: float = 30) -> int:
        assert self._process is not None
        return self._process.wait(within_s)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)


@pytest.fixture
def paced() -> Iterator[ScriptedUpstream]:
    """The provider behind all nodes."""
    with upstream() as running:
        running.play(Paced())
        yield running


@pytest.fixture
def nodes(tmp_path: Path, paced: ScriptedUpstream) -> Iterator[tuple[Node, Node]]:
    """Two nodes on one Redis."""
    with redises.any_redis() as redis_url, ExitStack() as stack:
        model = {"model": "openai/m", "api_key": "k", "api_base": paced.url}
        server = {
            "redis_url": redis_url, "redis_prefix": redises.fresh_prefix(), "drain_timeout_s": 5,
            "max_connections_per_client": 10_000,
        }  # fmt: skip
        config = tmp_path / "cluster.yaml"
        config.write_text(json.dumps({"model_list": [{"model_name": "m", "litellm_params": model}], "server": server}))
        first, second = Node(config), Node(config)
        for node in (first, second):
            stack.callback(node.kill)
            node.start()
        yield first, second


async def begin(node: Node, key: str) -> str | None:
    """Post an asynchronous edit, and give the path of its events; None when the node went away meanwhile."""
    url, headers = f"{node.url}/v1/images/edits/async", {"idempotency-key": key}
    try:
        async with httpx.AsyncClient(timeout=20) as client:
            answer = await client.post(url, data={"prompt": key, "stream": "true"}, files={"image": PNG}, headers=headers)
    except httpx.TransportError:
        return None
    assert answer.status_code == 202, answer.text
    path: str = answer.json()["events_url"]
    return path


@pytest.mark.timeout(1200)
async def test_nodes_that_are_killed_lose_nothing(nodes: tuple[Node, Node], paced: ScriptedUpstream, long: bool) -> None:
    """SIGKILL at random moments, restart, resume: no id is lost or seen twice, every edit ends, each is paid at most once."""
    victim, survivor = nodes
    chance = random.Random(7)
    for round_ in range(50 if long else 3):
        keys = [f"round {round_} edit {number}" for number in range(4)]
        tries = [asyncio.create_task(begin(victim, key)) for key in keys]
        await asyncio.sleep(chance.uniform(0, 0.6))  # the moment is random
        victim.kill()
        paths = [await first or await begin(survivor, key) for first, key in zip(tries, keys, strict=True)]
        viewers = [Viewer([survivor.url, victim.url], path) for path in paths if path]
        watching = asyncio.gather(*(viewer.watch() for viewer in viewers))
        await asyncio.to_thread(victim.start)
        for viewer in await watching:
            assert viewer.ids == list(range(1, len(viewer.seen) + 1))
            assert viewer.last["type"] == "image_edit.completed" or viewer.last["error"]["code"] == "interrupted"
            assert viewer.seen[-1].event == "image_edit.completed" or viewer.seen[-1].event == "error"
        assert len(viewers) == len(keys)
    calls = Counter(asked.field("prompt") for asked in paced.asked)
    assert max(calls.values()) == 1, calls


async def test_a_viewer_may_come_back_to_any_node(nodes: tuple[Node, Node], paced: ScriptedUpstream) -> None:
    """It drops its connection after each event, and goes on at the other node."""
    path = await begin(nodes[0], "a")
    assert path
    viewer = await Viewer([node.url for node in nodes], path, drops_after=1).watch()
    assert viewer.ids == list(range(1, EVENTS + 1))
    assert viewer.last["type"] == "image_edit.completed"
    assert len(paced.asked) == 1


async def test_two_nodes_behind_nginx(nodes: tuple[Node, Node], paced: ScriptedUpstream, tmp_path: Path) -> None:
    """A proxy that deals a viewer's connections out in turn: each viewer meets both nodes, and sees one stream."""
    with nginx(tmp_path, [node.address for node in nodes], doors=4) as urls:
        paths = [await begin(nodes[number % 2], f"edit {number}") for number in range(4)]
        viewers = [Viewer([url], path, drops_after=1) for url, path in zip(urls, paths, strict=True) if path]
        for viewer in await asyncio.gather(*(viewer.watch() for viewer in viewers)):
            assert viewer.ids == list(range(1, EVENTS + 1))
            assert set(viewer.nodes) == {node.address for node in nodes}
    assert len(paced.asked) == len(viewers) == 4


async def test_an_edit_is_cancelled_from_another_node(nodes: tuple[Node, Node], paced: ScriptedUpstream) -> None:
    """The node that makes it closes the provider's call; both nodes tell the same end."""
    paced.play([head() + chunk(frame(partial())), Hang()])
    path = await begin(nodes[0], "a")
    assert path
    resource = path.partition("/events")[0]
    async with httpx.AsyncClient(timeout=20) as client:
        cancelled = await client.post(f"{nodes[1].url}{resource}/cancel")
        assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
        assert (await client.get(f"{nodes[0].url}{resource}")).json()["status"] == "cancelled"
    assert await asyncio.to_thread(paced.left.acquire, timeout=10)
    viewer = await Viewer([nodes[1].url, nodes[0].url], path).watch()
    assert viewer.last["error"]["code"] == "cancelled"


async def test_a_key_is_one_edit_on_all_nodes(nodes: tuple[Node, Node], paced: ScriptedUpstream) -> None:
    """A hundred posts at once, half of them to each node: one call upstream, and one answer for all."""

    async def post_one(client: httpx.AsyncClient, number: int) -> tuple[str, str]:
        data = {"prompt": "p", "stream": "true" if number % 4 < 2 else "false"}
        answer = await client.post(
            f"{nodes[number % 2].url}/v1/images/edits", data=data, files={"image": PNG}, headers={"idempotency-key": "k"}
        )
        assert answer.status_code == 200, answer.text
        return answer.headers["x-edit-id"], answer.headers.get("idempotent-replayed", "false")

    async with httpx.AsyncClient(timeout=30, limits=httpx.Limits(max_connections=100)) as client:
        answers = await asyncio.gather(*(post_one(client, number) for number in range(100)))
    assert len({edit_id for edit_id, _ in answers}) == 1
    assert [replayed for _, replayed in answers].count("false") == 1
    assert len(paced.asked) == 1


async def test_a_node_that_stops_sends_its_viewers_to_the_other(nodes: tuple[Node, Node]) -> None:
    """SIGTERM: edits of its own are finished, viewers of others' are told when to come back, and do so elsewhere."""
    stopping, other = nodes
    own, others = await begin(stopping, "own"), await begin(other, "others")
    assert own and others
    own_viewer, others_viewer = Viewer([stopping.url, other.url], own), Viewer([stopping.url, other.url], others)
    watching = [asyncio.create_task(viewer.watch()) for viewer in (own_viewer, others_viewer)]
    await until(truth(lambda: bool(own_viewer.seen and others_viewer.seen)))
    stopping.signal(signal.SIGTERM)
    await asyncio.gather(*watching)
    for viewer in (own_viewer, others_viewer):
        assert viewer.ids == list(range(1, EVENTS + 1))
        assert all(1000 <= retry_ms <= 5000 for retry_ms in viewer.retries)
    assert await asyncio.to_thread(stopping.ended) in (0, -signal.SIGTERM)


async def test_an_edit_without_a_reader_is_finished_before_the_end(nodes: tuple[Node, Node], paced: ScriptedUpstream) -> None:
    """SIGTERM: nobody is connected, and the edit that is paid for is not thrown away."""
    path = await begin(nodes[0], "a")
    assert path
    nodes[0].signal(signal.SIGTERM)
    assert await asyncio.to_thread(nodes[0].ended) in (0, -signal.SIGTERM)
    viewer = await Viewer([nodes[1].url], path).watch()
    assert viewer.last["type"] == "image_edit.completed"


async def test_a_node_that_was_asleep_is_told_that_it_is_too_late(nodes: tuple[Node, Node], paced: ScriptedUpstream) -> None:
    """SIGSTOP for longer than its promise holds: its edit has ended elsewhere, and ends for its own viewers in the same way."""
    path = await begin(nodes[0], "a")
    assert path
    await asyncio.sleep(0)
    nodes[0].signal(signal.SIGSTOP)
    seen_elsewhere = await Viewer([nodes[1].url], path).watch()
    assert seen_elsewhere.last["error"]["code"] == "interrupted"
    nodes[0].signal(signal.SIGCONT)
    seen_there = await Viewer([nodes[0].url], path).watch()
    assert [event.data for event in seen_there.seen] == [event.data for event in seen_elsewhere.seen]
    assert len(paced.asked) <= 1


@contextmanager
def nginx(folder: Path, addresses: list[str], doors: int) -> Iterator[list[str]]:
    """A proxy over these addresses. Each of its doors deals its connections to them in turn; `x-node` tells which it was."""
    if shutil.which("nginx") is None:
        pytest.skip("there is no nginx here: nodes behind a proxy are NOT tested")
    ports = [redises.free_port() for _ in range(doors)]
    config = folder / "nginx.conf"
    temporary = "".join(f"{name}_temp_path {folder}; " for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    servers = "".join(
        f"upstream nodes{port} {{ {' '.join(f'server {address};' for address in addresses)} }}\n"
        f"server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://nodes{port}; proxy_buffering off; "
        f"proxy_http_version 1.1; add_header x-node $upstream_addr always; }} }}\n"
        for port in ports
    )
    config.write_text(
        f"daemon off; pid {folder}/nginx.pid; error_log stderr error; events {{}}\n"
        f"http {{ access_log off; {temporary}{servers} }}\n"
    )
    process = subprocess.Popen(["nginx", "-c", str(config), "-p", str(folder)], stderr=subprocess.DEVNULL)
    urls = [f"http://127.0.0.1:{port}" for port in ports]
    try:
        with httpx.Client(transport=httpx.HTTPTransport(retries=100)) as client:
            assert client.get(f"{urls[0]}/health/live").status_code == 200
        yield urls
    finally:
        process.terminate()
        process.wait(10)


def test_without_its_redis_a_server_says_so() -> None:
    """Readiness is red, new edits are a 503 with nothing begun, and viewers, whom a 503 would end, are asked to come back."""
    with redises.own_redis() as redis:
        settings = settings_of(Target("mock", "mock", params={"mock_pace_s": 0}), redis_url=redis.url)
        with serving(settings) as server:
            assert httpx.get(f"{server.url}/health/ready").status_code == 200
            done = post(server.edits_url)
            redis.kill()
            refused = post(server.edits_url)
            assert (refused.status, refused.error["code"], refused.headers["retry-after"]) == (503, "store_unavailable", "5")
            assert httpx.get(f"{server.url}/health/ready").status_code == 503
            assert httpx.get(f"{server.url}/health/live").status_code == 200
            unknown = httpx.get(f"{server.edits_url}/edit_{'0' * 32}/events")
            assert (unknown.status_code, unknown.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
            assert re.fullmatch(r"retry: [1-5]\d{3}\n\n", unknown.text)
            # What was made here is still here.
            again = httpx.get(f"{server.edits_url}/{done.headers['x-edit-id']}")
            assert again.json()["result"] == done.json
            redis.start()
            server.wait_for(lambda: httpx.get(f"{server.url}/health/ready").status_code == 200)
            assert post(server.edits_url).status == 200


def test_a_cooldown_holds_for_all_nodes() -> None:
    """A target that one node has found busy is not asked by another, which says when to come back."""
    with redises.any_redis() as url, upstream() as busy:
        busy.play([json_answer({"error": {"message": "slow down"}}, "429 Too Many Requests", retry_after="60")])
        targets = tuple(Target("openai", model, "sk-1", busy.url, id=model) for model in ("gpt-image-2", "gpt-image-1"))
        route = Route("house", targets, Policy(cooling=CoolRules(5), patience_s=1))
        server = server_of(drain_timeout_s=0, redis_url=url, redis_prefix=redises.fresh_prefix())
        settings = Settings(Routes([route], "house"), server)
        with serving(settings) as one, serving(settings) as other:
            assert post(one.edits_url).status == 429
            assert len(busy.asked) == 2
            refused = post(other.edits_url)
            assert (refused.status, refused.error["code"]) == (503, "no_target_available")
            assert 50 < int(refused.headers["retry-after"]) <= 60
            assert len(busy.asked) == 2
