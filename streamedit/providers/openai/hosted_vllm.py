"""vLLM-Omni under the name that LiteLLM has for servers of vLLM: the dialect `vllm-omni` of `openai`."""

from streamedit.providers.base import Tools
from streamedit.providers.openai.dialect import Speaker
from streamedit.providers.openai.servers import VLLM_OMNI
from streamedit.targets import Setup, Target

FAMILIES = {"hosted_vllm/*": VLLM_OMNI.capabilities}


def _mistake(target: Target) -> str | None:
    return None if target.api_base else "api_base is missing, and so is HOSTED_VLLM_API_BASE"


SETUP = Setup(
    environment={"api_key": ("HOSTED_VLLM_API_KEY",), "api_base": ("HOSTED_VLLM_API_BASE",)},
    params=frozenset({"lora", *VLLM_OMNI.capabilities.extras}),
    mistake=_mistake,
)


class HostedVLLM(Speaker):
    """The provider `hosted_vllm`."""

    def __init__(self, tools: Tools) -> None:
        super().__init__(tools, lambda _: VLLM_OMNI)
