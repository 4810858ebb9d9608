"""Where pictures go: whole, or not at all."""

import os
import stat
from pathlib import Path

import pytest

from streamedit.cli.editing.outputs import NamedFile, NewFile, OutputError, format_of, made, suffix_of, write

PNG = b"\x89PNG\r\n\x1a\n"


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    """Readers of the old one keep it, nothing else is left, and the mode is that of any new file."""
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    with path.open("rb") as reader:
        write(path, b"new")
        assert reader.read() == b"old"
    path.with_name("plain").touch()
    assert (path.read_bytes(), path.stat().st_mode) == (b"new", path.with_name("plain").stat().st_mode)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.png", "plain"]


def test_a_link_stays_one(tmp_path: Path) -> None:
    """What it leads to is replaced."""
    (tmp_path / "there").mkdir()
    link = tmp_path / "link.png"
    link.symlink_to(tmp_path / "there" / "a.png")
    write(link, b"new")
    assert link.is_symlink() and link.read_bytes() == b"new"


def test_what_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    """Neither a part of it nor another name."""
    (tmp_path / "a").mkdir()
    with pytest.raises(OutputError, match="cannot be written: Is a directory"):
        write(tmp_path / "a", b"new")
    with pytest.raises(FileExistsError):
        write(tmp_path / "a", b"new", replaces=False)
    assert [each.name for each in tmp_path.iterdir()] == ["a"]


def test_a_pipe_with_a_name_is_written_to(tmp_path: Path) -> None:
    """Nothing takes its place."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write(pipe, b"new")
    assert os.read(reader, 10) == b"new"
    os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_two_at_once_have_two_names(tmp_path: Path) -> None:
    """A name that somebody takes meanwhile is left to them."""
    output = NewFile(tmp_path, "photo")
    (tmp_path / "photo-edited.png").touch()
    assert [output.keep(PNG, 0).name, output.keep(PNG, 1).name] == ["photo-edited-2.png", "photo-edited-3.png"]
    assert (tmp_path / "photo-edited.png").read_bytes() == b""


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    """It is told before anything is begun."""
    with pytest.raises(OutputError, match="is a folder"):
        NamedFile(tmp_path, 1)


def test_folders_are_made(tmp_path: Path) -> None:
    """With those above them; one that is there will do."""
    made(tmp_path / "a" / "b")
    made(tmp_path / "a" / "b")
    assert list((tmp_path / "a" / "b").iterdir()) == []


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("a.PNG", "png"),
        ("a.jpeg", "jpeg"),
        ("a.jpg", "jpeg"),
        ("a.webp", "webp"),
        ("a", None),
        ("-", None),
        (None, None),
        (".", None),
    ],
)
def test_a_name_asks_for_a_format(name: str | None, asked: str | None) -> None:
    """By its suffix."""
    assert format_of(name) == asked


@pytest.mark.parametrize(("content", "suffix"), [(PNG, ".png"), (b"\xff\xd8\xff", ".jpg"), (b"<svg", ".bin")])
def test_a_content_has_a_suffix(content: bytes, suffix: str) -> None:
    """What it is, whatever was asked for."""
    assert suffix_of(content) == suffix
