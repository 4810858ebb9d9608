"""What the OpenAPI description says of the ledger's routes, and of the page's: drawn from the names that they answer with."""

from collections.abc import Mapping, Sequence
from typing import Any

from streamedit.stores.sql import audits
from streamedit.usage import NAMES, PERCENTILES, SUMS
from streamedit.web.glance import RANGES

_TEXT = {"type": "string"}
_MAYBE_TEXT = {"type": ["string", "null"]}
_COUNT = {"type": "integer"}
_SECONDS = {"type": ["number", "null"]}

_SUMS = {**dict.fromkeys(SUMS, _COUNT), **dict.fromkeys(PERCENTILES, _SECONDS)}


def paths(error: Mapping[str, Any]) -> Mapping[str, Any]:
    """Each with its one method; `error` is what any of them may answer."""
    json = {path: {"application/json": {"schema": schema}} for path, (_, _, _, schema) in _ROUTES.items()}
    csv = {path: {"text/csv": {"schema": _TEXT}} for path in ("/v1/usage", "/v1/admin/edits")}
    return {
        path: {
            "get": {
                "operationId": operation_id,
                "parameters": asked,
                "responses": {"200": {"description": told, "content": json[path] | csv.get(path, {})}, "default": error},
            }
        }
        for path, (operation_id, told, asked, _) in _ROUTES.items()
    }


def _query(name: str, description: str, schema: Mapping[str, Any] = _TEXT) -> Mapping[str, Any]:
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _object(properties: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"type": "object", "properties": properties}


def _listing(data: Mapping[str, Any], **more: Mapping[str, Any]) -> Mapping[str, Any]:
    listed = {"object": {"const": "list"}, "data": {"type": "array", "items": data}, **more, "has_more": {"type": "boolean"}}
    return {**_object(listed), "required": list(listed)}


_SPAN = [
    _query("start", "A date, a Unix time, or `30d` for so many days ago."),
    _query("end", "The same; a date belongs to the span."),
    _query("format", "As `Accept: text/csv` says, too.", {"enum": ["json", "csv"]}),
    *(_query(name, "Edits that are so alone.") for name in NAMES),
]
_USAGE_ASKED = [_query("group_by", f"Any of {', '.join(NAMES)}, with commas between them."), *_SPAN]
_EDITS_ASKED = [
    _query("limit", "How many.", {"type": "integer", "minimum": 1, "maximum": 1000}),
    _query("after", "The `last_id` of the page before."),
    *_SPAN,
]
_RANGE = _query("range", "By the hour or by the day.", {"enum": list(RANGES), "default": "7d"})

_USAGE = _listing(
    _object({**dict.fromkeys(NAMES, _MAYBE_TEXT), **_SUMS}),
    start=_COUNT, end=_COUNT, group_by={"type": "array", "items": {"enum": list(NAMES)}}, total=_object(_SUMS),
)  # fmt: skip
_EDITS = _listing(_object({name: {} for name in audits.COLUMNS}), first_id=_MAYBE_TEXT, last_id=_MAYBE_TEXT)
_NOW = {"running_edits": _COUNT, "open_streams": _COUNT}
_LIVE = _object({"object": {"const": "live"}, **_NOW})
_OVERVIEW = _object({"object": {"const": "overview"}, "live": _object(_NOW), "buckets": {"type": "array"}})

_ROUTES: Mapping[str, tuple[str, str, Sequence[Any], Mapping[str, Any]]] = {
    "/v1/usage": ("sumUsage", "What was used; of its own edits, for a key that is no master.", _USAGE_ASKED, _USAGE),
    "/v1/admin/edits": ("listLedgersEdits", "The edits, the newest first, with their attempts.", _EDITS_ASKED, _EDITS),
    "/v1/admin/overview": ("retrieveOverview", "All that the admin page shows.", [_RANGE], _OVERVIEW),
    "/v1/admin/live": ("retrieveLive", "What runs right now, in all workers.", [], _LIVE),
}
"""Of each: its operation, what it is, what it may be asked, what it answers."""
