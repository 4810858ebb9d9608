"""An answer of `generateContent`, read while it arrives: which of its images are partial, and which is the picture.

An answer is a stream of server-sent events, each a whole response; images come whole in one of them. Thinking models show up
to two drafts, marked as thoughts, before the picture, and the last of these is the picture itself (ai.google.dev, image
generation). So each thought is held back until more follows: another thought makes it a partial image; when the picture
follows it is one only if it shows something else. Thus no draft is lost and no picture comes twice.
"""

import binascii
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from anyio import to_thread

from streamedit.edits import EditRequest
from streamedit.errors import Blocked, UpstreamBroken, UpstreamRefused
from streamedit.events import Event, Usage
from streamedit.providers import pixels
from streamedit.providers.base import Tools
from streamedit.providers.calls import without_secrets
from streamedit.providers.finish import Finish
from streamedit.providers.google.dialect import composites
from streamedit.providers.google.responses import Response, explain
from streamedit.targets import Target
from streamedit.uploads import Upload
from streamedit.upstream.client import Answer
from streamedit.wire import bodies
from streamedit.wire.cutouts import Pieces
from streamedit.wire.scanner import FrameScanner


class Album:
    """The images of one answer while it arrives, all in base64. Thoughts wait on disk: a thousand edits think at once.

    `due`: thoughts that are partial images by now.
    """

    def __init__(self) -> None:
        self.due: list[Upload] = []
        self.usage: Usage | None = None
        self.finish_reason: str | None = None
        self._thought: Upload | None = None
        self._picture: Pieces | None = None

    @property
    def is_complete(self) -> bool:
        """Nothing that counts can follow."""
        return bool(self._picture and self.finish_reason and self.usage)

    async def add(self, response: Response) -> None:
        """Raises Blocked."""
        if response.block:
            raise Blocked("The provider blocked the edit: {} {}".format(*response.block).strip())
        for is_thought, image in response.images():
            await self._keep(is_thought, image)
        self.finish_reason = response.finish_reason or self.finish_reason
        self.usage = response.usage or self.usage

    async def settle(self) -> None:
        """The answer has ended: decide on the thought that came last."""
        if self._thought is None or self._picture is None:
            return
        if not await to_thread.run_sync(_look_alike, await self._thought.read(), self._picture):
            self.due.append(self._thought)
            self._thought = None

    def take(self) -> Pieces:
        """The picture, which is not kept any longer. Raises UpstreamBroken where there is none."""
        picture, self._picture = self._picture, None
        if picture is not None:
            return picture
        if self.finish_reason is None:
            raise UpstreamBroken("The provider's stream ended before the picture came.", code="upstream_incomplete")
        raise UpstreamBroken(f"The provider answered without an image: {self.finish_reason}.", code="upstream_empty")

    def close(self) -> None:
        for upload in (*self.due, self._thought):
            if upload is not None:
                upload.close()

    async def _keep(self, is_thought: bool, image: Pieces) -> None:
        if not is_thought:
            self._picture = image
            return
        self.due += [self._thought] if self._thought else []
        self._thought = Upload()
        for piece in image:
            self._thought.feed(piece)
        await self._thought.flush()


class Reading:
    """The events of one answer."""

    def __init__(self, tools: Tools, request: EditRequest, target: Target) -> None:
        self._tools, self._request, self._target = tools, request, target
        self._album = Album()
        self._shown = 0

    async def events(self, answer: Answer) -> AsyncGenerator[Event]:
        """Partial images as they come, never more than were asked for, and the completed one. Raises EditError."""
        finish = Finish(self._request, self._tools.now_s(), composite=composites(self._target))
        try:
            async with aclosing(self._arrivals(answer)) as arrivals:
                async for _ in arrivals:
                    while self._album.due and self._shown < self._request.partial_images:
                        self._shown += 1
                        yield await finish.partial(await self._due(), self._shown - 1)
            yield await finish.completed(self._album.take(), self._album.usage)
        finally:
            self._album.close()

    async def _due(self) -> bytes:
        upload = self._album.due.pop(0)
        image = await upload.read()
        upload.close()
        return image

    async def _arrivals(self, answer: Answer) -> AsyncGenerator[None]:
        """Yields whenever the album may have grown, for the last time at the end of the answer."""
        if "event-stream" in answer.content_type:
            async with aclosing(self._stream(answer)) as arrivals:
                async for _ in arrivals:
                    yield
        else:
            await self._add(await answer.pieces(self._tools.max_answer_bytes), answer)
        await self._album.settle()
        yield

    async def _stream(self, answer: Answer) -> AsyncGenerator[None]:
        """Yields after each event."""
        scanner = FrameScanner(self._tools.max_event_bytes)
        async with aclosing(answer.push(scanner)) as reads:
            async for _ in reads:
                while await self._add_next(scanner, answer):
                    yield
                if self._album.is_complete:
                    answer.complete()
                    return
        scanner.finish()
        while await self._add_next(scanner, answer):
            yield

    async def _add_next(self, scanner: FrameScanner, answer: Answer) -> bool:
        """Whether an event was whole. Nobody holds it any longer than this."""
        frame = next(scanner.take(), None)
        if frame is not None and not frame.is_mark:
            await self._add(frame.pieces, answer)
        return frame is not None

    async def _add(self, pieces: Sequence[bytes], answer: Answer) -> None:
        """Raises UpstreamBroken, Blocked, and UpstreamRefused for an error that comes with a 200."""
        for response in Response.all_of(*pieces):
            if response.fields.get("error"):
                said = explain(response.fields, {})
                refusal = bodies.refusal(502, said, {**answer.headers, **said["headers"]}, charged=True)
                raise UpstreamRefused(without_secrets(refusal, self._target))
            await self._album.add(response)


def _look_alike(one: bytes, pieces: Pieces) -> bool:
    """Whether two pictures, in base64, show the same."""
    other = b"".join(pieces)
    try:
        return one == other or pixels.look_alike(binascii.a2b_base64(one), binascii.a2b_base64(other))
    except binascii.Error:
        return False
