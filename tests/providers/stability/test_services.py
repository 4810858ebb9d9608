"""What is known of Stability's services, before anything is asked of them."""

import pytest

from streamedit.providers.capabilities import Support
from streamedit.providers.stability.services import BEDROCK, SERVICES, find
from streamedit.providers.stability.stability import FAMILIES, SETUP
from streamedit.targets import Target

NAMES = [
    "erase", "inpaint", "outpaint", "search-and-replace", "search-and-recolor", "remove-background",
    "replace-background-and-relight", "fast", "conservative", "creative", "sketch", "structure", "style", "style-transfer",
]  # fmt: skip
BEDROCKS = {
    "stability.stable-conservative-upscale-v1:0": "conservative",
    "us.stability.stable-creative-upscale-v1:0": "creative",
    "stability.stable-fast-upscale-v1:0": "fast",
    "stability.stable-image-control-sketch-v1:0": "sketch",
    "stability.stable-image-control-structure-v1:0": "structure",
    "stability.stable-image-erase-object-v1:0": "erase",
    "stable-image-inpaint-v1:0": "inpaint",
    "stability.stable-image-remove-background-v1:0": "remove-background",
    "stability.stable-image-search-recolor-v1:0": "search-and-recolor",
    "stability.stable-image-search-replace-v1:0": "search-and-replace",
    "stability.stable-image-style-guide-v1:0": "style",
    "stability.stable-outpaint-v1:0": "outpaint",
    "us.stability.stable-style-transfer-v1:0": "style-transfer",
}


@pytest.mark.parametrize(("model", "name"), [*zip(NAMES, NAMES, strict=True), *BEDROCKS.items()])
def test_a_model_is_the_service_in_its_name(model: str, name: str) -> None:
    """LiteLLM's names, and those of Bedrock's models; of two that fit, the longer: `style-transfer` is not `style`."""
    assert find(model) is SERVICES[name]


def test_another_model_is_a_mistake() -> None:
    """Told with the names of all fourteen; the wildcard is none."""
    told = SETUP.mistake(Target("stability", "sd3.5-large"))
    assert told is not None
    assert told.partition("there are ")[2].split(", ") == NAMES
    assert SETUP.mistake(Target("stability", "*")) is None
    assert SETUP.mistake(Target("stability", "stable-image-inpaint-v1:0")) is None


@pytest.mark.parametrize("poll_s", ["soon", 0, -1])
def test_an_interval_that_is_none_is_a_mistake(poll_s: object) -> None:
    """Looking without a pause locks out the account."""
    assert (
        SETUP.mistake(Target("stability", "creative", params={"poll_s": poll_s}))
        == "poll_s must be a number of seconds above 0"
    )


def test_key_and_base_come_from_the_environment() -> None:
    """LiteLLM's names for them."""
    environ = {"STABILITY_API_KEY": "sk-1", "STABILITY_API_BASE": "https://gateway.example"}
    target = SETUP.completed(Target("stability", "erase"), environ)
    assert (target.api_key, target.api_base) == ("sk-1", "https://gateway.example")


def test_every_service_is_a_family() -> None:
    """With what differs among them: masks, sizes, formats and the number of images."""
    assert list(FAMILIES) == [f"stability/{name}" for name in NAMES]
    masked = [name for name, family in FAMILIES.items() if family.support("mask") is Support.MAPPED]
    sized = [name for name, family in FAMILIES.items() if family.support("size") is Support.MAPPED]
    assert (masked, sized) == (["stability/erase", "stability/inpaint"], ["stability/style"])
    assert FAMILIES["stability/remove-background"].formats == ("png", "webp")
    assert FAMILIES["stability/style-transfer"].max_images == 2


@pytest.mark.parametrize(
    ("name", "size_px", "broken"),
    [
        ("inpaint", (63, 4_000), "at least 64 pixels on every side"),
        ("inpaint", (64, 64), None),
        ("inpaint", (3_072, 3_072), None),
        ("inpaint", (3_072, 3_073), "of 4,096 to 9,437,184 pixels"),
        ("inpaint", (200, 1_000), None),
        ("outpaint", (400, 1_000), None),
        ("outpaint", (399, 1_000), "of a shape between 1:2.5 and 2.5:1"),
        ("outpaint", (1_000, 399), "of a shape between 1:2.5 and 2.5:1"),
        ("remove-background", (2_048, 2_049), "of 4,096 to 4,194,304 pixels"),
        ("fast", (1_537, 32), "at most 1,536 pixels on every side"),
        ("fast", (31, 100), "at least 32 pixels on every side"),
        ("fast", (32, 32), None),
        ("creative", (1_024, 1_025), "of 4,096 to 1,048,576 pixels"),
        ("creative", (64, 1_000), None),
        ("conservative", (3_072, 3_072), None),
    ],
)
def test_each_service_has_its_own_limits(name: str, size_px: tuple[int, int], broken: str | None) -> None:
    """In pixels, as its description states them."""
    assert SERVICES[name].limits.broken(*size_px) == broken


def test_the_twins_on_bedrock_differ_where_their_guide_says_so() -> None:
    """All thirteen answer at once; some ranges and formats are others; all keep to one shape but the small ones."""
    assert not any(twin.polled for twin in BEDROCK.values())
    assert {twin.name for twin in BEDROCK.values()} == set(NAMES) - {"replace-background-and-relight"}
    assert all(find(model) is SERVICES[twin.name] for model, twin in BEDROCK.items())
    by_name = {twin.name: twin for twin in BEDROCK.values()}
    assert (by_name["outpaint"].fields["creativity"].low, SERVICES["outpaint"].fields["creativity"].low) == (0.1, 0)
    assert (by_name["inpaint"].fields["grow_mask"].high, SERVICES["inpaint"].fields["grow_mask"].high) == (20, 100)
    assert by_name["remove-background"].formats == ("png", "jpeg", "webp")
    assert {name for name, twin in by_name.items() if twin.limits.ratio != 2.5} == {"fast", "creative"}
