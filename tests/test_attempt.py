"""One call of a target: within its bounds, counted, priced."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal

import pytest
from dispatching import STILLS
from pictures import plain, written
from played import PlayedTime
from providers.scripted import Scripted, completed, partial

from streamedit.attempt import Attempt
from streamedit.edits import EditOptions, EditRequest, InputImage, Wishes
from streamedit.errors import EditError, InvalidRequest, RequestTimeout, UpstreamBroken, UpstreamTimeout
from streamedit.events import Event, Failed
from streamedit.pricing import Price, Prices
from streamedit.routing import Stage
from streamedit.targets import Target
from streamedit.uploads import Upload

REQUEST = EditRequest("p", (), stream=True)
TARGET = Target("provider", "model")


def attempt_of(stage: Stage = Stage("m", (TARGET,)), time: PlayedTime | None = None) -> Attempt:  # noqa: B008 - frozen
    """Of the stage's first target."""
    return Attempt(stage, stage.targets[0], Prices(()), STILLS, (time or PlayedTime()).read)


async def ignore(_: Event) -> None:
    """Nobody listens."""


async def test_it_counts_what_it_relays() -> None:
    """Pictures, bytes, tokens, and the time to the first event by the clock that it was given."""
    time = PlayedTime()
    attempt = attempt_of(time=time)
    seen: list[Event] = []

    async def emit(event: Event) -> None:
        seen.append(event)
        await time.sleep(2)

    await time.sleep(1)
    await attempt.run(Scripted([partial(), partial(1), completed()]), REQUEST, emit)
    assert (attempt.partial_images, attempt.images, attempt.usage.output_tokens) == (2, 1, 2)
    assert (attempt.first_event_s, attempt.total_s) == (1, 7)
    assert attempt.size_bytes == sum(event.payload.size_bytes for event in seen if not isinstance(event, Failed))


@pytest.mark.parametrize(
    ("callers_s", "own_s", "error"),
    [
        (0.01, None, RequestTimeout),
        (0.01, 5.0, RequestTimeout),
        (5.0, 0.01, UpstreamTimeout),
        (None, 0.01, UpstreamTimeout),
    ],
)
async def test_the_nearer_bound_ends_it(callers_s: float | None, own_s: float | None, error: type[EditError]) -> None:
    """The caller's is a 408 that says so, the configuration's a 504; either may have been paid."""
    target = replace(TARGET, params={"timeout": own_s} if own_s else {})
    provider = Scripted([asyncio.Event()])
    with pytest.raises(error) as caught:
        await attempt_of(Stage("m", (target,), timeout_s=callers_s)).run(provider, REQUEST, ignore)
    assert type(caught.value) is error
    assert caught.value.detail.charged
    assert provider.open == 0


async def test_what_is_done_with_an_event_is_not_the_provider_s_time() -> None:
    """A picture that has come is not lost because it takes long to be put somewhere."""

    async def takes_long(_: Event) -> None:
        over = asyncio.Event()
        asyncio.get_running_loop().call_later(0.1, over.set)
        await over.wait()

    target = replace(TARGET, params={"timeout": 0.05})
    attempt = attempt_of(Stage("m", (target,)))
    await attempt.run(Scripted([partial(), completed()]), REQUEST, takes_long)
    assert (attempt.partial_images, attempt.images) == (1, 1)


async def test_a_call_without_its_picture_has_failed() -> None:
    """And may have been paid; what had come is counted."""
    attempt = attempt_of()
    with pytest.raises(UpstreamBroken):
        await attempt.run(Scripted([partial()]), REQUEST, ignore)
    assert (attempt.partial_images, attempt.images) == (1, 0)


async def test_a_stage_s_fields_replace_the_request_s() -> None:
    """The provider sees them."""
    provider = Scripted([completed()])
    stage = Stage("m", (TARGET,), overrides=(("quality", "low"),))
    await attempt_of(stage).run(provider, replace(REQUEST, options=EditOptions(quality="high")), ignore)
    assert provider.calls[0][0].options.quality == "low"


async def test_a_provider_gets_pictures_that_it_takes() -> None:
    """Made for it, of those that it does not; the request that others may be asked with stays as it is."""
    gif = InputImage(Upload(written(plain(), "GIF")), "a.gif", "image/gif")
    request = replace(REQUEST, images=(gif,))
    provider = Scripted([completed()])
    await attempt_of().run(provider, request, ignore)
    assert provider.calls[0][0].images[0].media_type == "image/png"
    assert request.images == (gif,)


async def test_a_picture_that_cannot_be_made_for_a_provider_costs_nothing() -> None:
    """The provider was not asked."""
    broken = InputImage(Upload(b"GIF89a"), "a.gif", "image/gif")
    attempt, provider = Attempt(Stage("m", (TARGET,)), TARGET, PRICES, STILLS, PlayedTime().read), Scripted([completed()])
    with pytest.raises(InvalidRequest):
        await attempt.run(provider, replace(REQUEST, images=(broken,)), ignore)
    assert (provider.calls, attempt.charge_micros(may_be_paid=True)) == ([], 0)


@pytest.mark.parametrize(
    ("configured", "sent"),
    [({}, {"x-a": "caller"}), ({"x-a": "own", "x-b": "own"}, {"x-a": "own", "x-b": "own"})],
)
async def test_a_caller_s_headers_go_along(configured: Mapping[str, str], sent: Mapping[str, str]) -> None:
    """Where the configuration has none of that name."""
    provider = Scripted([completed()])
    target = replace(TARGET, params={"extra_headers": dict(configured)})
    await attempt_of(Stage("m", (target,))).run(provider, replace(REQUEST, wishes=Wishes(headers={"x-a": "caller"})), ignore)
    assert provider.calls[0][1].extra_headers == sent


PRICES = Prices([Price("provider/*", {"text_in": Decimal(1000), "image_out": Decimal(1000)}), Price("*", per_image=Decimal(7))])
WORST_MICROS = PRICES.worst_micros(TARGET, REQUEST) or 0


@pytest.mark.parametrize(
    ("images", "n", "may_be_paid", "charge_micros"),
    [
        (1, None, True, 3000),
        (1, 3, True, 3000 + 2 * WORST_MICROS),
        (1, 3, False, 3000),
        (0, None, True, WORST_MICROS),
        (0, None, False, 0),
    ],
)
async def test_what_counts_against_budgets(images: int, n: int | None, may_be_paid: bool, charge_micros: int) -> None:
    """The cost of what was made, and what each missing image could have cost, if the provider may have charged it."""
    attempt = Attempt(Stage("m", (TARGET,)), TARGET, PRICES, STILLS, PlayedTime().read)
    request = replace(REQUEST, stream=True, options=EditOptions(n=n))
    with suppress(UpstreamBroken):
        await attempt.run(Scripted([completed()] * images, n=True), request, ignore)
    assert attempt.charge_micros(may_be_paid=may_be_paid) == charge_micros


async def test_an_image_that_no_price_fits_costs_its_worst_case() -> None:
    """The provider did not tell its quality, and the prices are by quality: the dearest that it could have is spent."""
    prices = Prices([Price("*", per_image=Decimal(price), quality=quality) for price, quality in ((10, "low"), (90, "high"))])
    attempt = Attempt(Stage("m", (TARGET,)), TARGET, prices, STILLS, PlayedTime().read)
    await attempt.run(Scripted([completed(), completed()], n=True), replace(REQUEST, options=EditOptions(n=2)), ignore)
    assert attempt.cost_micros is None
    assert attempt.charge_micros(may_be_paid=True) == 2 * 90


async def test_what_the_caller_s_own_account_pays_counts_against_no_budget() -> None:
    """Whatever it has cost."""
    target = replace(TARGET, is_callers=True)
    attempt = Attempt(Stage("m", (target,)), target, PRICES, STILLS, PlayedTime().read)
    await attempt.run(Scripted([completed()]), REQUEST, ignore)
    assert attempt.cost_micros == 3000
    assert attempt.charge_micros(may_be_paid=True) == 0


async def test_a_call_that_was_never_made_costs_nothing() -> None:
    """The request was refused before."""
    attempt = Attempt(Stage("m", (TARGET,)), TARGET, PRICES, STILLS, PlayedTime().read)
    assert attempt.charge_micros(may_be_paid=True) == 0
