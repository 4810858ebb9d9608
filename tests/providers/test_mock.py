"""The scripted provider that ships with the server."""

import base64
import io
from typing import Any

import pytest
from clients import post
from PIL import Image
from servers import RunningServer

STREAM = {"model": "mock", "stream": "true", "partial_images": "1"}


def pictures(url: str, **fields: Any) -> list[bytes]:
    """The pictures of a streamed edit."""
    return [base64.b64decode(payload["b64_json"]) for _, payload in post(url, {**STREAM, **fields}).events]


@pytest.mark.parametrize("output_format", ["png", "jpeg", "webp"])
@pytest.mark.parametrize("mock_bytes", ["0", "50000"])
def test_pictures_are_real_and_as_large_as_asked(server: RunningServer, output_format: str, mock_bytes: str) -> None:
    """Every picture decodes, in the format and size asked for, padded to the bytes asked for."""
    made = pictures(server.edits_url, output_format=output_format, size="320x200", mock_bytes=mock_bytes)
    assert len(made) == 2
    for picture in made:
        with Image.open(io.BytesIO(picture)) as image:
            image.load()
            assert (image.format, image.size) == (output_format.upper(), (320, 200))
        assert mock_bytes == "0" or len(picture) == int(mock_bytes)


def test_pictures_show_how_far_it_is(server: RunningServer) -> None:
    """The partial image is on its way, the same request gives the same, another prompt another."""
    first, again, other = (pictures(server.edits_url, prompt=prompt) for prompt in ("a", "a", "b"))
    assert first[0] != first[1]
    assert first == again != other


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("refuse", 400, "mock_refused"),
        ("moderation", 400, "moderation_blocked"),
        ("rate_limit", 429, "rate_limit_exceeded"),
        ("unavailable", 503, "mock_unavailable"),
    ],
)
def test_early_faults_are_statuses(server: RunningServer, fault: str, status: int, code: str) -> None:
    """Before the stream, with the code that says which; a busy mock says when to come back."""
    refused = post(server.edits_url, {**STREAM, "mock_fault": fault})
    assert (refused.status, refused.error["code"]) == (status, code)
    assert refused.headers.get("retry-after") == ("1" if fault == "rate_limit" else None)


@pytest.mark.parametrize(("fault", "code"), [("error", "mock_error"), ("truncate", "upstream_incomplete")])
def test_late_faults_are_error_events(server: RunningServer, fault: str, code: str) -> None:
    """After one partial image, or as a status when there is none."""
    streamed = post(server.edits_url, {**STREAM, "mock_fault": fault, "partial_images": "3"})
    assert (streamed.names, streamed.error["code"]) == (["partial_image", "error"], code)
    plain = post(server.edits_url, {"model": "mock", "mock_fault": fault})
    assert (plain.status, plain.error["code"]) == (502, code)


def test_partial_images_can_be_scripted(server: RunningServer) -> None:
    """`mock_partials` says how many, whatever the caller asked for."""
    assert post(server.edits_url, {**STREAM, "mock_partials": "3"}).names == ["partial_image"] * 3 + ["completed"]
