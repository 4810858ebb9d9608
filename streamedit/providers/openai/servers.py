"""Servers that have taken over OpenAI's API for models of their own, and how each differs.

None of them streams, tells tokens or moderates. What they do not read they ignore without a word, so only what they are known
to read is sent.
"""

import json
import re
from collections.abc import Mapping

from streamedit.edits import EditRequest
from streamedit.errors import InvalidRequest
from streamedit.events import Json
from streamedit.providers.capabilities import Capabilities, Extra, Support
from streamedit.providers.openai.dialect import Dialect
from streamedit.providers.openai.form import Form
from streamedit.targets import Target
from streamedit.wire import bodies

_PICTURE = dict.fromkeys(("size", "output_format", "output_compression"), Support.MAPPED)
_MASKED = {**_PICTURE, "mask": Support.MAPPED}
_SENT = ("n", "size", "output_format", "output_compression")
_SAMPLING = {
    "negative_prompt": Extra(),
    "num_inference_steps": Extra("integer", 1, 1000),
    "guidance_scale": Extra("number", 0, 100),
    "true_cfg_scale": Extra("number", 0, 100),
    "seed": Extra("integer", 0, 2**32 - 1),
}


def explain(body: Json, headers: Mapping[str, str]) -> Mapping[str, Json]:
    """OpenAI's envelope, in which `code` repeats the status, or FastAPI's `{"detail": ...}`."""
    said = dict(bodies.explain(body, headers))
    detail = body.get("detail") if isinstance(body, dict) else None
    if isinstance(detail, list):
        detail = "; ".join(str(mistake.get("msg")) for mistake in detail if isinstance(mistake, dict))
    code = said.get("code")
    return {**said, "message": said.get("message") or detail, "code": None if str(code).isdecimal() else code}


def v1_url(target: Target) -> str:
    """`/v1/images/edits` of a server, whose base may say `/v1` or not."""
    base = (target.api_base or "").rstrip("/").removesuffix("/v1")
    return f"{base}/v1/images/edits"


VLLM_OMNI = Dialect(
    Capabilities(
        n=10,
        formats=("png", "jpeg", "webp"),
        parameters=_MASKED,
        extras={
            **_SAMPLING,
            "guidance_scale_2": Extra("number", 0, 100),
            "strength": Extra("number", 0, 1),
            "layers": Extra("integer", 2, 10),
            "resolution": Extra(choices=("640", "1024")),
            "bot_task": Extra(),
            "sys_type": Extra(),
            "system_prompt": Extra(),
            "reference_image": Extra("file"),
        },
    ),
    Form(_SENT, formats=("png", "jpeg", "webp"), mask_name="mask_image", grey_mask=True, composites=True, configured=("lora",)),
    v1_url,
    explain=explain,
)
"""Source: `edit_images` of vllm_omni/entrypoints/openai/api_server.py. `n`: 10 is OpenAI's bound, it has none."""

SGLANG = Dialect(
    Capabilities(
        n=10,
        formats=("png", "jpeg", "webp"),
        parameters=_PICTURE,
        extras={**_SAMPLING, "enhance_prompt": Extra("flag"), "enable_upscaling": Extra("flag")},
    ),
    Form(_SENT, formats=("png", "jpeg", "webp")),
    v1_url,
    explain=explain,
)
"""Source: `edits` of sglang/multimodal_gen/runtime/entrypoints/openai/image_api.py."""


_EXTRA_ARGS = "sd_cpp_extra_args"


def _with_extra_args(request: EditRequest, target: Target) -> str:
    """The prompt with the configuration's own block. Raises InvalidRequest for a prompt that has one, or a part of one."""
    if re.search(_EXTRA_ARGS, request.prompt, re.IGNORECASE):
        message = f"The prompt must not contain {_EXTRA_ARGS}: it controls the server."
        raise InvalidRequest(message, param="prompt", code="invalid_value")
    given = target.params.get(_EXTRA_ARGS)
    if not given:
        return request.prompt
    block = json.dumps(given).replace("<", "\\u003c")
    return f"{request.prompt}<{_EXTRA_ARGS}>{block}</{_EXTRA_ARGS}>"


SD_CPP = Dialect(
    Capabilities(n=10, formats=("png", "jpeg", "webp"), parameters=_MASKED),
    Form(_SENT, formats=("png", "jpeg"), grey_mask=True, prompt=_with_extra_args),
    v1_url,
    explain=explain,
)
"""Source: `build_openai_edit_request` of examples/server/routes_openai.cpp, which takes no webp for edits."""
