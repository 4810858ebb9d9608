"""What answers tell of an edit, in the names of other gateways as well: their callers look for those."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from starlette.datastructures import Headers, MutableHeaders

from streamedit import tally
from streamedit.portkey import headers, names

Naming: TypeAlias = Callable[[Mapping[str, str], Mapping[str, str]], Mapping[str, str]]
"""A request's headers, and those that its answer has so far -> what to add to the answer.

It sees every answer: of edits, which tell `tally.HEADERS` as far as they are known then and `x-edit-id`, and of errors.
"""

_LITELLM = {
    "x-litellm-model-group": tally.MODEL,
    "x-litellm-attempted-retries": tally.RETRIES,
    "x-litellm-attempted-fallbacks": tally.FALLBACKS,
    "x-litellm-response-cost": tally.COST,
    "x-litellm-overhead-duration-ms": tally.OVERHEAD_MS,
}
LITELLM_HEADERS = (*_LITELLM, "x-litellm-call-id")

_PROVIDER = f"{headers.PREFIX}provider"
_TRACE_ID = f"{headers.PREFIX}trace-id"
_RETRIES = f"{headers.PREFIX}retry-attempt-count"
_OPTION = f"{headers.PREFIX}last-used-option-index"
PORTKEY_HEADERS = (_PROVIDER, _TRACE_ID, _RETRIES, _OPTION)

HEADERS = (*tally.HEADERS, *LITELLM_HEADERS, *PORTKEY_HEADERS)
"""All that answers may tell of an edit: pages of other origins may read them."""


def litellm(asked: Mapping[str, str], told: Mapping[str, str]) -> Mapping[str, str]:
    """LiteLLM's names, for requests with a header of LiteLLM's. Without an id of the caller's own the edit's is the call's."""
    if not any(name.startswith("x-litellm-") for name in asked):
        return {}
    call_id = asked.get("x-litellm-call-id") or told.get("x-edit-id") or told["x-request-id"]
    return {"x-litellm-call-id": call_id, **{theirs: told[ours] for theirs, ours in _LITELLM.items() if ours in told}}


def portkey(asked: Mapping[str, str], told: Mapping[str, str]) -> Mapping[str, str]:
    """Portkey's names, for requests with a header of Portkey's. Without a trace of the caller's own the edit's id is one.

    The provider is named as the caller has, else as Portkey would. The retries are those of the whole edit.
    """
    if not any(name.startswith(headers.PREFIX) for name in asked):
        return {}
    trace_id = asked.get(_TRACE_ID) or told.get("x-edit-id") or told["x-request-id"]
    trace = {_TRACE_ID: trace_id[: headers.MAX_TRACE_CHARS]}
    provider = told.get(tally.PROVIDER)
    if provider is None:
        return trace
    written = asked.get(_PROVIDER, "")
    named = written if names.ours(written) == provider else names.theirs(provider)
    return {**trace, _PROVIDER: named, _RETRIES: told[tally.RETRIES], _OPTION: told.get(tally.OPTION, "config")}


NAMINGS: Sequence[Naming] = (litellm, portkey)


def rename(asked: Headers, answer: MutableHeaders) -> None:
    """Add what the caller's gateway would tell."""
    for naming in NAMINGS:
        answer.update(naming(asked, answer))
