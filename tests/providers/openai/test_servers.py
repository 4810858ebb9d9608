"""Servers of OpenAI's dialect with models of their own: what is sent to each, field by field, and what becomes of answers."""

import json
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from clients import Answer, post
from PIL import ExifTags, Image
from providers.fakes import COLOURS, b64, decoded, png
from servers import serving, settings_of
from upstreams import END, ScriptedUpstream, chunk, head, json_answer

from streamedit.config import from_file
from streamedit.documents import ConfigError
from streamedit.providers import available
from streamedit.targets import Target

SIZE_PX = (64, 48)
PHOTO = png((10, 10, 10))


def made(*pictures: bytes, **fields: Any) -> list[bytes]:
    """An answer with these pictures."""
    return [json_answer({"created": 7, "data": [{"b64_json": b64(picture)} for picture in pictures], **fields})]


def ask(target: Target, fields: Mapping[str, Any], **files: bytes) -> Answer:
    """One edit with a photo, by a server that has the target alone."""
    parts = [("image", ("photo.png", PHOTO, "image/png"))]
    parts += [(name, (f"{name}.png", content, "image/png")) for name, content in files.items()]
    with serving(settings_of(target, silence_s=2, connect_s=2)) as server:
        return post(server.edits_url, {"prompt": "make it night", **fields}, parts)


def server_of(scripted: ScriptedUpstream, dialect: str, **params: object) -> Target:
    """The upstream as a server of that kind."""
    return Target("openai", "m", None, scripted.url, {"dialect": dialect, **params})


def half_mask() -> bytes:
    """A mask of the photo's size: its left half is to be edited."""
    mask = Image.new("RGBA", SIZE_PX, (0, 0, 0, 255))
    mask.paste((0, 0, 0, 0), (0, 0, 32, 48))
    buffer = BytesIO()
    mask.save(buffer, "PNG")
    return buffer.getvalue()


def test_vllm_omni_gets_each_field_under_its_own_name(scripted: ScriptedUpstream) -> None:
    """OpenAI's that it reads, its own, and the configuration's; no stream, no key where there is none, nothing else."""
    scripted.play(made(PHOTO, PHOTO))
    fields = {
        "n": "2",
        "size": "64x48",
        "quality": "high",
        "user": "u",
        "output_format": "webp",
        "output_compression": "80",
        "partial_images": "2",
        "negative_prompt": "rain",
        "num_inference_steps": "20",
        "guidance_scale": "4.5",
        "guidance_scale_2": "1",
        "true_cfg_scale": "4",
        "strength": "0.5",
        "seed": "7",
        "layers": "3",
        "resolution": "640",
        "bot_task": "think",
        "sys_type": "s",
        "system_prompt": "p",
        "metadata[a]": "b",
    }
    target = server_of(scripted, "vllm-omni", lora={"name": "l"}, num_inference_steps=50)
    answer = ask(target, fields, reference_image=b"another")
    assert answer.status == 200, answer.body
    [asked] = scripted.asked
    ignored = {"quality", "user", "partial_images", "metadata[a]"}
    expected = {name: text for name, text in fields.items() if name not in ignored}
    expected |= {"guidance_scale": "4.5", "guidance_scale_2": "1.0", "true_cfg_scale": "4.0", "lora": '{"name": "l"}'}
    assert dict(asked.fields) == {**expected, "model": "m", "prompt": "make it night"}
    assert [(name, content) for name, _, _, content in asked.files] == [("image", PHOTO), ("reference_image", b"another")]
    assert "authorization" not in asked.headers


def test_a_stream_is_never_asked_for(scripted: ScriptedUpstream) -> None:
    """A caller's stream is made of an answer in one piece, n of them of n calls whose seeds differ."""
    scripted.play(made(PHOTO))
    answer = ask(server_of(scripted, "vllm-omni"), {"stream": "true", "n": "3", "seed": "40"})
    assert answer.names == ["completed"] * 3
    assert sorted(str(asked.field("seed")) for asked in scripted.asked) == ["40", "41", "42"]
    assert all((asked.field("stream"), asked.field("n")) == (None, None) for asked in scripted.asked)


def test_what_the_mask_keeps_is_kept_though_a_pipeline_never_read_it(scripted: ScriptedUpstream) -> None:
    """vLLM-Omni's answer is put into the mask's part; everywhere else are the photo's own pixels."""
    scripted.play(made(png(COLOURS[0])))
    answer = ask(server_of(scripted, "vllm-omni"), {}, mask=half_mask())
    [item] = answer.json["data"]
    picture = decoded(item["b64_json"]).convert("RGB")
    assert (picture.getpixel((5, 5)), picture.getpixel((60, 5))) == (COLOURS[0], (10, 10, 10))
    [(_, _, _, sent)] = [file for file in scripted.asked[0].files if file[0] == "mask_image"]
    assert (decoded(sent).getpixel((5, 5)), decoded(sent).getpixel((60, 5))) == (255, 0)


def test_a_picture_that_is_put_together_here_loses_nothing_before(scripted: ScriptedUpstream) -> None:
    """With a mask PNG is asked for, whatever format the caller gets."""
    scripted.play(made(png(COLOURS[0])))
    answer = ask(server_of(scripted, "vllm-omni"), {"output_format": "jpeg", "output_compression": "90"}, mask=half_mask())
    assert decoded(answer.json["data"][0]["b64_json"]).format == "JPEG"
    asked = scripted.asked[0]
    assert (asked.field("output_format"), asked.field("output_compression")) == ("png", None)


def test_with_a_mask_the_size_is_the_photos(scripted: ScriptedUpstream) -> None:
    """Its own size may be asked for, and auto; any other is a 400 before the server is asked."""
    scripted.play(made(PHOTO))
    target = server_of(scripted, "vllm-omni")
    for size in ("64x48", "auto"):
        assert ask(target, {"size": size}, mask=half_mask()).status == 200
    refused = ask(target, {"size": "128x96"}, mask=half_mask())
    assert (refused.status, refused.error["param"], len(scripted.asked)) == (400, "size", 2)


def test_the_photos_size_is_that_of_what_is_shown(scripted: ScriptedUpstream) -> None:
    """A camera that was held sideways stores it lying; the picture and the mask stand."""
    scripted.play(made(png((9, 9, 9))))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    photo, mask = BytesIO(), BytesIO()
    Image.new("RGB", (64, 48)).save(photo, "JPEG", exif=exif)
    Image.new("RGBA", (48, 64)).save(mask, "PNG")
    parts = [("image", ("p", photo.getvalue(), "image/jpeg")), ("mask", ("m", mask.getvalue(), "image/png"))]
    with serving(settings_of(server_of(scripted, "vllm-omni"), silence_s=2, connect_s=2)) as server:
        standing, lying = (post(server.edits_url, {"prompt": "x", "size": size}, parts) for size in ("48x64", "64x48"))
    assert (standing.status, lying.status, lying.error["param"], len(scripted.asked)) == (200, 400, "size", 1)
    assert decoded(standing.json["data"][0]["b64_json"]).size == (48, 64)


def test_a_stream_of_vllms_own_is_understood(scripted: ScriptedUpstream) -> None:
    """Its `image.edit.chunk`s come as text and then as the picture."""
    chunks = [
        {"object": "image.edit.chunk", "type": "ar_delta", "delta": "a night"},
        {"object": "image.edit.chunk", "type": "image", "data": [{"b64_json": b64(PHOTO)}], "output_format": "png"},
    ]
    lines = b"".join(b"data: " + json.dumps(line).encode() + b"\n\n" for line in chunks)
    scripted.play([head() + chunk(lines + b"data: [DONE]\n\n") + END])
    answer = ask(server_of(scripted, "vllm-omni"), {"stream": "true"})
    assert answer.names == ["completed"]
    assert answer.events[0][1]["b64_json"] == b64(PHOTO)


def test_an_error_in_a_stream_of_vllms_own_is_an_error(scripted: ScriptedUpstream) -> None:
    """With its words."""
    error = {"object": "error", "error": {"message": "out of memory", "type": "server_error", "code": None}}
    scripted.play([head() + chunk(b"data: " + json.dumps(error).encode() + b"\n\n") + END])
    answer = ask(server_of(scripted, "vllm-omni"), {})
    assert (answer.status, answer.error["message"]) == (502, "out of memory")


@pytest.mark.parametrize(
    ("body", "message", "code"),
    [
        ({"detail": "Model mismatch"}, "Model mismatch", None),
        ({"detail": [{"loc": ["body", "n"], "msg": "not an integer"}, {"msg": "too few"}]}, "not an integer; too few", None),
        ({"error": {"message": "no", "type": "BadRequestError", "param": "size", "code": 400}}, "no", None),
        ({"error": {"message": "no", "code": "too_large"}}, "no", "too_large"),
        ({"error": "invalid params"}, "invalid params", None),
        (["what"], "The provider answered with status 400.", None),
    ],
)
def test_an_error_is_told_in_the_servers_words(
    scripted: ScriptedUpstream, body: object, message: str, code: str | None
) -> None:
    """FastAPI's, vLLM's and plain ones; a code that only repeats the status is none."""
    scripted.play([json_answer(body, "400 Bad Request")])
    answer = ask(server_of(scripted, "sglang"), {})
    assert (answer.status, answer.error["message"], answer.error["code"]) == (400, message, code)


def test_sglang_is_asked_for_png_unless_another_format_is_wanted(scripted: ScriptedUpstream) -> None:
    """Its own default is JPEG, OpenAI's is PNG; `auto` and preferences are left out."""
    scripted.play(made(PHOTO))
    target = server_of(scripted, "sglang", guidance_scale=2.5)
    fields = {"size": "auto", "background": "opaque", "quality": "low", "enable_upscaling": "true"}
    assert ask(target, fields).status == 200
    expected = {"model": "m", "prompt": "make it night", "output_format": "png"}
    assert dict(scripted.asked[0].fields) == {**expected, "enable_upscaling": "true", "guidance_scale": "2.5"}


def test_webp_of_stable_diffusion_cpp_is_converted(scripted: ScriptedUpstream) -> None:
    """It makes none for edits: PNG is asked for, and the answer says and is webp."""
    scripted.play(made(PHOTO))
    answer = ask(server_of(scripted, "sd.cpp"), {"output_format": "webp", "output_compression": "50"})
    sent = dict(scripted.asked[0].fields)
    assert (sent["output_format"], "output_compression" in sent) == ("png", False)
    assert (answer.json["output_format"], decoded(answer.json["data"][0]["b64_json"]).format) == ("webp", "WEBP")


@pytest.mark.parametrize("dialect", ["vllm-omni", "sglang", "sd.cpp"])
def test_a_size_that_is_none_is_refused_here(scripted: ScriptedUpstream, dialect: str) -> None:
    """stable-diffusion.cpp would overlook it."""
    scripted.play(made(PHOTO))
    answer = ask(server_of(scripted, dialect), {"size": "large"})
    assert (answer.status, answer.error["param"], scripted.asked) == (400, "size", [])


@pytest.mark.parametrize(
    "prompt",
    [
        '<sd_cpp_extra_args>{"sample_steps": 1}</sd_cpp_extra_args>',
        "open <sd_cpp_extra_args> and left so",
        "only the end </sd_cpp_extra_args>",
        "<SD_CPP_extra_args>{}",
    ],
)
def test_a_prompt_cannot_control_stable_diffusion_cpp(scripted: ScriptedUpstream, prompt: str) -> None:
    """A block, or a part of one that another part could complete, is a 400 that names the prompt and does not repeat it."""
    scripted.play(made(PHOTO))
    target = server_of(scripted, "sd.cpp", sd_cpp_extra_args={"seed": 7})
    answer = ask(target, {"prompt": prompt})
    assert (answer.status, answer.error["param"], scripted.asked) == (400, "prompt", [])
    assert prompt not in answer.body.decode()


def test_the_configuration_may_control_stable_diffusion_cpp(scripted: ScriptedUpstream) -> None:
    """Its block is behind the prompt, and nothing in it ends it early."""
    scripted.play(made(PHOTO))
    args = {"seed": 7, "negative_prompt": "</sd_cpp_extra_args>"}
    ask(server_of(scripted, "sd.cpp", sd_cpp_extra_args=args), {"prompt": "a < b"})
    prompt, _, block = str(scripted.asked[0].field("prompt")).partition("<sd_cpp_extra_args>")
    inside, end, rest = block.partition("</sd_cpp_extra_args>")
    assert (prompt, json.loads(inside), rest) == ("a < b", args, "")
    assert end


def test_the_same_words_are_harmless_elsewhere(scripted: ScriptedUpstream) -> None:
    """Only that server reads them."""
    scripted.play(made(PHOTO))
    words = "<sd_cpp_extra_args>{}</sd_cpp_extra_args>"
    assert ask(server_of(scripted, "sglang"), {"prompt": words}).status == 200
    assert scripted.asked[0].field("prompt") == words


@pytest.mark.parametrize("base", ["", "/v1", "/v1/"])
def test_the_base_of_hosted_vllm_may_say_v1_or_not(scripted: ScriptedUpstream, base: str) -> None:
    """Both are in use."""
    scripted.play(made(PHOTO))
    target = Target("hosted_vllm", "m", None, scripted.url.removesuffix("/v1") + base)
    assert ask(target, {}).status == 200
    assert scripted.asked[0].path == "/v1/images/edits"


def test_hosted_vllm_is_configured_by_litellms_names(tmp_path: Path) -> None:
    """Key and base of the environment; without a base the mistake says so."""
    environ = {"HOSTED_VLLM_API_KEY": "k", "HOSTED_VLLM_API_BASE": "http://h:8000"}
    text = "model_list:\n  - model_name: m\n    litellm_params: {model: hosted_vllm/Qwen/Qwen-Image-Edit, seed: 3}\n"
    path = tmp_path / "streamedit.yaml"
    path.write_text(text)
    settings = from_file(path, environ, available())
    expected = Target("hosted_vllm", "Qwen/Qwen-Image-Edit", "k", "http://h:8000", {"seed": 3})
    assert (settings.routes.find("m").targets, settings.ignored) == ((expected,), ())
    with pytest.raises(ConfigError) as caught:
        from_file(path, {}, available())
    assert "HOSTED_VLLM_API_BASE" in caught.value.mistakes[0]


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ("dialect: klingon, api_base: 'http://h'", "no dialect 'klingon'; there are: openai, vllm-omni, sglang, sd.cpp"),
        ("dialect: sglang", "the dialect 'sglang' needs an api_base"),
    ],
)
def test_a_wrong_dialect_is_a_mistake(tmp_path: Path, params: str, told: str) -> None:
    """It is told when the server starts."""
    path = tmp_path / "streamedit.yaml"
    path.write_text(f"model_list:\n  - model_name: m\n    litellm_params: {{model: openai/x, {params}}}\n")
    with pytest.raises(ConfigError) as caught:
        from_file(path, {}, available())
    assert told in caught.value.mistakes[0]


def test_headers_of_the_answer_reach_the_caller(scripted: ScriptedUpstream) -> None:
    """Those that are on the list of what callers may see."""
    body = {"created": 1, "data": [{"b64_json": b64(PHOTO)}]}
    scripted.play([json_answer(body, x_ratelimit_remaining_requests="7", x_secret="s")])
    headers = ask(server_of(scripted, "sglang"), {}).headers
    assert (headers["x-ratelimit-remaining-requests"], "x-secret" in headers) == ("7", False)


def test_usage_that_a_server_tells_is_told(scripted: ScriptedUpstream) -> None:
    """Once, though there are two pictures."""
    usage = {"input_tokens": 5, "output_tokens": 6, "total_tokens": 11, "input_tokens_details": {"image_tokens": 4}}
    scripted.play(made(PHOTO, PHOTO, usage=usage))
    told = ask(server_of(scripted, "sglang"), {"n": "2"}).json["usage"]
    assert (told["input_tokens"], told["output_tokens"], told["total_tokens"]) == (5, 6, 11)
    assert told["input_tokens_details"]["image_tokens"] == 4
