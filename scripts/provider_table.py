"""The README's tables of providers and parameters, drawn from the providers' capabilities.

Without arguments they are printed; `--write` puts them into the README between its marks.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

from streamedit.providers import CATALOGUE
from streamedit.providers.capabilities import PARAMETERS, Capabilities, Support

README = Path(__file__).parent.parent / "README.md"
MARKS = ("<!-- providers: ./scripts/provider_table --write -->\n", "<!-- end of providers -->\n")

_CELLS = {Support.NATIVE: "native", Support.MAPPED: "mapped", Support.DROPPED: "dropped", Support.REFUSED: "**400**"}


def tables() -> str:
    """Markdown: OpenAI's parameters, then the providers' own; a row for each family of models, or for several alike."""
    parameters = _table(["models", "images in", "kinds", "`n` a call", *(f"`{name}`" for name in PARAMETERS[1:])], _parameters)
    own = _table(["models", "fields"], _own)
    return f"{parameters}\nFields of their own:\n\n{own}"


def _table(head: Sequence[str], cells: Callable[[Capabilities], Sequence[str]]) -> str:
    rows = [head, ["---"] * len(head), *_rows(cells)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _rows(cells: Callable[[Capabilities], Sequence[str]]) -> Iterator[Sequence[str]]:
    for entry in CATALOGUE.values():
        for alike, families in groupby(entry.families.items(), key=lambda family: cells(family[1])):
            if any(alike):
                yield [", ".join(f"`{name}`" for name, _ in families), *alike]


def _parameters(capabilities: Capabilities) -> Sequence[str]:
    support = [_CELLS[capabilities.support(name)] for name in PARAMETERS[1:]]
    return [str(capabilities.max_images), ", ".join(capabilities.inputs), str(capabilities.n), *support]


def _own(capabilities: Capabilities) -> Sequence[str]:
    return ["any other, as it is" if capabilities.verbatim else ", ".join(f"`{name}`" for name in capabilities.extras)]


def written(readme: str) -> str:
    """The README with the tables of today."""
    before, _, rest = readme.partition(MARKS[0])
    return before + MARKS[0] + "\n" + tables() + "\n" + MARKS[1] + rest.partition(MARKS[1])[2]


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        README.write_text(written(README.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        sys.stdout.write(tables())
