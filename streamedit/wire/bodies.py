"""JSON bodies, both ways: the ImagesResponse, the error envelope, the error event.

Sources: OpenAI's API reference (`ImagesResponse`, `ErrorResponse`). An answer may carry a dozen images of megabytes, so images
are moved as they are, never parsed.
"""

import math
from collections.abc import Iterator, Mapping, Sequence

from streamedit.contents import Excerpt
from streamedit.edits import Edit
from streamedit.errors import Cancelled, ErrorDetail, UpstreamBroken, UpstreamRefused
from streamedit.events import Completed, Event, Failed, Json, Payload, Usage
from streamedit.wire import payloads

_PER_IMAGE = ("revised_prompt", "url")
_PER_EVENT = ("type", "created_at", "b64_json", "image_index", "partial_image_index", "usage", *_PER_IMAGE)

_STATUS_OF = {
    "moderation_blocked": 400,
    "content_policy_violation": 400,
    "invalid_request_error": 400,
    "image_generation_user_error": 400,
    "authentication_error": 401,
    "invalid_api_key": 401,
    "permission_error": 403,
    "model_not_found": 404,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
}
"""The HTTP status of an error that came inside a 200 stream, by its code, else by its type; 502 for any other."""


_OURS = {
    401: ("The provider refused this server's credentials.", "upstream_unauthorized"),
    402: ("This server's account at the provider has no credit left.", "upstream_payment_required"),
}

_CODE_OF = {404: "model_not_found", 413: "request_too_large", 429: "rate_limit_exceeded"}
"""What a status says where the provider's body gives no code."""


def error_envelope(error: ErrorDetail) -> bytes:
    """OpenAI's ErrorResponse: always all four keys."""
    return payloads.dumps({"error": _error_fields(error)})


def stream_error(error: ErrorDetail) -> bytes:
    """The data of an `error` event. Only this nesting makes both SDKs raise: a flat one passes for an ordinary event."""
    return payloads.dumps({"type": payloads.ERROR, "error": _error_fields(error)})


def parse_stream_error(fields: Mapping[str, Json], headers: Mapping[str, str]) -> ErrorDetail:
    """A provider's error event, in any of its shapes: `{"error": {...}}`, `{"error": "text"}` or flat."""
    error = _error_object(
        fields.get("error") or {name: value for name, value in fields.items() if name != "type" or value != "error"}
    )
    named = (error.get("code"), error.get("type"))
    status = next((_STATUS_OF[name] for name in named if isinstance(name, str) and name in _STATUS_OF), 502)
    return _refusal(status, error, headers, charged=True)


def parse_error_body(status: int, body: bytes, headers: Mapping[str, str]) -> ErrorDetail:
    """A provider's HTTP error. A body that is no envelope leaves only the status to tell; it is not shown to callers."""
    try:
        parsed = payloads.loads(body)
    except ValueError:
        parsed = None
    return refusal(status, explain(parsed, {}), headers)


def explain(body: Json, _: Mapping[str, str]) -> Mapping[str, Json]:
    """What an error body of OpenAI's dialect says: `{"error": {...}}`, `{"error": "text"}` or flat."""
    return _error_object(body.get("error", body) if isinstance(body, dict) else {})


def refusal(status: int, said: Mapping[str, Json], headers: Mapping[str, str], *, charged: bool = False) -> ErrorDetail:
    """A provider's refusal as callers are told it; `said`: `message`, `type`, `code`, `param`, and a truer `status`."""
    status = said["status"] if isinstance(said.get("status"), int) else status
    if status in _OURS:
        # The account is this server's, not the caller's, and providers quote parts of its key.
        message, code = _OURS[status]
        return _refusal(502, {"message": message, "code": code}, headers, charged=charged)
    said = {**said, "code": said.get("code") or _CODE_OF.get(status)}
    return _refusal(status if 400 <= status < 600 else 502, said, headers, charged=charged)


def expand(raw: bytes, n: int, headers: Mapping[str, str], now_s: int) -> Sequence[Completed]:
    """A provider's ImagesResponse as the completed events of a stream, at most n, one for each image that it holds.

    The answer's usage is for all images: the first event carries it. Raises UpstreamError for an answer without images.
    """
    try:
        answer, images = payloads.cut(raw)
    except ValueError as error:
        raise UpstreamBroken("The provider's answer is not JSON.", code="upstream_malformed") from error
    if isinstance(answer, dict) and answer.get("error"):
        raise UpstreamRefused(parse_stream_error(answer, headers))
    items = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(items, list) or not items:
        raise UpstreamBroken("The provider answered without an image.", code="upstream_empty")
    shared = {name: value for name, value in answer.items() if name not in ("data", "created", "usage")}
    shared = {"created_at": answer.get("created") or now_s, **shared}
    texts = (memoryview(raw)[image] for image in images)
    completed = []
    for index, item in enumerate(items[:n]):
        usage = {"usage": (answer.get("usage") if index == 0 else None) or usage_fields(Usage())}
        completed.append(Completed(_expand_item({**shared, **usage}, item, texts), headers, index))
    return completed


def _expand_item(shared: Mapping[str, Json], item: Json, texts: Iterator[memoryview]) -> Payload:
    if not isinstance(item, dict):
        raise UpstreamBroken("The provider's answer is not an ImagesResponse.", code="upstream_malformed")
    image = next(texts) if item.get("b64_json") == "" else None
    if not image and not item.get("url"):
        raise UpstreamBroken("The provider answered without an image.", code="upstream_empty")
    own = {name: value for name, value in item.items() if name != "b64_json"}
    return payloads.build({**shared, **own, "type": payloads.COMPLETED}, image)


def usage_fields(usage: Usage) -> dict[str, Json]:
    """A count as OpenAI's `usage`; `cost`, in dollars, where the provider has told it, as OpenRouter has it."""
    fields: dict[str, Json] = {
        "total_tokens": usage.total_tokens,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "input_tokens_details": {
            "text_tokens": usage.input_tokens - usage.input_image_tokens,
            "image_tokens": usage.input_image_tokens,
        },
    }
    if usage.cached_tokens:
        fields["input_tokens_details"]["cached_tokens"] = usage.cached_tokens
    if usage.cached_image_tokens:
        fields["input_tokens_details"]["cached_tokens_details"] = {"image_tokens": usage.cached_image_tokens}
    if usage.output_tokens:
        image_tokens = usage.output_tokens - usage.output_text_tokens
        fields["output_tokens_details"] = {"text_tokens": usage.output_text_tokens, "image_tokens": image_tokens}
    if usage.cost_micros is not None:
        fields["cost"] = usage.cost_micros / 1_000_000
    return fields


def images_response(images: Sequence[Completed], more: Mapping[str, Json] | None = None) -> list[Excerpt]:
    """One ImagesResponse of an edit's completed images, as parts to be sent one after the other; `more`: further fields.

    `auto` is legal in events and not in the response, so it is dropped.
    """
    first = images[0].payload.fields
    shared = {name: value for name, value in first.items() if name not in _PER_EVENT and value not in ("auto", None)}
    usage = _total_usage(images)
    tail = payloads.dumps({**shared, **({"usage": usage} if usage else {}), **(more or {})})
    text = b'{"created":%d,"data":[' % _seconds(first.get("created_at"))
    parts: list[Excerpt] = []
    for image in images:
        before, picture, after = _item(image.payload)
        parts += [Excerpt.whole(text + before), picture]
        text = after + b","
    return [*parts, Excerpt.whole(text[:-1] + b"]" + (b"," + tail[1:] if tail != b"{}" else b"}"))]


def _item(payload: Payload) -> tuple[bytes, Excerpt, bytes]:
    """One element of `data`: what is before its image, the image, what is behind it."""
    fields = {name: payload.fields[name] for name in _PER_IMAGE if payload.fields.get(name) is not None}
    if not payload.has_image:
        return b"", payload.image_base64, payloads.dumps(fields)
    return b'{"b64_json":"', payload.image_base64, b'"' + (b"," + payloads.dumps(fields)[1:] if fields else b"}")


def model_object(name: str, provider: str, capabilities: Mapping[str, Json], *, is_default: bool) -> Mapping[str, Json]:
    """A model as `/v1/models` lists it, but for the time at which its server began."""
    return {
        "id": name,
        "object": "model",
        "owned_by": provider,
        "default": is_default,
        "capabilities": capabilities,
    }


def edit_object(edit: Edit, events: Sequence[Event], ended: bool, links: Mapping[str, Json]) -> list[Excerpt]:
    """The edit as a resource, as parts to be sent one after the other: its state after `events`, `links`, and its result.

    The result is there as soon as the edit has ended, with the images that were made even where others failed.
    """
    images = sorted((event for event in events if isinstance(event, Completed)), key=lambda image: image.image_index)
    failure = next((event.error for event in events if isinstance(event, Failed)), None)
    fields = {
        "id": edit.id,
        "object": "image.edit",
        "status": _status(failure, ended),
        "created_at": edit.created_at_s,
        "model": edit.model,
        **links,
        "error": _error_fields(failure) if failure else None,
        "usage": (_total_usage(images) or None) if ended else None,
    }
    head = payloads.dumps(fields)[:-1] + b',"result":'
    result = images_response(images) if ended and images else [Excerpt.whole(b"null")]
    return [Excerpt.whole(head), *result, Excerpt.whole(b"}")]


def _status(failure: ErrorDetail | None, ended: bool) -> str:
    if not ended:
        return "in_progress"
    if failure is None:
        return "completed"
    return "cancelled" if failure.code == Cancelled.code else "failed"


def _total_usage(images: Sequence[Completed]) -> dict[str, Json]:
    """The usage of all images together, as OpenAI's `usage`; empty when none was told."""
    return _sum_usage([image.payload.fields.get("usage") for image in images])


def _sum_usage(usages: Sequence[Json]) -> dict[str, Json]:
    total: dict[str, Json] = {}
    for usage in usages:
        if isinstance(usage, dict):
            total = _add(total, usage)
    return total


def _add(left: Mapping[str, Json], right: Mapping[str, Json]) -> dict[str, Json]:
    """Counts added, details added inside, anything else taken from the first that has it."""
    added = {**right, **left}
    for name in left.keys() & right.keys():
        if isinstance(left[name], dict) and isinstance(right[name], dict):
            added[name] = _add(left[name], right[name])
        elif isinstance(left[name], int | float) and isinstance(right[name], int | float):
            added[name] = left[name] + right[name]
    return added


def _refusal(status: int, error: Mapping[str, Json], headers: Mapping[str, str], *, charged: bool) -> ErrorDetail:
    return ErrorDetail(
        status=status,
        type=_text(error.get("type")) or ("invalid_request_error" if status < 500 else "upstream_error"),
        message=_text(error.get("message")) or f"The provider answered with status {status}.",
        param=_text(error.get("param")),
        code=_text(error.get("code")),
        retryable=status in (408, 409, 429) or status >= 500,
        charged=charged and status >= 500,
        headers=headers,
    )


def _error_object(error: Json) -> Mapping[str, Json]:
    if isinstance(error, dict):
        return error
    return {"message": error} if isinstance(error, str) else {}


def _error_fields(error: ErrorDetail) -> dict[str, Json]:
    return {"message": error.message, "type": error.type, "param": error.param, "code": error.code}


def _text(value: Json) -> str | None:
    return str(value) if isinstance(value, str | int) and value != "" else None


def _seconds(value: Json) -> int:
    return int(value) if isinstance(value, int | float) and math.isfinite(value) else 0
