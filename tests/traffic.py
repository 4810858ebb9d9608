"""A ledger full of plausible edits, for whoever looks at it: rows for the tables, the same for the same seed."""

import math
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

from sqlalchemy import Connection, insert

from streamedit.outcomes import COMPLETED
from streamedit.stores.sql.tables import ATTEMPTS, EDITS

Row: TypeAlias = dict[str, Any]

DAY_S = 86_400

MODELS = (
    ("gpt-image-2", "openai", 30, 61_000, 4.5),
    ("gemini-3-pro-image", "gemini", 16, 134_000, 7.0),
    ("flux-kontext-pro", "black_forest_labs", 12, 40_000, 5.0),
    ("gpt-image-1-mini", "openai", 9, 11_000, 3.5),
    ("stable-image-inpaint", "stability", 5, 30_000, 2.8),
    ("darkroom", "darkroom", 8, None, 0.15),
)
"""Name, provider, how much of the traffic, cost of an image, seconds until the first event."""

FAILURES = (
    ("moderation_blocked", 400, 9), ("rate_limit_exceeded", 429, 6), ("upstream_timeout", 504, 4),
    ("upstream_broken", 502, 3), ("invalid_image_file", 400, 3), ("cancelled", 499, 2),
)  # fmt: skip

KEYS = ("key_storefront00", "key_mobileapp000", "key_backoffice00", "key_studio000000", "key_nightly00000")
END_USERS = tuple(f"user-{number:04}" for number in range(1, 400))

_TALLIES = (
    "partial_images", "retries", "fallbacks", "input_tokens", "input_image_tokens", "cached_tokens", "output_text_tokens",
    "input_bytes",
)  # fmt: skip


def edit_row(edit_id: str, started_at_s: float, **told: Any) -> Row:
    """One edit that was completed; `told` says what is different."""
    row: Row = {
        "edit_id": edit_id, "started_at_s": started_at_s, "day": datetime.fromtimestamp(started_at_s, UTC).date().isoformat(),
        "key_id": "anonymous", "group_id": None, "end_user": None, "model": "mock", "route": "mock", "provider": "mock",
        "outcome": COMPLETED, "status": None, "error_type": None, "stream": True, "images": 1, "attempts": 1,
        "output_tokens": 0, "cost_micros": 0, "charge_micros": 0, "overhead_s": 0.0004, "first_event_s": 1.0, "total_s": 2.0,
        "size_bytes": 1_000_000, "trace_id": None, "flagged": [], "metadata": {},
    }  # fmt: skip
    return {**row, **dict.fromkeys(_TALLIES, 0), **told}


def attempt_row(edit: Row, **told: Any) -> Row:
    """The edit's only attempt."""
    shared = (
        "edit_id", "model", "provider", "outcome", "status", "started_at_s", "first_event_s", "total_s", "images",
        "partial_images", "size_bytes", "input_tokens", "input_image_tokens", "cached_tokens", "output_tokens",
        "output_text_tokens", "cost_micros", "charge_micros",
    )  # fmt: skip
    own: Row = {
        "position": 1, "target": edit["model"], "target_id": None, "number": 1, "stage": 1, "image_index": 0,
        "charged": False, "cooldown_s": 0.0,
    }  # fmt: skip
    return {**{name: edit[name] for name in shared}, **own, **told}


def plausible(count: int, now_s: float, days: int = 30, seed: int = 1) -> Iterator[Row]:
    """So many edits of the last `days`: more by day than by night, more of late, now and then a bad hour."""
    chance = random.Random(seed)
    for number in range(count):
        yield _edit(chance, f"edit_{number:08}", now_s - _age_s(chance, days, now_s))


def write(connection: Connection, edits: Sequence[Row]) -> None:
    """Enter edits, each with its attempt."""
    connection.execute(insert(EDITS), edits)
    connection.execute(insert(ATTEMPTS), [attempt_row(edit) for edit in edits])


def _age_s(chance: random.Random, days: int, now_s: float) -> float:
    """Offices are busy at 14:00 UTC."""
    while True:
        age_s = chance.random() * days * DAY_S
        hour = (now_s - age_s) % DAY_S / 3600
        busy = 0.55 + 0.45 * math.cos((hour - 14) / 24 * math.tau)
        if chance.random() < busy * (1 - 0.5 * age_s / days / DAY_S):
            return age_s


def _edit(chance: random.Random, edit_id: str, started_at_s: float) -> Row:
    model, provider, _, price, first_s = chance.choices(MODELS, [weight for _, _, weight, _, _ in MODELS])[0]
    first_event_s = first_s * chance.lognormvariate(0, 0.35)
    who = {
        "key_id": chance.choices(KEYS, (40, 25, 15, 12, 8))[0],
        "end_user": END_USERS[int(len(END_USERS) * chance.random() ** 3)] if chance.random() < 0.8 else None,
        "model": model, "route": model, "provider": provider,
    }  # fmt: skip
    is_bad_hour = provider == "openai" and int(started_at_s / 3600) % 97 == 0
    if chance.random() < (0.4 if is_bad_hour else 0.035):
        outcome, status, _ = chance.choices(FAILURES, [weight for _, _, weight in FAILURES])[0]
        failed = {"outcome": outcome, "status": status, "images": 0, "first_event_s": None, "cost_micros": None}
        return edit_row(edit_id, started_at_s, **who, **failed, total_s=first_event_s)
    images = chance.choices((1, 2, 4), (88, 8, 4))[0]
    cost_micros = None if price is None else round(images * price * chance.lognormvariate(0, 0.2))
    total_s = first_event_s * chance.uniform(1.2, 3.2)
    cost = {"cost_micros": cost_micros, "charge_micros": cost_micros or 0}
    return edit_row(edit_id, started_at_s, **who, **cost, images=images, first_event_s=first_event_s, total_s=total_s)
