"""Where a request stands in its caller's own trace: the headers `traceparent` and `tracestate`.

https://www.w3.org/TR/trace-context-2/. Whatever is malformed counts as absent, as it says; it is no reason to refuse a request.
"""

import re

from starlette.datastructures import Headers

from streamedit.edits import TraceParent

_PARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)
"""Later versions may append something (3.2.1); 00 has nothing more, and there is no ff."""

_NAME = r"[a-z0-9][a-z0-9_\-*/@]{0,255}"
_MEMBER = re.compile(rf"{_NAME}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{{0,255}}[\x21-\x2b\x2d-\x3c\x3e-\x7e]", re.ASCII)
_MAX_STATE_CHARS = 512
_MAX_MEMBERS = 32


def parent_of(headers: Headers) -> TraceParent | None:
    """The caller's span; None when the request names none."""
    named = headers.getlist("traceparent")
    match = _PARENT.fullmatch(named[0].strip()) if len(named) == 1 else None
    if match is None:
        return None
    version, trace_id, span_id, flags, rest = match.groups()
    if version == "ff" or (version == "00" and rest) or not int(trace_id, 16) or not int(span_id, 16):
        return None
    return TraceParent(trace_id, span_id, int(flags, 16), _state_of(headers))


def _state_of(headers: Headers) -> str:
    members = [member.strip(" \t") for header in headers.getlist("tracestate") for member in header.split(",")]
    members = [member for member in members if member]
    names = {member.partition("=")[0] for member in members}
    state = ",".join(members)
    is_whole = len(names) == len(members) <= _MAX_MEMBERS and len(state) <= _MAX_STATE_CHARS
    return state if is_whole and all(map(_MEMBER.fullmatch, members)) else ""
