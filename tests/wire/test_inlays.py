"""The images of a JSON body, decoded while it arrives: the same request as read in one piece, however it is cut."""

import asyncio
import base64
import json
import random
import tracemalloc
from collections.abc import AsyncIterator, Iterable
from typing import Any, TypeAlias

import pytest
from descriptors import temporary_files, threads_let_go
from hypothesis import given
from hypothesis import strategies as st
from wire.streams import split

from streamedit.edits import EditRequest, InputImage, Reference
from streamedit.errors import CallerError, TooLarge
from streamedit.wire.forms import read_request
from streamedit.wire.inlays import MAX_TEXT_BYTES, Inlays
from streamedit.wire.multipart import BodyLimits
from streamedit.wire.nested import flatten

MIB = 1 << 20
LIMITS = BodyLimits(image_bytes=3 * MIB)
CHUNK = b"QUJD" * (1 << 14)
"""64 KiB of an image."""

Told: TypeAlias = tuple[object, ...]
"""An image's content, media type, name and reference."""


class Members(list[tuple[str, Any]]):
    """A JSON object, in which a name may come twice."""


def image(*members: tuple[str, Any]) -> Members:
    """How a body names an image."""
    return Members(members)


FILENAMES = {"https://example.com/a.png?b=c": "a.png", "HTTP://example.com/": "image"}
HEADS = [
    "data:image/png;base64,", "DATA:image/PNG;BASE64,", "data:;base64,", "data:image/png;charset=utf-8;base64,",
    "data:;  base64,",
]  # fmt: skip
CONTENTS = st.sampled_from([b"A", b"AB", b"ABC", b"\xff\xff\xfe\xfb\xef\xbe" * 3, bytes(range(256))])
DATA = st.builds(lambda head, content: head + base64.b64encode(content).decode(), st.sampled_from(HEADS), CONTENTS)
WEB = st.sampled_from(list(FILENAMES))
URLS = DATA | WEB
IMAGES = st.one_of(
    st.builds(lambda name, url: image((name, url)), st.sampled_from(["image_url", "url"]), URLS),
    st.builds(lambda url: image(("type", "image_url"), ("url", url)), DATA),
    st.builds(lambda url: image(("image_url", image(("url", url)))), URLS),
    st.builds(lambda first, second: image(("image_url", first), ("image_url", second)), URLS, URLS),
    st.builds(lambda file_id: image(("file_id", file_id), ("url", None)), st.sampled_from(["file-1", "data:,"])),
)
ODD = st.sampled_from(
    [
        '"image_url":"data:image/png;base64,QUJD',
        "data:image/png;base64,QUJD",
        "data:;base64,*",
        'data:,"',
        "\\",
        "é😀",
        "data:,%89",
    ]
)
EXTRAS = st.recursive(
    st.none() | st.integers() | ODD | DATA,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(st.tuples(st.sampled_from(["url", "image_url", "images", "mask", ""]), inner), max_size=3).map(Members)
    ),
    max_leaves=6,
)
MEMBERS = st.one_of(
    st.tuples(st.just("prompt"), ODD),
    st.tuples(st.just("images"), st.lists(IMAGES, min_size=1, max_size=3) | IMAGES),
    st.tuples(st.sampled_from(["mask", "markup"]), IMAGES | st.none()),
    st.tuples(st.sampled_from(["url", "image_url", "control", "images[0]", "images "]), EXTRAS),
)
BODIES = st.builds(
    lambda members, images: Members([("prompt", "p"), *members, ("images", images)]),
    st.lists(MEMBERS, max_size=4),
    st.lists(IMAGES, min_size=1, max_size=3),
)
CUTS = st.lists(st.integers(0, 3000), max_size=8)


@given(BODIES, st.integers(), CUTS)
async def test_a_request_is_the_same_in_any_pieces(body: Members, seed: int, cuts: list[int]) -> None:
    """What the whole text says: with escapes, white space, members that come twice, texts that look like images."""
    raw = written(body, random.Random(seed)).encode()
    for pieces in (split(raw, cuts), each_byte(raw)):
        request = await read(pieces)
        assert await told(request) == expected(json.loads(raw))
        request.close()


@given(BODIES, st.integers(), CUTS, st.integers(0, 2000), st.sampled_from([b"", b'"', b"\\", b"=", b"\n", b"\xff", b"]}"]))
async def test_a_spoilt_body_is_refused_as_if_it_had_come_whole(
    body: Members, seed: int, cuts: list[int], at: int, put: bytes
) -> None:
    """Whatever a byte became: what is a request in one piece is the same in many, and nothing else is one."""
    raw = written(unique(body), random.Random(seed)).encode()
    at %= len(raw)
    spoilt = raw[:at] + put + raw[at + 1 :]
    assert await outcome(each_byte(spoilt)) == await outcome(split(spoilt, cuts)) == await outcome([spoilt])


@pytest.mark.parametrize("escape", [r"\/", r"\u002f", r"\u002F"])
async def test_escapes_may_be_cut_where_slices_end(escape: str) -> None:
    """PHP writes `/` as two characters, .NET `+` as six."""
    content = b"\xff" * (MIB // 2)
    text = base64.b64encode(content).decode().replace("/", escape)
    for shift in range(7):
        raw = f'{{"prompt": "p", "images": [{{"image_url": "data:image\\/png;base64,{text}"}}]}}{" " * shift}'.encode()
        request = await read([raw[start : start + 65_537 + shift] for start in range(0, len(raw), 65_537 + shift)])
        assert (await request.images[0].upload.read(), request.images[0].media_type) == (content, "image/png")
        request.close()


@pytest.mark.parametrize(
    "text",
    [
        "Q", "QUJ", "QUJDR", "QU=D", "QQ==QUJD", "QUJD====", "====", "=", "QUJ*", "QUJD,QUJD", "QUJD\\n", 'QUJD\\"', "QUJD\\\\",
        "QUJD\\u", "QUJD QUJD", "ÄÄÄÄ", "\\u00c4QUJ", "\\ud83d\\ude00",
    ],
)  # fmt: skip
async def test_broken_base64_names_its_image(text: str) -> None:
    """In small pieces and while it arrives; the message does not repeat what came."""
    raw = f'{{"prompt":"p","images":[{{"url":"data:;base64,QQ=="}},{{"image_url":"data:image/png;base64,{text}"}}]}}'.encode()
    for size in (1, 7, 90):
        detail = (await refusal([raw[start : start + size] for start in range(0, len(raw), size)])).detail
        assert (detail.status, detail.code, detail.param) == (400, "invalid_data_url", "images[1].image_url")
        assert text not in detail.message


async def test_an_empty_image_is_refused() -> None:
    """A data URL in which nothing follows, in any pieces."""
    raw = b'{"prompt": "p", "images": [{"image_url": "data:image/png;base64,"}]}'
    for pieces in ([raw], each_byte(raw)):
        detail = (await refusal(pieces)).detail
        assert (detail.status, detail.code, detail.param) == (400, "empty_image", "image")


@pytest.mark.parametrize("url", ["data:image/png,%89PNG", "data:image/png;base64x,QUJD", "data:,", "data:image/png;base64"])
async def test_a_data_url_without_base64_is_refused(url: str) -> None:
    """In any pieces."""
    raw = json.dumps({"prompt": "p", "images": [{"image_url": url}]}).encode()
    for pieces in ([raw], each_byte(raw)):
        detail = (await refusal(pieces)).detail
        assert (detail.code, detail.param) == ("invalid_data_url", "images[0].image_url")
        assert detail.message == "images[0].image_url must be a data URL in base64."


@pytest.mark.parametrize(
    ("before", "param"),
    [
        (b'{"prompt": "p", "images": [{"image_url": "', "images[0]"),
        (b'{"image": {"type": "image_url", "url": "', "images[0]"),
        (b'{"images": [{"file_id": "f"}, {"image_url": {"url": "', "images[1]"),
        (b'{"mask": {"image_url": "', "mask"),
        (b'{"n": [{}, [1, 2]], "markup": {"url": "', "markup"),
    ],
)
async def test_an_image_above_its_limit_is_refused_at_once(before: bytes, param: str) -> None:
    """By its name, with nothing read of what follows and nothing left behind."""
    files, inlays = temporary_files(), Inlays(LIMITS)
    await inlays.feed(before + b"data:image/png;base64,")
    with pytest.raises(TooLarge) as caught:
        for _ in range(5 * MIB // len(CHUNK)):
            await inlays.feed(CHUNK)
    assert (caught.value.detail.status, caught.value.detail.param) == (413, param)
    assert (len(inlays.uploads), temporary_files()) == (1, files + 1)
    inlays.close()
    assert temporary_files() == files


async def test_what_is_no_image_is_bounded() -> None:
    """A text that does not end is refused while it arrives."""
    inlays = Inlays(LIMITS)
    await inlays.feed(b'{"control": {"url": "data:image/png;base64,')
    with pytest.raises(TooLarge) as caught:
        for _ in range(MAX_TEXT_BYTES // len(CHUNK)):
            await inlays.feed(CHUNK)
    assert (caught.value.detail.param, len(inlays.uploads)) == ("body", 0)


async def test_a_body_above_its_limit_is_refused_at_once() -> None:
    """Its images count, too."""
    inlays = Inlays(BodyLimits(body_bytes=3 * len(CHUNK)))
    await inlays.feed(b'{"images": [{"image_url": "data:;base64,')
    with pytest.raises(TooLarge, match="request body"):
        for _ in range(3):
            await inlays.feed(CHUNK)
    inlays.close()


async def test_endless_nesting_is_refused_at_once() -> None:
    """No JSON that this server reads is as deep."""
    detail = (await refusal([b"[" * 300, b"]"])).detail
    assert (detail.status, detail.param, detail.code) == (400, "body", "invalid_json")


async def test_memory_stays_flat() -> None:
    """200 MB of images leave less than 8 MiB in memory at any time."""
    inlays = Inlays(BodyLimits())
    await inlays.feed(b'{"prompt": "p", "images": [')
    tracemalloc.start()
    for _ in range(4):
        await inlays.feed(b'{"image_url": "data:image/png;base64,')
        for _ in range(50_000_000 // len(CHUNK)):
            await inlays.feed(CHUNK)
        await inlays.feed(b'"},')
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    sizes = [upload.size_bytes for upload in inlays.uploads.values()]
    inlays.close()
    assert sizes == [50_000_000 // len(CHUNK) * len(CHUNK) // 4 * 3] * 4
    assert peak_bytes < 8 * MIB


async def test_a_mark_of_another_request_is_text() -> None:
    """Nobody can name an image by its mark."""
    inlays = Inlays(LIMITS)
    for byte in each_byte(b'{"images": [{"image_url": "data:;base64,QUJD"}'):
        await inlays.feed(byte)
    (mark,) = inlays.uploads
    assert mark.encode() in inlays.text
    raw = json.dumps({"prompt": "p", "images": [{"url": "data:;base64,QUJD"}, {"url": f"data:;base64,{mark}"}]}).encode()
    assert (await refusal(each_byte(raw))).detail.code == "invalid_data_url"


async def test_images_that_do_not_count_are_given_back() -> None:
    """Where a member comes twice the last one counts; the request closes the rest."""
    files = temporary_files()
    large = b'{"image_url": "data:;base64,' + CHUNK * 30 + b'"}'
    raw = b'{"prompt": "p", "mask": %b, "mask": null, "images": [%b, %b], "images": [%b]}' % (large, large, large, large)
    request = await read([raw[start : start + 65_536] for start in range(0, len(raw), 65_536)])
    assert ([image.upload.size_bytes for image in request.files()], temporary_files()) == (
        [len(CHUNK) * 30 // 4 * 3],
        files + 1,
    )
    request.close()
    assert temporary_files() == files


@pytest.mark.parametrize(
    "end", [b"", b'"}', b'"}], "prompt": ""}', b'"}, {"url": "ftp://x"}], "prompt": "p"}', b'"}, {"url": ""}]}']
)
async def test_a_later_mistake_leaves_nothing_behind(end: bytes) -> None:
    """A body that is cut off, broken or wrong behind a large image."""
    files = temporary_files()
    detail = (await refusal([b'{"images": [{"url": "data:;base64,', *[CHUNK] * 30, end])).detail
    assert (detail.status, temporary_files()) == (400, files)


async def test_a_caller_who_leaves_leaves_nothing_behind() -> None:
    """In the middle of an image."""
    files, begun = temporary_files(), asyncio.Event()

    async def chunks() -> AsyncIterator[bytes]:
        yield b'{"images": [{"url": "data:;base64,'
        for _ in range(40):
            yield CHUNK
        begun.set()
        await asyncio.Event().wait()

    reading = asyncio.create_task(read_request("application/json", chunks(), LIMITS))
    await begun.wait()
    assert temporary_files() == files + 1
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await threads_let_go()
    assert temporary_files() == files


def written(value: Any, choices: random.Random) -> str:
    """JSON as someone might write it: escapes and white space anywhere."""
    if isinstance(value, str):
        escapes = choices.choice([0.0, 0.0, 0.1])
        return '"' + "".join(_written(char, choices.random() < escapes) for char in value) + '"'
    if isinstance(value, Members):
        return _joined(
            "{",
            (
                f"{written(name, choices)}{_space(choices)}:{_space(choices)}{written(member, choices)}"
                for name, member in value
            ),
            "}",
            choices,
        )
    if isinstance(value, list):
        return _joined("[", (written(element, choices) for element in value), "]", choices)
    return json.dumps(value)


def _written(char: str, is_escaped: bool) -> str:
    if char == "/" and is_escaped:
        return "\\/"
    return json.dumps(char)[1:-1] if not is_escaped or ord(char) > 0xFFFF else f"\\u{ord(char):04x}"


def _joined(opening: str, parts: Iterable[str], closing: str, choices: random.Random) -> str:
    return opening + ",".join(_space(choices) + part + _space(choices) for part in parts) + closing


def _space(choices: random.Random) -> str:
    return choices.choice(["", "", " ", "\r\n\t"])


def unique(value: Any) -> Any:
    """The same with every name once."""
    if isinstance(value, Members):
        return Members((name, unique(member)) for name, member in dict(value).items())
    return [unique(element) for element in value] if isinstance(value, list) else value


def expected(body: dict[str, Any]) -> Told:
    """The request that a parsed body makes."""
    images = body["images"] if isinstance(body["images"], list) else [body["images"]]
    single = [_expected(body[name], name) if body.get(name) else None for name in ("mask", "markup")]
    extra = [
        pair
        for name, value in body.items()
        if name not in ("prompt", "images", "mask", "markup")
        for pair in flatten(name, value)
    ]
    return body["prompt"], [_expected(named, f"images[{index}]") for index, named in enumerate(images)], *single, extra


def _expected(named: dict[str, Any], param: str) -> Told:
    if "file_id" in named:
        return b"", "application/octet-stream", "image", Reference(f"{param}.file_id", file_id=named["file_id"])
    given = named["image_url"] if "image_url" in named else named["url"]
    url: str = given["url"] if isinstance(given, dict) else given
    if url in FILENAMES:
        return b"", "application/octet-stream", FILENAMES[url], Reference(f"{param}.image_url", url=url)
    head, _, text = url.partition(",")
    media_type = head[5:].rpartition(";")[0] or "application/octet-stream"
    return base64.b64decode(text, validate=True), media_type, "image", None


async def told(request: EditRequest) -> Told:
    """A request as `expected` tells it."""
    single = [await _told(image) if image else None for image in (request.mask, request.markup)]
    return request.prompt, [await _told(image) for image in request.images], *single, list(request.extra)


async def _told(image: InputImage) -> Told:
    return await image.upload.read(), image.media_type, image.filename, image.reference


async def outcome(pieces: list[bytes]) -> Told | None:
    """The request that pieces make, None for a refusal."""
    try:
        request = await read(pieces)
    except CallerError:
        return None
    try:
        return await told(request)
    finally:
        request.close()


async def read(pieces: Iterable[bytes]) -> EditRequest:
    """The request that a JSON body in these pieces makes."""

    async def chunks() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    return await read_request("application/json", chunks(), LIMITS)


async def refusal(pieces: Iterable[bytes]) -> CallerError:
    """What is raised for these pieces."""
    with pytest.raises(CallerError) as caught:
        await read(pieces)
    return caught.value


def each_byte(raw: bytes) -> list[bytes]:
    """A body that comes byte by byte."""
    return [raw[number : number + 1] for number in range(len(raw))]
