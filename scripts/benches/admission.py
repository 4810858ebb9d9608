"""What the way to an edit costs before it is one, and behind it: key, limits, budgets, ledger; on a database of its own.

Nothing else of an edit is measured: no body is read, no provider called. The same steps as in the gateway, in the same order.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog
import uvloop
from starlette.requests import Request

from streamedit.admission import Admission, Judges
from streamedit.budgets import Budget
from streamedit.clocks import SYSTEM_CLOCKS
from streamedit.config import ServerSettings
from streamedit.edits import Edit, EditOptions, EditRequest, new_edit_id
from streamedit.equipment import Equipment
from streamedit.keys import Keyring, StreamTokens, digest_of, make_key
from streamedit.limits import RateLimits
from streamedit.parties import Allowance, ApiKey, Group
from streamedit.permits import Permit, Rules, Stores
from streamedit.pricing import Prices
from streamedit.records import EditRecord, Report
from streamedit.routing import Plan, Stage
from streamedit.targets import Target
from streamedit.turns import Turns
from streamedit.upstream.client import Upstream, UpstreamLimits
from streamedit.web.auth import Door

GOAL_MS = 0.5

_LIMITS = RateLimits(1_000_000, 1_000_000, 1_000_000)
_BUDGETS = (Budget(10**14, "1d"), Budget(10**14, "1mo"))
_CASES: Mapping[str, Allowance] = {
    "a key": Allowance(),
    "limits": Allowance(_LIMITS),
    "limits, a budget": Allowance(_LIMITS, _BUDGETS[:1]),
    "limits, two budgets": Allowance(_LIMITS, _BUDGETS),
}
_PLAN = Plan.of(Stage("gpt-image-2", (Target("openai", "gpt-image-2", "sk", id="t"),), route="gpt-image-2"))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--edits", type=int, default=2000, help="of each kind")
    parser.add_argument("--pause-ms", type=float, default=5, help="between one edit and the next of those that are apart")
    parser.add_argument("--database-url", help="another database than a fresh SQLite file; it is written to")


@dataclass(frozen=True)
class Options:
    """How often, with which database, and how long there is nothing to do between two edits."""

    edits: int
    pause_ms: float
    database_url: str | None


def run(options: Options, about: Mapping[str, str | int]) -> int:
    """Measure and print; 1 when the goal is missed on SQLite."""
    with tempfile.TemporaryDirectory() as folder:
        missed = uvloop.run(_measure(options, Path(folder)))
    _say("; ".join(f"{name}: {value}" for name, value in about.items()))
    return missed


@dataclass(frozen=True)
class _Way:
    """One edit's, from its key to the end of its ledger's entry."""

    equipment: Equipment
    door: Door
    admission: Admission
    headers: Sequence[tuple[bytes, bytes]]

    async def walk(self) -> tuple[float, float]:
        """Seconds before the edit, and behind it."""
        begun = time.perf_counter()
        principal = await self.door.authenticate(Request({"type": "http", "headers": self.headers}))
        edit = Edit(new_edit_id(), "gpt-image-2", int(time.time()), principal.id)
        permit = await self.admission.admit(edit.id, principal, _REQUEST, _PLAN)
        self.equipment.ledger.begin(edit, permit.party, time.time())
        await permit.open(_REQUEST, _nothing)
        admitted = time.perf_counter()
        permit.spend(1000)
        report = _report(edit, permit)
        self.equipment.ledger.keep(report, is_final=False)
        await permit.close()
        self.equipment.ledger.keep(report, is_final=True)
        return admitted - begun, time.perf_counter() - admitted


_REQUEST = EditRequest("Make it night", (), "gpt-image-2", options=EditOptions(user="anna", quality="low", size="1024x1024"))


async def _measure(options: Options, folder: Path) -> int:
    url = options.database_url or f"sqlite:///{folder}/bench.db"
    settings = ServerSettings(database_url=url, ledger_folder=folder / "ledger")
    equipment = Equipment(
        settings,
        structlog.wrap_logger(structlog.ReturnLogger(), processors=[]),
        SYSTEM_CLOCKS,
        Upstream(UpstreamLimits()),
        Turns(),
    )
    missed = False
    _say(
        f"| an edit of | before it, ms | behind it, ms | {options.pause_ms:g} ms apart: before it, ms | 16 at a time, edits/s |"
    )
    _say("| --- | ---: | ---: | ---: | ---: |")
    async with equipment.serving():
        for name, allowance in _CASES.items():
            way = await _way(equipment, allowance)
            await _walks(way, 200)
            before, behind = zip(*await _walks(way, options.edits), strict=True)
            apart, _ = zip(*await _walks(way, options.edits, options.pause_ms / 1000), strict=True)
            rate = await _rate(way, options.edits)
            _say(f"| {name} | {_spread(before)} | {_spread(behind)} | {_spread(apart)} | {rate:,.0f} |")
            missed = missed or statistics.median(before) > GOAL_MS / 1000
    _say(f"\np50 / p99. Goal with SQLite, before an edit, back to back, p50: {GOAL_MS} ms: {'missed' if missed else 'met'}\n")
    return int(missed and url.startswith("sqlite"))


async def _way(equipment: Equipment, allowance: Allowance) -> _Way:
    key_id, text = make_key()
    group = Group("team", ("openai",), allowance=Allowance(allowance.limits))
    await equipment.books.registry.save_group(group)
    await equipment.books.registry.save_key(ApiKey(key_id, "bench", digest_of(text), 1.0, group="team", allowance=allowance))
    door = Door(Keyring(["sk-master"]), equipment.registry, StreamTokens("secret"), time.time)
    stores = Stores(equipment.registry, equipment.quotas, equipment.spends)
    admission = Admission(Rules(), stores, Judges(Prices.shipped()), SYSTEM_CLOCKS)
    return _Way(equipment, door, admission, [(b"authorization", f"Bearer {text}".encode())])


async def _walks(way: _Way, count: int, pause_s: float = 0) -> Sequence[tuple[float, float]]:
    times = []
    for _ in range(count):
        times.append(await way.walk())
        # Also without a pause it is the others' turn: the ledger's, the settlements'.
        await asyncio.sleep(pause_s)
    return times


async def _rate(way: _Way, count: int) -> float:
    begun = time.perf_counter()
    async with asyncio.TaskGroup() as walkers:
        for _ in range(16):
            walkers.create_task(_walks(way, count // 16))
    return count / (time.perf_counter() - begun)


def _report(edit: Edit, permit: Permit) -> Report:
    numbers = {"attempts": 1, "fallbacks": 0, "overhead_s": 0.001, "stream": True, "outcome": "completed", "partial_images": 2}
    record = EditRecord(
        edit_id=edit.id, model=edit.model, provider="openai", images=1, size_bytes=1_000_000, first_event_s=1.0, total_s=2.0,
        input_tokens=300, output_tokens=200, cost_micros=1000, started_at_s=time.time(), **numbers,
    )  # fmt: skip
    return Report(record, (), None, permit.party)


def _spread(seconds: Sequence[float]) -> str:
    ranked = sorted(seconds)
    return f"{statistics.median(ranked) * 1000:.2f} / {ranked[int(len(ranked) * 0.99)] * 1000:.2f}"


def _say(line: str) -> None:
    print(line)  # noqa: T201 - a command's output


async def _nothing() -> None:
    """There are no images to be brought in."""
