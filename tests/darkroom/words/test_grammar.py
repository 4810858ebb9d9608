"""What prompts mean to the darkroom."""

from dataclasses import asdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamedit.darkroom.instructions import Details, Instruction, Scope
from streamedit.darkroom.repertoire import TABLE, entry
from streamedit.darkroom.repertoire.entries import Entry
from streamedit.darkroom.words.colour_names import colour_of
from streamedit.darkroom.words.grammar import parse
from streamedit.errors import InvalidRequest

WORDS = ["no", "less", "very", "20%", "-5", "grain", "sepia", "remove", "dark", "er", "and", ",", ".", "the", "'", '"x"']
TEAL, ORANGE, WHITE = colour_of("teal"), colour_of("orange"), colour_of("white")


def _names(prompt: str, *, masked: bool = False) -> list[str]:
    return [instruction.name for instruction in parse(prompt, masked=masked)]


def _only(prompt: str) -> Instruction:
    (instruction,) = parse(prompt)
    return instruction


def _amount(prompt: str) -> float:
    return _only(prompt).amount


def _refusal(prompt: str, *, masked: bool = False) -> str:
    with pytest.raises(InvalidRequest) as refused:
        parse(prompt, masked=masked)
    detail = refused.value.detail
    assert (detail.status, detail.param, detail.code) == (400, "prompt", "prompt_not_understood")
    return detail.message


@pytest.mark.parametrize(
    ("prompt", "names"),
    [
        ("Add a warm golden-hour glow to the scene", ["golden hour"]),
        ("Apply vintage filter to all images", ["all images", "vintage"]),
        ("make it black and white with film grain", ["black and white", "film grain"]),
        ("Turn this photo into a pencil sketch", ["sketch"]),
        ("remove the object under the mask", ["erase"]),
        ("black and white, strong vignette and film grain", ["black and white", "vignette", "film grain"]),
        ("slightly warmer golden-hour glow, much more contrast; no grain", ["golden hour", "contrast"]),
        ("B&W", ["black and white"]),
        ("in greyscale, please", ["black and white"]),
        ("Remove all colour", ["black and white"]),
        ("SEPIA", ["sepia"]),
        ("Sunset light over the houses", ["golden hour"]),
        ("darken the corners a bit", ["vignette"]),
        ("a grainy look", ["film grain"]),
        ("as a line-drawing", ["sketch"]),
        ("blur out everything in the background", ["blur the background"]),
        ("the background should be blurred", ["blur the background"]),
        ("with bokeh", ["blur the background"]),
        ("The cup removed", ["erase"]),
        ("Erasing the sign\nthen make it vivid", ["erase", "vibrance"]),
        ("vibrant and brighter", ["vibrance", "brightness"]),
        ("remove the grain", ["denoise"]),
        ("remove the people in the background", ["erase"]),
        ("Please give this photo a nostalgic 1970s feel, but keep it sharp.", ["vintage"]),
        ("turn up the contrast and turn down the saturation", ["contrast", "saturation"]),
        ("don't change the colours, just sharpen", ["sharpen"]),
        ("add snow and fog", ["snow", "mist"]),
    ],
)
def test_prompt_names_its_instructions(prompt: str, names: list[str]) -> None:
    """Instructions are found in any usual form, case and spelling, in the order of the prompt, filler words or not."""
    assert _names(prompt) == names


@pytest.mark.parametrize(
    ("prompt", "names"),
    [
        ("Apply vintage filter to all images", ["all images", "vintage"]),
        ("Make the image look like a painting", ["painting"]),
        ("Add professional lighting to the portraits", ["professional lighting"]),
        ("Blend the reference style into the scene while keeping the subject sharp.", ["match the reference"]),
        ("Apply artistic filter to all images", ["all images", "painting"]),
        ("Add a warm golden-hour glow to the scene", ["golden hour"]),
        ("Add a beautiful sunset in the background", ["replace the background"]),
        ("change the background to a clean studio setting", ["replace the background"]),
        ("replace the background with a bright studio", ["replace the background"]),
        ("Add magical sparkles around the object", ["sparkles"]),
        ("Change the color scheme to vibrant and colorful", ["vibrance"]),
    ],
)
def test_prompts_of_other_servers_documents_are_understood(prompt: str, names: list[str]) -> None:
    """The examples in the documents of LiteLLM, Eden AI and Portkey, as written, where there is no need to draw."""
    assert _names(prompt) == names


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_examples_and_names_are_understood(row: Entry) -> None:
    """What the darkroom says that it can do, it does when it is asked in those words."""
    assert _names(row.example) == [row.name]
    assert _names(row.name) == [row.name]


@pytest.mark.parametrize(
    ("prompt", "details"),
    [
        ("rotate 5 degrees left", {"number": 5.0, "side": "left"}),
        ("rotate it 90\u00b0 counter-clockwise", {"number": 90.0, "side": "left"}),
        ("turn it upside down", {"number": 180.0}),
        ("crop to 16:9", {"ratio": 16 / 9}),
        ("crop to a square around the subject", {"ratio": 1.0, "kind": "subject"}),
        ("crop to 800x600", {"size_px": (800, 600)}),
        ("crop 10% off each side", {"percent": 0.1}),
        ("resize to 800 px wide", {"size_px": (800, 0)}),
        ("resize it to a height of 600 pixels", {"size_px": (0, 600)}),
        ("resize to 50%", {"percent": 0.5}),
        ("upscale 4x", {"number": 4.0}),
        ("double the size", {"number": 2.0}),
        ("caption 'Kyoto 2026' bottom right", {"text": "Kyoto 2026", "place": (1, 1)}),
        (
            "write \u201cGr\u00fc\u00dfe aus K\u00f6ln\u201d at the top in white",
            {"text": "Gr\u00fc\u00dfe aus K\u00f6ln", "place": (0, -1), "colours": (WHITE,)},
        ),
        ("write 'It's fine' in the centre", {"text": "It's fine", "place": (0, 0)}),
        ("a Polaroid frame saying 'Summer'", {"text": "Summer"}),
        ("replace the background with teal", {"colours": (TEAL,)}),
        ("the background should be white", {"colours": (WHITE,)}),
        ("a gradient background from teal to orange", {"colours": (TEAL, ORANGE), "kind": "gradient"}),
        ("replace the background with a bright studio", {"kind": "bright studio"}),
        ("replace the background with a sunset", {"kind": "sunset"}),
        ("replace the background with the second image", {"kind": "image"}),
        ("teal shadows and orange highlights", {"colours": (TEAL, ORANGE)}),
        ("orange highlights and teal shadows", {"colours": (TEAL, ORANGE)}),
        ("black and white with a red filter", {"colours": (colour_of("red"),)}),
        ("white balance 3200K", {"number": 3200.0}),
        ("underexpose by two stops", {"number": -2.0}),
        ("increase the exposure by 1.5 stops", {"number": 1.5}),
        ("posterise to 4 levels", {"number": 4.0}),
        ("a thick white border", {"colours": (WHITE,), "percent": 0.09}),
        ("a 20 px white border", {"colours": (WHITE,), "number": 20.0}),
        ("expand the canvas by 20% to the left", {"percent": 0.2, "side": "left"}),
        ("flip it vertically", {"side": "vertical"}),
        ("sun rays from the top left", {"place": (-1, -1)}),
        ("put the photos side by side with a white background", {"kind": "side by side", "colours": (WHITE,)}),
        ("motion blur at 45 degrees", {"number": 45.0}),
        ("feather the mask by 12 px", {"number": 12.0}),
    ],
)  # fmt: skip
def test_details_are_read(prompt: str, details: dict[str, object]) -> None:
    """Degrees, sizes, ratios, quotes, places, sides, colours and kinds, each for the instruction that it is said of."""
    assert {name: value for name, value in asdict(_only(prompt).details).items() if value not in (None, ())} == details


def test_each_detail_belongs_to_its_own_instruction() -> None:
    """In a prompt of several clauses each has its own, in order."""
    prompt = (
        "slightly warmer, much more contrast, rotate 5 degrees left, crop to 16:9, caption 'Kyoto 2026' bottom right,"
        " replace the background with soft grey"
    )
    warmth, contrast, rotate, crop, caption, background = parse(prompt)
    assert warmth == Instruction("warmth", entry("warmth").usual * 0.5)
    assert contrast == Instruction("contrast", entry("contrast").usual * 1.6)
    assert rotate == Instruction("rotate", details=Details(number=5, side="left"))
    assert crop == Instruction("crop", details=Details(ratio=16 / 9))
    assert caption == Instruction("caption", details=Details(text="Kyoto 2026", place=(1, 1)))
    assert background == Instruction("replace the background", details=Details(colours=(colour_of("soft gray"),)))


@pytest.mark.parametrize(
    ("prompt", "scope"),
    [
        ("make the background darker", Scope.BACKGROUND),
        ("make the background black and white", Scope.BACKGROUND),
        ("everything but the subject in black and white", Scope.BACKGROUND),
        ("make everything grayscale but the cup", Scope.BACKGROUND),
        ("keep the subject in colour, background black and white", Scope.BACKGROUND),
        ("only the subject in colour", Scope.BACKGROUND),
        ("blur everything except the person", Scope.BACKGROUND),
        ("sharpen the subject", Scope.SUBJECT),
        ("brighten the face", Scope.SUBJECT),
        ("could you make my dog brighter?", Scope.SUBJECT),
        ("sepia, only on the person", Scope.SUBJECT),
        ("brighten the photo of my dog", Scope.ALL),
        ("turn the cat into a pencil sketch", Scope.ALL),
    ],
)
def test_scope_is_read(prompt: str, scope: Scope) -> None:
    """The subject or the background alone, where the prompt says so; a style is the whole picture's."""
    assert _only(prompt).scope is scope


@pytest.mark.parametrize("word", ["slightly more", "a subtle change in", "a bit more", "a little", "soft"])
def test_words_of_little_make_less_of_it(word: str) -> None:
    """Slightly, subtle, a bit, a little, soft: less than what is usual, but something."""
    assert 0 < _amount(f"{word} sepia") < _amount("sepia")


@pytest.mark.parametrize("word", ["more", "strong", "heavy", "much", "very dramatic"])
def test_words_of_much_make_more_of_it(word: str) -> None:
    """More, strong, heavy, much, very, dramatic: more than what is usual, at most everything."""
    assert _amount("vignette") < _amount(f"{word} vignette") <= 1


def test_very_subtle_is_subtle() -> None:
    """A word of much does not undo a word of little."""
    assert _amount("a very subtle vignette") == _amount("a subtle vignette")


@pytest.mark.parametrize(
    ("prompt", "amount"),
    [
        ("brightness +20%", 0.2),
        ("brightness -20%", -0.2),
        ("brightness \u221220 %", -0.2),
        ("20% brighter", 0.2),
        ("make it 12.5 percent darker", -0.125),
        ("reduce the contrast by 30%", -0.3),
        ("saturation: 40%", 0.4),
        ("vignette at 80%", 0.8),
        ("film grain 300%", 1.0),
        ("warm it up by 30%", 0.3),
    ],
)
def test_percentages_are_taken_as_said(prompt: str, amount: float) -> None:
    """A percentage is the amount itself, cut off at everything."""
    assert _amount(prompt) == pytest.approx(amount)


def test_each_percentage_belongs_to_its_own_instruction() -> None:
    """Two instructions in one breath keep their own numbers."""
    assert parse("brightness +20% contrast -10%") == (Instruction("brightness", 0.2), Instruction("contrast", -0.1))


@pytest.mark.parametrize(
    "prompt", ["darker", "less contrast", "lower the saturation", "muted colors", "desaturated", "less bright", "cooler"]
)
def test_the_other_way_is_negative(prompt: str) -> None:
    """Darker, less and muted go below zero."""
    assert _amount(prompt) < 0


@pytest.mark.parametrize(
    ("prompt", "name", "wanted"),
    [
        ("a bit too dark, brighten it", "brightness", 1),
        ("it's too bright, make it darker", "brightness", -1),
        ("the photo is dark", "brightness", 1),
        ("the colours are too cold", "warmth", 1),
        ("it is underexposed", "exposure", 1),
        ("the landscape looks hazy", "dehaze", 1),
        ("not too bright", "brightness", 1),
    ],
)
def test_a_fault_is_mended_not_made(prompt: str, name: str, wanted: int) -> None:
    """Who says what is wrong with a picture wants the opposite."""
    instruction = _only(prompt)
    assert instruction.name == name
    assert instruction.amount * wanted > 0


def test_a_fault_without_an_opposite_is_not_added() -> None:
    """A photograph that is blurry is not blurred further."""
    assert _names("the photo is blurry, sharpen it") == ["sharpen"]
    assert _names("it is too grainy, reduce the noise") == ["denoise"]


def test_less_reaches_both_of_a_pair() -> None:
    """In "less contrast and saturation" both are less."""
    assert [instruction.amount < 0 for instruction in parse("less contrast and saturation")] == [True, True]


@pytest.mark.parametrize(
    "prompt",
    [
        "sepia, no vignette",
        "sepia without a vignette",
        "sepia, vignette, but no vignette",
        "sepia; don't add a vignette",
        "sepia without film grain or vignette",
        "sepia, keep the brightness",
        "Sepia. Do not blur the background.",
        "sepia, and don't crop it",
        "remove the vignette, sepia",
    ],
)
def test_negation_takes_an_instruction_away(prompt: str) -> None:
    """What the prompt does not want is not done, wherever it says so; removing an effect is not erasing an object."""
    assert "sepia" in _names(prompt)
    assert not {"vignette", "brightness", "blur the background", "crop", "erase"} & set(_names(prompt))


def test_an_instruction_is_done_once() -> None:
    """Said twice, an instruction is done once, as far as the mention goes that says how far."""
    assert parse("a strong vignette, yet again a vignette") == parse("strong vignette")


def test_what_differs_is_done_twice() -> None:
    """Two captions with their own words are two captions."""
    first, second = parse("caption 'A' top left, caption 'B' bottom right")
    assert (first.details.text, second.details.text) == ("A", "B")


@pytest.mark.parametrize(
    ("prompt", "named"),
    [
        ("Add a red hat to the person in the image", ["red hat"]),
        ("Replace the background with a beach scene", ["beach"]),
        ("Change the background to a beach scene", ["beach"]),
        ("Add sunglasses and a smile", ["sunglasses", "smile"]),
        ("Add aurora borealis to the night sky", ["aurora borealis"]),
        ("Add a party hat to the cat", ["party hat"]),
        ("A sunflower in a vase", ["sunflower", "vase"]),
        ("A cute baby sea otter wearing a beret", ["otter", "beret"]),
        ("remove the sign and add a red hat", ["red hat"]),
        ("add a flying elephant, blur the background and sing", ["flying elephant", "sing"]),
        ("make the hat blue", ["hat"]),
        ("a vingette please", ["vingette"]),
        ("\u6c34\u5f69\u753b", ["\u6c34\u5f69\u753b"]),
    ],
)
def test_what_is_not_understood_is_named(prompt: str, named: list[str]) -> None:
    """One unknown wish beside a known one is a 400, too: half of a wish is a picture that nobody asked for."""
    message = _refusal(prompt)
    assert all(name in message.partition(" The nearest")[0] for name in named)


@pytest.mark.parametrize("prompt", ["", "no grain", "make it better", "keep everything as it is", "a photo of a dog"])
def test_a_prompt_that_asks_for_nothing_is_refused(prompt: str) -> None:
    """Nothing to do: a 400 that says what could be asked for."""
    assert "asks for nothing" in _refusal(prompt)


@pytest.mark.parametrize("prompt", ["make the red hat blue", "brighten the sky", "blur the licence plate", "sepia on her hair"])
def test_with_a_mask_names_need_not_be_known(prompt: str) -> None:
    """The mask says where; what is there may have any name. Something new is still refused."""
    assert len(parse(prompt, masked=True)) == 1
    assert "hat" in _refusal(f"{prompt}, and add a red hat", masked=True)


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=300) | st.lists(st.sampled_from(WORDS)).map(" ".join), st.booleans())
def test_any_text_gives_instructions_within_bounds_or_a_refusal(prompt: str, masked: bool) -> None:
    """No text breaks the parser; amounts are within 0..1, or -1..1 where there is another way."""
    try:
        instructions = parse(prompt, masked=masked)
    except InvalidRequest as refused:
        assert refused.detail.code == "prompt_not_understood"
        return
    for instruction in instructions:
        row = entry(instruction.name)
        assert (-1 if row.opposite or row.two_way else 0) <= instruction.amount <= 1


def test_a_very_long_prompt_is_read_at_once() -> None:
    """32,000 characters, OpenAI's limit, are no burden."""
    assert _names("warm very blur background " * 1300 + "sepia")[-1] == "sepia"
