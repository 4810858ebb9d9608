"""A proxy of LiteLLM: asked for nothing that it does wrong."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from clients import Answer, post
from providers.fakes import b64, decoded, png
from servers import serving, settings_of
from upstreams import USAGE, ScriptedUpstream, json_answer

from streamedit.config import from_file
from streamedit.documents import ConfigError
from streamedit.providers import available
from streamedit.targets import Target

PHOTO = png((10, 10, 10))


def ask(scripted: ScriptedUpstream, fields: Mapping[str, Any]) -> Answer:
    """One edit, by a server that has the proxy's model group alone."""
    target = Target("litellm_proxy", "group", "sk-of-the-proxy", scripted.url)
    with serving(settings_of(target, silence_s=2, connect_s=2)) as server:
        return post(server.edits_url, fields)


def test_it_is_asked_for_one_picture_in_one_piece(scripted: ScriptedUpstream) -> None:
    """Whatever the caller wants: a stream would be paid for and end in a 500, and some of its providers make one of n."""
    scripted.play([json_answer({"created": 1, "data": [{"b64_json": b64(PHOTO)}], "usage": USAGE})])
    streamed = ask(scripted, {"stream": "true", "partial_images": "2", "n": "3"})
    assert streamed.names == ["completed"] * 3
    assert [asked.field("n") for asked in scripted.asked] == [None] * 3
    assert not [name for asked in scripted.asked for name, _ in asked.fields if name in ("stream", "partial_images")]
    assert streamed.events[0][1]["usage"]["output_tokens"] == USAGE["output_tokens"]


def test_each_field_arrives_and_the_format_is_made_here(scripted: ScriptedUpstream) -> None:
    """What it reads, and unknown fields as they are; most of its providers refuse a format, so none is asked for."""
    scripted.play([json_answer({"created": 1, "data": [{"b64_json": b64(PHOTO)}]})])
    fields = {"size": "1024x1024", "quality": "low", "background": "transparent", "input_fidelity": "low", "user": "u"}
    answer = ask(scripted, {**fields, "seed": "7", "output_format": "jpeg", "output_compression": "60"})
    assert decoded(answer.json["data"][0]["b64_json"]).format == "JPEG"
    [asked] = scripted.asked
    assert dict(asked.fields) == {**fields, "seed": "7", "model": "group", "prompt": "sepia"}
    assert (asked.path, asked.headers["authorization"]) == ("/v1/images/edits", "Bearer sk-of-the-proxy")


def test_a_picture_by_url_goes_on_as_one(scripted: ScriptedUpstream) -> None:
    """Some of its providers give nothing else; whose URL it is nobody knows here, so it is not fetched."""
    item = {"url": "https://delivery.example/x.png", "b64_json": None, "revised_prompt": None}
    scripted.play([json_answer({"created": 1, "data": [item]})])
    assert ask(scripted, {}).json["data"] == [{"url": "https://delivery.example/x.png"}]
    assert len(scripted.asked) == 1


def test_its_code_that_is_only_the_status_is_none(scripted: ScriptedUpstream) -> None:
    """The status says it already."""
    error = {"message": "litellm.BadRequestError: no", "type": "invalid_request_error", "param": "size", "code": "400"}
    scripted.play([json_answer({"error": error}, "400 Bad Request")])
    refused = ask(scripted, {})
    assert (refused.status, refused.error["code"], refused.error["param"]) == (400, None, "size")


def test_it_is_configured_by_litellms_names(tmp_path: Path) -> None:
    """Key and base of the environment; without a base the mistake says so."""
    path = tmp_path / "streamedit.yaml"
    path.write_text("model_list:\n  - model_name: m\n    litellm_params: {model: litellm_proxy/group}\n")
    environ = {"LITELLM_PROXY_API_KEY": "k", "LITELLM_PROXY_API_BASE": "http://p:4000"}
    settings = from_file(path, environ, available())
    assert settings.routes.find("m").targets == (Target("litellm_proxy", "group", "k", "http://p:4000"),)
    with pytest.raises(ConfigError) as caught:
        from_file(path, {}, available())
    assert "LITELLM_PROXY_API_BASE" in caught.value.mistakes[0]
