"""The walk over targets: one call at a time for each image, on to the next only while nobody can have been paid."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest
from dispatching import dispatch_of
from providers.scripted import Scripted, Step, completed, partial

from streamedit import tally
from streamedit.edits import EditOptions, EditRequest
from streamedit.errors import (
    EditError,
    ErrorDetail,
    InvalidRequest,
    UpstreamBroken,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from streamedit.events import Completed, Event, PartialImage
from streamedit.pricing import Price, Prices
from streamedit.providers.capabilities import Capabilities
from streamedit.routing import Plan, Stage
from streamedit.targets import Target
from streamedit.walk import Listener
from streamedit.wire import payloads

BUSY = UpstreamRefused(ErrorDetail(429, "rate_limit_error", "busy", retryable=True))
AWAY = UpstreamUnreachable("away")


def request(n: int | None = None, *, stream: bool = True) -> EditRequest:
    """A request without images: no provider here looks at them."""
    return EditRequest("p", (), stream=stream, options=EditOptions(n=n))


def plan_of(*targets: Target) -> Plan:
    """One stage, its targets in their order."""
    return Plan.of(Stage("m", targets))


async def run(asked: EditRequest, *providers: Scripted, total_s: float = 5) -> tuple[list[Event], EditError | None]:
    """What was emitted, and the error that it ended with."""
    names = [f"provider-{index}" for index in range(len(providers))]
    dispatch = dispatch_of(dict(zip(names, providers, strict=True)), total_s=total_s)
    plan = plan_of(*(Target(name, "model") for name in names))
    events: list[Event] = []

    async def emit(event: Event) -> None:
        events.append(event)

    try:
        await dispatch.run(asked, plan, Listener(emit))
    except EditError as error:
        return events, error
    return events, None


@pytest.mark.parametrize("error", [BUSY, AWAY])
async def test_the_next_target_takes_over_before_the_first_event(error: EditError) -> None:
    """A target that is busy or away is passed over; each was called once."""
    first, second = Scripted([error]), Scripted([partial(), completed()])
    events, failed = await run(request(), first, second)
    assert failed is None
    assert [type(event) for event in events] == [PartialImage, Completed]
    assert (len(first.calls), len(second.calls)) == (1, 1)


NO_FALLBACK: dict[str, Sequence[Step]] = {
    "after an event": [partial(), AWAY],
    "after it may have been paid": [UpstreamBroken("broke")],
    "after silence": [UpstreamTimeout("silent")],
    "the caller's own mistake": [InvalidRequest("no")],
    "a stream without an end": [partial()],
}


@pytest.mark.parametrize("case", NO_FALLBACK)
async def test_nobody_takes_over_when_it_could_be_paid_twice(case: str) -> None:
    """The second target is not called, and the first one's error is the edit's."""
    first, second = Scripted(NO_FALLBACK[case]), Scripted([completed()])
    _, failed = await run(request(), first, second)
    assert failed is not None
    assert not second.calls


async def test_the_last_error_is_the_edit_s() -> None:
    """When all targets fail, the caller hears of the last one, and of each attempt."""
    _, failed = await run(request(), Scripted([AWAY]), Scripted([BUSY]))
    assert failed is not None
    assert (failed.detail.status, failed.detail.type) == (429, "rate_limit_error")
    assert failed.detail.message == (
        "busy (attempts: provider-0/model 502 upstream_unreachable, provider-1/model 429 rate_limit_error)"
    )
    assert failed.detail.headers["x-streamedit-attempts"] == "2"


async def test_a_stream_that_ends_early_is_an_error() -> None:
    """Any provider that ends without a completed image has failed."""
    events, failed = await run(request(), Scripted([partial()]))
    assert len(events) == 1
    assert failed is not None
    assert failed.detail.code == "upstream_incomplete"


async def test_what_comes_after_the_end_is_not_read() -> None:
    """The call is closed once the image is there; a late error spoils nothing."""
    provider = Scripted([completed(), RuntimeError("late")])
    assert (await run(request(), provider))[1] is None
    assert provider.open == 0


@pytest.mark.parametrize(
    ("stream", "takes_n", "calls"), [(True, True, 3), (True, False, 3), (False, False, 3), (False, True, 1)]
)
async def test_n_images_take_as_many_calls_as_they_must(stream: bool, takes_n: bool, calls: int) -> None:
    """One call for a plain request where the provider makes n, else one for each image, each knowing its number."""
    script = [completed(image_index=index) for index in range(3)] if calls == 1 else [completed()]
    provider = Scripted(script, n=takes_n)
    events, failed = await run(request(3, stream=stream), provider)
    assert failed is None
    assert sorted(event.image_index for event in events if isinstance(event, Completed)) == [0, 1, 2]
    assert [(call.n, call.image_index) for call, _ in provider.calls] == ([(3, 0)] if calls == 1 else [(1, 0), (1, 1), (1, 2)])


async def test_images_are_made_side_by_side() -> None:
    """The second image's events come while the first one still waits, and say which image they belong to."""
    gate = asyncio.Event()
    first: list[Step] = [gate, completed(b"AAAA")]

    class Opening(Scripted):
        """Lets the first image go on once the second one is there."""

    provider = Opening(first, [partial(), completed(b"BBBB")])
    plan = plan_of(Target("provider", "model"))
    seen: list[tuple[type, int]] = []

    async def emit(event: Event) -> None:
        assert isinstance(event, PartialImage | Completed)
        seen.append((type(event), event.payload.fields["image_index"]))
        if len(seen) == 2:
            gate.set()

    await dispatch_of({"provider": provider}, total_s=5).run(request(2), plan, Listener(emit))
    assert seen == [(PartialImage, 1), (Completed, 1), (Completed, 0)]


async def test_one_failed_image_does_not_stop_the_others() -> None:
    """All other images are emitted before the failure is told."""
    events, failed = await run(request(3), Scripted([UpstreamBroken("one")], [completed()]))
    assert len(events) == 2
    assert failed is not None
    assert failed.detail.code == "upstream_broken"


async def test_an_edit_takes_no_longer_than_it_may() -> None:
    """A hanging call is ended and closed."""
    provider = Scripted([asyncio.Event()])
    _, failed = await run(request(2), provider, total_s=0.02)
    assert failed is not None
    assert failed.detail.code == "upstream_timeout"
    assert provider.open == 0


async def test_n_images_are_asked_one_by_one_unless_every_target_makes_n() -> None:
    """Whoever takes over makes all of them."""
    first, second = Scripted([AWAY], n=True), Scripted([completed()])
    events, failed = await run(request(3, stream=False), first, second)
    assert failed is None
    assert sorted(event.image_index for event in events if isinstance(event, Completed)) == [0, 1, 2]
    assert [call.n for call, _ in second.calls] == [1, 1, 1]


async def test_a_target_takes_no_longer_than_its_own_bound() -> None:
    """LiteLLM's `timeout`: the call is ended and closed, and may have been paid."""
    provider = Scripted([asyncio.Event()])
    plan = plan_of(Target("provider", "model", params={"timeout": 0.02}))
    with pytest.raises(UpstreamTimeout) as caught:
        await dispatch_of({"provider": provider}, total_s=5).run(request(), plan, Listener(_ignore))
    assert caught.value.detail.charged
    assert provider.open == 0


async def test_each_image_has_its_cost() -> None:
    """From its usage; of several images of one call the first has the usage of all; without a price it is not known."""
    prices = Prices([Price("provider/*", {"text_in": Decimal(5), "image_out": Decimal(30)}, Decimal(1000))])
    costs: list[int | None] = []

    async def keep(event: Event) -> None:
        assert isinstance(event, Completed)
        costs.append(event.cost_micros)

    script = [completed(), replace(bare(), image_index=1)]
    for model, known in (("model", prices), ("other", Prices(()))):
        plan = plan_of(Target("provider", model))
        await dispatch_of({"provider": Scripted(script, n=True)}, known).run(request(2, stream=False), plan, Listener(keep))
    assert costs == [1 * 5 + 2 * 30, 0, None, None]


async def test_what_a_target_cannot_do_is_said_before_it_is_asked() -> None:
    """A 400, and no call."""
    provider = Scripted([completed()])
    provider._capabilities = Capabilities()
    plan = plan_of(Target("provider", "model"))
    asked = replace(request(), options=EditOptions(size="1x1"))
    with pytest.raises(InvalidRequest):
        await dispatch_of({"provider": provider}, total_s=5).run(asked, plan, Listener(_ignore))
    assert provider.calls == []


def bare() -> Completed:
    """A completed image without usage."""
    return Completed(payloads.build({"type": "image_edit.completed"}, b"QUJD"))


async def _ignore(_: Event) -> None:
    """Nobody listens."""


async def test_each_walk_tells_of_itself_once() -> None:
    """Images made side by side each tell of their own attempts; of one call's images the first does, all say who made them."""
    aside, _ = await run(request(2, stream=False), Scripted([AWAY]), Scripted([completed()]))
    assert sorted(counts_of(aside)) == [("provider-1", "2", "1")] * 2
    together, _ = await run(
        request(2, stream=False), Scripted([AWAY], n=True), Scripted([completed(), completed(b"REVG", 1)], n=True)
    )
    assert counts_of(together) == [("provider-1", "2", "1"), ("provider-1", None, None)]


def counts_of(events: Sequence[Event]) -> list[tuple[str, str | None, str | None]]:
    """Who made each image, and the attempts and retries that are told with it."""
    told = [event.headers for event in events if isinstance(event, Completed)]
    names = (tally.ATTEMPTS, tally.RETRIES)
    return [(headers[tally.PROVIDER], *(headers.get(name) for name in names)) for headers in told]  # type: ignore[misc]
