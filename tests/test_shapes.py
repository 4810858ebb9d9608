"""The requests of the clients that people use, byte by byte as these clients write them, and what each reads of the answer.

Taken down from the clients themselves, or from their source: what is odd about each is kept, down to the order and the case of
a part's headers. Only keys, file names and contents are made up.
"""

import base64
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from clients import PNG
from examples import expect_pictures
from fronts import KEY, Front, fronting
from shapes import Part, chunk, field, file, form, send, send_json

PROMPT = "Make it night: stars, no moon, ça & là"
DATA_URL = "data:image/png;base64," + base64.b64encode(PNG).decode()


@pytest.fixture(scope="module")
def shared() -> Iterator[Front]:
    """OpenAI's model, by every name that these clients write."""
    with fronting("gpt-image-2", "gpt-image-1", "gpt-image-1.5", "grok-imagine-image") as front:
        yield front


@pytest.fixture
def front(shared: Front) -> Front:
    """With nothing asked yet."""
    shared.clear()
    return shared


@pytest.mark.parametrize("names", [["image"], ["image[]", "image[]"]])
@pytest.mark.parametrize("query", ["", "?api-version=2025-04-01-preview"])
def test_open_webui(front: Front, names: Sequence[str], query: str) -> None:
    """aiohttp's form: `Content-Type` first in each part, a charset on texts; a response_format that GPT models do not take."""
    boundary = "c05af12b41634a4a8dbf1bd9a7be2e0b"
    texts = {"model": "gpt-image-1.5", "prompt": PROMPT, "n": "1", "size": "1024x1024", "response_format": "b64_json"}
    parts: list[Part] = [
        (f'Content-Type: text/plain; charset=utf-8\nContent-Disposition: form-data; name="{name}"', text)
        for name, text in texts.items()
    ]
    parts += [
        (f'Content-Type: image/png\nContent-Disposition: form-data; name="{name}"; filename="0b1c.png"', PNG) for name in names
    ]
    body = form(boundary, parts)
    head = f"""
        POST /v1/images/edits{query} HTTP/1.1
        Authorization: Bearer {KEY}
        X-OpenWebUI-User-Name: Ann%20Other
        X-OpenWebUI-User-Id: 5d3b
        X-OpenWebUI-User-Email: ann@example.com
        X-OpenWebUI-User-Role: user
        Accept: */*
        Accept-Encoding: gzip, deflate
        User-Agent: Python/3.11 aiohttp/3.14.5
        Content-Length: {len(body)}
        Content-Type: multipart/form-data; boundary={boundary}
    """
    expect_pictures(send(front, head, body))
    assert front.fields == {"size": "1024x1024"}
    assert front.files == [(name, PNG) for name in names]


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/v1/images/edits", f"Authorization: Bearer {KEY}"),
        ("/openai/deployments/gpt-image-1/images/edits?api-version=2025-02-01-preview", f"api-key: {KEY}"),
    ],
)
def test_librechat(front: Front, path: str, key: str) -> None:
    """axios and form-data: a chunked upload, a chunk for each little piece, always `image[]`; at Azure an `api-key`."""
    boundary = "--------------------------98b39485955cddf37760a382"
    texts = {"model": "gpt-image-1", "prompt": PROMPT, "quality": "auto", "size": "auto"}
    pieces: list[bytes] = []
    for name, text in texts.items():
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
        pieces += [head.encode(), text.encode(), b"\r\n"]
    pieces += [
        f'--{boundary}\r\nContent-Disposition: form-data; name="image[]"; filename="cat.png"\r\n'.encode()
        + b"Content-Type: image/png\r\n\r\n",
        *(PNG[at : at + 16] for at in range(0, len(PNG), 16)),
        f"\r\n--{boundary}--\r\n".encode(),
    ]
    head = f"""
        POST {path} HTTP/1.1
        Accept: application/json, text/plain, */*
        Content-Type: multipart/form-data; boundary={boundary}
        {key}
        User-Agent: axios/1.21.1
        Accept-Encoding: gzip, compress, deflate, br
        Connection: keep-alive
        Transfer-Encoding: chunked
    """
    expect_pictures(send(front, head, *(chunk(piece) for piece in pieces), chunk(b"")))
    assert front.fields == {"quality": "auto", "size": "auto"}
    assert front.files == [("image", PNG)]


def test_n8n(front: Front) -> None:
    """Images first, numbers as texts, `n` and `size` always, an `output_compression` even for PNG."""
    boundary = "--------------------------1973299e3021752c45446be2"
    texts = {
        "prompt": PROMPT, "model": "gpt-image-1", "n": "1", "size": "1024x1024", "user": "workflow-7", "background": "auto",
        "input_fidelity": "high", "output_format": "png", "output_compression": "100", "quality": "high",
    }  # fmt: skip
    texts_parts = [field(name, text) for name, text in texts.items()]
    body = form(boundary, [file("image[]", "data"), file("image[]", "data"), *texts_parts, file("mask", "data")])
    head = f"""
        POST /v1/images/edits HTTP/1.1
        Accept: application/json,text/html,application/xhtml+xml,application/xml,text/*;q=0.9, image/*;q=0.8, */*;q=0.7
        content-type: multipart/form-data; boundary={boundary}
        Authorization: Bearer {KEY}
        content-length: {len(body)}
        User-Agent: axios/1.12.0
        Accept-Encoding: gzip, compress, deflate, br
        Connection: keep-alive
    """
    expect_pictures(send(front, head, body))
    kept = {name: text for name, text in texts.items() if name not in ("prompt", "model", "n")}
    assert front.fields == kept
    assert front.files == [("image[]", PNG), ("image[]", PNG), ("mask", PNG)]


def test_codex(front: Front) -> None:
    """JSON with data URLs, `auto` everywhere; of the answer it reads closed sets of words, and nothing but base64."""
    asked = {
        "images": [{"image_url": DATA_URL}, {"image_url": DATA_URL}],
        "prompt": PROMPT,
        "background": "auto",
        "model": "gpt-image-2",
        "quality": "auto",
        "size": "auto",
    }
    answer = send_json(front, "/v1/images/edits", asked, "originator: codex_cli_rs", "user-agent: codex_cli_rs/0.140.0 (Linux)")
    expect_pictures(answer)
    assert answer.json.get("quality") in (None, "low", "medium", "high", "auto")
    assert answer.json.get("background") in (None, "transparent", "opaque", "auto")
    assert isinstance(answer.json.get("size", ""), str)
    assert front.fields == {"background": "auto", "quality": "auto", "size": "auto"}
    assert front.files == [("image[]", PNG)] * 2


@pytest.mark.parametrize("images", [1, 2])
def test_vercel_ai_sdk(front: Front, images: int) -> None:
    """undici's form: every file is called `blob`, one image `image` and more `image[]`, `n` always and behind the files."""
    boundary = "----formdata-undici-084560541374"
    name = "image" if images == 1 else "image[]"
    chosen = {"n": "2", "size": "1024x1024", "quality": "high", "background": "opaque", "output_format": "png"}
    parts = [field("model", "gpt-image-2"), field("prompt", PROMPT), *[file(name, "blob")] * images, file("mask", "blob")]
    body = form(boundary, [*parts, *(field(*pair) for pair in chosen.items())])
    head = f"""
        POST /v1/images/edits HTTP/1.1
        connection: keep-alive
        authorization: Bearer {KEY}
        user-agent: ai/7.0.173 ai-sdk-provider-utils/5.0.81 node.js/22
        content-type: multipart/form-data; boundary={boundary}
        accept: */*
        accept-language: *
        sec-fetch-mode: cors
        accept-encoding: gzip, deflate
        content-length: {len(body)}
    """
    expect_pictures(send(front, head, body), 2)
    assert front.fields == chosen
    assert front.files == [*[(name, PNG)] * images, ("mask", PNG)]


@pytest.mark.parametrize("path", ["/v1/images/edits", "/openai/v1/images/edits"])
def test_cherry_studio(front: Front, path: str) -> None:
    """A browser's form: WebKit's boundary, `image` repeated, an origin that is a file; it reads base64 alone."""
    boundary = "----WebKitFormBoundary7MA4YWxkTrZu0gW"
    chosen = {"background": "opaque", "size": "1536x1024", "quality": "high"}
    texts = {"prompt": PROMPT, "model": "gpt-image-1", **chosen}
    images = [file("image", "a b.png"), file("image", "图.jpg", "image/jpeg")]
    body = form(boundary, [*(field(name, text) for name, text in texts.items()), *images])
    head = f"""
        POST {path} HTTP/1.1
        Connection: keep-alive
        Content-Length: {len(body)}
        Authorization: Bearer {KEY}
        User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) CherryStudio/1.7 Electron/38.7
        Content-Type: multipart/form-data; boundary={boundary}
        Accept: */*
        Origin: file://
        Sec-Fetch-Site: cross-site
        Sec-Fetch-Mode: cors
        Accept-Encoding: gzip, deflate, br, zstd
    """
    expect_pictures(send(front, head, body))
    assert front.fields == chosen
    assert [filename for _, filename, _, _ in front.asked.files] == ["a b.png", "图.jpg"]


def test_openai_on_node(front: Front) -> None:
    """A file stream: chunked, its part in a chunk of its own, of no known type, `stream` behind it."""
    boundary = "openai-t48tqpp556"
    before, behind = [field("model", "gpt-image-2")], [field("prompt", PROMPT), field("stream", "true")]
    whole = form(boundary, [*before, file("image", "a.png", "application/octet-stream"), *behind])
    head = f"""
        POST /v1/images/edits HTTP/1.1
        accept: application/json
        user-agent: OpenAI/JS 7.57.0
        x-stainless-retry-count: 0
        x-stainless-lang: js
        x-stainless-runtime: node
        authorization: Bearer {KEY}
        content-type: multipart/form-data; boundary={boundary}
        sec-fetch-mode: cors
        accept-encoding: gzip, deflate
        transfer-encoding: chunked
    """
    pieces = [chunk(whole[at : at + 21]) for at in range(0, len(whole), 21)]
    assert send(front, head, *pieces, chunk(b"")).names == ["completed"]
    assert front.files == [("image", PNG)]


def test_curl_as_openai_documents_it(front: Front) -> None:
    """`-F image[]=@...` and `-F stream=true`; a larger body is announced with `Expect: 100-continue`, and waits for it."""
    boundary = "------------------------d74496d66958873e"
    parts = [field("model", "gpt-image-2"), *[file("image[]", "lotion.png")] * 4, field("prompt", PROMPT)]
    body = form(boundary, [*parts, field("stream", "true"), field("partial_images", "2")])
    head = f"""
        POST /v1/images/edits HTTP/1.1
        User-Agent: curl/7.88.1
        Accept: */*
        Authorization: Bearer {KEY}
        Content-Length: {len(body)}
        Content-Type: multipart/form-data; boundary={boundary}
        Expect: 100-continue
    """
    assert send(front, head, body).names == ["partial_image", "partial_image", "completed"]
    assert front.files == [("image[]", PNG)] * 4


@pytest.mark.parametrize("images", [{"url": DATA_URL, "type": "image_url"}, [{"url": DATA_URL, "type": "image_url"}]])
def test_json_as_xai_has_it(front: Front, images: object) -> None:
    """`image` with a `url` and a `type`; several of them in a list."""
    name = "images" if isinstance(images, list) else "image"
    answer = send_json(front, "/v1/images/edits", {"model": "grok-imagine-image", "prompt": PROMPT, name: images})
    expect_pictures(answer)
    assert front.files == [("image", PNG)]
    assert front.fields == {}


AZURE = {
    "deployment": "/openai/deployments/gpt-image-1.5/images/edits?api-version=2025-04-01-preview",
    "v1": "/openai/v1/images/edits?api-version=preview",
    "v1 without a version": "/openai/v1/images/edits",
}


@pytest.mark.parametrize("url", AZURE)
def test_azure_s_urls(front: Front, url: str) -> None:
    """The key in `api-key`; the deployment in the path, or as the model."""
    asked: dict[str, Any] = {"prompt": PROMPT, "images": [{"image_url": DATA_URL}], "n": 1}
    named = {} if "deployments" in AZURE[url] else {"model": "gpt-image-1.5"}
    expect_pictures(send_json(front, AZURE[url], {**asked, **named}, f"api-key: {KEY}"))
    assert front.files == [("image", PNG)]


def test_a_wrong_key_in_azure_s_header_opens_nothing(front: Front) -> None:
    """401 in OpenAI's envelope."""
    answer = send_json(front, AZURE["deployment"], {"prompt": PROMPT, "images": [{"image_url": DATA_URL}]}, "api-key: no")
    assert (answer.status, answer.error["code"]) == (401, "invalid_api_key")
