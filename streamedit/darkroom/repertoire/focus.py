"""How sharp a picture is, and where."""

from streamedit.darkroom.repertoire.entries import Entry

FOCUS = (
    Entry(
        "blur",
        "blur it slightly",
        "blur|blurry, gaussian blur, out of focus, defocus",
        usual=0.5,
        reads="pixels",
        local=True,
        work_ms=10,
    ),
    Entry("lens blur", "a lens blur", "lens blur, bokeh blur, out of focus lens, defocused lens", usual=0.5, work_ms=40),
    Entry(
        "tilt-shift",
        "a tilt-shift miniature",
        "tilt shift, miniature, toy town, diorama",
        usual=0.7,
        reads="place",
        work_ms=170,
    ),
    Entry(
        "motion blur",
        "motion blur to the right",
        "motion blur, speed blur, panning blur, sense of speed",
        usual=0.5,
        reads="degrees, side",
        work_ms=50,
    ),
    Entry("zoom blur", "a zoom blur", "zoom blur, radial blur, zoom burst", usual=0.5, reads="place", work_ms=50),
    Entry(
        "soft focus",
        "a soft focus",
        "soft focus, soften, softer, softening, soft look, gauzy",
        usual=0.5,
        work_ms=10,
    ),
    Entry(
        "sharpen",
        "sharpen it",
        "sharpen|sharp, more sharpness, sharpness, unsharp mask, increase .. sharpness",
        usual=0.5,
        reads="pixels",
        local=True,
        work_ms=30,
    ),
    Entry(
        "denoise",
        "reduce the noise",
        (
            "denoise, noise reduction, remove|reduce|clean|less .. noise|grain, less noise, noise free, noiseless, "
            "clean up .. noise, without noise"
        ),
        usual=0.6,
        local=True,
        work_ms=80,
    ),
    Entry(
        "smooth skin",
        "smooth the skin",
        (
            "smooth .. skin|face, soft|soften .. skin, smooth skin, retouch .. skin|face|portrait, "
            "skin retouching|smoothing, beauty retouch|filter, airbrush|airbrushed"
        ),
        usual=0.6,
        work_ms=60,
    ),
    Entry(
        "deblur",
        "deblur it a little",
        "deblur, unblur, fix|remove|reduce .. blur, less blur|blurry, deconvolution, fix .. focus, refocus",
        usual=0.5,
        work_ms=70,
    ),
)
