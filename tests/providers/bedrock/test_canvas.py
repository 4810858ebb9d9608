"""Nova Canvas and Titan Image on Bedrock: tasks, masks, seeds and sizes."""

from io import BytesIO

import pytest
from PIL import Image
from providers.bedrock.desk import PHOTO, Desk, png, window
from providers.fakes import b64, body_of, decoded
from providers.fakes.bedrock import TitanImage, refusal
from upstreams import ScriptedUpstream, json_answer


@pytest.fixture
def desk(scripted: ScriptedUpstream) -> Desk:
    """With Nova Canvas at the other end."""
    return Desk(scripted)


def test_a_plain_edit_is_a_variation(desk: Desk) -> None:
    """Prompt, size, quality and n in its own terms, and every field of the task and of the picture beside them."""
    own = {"negativeText": "rain", "similarityStrength": "0.4", "cfgScale": "8", "seed": "0"}
    answer = desk.edit({"size": "1024x768", "quality": "high", "n": "3", **own}, None, PHOTO, PHOTO)
    assert answer.status == 200, answer.body
    params, config = desk.body["imageVariationParams"], desk.body["imageGenerationConfig"]
    assert desk.body["taskType"] == "IMAGE_VARIATION"
    assert (len(params.pop("images")), params) == (2, {"text": "a hat", "negativeText": "rain", "similarityStrength": 0.4})
    assert config == {
        "width": 1024, "height": 768, "quality": "premium", "numberOfImages": 3, "cfgScale": 8.0, "seed": 0,
    }  # fmt: skip
    assert len(desk.scripted.asked) == 1
    assert len(answer.json["data"]) == 3


@pytest.mark.parametrize(
    ("task", "name", "shade"), [("INPAINTING", "inPaintingParams", 0), ("OUTPAINTING", "outPaintingParams", 255)]
)
def test_a_mask_is_black_or_white_where_to_edit(desk: Desk, task: str, name: str, shade: int) -> None:
    """Inpainting edits the black, outpainting the white; what is half clear is one of the two."""
    answer = desk.edit({"taskType": task}, window())
    assert answer.status == 200, answer.body
    mask = decoded(desk.body[name]["maskImage"])
    assert (mask.getpixel((230, 130)), mask.getpixel((5, 5)), mask.getpixel((15, 15))) == (shade, 255 - shade, shade)
    assert set(desk.body[name]) == {"image", "maskImage", "text"}


@pytest.mark.parametrize("field", ["mask", "maskPrompt"])
def test_either_kind_of_mask_means_inpainting(desk: Desk, field: str) -> None:
    """As LiteLLM has it."""
    answer = desk.edit({"maskPrompt": "cat"} if field == "maskPrompt" else {}, window() if field == "mask" else None)
    assert (answer.status, desk.body["taskType"]) == (200, "INPAINTING")


def test_a_background_is_removed_without_a_prompt(desk: Desk) -> None:
    """The task knows the picture alone; the event says that it is transparent, and n of them are refused."""
    answer = desk.edit({"taskType": "BACKGROUND_REMOVAL", "background": "auto"})
    assert answer.json["background"] == "transparent"
    assert set(desk.body) == {"taskType", "backgroundRemovalParams"}
    assert set(desk.body["backgroundRemovalParams"]) == {"image"}
    refused = desk.edit({"taskType": "BACKGROUND_REMOVAL", "n": "2"})
    assert (refused.status, refused.error["param"], len(desk.scripted.asked)) == (400, "n", 1)


@pytest.mark.parametrize(
    ("fields", "masked", "param"),
    [
        ({"taskType": "INPAINTING"}, False, "mask"),
        ({"taskType": "IMAGE_VARIATION"}, True, "mask"),
        ({"taskType": "TEXT_IMAGE"}, False, "taskType"),
        ({"size": "1024x1024"}, True, "size"),
        ({"outPaintingMode": "PRECISE"}, True, "outPaintingMode"),
        ({"similarityStrength": "0.1"}, False, "similarityStrength"),
        ({"taskType": "OUTPAINTING", "maskPrompt": "a", "outPaintingMode": "precise"}, False, "outPaintingMode"),
        ({"seed": "1.5"}, False, "seed"),
        ({"size": "large"}, False, "size"),
    ],
)  # fmt: skip
def test_what_a_task_cannot_do_is_named(desk: Desk, fields: dict[str, str], masked: bool, param: str) -> None:
    """A 400, and nothing is sent."""
    answer = desk.edit(fields, window() if masked else None)
    assert (answer.status, answer.error["param"]) == (400, param), answer.body
    assert desk.scripted.asked == []


def test_what_a_task_cannot_do_may_be_dropped(desk: Desk) -> None:
    """With `drop_params` the size of a masked edit is left out."""
    desk.params = {"drop_params": True}
    answer = desk.edit({"size": "1024x1024"}, window())
    assert answer.status == 200, answer.body
    assert desk.body["imageGenerationConfig"] == {"numberOfImages": 1}


def test_titan_takes_a_size_for_masked_edits(desk: Desk) -> None:
    """Other than Nova Canvas, whose edits keep their size."""
    desk.fake = TitanImage()
    assert desk.edit({"size": "512x512"}, window()).status == 200
    assert desk.body["imageGenerationConfig"] == {"width": 512, "height": 512, "numberOfImages": 1}


@pytest.mark.parametrize(("seed", "seeds"), [(None, {None, 13, 14}), ("100", {100, 101, 102})])
def test_n_calls_have_n_seeds(desk: Desk, seed: str | None, seeds: set[int | None]) -> None:
    """The models' own seed is always the same, 12: without another each call of a stream would make one picture."""
    answer = desk.edit({"n": "3", "stream": "true", **({"seed": seed} if seed else {})})
    assert answer.status == 200, answer.body
    assert {body_of(asked)["imageGenerationConfig"].get("seed") for asked in desk.scripted.asked} == seeds


@pytest.mark.parametrize("made", ["translucent", "grey", "palette", "webp", "turned"])
def test_images_are_made_opaque_rgb(desk: Desk, made: str) -> None:
    """Transparency, other modes and formats are refused by the models: they get a PNG on white, upright."""
    answer = desk.edit(None, None, _made(made))
    assert answer.status == 200, answer.body
    seen = decoded(desk.body["imageVariationParams"]["images"][0])
    assert (seen.format, seen.mode) == ("PNG", "RGB")
    assert seen.size == ((48, 64) if made == "turned" else (64, 48))


def test_a_block_is_told_in_the_models_words(desk: Desk) -> None:
    """Also when only some of the pictures were taken away, and when it is an error of its own."""
    told = "Some generated images have been blocked by our content filters."
    desk.answering(json_answer({"images": [b64(PHOTO)], "error": told}))
    partly = desk.edit({"n": "2"})
    desk.answering(*refusal("400 Bad Request", "ValidationException", f"This request has been {told[-31:]}"))
    wholly = desk.edit()
    for answer in (partly, wholly):
        assert (answer.status, answer.error["code"]) == (400, "moderation_blocked"), answer.body
        assert "blocked by our content filters" in answer.error["message"]


def _made(kind: str) -> bytes:
    buffer = BytesIO()
    image = Image.new("RGBA", (64, 48), (255, 0, 0, 128))
    if kind == "translucent":
        return png(image)
    if kind in ("grey", "palette"):
        return png(image.convert({"grey": "L", "palette": "P"}[kind]))
    exif = Image.Exif()
    exif[0x0112] = 6
    image.convert("RGB").save(buffer, **({"format": "WEBP"} if kind == "webp" else {"format": "JPEG", "exif": exif}))
    return buffer.getvalue()
