"""What is known of a target's recent past, and what follows from that: whether it may be asked now. Pure.

A target that fails too often cools down: nobody asks it. Then one edit does, as a probe; when that succeeds, or is not refused
for a while, it is open again, when it fails it cools down once more. Whatever is counted, is counted by the minute.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from streamedit.failures import CALLERS, Kind
from streamedit.targets import Limits

_MINUTE_S = 60
_NEWEST = 10
"""So many times to the first event are remembered (LiteLLM's default of `max_latency_list_size`)."""

_FEW = 5
"""Fewer requests in a minute say nothing of a share (LiteLLM's `DEFAULT_FAILURE_THRESHOLD_MINIMUM_REQUESTS`)."""

_SHARE = 0.5
"""More failures than that are too many (LiteLLM's `DEFAULT_FAILURE_THRESHOLD_PERCENT`)."""

_PROBE_S = 10.0
"""Who refuses does so at once, and a picture may take a minute: a probe that is under way for so long has shown enough."""

_LONGEST_ASKED_S = 600.0
"""Whatever the provider asks for: an hour's `retry-after` of a passing fault would take a target away for an hour."""

_SOON_S = 0.25
"""When to look again for what ends at nobody knows what time."""

_AT_ONCE = frozenset({Kind.AUTHENTICATION, Kind.NOT_FOUND, Kind.RATE_LIMIT})
"""Failures that the next request would meet as well (LiteLLM cools down after one of them, too)."""


@dataclass(frozen=True, slots=True)
class CoolRules:
    """When a target cools down: for `cooldown_s`, 0 for never, after more than `allowed_fails` of a minute.

    `allowed_by_kind`: another number for one kind of failure. `forgiven`: kinds that say nothing of the target.
    """

    cooldown_s: float = 0.0
    allowed_fails: int = 3
    allowed_by_kind: Mapping[Kind, int] = field(default_factory=dict)
    forgiven: frozenset[Kind] = CALLERS


@dataclass(frozen=True, slots=True)
class Health:
    """One target's. The counts are of one `minute` (Unix minutes); times are Unix seconds.

    `running`: the ids of open calls, and until when each is believed to be open: its process may be gone. `cooled_until_s`: 0
    while it is open. `probe`: the call that is to show whether it is well, under way until `probed_until_s` at most.
    `first_events_s`: the newest times to a first event.
    """

    minute: int = 0
    requests: int = 0
    tokens: int = 0
    failures: Mapping[Kind, int] = field(default_factory=dict)
    running: Mapping[str, float] = field(default_factory=dict)
    cooled_until_s: float = 0.0
    probe: str = ""
    probed_until_s: float = 0.0
    first_events_s: tuple[float, ...] = ()

    @property
    def latency_s(self) -> float:
        """The mean time to a first event; 0 when it is not known."""
        return sum(self.first_events_s) / len(self.first_events_s) if self.first_events_s else 0.0

    def calls(self, now_s: float) -> int:
        """How many are open."""
        return sum(now_s < until_s for until_s in self.running.values())


@dataclass(frozen=True, slots=True)
class Ended:
    """How an attempt has ended. `failure`: None for a success. `retry_after_s`: as the provider asked."""

    failure: Kind | None = None
    first_event_s: float | None = None
    tokens: int = 0
    retry_after_s: float = 0.0


def available_in_s(health: Health, limits: Limits, now_s: float) -> float:
    """0 when the target may be asked now, else when to look again."""
    health = this_minute(health, now_s)
    if now_s < health.cooled_until_s:
        return health.cooled_until_s - now_s
    if health.cooled_until_s and now_s < health.probed_until_s:
        return _SOON_S
    if _is_full(health.requests, limits.rpm) or _is_full(health.tokens, limits.tpm):
        return (health.minute + 1) * _MINUTE_S - now_s
    return _SOON_S if _is_full(health.calls(now_s), limits.max_parallel) else 0.0


def begun(health: Health, limits: Limits, call: str, until_s: float, now_s: float) -> Health | None:
    """After a call has begun that ends by `until_s`; None when the target may not be asked now."""
    if available_in_s(health, limits, now_s):
        return None
    health = this_minute(health, now_s)
    open_ = {each: believed_s for each, believed_s in health.running.items() if now_s < believed_s}
    begun_ = replace(health, requests=health.requests + 1, running={**open_, call: until_s})
    if not health.cooled_until_s:
        return begun_
    if health.probed_until_s and health.probe in open_:
        return replace(begun_, cooled_until_s=0.0, probed_until_s=0.0)
    return replace(begun_, probe=call, probed_until_s=now_s + _PROBE_S)


def ended(health: Health, end: Ended, rules: CoolRules, call: str, now_s: float) -> Health:
    """After a call has ended. What was the caller's own fault says that the target is well.

    What was begun before a cooldown, and ends during it, says nothing of the time since, but for what the provider asks for.
    """
    health = _counted(abandoned(this_minute(health, now_s), call), end, rules)
    is_cooling = now_s < health.cooled_until_s
    if end.failure is None or end.failure in rules.forgiven:
        return health if is_cooling else replace(health, cooled_until_s=0.0, probed_until_s=0.0)
    if not rules.cooldown_s or not _is_too_much(health, end.failure, rules):
        return health
    cooldown_s = max(0.0 if is_cooling else rules.cooldown_s, min(end.retry_after_s, _LONGEST_ASKED_S))
    return replace(health, cooled_until_s=max(health.cooled_until_s, now_s + cooldown_s), probed_until_s=0.0)


def abandoned(health: Health, call: str) -> Health:
    """After a call that says nothing of the target: somebody has broken it off."""
    running = {each: until_s for each, until_s in health.running.items() if each != call}
    return replace(health, running=running, probed_until_s=0.0 if call == health.probe else health.probed_until_s)


def this_minute(health: Health, now_s: float) -> Health:
    """With counts of another minute forgotten. Whose clock is a little late counts along in the minute of the others."""
    minute = int(now_s // _MINUTE_S)
    is_now = health.minute in (minute, minute + 1)
    return health if is_now else replace(health, minute=minute, requests=0, tokens=0, failures={})


def _counted(health: Health, end: Ended, rules: CoolRules) -> Health:
    failures = dict(health.failures)
    if end.failure is not None and end.failure not in rules.forgiven:
        failures[end.failure] = failures.get(end.failure, 0) + 1
    newest = health.first_events_s if end.first_event_s is None else (*health.first_events_s, end.first_event_s)[-_NEWEST:]
    return replace(health, failures=failures, tokens=health.tokens + end.tokens, first_events_s=newest)


def _is_too_much(health: Health, kind: Kind, rules: CoolRules) -> bool:
    """A probe's failure always is."""
    if kind in rules.allowed_by_kind:
        return bool(health.cooled_until_s) or health.failures[kind] > rules.allowed_by_kind[kind]
    failed = sum(health.failures.values())
    is_most = health.requests >= _FEW and failed > health.requests * _SHARE
    return bool(health.cooled_until_s) or kind in _AT_ONCE or is_most or failed > rules.allowed_fails


def _is_full(used: float, limit: float | None) -> bool:
    return limit is not None and used >= limit
