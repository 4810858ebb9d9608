"""What OpenAI's Responses API tells of the image that its tool makes, in a stream or as one response -> events of an edit.

The picture comes with `response.output_item.done`, what it cost with the response's end, which need not repeat the picture.
Source: openai-python 3.54 `types/responses`; that the end has no picture: microsoft/agent-framework pull request 8424.
"""

import binascii
from collections.abc import Iterator, Mapping, Sequence

from streamedit.errors import Blocked, EditError, UpstreamBroken, UpstreamRefused
from streamedit.events import Completed, Event, Json, PartialImage, Usage, as_object
from streamedit.images import inspect
from streamedit.wire import bodies, payloads
from streamedit.wire.cutouts import Cutout
from streamedit.wire.scanner import Frame

_PARTIAL_IMAGE = "response.image_generation_call.partial_image"
_ITEM = "response.output_item.done"
_ENDS = ("response.completed", "response.failed", "response.incomplete")
_READ = (_PARTIAL_IMAGE, _ITEM, *_ENDS)
"""The other events of a response are not even parsed: the first two repeat the request, with its mask."""

_OF_THE_PICTURE = ("size", "quality", "background", "output_format")
_BESIDE_THE_PICTURE = ("revised_prompt", "svg_usage")

_BLOCKS = frozenset({
    "moderation_blocked", "content_policy_violation", "image_content_policy_violation", "content_filter", "bio_policy",
    "misalignment_policy_violation",
})  # fmt: skip
_OF_THE_CALLER = ("invalid_", "image_", "unsupported_image_", "empty_image_", "failed_to_download_image")
"""How the codes of errors begin that the request is to blame for."""

_HEAD_CHARS = 1 << 16
"""Enough of a picture's base64 to know its type and size."""

_SAID_CHARS = 500
"""What is told of a model's words at most."""


class Reply:
    """One response while it is read. `now_s`: Unix time of its events; `headers`: those of the answer, for its events.

    It is one edit: the first picture counts, and interim ones before it. `has_picture`: the picture is here, and its event has
    not been given yet. `is_ended`: the response is whole.
    """

    def __init__(self, headers: Mapping[str, str], now_s: int) -> None:
        self._headers = headers
        self._now_s = now_s
        self._picture: Sequence[bytes | memoryview] = ()
        self._told: dict[str, Json] = {}
        self._messages: list[Json] = []
        self.is_ended = False

    @property
    def has_picture(self) -> bool:
        return bool(self._picture)

    def take(self, frame: Frame) -> Event | None:
        """What an event of the stream brings: an interim picture, at the end the finished one. Raises UpstreamError."""
        if frame.name.startswith("response.") and frame.name not in _READ:
            return None
        if frame.is_mark:
            return None
        cutout = _cutout(frame)
        event = cutout.json
        kind = event.get("type") or frame.name
        if kind == "error" or event.get("error"):
            raise failure(cutout.plain(event.get("error") or {**event, "type": None}), self._headers)
        if kind == _PARTIAL_IMAGE:
            return self._partial(event, cutout)
        if kind == _ITEM:
            self._item(as_object(event.get("item")), cutout)
        return self.end(as_object(event.get("response")), cutout) if kind in _ENDS else None

    def end(self, response: Mapping[str, Json], cutout: Cutout) -> Completed:
        """The finished picture of a whole response. Raises UpstreamError, Blocked where moderation or the model refused."""
        self.is_ended = True
        reason = as_object(response.get("incomplete_details")).get("reason")
        if reason == "content_filter":
            self._picture = ()
            raise Blocked("The provider's moderation has filtered the answer.")
        items = [item for item in _list(response.get("output")) if isinstance(item, dict)]
        self._messages = [] if items else self._messages
        for item in items:
            self._item(item, cutout)
        if not self.has_picture:
            raise self._lack({**response, "error": cutout.plain(response.get("error"))}, reason)
        return self.completed(response)

    def completed(self, response: Mapping[str, Json]) -> Completed:
        """The finished picture, let go of here. `response`: the whole one, empty where it did not come."""
        picture, self._picture = self._picture, ()
        identifier = response.get("safety_identifier")
        told = {**self._told, **({"safety_identifier": identifier} if identifier else {})}
        return Completed(payloads.around({**told, "usage": _usage_fields(response)}, picture), self._headers)

    def _partial(self, event: Mapping[str, Json], cutout: Cutout) -> PartialImage | None:
        picture = cutout.parts(event.get("partial_image_b64"))
        if not picture or self.has_picture:
            return None
        fields = {"type": payloads.PARTIAL_IMAGE, "partial_image_index": _count(event, "partial_image_index")}
        return PartialImage(payloads.around({**fields, **self._description(event, picture)}, picture), self._headers)

    def _item(self, item: Mapping[str, Json], cutout: Cutout) -> None:
        if item.get("type") == "message":
            self._messages.append(cutout.plain(item))
        if item.get("type") != "image_generation_call" or self.has_picture:
            return
        picture = cutout.parts(item.get("result"))
        if not picture and (item.get("error") or item.get("status") == "failed"):
            raise failure(cutout.plain(item.get("error")) or "The provider could not make the image.", self._headers)
        beside = {name: cutout.plain(item[name]) for name in _BESIDE_THE_PICTURE if item.get(name) is not None}
        self._picture = picture
        self._told = {"type": payloads.COMPLETED, **self._description(item, picture), **beside} if picture else {}

    def _description(self, told: Mapping[str, Json], picture: Sequence[bytes | memoryview]) -> dict[str, Json]:
        """What is said of a picture; what is not said is seen, or the provider's choice."""
        fields = {name: told.get(name) or "auto" for name in _OF_THE_PICTURE}
        if fields["size"] == "auto" or fields["output_format"] == "auto":
            info = inspect(_head(picture[0]))
            if info is not None and info.pixels:
                fields |= {"size": f"{info.width_px}x{info.height_px}", "output_format": info.media_type.removeprefix("image/")}
        return {"created_at": self._now_s, **fields}

    def _lack(self, response: Mapping[str, Json], reason: Json) -> EditError:
        """Why a response has no picture.

        A refusal is the model's own moderation. Other words of it may be a question or an excuse: nobody can tell.
        """
        if response.get("error"):
            return failure(response["error"], self._headers)
        if response.get("status", "completed") != "completed":
            told = f"The provider's response is {response['status']}{f': {reason}' if reason else ''}."
            return UpstreamBroken(told, code="upstream_incomplete")
        if refusal := _said(self._messages, "refusal"):
            return Blocked(f"The model refused: {refusal}")
        words = _said(self._messages, "text")
        told = f"The model answered without an image: {words}" if words else "The provider answered without an image."
        return UpstreamBroken(told, code="upstream_empty")


def failure(error: Json, headers: Mapping[str, str]) -> EditError:
    """An error of a response, of its image call, or of its stream: an object, or a text."""
    said = error if isinstance(error, dict) else {"message": error}
    code = str(said.get("code"))
    if code in _BLOCKS:
        return Blocked(_blocked(said))
    if code.startswith(_OF_THE_CALLER):
        said = {**said, "type": "invalid_request_error"}
    return UpstreamRefused(bodies.parse_stream_error({"error": said}, headers))


def _blocked(error: Mapping[str, Json]) -> str:
    """What was said of a block, with its stage and its categories."""
    details = as_object(error.get("moderation_details"))
    categories = ", ".join(str(category) for category in _list(details.get("categories")))
    message = str(error.get("message") or "The provider's moderation blocked the picture.")
    stage = f"Moderation of the {details.get('moderation_stage') or 'request'}"
    return f"{message} {stage}: {categories}." if categories else message


def _usage_fields(response: Mapping[str, Json]) -> Mapping[str, Json]:
    """The tokens of the text model and of the image tool together, in OpenAI's `usage`; beside them what each has told."""
    model, tool = as_object(response.get("usage")), as_object(as_object(response.get("tool_usage")).get("image_gen"))
    told = {name: counts for name, counts in (("text_model", model), ("image_gen", tool)) if counts}
    return {**bodies.usage_fields(_usage_of_model(model) + _usage_of_tool(tool)), **told}


def _usage_of_model(usage: Mapping[str, Json]) -> Usage:
    """It reads images as tokens of its own, at the price of its text, and writes text."""
    return Usage(
        input_tokens=_count(usage, "input_tokens"),
        output_tokens=_count(usage, "output_tokens"),
        total_tokens=_count(usage, "total_tokens"),
        cached_tokens=_count(as_object(usage.get("input_tokens_details")), "cached_tokens"),
        output_text_tokens=_count(usage, "output_tokens"),
    )


def _usage_of_tool(usage: Mapping[str, Json]) -> Usage:
    return Usage(
        input_tokens=_count(usage, "input_tokens"),
        output_tokens=_count(usage, "output_tokens"),
        total_tokens=_count(usage, "total_tokens"),
        input_image_tokens=_count(as_object(usage.get("input_tokens_details")), "image_tokens"),
        cached_tokens=_count(usage, "cached_tokens"),
        cached_image_tokens=_count(as_object(usage.get("cached_tokens_details")), "cached_image_tokens"),
        output_text_tokens=_count(as_object(usage.get("output_tokens_details")), "text_tokens"),
    )


def _said(messages: Sequence[Json], kind: str) -> str:
    """The model's words of one kind, as far as they are told."""
    return " ".join(_words(messages, kind))[:_SAID_CHARS]


def _words(messages: Sequence[Json], kind: str) -> Iterator[str]:
    for message in messages:
        parts = (as_object(part) for part in _list(message.get("content")))
        yield from (part[kind] for part in parts if isinstance(part.get(kind), str))


def _head(picture: bytes | memoryview) -> bytes:
    """The beginning of a picture, from its base64; empty for what is none."""
    head = picture[:_HEAD_CHARS]
    try:
        return binascii.a2b_base64(head[: len(head) // 4 * 4])
    except binascii.Error:
        return b""


def _cutout(frame: Frame) -> Cutout:
    try:
        cutout = Cutout(*frame.pieces, quoted=frame.quoted)
    except ValueError as error:
        raise UpstreamBroken("The provider sent an event that is not JSON.", code="upstream_malformed") from error
    if not isinstance(cutout.json, dict):
        raise UpstreamBroken("The provider sent an event that is no JSON object.", code="upstream_malformed")
    return cutout


def _list(value: Json) -> Sequence[Json]:
    return value if isinstance(value, list) else ()


def _count(counts: Mapping[str, Json], name: str) -> int:
    count = counts.get(name)
    return count if isinstance(count, int) and not isinstance(count, bool) else 0
