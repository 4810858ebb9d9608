"""OpenAI's own API and every server that speaks it: `POST {api_base}/images/edits`.

The upstream is asked for a stream where it can give one, with as many partial images as the caller wants to see (each costs
100 output tokens). Servers that have taken the API over and differ are named in `litellm_params`:

    dialect: vllm-omni    mask_image, white where to edit; also what is outside the mask is put back here, because most of its
                          pipelines leave the mask unread; never a stream. `lora` is for the configuration alone.
    dialect: sglang       its `mask` is never read, so a mask is refused; never a stream.
    dialect: sd.cpp       stable-diffusion.cpp's server: a grey mask; never a stream. Its prompt can carry a block that controls
                          the server: a caller's is refused; `sd_cpp_extra_args` of the configuration is sent as one.

Without it the server is taken for OpenAI. Sources: openai-python 3.52, vllm-omni 0.30, sglang 0.5.23, and
examples/server/routes_openai.cpp of stable-diffusion.cpp (2026-08).
"""

from collections.abc import Mapping

from streamedit.providers.base import Tools
from streamedit.providers.capabilities import PARAMETERS, Capabilities, Support
from streamedit.providers.openai.dialect import Dialect, Speaker, bearer
from streamedit.providers.openai.form import Form
from streamedit.providers.openai.servers import SD_CPP, SGLANG, VLLM_OMNI
from streamedit.targets import Setup, Target

API_BASE = "https://api.openai.com/v1"

CAPABILITIES = Capabilities(
    streams=True, partial_images=True, n=10, parameters=dict.fromkeys(PARAMETERS, Support.NATIVE), verbatim=True, urls=True
)


def _url(target: Target) -> str:
    return f"{(target.api_base or API_BASE).rstrip('/')}/images/edits"


def _headers(target: Target) -> Mapping[str, str]:
    named = {f"openai-{name}": target.text(name) for name in ("organization", "project")}
    return {**bearer(target), **{name: text for name, text in named.items() if text}}


_OPENAI = Dialect(CAPABILITIES, Form(streams=True), _url, _headers)
_DIALECTS = {"openai": _OPENAI, "vllm-omni": VLLM_OMNI, "sglang": SGLANG, "sd.cpp": SD_CPP}


def _mistake(target: Target) -> str | None:
    dialect = target.text("dialect") or "openai"
    if dialect not in _DIALECTS:
        return f"no dialect '{dialect}'; there are: {', '.join(_DIALECTS)}"
    if dialect != "openai" and not target.api_base:
        return f"the dialect '{dialect}' needs an api_base"
    passes = target.params.get("pass_image_urls", False)
    if not isinstance(passes, bool):
        return "pass_image_urls must be true or false"
    if passes and not _DIALECTS[dialect].capabilities.urls:
        return f"pass_image_urls is nothing for the dialect '{dialect}'"
    return None


SETUP = Setup(
    environment={
        "api_key": ("OPENAI_API_KEY",),
        "api_base": ("OPENAI_BASE_URL", "OPENAI_API_BASE"),
        "organization": ("OPENAI_ORG_ID",),
        "project": ("OPENAI_PROJECT_ID",),
    },
    params=frozenset({"organization", "project", "stream", "dialect", "pass_image_urls", "lora", "sd_cpp_extra_args"})
    | {name for dialect in _DIALECTS.values() for name in dialect.capabilities.extras},
    mistake=_mistake,
    models=("gpt-image-2", "gpt-image-2.5-sunburst", "gpt-image-2.5-flare", "gpt-image-2.6-sunburst", "gpt-image-2.6-flare"),
)
"""Models: those that are not about to end. Source: openai-python 3.52 `ImageModel`."""

FAMILIES = {
    "openai/*": CAPABILITIES,
    **{f"openai/* ({name})": dialect.capabilities for name, dialect in _DIALECTS.items() if name != "openai"},
}


class OpenAI(Speaker):
    """The provider `openai`."""

    def __init__(self, tools: Tools) -> None:
        super().__init__(tools, lambda target: _DIALECTS[target.text("dialect") or "openai"])
