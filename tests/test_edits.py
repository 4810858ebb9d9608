"""What is asked: the request's own small laws."""

import re
from dataclasses import replace

from streamedit.edits import EditOptions, EditRequest, InputImage, Reference, new_edit_id
from streamedit.uploads import Upload


def test_partial_images_are_for_streams() -> None:
    """A caller who does not stream is not charged for interim images, even when they were asked for."""
    options = EditOptions(partial_images=3)
    assert request(stream=True, options=options).partial_images == 3
    assert request(stream=False, options=options).partial_images == 0
    assert request(stream=True).partial_images == 0


def test_one_image_unless_more_are_asked_for() -> None:
    """`n` defaults to 1."""
    assert request().n == 1
    assert request(options=EditOptions(n=4)).n == 4


def test_single_asks_for_one_of_the_images() -> None:
    """A call for one image of n is the same request without n, and knows which one it makes."""
    whole = request(stream=True, options=EditOptions(n=4, size="auto", partial_images=2))
    one = whole.single(2)
    assert (one.n, one.options.n, one.image_index) == (1, None, 2)
    assert (one.options.size, one.partial_images, one.images) == ("auto", 2, whole.images)
    assert whole.n == 4


def test_close_gives_every_upload_back() -> None:
    """Images, mask, markup and files of unknown fields: nothing is kept, and closing twice is allowed."""
    whole = request(mask=image(), markup=image(), extra_files=(("sketch", image()),))
    assert [file.upload.size_bytes for file in whole.files()] == [4, 4, 4, 4, 4]
    whole.close()
    whole.close()
    assert [file.upload.size_bytes for file in whole.files()] == [0, 0, 0, 0, 0]


def test_references_are_what_is_only_named() -> None:
    """Images first, then mask and markup; an image that has come is none."""
    first, second = Reference("images[1].image_url", url="https://x"), Reference("mask.file_id", file_id="f")
    whole = request(mask=replace(image(), reference=second), markup=image())
    whole = replace(whole, images=(image(), replace(image(), reference=first)))
    assert list(whole.references()) == [first, second]
    assert not list(request().references())


def test_ids_are_long_and_never_the_same() -> None:
    """An edit's id has 128 random bits, so that it cannot be guessed."""
    ids = {new_edit_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(re.fullmatch(r"edit_[0-9a-f]{32}", edit_id) for edit_id in ids)


def image() -> InputImage:
    """An image of four bytes."""
    return InputImage(Upload(b"data"), "photo.png", "image/png")


def request(
    *,
    stream: bool = False,
    options: EditOptions | None = None,
    mask: InputImage | None = None,
    markup: InputImage | None = None,
    extra_files: tuple[tuple[str, InputImage], ...] = (),
) -> EditRequest:
    """A request with two images."""
    return EditRequest(
        prompt="x",
        images=(image(), image()),
        stream=stream,
        options=options or EditOptions(),
        mask=mask,
        markup=markup,
        extra_files=extra_files,
    )
