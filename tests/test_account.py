"""What the record of an attempt says of money."""

from contextlib import suppress
from decimal import Decimal

import pytest
from dispatching import STILLS
from played import PlayedTime
from providers.scripted import Scripted, Step, partial

from streamedit.account import Account
from streamedit.attempt import Attempt
from streamedit.edits import EditRequest
from streamedit.errors import EditError, UpstreamBroken, UpstreamUnreachable
from streamedit.events import Completed, Event
from streamedit.outcomes import ABANDONED
from streamedit.pricing import Price, Prices
from streamedit.records import AttemptRecord
from streamedit.routing import Stage
from streamedit.targets import Target
from streamedit.wire import payloads

TARGET = Target("provider", "model")
REQUEST = EditRequest("p", (), stream=True)
PRICES = Prices([Price("provider/*", {"text_in": Decimal(10), "image_out": Decimal(10)})])
WORST_MICROS = PRICES.worst_micros(TARGET, REQUEST) or 0

USAGE = {
    "input_tokens": 50, "output_tokens": 30, "total_tokens": 80,
    "input_tokens_details": {"image_tokens": 40, "cached_tokens": 20},
    "output_tokens_details": {"text_tokens": 5},
}  # fmt: skip


async def ignore(_: Event) -> None:
    """Nobody listens."""


async def record(script: list[Step], outcome: EditError | str | None) -> AttemptRecord:
    """Of an attempt at one image which has ended so."""
    time = PlayedTime()
    stage = Stage("m", (TARGET,))
    account, attempt = Account(REQUEST, time.clocks, time.now_s), Attempt(stage, TARGET, PRICES, STILLS, time.read)
    account.enter(stage)
    with suppress(EditError):
        await attempt.run(Scripted(script), REQUEST, ignore)
    return account.close(attempt, TARGET, outcome, 0.0)


@pytest.mark.parametrize(
    ("script", "outcome", "charge_micros"),
    [
        ([UpstreamUnreachable("away")], UpstreamUnreachable("away"), 0),
        ([UpstreamBroken("broken")], UpstreamBroken("broken"), WORST_MICROS),
        ([partial(), UpstreamUnreachable("away")], UpstreamUnreachable("away"), WORST_MICROS),
        ([partial()], ABANDONED, WORST_MICROS),
        ([], ABANDONED, WORST_MICROS),
    ],
)
async def test_what_may_have_been_paid_is_charged(script: list[Step], outcome: EditError | str, charge_micros: int) -> None:
    """As the worst case: after an answer that breaks off, or an event that came, or a call that was broken off here."""
    assert (await record(script, outcome)).charge_micros == charge_micros


async def test_what_was_made_costs_what_its_tokens_cost() -> None:
    """And those are told by their kind."""
    done = await record([Completed(payloads.build({"type": "image_edit.completed", "usage": USAGE}, b"QUJD"))], None)
    assert (done.input_tokens, done.input_image_tokens, done.cached_tokens) == (50, 40, 20)
    assert (done.output_tokens, done.output_text_tokens) == (30, 5)
    assert done.charge_micros == done.cost_micros == 800
