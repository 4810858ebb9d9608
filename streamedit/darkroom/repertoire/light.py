"""Light that was not there, and weather."""

from streamedit.darkroom.repertoire.entries import Entry

LIGHT = (
    Entry(
        "vignette",
        "a strong vignette",
        "vignette|vignetting, dark|darken .. corner|edge, dark vignette",
        opposite="white vignette, light|bright|lighten|brighten .. corner|edge",
        reads="colour",
        usual=0.6,
        work_ms=10,
    ),
    Entry(
        "glow",
        "a soft glow",
        "glow|glowing, bloom, soft glow, halation, glowing light|lights",
        usual=0.6,
        work_ms=30,
    ),
    Entry(
        "sparkles",
        "add magical sparkles around the object",
        (
            "sparkle|sparkly|sparkling, magical sparkle, glitter|glittery, stardust, star dust, twinkle, "
            "magical|magic dust|light|lights, magic|magical, fairy dust, shimmer"
        ),
        usual=0.7,
        reads="colour",
        work_ms=200,
    ),
    Entry(
        "light leak",
        "a light leak from the left",
        "light leak, film leak, film burn, lens leak",
        usual=0.6,
        reads="side",
        work_ms=30,
    ),
    Entry(
        "sun rays",
        "sun rays from the top left",
        "sun ray, sunray, sunbeam, sun beam, god ray, light ray|beam|shaft, ray of light|sun, crepuscular ray",
        usual=0.6,
        reads="place",
        work_ms=30,
    ),
    Entry("lens flare", "a lens flare", "lens flare, sun flare, flare", usual=0.6, reads="place", work_ms=30),
    Entry(
        "bokeh lights",
        "bokeh lights",
        "bokeh light|lights|balls|circles|bubbles|overlay, fairy lights, out of focus lights, christmas lights",
        reads="colour",
        usual=0.6,
        work_ms=30,
    ),
    Entry("mist", "mist over the ground", "mist|misty, fog|foggy, add .. fog|mist", reads="colour", usual=0.6, work_ms=100),
    Entry(
        "snow",
        "falling snow",
        "falling snow|snowflake|snowflakes, snow|snowy, snowfall, snowflake, snowing, falling snow",
        usual=0.6,
        work_ms=50,
    ),
    Entry("rain", "add rain", "rain|rainy, raindrop, raining", usual=0.6, work_ms=40),
    Entry("rainbow", "a rainbow", "rainbow", usual=0.6, work_ms=30),
    Entry("spotlight", "a spotlight on the centre", "spotlight, spot light", usual=0.6, reads="place"),
)
