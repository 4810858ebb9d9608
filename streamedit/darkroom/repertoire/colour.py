"""Its colours."""

from streamedit.darkroom.repertoire.entries import Entry

COLOUR = (
    Entry(
        "saturation",
        "more saturation",
        (
            "saturation, saturate, color boost, boost|enhance|intensify .. color, rich|richer color, strong|stronger color, "
            "more color"
        ),
        opposite="mute|muted, desaturate, washed out, less color, pale|paler color, dull color",
        usual=0.4,
        local=True,
        work_ms=30,
    ),
    Entry(
        "vibrance",
        "change the colour scheme to vibrant and colourful",
        "vibrance, vibrant, vivid, colorful, lively color, vivid color, vibrant color, bright color",
        two_way=True,
        usual=0.6,
        local=True,
        work_ms=40,
    ),
    Entry(
        "warmth",
        "slightly warmer",
        "warm, warmth, warm up, warm tone|color|light|look, color temperature .. warm",
        opposite="cool|cooler|colder|cold, cool down, cool|cold tone|color|light|look, icy",
        usual=0.4,
        local=True,
        work_ms=10,
    ),
    Entry(
        "tint",
        "a blue tint",
        "tint|tinge|toning, color wash, <colour> cast, color filter, <colour> filter|tone|overlay, more <colour>",
        usual=0.4,
        reads="colour",
        local=True,
        work_ms=30,
    ),
    Entry(
        "hue",
        "shift the hue by 40 degrees",
        "hue, shift|rotate|change .. hue, hue shift, shift .. color|colors, color shift",
        usual=0.5,
        reads="degrees",
        local=True,
        work_ms=30,
    ),
    Entry(
        "split toning",
        "split toning with teal shadows and orange highlights",
        (
            "split tone|toning|toned, <colour> shadow, <colour> highlight, <colour> shadow and|with <colour> highlight, "
            "teal and orange, orange and teal"
        ),
        usual=0.5,
        reads="tones",
        work_ms=30,
    ),
    Entry(
        "duotone",
        "a duotone of navy and cream",
        "duotone, monochrome <colour>, <colour> monochrome, duo tone, 2 tone, 2 color",
        reads="colour",
        work_ms=10,
    ),
    Entry("negative", "a negative", "negative, invert, invert .. color|colors|image|photo|picture", work_ms=10),
    Entry("solarise", "solarise it", "solarise|solarize, solarisation|solarization, sabattier", work_ms=30),
    Entry(
        "selective colour",
        "keep only the red",
        (
            "monochrome|gray|grayscale|bw except|but .. <colour>, selective color, color splash, color pop, "
            "only|just .. <colour> in color, keep only|just .. <colour>, "
            "everything|all but|except .. <colour> black and white, "
            "everything but|except .. <colour> in black and white|gray, black and white except|but .. <colour>, "
            "keep .. <colour> in color"
        ),
        reads="colour",
        work_ms=30,
    ),
    Entry(
        "black and white",
        "make it black and white",
        (
            "black and white, black white, b and w, b w, bw, grayscale, gray scale, monochrome, monochromatic, "
            "remove|without .. color, no color, b and w photo, black and white film|photo|photograph|picture|image"
        ),
        adjustable=False,
        characterful=True,
        reads="filter",
        work_ms=10,
    ),
    Entry("sepia", "a sepia tone", "sepia, sepia tone", usual=0.9, work_ms=10),
    Entry(
        "match the reference",
        "blend the reference style into the scene",
        (
            "match .. reference|style|colors|color|look|palette, blend .. reference|style, blend .. reference style, "
            "reference style, reference image, transfer .. color|colors|style|look|palette, color transfer, style transfer, "
            "apply|use|copy .. style|colors|look|palette of .. image|photo|picture|reference, "
            "style|colors|color|look|palette .. 2nd|second|other|reference image|photo|picture, "
            "same color|colors|style|look as, match .. 2nd|second|other image|photo|picture, color grade like, "
            "colors|look like .. reference|second image|photo|picture"
        ),
        usual=0.8,
        others=True,
        needs="image",
        work_ms=70,
    ),
)
