"""A server with a database, and the keys that it has given out."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from databases import fresh_database
from servers import RunningServer, serving, settings_of

from streamedit.budgets import Budget
from streamedit.clocks import SYSTEM_CLOCKS, Clocks
from streamedit.config import Settings
from streamedit.keys import digest_of, make_key
from streamedit.limits import RateLimits
from streamedit.parties import Allowance, ApiKey, EndUser, Group
from streamedit.stores.sql.registry import SqlRegistry
from streamedit.targets import Target

MASTER = "sk-the-master-key-of-these-tests"


class Accounts:
    """The registry of a running server."""

    def __init__(self, server: RunningServer) -> None:
        self.server = server
        self._kept: SqlRegistry = server.app.state.equipment.books.registry

    def key(self, **fields: Any) -> tuple[ApiKey, dict[str, str]]:
        """A new key, and the headers that open the server with it."""
        key_id, text = make_key()
        key = ApiKey(key_id, fields.pop("name", "test"), digest_of(text), 1.0, **fields)
        self.server.run(lambda: self._kept.save_key(key))
        return key, bearer(text)

    def group(self, **fields: Any) -> Group:
        """A group, new or changed."""
        group = Group(**fields)
        self.server.run(lambda: self._kept.save_group(group))
        self.forget()
        return group

    def end_user(self, **fields: Any) -> EndUser:
        """An end user, new or changed."""
        end_user = EndUser(**fields)
        self.server.run(lambda: self._kept.save_end_user(end_user))
        self.forget()
        return end_user

    def change(self, key: ApiKey, **fields: Any) -> ApiKey:
        """The same key, otherwise."""
        changed = replace(key, **fields)
        self.server.run(lambda: self._kept.save_key(changed))
        self.forget()
        return changed

    def forget(self) -> None:
        """As after a change that was made here."""
        self.server.app.state.equipment.registry.forget()


def bearer(text: str) -> dict[str, str]:
    """The header for a key."""
    return {"authorization": f"Bearer {text}"}


def limits(requests: int | None = None, images: int | None = None, parallel: int | None = None) -> Allowance:
    """Limits alone."""
    return Allowance(RateLimits(requests, images, parallel))


def budget(micros: int, period: str = "total") -> Allowance:
    """One budget alone."""
    return Allowance(budgets=(Budget(micros, period),))


@contextmanager
def accounting(kind: str, folder: Path, *targets: Target, clocks: Clocks = SYSTEM_CLOCKS, **server: Any) -> Iterator[Accounts]:
    """A server with an empty database of this kind, and the master key."""
    with fresh_database(kind, folder) as url, serving(at(url, *targets, **server), clocks) as running:
        yield Accounts(running)


def at(url: str, *targets: Target, **server: Any) -> Settings:
    """Settings with that database."""
    return settings_of(*targets, keys=(MASTER,), database_url=url, **server)
