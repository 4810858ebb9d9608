"""What is told of an edit's end, and that its receiver can tell from whom it is."""

import base64
import json
import time
from dataclasses import replace

import pytest
from hooks import KEY, SECRET
from openai import OpenAI
from reports import EDIT
from standardwebhooks import Webhook, WebhookVerificationError

from streamedit.records import Report
from streamedit.webhooks import notice_of, signed


def test_a_completed_edit_is_told_in_numbers() -> None:
    """Who made it, how many calls that took, what it cost: enough to book it, and the id to read it by."""
    event = json.loads(notice_of(Report(EDIT), 1_790_000_000.7).content)
    assert event.pop("id").startswith("evt_")
    assert event == {
        "object": "event",
        "type": "image_edit.completed",
        "created_at": 1_790_000_000,
        "data": {
            "id": "edit_1",
            "object": "image.edit",
            "status": "completed",
            "model": "gpt-image-2",
            "provider": "openai",
            "stream": True,
            "images": 1,
            "partial_images": 2,
            "attempts": 3,
            "fallbacks": 1,
            "error": None,
            "usage": {"input_tokens": 10, "output_tokens": 1000, "total_tokens": 1010},
            "cost_micros": 30_050,
            "first_event_s": 0.3,
            "total_s": 4.0,
        },
    }


@pytest.mark.parametrize(
    ("outcome", "status"), [("moderation_blocked", "failed"), ("cancelled", "cancelled"), ("upstream_timeout", "failed")]
)
def test_an_edit_without_its_images_says_why(outcome: str, status: str) -> None:
    """By the error's code, type and status, without its message; what its owner has cancelled is no failure."""
    failed = replace(EDIT, outcome=outcome, status=400, error_type="image_generation_user_error", images=0, provider="")
    notice = notice_of(Report(failed), 1_790_000_000)
    data = json.loads(notice.content)["data"]
    assert (notice.type, data["status"], data["provider"]) == (f"image_edit.{status}", status, None)
    assert data["error"] == {"code": outcome, "type": "image_generation_user_error", "status": 400}


def test_every_event_has_an_id_of_its_own() -> None:
    """Two ends of edits are two events, told apart by more than chance."""
    ids = {notice_of(Report(EDIT), 1_790_000_000).id for _ in range(100)}
    assert len(ids) == 100
    assert not any("." in each for each in ids)


def test_standard_webhooks_own_library_verifies_it() -> None:
    """The three headers and the very bytes; one byte more, or another secret, is refused."""
    notice = notice_of(Report(EDIT), time.time())
    headers = dict(signed(notice, KEY, time.time()))
    assert Webhook(SECRET).verify(notice.content, headers)["data"]["id"] == "edit_1"
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(notice.content + b" ", headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(base64.b64encode(KEY[::-1]).decode()).verify(notice.content, headers)


def test_openais_package_verifies_it() -> None:
    """Whoever receives OpenAI's webhooks has what it takes."""
    notice = notice_of(Report(EDIT), time.time())
    client = OpenAI(api_key="none", webhook_secret=SECRET)
    client.webhooks.verify_signature(notice.content.decode(), dict(signed(notice, KEY, time.time())))


async def test_a_notice_is_a_request_body() -> None:
    """As often as it is asked for, in the length that it tells."""
    notice = notice_of(Report(EDIT), 1_790_000_000)
    for _ in range(2):
        assert b"".join([piece async for piece in notice]) == notice.content
    assert (notice.content_length, notice.content_type) == (len(notice.content), "application/json")
