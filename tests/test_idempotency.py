"""Idempotency keys, over HTTP: however often a request is sent, it is one edit and one call to the provider."""

import json
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import httpx
import pytest
from clients import PNG, Answer, get, post
from servers import RunningServer, serving, settings_of
from upstreams import END, Hang, ScriptedUpstream, chunk, completed, frame, head, partial

from streamedit.edits import EditRequest, InputImage, Reference
from streamedit.idempotency import claim_of
from streamedit.targets import Target
from streamedit.uploads import Upload

ALICE, BOB = {"authorization": "Bearer sk-alice"}, {"authorization": "Bearer sk-bob"}
MANY = 100

FIELDS = {"prompt": "p", "model": "mock", "size": "64x64", "quality": "low", "seed": "7"}
FILES = [
    ("image", ("a.png", PNG, "image/png")),
    ("image", ("b.png", PNG + b"b", "image/png")),
    ("mask", ("m.png", PNG, "image/png")),
]


@pytest.fixture(scope="module")
def shared() -> Iterator[RunningServer]:
    """A server with two keys."""
    with serving(settings_of(Target("mock", "mock", params={"mock_pace_s": 0}), keys=("sk-alice", "sk-bob"))) as running:
        yield running


def claimed(server: RunningServer, key: str, **changes: Any) -> Answer:
    """One request under an idempotency key, with fields, files or headers of its own."""
    asked = {"fields": FIELDS, "files": FILES, **changes}
    headers = {**ALICE, "idempotency-key": key, **asked.get("headers", {})}
    return post(server.edits_url, asked["fields"], asked["files"], headers)


def test_simultaneous_requests_are_one_edit(scripted: ScriptedUpstream) -> None:
    """A hundred posts with one key, plain, streamed and asynchronous: one upstream call, one id, one picture for all."""
    gate = threading.Event()
    scripted.play([gate, head() + chunk(frame(completed())) + END])
    target = Target("openai", "m", "k", scripted.url)
    wishes: list[tuple[Mapping[str, str], Mapping[str, str]]] = [
        ({}, {}),
        ({"stream": "true"}, {}),
        ({}, {"prefer": "respond-async"}),
    ]
    with (
        serving(settings_of(target)) as server,
        httpx.Client(limits=httpx.Limits(max_connections=None), timeout=30) as client,
        ThreadPoolExecutor(MANY) as pool,
    ):

        def ask(number: int) -> Answer:
            fields, headers = wishes[number % 3]
            form = {"prompt": "p", **fields}
            return Answer.of(
                client.post(server.edits_url, data=form, files={"image": PNG}, headers={**headers, "idempotency-key": "k"})
            )

        asked = [pool.submit(ask, number) for number in range(MANY)]
        server.wait_for(
            lambda: sum(server.app.state.gateway._readers.values()) == sum(number % 3 < 2 for number in range(MANY))
        )
        gate.set()
        answers = [each.result(30) for each in asked]
        (edit_id,) = {answer.headers["x-edit-id"] for answer in answers}
        shown = get(f"{server.edits_url}/{edit_id}")
    assert len(scripted.asked) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
    assert {answer.json["data"][0]["b64_json"] for answer in answers[0::3]} == {completed()["b64_json"]}
    assert {tuple(answer.names) for answer in answers[1::3]} == {("completed",)}
    assert {(answer.status, answer.json["id"]) for answer in answers[2::3]} == {(202, edit_id)}
    assert shown.json["status"] == "completed"


SAME: dict[str, dict[str, Any]] = {
    "another boundary": {"headers": {"content-type": "multipart/form-data; boundary=another"}},
    "other file names": {"files": [(name, (f"x-{file[0]}", file[1], "image/webp")) for name, file in FILES]},
    "another order": {"fields": dict(reversed(FIELDS.items())), "files": [FILES[2], FILES[0], FILES[1]]},
    "image[]": {"files": [(name.replace("image", "image[]"), file) for name, file in FILES]},
    "a stream": {"fields": {**FIELDS, "stream": "true", "partial_images": "3"}},
    "asynchronous": {"headers": {"prefer": "respond-async"}},
    "more patience": {"fields": {**FIELDS, "num_retries": "3", "timeout": "60"}},
    "another note": {"fields": {**FIELDS, "metadata[try]": "2"}, "headers": {"x-litellm-trace-id": "t"}},
    "a note of Portkey's": {"headers": {"x-portkey-trace-id": "t", "x-portkey-retry-count": "2"}},
}

OTHERS: dict[str, dict[str, Any]] = {
    "prompt": {"fields": {**FIELDS, "prompt": "q"}},
    "option": {"fields": {**FIELDS, "size": "65x65"}},
    "n": {"fields": {**FIELDS, "n": "2"}},
    "unknown field": {"fields": {**FIELDS, "seed": "8"}},
    "field more": {"fields": {**FIELDS, "user": "u"}},
    "model": {"fields": {name: value for name, value in FIELDS.items() if name != "model"}},
    "image": {"files": [("image", ("a.png", PNG + b"a", "image/png")), *FILES[1:]]},
    "images in another order": {"files": [FILES[1], FILES[0], FILES[2]]},
    "image less": {"files": [FILES[0], FILES[2]]},
    "no mask": {"files": FILES[:2]},
    "fallbacks": {"fields": {**FIELDS, "fallbacks": "[]"}},
    "tags": {"fields": {**FIELDS, "tags": "free"}},
    "headers for the provider": {"fields": {**FIELDS, "extra_headers[x-beta]": "on"}},
    "a provider": {"headers": {"x-portkey-provider": "mock"}},
    "a config": {"headers": {"x-portkey-config": '{"provider": "mock", "override_params": {"seed": 8}}'}},
    "mask for markup": {"files": [*FILES[:2], ("markup", FILES[2][1])]},
}


@pytest.mark.parametrize("case", SAME)
def test_the_same_request_in_another_shape_is_the_same_edit(shared: RunningServer, case: str) -> None:
    """How a request is written, and how its answer is to be read, makes no other edit."""
    first = claimed(shared, f"same {case}".replace(" ", "-"))
    again = claimed(shared, f"same {case}".replace(" ", "-"), **SAME[case])
    assert first.status == 200
    assert "idempotent-replayed" not in first.headers
    assert (again.headers["x-edit-id"], again.headers["idempotent-replayed"]) == (first.headers["x-edit-id"], "true")


@pytest.mark.parametrize("case", OTHERS)
def test_another_request_is_refused_under_the_same_key(shared: RunningServer, case: str) -> None:
    """400 `idempotency_key_reused`, and nothing is begun; the first request still gets its edit."""
    key = f"other-{case}".replace(" ", "-")
    first = claimed(shared, key)
    refused = claimed(shared, key, **OTHERS[case])
    assert (refused.status, refused.error["code"], refused.error["param"]) == (400, "idempotency_key_reused", "idempotency-key")
    assert "x-edit-id" not in refused.headers
    assert claimed(shared, key).body == first.body


def test_a_config_is_compared_but_for_its_patience(shared: RunningServer) -> None:
    """The same maker with another key for the account and more retries is the same edit; another maker is refused."""

    def ask(**config: Any) -> Answer:
        named = {"provider": "mock", **config}
        return claimed(shared, "config", headers={"x-portkey-config": json.dumps(named)})

    first = ask(api_key="sk-old")
    assert ask(api_key="sk-new", retry={"attempts": 3}).headers["x-edit-id"] == first.headers["x-edit-id"]
    assert ask(override_params={"model": "mock"}).error["code"] == "idempotency_key_reused"


def test_json_and_multipart_are_the_same_request(server: RunningServer) -> None:
    """The pictures and fields count, not the encoding of the body."""
    key = {"idempotency-key": "json"}
    body = {"prompt": "p", "model": "mock", "n": 2, "images": [{"image_url": "data:image/png;base64,iVBORw0KGgo="}]}
    by_json = httpx.post(server.edits_url, json=body, headers=key)
    files = [("image", ("a.png", bytes.fromhex("89504e470d0a1a0a"), "image/png"))]
    by_form = post(server.edits_url, {"prompt": "p", "model": "mock", "n": "2"}, files, key)
    assert by_form.headers["x-edit-id"] == by_json.headers["x-edit-id"]


IMAGE, MASK = Reference("images[0].image_url", url="https://x/a"), Reference("mask.file_id", file_id="file-1")


@pytest.mark.parametrize(
    ("image", "mask", "is_same"),
    [
        (IMAGE, MASK, True),
        (replace(IMAGE, param="images[0].image_url.url"), MASK, True),
        (replace(IMAGE, url="https://x/b"), MASK, False),
        (Reference("images[0].file_id", file_id="https://x/a"), MASK, False),
        (IMAGE, replace(MASK, file_id="file-2"), False),
        (IMAGE, None, False),
    ],
)
async def test_an_image_that_is_only_named_counts_by_its_name(image: Reference, mask: Reference | None, is_same: bool) -> None:
    """Its URL or file id, whether its content has been brought in or not."""

    async def fingerprint(image: Reference | None, mask: Reference | None, content: bytes) -> bytes:
        named = [InputImage(Upload(content), "image", "image/png", reference) for reference in (image, mask)]
        return (await claim_of("key", "alice", EditRequest("p", (named[0],), mask=named[1]))).fingerprint

    first = await fingerprint(IMAGE, MASK, b"")
    assert (await fingerprint(image, mask, b"") == first) is is_same
    assert (await fingerprint(image, mask, b"brought in") == first) is is_same


def test_another_principal_s_key_is_another_key(shared: RunningServer) -> None:
    """Two callers who choose the same key have an edit each, and never learn of the other's."""
    mine, theirs = claimed(shared, "popular"), claimed(shared, "popular", headers=BOB)
    assert "idempotent-replayed" not in theirs.headers
    assert mine.headers["x-edit-id"] != theirs.headers["x-edit-id"]
    assert claimed(shared, "popular", fields={**FIELDS, "prompt": "q"}, headers=BOB).status == 400
    assert claimed(shared, "popular").headers["x-edit-id"] == mine.headers["x-edit-id"]


@pytest.mark.parametrize("key", [b"", b"a\tb", b"x" * 256, "ключ".encode(), b"\xff"])
def test_a_key_that_is_none_is_refused(server: RunningServer, key: bytes) -> None:
    """A key is 1 to 255 visible ASCII characters: anything else is 400, and no edit."""
    headers = [(b"idempotency-key", key)]
    refused = Answer.of(
        httpx.post(server.edits_url, data={"prompt": "p", "model": "mock"}, files={"image": PNG}, headers=headers)
    )
    assert (refused.status, refused.error["code"], refused.error["param"]) == (
        400,
        "invalid_idempotency_key",
        "idempotency-key",
    )
    assert "x-edit-id" not in refused.headers


def test_the_longest_key_is_one(server: RunningServer) -> None:
    """255 characters."""
    answers = [post(server.edits_url, {"model": "mock"}, headers={"idempotency-key": "!~" * 127 + "x"}) for _ in range(2)]
    assert answers[0].headers["x-edit-id"] == answers[1].headers["x-edit-id"]


def test_a_failure_is_replayed_as_well(scripted: ScriptedUpstream, relay: RunningServer) -> None:
    """What failed after somebody may have paid is not bought again under its key: the error is told again."""
    scripted.play([head() + chunk(frame(partial())) + END])
    first, again = (post(relay.edits_url, headers={"idempotency-key": "paid"}) for _ in range(2))
    assert (first.status, first.error["code"]) == (502, "upstream_incomplete")
    assert (again.status, again.error, again.headers["x-edit-id"]) == (first.status, first.error, first.headers["x-edit-id"])
    assert again.headers["idempotent-replayed"] == "true"
    assert len(scripted.asked) == 1


def test_a_wrong_request_uses_up_no_key(server: RunningServer) -> None:
    """A request that is refused before it becomes an edit may be corrected and sent under the same key."""
    key = {"idempotency-key": "corrected"}
    assert post(server.edits_url, {"model": "mock", "n": "11"}, headers=key).status == 400
    assert post(server.edits_url, {"model": "no such model"}, headers=key).status == 404
    assert post(server.edits_url, {"model": "mock"}, headers=key).status == 200


def test_an_edit_is_joined_while_it_runs(scripted: ScriptedUpstream, relay: RunningServer) -> None:
    """A caller whose first connection broke off sends its request again and sees the events from the first one on."""
    gate = threading.Event()
    scripted.play([head() + chunk(frame(partial())), gate, chunk(frame(completed())) + END], [Hang()])
    fields, key = {"prompt": "p", "stream": "true"}, {"idempotency-key": "again"}
    with httpx.stream("POST", relay.edits_url, data=fields, files={"image": PNG}, headers=key) as broken_off:
        assert next(broken_off.iter_bytes()).startswith(b"event: image_edit.partial_image")
    gate.set()
    joined = post(relay.edits_url, fields, [("image", PNG)], key)
    assert joined.names == ["partial_image", "completed"]
    assert len(scripted.asked) == 1


def test_the_key_of_a_forgotten_edit_buys_nothing() -> None:
    """Once its edit is not kept any more a key is 410: neither a second edit nor a wrong one."""
    with serving(settings_of(Target("mock", "mock", params={"mock_pace_s": 0}), retention_s=0)) as forgetful:
        first, again = (post(forgetful.edits_url, headers={"idempotency-key": "old"}) for _ in range(2))
    assert first.status == 200
    assert (again.status, again.error["code"], again.error["param"]) == (410, "edit_expired", "idempotency-key")
