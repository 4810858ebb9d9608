"""All that the darkroom can do, as a table: each instruction's name, an example, and the words that ask for it.

A module for each family. Nothing here knows a picture.
"""

from collections.abc import Mapping
from types import MappingProxyType

from streamedit.darkroom.repertoire.art import ART
from streamedit.darkroom.repertoire.background import BACKGROUND
from streamedit.darkroom.repertoire.colour import COLOUR
from streamedit.darkroom.repertoire.detail import DETAIL
from streamedit.darkroom.repertoire.entries import Entry
from streamedit.darkroom.repertoire.focus import FOCUS
from streamedit.darkroom.repertoire.framing import FRAMING
from streamedit.darkroom.repertoire.geometry import GEOMETRY
from streamedit.darkroom.repertoire.lettering import LETTERING
from streamedit.darkroom.repertoire.light import LIGHT
from streamedit.darkroom.repertoire.looks import LOOKS
from streamedit.darkroom.repertoire.mask import MASK
from streamedit.darkroom.repertoire.tone import TONE

FAMILIES: Mapping[str, tuple[Entry, ...]] = MappingProxyType(
    {
        "tone": TONE,
        "colour": COLOUR,
        "looks": LOOKS,
        "art": ART,
        "light": LIGHT,
        "focus": FOCUS,
        "detail": DETAIL,
        "geometry": GEOMETRY,
        "framing": FRAMING,
        "lettering": LETTERING,
        "background": BACKGROUND,
        "mask": MASK,
    }
)
"""The rows of the table by what they are about."""

TABLE = tuple(row for rows in FAMILIES.values() for row in rows)

_ENTRIES: Mapping[str, Entry] = MappingProxyType({row.name: row for row in TABLE})


def entry(name: str) -> Entry:
    """The row of an instruction's name. Raises KeyError."""
    return _ENTRIES[name]
