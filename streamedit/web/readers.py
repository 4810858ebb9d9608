"""The readers of a posted edit's log: the relay streams it, the collapse waits for all of it. Each is the source of an answer.

A reader that leaves hurts nobody, unless the server was told to cancel an edit then.
"""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Protocol, TypeAlias

from streamedit import tally
from streamedit.contents import Excerpt
from streamedit.errors import EditError
from streamedit.events import Completed, Event, Failed, Json, collapse
from streamedit.stores import Logged
from streamedit.wire import bodies, frames

Events: TypeAlias = AsyncGenerator[Logged | None]
"""As Gateway.follow gives them: None is silence."""


Telling: TypeAlias = Callable[[Sequence[Completed]], Mapping[str, Json]]
"""Images -> fields that an answer has of them beside OpenAI's."""


def as_openai(_: Sequence[Completed]) -> Mapping[str, Json]:
    """Nothing beside OpenAI's fields."""
    return {}


class Told(Protocol):
    """Who wants to know what became of a reader."""

    def delivered(self) -> None:
        """It has got everything."""
        ...

    def left(self) -> None:
        """It is gone, with everything or without."""
        ...


class Relay:
    """A streamed POST: frames without ids. Until there is something to send, a failure is still a status of its own."""

    def __init__(self, events: Events, told: Told, telling: Telling = as_openai) -> None:
        self._events = events
        self._told = told
        self._telling = telling
        self._first: Logged | None = None

    async def open(self) -> Mapping[str, str]:
        self._first = await anext(self._events)
        if self._first is None:
            return {}
        if isinstance(self._first.event, Failed):
            raise EditError.told(self._first.event.error)
        return tally.of_head(self._first.event, self._first.last)

    async def pieces(self) -> AsyncGenerator[bytes]:
        async for piece in framed(self._first, self._telling):
            yield piece
        async for logged in self._events:
            async for piece in framed(logged, self._telling):
                yield piece
                del piece  # the next one may be long in coming
        self._told.delivered()

    async def aclose(self) -> None:
        await self._events.aclose()
        self._told.left()


class Collapse:
    """A plain POST: one ImagesResponse, or an error with a status of its own.

    With `keeps_alive` the head is sent at the first silence, and JSON whitespace then and at each that follows: the status is
    200 whatever comes, and a failure is an error envelope in the body.
    """

    def __init__(self, events: Events, keeps_alive: bool, told: Told, telling: Telling = as_openai) -> None:
        self._events = events
        self._telling = telling
        self._keeps_alive = keeps_alive
        self._told = told
        self._seen: list[Event] = []
        self._is_early = False
        self._whole = Whole(())

    async def open(self) -> Mapping[str, str]:
        while not await self._ended():
            self._is_early = self._keeps_alive
            if self._is_early:
                return {}
        headers = self._collapse()
        return {**headers, **self._whole.headers}

    async def pieces(self) -> AsyncGenerator[bytes]:
        if self._is_early:
            yield b" "
            while not await self._ended():
                yield b" "
            try:
                self._collapse()
            except EditError as error:
                yield bodies.error_envelope(error.detail)
                return
        async for slice_ in self._whole.pieces():
            yield slice_
        self._told.delivered()

    def _collapse(self) -> Mapping[str, str]:
        """Make the body, and give what the head tells. Raises EditError when there is nothing but a failure."""
        result = collapse(self._seen)
        if isinstance(result, Failed):
            raise EditError.told(result.error)
        self._whole = Whole(bodies.images_response(result, self._telling(result)))
        return tally.of_edit(self._seen)

    async def aclose(self) -> None:
        await self._events.aclose()
        self._told.left()

    async def _ended(self) -> bool:
        """Read on to the last event; false at a silence."""
        async for logged in self._events:
            if logged is None:
                return False
            self._seen.append(logged.event)
        return True


class Whole:
    """A body that is there."""

    def __init__(self, parts: Sequence[Excerpt]) -> None:
        self._parts = parts

    @property
    def headers(self) -> Mapping[str, str]:
        return {"content-length": str(sum(part.size_bytes for part in self._parts))}

    async def open(self) -> Mapping[str, str]:
        return self.headers

    async def pieces(self) -> AsyncGenerator[bytes]:
        for part in self._parts:
            async for slice_ in part.slices():
                yield slice_

    async def aclose(self) -> None:
        """Nothing is held."""


async def framed(logged: Logged | None, telling: Telling = as_openai, *, with_id: bool = False) -> AsyncGenerator[bytes]:
    """An event's frame in slices, a comment for silence."""
    if logged is None:
        yield frames.comment("keep-alive")
        return
    more = telling([logged.event]) if isinstance(logged.event, Completed) else None
    async for piece in frames.encode(logged.event, logged.id if with_id else None, more):
        yield piece
