"""How a caller wants a request to be handled: what bodies and headers say of it."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest

from streamedit.edits import EditRequest, Wishes
from streamedit.errors import CallerError
from streamedit.wire.forms import read_request, validated
from streamedit.wire.multipart import BodyLimits
from streamedit.wire.wishes import WishFields, WishHeaders, heeding

FIELDS = [
    ("fallbacks", ["a", "b"], Wishes(fallbacks=("a", "b"))),
    ("fallbacks", [], Wishes(fallbacks=())),
    ("num_retries", 3, Wishes(retries=3)),
    ("num_retries", 0, Wishes(retries=0)),
    ("timeout", 1.5, Wishes(timeout_s=1.5)),
    ("tags", ["free", "eu"], Wishes(tags=("free", "eu"))),
    ("metadata", {"user": "u", "7": 7, "a": {"b": [1]}}, Wishes(metadata={"user": "u", "7": "7", "a": '{"b":[1]}'})),
    ("metadata", {"tags": ["free"], "none": None}, Wishes(tags=("free",))),
    ("metadata", {"tags": "free, eu"}, Wishes(tags=("free", "eu"))),
    ("extra_headers", {"X-Beta": "on", "x-number": 1}, Wishes(headers={"x-beta": "on", "x-number": "1"})),
]
"""A field, its value, and what it says."""

TEXTS = [
    ({"fallbacks": "a"}, Wishes(fallbacks=("a",))),
    ({"fallbacks": "a, b,"}, Wishes(fallbacks=("a", "b"))),
    ({"fallbacks[]": ["a", "b"]}, Wishes(fallbacks=("a", "b"))),
    ({"fallbacks": ["a", "b"]}, Wishes(fallbacks=("a", "b"))),
    ({"fallbacks[]": "a"}, Wishes(fallbacks=("a",))),
    ({"num_retries": "2", "timeout": "30"}, Wishes(retries=2, timeout_s=30)),
    ({"num_retries": "", "timeout": "null", "tags": "", "metadata": "", "extra_headers": "null"}, Wishes()),
    ({"tags": "free,eu"}, Wishes(tags=("free", "eu"))),
    ({"tags[]": ["free", "free"], "metadata[tags][]": ["eu"]}, Wishes(tags=("free", "eu"))),
    ({"metadata[user]": "007", "metadata[a][b]": "1e5"}, Wishes(metadata={"user": "007", "a": '{"b":"1e5"}'})),
    ({"extra_headers[X-Beta]": "on"}, Wishes(headers={"x-beta": "on"})),
]
"""What only forms have: texts, lists with commas, and parts."""

BAD = [
    ("fallbacks", [{"model": "a"}], "fallbacks[0]"),
    ("fallbacks", ["x"] * 65, "fallbacks"),
    ("fallbacks", [""], "fallbacks[0]"),
    ("num_retries", -1, "num_retries"),
    ("num_retries", 11, "num_retries"),
    ("num_retries", "many", "num_retries"),
    ("timeout", 0, "timeout"),
    ("timeout", -3, "timeout"),
    ("timeout", "Infinity", "timeout"),
    ("timeout", "soon", "timeout"),
    ("tags", {"a": 1}, "tags"),
    ("tags", ["x" * 257], "tags[0]"),
    ("metadata", ["a"], "metadata"),
    ("metadata", "a", "metadata"),
    ("metadata", '{"a":', "metadata"),
    ("metadata", {"tags": {"a": "b"}}, "metadata"),
    ("metadata", {"a": "x" * 16_384}, "metadata"),
    ("extra_headers", {"Authorization": "Bearer k"}, "extra_headers"),
    ("extra_headers", {"x-a": "b\r\nhost: c"}, "extra_headers"),
    ("extra_headers", {"content-length": "1"}, "extra_headers"),
    ("extra_headers", "x-a: b", "extra_headers"),
    ("extra_headers", {"x-a": None}, "extra_headers.x-a"),
]
"""A field, a value that it cannot have, and the parameter that is named."""

HEADERS = [
    ("x-litellm-timeout", "2.5", Wishes(timeout_s=2.5)),
    ("x-litellm-num-retries", "0", Wishes(retries=0)),
    ("x-litellm-tags", "free, eu", Wishes(tags=("free", "eu"))),
    ("x-litellm-trace-id", "t-1", Wishes(trace_id="t-1")),
    ("x-litellm-session-id", "s-1", Wishes(trace_id="s-1")),
    ("x-litellm-call-id", "c-1", Wishes(trace_id="c-1")),
    ("x-litellm-spend-logs-metadata", '{"team": "a", "tags": ["eu"]}', Wishes(tags=("eu",), metadata={"team": "a"})),
    ("x-litellm-keepalive-seconds", "10", Wishes(keepalive_s=10)),
    ("x-litellm-timeout", "", Wishes()),
]
BAD_HEADERS = [
    ("x-litellm-timeout", "0"),
    ("x-litellm-timeout", "nan"),
    ("x-litellm-num-retries", "11"),
    ("x-litellm-num-retries", "1.5"),
    ("x-litellm-tags", ",".join(["t"] * 65)),
    ("x-litellm-trace-id", "a b"),
    ("x-litellm-session-id", "x" * 256),
    ("x-litellm-call-id", "é"),
    ("x-litellm-spend-logs-metadata", "team"),
    ("x-litellm-keepalive-seconds", "0.5"),
    ("x-litellm-keepalive-seconds", "601"),
]


@pytest.mark.parametrize(("name", "value", "wishes"), FIELDS)
async def test_a_body_says_how_it_is_to_be_handled(name: str, value: Any, wishes: Wishes) -> None:
    """The same in JSON and, as JSON text, in a form; no provider is told."""
    for request in (await read_json({name: value}), await read_form({name: json.dumps(value)})):
        assert request.wishes == wishes
        assert request.extra == ()


@pytest.mark.parametrize(("texts", "wishes"), TEXTS)
async def test_forms_have_texts_lists_and_parts(texts: Mapping[str, Any], wishes: Wishes) -> None:
    """With commas, repeated, or in brackets, as each client writes them; empty ones are nothing."""
    request = await read_form(texts)
    assert request.wishes == wishes
    assert request.extra == ()


@pytest.mark.parametrize(("name", "value", "param"), BAD)
async def test_a_bad_value_is_named(name: str, value: Any, param: str) -> None:
    """A 400 with the field's name, in JSON and in a form."""
    for read, body in ((read_json, {name: value}), (read_form, {name: value if isinstance(value, str) else json.dumps(value)})):
        with pytest.raises(CallerError) as caught:
            await read(body)
        assert (caught.value.detail.status, caught.value.detail.param) == (400, param)


async def test_no_secret_is_told_of_a_bad_value() -> None:
    """A header that is not forwarded is named, its value is not."""
    with pytest.raises(CallerError) as caught:
        await read_json({"extra_headers": {"x-api-key": "sk-secret"}})
    assert caught.value.detail.message == (
        "extra_headers: x-api-key is not forwarded: credentials and accounts are this server's"
    )


@pytest.mark.parametrize("name", ["tags", "metadata", "extra_headers"])
async def test_parts_that_contradict_each_other_are_named(name: str) -> None:
    """A field is a list or an object, not both."""
    with pytest.raises(CallerError) as caught:
        await read_form({f"{name}[]": "x", f"{name}[a]": "x"})
    assert (caught.value.detail.status, caught.value.detail.param) == (400, name)


async def test_nobody_nests_beyond_all_measure() -> None:
    """A name of a thousand brackets is a 400."""
    with pytest.raises(CallerError) as caught:
        await read_form({"metadata" + "[a]" * 1000: "x"})
    assert (caught.value.detail.status, caught.value.detail.param) == (400, "metadata")


@pytest.mark.parametrize(("name", "text", "wishes"), HEADERS)
def test_headers_say_the_same(name: str, text: str, wishes: Wishes) -> None:
    """LiteLLM's, each by itself."""
    assert heeding(Wishes(), of_headers({name: text})) == wishes


@pytest.mark.parametrize(("name", "text"), BAD_HEADERS)
def test_a_bad_header_is_named(name: str, text: str) -> None:
    """A 400 with the header's name."""
    with pytest.raises(CallerError) as caught:
        of_headers({name: text})
    assert (caught.value.detail.status, caught.value.detail.param) == (400, name)


def test_headers_count_more_than_the_body() -> None:
    """Bounds are replaced, tags and metadata added; the trace before the session, and that before the call."""
    body = Wishes(("f",), 1, 10, ("a",), {"x-a": "1"}, {"k": "body", "l": "body"})
    texts = {"timeout": "5", "num-retries": "2", "tags": "a,b", "trace-id": "t", "session-id": "s", "call-id": "c"}
    headers = {f"x-litellm-{name}": text for name, text in texts.items()}
    said = of_headers({**headers, "x-litellm-spend-logs-metadata": '{"k":"header"}', "x-other": "y"})
    assert heeding(body, said) == Wishes(("f",), 2, 5, ("a", "b"), {"x-a": "1"}, {"k": "header", "l": "body"}, "t")
    assert heeding(body, of_headers({})) == body


def test_every_wish_of_a_body_is_described() -> None:
    """For `/openapi.json`."""
    assert all(field.description for field in WishFields.model_fields.values())


def of_headers(headers: Mapping[str, str]) -> WishHeaders:
    """What headers say, checked."""
    return validated(lambda: WishHeaders.model_validate(headers))


async def read_json(fields: Mapping[str, Any]) -> EditRequest:
    """The request of a JSON body with these fields."""
    body = json.dumps({"prompt": "p", "images": [{"image_url": "data:image/png;base64,QUJD"}], **fields})
    return await read_request("application/json", pieces(body.encode()), LIMITS)


async def read_form(fields: Mapping[str, Any]) -> EditRequest:
    """The request of a form with these fields; a list is a field that is repeated."""
    asked = httpx.Request("POST", "http://x", data={"prompt": "p", **fields}, files={"image": b"photo"})
    return await read_request(asked.headers["content-type"], pieces(asked.read()), LIMITS)


async def pieces(body: bytes) -> AsyncIterator[bytes]:
    """A body that is there at once."""
    yield body


LIMITS = BodyLimits(body_bytes=1 << 20, image_bytes=1 << 20)
