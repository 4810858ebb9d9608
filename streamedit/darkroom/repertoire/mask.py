"""What is under the mask."""

from streamedit.darkroom.repertoire.entries import Entry

MASK = (
    Entry(
        "erase",
        "remove the object under the mask",
        (
            "remove|erase|delete|clean .. text|writing|watermark|caption|title|logo|words, remove, erase, inpaint, delete, "
            "get rid of, take out|away, fill in, retouch .. away|out, make .. disappear, heal, clean up, clone out"
        ),
        adjustable=False,
        characterful=True,
        scoped=False,
        needs="mask",
        work_ms=700,
    ),
    Entry(
        "recolour",
        "make the cup blue",
        (
            "recolor, make|paint|turn|color|dye .. <colour>, change .. color to|into .. <colour>, color .. <colour>, "
            "fill .. with <colour>, <colour> instead, change|replace .. with <colour>, change .. to <colour>"
        ),
        reads="new colour",
        scoped=False,
        work_ms=350,
    ),
    Entry(
        "feather",
        "feather the mask by 20 px",
        "feather, feather .. mask|edge|edges, soft|soften .. mask, soft mask",
        adjustable=False,
        reads="pixels",
        scoped=False,
        needs="mask",
        work_ms=30,
    ),
    Entry(
        "invert the mask",
        "invert the mask",
        "invert .. mask|selection, outside .. mask, everything but|except .. mask|masked area, inverse|inverted mask",
        adjustable=False,
        scoped=False,
        needs="mask",
        work_ms=10,
    ),
)
