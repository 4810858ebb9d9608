"""Views to whom nothing happens."""

import time

import httpx
from servers import serving, settings_of

from streamedit.targets import Target

HANGS = Target("mock", "mock", params={"mock_pace_s": 0, "mock_partials": 1, "mock_fault": "hang"})
IMAGE = "data:image/png;base64,iVBORw0KGgo="


def test_an_old_view_is_asked_to_come_back() -> None:
    """After `viewer_age_s`, also where that is shorter than the silence before a heartbeat; it has had all events by then."""
    with serving(settings_of(HANGS, viewer_age_s=0.3)) as server:
        body = {"prompt": "p", "images": [{"image_url": IMAGE}]}
        edit_id = httpx.post(f"{server.edits_url}/async", json=body).headers["x-edit-id"]
        begun_s = time.monotonic()
        text = httpx.get(f"{server.edits_url}/{edit_id}/events").text
    assert 0.2 < time.monotonic() - begun_s < 5
    assert text.count("id: 1\n") == 1
    assert "\n\nretry: " in text
    assert text.endswith("\n\n")
