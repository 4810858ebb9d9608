"""OpenAI's Files over HTTP, on either database: uploads, lists, contents, deletion; each key sees its own alone."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from clients import PNG
from databases import KINDS, fresh_database
from servers import RunningServer, serving, settings_of

from streamedit.storage import StorageSettings
from streamedit.targets import Target

MOCK = Target("mock", "mock", params={"mock_pace_s": 0})
MINE = {"authorization": "Bearer sk-one"}
THEIRS = {"authorization": "Bearer sk-two"}
NOBODYS = "file-" + "0" * 32


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server's contents are."""
    return tmp_path_factory.mktemp("files") / "blobs"


@pytest.fixture(scope="module", params=KINDS)
def locked(request: pytest.FixtureRequest, folder: Path) -> Iterator[RunningServer]:
    """A server with two keys, on each kind of database."""
    storage = StorageSettings(folder=folder, file_bytes=1 << 20, key_bytes=4 << 20, key_files=50)
    with (
        fresh_database(request.param, folder.parent) as url,
        serving(settings_of(MOCK, keys=("sk-one", "sk-two"), database_url=url, storage=storage)) as running,
    ):
        yield running


@pytest.fixture
def api(locked: RunningServer) -> Iterator[httpx.Client]:
    """Whoever has the first key, and no file yet."""
    with httpx.Client(base_url=locked.url, headers=MINE) as client:
        yield client
        for file in client.get("/v1/files").json()["data"]:
            client.delete(f"/v1/files/{file['id']}")


def contents(folder: Path) -> list[Path]:
    """All that is stored, whole or in part."""
    return [path for path in folder.rglob("*") if path.is_file()]


def upload(api: httpx.Client, content: bytes = PNG, name: str = "photo.png", **fields: str) -> dict[str, Any]:
    """The file that was kept."""
    answer = api.post("/v1/files", files={"file": (name, content)}, data={"purpose": "vision", **fields})
    assert answer.status_code == 200, answer.text
    kept: dict[str, Any] = answer.json()
    return kept


def refused(answer: httpx.Response, status: int, param: str | None, code: str) -> None:
    """With OpenAI's envelope."""
    error = answer.json()["error"]
    assert (answer.status_code, error["param"], error["code"]) == (status, param, code), answer.text


def test_a_file_is_kept_told_and_given_back(api: httpx.Client) -> None:
    """As OpenAI tells of it; its content to the byte, as something to be saved."""
    kept = upload(api)
    told = {name: value for name, value in kept.items() if name not in ("id", "created_at")}
    assert told == {
        "object": "file", "bytes": len(PNG), "expires_at": None, "filename": "photo.png", "purpose": "vision",
        "status": "processed", "status_details": None,
    }  # fmt: skip
    assert api.get(f"/v1/files/{kept['id']}").json() == kept
    content = api.get(f"/v1/files/{kept['id']}/content")
    assert content.content == PNG
    assert content.headers["content-type"] == "image/png"
    assert content.headers["content-disposition"] == 'attachment; filename="photo.png"'
    assert content.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in content.headers["content-security-policy"]
    assert content.headers["cache-control"] == "private, no-cache"


def test_the_same_content_is_stored_once(api: httpx.Client, locked: RunningServer, folder: Path) -> None:
    """Under any number of ids, of any keys; it is gone with the last of them, and not before."""

    def stored() -> int:
        return len(contents(folder))

    before = stored()
    one, two = upload(api), upload(api, name="other.png")
    with httpx.Client(base_url=locked.url, headers=THEIRS) as other:
        three = upload(other)
        assert len({one["id"], two["id"], three["id"]}) == 3
        assert stored() == before + 1
        for client, file in ((api, one), (api, two)):
            assert client.delete(f"/v1/files/{file['id']}").status_code == 200
        assert other.get(f"/v1/files/{three['id']}/content").content == PNG
        other.delete(f"/v1/files/{three['id']}")
    assert stored() == before


def test_a_deleted_file_is_gone(api: httpx.Client) -> None:
    """OpenAI's answer, then a 404 for whatever is asked of it."""
    kept = upload(api)
    assert api.delete(f"/v1/files/{kept['id']}").json() == {"id": kept["id"], "object": "file", "deleted": True}
    for method, path in (("GET", ""), ("GET", "/content"), ("DELETE", "")):
        refused(api.request(method, f"/v1/files/{kept['id']}{path}"), 404, "id", "file_not_found")


def test_each_key_sees_its_own(api: httpx.Client, locked: RunningServer) -> None:
    """Another's file is answered as one that is not there."""
    kept = upload(api)
    with httpx.Client(base_url=locked.url, headers=THEIRS) as other:
        for method, path in (("GET", ""), ("GET", "/content"), ("DELETE", "")):
            answer = other.request(method, f"/v1/files/{kept['id']}{path}")
            refused(answer, 404, "id", "file_not_found")
            none = other.request(method, f"/v1/files/{NOBODYS}{path}")
            assert answer.json() == none.json()
        assert other.get("/v1/files").json()["data"] == []
    assert httpx.get(f"{locked.url}/v1/files/{kept['id']}").status_code == 401


@pytest.mark.parametrize(
    "file_id",
    [
        "file-1",
        "..",
        "%2e%2e",
        "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "file-" + "0" * 31 + "%00",
        "x" * 5000,
        "FILE-" + "0" * 32,
        "😀",
    ],
)
def test_what_is_no_id_is_not_looked_for(api: httpx.Client, file_id: str) -> None:
    """404 as for any that is not there, whatever tricks it plays."""
    for path in ("", "/content"):
        answer = api.get(f"/v1/files/{file_id}{path}")
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] in ("file_not_found", "not_found")


def test_lists_are_pages(api: httpx.Client) -> None:
    """The newest first; of one purpose; as many as are asked for, and whether there are more; behind any of them."""
    made = [upload(api, PNG + bytes([number]), purpose="ab"[number % 2]) for number in range(5)]
    newest_first = [file["id"] for file in made[::-1]]
    listed = api.get("/v1/files").json()
    assert listed["object"] == "list"
    assert [file["id"] for file in listed["data"]] == newest_first
    assert (listed["first_id"], listed["last_id"], listed["has_more"]) == (newest_first[0], newest_first[-1], False)
    page = api.get("/v1/files", params={"limit": 2, "after": newest_first[0]}).json()
    assert [file["id"] for file in page["data"]] == newest_first[1:3]
    assert page["has_more"]
    oldest = api.get("/v1/files", params={"order": "asc", "limit": 1}).json()
    assert oldest["data"] == [made[0]]
    assert [file["purpose"] for file in api.get("/v1/files", params={"purpose": "b"}).json()["data"]] == ["b", "b"]
    refused(api.get("/v1/files", params={"after": NOBODYS}), 400, "after", "file_not_found")
    refused(api.get("/v1/files", params={"limit": 0}), 400, "limit", "invalid_value")


def test_an_upload_may_say_when_it_expires(api: httpx.Client) -> None:
    """So many seconds after it was made, from an hour to thirty days."""
    expiry = {"expires_after[anchor]": "created_at", "expires_after[seconds]": "7200"}
    kept = upload(api, PNG, "photo.png", **expiry)
    assert kept["expires_at"] - kept["created_at"] == 7200
    answer = api.post(
        "/v1/files", files={"file": PNG}, data={"purpose": "vision", **expiry, "expires_after[seconds]": str(31 * 24 * 3600)}
    )
    refused(answer, 400, "expires_after.seconds", "invalid_value")


def test_edens_upload_is_answered_in_its_words(api: httpx.Client) -> None:
    """Its purpose may be left out, and it stays for a week; the same file is there for OpenAI's routes."""
    answer = api.post("/v3/upload", files={"file": ("photo.png", PNG)})
    told = answer.json()
    assert answer.status_code == 200
    assert (told["filename"], told["file_name"], told["bytes"], told["purpose"]) == (
        "photo.png",
        "photo.png",
        len(PNG),
        "vision",
    )
    file = api.get(f"/v1/files/{told['file_id']}").json()
    assert file["expires_at"] - file["created_at"] == 7 * 24 * 3600
    assert told["expires_at"].endswith("Z")


def test_parts_of_a_content(api: httpx.Client) -> None:
    """Ranges, and nothing at all for whoever has it already; HEAD tells the same without it."""
    path = f"/v1/files/{upload(api)['id']}/content"
    part = api.get(path, headers={"range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, PNG[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(PNG)}"
    assert api.get(path, headers={"range": "bytes=-4"}).content == PNG[-4:]
    beyond = api.get(path, headers={"range": f"bytes={len(PNG)}-"})
    refused(beyond, 416, "range", "invalid_range")
    assert beyond.headers["content-range"] == f"bytes */{len(PNG)}"
    etag = part.headers["etag"]
    assert etag == f'"{hashlib.sha256(PNG).hexdigest()}"'
    known = api.get(path, headers={"if-none-match": etag})
    assert (known.status_code, known.content) == (304, b"")
    head = api.head(path)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(PNG)))


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("naïve 😀.png", "attachment; filename=\"na_ve _.png\"; filename*=UTF-8''na%C3%AFve%20%F0%9F%98%80.png"),
        ('a"b.png', None),
        ("../../evil.html", 'attachment; filename="evil.html"'),
    ],
)
def test_a_name_cannot_break_a_header(api: httpx.Client, name: str, told: str | None) -> None:
    """It is quoted, whole for whoever reads RFC 6266, and never a path."""
    kept = upload(api, name=name)
    disposition = api.get(f"/v1/files/{kept['id']}/content").headers["content-disposition"]
    assert told in (None, disposition)
    assert disposition.count('"') == 2
    assert "/" not in kept["filename"]


def test_what_is_no_image_is_kept_as_bytes(api: httpx.Client) -> None:
    """A page stays no page: it is saved, and never shown as what it says that it is."""
    kept = upload(api, b"<script>alert(1)</script>", "evil.html", purpose="user_data")
    content = api.get(f"/v1/files/{kept['id']}/content")
    assert content.headers["content-type"] == "application/octet-stream"
    assert content.headers["content-disposition"].startswith("attachment")


def test_room_is_bounded(api: httpx.Client, locked: RunningServer) -> None:
    """By file, and by key; what is refused leaves nothing behind, and another key has its own room."""
    too_large = api.post("/v1/files", files={"file": bytes((1 << 20) + 1)}, data={"purpose": "vision"})
    refused(too_large, 413, "file", "file_too_large")
    megabyte = bytes(1 << 20)
    for number in range(4):
        upload(api, megabyte[:-1] + bytes([number]))
    answer = api.post("/v1/files", files={"file": PNG}, data={"purpose": "vision"})
    refused(answer, 413, "file", "storage_quota_exceeded")
    with httpx.Client(base_url=locked.url, headers=THEIRS) as other:
        theirs = upload(other)
        other.delete(f"/v1/files/{theirs['id']}")


def test_a_full_disk_is_a_clean_error(tmp_path: Path) -> None:
    """507, which no client tries again by itself; nothing is left, and edits go on."""
    storage = StorageSettings(folder=tmp_path / "blobs", reserve_bytes=1 << 60)
    database_url = f"sqlite:///{tmp_path / 'db'}"
    with serving(settings_of(MOCK, database_url=database_url, storage=storage)) as running:
        answer = httpx.post(f"{running.url}/v1/files", files={"file": PNG}, data={"purpose": "vision"})
        refused(answer, 507, None, "storage_full")
        assert answer.headers["x-should-retry"] == "false"
        assert httpx.get(f"{running.url}/v1/files").json()["data"] == []
        edit = httpx.post(running.edits_url, data={"prompt": "x"}, files={"image": ("a.png", PNG, "image/png")})
        assert edit.status_code == 200, edit.text
    assert contents(tmp_path / "blobs") == []


def test_without_a_database_there_are_no_files() -> None:
    """503, which says what is missing; a file id in an edit is refused by its name."""
    with serving(settings_of(MOCK)) as running:
        refused(httpx.get(f"{running.url}/v1/files"), 503, None, "no_database")
        asked = {"prompt": "x", "images": [{"file_id": NOBODYS}]}
        answer = httpx.post(running.edits_url, json=asked)
        refused(answer, 400, "images[0].file_id", "unsupported_parameter")


def test_nothing_of_a_file_is_logged(api: httpx.Client, locked: RunningServer) -> None:
    """Neither its name nor what is in it."""
    kept = upload(api, b"canary-in-content", "canary-in-name.png")
    api.get(f"/v1/files/{kept['id']}/content")
    assert "canary" not in json.dumps(locked.log_text)
