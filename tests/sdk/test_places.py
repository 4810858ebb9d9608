"""Where a call's edit is made: LiteLLM's names for models, keys and addresses, in calls and in the environment."""

from collections.abc import Mapping
from typing import Any

import pytest

from streamedit import providers
from streamedit.edits import EditRequest, InputImage, Wishes
from streamedit.errors import EditError, InvalidRequest, NotFound, Unauthorized
from streamedit.routing import Plan
from streamedit.sdk.places import Places
from streamedit.sdk.settings import settings_of
from streamedit.targets import Target
from streamedit.uploads import Upload

HOME = {"HOME": "/nowhere"}


def plan_of(model: str | None, params: Mapping[str, Any], environ: Mapping[str, str], **wishes: Any) -> Plan:
    """For a call of that model which says so much of a deployment."""
    environ = {**HOME, **environ}
    request = EditRequest("x", (InputImage(Upload(b"x"), "x", "x"),), model, wishes=Wishes(**wishes))
    return Places(settings_of(None, environ), providers.available(), environ).plan(request, params)


def target_of(model: str | None, params: Mapping[str, Any], environ: Mapping[str, str]) -> Target:
    """The only one."""
    [target] = plan_of(model, params, environ).targets
    return target


@pytest.mark.parametrize(
    ("model", "params", "environ", "told"),
    [
        ("gpt-image-1", {}, {"OPENAI_API_KEY": "k"}, ("openai/gpt-image-1", "k", None)),
        ("openai/gpt-image-2", {}, {"OPENAI_API_KEY": "k", "OPENAI_API_BASE": "http://b"}, ("openai/gpt-image-2", "k", "http://b")),
        ("gpt-image-2", {"api_key": "own"}, {"OPENAI_API_KEY": "k"}, ("openai/gpt-image-2", "own", None)),
        ("gpt-image-9", {"custom_llm_provider": "openai", "api_key": "own"}, {}, ("openai/gpt-image-9", "own", None)),
        ("gemini/gemini-2.5-flash-image", {}, {"GEMINI_API_KEY": "g"}, ("gemini/gemini-2.5-flash-image", "g", None)),
        ("azure/mine", {"api_version": "v1"}, {"AZURE_API_KEY": "a", "AZURE_API_BASE": "http://a"}, ("azure/mine", "a", "http://a")),
        ("hosted_vllm/qwen", {"api_base": "http://v"}, {}, ("hosted_vllm/qwen", None, "http://v")),
        ("bedrock/us.stability.stable-outpaint-v1:0", {"aws_region_name": "us-west-2"}, {},
         ("bedrock/us.stability.stable-outpaint-v1:0", None, None)),
        ("vertex_ai/gemini-3-pro-image", {"vertex_project": "p", "vertex_location": "global"}, {},
         ("vertex_ai/gemini-3-pro-image", None, None)),
    ],
)  # fmt: skip
def test_a_model_is_found_by_litellms_names(
    model: str, params: Mapping[str, Any], environ: Mapping[str, str], told: tuple[str, str | None, str | None]
) -> None:
    """What the call says counts more than the environment."""
    target = target_of(model, params, environ)
    assert (target.name, target.api_key, target.api_base) == told
    beside = {name: value for name, value in params.items() if name not in ("api_key", "api_base", "custom_llm_provider")}
    assert {name: target.params[name] for name in beside} == beside


@pytest.mark.parametrize(
    ("model", "params", "error", "words", "param"),
    [
        ("gpt-image-1", {}, Unauthorized, "openai/gpt-image-1: api_key is missing (or OPENAI_API_KEY)", "api_key"),
        ("xai/grok-imagine-image", {}, Unauthorized, "xai/grok-imagine-image: api_key is missing (or XAI_API_KEY)", "api_key"),
        ("azure/mine", {}, InvalidRequest,
         "azure/mine: api_base is missing: the address of the resource (or AZURE_API_BASE)", "api_base"),
        ("hosted_vllm/x", {}, InvalidRequest, "hosted_vllm/x: api_base is missing, and so is HOSTED_VLLM_API_BASE", "api_base"),
        ("stability/nothing", {"api_key": "k"}, InvalidRequest, "stability/nothing: no service 'nothing'", "model"),
        ("nobody/x", {"api_key": "k"}, InvalidRequest, "model: no provider for 'nobody/x' here", "model"),
        ("anthropic/claude", {"api_key": "k"}, InvalidRequest, "'anthropic/claude' makes no images here.", "model"),
        ("openai/gpt-4o", {"api_key": "k"}, InvalidRequest, "'openai/gpt-4o' makes no images here.", "model"),
        ("nobody/x", {}, NotFound, "The model 'nobody/x' does not exist here.", "model"),
        (None, {"api_key": "k"}, InvalidRequest, "model is required beside api_key.", "model"),
        ("mock", {"weight": "heavy", "api_key": "k"}, InvalidRequest, "weight: Input should be a valid number", "weight"),
    ],
)  # fmt: skip
def test_what_is_missing_is_told(
    model: str | None, params: Mapping[str, Any], error: type[EditError], words: str, param: str
) -> None:
    """In words that name the variable of the environment."""
    with pytest.raises(error) as caught:
        plan_of(model, params, {})
    assert caught.value.detail.message.startswith(words)
    assert caught.value.detail.param == param


def test_a_model_of_the_settings_can_be_asked_in_another_manner() -> None:
    """It stays where it is; and so does the default model."""
    for model in ("mock", None):
        plan = plan_of(model, {"drop_params": True}, {})
        assert [(target.provider, target.params.get("drop_params")) for target in plan.targets] == [(plan.model, True)]
    target = target_of("openai/gpt-image-9", {"drop_params": True}, {"OPENAI_API_KEY": "k"})
    assert (target.name, target.api_key, target.params["drop_params"]) == ("openai/gpt-image-9", "k", True)


def test_fallbacks_may_be_any_models() -> None:
    """Of the settings, or by LiteLLM's names; those that lack something are told."""
    environ = {"GEMINI_API_KEY": "g", "OPENAI_API_KEY": "k"}
    plan = plan_of("gpt-image-1", {}, environ, fallbacks=("gemini/gemini-2.5-flash-image", "dall-e-2", "mock"))
    names = ["openai/gpt-image-1", "gemini/gemini-2.5-flash-image", "openai/dall-e-2", "mock/mock"]
    assert [target.name for target in plan.targets] == names
    with pytest.raises(Unauthorized, match="XAI_API_KEY"):
        plan_of("mock", {}, {}, fallbacks=("xai/grok-imagine-image",))


def test_a_timeout_and_retries_are_a_stages() -> None:
    """As over HTTP."""
    stage = plan_of("gpt-image-1", {}, {"OPENAI_API_KEY": "k"}, timeout_s=7.0, retries=1).stages[0]
    assert (stage.timeout_s, stage.policy.retries) == (7, 1)
