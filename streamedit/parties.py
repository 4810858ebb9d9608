"""On whose behalf an edit is made: API keys, groups, end users; what they may do, and the scopes that limits count in. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from streamedit.budgets import Budget
from streamedit.limits import RateLimits


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much a scope may do: at once and by the minute, and for how much money. Without anything: whatever it wants."""

    limits: RateLimits = field(default_factory=RateLimits)
    budgets: tuple[Budget, ...] = ()

    def over(self, other: "Allowance") -> "Allowance":
        """With the other's limits, and its budgets, where this one says nothing of them."""
        own, theirs = self.limits, other.limits
        limits = RateLimits(
            theirs.requests_per_minute if own.requests_per_minute is None else own.requests_per_minute,
            theirs.images_per_minute if own.images_per_minute is None else own.images_per_minute,
            theirs.parallel_edits if own.parallel_edits is None else own.parallel_edits,
        )
        return Allowance(limits, self.budgets or other.budgets)


@dataclass(frozen=True, slots=True)
class Group:
    """A team of keys. `platforms`: the providers that it may use; `models`: names, or patterns with a star; None for any.

    `images`: it may edit images at all.
    """

    id: str
    platforms: tuple[str, ...] | None = None
    models: tuple[str, ...] | None = None
    images: bool = True
    allowance: Allowance = field(default_factory=Allowance)
    metadata: Mapping[str, str] = field(default_factory=dict)
    created_at_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key that this server has given out; of the key itself only a digest is kept. Times in Unix seconds.

    `previous_digest`: of the key before the last rotation, which opens until `previous_until_s`. `group`: its group's id.
    """

    id: str
    name: str
    digest: bytes = field(repr=False)
    created_at_s: float
    expires_at_s: float | None = None
    revoked_at_s: float | None = None
    group: str | None = None
    models: tuple[str, ...] | None = None
    allowance: Allowance = field(default_factory=Allowance)
    metadata: Mapping[str, str] = field(default_factory=dict)
    previous_digest: bytes | None = field(default=None, repr=False)
    previous_until_s: float | None = None

    def is_open(self, now_s: float) -> bool:
        """It was neither revoked nor has it expired."""
        return self.revoked_at_s is None and (self.expires_at_s is None or now_s < self.expires_at_s)


@dataclass(frozen=True, slots=True)
class EndUser:
    """A user of a caller's own, by the name that the caller gives (`user`, `safety_identifier`)."""

    id: str
    is_blocked: bool = False
    allowance: Allowance = field(default_factory=Allowance)
    metadata: Mapping[str, str] = field(default_factory=dict)
    created_at_s: float = 0.0


Member: TypeAlias = ApiKey | Group | EndUser
"""Of whom something is kept."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Whose key opened the door: the id of an API key, or `anonymous` where there is none.

    `is_master`: a key of the configuration; it may do everything. `key`, `group`: what is kept of a key that was given out.
    """

    id: str
    is_master: bool = False
    key: ApiKey | None = None
    group: Group | None = None


ANONYMOUS = Principal("anonymous")


class ScopeKind(StrEnum):
    """In which order scopes are asked, and named in errors."""

    SERVER = "server"
    GROUP = "group"
    KEY = "key"
    END_USER = "end_user"


@dataclass(frozen=True, slots=True)
class Scope:
    """What limits and budgets count in: everything, a group, a key, an end user."""

    kind: ScopeKind
    id: str
    allowance: Allowance

    @property
    def name(self) -> str:
        """Like no other scope's; stores keep their counts under it."""
        return f"{self.kind}:{self.id}"


_KINDS = {ApiKey: ScopeKind.KEY, Group: ScopeKind.GROUP, EndUser: ScopeKind.END_USER}


def scope_of(member: Member, defaults: Allowance | None = None) -> Scope:
    """What a member's limits and budgets count in; with the `defaults` where it says nothing of them."""
    allowance = member.allowance if defaults is None else member.allowance.over(defaults)
    return Scope(_KINDS[type(member)], member.id, allowance)


@dataclass(frozen=True, slots=True)
class Party:
    """Whom the ledger names for an edit. `tags`, `metadata`: the caller's own words."""

    key_id: str = ANONYMOUS.id
    group_id: str | None = None
    end_user: str | None = field(default=None, repr=False)
    tags: tuple[str, ...] = field(default=(), repr=False)
    metadata: Mapping[str, str] = field(default_factory=dict, repr=False)
