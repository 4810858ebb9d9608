"""Where an edit's pictures go: into files that are whole or not there at all, or into a pipe."""

import os
import secrets
import stat
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from streamedit.images import inspect

STDIO = "-"
FORMATS = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".webp": "webp"}
"""OpenAI's output formats by the suffixes of their files."""

_SUFFIXES = {"jpeg": ".jpg"}


class OutputError(Exception):
    """Nothing could be put there; its words say why, and what to do."""


class Output(Protocol):
    """Takes finished pictures."""

    def keep(self, content: bytes, image_index: int) -> Path | None:
        """Put one down. Gives its path; None for a pipe. Raises OutputError, BrokenPipeError."""
        ...


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A file that was named; of several pictures each has its number. What has the name is replaced. Raises OutputError."""

    path: Path
    n: int

    def __post_init__(self) -> None:
        _check_folder(self.path.parent)
        if self.path.is_dir():
            raise OutputError(f"{self.path} is a folder.")

    def keep(self, content: bytes, image_index: int) -> Path:
        path = self.path if self.n == 1 else _numbered(self.path, image_index + 1)
        write(path, content)
        return path


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file beside the input, with a name that nothing has. Raises OutputError."""

    folder: Path
    stem: str

    def __post_init__(self) -> None:
        _check_folder(self.folder)

    def keep(self, content: bytes, image_index: int) -> Path:
        first = self.folder / f"{self.stem}-edited{suffix_of(content)}"
        number = 1
        while True:
            path = first if number == 1 else _numbered(first, number)
            with suppress(FileExistsError):
                write(path, content, replaces=False)
                return path
            number += 1


class Pipe:
    """The standard output."""

    def keep(self, content: bytes, image_index: int) -> None:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()


def output_of(given: str | None, images: Sequence[str], n: int, *, piped: bool) -> Output:
    """Where to: as `given`, else into the pipe when there is one, else beside the first of `images`. Raises OutputError."""
    if given == STDIO or (given is None and piped):
        if n > 1:
            raise OutputError(f"{n} pictures do not fit into one pipe: name a file with -o.")
        if sys.stdout.isatty():
            raise OutputError("A terminal cannot show the bytes of a picture: name a file with -o, or pipe them on.")
        return Pipe()
    source = Path("." if images[0] == STDIO else images[0])
    stem = "image" if images[0] == STDIO else source.stem
    if given is None:
        return NewFile(source.parent, stem)
    if Path(given).is_dir():
        return NewFile(Path(given), stem)
    return NamedFile(Path(given), n)


def format_of(given: str | None) -> str | None:
    """The output format that a file's name asks for; None for one without a suffix. Raises OutputError."""
    suffix = Path(given or "").suffix.lower()
    if not suffix or given == STDIO or Path(str(given)).is_dir():
        return None
    if suffix not in FORMATS:
        raise OutputError(f"{given} is none of png, jpg and webp: choose one of those, or say which with --format.")
    return FORMATS[suffix]


def suffix_of(content: bytes) -> str:
    """Of a file with this content."""
    info = inspect(content)
    return _SUFFIXES.get(info.kind, f".{info.kind}") if info else ".bin"


def write(path: Path, content: bytes, *, replaces: bool = True) -> None:
    """A whole file, or none. Raises OutputError, and FileExistsError where it is not to replace what is there."""
    path = path.resolve()
    try:
        if replaces and _is_special(path):
            path.write_bytes(content)
            return
        _write_whole(path, content, replaces=replaces)
    except FileExistsError:
        raise
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror}.") from None


def _write_whole(path: Path, content: bytes, *, replaces: bool) -> None:
    part = _part(path.parent)
    try:
        with part.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if replaces:
            part.replace(path)
        else:
            # Unlike a rename, a link fails where something has the name.
            path.hardlink_to(part)
    finally:
        part.unlink(missing_ok=True)


def made(folder: Path) -> None:
    """Make a folder where there is none. Raises OutputError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder} cannot be made: {error.strerror}.") from None
    _check_folder(folder)


def _check_folder(folder: Path) -> None:
    """Before anybody is paid: whether a file can be made there."""
    part = _part(folder)
    try:
        part.touch(exist_ok=False)
        part.unlink()
    except OSError as error:
        raise OutputError(
            f"Nothing can be written to {folder.resolve()}: {error.strerror}. Name another place with -o."
        ) from None


def _part(folder: Path) -> Path:
    return folder / f".streamedit-{secrets.token_hex(6)}.part"


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f"{path.stem}-{number}{path.suffix}")


def _is_special(path: Path) -> bool:
    """A device or a pipe: nothing may take its place."""
    return path.exists() and not stat.S_ISREG(path.stat().st_mode)
