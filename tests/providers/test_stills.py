"""What becomes of a request's pictures before a provider gets them."""

import asyncio
import gc
import sys
from dataclasses import replace
from fnmatch import fnmatchcase

import pytest
from clients import PNG, post
from descriptors import temporary_files
from pictures import BLUE, RED, SIZE_PX, animated, broken, ihdr, long_apng, opened, others, plain, png_of, turned, written
from PIL import Image, ImageCms
from servers import RunningServer, serving, settings_of
from upstreams import ScriptedUpstream, answer, completed

from streamedit.edits import EditRequest, InputImage, Reference
from streamedit.errors import EditError, InvalidRequest, NoTarget
from streamedit.providers import CATALOGUE, pixels
from streamedit.providers.capabilities import Capabilities
from streamedit.providers.stills import Stills
from streamedit.targets import Target
from streamedit.uploads import Upload

OPENAIS = Capabilities()
EVERYTHING = Capabilities(inputs=("png", "jpeg", "webp", "gif", "avif", "heic", "heif"))


def image_of(data: bytes, filename: str = "photo.bin", reference: Reference | None = None) -> InputImage:
    """As a client sends it that leaves its type open."""
    return InputImage(Upload(data), filename, "application/octet-stream", reference)


def request_of(*pictures: bytes, mask: InputImage | None = None, markup: InputImage | None = None) -> EditRequest:
    """With these images."""
    return EditRequest("p", tuple(image_of(data) for data in pictures), mask=mask, markup=markup)


def stills_of(max_pixels: int = 128_000_000, within_s: float = 30, threads: int = 1) -> Stills:
    """With room for whatever a test makes."""
    return Stills(max_pixels, within_s, threads)


async def still_of(data: bytes, capabilities: Capabilities = OPENAIS) -> bytes:
    """What the provider is sent for a picture."""
    suited = await stills_of().suited(request_of(data), capabilities)
    return await suited.images[0].upload.read()


def near(pixel: object, colour: tuple[int, ...]) -> bool:
    """But for what an encoding changes."""
    assert isinstance(pixel, tuple)
    return all(abs(level - wanted) < 12 for level, wanted in zip(pixel, colour, strict=True))


async def refusal(request: EditRequest, stills: Stills | None = None) -> tuple[int, str | None, str | None]:
    """Its status, parameter and code."""
    with pytest.raises(EditError) as caught:
        await (stills or stills_of()).suited(request, OPENAIS)
    return caught.value.detail.status, caught.value.detail.param, caught.value.detail.code


@pytest.mark.parametrize(
    "data",
    [
        *(pytest.param(written(plain(), kind), id=kind) for kind in ("PNG", "JPEG", "WEBP")),
        *(pytest.param(data, id=name) for name, data in others()),
        *(pytest.param(written(plain(), kind), id=kind) for kind in ("BMP", "TIFF", "JPEG2000")),
        pytest.param(written(plain(), "PNG") + b"PK\x03\x04" + bytes(30), id="png-and-zip"),
        pytest.param(written(plain(), "JPEG", comment=b"<script>"), id="jpeg-and-html"),
        pytest.param(written(plain(), "PNG")[:60], id="truncated"),
        pytest.param(turned("JPEG", 6), id="turned"),
        pytest.param(b"", id="empty"),
    ],
)
async def test_what_is_taken_and_what_is_no_picture_goes_on_as_it_is(data: bytes) -> None:
    """Byte for byte, under its own name and type: it is not even opened."""
    request = request_of(data, mask=image_of(data), markup=image_of(data))
    assert await stills_of().suited(request, OPENAIS) == request


@pytest.mark.parametrize("kind", ["GIF", "AVIF", "HEIC"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
async def test_another_kind_becomes_a_png(kind: str, mode: str) -> None:
    """Of the same size, and as transparent as it was; named and typed as what it is."""
    colour = (*RED, 0) if mode == "RGBA" else RED
    request = request_of(written(plain(mode, colour), kind))
    [image] = (await stills_of().suited(request, OPENAIS)).images
    still = opened(await image.upload.read())
    assert (image.filename, image.media_type, still.format, still.size) == ("photo.png", "image/png", "PNG", SIZE_PX)
    assert still.has_transparency_data == (mode == "RGBA")
    pixel = still.convert("RGBA").getpixel((5, 5))
    assert pixel[3] == 0 if isinstance(pixel, tuple) and mode == "RGBA" else near(still.convert("RGB").getpixel((5, 5)), RED)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "AVIF"])
async def test_of_an_animation_the_first_frame_is_edited(kind: str) -> None:
    """As a PNG that does not move any more; also where the provider takes the kind, which would be another rule elsewhere."""
    still = opened(await still_of(animated(kind)))
    assert (still.format, getattr(still, "n_frames", 1)) == ("PNG", 1)
    assert near(still.convert("RGB").getpixel((30, 20)), RED)


async def test_of_ten_thousand_frames_one_is_decoded() -> None:
    """The others are broken, and nobody notices."""
    assert opened(await still_of(long_apng(10_000))).getpixel((0, 0)) == RED


async def test_who_takes_a_kind_gets_it() -> None:
    """A GIF goes to whoever edits its first frame by himself."""
    gif = written(plain(), "GIF")
    assert await still_of(gif, EVERYTHING) == gif


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["AVIF", "HEIC", "WEBP"])
async def test_a_still_is_upright(kind: str, orientation: int) -> None:
    """However the camera was held; it does not say any more that it is to be turned."""
    data = turned(kind, orientation)
    still = opened(await still_of(data, replace(OPENAIS, inputs=("png", "jpeg"))))
    corners = [still.getpixel(at) for at in ((5, 5), (55, 5), (5, 35), (55, 35))]
    assert (still.size, still.getexif().get(0x0112)) == (SIZE_PX, None)
    assert [near(corner, BLUE) for corner in corners] == [True, False, False, False]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_jpeg_is_decoded_upright(orientation: int) -> None:
    """Wherever pixels are worked on here."""
    shown = opened(pixels.still(turned("JPEG", orientation), "image"))
    assert shown.size == pixels.upright_size(turned("JPEG", orientation)) == SIZE_PX
    assert near(shown.getpixel((5, 5)), BLUE)


async def test_colours_keep_their_profile() -> None:
    """What they mean depends on it."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    still = opened(await still_of(written(plain(), "AVIF", icc_profile=profile)))
    assert still.info["icc_profile"] == profile


async def test_a_large_still_is_a_jpeg() -> None:
    """If nothing of it is transparent: many providers take no file as large as its PNG."""
    noise = Image.merge("RGB", [Image.effect_noise((1800, 1700), 120) for _ in range(3)])
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    request = request_of(written(noise, "WEBP", quality=90, method=0, icc_profile=profile))
    capabilities = replace(OPENAIS, inputs=("png", "jpeg"))
    [image] = (await stills_of().suited(request, capabilities)).images
    still = opened(await image.upload.read())
    assert (image.filename, image.media_type, still.format, still.size) == ("photo.jpeg", "image/jpeg", "JPEG", (1800, 1700))
    assert still.info["icc_profile"] == profile
    noise.putalpha(9)
    assert opened(await still_of(written(noise, "WEBP", quality=90, method=0), capabilities)).format == "PNG"


def test_every_provider_takes_what_stills_are() -> None:
    """PNG and JPEG."""
    for entry in CATALOGUE.values():
        for name, capabilities in entry.families.items():
            assert {"png", "jpeg"} <= set(capabilities.inputs), name


@pytest.mark.parametrize("data", [pytest.param(data, id=name) for name, data in broken() if data[1:4] != b"PNG"])
async def test_what_would_have_to_be_decoded_and_cannot_is_refused(data: bytes) -> None:
    """A 400 that names the picture."""
    assert await refusal(request_of(PNG, mask=image_of(data))) == (400, "mask", "invalid_image_file")


@pytest.mark.parametrize("size_px", [(13_000, 13_000), (2**31, 2**31)])
async def test_too_many_pixels_are_refused_by_the_header(size_px: tuple[int, int]) -> None:
    """Of any file, whoever is asked, though nobody here would decode it."""
    bomb = image_of(png_of(ihdr(*size_px)))
    requests = {
        "image": EditRequest("p", (image_of(PNG), bomb)),
        "mask": request_of(PNG, mask=bomb),
        "markup": request_of(PNG, markup=bomb),
        "style_image": replace(request_of(PNG), extra_files=(("style_image", bomb),)),
    }
    for param, request in requests.items():
        with pytest.raises(InvalidRequest) as caught:
            await stills_of().check(request)
        assert (caught.value.detail.param, caught.value.detail.code) == (param, "too_many_pixels")


async def test_the_bound_is_the_last_that_is_let_through() -> None:
    """And a picture that was named elsewhere is refused by that name."""
    named = image_of(written(plain(), "PNG"), reference=Reference("images[0].image_url", url="https://x.test/y"))
    request = EditRequest("p", (named,))
    await stills_of(max_pixels=60 * 40).check(request)
    stills = stills_of(max_pixels=60 * 40 - 1)
    assert await refusal(request, stills) == (400, "images[0].image_url", "too_many_pixels")


HUGE = written(Image.new("P", (8000, 7900)), "GIF")
"""63 million pixels in 50 KB: to make a still of them takes a good part of a second."""


async def test_a_conversion_that_takes_too_long_is_given_up() -> None:
    """A 400 that names the picture and says what helps."""
    with pytest.raises(InvalidRequest) as caught:
        await stills_of(within_s=0.02).suited(request_of(PNG, mask=image_of(HUGE)), OPENAIS)
    detail = caught.value.detail
    assert (detail.param, detail.code) == ("mask", "conversion_timeout")
    assert detail.message == "mask could not be converted within 0.02 seconds: send it as PNG or JPEG."


async def test_no_more_are_made_at_a_time_than_there_are_threads() -> None:
    """One that was given up keeps its thread until it is done; whoever waits for one in vain is told to come again."""
    stills = stills_of(within_s=0.02)
    assert await refusal(request_of(HUGE), stills) == (400, "image", "conversion_timeout")
    small = request_of(written(plain(), "GIF"))
    with pytest.raises(NoTarget) as caught:
        await stills.suited(small, OPENAIS)
    assert (caught.value.detail.status, caught.value.detail.headers) == (503, {"retry-after": "1"})
    while True:
        try:
            suited = await stills.suited(small, OPENAIS)
        except EditError:  # nor need it be done in time on a machine that is busy
            continue
        break
    assert opened(await suited.images[0].upload.read()).size == SIZE_PX


async def test_a_picture_is_converted_once() -> None:
    """For all attempts of an edit, and for its images side by side; nothing is left of it afterwards."""
    stills = stills_of(threads=2)
    request = request_of(written(plain(), "GIF"))
    both = await asyncio.gather(*(stills.suited(request, OPENAIS) for _ in range(4)))
    again = await stills.suited(request, OPENAIS)
    assert len({each.images[0].upload for each in (*both, again)}) == 1
    assert len(stills._made) == 1
    del request, both, again
    gc.collect()
    assert len(stills._made) == 0


async def test_a_large_still_is_on_disk() -> None:
    """For as long as the picture that was sent is there; nobody has to close it."""
    before = temporary_files()
    stills = stills_of()
    noise = Image.effect_noise((1500, 1000), 120)
    request = request_of(written(noise, "GIF"))
    suited = await stills.suited(request, OPENAIS)
    assert suited.images[0].upload.is_on_disk
    assert opened(await suited.images[0].upload.read()).size == (1500, 1000)
    assert temporary_files() == before + 1
    del request, suited
    gc.collect()
    while temporary_files() > before:  # noqa: ASYNC110 - a thread that has read it lets go of it a moment later
        await asyncio.sleep(0)


async def test_nothing_is_read_before_there_is_a_place() -> None:
    """What waits takes no memory, and no time of its own; in vain it is told to come again."""
    stills = stills_of(within_s=0.05)
    await stills._places.acquire()
    request = request_of(written(plain(), "GIF"))
    for _ in range(2):
        assert await refusal(request, stills) == (503, None, "no_target_available")
    assert stills._made[request.images[0].upload].work is None
    stills._places.release()
    assert stills._threads._work_queue.empty()


async def test_one_that_leaves_takes_nothing_away() -> None:
    """From the others who want the same picture, before it was begun and afterwards."""
    stills = stills_of()
    await stills._places.acquire()
    request = request_of(HUGE)
    calls = [asyncio.create_task(stills.suited(request, OPENAIS)) for _ in range(4)]
    for left in (0, 1):
        await asyncio.sleep(0)
        calls[left].cancel()
    await asyncio.wait(calls[:2])
    stills._places.release()
    making = stills._made[request.images[0].upload]
    while making.work is None:  # noqa: ASYNC110 - to read a file of this size takes a few turns of the loop
        await asyncio.sleep(0)
    calls[2].cancel()
    assert (await calls[3]).images[0].media_type == "image/png"
    assert [call.cancelled() for call in calls] == [True, True, True, False]
    await asyncio.sleep(0)
    assert not stills._places.locked()


async def test_heic_goes_on_where_it_cannot_be_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is for the provider to judge, as is all that is not known here."""
    monkeypatch.setitem(sys.modules, "pi_heif", None)  # as Python knows what is not installed
    heic = written(plain(), "HEIC")
    assert await still_of(heic) == heic


@pytest.mark.parametrize("name", ["gemini/gemini-3-pro-image", "vertex_ai/gemini-3-pro-image"])
def test_gemini_takes_heic(name: str) -> None:
    """Byte for byte."""
    families = CATALOGUE[name.split("/", maxsplit=1)[0]].families
    pattern = next(pattern for pattern in families if fnmatchcase(name, pattern))
    assert families[pattern].inputs == ("png", "jpeg", "webp", "heic", "heif")


async def test_a_cancelled_edit_converts_nothing_that_has_not_begun() -> None:
    """Its place in the queue is given up."""
    stills = stills_of()
    await stills._places.acquire()
    request = request_of(HUGE)
    waiting = asyncio.create_task(stills.suited(request, OPENAIS))
    while not stills._made:  # noqa: ASYNC110 - it has come to its turn after a few of the loop
        await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    stills._places.release()
    assert (waiting.cancelled(), stills._made[request.images[0].upload].work) == (True, None)
    assert (await stills.suited(request_of(HUGE), OPENAIS)).images[0].media_type == "image/png"


def test_an_openai_model_gets_a_gif_as_png_and_a_png_byte_for_byte(relay: RunningServer, scripted: ScriptedUpstream) -> None:
    """Over the wire, from client to provider."""
    scripted.play([answer(completed())])
    files = [("image", ("a.gif", animated("GIF"), "image/gif")), ("image", ("b.png", PNG, "image/png"))]
    assert post(relay.edits_url, {}, files).status == 200
    gif, png = scripted.asked[0].files
    assert (gif[1:3], opened(gif[3]).format, near(opened(gif[3]).convert("RGB").getpixel((1, 1)), RED)) == (
        ("a.png", "image/png"), "PNG", True,
    )  # fmt: skip
    assert png[1:] == ("b.png", "image/png", PNG)


def test_a_bomb_is_a_400_before_anybody_is_asked(relay: RunningServer, scripted: ScriptedUpstream) -> None:
    """Also for the asynchronous route, which begins no edit."""
    bomb = [("image", ("a.png", png_of(ihdr(13_000, 13_000)), "image/png"))]
    for url in (relay.edits_url, f"{relay.edits_url}/async"):
        refused = post(url, {}, bomb)
        assert (refused.status, refused.error["param"], refused.error["code"]) == (400, "image", "too_many_pixels")
    assert scripted.asked == []


def test_the_darkroom_opens_whatever_there_is() -> None:
    """The bytes go to it as they are, HEIC and AVIF too."""
    with serving(settings_of(Target("darkroom", "darkroom"))) as server:
        for kind in ("GIF", "AVIF", "HEIC"):
            made = post(server.edits_url, {"prompt": "grayscale"}, [("image", ("x", written(plain(), kind), ""))])
            assert made.status == 200, made.body
