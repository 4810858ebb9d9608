"""The legal order of an edit's events, their usage and their collapse."""

from collections.abc import Sequence
from itertools import product

import pytest
from drained import image, raw
from hypothesis import given
from hypothesis import strategies as st

from streamedit.contents import Content
from streamedit.errors import ErrorDetail
from streamedit.events import Completed, Event, Failed, IllegalEvent, Order, PartialImage, Payload, Usage, collapse

FAILED = Failed(ErrorDetail(502, "upstream_error", "broken"))


def partial(image_index: int = 0) -> PartialImage:
    """A partial image of one of the images."""
    return PartialImage(Payload(Content((b"{}",)), {}), {}, image_index)


def completed(image_index: int = 0) -> Completed:
    """One of the images, completed."""
    return Completed(Payload(Content((b"{}",)), {}), {}, image_index)


def alphabet(n: int) -> list[Event]:
    """Every kind of event for each of n images and for one that is not the edit's."""
    return [FAILED, *(make(index) for make in (partial, completed) for index in range(n + 1))]


@pytest.mark.parametrize("n", [1, 2])
def test_every_short_sequence_is_accepted_as_far_as_it_is_legal(n: int) -> None:
    """Up to four events long: partials while open, one completed each, the end at the n-th or at a failure."""
    for events in product(alphabet(n), repeat=4):
        assert accepted(events, n) == legal(events, n), events


@given(st.integers(1, 4).flatmap(lambda n: st.tuples(st.just(n), st.lists(st.sampled_from(alphabet(n)), max_size=30))))
def test_long_sequences_are_accepted_as_far_as_they_are_legal(case: tuple[int, list[Event]]) -> None:
    """The same law for more images and longer edits."""
    n, events = case
    assert accepted(events, n) == legal(events, n)


@given(st.integers(1, 10), st.data())
def test_exactly_one_event_is_the_last(n: int, data: st.DataObject) -> None:
    """An edit whose images all arrive ends with its n-th completed image, whatever their order."""
    order = Order(n)
    last = [order.accept(completed(index)) for index in data.draw(st.permutations(range(n)))]
    assert last == [False] * (n - 1) + [True]
    assert order.ended


def test_an_illegal_event_changes_nothing() -> None:
    """An event that is refused leaves the edit open for the legal one."""
    order = Order(1)
    with pytest.raises(IllegalEvent, match="image 1, which is unknown"):
        order.accept(completed(1))
    assert not order.ended
    assert order.accept(completed(0))


@given(st.permutations(range(5)), st.integers(1, 5), st.booleans())
def test_collapse_gives_images_in_order(finished: Sequence[int], count: int, failed: bool) -> None:
    """The images come in the order of their index; those that were paid for are given even if others failed."""
    events: list[Event] = [event for index in finished[:count] for event in (partial(index), completed(index))]
    images = collapse([*events, FAILED] if failed else events)
    assert isinstance(images, Sequence)
    assert [image.image_index for image in images] == sorted(finished[:count])


def test_collapse_of_an_edit_without_images_is_its_failure() -> None:
    """Partial images are no result."""
    assert collapse([partial(), FAILED]) is FAILED


@pytest.mark.parametrize(
    ("reported", "counted"),
    [
        ({"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}, Usage(1, 2, 3)),
        ({"input_tokens": 1}, Usage(1, 0, 0)),
        ({"input_tokens": "many", "output_tokens": True, "total_tokens": None}, Usage()),
        ({"input_tokens": -1, "output_tokens": 10**9 + 1, "total_tokens": 10**9}, Usage(0, 0, 10**9)),
        ({}, Usage()),
        (None, Usage()),
        ([1, 2, 3], Usage()),
    ],
)
def test_usage_counts_what_is_a_count(reported: object, counted: Usage) -> None:
    """Tokens are read where the provider gives whole numbers, zeros stand for the rest."""
    assert Usage.of(Payload(Content((b"{}",)), {"usage": reported})) == counted


def test_usage_adds_up() -> None:
    """The usage of an edit is the sum of its images'."""
    assert Usage(1, 2, 3) + Usage(10, 20, 30) == Usage(11, 22, 33)
    assert Usage.of(Payload(Content((b"{}",)), {})) == Usage()


@pytest.mark.parametrize(
    "pieces", [(b'{"b64_json":"QUJD"}',), (b'{"b64_json":"', b"QUJD", b'"}'), (b'{"b64_json":"Q', b"", b"UJ", b'D"}')]
)
def test_an_image_is_a_part_of_its_event(pieces: tuple[bytes, ...]) -> None:
    """The base64 text is a part of the event's own bytes, however many pieces these are in."""
    payload = Payload(Content(pieces), {"b64_json": ""}, slice(13, 17))
    assert image(payload) == b"QUJD"
    assert (payload.has_image, raw(payload), payload.size_bytes) == (True, b"".join(pieces), 19)


def test_an_event_may_have_no_image() -> None:
    """Where the image is given by URL the base64 text is empty."""
    payload = Payload(Content((b"{}",)), {})
    assert (payload.has_image, image(payload)) == (False, b"")


def accepted(events: Sequence[Event], n: int) -> list[bool]:
    """What `Order` answers, up to the first event that it refuses."""
    order, answers = Order(n), []
    for event in events:
        try:
            answers.append(order.accept(event))
        except IllegalEvent:
            break
    return answers


def legal(events: Sequence[Event], n: int) -> list[bool]:
    """The law in other words: for each event that may come, whether it ends the edit."""
    done: set[int] = set()
    answers: list[bool] = []
    for event in events:
        if True in answers:
            break
        if not isinstance(event, Failed):
            if event.image_index in done or event.image_index >= n:
                break
            done |= {event.image_index} if isinstance(event, Completed) else set()
        answers.append(isinstance(event, Failed) or len(done) == n)
    return answers
