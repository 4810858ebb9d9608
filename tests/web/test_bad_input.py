"""Every wrong request gets its 4xx quickly, in OpenAI's envelope, naming the parameter, and leaves nothing behind."""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from clients import PNG, Answer, post, post_json, post_raw
from descriptors import temporary_files
from servers import RunningServer, serving, settings_of

from streamedit.targets import Target

IMAGE = ("image", ("a.png", PNG, "image/png"))
DATA_URL = "data:image/png;base64,iVBORw0KGgo="
JSON_IMAGE = {"image_url": DATA_URL}
MULTIPART = "multipart/form-data; boundary=b"
PART = b'--b\r\ncontent-disposition: form-data; name="prompt"\r\n\r\nsepia\r\n'


@pytest.fixture(autouse=True)
def nothing_left_behind(server: RunningServer) -> Iterator[None]:
    """After each wrong request no task, upload or upstream connection is left."""
    before = temporary_files()
    yield
    assert server.left_behind() == (0, 0)
    assert temporary_files() == before


def _check(answer: Answer, status: int, param: str | None, code: str | None = None) -> None:
    assert (answer.status, answer.error["param"]) == (status, param), answer.body
    assert answer.error["message"]
    assert answer.error["type"] == "invalid_request_error"
    assert answer.took_s < 1
    assert code is None or answer.error["code"] == code
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"].startswith("req_")


FIELDS: dict[str, tuple[dict[str, Any], int, str]] = {
    "no prompt": ({"prompt": ""}, 400, "prompt"),
    "32,001 characters": ({"prompt": "x" * 32_001}, 400, "prompt"),
    "a megabyte of prompt": ({"prompt": "x" * 1_000_000}, 413, "prompt"),
    "n = 0": ({"n": "0"}, 400, "n"),
    "n = 11": ({"n": "11"}, 400, "n"),
    "n = two": ({"n": "two"}, 400, "n"),
    "n = 1.5": ({"n": "1.5"}, 400, "n"),
    "partial_images = 4": ({"partial_images": "4"}, 400, "partial_images"),
    "partial_images = -1": ({"partial_images": "-1"}, 400, "partial_images"),
    "output_compression = 101": ({"output_compression": "101"}, 400, "output_compression"),
    "stream = maybe": ({"stream": "maybe"}, 400, "stream"),
    "unknown model": ({"model": "gpt-image-9"}, 404, "model"),
    "size for darkroom": ({"size": "big"}, 400, "size"),
    "format for darkroom": ({"output_format": "svg"}, 400, "output_format"),
    "image as text": ({"image": "photo.png"}, 400, "image"),
    "mask as text": ({"mask": "mask.png"}, 400, "mask"),
}


@pytest.mark.parametrize("case", FIELDS)
def test_wrong_fields_are_named(server: RunningServer, photos: Path, case: str) -> None:
    """A field that is missing, malformed or out of range is a 4xx with its name."""
    fields, status, param = FIELDS[case]
    _check(post(server.edits_url, fields, [("image", ("a.png", (photos / "chelsea.png").read_bytes()))]), status, param)


def test_unknown_models_have_openai_s_code(server: RunningServer) -> None:
    """A model that is not here is 404 `model_not_found`."""
    _check(post(server.edits_url, {"model": "nope"}), 404, "model", "model_not_found")


def test_dall_e_2_takes_1000_characters() -> None:
    """The prompt limit of dall-e-2 is its own, whatever the model is called here."""
    with serving(settings_of(Target("openai", "dall-e-2", "k", "http://127.0.0.1:9/v1"))) as old:
        _check(post(old.edits_url, {"prompt": "x" * 1001}), 400, "prompt")


IMAGES: dict[str, tuple[list[tuple[str, Any]], int, str]] = {
    "no image": ([("prompt", (None, "sepia"))], 400, "image"),
    "17 images": ([IMAGE] * 17, 400, "image"),
    "empty image": ([("image", ("a.png", b"", "image/png"))], 400, "image"),
    "only a mask": ([("mask", ("m.png", PNG, "image/png"))], 400, "image"),
    "not an image, for darkroom": ([("image", ("a.png", b"Example data", "image/png"))], 400, "image"),
    "cut-off image, for darkroom": ([IMAGE], 400, "image"),
}


@pytest.mark.parametrize("case", IMAGES)
def test_wrong_images_are_named(server: RunningServer, case: str) -> None:
    """An image that is missing, one too many or not to be read is a 400 about `image`."""
    files, status, param = IMAGES[case]
    _check(post(server.edits_url, {}, files), status, param)


def test_an_image_above_its_limit_is_too_large() -> None:
    """An image of more than the limit is 413, naming the field that held it, before the rest is read."""
    with serving(settings_of(Target("mock", "mock"), max_image_bytes=100_000)) as small:
        for name in ("image", "image[]", "mask", "markup"):
            files = [IMAGE, (name, ("big.png", b"x" * 100_001, "image/png"))]
            _check(post(small.edits_url, {}, files), 413, name, "image_too_large")
        _check(
            post_json(small.edits_url, {"prompt": "p", "images": [{"image_url": DATA_URL + "AAAA" * 40_000}]}),
            400,
            "images[0].image_url",
        )
        big = {"image_url": "data:image/png;base64," + "AAAA" * 40_000}
        _check(post_json(small.edits_url, {"prompt": "p", "images": [big]}), 413, "images[0]", "image_too_large")


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("content_type", [MULTIPART, "application/json"])
def test_a_body_above_its_limit_is_too_large(announced: bool, content_type: str) -> None:
    """The whole body is bounded, whether its length is announced or found out."""
    body = PART.replace(b"sepia", b"x" * 200_000) + b"--b--\r\n"
    with serving(settings_of(Target("mock", "mock"), max_body_bytes=150_000)) as small:
        content = body if announced else (body[start : start + 50_000] for start in range(0, len(body), 50_000))
        response = httpx.post(small.edits_url, content=content, headers={"content-type": content_type})
        _check(Answer.of(response), 413, "body")


BODIES: dict[str, tuple[bytes, str, int, str]] = {
    "no boundary": (PART, "multipart/form-data", 400, "content-type"),
    "boundary too long": (PART, f"multipart/form-data; boundary={'b' * 300}", 400, "body"),
    "empty multipart": (b"", MULTIPART, 400, "body"),
    "garbage": (b"hello", MULTIPART, 400, "body"),
    "cut off in a header": (b"--b\r\ncontent-dispo", MULTIPART, 400, "body"),
    "cut off in a part": (PART[:-8], MULTIPART, 400, "body"),
    "no final boundary": (PART, MULTIPART, 400, "body"),
    "no names": (b"--b\r\ncontent-type: text/plain\r\n\r\nx\r\n--b--\r\n", MULTIPART, 400, "body"),
    "a million parts": (
        b'--b\r\ncontent-disposition: form-data; name="a"\r\n\r\n\r\n' * 200_000 + b"--b--\r\n",
        MULTIPART,
        400,
        "body",
    ),
    "an endless header": (b"--b\r\nx-a: " + b"a" * 100_000, MULTIPART, 400, "body"),
    "a field that is not UTF-8": (PART.replace(b"sepia", b"\xff\xfe") + b"--b--\r\n", MULTIPART, 400, "prompt"),
    "urlencoded": (b"prompt=sepia&image=x", "application/x-www-form-urlencoded", 415, "content-type"),
    "no content type": (b"prompt", "", 415, "content-type"),
    "text": (b"prompt", "text/plain", 415, "content-type"),
    "broken JSON": (b'{"prompt": ', "application/json", 400, "body"),
    "JSON that is a list": (b"[]", "application/json", 400, "body"),
    "no JSON": (b"", "application/json; charset=utf-8", 400, "body"),
}


@pytest.mark.parametrize("case", BODIES)
def test_broken_bodies_are_told(server: RunningServer, case: str) -> None:
    """A body that is broken, cut off or of another kind is a 4xx about the body or its content type."""
    body, content_type, status, param = BODIES[case]
    _check(post_raw(server.edits_url, body, content_type), status, param)


JSON_BODIES: dict[str, tuple[dict[str, Any], str]] = {
    "no prompt": ({"images": [JSON_IMAGE]}, "prompt"),
    "prompt of another type": ({"prompt": ["p"], "images": [JSON_IMAGE]}, "prompt"),
    "no images": ({"prompt": "p"}, "images"),
    "empty images": ({"prompt": "p", "images": []}, "images"),
    "17 images": ({"prompt": "p", "images": [JSON_IMAGE] * 17}, "images"),
    "images of another type": ({"prompt": "p", "images": "a.png"}, "images"),
    "image_url and file_id": ({"prompt": "p", "images": [{**JSON_IMAGE, "file_id": "file-1"}]}, "images[0]"),
    "neither of them": ({"prompt": "p", "images": [JSON_IMAGE, {}]}, "images[1]"),
    "another field in an image": ({"prompt": "p", "images": [{**JSON_IMAGE, "detail": "high"}]}, "images[0].detail"),
    "an http URL": ({"prompt": "p", "images": [{"image_url": "https://example.com/a.png"}]}, "images[0].image_url"),
    "a file id": ({"prompt": "p", "images": [{"file_id": "file-1"}]}, "images[0].file_id"),
    "a mask by http": ({"prompt": "p", "images": [JSON_IMAGE], "mask": {"image_url": "http://127.0.0.1/"}}, "mask.image_url"),
    "broken base64": ({"prompt": "p", "images": [{"image_url": "data:image/png;base64,%%%"}]}, "images[0].image_url"),
    "a data URL without base64": ({"prompt": "p", "images": [{"image_url": "data:image/png,abc"}]}, "images[0].image_url"),
    "n of another type": ({"prompt": "p", "images": [JSON_IMAGE], "n": [1]}, "n"),
}


@pytest.mark.parametrize("case", JSON_BODIES)
def test_wrong_json_is_named(server: RunningServer, case: str) -> None:
    """A JSON body's mistake is a 400 with the path of the field."""
    body, param = JSON_BODIES[case]
    _check(post_json(server.edits_url, {"model": "mock", **body}), 400, param)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_other_methods_are_not_allowed(server: RunningServer, method: str) -> None:
    """The route answers 405 with an `allow` header to anything but POST."""
    response = httpx.request(method, server.edits_url)
    _check(Answer.of(response), 405, None, "method_not_allowed")
    assert response.headers["allow"] == "POST"


def test_other_paths_are_not_found(server: RunningServer) -> None:
    """A path that is not served is a 404 in the envelope."""
    response = httpx.get(f"{server.url}/v1/nothing")
    _check(Answer.of(response), 404, None, "not_found")


@pytest.fixture(scope="session")
def bomb() -> bytes:
    """169 megapixels in a file of less than a megabyte."""
    picture = _plain_png(13_000)
    assert len(picture) < 1_000_000
    return picture


def test_a_picture_bomb_is_refused_without_being_decoded(bomb: bytes, server: RunningServer) -> None:
    """169 megapixels in a small file are a 400 from darkroom, at once."""
    _check(post(server.edits_url, {}, [("image", ("bomb.png", bomb, "image/png"))]), 400, "image")


def test_a_mask_of_another_size_is_refused(server: RunningServer, photos: Path) -> None:
    """darkroom refuses a mask that does not fit its image."""
    files = [("image", ("a.png", (photos / "chelsea.png").read_bytes())), ("mask", ("m.png", _plain_png(10), "image/png"))]
    _check(post(server.edits_url, {}, files), 400, "mask")


def test_a_prompt_that_darkroom_does_not_understand_is_told_what_it_can_do(server: RunningServer, photos: Path) -> None:
    """The 400 lists the repertoire."""
    refused = post(server.edits_url, {"prompt": "add a red hat"}, [("image", ("a.png", (photos / "chelsea.png").read_bytes()))])
    _check(refused, 400, "prompt", "prompt_not_understood")
    assert "sepia" in refused.error["message"]


@pytest.mark.parametrize("field", [{"mock_pace_s": "soon"}, {"mock_fault": "explode"}])
def test_a_script_that_mock_cannot_play_is_named(server: RunningServer, field: dict[str, str]) -> None:
    """The mock's own fields are checked like any other."""
    _check(post(server.edits_url, {"model": "mock", **field}), 400, next(iter(field)))


def _plain_png(side_px: int) -> bytes:
    """A square RGBA PNG of one colour."""
    rows = zlib.compress(bytes(1 + 4 * side_px) * side_px, 9)
    header = struct.pack(">IIBBBBB", side_px, side_px, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(_png_chunk(*chunk) for chunk in ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b"")))


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
