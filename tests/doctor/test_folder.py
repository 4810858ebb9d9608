"""The folder of files and results as it is found: real ones."""

import os
import tempfile
from pathlib import Path

import pytest

from streamedit.doctor.folder import found

MEMORY = Path("/dev/shm")
LASTING = Path("/usr")


def test_one_that_is_there(tmp_path: Path) -> None:
    """With its permissions, those of what is in it, and the room of its disk."""
    tmp_path.chmod(0o750)
    (tmp_path / "files").mkdir(0o700)
    (tmp_path / "note").touch(0o604)
    folder = found(tmp_path)
    assert (folder.path, folder.lacks, folder.mode) == (tmp_path, None, 0o750)
    assert sorted(folder.inner_modes) == [0o604, 0o700]
    disk = os.statvfs(tmp_path)
    assert abs(folder.free_bytes - disk.f_bavail * disk.f_frsize) < 1 << 30


def test_one_that_is_not_there_yet(tmp_path: Path) -> None:
    """Can be made where the first above it is; a look does not make it."""
    folder = found(tmp_path / "not" / "there")
    assert (folder.lacks, folder.mode, folder.inner_modes) == (None, None, ())
    assert folder.free_bytes > 0
    assert list(tmp_path.iterdir()) == []


def test_one_behind_a_file(tmp_path: Path) -> None:
    """Is none, and cannot be made."""
    file = tmp_path / "file"
    file.touch()
    assert found(file).lacks == found(file / "below").lacks == f"{file} is not a folder"


@pytest.mark.skipif(os.geteuid() == 0, reason="this user may write everywhere")
def test_one_that_is_somebody_elses(tmp_path: Path) -> None:
    """Cannot be written, nor what would be below."""
    tmp_path.chmod(0o500)
    assert found(tmp_path).lacks == found(tmp_path / "below").lacks == f"nothing can be written in {tmp_path}"


def test_what_the_system_writes_itself() -> None:
    """No folder can be made in it, by anybody."""
    assert found(Path("/dev/null/below")).lacks == "/dev/null is not a folder"


def test_temporary_folders_pass(tmp_path: Path) -> None:
    """By whatever name, and before they are there."""
    link = tmp_path / "link"
    link.symlink_to(tempfile.gettempdir())
    assert found(Path(tempfile.gettempdir()) / "not-there").is_passing
    assert found(link).is_passing


@pytest.mark.skipif(not MEMORY.is_dir(), reason="this system has no such folder")
def test_folders_in_memory_pass() -> None:
    """The system says of which kind a disk is."""
    assert found(MEMORY / "not-there").is_passing


def test_other_folders_stay() -> None:
    """As what the system itself is in."""
    assert not found(LASTING).is_passing
