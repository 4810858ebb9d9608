"""Where uploaded files and hosted results are kept."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from examined import found, patient

from streamedit.config import Settings
from streamedit.doctor import examine
from streamedit.doctor.facts import Facts, Folder
from streamedit.doctor.findings import Level
from streamedit.storage import StorageSettings

PLACE = Path("/srv/files")
DATABASE = "sqlite:////a.db"
GIB = 1 << 30


def said(settings: Settings | None = None, **folder: Any) -> dict[str, Level]:
    """What is said of such a folder."""
    told = found(settings or patient(), storage=Folder(PLACE, **{"free_bytes": 100 * GIB, **folder}))
    return {topic: level for topic, level in told.items() if "storage" in topic}


def test_a_good_one_is_no_word_worth() -> None:
    """Whether it is there already or not."""
    assert said() == said(mode=0o755, inner_modes=(0o700, 0o700)) == {}
    assert "storage" not in "".join(found(patient()))


def test_one_that_takes_nothing() -> None:
    """Is where a start would end, and is told with what it lacks."""
    assert said(lacks="/srv is not a folder") == {"no_storage": Level.RISK}
    (finding, *_) = examine(patient(), Facts(storage=Folder(PLACE, "/srv is not a folder", free_bytes=100 * GIB)))
    assert finding.what == "Files cannot be kept in /srv/files: /srv is not a folder."


@pytest.mark.parametrize(
    ("mode", "inner", "topics"),
    [
        (0o700, (0o755,), {}),
        (0o755, (0o750, 0o640), {}),
        (0o755, (0o700, 0o755), {"open_storage": Level.RISK}),
        (0o744, (0o755,), {}),
        (0o773, (0o700,), {"writable_storage": Level.RISK}),
        (None, (), {}),
    ],
)
def test_who_else_gets_in(mode: int | None, inner: Sequence[int], topics: dict[str, Level]) -> None:
    """What the server makes is its own, in a folder that others may enter, too; what somebody has opened is not."""
    assert said(mode=mode, inner_modes=inner) == topics


@pytest.mark.parametrize(
    ("free", "topics"),
    [
        (99, {"full_storage": Level.WARNING}),
        (100, {"full_storage": Level.WARNING}),
        (149, {"little_storage": Level.NOTE}),
        (150, {}),
    ],
)
def test_room(free: int, topics: dict[str, Level]) -> None:
    """Beside what stays free there has to be some; for the largest file that is taken, if it shall be enough."""
    settings = patient(storage=StorageSettings(reserve_bytes=100, file_bytes=50))
    assert said(settings, free_bytes=free) == topics


def test_what_does_not_last() -> None:
    """Matters for those who keep files, which needs a database."""
    assert said(patient(database_url=DATABASE), is_passing=True) == {"passing_storage": Level.WARNING}
    assert said(is_passing=True) == said(patient(database_url=DATABASE)) == {}


@pytest.mark.parametrize(
    ("server", "names"),
    [
        ({"redis_url": "rediss://:p@cache.example/0"}, "beside Redis that"),
        ({"database_url": "postgresql://db.example/d"}, "beside a database that"),
        (
            {"redis_url": "redis://cache.example", "database_url": "postgresql:///d?host=10.0.0.1"},
            "beside Redis and a database that",
        ),
    ],
)
def test_a_folder_of_one_machine_beside_stores_of_several(server: dict[str, Any], names: str) -> None:
    """All have to have it."""
    findings = examine(patient(**server), Facts(storage=Folder(PLACE, free_bytes=100 * GIB)))
    (finding,) = (each for each in findings if each.topic == "local_storage")
    assert finding.level is Level.NOTE
    assert names in finding.what


@pytest.mark.parametrize(
    "server",
    [
        {"redis_url": "redis://127.0.0.1"},
        {"redis_url": "unix:///run/redis.sock"},
        {"database_url": DATABASE},
        {"database_url": "postgresql://localhost/d"},
        {"database_url": "postgresql:///d"},
    ],
)
def test_stores_of_one_machine_need_no_more(server: dict[str, Any]) -> None:
    """Its processes have one disk."""
    assert said(patient(**server)) == {}


def test_in_a_bucket_all_have_them() -> None:
    """There is no folder then."""
    server: dict[str, Any] = {"redis_url": "redis://cache.example", "database_url": "postgresql://db.example/d"}
    assert "local_storage" not in found(patient(**server))
