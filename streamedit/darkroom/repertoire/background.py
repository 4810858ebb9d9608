"""What is behind its subject."""

from streamedit.darkroom.repertoire.entries import Entry

BACKGROUND = (
    Entry(
        "blur the background",
        "blur the background",
        (
            "blur|blurry|defocus|soften .. background|behind, background .. blur|blurry|blurred|soft|defocused, "
            "background out of focus, out of focus background, background .. out of focus, blur everything behind, bokeh, "
            "shallow depth of field, depth of field, portrait mode, soft background, blurred|blurry background"
        ),
        usual=0.6,
        scoped=False,
        work_ms=300,
    ),
    Entry(
        "replace the background",
        "replace the background with soft grey",
        (
            "replace|change|swap|switch .. background|backdrop, "
            "replace|change|set|turn|make|paint .. background|backdrop to|with|into <colour>, "
            "replace|change|set|turn|make|paint .. background|backdrop color to|into <colour>, "
            "use|put .. as|for .. background|backdrop, make|paint|turn .. background|backdrop <colour>, "
            "background|backdrop .. <colour>, make|turn|set .. background|backdrop .. gradient|studio|sunset|sky, "
            "set|turn .. background|backdrop to|into, put .. on|against|in front of .. background|backdrop, "
            "<colour> background|backdrop, studio background|backdrop|setting, new background|backdrop, "
            "different background|backdrop, plain|solid|clean|neutral|simple|studio|gradient .. background|backdrop, "
            "sunset|sky|studio|gradient in|for|as .. background|backdrop, on|against .. background|backdrop, in|into .. studio"
        ),
        kinds={
            "bright studio": (
                "bright studio, white studio, bright|clean studio background|setting|backdrop, clean white, "
                "bright background|backdrop"
            ),
            "dark studio": "dark studio, black studio, dark background|backdrop",
            "studio": "studio",
            "gradient": "gradient, fade",
            "sunset": "sunset, sunrise, sunset sky, evening sky",
            "night sky": "night sky, starry sky|night, stars",
            "sky": "blue sky, sky, cloudy sky, clouds",
            "image": "2nd|second|other|reference image|photo|picture|background, image 2, 2nd|second one, background image",
        },
        others=True,
        adjustable=False,
        reads="colour, side",
        scoped=False,
        work_ms=300,
    ),
    Entry(
        "cut out",
        "cut out the subject",
        (
            "cut out, cut .. out, cutout, remove|erase|delete|drop background|backdrop, "
            "remove|erase|delete|drop the|its|my|all|whole background|backdrop, "
            "remove|erase|delete|drop <colour> background|backdrop, "
            "remove|erase|delete|drop the|its|my <colour> background|backdrop, transparent|no background|backdrop, "
            "background .. transparent, background removed, isolate|extract .. subject|person|object|product|cat|dog, "
            "isolate, extract|mask out, without .. background|backdrop, transparent png, make it|everything transparent, "
            "transparent, sticker"
        ),
        adjustable=False,
        scoped=False,
        work_ms=300,
    ),
)
