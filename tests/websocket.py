"""The server's side of a WebSocket (RFC 6455) by hand, on a plain socket: it shares no code with any client."""

import base64
import hashlib
import json
import socket
import struct
import threading
from collections.abc import Callable, Mapping

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class WebSocket:
    """One connection, to be accepted. `trickle`: each byte is sent by itself."""

    def __init__(self, connection: socket.socket, headers: Mapping[str, str], *, trickle: bool = False) -> None:
        self._connection = connection
        self._sending = threading.Lock()
        self._trickle = trickle
        self._headers = headers
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def accept(self) -> None:
        """Answer the handshake: from now on the other side may speak, here and elsewhere."""
        self._connection.sendall(_handshake(self._headers))

    def say(self, kind: str, **data: object) -> None:
        """ComfyUI's text frames: `{"type": ..., "data": {...}}`."""
        self.send(TEXT, json.dumps({"type": kind, "data": data}).encode())

    def send(self, opcode: int, payload: bytes) -> None:
        """A whole frame, unmasked as a server's are."""
        frame = bytes([0x80 | opcode]) + _length(len(payload)) + payload
        with self._sending:
            for piece in struct.unpack(f"{len(frame)}c", frame) if self._trickle else (frame,):
                self._connection.sendall(piece)

    def listen(self, hear: Callable[[bytes], None]) -> None:
        """Give each text to `hear` and answer pings, until the other side closes or is gone."""
        while (frame := self._receive()) is not None:
            opcode, payload = frame
            if opcode == TEXT:
                hear(payload)
            elif opcode == PING:
                self.send(PONG, payload)
            elif opcode == CLOSE:
                self.send(CLOSE, payload)
                return

    def drop(self) -> None:
        """Break the connection off."""
        self._connection.shutdown(socket.SHUT_RDWR)

    def _receive(self) -> tuple[int, bytes] | None:
        head = self._read(2)
        if head is None:
            return None
        assert head[0] & 0x80, "no fragments here"
        assert head[1] & 0x80, "a client's frames are masked"
        size = head[1] & 0x7F
        if size >= 126:
            size = int.from_bytes(self._read(2 if size == 126 else 8) or b"", "big")
        mask, payload = self._read(4) or b"", self._read(size) or b""
        return head[0] & 0x0F, bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))

    def _read(self, size: int) -> bytes | None:
        read = b""
        while len(read) < size:
            piece = self._connection.recv(size - len(read))
            if not piece:
                return None
            read += piece
        return read


def _handshake(headers: Mapping[str, str]) -> bytes:
    assert headers["upgrade"].lower() == "websocket"
    assert headers["sec-websocket-version"] == "13"
    key = headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
    lines = ["HTTP/1.1 101 Switching Protocols", "upgrade: websocket", "connection: upgrade", f"sec-websocket-accept: {accept}"]
    return "\r\n".join([*lines, "", ""]).encode()


def _length(size: int) -> bytes:
    if size < 126:
        return bytes([size])
    return b"\x7e" + size.to_bytes(2, "big") if size < 1 << 16 else b"\x7f" + size.to_bytes(8, "big")
