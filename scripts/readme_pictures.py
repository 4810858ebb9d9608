"""The README's edit, step by step, as small pictures under scripts/pictures."""

import base64
import io
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from openai import OpenAI
from PIL import Image

ROOT = Path(__file__).parent.parent
PHOTO = ROOT / "tests" / "photos" / "astronaut.jpg"
PROMPT = "golden hour, a strong vignette, film grain"
SIDE_PX = 180


@contextmanager
def server() -> Iterator[str]:
    """The URL of a server that runs for the time of the block."""
    command = [sys.executable, "-m", "streamedit", "serve", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        found = re.search(r"http://\S+", process.stderr.readline() if process.stderr else "")
        if found is None:
            raise RuntimeError("the server did not start")
        try:
            yield found[0]
        finally:
            process.terminate()


def stages(url: str) -> Iterator[Image.Image]:
    """The photograph, each partial image, and the result."""
    yield Image.open(PHOTO)
    with OpenAI(base_url=f"{url}/v1", api_key="none") as client:
        stream = client.images.edit(model="darkroom", image=PHOTO, prompt=PROMPT, stream=True, partial_images=3)
        for event in stream:
            yield Image.open(io.BytesIO(base64.b64decode(event.b64_json)))


def strip(images: list[Image.Image]) -> Image.Image:
    """The stages side by side."""
    made = Image.new("RGB", (len(images) * (SIDE_PX + 4) - 4, SIDE_PX), "white")
    for index, image in enumerate(images):
        made.paste(image.convert("RGB").resize((SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS), (index * (SIDE_PX + 4), 0))
    return made


if __name__ == "__main__":
    with server() as running:
        strip(list(stages(running))).save(ROOT / "scripts" / "pictures" / "golden-hour.jpg", quality=88)
