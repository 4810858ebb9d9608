"""Whoever judges: OpenAI's moderation endpoint, or one that speaks as it does."""

import asyncio
from http import HTTPStatus

from streamedit.errors import UpstreamError
from streamedit.moderation.findings import Finding, Unjudged
from streamedit.moderation.items import Item
from streamedit.standards import ModerationSettings
from streamedit.upstream.client import Call, Upstream
from streamedit.wire import moderations
from streamedit.wire.jsonbody import JsonBody

_ANSWER_BYTES = 1 << 20

_PASSING = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS})
"""Of the statuses that blame the request, those that may not come a second time."""


class Endpoint:
    """The endpoint of some settings, which have a key for it."""

    def __init__(self, settings: ModerationSettings, upstream: Upstream) -> None:
        self._settings = settings
        self._upstream = upstream
        self._url = f"{settings.api_base.rstrip('/')}/moderations"

    async def judge(self, item: Item) -> Finding:
        """What counts of what is in it, after as many tries as there may be, each of them bounded."""
        question = await item.question(self._settings.model)
        found = await self._ask(question)
        for _ in range(self._settings.retries):
            if not (isinstance(found, Unjudged) and found.may_pass):
                break
            found = await self._ask(question)
        return found

    async def _ask(self, question: JsonBody) -> Finding:
        call = Call("POST", self._url, {"authorization": f"Bearer {self._settings.api_key}"}, question)
        try:
            async with asyncio.timeout(self._settings.timeout_s), self._upstream.send(call) as answer:
                if answer.status != HTTPStatus.OK:
                    answer.complete()
                    return _refused(answer.status)
                return self._read(await answer.read(_ANSWER_BYTES))
        except (UpstreamError, TimeoutError) as error:
            return Unjudged(type(error).__name__, may_pass=True)

    def _read(self, content: bytes) -> Finding:
        try:
            results = moderations.parse(content)
        except ValueError:
            return Unjudged("malformed answer")
        counting = {name for result in results for name in self._settings.flagged(result.categories, result.category_scores)}
        return tuple(sorted(counting))


def _refused(status: int) -> Unjudged:
    return Unjudged(str(status), may_pass=status in _PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR)
