"""What the darkroom understands of a prompt: a table of instructions, and the words around them that say how much.

A phrase stands for its words in any usual form ("remove" is also "removed" and "removing"); `..` in it stands for up to
four words between. Nothing here knows a picture.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from streamedit.errors import InvalidRequest


@dataclass(frozen=True, slots=True)
class Instruction:
    """One thing to do. `amount`: how far, 0..1; -1..1 where the instruction also goes the other way (darker)."""

    name: str
    amount: float


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the repertoire.

    `asks`: phrases that ask for it. `opposite`: phrases that ask for the other way; the amount is then negative. `usual`: the
    amount where the prompt does not say one. `adjustable`: whether it can be done by halves.
    """

    name: str
    example: str
    asks: tuple[str, ...]
    opposite: tuple[str, ...] = ()
    usual: float = 1.0
    adjustable: bool = True


_TABLE = (
    Entry(
        "black and white", "make it black and white",
        ("black and white", "black white", "b and w", "b w", "bw", "grayscale", "gray scale", "monochrome", "remove .. color"),
        adjustable=False,
    ),
    Entry("sepia", "a sepia tone", ("sepia",), usual=0.9),
    Entry(
        "vintage", "apply a vintage filter",
        ("vintage", "retro", "old photo", "old photograph", "old film", "faded film", "aged photo", "antique", "nostalgic"),
        usual=0.8,
    ),
    Entry(
        "golden hour", "add a warm golden-hour glow",
        (
            "golden hour", "golden hour glow", "golden glow", "golden light", "warm .. glow", "warm .. light", "warm tone",
            "warm color", "warmer", "warm up", "sunset light", "sunset glow", "sunset", "sunlit", "evening sun",
        ),
        usual=0.7,
    ),
    Entry(
        "vignette", "a strong vignette",
        ("vignette", "darken .. corner", "darken .. edge", "dark corner", "dark edge", "darker corner", "darker edge"),
        usual=0.6,
    ),
    Entry("film grain", "subtle film grain", ("film grain", "grain"), usual=0.5),
    Entry(
        "sketch", "turn this photo into a pencil sketch",
        ("sketch", "pencil sketch", "pencil drawing", "line drawing", "hand drawn", "pencil drawn", "into .. drawing"),
        adjustable=False,
    ),
    Entry(
        "blur the background", "blur the background",
        (
            "blur .. background", "blurred .. background", "blurring .. background", "background .. blur",
            "background .. blurred", "defocus .. background", "out of focus background", "background .. out of focus",
            "blur everything behind", "bokeh", "shallow depth of field", "portrait mode",
        ),
        usual=0.6,
    ),
    Entry(
        "erase", "remove the object under the mask",
        ("remove", "erase", "inpaint", "delete", "get rid of", "take out", "take away", "fill in"),
        adjustable=False,
    ),
    Entry(
        "brightness", "slightly brighter",
        ("brightness", "brighter", "brighten", "lighten", "lighter", "exposure", "more bright", "less dark"),
        ("darker", "darken", "dim", "dimmer", "more dark", "less bright"),
        usual=0.4,
    ),
    Entry("contrast", "much more contrast", ("contrast", "contrasty", "punchy", "punchier"), ("flatter",), usual=0.4),
    Entry(
        "saturation", "more saturation",
        ("saturation", "saturated", "saturate", "vibrant", "vivid", "vibrance", "color boost", "boost .. color", "colorful"),
        ("muted", "mute", "desaturate", "desaturated", "washed out"),
        usual=0.4,
    ),
)  # fmt: skip

_ENTRIES: Mapping[str, Entry] = MappingProxyType({row.name: row for row in _TABLE})

_NOT_UNDERSTOOD = (
    f"The prompt asks for nothing that the darkroom can do. It can do: {', '.join(_ENTRIES)}. "
    "Example: 'black and white, strong vignette and a little film grain'."
)

_LIGHT = r"(?:slight|soft|light|mild|faint)(?:ly)?|subtl[ey]|gent(?:le|ly)|bit|little|touch|hint|somewhat|not (?:too|so|very)"
_STRONG = r"(?:strong|intense|deep|bold|extreme)(?:ly|er)?|heav(?:y|ily|ier)|dramatic(?:ally)?|much|very|lot|really"
_FACTORS = (
    (re.compile(rf"\b(?:{_LIGHT})\b"), 0.5),
    (re.compile(rf"\b(?:{_STRONG})\b"), 1.6),
    (re.compile(r"\b(?:more|increased?|raised?|higher|boost(?:ed)?|enhanced?)\b"), 1.25),
)
"""Words of amount, and what they make of the usual amount; the first row that is found counts ("very subtle" is subtle)."""

_LESS = re.compile(r"\b(?:less|low|lower(?:ed)?|reduced?|reducing|decreas(?:e|ed|ing)|turn down|tone down)\b")
_NOT = re.compile(r"\b(?:no|not|without|dont|never|avoid|nor|keep(?:ing)?|preserv(?:e|ing))\b(?! (?:too|so|very)\b)")
_PERCENT = re.compile(r"(?<![\w.])([+-]?) ?(\d{1,4}(?:\.\d+)?) ?(?:%|percent\b)")
_PERCENT_AFTER = re.compile(rf"[ :=]*(?:(?:by|to|at|of) )?{_PERCENT.pattern}")
_BREAK = re.compile(r"[,;!?()]|\.(?!\d)|\b(?:and|or|nor|with|plus|then|but|while|also)\b")
_LINK = re.compile(r" *\b(?:and|or|nor)\b *")
_ARTICLES = re.compile(r"(?: |\b(?:the|any|all|its|this|that|of|existing)\b)*")


@dataclass(frozen=True, slots=True)
class _Mention:
    """One place where the prompt speaks of an instruction. `factor` and `percent` are None where it does not say how much."""

    entry: Entry
    opposite: bool
    wanted: bool
    less: bool
    factor: float | None = None
    percent: float | None = None

    @property
    def vague(self) -> bool:
        return self.factor is None and self.percent is None and not self.less

    @property
    def amount(self) -> float:
        if not self.entry.adjustable:
            return self.entry.usual
        less = self.less or (self.percent or 0) < 0
        factor = self.factor or (0.5 if less and not self.entry.opposite else 1.0)
        size = self.entry.usual * factor if self.percent is None else abs(self.percent) / 100
        return min(1.0, size) * (-1 if self.entry.opposite and less != self.opposite else 1)


def repertoire() -> tuple[Entry, ...]:
    """All that the darkroom can do: names, an example phrase each, and the words that ask for them."""
    return _TABLE


def entry(name: str) -> Entry:
    """The row of an instruction's name. Raises KeyError."""
    return _ENTRIES[name]


def parse(prompt: str) -> tuple[Instruction, ...]:
    """The instructions of a prompt, in its order, each once. What is not understood beside them is passed over.

    Raises InvalidRequest (`prompt_not_understood`) when there is none.
    """
    wanted: dict[str, float] = {}
    mentions = _mentions(_plain(prompt))
    refused = {mention.entry.name for mention in mentions if not mention.wanted}
    for mention in mentions:
        name = mention.entry.name
        if name not in refused and not (name in wanted and mention.vague):
            wanted[name] = mention.amount
    if not wanted:
        raise InvalidRequest(_NOT_UNDERSTOOD, param="prompt", code="prompt_not_understood")
    return tuple(Instruction(name, amount) for name, amount in wanted.items())


def _plain(prompt: str) -> str:
    """Lower case, one spelling, hyphens and slashes between letters as spaces, line ends as clause ends."""
    text = re.sub(r"[\r\n]+", " ; ", prompt.casefold())
    text = re.sub(r"['\u2019]", "", text).replace("\u2212", "-").replace("&", " and ")
    text = re.sub(r"(?<=[a-z])[-\u2010-\u2014/_](?=[a-z])", " ", text)
    text = re.sub(r"\s+", " ", text)
    return text.replace("colour", "color").replace("grey", "gray")


def _mentions(text: str) -> Sequence[_Mention]:
    """What the text speaks of, in order."""
    mentions: list[_Mention] = []
    matches = list(_FINDER.finditer(text))
    starts = [match.start() for match in matches] + [len(text)]
    at = 0
    for match, following in zip(matches, starts[1:], strict=True):
        gap = text[at : match.start()]
        mention = _mention(match, gap, text[match.end() : following], last=following == len(text))
        at = match.end()
        if mentions and _LINK.fullmatch(gap):  # "no vignette or grain", "less contrast and saturation"
            mention = replace(mention, wanted=mentions[-1].wanted, less=mentions[-1].less)
        if mentions and mentions[-1].entry.name == "erase" and _ARTICLES.fullmatch(gap):  # "remove the grain"
            mention = replace(mentions.pop(), entry=mention.entry, wanted=False)
        mentions.append(mention)
    return mentions


def _mention(match: re.Match[str], gap: str, rest: str, *, last: bool) -> _Mention:
    """One phrase with the words of its own clause: those before it, and those after it unless another phrase has them."""
    row, opposite = _PHRASES[int(str(match.lastgroup)[1:])]
    after, *more = _BREAK.split(rest)
    before = _BREAK.split(gap)[-1]
    if not (more or last):
        after = (_PERCENT_AFTER.match(rest) or [""])[0]
    words = f"{before} | {after}"
    percents = _PERCENT.findall(words)
    factors = [factor for pattern, factor in _FACTORS if pattern.search(words)]
    return _Mention(
        entry=row,
        opposite=opposite,
        wanted=not _NOT.search(before),
        less=bool(_LESS.search(words)),
        factor=factors[0] if factors else None,
        percent=float("".join(percents[-1])) if percents else None,
    )


def _pattern(phrase: str) -> str:
    """A phrase of the table as a regular expression."""
    words = [r"(?:\w+ ){0,4}?" if word == ".." else _forms(word) + " " for word in phrase.split()]
    return rf"\b{''.join(words).removesuffix(' ')}\b"


def _forms(word: str) -> str:
    if word.endswith("e") and len(word) > 3:
        return word[:-1] + "(?:e|es|ed|er|ing)"
    return word + ("(?:s|es|ed|ing|y)?" if len(word) > 2 else "")


def _compiled() -> tuple[re.Pattern[str], Sequence[tuple[Entry, bool]]]:
    """One expression for all phrases, longest first, and the meaning of each of its groups."""
    phrases = [(phrase, row, False) for row in _TABLE for phrase in row.asks]
    phrases += [(phrase, row, True) for row in _TABLE for phrase in row.opposite]
    phrases.sort(key=lambda each: len(each[0]), reverse=True)
    pattern = "|".join(f"(?P<_{index}>{_pattern(phrase)})" for index, (phrase, _, _) in enumerate(phrases))
    return re.compile(pattern), [(row, opposite) for _, row, opposite in phrases]


_FINDER, _PHRASES = _compiled()
