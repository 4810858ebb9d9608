"""The embedded editor as a provider."""

import base64
import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import anyio
import anyio.lowlevel
import drained
import numpy as np
import pytest
from PIL import Image

from streamedit.darkroom.files import FORMATS
from streamedit.edits import EditOptions, EditRequest, InputImage
from streamedit.errors import EditError, InvalidRequest, NoTarget
from streamedit.events import Completed, Event, Order, PartialImage
from streamedit.providers.base import Provider, WorkBounds
from streamedit.providers.darkroom import Darkroom
from streamedit.targets import Target
from streamedit.uploads import Upload

PHOTOS = Path(__file__).parent.parent / "photos"
CHELSEA = (PHOTOS / "chelsea.png").read_bytes()
TARGET = Target("darkroom", "darkroom")


def _now_s() -> float:
    return 1_700_000_000.9


def _input(data: bytes) -> InputImage:
    return InputImage(Upload(data), "photo", "application/octet-stream")


def _png(image: Image.Image) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _mask(size: tuple[int, int] = (451, 300)) -> bytes:
    """Opaque but for a window in the middle."""
    mask = Image.new("RGBA", size, "black")
    mask.paste((0, 0, 0, 0), (200, 100, 260, 160))
    return _png(mask)


def _request(prompt: str = "sepia", image: bytes = CHELSEA, mask: bytes | None = None, **options: object) -> EditRequest:
    return EditRequest(
        prompt=prompt,
        images=(_input(image),),
        stream=True,
        options=EditOptions(**options),  # type: ignore[arg-type]  # each test names the options that it is about
        mask=_input(mask) if mask is not None else None,
    )


def _with(request: EditRequest, *images: bytes) -> EditRequest:
    return replace(request, images=(*request.images, *map(_input, images)))


async def _events(request: EditRequest, darkroom: Darkroom | None = None) -> Sequence[Event]:
    return [event async for event in (darkroom or Darkroom(_now_s)).edit(request, TARGET)]


def _image(event: Event) -> Image.Image:
    assert isinstance(event, PartialImage | Completed)
    image = Image.open(BytesIO(base64.b64decode(drained.image(event.payload), validate=True)))
    image.load()
    return image


async def _refusal(request: EditRequest) -> tuple[int, str | None, str | None]:
    with pytest.raises(InvalidRequest) as refused:
        await _events(request)
    detail = refused.value.detail
    return detail.status, detail.param, detail.code


@pytest.mark.parametrize("partials", [None, 0, 1, 2, 3])
async def test_partials_then_completed(partials: int | None) -> None:
    """As many partial images as asked for, numbered from 0, then the completed one, in their legal order."""
    events = await _events(_request("sepia, vignette", partial_images=partials))
    order = Order()
    assert [order.accept(event) for event in events] == [False] * (partials or 0) + [True]
    indices = [event.payload.fields["partial_image_index"] for event in events if isinstance(event, PartialImage)]
    assert indices == list(range(partials or 0))
    assert {_image(event).size for event in events} == {(451, 300)}


async def test_events_say_what_they_carry() -> None:
    """The fields are OpenAI's, and true of the image."""
    partial, completed = (
        event for event in await _events(_request(partial_images=1)) if isinstance(event, PartialImage | Completed)
    )
    common = {"created_at": 1_700_000_000, "size": "451x300", "quality": "high", "background": "opaque", "output_format": "png"}
    assert common.items() <= partial.payload.fields.items()
    assert common.items() <= completed.payload.fields.items()
    assert partial.payload.fields["type"] == "image_edit.partial_image"
    assert completed.payload.fields["type"] == "image_edit.completed"
    assert completed.payload.fields["usage"]["total_tokens"] == 0


@pytest.mark.parametrize(("asked", "said"), [("low", "low"), ("auto", "high"), ("standard", "high"), (None, "high")])
async def test_quality_is_concrete(asked: str | None, said: str) -> None:
    """`auto` is answered with what it came to."""
    (completed,) = await _events(_request(quality=asked))
    assert isinstance(completed, Completed)
    assert completed.payload.fields["quality"] == said


@pytest.mark.parametrize("name", ["png", "jpeg", "webp"])
async def test_formats_and_size_of_all_images(name: str) -> None:
    """Partial images come in the format and size of the completed one, which are those asked for."""
    events = await _events(_request(output_format=name, size="320x200", partial_images=2))
    assert [(_image(event).format, _image(event).size) for event in events] == [(name.upper(), (320, 200))] * 3


@pytest.mark.parametrize(("name", "background"), [("png", "transparent"), ("webp", "transparent"), ("jpeg", "opaque")])
async def test_transparency_is_kept_where_there_can_be_any(name: str, background: str) -> None:
    """Alpha of the input is alpha of the output, and `background` says so."""
    image = Image.open(BytesIO(CHELSEA)).convert("RGBA")
    image.putalpha(100)
    (completed,) = await _events(_request(image=_png(image), output_format=name))
    assert isinstance(completed, Completed)
    assert completed.payload.fields["background"] == background
    assert ("A" in _image(completed).getbands()) == (background == "transparent")


async def test_masked_edit_leaves_the_rest_alone() -> None:
    """Outside the mask every pixel is the original's, inside it is not."""
    (completed,) = await _events(_request("black and white", mask=_mask()))
    before, after = np.asarray(Image.open(BytesIO(CHELSEA))), np.asarray(_image(completed))
    changed = (before != after).any(axis=2)
    assert changed[100:160, 200:260].mean() > 0.9
    changed[100:160, 200:260] = False
    assert not changed.any()


async def test_mask_follows_the_size() -> None:
    """With another output size the mask is scaled and cropped as the image is."""
    request = _request("black and white", mask=_mask(), size="902x600")
    (after,), (plain,) = await _events(request), await _events(_request("brightness 0%", size="902x600"))
    changed = (np.asarray(_image(after)) != np.asarray(_image(plain))).any(axis=2)
    assert changed[210:310, 410:510].mean() > 0.9
    assert not changed[:190].any()
    assert not changed[:, 540:].any()


async def test_holes_of_the_image_are_erased_without_a_mask() -> None:
    """An image that is transparent where to erase needs no mask; it comes back whole and opaque."""
    image = Image.open(BytesIO(CHELSEA)).convert("RGBA")
    image.paste((0, 255, 0, 0), (200, 100, 220, 120))
    (completed,) = await _events(_request("remove the sign", image=_png(image)))
    picture = _image(completed)
    assert picture.mode == "RGB"
    window = np.asarray(picture, int)[100:120, 200:220]
    assert (window[..., 1] < window[..., 0] + 40).all()


@pytest.mark.parametrize(
    ("request_", "refusal"),
    [
        (_request("add a red hat"), ("prompt", "prompt_not_understood")),
        (_request("make it better"), ("prompt", "prompt_not_understood")),
        (_request("match the style of the second image"), ("image", "image_required")),
        (_request("caption it"), ("prompt", "text_required")),
        (_request("feather the mask"), ("mask", "mask_required")),
        (_request("upscale 9x"), ("prompt", "invalid_size")),
        (_request("sepia", background="transparent", output_format="jpeg"), ("background", "invalid_background")),
        (_request(image=b"GIF89"), ("image", "invalid_image_file")),
        (_request(image=CHELSEA[:-4000]), ("image", "invalid_image_file")),
        (_request(mask=b"nothing"), ("mask", "invalid_image_file")),
        (_request(mask=CHELSEA), ("mask", "invalid_mask")),
        (_request(mask=_mask((450, 300))), ("mask", "mask_size_mismatch")),
        (_request("erase the cat"), ("mask", "mask_required")),
        (_request(size="huge"), ("size", "invalid_size")),
        (_request(output_format="gif"), ("output_format", "invalid_output_format")),
        (_request(output_format="jpeg", output_compression=101), ("output_compression", "invalid_output_compression")),
        (replace(_request(), extra=(("seed", "seven"),)), ("seed", "invalid_seed")),
        (replace(_request(), extra=(("seed", "9" * 5000),)), ("seed", "invalid_seed")),
    ],
)
async def test_bad_requests_are_refused_before_the_first_event(request_: EditRequest, refusal: tuple[str, str]) -> None:
    """Each mistake is a 400 that names its parameter, raised instead of any event."""
    assert await _refusal(request_) == (400, *refusal)


async def test_pixel_bomb_is_refused_at_once() -> None:
    """169 megapixels in a small file, as image or as mask: refused in milliseconds by the head alone."""
    bomb = _png(Image.new("1", (13_000, 13_000)))
    started = time.perf_counter()
    assert await _refusal(_request(image=bomb)) == (400, "image", "image_too_large_to_edit")
    assert await _refusal(_request(mask=bomb)) == (400, "mask", "image_too_large_to_edit")
    assert time.perf_counter() - started < 0.25


async def test_largest_image_is_the_constructors() -> None:
    """The bounds of the constructor are the limit, for further images too."""
    small = Darkroom(_now_s, bounds=WorkBounds(pixels=100_000))
    with pytest.raises(InvalidRequest, match="at most 100000 pixels"):
        await _events(_request(), small)
    beside = _with(_request("a collage", _png(Image.new("RGB", (40, 40)))), CHELSEA)
    with pytest.raises(InvalidRequest, match="at most 100000 pixels"):
        await _events(beside, small)


async def test_same_request_gives_the_same_bytes() -> None:
    """Deterministic to the byte, also beside other edits."""
    darkroom = Darkroom(_now_s, threads=4)
    results: dict[int, Sequence[Event]] = {}

    async def run(number: int) -> None:
        results[number] = await _events(_request("grain, blur the background", partial_images=1), darkroom)

    async with anyio.create_task_group() as tasks:
        for number in range(4):
            tasks.start_soon(run, number)
    assert results[0] == results[1] == results[2] == results[3]


async def test_variations_and_seeds_differ() -> None:
    """Image 1 of an edit is another than image 0; the extra field `seed` changes what is random."""
    request = _request("black and white, film grain")
    requests = [
        request,
        replace(request, image_index=1),
        replace(request, extra=(("seed", "7"),)),
        replace(request, extra=(("seed", "-7"),)),
    ]
    pictures = {_image((await _events(each))[0]).tobytes() for each in requests}
    assert len(pictures) == len(requests)


async def test_further_images_are_looked_at_where_the_prompt_speaks_of_them() -> None:
    """The first image is the canvas; the others are not even opened when nothing is to be done with them."""
    assert await _events(_with(_request(), b"anything")) == await _events(_request())
    red = _png(Image.new("RGB", (60, 40), (200, 30, 20)))
    (side_by_side,) = await _events(_with(_request("a collage, side by side"), red))
    assert _image(side_by_side).width > 451
    (behind,) = await _events(_with(_request("replace the background with the second image"), red))
    assert _image(behind).getpixel((440, 290)) == pytest.approx((200, 30, 20), abs=12)


async def test_all_images_are_edited_together() -> None:
    """ "Apply vintage filter to all images": all of them are in the picture, and one alone is edited as it is."""
    (one,) = await _events(_request("sepia, on all images"))
    assert _image(one).size == (451, 300)
    (three,) = await _events(_with(_request("sepia, on all images"), CHELSEA, CHELSEA))
    assert _image(three).width * _image(three).height > 2 * 451 * 300


async def test_transparent_background_is_a_cut_out() -> None:
    """OpenAI's `background=transparent` takes the background away; `opaque` leaves nothing transparent."""
    (clear,) = await _events(_request("sepia", background="transparent"))
    (named,) = await _events(_request("sepia, remove the background"))
    assert isinstance(clear, Completed)
    assert clear.payload.fields["background"] == "transparent"
    assert _image(clear).tobytes() == _image(named).tobytes()
    assert _image(clear).getchannel("A").getextrema() == (0, 255)
    (opaque,) = await _events(_request("remove the background", background="opaque"))
    assert _image(opaque).mode == "RGB"


async def test_frames_may_change() -> None:
    """A picture says the size that it has; with a size asked for, all come in that one."""
    partial, completed = await _events(_request("sepia, crop to 1:1", partial_images=1))
    assert isinstance(completed, Completed)
    assert completed.payload.fields["size"] == "300x300"
    assert (_image(partial).size, _image(completed).size) == ((451, 300), (300, 300))
    events = await _events(_request("sepia, crop to 1:1", partial_images=1, size="320x200"))
    assert [_image(event).size for event in events] == [(320, 200), (320, 200)]


async def test_sixteen_bits_stay_sixteen_bits() -> None:
    """A PNG of sixteen bits is edited and written as one."""
    ramp = np.tile(np.linspace(0, 65535, 512, dtype=np.uint16), (40, 1))
    (completed,) = await _events(_request("a subtle vignette", _png(Image.fromarray(ramp))))
    assert isinstance(completed, Completed)
    data = base64.b64decode(drained.image(completed.payload))
    assert data[24] == 16  # the bit depth in the header: PNG specification, 11.2.1


async def test_work_that_takes_too_long_is_ended() -> None:
    """A 400 that says so, between two steps."""
    hasty = Darkroom(_now_s, bounds=WorkBounds(work_s=0))
    with pytest.raises(InvalidRequest) as refused:
        await _events(_request(), hasty)
    assert refused.value.detail.code == "edit_takes_too_long"


async def test_no_more_wait_than_may() -> None:
    """While all threads are busy and the queue is full, the next one is told at once to come back."""
    darkroom = Darkroom(_now_s, bounds=WorkBounds(waiting=1), threads=1)
    refusals: list[EditError] = []

    async def run() -> None:
        try:
            await _events(_request("oil painting, sketch"), darkroom)
        except NoTarget as error:
            refusals.append(error)

    async with anyio.create_task_group() as tasks:
        for _ in range(6):
            tasks.start_soon(run)
    assert 1 <= len(refusals) <= 4
    assert all(refusal.detail.headers == {"retry-after": "1"} for refusal in refusals)


async def test_work_is_done_beside_the_event_loop() -> None:
    """While an edit is computed, the event loop turns: its longest pause is a fraction of the edit."""
    pauses: list[float] = []

    async def tick() -> None:
        while True:
            before = time.perf_counter()
            await anyio.lowlevel.checkpoint()
            pauses.append(time.perf_counter() - before)

    started = time.perf_counter()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(tick)
        await _events(_request("vintage, sketch, grain", partial_images=1))
        tasks.cancel_scope.cancel()
    assert max(pauses) < (time.perf_counter() - started) / 3


async def test_first_partial_comes_long_before_the_end() -> None:
    """Each image is handed out when it is ready."""
    image = _png(Image.open(BytesIO(CHELSEA)).resize((1024, 1024)))
    started = time.perf_counter()
    events = Darkroom(_now_s).edit(_request("golden hour, more contrast, grain", image, partial_images=3), TARGET)
    times = [time.perf_counter() - started async for _ in events]
    assert len(times) == 4
    assert times[0] < 0.6 * times[-1]


async def test_reader_that_leaves_leaves_nothing_behind() -> None:
    """Closing the events in the middle ends the edit and gives its thread back."""
    darkroom = Darkroom(_now_s, threads=1)
    async with aclosing(darkroom.edit(_request("sepia, grain", partial_images=3), TARGET)) as events:
        await anext(events)
    assert len(await _events(_request(), darkroom)) == 1


def test_it_is_a_provider() -> None:
    """It is what the gateway expects: one image for each call, streamed, with partial images and masks."""
    provider: Provider = Darkroom(_now_s)
    capabilities = provider.capabilities(TARGET)
    assert capabilities.partial_images
    assert capabilities.formats == FORMATS
    assert capabilities.n == 1
