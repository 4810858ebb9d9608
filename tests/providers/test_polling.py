"""Looking after a job that a provider has begun."""

from collections.abc import Iterable

import pytest

from streamedit.errors import Blocked, EditError, ErrorDetail, UpstreamBroken, UpstreamRefused, UpstreamTimeout
from streamedit.providers import polling
from streamedit.providers.polling import FAULTS, poll
from streamedit.targets import Target

BUSY = UpstreamRefused(ErrorDetail(429, "rate_limit_error", "busy", retryable=True))
REFUSED = UpstreamRefused(ErrorDetail(400, "invalid_request_error", "no"))


class Job:
    """What each look at it gives: a result, nothing yet, or a failure."""

    def __init__(self, looks: Iterable[str | EditError | None]) -> None:
        self._looks = iter(looks)
        self.looked = 0

    async def look(self) -> str | None:
        """The next one."""
        self.looked += 1
        found = next(self._looks)
        if isinstance(found, EditError):
            raise found
        return found


async def test_the_first_result_is_the_result() -> None:
    """Each look is one call."""
    job = Job([None, None, "there", "later"])
    assert (await poll(job.look, 0.001), job.looked) == ("there", 3)


async def test_what_passes_does_not_lose_the_job() -> None:
    """A busy provider, a broken connection, a silent one: the job is looked for again; a look that answers begins anew."""
    troubles = [BUSY, UpstreamBroken("broke"), UpstreamTimeout("silent")] * 3
    job = Job([*troubles, None, *troubles, "there"])
    assert await poll(job.look, 0.001) == "there"


async def test_what_does_not_pass_ends_it() -> None:
    """After so many looks in a row."""
    job = Job([BUSY] * (FAULTS + 1))
    with pytest.raises(UpstreamRefused):
        await poll(job.look, 0.001)
    assert job.looked == FAULTS


@pytest.mark.parametrize("end", [REFUSED, Blocked("blocked"), UpstreamBroken("failed", code="upstream_failed")])
async def test_what_is_an_end_ends_it_at_once(end: EditError) -> None:
    """The provider has said so."""
    job = Job([None, end])
    with pytest.raises(type(end)):
        await poll(job.look, 0.001)
    assert job.looked == 2


@pytest.mark.parametrize(("told", "seconds"), [(None, 0.5), (2, 2.0), (0.25, 0.25)])
def test_the_configuration_sets_the_wait(told: object, seconds: float) -> None:
    """`poll_s`, else the provider's own."""
    target = Target("p", "m", params={"poll_s": told})
    assert (polling.poll_s(target, 0.5), polling.mistake(target)) == (seconds, None)


@pytest.mark.parametrize("told", [0, -1, "soon"])
def test_a_wait_that_is_none_is_a_mistake(told: object) -> None:
    """It is told when the server starts."""
    assert "poll_s" in str(polling.mistake(Target("p", "m", params={"poll_s": told})))
