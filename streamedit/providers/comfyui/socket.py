"""ComfyUI's WebSocket: `/ws?clientId=...`, over which it tells how a prompt is doing. The home of `websockets`."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from streamedit.errors import UpstreamRefused, UpstreamUnreachable
from streamedit.providers.base import Tools
from streamedit.providers.calls import without_secrets
from streamedit.targets import Target
from streamedit.wire import bodies

_CLOSE_S = 0.2
"""Nobody listens any more: the closing handshake is a courtesy, and waits behind frames that are not read."""

_PING_S = 20.0
_QUEUED_FRAMES = 4
_PASSED_ON = ("retry-after",)
_MUTE = logging.Logger("websockets", logging.CRITICAL)
"""Its log would have headers in it, and with them keys."""


class _Connect(connect):
    """Follows no redirect: a key would travel with it."""

    def process_redirect(self, exc: Exception) -> Exception:
        return exc


class Socket:
    """An open WebSocket. Once it is lost it is quiet for ever: how things stand can be asked elsewhere."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._is_lost = False

    async def tell(self, text: str) -> None:
        """Send a text frame."""
        try:
            await self._connection.send(text)
        except ConnectionClosed:
            self._is_lost = True

    async def hear(self, within_s: float) -> str | bytes | None:
        """The next frame; None when there is none for so long, and at once when the connection is found to be lost."""
        if self._is_lost:
            await asyncio.sleep(within_s)
            return None
        try:
            async with asyncio.timeout(within_s):
                return await self._connection.recv()
        except TimeoutError:
            return None
        except ConnectionClosed:
            self._is_lost = True
            return None


@asynccontextmanager
async def opened(url: str, headers: Mapping[str, str], tools: Tools, target: Target) -> AsyncIterator[Socket]:
    """A WebSocket at an http(s) or ws(s) `url`; leaving closes it.

    Raises UpstreamError: as long as it is not open, nothing was asked for.
    """
    limits = tools.upstream.limits
    handshake = _Connect(
        url,
        additional_headers={**headers, **target.extra_headers},
        compression=None,
        proxy=None,
        open_timeout=limits.connect_s,
        ping_interval=_PING_S,
        ping_timeout=target.timeout_s or limits.silence_s,
        close_timeout=_CLOSE_S,
        max_size=tools.max_event_bytes,
        max_queue=_QUEUED_FRAMES,
        logger=_MUTE,
        ssl=tools.upstream.tls if url.startswith("wss:") else None,
    )
    connection = await _shaken(handshake, target)
    async with connection:
        yield Socket(connection)


async def _shaken(handshake: _Connect, target: Target) -> ClientConnection:
    try:
        return await handshake
    except InvalidStatus as error:
        answer = error.response
        told = {name: answer.headers[name] for name in _PASSED_ON if name in answer.headers}
        refusal = bodies.parse_error_body(answer.status_code, bytes(answer.body or b""), told)
        raise UpstreamRefused(without_secrets(refusal, target)) from None
    except InvalidHandshake as error:
        raise UpstreamUnreachable("The provider does not answer as a WebSocket does.") from error
    except OSError as error:
        raise UpstreamUnreachable("The provider cannot be reached.") from error
