"""What ComfyUI says over its WebSocket. Pure.

Text frames are `{"type": ..., "data": {...}}`. Binary frames begin with a big-endian uint32: 1 is a preview (uint32 format,
picture), 4 a preview with metadata (uint32 length, JSON with `prompt_id`, picture), which it sends whoever has told it
`supports_preview_metadata`. Sources: ComfyUI's protocol.py, server.py, execution.py, main.py (2026).
"""

import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from streamedit.errors import UpstreamBroken
from streamedit.events import Json
from streamedit.images import inspect
from streamedit.wire import payloads

FEATURES = payloads.dumps({"type": "feature_flags", "data": {"supports_preview_metadata": True}}).decode()
"""What a client says first of itself."""

_PREVIEW, _PREVIEW_WITH_METADATA = 1, 4

_PATH = re.compile(r"(?:\b[A-Za-z]:[\\/]|~?/)[^\s'\":]*[\\/][^\s'\":,)]*")
"""A path in a sentence: of no use to a caller, and not a caller's business."""


@dataclass(frozen=True, slots=True)
class Preview:
    """An interim picture's file."""

    image: bytes


@dataclass(frozen=True, slots=True)
class Progress:
    """How much of the node that runs is done, from 0 to 1; the prompt has begun."""

    done: float = 0.0


@dataclass(frozen=True, slots=True)
class Ended:
    """Nothing more follows."""


Message: TypeAlias = Preview | Progress | Ended


def read(frame: str | bytes, prompt_id: str) -> Message | None:
    """What a frame says of a prompt; None for what is of others or of no use. Raises UpstreamBroken for one that failed."""
    if isinstance(frame, bytes):
        return _preview(frame, prompt_id)
    try:
        message = payloads.loads(frame.encode())
        event, data = message["type"], message["data"]
    except (ValueError, TypeError, KeyError):
        return None
    if not isinstance(data, dict) or data.get("prompt_id", prompt_id) != prompt_id:
        return None
    return _told(str(event), data)


def failure(event: str, data: Mapping[str, Json]) -> UpstreamBroken | None:
    """The error in `execution_error` and `execution_interrupted`, without its traceback, inputs and paths; None in others."""
    where = f"Node {data.get('node_id')} ({data.get('node_type')})"
    if event == "execution_interrupted":
        return UpstreamBroken(f"The edit was interrupted at ComfyUI, in {where.lower()}.", code=event)
    if event != "execution_error":
        return None
    said = f"{data.get('exception_type')}: {data.get('exception_message')}".strip().partition("\n")[0]
    return UpstreamBroken(f"{where} failed: {_PATH.sub('...', said)}", code=event)


class Spread:
    """Chooses which of many previews are shown: `count` of them, evenly over the steps, none at the end."""

    def __init__(self, count: int) -> None:
        self._left = [number / (count + 1) for number in range(1, count + 1)]

    def takes(self, done: float) -> bool:
        """Whether the preview at this point is the next one to show."""
        ahead = [at for at in self._left if at > done]
        taken = len(ahead) < len(self._left)
        self._left = ahead
        return taken


def _told(event: str, data: Mapping[str, Json]) -> Message | None:
    if error := failure(event, data):
        raise error
    if event == "execution_success" or (event == "executing" and data.get("node") is None):
        return Ended()
    if event == "progress":
        return _progress(data)
    if event == "progress_state":
        return next(_running(data.get("nodes")), Progress())
    return Progress() if event in ("execution_start", "executing") else None


def _running(nodes: Json) -> Iterator[Progress]:
    """The progress of the nodes that run."""
    states = nodes.values() if isinstance(nodes, dict) else ()
    yield from (_progress(state) for state in states if isinstance(state, dict) and state.get("state") == "running")


def _progress(data: Mapping[str, Json]) -> Progress:
    value, steps = data.get("value"), data.get("max")
    if not isinstance(value, int | float) or not isinstance(steps, int | float) or steps <= 0:
        return Progress()
    try:
        return Progress(max(0, min(value, steps)) / steps)
    except OverflowError:
        return Progress()


def _preview(frame: bytes, prompt_id: str) -> Preview | None:
    """A frame without metadata is of the socket's own prompt: no other has the same `client_id`."""
    if len(frame) < 8:
        return None
    kind, second = struct.unpack_from(">II", frame)
    if kind == _PREVIEW:
        return _shown(frame[8:])
    if kind != _PREVIEW_WITH_METADATA:
        return None
    try:
        about = payloads.loads(frame[8 : 8 + second])
    except ValueError:
        return None
    if not isinstance(about, dict) or about.get("prompt_id", prompt_id) != prompt_id:
        return None
    return _shown(frame[8 + second :])


def _shown(image: bytes) -> Preview | None:
    """Extensions send frames of their own making, with other things before the picture: these are left out."""
    return Preview(image) if inspect(image) else None
