"""What prompts mean to the darkroom."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamedit.darkroom.grammar import Instruction, entry, parse, repertoire
from streamedit.errors import InvalidRequest

WORDS = ["no", "less", "very", "20%", "-5", "grain", "sepia", "remove", "dark", "er", "and", ",", ".", "the"]


def _names(prompt: str) -> list[str]:
    return [instruction.name for instruction in parse(prompt)]


def _amount(prompt: str) -> float:
    (instruction,) = parse(prompt)
    return instruction.amount


@pytest.mark.parametrize(
    ("prompt", "names"),
    [
        ("Add a warm golden-hour glow to the scene", ["golden hour"]),
        ("Apply vintage filter to all images", ["vintage"]),
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
        ("Erasing the sign\nthen make it vivid", ["erase", "saturation"]),
        ("vibrant and brighter", ["saturation", "brightness"]),
    ],
)
def test_prompt_names_its_instructions(prompt: str, names: list[str]) -> None:
    """Instructions are found in any usual form, case and spelling, in the order of the prompt, filler words or not."""
    assert _names(prompt) == names


def test_every_example_of_the_repertoire_is_understood() -> None:
    """What the darkroom says that it can do, it does when it is asked in those words."""
    for row in repertoire():
        assert _names(row.example) == [row.name], row.example
        assert _names(row.name) == [row.name]


def test_every_phrase_of_the_table_asks_for_its_row() -> None:
    """No phrase of one row is taken for another's."""
    for row in repertoire():
        for phrase in row.asks + row.opposite:
            assert _names(phrase.replace("..", "the")) == [row.name], phrase


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
    ],
)
def test_percentages_are_taken_as_said(prompt: str, amount: float) -> None:
    """A percentage is the amount itself, cut off at everything."""
    assert _amount(prompt) == pytest.approx(amount)


def test_each_percentage_belongs_to_its_own_instruction() -> None:
    """Two instructions in one breath keep their own numbers."""
    assert parse("brightness +20% contrast -10%") == (Instruction("brightness", 0.2), Instruction("contrast", -0.1))


@pytest.mark.parametrize(
    "prompt", ["darker", "less contrast", "lower the saturation", "muted colors", "desaturated", "less bright"]
)
def test_the_other_way_is_negative(prompt: str) -> None:
    """Darker, less and muted go below zero."""
    assert _amount(prompt) < 0


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
        "remove the film grain, sepia",
        "sepia, keep the brightness",
        "Sepia. Do not blur the background.",
    ],
)
def test_negation_takes_an_instruction_away(prompt: str) -> None:
    """What the prompt does not want is not done, wherever it says so; removing an effect is not erasing an object."""
    assert _names(prompt) == ["sepia"]


def test_an_instruction_is_done_once() -> None:
    """Said twice, an instruction is done once, as far as the mention goes that says how far."""
    assert parse("a strong vignette, yes, a vignette") == parse("strong vignette")


@pytest.mark.parametrize(
    "prompt",
    ["", "change the background to a clean studio setting", "no grain", "make it pop", "\u6c34\u5f69\u753b", "blurt ingrained"],
)
def test_prompt_without_an_instruction_is_refused_with_help(prompt: str) -> None:
    """Nothing understood: a 400 on the prompt that lists all that there is, and an example."""
    with pytest.raises(InvalidRequest) as refused:
        parse(prompt)
    detail = refused.value.detail
    assert (detail.status, detail.param, detail.code) == (400, "prompt", "prompt_not_understood")
    assert all(row.name in detail.message for row in repertoire())
    assert "Example: 'black and white" in detail.message


def test_what_is_not_understood_beside_an_instruction_is_passed_over() -> None:
    """One known clause is enough."""
    assert _names("add a flying elephant, blur the background and sing") == ["blur the background"]


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=300) | st.lists(st.sampled_from(WORDS)).map(" ".join))
def test_any_text_gives_instructions_within_bounds_or_a_refusal(prompt: str) -> None:
    """No text breaks the parser; amounts are within 0..1, or -1..1 where there is another way, and nothing comes twice."""
    try:
        instructions = parse(prompt)
    except InvalidRequest:
        return
    assert len({instruction.name for instruction in instructions}) == len(instructions)
    for instruction in instructions:
        assert (-1 if entry(instruction.name).opposite else 0) <= instruction.amount <= 1


def test_a_very_long_prompt_is_read_at_once() -> None:
    """32,000 characters, OpenAI's limit, are no burden."""
    assert _names("warm very blur background " * 1300 + "sepia")[-1] == "sepia"
