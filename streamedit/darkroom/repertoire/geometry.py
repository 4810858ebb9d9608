"""Its frame, and how it stands in it."""

from streamedit.darkroom.repertoire.entries import Entry

GEOMETRY = (
    Entry(
        "crop",
        "crop to 16:9",
        "crop, widescreen, cut to, crop to, trim to, cut it to",
        kinds={
            "subject": "subject, person|face|cat|dog|object|product",
        },
        adjustable=False,
        reads="size, ratio, percent, place",
        scoped=False,
        work_ms=10,
    ),
    Entry(
        "rotate",
        "rotate 5 degrees left",
        (
            "rotate|rotation, turn .. degrees, turn .. left|right|clockwise|counterclockwise, turn .. upside down, tilt, "
            "spin, upside down, quarter turn"
        ),
        adjustable=False,
        reads="degrees, turn",
        scoped=False,
        work_ms=10,
    ),
    Entry(
        "straighten",
        "straighten the horizon",
        "straighten, straighten .. horizon|up, level .. horizon, straight horizon, fix|correct .. horizon|tilt, crooked",
        adjustable=False,
        reads="degrees, turn",
        scoped=False,
        work_ms=70,
    ),
    Entry(
        "flip",
        "flip it horizontally",
        "flip, mirror, mirror image, flip horizontal|horizontally|vertical|vertically, reflect|reflection",
        adjustable=False,
        reads="axis",
        scoped=False,
        work_ms=10,
    ),
    Entry(
        "perspective",
        "correct the perspective",
        (
            "perspective, fix|correct .. perspective|keystone|keystoning|verticals|converging, keystone, "
            "converging lines|verticals, straighten .. vertical|verticals|lines|building|buildings"
        ),
        two_way=True,
        usual=0.4,
        reads="side",
        scoped=False,
        work_ms=20,
    ),
    Entry(
        "resize",
        "resize to 800 px wide",
        "resize, scale|downscale, scale down|to, shrink, resize to, half .. size, half size, thumbnail, make .. small|smaller",
        adjustable=False,
        reads="size, percent, times",
        scoped=False,
        work_ms=50,
    ),
    Entry(
        "upscale",
        "upscale 2x",
        (
            "upscale, super resolution, superresolution, upsample, enlarge, high|higher resolution, "
            "double .. size|resolution, increase .. resolution|size, 2x|4x larger|bigger, make .. larger|bigger"
        ),
        adjustable=False,
        reads="times",
        scoped=False,
        work_ms=160,
    ),
    Entry(
        "zoom",
        "zoom in a little",
        "zoom, zoom in, zoom into, close up, closer",
        adjustable=False,
        reads="times, place",
        scoped=False,
        work_ms=10,
    ),
    Entry(
        "trim",
        "trim the plain borders",
        "trim, trim .. border|edge|margin, remove|cut .. border|margin|bars|black bars|white borders, autocrop, auto crop",
        adjustable=False,
        scoped=False,
        work_ms=10,
    ),
)
