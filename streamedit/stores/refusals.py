"""What those are told who may not begin, or not yet; and what those are told who may."""

from collections.abc import Iterator, Sequence

from streamedit.errors import ConcurrencyLimited, QueueFull
from streamedit.limits import Rate, Reading, headers_before, retry_headers, tightest
from streamedit.parties import Scope, ScopeKind
from streamedit.stores import Entered

WHOSE = {
    ScopeKind.SERVER: "this server", ScopeKind.GROUP: "this key's group", ScopeKind.KEY: "this key",
    ScopeKind.END_USER: "this end user",
}  # fmt: skip

_SLOTS_OF = {ScopeKind.SERVER: "server", ScopeKind.GROUP: "group", ScopeKind.KEY: "key", ScopeKind.END_USER: "user"}
"""sub2api's words."""


def limits_of(scopes: Sequence[Scope], images: int) -> Iterator[tuple[Scope, Rate, int, int]]:
    """Of what is limited by the minute: whose, the limit, and what an edit with so many images takes of it."""
    for scope in scopes:
        for rate, limit, amount in scope.allowance.limits.by_rate(images):
            yield scope, rate, limit, amount


def entered(readings: Sequence[Reading], window_us: int, *, is_running: bool) -> Entered:
    """For an edit that counts."""
    requests, images = tightest(readings, Rate.REQUESTS), tightest(readings, Rate.IMAGES)
    return Entered(is_running, requests.taken(window_us) if requests else None, images.taken(window_us) if images else None)


def queue_full(readings: Sequence[Reading], wait_us: int | None) -> QueueFull:
    """`wait_us`: until the first of those who wait gives up, at the latest; None where nobody may wait."""
    headers = {**headers_before(readings), **retry_headers(wait_us)}
    return QueueFull("Too many pending requests, please retry later", headers=headers)


def concurrency_limited(kind: ScopeKind = ScopeKind.SERVER) -> ConcurrencyLimited:
    """For an edit whose time in the queue is over. When there will be a slot, nobody knows."""
    return ConcurrencyLimited(f"Concurrency limit exceeded for {_SLOTS_OF[kind]}, please retry later")
