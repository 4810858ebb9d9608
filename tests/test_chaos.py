"""Three targets that fail in every documented way, under fifty edits at a time: none is lost, none is paid twice."""

import json
import socket
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

import pytest
from clients import Answer, get, post
from prometheus_client.parser import text_string_to_metric_families
from servers import RunningServer, server_of, serving
from upstreams import (
    END,
    Asked,
    Close,
    Hang,
    Reset,
    ScriptedUpstream,
    Step,
    answer,
    chunk,
    completed,
    frame,
    head,
    json_answer,
    partial,
    sized,
    upstream,
)

from streamedit.clocks import Clocks
from streamedit.config import Settings
from streamedit.health import CoolRules
from streamedit.routes import Route, Routes
from streamedit.routing import Policy
from streamedit.stores.healths import MemoryHealths
from streamedit.strategies import Strategy
from streamedit.targets import Target

EDITS = 50
MODELS = ("gpt-image-2", "gpt-image-1.5", "gpt-image-1")
LIMITED = {"message": "slow down", "type": "rate_limit_error", "code": "rate_limit_exceeded", "param": None}
BROKEN = {"message": "broken", "type": "server_error", "code": None, "param": None}


def pictured(asked: Asked) -> Iterator[Step]:
    """The picture, streamed or not as it was asked for."""
    if asked.field("stream") == "true":
        yield answer(partial(), completed())
    else:
        yield json_answer({"created": 1_790_000_000, "data": [{"b64_json": completed()["b64_json"]}]})


def slowly(asked: Asked) -> Iterator[Step]:
    """The same, after a while."""
    threading.Event().wait(0.3)
    yield from pictured(asked)


def refusal(status: str, **headers: str) -> Callable[[Asked], list[Step]]:
    """An error of HTTP: nothing was made."""
    return lambda _: [json_answer({"error": LIMITED if status[:3] == "429" else BROKEN}, status, **headers)]


def streamed(*steps: Step) -> Callable[[Asked], list[Step]]:
    """A stream, whatever was asked for."""
    return lambda _: [head(), *steps]


def said(error: object) -> bytes:
    """An error event."""
    return chunk(frame({"type": "error", "error": error}))


PICTURES = {"picture": pictured, "slow picture": slowly}
"""They are paid."""

FREE = {
    "429": refusal("429 Too Many Requests", retry_after="1"),
    "500": refusal("500 Internal Server Error"),
    "503": refusal("503 Service Unavailable", retry_after="0"),
    "401": refusal("401 Unauthorized"),
    "404": refusal("404 Not Found"),
    "limit told in the stream": streamed(said(LIMITED), END),
}
"""Failures that nobody is paid for."""

DOUBTFUL = {
    "reset before the head": lambda _: [Reset()],
    "reset after the head": streamed(Reset()),
    "close before the head": lambda _: [Close()],
    "silence": lambda _: [Hang()],
    "silence in the stream": streamed(chunk(frame(partial())), Hang()),
    "a stream cut off": streamed(chunk(frame(partial())), chunk(frame(completed())[:50]), Close()),
    "a stream without an end": streamed(chunk(frame(partial())), END),
    "an error event first": streamed(said(BROKEN), END),
    "an error event later": streamed(chunk(frame(partial())), said(BROKEN), END),
    "malformed JSON": streamed(chunk(b"event: image_edit.completed\ndata: {oops\n\n"), END),
    "empty data": streamed(chunk(b"event: image_edit.completed\ndata:\n\n"), END),
    "HTML": lambda _: [sized(b"<html>maintenance</html>")],
}
"""Failures after which somebody may have been paid."""

FAULTS: dict[str, Callable[[Asked], Any]] = {**FREE, **DOUBTFUL}


@dataclass(slots=True)
class Notes:
    """What the upstreams were asked, by edit, and what they did about it: in the order in which it came."""

    of: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _next: Iterator[str] = field(default_factory=lambda: cycle([each for fault in FAULTS for each in (fault, *PICTURES)]))

    def play(self, asked: Asked) -> Any:
        """The next fault in turn, with pictures in between."""
        with self._lock:
            name = next(self._next)
            self.of[str(asked.field("prompt"))].append(name)
        return {**FAULTS, **PICTURES}[name](asked)

    def played(self) -> Counter[str]:
        """How often each was."""
        return Counter(name for names in self.of.values() for name in names)


class Later:
    """A clock that can be put forward."""

    def __init__(self) -> None:
        self.by_s = 0.0

    def now_s(self) -> float:
        return time.time() + self.by_s


@dataclass(frozen=True, slots=True)
class Chaos:
    """Server, upstreams, notes, and what time it is for cooldowns."""

    server: RunningServer
    upstreams: list[ScriptedUpstream]
    notes: Notes
    later: "Later"

    def edits(self, wave: str) -> dict[str, Answer]:
        """Fifty at a time, every other one streamed, by their prompts."""
        with ThreadPoolExecutor(EDITS) as clients:
            asked = {f"{wave}-{number}": clients.submit(self._edit, f"{wave}-{number}", number % 2) for number in range(EDITS)}
        return {prompt: edit.result() for prompt, edit in asked.items()}

    def _edit(self, prompt: str, streams: int) -> Answer:
        return post(self.server.edits_url, {"prompt": prompt, "stream": "true" if streams else "false", "partial_images": "1"})

    def records(self, event: str) -> list[dict[str, Any]]:
        """The log's."""
        records = map(json.loads, self.server.log_text.splitlines())
        return [record for record in records if record["event"] == event]

    def running(self) -> int:
        """How many calls the targets' health still counts as open."""
        healths = self.server.app.state.gateway._tools.dispatch._tools.tracker._healths
        assert isinstance(healths, MemoryHealths)
        assert len(healths._healths) == 3
        return sum(len(health.running) for health in healths._healths.values())


@pytest.fixture(scope="module")
def chaos() -> Iterator[Chaos]:
    """Two waves, the second with an upstream that takes no connections any more."""
    notes = Notes()
    policy = Policy(Strategy.SIMPLE_SHUFFLE, retries=2, patience_s=10, cooling=CoolRules(cooldown_s=0.3))
    with ExitStack() as stack:
        upstreams = [stack.enter_context(upstream()) for _ in MODELS]
        for each in upstreams:
            each.serve(notes.play)
        targets = tuple(
            Target("openai", model, "sk-upstream", each.url, id=model) for model, each in zip(MODELS, upstreams, strict=True)
        )
        settings = Settings(
            Routes([Route("house", targets, policy)], "house"), server_of(drain_timeout_s=0, silence_s=2, connect_s=2)
        )
        later = Later()
        server = stack.enter_context(serving(settings, Clocks(time.monotonic, later.now_s)))
        yield Chaos(server, upstreams, notes, later)


@pytest.fixture(scope="module")
def answers(chaos: Chaos) -> dict[str, Answer]:
    """Of all edits. Between the waves every cooldown is over, so that each target is asked in both."""
    first = chaos.edits("first")
    vanish(chaos.upstreams[2])
    chaos.later.by_s = 60
    second = chaos.edits("second")
    chaos.server.wait_until_idle()
    return {**first, **second}


def vanish(gone: ScriptedUpstream) -> None:
    """It takes no connection any more, and those that there are end."""
    gone.stop_listening()
    for connection in gone._connections:
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)


def has_completed(answer: Answer) -> bool:
    """Its caller has got the picture; else an error. There is nothing else."""
    if answer.status != 200:
        assert answer.error["message"]
        return False
    if not answer.headers["content-type"].startswith("text/event-stream"):
        return bool(answer.json["data"][0]["b64_json"])
    ends = [name for name in answer.names if name in ("completed", "error")]
    assert len(ends) == 1
    assert answer.names[-1] == ends[0]
    return ends == ["completed"]


def test_every_fault_was_played(chaos: Chaos, answers: dict[str, Answer]) -> None:
    """Otherwise the rest proves little; and connections were refused, too."""
    assert len(answers) == 2 * EDITS
    assert set(chaos.notes.played()) == {*FAULTS, *PICTURES}
    assert "upstream_unreachable" in {record["outcome"] for record in chaos.records("attempt ended")}


def test_no_edit_is_lost(chaos: Chaos, answers: dict[str, Answer]) -> None:
    """Each has exactly one end, the picture or an error, and its object and its record say the same."""
    outcomes = {record["edit_id"]: record["outcome"] for record in chaos.records("edit ended")}
    assert len(outcomes) == len(answers)
    for answered in answers.values():
        edit_id = answered.headers["x-edit-id"]
        status = get(f"{chaos.server.edits_url}/{edit_id}").json["status"]
        assert (status == "completed") == has_completed(answered) == (outcomes[edit_id] == "completed")
        assert status in ("completed", "failed")


def test_none_is_paid_twice(chaos: Chaos, answers: dict[str, Answer]) -> None:
    """After a call that may have been paid there is no other: the upstreams have noted it."""
    for prompt, answered in answers.items():
        calls = chaos.notes.of.get(prompt, [])
        assert all(call in FREE for call in calls[:-1]), f"{prompt}: {calls}"
        assert has_completed(answered) == bool(calls and calls[-1] in PICTURES), f"{prompt}: {calls}"


def test_what_nobody_was_paid_for_goes_on(chaos: Chaos, answers: dict[str, Answer]) -> None:
    """Most edits that met a free failure have their picture; whoever ends with one has made several attempts."""
    met = [prompt for prompt, calls in chaos.notes.of.items() if calls[0] in FREE]
    ended = [prompt for prompt in met if chaos.notes.of[prompt][-1] in FREE]
    assert met
    assert len(ended) < len(met) / 2
    for prompt in ended:
        assert int(answers[prompt].headers["x-streamedit-attempts"]) > 1


def test_each_attempt_is_told(chaos: Chaos, answers: dict[str, Answer]) -> None:
    """As many as the upstreams have noted, and those that reached none."""
    attempts = Counter(
        record["edit_id"] for record in chaos.records("attempt ended") if record["outcome"] != "upstream_unreachable"
    )
    for prompt, answered in answers.items():
        assert attempts[answered.headers["x-edit-id"]] == len(chaos.notes.of.get(prompt, []))


def test_cooldowns_are_told(chaos: Chaos, answers: dict[str, Answer]) -> None:
    """Of every target, in the log and in the metrics; those that a provider has asked for are as long as it asked."""
    assert answers
    cooled = [(record["target"], record["outcome"], record["cooldown_s"]) for record in chaos.records("attempt ended")]
    assert {target for target, _, seconds in cooled if seconds} == set(MODELS)
    assert all(seconds in (0, pytest.approx(0.3), pytest.approx(1.0)) for _, _, seconds in cooled)
    assert not any(seconds for _, outcome, seconds in cooled if outcome == "completed")
    seen = {
        sample.labels["target"]: sample.value
        for family in text_string_to_metric_families(get(f"{chaos.server.url}/metrics").body.decode())
        for sample in family.samples
        if sample.name == "streamedit_cooldowns_total"
    }
    assert seen == Counter(target for target, _, seconds in cooled if seconds)


def test_nothing_is_left_behind(chaos: Chaos, answers: dict[str, Answer]) -> None:
    """No producer, no connection in use, no call that is counted as open."""
    assert answers
    assert chaos.server.left_behind() == (0, 0)
    assert chaos.running() == 0
