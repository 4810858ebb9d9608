"""What lies between a browser and a server on a bad day: a proxy that breaks connections off. Plain sockets and threads."""

import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

_RETRY = b"retry: 50\n\n"
"""Browsers wait for seconds before they come back, unless a stream tells them otherwise."""


class Proxy:
    """Passes views on and resets their connections: the first after `cuts[0]` bytes, and so on; those that follow go on."""

    def __init__(self, server: tuple[str, int], cuts: Sequence[int]) -> None:
        self.requests: list[bytes] = []
        """The heads of all requests."""
        self.broken = 0
        """How many connections were reset."""
        self._server = server
        self._cuts = iter(cuts)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept)]
        self._sockets: list[socket.socket] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def start(self) -> None:
        self._threads[0].start()

    def stop(self) -> None:
        for each in (self._listener, *self._sockets):
            _wake(each)
        for thread in self._threads:
            thread.join(10)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
                self._sockets += (client, server)
                for serve in (self._ask, self._answer):
                    self._threads.append(threading.Thread(target=serve, args=(client, server)))
                    self._threads[-1].start()

    def _ask(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while request := client.recv(1 << 16):
                self.requests.append(request)
                server.sendall(request)
        _wake(server)

    def _answer(self, client: socket.socket, server: socket.socket) -> None:
        with client, server, suppress(OSError):
            head, data = _head(server)
            client.sendall(head)
            left = next(self._cuts, None)
            while data or (data := server.recv(1 << 16)):
                client.sendall(data[:left])
                if left is not None and len(data) >= left:
                    self.broken += 1
                    _reset(client)
                    return
                left = None if left is None else left - len(data)
                data = b""


@contextmanager
def proxy(server: tuple[str, int], cuts: Sequence[int] = ()) -> Iterator[Proxy]:
    """A proxy for the time of a `with` block."""
    running = Proxy(server, cuts)
    running.start()
    try:
        yield running
    finally:
        running.stop()


def _head(server: socket.socket) -> tuple[bytes, bytes]:
    """The head of an answer, of a stream with `_RETRY`, and what came together with it."""
    read = b""
    while b"\r\n\r\n" not in read and (data := server.recv(1 << 16)):
        read += data
    head, end, rest = read.partition(b"\r\n\r\n")
    retry = b"%x\r\n%b\r\n" % (len(_RETRY), _RETRY) if b"text/event-stream" in head else b""
    return head + end + retry, rest


def _reset(client: socket.socket) -> None:
    """What is closed without lingering is reset, once nobody waits for it any more."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.shutdown(socket.SHUT_RD)
    client.close()


def _wake(waited_for: socket.socket) -> None:
    """Whoever waits for this socket returns."""
    with suppress(OSError):
        waited_for.shutdown(socket.SHUT_RDWR)
