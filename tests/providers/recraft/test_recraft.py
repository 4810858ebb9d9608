"""Recraft's services: which of them makes an edit, with which fields, and what is refused before it is paid for."""

from collections.abc import Mapping
from io import BytesIO
from typing import Any

import pytest
from clients import Answer, post
from PIL import Image, ImageDraw
from providers.fakes import KEY, decoded
from providers.fakes.recraft import (
    CrispUpscale,
    EraseRegion,
    GenerateBackground,
    RecraftV3,
    RecraftV4,
    ReplaceBackground,
    given,
)
from servers import serving, settings_of
from upstreams import Asked, ScriptedUpstream

from streamedit.providers.recraft.recraft import SETUP
from streamedit.targets import Target

SIZE_PX = (320, 280)


def image(size_px: tuple[int, int] = SIZE_PX, mode: str = "RGB", **options: Any) -> bytes:
    """A picture of one colour."""
    buffer = BytesIO()
    Image.new(mode, size_px, (10, 20, 30)).save(buffer, "PNG", **options)
    return buffer.getvalue()


def soft_mask() -> bytes:
    """Half transparent on the left, less so on the right, opaque below."""
    mask = Image.new("RGBA", SIZE_PX, (0, 0, 0, 255))
    ImageDraw.Draw(mask).rectangle((0, 0, 159, 99), (0, 0, 0, 100))
    ImageDraw.Draw(mask).rectangle((160, 0, 319, 99), (0, 0, 0, 200))
    buffer = BytesIO()
    mask.save(buffer, "PNG")
    return buffer.getvalue()


def edit(
    fake: RecraftV3,
    scripted: ScriptedUpstream,
    fields: Mapping[str, str] | None = None,
    *,
    content: bytes | None = None,
    mask: bytes | None = None,
    **target: Any,
) -> Answer:
    """One edit of the fake's target, which `target` changes."""
    fake.url = scripted.url
    scripted.serve(fake.answer)
    params = {**fake.params, **target.pop("params", {})}
    model = fake.name.partition("/")[2]
    target = {"api_base": scripted.url, "model": model, **target}
    files = [("image", ("my cat.png", content or image(), "image/png"))]
    files += [("mask", ("where.png", mask, "image/png"))] if mask else []
    with serving(settings_of(Target("recraft", api_key=KEY, params=params, **target))) as server:
        return post(server.edits_url, fields, files)


def asked_of(answer: Answer, scripted: ScriptedUpstream) -> Asked:
    """The one request that made the answer."""
    assert answer.status == 200, answer.body
    [asked] = scripted.asked
    return asked


def test_a_plain_edit_is_image_to_image(scripted: ScriptedUpstream) -> None:
    """With LiteLLM's strength, base64 asked for, one image under its own name, and nothing else."""
    asked = asked_of(edit(RecraftV3(), scripted), scripted)
    assert asked.path == "/v1/images/imageToImage"
    assert dict(asked.fields) == {"prompt": "sepia", "model": "recraftv3", "strength": "0.2", "response_format": "b64_json"}
    assert asked.files == [("image", "my cat.png", "image/png", image())]


def test_every_field_of_its_own_arrives(scripted: ScriptedUpstream) -> None:
    """From the request, before it from the configuration."""
    fields = {"strength": "0.75", "style": "realistic_image", "negative_prompt": "rain", "random_seed": "7", "n": "2"}
    params = {"substyle": "b_and_w", "style": "icon"}
    asked = asked_of(edit(RecraftV3(), scripted, fields, params=params), scripted)
    told = {**fields, "substyle": "b_and_w", "prompt": "sepia", "model": "recraftv3", "response_format": "b64_json"}
    assert dict(asked.fields) == told


def test_a_mask_makes_it_an_inpainting(scripted: ScriptedUpstream) -> None:
    """Where more than half is transparent it is white, else black, never grey; there is no strength then."""
    asked = asked_of(edit(RecraftV3(), scripted, mask=soft_mask()), scripted)
    assert asked.path == "/v1/images/inpaint"
    assert asked.field("strength") is None
    assert asked.files[1][:3] == ("mask", "where.png", "image/png")
    seen = decoded(asked.files[1][3])
    assert seen.tobytes() == bytes([255] * 160 + [0] * 160) * 100 + bytes(320 * 180)


def test_inpainting_has_no_strength(scripted: ScriptedUpstream) -> None:
    """The model takes one, but not together with a mask."""
    answer = edit(RecraftV3(), scripted, {"strength": "0.5"}, mask=soft_mask())
    assert (answer.status, answer.error["param"]) == (400, "strength")
    assert scripted.asked == []


def test_objects_travel_in_json(scripted: ScriptedUpstream) -> None:
    """A form cannot say them, so the images go as data URLs then."""
    asked = asked_of(edit(RecraftV4(), scripted, RecraftV4.fields), scripted)
    assert given(asked) == {
        "prompt": "sepia",
        "model": "recraftv4_1",
        "strength": 0.2,
        "response_format": "b64_json",
        "controls": {"colors": [{"rgb": [1, 2, 3]}]},
    }


def test_a_service_beside_its_model(scripted: ScriptedUpstream) -> None:
    """The model travels with it."""
    asked = asked_of(edit(ReplaceBackground(), scripted), scripted)
    assert asked.path == "/v1/images/replaceBackground"
    assert dict(asked.fields) == {"prompt": "sepia", "model": "recraftv3", "response_format": "b64_json"}


def test_a_service_in_its_models_place(scripted: ScriptedUpstream) -> None:
    """There is no model to tell, and no prompt where the service takes none."""
    asked = asked_of(edit(EraseRegion(), scripted, mask=soft_mask()), scripted)
    assert asked.path == "/v1/images/eraseRegion"
    assert dict(asked.fields) == {"response_format": "b64_json"}
    asked = asked_of(edit(GenerateBackground(), scripted, mask=soft_mask()), scripted)
    assert asked.path == "/v1/images/generateBackground"
    assert dict(asked.fields) == {"prompt": "sepia", "response_format": "b64_json"}


@pytest.mark.parametrize("fake", [EraseRegion, GenerateBackground])
def test_a_missing_mask_is_named(fake: type[RecraftV3], scripted: ScriptedUpstream) -> None:
    """Before the provider is asked."""
    answer = edit(fake(), scripted)
    assert (answer.status, answer.error["param"], answer.error["code"]) == (400, "mask", "missing_required_parameter")
    assert scripted.asked == []


def test_n_calls_with_one_seed_make_n_pictures(scripted: ScriptedUpstream) -> None:
    """The seed moves on for each image of a stream."""
    edit(RecraftV3(), scripted, {"n": "3", "stream": "true", "random_seed": "40"})
    assert sorted(asked.field("random_seed") or "" for asked in scripted.asked) == ["40", "41", "42"]


@pytest.mark.parametrize("size_px", [(255, 300), (300, 4097), (4096, 4000)])
def test_an_image_of_another_size_is_refused(size_px: tuple[int, int], scripted: ScriptedUpstream) -> None:
    """Too small, too long, or too many pixels: a 400 that says what is taken."""
    answer = edit(RecraftV3(), scripted, content=image(size_px))
    assert (answer.status, answer.error["param"], answer.error["code"]) == (400, "image", "invalid_image_size")
    assert "256 to 4096 pixels" in answer.error["message"]
    assert scripted.asked == []


def test_an_image_of_too_many_bytes_is_refused(scripted: ScriptedUpstream) -> None:
    """A 413, before it is sent."""
    answer = edit(RecraftV3(), scripted, content=image() + bytes(10 << 20))
    assert (answer.status, answer.error["param"]) == (413, "image")
    assert scripted.asked == []


def test_small_images_can_be_upscaled(scripted: ScriptedUpstream) -> None:
    """`crispUpscale` takes sides of 32 pixels."""
    asked = asked_of(edit(CrispUpscale(), scripted, content=image((40, 40))), scripted)
    assert [name for name, *_ in asked.files] == ["file"]


def test_credits_are_its_price(scripted: ScriptedUpstream) -> None:
    """1,000 API units are one dollar; the price of all images is told once."""
    answer = edit(RecraftV3(), scripted, {"n": "2"})
    assert answer.json["usage"]["cost"] == 0.08


def test_a_refusal_is_told(scripted: ScriptedUpstream) -> None:
    """Recraft's own code and message."""
    fake = RecraftV3()
    fake.outcome = fake.outcome.REFUSED
    answer = edit(fake, scripted)
    assert (answer.error["code"], answer.error["message"]) == ("invalid_request", "bad request of ***")


def test_the_version_may_be_left_out(scripted: ScriptedUpstream) -> None:
    """As LiteLLM's configurations do."""
    base = scripted.url.removesuffix("/v1")
    assert asked_of(edit(RecraftV3(), scripted, api_base=f"{base}/"), scripted).path == "/v1/images/imageToImage"


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (Target("recraft", "recraftv3", params={"service": "paint"}), "service must be one of"),
        (Target("recraft", "recraftv3_vector"), "makes SVG"),
        (Target("recraft", "recraftv3", params={"service": "inpaint"}), None),
    ],
)
def test_mistakes_of_a_configuration(target: Target, said: str | None) -> None:
    """A service that does not exist, a model whose pictures are none."""
    mistake = SETUP.mistake(target)
    assert (said is None and mistake is None) or (said is not None and mistake is not None and said in mistake)
