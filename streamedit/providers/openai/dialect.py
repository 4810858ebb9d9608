"""OpenAI's dialect of `POST /images/edits`, as the servers speak that have taken it over: `Dialect` is how, `Speaker` edits.

A server that streams as OpenAI does is relayed: whatever comes back, SSE or JSON, becomes events, and their JSON is the
upstream's own bytes. Of any other server the pictures alone are taken; each is described here by what it is, and converted
where another format was asked for.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial

from anyio import to_thread

from streamedit.edits import EditRequest
from streamedit.errors import Blocked, ErrorDetail, InvalidRequest, UpstreamBroken, UpstreamRefused
from streamedit.events import Completed, Event, Json, Usage
from streamedit.providers import pixels
from streamedit.providers.addresses import own_address
from streamedit.providers.base import Tools
from streamedit.providers.calls import Api, Explain, is_stream, read_json, without_secrets
from streamedit.providers.capabilities import Capabilities
from streamedit.providers.finish import Base64, Finish
from streamedit.providers.openai.form import Form
from streamedit.providers.sizes import parse_size
from streamedit.targets import Target
from streamedit.upstream.client import Answer, Call
from streamedit.wire import bodies, frames, payloads
from streamedit.wire.cutouts import Cutout
from streamedit.wire.scanner import FrameScanner


def bearer(target: Target) -> Mapping[str, str]:
    """The key as OpenAI takes it; nothing where there is none."""
    return {"authorization": f"Bearer {target.api_key}"} if target.api_key else {}


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one kind of server speaks.

    `url`, `headers`: of a target. `explain`: reads its error bodies. `blocks`: codes of its errors that mean its moderation.
    `hosts`: whence pictures are fetched that it gives by URL; where there are none a URL goes on as it is. `usage`: reads
    its count of tokens.
    """

    capabilities: Capabilities
    form: Form
    url: Callable[[Target], str]
    headers: Callable[[Target], Mapping[str, str]] = bearer
    explain: Explain = bodies.explain
    blocks: frozenset[str] = frozenset()
    hosts: tuple[str, ...] = ()
    usage: Callable[[Json], Json] = lambda said: said

    def relays(self, request: EditRequest) -> bool:
        """Whether its answer goes on as it comes."""
        return self.form.streams and self.form.makes(request)

    async def call(self, request: EditRequest, target: Target) -> Call:
        """The call for a request. Raises InvalidRequest."""
        if self.form.composites and request.mask is not None:
            await _check_size(request)
        accept = "text/event-stream, application/json" if self.relays(request) else "application/json"
        body = await self.form.body(request, target, self.capabilities)
        return Call("POST", self.url(target), {"accept": accept, **self.headers(target)}, body)

    def told(self, error: ErrorDetail) -> ErrorDetail:
        """A refusal under the name that OpenAI has for it."""
        if error.code not in self.blocks:
            return error
        return replace(Blocked(error.message).detail, headers=error.headers)


async def _check_size(request: EditRequest) -> None:
    """What is put back has the image's size, so the picture has it too. Raises InvalidRequest for another one."""
    wanted = parse_size(request.options.size)
    if wanted is None:
        return
    image = await request.images[0].upload.read()
    if wanted != await to_thread.run_sync(pixels.upright_size, image):
        message = "With a mask the picture has the size of the image: size must be that, or auto."
        raise InvalidRequest(message, param="size", code="invalid_value")


async def _as_it_is(target: Target) -> Target:
    return target


class Speaker:
    """A provider of OpenAI's dialect. `authorized` gives a target with what its headers need."""

    def __init__(
        self,
        tools: Tools,
        dialect_of: Callable[[Target], Dialect],
        authorized: Callable[[Target], Awaitable[Target]] = _as_it_is,
    ) -> None:
        self._tools = tools
        self._dialect_of = dialect_of
        self._authorized = authorized

    def capabilities(self, target: Target) -> Capabilities:
        return self._dialect_of(target).capabilities

    async def edit(self, request: EditRequest, target: Target) -> AsyncGenerator[Event]:
        dialect = self._dialect_of(target)
        target = await self._authorized(target)
        api = Api(self._tools, dialect.explain)
        try:
            async with api.open(await dialect.call(request, target), target) as answer:
                if not dialect.relays(request):
                    events = self._finished(answer, request, _Source(api, dialect, target))
                elif await is_stream(answer):
                    events = self._stream(answer, request.n)
                else:
                    events = self._json(answer, request.n)
                async with aclosing(events):
                    async for event in events:
                        yield event
        except UpstreamRefused as error:
            raise UpstreamRefused(without_secrets(dialect.told(error.detail), target)) from error

    async def _json(self, answer: Answer, n: int) -> AsyncGenerator[Event]:
        raw = await answer.read(self._tools.max_answer_bytes)
        for completed in bodies.expand(raw, n, answer.headers, int(self._tools.now_s())):
            yield completed

    async def _stream(self, answer: Answer, n: int) -> AsyncGenerator[Event]:
        async with aclosing(self._events(answer)) as events:
            async for event in events:
                if isinstance(event, Completed):
                    n -= 1
                if n == 0:
                    answer.complete()
                yield event

    async def _events(self, answer: Answer) -> AsyncGenerator[Event]:
        """The upstream's events, each as soon as it is whole."""
        scanner = FrameScanner(self._tools.max_event_bytes)
        async with aclosing(answer.push(scanner)) as reads:
            async for _ in reads:
                for event in _decoded(scanner, answer.headers):
                    yield event
        scanner.finish()
        for event in _decoded(scanner, answer.headers):
            yield event

    async def _finished(self, answer: Answer, request: EditRequest, source: "_Source") -> AsyncGenerator[Event]:
        raw = await answer.read(self._tools.max_answer_bytes)
        said = read_json(_of_stream(raw) if "event-stream" in answer.content_type else raw)
        items = _items(said, answer.headers)
        if source.passes_on(items):
            for completed in bodies.expand(raw, request.n, answer.headers, int(self._tools.now_s())):
                yield completed
            return
        finish = Finish(request, self._tools.now_s(), composite=source.dialect.form.composites)
        counted = payloads.build({"usage": source.dialect.usage(said.json.get("usage"))})
        usage = Usage.of(counted)
        for index, item in enumerate(items[: request.n]):
            image = await source.image(said, item, finish)
            yield replace(await finish.completed(image, None if index else usage, index), headers=answer.headers)


@dataclass(frozen=True, slots=True)
class _Source:
    """Whence the pictures of one answer come."""

    api: Api
    dialect: Dialect
    target: Target

    def passes_on(self, items: Sequence[Mapping[str, Json]]) -> bool:
        """Whether there are nothing but URLs, and nobody to fetch them."""
        return not self.dialect.hosts and all(item.get("url") and not item.get("b64_json") for item in items)

    async def image(self, said: Cutout, item: Mapping[str, Json], finish: Finish) -> Base64:
        """A picture's base64; empty where there is none. Raises UpstreamError."""
        image = said.base64(item.get("b64_json"))
        if image or not item.get("url"):
            return image
        url = own_address(bytes(said.text(item["url"])).decode(), self.dialect.hosts, self.target.api_base)
        return await finish.base64(await self.api.download(url, self.target))


def _decoded(scanner: FrameScanner, headers: Mapping[str, str]) -> Iterator[Event]:
    """The events of the frames that are whole. No frame is held any longer: its pieces are its event's and may leave memory."""
    decoded = map(partial(frames.decode, headers=headers), scanner.take())
    return (event for event in decoded if event is not None)


def _of_stream(raw: bytes) -> bytes:
    """The object with pictures, or with an error, in a stream of a server's own kind: vLLM-Omni's `image.edit.chunk`."""
    objects = (line.removeprefix(b"data:").strip() for line in raw.split(b"\n") if line.startswith(b"data:"))
    return next((found for found in objects if b'"b64_json"' in found or b'"error"' in found[:256]), b"{}")


def _items(said: Cutout, headers: Mapping[str, str]) -> Sequence[Mapping[str, Json]]:
    """The pictures of an answer, as they stand in it. Raises UpstreamRefused, UpstreamBroken."""
    answer = said.json if isinstance(said.json, dict) else {}
    if answer.get("error"):
        raise UpstreamRefused(bodies.parse_stream_error(answer, headers))
    items = answer.get("data")
    if not isinstance(items, list) or not items or not all(isinstance(item, dict) for item in items):
        raise UpstreamBroken("The provider answered without an image.", code="upstream_empty")
    return items
