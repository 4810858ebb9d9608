"""What the darkroom does to a picture: a module for each family of instructions, each with its table of operations.

tone: curves, exposure, white balance; with `relief` (from place to place), `haze`, `lighting` (of a studio)
colour: more, less, other colours; with `toning` (few or none) and `reference` (another picture's)
looks: films, prints, hours of the day
light: glows, rays, lamps; with `glitter` and `weather`
focus: blurs; with `clarity` (sharper, cleaner, smoother)
detail: grain, dust, paper, screens
art, prints: drawings, with `paintings`; flat colours, dots and lines
geometry: cut, turned, scaled; with `cropping` and `tilt`
framing: what is put around; with `mounts`, `collage` and `expanding`
lettering: text, with `typesetting`
background, healing: what is behind the subject, what is under the mask

What they are made of lies one folder up: `optics`, `linear_light`, `curves`, `colours`, `copies`, `layers`, `base`, `planes`.
"""

from collections.abc import Mapping
from types import MappingProxyType

from streamedit.darkroom.canvas import Operation
from streamedit.darkroom.operations.art import ART
from streamedit.darkroom.operations.background import BACKGROUND
from streamedit.darkroom.operations.colour import COLOUR
from streamedit.darkroom.operations.detail import DETAIL
from streamedit.darkroom.operations.focus import FOCUS
from streamedit.darkroom.operations.framing import FRAMING
from streamedit.darkroom.operations.geometry import GEOMETRY
from streamedit.darkroom.operations.healing import HEALING
from streamedit.darkroom.operations.lettering import LETTERING
from streamedit.darkroom.operations.light import LIGHT
from streamedit.darkroom.operations.looks import LOOKS
from streamedit.darkroom.operations.prints import PRINTS
from streamedit.darkroom.operations.tone import TONE

OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        **TONE,
        **COLOUR,
        **LOOKS,
        **ART,
        **PRINTS,
        **LIGHT,
        **FOCUS,
        **DETAIL,
        **GEOMETRY,
        **FRAMING,
        **LETTERING,
        **BACKGROUND,
        **HEALING,
    }
)
"""By the names of the repertoire."""
