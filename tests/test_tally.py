"""What answers tell of an edit in their headers, in sum over its images."""

from typing import Any

import pytest
from providers.scripted import completed, partial

from streamedit import tally
from streamedit.errors import ErrorDetail
from streamedit.events import Completed, Failed
from streamedit.records import AttemptRecord


def image(index: int, attempts: int, retries: int, fallbacks: int, cost_micros: int | None = None) -> Completed:
    """The only image of a walk."""
    counts = {tally.ATTEMPTS: str(attempts), tally.RETRIES: str(retries), tally.FALLBACKS: str(fallbacks)}
    headers = {tally.MODEL: f"m{index}", tally.PROVIDER: f"p{index}", **counts}
    return Completed(completed().payload, headers, index, cost_micros)


def attempt(image_index: int, stage: int) -> AttemptRecord:
    """A call that has ended."""
    counts = dict.fromkeys(("partial_images", "images", "size_bytes", "input_tokens", "output_tokens"), 0)
    times = dict.fromkeys(("started_at_s", "total_s", "cooldown_s"), 0.0)
    unknown = dict.fromkeys(("status", "overhead_s", "first_event_s", "cost_micros"))
    names = {"model": f"model-{stage}", "provider": "p", "target": "t", "outcome": "upstream_broken"}
    told: dict[str, Any] = {**counts, **times, **unknown, **names}
    return AttemptRecord(number=1, stage=stage, image_index=image_index, charged=False, **told)


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


def test_a_failure_tells_of_all_attempts() -> None:
    """An answer with the images that there are counts the calls for the others, too, and each of them once."""
    failure = Failed(ErrorDetail(502, "t", "m", headers={tally.ATTEMPTS: "3", tally.RETRIES: "2", tally.FALLBACKS: "0"}))
    told = tally.of_edit([image(0, 1, 0, 1, 10), failure])
    assert told == {**image(0, 0, 0, 0).headers, **failure.error.headers, tally.COST: "0.00001"}
    assert tally.of_edit([failure]) == failure.error.headers


def test_a_retry_is_an_attempt_at_the_same_image_and_model() -> None:
    """What is neither an image's first attempt nor the first of a fallback."""
    attempts = [attempt(0, 1), attempt(0, 1), attempt(1, 1), attempt(0, 2)]
    assert tally.of_attempts(attempts) == {
        tally.MODEL: "model-2",
        tally.PROVIDER: "p",
        tally.ATTEMPTS: "4",
        tally.RETRIES: "1",
        tally.FALLBACKS: "1",
    }
    assert tally.of_attempts([]) == {}


def test_what_nobody_knows_is_not_told() -> None:
    """No cost without a price; nothing at all before an image or the end."""
    assert tally.COST not in tally.of_edit([image(0, 1, 0, 0)])
    assert tally.of_edit([partial()]) == {}
    assert tally.of_edit([image(0, 1, 0, 0, 7), image(1, 1, 0, 0)])[tally.COST] == "0.000007"


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("Nano Banana 2 (50%)", "Nano Banana 2 (50%)"),
        ("a\r\nx-evil: 1\r\n\r\nb", "a%0D%0Ax-evil: 1%0D%0A%0D%0Ab"),
        ("模", "%E6%A8%A1"),
        (" \ud800 ", "?"),
        ("m" * 255 + " m", "m" * 255),
    ],
)
def test_a_name_fits_into_a_header(model: str, told: str) -> None:
    """A model's name may be a caller's own: it ends no line, and is of a bounded length."""
    assert tally.named(model) == told


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
