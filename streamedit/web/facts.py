"""What answers tell of an edit, in the names of other gateways as well: their callers look for those."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from starlette.datastructures import Headers, MutableHeaders

from streamedit import tally

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


def litellm(asked: Mapping[str, str], told: Mapping[str, str]) -> Mapping[str, str]:
    """LiteLLM's names, for requests with a header of LiteLLM's. Without an id of the caller's own the edit's is the call's."""
    if not any(name.startswith("x-litellm-") for name in asked):
        return {}
    call_id = asked.get("x-litellm-call-id") or told.get("x-edit-id") or told["x-request-id"]
    return {"x-litellm-call-id": call_id, **{theirs: told[ours] for theirs, ours in _LITELLM.items() if ours in told}}


NAMINGS: Sequence[Naming] = (litellm,)


def rename(asked: Headers, answer: MutableHeaders) -> None:
    """Add what the caller's gateway would tell."""
    for naming in NAMINGS:
        answer.update(naming(asked, answer))
