"""What answers tell of an edit in their headers: who made it, after how many attempts, for how much. Pure.

Each walk tells of itself in the headers of its events; an edit's images may have been made by several walks. What an edit fails
with tells of them all.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from urllib.parse import quote

from streamedit.events import Completed, Event, Failed, PartialImage
from streamedit.records import AttemptRecord, fallbacks_of, retries_of

MODEL = "x-streamedit-model"
PROVIDER = "x-streamedit-provider"
ATTEMPTS = "x-streamedit-attempts"
RETRIES = "x-streamedit-retries"
"""Of the attempts, those that were neither the first nor the first of a fallback."""

FALLBACKS = "x-streamedit-fallbacks"
COST = "x-streamedit-cost"
"""Dollars."""

OVERHEAD_MS = "x-streamedit-overhead-ms"
"""From the accepted request to the first event, what this server took of it itself."""

OPTION = "x-streamedit-option"
"""What the caller's own plan calls the stage that made it, or that failed last."""

HEADERS = (MODEL, PROVIDER, ATTEMPTS, RETRIES, FALLBACKS, COST, OVERHEAD_MS, OPTION)

_SUMMED = (ATTEMPTS, RETRIES)

_PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))
_MAX_NAME_CHARS = 256


def named(model: str) -> str:
    """A model's name, which may be a caller's word, as a header can say it: on one line, in ASCII, other letters as in URLs."""
    return quote(model.strip(), safe=_PRINTABLE, errors="replace")[:_MAX_NAME_CHARS].strip()


def of_edit(events: Sequence[Event]) -> Mapping[str, str]:
    """The headers for a whole edit: its first image's, or its failure's, with attempts and cost of all images in sum.

    Of the fallbacks, which are steps of one plan, the farthest counts.
    """
    images = sorted((event for event in events if isinstance(event, Completed)), key=lambda image: image.image_index)
    failures = [event.error.headers for event in events if isinstance(event, Failed)]
    each = [*(image.headers for image in images), *failures]
    if not each:
        return {}
    cost_micros = cost_of(images)
    cost = {COST: dollars(cost_micros)} if cost_micros is not None else {}
    return {**each[0], **_counts(failures or each), **cost}


def of_attempts(attempts: Sequence[AttemptRecord]) -> Mapping[str, str]:
    """The headers for an edit that has failed, of all calls that were made for it."""
    if not attempts:
        return {}
    return {
        MODEL: named(attempts[-1].model),
        PROVIDER: attempts[-1].provider,
        ATTEMPTS: str(len(attempts)),
        RETRIES: str(retries_of(attempts)),
        FALLBACKS: str(fallbacks_of(attempts)),
    }


def of_later(headers: Mapping[str, str]) -> Mapping[str, str]:
    """What a walk tells with an image that it makes behind its first one: its counts are told."""
    return {name: value for name, value in headers.items() if name not in (*_SUMMED, FALLBACKS)}


def of_head(first: Completed | PartialImage, is_last: bool) -> Mapping[str, str]:
    """The headers of a stream, when its first event is there: the cost is known only when nothing follows."""
    if isinstance(first, Completed) and is_last and first.cost_micros is not None:
        return {**first.headers, COST: dollars(first.cost_micros)}
    return first.headers


def cost_of(images: Sequence[Completed]) -> int | None:
    """Micro-dollars of the images whose price is known; None when it is of none."""
    known = [image.cost_micros for image in images if image.cost_micros is not None]
    return sum(known) if known else None


def dollars(micros: int) -> str:
    """A plain decimal without an exponent."""
    return f"{Decimal(micros).scaleb(-6).normalize():f}"


def _counts(each: Sequence[Mapping[str, str]]) -> Mapping[str, str]:
    """The counts of walks side by side, as far as they tell any, as the counts of them all."""
    told = {name: [int(headers[name]) for headers in each if name in headers] for name in (*_SUMMED, FALLBACKS)}
    return {name: str(max(counts) if name == FALLBACKS else sum(counts)) for name, counts in told.items() if counts}
