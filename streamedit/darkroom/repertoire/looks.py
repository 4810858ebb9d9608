"""Looks: whole gradings by one name."""

from streamedit.darkroom.repertoire.entries import Entry

LOOKS = (
    Entry(
        "vintage",
        "apply a vintage filter",
        (
            "vintage, retro, old|older look, look|looks old|older|aged, "
            "old photo|photograph|film|picture|image|time|times|timey|school, aged, aged photo, antique, nostalgic, "
            "1970s|1960s|1950s|70s|60s|50s|80s|90s|seventies|eighties"
        ),
        usual=0.8,
        work_ms=40,
    ),
    Entry(
        "golden hour",
        "add a warm golden-hour glow",
        (
            "golden hour, golden hour glow|light|look, golden glow|light, warm .. glow, warm golden hour, "
            "sunset light|glow|look|color|mood, sunset, sunlit, evening sun|light, warm sun|sunlight|sunshine, "
            "late afternoon light|sun, magic hour, sunny"
        ),
        usual=0.7,
        work_ms=30,
    ),
    Entry(
        "cinematic",
        "a cinematic look",
        "cinematic, cinema, movie look|still|like, movie, film look, blockbuster, hollywood",
        usual=0.7,
        work_ms=40,
    ),
    Entry(
        "noir",
        "film noir",
        "noir, film noir, dramatic|high contrast|gritty black and white, dramatic black and white",
        usual=1.0,
        work_ms=40,
    ),
    Entry(
        "slide film",
        "like a slide film",
        (
            "slide film, chrome film, transparency film, color film, analog film|photo|look, analog, kodachrome, velvia, "
            "shot on film, on film, like film, real film"
        ),
        usual=0.7,
        work_ms=30,
    ),
    Entry(
        "faded film",
        "a faded film look",
        "faded film, fade|faded, pastel, pastel color|look|tone, washed film, expired film",
        usual=0.7,
        work_ms=40,
    ),
    Entry("cross process", "cross-processed", "cross process|processed|processing, xpro, x pro", usual=0.7, work_ms=40),
    Entry("bleach bypass", "a bleach bypass", "bleach bypass, silver retention, gritty", usual=0.7, work_ms=40),
    Entry("cyanotype", "a cyanotype", "cyanotype, blueprint, prussian blue", usual=1.0, work_ms=30),
    Entry(
        "moonlight",
        "day for night",
        "moonlight, moonlit, day for night, night look|time|mood, at night, nighttime, night",
        usual=0.85,
        work_ms=50,
    ),
    Entry(
        "instant film",
        "like an instant film",
        "instant film|camera, polaroid, polaroid look|film|style",
        usual=0.7,
        work_ms=60,
    ),
    Entry("toy camera", "a toy camera look", "toy camera, lomo, lomography, plastic camera|lens", usual=0.7, work_ms=40),
    Entry("infrared", "an infrared photograph", "infrared, infra red", usual=1.0, work_ms=50),
    Entry(
        "cool morning",
        "a cool morning mood",
        "cool morning, morning light|mood|look|mist, early morning, blue hour, winter|wintry, winter look|mood|light",
        usual=0.7,
        work_ms=40,
    ),
    Entry(
        "dreamy",
        "a dreamy look",
        "dreamy, dream like, dreamlike, orton, ethereal, romantic",
        usual=0.7,
        work_ms=50,
    ),
)
