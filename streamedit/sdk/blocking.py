"""An editor for code without an event loop, and for code within one that blocks: its own loop runs on a thread."""

import os
import weakref
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any, Self, TypeVar

import structlog
from anyio.from_thread import BlockingPortal, start_blocking_portal

from streamedit.sdk.editor import AsyncEditor
from streamedit.sdk.models import ImageEditEvent, ImagesResponse
from streamedit.sdk.pictures import Pictures
from streamedit.sdk.streams import Stream

_Result = TypeVar("_Result")


class Editor:
    """As `AsyncEditor`, inside a `with`. Any thread may call it."""

    def __init__(
        self,
        config: str | os.PathLike[str] | None = None,
        *,
        environ: Mapping[str, str] | None = None,
        log: structlog.typing.FilteringBoundLogger | None = None,
    ) -> None:
        self._editor = AsyncEditor(config, environ=environ, log=log)
        self._portal: BlockingPortal | None = None
        self._give_back: Callable[[], object] = lambda: None

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            portal = stack.enter_context(start_blocking_portal())
            stack.enter_context(portal.wrap_async_context_manager(self._editor))
            self._portal = portal
            # Also when it is forgotten, and at the interpreter's end: by then threads run no more that could close it.
            self._give_back = weakref.finalize(self, stack.pop_all().close)
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End what still runs, and give back all that is held. Idempotent."""
        self._portal = None
        self._give_back()

    @property
    def models(self) -> Sequence[str]:
        """As `AsyncEditor.models`."""
        return self._editor.models

    def edit(self, image: Pictures = None, prompt: str | None = None, **fields: Any) -> ImagesResponse:
        """As `AsyncEditor.edit`."""
        return self._call(partial(self._editor.edit, image, prompt, **fields))

    def stream(self, image: Pictures = None, prompt: str | None = None, **fields: Any) -> Stream:
        """As `AsyncEditor.stream`."""
        return Stream(self.events({**fields, "image": image, "prompt": prompt}))

    def events(self, said: Mapping[str, Any]) -> Generator[ImageEditEvent]:
        """As `AsyncEditor.events`."""
        events = self._editor.events(said)
        try:
            while (event := self._call(partial(anext, events, None))) is not None:
                yield event
        finally:
            # A loop that has ended has closed them.
            if self._portal is not None:
                self._call(events.aclose)

    def _call(self, function: Callable[[], Awaitable[_Result]]) -> _Result:
        if self._portal is None:
            raise RuntimeError("The editor is not open: use it inside its `with`.")
        return self._portal.call(function)
