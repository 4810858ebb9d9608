"""Its grain and texture."""

from streamedit.darkroom.repertoire.entries import Entry

DETAIL = (
    Entry(
        "film grain",
        "subtle film grain",
        "film grain, grain|grainy, add .. noise, noisy, film noise",
        usual=0.5,
        work_ms=10,
    ),
    Entry(
        "dust and scratches",
        "dust and scratches",
        "dust and scratch, dust|dusty, scratch|scratchy|scratched, scratched film, film damage",
        usual=0.5,
        work_ms=20,
    ),
    Entry(
        "paper texture",
        "a paper texture",
        "paper texture, texture of paper, textured paper, canvas texture, on paper, texture|textured",
        usual=0.5,
        work_ms=80,
    ),
    Entry(
        "scan lines", "scan lines", "scan line, scanline, crt, old tv|television|monitor, tv lines|look", usual=0.5, work_ms=10
    ),
    Entry(
        "chromatic aberration",
        "chromatic aberration",
        "chromatic aberration, color fringe|fringes|fringing, rgb split|shift, prism effect",
        usual=0.5,
        work_ms=20,
    ),
)
