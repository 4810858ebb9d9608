"""Eden AI's "Image Edits": it has no examples, but a schema, and these are the requests that it describes.

An `image_url` is an https URL, of a server here that the environment's authorities vouch for, or a data URL; a `file_id` is
that of an upload.
"""

import base64
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from clients import Answer, post, post_json
from examples import PICTURES, expect_pictures
from fronts import Front, fronting
from galleries import Gallery, exhibiting

MODEL = "openai/gpt-image-2"
PROMPT = "Replace the sky"


@pytest.fixture(scope="module")
def secure(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    """The pictures behind https, at a server that whoever starts meanwhile trusts."""
    authority, tls = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    file = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    pictures = {f"/{each.name}": each.read_bytes() for each in folder.glob("*.png")}
    with pytest.MonkeyPatch.context() as environment, exhibiting(pictures, tls) as gallery:
        environment.setenv("SSL_CERT_FILE", str(file))
        yield gallery


@pytest.fixture(scope="module")
def shared(secure: Gallery, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """The model by Eden AI's name for it. It may fetch from the gallery, and keeps files."""
    database = f"sqlite:///{tmp_path_factory.mktemp('eden')}/a.db"
    with fronting(MODEL, key=None, database_url=database, image_urls=secure.allowed()) as front:
        yield front


@pytest.fixture
def front(shared: Front) -> Front:
    """With nothing asked yet."""
    shared.clear()
    return shared


@pytest.fixture
def url(folder: Path) -> str:
    """A picture, as a data URL."""
    return "data:image/png;base64," + base64.b64encode((folder / "input.png").read_bytes()).decode()


def uploaded(front: Front, file: Path) -> str:
    """The id that Eden AI's upload gives it."""
    answer = post(f"{front.url}/v3/upload", {}, [("file", (file.name, file.read_bytes(), "image/png"))])
    assert answer.status == 200, answer.body
    return str(answer.json["file_id"])


def ask(front: Front, **body: Any) -> Answer:
    """The JSON form."""
    return post_json(f"{front.url}/v3/images/edits", {"model": MODEL, "prompt": PROMPT, **body})


def test_multipart(front: Front, folder: Path) -> None:
    """`image[]`, a mask and text fields."""
    image, mask = ((folder / name).read_bytes() for name in ("input.png", "mask.png"))
    files = [("image[]", ("a.png", image)), ("image[]", ("b.png", image)), ("mask", ("m.png", mask))]
    fields = {"model": MODEL, "prompt": PROMPT, "n": "2", "size": "auto", "user": "u-1"}
    expect_pictures(post(f"{front.url}/v3/images/edits", fields, files), 2)
    assert front.files == [("image[]", image), ("image[]", image), ("mask", mask)]
    assert front.fields == {"n": "2", "size": "auto", "user": "u-1"}


def test_json(front: Front, folder: Path, url: str) -> None:
    """Every member of the schema with a value, the mask like an image."""
    reference = {"image_url": url, "file_id": None}
    expect_pictures(ask(front, images=[reference, reference], mask={"image_url": url}, n=2, size="1024x1024", user="u-1"), 2)
    image = (folder / "input.png").read_bytes()
    assert front.files == [("image[]", image), ("image[]", image), ("mask", image)]
    assert front.fields == {"n": "2", "size": "1024x1024", "user": "u-1"}


def test_json_with_every_kind_of_reference(front: Front, secure: Gallery, folder: Path, url: str) -> None:
    """Mixed in one request, the first one first; the mask by each kind in turn."""
    names = ("image1.png", "input.png", "image2.png")
    by_url, by_id = {"image_url": secure.url("/image1.png")}, {"file_id": uploaded(front, folder / "image2.png")}
    masks = ({"image_url": secure.url("/mask.png")}, {"file_id": uploaded(front, folder / "mask.png")})
    for mask in masks:
        front.clear()
        expect_pictures(ask(front, images=[by_url, {"image_url": url}, by_id], mask=mask))
        sent = [("image[]", (folder / name).read_bytes()) for name in names]
        assert front.files == [*sent, ("mask", (folder / "mask.png").read_bytes())]


def test_sixteen_images(front: Front, secure: Gallery, folder: Path) -> None:
    """As many as the schema allows, all of them behind URLs, in their order."""
    names = [f"{name}.png" for name in (*PICTURES, *PICTURES)][:16]
    expect_pictures(ask(front, images=[{"image_url": secure.url(f"/{name}")} for name in names]))
    assert [content for _, content in front.files] == [(folder / name).read_bytes() for name in names]


def test_json_with_nulls(front: Front, url: str) -> None:
    """What may be null may be null."""
    nulls = dict.fromkeys(("n", "size", "user", "metadata", "extra_headers", "mask"))
    expect_pictures(ask(front, images=[{"image_url": url}], **nulls))
    assert front.fields == {}


@pytest.mark.parametrize(
    ("images", "param"),
    [
        ([], "images"),
        ([{"image_url": "data:,"}] * 17, "images"),
        ([{}], "images[0]"),
        ([{"file_id": "f", "image_url": "data:,"}], "images[0]"),
        ([{"file_id": "f"}], "images[0].file_id"),
        ([{"image_url": "https://127.0.0.1/a.png"}], "images[0].image_url"),
        ([{"image_url": "ftp://example.com/a.png"}], "images[0].image_url"),
        ([{"image_url": "data:,", "detail": "high"}], "images[0].detail"),
    ],
)
def test_what_the_schema_forbids(front: Front, images: object, param: str) -> None:
    """A 400 that names it: fewer than one image, more than sixteen, none or both of the two ways, further members,
    ids that are none's, addresses that are not allowed."""
    answer = ask(front, images=images)
    assert (answer.status, answer.error["param"]) == (400, param)
    assert front.has_asked_nobody
