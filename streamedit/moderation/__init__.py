"""This server's own moderation of what it is asked for: keywords here, prompt and files at an endpoint."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from streamedit.edits import EditRequest
from streamedit.keywords import Keywords
from streamedit.moderation.cache import Cache
from streamedit.moderation.endpoint import Endpoint
from streamedit.moderation.findings import KEYWORD, Finding, Unjudged, Verdict, verdict_of
from streamedit.moderation.items import Item, items_of, texts_of
from streamedit.standards import ModerationSettings
from streamedit.telemetry import Telemetry
from streamedit.upstream.client import Upstream

__all__ = ["Moderation", "Verdict"]

_AT_ONCE = 4
"""Of one request's parts."""


class Moderation:
    """Judges requests by `settings`, which are not off. `clock` gives monotonic seconds."""

    def __init__(
        self, settings: ModerationSettings, upstream: Upstream, telemetry: Telemetry, clock: Callable[[], float]
    ) -> None:
        self.settings = settings
        self._keywords = Keywords(settings.keywords)
        self._endpoint = Endpoint(settings, upstream) if settings.api_key else None
        self._cache = Cache(settings.cache_s, settings.cache_size, clock)
        self._telemetry = telemetry

    async def check(self, request: EditRequest, edit_id: str = "", variants: Sequence[EditRequest] = ()) -> Verdict:
        """The verdict on a request that may go on. Raises the refusal of any other: see `judge`."""
        verdict = await self.judge(request, edit_id, variants)
        if verdict.refusal is not None:
            raise verdict.refusal
        return verdict

    async def judge(self, request: EditRequest, edit_id: str = "", variants: Sequence[EditRequest] = ()) -> Verdict:
        """The verdict on a request, whose uploads stay open meanwhile. `edit_id`: as which the log shall name it.

        `variants`: how it may be sent, with the same files and other words.

        Its refusal: ModerationBlocked; where nothing goes on unjudged also ModerationUnavailable, and InvalidRequest for a file
        that nobody can judge. There is none when this only observes.
        """
        verdict = verdict_of(await self._findings(request, variants), self.settings)
        self._telemetry.moderated(verdict.outcome)
        if verdict.unjudged:
            self._telemetry.log.warning("moderation failed", edit_id=edit_id, why=verdict.unjudged)
        return verdict

    async def _findings(self, request: EditRequest, variants: Sequence[EditRequest]) -> Sequence[Finding]:
        texts = dict.fromkeys(text for each in (request, *variants) for text in texts_of(each))
        found: list[Finding] = [(KEYWORD,)] if any(map(self._keywords.are_in, texts)) else []
        if self._endpoint is None or (found and self.settings.blocks):
            return found
        files = request.files() if self.settings.images else ()
        return [*found, *await self._judged(self._endpoint, items_of(texts, files))]

    async def _judged(self, endpoint: Endpoint, items: Iterable[Item]) -> Sequence[Finding]:
        turns = asyncio.Semaphore(_AT_ONCE)
        async with asyncio.TaskGroup() as tasks:
            judging = [tasks.create_task(self._judged_item(endpoint, item, turns)) for item in items]
        return [task.result() for task in judging]

    async def _judged_item(self, endpoint: Endpoint, item: Item, turns: asyncio.Semaphore) -> Finding:
        async with turns:
            found, was_known = await self._found(endpoint, item)
        answered = "cached" if was_known else "answered"
        self._telemetry.moderation_asked("failed" if isinstance(found, Unjudged) else answered)
        return found

    async def _found(self, endpoint: Endpoint, item: Item) -> tuple[Finding, bool]:
        """What was found in it, and whether that was known before."""
        digest = await item.digest()
        if digest is None:
            return Unjudged("unsuitable file", is_callers=True), False
        return await self._cache.get(digest, partial(endpoint.judge, item))
