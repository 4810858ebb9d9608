"""What Prometheus sees of edits and attempts, and that it stays little."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import structlog
from dispatching import dispatch_of, offer_of
from providers.scripted import Scripted
from reports import ATTEMPT, EDIT, FAILED

from streamedit.clocks import SYSTEM_CLOCKS
from streamedit.edits import EditRequest, InputImage
from streamedit.errors import ErrorDetail, UpstreamRefused
from streamedit.gateway import Gateway
from streamedit.metrics import Metrics
from streamedit.parties import Principal
from streamedit.routes import Route, Routes
from streamedit.stores.memory import LogBounds, MemoryEventLog
from streamedit.stores.no_ledger import NoLedger
from streamedit.targets import Target
from streamedit.telemetry import Telemetry
from streamedit.uploads import Upload

TARGET = 'provider="openai",target="gpt-image-2"'
"""As labels."""


class TestEdits:
    """What is counted when an edit has ended."""

    def test_its_events_and_tokens_are_told_by_kind(self) -> None:
        """Partial images, completed ones and errors; what went in and what came out."""
        metrics = counting()
        metrics.ended(EDIT)
        metrics.ended(replace(EDIT, outcome="upstream_timeout", images=0))
        seen = samples(metrics)
        kinds = ("partial_image", "completed", "error")
        assert [seen[f'streamedit_events_total{{kind="{kind}",model="gpt-image-2"}}'] for kind in kinds] == [4, 1, 1]
        tokens = [seen[f'streamedit_tokens_total{{kind="{kind}",model="gpt-image-2"}}'] for kind in ("input", "output")]
        assert tokens == [20, 2000]

    def test_retries_and_fallbacks_are_counted(self) -> None:
        """How often somebody was asked again, and how often another model took over."""
        metrics = counting()
        metrics.ended(EDIT)
        seen = samples(metrics)
        assert seen['streamedit_retries_total{model="gpt-image-2"}'] == 1
        assert seen['streamedit_fallbacks_total{model="gpt-image-2"}'] == 1

    def test_overhead_is_seen_from_a_tenth_of_a_millisecond(self) -> None:
        """0.2 ms are more than 0.1 and no more than 0.25."""
        metrics = counting()
        metrics.ended(EDIT)
        metrics.ended(replace(EDIT, overhead_s=None))
        seen = samples(metrics)
        buckets = [seen[f'streamedit_overhead_seconds_bucket{{le="{bound}"}}'] for bound in ("0.0001", "0.00025", "+Inf")]
        assert buckets == [0, 1, 1]


class TestAttempts:
    """What is counted when a call has ended."""

    def test_they_are_told_by_provider_target_and_outcome(self) -> None:
        """With the time that each took, and that to its first event where there was one."""
        metrics = counting()
        metrics.attempted(FAILED)
        metrics.attempted(ATTEMPT)
        seen = samples(metrics)
        assert seen[f'streamedit_attempts_total{{outcome="rate_limit_exceeded",{TARGET}}}'] == 1
        assert seen[f'streamedit_attempts_total{{outcome="completed",{TARGET}}}'] == 1
        assert seen[f"streamedit_attempt_seconds_sum{{{TARGET}}}"] == 8
        assert seen[f"streamedit_attempt_first_event_seconds_count{{{TARGET}}}"] == 1

    def test_a_cooldown_is_seen_while_it_lasts(self) -> None:
        """Two targets of one name are two; each ends when its time is over, though nobody says so."""
        now = [1000.0]
        metrics = Metrics(int, lambda: now[0])
        metrics.attempted(FAILED)
        metrics.attempted(replace(FAILED, target_id="t2", cooldown_s=90.0))
        assert samples(metrics)[f"streamedit_cooldowns_total{{{TARGET}}}"] == 2
        for now[0], cooling in ((1000.0, 2), (1059.0, 2), (1060.0, 1), (1090.0, 0)):
            assert samples(metrics)[f"streamedit_cooling_targets{{{TARGET}}}"] == cooling
        assert not [name for name in samples(metrics) if "until" in name]

    def test_workers_that_know_of_one_cooldown_do_not_add_up(self, tmp_path: Path) -> None:
        """Two workers saw the same target fail: it is one that cools down, whichever is asked, also one that saw nothing."""
        for _ in range(2):
            in_worker(tmp_path, "metrics.attempted(FAILED)")
        shown = in_worker(tmp_path, "print(metrics.exposition().decode())")
        assert f"streamedit_cooling_targets{{{TARGET}}} 1.0" in shown.splitlines()
        assert f"streamedit_cooldowns_total{{{TARGET}}} 2.0" in shown.splitlines()


async def test_a_thousand_made_up_names_do_not_grow_the_exposition() -> None:
    """Models that callers choose through a wildcard, and codes that providers make up, are one label each."""
    refusals = [UpstreamRefused(ErrorDetail(400, "t", "No.", code=f"code_{number}")) for number in range(1000)]
    telemetry = Telemetry(structlog.wrap_logger(structlog.ReturnLogger(), processors=[]))
    routes = Routes([Route("made/*", (Target("scripted", "*"),)), Route("*", (Target("scripted", "*"),))], None)
    events = MemoryEventLog(SYSTEM_CLOCKS.clock, LogBounds(1 << 20, 0, 60))
    dispatch = dispatch_of({"scripted": Scripted(*([refusal] for refusal in refusals))})
    offer = offer_of(routes, dispatch)
    async with (gateway := Gateway(offer, events, NoLedger(), telemetry, SYSTEM_CLOCKS)).running():
        await ended(gateway, "made/up-0", "other-0")
        lines = len(telemetry.exposition().splitlines())
        for number in range(1, 500):
            await ended(gateway, f"made/up-{number}", f"other-{number}")
    text = telemetry.exposition().decode()
    assert len(text.splitlines()) == lines
    assert 'streamedit_edits_total{model="made/*",outcome="other"} 500.0' in text
    assert 'streamedit_attempts_total{outcome="other",provider="scripted",target="*"} 1000.0' in text


def test_what_goes_on_is_that_of_all_workers(tmp_path: Path) -> None:
    """Edits at work and open streams add up, also for a worker that has none; a process by itself tells its own."""
    for _ in range(2):
        in_worker(tmp_path, "metrics.running.inc(2); metrics.readers.inc(3)")
    assert in_worker(tmp_path, "print(metrics.live())") == "(4, 6)\n"
    alone = counting()
    alone.running.inc()
    assert alone.live() == (1, 0)


def test_what_the_configuration_does_not_name_is_other() -> None:
    """A caller's own plan has models that nobody configured."""
    metrics = counting()
    metrics.ended(replace(EDIT, route="", model="mine"))
    metrics.attempted(replace(ATTEMPT, route="", pattern="", target="mine"))
    text = metrics.exposition().decode()
    assert 'streamedit_edits_total{model="other",outcome="completed"} 1.0' in text
    assert "mine" not in text


@pytest.mark.parametrize("name", ["edits", "images", "event_bytes", "cost_micros"])
def test_names_stay(name: str) -> None:
    """Dashboards are made for them."""
    metrics = counting()
    metrics.ended(EDIT)
    assert f"streamedit_{name}_total{{" in metrics.exposition().decode()


def counting() -> Metrics:
    """Metrics of a server that keeps nothing."""
    return Metrics(int, SYSTEM_CLOCKS.now_s)


def samples(metrics: Metrics) -> dict[str, float]:
    """Each sample that a scrape sees, by its name and its labels as they stand there, sorted."""
    lines = [line for line in metrics.exposition().decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


async def ended(gateway: Gateway, *models: str) -> None:
    """An edit of each model, to its end."""
    for model in models:
        image = InputImage(Upload(b"image"), "a.png", "image/png")
        edit = (await gateway.submit(EditRequest("p", (image,), model), Principal("somebody"))).edit
        assert [entry async for entry in await gateway.follow(edit.id, 0, silence_s=5)]


def in_worker(folder: Path, statement: str) -> str:
    """What a process prints that shares its metrics in `folder`."""
    program = "from time import time\nfrom reports import FAILED\nfrom streamedit.metrics import Metrics\n"
    program += f"metrics = Metrics(int, time)\n{statement}"
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    return done.stdout
