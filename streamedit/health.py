"""What is known of a target's recent past, and what follows from that: whether it may be asked now. Pure.

A target that fails too often cools down: nobody asks it. Then one edit does, as a probe; when that succeeds it is open again,
when it fails it cools down once more. Whatever is counted, is counted by the minute.
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

_PROBE_S = 60.0
"""After so long a probe is given up, and somebody else may be the next."""

_LONGEST_COOLDOWN_S = 600.0
"""Whatever the provider asks for: an hour's `retry-after` of a passing fault would take a target away for an hour."""

_SOON_S = 0.25
"""When to look again for what ends at nobody knows what time."""

_AT_ONCE = frozenset({Kind.AUTHENTICATION, Kind.NOT_FOUND, Kind.RATE_LIMIT})
"""Failures that the next request would meet as well (LiteLLM cools down after one of them, too)."""


@dataclass(frozen=True, slots=True)
class CoolRules:
    """When a target cools down: for `cooldown_s`, 0 for never, after more than `allowed_fails` of a minute.

    `allowed_by_kind`: another number for one kind of failure.
    """

    cooldown_s: float = 0.0
    allowed_fails: int = 3
    allowed_by_kind: Mapping[Kind, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Health:
    """One target's. The counts are of one `minute` (Unix minutes); times are Unix seconds.

    `running`: how many calls each process has open, and until when that is believed. `cooled_until_s`: 0 while it is open.
    `probed_until_s`: until then a probe is under way. `first_events_s`: the newest times to a first event.
    """

    minute: int = 0
    requests: int = 0
    tokens: int = 0
    failures: Mapping[Kind, int] = field(default_factory=dict)
    running: Mapping[str, tuple[int, float]] = field(default_factory=dict)
    cooled_until_s: float = 0.0
    probed_until_s: float = 0.0
    first_events_s: tuple[float, ...] = ()

    @property
    def latency_s(self) -> float:
        """The mean time to a first event; 0 when it is not known."""
        return sum(self.first_events_s) / len(self.first_events_s) if self.first_events_s else 0.0

    def calls(self, now_s: float) -> int:
        """How many are open."""
        return sum(count for count, until_s in self.running.values() if now_s < until_s)


@dataclass(frozen=True, slots=True)
class Caller:
    """The process that makes calls, and how long one of them can take at most."""

    process: str
    longest_s: float


@dataclass(frozen=True, slots=True)
class Ended:
    """How an attempt has ended. `failure`: None for a success. `retry_after_s`: as the provider asked."""

    failure: Kind | None = None
    first_event_s: float | None = None
    tokens: int = 0
    retry_after_s: float = 0.0


def available_in_s(health: Health, limits: Limits, now_s: float) -> float:
    """0 when the target may be asked now, else when to look again."""
    health = _this_minute(health, now_s)
    if now_s < health.cooled_until_s:
        return health.cooled_until_s - now_s
    if health.cooled_until_s and now_s < health.probed_until_s:
        return _SOON_S
    if _is_full(health.requests, limits.rpm) or _is_full(health.tokens, limits.tpm):
        return (health.minute + 1) * _MINUTE_S - now_s
    return _SOON_S if _is_full(health.calls(now_s), limits.max_parallel) else 0.0


def begun(health: Health, limits: Limits, caller: Caller, now_s: float) -> Health | None:
    """After an attempt has begun; None when the target may not be asked now."""
    if available_in_s(health, limits, now_s):
        return None
    health = _this_minute(health, now_s)
    count, _ = health.running.get(caller.process, (0, 0.0))
    running = {process: calls for process, calls in health.running.items() if now_s < calls[1]}
    running[caller.process] = (count + 1, now_s + caller.longest_s)
    probed_until_s = now_s + _PROBE_S if health.cooled_until_s else 0.0
    return replace(health, requests=health.requests + 1, running=running, probed_until_s=probed_until_s)


def ended(health: Health, end: Ended, rules: CoolRules, caller: Caller, now_s: float) -> Health:
    """After an attempt has ended. What was the caller's own fault says that the target is well.

    What was begun before a cooldown, and ends well during it, says nothing of the time since.
    """
    health = _counted(_this_minute(health, now_s), end, caller)
    if end.failure is None or end.failure in CALLERS:
        return health if now_s < health.cooled_until_s else replace(health, cooled_until_s=0.0, probed_until_s=0.0)
    if not rules.cooldown_s or not _is_too_much(health, end.failure, rules):
        return health
    cooldown_s = min(max(rules.cooldown_s, end.retry_after_s), _LONGEST_COOLDOWN_S)
    return replace(health, cooled_until_s=max(health.cooled_until_s, now_s + cooldown_s), probed_until_s=0.0)


def abandoned(health: Health, caller: Caller) -> Health:
    """After an attempt that somebody has broken off: it says nothing of the target."""
    return replace(_fewer_running(health, caller), probed_until_s=0.0)


def _counted(health: Health, end: Ended, caller: Caller) -> Health:
    failures = dict(health.failures)
    if end.failure is not None and end.failure not in CALLERS:
        failures[end.failure] = failures.get(end.failure, 0) + 1
    newest = health.first_events_s if end.first_event_s is None else (*health.first_events_s, end.first_event_s)[-_NEWEST:]
    health = _fewer_running(health, caller)
    return replace(health, failures=failures, tokens=health.tokens + end.tokens, first_events_s=newest)


def _fewer_running(health: Health, caller: Caller) -> Health:
    count, until_s = health.running.get(caller.process, (0, 0.0))
    others = {process: calls for process, calls in health.running.items() if process != caller.process}
    return replace(health, running={**others, caller.process: (count - 1, until_s)} if count > 1 else others)


def _is_too_much(health: Health, kind: Kind, rules: CoolRules) -> bool:
    """A probe's failure always is."""
    if kind in rules.allowed_by_kind:
        return bool(health.cooled_until_s) or health.failures[kind] > rules.allowed_by_kind[kind]
    failed = sum(health.failures.values())
    is_most = health.requests >= _FEW and failed > health.requests * _SHARE
    return bool(health.cooled_until_s) or kind in _AT_ONCE or is_most or failed > rules.allowed_fails


def _this_minute(health: Health, now_s: float) -> Health:
    """With counts of another minute forgotten."""
    minute = int(now_s // _MINUTE_S)
    return health if health.minute == minute else replace(health, minute=minute, requests=0, tokens=0, failures={})


def _is_full(used: float, limit: float | None) -> bool:
    return limit is not None and used >= limit
