"""What answers tell of an edit in their headers, in sum over its images."""

import pytest
from providers.scripted import completed, partial

from streamedit import tally
from streamedit.errors import ErrorDetail
from streamedit.events import Completed, Failed


def image(index: int, attempts: int, retries: int, fallbacks: int, cost_micros: int | None = None) -> Completed:
    """The only image of a walk."""
    counts = {tally.ATTEMPTS: str(attempts), tally.RETRIES: str(retries), tally.FALLBACKS: str(fallbacks)}
    headers = {tally.MODEL: f"m{index}", tally.PROVIDER: f"p{index}", **counts}
    return Completed(completed().payload, headers, index, cost_micros)


def test_images_made_side_by_side_are_told_in_sum() -> None:
    """Attempts, retries and cost are added; of fallbacks the farthest counts; the first image tells who made it."""
    told = tally.of_edit([image(1, 3, 1, 1, 250_000), image(0, 1, 0, 0, 41_750)])
    assert (told[tally.MODEL], told[tally.PROVIDER]) == ("m0", "p0")
    assert (told[tally.ATTEMPTS], told[tally.RETRIES], told[tally.FALLBACKS]) == ("4", "1", "1")
    assert told[tally.COST] == "0.29175"


def test_a_call_that_made_several_images_is_counted_once() -> None:
    """Its later images say who made them, and not how often somebody was asked."""
    first = image(0, 2, 1, 0, 500)
    later = Completed(first.payload, tally.of_later(first.headers), 1, 0)
    told = tally.of_edit([first, later])
    assert (told[tally.ATTEMPTS], told[tally.RETRIES], told[tally.COST]) == ("2", "1", "0.0005")
    assert later.headers == {tally.MODEL: "m0", tally.PROVIDER: "p0"}


def test_the_images_that_failed_were_attempts_too() -> None:
    """An answer with the images that there are counts the calls for the others."""
    failure = Failed(ErrorDetail(502, "t", "m", headers={tally.ATTEMPTS: "3", tally.RETRIES: "2", tally.FALLBACKS: "0"}))
    assert tally.of_edit([image(0, 1, 0, 0), failure])[tally.ATTEMPTS] == "4"
    assert tally.of_edit([failure]) == failure.error.headers


def test_what_nobody_knows_is_not_told() -> None:
    """No cost without a price; nothing at all before an image or the end."""
    assert tally.COST not in tally.of_edit([image(0, 1, 0, 0)])
    assert tally.of_edit([partial()]) == {}
    assert tally.of_edit([image(0, 1, 0, 0, 7), image(1, 1, 0, 0)])[tally.COST] == "0.000007"


def test_a_stream_tells_its_cost_only_when_nothing_follows() -> None:
    """The head of a stream is sent with its first event."""
    only = image(0, 1, 0, 0, 30_000)
    assert tally.of_head(only, is_last=True)[tally.COST] == "0.03"
    assert tally.of_head(only, is_last=False) == only.headers
    assert tally.of_head(partial(), is_last=False) == {}


@pytest.mark.parametrize(
    ("micros", "dollars"), [(0, "0"), (1, "0.000001"), (41_750, "0.04175"), (2_000_000, "2"), (1_230_000_000, "1230")]
)
def test_money_is_a_plain_decimal(micros: int, dollars: str) -> None:
    """No exponent, which not every client reads as a number, and no zeros at the end."""
    assert tally.dollars(micros) == dollars
