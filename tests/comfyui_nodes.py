"""ComfyUI's own nodes, as far as the workflows here use them, and its check of a graph (nodes.py, execution.py)."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Graph: TypeAlias = Mapping[str, Mapping[str, Any]]

CHECKPOINTS = ("v1-5-pruned-emaonly-fp16.safetensors",)
SIZE = ("INT", 0, 16384)


@dataclass(frozen=True)
class Node:
    """Inputs: the type of a link, or of a value with its bounds, or all values of a list. Outputs: types of links."""

    inputs: Mapping[str, Any]
    outputs: tuple[str, ...] = ()
    is_output: bool = field(default=False)


IMAGE_FILE = "an uploaded file"

NODES = {
    "CheckpointLoaderSimple": Node({"ckpt_name": CHECKPOINTS}, ("MODEL", "CLIP", "VAE")),
    "CLIPTextEncode": Node({"text": ("STRING",), "clip": "CLIP"}, ("CONDITIONING",)),
    "LoadImage": Node({"image": IMAGE_FILE}, ("IMAGE", "MASK")),
    "LoadImageMask": Node({"image": IMAGE_FILE, "channel": ("alpha", "red", "green", "blue")}, ("MASK",)),
    "ImageScale": Node(
        {
            "image": "IMAGE",
            "upscale_method": ("lanczos", "area"),
            "width": SIZE,
            "height": SIZE,
            "crop": ("disabled", "center"),
        },
        ("IMAGE",),
    ),
    "VAEEncode": Node({"pixels": "IMAGE", "vae": "VAE"}, ("LATENT",)),
    "SetLatentNoiseMask": Node({"samples": "LATENT", "mask": "MASK"}, ("LATENT",)),
    "KSampler": Node(
        {
            "model": "MODEL",
            "seed": ("INT", 0, 0xFFFFFFFFFFFFFFFF),
            "steps": ("INT", 1, 10000),
            "cfg": ("FLOAT", 0.0, 100.0),
            "sampler_name": ("euler", "dpmpp_2m"),
            "scheduler": ("normal", "karras"),
            "positive": "CONDITIONING",
            "negative": "CONDITIONING",
            "latent_image": "LATENT",
            "denoise": ("FLOAT", 0.0, 1.0),
        },
        ("LATENT",),
    ),
    "VAEDecode": Node({"samples": "LATENT", "vae": "VAE"}, ("IMAGE",)),
    "PreviewImage": Node({"images": "IMAGE"}, is_output=True),
    "SaveImage": Node({"images": "IMAGE", "filename_prefix": ("STRING",)}, is_output=True),
}

_TYPES: Mapping[str, type | tuple[type, ...]] = {"INT": int, "FLOAT": (int, float), "STRING": str}


def refusal(graph: Graph, is_uploaded: Callable[[str], bool]) -> dict[str, Any] | None:
    """What `POST /prompt` answers with 400; None for a graph that can be executed."""
    unknown = next((number for number, node in graph.items() if node["class_type"] not in NODES), None)
    if unknown is not None:
        title = graph[unknown]["_meta"]["title"]
        return _refusal("missing_node_type", f"Node '{title}' not found. The custom node may not be installed.")
    if not any(NODES[node["class_type"]].is_output for node in graph.values()):
        return _refusal("prompt_no_outputs", "Prompt has no outputs")
    errors = {number: list(_errors(graph, node, is_uploaded)) for number, node in graph.items()}
    told = {
        number: {"errors": found, "dependent_outputs": ["9"], "class_type": graph[number]["class_type"]}
        for number, found in errors.items()
        if found
    }
    return _refusal("prompt_outputs_failed_validation", "Prompt outputs failed validation", told) if told else None


def in_order(graph: Graph) -> list[str]:
    """The nodes, each behind those that it has links to."""
    done: list[str] = []
    while len(done) < len(graph):
        done.append(next(number for number in graph if number not in done and _needs(graph[number]) <= set(done)))
    return done


def _needs(node: Mapping[str, Any]) -> set[str]:
    return {value[0] for value in node["inputs"].values() if isinstance(value, list)}


def _errors(graph: Graph, node: Mapping[str, Any], is_uploaded: Callable[[str], bool]) -> Iterator[dict[str, Any]]:
    for name, wanted in NODES[node["class_type"]].inputs.items():
        if name not in node["inputs"]:
            yield _error("required_input_missing", "Required input is missing", name)
            continue
        value = node["inputs"][name]
        if wanted is IMAGE_FILE:
            if not is_uploaded(value):
                yield _error(
                    "custom_validation_failed", "Custom validation failed for node", name, f" - Invalid image: {value}"
                )
        elif isinstance(wanted, str):
            number, slot = value
            assert NODES[graph[number]["class_type"]].outputs[slot] == wanted, f"{name} needs {wanted}"
        else:
            yield from _value_errors(name, value, wanted)


def _value_errors(name: str, value: Any, wanted: tuple[Any, ...]) -> Iterator[dict[str, Any]]:
    kind = _TYPES.get(wanted[0])
    if kind is None:
        if value not in wanted:
            yield _error("value_not_in_list", "Value not in list", name, f": '{value}' not in {list(wanted)}")
        return
    assert isinstance(value, kind), f"{name} must be {wanted[0]}, not {value!r}"
    if len(wanted) > 1 and value < wanted[1]:
        yield _error("value_smaller_than_min", f"Value {value} smaller than min of {wanted[1]}", name)
    if len(wanted) > 1 and value > wanted[2]:
        yield _error("value_bigger_than_max", f"Value {value} bigger than max of {wanted[2]}", name)


def _error(kind: str, message: str, name: str, details: str = "") -> dict[str, Any]:
    return {"type": kind, "message": message, "details": f"{name}{details}", "extra_info": {"input_name": name}}


def _refusal(kind: str, message: str, node_errors: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {"error": {"type": kind, "message": message, "details": "", "extra_info": {}}, "node_errors": node_errors or {}}
