"""Servers that have taken over OpenAI's API, as their own source reads a request: vLLM-Omni, SGLang, stable-diffusion.cpp."""

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from PIL import Image
from providers.fakes import KEY, Fake, Outcome, b64, decoded
from providers.fakes.openai import in_format
from upstreams import Asked, Script, json_answer

WITHOUT_MODERATION = tuple(outcome for outcome in Outcome if outcome is not Outcome.BLOCKED)
SAMPLING = {
    "negative_prompt": r".+",
    "num_inference_steps": r"\d+",
    "guidance_scale": r"\d+(\.\d+)?",
    "true_cfg_scale": r"\d+(\.\d+)?",
    "seed": r"\d+",
}
COMMON = {
    "model": r".+",
    "prompt": r"(?s).+",
    "n": r"\d+",
    "size": r"\d+x\d+",
    "output_format": "png|jpeg|webp",
    "output_compression": r"\d{1,3}",
}


class Server(Fake):
    """What they have in common: a form, checked name by name, and one answer in JSON."""

    outcomes = WITHOUT_MODERATION
    grammar: ClassVar[Mapping[str, str]] = COMMON
    """Each field that it reads, and what its text must match."""
    mask_field: ClassVar[str] = ""
    other_files: ClassVar[frozenset[str]] = frozenset()

    def check(self, asked: Asked) -> None:
        assert (asked.method, asked.path) == ("POST", "/v1/images/edits"), asked.path
        assert asked.headers["authorization"] == f"Bearer {KEY}"
        for name, text in asked.fields:
            assert name in self.grammar, f"{name} is not read"
            assert re.fullmatch(self.grammar[name], text), f"{name}={text}"
        assert len({name for name, _ in asked.fields}) == len(asked.fields), "a field comes twice"
        names = {name for name, _, _, _ in asked.files}
        assert names <= {"image", "image[]", self.mask_field} | self.other_files, names
        assert asked.field("prompt")

    def ok(self, asked: Asked) -> Script:
        output_format = asked.field("output_format") or "png"
        pictures = [in_format(self.picture(), output_format) for _ in range(int(asked.field("n") or 1))]
        return [json_answer(self.body([{"b64_json": b64(picture)} for picture in pictures], output_format))]

    def body(self, data: list[dict[str, Any]], output_format: str) -> dict[str, Any]:
        return {"created": 1_790_000_000, "data": data, "output_format": output_format}

    def empty(self, _: Asked) -> Script:
        return [json_answer(self.body([], "png"))]

    def refused(self, _: Asked) -> Script:
        return self.error("400 Bad Request", f"bad request of {KEY}")

    def unauthorized(self, _: Asked) -> Script:
        return self.error("401 Unauthorized", f"Unauthorized: {KEY}")

    def busy(self, _: Asked) -> Script:
        return self.error("429 Too Many Requests", "slow down", retry_after="7")

    def down(self, _: Asked) -> Script:
        return self.error("503 Service Unavailable", "away")

    def error(self, status: str, message: str, **headers: str) -> Script:
        """FastAPI's."""
        return [json_answer({"detail": message}, status, **headers)]

    def images_of(self, asked: Asked) -> list[bytes]:
        return [content for name, _, _, content in asked.files if name in ("image", "image[]")]

    def filenames_of(self, asked: Asked) -> list[str]:
        return [filename for name, filename, _, _ in asked.files if name in ("image", "image[]")]

    def mask_of(self, asked: Asked) -> Image.Image:
        """White where it edits."""
        [mask] = [content for name, _, _, content in asked.files if name == self.mask_field]
        return decoded(mask)


class VLLMOmni(Server):
    """`edit_images` of vllm-omni 0.30."""

    name = "openai/Qwen/Qwen-Image-Edit"
    params: ClassVar[Mapping[str, object]] = {"dialect": "vllm-omni"}
    refuses: ClassVar[Mapping[str, str]] = {"background": "transparent", "frames": "2", "lora": '{"path": "/"}'}
    takes_mask = True
    mask_field = "mask_image"
    other_files = frozenset({"reference_image"})
    grammar: ClassVar[Mapping[str, str]] = {
        **COMMON,
        **SAMPLING,
        "guidance_scale_2": r"\d+(\.\d+)?",
        "strength": r"[01](\.\d+)?",
        "lora": r"\{.+\}",
        "layers": r"\d+",
        "resolution": "640|1024",
        "bot_task": ".+",
        "sys_type": ".+",
        "system_prompt": ".+",
    }

    def check(self, asked: Asked) -> None:
        super().check(asked)
        assert asked.field("model") == self.name.partition("/")[2], "Model mismatch"

    def body(self, data: list[dict[str, Any]], output_format: str) -> dict[str, Any]:
        return {**super().body(data, output_format), "size": "64x48", "cot_output": None, "metrics": None}

    def error(self, status: str, message: str, **headers: str) -> Script:
        """vLLM's: the code is the status."""
        error = {"message": message, "type": "BadRequestError", "param": None, "code": int(status[:3])}
        return [json_answer({"error": error}, status, **headers)]


class HostedVLLM(VLLMOmni):
    """The same server under LiteLLM's name, its base without `/v1`."""

    name = "hosted_vllm/black-forest-labs/FLUX.2-klein-4B"
    params: ClassVar[Mapping[str, object]] = {}

    @property
    def url(self) -> str:
        return self._url

    @url.setter
    def url(self, url: str) -> None:
        self._url = url.removesuffix("/v1")


class SGLang(Server):
    """`edits` of sglang 0.5.23; its `mask` is in the signature and nowhere else."""

    name = "openai/black-forest-labs/FLUX.2-dev"
    params: ClassVar[Mapping[str, object]] = {"dialect": "sglang"}
    refuses: ClassVar[Mapping[str, str]] = {"background": "transparent", "perf_dump_path": "/tmp/x", "url": "http://x"}
    grammar: ClassVar[Mapping[str, str]] = {
        **COMMON,
        **SAMPLING,
        "enhance_prompt": "true|false",
        "enable_upscaling": "true|false",
    }

    def body(self, data: list[dict[str, Any]], output_format: str) -> dict[str, Any]:
        inside = [{**item, "url": None, "revised_prompt": "make it night", "file_path": None} for item in data]
        return {"id": "r-1", "created": 1_790_000_000, "data": inside, "inference_time_s": 1.5, "peak_memory_mb": 900.0}


class SdCpp(Server):
    """`build_openai_edit_request` of stable-diffusion.cpp."""

    name = "openai/sd-cpp-local"
    params: ClassVar[Mapping[str, object]] = {"dialect": "sd.cpp"}
    refuses: ClassVar[Mapping[str, str]] = {"background": "transparent", "seed": "7"}
    takes_mask = True
    mask_field = "mask"
    grammar: ClassVar[Mapping[str, str]] = {**COMMON, "output_format": "png|jpeg"}

    def error(self, status: str, message: str, **headers: str) -> Script:
        return [json_answer({"error": message}, status, **headers)]


FAKES = [VLLMOmni, HostedVLLM, SGLang, SdCpp]
