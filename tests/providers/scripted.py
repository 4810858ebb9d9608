"""A provider that does what a test tells it, in process."""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from typing import TypeAlias

from streamedit.edits import EditRequest
from streamedit.events import Completed, Event, PartialImage
from streamedit.providers.capabilities import PARAMETERS, Capabilities, Support
from streamedit.targets import Target
from streamedit.wire import payloads

Step: TypeAlias = Event | BaseException | asyncio.Event
"""An event is yielded, an exception raised, an asyncio.Event waited for."""


class Scripted:
    """Plays one script for each call, the last for all that follow; remembers its calls and how many are open."""

    def __init__(self, *scripts: Iterable[Step], n: bool = False) -> None:
        parameters = dict.fromkeys(PARAMETERS, Support.NATIVE)
        self._capabilities = Capabilities(True, True, 10 if n else 1, parameters=parameters, verbatim=True)
        self._scripts = [list(script) for script in scripts]
        self.calls: list[tuple[EditRequest, Target]] = []
        self.open = 0

    def capabilities(self, _: Target) -> Capabilities:
        return self._capabilities

    async def edit(self, request: EditRequest, target: Target) -> AsyncGenerator[Event]:
        self.calls.append((request, target))
        script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
        self.open += 1
        try:
            for step in script:
                if isinstance(step, asyncio.Event):
                    await step.wait()
                elif isinstance(step, BaseException):
                    raise step
                else:
                    yield step
        finally:
            self.open -= 1


def partial(index: int = 0) -> PartialImage:
    """A small partial image."""
    fields = {"type": "image_edit.partial_image", "partial_image_index": index}
    return PartialImage(payloads.build(fields, b"QUJD"))


def completed(image: bytes = b"QUJD", image_index: int = 0) -> Completed:
    """A small completed image."""
    fields = {"type": "image_edit.completed", "usage": {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}}
    return Completed(payloads.build(fields, image), image_index=image_index)
