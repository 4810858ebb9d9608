"""ComfyUI as its server.py, execution.py and main.py have it: uploads, a queue that works on one prompt at a time, a socket."""

import json
import struct
import threading
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from comfyui_nodes import in_order, refusal
from PIL import Image, ImageChops
from providers.fakes import KEY, Fake, Outcome, body_of, check_only, decoded
from upstreams import Asked, Script, Upgrade, json_answer, sized
from websocket import BINARY, WebSocket

from streamedit.targets import Target

WORKFLOWS = Path(__file__).parent.parent.parent / "workflows"

PREVIEW, TEXT, PREVIEW_WITH_METADATA = 1, 3, 4


@dataclass(eq=False)
class Job:
    """A prompt: what was asked, and its way through the queue."""

    id: str
    graph: dict[str, Any]
    client_id: str
    preview_method: str
    messages: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    interrupted: threading.Event = field(default_factory=threading.Event)

    def value(self, class_type: str, name: str) -> Any:
        return next(node["inputs"][name] for node in self.graph.values() if node["class_type"] == class_type)


class Interrupted(Exception):
    """Somebody has asked for it."""


class ComfyUI(Fake):
    """Of today: previews come with metadata to whoever has asked for that, and a prompt may bring its own id."""

    name = "comfyui/img2img"
    params = {  # noqa: RUF012 - each fake states its own
        "workflow": str(WORKFLOWS / "img2img.json"),
        "inputs": {
            "prompt": "Positive Prompt.inputs.text",
            "negative_prompt": "7.inputs.text",
            "image": "10.inputs.image",
            "seed": "3.inputs.seed",
            "steps": "3.inputs.steps",
            "denoise": "3.inputs.denoise",
        },
        "poll_s": 0.1,
    }
    refuses = {"background": "transparent", "cfg": "7"}  # noqa: RUF012 - each fake states its own
    partial_images = 2
    outcomes = tuple(outcome for outcome in Outcome if outcome is not Outcome.BLOCKED)
    is_old = False

    def __init__(self) -> None:
        super().__init__()
        self.gpu = threading.Lock()
        """Whoever has it works; a prompt that waits for it is pending."""
        self.gates: dict[int, threading.Event] = {}
        """By the number of a step, from 1: what is waited for before it is taken."""
        self.at_gate = threading.Semaphore(0)
        self.trickles = False
        self.fails: dict[str, str] | None = None
        """The exception of the sampler."""
        self.drops_before: int | None = None
        """The step before which the socket is lost."""
        self.floods = False
        """A frame of 2 MiB comes before each step."""
        self.uploads: dict[str, bytes] = {}
        self.kept: dict[tuple[str, str, str], bytes] = {}
        self.sockets: dict[str, WebSocket] = {}
        self.features: dict[str, Mapping[str, Any]] = {}
        self.jobs: list[Job] = []
        self.pending: list[Job] = []
        self.running: list[Job] = []
        self.history: dict[str, dict[str, Any]] = {}
        self.ended = threading.Semaphore(0)
        """Released when a prompt has left the queue for good."""
        self.left = threading.Semaphore(0)
        """Released when a client has closed its socket."""
        self._made: dict[str, bytes] = {}

    def target(self) -> Target:
        provider, _, model = self.name.partition("/")
        return Target(provider, model, KEY, self.url.removesuffix("/v1"), self.params)

    def is_edit(self, asked: Asked) -> bool:
        return (asked.method, asked.path) == ("POST", "/prompt")

    def answer(self, asked: Asked) -> Script:
        """Whatever goes wrong by design goes wrong when the prompt is put into the queue."""
        wanted, self.outcome = self.outcome, self.outcome if self.is_edit(asked) else Outcome.OK
        try:
            return super().answer(asked)
        finally:
            self.outcome = wanted

    def check(self, asked: Asked) -> None:
        assert asked.headers["authorization"] == f"Bearer {KEY}"
        if self.is_edit(asked):
            self._check_prompt(body_of(asked))

    def ok(self, asked: Asked) -> Script:
        url = urlsplit(asked.path)
        routes = {
            ("GET", "/ws"): self._socket,
            ("POST", "/upload/image"): self._upload,
            ("POST", "/prompt"): self._prompt,
            ("GET", "/queue"): self._queue,
            ("POST", "/queue"): self._unqueue,
            ("POST", "/interrupt"): self._interrupt,
            ("GET", "/view"): self._view,
        }
        if url.path.startswith("/history/"):
            return [json_answer(self._ended(url.path.removeprefix("/history/")))]
        assert (asked.method, url.path) in routes, f"no route {asked.method} {asked.path}"
        return routes[(asked.method, url.path)](asked)

    def empty(self, asked: Asked) -> Script:
        """Executed, with nothing in the history."""
        return self._prompt(asked, keeps=False)

    def refused(self, _: Asked) -> Script:
        error = {"type": "custom_validation_failed", "message": f"bad request of {KEY}", "details": "", "extra_info": {}}
        node = {"errors": [error], "dependent_outputs": ["9"], "class_type": "KSampler"}
        outputs = {"type": "prompt_outputs_failed_validation", "message": "Prompt outputs failed validation"}
        return [json_answer({"error": outputs, "node_errors": {"3": node}}, "400 Bad Request")]

    def unauthorized(self, _: Asked) -> Script:
        return [json_answer({"error": f"no entry with {KEY}"}, "401 Unauthorized")]

    def busy(self, _: Asked) -> Script:
        return [json_answer({"error": "slow down"}, "429 Too Many Requests", retry_after="7")]

    def down(self, _: Asked) -> Script:
        return [json_answer({"error": "away"}, "503 Service Unavailable")]

    def images_of(self, asked: Asked) -> list[bytes]:
        return [self.uploads[node["inputs"]["image"]] for node in self._nodes(asked, "LoadImage")]

    def mask_of(self, asked: Asked) -> Image.Image:
        """As LoadImageMask reads it: alpha is turned round, colours are taken as they are."""
        [node] = self._nodes(asked, "LoadImageMask")
        mask, channel = decoded(self.uploads[node["inputs"]["image"]]), node["inputs"]["channel"]
        return (
            ImageChops.invert(mask.getchannel("A"))
            if channel == "alpha"
            else mask.convert("RGB").getchannel(channel[0].upper())
        )

    def _nodes(self, asked: Asked, class_type: str) -> list[Any]:
        return [node for node in body_of(asked)["prompt"].values() if node["class_type"] == class_type]

    def _check_prompt(self, body: Mapping[str, Any]) -> None:
        check_only(body, ("prompt", "prompt_id", "client_id", "extra_data"))
        assert body["client_id"] in self.sockets, "a client opens its socket first"
        assert str(uuid.UUID(body["prompt_id"])) == body["prompt_id"]
        assert body["extra_data"]["preview_method"] in ("default", "auto", "latent2rgb", "taesd", "none")

    def _socket(self, asked: Asked) -> Script:
        [client_id] = parse_qs(urlsplit(asked.path).query)["clientId"]
        assert client_id not in self.sockets, "each call has a client_id of its own"
        return [
            Upgrade(lambda connection: self._attend(WebSocket(connection, asked.headers, trickle=self.trickles), client_id))
        ]

    def _attend(self, client: WebSocket, client_id: str) -> None:
        # Before the client hears of it: what it asks next may already need its socket.
        self.sockets[client_id] = client
        client.accept()
        client.say("status", status={"exec_info": {"queue_remaining": len(self.pending)}}, sid=client_id)
        try:
            client.listen(lambda text: self._hear(client, client_id, text))
        finally:
            del self.sockets[client_id]
            self.left.release()

    def _hear(self, client: WebSocket, client_id: str, text: bytes) -> None:
        message = json.loads(text)
        assert message["type"] == "feature_flags"
        if not self.is_old:
            self.features[client_id] = message["data"]
            client.say("feature_flags", supports_preview_metadata=True, max_upload_size=104857600)

    def _upload(self, asked: Asked) -> Script:
        check_only((name for name, _ in asked.fields), ("type", "subfolder", "overwrite"))
        [(name, filename, _, content)] = asked.files
        assert name == "image"
        assert self.uploads.setdefault(filename, content) == content, "another file has that name"
        return [json_answer({"name": filename, "subfolder": "", "type": asked.field("type") or "input"})]

    def _prompt(self, asked: Asked, *, keeps: bool = True) -> Script:
        body = body_of(asked)
        refused = refusal(body["prompt"], self.uploads.__contains__)
        if refused is not None:
            return [json_answer(refused, "400 Bad Request")]
        number = str(uuid.uuid4()) if self.is_old else body["prompt_id"]
        job = Job(number, body["prompt"], body["client_id"], "auto" if self.is_old else body["extra_data"]["preview_method"])
        self.jobs.append(job)
        self.pending.append(job)
        threading.Thread(target=self._work, args=(job, keeps), daemon=True).start()
        return [json_answer({"prompt_id": number, "number": len(self.jobs), "node_errors": {}})]

    def _queue(self, _: Asked) -> Script:
        told = {name: [[0, job.id, job.graph, {}, ["9"]] for job in jobs] for name, jobs in self._queues().items()}
        return [json_answer(told)]

    def _queues(self) -> Mapping[str, list[Job]]:
        return {"queue_running": self.running, "queue_pending": self.pending}

    def _unqueue(self, asked: Asked) -> Script:
        for number in body_of(asked)["delete"]:
            self.pending[:] = [job for job in self.pending if job.id != number]
        return [sized(b"")]

    def _interrupt(self, asked: Asked) -> Script:
        """Old versions do not look whom it is meant for."""
        number = body_of(asked)["prompt_id"]
        for job in self.running:
            if self.is_old or job.id == number:
                job.interrupted.set()
                self.open_gates()
        return [sized(b"")]

    def open_gates(self) -> None:
        for gate in self.gates.values():
            gate.set()

    def _ended(self, number: str) -> dict[str, Any]:
        return {number: self.history[number]} if number in self.history else {}

    def _view(self, asked: Asked) -> Script:
        query = {name: values[0] for name, values in parse_qs(urlsplit(asked.path).query).items()}
        check_only(query, ("filename", "subfolder", "type"))
        return [sized(self.kept[(query["filename"], query.get("subfolder", ""), query["type"])])]

    def _work(self, job: Job, keeps: bool) -> None:
        """main.py's prompt_worker: the history is written after the last message and before the end is told."""
        with self.gpu:
            if job in self.pending:
                self.pending.remove(job)
                self.running.append(job)
                outputs, succeeded = self._execute(job, keeps)
                status = {"status_str": "success" if succeeded else "error", "completed": succeeded, "messages": job.messages}
                self.history[job.id] = {"prompt": [0, job.id, job.graph], "outputs": outputs, "status": status, "meta": {}}
                self.running.remove(job)
                self._say(job, "executing", node=None)
        self.ended.release()

    def _execute(self, job: Job, keeps: bool) -> tuple[dict[str, Any], bool]:
        self._tell(job, "execution_start")
        made = self._made.get(self._key(job))
        self._tell(job, "execution_cached", nodes=[] if made is None else [*job.graph])
        outputs: dict[str, Any] = {}
        try:
            for number in in_order(job.graph):
                outputs |= self._run(job, number, made, keeps)
        except Interrupted:
            self._tell(job, "execution_interrupted", node_id="3", node_type="KSampler", executed=[])
            return outputs, False
        except RuntimeError as error:
            told = {"traceback": ['File "/home/me/ComfyUI/execution.py"'], "current_inputs": {"text": ["x"]}, "executed": []}
            self._tell(job, "execution_error", node_id="3", node_type="KSampler", **error.args[0], **told)
            return outputs, False
        self._tell(job, "execution_success")
        return outputs, True

    def _run(self, job: Job, number: str, made: bytes | None, keeps: bool) -> dict[str, Any]:
        class_type = job.graph[number]["class_type"]
        if made is None:
            self._say(job, "executing", node=number, display_node=number)
        if class_type == "KSampler" and made is None:
            self._sample(job, number)
        if class_type not in ("SaveImage", "PreviewImage") or not keeps:
            return {}
        kind = "output" if class_type == "SaveImage" else "temp"
        name = f"streamedit_{len(self.kept):05}_.png"
        picture = self._made.setdefault(self._key(job), made or self.picture())
        self.kept[(name, "", kind)] = picture
        output = {"images": [{"filename": name, "subfolder": "", "type": kind}]}
        self._say(job, "executed", node=number, display_node=number, output=output)
        return {number: output}

    def _sample(self, job: Job, node: str) -> None:
        steps = job.value("KSampler", "steps")
        for step in range(1, steps + 1):
            self._wait(job, step)
            if self.fails:
                raise RuntimeError(self.fails)
            preview = jpeg(step) if job.preview_method != "none" else None
            if self.is_old:
                self._say(job, "progress", value=step, max=steps, node=node)
                if preview:
                    self._send(job, struct.pack(">II", PREVIEW, 1) + preview)
                continue
            nodes = {"4": {"value": 1, "max": 1, "state": "finished"}, node: {"value": step, "max": steps, "state": "running"}}
            self._say(job, "progress_state", nodes=nodes)
            if preview:
                self._send(job, with_metadata(preview, {"node_id": node, "prompt_id": job.id, "image_type": "image/jpeg"}))
            self._say(job, "progress", value=step, max=steps, node=node)

    def _wait(self, job: Job, step: int) -> None:
        if step in self.gates:
            self.at_gate.release()
            assert self.gates[step].wait(10)
        if step == self.drops_before:
            self.sockets[job.client_id].drop()
            assert self.left.acquire(timeout=10)
        if job.interrupted.is_set():
            raise Interrupted
        self._disturb(job)

    def _disturb(self, job: Job) -> None:
        """What else goes over a client's socket: other people's work, texts, and what extensions say."""
        other = str(uuid.uuid4())
        self._send(job, with_metadata(jpeg(255), {"node_id": "3", "prompt_id": other}))
        self._send(job, struct.pack(">II", TEXT, 1) + b"3a text")
        self._say(job, "progress", prompt_id=other, value=99, max=100)
        self._say(job, "executing", prompt_id=other, node=None)
        self._say(job, "execution_success", prompt_id=other)
        self._reach(job, lambda client: client.say("status", status={"exec_info": {"queue_remaining": 1}}))
        self._reach(job, lambda client: client.say("crystools.monitor", cpu_utilization=3.5))
        if self.floods:
            self._send(job, struct.pack(">II", PREVIEW, 1) + bytes(2 << 20))

    def _tell(self, job: Job, kind: str, **data: Any) -> None:
        """What the history repeats."""
        job.messages.append((kind, {"prompt_id": job.id, **data, "timestamp": 1790000000000}))
        self._say(job, kind, **data)

    def _say(self, job: Job, kind: str, **data: Any) -> None:
        self._reach(job, lambda client: client.say(kind, **{"prompt_id": job.id, **data}))

    def _send(self, job: Job, frame: bytes) -> None:
        self._reach(job, lambda client: client.send(BINARY, frame))

    def _reach(self, job: Job, speak: Callable[[WebSocket], None]) -> None:
        """Whether the client is there or not, the work goes on."""
        with suppress(KeyError, OSError):
            speak(self.sockets[job.client_id])

    def _key(self, job: Job) -> str:
        """What is executed once only: the same nodes with the same inputs, and files of the same content."""
        return json.dumps(job.graph, sort_keys=True)


class OldComfyUI(ComfyUI):
    """Of 2024, with a workflow that has a mask and a size: previews without metadata, ids of its own, no choice of previews."""

    name = "comfyui/inpaint"
    params = {  # noqa: RUF012 - each fake states its own
        "workflow": str(WORKFLOWS / "inpaint.json"),
        "inputs": {
            "prompt": "6.inputs.text",
            "image": ["Load Image.inputs.image"],
            "mask": "Load Image (as Mask).inputs.image",
            "width": "13.inputs.width",
            "height": "13.inputs.height",
            "seed": "3.inputs.seed",
        },
        "output": "Save Image",
        "poll_s": 0.1,
    }
    refuses = {"background": "transparent", "negative_prompt": "rain"}  # noqa: RUF012 - each fake states its own
    takes_mask = True
    is_old = True


def with_metadata(preview: bytes, metadata: Mapping[str, Any]) -> bytes:
    """A binary frame of type 4."""
    about = json.dumps(metadata).encode()
    return struct.pack(">II", PREVIEW_WITH_METADATA, len(about)) + about + preview


def jpeg(level: int) -> bytes:
    """A preview, as grey as the number of its step."""
    buffer = BytesIO()
    Image.new("RGB", (32, 24), (level, level, level)).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


FAKES = [ComfyUI, OldComfyUI]
