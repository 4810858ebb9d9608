"""The official OpenAI package is a client of this server, unchanged, streaming or not, sync and async."""

import base64
import io
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import openai
import pytest
import upstreams
from accounts import MASTER, Accounts, accounting, bearer, budget, limits
from clients import get
from fronts import KEY, fronting
from openai import AsyncOpenAI, AzureOpenAI, OpenAI
from openai.types import ImageEditCompletedEvent, ImageEditPartialImageEvent, ImagesResponse
from openai.types.file_create_params import ExpiresAfter
from PIL import Image
from servers import RunningServer, serving, settings_of
from upstreams import ScriptedUpstream, head

from streamedit.targets import Target

PROMPT = "black and white with a strong vignette"


@pytest.fixture
def client(server: RunningServer) -> Iterator[OpenAI]:
    """The SDK as it comes, but strict: an answer that is not of its schema raises."""
    with OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0, _strict_response_validation=True) as made:
        yield made


@pytest.fixture
async def async_client(server: RunningServer) -> AsyncIterator[AsyncOpenAI]:
    """The same, async."""
    async with AsyncOpenAI(
        base_url=f"{server.url}/v1", api_key="none", max_retries=0, _strict_response_validation=True
    ) as made:
        yield made


def _picture(image_base64: str | None) -> Image.Image:
    assert image_base64
    return Image.open(io.BytesIO(base64.b64decode(image_base64)))


def test_a_plain_edit_gives_an_images_response(client: OpenAI, photos: Path) -> None:
    """A single open file: strict validation holds, and the picture has the photograph's size."""
    with (photos / "chelsea.png").open("rb") as image:
        response = client.images.edit(model="darkroom", image=image, prompt=PROMPT)
    assert isinstance(response, ImagesResponse)
    assert response.usage is not None
    assert response.data is not None
    assert _picture(response.data[0].b64_json).size == (451, 300)


def test_a_streamed_edit_shows_partial_images_and_ends_completed(client: OpenAI, photos: Path) -> None:
    """`stream=True` yields typed events in order, each picture nearer to the end than the one before."""
    stream = client.images.edit(model="darkroom", image=photos / "chelsea.png", prompt=PROMPT, stream=True, partial_images=3)
    events = list(stream)
    assert [type(event) for event in events] == [ImageEditPartialImageEvent] * 3 + [ImageEditCompletedEvent]
    assert [event.partial_image_index for event in events if isinstance(event, ImageEditPartialImageEvent)] == [0, 1, 2]
    assert len({event.b64_json for event in events}) == 4
    assert all(_picture(event.b64_json).size == (451, 300) for event in events)


async def test_the_async_client_does_the_same(async_client: AsyncOpenAI, photos: Path) -> None:
    """Plain and streamed, with the async client; the streamed result is the plain one."""
    image = (photos / "chelsea.png").read_bytes()
    plain = await async_client.images.edit(model="darkroom", image=image, prompt=PROMPT)
    stream = await async_client.images.edit(model="darkroom", image=image, prompt=PROMPT, stream=True, partial_images=1)
    events = [event async for event in stream]
    assert plain.data is not None
    assert [event.type for event in events] == ["image_edit.partial_image", "image_edit.completed"]
    assert events[-1].b64_json == plain.data[0].b64_json


def test_lists_masks_and_bytes_without_a_name_are_taken(client: OpenAI, photos: Path) -> None:
    """A list of files (`image[]`), bytes without a name, and a mask outside of which no pixel changes."""
    image = (photos / "chelsea.png").read_bytes()
    mask = Image.new("RGBA", (451, 300), (0, 0, 0, 255))
    mask.paste((0, 0, 0, 0), (100, 80, 200, 180))
    mask_file = io.BytesIO()
    mask.save(mask_file, "PNG")
    response = client.images.edit(
        model="darkroom", image=[image, photos / "coffee.jpg"], mask=mask_file.getvalue(), prompt="black and white"
    )
    assert response.data is not None
    edited = _picture(response.data[0].b64_json).convert("RGB")
    original = Image.open(io.BytesIO(image)).convert("RGB")
    for box in ((0, 0, 100, 300), (200, 0, 451, 300), (100, 0, 200, 80), (100, 180, 200, 300)):
        assert edited.crop(box).tobytes() == original.crop(box).tobytes()
    red, green, blue = edited.crop((110, 90, 190, 170)).split()
    assert red.tobytes() == green.tobytes() == blue.tobytes()


def test_n_images_and_formats_come_as_asked(client: OpenAI, photos: Path) -> None:
    """n pictures in the asked-for format and size."""
    response = client.images.edit(
        model="darkroom", image=photos / "coffee.jpg", prompt="sepia", n=2, output_format="webp", size="256x256"
    )
    assert response.data is not None
    assert response.output_format == "webp"
    assert [(p.format, p.size) for p in (_picture(item.b64_json) for item in response.data)] == [("WEBP", (256, 256))] * 2


def test_errors_have_the_sdk_s_classes(client: OpenAI, photos: Path) -> None:
    """A wrong parameter is BadRequestError with its param, an unknown model NotFoundError, both with the request's id."""
    with pytest.raises(openai.BadRequestError) as wrong:
        client.images.edit(model="darkroom", image=photos / "chelsea.png", prompt="add a red hat")
    assert (wrong.value.param, wrong.value.code) == ("prompt", "prompt_not_understood")
    assert wrong.value.request_id
    with pytest.raises(openai.NotFoundError) as unknown:
        client.images.edit(model="gpt-image-99", image=photos / "chelsea.png", prompt=PROMPT)
    assert unknown.value.code == "model_not_found"


def test_a_failure_in_the_stream_raises_in_the_sdk(client: OpenAI, photos: Path) -> None:
    """An error event after a partial image is an APIError with message and code, not a silent end."""
    stream = client.images.edit(
        model="mock",
        image=photos / "chelsea.png",
        prompt="p",
        stream=True,
        partial_images=1,
        extra_body={"mock_fault": "truncate"},
    )
    assert next(stream).type == "image_edit.partial_image"
    with pytest.raises(openai.APIError) as broken:
        next(stream)
    assert broken.value.code == "upstream_incomplete"


def test_the_sdk_buys_an_edit_only_once(relay: RunningServer, scripted: ScriptedUpstream, photos: Path) -> None:
    """With its usual retries the SDK asks once when the upstream broke off, and again when it was merely busy."""
    client = OpenAI(base_url=f"{relay.url}/v1", api_key="none", max_retries=2)
    scripted.play([head(), upstreams.Reset()])
    with pytest.raises(openai.InternalServerError):
        client.images.edit(image=photos / "chelsea.png", prompt="p")
    assert len(scripted.asked) == 1
    busy = upstreams.json_answer({"error": {"message": "busy"}}, "429 Too Many Requests", retry_after_ms="1")
    scripted.play([busy], [busy], [upstreams.answer(upstreams.completed())])
    assert client.images.edit(image=photos / "chelsea.png", prompt="p").data
    assert len(scripted.asked) == 3
    client.close()


def test_azure_s_client_is_a_client(photos: Path) -> None:
    """It puts its key into `api-key`, its deployment into the path and a version behind it; the stream is the same."""
    with fronting("gpt-image-2") as front, AzureOpenAI(azure_endpoint=front.url, api_key=KEY, api_version="preview") as client:
        stream = client.images.edit(model="gpt-image-2", image=photos / "chelsea.png", prompt="p", stream=True)
        assert [event.type for event in stream] == ["image_edit.completed"]


def test_a_client_that_closes_its_stream_at_once_harms_nobody(client: OpenAI, server: RunningServer, photos: Path) -> None:
    """The stream is closed unread; the edit ends by itself and leaves nothing behind."""
    client.images.edit(model="mock", image=photos / "chelsea.png", prompt="p", stream=True).close()
    server.wait_until_idle()
    assert server.left_behind() == (0, 0)


def test_files_are_openais(tmp_path: Path, photos: Path) -> None:
    """Strict validation holds for all that the package does with files, and an edit may name them."""
    content = (photos / "chelsea.png").read_bytes()
    darkroom = Target("darkroom", "darkroom")
    with (
        serving(settings_of(darkroom, database_url=f"sqlite:///{tmp_path / 'sdk.db'}")) as running,
        OpenAI(base_url=f"{running.url}/v1", api_key="none", max_retries=0, _strict_response_validation=True) as made,
    ):
        expiry: ExpiresAfter = {"anchor": "created_at", "seconds": 3600}
        first = made.files.create(file=photos / "chelsea.png", purpose="vision", expires_after=expiry)
        second = made.files.create(file=("b.png", b"other", "image/png"), purpose="user_data")
        assert (first.filename, first.bytes, first.purpose, first.status) == (
            "chelsea.png",
            len(content),
            "vision",
            "processed",
        )
        assert first.expires_at == first.created_at + 3600
        assert made.files.retrieve(first.id) == first
        assert [file.id for file in made.files.list(limit=1)] == [second.id, first.id]
        assert list(made.files.list(purpose="vision")) == [first]
        assert made.files.content(first.id).read() == content
        body = {"prompt": "sepia", "images": [{"file_id": first.id}], "response_format": "url"}
        edited = made.post("/images/edits", cast_to=ImagesResponse, body=body)
        assert edited.data
        assert edited.data[0].url
        assert Image.open(io.BytesIO(httpx.get(edited.data[0].url).content)).size == (451, 300)
        assert made.files.delete(first.id).deleted
        with pytest.raises(openai.NotFoundError):
            made.files.retrieve(first.id)


def test_a_spent_budget_is_told_once(tmp_path: Path, scripted: ScriptedUpstream) -> None:
    """The package does not try again what no retry can help; its error has OpenAI's code, and says when to come back."""
    scripted.play([upstreams.answer(upstreams.completed())])
    target = Target("openai", "gpt-image-2", "sk-provider", scripted.url, {"output_cost_per_image": "0.04"})
    with accounting("sqlite", tmp_path, target) as accounts:
        _, headers = accounts.key(allowance=budget(40_000, "1d"))
        key = headers["authorization"].removeprefix("Bearer ")
        with OpenAI(base_url=f"{accounts.server.url}/v1", api_key=key, max_retries=2) as made:
            assert made.images.edit(model="gpt-image-2", image=b"x", prompt="p").data
            with pytest.raises(openai.RateLimitError) as raised:
                made.images.edit(model="gpt-image-2", image=b"x", prompt="p")
        assert raised.value.code == "insufficient_quota"
        assert 0 < int(raised.value.response.headers["retry-after"]) <= 86_400
        assert 'streamedit_refusals_total{code="insufficient_quota"} 1.0' in metrics_of(accounts)


def test_a_full_minute_is_waited_for(tmp_path: Path, scripted: ScriptedUpstream) -> None:
    """The package is told exactly how long that takes; without retries it is a rate limit."""
    scripted.play([upstreams.answer(upstreams.completed())])
    target = Target("openai", "gpt-image-2", "sk-provider", scripted.url)
    with accounting("sqlite", tmp_path, target) as accounts:
        _, headers = accounts.key(allowance=limits(requests=1))
        key = headers["authorization"].removeprefix("Bearer ")
        with OpenAI(base_url=f"{accounts.server.url}/v1", api_key=key, max_retries=0) as made:
            events = list(made.images.edit(model="gpt-image-2", image=b"x", prompt="p", stream=True))
            assert [event.type for event in events] == ["image_edit.completed"]
            with pytest.raises(openai.RateLimitError) as raised:
                made.images.edit(model="gpt-image-2", image=b"x", prompt="p", stream=True)
        assert (raised.value.code, raised.value.type) == ("rate_limit_exceeded", "requests")
        assert 50_000 < int(raised.value.response.headers["retry-after-ms"]) <= 60_000


def metrics_of(accounts: Accounts) -> str:
    """What the server has counted."""
    return get(f"{accounts.server.url}/metrics", bearer(MASTER)).body.decode()
