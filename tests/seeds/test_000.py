"""LiteLLM's `/images/edits` (https://docs.litellm.ai/docs/image_edits): every request in it, under its heading.

Examples for LiteLLM's package run with the package in the long mode, and as the requests that the package makes always. Its
document promises a `url` for `response_format=url`: gpt-image-1, which has base64 alone, gives one here as dall-e-2 does.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from examples import expect_addresses, expect_download, expect_pictures, run_python, run_shell
from fronts import KEY, Front, configured, fronting
from litellm_programs import GEMINI, OPENAI, Example
from providers.fakes import body_of
from providers.fakes.google import Gemini25
from providers.fakes.openai import OpenAI1

OPENAI_CONFIGURATION = """
model_list:
  - model_name: gpt-image-1
    litellm_params:
      model: gpt-image-1
      api_key: os.environ/OPENAI_API_KEY
"""

GEMINI_CONFIGURATION = """
model_list:
  - model_name: gemini-image-edit
    litellm_params:
      model: gemini/gemini-2.5-flash-image
      api_key: os.environ/GEMINI_API_KEY
"""


@pytest.fixture(scope="module")
def openai() -> Iterator[Front]:
    """gpt-image-1 under that name, behind a key."""
    with fronting("gpt-image-1") as front:
        yield front


@pytest.fixture(scope="module")
def gemini() -> Iterator[Front]:
    """Gemini under the name that LiteLLM has for it, behind a key."""
    with fronting("gemini/gemini-2.5-flash-image", fake=Gemini25()) as front:
        yield front


@pytest.fixture(scope="module")
def openai_proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """A server of the document's own configuration for OpenAI."""
    file = tmp_path_factory.mktemp("openai") / "config.yaml"
    file.write_text(OPENAI_CONFIGURATION)
    with configured(file, OpenAI1(), "OPENAI_API_KEY", "OPENAI_BASE_URL") as front:
        yield front


@pytest.fixture(scope="module")
def gemini_proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """A server of the document's own configuration for Gemini."""
    file = tmp_path_factory.mktemp("gemini") / "config.yaml"
    file.write_text(GEMINI_CONFIGURATION)
    with configured(file, Gemini25(), "GEMINI_API_KEY", "GEMINI_API_BASE") as front:
        yield front


class TestOpenAI:
    """LiteLLM Python SDK, OpenAI."""

    @pytest.mark.parametrize("heading", OPENAI)
    def test_the_request(self, openai: Front, folder: Path, heading: str) -> None:
        """What the package sends gives as many pictures as it wants, as it wants them, and reaches the provider as meant."""
        example = OPENAI[heading]
        openai.clear()
        answer = example.post(f"{openai.url}/v1/images/edits", folder)
        (expect_addresses if example.asks_for_urls else expect_pictures)(answer, example.n)
        expect_asked(openai, example, folder)

    @pytest.mark.timeout(900)
    @pytest.mark.parametrize("heading", OPENAI)
    def test_the_program(self, openai: Front, litellm: str, folder: Path, heading: str) -> None:
        """As it is written; the package finds address and key in its environment."""
        example = OPENAI[heading]
        openai.clear()
        environ = {"OPENAI_BASE_URL": f"{openai.url}/v1", "OPENAI_API_KEY": KEY}
        shown = run_python(example.program, folder, environ, litellm)
        if "variations" in example.program:
            assert re.fullmatch(r"Generated 3 image variations\n(Image [123]: \S+\n){3}", shown), shown
        urls = re.findall(rf"{openai.url}/v1/images/results/[^'\s]+", shown)
        assert len(set(urls)) == (example.n if example.asks_for_urls else 0), shown
        for url in urls:
            expect_download(url)
        assert shown.count("ImageObject(b64_json='iVBORw0KGgo") == (0 if example.asks_for_urls else example.n)
        expect_asked(openai, example, folder)


class TestGemini:
    """LiteLLM Python SDK, Gemini: the package asks this server, as a proxy of LiteLLM's, and not Google."""

    @pytest.mark.parametrize("heading", GEMINI)
    def test_the_request(self, gemini: Front, folder: Path, heading: str) -> None:
        """Google is asked for the picture with all images, in the nearest of its shapes."""
        example = GEMINI[heading]
        gemini.clear()
        expect_pictures(example.post(f"{gemini.url}/images/edits", folder))
        expect_shape(gemini, example)

    @pytest.mark.timeout(900)
    @pytest.mark.parametrize("heading", GEMINI)
    def test_the_program(self, gemini: Front, litellm: str, folder: Path, heading: str, tmp_path: Path) -> None:
        """As it is written, but for the model's prefix: the picture is saved."""
        example = GEMINI[heading]
        gemini.clear()
        for name in example.images:
            (tmp_path / name).write_bytes((folder / name).read_bytes())
        environ = {"LITELLM_PROXY_API_BASE": gemini.url, "LITELLM_PROXY_API_KEY": KEY}
        program = example.program.replace('model="gemini/', 'model="litellm_proxy/gemini/')
        run_python(program, tmp_path, environ, litellm)
        [saved] = [path for path in tmp_path.iterdir() if path.name not in example.images]
        assert saved.read_bytes().startswith(b"\x89PNG")
        expect_shape(gemini, example)


class TestProxy:
    """LiteLLM Proxy: this server takes its place, with the configuration that the document has for it."""

    def test_basic_image_edit_via_proxy(self, openai_proxy: Front, folder: Path) -> None:
        """The OpenAI package, with a base address that has no `/v1`."""
        openai_proxy.clear()
        program = """
        from openai import OpenAI

        # Initialize client with your proxy URL
        client = OpenAI(
            base_url="http://localhost:4000",# Your proxy URL
            api_key="your-api-key"# Your proxy API key
        )

        # Edit an image
        response = client.images.edit(
            model="gpt-image-1",
            image=open("original_image.png","rb"),
            prompt="Add a red hat to the person in the image",
            n=1,
            size="1024x1024"
        )

        print(response)
        """
        shown = run_python(program.replace("http://localhost:4000", openai_proxy.url), folder, {})
        assert shown.startswith("ImagesResponse(created=")
        assert shown.count("Image(b64_json='iVBORw0KGgo") == 1
        assert openai_proxy.fields == {"size": "1024x1024"}

    def test_curl_example(self, openai_proxy: Front, folder: Path) -> None:
        """One image and a mask."""
        openai_proxy.clear()
        text = r"""
        curl -X POST "http://localhost:4000/v1/images/edits" \
          -H "Authorization: Bearer your-api-key" \
          -F "model=gpt-image-1" \
          -F "image=@original_image.png" \
          -F "mask=@mask_image.png" \
          -F "prompt=Add a beautiful sunset in the background" \
          -F "n=1" \
          -F "size=1024x1024" \
          -F "response_format=url"
        """
        expect_addresses(run_shell(text.replace("http://localhost:4000", openai_proxy.url), folder))
        assert [name for name, _ in openai_proxy.files] == ["image", "mask"]

    def test_curl_multiple_images_example(self, openai_proxy: Front, folder: Path) -> None:
        """`image`, repeated."""
        openai_proxy.clear()
        text = r"""
        curl -X POST "http://localhost:4000/v1/images/edits" \
          -H "Authorization: Bearer your-api-key" \
          -F "model=gpt-image-1" \
          -F "image=@image1.png" \
          -F "image=@image2.png" \
          -F "image=@image3.png" \
          -F "prompt=Apply artistic filter to all images" \
          -F "n=1" \
          -F "size=1024x1024" \
          -F "response_format=url"
        """
        expect_addresses(run_shell(text.replace("http://localhost:4000", openai_proxy.url), folder))
        contents = [(folder / f"image{number}.png").read_bytes() for number in (1, 2, 3)]
        assert openai_proxy.files == [("image[]", content) for content in contents]

    def test_gemini_image_edit_request(self, gemini_proxy: Front, folder: Path) -> None:
        """Gemini by a name of the configuration."""
        gemini_proxy.clear()
        text = r"""
        curl -X POST "http://0.0.0.0:4000/v1/images/edits" \
          -H "Authorization: Bearer <YOUR-LITELLM-KEY>" \
          -F "model=gemini-image-edit" \
          -F "image=@original_image.png" \
          -F "prompt=Add a warm golden-hour glow to the scene" \
          -F "size=1024x1024"
        """
        expect_pictures(run_shell(text.replace("http://0.0.0.0:4000", gemini_proxy.url), folder))
        assert body_of(gemini_proxy.asked)["generationConfig"]["imageConfig"] == {"aspectRatio": "1:1"}


def expect_asked(front: Front, example: Example, folder: Path) -> None:
    """The provider's images, mask and fields are the example's; `n` is said where it is more than one."""
    names = [*example.images, *([example.mask] if example.mask else [])]
    assert [content for _, content in front.files] == [(folder / name).read_bytes() for name in names]
    said = {"n": example.fields["n"]} if example.n > 1 else {}
    said |= {name: example.fields[name] for name in ("size", "user") if name in example.fields}
    assert front.fields == said
    assert front.asked.field("prompt") == example.fields["prompt"]
    assert "custom-header" not in front.asked.headers


def expect_shape(front: Front, example: Example) -> None:
    """All images, and the shape of Google's that is nearest to the size."""
    body = body_of(front.asked)
    assert len([part for part in body["contents"][0]["parts"] if "inlineData" in part]) == len(example.images)
    shape = {"aspectRatio": "16:9"} if "size" in example.fields else None
    assert body["generationConfig"].get("imageConfig") == shape
