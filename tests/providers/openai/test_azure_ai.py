"""Models of other makers in Foundry: which API each has, what it is asked, whence its pictures come."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from clients import Answer, post
from providers.fakes import b64, body_of, decoded, png
from servers import serving, settings_of
from upstreams import END, Asked, Script, ScriptedUpstream, chunk, head, json_answer, sized

from streamedit.config import from_environment, from_file
from streamedit.documents import ConfigError
from streamedit.providers import available
from streamedit.targets import Target

PHOTO = png((10, 10, 10))
KEY = "key-of-the-resource"


def target_of(scripted: ScriptedUpstream, model: str, base: str = "", **params: object) -> Target:
    """The upstream as a resource."""
    return Target("azure_ai", model, KEY, scripted.url.removesuffix("/v1") + base, params)


def ask(target: Target, fields: Mapping[str, Any], images: int = 1) -> Answer:
    """One edit, by a server that has the target alone."""
    files = [("image[]", (f"{number}.png", PHOTO, "image/png")) for number in range(images)]
    with serving(settings_of(target, silence_s=2, connect_s=2)) as server:
        return post(server.edits_url, {"prompt": "make it night", **fields}, files)


def made(**item: str) -> Script:
    """An answer with one picture."""
    return [json_answer({"created": 1, "data": [item or {"b64_json": b64(PHOTO)}]})]


@pytest.mark.parametrize(
    ("model", "base", "params", "path"),
    [
        ("FLUX.1-Kontext-pro", "", {}, "/openai/deployments/FLUX.1-Kontext-pro/images/edits?api-version=preview"),
        ("flux-1-kontext", "/openai", {}, "/openai/deployments/flux-1-kontext/images/edits?api-version=preview"),
        ("a b", "", {"base_model": "FLUX.1-Kontext-pro"}, "/openai/deployments/a%20b/images/edits?api-version=preview"),
        ("flux.2-pro", "", {"api_version": "2026-01-01"}, "/providers/blackforestlabs/v1/flux-2-pro?api-version=2026-01-01"),
        ("FLUX.2-flex", "", {}, "/providers/blackforestlabs/v1/flux-2-flex?api-version=preview"),
        (
            "FLUX.2-flex",
            "/providers/blackforestlabs/v1/flux-2-flex?api-version=v9",
            {},
            "/providers/blackforestlabs/v1/flux-2-flex?api-version=v9",
        ),
        ("FLUX.2-pro", "/openai-gw/Providers/x", {}, "/openai-gw/providers/blackforestlabs/v1/flux-2-pro?api-version=preview"),
        ("MAI-Image-2.5-Pro", "", {}, "/mai/v1/images/edits?api-version=preview"),
        ("mine", "/mai/v1/images/generations", {"base_model": "MAI-Image-2.6"}, "/mai/v1/images/edits?api-version=preview"),
    ],
)
def test_each_model_is_called_where_it_is(
    scripted: ScriptedUpstream, model: str, base: str, params: Mapping[str, object], path: str
) -> None:
    """By its name or `base_model`; what the base has of a path is not taken twice."""
    scripted.play(made())
    assert ask(target_of(scripted, model, base, **params), {}).status == 200
    assert [asked.path for asked in scripted.asked] == [path]


def test_flux_2_gets_each_field_in_its_own_terms(scripted: ScriptedUpstream) -> None:
    """Sides instead of a size, numbers as numbers, all images in base64; the configuration's defaults beneath."""
    scripted.play(made())
    fields = {
        "size": "1536x1024",
        "output_format": "jpeg",
        "seed": "7",
        "guidance": "2",
        "aspect_ratio": "3:2",
        "quality": "low",
    }
    answer = ask(target_of(scripted, "FLUX.2-pro", steps=20, safety_tolerance=5), fields, images=2)
    assert answer.status == 200, answer.body
    assert body_of(scripted.asked[0]) == {
        "model": "FLUX.2-pro",
        "prompt": "make it night",
        "width": 1536,
        "height": 1024,
        "output_format": "jpeg",
        "seed": 7,
        "guidance": 2.0,
        "steps": 20,
        "safety_tolerance": 5,
        "aspect_ratio": "3:2",
        "input_image": b64(PHOTO),
        "input_image_2": b64(PHOTO),
    }


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"size": "1000x1000"}, "size"),
        ({"size": "4096x2048"}, "size"),
        ({"steps": "51"}, "steps"),
        ({"guidance": "1"}, "guidance"),
        ({"safety_tolerance": "6"}, "safety_tolerance"),
    ],
)
def test_what_flux_2_would_not_take_is_refused_here(scripted: ScriptedUpstream, fields: Mapping[str, str], param: str) -> None:
    """By name, before it is asked."""
    refused = ask(target_of(scripted, "FLUX.2-pro"), fields)
    assert (refused.status, refused.error["param"], scripted.asked) == (400, param, [])


@pytest.mark.parametrize(
    ("model", "most"), [("FLUX.1-Kontext-pro", 1), ("FLUX.2-pro", 8), ("FLUX.2-flex", 10), ("MAI-Image-2.6", 1)]
)
def test_images_beyond_what_a_model_takes_are_refused(scripted: ScriptedUpstream, model: str, most: int) -> None:
    """None is left out without a word."""
    scripted.play(made())
    assert ask(target_of(scripted, model), {}, images=most).status == 200
    refused = ask(target_of(scripted, model), {}, images=most + 1)
    assert (refused.status, refused.error["code"], len(scripted.asked)) == (400, "too_many_images", 1)


def test_n_pictures_of_flux_2_have_seeds_of_their_own(scripted: ScriptedUpstream) -> None:
    """It makes one for a call."""
    scripted.play(made())
    assert len(ask(target_of(scripted, "FLUX.2-pro"), {"n": "3", "seed": "5"}).json["data"]) == 3
    assert sorted(body_of(asked)["seed"] for asked in scripted.asked) == [5, 6, 7]


def test_mai_gets_its_own_fields_and_tells_its_tokens(scripted: ScriptedUpstream) -> None:
    """Flags as text; the count under OpenAI's names."""
    usage = {"num_input_text_tokens": 10, "num_input_image_tokens": 40, "num_output_tokens": 50}
    scripted.play([json_answer({"data": [{"b64_json": b64(PHOTO)}], "usage": usage})])
    answer = ask(target_of(scripted, "MAI-Image-2.6", web_grounding=True), {"auto_aspect_ratio": "1"})
    expected = {"model": "MAI-Image-2.6", "prompt": "make it night", "auto_aspect_ratio": "true", "web_grounding": "true"}
    assert dict(scripted.asked[0].fields) == expected
    told = answer.json["usage"]
    assert (told["input_tokens"], told["output_tokens"], told["total_tokens"]) == (50, 50, 100)
    assert told["input_tokens_details"] == {"text_tokens": 10, "image_tokens": 40}


def test_a_picture_with_escapes_in_its_base64_is_read(scripted: ScriptedUpstream) -> None:
    """Some JSON writers put `+` and `/` as escapes."""
    escaped = b64(PHOTO).replace("+", "\\u002B").replace("/", "\\/")
    scripted.play([head("application/json") + chunk(b'{"data":[{"b64_json":"%b"}]}' % escaped.encode()) + END])
    answer = ask(target_of(scripted, "MAI-Image-2.6"), {})
    assert base64.b64decode(answer.json["data"][0]["b64_json"]) == PHOTO


def test_a_picture_by_url_is_fetched_without_the_key(scripted: ScriptedUpstream) -> None:
    """From the resource's own host, through the gateway that is configured for it; it arrives like any other."""

    def play(asked: Asked) -> Script:
        url = f"{scripted.url}/picture.png"
        return [sized(PHOTO)] if asked.path.endswith("/picture.png") else made(url=url)

    scripted.serve(play)
    target = target_of(scripted, "FLUX.1-Kontext-pro", extra_headers={"x-gateway": "secret-of-the-gateway"})
    answer = ask(target, {"output_format": "webp"})
    assert decoded(answer.json["data"][0]["b64_json"]).format == "WEBP"
    edit, fetched = scripted.asked
    assert (edit.headers["x-gateway"], fetched.headers["x-gateway"], fetched.method) == (*["secret-of-the-gateway"] * 2, "GET")
    assert not {"api-key", "authorization"} & set(fetched.headers)


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/x",
        "https://example.com/x",
        "http://r.blob.core.windows.net/x",
        "https://evilbfl.ai/x",
        "file:///x",
    ],
)
def test_a_picture_elsewhere_is_not_fetched(scripted: ScriptedUpstream, url: str) -> None:
    """Only https and the provider's hosts, or the very host that was called."""
    scripted.play(made(url=url))
    failed = ask(target_of(scripted, "FLUX.1-Kontext-pro"), {})
    assert (failed.status, failed.error["code"], len(scripted.asked)) == (502, "upstream_malformed", 1)
    assert failed.headers["x-should-retry"] == "false"


def test_a_picture_that_cannot_be_fetched_was_paid(scripted: ScriptedUpstream) -> None:
    """So the edit is not bought again."""

    def play(asked: Asked) -> Script:
        gone = [json_answer({"error": {"code": "x", "message": "gone"}}, "503 Service Unavailable")]
        return made(url=f"{scripted.url}/p.png") if asked.method == "POST" else gone

    scripted.serve(play)
    failed = ask(target_of(scripted, "FLUX.1-Kontext-pro"), {})
    assert (failed.status, failed.headers["x-should-retry"]) == (503, "false")


def configured(folder: Path, params: str, environ: Mapping[str, str]) -> Target:
    """The target of a configuration with these `litellm_params`."""
    path = folder / "streamedit.yaml"
    path.write_text(f"model_list:\n  - model_name: m\n    litellm_params: {{{params}}}\n")
    settings = from_file(path, environ, available())
    assert settings.ignored == ()
    return settings.routes.find("m").targets[0]


def test_it_is_configured_by_litellms_names(tmp_path: Path) -> None:
    """The environment's names and the file's."""
    environ = {"AZURE_AI_API_KEY": "k", "AZURE_AI_API_BASE": "https://r.services.ai.azure.com"}
    target = configured(tmp_path, "model: azure_ai/mine, base_model: FLUX.2-pro, seed: 1", environ)
    assert (target.api_key, target.api_base) == ("k", "https://r.services.ai.azure.com")


def test_its_key_and_base_bring_its_models() -> None:
    """Without a file."""
    environ = {"AZURE_AI_API_KEY": "k", "AZURE_AI_API_BASE": "https://r.services.ai.azure.com"}
    routes = from_environment(environ, available()).routes
    assert routes.find("azure_ai/FLUX.2-pro").targets[0] == Target("azure_ai", "FLUX.2-pro", "k", environ["AZURE_AI_API_BASE"])
    assert not routes.serves("azure/x")


@pytest.mark.parametrize(
    ("model", "environ", "told"),
    [
        ("azure_ai/mine", {"AZURE_AI_API_KEY": "k"}, "say base_model"),
        ("azure_ai/FLUX.2-pro", {"AZURE_AI_API_KEY": "k"}, "api_base is missing"),
        ("azure_ai/FLUX.2-pro", {"AZURE_AI_API_BASE": "https://r"}, "an api_key, an azure_ad_token"),
    ],
)
def test_what_is_missing_is_told_at_the_start(tmp_path: Path, model: str, environ: Mapping[str, str], told: str) -> None:
    """In words."""
    with pytest.raises(ConfigError) as caught:
        configured(tmp_path, f"model: {model}", environ)
    assert told in caught.value.mistakes[0]
