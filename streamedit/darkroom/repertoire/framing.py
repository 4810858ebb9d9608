"""What is around it."""

from streamedit.darkroom.repertoire.entries import Entry

FRAMING = (
    Entry(
        "expand",
        "expand the canvas by 20% to the left",
        (
            "expand|extend .. canvas|image|picture|photo|frame|background, expand|extend, outpaint|outpainting, uncrop, "
            "zoom out, wider view|shot, more space|room, larger|bigger canvas"
        ),
        adjustable=False,
        reads="ratio, percent, pixels, side",
        scoped=False,
        work_ms=90,
    ),
    Entry(
        "pad",
        "pad to square with black",
        "pad, padding, fit|fill to square, make .. square, white space, add .. margin|margins|space, margin",
        adjustable=False,
        reads="colour, ratio, percent, pixels",
        scoped=False,
        work_ms=10,
    ),
    Entry(
        "border",
        "a thin white border",
        "border, outline, edge border, passepartout",
        adjustable=False,
        reads="colour, percent, pixels, width",
        scoped=False,
        work_ms=10,
    ),
    Entry(
        "frame",
        "a dark wooden frame",
        "picture frame, wood|wooden frame, frame|framed, mat frame, gallery frame, gold|golden frame",
        adjustable=False,
        reads="colour",
        scoped=False,
        work_ms=90,
    ),
    Entry(
        "instant frame",
        "an instant photo frame saying 'Summer'",
        "instant photo frame|border, instant frame|print|picture|photo, polaroid frame|border|print|photo",
        adjustable=False,
        reads="text, colour",
        scoped=False,
        work_ms=10,
    ),
    Entry(
        "film strip",
        "a film strip around it",
        "film strip, filmstrip, film frame|border, sprocket hole|holes, strip of film",
        adjustable=False,
        reads="colour",
        scoped=False,
        work_ms=10,
    ),
    Entry(
        "rounded corners",
        "rounded corners",
        "round|rounded corner, round .. corner, rounded edges",
        adjustable=False,
        reads="percent, pixels",
        scoped=False,
        work_ms=10,
    ),
    Entry(
        "drop shadow",
        "a drop shadow",
        "drop shadow, cast shadow, shadow behind|around|below",
        usual=0.6,
        reads="colour",
        scoped=False,
        work_ms=30,
    ),
    Entry(
        "letterbox",
        "letterbox bars",
        "letterbox, letterbox bars, cinema|movie|black bars, widescreen bars, cinemascope",
        adjustable=False,
        reads="ratio",
        scoped=False,
        work_ms=10,
    ),
    Entry(
        "collage",
        "a collage of all pictures, side by side",
        (
            "collage, collage of .. images|pictures|photos, photo grid, grid of .. images|pictures|photos, grid, "
            "contact sheet, side by side, combine|arrange|merge|put|join .. images|pictures|photos|together, montage, "
            "diptych, triptych, next to each other, stack .. images|pictures|photos, on top of each other"
        ),
        kinds={
            "side by side": "side by side, next to each other, diptych, triptych, in a row",
            "stacked": "stack, on top of each other, below each other, in a column",
            "grid": "grid",
        },
        others=True,
        adjustable=False,
        reads="ground, colour",
        scoped=False,
        needs="image",
        work_ms=130,
    ),
    Entry(
        "all images",
        "on all images",
        (
            "all|both|each|every .. images|pictures|photos|photographs|portraits|them, each image|picture|photo, "
            "every image|picture|photo, each of them"
        ),
        others=True,
        adjustable=False,
        scoped=False,
        work_ms=10,
    ),
)
