"""What the database and the ledger say, and who answered."""

import pytest
from examined import found, patient

from streamedit.doctor.facts import Visit
from streamedit.doctor.findings import Level
from streamedit.parties import ApiKey
from streamedit.stores.sql.inspection import Inspection

DAY_S = 86_400.0


@pytest.mark.parametrize(
    ("visit", "topic", "level"),
    [
        (Visit("api.example:443"), "reached", Level.OK),
        (Visit("api.example:443", "nobody knows this name"), "unreachable", Level.WARNING),
        (Visit("Redis at h", "it does not answer", is_needed=True), "unreachable", Level.RISK),
    ],
)
def test_who_answers(visit: Visit, topic: str, level: Level) -> None:
    """A store is worse to miss than a provider."""
    assert found(patient(), visits=[visit])[topic] is level


@pytest.mark.parametrize(
    ("revision", "topic", "level"),
    [(None, "old_schema", Level.NOTE), ("0001", "old_schema", Level.NOTE), ("0003", "foreign_schema", Level.RISK)],
)
def test_another_versions_tables(revision: str | None, topic: str, level: Level) -> None:
    """Older ones are brought up to date, newer ones are beyond this version."""
    assert found(patient(), database=Inspection(revision, "0002"))[topic] is level
    assert found(patient(), database=Inspection("0002", "0002")).keys().isdisjoint({"old_schema", "foreign_schema"})


@pytest.mark.parametrize(
    ("expires_at_s", "revoked_at_s", "is_told"),
    [
        (2 * DAY_S, None, True),
        (9 * DAY_S, None, False),
        (0.5 * DAY_S, None, False),
        (None, None, False),
        (2 * DAY_S, 0.0, False),
    ],
)
def test_keys_that_soon_expire(expires_at_s: float | None, revoked_at_s: float | None, is_told: bool) -> None:
    """Within a week, while they still open something."""
    key = ApiKey("key_a", "a", b"", 0.0, expires_at_s, revoked_at_s)
    assert ("expiring_key" in found(patient(), now_s=DAY_S, database=Inspection("1", "1", (key,)))) is is_told


def test_money_that_nobody_gives_back() -> None:
    """Some server should have."""
    assert found(patient(), database=Inspection("1", "1", (), 3))["stale_reservations"] is Level.WARNING
    assert "stale_reservations" not in found(patient(), database=Inspection("1", "1"))


@pytest.mark.parametrize(("backlog_bytes", "is_told"), [(60, True), (50, False), (None, False)])
def test_a_ledger_that_is_behind(backlog_bytes: int | None, is_told: bool) -> None:
    """From half of its room on."""
    assert ("backlog" in found(patient(ledger_bytes=100), backlog_bytes=backlog_bytes)) is is_told
