"""A proxy of LiteLLM: `POST {api_base}/images/edits`, as OpenAI's, for whatever models it has.

It is never asked for a stream: it buffers the provider's, which is paid for, answers 500, and bars the model for all callers
for some seconds (LiteLLM 1.106). Nor for several images at once: some of its providers make one of n without a word. Formats
are converted here, since most of its providers refuse to be asked for one. What it does with a parameter is its model's
matter: it refuses in words of its own.
"""

from collections.abc import Mapping

from streamedit.events import Json
from streamedit.providers.base import Tools
from streamedit.providers.capabilities import Capabilities, Support
from streamedit.providers.openai.dialect import Dialect, Speaker
from streamedit.providers.openai.form import Form
from streamedit.providers.openai.servers import explain
from streamedit.targets import Setup, Target

_SENT = ("size", "quality", "background", "input_fidelity", "response_format", "user")
_BLOCKED = "content_policy_violation"


def _url(target: Target) -> str:
    return f"{(target.api_base or '').rstrip('/')}/images/edits"


def _explain(body: Json, headers: Mapping[str, str]) -> Mapping[str, Json]:
    """The envelope of LiteLLM, which names its exception in the message and gives the status as the code."""
    said = explain(body, headers)
    return {**said, "code": _BLOCKED} if "ContentPolicyViolationError" in str(said.get("message")) else said


_DIALECT = Dialect(
    Capabilities(
        formats=("png", "jpeg", "webp"),
        parameters={
            **dict.fromkeys(("mask", *_SENT), Support.NATIVE),
            **dict.fromkeys(("output_format", "output_compression"), Support.MAPPED),
        },
        verbatim=True,
    ),
    Form(_SENT),
    _url,
    explain=_explain,
    blocks=frozenset({_BLOCKED}),
)
FAMILIES = {"litellm_proxy/*": _DIALECT.capabilities}


def _mistake(target: Target) -> str | None:
    return None if target.api_base else "api_base is missing, and so is LITELLM_PROXY_API_BASE"


SETUP = Setup(environment={"api_key": ("LITELLM_PROXY_API_KEY",), "api_base": ("LITELLM_PROXY_API_BASE",)}, mistake=_mistake)


class LiteLLMProxy(Speaker):
    """The provider `litellm_proxy`."""

    def __init__(self, tools: Tools) -> None:
        super().__init__(tools, lambda _: _DIALECT)
