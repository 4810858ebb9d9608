"""An edit's events as its caller reads them, in async code and in any other."""

import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from typing import Self

from streamedit.sdk.models import ImageEditEvent
from streamedit.uploads import aclosed_unless_done


class AsyncStream(AsyncIterator[ImageEditEvent]):
    """An edit's events, in order: partial images, then a completed event for each image. A failure is raised.

    Whoever leaves before the end cancels the edit: with `aclose`, by an `async with`, or by letting go of it.
    """

    def __init__(self, first: ImageEditEvent, events: AsyncGenerator[ImageEditEvent]) -> None:
        self._first: ImageEditEvent | None = first
        self._events = events
        self.edit_id = first.edit_id

    @classmethod
    async def opened(cls, events: AsyncGenerator[ImageEditEvent]) -> Self:
        """As soon as the first event has come: until then a failure is the call's own."""
        async with aclosed_unless_done(events.aclose):
            return cls(await anext(events), events)

    async def __anext__(self) -> ImageEditEvent:
        if self._first is None:
            return await anext(self._events)
        first, self._first = self._first, None
        return first

    async def aclose(self) -> None:
        """Read no further. Idempotent."""
        self._first = None
        await self._events.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


class Stream(Iterator[ImageEditEvent]):
    """The same without an event loop: with `close`, by a `with`, or by letting go of it."""

    def __init__(self, events: Generator[ImageEditEvent]) -> None:
        self._first: ImageEditEvent | None = next(events)
        self._events = events
        self.edit_id = self._first.edit_id
        # Also at the interpreter's end: later threads run no more that could close it.
        self.close = weakref.finalize(self, events.close)

    def __next__(self) -> ImageEditEvent:
        if self._first is None:
            return next(self._events)
        first, self._first = self._first, None
        return first

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
