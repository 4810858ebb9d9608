"""Looking after a job that a provider has begun. It may be paid for: it is not given up for what passes, nor begun again."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from streamedit.errors import ErrorDetail, UpstreamBroken, UpstreamError, UpstreamTimeout
from streamedit.targets import Target

FAULTS = 10
"""So many looks in a row may fail before a job is given up."""

_Result = TypeVar("_Result")


async def poll(look: Callable[[], Awaitable[_Result | None]], every_s: float) -> _Result:
    """The result of the first look that has one, looking again and again; the edit's own bound is the bound of this.

    Raises what a look raises, and of faults that pass (a busy provider, a broken connection) the last of `FAULTS` in a row.
    """
    faults = 0
    while True:
        try:
            result = await look()
        except UpstreamError as error:
            faults += 1
            if faults == FAULTS or not _passes(error.detail):
                raise
        else:
            if result is not None:
                return result
            faults = 0
        await asyncio.sleep(every_s)


def poll_s(target: Target, default_s: float) -> float:
    """How long to wait between two looks: the configuration's `poll_s`."""
    return float(target.text("poll_s") or default_s)


def mistake(target: Target) -> str | None:
    """What is wrong with a target's `poll_s`."""
    told = target.params.get("poll_s")
    if told is None or (isinstance(told, int | float) and told > 0):
        return None
    return "poll_s must be a number of seconds above 0"


def _passes(error: ErrorDetail) -> bool:
    """The next look may do better."""
    return error.retryable or error.code in (UpstreamBroken.code, UpstreamTimeout.code)
