"""A row of the repertoire, and how its cells are written.

A cell of phrases parts them by commas. Each phrase is a row of words, and each word stands for its usual forms ("remove" is
also "removed" and "removing"); `a|b` is either, `..` up to four words between, `<colour>` the name of a colour.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the repertoire.

    `asks`: phrases that ask for it. `opposite`: phrases that ask for the other way; the amount is then negative. `two_way`:
    whether there is one, though no phrase asks for it. `usual`: the amount where the prompt does not say one. `adjustable`:
    whether it can be done by halves; `characterful`: whether it can be done in several ways all the same. `reads`: what else is
    read of what is said about it, in the words of `readers.READERS`. `kinds`: its own kinds, and the phrases that name them.
    `scoped`: whether it can be done to the subject, or to the background, alone; `local`: whether the mere name of what is in a
    picture says so ("brighten the face"). `needs`: "mask" or "image" (a second one), where it cannot do without; `others`:
    whether it looks at further images. `work_ms`: about how long it takes, for a megapixel on one core.
    """

    name: str
    example: str
    asks: str
    opposite: str = ""
    two_way: bool = False
    usual: float = 1.0
    adjustable: bool = True
    characterful: bool = False
    reads: str = ""
    kinds: Mapping[str, str] = field(default_factory=dict)
    scoped: bool = True
    local: bool = False
    needs: str = ""
    others: bool = False
    work_ms: int = 20

    @property
    def goes_both_ways(self) -> bool:
        """Whether its amount may be negative."""
        return self.two_way or bool(self.opposite)


def phrases(cell: str) -> Sequence[str]:
    """The phrases, or other words, of one cell."""
    return cell.split(", ") if cell else ()
