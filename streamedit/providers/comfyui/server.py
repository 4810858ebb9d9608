"""ComfyUI's HTTP routes: uploads, the queue, the history and the pictures. Source: its server.py (2026).

A prompt, in ComfyUI's words, is a graph to be executed. ComfyUI has no keys; `api_key` is for a proxy in front of it.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import PurePath
from urllib.parse import urlencode

from anyio import to_thread

from streamedit.edits import InputImage
from streamedit.errors import UpstreamBroken
from streamedit.events import Json
from streamedit.providers.base import Tools
from streamedit.providers.calls import Api, without_secrets
from streamedit.providers.comfyui.frames import failure
from streamedit.providers.comfyui.workflow import Place, Workflow
from streamedit.providers.inputs import typed
from streamedit.targets import Target
from streamedit.upstream.client import Call
from streamedit.wire.jsonbody import JsonBody
from streamedit.wire.multipart import MultipartBody

_EXTENSIONS = {"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp", "image/gif": ".gif"}
_KNOWN_EXTENSIONS = frozenset(_EXTENSIONS.values()) | {".jpeg", ".bmp", ".tif", ".tiff", ".avif"}


class Server:
    """The ComfyUI of a target."""

    def __init__(self, tools: Tools, target: Target, workflow: Workflow) -> None:
        self._api = Api(tools, partial(_explain, workflow))
        self._target = target
        self._output = workflow.output
        self._base = str(target.api_base).rstrip("/")
        self.headers = {"authorization": f"Bearer {target.api_key}"} if target.api_key else {}

    def socket_url(self, client_id: str) -> str:
        return f"ws{self._base.removeprefix('http')}/ws?clientId={client_id}"

    async def upload(self, image: InputImage) -> str:
        """The name by which LoadImage finds an image. One that is there already is not kept twice. Raises UpstreamError."""
        image = await typed(image)
        named = replace(image, filename=f"streamedit-{await _digest(image)}{_extension(image)}")
        body = MultipartBody([("type", "input")], [("image", named)])
        answer = (await self._api.ask(Call("POST", f"{self._base}/upload/image", self.headers, body), self._target)).json
        if not isinstance(answer, dict) or not isinstance(answer.get("name"), str):
            raise UpstreamBroken("ComfyUI did not say where it has put an image.", code="upstream_malformed")
        return f"{answer['subfolder']}/{answer['name']}" if answer.get("subfolder") else str(answer["name"])

    async def submit(self, prompt: Mapping[str, Json]) -> str:
        """Put a prompt into the queue; its id. Raises UpstreamError, with the node and the input that ComfyUI refuses."""
        answer = (await self._api.ask(self._post("/prompt", prompt), self._target)).json
        if not isinstance(answer, dict) or not isinstance(answer.get("prompt_id"), str):
            raise UpstreamBroken("ComfyUI did not say what it has made of the prompt.", code="upstream_malformed")
        return str(answer["prompt_id"])

    async def history(self, prompt_id: str) -> Mapping[str, Json] | None:
        """What has become of a prompt; None as long as it has not ended. Raises UpstreamError."""
        told = (
            await self._api.ask(Call("GET", f"{self._base}/history/{prompt_id}", self.headers), self._target, paid=True)
        ).json
        if not isinstance(told, dict):
            raise UpstreamBroken("ComfyUI's history is malformed.", code="upstream_malformed")
        entry = told.get(prompt_id)
        return entry if isinstance(entry, dict) else None

    def picture_url(self, entry: Mapping[str, Json]) -> str:
        """Where the picture of a prompt is that has ended. Raises UpstreamBroken for one that failed, or made none."""
        self._check(entry.get("status"))
        image = next(self._images(entry.get("outputs")), None)
        if image is None:
            raise UpstreamBroken("The workflow ended without an image.", code="upstream_empty")
        query = {name: str(image.get(name) or "") for name in ("filename", "subfolder", "type")}
        return f"{self._base}/view?{urlencode(query)}"

    async def download(self, url: str) -> bytes:
        """A picture's file. Raises UpstreamError."""
        return await self._api.download(url, self._target, self.headers)

    async def standing(self, prompt_id: str) -> str | None:
        """`running` or `pending`; None for a prompt that is in no queue. Raises UpstreamError."""
        told = (await self._api.ask(Call("GET", f"{self._base}/queue", self.headers), self._target, paid=True)).json
        queues = told if isinstance(told, dict) else {}
        return next((name for name in ("running", "pending") if prompt_id in _ids(queues.get(f"queue_{name}"))), None)

    async def cancel(self, prompt_id: str, *, running: bool) -> None:
        """Take a prompt from the queue, or stop it. Only one that runs is interrupted: old versions interrupt whatever does.

        Raises UpstreamError.
        """
        if not running:
            await self._say("/queue", {"delete": [prompt_id]})
            running = await self.standing(prompt_id) == "running"
        if running:
            await self._say("/interrupt", {"prompt_id": prompt_id})

    def told(self, error: UpstreamBroken) -> UpstreamBroken:
        """A failure of the graph as its caller may see it."""
        error.detail = without_secrets(error.detail, self._target)
        return error

    async def _say(self, path: str, value: Mapping[str, Json]) -> None:
        async with self._api.open(self._post(path, value), self._target) as answer:
            answer.complete()

    def _post(self, path: str, value: Mapping[str, Json]) -> Call:
        return Call("POST", f"{self._base}{path}", self.headers, JsonBody(value))

    def _check(self, status: Json) -> None:
        """Raises UpstreamBroken for a prompt that failed."""
        if not isinstance(status, dict) or status.get("status_str") != "error":
            return
        messages = status.get("messages")
        told = [message for message in messages if _is_message(message)] if isinstance(messages, list) else []
        errors = (error for event, data in told if (error := failure(event, data)))
        raise self.told(next(errors, UpstreamBroken("ComfyUI could not execute the workflow.", code="execution_error")))

    def _images(self, outputs: Json) -> Iterator[Mapping[str, Json]]:
        """The pictures of the wanted node; of none in particular, what was saved last: interim outputs are of type `temp`."""
        nodes = outputs if isinstance(outputs, dict) else {}
        wanted = reversed(nodes.values()) if self._output is None else (nodes.get(self._output),)
        for node in wanted:
            images = node.get("images") if isinstance(node, dict) else None
            for image in images if isinstance(images, list) else ():
                if isinstance(image, dict) and (self._output is not None or image.get("type") == "output"):
                    yield image


def _is_message(message: Json) -> bool:
    return isinstance(message, list) and len(message) == 2 and isinstance(message[0], str) and isinstance(message[1], dict)


def _ids(queue: Json) -> list[Json]:
    """Of a queue's items `[number, prompt_id, ...]`."""
    return [item[1] for item in queue if isinstance(item, list) and len(item) > 1] if isinstance(queue, list) else []


async def _digest(image: InputImage) -> str:
    digest = hashlib.sha256()
    async for piece in image.upload.slices():
        await to_thread.run_sync(digest.update, piece)
    return digest.hexdigest()[:32]


def _extension(image: InputImage) -> str:
    """The caller's own, where it is an image's."""
    own = PurePath(image.filename).suffix.lower()
    return own if own in _KNOWN_EXTENSIONS else _EXTENSIONS.get(image.media_type, ".png")


def _explain(workflow: Workflow, body: Json, _: Mapping[str, str]) -> Mapping[str, Json]:
    """`{"error": {type, message, ...}, "node_errors": {"3": {"class_type", "errors": [{type, message, extra_info}]}}}`.

    `details` is left out: it lists the server's models, or quotes the prompt.
    """
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return {"message": error if isinstance(error, str) else None}
    nodes = body.get("node_errors")
    for number, node in nodes.items() if isinstance(nodes, dict) else ():
        if isinstance(node, dict) and isinstance(node.get("errors"), list) and node["errors"]:
            return _node_error(workflow, number, node)
    return {"message": error.get("message"), "code": error.get("type")}


def _node_error(workflow: Workflow, number: str, node: Mapping[str, Json]) -> Mapping[str, Json]:
    first = node["errors"][0] if isinstance(node["errors"][0], dict) else {}
    about = first.get("extra_info")
    field = about.get("input_name") if isinstance(about, dict) else None
    message = f"Node {number} ({node.get('class_type')}): {first.get('message')}" + (f" ({field})." if field else ".")
    name = workflow.name_of(Place(number, str(field)))
    return {"message": message, "code": first.get("type"), "param": "size" if name in ("width", "height") else name}
