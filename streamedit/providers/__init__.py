"""The providers: where edits are made. This is their catalogue."""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from importlib.util import find_spec

from streamedit.config import ServerSettings
from streamedit.providers import mock, xai
from streamedit.providers.base import Provider, Tools, WorkBounds
from streamedit.providers.bedrock import bedrock
from streamedit.providers.black_forest_labs import black_forest_labs
from streamedit.providers.capabilities import DARKROOM, Capabilities
from streamedit.providers.comfyui import comfyui
from streamedit.providers.fal import fal
from streamedit.providers.google import gemini, vertex
from streamedit.providers.openai import azure, azure_ai, hosted_vllm, litellm_proxy, openai, responses
from streamedit.providers.openrouter import openrouter
from streamedit.providers.recraft import recraft
from streamedit.providers.stability import stability
from streamedit.targets import Setup
from streamedit.upstream.client import Upstream


@dataclass(frozen=True, slots=True)
class Entry:
    """One provider. `families`: what its models can do, by a pattern of their names as a configuration writes them."""

    make: Callable[[Tools], Provider]
    setup: Setup
    families: Mapping[str, Capabilities]


def _darkroom(tools: Tools) -> Provider:
    from streamedit.providers.darkroom import Darkroom  # noqa: PLC0415 - an optional extra

    return Darkroom(tools.now_s, bounds=tools.work)


CATALOGUE: Mapping[str, Entry] = {
    "darkroom": Entry(_darkroom, Setup(), {"darkroom": DARKROOM}),
    "mock": Entry(mock.Mock, mock.SETUP, mock.FAMILIES),
    "azure": Entry(azure.Azure, azure.SETUP, azure.FAMILIES),
    "azure_ai": Entry(azure_ai.AzureAI, azure_ai.SETUP, azure_ai.FAMILIES),
    "bedrock": Entry(bedrock.Bedrock, bedrock.SETUP, bedrock.FAMILIES),
    "black_forest_labs": Entry(black_forest_labs.BlackForestLabs, black_forest_labs.SETUP, black_forest_labs.FAMILIES),
    "comfyui": Entry(comfyui.ComfyUI, comfyui.SETUP, comfyui.FAMILIES),
    "fal_ai": Entry(fal.Fal, fal.SETUP, fal.FAMILIES),
    "gemini": Entry(gemini.Gemini, gemini.SETUP, gemini.FAMILIES),
    "hosted_vllm": Entry(hosted_vllm.HostedVLLM, hosted_vllm.SETUP, hosted_vllm.FAMILIES),
    "litellm_proxy": Entry(litellm_proxy.LiteLLMProxy, litellm_proxy.SETUP, litellm_proxy.FAMILIES),
    "openai": Entry(openai.OpenAI, openai.SETUP, openai.FAMILIES),
    "openai_responses": Entry(responses.OpenAIResponses, responses.SETUP, responses.FAMILIES),
    "openrouter": Entry(openrouter.OpenRouter, openrouter.SETUP, openrouter.FAMILIES),
    "recraft": Entry(recraft.Recraft, recraft.SETUP, recraft.FAMILIES),
    "stability": Entry(stability.Stability, stability.SETUP, stability.FAMILIES),
    "vertex_ai": Entry(vertex.VertexAI, vertex.SETUP, vertex.FAMILIES),
    "xai": Entry(xai.XAI, xai.SETUP, xai.FAMILIES),
}


def available() -> Mapping[str, Setup]:
    """The providers that this installation has, in order, and how each is set up; `darkroom` needs its extra."""
    has_darkroom = find_spec("cv2") is not None and find_spec("numpy") is not None
    return {name: entry.setup for name, entry in CATALOGUE.items() if name != "darkroom" or has_darkroom}


def for_callers(allowed: bool | Sequence[str]) -> frozenset[str]:
    """The providers for which callers may bring keys of their own, when `allowed` are: true for all that work by a key."""
    keyed = frozenset(name for name, setup in available().items() if "api_key" in setup.environment)
    return keyed & frozenset(keyed if allowed is True else allowed or ())


def build(
    names: AbstractSet[str], server: ServerSettings, upstream: Upstream, now_s: Callable[[], float]
) -> Mapping[str, Provider]:
    """The named providers. `now_s` gives Unix time."""
    work = WorkBounds(server.darkroom_max_pixels, server.darkroom_s, server.darkroom_queue_size)
    tools = Tools(upstream, now_s, server.max_event_bytes, server.max_answer_bytes, work)
    return {name: CATALOGUE[name].make(tools) for name in names}
