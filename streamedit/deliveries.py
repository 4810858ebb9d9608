"""Delivers webhooks: each receiver for itself, again and again until it takes them, within bounds of time and number."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus

import structlog

from streamedit.clocks import Clocks
from streamedit.errors import UpstreamError
from streamedit.failures import retry_after_s
from streamedit.records import Report
from streamedit.sinks import Webhook
from streamedit.upstream.client import Answer, Call, Upstream
from streamedit.webhooks import Notice, notice_of, signed

_JITTER = 0.25
"""Waits are shorter by up to so much, so that what failed together is not tried again together."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long and how often. Times in seconds: of one try, of all tries, of the first and the longest wait between two.

    `farewell_s`: for what is left at shutdown. `waiting`: how many events a receiver may have to come. `at_once`: how many of
    them it is sent side by side.
    """

    try_s: float = 15.0
    total_s: float = 3600.0
    first_wait_s: float = 1.0
    longest_wait_s: float = 300.0
    farewell_s: float = 5.0
    waiting: int = 1000
    at_once: int = 4


@dataclass(frozen=True, slots=True)
class Tools:
    """What receivers are reached with."""

    upstream: Upstream
    log: structlog.typing.FilteringBoundLogger
    clocks: Clocks
    patience: Patience = Patience()


class Deliveries:
    """The sink of all webhooks. `hooks`: their receivers, who do not wait for each other."""

    def __init__(self, hooks: Sequence[Webhook], tools: Tools) -> None:
        self._receivers = [_Receiver(hook, tools) for hook in hooks]
        self._tools = tools
        self._tasks: asyncio.TaskGroup | None = None

    def take(self, report: Report) -> None:
        notice = notice_of(report, self._tools.clocks.now_s())
        for receiver in self._receivers:
            if self._tasks is not None and receiver.wants(notice):
                receiver.start(notice, self._tasks)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Deliver inside. On leaving, everything is tried for a last time; what is not taken then is lost, and logged."""
        async with asyncio.TaskGroup() as self._tasks:
            yield
            tasks = [task for receiver in self._receivers for task in receiver.hurry()]
            if tasks:
                await asyncio.wait(tasks, timeout=self._tools.patience.farewell_s)
            for receiver in self._receivers:
                receiver.give_up()
        self._tasks = None


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Why an event was not taken: a status or an error's name. `wait_s`: as the receiver asks."""

    why: str
    wait_s: float = 0.0


class _Receiver:
    def __init__(self, hook: Webhook, tools: Tools) -> None:
        self._hook = hook
        self._tools = tools
        self._patience = tools.patience
        self._turns = asyncio.Semaphore(tools.patience.at_once)
        self._hurry = asyncio.Event()
        self._pending: dict[asyncio.Task[None], Notice] = {}
        self._is_gone = False
        self._quiet_until_s = 0.0

    def wants(self, notice: Notice) -> bool:
        return notice.type in self._hook.events and not self._is_gone

    def start(self, notice: Notice, tasks: asyncio.TaskGroup) -> None:
        if len(self._pending) >= self._patience.waiting:
            self._tell("webhook dropped: too many wait for this receiver", notice)
            return
        task = tasks.create_task(self._deliver(notice), name=notice.id)
        self._pending[task] = notice
        task.add_done_callback(self._pending.pop)

    def hurry(self) -> Sequence[asyncio.Task[None]]:
        """Nothing is waited for any more: who waits tries once again, for the last time."""
        self._hurry.set()
        return list(self._pending)

    def give_up(self) -> None:
        """Whatever is still under way is lost."""
        for task, notice in self._pending.items():
            self._tell("webhook lost: the server stops", notice)
            task.cancel()

    async def _deliver(self, notice: Notice) -> None:
        clock, began_s = self._tools.clocks.clock, self._tools.clocks.clock()
        wait_s = self._patience.first_wait_s
        while True:
            is_last = self._hurry.is_set()
            refusal = await self._try(notice)
            if refusal is None or self._is_gone:
                return
            pause_s = max(refusal.wait_s, wait_s * (1 - _JITTER * random.random()))  # noqa: S311 - no secret
            if is_last or clock() - began_s + pause_s > self._patience.total_s:
                self._tell("webhook given up", notice, why=refusal.why)
                return
            await self._pause(pause_s)
            wait_s = min(2 * wait_s, self._patience.longest_wait_s)

    async def _try(self, notice: Notice) -> _Refusal | None:
        """None: it was taken. A redirect is not followed, and a failure like any other."""
        try:
            async with self._turns:
                await self._pause(self._quiet_until_s - self._tools.clocks.clock())
                if self._is_gone:
                    return None
                async with asyncio.timeout(self._patience.try_s):
                    answer = await self._post(notice)
        except (UpstreamError, TimeoutError) as error:
            return _Refusal(type(error).__name__)
        if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            return None
        if answer.status == HTTPStatus.GONE:
            self._end(notice)
        wait_s = retry_after_s(answer.headers, self._tools.clocks.now_s())
        return _Refusal(str(answer.status), self._calmed(wait_s or 0.0))

    async def _post(self, notice: Notice) -> Answer:
        headers = signed(notice, self._hook.key, self._tools.clocks.now_s())
        call = Call("POST", self._hook.url, headers, notice, self._patience.try_s)
        async with self._tools.upstream.send(call) as answer:
            answer.complete()
            return answer

    def _calmed(self, wait_s: float) -> float:
        """A receiver that asks for a pause gets it from all events."""
        wait_s = min(wait_s, self._patience.longest_wait_s)
        self._quiet_until_s = max(self._quiet_until_s, self._tools.clocks.clock() + wait_s)
        return wait_s

    def _end(self, notice: Notice) -> None:
        """410 Gone: Standard Webhooks wants no more to be sent there."""
        if not self._is_gone:
            self._is_gone = True
            self._tell("webhooks end: the receiver is gone (410)", notice)

    async def _pause(self, seconds: float) -> None:
        if seconds > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._hurry.wait()

    def _tell(self, event: str, notice: Notice, **facts: str) -> None:
        named = {"receiver": self._hook.receiver, "id": notice.id, "type": notice.type, "edit_id": notice.edit_id}
        self._tools.log.warning(event, **named, **facts)
