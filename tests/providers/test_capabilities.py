"""What becomes of each parameter of a request."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamedit.edits import EditOptions, EditRequest, InputImage
from streamedit.errors import InvalidRequest
from streamedit.providers import CATALOGUE
from streamedit.providers.capabilities import (
    CHANGE_THE_PICTURE,
    PARAMETERS,
    PREFERENCES,
    Capabilities,
    Extra,
    Support,
    adapted,
    extras_of,
)
from streamedit.targets import Target
from streamedit.uploads import Upload

IMAGE = InputImage(Upload(b"x"), "a.png", "image/png")
TARGET = Target("p", "m")
ALL = EditOptions(size="1024x1024", quality="high", background="transparent", output_format="webp", user="u", moderation="low")
EXTRAS = {
    "steps": Extra("integer", 1, 50),
    "strength": Extra("number", 0, 1),
    "style": Extra(choices=("a", "b")),
    "fast": Extra("flag"),
    "nested": Extra("json"),
    "style_image": Extra("file"),
}


def request(**changes: object) -> EditRequest:
    """A request with one image."""
    return replace(EditRequest("p", (IMAGE,)), **changes)  # type: ignore[arg-type] # each test names what it is about


def option(name: str, value: str) -> EditOptions:
    """One parameter."""
    return replace(EditOptions(), **{name: value})  # type: ignore[arg-type] # all that are named here are text


def refused(asked: EditRequest, capabilities: Capabilities, target: Target = TARGET) -> tuple[str | None, str | None]:
    """Parameter and code of the refusal."""
    with pytest.raises(InvalidRequest) as caught:
        adapted(asked, capabilities, target)
    return caught.value.detail.param, caught.value.detail.code


@pytest.mark.parametrize("name", CHANGE_THE_PICTURE)
def test_what_would_change_the_picture_is_refused(name: str) -> None:
    """Unless the capabilities say that it can be done."""
    asked = request(options=option(name, "transparent"))
    assert refused(asked, Capabilities()) == (name, "unsupported_parameter")
    able = Capabilities(parameters={name: Support.MAPPED})
    assert adapted(asked, able, TARGET) == asked


@pytest.mark.parametrize("name", ["mask", "markup"])
def test_files_are_refused_the_same(name: str) -> None:
    """A mask that would have no effect is never sent on in silence."""
    assert refused(request(**{name: IMAGE}), Capabilities()) == (name, "unsupported_parameter")


def test_preferences_are_dropped() -> None:
    """Nobody is refused for a wish."""
    asked = request(options=EditOptions(quality="high", user="u", moderation="low", input_fidelity="high", partial_images=2))
    assert adapted(asked, Capabilities(), TARGET).options == EditOptions()


@pytest.mark.parametrize(("name", "value"), [("size", "auto"), ("background", "opaque"), ("background", "auto")])
def test_values_that_ask_for_nothing_are_never_refused(name: str, value: str) -> None:
    """`auto`, and `opaque`, which pictures are."""
    asked = request(options=option(name, value))
    assert adapted(asked, Capabilities(), TARGET).prompt == "p"


def test_drop_params_drops_all_that_would_be_refused() -> None:
    """As LiteLLM has it; the mask, too."""
    asked = request(options=ALL, mask=IMAGE, extra=(("steps", "3"), ("other", "x")), extra_files=(("f", IMAGE),))
    adjusted = adapted(asked, Capabilities(extras=EXTRAS), replace(TARGET, params={"drop_params": True}))
    assert adjusted == request(extra=(("steps", "3"),))


def test_additional_drop_params_drops_what_it_names() -> None:
    """And no more."""
    target = replace(TARGET, params={"additional_drop_params": ["size", "other"]})
    asked = request(options=EditOptions(size="1x1", background="transparent"), extra=(("other", "x"),))
    assert refused(asked, Capabilities(), target) == ("background", "unsupported_parameter")
    asked = request(options=EditOptions(size="1x1"), extra=(("other", "x"),))
    assert adapted(asked, Capabilities(), target) == request()


def test_fields_that_nobody_knows_are_named() -> None:
    """They could change the picture; only where the dialect is OpenAI's they travel on. Bookkeeping is left out."""
    asked = request(extra=(("metadata[a]", "1"), ("tags", "t"), ("style_image", "x")))
    assert adapted(asked, Capabilities(extras=EXTRAS), TARGET).extra == (("style_image", "x"),)
    assert refused(asked, Capabilities()) == ("style_image", "unsupported_parameter")
    assert adapted(asked, Capabilities(verbatim=True), TARGET).extra == asked.extra


def test_files_that_nobody_knows_are_named() -> None:
    """The same for files."""
    asked = request(extra_files=(("style_image", IMAGE),))
    assert adapted(asked, Capabilities(extras=EXTRAS), TARGET) == asked
    assert refused(asked, Capabilities()) == ("style_image", "unsupported_parameter")


def test_models_tell_the_kinds_that_are_sent_as_they_are() -> None:
    """Those that nearly every provider takes, unless it is known to take others."""
    assert Capabilities().described()["inputs"] == ("png", "jpeg", "webp")
    assert Capabilities(inputs=("png",)).described()["inputs"] == ("png",)


def test_too_many_images_are_refused_whatever_is_dropped() -> None:
    """An image is never left out."""
    target = replace(TARGET, params={"drop_params": True})
    assert refused(request(images=(IMAGE, IMAGE)), Capabilities(max_images=1), target) == ("image", "too_many_images")


def test_formats_that_are_not_made_are_refused() -> None:
    """With those that are."""
    able = Capabilities(formats=("png",), parameters={"output_format": Support.NATIVE})
    assert refused(request(options=EditOptions(output_format="gif")), able) == ("output_format", "invalid_value")


def test_extras_have_their_types() -> None:
    """From text, the target's parameters before them as defaults; empty ones are as if not there."""
    target = replace(TARGET, params={"steps": 20, "strength": 0.5, "organization": "x"})
    asked = request(extra=(("steps", "30"), ("fast", "True"), ("nested", '{"a": [1]}'), ("style", "")))
    read = extras_of(asked, Capabilities(extras=EXTRAS), target)
    assert read == {"steps": 30, "strength": 0.5, "fast": True, "nested": {"a": [1]}}


def test_a_field_of_json_may_come_in_parts() -> None:
    """As SDKs write nested fields into forms, and as JSON bodies are kept."""
    parts = (("nested[a]", "1"), ("nested[b][]", "x"), ("nested[b][]", "true"))
    asked = adapted(request(extra=parts), Capabilities(extras=EXTRAS), TARGET)
    assert extras_of(asked, Capabilities(extras=EXTRAS), TARGET) == {"nested": {"a": 1, "b": ["x", True]}}
    assert refused(request(extra=(("steps[a]", "1"),)), Capabilities(extras=EXTRAS))[0] == "steps[a]"


def test_parts_that_contradict_each_other_are_named() -> None:
    """A 400 for the field."""
    asked = request(extra=(("nested[a]", "1"), ("nested[a][b]", "2")))
    with pytest.raises(InvalidRequest) as caught:
        extras_of(asked, Capabilities(extras=EXTRAS), TARGET)
    assert caught.value.detail.param == "nested"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("steps", "many"),
        ("steps", "1.5"),
        ("steps", "51"),
        ("strength", "-0.1"),
        ("strength", "nan"),
        ("style", "c"),
        ("fast", "perhaps"),
        ("nested", "{"),
    ],
)
def test_extras_that_are_wrong_are_named(name: str, text: str) -> None:
    """A 400 for that field."""
    with pytest.raises(InvalidRequest) as caught:
        extras_of(request(extra=((name, text),)), Capabilities(extras=EXTRAS), TARGET)
    assert caught.value.detail.param == name


@given(st.sampled_from([name for entry in CATALOGUE.values() for name in entry.families]), st.sampled_from(PARAMETERS))
def test_every_parameter_has_its_place(family: str, parameter: str) -> None:
    """For every family of models: what is wished for is never refused, and nothing that changes the picture is dropped."""
    capabilities = next(entry.families[family] for entry in CATALOGUE.values() if family in entry.families)
    support = capabilities.support(parameter)
    assert support is not Support.REFUSED or parameter not in PREFERENCES
    assert support is not Support.DROPPED or parameter in PREFERENCES
