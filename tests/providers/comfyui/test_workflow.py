"""What a configuration may say of a ComfyUI workflow, and what is said of its mistakes."""

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from streamedit.config import from_file
from streamedit.documents import ConfigError
from streamedit.providers.capabilities import Extra
from streamedit.providers.comfyui.comfyui import SETUP
from streamedit.providers.comfyui.workflow import Place, Workflow
from streamedit.targets import Target

WORKFLOWS = Path(__file__).parent.parent.parent / "workflows"
IMG2IMG = WORKFLOWS / "img2img.json"
INPUTS = {"prompt": "6.inputs.text", "image": "10.inputs.image"}


def target(inputs: object = None, api_base: str | None = "http://127.0.0.1:8188", **params: object) -> Target:
    """A target with `INPUTS` and what is in `inputs`."""
    named = {**INPUTS, **inputs} if isinstance(inputs, dict) else inputs or INPUTS
    return Target("comfyui", "edit", api_base=api_base, params={"workflow": str(IMG2IMG), "inputs": named, **params})


def saved(folder: Path, content: object) -> str:
    """A file with this JSON."""
    path = folder / "workflow.json"
    path.write_text(json.dumps(content))
    return str(path)


NODES = (
    "3 (KSampler), 4 (Load Checkpoint), 6 (Positive Prompt), 7 (Negative Prompt), 8 (VAE Decode), 9 (Save Image), "
    "10 (Load Image), 11 (VAE Encode)"
)

MISTAKES: dict[str, tuple[Target, str]] = {
    "no address": (
        target(api_base=None),
        "api_base is missing: where ComfyUI listens, as in http://127.0.0.1:8188 (or COMFYUI_API_BASE)",
    ),
    "no scheme": (target(api_base="127.0.0.1:8188"), "api_base: '127.0.0.1:8188' must begin with http:// or https://"),
    "no method": (target(preview_method="fast"), "preview_method must be one of default, auto, latent2rgb, taesd, none"),
    "no wait": (target(poll_s="soon"), "poll_s must be a number of seconds above 0"),
    "no workflow": (target(workflow=None), "workflow is missing: the file that ComfyUI's 'Save (API format)' writes"),
    "no file": (target(workflow="/no/such.json"), "workflow: '/no/such.json' cannot be read: No such file or directory"),
    "no names": (target(inputs=[1]), "inputs must say where prompt and image go, as in `prompt: 6.inputs.text`"),
    "no image": (target(inputs=("x",)), "inputs must say where prompt and image go, as in `prompt: 6.inputs.text`"),
    "half a size": (target({"width": "3.inputs.steps"}), "inputs: width and height must both be named, or none of them"),
    "a name of OpenAI's": (
        target({"quality": "3.inputs.steps"}),
        "inputs.quality: the name is taken: give the input another one",
    ),
    "a name of ours": (target({"timeout": "3.inputs.steps"}), "inputs.timeout: the name is taken: give the input another one"),
    "no place": (target({"seed": "3.seed"}), "inputs.seed: '3.seed' is no place: write NODE.inputs.INPUT, as in 6.inputs.text"),
    "a number": (target({"seed": 3}), "inputs.seed: '3' is no place: write NODE.inputs.INPUT, as in 6.inputs.text"),
    "no places": (target({"seed": []}), "inputs.seed: '[]' is no place: write NODE.inputs.INPUT, as in 6.inputs.text"),
    "no node": (target({"seed": "5.inputs.seed"}), f"inputs.seed: there is no node '5': there are {NODES}"),
    "no title": (target({"seed": "Sampler.inputs.seed"}), f"inputs.seed: there is no node 'Sampler': there are {NODES}"),
    "no input": (
        target({"seed": "3.inputs.sed"}),
        "inputs.seed: node 3 (KSampler) has no input 'sed': it has seed, steps, cfg, sampler_name, scheduler, denoise, model, "
        "positive, negative, latent_image",
    ),
    "a link": (target({"m": "3.inputs.model"}), "inputs.m: 'model' of node 3 (KSampler) comes from node 4: name that one"),
    "no output": (target(output="12"), f"output: there is no node '12': there are {NODES}"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_at_the_start(name: str) -> None:
    """In words that say what to write instead."""
    mistaken, words = MISTAKES[name]
    assert SETUP.mistake(mistaken) == words


def test_what_is_right_has_no_mistake() -> None:
    """The example as it stands, by numbers and by titles."""
    assert SETUP.mistake(target()) is None
    titles = {"prompt": "Positive Prompt.inputs.text", "image": ["Load Image.inputs.image"], "seed": "KSampler.inputs.seed"}
    assert SETUP.mistake(target(titles, output="Save Image", poll_s=1, preview_method="taesd")) is None


EXAMPLE = f"""\
model_list:
  - model_name: local
    litellm_params:
      model: comfyui/img2img
      api_base: http://127.0.0.1:8188
      workflow: {IMG2IMG}
      inputs:
        prompt: 6.inputs.text
        negative_prompt: 7.inputs.text
        image: 10.inputs.image
        seed: 3.inputs.seed
        steps: 3.inputs.steps
        strength: 3.inputs.denoise
      output: 9
      seed: 7
      poll_s: 1
      preview_method: latent2rgb
"""


def test_a_configuration_of_it_is_read_whole(tmp_path: Path) -> None:
    """Nothing in the example is ignored, and a mistake in it is told with its line."""
    path = tmp_path / "streamedit.yaml"
    path.write_text(EXAMPLE)
    settings = from_file(path, {}, {"comfyui": SETUP})
    assert settings.ignored == ()
    assert sorted(Workflow.of(settings.routes.find("local").targets[0]).places) == [
        "image", "negative_prompt", "prompt", "seed", "steps", "strength",
    ]  # fmt: skip
    path.write_text(EXAMPLE.replace("output: 9", "output: 99"))
    with pytest.raises(ConfigError, match=f"streamedit.yaml:4: .*output: there is no node '99': there are {re.escape(NODES)}"):
        from_file(path, {}, {"comfyui": SETUP})


EDITORS = {"last_node_id": 9, "nodes": [{"id": 3, "type": "KSampler"}], "links": [], "version": 0.4}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (EDITORS, "is in the editor's own format: save it with 'Save (API format)' or 'Export (API)'"),
        ([], "is no workflow in ComfyUI's API format: each node has a class_type and inputs"),
        ({}, "is no workflow in ComfyUI's API format: each node has a class_type and inputs"),
        ({"3": {"inputs": {}}}, "is no workflow in ComfyUI's API format: each node has a class_type and inputs"),
    ],
)
def test_a_file_that_is_no_workflow_is_told(tmp_path: Path, content: object, words: str) -> None:
    """Also the one that the editor saves when it is asked for nothing else."""
    path = saved(tmp_path, content)
    assert SETUP.mistake(target(workflow=path)) == f"workflow: '{path}' {words}"


def test_a_file_that_is_no_json_is_told(tmp_path: Path) -> None:
    """A picture, for one: ComfyUI's have the workflow in them, but are none."""
    path = tmp_path / "picture.png"
    path.write_bytes(b"\x89PNG")
    assert SETUP.mistake(target(workflow=str(path))) == f"workflow: '{path}' is not JSON"


def test_a_title_that_two_nodes_have_names_neither(tmp_path: Path) -> None:
    """Then their numbers must be written."""
    graph = json.loads(IMG2IMG.read_text())
    graph["7"]["_meta"]["title"] = "Positive Prompt"
    told = SETUP.mistake(target({"prompt": "Positive Prompt.inputs.text"}, workflow=saved(tmp_path, graph)))
    assert told == "inputs.prompt: there are 2 nodes with the title 'Positive Prompt': 6, 7"


def test_the_address_and_the_key_may_come_from_the_environment() -> None:
    """COMFYUI_API_BASE and COMFYUI_API_KEY, where the configuration is silent."""
    environ = {"COMFYUI_API_BASE": "http://gpu:8188", "COMFYUI_API_KEY": "k"}
    completed = SETUP.completed(target(api_base=None), environ)
    assert (completed.api_base, completed.api_key, SETUP.mistake(completed)) == ("http://gpu:8188", "k", None)
    assert SETUP.completed(target(), environ).api_base == "http://127.0.0.1:8188"


def test_without_its_client_it_says_what_to_install() -> None:
    """The rest of the server does not need `websockets`, and does not load it."""
    program = (
        "import sys; sys.modules['websockets'] = None\n"
        "from streamedit.providers import CATALOGUE\n"
        "from streamedit.routing import Target\n"
        "print(CATALOGUE['comfyui'].setup.mistake(Target('comfyui', 'x')))"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()
    assert told == "ComfyUI needs a WebSocket client: pip install 'streamedit[comfyui]'"


def test_fields_are_of_the_kind_of_their_values(tmp_path: Path) -> None:
    """Text, a number (a saved 8.0 is `8`), a whole number where it is known, a flag, a file."""
    graph = {
        **json.loads(IMG2IMG.read_text()),
        "20": {"class_type": "LoadImage", "inputs": {"image": "style.png"}},
        "21": {"class_type": "Extension", "inputs": {"enabled": True, "image": "text"}},
    }
    inputs = {
        "seed": "3.inputs.seed",
        "cfg": "3.inputs.cfg",
        "sampler": "3.inputs.sampler_name",
        "style": "20.inputs.image",
        "sharp": "21.inputs.enabled",
        "words": "21.inputs.image",
    }
    extras = Workflow.of(target(inputs, workflow=saved(tmp_path, graph))).extras
    kinds = {"seed": "integer", "cfg": "number", "sampler": "text", "style": "file", "sharp": "flag", "words": "text"}
    assert {name: extra.kind for name, extra in extras.items()} == kinds
    assert extras["cfg"] == Extra("number")


def test_one_value_may_go_to_several_places() -> None:
    """As SDXL has two texts; the graph that was read stays as it is."""
    workflow = Workflow.of(target({"prompt": ["6.inputs.text", "7.inputs.text"]}))
    filled: Mapping[str, Any] = workflow.filled(dict.fromkeys(workflow.places["prompt"], "night"))
    assert (filled["6"]["inputs"]["text"], filled["7"]["inputs"]["text"]) == ("night", "night")
    assert filled["6"]["inputs"]["clip"] == ["4", 1]
    assert workflow.graph["6"]["inputs"]["text"] == "a photograph"
    assert workflow.name_of(Place("7", "text")) == "prompt"


def test_a_workflow_is_read_once(tmp_path: Path) -> None:
    """When the server starts: edits do not wait for a disk."""
    path = Path(saved(tmp_path, json.loads(IMG2IMG.read_text())))
    first = Workflow.of(target(workflow=str(path)))
    path.unlink()
    assert Workflow.of(target(workflow=str(path))) is first
