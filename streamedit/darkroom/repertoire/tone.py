"""How light and dark a picture is."""

from streamedit.darkroom.repertoire.entries import Entry

TONE = (
    Entry(
        "brightness",
        "slightly brighter",
        "brightness, bright|light, brighten|lighten, more bright, less dark, lighten|brighten .. up",
        opposite="dark, darken, dim|dimmer, more dark, less bright",
        usual=0.4,
        local=True,
        work_ms=10,
    ),
    Entry(
        "exposure",
        "expose it one stop more",
        "exposure|expose, overexpose, push .. exposure",
        opposite="underexpose, pull .. exposure",
        usual=0.4,
        reads="stops",
        local=True,
        work_ms=10,
    ),
    Entry(
        "contrast",
        "much more contrast",
        "contrast|contrasty, punch|punchy|punchier, more pop, make .. pop",
        opposite="flatter, flatten .. contrast, low contrast",
        usual=0.4,
        local=True,
        work_ms=10,
    ),
    Entry(
        "highlights",
        "recover the highlights",
        "highlight, brighten|lift|boost|raise .. highlight, bright highlight",
        opposite="recover|tame|darken|lower|reduce|protect|pull .. highlight, dark highlight, blown|burned|burnt .. highlight",
        usual=0.5,
        local=True,
    ),
    Entry(
        "shadows",
        "lift the shadows",
        "shadow, lift|open|brighten|raise|lighten|recover|fill .. shadow, bright|light shadow, fill light",
        opposite="deepen|darken|crush .. shadow, dark|deep shadow, deepen|crush .. black",
        usual=0.5,
        local=True,
    ),
    Entry(
        "tone curve",
        "an S curve",
        "tone curve, s curve, contrast curve, curve",
        opposite="matte, matte look, lift|raise .. black, fade .. black, faded black",
        usual=0.6,
        work_ms=10,
    ),
    Entry(
        "auto levels",
        "auto levels",
        (
            "auto level|levels, automatic level|levels, levels, stretch .. histogram|levels|tones, "
            "normalize|normalise .. exposure|levels|tones, auto enhance|tone|contrast|correct|fix|adjust, enhance, "
            "fix|correct|improve .. exposure|light|lighting, improve .. color|colors, "
            "enhance|improve .. photo|picture|image|quality"
        ),
        work_ms=10,
    ),
    Entry(
        "white balance",
        "fix the white balance",
        (
            "white balance, auto white balance, fix|correct|remove|neutralize|neutralise .. color cast|casts, color cast, "
            "fix|correct .. color|colors, auto|automatic color|colors, neutral color|colors, color temperature"
        ),
        usual=0.8,
        reads="kelvin",
    ),
    Entry(
        "clarity",
        "more clarity",
        (
            "clarity, local contrast, clahe, adaptive histogram|contrast, structure, crisp|crisper, "
            "bring|brings out .. detail|details, more|fine detail|details"
        ),
        opposite="less local contrast",
        usual=0.5,
        local=True,
    ),
    Entry(
        "dehaze",
        "dehaze the landscape",
        "dehaze, dehazing, remove|cut|clear|reduce .. haze|fog|mist|smog, defog, less haze|fog|mist",
        opposite="add .. haze, haze|hazy",
        usual=0.6,
        work_ms=40,
    ),
    Entry("hdr", "an HDR look", "hdr, high dynamic range, tone map|mapping|mapped", usual=0.7, work_ms=30),
    Entry(
        "professional lighting",
        "add professional lighting to the portraits",
        (
            "professional lighting|light|lights, studio lighting|light|lights, portrait lighting|light, relight, "
            "studio portrait, headshot, key light, softbox, better lighting|light, good lighting|light, "
            "beautiful lighting|light, soft light|lighting, professional look"
        ),
        usual=0.7,
        work_ms=40,
    ),
    Entry("high key", "a high-key look", "high key, bright and airy, light and airy, airy", usual=0.7, work_ms=30),
    Entry("low key", "a low-key look", "low key, dark and moody, moody, dramatic lighting|light", usual=0.7),
)
