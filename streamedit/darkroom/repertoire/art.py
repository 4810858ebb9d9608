"""Pictures as if drawn, painted or printed."""

from streamedit.darkroom.repertoire.entries import Entry

ART = (
    Entry(
        "sketch",
        "turn this photo into a pencil sketch",
        "sketch, pencil sketch|drawing|drawn, line drawing, hand drawn, into .. drawing, drawing, graphite",
        adjustable=False,
        characterful=True,
        work_ms=140,
    ),
    Entry(
        "coloured pencil",
        "a coloured pencil drawing",
        "colored|color pencil|pencils, colored|color pencil drawing|sketch, crayon, pastel drawing",
        work_ms=180,
    ),
    Entry(
        "ink drawing",
        "an ink drawing",
        "ink drawing|sketch|lines|illustration, ink, pen and ink, pen drawing, line art, lineart, engraving|engraved",
        work_ms=80,
    ),
    Entry("charcoal", "a charcoal drawing", "charcoal, charcoal drawing|sketch", work_ms=120),
    Entry(
        "painting",
        "make the image look like a painting",
        (
            "painting|painterly, oil painting|paint|paints, oil on canvas, artistic, artistic filter|style|look|effect, "
            "brush stroke|strokes, paint, work of art, art style"
        ),
        work_ms=290,
    ),
    Entry(
        "impressionist",
        "an impressionist painting",
        (
            "impressionist|impressionistic, impressionist painting|style, impressionism, thick paint, impasto, van gogh, "
            "monet, van gogh|monet painting|style, monet painting|style"
        ),
        work_ms=230,
    ),
    Entry(
        "pointillism",
        "pointillism",
        "pointillism|pointillist, pointillist painting, dots of paint, seurat",
        work_ms=210,
    ),
    Entry(
        "watercolour",
        "a watercolour",
        "watercolor|watercolour, water color, watercolor painting, aquarelle, gouache",
        work_ms=180,
    ),
    Entry(
        "cartoon",
        "turn it into a cartoon",
        "cartoon|cartoonish, comic, comic book, comics, anime, toon, cel shaded|shading",
        work_ms=170,
    ),
    Entry(
        "posterise",
        "posterise to 5 levels",
        "posterise|posterize, posterisation|posterization, poster look|style, flat colors",
        reads="count",
        work_ms=60,
    ),
    Entry(
        "pixelate",
        "pixelate it",
        "pixelate, pixel art, pixelated, mosaic effect|filter|blocks, 8 bit, blocky, censor, anonymize|anonymise",
        usual=0.5,
        reads="pixels",
        work_ms=10,
    ),
    Entry(
        "halftone",
        "a newspaper halftone",
        "halftone, half tone, newspaper, newsprint, dot print|screen|pattern",
        reads="colour",
        work_ms=60,
    ),
    Entry("pop art", "pop art", "pop art, warhol, andy warhol, screen print", work_ms=140),
    Entry("emboss", "emboss it", "emboss, embossed, relief"),
    Entry("glitch", "a glitch effect", "glitch|glitchy, vhs, databending, corrupted", usual=0.6, work_ms=10),
    Entry(
        "neon",
        "neon edges",
        "neon, edge detection, find edges, neon edges|lines|glow|light|lights, glowing edges|lines, tron",
        work_ms=140,
    ),
)
