"""What was used: sums of the ledger for whoever has a key, its edits one by one for a master key; as JSON or CSV."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Self

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from streamedit.errors import Forbidden, InvalidRequest, NotFound, StoreUnavailable
from streamedit.parties import Principal
from streamedit.sheets import csv_of
from streamedit.stores.sql import audits
from streamedit.stores.sql.audits import SqlAudits
from streamedit.stores.sql.usage import SqlUsage
from streamedit.usage import NAMES, UsageQuery, columns_of, filters_of, groups_of, span_of
from streamedit.web.answers import no_database, private_answer
from streamedit.web.auth import Door

_SPAN = ("start", "end", "format")
_MOST_EDITS = 1000
_DEFAULT_EDITS = 100

_FRESH_S = 2.0
"""For what has ended just now to be entered; then the answer is without it."""


@dataclass(frozen=True, slots=True)
class Entered:
    """What the ledger has. `flushed` waits for what this process has kept to be entered, at most so many seconds."""

    usage: SqlUsage
    edits: SqlAudits
    flushed: Callable[[float], Awaitable[None]]

    async def fresh(self) -> Self:
        """Whoever was told of an edit's end finds it in the sums."""
        with suppress(StoreUnavailable):
            await self.flushed(_FRESH_S)
        return self


class UsageRoutes:
    """The handlers. `entered`: None where there is no database."""

    def __init__(self, door: Door, entered: Entered | None) -> None:
        self._door = door
        self._entered = entered

    def routes(self) -> list[Route]:
        return [Route("/v1/usage", self.usage), Route("/v1/admin/edits", self.edits)]

    async def usage(self, request: Request) -> Response:
        """The sums of a span by what was asked for; of its own edits, for a key that is no master."""
        principal = await self._door.authenticate(request)
        entered = self._there()
        given = _given(request, (*NAMES, *_SPAN, "group_by"))
        as_csv = _wants_csv(request, given)
        query = _own(replace(self._query(given), group_by=groups_of(given.get("group_by", "day"))), principal)
        usage = await (await entered.fresh()).usage.of(query)
        if as_csv:
            return _csv(columns_of(query), usage.rows, has_more=usage.has_more)
        listed = {"object": "list", "start": query.span.start_s, "end": query.span.end_s, "group_by": query.group_by}
        return private_answer({**listed, "data": usage.rows, "total": usage.total, "has_more": usage.has_more})

    async def edits(self, request: Request) -> Response:
        """The newest edits of all, a page at a time."""
        await self._door.authenticate_master(request)
        entered = self._there()
        given = _given(request, (*NAMES, *_SPAN, "limit", "after"))
        as_csv = _wants_csv(request, given)
        query, limit = self._query(given), _limit_of(given.get("limit"))
        page = await (await entered.fresh()).edits.newest(query, limit, given.get("after"))
        if page is None:
            raise NotFound("There is no such edit in the ledger.", param="after", code="edit_not_found")
        if as_csv:
            rows = [{**edit, "attempts": len(edit["attempts"])} for edit in page.edits]
            return _csv(audits.COLUMNS, rows, has_more=page.has_more)
        ids = [edit["edit_id"] for edit in page.edits]
        ends = {"first_id": ids[0] if ids else None, "last_id": ids[-1] if ids else None}
        return private_answer({"object": "list", "data": page.edits, **ends, "has_more": page.has_more})

    def _query(self, given: Mapping[str, str]) -> UsageQuery:
        span = span_of(given.get("start"), given.get("end"), self._door.now_s())
        return UsageQuery(span, filters=filters_of(given))

    def _there(self) -> Entered:
        if self._entered is None:
            raise no_database()
        return self._entered


def _given(request: Request, known: Collection[str]) -> Mapping[str, str]:
    """The query's parameters. Raises InvalidRequest: one that is not known would give sums of something else."""
    given: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in known:
            told = f"There is no parameter '{name[:64]}' here; there are: {', '.join(known)}."
            raise InvalidRequest(told, param=name[:64], code="unknown_parameter")
        if name in given:
            raise InvalidRequest(f"{name} is given twice.", param=name, code="invalid_value")
        given[name] = value
    return given


def _own(query: UsageQuery, principal: Principal) -> UsageQuery:
    """Raises Forbidden when it asks for another key's."""
    if principal.is_master:
        return query
    if query.filters.get("key", principal.id) != principal.id:
        raise Forbidden("This key sees its own usage only.", param="key")
    return replace(query, filters={**query.filters, "key": principal.id})


def _limit_of(text: str | None) -> int:
    if text is None:
        return _DEFAULT_EDITS
    if not (text.isascii() and text.isdecimal() and len(text) < 5 and 1 <= int(text) <= _MOST_EDITS):
        raise InvalidRequest(f"limit must be a whole number from 1 to {_MOST_EDITS}.", param="limit", code="invalid_value")
    return int(text)


def _wants_csv(request: Request, given: Mapping[str, str]) -> bool:
    """`format` counts more than `Accept`."""
    wanted = given.get("format", "csv" if "text/csv" in request.headers.get("accept", "") else "json")
    if wanted not in ("json", "csv"):
        raise InvalidRequest("format must be json or csv.", param="format", code="invalid_value")
    return wanted == "csv"


def _csv(columns: Sequence[str], rows: Sequence[Mapping[str, Any]], *, has_more: bool) -> Response:
    headers = {"cache-control": "no-store", "x-has-more": str(has_more).lower()}
    return Response(csv_of(columns, rows), media_type="text/csv", headers=headers)
