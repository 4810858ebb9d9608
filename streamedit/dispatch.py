"""Makes an edit's n images of as many walks as that takes, within its time."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from streamedit.attempt import Emit
from streamedit.edits import EditRequest
from streamedit.errors import EditError, NoTarget, UpstreamTimeout
from streamedit.events import Event, Failed
from streamedit.providers.capabilities import Capabilities
from streamedit.routing import Plan
from streamedit.targets import Target
from streamedit.walk import Listener, Tools, Walk
from streamedit.wire import payloads


class Dispatch:
    """Runs requests on providers. Of each image's calls one at most may be paid."""

    def __init__(self, tools: Tools, *, total_s: float) -> None:
        self._tools = tools
        self._total_s = total_s

    def capabilities(self, target: Target) -> Capabilities:
        return self._tools.providers[target.provider].capabilities(target)

    def takes_urls(self, plan: Plan) -> bool:
        """Whoever is asked is given the URLs of images as their caller names them: nobody here needs what is there."""
        return all(target.takes_urls and self.capabilities(target).urls for target in plan.targets)

    async def check(self, request: EditRequest) -> None:
        """Raises InvalidRequest for a picture that nobody is asked to edit."""
        await self._tools.stills.check(request)

    async def run(self, request: EditRequest, plan: Plan, listener: Listener) -> None:
        """Tell of the edit's partial and completed images. Raises EditError when any image could not be made.

        One call makes all n images where the client does not stream and every target can; else n walks go on side by side, and
        each event of a stream says in `image_index` which image it belongs to. All of it takes `total_s` at most.
        """
        walks = self._walks(request, listener, plan)
        try:
            async with asyncio.timeout(self._total_s):
                await _all(walks, plan)
        except TimeoutError:
            raise walks[0].named(_overdue(walks)) from None

    def _walks(self, request: EditRequest, listener: Listener, plan: Plan) -> Sequence[Walk]:
        started_s = self._tools.clocks.clock()
        if request.n == 1 or self._makes_all(request, plan):
            return [Walk(request, self._tools, listener, started_s)]
        singles = [request.single(index) for index in range(request.n)]
        return [Walk(each, self._tools, _indexing(each, listener), started_s) for each in singles]

    def _makes_all(self, request: EditRequest, plan: Plan) -> bool:
        """Whichever target takes over makes all of the images in one call."""
        return not request.stream and all(request.n <= self.capabilities(target).n for target in plan.targets)


async def _all(walks: Sequence[Walk], plan: Plan) -> None:
    if len(walks) == 1:
        failures = [await _failure_of(walks[0], plan)]
    else:
        async with asyncio.TaskGroup() as images:
            tasks = [images.create_task(_failure_of(walk, plan)) for walk in walks]
        failures = [task.result() for task in tasks]
    if failed := [failure for failure in failures if failure is not None]:
        raise failed[0]


async def _failure_of(walk: Walk, plan: Plan) -> EditError | None:
    """One image's failure is a result, naming its attempts: the other images are already being paid for."""
    try:
        await walk.run(plan)
    except EditError as error:
        return walk.named(error)
    return None


def _overdue(walks: Sequence[Walk]) -> EditError:
    """When the edit's time is over; while all still waited for somebody to ask, nobody can have been paid."""
    if any(walk.may_be_paid for walk in walks):
        return UpstreamTimeout("The edit took too long.")
    return NoTarget(
        "No target of this model could be asked within the edit's time. Try again later.", headers={"retry-after": "1"}
    )


def _indexing(request: EditRequest, listener: Listener) -> Listener:
    """Tells of events which of the images they are of."""
    emit: Emit = listener.emit

    async def emit_indexed(event: Event) -> None:
        await emit(_indexed(event, request))

    return replace(listener, emit=emit_indexed)


def _indexed(event: Event, request: EditRequest) -> Event:
    if isinstance(event, Failed):
        return event
    index = request.image_index
    payload = payloads.with_field(event.payload, "image_index", index) if request.stream else event.payload
    return replace(event, payload=payload, image_index=index)
