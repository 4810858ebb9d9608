"""Files that are there, and what the machine has."""

import pytest
from examined import found, patient

from streamedit.doctor.findings import Level

LITERALS = ("general_settings.master_key",)


def test_secrets_in_the_file() -> None:
    """Wherever it goes."""
    assert found(patient(), literals=LITERALS)["literal_secrets"] is Level.WARNING
    assert "literal_secrets" not in found(patient())


@pytest.mark.parametrize(
    ("mode", "literals", "topic"),
    [
        (0o644, LITERALS, "readable_file"),
        (0o644, (), None),
        (0o640, LITERALS, None),
        (0o602, (), "writable_file"),
        (0o600, LITERALS, None),
        (None, (), None),
    ],
)
def test_who_opens_the_file(mode: int | None, literals: tuple[str, ...], topic: str | None) -> None:
    """Everybody may read what is not secret; a group is whom the administrator has put in it."""
    said = found(patient(), file_mode=mode, literals=literals)
    risks = {name for name, level in said.items() if level is Level.RISK}
    assert risks == ({topic} if topic else set())


@pytest.mark.parametrize(
    ("mode", "folder", "topics"),
    [(0o600, 0o700, set()), (0o640, 0o755, set()), (0o644, 0o700, {"open_database"}), (0o600, 0o777, {"open_folder"})],
)
def test_who_opens_the_database(mode: int, folder: int, topics: set[str]) -> None:
    """Reading it is too much, and so is putting another one in its place."""
    said = found(patient(), database_mode=mode, database_folder_mode=folder)
    assert {name for name, level in said.items() if level is Level.RISK} == topics


@pytest.mark.parametrize(("free", "is_small"), [(99, True), (100, False), (None, False)])
def test_room_for_events(free: int | None, is_small: bool) -> None:
    """What the settings promise must be there."""
    assert ("small_disk" in found(patient(log_disk_bytes=100), log_free_bytes=free)) is is_small


@pytest.mark.parametrize(("files", "are_few"), [(1024, True), (2256, False), (None, False)])
def test_open_files(files: int | None, are_few: bool) -> None:
    """For one client's connections, and the provider's for each of them."""
    assert ("few_open_files" in found(patient(max_connections_per_client=1000), open_files=files)) is are_few
