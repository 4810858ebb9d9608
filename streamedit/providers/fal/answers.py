"""What fal answers: pictures, addresses and errors. Pure.

Source: fal.ai/docs/errors, fal-client 1.0.3. The shapes of streamed events are the apps' own: `{"images": [{"url": ...}]}` as
in their answers, and for gpt-image OpenAI's `b64_json`, flat or within `image`, as its users have met it.
"""

from collections.abc import Mapping
from typing import Literal, TypeAlias

from streamedit.errors import Blocked
from streamedit.events import Json

API_HOSTS = ("fal.run", "falrun.com")
MEDIA_HOSTS = ("fal.media", "fal.ai", *API_HOSTS)

Stage: TypeAlias = Literal["partial", "completed", "untold"]

_NOT_THE_CALLERS = ("internal_server_error", "generation_timeout", "downstream_service_unavailable")
_PARAMETERS = {
    "image_urls": "image",
    "image_url": "image",
    "mask_url": "mask",
    "num_images": "n",
    "image_size": "size",
}
"""OpenAI's names for what the caller gave under them."""


def pictures(answer: Json) -> list[Json]:
    """Its pictures, as they stand there: data URLs, base64 or addresses. Raises Blocked."""
    if not isinstance(answer, dict):
        return []
    if any(answer.get("has_nsfw_concepts") or ()):
        raise Blocked("The provider's safety checker found the picture not safe for work.")
    items = answer.get("images") or answer.get("image") or answer
    found = [_picture(item) for item in (items if isinstance(items, list) else [items])]
    return [picture for picture in found if picture]


def stage(event: Json) -> Stage:
    """Whether a stream's event is of an interim picture or of the last one; many apps do not tell."""
    kind = str(event.get("type", ""))
    image = event.get("image")
    numbered = "partial_image_index" in event or (isinstance(image, dict) and "partial_index" in image)
    if "partial" in kind or (numbered and "completed" not in kind):
        return "partial"
    return "completed" if "completed" in kind else "untold"


def explain(body: Json, headers: Mapping[str, str]) -> Mapping[str, Json]:
    """`{"detail": [{"loc": [...], "msg": "...", "type": "..."}]}`, or a text as `detail` or `error`."""
    if not isinstance(body, dict):
        return {}
    detail = body.get("detail") or body.get("error")
    if not isinstance(detail, list):
        told = {"message": detail, "code": body.get("error_type") or headers.get("x-fal-error-type")}
        # Said with a 403; the account that it speaks of is this server's.
        return {**told, "status": 402} if "Exhausted balance" in str(detail) else told
    mistakes = [mistake for mistake in detail if isinstance(mistake, dict)]
    first = mistakes[0] if mistakes else {}
    told = {"message": "; ".join(str(mistake.get("msg")) for mistake in mistakes), "code": first.get("type")}
    if any(mistake.get("type") == "content_policy_violation" for mistake in mistakes):
        return {**told, "type": Blocked.type, "code": Blocked.code, "status": Blocked.status}
    if first.get("type") in _NOT_THE_CALLERS:
        return told
    # OpenAI's API has no 422: what is wrong with a request is a 400.
    return {**told, "param": _parameter(first.get("loc")), "status": 400}


def _parameter(location: Json) -> str | None:
    """`["body", "image_urls", 0]`: the parameter that the caller knows."""
    steps = location[1:] if isinstance(location, list) and location[:1] == ["body"] else location
    name = str(steps[0]) if isinstance(steps, list) and steps else None
    return _PARAMETERS.get(name, name) if name else None


def _picture(item: Json) -> Json:
    if isinstance(item, dict):
        item = item.get("url") or item.get("b64_json")
    return item if isinstance(item, str) else None
