"""Programs in a document as it came from its crawler, which has lost blanks and indentation on the way."""

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path

_FENCE = re.compile(r"^`{3,}.*$", re.MULTILINE)
_HEADING = re.compile(r"^#+ (.+?)(?:\[\].*)?$", re.MULTILINE)
_INDENT = "    "


def programs(document: Path, word: str) -> Mapping[str, str]:
    """The listings with that word in them, repaired, by the heading above them; the second of a heading has a 2 behind it."""
    found: dict[str, str] = {}
    heading = ""
    for text in _FENCE.split(document.read_text(encoding="utf-8")):
        if word in text and not _HEADING.search(_without_comments(text)):
            found[f"{heading} 2" if heading in found else heading] = repaired(text)
        headings = _HEADING.findall(_without_comments(text))
        heading = headings[-1].strip() if headings else heading
    return found


def _without_comments(text: str) -> str:
    """A comment in a program looks like a heading of the first level; the document's own begin at the third."""
    return re.sub(r"^#{1,2} .*$", "", text, flags=re.MULTILINE)


def repaired(program: str) -> str:
    """With the blanks between words, and the indentation of what belongs to a compound statement."""
    return "\n".join(_indented(_returned(_parted(program).splitlines()))) + "\n"


def _parted(program: str) -> str:
    """Keywords stand by themselves: `asyncdef`, `inenumerate`, `withopen`."""
    program = re.sub(r"\basyncdef", "async def ", program)
    program = re.sub(r"\binenumerate\b", "in enumerate", program)
    return re.sub(r"\bwithopen\b", "with open", program)


def _returned(lines: list[str]) -> list[str]:
    """A function's `return` is inside it."""
    return [_INDENT + line if line.startswith("return ") else line for line in lines]


def _indented(lines: list[str]) -> Iterator[str]:
    """What follows a colon is deeper than what has it."""
    yield lines[0]
    for before, line in pairwise(lines):
        is_body = before.rstrip().endswith(":") and bool(line.strip())
        yield _INDENT + line if is_body and _depth(line) <= _depth(before) else line


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())
