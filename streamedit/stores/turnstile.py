"""What Redis holds of edits that count, one step a method."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from redis.asyncio import Redis
from redis.asyncio.client import PubSub

from streamedit.limits import QuotaRules
from streamedit.parties import Scope
from streamedit.stores.quota_scripts import ENTER, LEAVE, RENEW, RESTORE

Answer: TypeAlias = Any
"""What a script gives back."""


@dataclass(frozen=True, slots=True)
class SlotLease:
    """A promise is made every `renew_s` and holds for `lease_s`."""

    renew_s: float = 1.0
    lease_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Passage:
    """How an edit was let in, or not. `readings`: of every limit what is used, until there is room, until nothing is used.

    Times are in microseconds; -1 for never. `queue`: the scope that it waits for, empty when it runs. `waited_us`: how long the
    first has waited in a queue that is full.
    """

    state: str
    readings: Sequence[Sequence[int]]
    queue: str = ""
    waited_us: int | None = None


class Turnstile:
    """The edits of one prefix. Every method is one step, and raises what redis-py raises."""

    def __init__(self, client: Redis, prefix: str, rules: QuotaRules, lease_s: float) -> None:
        self._client = client
        self._rules = rules
        self._prefix = f"{prefix}quotas:"
        self._common = (self._prefix, round(lease_s * 1e6))
        made = (client.register_script(script) for script in (ENTER, LEAVE, RENEW, RESTORE))
        self._enter, self._leave, self._renew, self._restore = made

    async def enter(self, edit_id: str, scopes: Sequence[Scope], images: int) -> Passage:
        """Count an edit, or do nothing: `entered`; `refused` by a rate; `full`, when nobody more may wait."""
        bounds = (self._rules.queue_size, self._rules.window_us)
        answer: Answer = await self._enter(args=[*self._common, edit_id, _text(scopes), images, *bounds])
        state, flat = answer[0].decode(), answer[1]
        readings = list(zip(flat[::3], flat[1::3], flat[2::3], strict=True))
        if state == "full":
            return Passage(state, readings, waited_us=answer[2] if answer[2] >= 0 else None)
        return Passage(state, readings, answer[2].decode() if state == "entered" else "")

    async def leave(self, edit_id: str, *, is_counted: bool) -> None:
        await self._leave(args=[*self._common, edit_id, int(is_counted)])

    async def renew(self, edit_ids: Sequence[str]) -> Mapping[str, str]:
        """Promise to be alive; for each edit: running, waiting or gone. Those of who has broken a promise are out."""
        states: Answer = await self._renew(args=[*self._common, *edit_ids])
        return {edit_id: state.decode() for edit_id, state in zip(edit_ids, states, strict=True)}

    async def restore(self, edit_id: str, scopes: Sequence[Scope], images: int, *, is_running: bool) -> None:
        """Give an edit that is gone its slots again, whether there is room or not; or a place at the end of a queue."""
        await self._restore(args=[*self._common, edit_id, _text(scopes), images, int(is_running)])

    def grants(self) -> PubSub:
        """Where the ids of edits are told that have waited, and have their slots now."""
        return self._client.pubsub(ignore_subscribe_messages=True)

    @property
    def grants_channel(self) -> str:
        return f"{self._prefix}granted"


def _text(scopes: Sequence[Scope]) -> str:
    """Scopes as the scripts read them; 0 for no limit."""
    return json.dumps([_fields(scope) for scope in scopes])


def _fields(scope: Scope) -> Mapping[str, str | int]:
    limits = scope.allowance.limits
    return {
        "name": scope.name,
        "requests": limits.requests_per_minute or 0,
        "images": limits.images_per_minute or 0,
        "slots": limits.parallel_edits or 0,
    }
