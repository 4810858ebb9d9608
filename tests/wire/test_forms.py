"""A request's body -> EditRequest, in every form that clients send."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from descriptors import temporary_files
from hypothesis import given
from hypothesis import strategies as st

from streamedit.edits import EditOptions, EditRequest, Reference
from streamedit.errors import CallerError, InvalidRequest
from streamedit.wire.forms import read_request
from streamedit.wire.multipart import BodyLimits

MIB = 1 << 20
LIMITS = BodyLimits(body_bytes=8 * MIB, image_bytes=3 * MIB)
Part = tuple[str, str | bytes]
"""A field of a form: text, or a file where the content is bytes."""

PHOTO: Part = ("image", b"photo")
PROMPT: Part = ("prompt", "make it blue")
PNG = "data:image/png;base64," + base64.b64encode(b"photo").decode()
MINIMAL = {"prompt": "make it blue", "images": [{"image_url": PNG}]}
IMAGE_NAMES = [
    ("image",), ("image[]",), ("image[0]",), ("image",) * 3, ("image[]",) * 16, ("image[0]", "image[1]"), ("image", "image[]"),
]  # fmt: skip
OTHER_TYPES = [
    "", "text/plain", "application/x-www-form-urlencoded", "application/jsonp", "multipart/mixed; boundary=x", "é",
]  # fmt: skip
OUT_OF_RANGE = [
    ("n", 0), ("n", 11), ("n", "two"), ("n", 1.5), ("partial_images", -1), ("partial_images", 4), ("output_compression", -1),
    ("output_compression", 101), ("prompt", ""), ("prompt", "x" * 32_001), ("stream", "maybe"),
]  # fmt: skip


class TestForm:
    """multipart/form-data."""

    @pytest.mark.parametrize("names", IMAGE_NAMES)
    async def test_images_may_be_named_in_every_way(self, names: tuple[str, ...]) -> None:
        """`image`, `image[]`, `image[0]`, once or repeated: images in the order in which they came."""
        request = await read_form(PROMPT, *((name, b"photo %d" % index) for index, name in enumerate(names)))
        assert [await image.upload.read() for image in request.images] == [b"photo %d" % index for index in range(len(names))]
        assert not request.extra_files

    @pytest.mark.parametrize("suffix", ["", "[]"])
    @pytest.mark.parametrize("name", ["mask", "markup"])
    async def test_mask_and_markup_are_single_files(self, name: str, suffix: str) -> None:
        """With or without brackets, before or behind the images."""
        for parts in ((PROMPT, PHOTO, (name + suffix, b"overlay")), ((name + suffix, b"overlay"), PHOTO, PROMPT)):
            request = await read_form(*parts)
            given = {"mask": request.mask, "markup": request.markup}
            assert [key for key, file in given.items() if file] == [name]
            file = given[name]
            assert file is not None
            assert await file.upload.read() == b"overlay"

    async def test_an_image_keeps_its_name_and_type(self) -> None:
        """As the client named and typed it."""
        request = await read_form(PROMPT, PHOTO)
        assert [(image.filename, image.media_type) for image in request.images] == [("photo.png", "image/png")]

    @pytest.mark.parametrize(
        ("text", "stream"),
        [
            ("true", True),
            ("True", True),
            ("1", True),
            ("false", False),
            ("False", False),
            ("0", False),
            ("", False),
            ("null", False),
        ],
    )
    async def test_stream_may_come_last(self, text: str, stream: bool) -> None:
        """In every spelling, behind megabytes of image."""
        request = await read_form(PROMPT, ("image", bytes(2 * MIB)), ("stream", text))
        request.close()
        assert request.stream is stream

    async def test_numbers_are_read_from_text(self) -> None:
        """A form has nothing but text."""
        request = await read_form(
            PROMPT, PHOTO, ("n", "2"), ("partial_images", "3"), ("output_compression", "0"), ("user", "7")
        )
        assert request.options == EditOptions(n=2, partial_images=3, output_compression=0, user="7")

    @pytest.mark.parametrize("blank", ["", "null"])
    async def test_blank_is_absent(self, blank: str) -> None:
        """An empty field and the word null stand for what was not given."""
        names = ("model", "n", "size", "quality", "background", "stream", "partial_images", "user", "response_format")
        request = await read_form(PROMPT, PHOTO, *((name, blank) for name in names))
        assert (request.model, request.stream, request.options, request.extra) == (None, False, EditOptions(), ())

    async def test_unknown_fields_are_kept(self) -> None:
        """Verbatim, in their order, repeated and bracketed ones too, and files as files."""
        extra = (("svg[reasoning][effort]", "none"), ("labels[]", "b"), ("labels[]", "a"), ("complexity", ""), ("x", "null"))
        request = await read_form(extra[0], PROMPT, *extra[1:4], PHOTO, extra[4], ("sketch", b"lines"))
        assert request.extra == extra
        assert [(name, await file.upload.read()) for name, file in request.extra_files] == [("sketch", b"lines")]

    @given(
        st.lists(
            st.tuples(
                st.from_regex(r"x_[a-z0-9\[\]]{0,8}", fullmatch=True),
                st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
            ),
            max_size=8,
        ),
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=100),
    )
    async def test_texts_survive(self, extra: list[tuple[str, str]], prompt: str) -> None:
        """Prompt and unknown fields arrive as they were sent, whatever is in them."""
        request = await read_form(*extra, ("prompt", prompt), PHOTO)
        assert (request.prompt, request.extra) == (prompt, tuple(extra))

    async def test_an_empty_file_input_is_no_file(self) -> None:
        """A browser sends the mask that nobody chose as a file without name and content."""
        request = await read_form(PROMPT, PHOTO, ("mask", b""), filename="")
        assert request.mask is None

    @pytest.mark.parametrize(
        ("parts", "param", "code"),
        [
            ([PROMPT], "image", "missing_required_parameter"),
            ([PHOTO], "prompt", "missing_required_parameter"),
            ([PROMPT, ("image", "https://x/y.png")], "image", "invalid_type"),
            ([PROMPT, ("image[]", "photo")], "image", "invalid_type"),
            ([PROMPT, PHOTO, ("mask", "x")], "mask", "invalid_type"),
            ([PROMPT, ("image", b"")], "image", "empty_image"),
            ([PROMPT, PHOTO, ("mask", b"")], "mask", "empty_image"),
            ([PROMPT, PHOTO, ("mask", b"a"), ("mask[]", b"b")], "mask", "too_many_images"),
            ([PROMPT, *[PHOTO] * 17], "image", "too_many_images"),
            ([("prompt", b"make it blue"), PHOTO], "prompt", "missing_required_parameter"),
        ],
    )
    async def test_a_form_that_cannot_be_an_edit_is_a_400(self, parts: list[Part], param: str, code: str) -> None:
        """Naming the parameter: what is missing, is text and not a file, is empty, or is too many."""
        detail = (await refused_form(*parts)).detail
        assert (detail.status, detail.param, detail.code) == (400, param, code)

    async def test_a_form_without_an_image_is_told_in_llmapi_s_words(self) -> None:
        """Its clients look for this text."""
        assert (await refused_form(PROMPT, ("mask", b"overlay"))).detail.message == "image file is required"

    @pytest.mark.parametrize(("name", "value"), OUT_OF_RANGE)
    async def test_a_value_out_of_range_is_a_400(self, name: str, value: object) -> None:
        """Naming the parameter."""
        parts = dict((PROMPT, (name, str(value))))
        detail = (await refused_form(PHOTO, *parts.items())).detail
        assert (detail.status, detail.param, detail.code) == (400, name, "invalid_value")

    async def test_all_mistakes_are_told(self) -> None:
        """The message lists every wrong field."""
        message = (await refused_form(PHOTO, ("n", "0"), ("partial_images", "9"))).detail.message
        assert all(name in message for name in ("prompt", "n:", "partial_images"))

    @pytest.mark.parametrize(
        "parts", [[], [("prompt", "")], [PROMPT, ("n", "99")], [PROMPT, ("image", "text")], [PROMPT, ("image", b"")]]
    )
    async def test_a_refusal_leaves_no_file(self, parts: list[Part]) -> None:
        """However large the image was, it is gone."""
        before = temporary_files()
        await refused_form(("image", bytes(2 * MIB)), *parts)
        assert temporary_files() == before

    async def test_the_request_owns_its_files(self) -> None:
        """Large uploads of every kind are open until the request is closed."""
        before = temporary_files()
        large = bytes(2 * MIB)
        request = await read_form(PROMPT, ("image", large), ("mask", large), ("sketch", large))
        assert temporary_files() == before + 3
        request.close()
        assert temporary_files() == before


class TestJson:
    """application/json."""

    @pytest.mark.parametrize("name", ["mask", "markup"])
    async def test_images_come_as_data_urls(self, name: str) -> None:
        """Images in their order, with mask and markup."""
        other = "data:image/webp;base64," + base64.b64encode(b"other").decode()
        request = await read_json(
            {"prompt": "x", "images": [{"image_url": PNG}, {"image_url": other}], name: {"image_url": PNG}}
        )
        assert [(image.media_type, await image.upload.read()) for image in request.images] == [
            ("image/png", b"photo"),
            ("image/webp", b"other"),
        ]
        file = getattr(request, name)
        assert await file.upload.read() == b"photo"

    async def test_options_have_their_types(self) -> None:
        """Numbers and booleans as such or as text, null as absent."""
        request = await read_json(
            {**MINIMAL, "n": 2, "partial_images": "3", "stream": True, "size": None, "model": "m", "user": 7}
        )
        assert request.options == EditOptions(n=2, partial_images=3, user="7")
        assert (request.stream, request.model, request.extra) == (True, "m", ())

    async def test_unknown_fields_become_form_fields(self) -> None:
        """Members as `a[b]`, elements as `a[]`, booleans in lower case, null left out: as OpenAI's SDKs write them."""
        extra = {
            "svg": {"model": "m", "reasoning": {"effort": "low"}},
            "labels": ["b", "a"],
            "f": False,
            "x": None,
            "i": 5,
            "t": "é",
        }
        assert (await read_json({**MINIMAL, **extra})).extra == (
            ("svg[model]", "m"),
            ("svg[reasoning][effort]", "low"),
            ("labels[]", "b"),
            ("labels[]", "a"),
            ("f", "false"),
            ("i", "5"),
            ("t", "é"),
        )

    @pytest.mark.parametrize(
        ("change", "param"),
        [
            ({"images": None}, "images"),
            ({"images": []}, "images"),
            ({"images": [{"image_url": PNG}] * 17}, "images"),
            ({"images": [{}]}, "images[0]"),
            ({"images": [{"image_url": PNG}, {"image_url": PNG, "file_id": "file-1"}]}, "images[1]"),
            ({"images": [{"image_url": {"url": PNG, "detail": "high"}}]}, "images[0].image_url"),
            ({"images": [{"image_url": {"url": {"url": PNG}}}]}, "images[0].image_url"),
            ({"image": {"image_url": PNG}}, "image"),
            ({"images": [PNG]}, "images[0]"),
            ({"images": PNG}, "images"),
            ({"images": [{"image_url": PNG}, {"image_url": "ftp://x/y.png"}]}, "images[1].image_url"),
            ({"images": [{"image_url": "https://x/" + "y" * 8183}]}, "images[0].image_url"),
            ({"images": [{"image_url": "data:image/png;base64,*"}]}, "images[0].image_url"),
            ({"images": [{"file_id": ""}]}, "images[0].file_id"),
            ({"images": [{"file_id": "f" * 257}]}, "images[0].file_id"),
            ({"images": [{"image_url": "data:image/png;base64,"}]}, "image"),
            ({"mask": {"file_id": 7}}, "mask.file_id"),
            ({"mask": {"image_url": "http:/x"}}, "mask.image_url"),
            ({"mask": {"image_url": "data:image/png;base64,"}}, "mask"),
            ({"mask": {}}, "mask"),
            ({"markup": "x"}, "markup"),
            ({"prompt": None}, "prompt"),
            ({"prompt": ["x"]}, "prompt"),
            ({"size": [1024, 1024]}, "size"),
            ({"model": {"name": "m"}}, "model"),
            *(({name: value}, name) for name, value in OUT_OF_RANGE),
        ],
    )
    async def test_a_wrong_value_is_a_400_that_names_it(self, change: dict[str, Any], param: str) -> None:
        """The parameter's path, as the client would write it."""
        detail = (await refused_json(json.dumps({**MINIMAL, **change}).encode())).detail
        assert (detail.status, detail.param) == (400, param)

    @pytest.mark.parametrize("missing", ["prompt", "images"])
    async def test_what_is_missing_is_said(self, missing: str) -> None:
        """`prompt` and `images` are required."""
        body = {name: value for name, value in MINIMAL.items() if name != missing}
        detail = (await refused_json(json.dumps(body).encode())).detail
        assert (detail.param, detail.code) == (missing, "missing_required_parameter")

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"images": None}, "images[].image_url is required"),
            ({"images": []}, "images[].image_url is required"),
            ({"images": [{"image_url": PNG}, {}]}, "images[].image_url is required"),
            ({"images": [{"image_url": None}]}, "images[].image_url is required"),
            ({"mask": {}}, "mask.image_url is required"),
        ],
    )
    async def test_images_that_are_not_there_are_told_in_llmapi_s_words(self, change: dict[str, Any], message: str) -> None:
        """Its clients look for these texts."""
        assert (await refused_json(json.dumps({**MINIMAL, **change}).encode())).detail.message == message

    async def test_no_images_at_all_are_told_in_llmapi_s_words(self) -> None:
        """Beside other mistakes, too."""
        alone, first = [(await refused_json(body)).detail.message for body in (b'{"prompt": "x"}', b"{}")]
        assert (alone, first) == ("images[].image_url is required", "prompt: Field required; images[].image_url is required")

    @pytest.mark.parametrize("name", ["image", "images"])
    async def test_images_may_be_written_as_xai_has_them(self, name: str) -> None:
        """`url` beside a `type`, one image without a list, several with one; a mask likewise."""
        reference = {"url": PNG, "type": "image_url"}
        for images in (reference, [reference], [reference, {"image_url": PNG}]):
            request = await read_json({"prompt": "x", name: images, "mask": reference})
            contents = [await image.upload.read() for image in request.files()]
            assert contents == [b"photo"] * (len(images) + 1 if isinstance(images, list) else 2)
            assert not request.extra

    @pytest.mark.parametrize(
        ("images", "param"),
        [({"url": "file:///y.png"}, "images[0].image_url"), ({"url": PNG, "type": "file"}, "image[0].type")],
    )
    async def test_a_wrong_image_of_xai_s_is_named(self, images: object, param: str) -> None:
        """An address of another scheme, and a type that is not known."""
        detail = (await refused_json(json.dumps({"prompt": "x", "image": images}).encode())).detail
        assert (detail.status, detail.param) == (400, param)

    async def test_images_may_be_named(self) -> None:
        """By URL or file id, the mask likewise: references, whose content nobody has brought in yet."""
        named = [{"image_url": "https://example.com/in.png"}, {"file_id": "file-1"}, {"image_url": {"url": "http://x"}}]
        request = await read_json({"prompt": "x", "images": named, "mask": {"file_id": "f"}, "markup": {"url": "HTTPS://x/"}})
        assert list(request.references()) == [
            Reference("images[0].image_url", url="https://example.com/in.png"),
            Reference("images[1].file_id", file_id="file-1"),
            Reference("images[2].image_url", url="http://x"),
            Reference("mask.file_id", file_id="f"),
            Reference("markup.image_url", url="HTTPS://x/"),
        ]
        assert not any(image.upload.size_bytes for image in request.files())

    async def test_an_image_may_be_wrapped_as_in_a_chat(self) -> None:
        """`{"image_url": {"url": ...}}`."""
        request = await read_json({"prompt": "x", "images": [{"type": "image_url", "image_url": {"url": PNG}}]})
        assert [await image.upload.read() for image in request.images] == [b"photo"]

    @pytest.mark.parametrize(
        "body", [b"", b"{", b"{}{}", b'{"prompt": "\xff"}', b"prompt=x", b"[" * 100_000, b'{"prompt": "\\ud800"}']
    )
    async def test_what_is_not_json_is_a_400(self, body: bytes) -> None:
        """Cut off, not UTF-8, nested without end: said as one thing."""
        detail = (await refused_json(body)).detail
        assert (detail.status, detail.param, detail.code) == (400, "body", "invalid_json")

    @pytest.mark.parametrize("body", [b"[]", b"null", b'"text"', b"1"])
    async def test_json_that_is_no_object_is_a_400(self, body: bytes) -> None:
        """A body is an object."""
        assert (await refused_json(body)).detail.param == "body"

    @pytest.mark.parametrize(
        ("image_bytes", "count", "param"), [(3 * MIB + 1, 1, "images[0]"), (7 * MIB, 1, "images[0]"), (2 * MIB, 4, "body")]
    )
    async def test_what_is_too_large_is_a_413(self, image_bytes: int, count: int, param: str) -> None:
        """An image above its bound, a body above its own."""
        before = temporary_files()
        url = "data:image/png;base64," + base64.b64encode(bytes(image_bytes)).decode()
        detail = (await refused_json(json.dumps({"prompt": "x", "images": [{"image_url": url}] * count}).encode())).detail
        assert (detail.status, detail.param) == (413, param)
        assert temporary_files() == before

    async def test_large_images_go_to_disk(self) -> None:
        """As those of a form do, until the request is closed."""
        before = temporary_files()
        url = "data:image/png;base64," + base64.b64encode(bytes(2 * MIB)).decode()
        request = await read_json({"prompt": "x", "images": [{"image_url": url}]})
        assert temporary_files() == before + 1
        request.close()
        assert temporary_files() == before


class TestContentType:
    """What kind of body it is."""

    @pytest.mark.parametrize("content_type", ["application/json", "Application/JSON; charset=utf-8", "application/json;"])
    async def test_json_is_known_in_every_spelling(self, content_type: str) -> None:
        """Upper case and parameters do not matter."""
        assert (await read_request(content_type, pieces(json.dumps(MINIMAL).encode()), LIMITS)).prompt == "make it blue"

    @pytest.mark.parametrize(
        "content_type", ["multipart/form-data; boundary=limit", 'Multipart/Form-Data; charset=utf-8; Boundary="limit"']
    )
    async def test_a_form_is_known_in_every_spelling(self, content_type: str) -> None:
        """Upper case, quotes and parameters do not matter."""
        request = await read_request(content_type, pieces(form_of(PROMPT, PHOTO)), LIMITS)
        assert request.prompt == "make it blue"

    @pytest.mark.parametrize("content_type", OTHER_TYPES)
    async def test_another_body_is_a_415(self, content_type: str) -> None:
        """Neither a form nor JSON."""
        assert (await refusal(content_type, b"")).detail.status == 415

    @pytest.mark.parametrize(
        "content_type", ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=" + "x" * 300]
    )
    async def test_a_form_needs_a_boundary(self, content_type: str) -> None:
        """None, an empty one, and one that is too long are a 400."""
        error = await refusal(content_type, b"--x--")
        assert isinstance(error, InvalidRequest)
        assert error.detail.code == "invalid_multipart"


def form_of(*parts: Part, filename: str = "photo.png") -> bytes:
    """The parts of a form, in their order."""
    body = b""
    for name, content in parts:
        file = f'; filename="{filename}"\r\ncontent-type: image/png' if isinstance(content, bytes) else ""
        data = content if isinstance(content, bytes) else content.encode()
        body += f'--limit\r\ncontent-disposition: form-data; name="{name}"{file}\r\n\r\n'.encode() + data + b"\r\n"
    return body + b"--limit--\r\n"


async def read_form(*parts: Part, filename: str = "photo.png") -> EditRequest:
    """The request that a form makes."""
    return await read_request("multipart/form-data; boundary=limit", pieces(form_of(*parts, filename=filename)), LIMITS)


async def refused_form(*parts: Part) -> CallerError:
    """What is raised for a form."""
    with pytest.raises(CallerError) as caught:
        await read_form(*parts)
    return caught.value


async def read_json(body: object) -> EditRequest:
    """The request that a JSON body makes."""
    return await read_request("application/json", pieces(json.dumps(body).encode()), LIMITS)


async def refused_json(body: bytes) -> CallerError:
    """What is raised for a JSON body."""
    return await refusal("application/json", body)


async def refusal(content_type: str, body: bytes) -> CallerError:
    """What is raised for a body."""
    with pytest.raises(CallerError) as caught:
        await read_request(content_type, pieces(body), LIMITS)
    return caught.value


async def pieces(body: bytes) -> AsyncIterator[bytes]:
    """A body as it arrives."""
    for at in range(0, len(body), 65_536):
        yield body[at : at + 65_536]
