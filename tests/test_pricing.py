"""What an image costs: told, by tokens, by image; and the prices themselves."""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamedit.edits import EditOptions, EditRequest, InputImage
from streamedit.events import Usage
from streamedit.pricing import Made, Price, Prices
from streamedit.targets import Target
from streamedit.uploads import Upload
from streamedit.worst_cases import usage_at_most

ROWS = json.loads((resources.files("streamedit") / "prices.json").read_text(encoding="utf-8"))
SHIPPED = Prices.shipped()
OPENAI = Target("openai", "gpt-image-2")
KINDS = {"text_in", "image_in", "cached_text_in", "cached_image_in", "text_out", "image_out"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['model']} {row.get('quality', '')} {row.get('size', '')}")
def test_every_price_says_what_it_is_for_and_where_it_is_from(row: dict[str, object]) -> None:
    """Each row has its unit, its source and its date, and a price in that unit."""
    assert set(row) <= {"model", "unit", "micros_per_token", "micros_per_image", "quality", "size", "source", "date"}
    assert len(str(row["source"])) > 10
    assert date.fromisoformat(str(row["date"])) <= date(2026, 11, 21)
    if row["unit"] == "token":
        tokens = row["micros_per_token"]
        assert isinstance(tokens, dict)
        assert set(tokens) <= KINDS
        assert {"text_in", "image_out"} <= set(tokens)
        assert all(0 < price < 1000 for price in tokens.values())
    else:
        assert row["unit"] == "image"
        assert 0 <= Decimal(str(row["micros_per_image"])) <= 1_000_000


def test_tokens_are_counted_by_their_kind() -> None:
    """Text and image, in and out: 50 text, 150 image and 1,000 output tokens of gpt-image-2 are 31,450 micro-dollars."""
    usage = Usage(200, 1000, 1200, input_image_tokens=150)
    assert SHIPPED.cost_micros(OPENAI, usage, Made()) == 50 * 5 + 150 * 8 + 1000 * 30


def test_cached_tokens_cost_less() -> None:
    """Cached text at 1.25 instead of 5, cached image at 2 instead of 8."""
    usage = Usage(200, 0, 200, input_image_tokens=150, cached_tokens=60, cached_image_tokens=40)
    assert SHIPPED.cost_micros(OPENAI, usage, Made()) == 30 * 5 + 20 * 1.25 + 110 * 8 + 40 * 2


def test_text_that_is_put_out_has_its_own_price() -> None:
    """Gemini's thoughts are text: 3 instead of 60 per token."""
    usage = Usage(100, 1200, 1300, output_text_tokens=80)
    cost = SHIPPED.cost_micros(Target("gemini", "gemini-3.1-flash-image"), usage, Made())
    assert cost == 100 * 0.5 + 80 * 3 + 1120 * 60


def test_an_image_without_usage_has_its_own_price_and_its_partial_images() -> None:
    """By quality and size; each partial image adds 100 image output tokens."""
    made = Made("high", "1024x1024", partial_images=2)
    assert SHIPPED.cost_micros(OPENAI, Usage(), made) == 211_000 + 2 * 100 * 30
    assert SHIPPED.cost_micros(OPENAI, Usage(), Made("auto", "123x456")) is None


def test_the_provider_knows_best() -> None:
    """A cost that the provider has told is the cost."""
    assert SHIPPED.cost_micros(OPENAI, Usage(10, 10, 20, cost_micros=7), Made()) == 7


@pytest.mark.parametrize(
    ("provider", "model", "dollars"),
    [
        ("stability", "inpaint", "0.05"),
        ("stability", "stable-image-outpaint-v1:0", "0.04"),
        ("stability", "style", "0.05"),
        ("stability", "style-transfer", "0.08"),
        ("stability", "creative", "0.60"),
        ("bedrock", "us.stability.stable-creative-upscale-v1:0", "0.60"),
        ("bedrock", "stability.stable-image-inpaint-v1:0", "0.07"),
        ("darkroom", "darkroom", "0"),
        ("mock", "anything", "0"),
    ],
)
def test_services_have_their_price(provider: str, model: str, dollars: str) -> None:
    """Stability's are in credits of a cent: LiteLLM's table is ten times too low there."""
    assert SHIPPED.cost_micros(Target(provider, model), Usage(), Made()) == Decimal(dollars) * 1_000_000


def test_a_model_that_is_not_listed_has_no_price() -> None:
    """Not known is not free."""
    assert SHIPPED.cost_micros(Target("openai", "sd-turbo"), Usage(1, 1, 2), Made()) is None


def test_a_configuration_has_its_own_prices() -> None:
    """In dollars, by LiteLLM's names, before those that are shipped."""
    tokens = {"input_cost_per_token": 1e-6, "output_cost_per_image_token": "0.00001"}
    target = replace(OPENAI, params=tokens)
    assert SHIPPED.cost_micros(target, Usage(10, 10, 20), Made()) == 10 + 100
    target = replace(OPENAI, params={"output_cost_per_image": 0.02, "input_cost_per_image": 0.001})
    assert SHIPPED.cost_micros(target, Usage(10, 10, 20), Made()) == 21_000


@pytest.mark.parametrize("base", ["azure/gpt-image-2", "gpt-image-2", "openai/gpt-image-2"])
@pytest.mark.parametrize("provider", ["azure", "litellm_proxy"])
def test_a_deployment_costs_what_its_model_costs(provider: str, base: str) -> None:
    """Where `base_model` says which one that is, with a provider or without; its own name tells nothing."""
    usage = Usage(1000, 1000, 2000, input_image_tokens=1000)
    named = Target(provider, "my-deployment", params={"base_model": base})
    assert SHIPPED.cost_micros(named, usage, Made()) == SHIPPED.cost_micros(OPENAI, usage, Made()) == 38_000
    assert SHIPPED.cost_micros(replace(named, params={}), usage, Made()) is None


def test_the_first_price_that_fits_counts() -> None:
    """A price for one quality stands before the one for all."""
    rows = [Price("a/*", per_image=Decimal(5), quality="high"), Price("a/*", per_image=Decimal("1.2"))]
    prices = Prices(rows)
    assert prices.cost_micros(Target("a", "b"), Usage(), Made("high")) == 5
    assert prices.cost_micros(Target("a", "b"), Usage(), Made("low")) == 2, "fractions are rounded up"


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.data())
def test_no_usage_costs_less_than_nothing(text: int, image: int, data: st.DataObject) -> None:
    """Whatever is cached, a count costs between nothing and its full price."""
    cached_image = data.draw(st.integers(0, image))
    cached = cached_image + data.draw(st.integers(0, text))
    full = Usage(text + image, 1, text + image + 1, input_image_tokens=image)
    cheaper = SHIPPED.cost_micros(OPENAI, replace(full, cached_tokens=cached, cached_image_tokens=cached_image), Made())
    dearer = SHIPPED.cost_micros(OPENAI, full, Made())
    assert cheaper is not None
    assert dearer is not None
    assert 0 < cheaper <= dearer


@pytest.mark.parametrize(
    ("rows", "micros"),
    [
        ([], None),
        (
            [Price("a/*", {"text_in": Decimal(5), "image_in": Decimal(10), "image_out": Decimal(40)})],
            100 * 5 + 1000 * 10 + 1056 * 40,
        ),
        ([Price("a/*", per_image=Decimal(7), quality="low"), Price("a/*", per_image=Decimal(9), quality="medium")], 9),
        ([Price("a/*", per_image=Decimal(7), quality="low", size="1x1")], 7),
        ([Price("a/*", per_image=Decimal(3)), Price("a/*", {"text_in": Decimal(1)})], 100 + 1000),
    ],
)
def test_targets_are_compared_by_a_usual_edit(rows: list[Price], micros: int | None) -> None:
    """One medium picture of 1024 x 1024 from one picture, by tokens where they have a price; else the price of any picture."""
    assert Prices(rows).usual_micros(Target("a", "b")) == micros


def test_a_target_s_own_price_is_compared() -> None:
    """What the configuration says goes before what is shipped."""
    assert SHIPPED.usual_micros(replace(OPENAI, params={"output_cost_per_image": 0.02})) == 20_000
    usual = SHIPPED.usual_micros(OPENAI)
    assert usual is not None
    assert 30_000 < usual < 60_000


IMAGE = InputImage(Upload(b"PNG"), "a.png", "image/png")
PRICED = sorted({str(row["model"]) for row in ROWS})
BY_TOKEN = sorted({str(row["model"]) for row in ROWS if row["unit"] == "token"})


def asked(prompt: str, files: int, stream: bool, **options: str | int | None) -> EditRequest:
    """A request to edit so many images."""
    return EditRequest(prompt, (IMAGE,) * files, stream=stream, options=EditOptions(**options))  # type: ignore[arg-type]  # drawn


REQUESTS = st.builds(
    asked,
    st.text(max_size=40),
    st.integers(1, 16),
    st.booleans(),
    quality=st.sampled_from([None, "auto", "low", "medium", "high", "standard"]),
    size=st.sampled_from([None, "auto", "1024x1024", "1536x1024", "2048x1152"]),
    partial_images=st.integers(0, 3),
)


@given(st.sampled_from(BY_TOKEN) | st.sampled_from(PRICED), REQUESTS, st.data())
def test_no_honest_usage_costs_more_than_the_worst_case(model: str, request: EditRequest, data: st.DataObject) -> None:
    """However few of its tokens are cached, or told apart; and with no usage at all, by quality and size."""
    provider, _, name = model.replace("*", "x" if model.startswith("bedrock") else "").partition("/")
    target = Target(provider, name or "any")
    worst, most = SHIPPED.worst_micros(target, request), usage_at_most(target.base_model, request)

    is_most = data.draw(st.booleans())

    def up_to(most_tokens: int) -> int:
        return most_tokens if is_most else data.draw(st.integers(0, most_tokens))

    text, image = up_to(most.input_tokens - most.input_image_tokens), up_to(most.input_image_tokens)
    cached_image = data.draw(st.integers(0, image))
    text_out, image_out = up_to(most.output_text_tokens), up_to(most.output_tokens - most.output_text_tokens)
    is_told, is_told_of_cached = data.draw(st.booleans()), data.draw(st.booleans())
    usage = Usage(
        text + image,
        text_out + image_out,
        input_image_tokens=image if is_told else 0,
        cached_tokens=cached_image + data.draw(st.integers(0, text)),
        cached_image_tokens=cached_image if is_told and is_told_of_cached else 0,
        output_text_tokens=text_out,
    )
    options = request.options
    made = Made(options.quality, options.size, request.partial_images)
    for counted in (usage, Usage()):
        cost = SHIPPED.cost_micros(target, counted, made)
        assert cost is None or (worst is not None and cost <= worst)


def test_the_worst_case_of_a_usual_edit() -> None:
    """Of gpt-image-2 at high quality: for a prompt of a word and one image a third of a dollar."""
    request = asked("word", 1, False, quality="high", size="1024x1024")
    text, image, out = 4 + 1024, 8000, 7024 + 100 + 1024
    assert SHIPPED.worst_micros(OPENAI, request) == text * 5 + image * 8 + out * 30 == 313_580


def test_what_is_left_open_is_the_dearest() -> None:
    """Of prices by image as of tokens."""
    rows = [Price("a/*", per_image=Decimal(price), quality=quality) for quality, price in (("low", 3), ("high", 9))]
    prices, target = Prices(rows), Target("a", "b")
    assert prices.worst_micros(target, asked("p", 1, False)) == 9
    assert prices.worst_micros(target, asked("p", 1, False, quality="low")) == 3
    assert prices.worst_micros(target, asked("p", 1, False, quality="unheard-of")) == 9


def test_a_worst_case_that_is_not_known_and_one_that_others_pay() -> None:
    """Without a price there is none; on the caller's own account there is nothing to pay here."""
    request = asked("p", 1, False)
    assert SHIPPED.worst_micros(Target("openai", "sd-turbo"), request) is None
    assert SHIPPED.worst_micros(replace(OPENAI, is_callers=True), request) == 0
    assert SHIPPED.worst_micros(Target("mock", "mock"), request) == 0


def test_a_configured_price_has_a_worst_case() -> None:
    """By image, or by token."""
    request = asked("p", 1, False, quality="low", size="1024x1024")
    assert SHIPPED.worst_micros(replace(OPENAI, params={"output_cost_per_image": 0.02}), request) == 20_000
    by_token = SHIPPED.worst_micros(replace(OPENAI, params={"output_cost_per_image_token": "0.00001"}), request)
    assert by_token == (196 + 100 + 1024) * 10
