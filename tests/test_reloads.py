"""Settings that are read again: what is taken over, what is left, and what is said of it."""

import asyncio
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from loggers import logger
from servers import settings_of

from streamedit.config import ServerSettings, Settings
from streamedit.reloads import AT_START, Reloads, read_again, taken, tell_left
from streamedit.sources import Source
from streamedit.storage import StorageSettings
from streamedit.targets import Target

MOCK = Target("mock", "mock")
VALID = "model_list: [{model_name: mock, litellm_params: {model: mock, tpd: 1}}]\n"
FILES = StorageSettings(folder=Path("/files"))
BEGUN: dict[str, Any] = {"database_url": "sqlite:////begun.db", "ledger_folder": "/begun", "storage": FILES}
OTHER: dict[str, Any] = {
    "default_model": "new",
    "log_folder": "/other",
    "redis_url": "redis://other/0",
    "redis_prefix": "other:",
    "webhooks": ({"url": "https://other.example", "secret": "whsec_" + "A" * 32},),
    "otel": {"endpoint": "http://127.0.0.1:4318"},
    "moderation": {"mode": "observe", "keywords": ["other"]},
    "callers_keys": True,
    "playground": False,
    "custom_hosts": ("https://other.example",),
    "portkey_configs": {"other": {"provider": "openai"}},
    "database_url": "sqlite:////other.db",
    "ledger_folder": "/other",
    "limits": {"parallel_edits": 5},
    "budgets": [{"limit_usd": 5}],
    "key_defaults": {"budgets": [{"limit_usd": 5}]},
    "end_user_defaults": {"limits": {"images_per_minute": 5}},
    "user_header": "x-other",
    "metrics_keys": ("key_other",),
    "image_urls": {"fetch": False},
    "storage": StorageSettings(folder=Path("/other")),
}


class Log:
    """A log whose lines can be read."""

    def __init__(self) -> None:
        self._file = io.StringIO()
        self.log = logger(self._file)

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._file.getvalue().splitlines()]


@pytest.mark.parametrize("name", ServerSettings.model_fields)
def test_each_setting_is_taken_or_left(name: str) -> None:
    """What lives as long as the server keeps what it began with, and is named; everything else is the new one's."""
    before = settings_of(MOCK, **BEGUN)
    value = OTHER[name] if name in OTHER else _another(getattr(before.server, name))
    new = settings_of(Target("mock", "new"), keys=("sk-new",), **{**BEGUN, name: value})
    held, left = taken(new, before)
    assert (held.routes, held.api_keys) == (new.routes, new.api_keys)
    assert left == ((name,) if name in AT_START else ())
    assert getattr(held.server, name) == getattr((before if name in AT_START else new).server, name)


def test_budgets_are_left_where_there_was_no_database() -> None:
    """Nothing would count in them: they wait for the restart that brings the database. Limits do not."""
    before = settings_of(MOCK, ledger_folder="/begun", storage=FILES)
    allowed: dict[str, Any] = {"limits": {"parallel_edits": 5}, "budgets": [{"limit_usd": 5}]}
    new = settings_of(MOCK, ledger_folder="/begun", storage=FILES, database_url="sqlite:////new.db", **allowed)
    held, left = taken(new, before)
    assert left == ("database_url", "budgets")
    assert (held.server.database_url, held.server.budgets, held.server.limits.parallel_edits) == (None, (), 5)


def _another(value: object) -> object:
    """A value that is allowed, and another one."""
    if isinstance(value, int | float):
        return value + 1
    return {None: 1, "": "https://editor.example", "finish": "cancel", (): ("https://app.example",)}.get(value, "other")  # type: ignore[call-overload]


def test_what_was_left_is_named_once() -> None:
    """In one line, which no value is in; nothing is said of nothing."""
    log = Log()
    tell_left((), log.log)
    tell_left(("retention_s", "redis_url"), log.log)
    (line,) = log.lines
    assert (line["level"], line["settings"]) == ("warning", ["server.retention_s", "server.redis_url"])


def test_each_mistake_is_a_line(tmp_path: Path) -> None:
    """Of level error, with the place; then there is nothing to take over."""
    file = tmp_path / "bad.yaml"
    file.write_text("model_list: [{model_name: b}]\nserver: {heartbeat_s: -3}\n")
    log = Log()
    assert read_again(Source(file, {}), log.log) is None
    assert [(line["level"], line["mistake"].partition(" ")[0]) for line in log.lines] == [
        ("error", "bad.yaml:1:"), ("error", "bad.yaml:2:"),
    ]  # fmt: skip


def test_without_a_file_there_is_nothing_to_read_again() -> None:
    """The environment of a process does not change; that is said."""
    log = Log()
    assert read_again(Source(None, {}), log.log) is None
    (line,) = log.lines
    assert (line["level"], line["event"]) == ("info", "nothing to reload: there is no configuration file")


class Server:
    """Takes settings over; `breaks`: not the first ones."""

    def __init__(self, *, breaks: bool = False, left: Sequence[str] = ()) -> None:
        self.took: list[Settings] = []
        self.has = asyncio.Semaphore(0)
        self._breaks = breaks
        self._left = left

    async def take(self, settings: Settings) -> Sequence[str]:
        self.took.append(settings)
        self.has.release()
        if self._breaks and len(self.took) == 1:
            raise RuntimeError("sk-canary")
        return self._left


@pytest.fixture
def source(tmp_path: Path) -> Source:
    """A valid configuration."""
    file = tmp_path / "config.yaml"
    file.write_text(VALID)
    return Source(file, {})


async def test_whoever_asks_is_heard(source: Source) -> None:
    """Each time; a reload is a line with its models and what is ignored, what takes a restart another one."""
    log, server = Log(), Server(left=("retention_s",))
    reloads = Reloads(source, log.log)
    async with reloads.running(server.take):
        for _ in range(2):
            reloads.ask()
            await server.has.acquire()
    assert [line["event"] for line in log.lines[:2]] == ["not changed before a restart", "configuration reloaded"]
    assert log.lines[1]["models"] == ["mock"]
    assert log.lines[1]["ignored"] == ["model_list[0].litellm_params.tpd"]


async def test_one_of_several_leaves_what_all_say_to_its_supervisor(source: Source) -> None:
    """Only that it has reloaded."""
    log, server = Log(), Server(left=("retention_s",))
    reloads = Reloads(source, log.log, tells=False)
    async with reloads.running(server.take):
        reloads.ask()
        await server.has.acquire()
        await asyncio.sleep(0)
    assert "not changed before a restart" not in [line["event"] for line in log.lines]


async def test_who_asked_before_it_ran_is_heard_then(source: Source) -> None:
    """A signal that comes while the server starts is not lost."""
    reloads, server = Reloads(source, Log().log), Server()
    reloads.ask()
    async with reloads.running(server.take):
        await server.has.acquire()
    assert len(server.took) == 1


async def test_a_defect_ends_nothing(source: Source) -> None:
    """A reload that breaks is told by its kind, without what it says, and the next one is heard."""
    log, server = Log(), Server(breaks=True)
    reloads = Reloads(source, log.log)
    async with reloads.running(server.take):
        reloads.ask()
        await server.has.acquire()
        reloads.ask()
        await server.has.acquire()
    assert log.lines[0] == {"level": "error", "event": "configuration not reloaded", "mistake": "RuntimeError"}
    assert "canary" not in json.dumps(log.lines)
    assert len(server.took) == 2
