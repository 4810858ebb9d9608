"""A server whose admin page is looked at: what is to be seen there can be put into its database."""

from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
import traffic
from servers import RunningServer, serving, settings_of
from sqlalchemy import insert

from streamedit.budgets import period_of
from streamedit.clocks import SYSTEM_CLOCKS, Clocks
from streamedit.equipment import Books
from streamedit.parties import ApiKey
from streamedit.stores.sql.tables import SPENDS
from streamedit.targets import Target
from streamedit.telemetry import Telemetry

MASTER = "sk-master-0123456789"

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Setting:
    """What a page is to be served with."""

    database_url: str | None = None
    master: str | None = MASTER
    clocks: Clocks = SYSTEM_CLOCKS
    public_base_url: str = ""
    cors_origins: tuple[str, ...] = ()


class PageServer:
    """It answers at `url`. `telemetry` is what it tells live numbers from."""

    def __init__(self, server: RunningServer, setting: Setting) -> None:
        self.url = server.url
        self._server = server
        self._now_s = setting.clocks.now_s

    @property
    def telemetry(self) -> Telemetry:
        telemetry: Telemetry = self._server.app.state.gateway._tools.telemetry
        return telemetry

    @property
    def books(self) -> Books:
        books: Books = self._server.app.state.equipment.books
        return books

    def ask(self, method: str, path: str, **what: Any) -> httpx.Response:
        """Its answer to somebody without cookies; no authorities are loaded for it."""
        return httpx.request(method, self.url + path, verify=False, timeout=30, **what)

    def run(self, coroutine: Coroutine[Any, Any, _Result]) -> _Result:
        """Its result, from the server's own event loop."""
        return self._server.run(lambda: coroutine)

    def enter(self, rows: Sequence[traffic.Row]) -> None:
        """Edits and attempts of the ledger."""
        self.run(self.books.database.write(lambda connection: traffic.write(connection, rows)))

    def give(self, key: ApiKey, spent_micros: int = 0, reserved_micros: int = 0) -> None:
        """A key, of whose budgets so much is spent and reserved."""
        self.run(self.books.registry.save_key(key))
        counts: dict[str, Any] = {"spent_micros": spent_micros, "reserved_micros": reserved_micros}
        counts["scope"] = f"key:{key.id}"
        periods = [budget.period for budget in key.allowance.budgets]
        rows = [{**counts, "period": each, "start_s": period_of(each, self._now_s()).start_s} for each in periods]
        if rows:
            self.run(self.books.database.write(lambda connection: connection.execute(insert(SPENDS), rows)))


@contextmanager
def page_serving(setting: Setting) -> Iterator[PageServer]:
    """A server for the time of a `with` block."""
    settings = settings_of(
        Target("mock", "mock"),
        keys=(setting.master,) if setting.master else (),
        database_url=setting.database_url,
        public_base_url=setting.public_base_url,
        cors_origins=setting.cors_origins,
    )
    with serving(settings, setting.clocks) as running:
        yield PageServer(running, setting)
