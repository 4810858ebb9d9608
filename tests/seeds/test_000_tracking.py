"""LiteLLM's promises for image edits: "Cost Tracking", "Logging", "End-user Tracking"."""

import csv
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from accounts import MASTER, Accounts, accounting, bearer
from clients import Answer, get, post
from databases import KINDS
from upstreams import Asked, Script, ScriptedUpstream, answer, completed, json_answer

from streamedit.targets import Target

USAGE = {
    "input_tokens": 200,
    "output_tokens": 1000,
    "total_tokens": 1200,
    "input_tokens_details": {"text_tokens": 50, "image_tokens": 150},
}
COST_MICROS = 50 * 5 + 150 * 8 + 1000 * 30
"""50 text and 150 image tokens in, 1,000 out, at LiteLLM's prices for gpt-image-2: $0.03145."""


def made(asked: Asked) -> Script:
    """An image with its usage, streamed or not."""
    if asked.field("stream") == "true":
        return [answer(completed(usage=USAGE))]
    return [json_answer({"created": 1, "data": [{"b64_json": "QUJD"}], "usage": USAGE})]


@contextmanager
def proxy(kind: str, folder: Path, provider: ScriptedUpstream) -> Iterator[Accounts]:
    """A server with gpt-image-2 and a ledger."""
    provider.serve(made)
    target = Target("openai", "gpt-image-2", "sk-provider", provider.url, id="t")
    with accounting(kind, folder, target) as accounts:
        yield accounts


def usage(accounts: Accounts, by: str, headers: dict[str, str] | None = None) -> Answer:
    """The sums of the ledger, for the master unless it is somebody else."""
    return get(f"{accounts.server.url}/v1/usage?group_by={by}", headers or bearer(MASTER))


@pytest.mark.parametrize("kind", KINDS)
def test_cost_tracking_logging_end_user_tracking(kind: str, tmp_path: Path, scripted: ScriptedUpstream) -> None:
    """Three edits of two end users: their cost is in the answers, the log, the ledger and the sums, to the micro-dollar."""
    with proxy(kind, tmp_path, scripted) as accounts:
        key, headers = accounts.key()
        for user, stream in (("anna", "false"), ("anna", "true"), ("bert", "false")):
            fields = {"user": user, "stream": stream, "tags": '["spring"]', "metadata": '{"order": "42"}'}
            edit = post(accounts.server.edits_url, fields, headers={**headers, "x-litellm-call-id": "call-1"})
            assert (edit.status, edit.headers["x-litellm-call-id"]) == (200, "call-1")
            assert edit.headers["x-litellm-response-cost"] == "0.03145"
        accounts.server.wait_until_idle()

        # Cost tracking.
        [row] = usage(accounts, "model").json["data"]
        assert (row["model"], row["edits"], row["images"], row["cost_micros"]) == ("gpt-image-2", 3, 3, 3 * COST_MICROS)
        assert (row["input_tokens"], row["input_image_tokens"], row["output_tokens"]) == (600, 450, 3000)
        assert usage(accounts, "key").json["data"][0]["key"] == key.id

        # End-user tracking.
        by_user = {row["end_user"]: row["cost_micros"] for row in usage(accounts, "end_user").json["data"]}
        assert by_user == {"anna": 2 * COST_MICROS, "bert": COST_MICROS}

        # Logging: a line for each edit and attempt, a row for each in the ledger with what the caller noted of it.
        lines = [json.loads(line) for line in accounts.server.log_text.splitlines()]
        assert [line["cost_micros"] for line in lines if line["event"] == "edit ended"] == [COST_MICROS] * 3
        assert "anna" not in accounts.server.log_text
        edits = get(f"{accounts.server.url}/v1/admin/edits", bearer(MASTER)).json["data"]
        assert [edit["end_user"] for edit in edits] == ["bert", "anna", "anna"]
        assert all(edit["metadata"] == {"order": "42"} and edit["tags"] == ["spring"] for edit in edits)
        assert [attempt["target"] for edit in edits for attempt in edit["attempts"]] == ["gpt-image-2"] * 3


def test_spend_logs_as_a_spreadsheet(tmp_path: Path, scripted: ScriptedUpstream) -> None:
    """By day and tag, as CSV; a key sees its own alone."""
    with proxy("sqlite", tmp_path, scripted) as accounts:
        _, headers = accounts.key()
        _, other = accounts.key()
        post(accounts.server.edits_url, {"tags": "a,b"}, headers=headers)
        accounts.server.wait_until_idle()
        url = f"{accounts.server.url}/v1/usage?group_by=tag&format=csv"
        rows = list(csv.DictReader(io.StringIO(httpx.get(url, headers=headers).text)))
        assert {row["tag"]: row["cost_micros"] for row in rows} == {"a": str(COST_MICROS), "b": str(COST_MICROS)}
        assert list(csv.DictReader(io.StringIO(httpx.get(url, headers=other).text))) == []


def test_failures_are_tracked_as_well(tmp_path: Path, scripted: ScriptedUpstream) -> None:
    """What a provider refuses costs nothing, and is there with its error."""
    with proxy("sqlite", tmp_path, scripted) as accounts:
        scripted.serve(
            lambda _: [json_answer({"error": {"message": "no", "type": "t", "param": None, "code": "c"}}, "400 Bad Request")]
        )
        assert post(accounts.server.edits_url, {"user": "anna"}, headers=accounts.key()[1]).status == 400
        accounts.server.wait_until_idle()
        [edit] = get(f"{accounts.server.url}/v1/admin/edits", bearer(MASTER)).json["data"]
        assert (edit["outcome"], edit["status"], edit["cost_micros"], edit["end_user"]) == ("c", 400, None, "anna")
