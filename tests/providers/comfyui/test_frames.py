"""ComfyUI's frames, one by one."""

import json
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamedit.errors import UpstreamBroken
from streamedit.providers.comfyui.frames import Ended, Message, Preview, Progress, Spread, read

JPEG, PNG = b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n"
OURS = "7e57d004-2b97-0e7a-b45f-5387367791cd"


def text(kind: str, **data: Any) -> str:
    """A text frame."""
    return json.dumps({"type": kind, "data": data})


def with_metadata(metadata: bytes, picture: bytes = JPEG) -> bytes:
    """A binary frame of type 4."""
    return struct.pack(">II", 4, len(metadata)) + metadata + picture


RUNNING = {"value": 3, "max": 4, "state": "running"}

FRAMES: dict[str, tuple[str | bytes, Message | None]] = {
    "a begin": (text("execution_start", prompt_id=OURS), Progress()),
    "a node": (text("executing", node="3", prompt_id=OURS), Progress()),
    "a step": (text("progress", value=5, max=20, prompt_id=OURS, node="3"), Progress(0.25)),
    "a state": (
        text("progress_state", prompt_id=OURS, nodes={"4": {**RUNNING, "state": "finished"}, "3": RUNNING}),
        Progress(0.75),
    ),
    "a state with nothing running": (text("progress_state", prompt_id=OURS, nodes={}), Progress()),
    "a success": (text("execution_success", prompt_id=OURS), Ended()),
    "an end": (text("executing", node=None, prompt_id=OURS), Ended()),
    "another's end": (text("executing", node=None, prompt_id="x"), None),
    "another's error": (text("execution_error", exception_message="no", prompt_id="x"), None),
    "an output": (text("executed", node="9", output={}, prompt_id=OURS), None),
    "a queue": (text("status", status={"exec_info": {"queue_remaining": 1}}), None),
    "an extension's": (text("crystools.monitor", cpu=1), None),
    "no data": ('{"type": "executing"}', None),
    "no object": ("[1]", None),
    "no JSON": ("executing", None),
    "steps without end": (text("progress", value=1, max=0, prompt_id=OURS), Progress()),
    "a JPEG": (struct.pack(">II", 1, 1) + JPEG, Preview(JPEG)),
    "a PNG": (struct.pack(">II", 1, 2) + PNG, Preview(PNG)),
    "ours": (with_metadata(json.dumps({"prompt_id": OURS, "image_type": "image/jpeg"}).encode()), Preview(JPEG)),
    "another's": (with_metadata(b'{"prompt_id": "x"}'), None),
    "broken metadata": (with_metadata(b"{"), None),
    "metadata that is cut off": (struct.pack(">II", 4, 400) + b"{}", None),
    "an extension's preview": (struct.pack(">IIII", 1, 1, 1, 0) + JPEG, None),
    "a text": (struct.pack(">II", 3, 1) + b"3hello", None),
    "too short": (b"\0\0\0\1", None),
}


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_says_what_it_says(name: str) -> None:
    """Steps, previews and the end of one prompt; nothing of others, and nothing that nobody knows."""
    frame, said = FRAMES[name]
    assert read(frame, OURS) == said


@given(
    st.binary()
    | st.text()
    | st.binary().map(lambda tail: b"\0\0\0\4" + tail)
    | st.dictionaries(st.text(), st.floats()).map(json.dumps)
)
def test_no_frame_breaks_the_reader(frame: str | bytes) -> None:
    """Whatever comes is read or left out."""
    assert isinstance(read(frame, OURS), Preview | Progress | Ended | None)


@given(
    st.sampled_from(["progress", "progress_state", "executing"]),
    st.dictionaries(
        st.sampled_from(["value", "max", "nodes", "node"]),
        st.recursive(
            st.none() | st.floats() | st.just(10**400) | st.text(),
            lambda inner: st.dictionaries(st.text(), inner) | st.lists(inner),
        ),
    ),
)
def test_no_data_breaks_the_reader(kind: str, data: dict[str, Any]) -> None:
    """Fields of other types than ComfyUI's are as good as none."""
    assert isinstance(read(text(kind, **data), OURS), Progress | Ended)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"exception_type": "ValueError", "exception_message": "bad\n"}, "Node 3 (KSampler) failed: ValueError: bad"),
        (
            {
                "exception_type": "FileNotFoundError",
                "exception_message": "[Errno 2] No such file: '/root/ComfyUI/models/x.safetensors'",
            },
            "Node 3 (KSampler) failed: FileNotFoundError: [Errno 2] No such file: '...'",
        ),
        (
            {"exception_type": "OSError", "exception_message": r"C:\Users\me\a.bin is gone"},
            "Node 3 (KSampler) failed: OSError: ... is gone",
        ),
        ({"exception_type": "E", "exception_message": "1/2 of 3x4"}, "Node 3 (KSampler) failed: E: 1/2 of 3x4"),
    ],
)
def test_an_error_is_told_without_the_servers_paths(data: dict[str, Any], told: str) -> None:
    """Its first line alone: what follows are tips, and a traceback."""
    frame = text("execution_error", prompt_id=OURS, node_id="3", node_type="KSampler", traceback=["/root"], **data)
    with pytest.raises(UpstreamBroken) as raised:
        read(frame, OURS)
    assert (raised.value.detail.message, raised.value.detail.code) == (told, "execution_error")


@given(st.integers(0, 3), st.integers(1, 200))
def test_no_more_is_shown_than_was_asked_for(count: int, steps: int) -> None:
    """And as many as that, wherever there are more steps than previews to show."""
    spread = Spread(count)
    shown = [step for step in range(1, steps + 1) if spread.takes(step / steps)]
    assert len(shown) == count if steps > count else len(shown) <= count
