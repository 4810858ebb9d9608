"""LiteLLM's package is a client of this server by each of the ways that it has for one. See `packages`.

Its document's examples are in `seeds/test_000.py`.
"""

import json
from pathlib import Path
from typing import Any

import examples
import pytest
from fronts import KEY, Front, fronting
from servers import RunningServer

pytestmark = pytest.mark.timeout(900)

EDIT = """
import json, litellm
response = litellm.image_edit(
    {where},
    image=[open("image1.png", "rb"), open("image2.png", "rb")],
    mask=open("mask.png", "rb"),
    prompt="Make it night",
    n=2,
    size="1024x1024",
    quality="high",
    user="u-1",
    timeout=30,
    extra_headers={{"x-trace": "t-1"}},
)
print(json.dumps([item.b64_json[:8] for item in response.data]), response.usage.total_tokens)
"""

ERRORS = """
import json, litellm
litellm.suppress_debug_info = True
found = []
for fields in {cases}:
    try:
        litellm.image_edit(
            **{{"model": "openai/mock", "prompt": "p", "max_retries": 0, **fields}},
            api_base="{url}/v1", api_key="none", image=open("image1.png", "rb"),
        )
    except Exception as error:
        found.append([type(error).__name__, error.status_code])
print(json.dumps(found))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The pictures that the programs open."""
    examples.make_pictures(tmp_path)
    return tmp_path


WAYS = {
    "OpenAI": 'model="openai/gpt-image-2", api_base="{url}/v1", api_key="{key}"',
    "a proxy of LiteLLM's": 'model="litellm_proxy/gpt-image-2", api_base="{url}", api_key="{key}"',
    "Azure": 'model="azure/gpt-image-2", api_base="{url}", api_key="{key}", api_version="2025-04-01-preview"',
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_a_server(litellm: str, folder: Path, way: str) -> None:
    """Two pictures, and all that was said arrived. For Azure the model is in the path alone, and the key in `api-key`."""
    with fronting("another", "gpt-image-2") as front:
        where = WAYS[way].format(url=front.url, key=KEY)
        assert examples.run_python(EDIT.format(where=where), folder, {}, litellm) == '["iVBORw0K", "iVBORw0K"] 100\n'
        _expect_asked(front, folder)
        assert '"model": "gpt-image-2"' in front.server.log_text


def _expect_asked(front: Front, folder: Path) -> None:
    contents = [(folder / f"{name}.png").read_bytes() for name in ("image1", "image2", "mask")]
    assert front.files == list(zip(("image[]", "image[]", "mask"), contents, strict=True))
    assert front.fields == {"n": "2", "size": "1024x1024", "quality": "high", "user": "u-1"}


CASES: dict[str, tuple[dict[str, Any], list[object]]] = {
    "unknown model": ({"model": "openai/nobody"}, ["NotFoundError", 404]),
    "wrong n": ({"n": 11}, ["BadRequestError", 400]),
    "moderation": ({"extra_body": {"mock_fault": "moderation"}}, ["BadRequestError", 400]),
    "busy": ({"extra_body": {"mock_fault": "rate_limit"}}, ["RateLimitError", 429]),
    "away": ({"extra_body": {"mock_fault": "unavailable"}}, ["ServiceUnavailableError", 503]),
}


def test_errors_have_its_classes(litellm: str, server: RunningServer, folder: Path) -> None:
    """Each failure is the exception that LiteLLM has for it."""
    cases = [fields for fields, _ in CASES.values()]
    shown = examples.run_python(ERRORS.format(cases=cases, url=server.url), folder, {}, litellm)
    assert dict(zip(CASES, json.loads(shown), strict=True)) == {name: told for name, (_, told) in CASES.items()}
